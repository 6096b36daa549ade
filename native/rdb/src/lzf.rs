//! LZF, the compression of Redis's strings: runs of literal bytes, and references to bytes before.
//!
//! A control byte below 32 is followed by that many literal bytes and one more. Otherwise its upper
//! three bits are the length of a reference less 2 (7: a byte with the rest of it follows), and its
//! lower five with the next byte the distance less 1. The format, and the choice of references by
//! [`Compressor`], are those of liblzf by Marc Lehmann, as Redis uses it, so that the same input
//! gives the same output.

use crate::Error;

/// Bits of the hash of three bytes by which earlier ones are found.
const HASH_BITS: u32 = 16;

/// Most literal bytes in a run.
const MAX_LITERALS: usize = 32;

/// Largest distance of a reference.
const MAX_DISTANCE: usize = 1 << 13;

/// Longest reference, in bytes.
const MAX_MATCH: usize = 264;

/// Bytes that `len` compressed ones can become at most: three make a longest reference.
pub fn max_expansion(len: u64) -> u64 {
    (len / 3 + 1).saturating_mul(MAX_MATCH as u64)
}

/// Compresses. Keeps its table from one string to the next, because clearing it takes longer than
/// compressing a short string.
#[derive(Debug, Default)]
pub struct Compressor {
    /// The last position of each hash, counted from `base` of its string and one more; empty until
    /// it is needed.
    seen: Vec<u32>,
    /// What lies below belongs to strings before.
    base: u32,
}

impl Compressor {
    /// Compresses `input` into at most `limit` bytes behind what `out` has; false, and `out` as it
    /// was, if it does not fit.
    pub fn compress(&mut self, input: &[u8], limit: usize, out: &mut Vec<u8>) -> bool {
        // Positions have to fit the table.
        let Ok(len) = u32::try_from(input.len()) else { return false };
        let after = self.base.saturating_add(len);
        if self.seen.is_empty() || after == u32::MAX {
            (self.seen, self.base) = (vec![0; 1 << HASH_BITS], 0);
        }
        let (start, end) = (out.len(), out.len().saturating_add(limit));
        let (seen, base) = (&mut self.seen[..], self.base);
        let fits = Compression { input, at: 0, out, end, run: start, seen, base }.run();
        self.base = base.saturating_add(len);
        if !fits {
            out.truncate(start);
        }
        fits
    }
}

/// A compression under way.
struct Compression<'a> {
    input: &'a [u8],
    /// Next byte of the input.
    at: usize,
    out: &'a mut Vec<u8>,
    /// Length that `out` may have.
    end: usize,
    /// Where the control byte of the literal run is, whose bytes are behind it.
    run: usize,
    seen: &'a mut [u32],
    base: u32,
}

impl Compression<'_> {
    fn run(mut self) -> bool {
        self.out.push(0);
        while self.at + 2 < self.input.len() {
            let fits = match self.find() {
                Some((distance, len)) => self.reference(distance, len),
                None => self.literal(),
            };
            if !fits {
                return false;
            }
        }
        if self.out.len() + 3 > self.end {
            return false;
        }
        while self.at < self.input.len() {
            self.push_literal();
        }
        self.end_run();
        true
    }

    /// Notes the position, and returns the last one with the same hash.
    fn note(&mut self, at: usize) -> Option<usize> {
        let hash = self.input[at..at + 3].iter().fold(0, |hash, byte| hash << 8 | u32::from(*byte));
        let slot = (hash >> (24 - HASH_BITS)).wrapping_sub(hash.wrapping_mul(5));
        let slot = slot as usize & ((1 << HASH_BITS) - 1);
        let here = self.base + at as u32 + 1;
        let before = std::mem::replace(&mut self.seen[slot], here).checked_sub(self.base + 1)?;
        Some(before as usize)
    }

    /// Distance (less 1) and length of what repeats earlier bytes here. Never the input's first
    /// byte, as in liblzf.
    fn find(&mut self) -> Option<(usize, usize)> {
        let before = self.note(self.at)?;
        let (here, there) = (&self.input[self.at..], &self.input[before..]);
        let distance = self.at - before - 1;
        if distance >= MAX_DISTANCE || before == 0 || here[..3] != there[..3] {
            return None;
        }
        // liblzf leaves the input's last two bytes to the literals, except that it takes its first
        // steps without looking at the end: one of them, or 17 where that many are sure to be
        // there.
        let most = match here.len() - 2 {
            short @ 0..=16 => short.max(3),
            long => long.clamp(19, MAX_MATCH),
        };
        let same = here.iter().zip(there).take(most).take_while(|(a, b)| a == b).count();
        Some((distance, same))
    }

    fn reference(&mut self, distance: usize, len: usize) -> bool {
        let unused = usize::from(self.out.len() == self.run + 1);
        if self.out.len() - unused + 4 >= self.end {
            return false;
        }
        self.end_run();
        let (high, rest) = ((distance >> 8) as u8, len - 2);
        if rest < 7 {
            self.out.push(high | (rest as u8) << 5);
        } else {
            self.out.extend([high | 7 << 5, (rest - 7) as u8]);
        }
        self.out.push(distance as u8);
        self.begin_run();
        self.at += len;
        // Of the positions that were jumped over, the last two are worth knowing.
        if self.at + 2 < self.input.len() {
            self.note(self.at - 2);
            self.note(self.at - 1);
        }
        true
    }

    fn literal(&mut self) -> bool {
        if self.out.len() >= self.end {
            return false;
        }
        self.push_literal();
        true
    }

    fn push_literal(&mut self) {
        self.out.push(self.input[self.at]);
        self.at += 1;
        if self.out.len() - self.run > MAX_LITERALS {
            self.end_run();
            self.begin_run();
        }
    }

    fn begin_run(&mut self) {
        self.run = self.out.len();
        self.out.push(0);
    }

    /// Gives the run its control byte, or takes that back if there is no run.
    fn end_run(&mut self) {
        match self.out.len() - self.run - 1 {
            0 => self.out.truncate(self.run),
            literals => self.out[self.run] = literals as u8 - 1,
        }
    }
}

/// What `input` was before it was compressed: `len` bytes.
///
/// # Errors
/// It is not compressed bytes, or of another length. Nothing is allocated for a length that these
/// bytes cannot have.
pub fn decompress(mut input: &[u8], len: u64) -> Result<Vec<u8>, Error> {
    const MALFORMED: Error = Error::Malformed("a compressed string is malformed");
    if len > max_expansion(input.len() as u64) {
        return Err(MALFORMED);
    }
    let len = usize::try_from(len).map_err(|_| MALFORMED)?;
    let mut out = Vec::with_capacity(len);
    let mut next = |count: usize| {
        let (taken, rest) = input.split_at_checked(count)?;
        input = rest;
        Some(taken)
    };
    while let Some(&[control]) = next(1) {
        if usize::from(control) < MAX_LITERALS {
            out.extend_from_slice(next(usize::from(control) + 1).ok_or(MALFORMED)?);
        } else {
            let mut count = usize::from(control >> 5) + 2;
            if count == 9 {
                count += usize::from(next(1).ok_or(MALFORMED)?[0]);
            }
            let low = usize::from(next(1).ok_or(MALFORMED)?[0]);
            let distance = (usize::from(control & 31) << 8 | low) + 1;
            let from = out.len().checked_sub(distance).ok_or(MALFORMED)?;
            repeat(&mut out, from, count);
        }
        if out.len() > len {
            return Err(MALFORMED);
        }
    }
    if out.len() == len { Ok(out) } else { Err(MALFORMED) }
}

/// Appends `count` bytes of `out` from `from` on, which may include some that are appended by this.
fn repeat(out: &mut Vec<u8>, from: usize, count: usize) {
    let end = out.len() + count;
    while out.len() < end {
        let whole = out.len() - from;
        let part = whole.min(end - out.len());
        out.extend_from_within(from..from + part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(input: &[u8]) -> Option<Vec<u8>> {
        let mut out = b"before".to_vec();
        let limit = input.len().saturating_sub(4);
        let fits = Compressor::default().compress(input, limit, &mut out);
        assert!(out.starts_with(b"before") && (fits || out.len() == 6));
        fits.then(|| out.split_off(6))
    }

    // The expected bytes were taken from redis-server 7.0.15's DUMP.
    #[test]
    fn the_same_bytes_as_redis() {
        assert_eq!(packed(&[b'a'; 30]).as_deref(), Some(&b"\x01aa\xe0\x11\x00\x01aa"[..]));
        assert_eq!(packed(b"abcdefghijklmnopqrstuvwxyz"), None);
    }

    #[test]
    fn what_is_not_compressed_bytes_is_refused() {
        for (input, len) in [
            (&b"\x05ab"[..], 6),
            (b"\x00a\x20", 4),
            (b"\x00a\x20\x01", 4),
            (b"\xe0", 20),
            (b"\xe0\xff", 20),
            (b"\x00a", 2),
            (b"\x01ab", 1),
            (b"\x00a", u64::MAX),
        ] {
            assert!(decompress(input, len).is_err(), "{input:?}");
        }
    }

    #[test]
    fn strings_before_leave_no_trace() {
        let mut used = Compressor::default();
        for input in [&b"abcabcabcabcabcabcabcabcabcabc"[..], b"xyz", b"", &[b'c'; 300]] {
            for base in [used.base, u32::MAX - 40, u32::MAX - 1] {
                used.base = base;
                let mut out = Vec::new();
                let fits = used.compress(input, input.len().saturating_sub(4), &mut out);
                assert_eq!(fits.then_some(out), packed(input));
            }
        }
    }

    /// Bytes in which some repeat.
    fn repetitive() -> impl Strategy<Value = Vec<u8>> {
        let piece = (prop::collection::vec(0u8..4, 1..40), 1usize..400);
        prop::collection::vec(piece, 0..20).prop_map(|pieces| {
            pieces.into_iter().flat_map(|(bytes, times)| bytes.repeat(times)).collect()
        })
    }

    proptest! {
        #[test]
        fn what_was_compressed_is_decompressed(input in repetitive()) {
            if let Some(bytes) = packed(&input) {
                prop_assert!(bytes.len() <= input.len() - 4);
                prop_assert!(input.len() as u64 <= max_expansion(bytes.len() as u64));
                prop_assert_eq!(decompress(&bytes, input.len() as u64).expect("intact"), input);
            }
        }

        #[test]
        fn any_bytes_are_decompressed_within_bounds(input: Vec<u8>, len in 0u64..100_000) {
            if let Ok(out) = decompress(&input, len) {
                prop_assert_eq!(out.len() as u64, len);
            }
        }
    }
}
