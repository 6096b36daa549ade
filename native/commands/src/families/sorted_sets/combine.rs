//! Unions, intersections and differences.

use std::collections::HashMap;

use ferric_engine::Key;

use super::limits::Limits;
use super::read::{header, put_entry};
use super::source::Source;
use super::store::replace;
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_f64, parse_i64, parse_i64_or_fault};
use crate::pattern::is_option;
use crate::values::sorted::{Entry, order};
use crate::values::{Lookup, MAX_KEYS, Values};

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// How sets are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Union,
    Inter,
    Diff,
}

/// What becomes of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Reply,
    Store,
    Count,
}

/// What becomes of several scores of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn apply(self, score: &mut f64, other: f64) {
        match self {
            Aggregate::Sum => *score = number(*score + other),
            Aggregate::Min if other < *score => *score = other,
            Aggregate::Max if other > *score => *score = other,
            Aggregate::Min | Aggregate::Max => {}
        }
    }
}

/// The score, or 0 where infinities have made it no number.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The options of a combination.
#[derive(Debug)]
struct Options {
    /// A factor for each input.
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
    /// Members that are counted at most; 0: all.
    limit: usize,
}

impl Options {
    fn parse(
        mut words: Args<'_>,
        inputs: usize,
        operation: Operation,
        purpose: Purpose,
    ) -> Result<Options, Fault> {
        let weighted = operation != Operation::Diff && purpose != Purpose::Count;
        let mut options = Options {
            weights: vec![1.0; inputs],
            aggregate: Aggregate::Sum,
            with_scores: false,
            limit: 0,
        };
        while let [word, rest @ ..] = words {
            words = if weighted && is_option(word, "WEIGHTS") {
                let (weights, rest) = rest.split_at_checked(inputs).ok_or(SYNTAX)?;
                for (weight, word) in options.weights.iter_mut().zip(weights) {
                    *weight =
                        parse_f64(word).ok_or(Fault::error("ERR weight value is not a float"))?;
                }
                rest
            } else if let (true, [name, rest @ ..]) =
                (weighted && is_option(word, "AGGREGATE"), rest)
            {
                options.aggregate = parse_aggregate(name)?;
                rest
            } else if purpose == Purpose::Reply && is_option(word, "WITHSCORES") {
                options.with_scores = true;
                rest
            } else if let (true, [limit, rest @ ..]) =
                (purpose == Purpose::Count && is_option(word, "LIMIT"), rest)
            {
                options.limit = parse_limit(limit)?;
                rest
            } else {
                return Err(SYNTAX);
            };
        }
        Ok(options)
    }
}

fn parse_aggregate(word: &[u8]) -> Result<Aggregate, Fault> {
    let names = [("SUM", Aggregate::Sum), ("MIN", Aggregate::Min), ("MAX", Aggregate::Max)];
    let found = names.into_iter().find(|(name, _)| is_option(word, name));
    found.map(|(_, aggregate)| aggregate).ok_or(SYNTAX)
}

fn parse_limit(word: &[u8]) -> Result<usize, Fault> {
    let limit = parse_i64(word).and_then(|limit| usize::try_from(limit).ok());
    limit.ok_or(Fault::error("ERR LIMIT can't be negative"))
}

/// `ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub fn zunion(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    combine(ctx, args, Operation::Union, Purpose::Reply)
}

/// `ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub fn zinter(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    combine(ctx, args, Operation::Inter, Purpose::Reply)
}

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
pub fn zdiff(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    combine(ctx, args, Operation::Diff, Purpose::Reply)
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
pub fn zintercard(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    combine(ctx, args, Operation::Inter, Purpose::Count)
}

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]`
pub fn zunionstore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    combine(ctx, args, Operation::Union, Purpose::Store)
}

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]`
pub fn zinterstore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    combine(ctx, args, Operation::Inter, Purpose::Store)
}

/// `ZDIFFSTORE destination numkeys key [key ...]`
pub fn zdiffstore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    combine(ctx, args, Operation::Diff, Purpose::Store)
}

fn combine(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    operation: Operation,
    purpose: Purpose,
) -> Outcome {
    let target = (purpose == Purpose::Store).then(|| ctx.key(args[1]));
    let words = &args[1 + usize::from(target.is_some())..];
    let (names, words) = split_keys(words, ctx.command.name)?;
    ctx.bound(names.len(), MAX_KEYS)?;
    let (lookup, limits) = (Lookup::new(ctx), Limits::of(ctx));
    let keys: Vec<Key<'_>> = names.iter().map(|name| ctx.key(name)).collect();
    let mut locked = ctx.access.acquire_all(target.iter().chain(&keys))?;
    let mut sizes = Vec::with_capacity(keys.len());
    for key in &keys {
        sizes.push(Source::of(lookup.read(&mut locked, key)?)?.len());
    }
    let options = Options::parse(words, keys.len(), operation, purpose)?;
    let mut inputs = Inputs { lookup, keys: &keys, sizes: &sizes, options: &options };
    inputs.bound(operation)?;
    let mut values = match target {
        Some(_) => Values::Locked(&mut locked),
        None => lookup.keep_all(&mut locked, &keys)?,
    };
    let result = match operation {
        Operation::Union => inputs.unite(&mut values)?,
        Operation::Inter => inputs.intersect(&mut values)?,
        Operation::Diff => inputs.subtract(&mut values)?,
    };
    if purpose == Purpose::Count {
        let limit = if options.limit == 0 { usize::MAX } else { options.limit };
        ctx.reply.integer(result.len().min(limit) as i64);
        return Ok(());
    }
    let mut entries: Vec<Entry<'_>> =
        result.iter().map(|(member, score)| (*score, &member[..])).collect();
    entries.sort_unstable_by(|a, b| order(*a, *b));
    if let Some(target) = target {
        ctx.reply.integer(entries.len() as i64);
        return replace(&mut locked, target, &entries, limits);
    }
    header(ctx.reply, entries.len(), options.with_scores);
    for (score, member) in entries {
        put_entry(ctx.reply, member, score, options.with_scores);
    }
    Ok(())
}

/// The keys behind their number, and what follows them.
fn split_keys<'a>(words: Args<'a>, command: &str) -> Result<(Args<'a>, Args<'a>), Fault> {
    let [count, words @ ..] = words else { return Err(SYNTAX) };
    let count = parse_i64_or_fault(count)?;
    if count < 1 {
        return Err(format!("ERR at least 1 input key is needed for '{command}' command").into());
    }
    let count = usize::try_from(count).map_err(|_| SYNTAX)?;
    words.split_at_checked(count).ok_or(SYNTAX)
}

/// Members with their scores so far.
type Scores = HashMap<Box<[u8]>, f64>;

/// The inputs of a combination. A lock shows one of them at a time, so the result is a copy.
struct Inputs<'a, 'k> {
    lookup: Lookup<'a>,
    keys: &'a [Key<'k>],
    sizes: &'a [usize],
    options: &'a Options,
}

impl Inputs<'_, '_> {
    /// Whether this is too much work for now.
    fn bound(&self, operation: Operation) -> Outcome {
        let sizes = self.sizes.iter();
        let work = match operation {
            Operation::Inter => self.sizes.len() * sizes.min().unwrap_or(&0),
            Operation::Union | Operation::Diff => sizes.sum(),
        };
        self.lookup.bound(work, MAX_KEYS)
    }

    /// The inputs, the smallest first: the order in which Redis adds scores up.
    fn by_size(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.keys.len()).collect();
        order.sort_by_key(|&at| self.sizes[at]);
        order
    }

    fn source<'l>(
        &self,
        values: &'l mut Values<'_, '_, '_>,
        at: usize,
    ) -> Result<Source<'l>, Fault> {
        Source::of(values.entry(at, &self.keys[at])?)
    }

    /// The members of one input with their weighted scores.
    fn load(&self, values: &mut Values<'_, '_, '_>, at: usize) -> Result<Scores, Fault> {
        let weight = self.options.weights[at];
        let mut result = Scores::with_capacity(self.sizes[at]);
        self.source(values, at)?.each(|score, member| {
            result.insert(member.into(), number(weight * score));
        });
        Ok(result)
    }

    fn unite(&mut self, values: &mut Values<'_, '_, '_>) -> Result<Scores, Fault> {
        let mut result = Scores::new();
        for at in self.by_size() {
            let weight = self.options.weights[at];
            self.source(values, at)?.each(|score, member| {
                let score = number(weight * score);
                if let Some(sum) = result.get_mut(member) {
                    self.options.aggregate.apply(sum, score);
                } else {
                    result.insert(member.into(), score);
                }
            });
        }
        Ok(result)
    }

    fn intersect(&mut self, values: &mut Values<'_, '_, '_>) -> Result<Scores, Fault> {
        let order = self.by_size();
        let mut result = self.load(values, order[0])?;
        for &at in &order[1..] {
            if result.is_empty() {
                break;
            }
            let (weight, source) = (self.options.weights[at], self.source(values, at)?);
            result.retain(|member, sum| match source.score(member) {
                Some(score) => {
                    self.options.aggregate.apply(sum, weight * score);
                    true
                }
                None => false,
            });
        }
        Ok(result)
    }

    fn subtract(&mut self, values: &mut Values<'_, '_, '_>) -> Result<Scores, Fault> {
        let mut result = self.load(values, 0)?;
        for at in 1..self.keys.len() {
            if result.is_empty() {
                break;
            }
            let source = self.source(values, at)?;
            if source.len() < result.len() {
                source.each(|_, member| {
                    result.remove(member);
                });
            } else {
                result.retain(|member, _| source.score(member).is_none());
            }
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_are_no_numbers_count_as_zero() {
        let mut score = f64::INFINITY;
        Aggregate::Sum.apply(&mut score, f64::NEG_INFINITY);
        assert_eq!(score, 0.0);
        let mut score = 2.0;
        Aggregate::Min.apply(&mut score, f64::NAN);
        Aggregate::Max.apply(&mut score, 1.0);
        assert_eq!(score, 2.0);
        Aggregate::Max.apply(&mut score, 3.0);
        assert_eq!(score, 3.0);
    }

    #[test]
    fn options() {
        let words: &[&[u8]] = &[b"WEIGHTS", b"2", b"-inf", b"aggregate", b"max", b"withscores"];
        let parse = |words, operation, purpose| Options::parse(words, 2, operation, purpose);
        let options = parse(words, Operation::Union, Purpose::Reply).expect("options");
        assert_eq!(options.weights, [2.0, f64::NEG_INFINITY]);
        assert_eq!(options.aggregate, Aggregate::Max);
        assert!(options.with_scores);
        assert!(parse(words, Operation::Union, Purpose::Store).is_err());
        assert!(parse(words, Operation::Diff, Purpose::Reply).is_err());
        assert!(parse(&words[..2], Operation::Inter, Purpose::Reply).is_err());
        let limit = parse(&[b"limit", b"7"], Operation::Inter, Purpose::Count);
        assert_eq!(limit.expect("options").limit, 7);
    }
}
