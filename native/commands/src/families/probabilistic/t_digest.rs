//! TDIGEST.*: quantiles.

use ferric_engine::Key;

use super::{READ, SOURCES, WRITE, key, numbers, view, wrong_arity};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_f64, parse_i64};
use crate::pattern::is_option;
use crate::table::{Command, Flag};
use crate::values::t_digest::{Overflow, TDigest};
use crate::values::{Change, Lookup, MAX_KEYS, commit};

const READ_FAST: Command = Command {
    categories: &["tdigest", "read", "fast"],
    group: "tdigest",
    since: "2.4.0",
    complexity: "O(n) for n nodes",
    ..READ
};

const WRITE_FAST: Command = Command {
    categories: &["tdigest", "write", "fast"],
    group: "tdigest",
    since: "2.4.0",
    ..WRITE
};

const WRITE_SLOW: Command = Command {
    categories: &["tdigest", "write", "slow"],
    flags: &[Flag::Write, Flag::DenyOom],
    ..WRITE_FAST
};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "tdigest.create",
        arity: -2,
        complexity: "O(1)",
        summary: "Makes an empty t-digest.",
        handler: Some(create),
        ..WRITE_FAST
    },
    Command {
        name: "tdigest.reset",
        arity: 2,
        complexity: "O(1)",
        summary: "Makes a t-digest forget its numbers.",
        handler: Some(reset),
        ..WRITE_FAST
    },
    Command {
        name: "tdigest.add",
        arity: -3,
        complexity: "O(n) for n numbers",
        summary: "Shows numbers to a t-digest.",
        handler: Some(add),
        ..WRITE_SLOW
    },
    Command {
        name: "tdigest.merge",
        arity: -4,
        keys: &[key(&["OW", "update"]), SOURCES],
        complexity: "O(n) for n nodes of all digests together",
        summary: "Adds what some t-digests have seen to another one.",
        handler: Some(merge),
        ..WRITE_SLOW
    },
    Command {
        name: "tdigest.min",
        arity: 2,
        complexity: "O(1)",
        summary: "Returns the smallest number that a t-digest has seen.",
        handler: Some(min),
        ..READ_FAST
    },
    Command {
        name: "tdigest.max",
        arity: 2,
        complexity: "O(1)",
        summary: "Returns the largest number that a t-digest has seen.",
        handler: Some(max),
        ..READ_FAST
    },
    Command {
        name: "tdigest.quantile",
        arity: -3,
        summary: "Estimates the numbers below which some parts of all are.",
        handler: Some(quantile),
        ..READ_FAST
    },
    Command {
        name: "tdigest.cdf",
        arity: -3,
        summary: "Estimates the parts of all numbers that are less than some.",
        handler: Some(cdf),
        ..READ_FAST
    },
    Command {
        name: "tdigest.rank",
        arity: -3,
        summary: "Estimates how many numbers are less than some.",
        handler: Some(rank),
        ..READ_FAST
    },
    Command {
        name: "tdigest.revrank",
        arity: -3,
        summary: "Estimates how many numbers are greater than some.",
        handler: Some(revrank),
        ..READ_FAST
    },
    Command {
        name: "tdigest.byrank",
        arity: -3,
        summary: "Estimates the numbers at some ranks, from the smallest.",
        handler: Some(byrank),
        ..READ_FAST
    },
    Command {
        name: "tdigest.byrevrank",
        arity: -3,
        summary: "Estimates the numbers at some ranks, from the largest.",
        handler: Some(byrevrank),
        ..READ_FAST
    },
    Command {
        name: "tdigest.trimmed_mean",
        arity: 4,
        summary: "Estimates the mean of the numbers between two quantiles.",
        handler: Some(trimmed_mean),
        ..READ_FAST
    },
    Command {
        name: "tdigest.info",
        arity: 2,
        complexity: "O(1)",
        summary: "Describes a t-digest.",
        handler: Some(info),
        ..READ_FAST
    },
];

/// Redis Stack's default.
const COMPRESSION: u64 = 100;

/// Nodes that may be gone through on a normal scheduler.
const MAX_NODES: usize = 8192;

const MISSING: Fault = Fault::error("ERR T-Digest: key does not exist");
const WRONG_KEYWORD: Fault = Fault::error("ERR T-Digest: wrong keyword");

impl From<Overflow> for Fault {
    fn from(_: Overflow) -> Fault {
        Fault::error("ERR T-Digest: overflow detected")
    }
}

fn parse_compression(word: &[u8]) -> Result<u64, Fault> {
    let number =
        parse_i64(word).ok_or(Fault::error("ERR T-Digest: error parsing compression parameter"))?;
    u64::try_from(number)
        .ok()
        .filter(|number| *number > 0)
        .ok_or(Fault::error("ERR T-Digest: compression parameter needs to be a positive integer"))
}

/// Reads every word with `parse`.
fn parse_all<T>(
    words: Args<'_>,
    parse: impl Fn(&[u8]) -> Option<T>,
    unreadable: &'static str,
) -> Result<Vec<T>, Fault> {
    words.iter().map(|word| parse(word).ok_or(Fault::error(unreadable))).collect()
}

/// `TDIGEST.CREATE key [COMPRESSION compression]`
fn create(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if args.len() != 2 && args.len() != 4 {
        return Err(wrong_arity(ctx));
    }
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    if lookup.modify_as::<TDigest>(&mut locked, &key)?.is_some() {
        return Err(Fault::error("ERR T-Digest: key already exists"));
    }
    let compression = match args[2..] {
        [word, number] if is_option(word, "COMPRESSION") => parse_compression(number)?,
        [_, _] => return Err(WRONG_KEYWORD),
        _ => COMPRESSION,
    };
    let digest = TDigest::new(compression);
    let digest = digest.ok_or(Fault::error("ERR T-Digest: allocation failed"))?;
    ctx.reply.ok();
    commit(&mut locked, &[(key, Change::put(&digest, 0, 0))])
}

/// `TDIGEST.RESET key`
fn reset(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<TDigest>(&mut locked, &key)?.ok_or(MISSING)?;
    let change = held.change(held.meta, &TDigest::resetting(), 1)?;
    ctx.reply.ok();
    commit(&mut locked, &[(key, change)])
}

/// `TDIGEST.ADD key value [value ...]`
fn add(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<TDigest>(&mut locked, &key)?.ok_or(MISSING)?;
    let digest = held.view.digest()?;
    lookup.bound(digest.capacity() as usize, MAX_NODES)?;
    let values = parse_all(&args[2..], parse_f64, "ERR T-Digest: error parsing val parameter")?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Fault::error("ERR T-Digest: val parameter needs to be a finite number"));
    }
    if digest.count() + values.len() as u64 > i64::MAX as u64 {
        return Err(Overflow.into());
    }
    let change = held.change(held.meta, &TDigest::addition(&values), 1)?;
    ctx.reply.ok();
    commit(&mut locked, &[(key, change)])
}

/// What is behind TDIGEST.MERGE's first key.
struct Merge<'a> {
    sources: Args<'a>,
    compression: Option<u64>,
    /// The numbers that the first key has already do not count.
    replace: bool,
}

impl<'a> Merge<'a> {
    fn parse(ctx: &Context<'_, '_>, words: Args<'a>) -> Result<Merge<'a>, Fault> {
        let count =
            parse_i64(words[0]).ok_or(Fault::error("ERR T-Digest: error parsing numkeys"))?;
        if count <= 0 {
            return Err(Fault::error("ERR T-Digest: numkeys needs to be a positive integer"));
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let parts = words[1..].split_at_checked(count).ok_or_else(|| wrong_arity(ctx))?;
        let (sources, mut options) = parts;
        let mut merge = Merge { sources, compression: None, replace: false };
        loop {
            options = match *options {
                [] => return Ok(merge),
                [word, number, ref rest @ ..] if is_option(word, "COMPRESSION") => {
                    merge.compression = Some(parse_compression(number)?);
                    rest
                }
                [word, ref rest @ ..] if is_option(word, "OVERRIDE") => {
                    merge.replace = true;
                    rest
                }
                [word] if is_option(word, "COMPRESSION") => return Err(wrong_arity(ctx)),
                _ => return Err(WRONG_KEYWORD),
            };
        }
    }
}

/// `TDIGEST.MERGE destination numkeys source [source ...] [COMPRESSION compression] [OVERRIDE]`
fn merge(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS / 100)?;
    let lookup = Lookup::new(ctx);
    let merge = Merge::parse(ctx, &args[2..])?;
    let target = ctx.key(args[1]);
    let keys: Vec<Key<'_>> = merge.sources.iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(keys.iter().chain([&target]))?;
    let old = match lookup.modify_as::<TDigest>(&mut locked, &target)? {
        Some(held) => Some((held.view.digest()?.into_owned(), held.meta.expiry_ms)),
        None => None,
    };
    let mut sources = Vec::with_capacity(keys.len() + 1);
    for key in &keys {
        let held = lookup.read_as::<TDigest>(&mut locked, key)?.ok_or(MISSING)?;
        sources.push(held.view.digest()?.into_owned());
    }
    let highest = sources.iter().map(TDigest::compression).max().unwrap_or(COMPRESSION);
    let expiry_ms = old.as_ref().map_or(0, |(_, expiry_ms)| *expiry_ms);
    let kept = old.map(|(digest, _)| digest).filter(|_| !merge.replace);
    let compression = merge.compression.or(kept.as_ref().map(TDigest::compression));
    let merged = TDigest::new(compression.unwrap_or(highest));
    let mut merged =
        merged.ok_or(Fault::error("ERR T-Digest: allocation of destination digest failed"))?;
    let nodes = sources.iter().map(|source| source.capacity() as usize).sum::<usize>();
    lookup.bound(nodes + merged.capacity() as usize, MAX_NODES)?;
    for source in kept.iter().chain(&sources) {
        merged.merge(source)?;
    }
    ctx.reply.ok();
    commit(&mut locked, &[(target, Change::put(&merged, 0, expiry_ms))])
}

/// Asks a digest that has to be there.
fn ask<R>(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    question: impl FnOnce(&TDigest) -> Result<R, Fault>,
) -> Result<R, Fault> {
    let long = ctx.long;
    view::<TDigest, _>(ctx, name, MISSING, |held| {
        let digest = held.view.digest()?;
        if !long && digest.capacity() as usize > MAX_NODES {
            return Err(Fault::Long);
        }
        question(&digest)
    })
}

/// Replies with one number each; nothing is known of no numbers.
fn reply_all(ctx: &mut Context<'_, '_>, answers: Vec<Option<f64>>) -> Outcome {
    ctx.reply.array(answers.len());
    answers.into_iter().for_each(|answer| ctx.reply.double(answer.unwrap_or(f64::NAN)));
    Ok(())
}

/// `TDIGEST.MIN key`
fn min(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let min = ask(ctx, args[1], |digest| Ok(digest.min()))?;
    ctx.reply.double(min.unwrap_or(f64::NAN));
    Ok(())
}

/// `TDIGEST.MAX key`
fn max(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let max = ask(ctx, args[1], |digest| Ok(digest.max()))?;
    ctx.reply.double(max.unwrap_or(f64::NAN));
    Ok(())
}

/// `TDIGEST.QUANTILE key quantile [quantile ...]`
fn quantile(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS / 10)?;
    let answers = ask(ctx, args[1], |digest| {
        let quantiles = parse_all(&args[2..], parse_f64, "ERR T-Digest: error parsing quantile")?;
        if !quantiles.iter().all(|quantile| (0.0..=1.0).contains(quantile)) {
            return Err(Fault::error("ERR T-Digest: quantile should be in [0,1]"));
        }
        let estimates = digest.estimates();
        Ok(quantiles.into_iter().map(|quantile| estimates.quantile(quantile)).collect())
    })?;
    reply_all(ctx, answers)
}

/// `TDIGEST.CDF key value [value ...]`
fn cdf(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS / 10)?;
    let answers = ask(ctx, args[1], |digest| {
        let values = parse_all(&args[2..], parse_f64, "ERR T-Digest: error parsing cdf")?;
        let estimates = digest.estimates();
        Ok(values.into_iter().map(|value| estimates.cdf(value)).collect())
    })?;
    reply_all(ctx, answers)
}

/// `TDIGEST.RANK key value [value ...]`
fn rank(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ranks(ctx, args, |below, count| match below {
        // Nothing is less, and nothing equal.
        0.0 => -1.0,
        below if below >= count => count,
        // Halves are rounded down.
        below => (below - 0.5).ceil(),
    })
}

/// `TDIGEST.REVRANK key value [value ...]`
fn revrank(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ranks(ctx, args, |below, count| match below {
        0.0 => count,
        below if below >= count => -1.0,
        below => count - below.round(),
    })
}

/// Replies with ranks, made by `rank` of how many numbers are less (with half of those that are
/// equal) and how many there are.
fn ranks(ctx: &mut Context<'_, '_>, args: Args<'_>, rank: fn(f64, f64) -> f64) -> Outcome {
    const NO_NUMBERS: f64 = -2.0;
    ctx.bound(args.len(), MAX_KEYS / 10)?;
    let ranks: Vec<f64> = ask(ctx, args[1], |digest| {
        let values = parse_all(&args[2..], parse_f64, "ERR T-Digest: error parsing value")?;
        let (estimates, count) = (digest.estimates(), digest.count() as f64);
        let rank_of =
            |value| estimates.cdf(value).map_or(NO_NUMBERS, |below| rank(below * count, count));
        Ok(values.into_iter().map(rank_of).collect())
    })?;
    ctx.reply.array(ranks.len());
    ranks.into_iter().for_each(|rank| ctx.reply.integer(rank as i64));
    Ok(())
}

/// `TDIGEST.BYRANK key rank [rank ...]`
fn byrank(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    by_ranks(ctx, args, false)
}

/// `TDIGEST.BYREVRANK key reverse_rank [reverse_rank ...]`
fn byrevrank(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    by_ranks(ctx, args, true)
}

fn by_ranks(ctx: &mut Context<'_, '_>, args: Args<'_>, reverse: bool) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS / 10)?;
    let answers = ask(ctx, args[1], |digest| {
        let ranks = parse_all(&args[2..], parse_i64, "ERR T-Digest: error parsing rank")?;
        if ranks.iter().any(|rank| *rank < 0) {
            return Err(Fault::error("ERR T-Digest: rank needs to be non negative"));
        }
        let (estimates, count) = (digest.estimates(), digest.count() as f64);
        let number_at = |rank: i64| match rank as f64 {
            _ if digest.count() == 0 => None,
            0.0 if reverse => digest.max(),
            0.0 => digest.min(),
            rank if rank >= count && reverse => Some(f64::NEG_INFINITY),
            rank if rank >= count => Some(f64::INFINITY),
            rank if reverse => estimates.quantile((count - rank - 1.0) / count),
            rank => estimates.quantile(rank / count),
        };
        Ok(ranks.into_iter().map(number_at).collect())
    })?;
    reply_all(ctx, answers)
}

/// `TDIGEST.TRIMMED_MEAN key low_cut_quantile high_cut_quantile`
fn trimmed_mean(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let mean = ask(ctx, args[1], |digest| {
        let low = parse_f64(args[2])
            .ok_or(Fault::error("ERR T-Digest: error parsing low_cut_percentile"))?;
        let high = parse_f64(args[3])
            .ok_or(Fault::error("ERR T-Digest: error parsing high_cut_percentile"))?;
        if ![low, high].iter().all(|cut| (0.0..=1.0).contains(cut)) {
            return Err(Fault::error(
                "ERR T-Digest: low_cut_percentile and high_cut_percentile should be in [0,1]",
            ));
        }
        if low >= high {
            return Err(Fault::error(
                "ERR T-Digest: low_cut_percentile should be lower than high_cut_percentile",
            ));
        }
        Ok(digest.estimates().trimmed_mean(low, high))
    })?;
    ctx.reply.double(mean.unwrap_or(f64::NAN));
    Ok(())
}

/// `TDIGEST.INFO key`
fn info(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let fields = view::<TDigest, _>(ctx, args[1], MISSING, |held| {
        let digest = held.view.digest()?;
        let ((merged, unmerged), weights) = (digest.nodes(), digest.weights());
        Ok([
            ("Compression", digest.compression()),
            ("Capacity", digest.capacity()),
            ("Merged nodes", merged as u64),
            ("Unmerged nodes", unmerged as u64),
            ("Merged weight", weights.0),
            ("Unmerged weight", weights.1),
            ("Observations", digest.count()),
            ("Total compressions", digest.compressions()),
            ("Memory usage", digest.redis_bytes()),
        ])
    })?;
    numbers(ctx.reply, &fields);
    Ok(())
}
