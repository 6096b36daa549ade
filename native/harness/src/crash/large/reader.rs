//! A connection that reads, and notes what it was shown: that must survive.

use ferric_resp::Value;

use super::op;
use super::value;
use crate::client::{Client, ClientError, encode};
use crate::crash::load::Load;
use crate::rng::Rng;
use crate::text::quote;

/// Most keys that are asked for at once.
const MAX_DEPTH: u64 = 24;

/// Reads keys of all writers, of which each has `keys`, until the server is gone or the load is to
/// end.
///
/// # Errors
/// A sentence when the server showed something that nobody has written, or ended a connection while
/// nobody has stopped it.
pub(super) fn read(load: &Load, keys: op::Index, mut rng: Rng) -> Result<(), String> {
    let mut client = match Client::connect(load.port) {
        Ok(client) => client,
        Err(_) if load.is_stopped() => return Ok(()),
        Err(error) => return Err(format!("reader: no connection: {error}")),
    };
    while !load.is_stopped() {
        match exchange(&mut client, load, keys, &mut rng) {
            Ok(None) => {}
            Ok(Some(_)) | Err(ClientError::Closed) if load.is_stopped() => return Ok(()),
            Ok(Some(wrong)) => return Err(wrong),
            Err(error) => return Err(format!("reader: {error}")),
        }
    }
    Ok(())
}

/// Asks for some keys, by one MGET or by many GETs; a sentence about the first wrong reply.
fn exchange(
    client: &mut Client,
    load: &Load,
    keys: op::Index,
    rng: &mut Rng,
) -> Result<Option<String>, ClientError> {
    let mut names = Vec::new();
    for _ in 0..rng.between(1, MAX_DEPTH) {
        let writer = rng.below(load.writers as u64) as usize;
        names.push((writer, op::key(writer, op::any(rng, keys))));
    }
    let values = if rng.chance(50) { mget(client, &names)? } else { gets(client, &names)? };
    for ((writer, name), value) in names.iter().zip(&values) {
        if let Err(wrong) = note(load, *writer, value) {
            return Ok(Some(format!("a reader of {}: {wrong}", quote(name))));
        }
    }
    Ok(None)
}

type Named = (usize, Vec<u8>);

fn mget(client: &mut Client, names: &[Named]) -> Result<Vec<Value>, ClientError> {
    let words = names.iter().map(|(_, name)| name.as_slice());
    let words: Vec<&[u8]> = std::iter::once(&b"MGET"[..]).chain(words).collect();
    match client.call(&words)? {
        Value::Array(values) if values.len() == names.len() => Ok(values),
        // The caller says what is wrong with it.
        other => Ok(vec![other]),
    }
}

fn gets(client: &mut Client, names: &[Named]) -> Result<Vec<Value>, ClientError> {
    let mut request = Vec::new();
    names.iter().for_each(|(_, name)| encode(&mut request, &[b"GET", name.as_slice()]));
    client.send(&request)?;
    names.iter().map(|_| Ok(client.reply()?.value)).collect()
}

/// Notes what a reply shows.
fn note(load: &Load, writer: usize, reply: &Value) -> Result<(), String> {
    match reply {
        Value::Null => Ok(()),
        Value::Bulk(bytes) => {
            let origin = value::parse(bytes).map_err(|wrong| format!("damaged value: {wrong}"))?;
            if origin.writer != writer {
                return Err(format!("it was shown a value of writer {}", origin.writer));
            }
            // RENAME and COPY keep old numbers; the newest piece is what must be there.
            origin.pieces.iter().for_each(|sequence| load.show(writer, *sequence));
            Ok(())
        }
        other => Err(format!("it was answered with {other:?}")),
    }
}
