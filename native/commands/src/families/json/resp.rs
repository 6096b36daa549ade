//! JSON.RESP, and values as replies of the protocol.

use ferric_resp::Encoder;

use super::{PathArg, view};
use crate::context::{Args, Context, Outcome};
use crate::values::json::Json;

/// `JSON.RESP key [path]`
pub(super) fn resp(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::at(args, 2)?;
    let found = view(ctx, args[1], |mut reading| {
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        let mut values = matches.values();
        if path.is_legacy() {
            let value = values.next().ok_or_else(|| path.missing())?;
            reading.budget.allows(value)?;
            marked(reading.reply, value);
            return reading.limit.check(reading.reply.len());
        }
        reading.reply.array(values.len());
        for value in values {
            reading.budget.allows(value)?;
            marked(reading.reply, value);
            reading.limit.check(reading.reply.len())?;
        }
        Ok(())
    })?;
    if found.is_none() {
        ctx.reply.null();
    }
    Ok(())
}

/// A value as JSON.RESP shows it: the first element of an array says what it is.
fn marked(reply: &mut Encoder, value: &Json) {
    match value {
        Json::Boolean(true) => reply.simple("true"),
        Json::Boolean(false) => reply.simple("false"),
        Json::Array(elements) => {
            reply.array(1 + elements.len());
            reply.simple("[");
            elements.iter().for_each(|element| marked(reply, element));
        }
        Json::Object(members) => {
            reply.array(1 + 2 * members.len());
            reply.simple("{");
            for (name, value) in members.iter() {
                reply.bulk_str(name);
                marked(reply, value);
            }
        }
        _ => native(reply, value),
    }
}

/// A value in the protocol's own types, as far as it has them.
pub(super) fn native(reply: &mut Encoder, value: &Json) {
    match value {
        Json::Null => reply.null(),
        Json::Boolean(value) => reply.boolean(*value),
        Json::Integer(number) => reply.integer(*number),
        Json::Unsigned(number) => reply.big_number(itoa::Buffer::new().format(*number)),
        Json::Double(number) => reply.double(*number),
        Json::String(text) => reply.bulk_str(text),
        Json::Array(elements) => {
            reply.array(elements.len());
            elements.iter().for_each(|element| native(reply, element));
        }
        Json::Object(members) => {
            reply.map(members.len());
            for (name, value) in members.iter() {
                reply.bulk_str(name);
                native(reply, value);
            }
        }
    }
}
