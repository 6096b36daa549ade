//! A connection that reads, and notes what it was shown: that must survive.

use ferric_resp::Value;

use super::load::Load;
use super::model::Key;
use super::op;
use crate::client::{Client, ClientError, encode};
use crate::rng::Rng;

/// Longest pipeline.
const MAX_DEPTH: u64 = 16;

/// Something that is read.
enum Read {
    /// A key of a writer.
    Key(Key),
    /// Keys that always have the same value.
    Group(Vec<Key>),
    /// A shared counter.
    Counter(u64),
}

/// Reads until the server is gone.
///
/// # Errors
/// A sentence when the server showed something impossible, or ended a connection while nobody has
/// stopped it.
pub(super) fn read(load: &Load, mut rng: Rng) -> Result<(), String> {
    let mut client = match Client::connect(load.port) {
        Ok(client) => client,
        Err(_) if load.is_stopped() => return Ok(()),
        Err(error) => return Err(format!("reader: no connection: {error}")),
    };
    while !load.is_stopped() {
        let reads: Vec<Read> =
            (0..rng.between(1, MAX_DEPTH)).map(|_| random(&mut rng, load)).collect();
        match exchange(&mut client, load, &reads) {
            Ok(None) => {}
            Ok(Some(_)) | Err(ClientError::Closed) if load.is_stopped() => return Ok(()),
            Ok(Some(wrong)) => return Err(wrong),
            Err(error) => return Err(format!("reader: {error}")),
        }
    }
    Ok(())
}

fn random(rng: &mut Rng, load: &Load) -> Read {
    let writer = rng.below(load.writers as u64) as usize;
    match rng.below(10) {
        0..6 => Read::Key(op::string(rng, writer)),
        6 | 7 => Read::Group(op::group(rng, writer)),
        8 => {
            let groups: Vec<u64> = op::shared_groups().collect();
            Read::Group(op::shared_group(*rng.pick(&groups)))
        }
        _ => {
            let counters: Vec<u64> = op::shared_counters().collect();
            Read::Counter(*rng.pick(&counters))
        }
    }
}

fn exchange(
    client: &mut Client,
    load: &Load,
    reads: &[Read],
) -> Result<Option<String>, ClientError> {
    let mut request = Vec::new();
    for read in reads {
        match read {
            Read::Key(key) => encode(&mut request, &[b"GET", key.as_slice()]),
            Read::Counter(index) => {
                encode(&mut request, &[b"GET", op::shared_counter(*index).as_slice()]);
            }
            Read::Group(keys) => {
                let words: Vec<&[u8]> =
                    std::iter::once(&b"MGET"[..]).chain(keys.iter().map(Vec::as_slice)).collect();
                encode(&mut request, &words);
            }
        }
    }
    client.send(&request)?;
    for read in reads {
        let reply = client.reply()?.value;
        if let Err(wrong) = note(load, read, &reply) {
            return Ok(Some(wrong));
        }
    }
    Ok(None)
}

/// Notes what a reply shows.
fn note(load: &Load, read: &Read, reply: &Value) -> Result<(), String> {
    match (read, reply) {
        (Read::Key(_) | Read::Counter(_), Value::Null) => Ok(()),
        (Read::Key(_), Value::Bulk(value)) => {
            show(load, value);
            Ok(())
        }
        (Read::Counter(index), Value::Bulk(value)) => {
            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            let number = number.ok_or_else(|| format!("a counter was shown as {reply:?}"))?;
            load.show_counter(*index, number);
            Ok(())
        }
        (Read::Group(keys), Value::Array(values)) => {
            if values.iter().any(|value| Some(value) != values.first()) {
                let keys: Vec<_> = keys.iter().map(|key| String::from_utf8_lossy(key)).collect();
                return Err(format!("a reader saw a half-applied MSET: {keys:?} are {values:?}"));
            }
            if let Some(Value::Bulk(value)) = values.first() {
                show(load, value);
            }
            Ok(())
        }
        _ => Err(format!("a reader was answered with {reply:?}")),
    }
}

fn show(load: &Load, value: &[u8]) {
    if let Some((writer, sequence)) = op::origin(value) {
        load.show(writer, sequence);
    }
}
