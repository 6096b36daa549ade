//! Collections of any type, for what is measured by the element.

use std::io;

use crate::client::{Client, ClientError, encode};

/// Elements of a small collection: its compact encoding in Redis, by default.
pub const SMALL: u64 = 20;

/// Elements added by one command.
const AT_ONCE: u64 = 10;

/// Commands sent before their replies are read.
const PIPELINE: u64 = 500;

/// A type, and what its elements look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Strings.
    List,
    /// Fields with values.
    Hash,
    /// Strings.
    Set,
    /// Integers, which Redis keeps as such in a small set.
    IntegerSet,
    /// Members with integer scores.
    SortedSet,
    /// Entries of one field.
    Stream,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] =
        [Kind::List, Kind::Hash, Kind::Set, Kind::IntegerSet, Kind::SortedSet, Kind::Stream];

    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Kind::List => "list",
            Kind::Hash => "hash",
            Kind::Set => "set",
            Kind::IntegerSet => "set of integers",
            Kind::SortedSet => "sorted set",
            Kind::Stream => "stream",
        }
    }

    /// The command that adds elements; a stream gets one at a time.
    fn words(self, key: String, elements: std::ops::Range<u64>) -> Vec<String> {
        let name = match self {
            Kind::List => "RPUSH",
            Kind::Hash => "HSET",
            Kind::Set | Kind::IntegerSet => "SADD",
            Kind::SortedSet => "ZADD",
            Kind::Stream => "XADD",
        };
        let mut words = vec![name.to_owned(), key];
        for number in elements {
            let element = format!("element:{number:09}");
            match self {
                Kind::List | Kind::Set => words.push(element),
                Kind::IntegerSet => words.push(format!("{}", 100_000_000 + number)),
                Kind::Hash => words.extend([element, format!("{number:016}")]),
                Kind::SortedSet => words.extend([number.to_string(), element]),
                Kind::Stream => words.extend(["*".into(), "field".into(), format!("{number:016}")]),
            }
        }
        words
    }

    fn at_once(self) -> u64 {
        if self == Kind::Stream { 1 } else { AT_ONCE }
    }
}

/// How elements are spread over collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// [`SMALL`] in each.
    Small,
    /// All in one.
    Large,
}

impl Shape {
    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Small => "small",
            Shape::Large => "one",
        }
    }
}

/// Adds `count` elements to a server's database.
///
/// # Errors
/// The connection failed, or a command did.
pub fn load(port: u16, kind: Kind, shape: Shape, count: u64) -> Result<(), ClientError> {
    let mut client = Client::connect(port).map_err(ClientError::Io)?;
    let at_once = kind.at_once();
    let commands = count.div_ceil(at_once);
    for first in (0..commands).step_by(PIPELINE as usize) {
        let batch = first..(first + PIPELINE).min(commands);
        let mut request = Vec::new();
        for command in batch.clone() {
            let elements = command * at_once..((command + 1) * at_once).min(count);
            let key = match shape {
                Shape::Small => format!("key:{:09}", elements.start / SMALL),
                Shape::Large => "key".to_owned(),
            };
            encode(&mut request, &kind.words(key, elements));
        }
        client.send(&request)?;
        for _ in batch {
            let reply = client.reply()?;
            if reply.bytes.starts_with(b"-") {
                let text = String::from_utf8_lossy(&reply.bytes).into_owned();
                return Err(ClientError::Io(io::Error::other(text)));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_add_the_elements_they_are_told() {
        let words = Kind::SortedSet.words("k".into(), 8..10);
        assert_eq!(words, ["ZADD", "k", "8", "element:000000008", "9", "element:000000009"]);
        assert_eq!(Kind::Stream.words("k".into(), 3..4).len(), 5);
        assert_eq!(Kind::IntegerSet.words("k".into(), 3..4), ["SADD", "k", "100000003"]);
    }
}
