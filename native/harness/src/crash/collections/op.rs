//! A writer's commands.

use super::element::Element;
use super::model::{Model, Name, SETS};
use crate::rng::Rng;

/// Elements that a list tends to, and names that hashes and sorted sets choose from.
const LIST_LEN: usize = 2_000;
const NAMES: Name = 3_000;
/// One command in so many deletes three collections, which fill up again slowly.
const DELETE_ONE_IN: u64 = 20_000;
/// Elements of one command, while the collections are filled.
pub(super) const FILL: u32 = 100;

/// A command on some of a writer's collections, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    /// RPUSH of new elements.
    Push { list: usize, count: u32 },
    /// LPOP with a count.
    Pop { list: usize, count: u32 },
    /// LSET of an element that is there.
    SetAt { list: usize, index: u32 },
    /// LMOVE from the left of one list to the right of another.
    Move { from: usize, to: usize },
    /// HSET.
    Fields { hash: usize, fields: Vec<Name> },
    /// HDEL.
    RemoveFields { hash: usize, fields: Vec<Name> },
    /// ZADD with the command's number as score.
    Members { sorted: usize, members: Vec<Name> },
    /// ZREM.
    RemoveMembers { sorted: usize, members: Vec<Name> },
    /// DEL of a list, a hash and a sorted set.
    Delete { number: usize },
}

/// The key of a collection.
pub(super) fn key(writer: usize, kind: &str, number: usize) -> Vec<u8> {
    format!("w{writer}:{kind}:{number}").into_bytes()
}

fn names(rng: &mut Rng, most: u64) -> Vec<Name> {
    let mut names: Vec<Name> =
        (0..rng.between(1, most)).map(|_| rng.below(u64::from(NAMES)) as Name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A random command that fits a writer's collections.
pub(super) fn random(rng: &mut Rng, model: &Model) -> Op {
    let number = rng.below(SETS as u64) as usize;
    let len = model.lists[number].len();
    if rng.below(DELETE_ONE_IN) == 0 {
        return Op::Delete { number };
    }
    match rng.below(1_000) {
        0..=150 => Op::Fields { hash: number, fields: names(rng, 8) },
        151..=220 => Op::RemoveFields { hash: number, fields: names(rng, 8) },
        221..=400 => Op::Members { sorted: number, members: names(rng, 8) },
        401..=470 => Op::RemoveMembers { sorted: number, members: names(rng, 8) },
        471..=600 => Op::Move { from: number, to: (number + 1) % SETS },
        601..=750 if len > 0 => Op::SetAt { list: number, index: rng.below(len as u64) as u32 },
        _ if rng.below(2 * LIST_LEN as u64) < len as u64 => {
            Op::Pop { list: number, count: rng.between(1, 8) as u32 }
        }
        _ => Op::Push { list: number, count: rng.between(1, 8) as u32 },
    }
}

/// The commands that fill a writer's collections.
pub(super) fn filling() -> impl Iterator<Item = Op> {
    let names = |part: u32| (part * FILL..(part + 1) * FILL).collect::<Vec<Name>>();
    (0..SETS).flat_map(move |number| {
        let lists =
            (0..LIST_LEN as u32 / FILL).map(move |_| Op::Push { list: number, count: FILL });
        let hashes =
            (0..NAMES / FILL).map(move |part| Op::Fields { hash: number, fields: names(part) });
        let sorted =
            (0..NAMES / FILL).map(move |part| Op::Members { sorted: number, members: names(part) });
        lists.chain(hashes).chain(sorted)
    })
}

/// A field's or a member's bytes.
pub(super) fn name(name: Name) -> Vec<u8> {
    format!("name{name}").into_bytes()
}

impl Op {
    /// The command, as `writer` sends it under this number.
    pub(super) fn words(&self, writer: usize, sequence: u64) -> Vec<Vec<u8>> {
        let element = |place| Element { sequence, place }.bytes(writer);
        let command = |word: &str, kind: &str, number: usize| {
            vec![word.as_bytes().to_vec(), key(writer, kind, number)]
        };
        let with = |mut words: Vec<Vec<u8>>, more: Vec<Vec<u8>>| {
            words.extend(more);
            words
        };
        match self {
            Op::Push { list, count } => {
                with(command("RPUSH", "list", *list), (0..*count).map(element).collect())
            }
            Op::Pop { list, count } => {
                with(command("LPOP", "list", *list), vec![count.to_string().into_bytes()])
            }
            Op::SetAt { list, index } => with(
                command("LSET", "list", *list),
                vec![index.to_string().into_bytes(), element(0)],
            ),
            Op::Move { from, to } => with(
                command("LMOVE", "list", *from),
                vec![key(writer, "list", *to), b"LEFT".to_vec(), b"RIGHT".to_vec()],
            ),
            Op::Fields { hash, fields } => {
                let pair = |(&field, place)| [name(field), element(place)];
                let pairs = fields.iter().zip(0..).flat_map(pair).collect();
                with(command("HSET", "hash", *hash), pairs)
            }
            Op::RemoveFields { hash, fields } => {
                with(command("HDEL", "hash", *hash), fields.iter().copied().map(name).collect())
            }
            Op::Members { sorted, members } => {
                let score = sequence.to_string().into_bytes();
                let pairs = members.iter().flat_map(|&member| [score.clone(), name(member)]);
                with(command("ZADD", "sorted", *sorted), pairs.collect())
            }
            Op::RemoveMembers { sorted, members } => with(
                command("ZREM", "sorted", *sorted),
                members.iter().copied().map(name).collect(),
            ),
            Op::Delete { number } => {
                let keys = ["list", "hash", "sorted"].map(|kind| key(writer, kind, *number));
                with(vec![b"DEL".to_vec()], keys.to_vec())
            }
        }
    }
}
