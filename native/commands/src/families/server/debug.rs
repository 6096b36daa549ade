//! DEBUG: what tests of clients need. Only from this machine.

use ferric_resp::Protocol;

use super::digest;
use crate::clients::Transport;
use crate::context::{Args, Context, Control, Fault, Outcome};
use crate::families::help;
use crate::numbers::{parse_f64, parse_i64};
use crate::pattern::is_option;
use crate::values::{Kind, registry, string};

/// Longest pause, in milliseconds: what an Erlang receive can wait for.
const MAX_SLEEP_MS: f64 = u32::MAX as f64;

/// The example of a double, which is not meant as π.
#[allow(clippy::approx_constant)]
const DOUBLE: f64 = 3.141;

/// Redis's clock of accesses counts seconds in 24 bits.
const LRU_CLOCK: u64 = (1 << 24) - 1;

const HELP: &[&str] = &[
    "DIGEST",
    "    What all data look like in 160 bits; the same as Redis's for the same data.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    The same for single values.",
    "ERROR <text>",
    "    Replies with this error.",
    "OBJECT <key>",
    "    How a value is kept.",
    "PROTOCOL <type>",
    "    Replies with a value of this type: string, integer, double, bignum, null,",
    "    array, set, map, attrib, push, verbatim, true or false.",
    "RELOAD [NOSAVE] [NOFLUSH]",
    "    Writes values that are structures in memory out, and reads them again.",
    "SET-ACTIVE-EXPIRE 0|1",
    "    Whether expired keys are removed in the background.",
    "SLEEP <seconds>",
    "    Pauses this connection; fractions are allowed.",
];

pub(super) fn debug(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let peer = ctx.session.peer();
    if peer.transport == Transport::Tcp && !peer.loopback {
        return Err(Fault::error(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \
             \"local\", you can run it from a local connection, otherwise you need to set this \
             option in the configuration file, and then restart the server.",
        ));
    }
    match args[1..] {
        [name] if is_option(name, "help") => help(ctx, "DEBUG", HELP),
        [name, text] if is_option(name, "error") => Err(Fault::Bytes(text.to_vec())),
        [name] if is_option(name, "digest") => digest::all(ctx),
        [name, ref keys @ ..] if is_option(name, "digest-value") => digest::values(ctx, keys),
        [name] if is_option(name, "reload") => digest::reload(ctx),
        [name, b"nosave" | b"noflush", ..] if is_option(name, "reload") => digest::reload(ctx),
        [name, key] if is_option(name, "object") => object(ctx, key),
        [name, kind] if is_option(name, "protocol") => protocol(ctx, kind),
        [name, on] if is_option(name, "set-active-expire") => set_active_expire(ctx, on),
        [name, seconds] if is_option(name, "sleep") => sleep(ctx, seconds),
        _ => Err(unknown(args[1])),
    }
}

fn unknown(name: &[u8]) -> Fault {
    let shown = &name[..name.len().min(128)];
    let before = b"ERR unknown subcommand or wrong number of arguments for '";
    Fault::Bytes([before, shown, b"'. Try DEBUG HELP."].concat())
}

/// Pauses the connection and replies after it. The embedded API gets its reply at once: its caller
/// pauses itself.
fn sleep(ctx: &mut Context<'_, '_>, seconds: &[u8]) -> Outcome {
    let embedded = ctx.session.peer().transport == Transport::Embedded;
    if !embedded && ctx.session.toggle_pause() {
        ctx.reply.ok();
        return Ok(());
    }
    // As in Redis, a word that is no number is zero seconds.
    let milliseconds = parse_f64(seconds).unwrap_or(0.0) * 1000.0;
    ctx.control = Some(Control::Sleep(milliseconds.clamp(0.0, MAX_SLEEP_MS) as u64));
    if !embedded {
        return Err(Fault::Paused);
    }
    ctx.reply.ok();
    Ok(())
}

fn set_active_expire(ctx: &mut Context<'_, '_>, on: &[u8]) -> Outcome {
    ctx.server.engine().set_sweeping(parse_i64(on).unwrap_or(0) != 0);
    ctx.reply.ok();
    Ok(())
}

/// One line about a value. Its serialized length is that of its bytes in the log.
fn object(ctx: &mut Context<'_, '_>, name: &[u8]) -> Outcome {
    let key = ctx.key(name);
    let now_s = ctx.now_ms() / 1000;
    let mut shard = ctx.access.acquire(&key)?;
    let Some(entry) = shard.peek(&key)? else { return Err(Fault::error("ERR no such key")) };
    let flags = entry.meta.flags;
    let encoding = registry::encoding(&entry);
    let references = match Kind::of(entry.meta.kind) {
        Some(Kind::String) => string::references(flags, entry.value),
        _ => 1,
    };
    let idle = u64::from(entry.idle_seconds);
    let line = format!(
        "Value at:{:p} refcount:{references} encoding:{encoding} serializedlength:{} lru:{} \
         lru_seconds_idle:{idle}",
        entry.value.as_ptr(),
        entry.image_len(),
        now_s.saturating_sub(idle) & LRU_CLOCK,
    );
    ctx.reply.simple(&line);
    Ok(())
}

/// A value of each type, the same as Redis's so that clients' tests recognise it.
fn protocol(ctx: &mut Context<'_, '_>, kind: &[u8]) -> Outcome {
    let kind = kind.to_ascii_lowercase();
    let reply = &mut *ctx.reply;
    match kind.as_slice() {
        b"string" => reply.bulk_str("Hello World"),
        b"integer" => reply.integer(12345),
        b"double" => reply.double(DOUBLE),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|n| reply.integer(n));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|n| reply.integer(n));
        }
        b"map" => {
            reply.map(3);
            for n in 0..3 {
                reply.integer(n);
                reply.boolean(n == 1);
            }
        }
        b"attrib" => {
            if reply.attribute(1) {
                reply.bulk_str("key-popularity");
                reply.array(2);
                reply.bulk_str("key:123");
                reply.integer(90);
            }
            reply.bulk_str("Some real reply following the attribute");
        }
        b"push" if reply.protocol() == Protocol::Resp2 => {
            return Err(Fault::error("ERR RESP2 is not supported by this command"));
        }
        b"push" => {
            reply.push(2);
            reply.bulk_str("server-cpu-usage");
            reply.integer(42);
            reply.bulk_str("Some real reply following the push reply");
        }
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        _ => {
            return Err(Fault::error(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}
