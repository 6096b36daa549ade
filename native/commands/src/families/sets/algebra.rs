//! Intersections, unions and differences.

use ferric_engine::{Key, Locked};
use smallvec::SmallVec;

use super::super::lists::parse_at_least;
use crate::context::{Args, Context, Fault, Outcome};
use crate::pattern::is_option;
use crate::thresholds::Thresholds;
use crate::values::set::{Builder, Set};
use crate::values::table::Table;
use crate::values::{Held, Lookup, MAX_COPY, MAX_KEYS, Values, commit};

/// Members that are looked for in the other sets at a time.
const PIECE: usize = 1024;

/// What becomes of several sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Intersection,
    Union,
    Difference,
}

/// `SINTER key [key ...]`
pub fn sinter(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    reply(ctx, Operation::Intersection, &args[1..])
}

/// `SUNION key [key ...]`
pub fn sunion(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    reply(ctx, Operation::Union, &args[1..])
}

/// `SDIFF key [key ...]`
pub fn sdiff(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    reply(ctx, Operation::Difference, &args[1..])
}

/// `SINTERSTORE destination key [key ...]`
pub fn sinterstore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    store(ctx, Operation::Intersection, args)
}

/// `SUNIONSTORE destination key [key ...]`
pub fn sunionstore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    store(ctx, Operation::Union, args)
}

/// `SDIFFSTORE destination key [key ...]`
pub fn sdiffstore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    store(ctx, Operation::Difference, args)
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
pub fn sintercard(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (words, limit) = parse_sintercard(args)?;
    ctx.bound(words.len(), MAX_KEYS)?;
    let lookup = Lookup::new(ctx);
    let keys: Vec<Key<'_>> = words.iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    let mut sources = Sources::to_read(&mut locked, &lookup, &keys)?;
    let (mut count, limit) = (0, if limit == 0 { usize::MAX } else { limit });
    sources.intersection(|_| {
        count += 1;
        count < limit
    })?;
    ctx.reply.integer(count as i64);
    Ok(())
}

/// The keys and the limit.
fn parse_sintercard<'a>(args: Args<'a>) -> Result<(Args<'a>, usize), Fault> {
    const NEGATIVE: &str = "ERR LIMIT can't be negative";
    let count = parse_at_least(1, args[1], "ERR numkeys should be greater than 0")?;
    let (keys, mut options) = args[2..]
        .split_at_checked(count)
        .ok_or(Fault::error("ERR Number of keys can't be greater than number of args"))?;
    let mut limit = 0;
    while let [word, rest @ ..] = options {
        let [value, rest @ ..] = rest else { return Err(Fault::error("ERR syntax error")) };
        if !is_option(word, "LIMIT") {
            return Err(Fault::error("ERR syntax error"));
        }
        limit = parse_at_least(0, value, NEGATIVE)?;
        options = rest;
    }
    Ok((keys, limit))
}

fn reply(ctx: &mut Context<'_, '_>, operation: Operation, words: Args<'_>) -> Outcome {
    ctx.bound(words.len(), MAX_KEYS)?;
    let lookup = Lookup::new(ctx);
    let keys: Vec<Key<'_>> = words.iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    let mut sources = Sources::to_read(&mut locked, &lookup, &keys)?;
    let mark = ctx.reply.begin_deferred();
    let mut count = 0;
    let mut write = |member: &[u8]| {
        ctx.reply.bulk(member);
        count += 1;
        true
    };
    match operation {
        Operation::Intersection => sources.intersection(&mut write)?,
        Operation::Union => {
            let mut seen = Table::new();
            sources.for_each_member(|member| {
                if seen.insert(member, &[]) {
                    write(member);
                }
            })?;
        }
        Operation::Difference => {
            sources.difference_by_lookup(&mut write)?;
        }
    }
    ctx.reply.end_deferred_set(mark, count);
    Ok(())
}

fn store(ctx: &mut Context<'_, '_>, operation: Operation, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let lookup = Lookup::new(ctx);
    let thresholds = ctx.server.config().thresholds();
    let keys: Vec<Key<'_>> = args[1..].iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    let mut sources = Sources::locked(&mut locked, &lookup, &keys[1..])?;
    let result = sources.build(operation, thresholds)?;
    ctx.reply.integer(result.view().len() as i64);
    commit(&mut locked, &[(keys[0], result.finish(0))])
}

/// The sets that a command reads.
struct Sources<'s, 'a, 'e> {
    values: Values<'s, 'a, 'e>,
    keys: &'s [Key<'s>],
    /// Members of each; `None` where there is no key.
    lens: SmallVec<[Option<usize>; 8]>,
}

impl<'s, 'a, 'e> Sources<'s, 'a, 'e> {
    /// The sets for a command that goes on to write.
    fn locked(
        locked: &'s mut Locked<'a, 'e>,
        lookup: &Lookup<'_>,
        keys: &'s [Key<'s>],
    ) -> Result<Sources<'s, 'a, 'e>, Fault> {
        let lens = Self::look_up(locked, lookup, keys)?;
        Ok(Sources { values: Values::Locked(locked), keys, lens })
    }

    /// The sets for a command that only reads them.
    fn to_read(
        locked: &'s mut Locked<'a, 'e>,
        lookup: &Lookup<'_>,
        keys: &'s [Key<'s>],
    ) -> Result<Sources<'s, 'a, 'e>, Fault> {
        let lens = Self::look_up(locked, lookup, keys)?;
        Ok(Sources { values: lookup.keep_all(locked, keys)?, keys, lens })
    }

    /// Looks all keys up, as Redis does, before anything is done.
    fn look_up(
        locked: &mut Locked<'_, '_>,
        lookup: &Lookup<'_>,
        keys: &[Key<'_>],
    ) -> Result<SmallVec<[Option<usize>; 8]>, Fault> {
        let (mut lens, mut work, mut bytes) = (SmallVec::new(), 0, 0);
        for key in keys {
            let held = lookup.read_as::<Set>(locked, key)?;
            work += held.as_ref().map_or(0, |held| held.view.len());
            bytes += held.as_ref().map_or(0, |held| held.view.bytes());
            lens.push(held.map(|held| held.view.len()));
        }
        lookup.bound(work, MAX_KEYS)?;
        lookup.bound(bytes, MAX_COPY)?;
        Ok(lens)
    }

    /// One of the sets. Counts as no further use of its key.
    fn set(&mut self, index: usize) -> Result<Option<Held<'_, Set>>, Fault> {
        self.values.entry(index, &self.keys[index])?.map(Held::of).transpose()
    }

    /// Visits all members of all sets, one set after another.
    fn for_each_member(&mut self, mut visit: impl FnMut(&[u8])) -> Outcome {
        for index in 0..self.keys.len() {
            if let Some(held) = self.set(index)? {
                held.view.for_each(|member| member.with(&mut visit));
            }
        }
        Ok(())
    }

    /// Visits the members that all sets have, until `visit` returns false.
    fn intersection(&mut self, visit: impl FnMut(&[u8]) -> bool) -> Outcome {
        if self.lens.contains(&None) {
            return Ok(());
        }
        let mut order: SmallVec<[usize; 8]> = (0..self.keys.len()).collect();
        order.sort_by_key(|index| self.lens[*index]);
        let Some((&smallest, others)) = order.split_first() else { return Ok(()) };
        self.filter(smallest, others, true, visit)
    }

    /// Visits the members of the first set that no other has, until `visit` returns false.
    fn difference_by_lookup(&mut self, visit: impl FnMut(&[u8]) -> bool) -> Outcome {
        let mut others: SmallVec<[usize; 8]> = (1..self.keys.len()).collect();
        // The largest is the most likely to have a member.
        others.sort_by_key(|index| std::cmp::Reverse(self.lens[*index]));
        self.filter(0, &others, false, visit)
    }

    /// Visits the members of a set that all `others` have, or none. Takes them a piece at a time,
    /// because only one set can be looked at at once.
    fn filter(
        &mut self,
        set: usize,
        others: &[usize],
        wanted: bool,
        mut visit: impl FnMut(&[u8]) -> bool,
    ) -> Outcome {
        let mut cursor = 0;
        loop {
            let mut piece: Vec<SmallVec<[u8; 32]>> = Vec::new();
            let Some(held) = self.set(set)? else { return Ok(()) };
            cursor = held.view.scan(cursor, PIECE, &mut |member| {
                piece.push(member.with(SmallVec::from_slice));
            });
            for &other in others {
                match self.set(other)? {
                    Some(held) => piece.retain(|member| held.view.contains(member) == wanted),
                    None if wanted => piece.clear(),
                    None => {}
                }
            }
            if !piece.iter().all(|member| visit(member)) || cursor == 0 {
                return Ok(());
            }
        }
    }

    /// The result as a set.
    fn build(&mut self, operation: Operation, thresholds: &Thresholds) -> Result<Builder, Fault> {
        let mut result = Builder::new(thresholds);
        let mut add = |member: &[u8]| {
            result.add(member);
            true
        };
        match operation {
            Operation::Intersection => self.intersection(add)?,
            Operation::Union => self.for_each_member(|member| {
                add(member);
            })?,
            Operation::Difference if self.is_lookup_cheaper() => self.difference_by_lookup(add)?,
            Operation::Difference => self.difference_by_removal(&mut result)?,
        }
        Ok(result)
    }

    /// Redis's estimate: whether it is less work to look every member of the first set up in the
    /// others than to remove the members of the others from a copy of it. The encoding of the
    /// result depends on it.
    fn is_lookup_cheaper(&self) -> bool {
        let first = self.lens.first().copied().flatten().unwrap_or(0);
        let present = self.lens.iter().flatten();
        let all: usize = present.clone().sum();
        present.count() * first / 2 <= all
    }

    /// The first set without the members of the others.
    fn difference_by_removal(&mut self, result: &mut Builder) -> Outcome {
        for index in 0..self.keys.len() {
            let Some(held) = self.set(index)? else { continue };
            held.view.for_each(|member| {
                member.with(|bytes| match index {
                    0 => {
                        result.add(bytes);
                    }
                    _ => result.remove(bytes),
                });
            });
            if index > 0 && result.view().is_empty() {
                break;
            }
        }
        Ok(())
    }
}
