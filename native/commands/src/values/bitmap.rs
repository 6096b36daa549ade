//! Strings as arrays of bits: the first bit is the highest of the first byte, and beyond the end of
//! the string every bit is 0.

/// Bytes of the words in which long strings are gone through.
const WORD: usize = size_of::<u64>();

/// Widest field, in bits.
pub const MAX_FIELD: u32 = 64;

/// How [`combine`] makes one bit of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Both.
    And,
    /// At least one.
    Or,
    /// Exactly one.
    Xor,
}

/// Number of bits that are 1.
pub fn count_ones(bytes: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= 4 * WORD && is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, which is all that the function asks for; processors with
        // AVX2 have POPCNT.
        return unsafe { count_ones_avx2(bytes) };
    }
    count_words(bytes)
}

/// [`count_words`], compiled for AVX2: the compiler counts four words at a time there.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn count_ones_avx2(bytes: &[u8]) -> u64 {
    count_words(bytes)
}

#[inline(always)]
fn count_words(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let ones: u64 = words.iter().map(|word| u64::from_ne_bytes(*word).count_ones() as u64).sum();
    ones + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// The bits of a byte from `first` to `last` (0 to 7, both included).
fn mask(first: u64, last: u64) -> u8 {
    (0xff >> first) & (0xff << (7 - last))
}

/// Number of bits that are 1 from `first` to `last`, both included and within the string.
pub fn count_range(bytes: &[u8], first: u64, last: u64) -> u64 {
    let (from, to) = ((first / 8) as usize, (last / 8) as usize);
    if from == to {
        return u64::from((bytes[from] & mask(first % 8, last % 8)).count_ones());
    }
    let ends = [bytes[from] & mask(first % 8, 7), bytes[to] & mask(0, last % 8)];
    count_ones(&bytes[from + 1..to])
        + ends.map(|byte| u64::from(byte.count_ones())).iter().sum::<u64>()
}

/// Position of the first bit that is `bit` from `first` to `last`, both included and within the
/// string.
pub fn position(bytes: &[u8], bit: bool, first: u64, last: u64) -> Option<u64> {
    // A byte without a bit that is looked for.
    let none = if bit { 0 } else { 0xff };
    let in_byte = |at: usize, mask: u8| {
        let found = (bytes[at] ^ none) & mask;
        (found != 0).then(|| at as u64 * 8 + u64::from(found.leading_zeros()))
    };
    let (from, to) = ((first / 8) as usize, (last / 8) as usize);
    if from == to {
        return in_byte(from, mask(first % 8, last % 8));
    }
    in_byte(from, mask(first % 8, 7))
        .or_else(|| in_byte(from + 1 + skip(&bytes[from + 1..to], none)?, 0xff))
        .or_else(|| in_byte(to, mask(0, last % 8)))
}

/// Index of the first byte that is not `none`.
fn skip(bytes: &[u8], none: u8) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<WORD>();
    let whole = words.iter().take_while(|word| **word == [none; WORD]).count() * WORD;
    bytes[whole..].iter().position(|byte| *byte != none).map(|at| whole + at)
}

/// Combines `operand` into `result`, which becomes as long as the longer of the two.
pub fn combine(operator: Operator, result: &mut Vec<u8>, operand: &[u8]) {
    let common = result.len().min(operand.len());
    let pairs = result.iter_mut().zip(operand);
    match operator {
        Operator::And => pairs.for_each(|(a, b)| *a &= b),
        Operator::Or => pairs.for_each(|(a, b)| *a |= b),
        Operator::Xor => pairs.for_each(|(a, b)| *a ^= b),
    }
    match operator {
        Operator::And => {
            result[common..].fill(0);
            result.resize(result.len().max(operand.len()), 0);
        }
        Operator::Or | Operator::Xor => result.extend_from_slice(&operand[common..]),
    }
}

/// Turns every bit over.
pub fn invert(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

/// The bit at an offset.
pub fn bit(bytes: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset / 8).ok().and_then(|at| bytes.get(at));
    byte.is_some_and(|byte| byte & mask(offset % 8, offset % 8) != 0)
}

/// Sets the bit at an offset within the string; returns what it was.
pub fn set_bit(bytes: &mut [u8], offset: u64, on: bool) -> bool {
    let (byte, mask) = (&mut bytes[(offset / 8) as usize], mask(offset % 8, offset % 8));
    let old = *byte & mask != 0;
    *byte = if on { *byte | mask } else { *byte & !mask };
    old
}

/// A field of up to [`MAX_FIELD`] bits spans so many bytes at most.
const SPAN: usize = 9;

/// The bytes that a field may touch, as one number, and where they begin.
fn window(bytes: &[u8], offset: u64) -> (usize, u128) {
    let start = usize::try_from(offset / 8).unwrap_or(usize::MAX).min(bytes.len());
    let mut window = [0; size_of::<u128>()];
    let span = &bytes[start..bytes.len().min(start + SPAN)];
    window[..span.len()].copy_from_slice(span);
    (start, u128::from_be_bytes(window))
}

/// Distance of a field's lowest bit from the lowest of its window.
fn shift(offset: u64, width: u32) -> u32 {
    u128::BITS - (offset % 8) as u32 - width
}

/// The unsigned number in `width` bits (1 to 64) from `offset` on.
pub fn field(bytes: &[u8], offset: u64, width: u32) -> u64 {
    let (_, window) = window(bytes, offset);
    (window >> shift(offset, width)) as u64 & (u64::MAX >> (MAX_FIELD - width))
}

/// Sets the `width` bits from `offset` on, all within the string, to the lowest bits of `value`.
pub fn set_field(bytes: &mut [u8], offset: u64, width: u32, value: u64) {
    let (start, window) = window(bytes, offset);
    let shift = shift(offset, width);
    let ones = u128::from(u64::MAX >> (MAX_FIELD - width)) << shift;
    let window = (window & !ones) | (u128::from(value) << shift & ones);
    let end = bytes.len().min(start + SPAN);
    bytes[start..end].copy_from_slice(&window.to_be_bytes()[..end - start]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: a bit at a time.
    fn bits(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().flat_map(|byte| (0..8).map(move |at| byte & (0x80 >> at) != 0)).collect()
    }

    fn from_bits(bits: &[bool]) -> Vec<u8> {
        bits.chunks(8)
            .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | u8::from(*bit)))
            .collect()
    }

    proptest! {
        #[test]
        fn counts_and_positions(bytes in prop::collection::vec(prop::sample::select(vec![0, 0, 0xff, 0xff, 0x10, 0xef]), 1..200), a: u64, b: u64) {
            let all = bits(&bytes);
            let (a, b) = (a % all.len() as u64, b % all.len() as u64);
            let (first, last) = (a.min(b), a.max(b));
            let range = &all[first as usize..=last as usize];
            let ones = range.iter().filter(|bit| **bit).count() as u64;
            prop_assert_eq!(count_range(&bytes, first, last), ones);
            prop_assert_eq!(count_ones(&bytes), all.iter().filter(|bit| **bit).count() as u64);
            prop_assert_eq!(count_words(&bytes), count_ones(&bytes));
            for bit in [false, true] {
                let at = range.iter().position(|found| *found == bit).map(|at| first + at as u64);
                prop_assert_eq!(position(&bytes, bit, first, last), at);
            }
        }

        #[test]
        fn combinations(a: Vec<u8>, b: Vec<u8>) {
            let (mut long_a, mut long_b) = (a.clone(), b.clone());
            let len = a.len().max(b.len());
            long_a.resize(len, 0);
            long_b.resize(len, 0);
            let pairs = || bits(&long_a).into_iter().zip(bits(&long_b));
            let expect = |operator, expected: Vec<bool>| {
                let mut result = a.clone();
                combine(operator, &mut result, &b);
                assert_eq!(result, from_bits(&expected), "{operator:?}");
            };
            expect(Operator::And, pairs().map(|(a, b)| a && b).collect());
            expect(Operator::Or, pairs().map(|(a, b)| a || b).collect());
            expect(Operator::Xor, pairs().map(|(a, b)| a != b).collect());
            let mut inverted = a.clone();
            invert(&mut inverted);
            prop_assert!(bits(&inverted).iter().zip(bits(&a)).all(|(a, b)| *a != b));
        }

        #[test]
        fn fields(bytes in prop::collection::vec(any::<u8>(), 1..24), offset in 0u64..200, width in 1u32..=64, value: u64) {
            let mut all = bits(&bytes);
            all.resize(400, false);
            let range = offset as usize..(offset as usize + width as usize);
            let number = all[range.clone()].iter().fold(0, |all, bit| all << 1 | u64::from(*bit));
            prop_assert_eq!(field(&bytes, offset, width), number);
            let mut grown = bytes.clone();
            grown.resize(bytes.len().max(range.end.div_ceil(8)), 0);
            set_field(&mut grown, offset, width, value);
            for (at, place) in range.clone().enumerate() {
                all[place] = value >> (width as usize - 1 - at) & 1 == 1;
            }
            prop_assert_eq!(bits(&grown), all[..grown.len() * 8].to_vec());
        }

        #[test]
        fn single_bits(mut bytes in prop::collection::vec(any::<u8>(), 1..24), offset: u64, on: bool) {
            let offset = offset % (bytes.len() as u64 * 8);
            let mut all = bits(&bytes);
            prop_assert_eq!(bit(&bytes, offset), all[offset as usize]);
            prop_assert_eq!(set_bit(&mut bytes, offset, on), all[offset as usize]);
            all[offset as usize] = on;
            prop_assert_eq!(bits(&bytes), all);
        }
    }

    #[test]
    fn bits_beyond_the_end_are_zero() {
        assert!(!bit(b"\xff", 8) && !bit(b"", 0) && !bit(b"\xff", u64::MAX));
        assert_eq!(field(b"\xff", 4, 8), 0xf0);
        assert_eq!(field(b"", u64::MAX - 64, 64), 0);
    }
}
