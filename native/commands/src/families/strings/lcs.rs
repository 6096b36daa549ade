//! LCS: the longest common subsequence of two strings.
//!
//! The textbook dynamic programme over a table of lengths, walked back from its end. Of the table
//! only one row is kept, and for the way back one bit a cell: whether it leads up or left. That is
//! a thirty-second of the memory that Redis needs, but the size at which Redis gives up is kept.

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::{Lookup, MAX_COPY, string};

/// Table cells that may be filled on a normal scheduler.
const MAX_CELLS: usize = 100_000;

/// Bytes of a cell in Redis, which refuses tables larger than the largest string.
const REDIS_CELL: u64 = 4;

/// Longest string Redis accepts here.
const MAX_LENGTH: usize = u32::MAX as usize - 2;

#[derive(Default)]
struct Options {
    /// LEN: reply with the length only.
    length: bool,
    /// IDX: reply with where the matches are.
    index: bool,
    /// MINMATCHLEN: leave out shorter matches; 0 for none.
    min_match: usize,
    /// WITHMATCHLEN: add each match's length.
    with_lengths: bool,
}

/// A run of equal bytes, as first and last position in each string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Match {
    a: (usize, usize),
    b: (usize, usize),
}

impl Match {
    fn len(&self) -> usize {
        self.a.1 - self.a.0 + 1
    }
}

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]`
pub fn lcs(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (a, b) = operands(ctx, args[1], args[2])?;
    let options = Options::parse(&args[3..])?;
    check_size(a.len(), b.len(), ctx.server.config().max_bulk())?;
    ctx.bound(a.len().saturating_mul(b.len()), MAX_CELLS)?;
    if options.length {
        ctx.reply.integer(length(&a, &b) as i64);
        return Ok(());
    }
    let (length, table) = fill(&a, &b);
    if options.index {
        reply_matches(ctx, &options, &table.matches(&a, &b), length);
    } else {
        ctx.reply.bulk(&table.subsequence(&a, &b, length));
    }
    Ok(())
}

impl Options {
    fn parse(mut words: Args<'_>) -> Result<Options, Fault> {
        let mut options = Options::default();
        loop {
            words = match *words {
                [] => break,
                [word, ref rest @ ..] if is_option(word, "IDX") => {
                    options.index = true;
                    rest
                }
                [word, ref rest @ ..] if is_option(word, "LEN") => {
                    options.length = true;
                    rest
                }
                [word, ref rest @ ..] if is_option(word, "WITHMATCHLEN") => {
                    options.with_lengths = true;
                    rest
                }
                [word, length, ref rest @ ..] if is_option(word, "MINMATCHLEN") => {
                    let length = parse_i64_or_fault(length)?;
                    options.min_match = usize::try_from(length).unwrap_or(0);
                    rest
                }
                _ => return Err(Fault::error("ERR syntax error")),
            };
        }
        if options.index && options.length {
            return Err(Fault::error(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

/// Copies of both strings, so that the work is done without a lock.
fn operands(ctx: &mut Context<'_, '_>, a: &[u8], b: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let lookup = Lookup::new(ctx);
    let keys = [ctx.key(a), ctx.key(b)];
    let mut locked = ctx.access.acquire_all(&keys)?;
    let mut operand = |key| {
        let entry = string::check(lookup.read(&mut locked, key)?)
            .map_err(|_| Fault::error("ERR The specified keys must contain string values"))?;
        let value = entry.map_or(&b""[..], |entry| entry.value);
        lookup.bound(value.len(), MAX_COPY)?;
        Ok::<_, Fault>(value.to_vec())
    };
    Ok((operand(&keys[0])?, operand(&keys[1])?))
}

/// Refuses what Redis refuses: its table would be larger than `limit` bytes.
fn check_size(a: usize, b: usize, limit: usize) -> Outcome {
    if a > MAX_LENGTH || b > MAX_LENGTH {
        return Err(Fault::error("ERR String too long for LCS"));
    }
    let cells = (a as u64 + 1).checked_mul(b as u64 + 1);
    match cells.and_then(|cells| cells.checked_mul(REDIS_CELL)) {
        Some(bytes) if bytes <= limit as u64 => Ok(()),
        _ => Err(Fault::error(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        )),
    }
}

/// The length of the longest common subsequence.
fn length(a: &[u8], b: &[u8]) -> usize {
    rows(a, b, |_, _| ())
}

/// The length of the longest common subsequence, and the way to it.
fn fill(a: &[u8], b: &[u8]) -> (usize, Table) {
    let mut table = Table { width: b.len(), up: vec![0; (a.len() * b.len()).div_ceil(64)] };
    let length = rows(a, b, |i, j| {
        let cell = i * table.width + j;
        table.up[cell / 64] |= 1 << (cell % 64);
    });
    (length, table)
}

/// Computes the table of lengths row by row and calls `up` for the cells, of bytes that differ,
/// whose length comes from the row above rather than from the left.
fn rows(a: &[u8], b: &[u8], mut up: impl FnMut(usize, usize)) -> usize {
    // row[j]: length for what of `a` has been seen and the first j bytes of `b`.
    let mut row = vec![0u32; b.len() + 1];
    for (i, &byte) in a.iter().enumerate() {
        let (mut diagonal, mut left) = (0, 0);
        for (j, &other) in b.iter().enumerate() {
            let above = row[j + 1];
            left = if byte == other {
                diagonal + 1
            } else if above > left {
                up(i, j);
                above
            } else {
                left
            };
            diagonal = above;
            row[j + 1] = left;
        }
    }
    row[b.len()] as usize
}

/// For each pair of positions whether the way back leads up (to the byte of `a` before).
struct Table {
    width: usize,
    up: Vec<u64>,
}

impl Table {
    /// Walks back from the ends of both strings.
    fn walk(&self, a: &[u8], b: &[u8], mut visit: impl FnMut(Step)) {
        let (mut i, mut j) = (a.len(), b.len());
        while i > 0 && j > 0 {
            let cell = (i - 1) * self.width + (j - 1);
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                visit(Step::Equal(i, j));
            } else {
                if self.up[cell / 64] >> (cell % 64) & 1 == 1 {
                    i -= 1
                } else {
                    j -= 1
                }
                visit(Step::Differ);
            }
        }
    }

    fn subsequence(&self, a: &[u8], b: &[u8], length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        self.walk(a, b, |step| {
            if let Step::Equal(i, _) = step {
                bytes.push(a[i]);
            }
        });
        bytes.reverse();
        bytes
    }

    /// The runs of equal bytes, the last one first.
    fn matches(&self, a: &[u8], b: &[u8]) -> Vec<Match> {
        let mut matches = Vec::new();
        let mut run: Option<Match> = None;
        self.walk(a, b, |step| match (step, &mut run) {
            (Step::Equal(i, j), Some(run)) => (run.a.0, run.b.0) = (i, j),
            (Step::Equal(i, j), None) => run = Some(Match { a: (i, i), b: (j, j) }),
            (Step::Differ, _) => matches.extend(run.take()),
        });
        matches.extend(run);
        matches
    }
}

/// A step of the way back.
enum Step {
    /// These positions hold the same byte.
    Equal(usize, usize),
    /// A byte of one string was passed over.
    Differ,
}

fn reply_matches(ctx: &mut Context<'_, '_>, options: &Options, matches: &[Match], length: usize) {
    let shown = |found: &&Match| options.min_match == 0 || found.len() >= options.min_match;
    ctx.reply.map(2);
    ctx.reply.bulk_str("matches");
    ctx.reply.array(matches.iter().filter(shown).count());
    for found in matches.iter().filter(shown) {
        ctx.reply.array(2 + usize::from(options.with_lengths));
        for (first, last) in [found.a, found.b] {
            ctx.reply.array(2);
            ctx.reply.integer(first as i64);
            ctx.reply.integer(last as i64);
        }
        if options.with_lengths {
            ctx.reply.integer(found.len() as i64);
        }
    }
    ctx.reply.bulk_str("len");
    ctx.reply.integer(length as i64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsequences() {
        for (a, b, expected) in [
            ("ohmytext", "mynewtext", "mytext"),
            ("", "abc", ""),
            ("abc", "", ""),
            ("abc", "abc", "abc"),
            ("abc", "xyz", ""),
            ("AGGTAB", "GXTXAYB", "GTAB"),
        ] {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            let (len, table) = fill(a, b);
            assert_eq!(table.subsequence(a, b, len), expected.as_bytes());
            assert_eq!((len, length(a, b)), (expected.len(), expected.len()));
        }
    }

    #[test]
    fn runs_of_the_documentation() {
        let (a, b) = (b"ohmytext", b"mynewtext");
        let expected = [Match { a: (4, 7), b: (5, 8) }, Match { a: (2, 3), b: (0, 1) }];
        assert_eq!(fill(a, b).1.matches(a, b), expected);
    }

    #[test]
    fn sizes() {
        assert_eq!(check_size(0, 3, 16), Ok(()));
        assert!(check_size(1, 3, 31).is_err());
        assert!(check_size(MAX_LENGTH, MAX_LENGTH, usize::MAX).is_err());
        assert!(check_size(MAX_LENGTH + 1, 0, usize::MAX).is_err());
    }
}
