//! The commands of writers whose data are larger than memory.

use std::time::{SystemTime, UNIX_EPOCH};

use super::value;
use crate::rng::Rng;

/// A key of a writer, by its number.
pub(super) type Index = u32;

/// One key in so many may expire; such keys are only set and deleted, because what other commands
/// do to a key depends on whether it has expired yet.
pub(super) const EXPIRING_EVERY: Index = 16;

/// Keys of one MSET.
const SET_ALL: usize = 3;

/// One part in so many of the keys gets half of the writes and most reads.
const HOT_PART: u64 = 10;

/// The nearest and the farthest expiry, in milliseconds from now.
const EXPIRY_MS: (u64, u64) = (200, 20_000);

/// A write. Values follow from the number of the command.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Op {
    Set(Index),
    /// SET with PXAT, in milliseconds since 1970.
    SetUntil(Index, i64),
    GetSet(Index),
    Append(Index),
    SetAll([Index; SET_ALL]),
    Del([Index; 2]),
    Rename(Index, Index),
    /// COPY with REPLACE.
    Copy(Index, Index),
}

impl Op {
    /// The words of the command, the `sequence`-th of `writer`.
    pub(super) fn words(&self, writer: usize, sequence: u64) -> Vec<Vec<u8>> {
        let word = |text: &str| text.as_bytes().to_vec();
        let key = |index: Index| key(writer, index);
        let value = || value::whole(writer, sequence);
        match *self {
            Op::Set(index) => vec![word("SET"), key(index), value()],
            Op::SetUntil(index, at) => {
                vec![word("SET"), key(index), value(), word("PXAT"), at.to_string().into_bytes()]
            }
            Op::GetSet(index) => vec![word("GETSET"), key(index), value()],
            Op::Append(index) => {
                vec![word("APPEND"), key(index), value::addition(writer, sequence)]
            }
            Op::SetAll(indexes) => {
                let value = value();
                let pairs = indexes.iter().flat_map(|index| [key(*index), value.clone()]);
                std::iter::once(word("MSET")).chain(pairs).collect()
            }
            Op::Del([a, b]) => vec![word("DEL"), key(a), key(b)],
            Op::Rename(from, to) => vec![word("RENAME"), key(from), key(to)],
            Op::Copy(from, to) => vec![word("COPY"), key(from), key(to), word("REPLACE")],
        }
    }

    /// The keys that it may change.
    pub(super) fn touched(&self) -> impl Iterator<Item = Index> + use<> {
        let [a, b, c] = match *self {
            Op::Set(a) | Op::SetUntil(a, _) | Op::GetSet(a) | Op::Append(a) => [a, a, a],
            Op::SetAll(indexes) => indexes,
            Op::Del([a, b]) | Op::Rename(a, b) => [a, b, b],
            Op::Copy(_, to) => [to, to, to],
        };
        // A key that is named twice must be counted once.
        [Some(a), (b != a).then_some(b), (c != a && c != b).then_some(c)].into_iter().flatten()
    }
}

/// The name of a writer's key.
pub(super) fn key(writer: usize, index: Index) -> Vec<u8> {
    format!("l{writer}:{index:06}").into_bytes()
}

/// The writer and the number of a key with this name.
pub(super) fn parse_key(name: &[u8]) -> Option<(usize, Index)> {
    let (writer, index) = std::str::from_utf8(name).ok()?.strip_prefix('l')?.split_once(':')?;
    let parsed = (writer.parse().ok()?, index.parse().ok()?);
    (key(parsed.0, parsed.1) == name).then_some(parsed)
}

/// Whether a key is one of those that may expire.
pub(super) fn may_expire(index: Index) -> bool {
    index.is_multiple_of(EXPIRING_EVERY)
}

/// A random key of `keys`, which is a multiple of [`EXPIRING_EVERY`].
pub(super) fn any(rng: &mut Rng, keys: Index) -> Index {
    let all = u64::from(keys);
    let bound = if rng.chance(50) { all / HOT_PART } else { all };
    rng.below(bound) as Index
}

/// A random key that does not expire.
fn lasting(rng: &mut Rng, keys: Index) -> Index {
    let index = any(rng, keys);
    if may_expire(index) { index + 1 } else { index }
}

/// A random command.
pub(super) fn random(rng: &mut Rng, keys: Index) -> Op {
    let index = any(rng, keys);
    if may_expire(index) {
        return match rng.below(10) {
            0..6 => Op::SetUntil(index, now_ms() + rng.between(EXPIRY_MS.0, EXPIRY_MS.1) as i64),
            6..9 => Op::Set(index),
            _ => Op::Del([index, index]),
        };
    }
    let other = lasting(rng, keys);
    match rng.below(100) {
        0..50 => Op::Set(index),
        50..58 => Op::GetSet(index),
        58..68 => Op::Append(index),
        68..78 => Op::SetAll([index, other, lasting(rng, keys)]),
        78..87 => Op::Del([index, other]),
        87..92 if index != other => Op::Rename(index, other),
        92..98 if index != other => Op::Copy(index, other),
        _ => Op::Set(index),
    }
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_may_expire_do_and_nothing_else_touches_them() {
        let mut rng = Rng::new(1);
        for _ in 0..20_000 {
            let op = random(&mut rng, 64);
            let expiring = op.touched().any(may_expire);
            assert!(op.touched().all(|index| index < 64 && may_expire(index) == expiring));
            match op {
                Op::SetUntil(..) => assert!(expiring),
                Op::Set(_) | Op::Del(_) => {}
                Op::Copy(from, _) => assert!(!may_expire(from) && !expiring),
                _ => assert!(!expiring),
            }
        }
    }

    #[test]
    fn names_of_keys_can_be_read_back() {
        assert_eq!(parse_key(&key(3, 4711)), Some((3, 4711)));
        assert_eq!(parse_key(b"l3:4711"), None);
        assert_eq!(parse_key(b"x"), None);
    }
}
