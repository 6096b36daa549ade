//! Commands on strings as arrays of bits.

mod arithmetic;
mod bitfield;
mod bitop;
mod bits;
mod ranges;

use crate::context::Fault;
use crate::numbers::parse_i64;
use crate::pattern::is_option;
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::values::{Lookup, MAX_COPY};

/// Bytes that a command may look at, without copying them, on a normal scheduler.
const MAX_SCAN: usize = 1 << 20;

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "setbit",
        arity: 4,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "bitmap", "slow"],
        keys: &[key(&["RW", "access", "update"])],
        summary: "Sets the bit at an offset of a string, which grows as needed, and returns what \
                  it was.",
        handler: Some(bits::setbit),
        ..READ
    },
    Command {
        name: "getbit",
        arity: 3,
        flags: &[Flag::Readonly, Flag::Fast],
        categories: &["read", "bitmap", "fast"],
        summary: "Returns the bit at an offset of a string.",
        handler: Some(bits::getbit),
        ..READ
    },
    Command {
        name: "bitcount",
        arity: -2,
        since: "2.6.0",
        summary: "Counts the bits that are 1 in a string, or between two of its positions.",
        complexity: "O(N) for N bytes looked at",
        handler: Some(ranges::bitcount),
        ..READ
    },
    Command {
        name: "bitpos",
        arity: -3,
        since: "2.8.7",
        summary: "Returns the position of the first bit that is 0, or 1, in a string.",
        complexity: "O(N) for N bytes looked at",
        handler: Some(ranges::bitpos),
        ..READ
    },
    Command {
        name: "bitop",
        arity: -4,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "bitmap", "slow"],
        keys: &[
            KeySpec { begin: Begin::Index(2), ..key(&["OW", "update"]) },
            KeySpec {
                begin: Begin::Index(3),
                find: Find::Range { last: -1, step: 1, limit: 0 },
                ..key(&["RO", "access"])
            },
        ],
        since: "2.6.0",
        summary: "Combines strings bit by bit, or inverts one, and stores the result.",
        complexity: "O(N) for N bytes of all strings together",
        handler: Some(bitop::bitop),
        ..READ
    },
    Command {
        name: "bitfield",
        arity: -2,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "bitmap", "slow"],
        keys: &[KeySpec {
            notes: "This command allows both access and modification of the key",
            ..key(&["RW", "access", "update", "variable_flags"])
        }],
        since: "3.2.0",
        summary: "Reads, sets and increments integers of any width up to 64 bits in a string.",
        complexity: "O(1) for each operation",
        handler: Some(bitfield::bitfield),
        ..READ
    },
    Command {
        name: "bitfield_ro",
        arity: -2,
        flags: &[Flag::Readonly, Flag::Fast],
        categories: &["read", "bitmap", "fast"],
        since: "6.0.0",
        summary: "Reads integers of any width up to 64 bits in a string.",
        complexity: "O(1) for each operation",
        handler: Some(bitfield::bitfield_ro),
        ..READ
    },
];

/// What commands that only look at one key have in common.
const READ: Command = Command {
    flags: &[Flag::Readonly],
    categories: &["read", "bitmap", "slow"],
    keys: &[key(&["RO", "access"])],
    group: "bitmap",
    since: "2.2.0",
    complexity: "O(1)",
    ..Command::BLANK
};

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    let find = Find::Range { last: 0, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(1), find }
}

/// An offset in bits from the beginning of a string that may be `limit` bytes long.
fn parse_offset(word: &[u8], limit: usize) -> Result<u64, Fault> {
    parse_i64(word).and_then(|offset| checked_offset(offset, limit)).ok_or(OFFSET)
}

/// [`parse_offset`]; `#` in front of it counts fields of `width` bits instead.
fn parse_field_offset(word: &[u8], width: u32, limit: usize) -> Result<u64, Fault> {
    let Some(number) = word.strip_prefix(b"#") else { return parse_offset(word, limit) };
    // Redis multiplies with whatever falls out of 64 bits lost, and checks afterwards.
    let fields = parse_i64(number).ok_or(OFFSET)?;
    checked_offset(fields.wrapping_mul(i64::from(width)), limit).ok_or(OFFSET)
}

fn checked_offset(offset: i64, limit: usize) -> Option<u64> {
    u64::try_from(offset).ok().filter(|offset| offset / 8 < limit as u64)
}

/// A copy of a string that has the bit `last`: filled with zeros as far as needed.
fn grown(lookup: &Lookup<'_>, old: &[u8], last: u64) -> Result<Vec<u8>, Fault> {
    let len = old.len().max((last / 8) as usize + 1);
    lookup.bound(len, MAX_COPY)?;
    let mut value = Vec::with_capacity(len);
    value.extend_from_slice(old);
    value.resize(len, 0);
    Ok(value)
}

const OFFSET: Fault = Fault::error("ERR bit offset is not an integer or out of range");

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// A word that says what the positions of a range count.
fn is_bit_unit(word: &[u8]) -> Result<bool, Fault> {
    match word {
        word if is_option(word, "BIT") => Ok(true),
        word if is_option(word, "BYTE") => Ok(false),
        _ => Err(SYNTAX),
    }
}

/// Positions of a range as they were given; negative ones count from the end.
struct Range {
    start: i64,
    end: i64,
    /// They count bits instead of bytes.
    bits: bool,
}

impl Range {
    /// The first and the last bit of it in a string of `len` bytes; `None` if it has none.
    fn bits_in(&self, len: usize) -> Option<(u64, u64)> {
        // No string has 2^60 bytes.
        let units = if self.bits { len as i64 * 8 } else { len as i64 };
        let from_front = |at: i64| if at < 0 { units.saturating_add(at).max(0) } else { at };
        let (start, end) = (from_front(self.start), from_front(self.end).min(units - 1));
        if start > end {
            return None;
        }
        let (start, end) = (start as u64, end as u64);
        Some(if self.bits { (start, end) } else { (start * 8, end * 8 + 7) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets() {
        assert_eq!(parse_offset(b"7", 1), Ok(7));
        assert_eq!(parse_field_offset(b"#2", 5, 2), Ok(10));
        assert_eq!(parse_field_offset(b"2", 5, 2), Ok(2));
        for word in [&b"8"[..], b"-1", b"#1", b"", b"07", b"9223372036854775808"] {
            assert_eq!(parse_offset(word, 1), Err(OFFSET), "{word:?}");
        }
        // 2^61 fields of 8 bits wrap around to the first.
        assert_eq!(parse_field_offset(b"#2305843009213693952", 8, 1), Ok(0));
        assert_eq!(parse_field_offset(b"#-1", 8, 1), Err(OFFSET));
    }

    #[test]
    fn ranges_of_bits() {
        let range = |start, end, bits| Range { start, end, bits };
        assert_eq!(range(0, -1, false).bits_in(3), Some((0, 23)));
        assert_eq!(range(1, 1, false).bits_in(3), Some((8, 15)));
        assert_eq!(range(-3, -2, true).bits_in(3), Some((21, 22)));
        assert_eq!(range(i64::MIN, i64::MAX, true).bits_in(3), Some((0, 23)));
        assert_eq!(range(3, 9, false).bits_in(3), None);
        assert_eq!(range(0, -1, false).bits_in(0), None);
    }
}
