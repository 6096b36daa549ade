//! Commands about the server: what it is, how it is configured, what it has done.

use crate::context::{Args, Context, Outcome};
use crate::table::Flag::{
    Admin, AllowBusy, Fast, Loading, NoAsyncLoading, NoMulti, NoScript, Readonly, Stale,
};
use crate::table::{Begin, Command, Find, Flag, KeySpec};

mod command;
mod command_docs;
mod command_info;
mod config;
mod debug;
mod digest;
mod info;
mod memory;
mod persistence;
mod process;

const ADMIN: &[Flag] = &[Admin, NoScript, Loading, Stale];
const ANY_TIME: &[Flag] = &[Loading, Stale];
const ADMIN_CATEGORIES: &[&str] = &["admin", "slow", "dangerous"];
const NONDETERMINISTIC: &[&str] = &["nondeterministic_output"];

const ROW: Command =
    Command { group: "server", since: "1.0.0", complexity: "O(1)", ..Command::BLANK };

/// A subcommand or command for administrators.
const ADMIN_ROW: Command = Command { flags: ADMIN, categories: ADMIN_CATEGORIES, ..ROW };

/// A container of subcommands.
const CONTAINER: Command =
    Command { arity: -2, categories: &["slow"], complexity: "Depends on the subcommand.", ..ROW };

/// A subcommand of COMMAND.
const ABOUT_COMMANDS: Command =
    Command { flags: ANY_TIME, categories: &["slow", "connection"], since: "2.8.13", ..ROW };

/// This family's rows of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "bgsave",
        arity: -1,
        flags: &[Admin, NoScript, NoAsyncLoading],
        categories: ADMIN_CATEGORIES,
        summary: "Starts making everything written so far durable, without waiting.",
        handler: Some(persistence::bgsave),
        ..ROW
    },
    Command {
        name: "command",
        arity: -1,
        flags: ANY_TIME,
        categories: &["slow", "connection"],
        tips: &["nondeterministic_output_order"],
        since: "2.8.13",
        summary: "Describes all commands.",
        complexity: "O(N) with N commands",
        handler: Some(command_info::all),
        subcommands: ABOUT,
        ..ROW
    },
    Command {
        name: "config",
        since: "2.0.0",
        summary: "Commands about the configuration.",
        subcommands: CONFIG,
        ..CONTAINER
    },
    Command {
        name: "debug",
        arity: -2,
        summary: "Commands for testing clients and the server itself.",
        complexity: "Depends on the subcommand.",
        handler: Some(debug::debug),
        ..ADMIN_ROW
    },
    Command {
        name: "info",
        arity: -1,
        flags: ANY_TIME,
        categories: &["slow", "dangerous"],
        tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        summary: "Figures about the server, in sections.",
        handler: Some(info::info),
        long: true,
        ..ROW
    },
    Command {
        name: "lastsave",
        arity: 1,
        flags: &[Loading, Stale, Fast],
        categories: &["admin", "fast", "dangerous"],
        tips: NONDETERMINISTIC,
        summary: "When data was last made durable, in seconds since 1970.",
        handler: Some(persistence::lastsave),
        ..ROW
    },
    Command {
        name: "memory",
        since: "4.0.0",
        summary: "Commands about memory.",
        subcommands: MEMORY,
        ..CONTAINER
    },
    Command {
        name: "role",
        arity: 1,
        flags: &[NoScript, Loading, Stale, Fast],
        categories: &["admin", "fast", "dangerous"],
        since: "2.8.12",
        summary: "The server's part in replication.",
        handler: Some(role),
        ..ROW
    },
    Command {
        name: "save",
        arity: 1,
        flags: &[Admin, NoScript, NoAsyncLoading, NoMulti],
        categories: ADMIN_CATEGORIES,
        summary: "Replies when everything written so far is durable.",
        complexity: "O(N) with N bytes that are not durable yet",
        handler: Some(persistence::save),
        ..ROW
    },
    Command {
        name: "shutdown",
        arity: -1,
        flags: &[Admin, NoScript, Loading, Stale, NoMulti, AllowBusy],
        categories: ADMIN_CATEGORIES,
        summary: "Stops the server.",
        complexity: "O(N) with N bytes that are not durable yet",
        handler: Some(persistence::shutdown),
        ..ROW
    },
    Command {
        name: "time",
        arity: 1,
        flags: &[Loading, Stale, Fast],
        categories: &["fast"],
        tips: NONDETERMINISTIC,
        since: "2.6.0",
        summary: "The server's clock, in seconds and microseconds.",
        handler: Some(time),
        ..ROW
    },
];

static CONFIG: &[Command] = &[
    Command {
        name: "get",
        arity: -3,
        since: "2.0.0",
        summary: "The values of the parameters whose names match.",
        complexity: "O(N) with N parameters",
        handler: Some(config::get),
        ..ADMIN_ROW
    },
    Command {
        name: "help",
        arity: 2,
        flags: ANY_TIME,
        categories: &["slow"],
        since: "5.0.0",
        summary: "Lists the subcommands.",
        handler: Some(config::print_help),
        ..ROW
    },
    Command {
        name: "resetstat",
        arity: 2,
        since: "2.0.0",
        summary: "Sets the counters of INFO to zero.",
        handler: Some(config::resetstat),
        ..ADMIN_ROW
    },
    Command {
        name: "rewrite",
        arity: 2,
        since: "2.8.0",
        summary: "Writes the configuration to its file; FerricStore has none.",
        handler: Some(config::rewrite),
        ..ADMIN_ROW
    },
    Command {
        name: "set",
        arity: -4,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "2.0.0",
        summary: "Changes parameters while the server runs: all of those given, or none.",
        complexity: "O(N) with N parameters",
        handler: Some(config::set),
        ..ADMIN_ROW
    },
];

static MEMORY: &[Command] = &[
    Command {
        name: "help",
        arity: 2,
        flags: ANY_TIME,
        categories: &["slow"],
        since: "4.0.0",
        summary: "Lists the subcommands.",
        handler: Some(memory::print_help),
        ..ROW
    },
    Command {
        name: "usage",
        arity: -3,
        flags: &[Readonly],
        categories: &["read", "slow"],
        keys: &[KeySpec {
            flags: &["RO"],
            notes: "",
            begin: Begin::Index(2),
            find: Find::Range { last: 0, step: 1, limit: 0 },
        }],
        since: "4.0.0",
        summary: "How many bytes a key and its value take.",
        handler: Some(memory::usage),
        ..ROW
    },
];

static ABOUT: &[Command] = &[
    Command {
        name: "count",
        arity: 2,
        summary: "How many commands there are.",
        handler: Some(command::count),
        ..ABOUT_COMMANDS
    },
    Command {
        name: "docs",
        arity: -2,
        tips: &["nondeterministic_output_order"],
        since: "7.0.0",
        summary: "Documentation of commands.",
        complexity: "O(N) with N commands",
        handler: Some(command::docs),
        ..ABOUT_COMMANDS
    },
    Command {
        name: "getkeys",
        arity: -4,
        summary: "Which words of a command are keys.",
        complexity: "O(N) with N words",
        handler: Some(command::getkeys),
        ..ABOUT_COMMANDS
    },
    Command {
        name: "getkeysandflags",
        arity: -4,
        since: "7.0.0",
        summary: "Which words of a command are keys, and what it does with each.",
        complexity: "O(N) with N words",
        handler: Some(command::getkeysandflags),
        ..ABOUT_COMMANDS
    },
    Command {
        name: "help",
        arity: 2,
        since: "5.0.0",
        summary: "Lists the subcommands.",
        handler: Some(command::print_help),
        ..ABOUT_COMMANDS
    },
    Command {
        name: "info",
        arity: -2,
        tips: &["nondeterministic_output_order"],
        summary: "Describes some commands, or all.",
        complexity: "O(N) with N commands",
        handler: Some(command_info::info),
        ..ABOUT_COMMANDS
    },
    Command {
        name: "list",
        arity: -2,
        tips: &["nondeterministic_output_order"],
        since: "7.0.0",
        summary: "The names of all commands, or of those a filter fits.",
        complexity: "O(N) with N commands",
        handler: Some(command::list),
        ..ABOUT_COMMANDS
    },
];

fn time(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.reply.array(2);
    ctx.reply.bulk_str(&(ctx.now_us / 1_000_000).to_string());
    ctx.reply.bulk_str(&(ctx.now_us % 1_000_000).to_string());
    Ok(())
}

/// A server without replication is a master without replicas.
fn role(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.reply.array(3);
    ctx.reply.bulk_str("master");
    ctx.reply.integer(0);
    ctx.reply.array(0);
    Ok(())
}
