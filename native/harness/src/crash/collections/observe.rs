//! What a server holds.

use ferric_resp::Value;

use super::element::Element;
use super::model::{Model, Name, SETS};
use super::op::key;
use crate::client::Client;

/// Reads all collections of a writer from the server at `port`.
///
/// # Errors
/// A sentence when the server does not answer, or shows what the writer never wrote.
pub(super) fn observe(port: u16, writer: usize) -> Result<Model, String> {
    let mut client = Client::connect(port).map_err(|error| format!("no connection: {error}"))?;
    let mut model = Model::default();
    for number in 0..SETS {
        let mut values = |words: &[&[u8]], kind: &str| {
            let key = key(writer, kind, number);
            let words: Vec<&[u8]> = [words[0], &key].iter().chain(&words[1..]).copied().collect();
            let reply = client.call(&words).map_err(|error| format!("reading: {error}"))?;
            flat(reply).map_err(|wrong| format!("{}: {wrong}", crate::text::quote(&key)))
        };
        for bytes in values(&[b"LRANGE", b"0", b"-1"], "list")? {
            model.lists[number].push_back(Element::parse(writer, &bytes)?);
        }
        for (name, bytes) in pairs(values(&[b"HGETALL"], "hash")?)? {
            model.hashes[number].insert(name, Element::parse(writer, &bytes)?);
        }
        for (name, score) in pairs(values(&[b"ZRANGE", b"0", b"-1", b"WITHSCORES"], "sorted")?)? {
            let score = std::str::from_utf8(&score).ok().and_then(|text| text.parse().ok());
            model.sorted[number].insert(name, score.ok_or("a score that nobody wrote")?);
        }
    }
    Ok(model)
}

/// The bulk strings of a reply, one after another.
fn flat(reply: Value) -> Result<Vec<Vec<u8>>, String> {
    match reply {
        Value::Bulk(bytes) => Ok(vec![bytes]),
        Value::Array(values) => {
            let parts: Result<Vec<_>, String> = values.into_iter().map(flat).collect();
            Ok(parts?.concat())
        }
        other => Err(format!("the reply was {other:?}")),
    }
}

fn pairs(values: Vec<Vec<u8>>) -> Result<Vec<(Name, Vec<u8>)>, String> {
    let pair = |pair: &[Vec<u8>]| {
        let [name, value] = pair else { return Err("half a pair".to_owned()) };
        let text = name.strip_prefix(b"name").and_then(|digits| std::str::from_utf8(digits).ok());
        let name = text.and_then(|digits| digits.parse().ok()).ok_or("a name that nobody wrote")?;
        Ok((name, value.clone()))
    };
    values.chunks(2).map(pair).collect()
}
