//! Finds a command by name, in any spelling, without allocating.
//!
//! An open-addressed table over a hash of the name's length, first and last eight bytes, with the
//! ASCII case bit forced. The table is at most a quarter full, so a look-up is nearly always one
//! probe and one comparison.

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
    /// Position in `entries` plus one; 0 where empty.
    slots: Box<[u16]>,
    mask: usize,
}

static TABLE: LazyLock<Table> = LazyLock::new(build);

/// Finds a command by name, in any spelling.
#[inline]
pub fn lookup(name: &[u8]) -> Option<&'static Entry> {
    let table = &*TABLE;
    let mut slot = hash(name) & table.mask;
    loop {
        let at = usize::from(table.slots[slot]);
        if at == 0 {
            return None;
        }
        let entry = &table.entries[at - 1];
        if entry.command.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(entry);
        }
        slot = (slot + 1) & table.mask;
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
    let mut slots = vec![0u16; size].into_boxed_slice();
    for index in tops {
        let mut slot = hash(entries[index].command.name.as_bytes()) & (size - 1);
        while slots[slot] != 0 {
            slot = (slot + 1) & (size - 1);
        }
        slots[slot] = u16::try_from(index + 1).expect("the table has a few hundred entries");
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

/// Mixes length and both ends of the name; equal for names that differ only in ASCII case.
#[inline]
fn hash(name: &[u8]) -> usize {
    const CASE: u64 = 0x2020_2020_2020_2020;
    // An odd constant close to 2^64 divided by the golden ratio (Fibonacci hashing).
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let (head, tail) = match name.len() {
        0 => (0, 0),
        1..4 => {
            let last = name.len() - 1;
            let middle = name[name.len() / 2];
            (u64::from(name[0]) | u64::from(middle) << 8 | u64::from(name[last]) << 16, 0)
        }
        4..8 => (u64::from(word4(name, 0)), u64::from(word4(name, name.len() - 4))),
        len => (word8(name, 0), word8(name, len - 8)),
    };
    let mixed = (head | CASE) ^ (tail | CASE).rotate_left(29) ^ (name.len() as u64) << 59;
    (mixed.wrapping_mul(MULTIPLIER) >> 40) as usize
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
            assert!(lookup(format!("{name}x").as_bytes()).is_none());
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
        for name in [&b""[..], b"\0", b"g", b"ge", b"gett", b"get|foo", b"\xff\xfe\xfd\xfc", &[b'a'; 300]] {
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
        let longest = all()
            .map(|e| {
                let home = hash(e.command.name.as_bytes()) & table.mask;
                let at = (0..).find(|i| {
                    usize::from(table.slots[(home + i) & table.mask]) == e.index + 1
                });
                at.expect("in the table")
            })
            .max();
        assert!(longest < Some(6), "{longest:?}");
    }
}
