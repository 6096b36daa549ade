//! Commands about the connection itself: AUTH, HELLO, PING, ECHO, QUIT, RESET.

use ferric_resp::Protocol;

use crate::context::{Args, Context, Control, Fault, Outcome};
use crate::numbers::parse_i64;
use crate::pattern::is_option;
use crate::server::REDIS_VERSION;
use crate::session::protocol_number;
use crate::table::Flag::{AllowBusy, Fast, Loading, NoAuth, NoScript, Stale};
use crate::table::{Command, Flag};

use super::as_c_string;
use super::client::check_name;

/// Commands that a client may always run.
const ALWAYS: &[Flag] = &[NoScript, Loading, Stale, Fast, NoAuth, AllowBusy];
const CATEGORIES: &[&str] = &["fast", "connection"];

/// The one user.
const USER: &[u8] = b"default";
const WRONG_PASSWORD: Fault =
    Fault::error("WRONGPASS invalid username-password pair or user is disabled.");

const ROW: Command =
    Command { categories: CATEGORIES, group: "connection", complexity: "O(1)", ..Command::BLANK };

/// This family's rows of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "auth",
        arity: -2,
        flags: ALWAYS,
        since: "1.0.0",
        summary: "Proves to the server that the client may use it.",
        handler: Some(auth),
        ..ROW
    },
    Command {
        name: "hello",
        arity: -1,
        flags: ALWAYS,
        since: "6.0.0",
        summary: "Agrees on the protocol version, optionally with authentication and a name.",
        handler: Some(hello),
        ..ROW
    },
    Command {
        name: "ping",
        arity: -1,
        flags: &[Fast],
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        since: "1.0.0",
        summary: "Answers PONG, or the message it was given: the server is alive.",
        handler: Some(ping),
        ..ROW
    },
    Command {
        name: "echo",
        arity: 2,
        flags: &[Loading, Stale, Fast],
        since: "1.0.0",
        summary: "Answers its argument.",
        handler: Some(echo),
        ..ROW
    },
    Command {
        name: "quit",
        arity: -1,
        flags: ALWAYS,
        since: "1.0.0",
        summary: "Closes the connection after the replies of everything sent before.",
        handler: Some(quit),
        ..ROW
    },
    Command {
        name: "reset",
        arity: 1,
        flags: ALWAYS,
        since: "6.2.0",
        summary: "Puts the connection back into the state it had when it was opened.",
        handler: Some(reset),
        ..ROW
    },
];

fn auth(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    match args[1..] {
        [_] if !ctx.server.config().has_password() => {
            return Err(Fault::error(
                "ERR AUTH <password> called without any password configured for the default \
                 user. Are you sure your configuration is correct?",
            ));
        }
        [password] => authenticate(ctx, USER, password)?,
        [user, password] => authenticate(ctx, user, password)?,
        _ => return Err(Fault::error("ERR syntax error")),
    }
    ctx.reply.ok();
    Ok(())
}

/// Lets the client in. Without a password any will do, as for Redis's user without password.
fn authenticate(ctx: &mut Context<'_, '_>, user: &[u8], password: &[u8]) -> Outcome {
    let config = ctx.server.config();
    if user != USER || (config.has_password() && !config.is_password(password)) {
        return Err(WRONG_PASSWORD);
    }
    ctx.session.set_authenticated(true);
    Ok(())
}

/// The protocol version that HELLO asks for.
fn parse_protocol(version: &[u8]) -> Result<Protocol, Fault> {
    let number = parse_i64(version)
        .ok_or(Fault::error("ERR Protocol version is not an integer or out of range"))?;
    match number {
        2 => Ok(Protocol::Resp2),
        3 => Ok(Protocol::Resp3),
        _ => Err(Fault::error("NOPROTO unsupported protocol version")),
    }
}

/// Carries out HELLO's options in their order: what stands before a wrong one has happened.
fn apply_options(ctx: &mut Context<'_, '_>, mut rest: Args<'_>) -> Outcome {
    while let Some((option, after)) = rest.split_first() {
        rest = match *after {
            [user, password, ..] if is_option(option, "auth") => {
                authenticate(ctx, user, password)?;
                &after[2..]
            }
            [name, ..] if is_option(option, "setname") => {
                check_name(name)?;
                let name = String::from_utf8_lossy(name).into_owned();
                ctx.session.identify(|identity| identity.name = name);
                &after[1..]
            }
            _ => return Err(syntax_error(option)),
        };
    }
    Ok(())
}

fn syntax_error(option: &[u8]) -> Fault {
    Fault::Bytes([b"ERR Syntax error in HELLO option '", as_c_string(option), b"'"].concat())
}

fn hello(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let protocol = args.get(1).map(|version| parse_protocol(version)).transpose()?;
    apply_options(ctx, args.get(2..).unwrap_or_default())?;
    if !ctx.session.is_authenticated() && ctx.server.config().has_password() {
        return Err(Fault::error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO AUTH <user> <pass> option can be used to authenticate the client and select \
             the RESP protocol version at the same time",
        ));
    }
    if let Some(protocol) = protocol {
        ctx.session.set_protocol(protocol);
        ctx.reply.set_protocol(protocol);
    }
    introduce(ctx);
    Ok(())
}

/// The server's part of HELLO.
fn introduce(ctx: &mut Context<'_, '_>) {
    let protocol = i64::from(protocol_number(ctx.session.protocol()));
    let id = i64::try_from(ctx.session.id()).unwrap_or(i64::MAX);
    let reply = &mut *ctx.reply;
    reply.map(7);
    reply.bulk_str("server");
    reply.bulk_str("redis");
    reply.bulk_str("version");
    reply.bulk_str(REDIS_VERSION);
    reply.bulk_str("proto");
    reply.integer(protocol);
    reply.bulk_str("id");
    reply.integer(id);
    reply.bulk_str("mode");
    reply.bulk_str("standalone");
    reply.bulk_str("role");
    reply.bulk_str("master");
    reply.bulk_str("modules");
    reply.array(0);
}

fn ping(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    match args[1..] {
        [] | [_] if ctx.session.is_subscriber() && ctx.session.protocol() == Protocol::Resp2 => {
            ctx.reply.array(2);
            ctx.reply.bulk_str("pong");
            ctx.reply.bulk(args.get(1).copied().unwrap_or_default());
        }
        [] => ctx.reply.simple("PONG"),
        [message] => ctx.reply.bulk(message),
        _ => return Err(Fault::error("ERR wrong number of arguments for 'ping' command")),
    }
    Ok(())
}

fn echo(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.reply.bulk(args[1]);
    Ok(())
}

fn quit(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.reply.ok();
    ctx.control = Some(Control::Close);
    Ok(())
}

fn reset(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    // Messages that have come until now belong before the reply.
    ctx.session.unsubscribe_all();
    ctx.session.client().mailbox().take(ctx.reply, usize::MAX);
    ctx.session.reset(ctx.server.config().has_password());
    ctx.reply.set_protocol(ctx.session.protocol());
    ctx.reply.simple("RESET");
    Ok(())
}
