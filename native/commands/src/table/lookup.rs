//! Finds a command by name, in any spelling, without allocating.
//!
//! An open-addressed table of fixed-size slots. A slot holds the name itself, folded to lower case
//! in two words, so that a look-up touches one cache line and compares integers.

use std::ops::Range;
use std::sync::LazyLock;

use super::families::FAMILIES;
use super::{Command, Flag};

/// A command or subcommand with what dispatch needs precomputed.
pub struct Entry {
    /// The table's row.
    pub command: &'static Command,
    /// Position in [`entries`]; counters are kept by it.
    pub index: usize,
    /// Name as statistics and error texts show it: `get`, `client|list`.
    pub full_name: String,
    flags: u32,
    subcommands: Range<usize>,
}

impl Entry {
    /// Whether COMMAND INFO shows this flag.
    #[inline]
    pub fn has(&self, flag: Flag) -> bool {
        self.flags & bit(flag) != 0
    }

    /// The container's subcommands; empty for an ordinary command.
    pub fn subcommands(&self) -> &'static [Entry] {
        &TABLE.entries[self.subcommands.clone()]
    }

    /// Finds a subcommand by its own name, in any spelling.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Entry> {
        self.subcommands().iter().find(|e| e.command.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// An entry that is in no table, counted as the first one.
    #[cfg(test)]
    pub(crate) fn of(command: &'static Command) -> Entry {
        entry(command, 0, command.name.to_owned(), 0..0)
    }

    /// Whether a command of `words` words, its name(s) included, has the right number of them.
    #[inline]
    pub fn accepts(&self, words: usize) -> bool {
        let arity = self.command.arity;
        let needed = arity.unsigned_abs() as usize;
        if arity < 0 { words >= needed } else { words == needed }
    }
}

struct Table {
    /// Each command followed by its subcommands.
    entries: Vec<Entry>,
    slots: Box<[Slot]>,
    mask: usize,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    name: Folded,
    /// Position in `entries` plus one; 0 where empty.
    entry: u32,
}

static TABLE: LazyLock<Table> = LazyLock::new(build);

/// Finds a command by name, in any spelling.
#[inline]
pub fn lookup(name: &[u8]) -> Option<&'static Entry> {
    let table = &*TABLE;
    let folded = Folded::new(name);
    let mut at = folded.hash() & table.mask;
    loop {
        let slot = &table.slots[at];
        if slot.entry == 0 {
            return None;
        }
        if slot.name == folded {
            let entry = &table.entries[slot.entry as usize - 1];
            if folded.is_whole() || entry.command.name.as_bytes().eq_ignore_ascii_case(name) {
                return Some(entry);
            }
        }
        at = (at + 1) & table.mask;
    }
}

/// Finds a command by its full name, `get` or `client|list`.
pub fn lookup_full(name: &[u8]) -> Option<&'static Entry> {
    match name.iter().position(|&b| b == b'|') {
        None => lookup(name),
        Some(bar) => lookup(&name[..bar])?.subcommand(&name[bar + 1..]),
    }
}

/// All commands, without their subcommands.
pub fn all() -> impl Iterator<Item = &'static Entry> + Clone {
    FAMILIES.iter().flat_map(|family| family.iter()).filter_map(|c| lookup(c.name.as_bytes()))
}

/// All commands and subcommands, by [`Entry::index`].
pub fn entries() -> &'static [Entry] {
    &TABLE.entries
}

fn build() -> Table {
    let mut entries = Vec::new();
    let mut tops = Vec::new();
    for command in FAMILIES.iter().flat_map(|family| family.iter()) {
        let index = entries.len();
        tops.push(index);
        let subcommands = index + 1..index + 1 + command.subcommands.len();
        entries.push(entry(command, index, command.name.to_owned(), subcommands));
        for sub in command.subcommands {
            let full_name = format!("{}|{}", command.name, sub.name);
            entries.push(entry(sub, entries.len(), full_name, 0..0));
        }
    }
    let size = (tops.len() * 4).next_power_of_two();
    let mut slots = vec![Slot::default(); size].into_boxed_slice();
    for index in tops {
        let name = Folded::new(entries[index].command.name.as_bytes());
        let mut at = name.hash() & (size - 1);
        while slots[at].entry != 0 {
            at = (at + 1) & (size - 1);
        }
        let entry = u32::try_from(index + 1).expect("the table has a few hundred entries");
        slots[at] = Slot { name, entry };
    }
    Table { entries, slots, mask: size - 1 }
}

fn entry(
    command: &'static Command,
    index: usize,
    full_name: String,
    subcommands: Range<usize>,
) -> Entry {
    let flags = command.flags.iter().fold(0, |bits, &flag| bits | bit(flag));
    Entry { command, index, full_name, flags, subcommands }
}

const fn bit(flag: Flag) -> u32 {
    1 << flag as u32
}

/// A name in lower case: its length, its first and its last eight bytes. Two names of up to 16 bytes
/// are the same but for case exactly when these are equal.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Folded {
    head: u64,
    tail: u64,
    len: u32,
}

impl Folded {
    #[inline]
    fn new(name: &[u8]) -> Folded {
        let len = name.len();
        // The two ends overlap in names shorter than 16 bytes, but leave no byte out.
        let (head, tail) = match len {
            0 => (0, 0),
            1..4 => {
                let (first, middle, last) = (name[0], name[len / 2], name[len - 1]);
                (u64::from(first) | u64::from(middle) << 8 | u64::from(last) << 16, 0)
            }
            4..8 => (u64::from(word4(name, 0)) | u64::from(word4(name, len - 4)) << 32, 0),
            _ => (word8(name, 0), word8(name, len - 8)),
        };
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        Folded { head: lower(head), tail: lower(tail), len }
    }

    /// Whether all of the name is in the two words.
    #[inline]
    fn is_whole(self) -> bool {
        self.len <= 16
    }

    #[inline]
    fn hash(self) -> usize {
        // An odd constant close to 2^64 divided by the golden ratio (Fibonacci hashing).
        const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = self.head ^ self.tail.rotate_left(29) ^ u64::from(self.len);
        (mixed.wrapping_mul(MULTIPLIER) >> 40) as usize
    }
}

/// Eight bytes at once in lower case. Bytes of 128 and more stay; below that a byte is a capital
/// letter when it carries into its eighth bit from `A` on and does not yet from `Z` + 1 on.
#[inline]
fn lower(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * ONES;
    let low = word & !TOP;
    let from_a = low + (0x80 - b'A' as u64) * ONES;
    let after_z = low + (0x80 - (b'Z' as u64 + 1)) * ONES;
    let capitals = (from_a ^ after_z) & TOP & !word;
    word | capitals >> 2
}

#[inline]
fn word4(name: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&name[at..at + 4]);
    u32::from_le_bytes(word)
}

#[inline]
fn word8(name: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&name[at..at + 8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_in_every_spelling() {
        for entry in all() {
            let name = entry.command.name;
            for spelling in [name.to_owned(), name.to_uppercase(), mixed(name)] {
                let found = lookup(spelling.as_bytes()).expect("in the table");
                assert_eq!(found.command.name, name);
            }
            assert!(lookup(format!("{name}!").as_bytes()).is_none());
        }
        assert_eq!(entries().iter().enumerate().filter(|(i, e)| e.index != *i).count(), 0);
    }

    fn mixed(name: &str) -> String {
        let flip = |(i, c): (usize, char)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c };
        name.chars().enumerate().map(flip).collect()
    }

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut names: Vec<_> = entries().iter().map(|e| e.full_name.as_str()).collect();
        assert!(names.iter().all(|n| *n == n.to_lowercase()));
        names.sort_unstable();
        assert!(names.windows(2).all(|w| w[0] != w[1]));
    }

    #[test]
    fn odd_names_are_not_found() {
        for name in
            [&b""[..], b"\0", b"g", b"ge", b"gett", b"get|foo", b"\xff\xfe\xfd\xfc", &[b'a'; 300]]
        {
            assert!(lookup(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn subcommands_by_full_name() {
        let found = lookup_full(b"CONFIG|Get").expect("config|get");
        assert_eq!(found.full_name, "config|get");
        assert!(lookup_full(b"config|nosuch").is_none());
        assert!(lookup_full(b"ping|get").is_none());
    }

    #[test]
    fn probes_stay_short() {
        let table = &*TABLE;
        let distance = |entry: &Entry| {
            let home = Folded::new(entry.command.name.as_bytes()).hash() & table.mask;
            let is_here =
                |i: &usize| table.slots[(home + i) & table.mask].entry as usize == entry.index + 1;
            (0..).find(is_here).expect("in the table")
        };
        let longest = all().map(distance).max();
        assert!(longest < Some(6), "{longest:?}");
    }

    #[test]
    fn eight_bytes_in_lower_case() {
        for byte in 0..=255u8 {
            let word = u64::from_le_bytes([byte, 0, b'A', byte, 0xff, b'z', 0x80, byte]);
            let folded = lower(word).to_le_bytes();
            assert_eq!(folded, word.to_le_bytes().map(|b| b.to_ascii_lowercase()), "{byte}");
        }
    }
}
