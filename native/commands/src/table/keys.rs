//! Where the keys of a command are, from its key specifications.
//!
//! Source: the public documentation "Command key specifications".

use smallvec::SmallVec;

use super::lookup::Entry;
use super::{Args, Begin, Find, Flag, KeySpec};
use crate::pattern::is_option;

/// Why the keys of a command cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// The command has no keys.
    NoKeys,
    /// The arguments do not fit the command's specification.
    Invalid,
}

/// A key among the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAt {
    /// Position among the arguments.
    pub position: usize,
    /// What the command does with it, as COMMAND GETKEYSANDFLAGS shows it.
    pub flags: &'static [&'static str],
}

/// Keys of one command; most have few.
pub type Keys = SmallVec<[KeyAt; 8]>;

/// First key, last key and step as in COMMAND INFO's fields 4 to 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LegacyRange {
    /// Position of the first key; 0 when there is none.
    pub first: i32,
    /// Position of the last key; negative from the end.
    pub last: i32,
    /// Distance between keys.
    pub step: i32,
}

/// The keys among `args`, in order of the specifications.
///
/// # Errors
/// [`KeyError::NoKeys`] when the command takes none, [`KeyError::Invalid`] when the arguments do
/// not have the keys that the specification asks for.
pub fn keys_of(entry: &Entry, args: Args<'_>) -> Result<Keys, KeyError> {
    // Shard channels are specified like keys, for their slots only.
    let is_key = |spec: &&KeySpec| !spec.flags.contains(&"not_key");
    if !entry.command.keys.iter().any(|spec| is_key(&spec)) {
        return Err(KeyError::NoKeys);
    }
    let mut keys = Keys::new();
    for spec in entry.command.keys.iter().filter(is_key) {
        collect(entry, spec, args, &mut keys)?;
    }
    if entry.command.name == "sort"
        && let Some(position) = destination_of_sort(args)
    {
        keys.push(KeyAt { position, flags: &["OW", "update"] });
    }
    if keys.is_empty() && !entry.has(Flag::NoMandatoryKeys) {
        return Err(KeyError::Invalid);
    }
    Ok(keys)
}

fn collect(entry: &Entry, spec: &KeySpec, args: Args<'_>, keys: &mut Keys) -> Result<(), KeyError> {
    let Some(begin) = begin(spec, args) else { return Ok(()) };
    let (first, last, step) = extent(spec, args, begin)?;
    let flags = flags_of(entry, spec, args);
    // A range that ends before it begins is a syntax error, unlike a number of keys that is zero.
    if last < first && matches!(spec.find, Find::Range { .. }) {
        return Err(KeyError::Invalid);
    }
    let mut at = first;
    while at <= last {
        match usize::try_from(at) {
            Ok(position) if position > 0 && position < args.len() => {
                keys.push(KeyAt { position, flags });
            }
            _ => return Err(KeyError::Invalid),
        }
        at += i64::from(step);
    }
    Ok(())
}

/// The key behind the last STORE of a SORT; what belongs to another option is none.
fn destination_of_sort(args: Args<'_>) -> Option<usize> {
    let mut found = None;
    let mut at = 2;
    while let Some(word) = args.get(at) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("store") && at + 1 < args.len() {
            found = Some(at + 1);
        }
        at += match () {
            () if is("limit") => 3,
            () if is("get") || is("by") => 2,
            () => 1,
        };
    }
    found
}

fn begin(spec: &KeySpec, args: Args<'_>) -> Option<i64> {
    match spec.begin {
        Begin::Unknown => None,
        Begin::Index(index) => Some(i64::from(index)),
        Begin::Keyword(word, from) => {
            let is_word = |arg: &&[u8]| arg.eq_ignore_ascii_case(word.as_bytes());
            let found = if from >= 0 {
                let from = from.unsigned_abs() as usize;
                args.iter().skip(from).position(&is_word).map(|at| at + from)
            } else {
                let end = args.len().checked_sub(from.unsigned_abs() as usize)?;
                args[..=end].iter().rposition(is_word)
            };
            found.map(|at| at as i64 + 1)
        }
    }
}

/// First and last position and the step of a specification's keys.
fn extent(spec: &KeySpec, args: Args<'_>, begin: i64) -> Result<(i64, i64, i32), KeyError> {
    let count = args.len() as i64;
    match spec.find {
        Find::Unknown => Ok((1, 0, 1)),
        Find::Range { last, step, limit } => {
            let last = i64::from(last);
            let end = if last >= 0 {
                begin + last
            } else if limit > 1 {
                begin + (count - begin) / i64::from(limit) + last
            } else {
                count + last
            };
            Ok((begin, end, step.max(1)))
        }
        Find::KeyNum { num, first, step } => {
            let at = usize::try_from(begin + i64::from(num)).map_err(|_| KeyError::Invalid)?;
            let word = args.get(at).ok_or(KeyError::Invalid)?;
            let keys = i64::from(parse_atoi(word));
            if !(1..=count).contains(&keys) {
                return Err(KeyError::Invalid);
            }
            let first = begin + i64::from(first);
            Ok((first, first + (keys - 1) * i64::from(step.max(1)), step.max(1)))
        }
    }
}

/// The number that a word begins with, as C's `atoi` reads it: the low 32 bits of it.
fn parse_atoi(word: &[u8]) -> i32 {
    let start = word.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'));
    let (negative, digits) = match &word[start.unwrap_or(word.len())..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0i64, |number, digit| {
        let digit = i64::from(digit - b'0');
        number.saturating_mul(10).saturating_add(if negative { -digit } else { digit })
    });
    number as i32
}

/// The flags of the keys for these arguments: a specification with `variable_flags` only says what
/// a command may do; its options decide.
fn flags_of(entry: &Entry, spec: &KeySpec, args: Args<'_>) -> &'static [&'static str] {
    if !spec.flags.contains(&"variable_flags") {
        return spec.flags;
    }
    let reads = match entry.command.name {
        "set" => args.iter().skip(3).any(|a| a.eq_ignore_ascii_case(b"get")),
        "bitfield" if !bitfield_writes(args.get(2..).unwrap_or_default()) => {
            return &["RO", "access"];
        }
        _ => true,
    };
    if reads { &["RW", "access", "update"] } else { &["OW", "update"] }
}

/// Whether these words of a BITFIELD may change the key; true as well when they cannot be understood.
fn bitfield_writes(mut words: Args<'_>) -> bool {
    loop {
        words = match *words {
            [] => return false,
            [word, _, _, ref rest @ ..] if is_option(word, "GET") => rest,
            [word, _, ref rest @ ..] if is_option(word, "OVERFLOW") => rest,
            _ => return true,
        };
    }
}

/// The old-style key range that COMMAND INFO shows beside the specifications: it covers the
/// specifications that begin at an index, are ranges, and follow one another without a gap.
pub fn legacy_range(specs: &[KeySpec]) -> LegacyRange {
    if let [KeySpec { begin: Begin::Index(index), find: Find::Range { last, step, .. }, .. }] =
        specs
    {
        let last = if *last >= 0 { index + last } else { *last };
        return LegacyRange { first: *index, last, step: *step };
    }
    let mut range = LegacyRange::default();
    for spec in specs {
        let (Begin::Index(index), Find::Range { last, step: 1, .. }) = (&spec.begin, &spec.find)
        else {
            continue;
        };
        if range.first != 0 && range.last != index - 1 {
            continue;
        }
        if range.first == 0 {
            range.first = *index;
        }
        range.last = if *last >= 0 { index + last } else { *last };
        range.step = 1;
    }
    range
}

#[cfg(test)]
mod tests {
    use super::parse_atoi;

    #[test]
    fn numbers_of_keys() {
        for (word, number) in [
            ("2", 2),
            (" \n+3x", 3),
            ("-4", -4),
            ("", 0),
            (" ", 0),
            ("x", 0),
            ("4294967297", 1),
            ("99999999999999999999", -1),
            ("-99999999999999999999", 0),
        ] {
            assert_eq!(parse_atoi(word.as_bytes()), number, "{word:?}");
        }
    }
}
