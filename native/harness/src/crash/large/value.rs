//! Values that are computed from who wrote them.
//!
//! A value is one whole piece, then an addition for every APPEND. Each piece begins with
//! `<writer>.<sequence>.`; its other bytes follow from these two numbers.

use crate::rng::Rng;

/// Lengths of a whole value and of an addition, in bytes.
const WHOLE: (u64, u64) = (100, 4000);
const ADDITION: (u64, u64) = (30, 200);

/// What a value is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) writer: usize,
    /// The numbers of the commands that wrote the pieces.
    pub(super) pieces: Vec<u64>,
}

/// The value that command `sequence` of `writer` sets.
pub fn whole(writer: usize, sequence: u64) -> Vec<u8> {
    piece(writer, sequence, WHOLE)
}

/// What command `sequence` of `writer` appends.
pub(super) fn addition(writer: usize, sequence: u64) -> Vec<u8> {
    piece(writer, sequence, ADDITION)
}

/// The length of a value, in bytes.
pub(super) fn length(writer: usize, pieces: &[u64]) -> u64 {
    let length = |(index, sequence): (usize, &u64)| draw(writer, *sequence, bounds(index)).1;
    pieces.iter().enumerate().map(length).sum()
}

/// What `bytes` are made of.
///
/// # Errors
/// A sentence when they are not what a writer can have written: they are damaged.
pub(super) fn parse(bytes: &[u8]) -> Result<Origin, String> {
    let mut origin: Option<Origin> = None;
    let mut rest = bytes;
    while origin.is_none() || !rest.is_empty() {
        let at = bytes.len() - rest.len();
        let (writer, sequence) =
            head(rest).ok_or_else(|| format!("no piece begins at byte {at}"))?;
        let origin = origin.get_or_insert(Origin { writer, pieces: Vec::with_capacity(1) });
        let expected = piece(writer, sequence, bounds(origin.pieces.len()));
        if origin.writer != writer || !rest.starts_with(&expected) {
            let same = rest.iter().zip(&expected).take_while(|(a, b)| a == b).count();
            return Err(format!(
                "the piece of command {sequence} of writer {writer} is wrong from byte {}",
                at + same
            ));
        }
        origin.pieces.push(sequence);
        rest = &rest[expected.len()..];
    }
    origin.ok_or_else(|| "it is empty".to_owned())
}

fn bounds(index: usize) -> (u64, u64) {
    if index == 0 { WHOLE } else { ADDITION }
}

/// The numbers with which a piece begins.
fn head(bytes: &[u8]) -> Option<(usize, u64)> {
    let mut fields = bytes.splitn(3, |byte| *byte == b'.');
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse::<u64>().ok();
    let (writer, sequence) = (number()?, number()?);
    fields.next()?;
    Some((writer as usize, sequence))
}

/// The generator of a piece's bytes, and the piece's length.
fn draw(writer: usize, sequence: u64, bounds: (u64, u64)) -> (Rng, u64) {
    let mut rng = Rng::new(sequence.wrapping_mul(8).wrapping_add(writer as u64));
    let length = rng.between(bounds.0, bounds.1);
    (rng, length)
}

fn piece(writer: usize, sequence: u64, bounds: (u64, u64)) -> Vec<u8> {
    let (mut rng, length) = draw(writer, sequence, bounds);
    let length = length as usize;
    let mut bytes = format!("{writer}.{sequence}.").into_bytes();
    // Some values compress well, some a little, some not at all.
    let mask = *rng.pick(&[u64::MAX, 0x0f0f_0f0f_0f0f_0f0f, 0x0000_0000_0000_00ff]);
    while bytes.len() < length {
        let word = rng.bits() & mask;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_what_it_is_made_of() {
        for sequence in 1..200 {
            let value = [whole(3, sequence), addition(3, 900), addition(3, 1_000_000)].concat();
            let pieces = vec![sequence, 900, 1_000_000];
            assert_eq!(length(3, &pieces), value.len() as u64);
            assert_eq!(parse(&value), Ok(Origin { writer: 3, pieces }));
        }
    }

    #[test]
    fn damage_is_noticed() {
        let good = [whole(1, 77), addition(1, 78)].concat();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_ne!(parse(&bad), parse(&good), "byte {at}");
            assert!(parse(&good[..at]).is_err() || parse(&good[..at]) != parse(&good));
        }
        assert!(parse(b"").is_err());
        assert!(parse(&[whole(1, 77), addition(2, 78)].concat()).is_err());
    }
}
