//! PFDEBUG: how a HyperLogLog is encoded.

use std::borrow::Cow;

use ferric_resp::Encoder;

use super::check;
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::as_c_string;
use crate::pattern::is_option;
use crate::values::hyperloglog::{self, Encoding, Registers};
use crate::values::{Lookup, MAX_COPY, string};

/// `PFDEBUG GETREG | DECODE | ENCODING | TODENSE key`
pub(super) fn pfdebug(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[2]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let Some(entry) = check(lookup.modify(&mut locked, &key)?)? else {
        return Err(Fault::error("ERR The specified key does not exist"));
    };
    lookup.bound(entry.value.len(), MAX_COPY)?;
    let is_stored = string::is_raw(&entry);
    let meta = string::meta_with(string::RAW, entry.meta.expiry_ms);
    let mut value = Cow::Borrowed(entry.value);
    let outcome = show(ctx.reply, args[1], &mut value);
    match value {
        Cow::Borrowed(_) if is_stored => {}
        value => {
            let value = value.into_owned();
            locked.put(&key, meta, &value)?;
        }
    }
    outcome
}

/// Replies to a subcommand, which may change the value.
fn show(reply: &mut Encoder, subcommand: &[u8], value: &mut Cow<'_, [u8]>) -> Outcome {
    let sparse = hyperloglog::encoding(value) == Some(Encoding::Sparse);
    match subcommand {
        name if is_option(name, "GETREG") => {
            make_dense(value, sparse)?;
            let mut registers = Registers::new();
            registers.merge(value)?;
            reply.array(registers.values().len());
            registers.values().iter().for_each(|value| reply.integer(i64::from(*value)));
        }
        name if is_option(name, "DECODE") => {
            if !sparse {
                return Err(Fault::error("ERR HLL encoding is not sparse"));
            }
            reply.bulk_str(&hyperloglog::describe_sparse(value));
        }
        name if is_option(name, "ENCODING") => {
            reply.simple(if sparse { "sparse" } else { "dense" });
        }
        name if is_option(name, "TODENSE") => {
            make_dense(value, sparse)?;
            reply.integer(i64::from(sparse));
        }
        name => {
            let before = b"ERR Unknown PFDEBUG subcommand '";
            return Err(Fault::Bytes([before, as_c_string(name), b"'"].concat()));
        }
    }
    Ok(())
}

fn make_dense(value: &mut Cow<'_, [u8]>, sparse: bool) -> Outcome {
    if sparse {
        hyperloglog::make_dense(value.to_mut())?;
    }
    Ok(())
}
