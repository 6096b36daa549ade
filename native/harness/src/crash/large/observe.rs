//! What a server holds, read back completely.

use std::collections::BTreeSet;

use ferric_resp::Value;

use super::model::{Entry, Window};
use super::op::{self, Index};
use super::value;
use crate::client::{Client, ClientError, encode};
use crate::text::quote;

/// Keys that are asked for at once.
const BATCH: Index = 256;

/// COUNT of SCAN.
const SCAN_COUNT: &str = "1000";

/// A writer's keys as the server shows them.
pub(super) struct Observed {
    pub(super) entries: Vec<Option<Entry>>,
    /// When they were read.
    pub(super) window: Window,
}

/// Reads all `keys` keys of `writer`, every second batch of them by MGET.
///
/// # Errors
/// A sentence when the server does not answer, or with something that nobody has written.
pub(super) fn observe(port: u16, writer: usize, keys: Index) -> Result<Observed, String> {
    let failed = |error: ClientError| format!("reading what survived: {error}");
    let mut client = Client::connect(port).map_err(|error| failed(ClientError::Io(error)))?;
    let mut entries = Vec::with_capacity(keys as usize);
    let from = op::now_ms();
    for (number, first) in (0..keys).step_by(BATCH as usize).enumerate() {
        let indexes: Vec<Index> = (first..keys.min(first + BATCH)).collect();
        let values = values(&mut client, writer, &indexes, number % 2 == 1).map_err(failed)?;
        for (index, (value, expiry)) in indexes.iter().zip(values) {
            let entry = entry(writer, value, expiry)
                .map_err(|wrong| format!("{}: {wrong}", quote(&op::key(writer, *index))))?;
            entries.push(entry);
        }
    }
    Ok(Observed { entries, window: Window { from, to: op::now_ms() } })
}

/// The values of keys and, of those that may have one, the reply to PEXPIRETIME.
fn values(
    client: &mut Client,
    writer: usize,
    indexes: &[Index],
    together: bool,
) -> Result<Vec<(Value, Option<Value>)>, ClientError> {
    let mut request = Vec::new();
    let names: Vec<Vec<u8>> = indexes.iter().map(|index| op::key(writer, *index)).collect();
    if together {
        let words = names.iter().map(Vec::as_slice);
        encode(&mut request, &std::iter::once(&b"MGET"[..]).chain(words).collect::<Vec<_>>());
    } else {
        names.iter().for_each(|name| encode(&mut request, &[b"GET", name.as_slice()]));
    }
    let expiring = || indexes.iter().zip(&names).filter(|(index, _)| op::may_expire(**index));
    expiring().for_each(|(_, name)| encode(&mut request, &[b"PEXPIRETIME", name.as_slice()]));
    client.send(&request)?;
    let values = if together {
        match client.reply()?.value {
            Value::Array(values) if values.len() == names.len() => values,
            other => return Err(unexpected("MGET", &other)),
        }
    } else {
        names.iter().map(|_| Ok(client.reply()?.value)).collect::<Result<_, ClientError>>()?
    };
    let with_expiry = |(index, value): (&Index, Value)| {
        let expiry = op::may_expire(*index).then(|| client.reply()).transpose()?;
        Ok((value, expiry.map(|reply| reply.value)))
    };
    indexes.iter().zip(values).map(with_expiry).collect()
}

fn unexpected(what: &str, value: &Value) -> ClientError {
    ClientError::Io(std::io::Error::other(format!("{what} answered with {value:?}")))
}

/// What the replies say about a key.
fn entry(writer: usize, value: Value, expiry: Option<Value>) -> Result<Option<Entry>, String> {
    let bytes = match value {
        Value::Bulk(bytes) => bytes,
        Value::Null => return Ok(None),
        other => return Err(format!("reading it was answered with {other:?}")),
    };
    let origin = value::parse(&bytes)
        .map_err(|wrong| format!("a damaged value, {wrong}: {}", quote(&bytes)))?;
    if origin.writer != writer {
        return Err(format!("it holds a value of writer {}", origin.writer));
    }
    let expiry = match expiry {
        None | Some(Value::Integer(-1)) => None,
        // It has expired since it was read.
        Some(Value::Integer(-2)) => return Ok(None),
        Some(Value::Integer(at)) => Some(at),
        Some(other) => return Err(format!("PEXPIRETIME was answered with {other:?}")),
    };
    Ok(Some(Entry { pieces: origin.pieces, expiry }))
}

/// Compares what SCAN lists with what the keys themselves showed.
///
/// # Errors
/// A sentence about a key that is listed but not there, or the other way round.
pub(super) fn check_scan(port: u16, seen: &[Observed]) -> Result<(), String> {
    let listed = scan(port).map_err(|error| format!("SCAN: {error}"))?;
    for name in &listed {
        let shown = op::parse_key(name).filter(|(writer, index)| {
            let entry = seen.get(*writer).and_then(|seen| seen.entries.get(*index as usize));
            entry.is_some_and(Option::is_some)
        });
        if shown.is_none() {
            return Err(format!("SCAN lists {}, which is not there", quote(name)));
        }
    }
    for (writer, seen) in seen.iter().enumerate() {
        for (index, entry) in seen.entries.iter().enumerate() {
            let name = op::key(writer, index as Index);
            // One that expires may have done so in between.
            let lasts = entry.as_ref().is_some_and(|entry| entry.expiry.is_none());
            if lasts && !listed.contains(&name) {
                return Err(format!("SCAN does not list {}, which is there", quote(&name)));
            }
        }
    }
    Ok(())
}

fn scan(port: u16) -> Result<BTreeSet<Vec<u8>>, ClientError> {
    let mut client = Client::connect(port).map_err(ClientError::Io)?;
    let mut listed = BTreeSet::new();
    let mut cursor = b"0".to_vec();
    loop {
        let reply = client.call(&[b"SCAN", cursor.as_slice(), b"COUNT", SCAN_COUNT.as_bytes()])?;
        let Value::Array(parts) = &reply else { return Err(unexpected("SCAN", &reply)) };
        let [Value::Bulk(next), Value::Array(names)] = parts.as_slice() else {
            return Err(unexpected("SCAN", &reply));
        };
        for name in names {
            let Value::Bulk(name) = name else { return Err(unexpected("SCAN", &reply)) };
            listed.insert(name.clone());
        }
        cursor.clone_from(next);
        if cursor == b"0" {
            return Ok(listed);
        }
    }
}
