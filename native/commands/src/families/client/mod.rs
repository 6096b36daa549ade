//! CLIENT: what clients say about themselves, and what is known about others.

use ferric_resp::Encoder;

use crate::blocked::Ending;
use crate::clients::Identity;
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::session::ReplyMode;
use crate::table::Flag::{Admin, Loading, NoScript, Stale};
use crate::table::{Command, Flag};

mod kill;
mod list;

use super::help;

const SYNTAX: Fault = Fault::error("ERR syntax error");

const OWN: &[Flag] = &[NoScript, Loading, Stale];
const ADMIN: &[Flag] = &[Admin, NoScript, Loading, Stale];
const OWN_CATEGORIES: &[&str] = &["slow", "connection"];
const ADMIN_CATEGORIES: &[&str] = &["admin", "slow", "dangerous", "connection"];
const NONDETERMINISTIC: &[&str] = &["nondeterministic_output"];

/// A subcommand about the client itself.
const ROW: Command = Command {
    flags: OWN,
    categories: OWN_CATEGORIES,
    group: "connection",
    complexity: "O(1)",
    ..Command::BLANK
};

/// A subcommand for administrators.
const ADMIN_ROW: Command = Command { flags: ADMIN, categories: ADMIN_CATEGORIES, ..ROW };

/// This family's rows of the command table.
pub static COMMANDS: &[Command] = &[Command {
    name: "client",
    arity: -2,
    categories: &["slow"],
    group: "connection",
    since: "2.4.0",
    summary: "Commands about client connections.",
    complexity: "Depends on the subcommand.",
    subcommands: SUBCOMMANDS,
    ..Command::BLANK
}];

static SUBCOMMANDS: &[Command] = &[
    Command {
        name: "getname",
        arity: 2,
        since: "2.6.9",
        summary: "The connection's name.",
        handler: Some(getname),
        ..ROW
    },
    Command {
        name: "help",
        arity: 2,
        flags: &[Loading, Stale],
        since: "5.0.0",
        summary: "Lists the subcommands.",
        handler: Some(print_help),
        ..ROW
    },
    Command {
        name: "id",
        arity: 2,
        since: "5.0.0",
        summary: "The connection's number, unique for as long as the server runs.",
        handler: Some(id),
        ..ROW
    },
    Command {
        name: "info",
        arity: 2,
        tips: NONDETERMINISTIC,
        since: "6.2.0",
        summary: "What is known about the connection, as one line of CLIENT LIST.",
        handler: Some(list::info),
        ..ROW
    },
    Command {
        name: "kill",
        arity: -3,
        since: "2.4.0",
        summary: "Closes other clients' connections.",
        complexity: "O(N) with N connections",
        handler: Some(kill::kill),
        ..ADMIN_ROW
    },
    Command {
        name: "list",
        arity: -2,
        tips: NONDETERMINISTIC,
        since: "2.4.0",
        summary: "What is known about all connections, a line each.",
        complexity: "O(N) with N connections",
        handler: Some(list::list),
        ..ADMIN_ROW
    },
    Command {
        name: "no-evict",
        arity: 3,
        since: "7.0.0",
        summary: "Exempts the connection from being closed for its memory.",
        handler: Some(no_evict),
        ..ADMIN_ROW
    },
    Command {
        name: "no-touch",
        arity: 3,
        since: "7.2.0",
        summary: "Lets the connection's commands leave the access time of keys as it is.",
        handler: Some(no_touch),
        ..ROW
    },
    Command {
        name: "reply",
        arity: 3,
        since: "3.2.0",
        summary: "Switches the connection's replies off and on, or skips one.",
        handler: Some(reply),
        ..ROW
    },
    Command {
        name: "setinfo",
        arity: 4,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        since: "7.2.0",
        summary: "Says which client library, in which version, uses the connection.",
        handler: Some(setinfo),
        ..ROW
    },
    Command {
        name: "setname",
        arity: 3,
        since: "2.6.9",
        summary: "Gives the connection a name that CLIENT LIST shows.",
        handler: Some(setname),
        ..ROW
    },
    Command {
        name: "unblock",
        arity: -3,
        since: "5.0.0",
        summary: "Ends the wait of a client that waits for a key.",
        complexity: "O(log N) for N connections",
        handler: Some(unblock),
        ..ADMIN_ROW
    },
];

const HELP: &[&str] = &[
    "GETNAME",
    "    The name of this connection.",
    "ID",
    "    The number of this connection.",
    "INFO",
    "    One line about this connection.",
    "KILL <ip:port>",
    "    Closes the connection that comes from this address.",
    "KILL <filter> <value> [<filter> <value> ...]",
    "    Closes the connections that all filters fit. The filters are:",
    "    * ADDR <ip:port> or <path>:0: where the client comes from",
    "    * ID <number>: the number of the connection",
    "    * LADDR <ip:port> or <path>:0: the server's end",
    "    * SKIPME YES or NO: whether to spare this connection (YES unless given)",
    "    * TYPE NORMAL, MASTER, REPLICA or PUBSUB: what the client is",
    "    * USER <name>: who it authenticated as",
    "LIST [TYPE NORMAL|MASTER|REPLICA|PUBSUB] [ID <number> [<number> ...]]",
    "    One line about each connection, or about some.",
    "NO-EVICT ON|OFF",
    "    Whether this connection is exempt from being closed for its memory.",
    "NO-TOUCH ON|OFF",
    "    Whether this connection leaves the access time of keys as it is.",
    "REPLY ON|OFF|SKIP",
    "    Whether this connection gets replies; SKIP: all but the next.",
    "SETINFO LIB-NAME|LIB-VER <value>",
    "    Which client library uses this connection.",
    "SETNAME <name>",
    "    Gives this connection a name; the empty name takes it away.",
    "UNBLOCK <number> [TIMEOUT|ERROR]",
    "    Ends the wait of a connection that waits for a key, as if its time were over or with an error.",
];

fn print_help(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    help(ctx, "CLIENT", HELP)
}

fn id(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.reply.integer(i64::try_from(ctx.session.id()).unwrap_or(i64::MAX));
    Ok(())
}

/// `CLIENT UNBLOCK client-id [TIMEOUT|ERROR]`
fn unblock(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let ending = match args[3..] {
        [] => Ending::Timeout,
        [how] if is_option(how, "timeout") => Ending::Timeout,
        [how] if is_option(how, "error") => Ending::Error,
        [_] => {
            return Err(Fault::error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
        }
        _ => return Err(SYNTAX),
    };
    let id = parse_i64_or_fault(args[2])?;
    let ended = u64::try_from(id).is_ok_and(|id| ctx.server.blocked().end(id, ending));
    ctx.reply.integer(i64::from(ended));
    Ok(())
}

fn getname(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    bulk_or_null(ctx.reply, &ctx.session.identity().name);
    Ok(())
}

fn bulk_or_null(reply: &mut Encoder, text: &str) {
    if text.is_empty() { reply.null() } else { reply.bulk_str(text) }
}

fn setname(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    check_name(args[2])?;
    let name = String::from_utf8_lossy(args[2]).into_owned();
    ctx.session.identify(|identity| identity.name = name);
    ctx.reply.ok();
    Ok(())
}

/// Names show in CLIENT LIST, whose fields end at spaces.
fn is_shown_whole(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_graphic)
}

/// Whether a client may be called this.
pub(super) fn check_name(name: &[u8]) -> Outcome {
    if is_shown_whole(name) {
        return Ok(());
    }
    Err(Fault::error("ERR Client names cannot contain spaces, newlines or special characters."))
}

fn setinfo(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (attribute, value) = (args[2], args[3]);
    let field: fn(&mut Identity) -> &mut String = if is_option(attribute, "lib-name") {
        |identity| &mut identity.library
    } else if is_option(attribute, "lib-ver") {
        |identity| &mut identity.library_version
    } else {
        let text = [b"ERR Unrecognized option '", attribute, b"'"].concat();
        return Err(Fault::Bytes(text));
    };
    if !is_shown_whole(value) {
        let why = b" cannot contain spaces, newlines or special characters.";
        return Err(Fault::Bytes([b"ERR ", attribute, why].concat()));
    }
    let value = String::from_utf8_lossy(value).into_owned();
    ctx.session.identify(|identity| *field(identity) = value);
    ctx.reply.ok();
    Ok(())
}

fn on_or_off(word: &[u8]) -> Result<bool, Fault> {
    if is_option(word, "on") {
        Ok(true)
    } else if is_option(word, "off") {
        Ok(false)
    } else {
        Err(SYNTAX)
    }
}

fn no_evict(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.session.set_no_evict(on_or_off(args[2])?);
    ctx.reply.ok();
    Ok(())
}

fn no_touch(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.session.set_no_touch(on_or_off(args[2])?);
    ctx.reply.ok();
    Ok(())
}

fn reply(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let was_off = ctx.session.reply_mode() == ReplyMode::Off;
    if is_option(args[2], "on") {
        ctx.session.set_reply_mode(ReplyMode::On);
        ctx.reply.ok();
    } else if is_option(args[2], "off") {
        ctx.session.set_reply_mode(ReplyMode::Off);
    } else if !is_option(args[2], "skip") {
        return Err(SYNTAX);
    } else if !was_off {
        ctx.session.set_reply_mode(ReplyMode::SkipNext);
    }
    Ok(())
}
