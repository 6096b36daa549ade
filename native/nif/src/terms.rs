//! Replies as Erlang terms, for the embedded API.

use ferric_resp::Value;
use rustler::{Encoder, Env, Error, NewBinary, NifResult, Term};

use crate::atoms;

/// The term of the one reply in `bytes`; nil when there is none.
pub(crate) fn from_reply<'a>(env: Env<'a>, bytes: &[u8]) -> NifResult<Term<'a>> {
    match Value::parse(bytes) {
        Ok(Some((value, _))) => Ok(term(env, &value)),
        Ok(None) => Ok(atoms::nil().encode(env)),
        Err(error) => Err(Error::RaiseTerm(Box::new(error.to_string()))),
    }
}

/// As deep as the reply was nested, which the parser bounds.
fn term<'a>(env: Env<'a>, value: &Value) -> Term<'a> {
    match value {
        Value::Simple(text) if text == b"OK" => atoms::ok().encode(env),
        Value::Simple(text) | Value::Bulk(text) | Value::BigNumber(text) => binary(env, text),
        Value::Verbatim { text, .. } => binary(env, text),
        Value::Error(text) => (atoms::error(), binary(env, text)).encode(env),
        Value::Integer(number) => number.encode(env),
        Value::Null => atoms::nil().encode(env),
        Value::Boolean(truth) => truth.encode(env),
        Value::Double(number) => double(env, *number),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            items.iter().map(|item| term(env, item)).collect::<Vec<_>>().encode(env)
        }
        Value::Map(pairs) => pairs.iter().fold(Term::map_new(env), |map, (key, value)| {
            map.map_put(term(env, key), term(env, value)).unwrap_or(map)
        }),
    }
}

/// Erlang has no infinities: they stay text.
fn double(env: Env<'_>, number: f64) -> Term<'_> {
    if number.is_finite() { number.encode(env) } else { binary(env, number.to_string().as_bytes()) }
}

fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Term<'a> {
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.into()
}
