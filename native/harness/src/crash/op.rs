//! The commands writers send.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::model::Key;
use crate::rng::Rng;

/// Keys for strings, counters and groups that a writer has in a database.
const STRINGS: u64 = 12;
const COUNTERS: u64 = 3;
const GROUPS: u64 = 3;
/// The members of a group: keys that only one MSET writes, always with the same value.
const MEMBERS: [&str; 3] = ["a", "b", "c"];

/// What all writers share.
const SHARED_COUNTERS: u64 = 2;
const SHARED_GROUPS: u64 = 2;

/// How far away expiry is.
const FAR: Duration = Duration::from_secs(1_000_000);

/// A write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Select(u8),
    Set(Key, Vec<u8>),
    /// SETEX; the time is when it will expire, about, in milliseconds since 1970.
    SetEx(Key, Vec<u8>, i64),
    GetSet(Key, Vec<u8>),
    Append(Key, Vec<u8>),
    Incr(Key),
    Del(Vec<Key>),
    /// MSET of a value to keys.
    SetAll(Vec<Key>, Vec<u8>),
    Rename(Key, Key),
    /// COPY with REPLACE to a key of a database.
    Copy(Key, u8, Key),
    Move(Key, u8),
    /// PEXPIREAT, in milliseconds since 1970.
    ExpireAt(Key, i64),
    Persist(Key),
    FlushDb,
    SwapDb(u8, u8),
    /// INCR of a counter that all writers share, by its number.
    SharedIncr(u64),
    /// MSET of a group that all writers share, by its number.
    SharedGroup(u64, Vec<u8>),
}

impl Op {
    /// The command's words.
    pub(super) fn words(&self) -> Vec<Vec<u8>> {
        let word = |text: &str| text.as_bytes().to_vec();
        let number = |number: i64| number.to_string().into_bytes();
        let seconds = FAR.as_secs() as i64;
        match self {
            Op::Select(db) => vec![word("SELECT"), number((*db).into())],
            Op::Set(key, value) => vec![word("SET"), key.clone(), value.clone()],
            Op::SetEx(key, value, _) => {
                vec![word("SETEX"), key.clone(), number(seconds), value.clone()]
            }
            Op::GetSet(key, value) => vec![word("GETSET"), key.clone(), value.clone()],
            Op::Append(key, value) => vec![word("APPEND"), key.clone(), value.clone()],
            Op::Incr(key) => vec![word("INCR"), key.clone()],
            Op::Del(keys) => [vec![word("DEL")], keys.clone()].concat(),
            Op::SetAll(keys, value) => set_all(keys, value),
            Op::Rename(from, to) => vec![word("RENAME"), from.clone(), to.clone()],
            Op::Copy(from, db, to) => {
                let db = number((*db).into());
                vec![word("COPY"), from.clone(), to.clone(), word("DB"), db, word("REPLACE")]
            }
            Op::Move(key, db) => vec![word("MOVE"), key.clone(), number((*db).into())],
            Op::ExpireAt(key, at) => vec![word("PEXPIREAT"), key.clone(), number(*at)],
            Op::Persist(key) => vec![word("PERSIST"), key.clone()],
            Op::FlushDb => vec![word("FLUSHDB")],
            Op::SwapDb(a, b) => vec![word("SWAPDB"), number((*a).into()), number((*b).into())],
            Op::SharedIncr(index) => vec![word("INCR"), shared_counter(*index)],
            Op::SharedGroup(index, value) => set_all(&shared_group(*index), value),
        }
    }
}

fn set_all(keys: &[Key], value: &[u8]) -> Vec<Vec<u8>> {
    let pairs = keys.iter().flat_map(|key| [key.clone(), value.to_vec()]);
    std::iter::once(b"MSET".to_vec()).chain(pairs).collect()
}

/// The databases that belong to a writer alone.
pub(super) fn own_databases(writer: usize) -> [u8; 2] {
    let first = 1 + 2 * writer as u8;
    [first, first + 1]
}

/// What a writer's keys in a database begin with.
pub(super) fn prefix(writer: usize) -> String {
    format!("w{writer}:")
}

pub(super) fn shared_counter(index: u64) -> Key {
    format!("shared:counter{index}").into_bytes()
}

pub(super) fn shared_counters() -> impl Iterator<Item = u64> {
    0..SHARED_COUNTERS
}

pub(super) fn shared_group(index: u64) -> Vec<Key> {
    MEMBERS.iter().map(|member| format!("shared:group{index}:{member}").into_bytes()).collect()
}

pub(super) fn shared_groups() -> impl Iterator<Item = u64> {
    0..SHARED_GROUPS
}

/// A random string key of a writer.
pub(super) fn string(rng: &mut Rng, writer: usize) -> Key {
    format!("{}s{}", prefix(writer), rng.below(STRINGS)).into_bytes()
}

fn counter(rng: &mut Rng, writer: usize) -> Key {
    format!("{}c{}", prefix(writer), rng.below(COUNTERS)).into_bytes()
}

/// A random group of a writer.
pub(super) fn group(rng: &mut Rng, writer: usize) -> Vec<Key> {
    let (prefix, index) = (prefix(writer), rng.below(GROUPS));
    MEMBERS.iter().map(|member| format!("{prefix}g{index}:{member}").into_bytes()).collect()
}

/// A value that says which command of which writer it is from.
pub(super) fn value(rng: &mut Rng, writer: usize, sequence: u64) -> Vec<u8> {
    let padding = match rng.below(400) {
        0 => rng.between(1_000, 40_000),
        1..40 => rng.between(100, 1_000),
        _ => rng.below(60),
    };
    let mut value = format!("{writer}.{sequence}.").into_bytes();
    value.resize(value.len() + padding as usize, b'x');
    value
}

/// The writer and the latest command that the bytes of a value are from, if they are such.
pub(super) fn origin(value: &[u8]) -> Option<(usize, u64)> {
    // Appended values follow one another; the last one is the newest.
    let text = std::str::from_utf8(value).ok()?;
    let parse = |part: &str| {
        let mut fields = part.split('.');
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    text.split('|').filter_map(parse).max_by_key(|(_, sequence)| *sequence)
}

/// A random command of `writer`, its `sequence`-th, for database `db`.
pub(super) fn random(rng: &mut Rng, writer: usize, sequence: u64, db: u8) -> Op {
    let own = own_databases(writer);
    let is_own = db != 0;
    let other = own[usize::from(db == own[0])];
    let value = value(rng, writer, sequence);
    let key = string(rng, writer);
    match rng.below(100) {
        0..26 => Op::Set(key, value),
        26..31 => Op::SetEx(key, value, now_ms() + FAR.as_millis() as i64),
        31..36 => Op::GetSet(key, value),
        36..41 => Op::Append(key, [b"|", &value[..value.len().min(80)]].concat()),
        41..55 => Op::Incr(counter(rng, writer)),
        55..61 => Op::Del(vec![key, string(rng, writer), counter(rng, writer)]),
        61..73 => Op::SetAll(group(rng, writer), value),
        73..77 => rename(rng, writer, key),
        77..80 => Op::Copy(key, other, string(rng, writer)),
        80..83 => Op::ExpireAt(key, now_ms() + rng.between(1_000_000_000, 9_000_000_000) as i64),
        83..85 => Op::Persist(key),
        85..87 if is_own => Op::Move(key, other),
        87 if is_own => Op::FlushDb,
        88 if is_own => Op::SwapDb(own[0], own[1]),
        89..95 if !is_own => Op::SharedIncr(rng.below(SHARED_COUNTERS)),
        95..100 if !is_own => Op::SharedGroup(rng.below(SHARED_GROUPS), value),
        _ => Op::Set(key, value),
    }
}

/// RENAME and COPY to the same key and database would be an error, which tests nothing here.
fn rename(rng: &mut Rng, writer: usize, from: Key) -> Op {
    let to = string(rng, writer);
    if from == to { Op::Persist(from) } else { Op::Rename(from, to) }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_say_where_they_are_from() {
        let mut rng = Rng::new(1);
        let one = value(&mut rng, 2, 77);
        assert_eq!(origin(&one), Some((2, 77)));
        let two = [&one[..], b"|", &value(&mut rng, 2, 80)].concat();
        assert_eq!(origin(&two), Some((2, 80)));
        assert_eq!(origin(b"|3.5.xx"), Some((3, 5)));
        assert_eq!((origin(b""), origin(b"12"), origin(b"a.b")), (None, None, None));
    }

    #[test]
    fn no_writer_touches_anothers_keys() {
        let mut rng = Rng::new(4);
        for sequence in 0..5_000 {
            let writer = rng.below(7) as usize;
            let own = own_databases(writer);
            let db = *rng.pick(&[0, own[0], own[1]]);
            match random(&mut rng, writer, sequence, db) {
                Op::Copy(_, to, _) | Op::Move(_, to) => assert!(own.contains(&to) && to != db),
                Op::SwapDb(a, b) => assert!([a, b] == own && db != 0),
                Op::FlushDb => assert!(own.contains(&db)),
                _ => {}
            }
        }
    }
}
