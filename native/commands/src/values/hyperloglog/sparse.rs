//! Registers as runs of equal ones.
//!
//! | bits                | run                                                           |
//! |---------------------|---------------------------------------------------------------|
//! | `00llllll`          | 1 to 64 registers that are zero (the length less one)          |
//! | `01llllll llllllll` | 1 to 16384 registers that are zero (the length less one)       |
//! | `1vvvvvll`          | 1 to 4 registers with a value of 1 to 32 (each less one)       |
//!
//! The runs cover all registers in order. There are several ways to write the same registers: which
//! runs are split and joined, and when, follows Redis, so that the same history gives the same bytes.

use std::fmt::Write as _;

use super::{Corrupted, HEADER, Histogram, Place, RANKS, REGISTERS};

const SHORT_ZEROS: usize = 64;
const MAX_VALUE: u8 = 32;
const MAX_VALUES: usize = 4;

/// Neighbours that are looked at for runs to be joined.
const JOINED: usize = 5;

/// A run of equal registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Their value.
    pub(super) rank: u8,
    /// How many there are.
    pub(super) len: usize,
    /// Bytes that it takes.
    bytes: usize,
}

impl Run {
    /// The run at the front. The second byte of a long run of zeros may be missing, and is 0 then.
    fn read(bytes: &[u8]) -> Option<Run> {
        let &first = bytes.first()?;
        let low = usize::from(first & 0x3f);
        Some(match first >> 6 {
            0 => Run { rank: 0, len: low + 1, bytes: 1 },
            1 => {
                let second = bytes.get(1).copied().unwrap_or(0);
                Run { rank: 0, len: (low << 8 | usize::from(second)) + 1, bytes: 2 }
            }
            _ => Run {
                rank: (first >> 2 & (MAX_VALUE - 1)) + 1,
                len: usize::from(first & 3) + 1,
                bytes: 1,
            },
        })
    }
}

/// The runs of `bytes`.
pub(super) fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Run> {
    std::iter::from_fn(move || {
        let run = Run::read(bytes)?;
        bytes = bytes.get(run.bytes..).unwrap_or_default();
        Some(run)
    })
}

/// Appends a run of registers that are zero.
pub(super) fn push_zeros(out: &mut Vec<u8>, len: usize) {
    let less = len - 1;
    if len > SHORT_ZEROS {
        out.push(0x40 | (less >> 8) as u8);
    }
    out.push(less as u8);
}

fn values(rank: u8, len: usize) -> u8 {
    0x80 | (rank - 1) << 2 | (len - 1) as u8
}

/// A register as [`find`] sees it.
pub(super) enum Found {
    /// It is as high as it should be.
    High,
    /// It is in this run, and has to be raised.
    Low(Opcode),
    /// It has to be raised to what a run cannot say.
    TooHigh,
}

/// A run and where it is.
pub(super) struct Opcode {
    run: Run,
    /// Its first register.
    first: usize,
    /// Where it begins.
    at: usize,
    /// Where the run before it begins; the first has none.
    before: usize,
}

/// Looks for the run of a place's register.
pub(super) fn find(bytes: &[u8], place: Place) -> Result<Found, Corrupted> {
    if place.rank > MAX_VALUE {
        return Ok(Found::TooHigh);
    }
    let (mut first, mut at, mut before) = (0, 0, 0);
    for run in runs(bytes) {
        if place.register < first + run.len {
            if at + run.bytes > bytes.len() {
                return Err(Corrupted);
            }
            let is_high = run.rank >= place.rank;
            let found = Opcode { run, first, at, before };
            return Ok(if is_high { Found::High } else { Found::Low(found) });
        }
        (first, before, at) = (first + run.len, at, at + run.bytes);
    }
    Err(Corrupted)
}

impl Opcode {
    /// Raises a register of this run of `value`; false, and nothing has changed, if that made the
    /// value longer than `max`.
    pub(super) fn replace(&self, value: &mut Vec<u8>, place: Place, max: usize) -> bool {
        let raised = self.split(place);
        let len = value.len() - self.run.bytes + raised.len();
        if len > value.len() && len > max {
            return false;
        }
        let at = HEADER + self.at;
        value.splice(at..at + self.run.bytes, raised);
        join(value, HEADER + self.before);
        super::invalidate_count(value);
        true
    }

    /// The run with one of its registers raised: up to three runs.
    fn split(&self, place: Place) -> Vec<u8> {
        let mut out = Vec::with_capacity(5);
        let same = |out: &mut Vec<u8>, len| match (self.run.rank, len) {
            (_, 0) => {}
            (0, len) => push_zeros(out, len),
            (rank, len) => out.push(values(rank, len)),
        };
        let left = place.register - self.first;
        same(&mut out, left);
        out.push(values(place.rank, 1));
        same(&mut out, self.run.len - left - 1);
        out
    }
}

/// Joins neighbours of equal value from `at` on as far as one run can hold them.
fn join(value: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOINED {
        // A long run of zeros whose second byte is missing ends behind the value.
        let Some(run) = value.get(at..).and_then(Run::read) else { return };
        let next = value.get(at + run.bytes..).and_then(Run::read);
        match next {
            Some(next)
                if run.rank != 0 && next.rank == run.rank && run.len + next.len <= MAX_VALUES =>
            {
                value[at] = values(run.rank, run.len + next.len);
                value.remove(at + 1);
            }
            _ => at += run.bytes,
        }
    }
}

/// How many registers have each value.
pub(super) fn histogram(bytes: &[u8]) -> Result<Histogram, Corrupted> {
    let (mut histogram, mut registers): (Histogram, _) = ([0; RANKS], 0usize);
    for run in runs(bytes) {
        registers += run.len;
        if registers > REGISTERS {
            return Err(Corrupted);
        }
        histogram[usize::from(run.rank)] += run.len as u32;
    }
    if registers == REGISTERS { Ok(histogram) } else { Err(Corrupted) }
}

/// The runs as text.
pub(super) fn describe(bytes: &[u8]) -> String {
    let mut text = String::new();
    for run in runs(bytes) {
        let separator = if text.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = match (run.rank, run.bytes) {
            (0, 1) => write!(text, "{separator}z:{}", run.len),
            (0, _) => write!(text, "{separator}Z:{}", run.len),
            (rank, _) => write!(text, "{separator}v:{rank},{}", run.len),
        };
    }
    text
}
