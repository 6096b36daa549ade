//! Scores as bytes of an image.
//!
//! A number `n` ([`wire::put_number`]): an even one is a whole score, `n / 2` as a signed number in
//! zigzag form; 1 announces the eight bytes of any other double.

use ferric_engine::Malformed;

use crate::values::wire::{Reader, number_len, put_double, put_number};

/// Whole scores up to this magnitude are kept as numbers: beyond it the double itself is shorter.
const MAX_WHOLE: u64 = 1 << 46;

/// Announces a double.
const DOUBLE: u64 = 1;

/// The number for a whole score; `None` when it is kept as a double, as minus zero is.
fn whole(score: f64) -> Option<u64> {
    let number = score as i64;
    let exact = number as f64 == score && number.unsigned_abs() < MAX_WHOLE;
    let minus_zero = number == 0 && score.is_sign_negative();
    (exact && !minus_zero).then_some((((number << 1) ^ (number >> 63)) as u64) << 1)
}

/// Appends a score, which is not NaN.
#[inline]
pub fn put(out: &mut Vec<u8>, score: f64) {
    match whole(score) {
        Some(number) => put_number(out, number),
        None => {
            put_number(out, DOUBLE);
            put_double(out, score);
        }
    }
}

/// Bytes that [`put`] appends.
#[inline]
pub fn len(score: f64) -> usize {
    whole(score).map_or(1 + size_of::<f64>(), number_len)
}

/// Reads a score.
///
/// # Errors
/// It is cut short, not a score, or NaN.
#[inline]
pub fn read(reader: &mut Reader<'_>) -> Result<f64, Malformed> {
    match reader.number()? {
        DOUBLE => Some(reader.double()?).filter(|score| !score.is_nan()).ok_or(Malformed),
        number if number & 1 == 0 => {
            let number = number >> 1;
            Ok(((number >> 1) as i64 ^ -((number & 1) as i64)) as f64)
        }
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(score: f64) -> (u64, usize) {
        let mut out = Vec::new();
        put(&mut out, score);
        assert_eq!(out.len(), len(score), "{score}");
        let mut reader = Reader::new(&out);
        let read = read(&mut reader).expect("a score");
        assert!(reader.is_empty());
        (read.to_bits(), out.len())
    }

    #[test]
    fn small_whole_scores_take_little() {
        for (score, len) in [
            (0.0, 1),
            (31.0, 1),
            (-32.0, 1),
            (32.0, 2),
            (1_700_000_000.0, 5),
            (-0.0, 9),
            (0.5, 9),
            (f64::INFINITY, 9),
            (f64::NEG_INFINITY, 9),
            (f64::MAX, 9),
            (70_368_744_177_663.0, 7),
            (70_368_744_177_664.0, 9),
            (-9_223_372_036_854_775_808.0, 9),
        ] {
            assert_eq!(round_trip(score), (score.to_bits(), len), "{score}");
        }
    }

    #[test]
    fn what_is_no_score_is_refused() {
        let mut nan = vec![1];
        put_double(&mut nan, f64::NAN);
        for bytes in [&nan[..], &[3], &[1, 0], &[]] {
            assert_eq!(read(&mut Reader::new(bytes)), Err(Malformed), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_score_is_read_back(bits: u64, whole: i64) {
            let score = f64::from_bits(bits);
            prop_assume!(!score.is_nan());
            prop_assert_eq!(round_trip(score).0, bits);
            prop_assert_eq!(round_trip(whole as f64).0, (whole as f64).to_bits());
        }
    }
}
