//! Identifiers as words of a command.

use crate::context::Fault;
use crate::numbers::{parse_i64, parse_strtoul};
use crate::values::stream::Id;

/// Longest word that is looked at.
const MAX_LEN: usize = 127;

const INVALID: Fault = Fault::error("ERR Invalid stream ID specified as stream command argument");

/// The identifier that XADD is asked to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `*`: one of now.
    Any,
    /// `ms-*`: one of this millisecond.
    InMillisecond(u64),
    /// This one.
    Exactly(Id),
}

/// Whether `word` is the single character `sign`, for C: up to the first NUL.
pub fn is_sign(word: &[u8], sign: u8) -> bool {
    matches!(*word, [first] | [first, 0, ..] if first == sign)
}

/// An identifier; without a sequence number it is 0.
///
/// # Errors
/// It is none.
pub fn parse(word: &[u8]) -> Result<Id, Fault> {
    parse_strict(word, 0)
}

/// An identifier, or `-` or `+` for the least or greatest.
///
/// # Errors
/// It is none.
pub fn parse_or_end(word: &[u8]) -> Result<Id, Fault> {
    parse_loose(word, 0)
}

/// What follows the options of XADD.
///
/// # Errors
/// It is no identifier.
pub fn parse_wanted(word: &[u8]) -> Result<Wanted, Fault> {
    if is_sign(word, b'*') {
        return Ok(Wanted::Any);
    }
    match split(word)? {
        (ms, Some(seq)) if seq == b"*" => Ok(Wanted::InMillisecond(parse_part(ms)?)),
        _ => Ok(Wanted::Exactly(parse(word)?)),
    }
}

/// The two ends of a range; both included.
///
/// # Errors
/// One of them is no identifier, or there is none beyond it where it is to be left out.
pub fn parse_range(from: &[u8], to: &[u8]) -> Result<(Id, Id), Fault> {
    Ok((parse_from(from)?, parse_to(to)?))
}

/// The first identifier of a range that begins with `word`.
///
/// # Errors
/// It is no identifier, or the last one and to be left out.
pub fn parse_from(word: &[u8]) -> Result<Id, Fault> {
    match excluded(word) {
        Some(word) => parse_strict(word, 0)?
            .next()
            .ok_or(Fault::error("ERR invalid start ID for the interval")),
        None => parse_loose(word, 0),
    }
}

fn parse_to(word: &[u8]) -> Result<Id, Fault> {
    match excluded(word) {
        Some(word) => parse_strict(word, u64::MAX)?
            .previous()
            .ok_or(Fault::error("ERR invalid end ID for the interval")),
        None => parse_loose(word, u64::MAX),
    }
}

/// What follows the parenthesis that leaves an end of a range out.
fn excluded(word: &[u8]) -> Option<&[u8]> {
    word.strip_prefix(b"(").filter(|rest| !rest.is_empty())
}

fn parse_loose(word: &[u8], missing_seq: u64) -> Result<Id, Fault> {
    if is_sign(word, b'-') && word.len() <= MAX_LEN {
        return Ok(Id::MIN);
    }
    if is_sign(word, b'+') && word.len() <= MAX_LEN {
        return Ok(Id::MAX);
    }
    parse_strict(word, missing_seq)
}

fn parse_strict(word: &[u8], missing_seq: u64) -> Result<Id, Fault> {
    let (ms, seq) = split(word)?;
    let seq = seq.map_or(Ok(missing_seq), parse_part)?;
    Ok(Id::new(parse_part(ms)?, seq))
}

/// The parts before and after the first hyphen.
fn split(word: &[u8]) -> Result<(&[u8], Option<&[u8]>), Fault> {
    if word.len() > MAX_LEN {
        return Err(INVALID);
    }
    let text = word.split(|&byte| byte == 0).next().unwrap_or_default();
    match text.iter().position(|&byte| byte == b'-') {
        Some(at) => Ok((&text[..at], Some(&text[at + 1..]))),
        None => Ok((text, None)),
    }
}

/// A part of an identifier: a canonical integer that is not negative, or else what C's `strtoull`
/// takes, which also wraps around for spellings of negative numbers that are not canonical.
fn parse_part(text: &[u8]) -> Result<u64, Fault> {
    if let Some(number) = parse_i64(text) {
        return u64::try_from(number).map_err(|_| INVALID);
    }
    let space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let start = text.iter().position(|byte| !space(byte)).ok_or(INVALID)?;
    parse_strtoul(&text[start..]).ok_or(INVALID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for (word, id) in [
            ("5", Id::new(5, 0)),
            ("5-7", Id::new(5, 7)),
            ("0-0", Id::MIN),
            ("18446744073709551615-18446744073709551615", Id::MAX),
            (" 5-007", Id::new(5, 7)),
            ("+5-+7", Id::new(5, 7)),
            ("1--05", Id::new(1, 5u64.wrapping_neg())),
            ("5-1\0junk", Id::new(5, 1)),
        ] {
            assert_eq!(parse(word.as_bytes()), Ok(id), "{word}");
        }
        let long = format!("1-{}1", "0".repeat(130));
        for word in
            ["", "-", "+", "-5", "1-", "1--5", "5-*", "*", "(1", "a", "1-a", " ", "1 ", &long]
        {
            assert_eq!(parse(word.as_bytes()), Err(INVALID), "{word}");
        }
    }

    #[test]
    fn identifiers_wanted_by_xadd() {
        assert_eq!(parse_wanted(b"*"), Ok(Wanted::Any));
        assert_eq!(parse_wanted(b"7-*"), Ok(Wanted::InMillisecond(7)));
        assert_eq!(parse_wanted(b"7"), Ok(Wanted::Exactly(Id::new(7, 0))));
        assert_eq!(parse_wanted(b"7-**"), Err(INVALID));
        assert_eq!(parse_wanted(b"-"), Err(INVALID));
    }

    #[test]
    fn ranges() {
        assert_eq!(parse_range(b"-", b"+"), Ok((Id::MIN, Id::MAX)));
        assert_eq!(parse_range(b"5", b"5"), Ok((Id::new(5, 0), Id::new(5, u64::MAX))));
        assert_eq!(parse_range(b"(5", b"(5"), Ok((Id::new(5, 1), Id::new(5, u64::MAX - 1))));
        let end = b"(18446744073709551615-18446744073709551615";
        assert!(parse_range(end, b"+").is_err() && parse_range(b"-", b"(0-0").is_err());
        assert_eq!(parse_range(b"(-", b"+"), Err(INVALID));
        assert_eq!(parse_range(b"(", b"+"), Err(INVALID));
    }
}
