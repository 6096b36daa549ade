//! Expected bytes and counts are redis-server 7.0.15's.

use proptest::prelude::*;

use super::*;

const SPARSE_MAX: usize = 3000;

fn with(elements: impl IntoIterator<Item = String>, sparse_max: usize) -> Vec<u8> {
    let mut value = Cow::Owned(empty());
    for element in elements {
        raise(&mut value, place(element.as_bytes()), sparse_max).expect("well formed");
    }
    value.into_owned()
}

fn elements(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("element:{number}"))
}

fn registers(value: &[u8]) -> Vec<u8> {
    let mut registers = Registers::new();
    registers.merge(value).expect("well formed");
    registers.values().to_vec()
}

#[test]
fn an_empty_one() {
    assert_eq!(empty(), b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    assert_eq!(cached_count(&empty()), Some(0));
    assert_eq!(count(&empty()), Ok(0));
    assert_eq!(describe_sparse(&empty()), "Z:16384");
}

#[test]
fn sparse_and_dense_agree() {
    for number in [0, 1, 5, 100, 1000, 5000] {
        let (sparse, dense) = (with(elements(number), 1 << 20), with(elements(number), 0));
        assert_eq!(encoding(&sparse), Some(Encoding::Sparse));
        assert!(number == 0 || encoding(&dense) == Some(Encoding::Dense));
        assert_eq!(registers(&sparse), registers(&dense), "{number}");
        assert_eq!(count(&sparse), count(&dense), "{number}");
    }
}

#[test]
fn counts_are_close() {
    // The standard error is 0.81 %.
    for number in [10, 1000, 20_000, 300_000] {
        let counted = count(&with(elements(number), SPARSE_MAX)).expect("well formed");
        let error = (counted as f64 - number as f64).abs() / number as f64;
        assert!(error < 0.03, "{counted} of {number}");
    }
}

#[test]
fn merging_is_the_union() {
    let (left, right) = (with(elements(3000), 1 << 20), with(elements(5000), 0));
    let mut union = Registers::new();
    union.merge(&left).expect("well formed");
    assert_eq!(union.count(), count(&left).expect("well formed"));
    union.merge(&right).expect("well formed");
    assert_eq!(union.values(), registers(&right));
    assert_eq!(union.count(), count(&right).expect("well formed"));
}

#[test]
fn the_cached_count_keeps_its_bits_when_it_gets_out_of_date() {
    let mut value = empty();
    cache_count(&mut value, 0x1234);
    assert_eq!(cached_count(&value), Some(0x1234));
    invalidate_count(&mut value);
    assert_eq!(cached_count(&value), None);
    assert_eq!(value[CACHE_AT..HEADER], [0x34, 0x12, 0, 0, 0, 0, 0, 0x80]);
}

#[test]
fn what_is_none() {
    let dense = with(elements(1), 0);
    assert_eq!(encoding(&dense[..dense.len() - 1]), None);
    assert_eq!(encoding(b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\0"), None);
    assert_eq!(encoding(b"HYLM\x01\0\0\0\0\0\0\0\0\0\0\0"), None);
    assert_eq!(encoding(b"HYLL\x01"), None);
}

#[test]
fn runs_that_do_not_cover_the_registers_are_refused() {
    for tail in [&b""[..], b"\x7f", b"\x7f\xff\0", b"\x7f\xfe", b"\x7f\xff\x7f\xff"] {
        let mut value = empty();
        value.truncate(HEADER);
        value.extend_from_slice(tail);
        assert_eq!(count(&value), Err(Corrupted), "{tail:?}");
        assert_eq!(Registers::new().merge(&value), Err(Corrupted), "{tail:?}");
        assert_eq!(make_dense(&mut value), Err(Corrupted), "{tail:?}");
    }
}

#[test]
fn a_count_beyond_all_bounds() {
    let mut value = header(Encoding::Dense);
    value.resize(HEADER + dense::LEN, 0xff);
    assert_eq!(count(&value), Ok(1 << 63));
}

#[test]
fn a_run_that_is_cut_short() {
    let mut value = header(Encoding::Sparse);
    value.extend_from_slice(&[0x47, 0x08, 0x40]);
    let mut value = Cow::Owned(value);
    assert_eq!(raise(&mut value, Place { register: 0, rank: 1 }, SPARSE_MAX), Ok(true));
    assert_eq!(value[HEADER..], [0x80, 0x47, 0x07, 0x40]);
    let last = Place { register: 0x709, rank: 1 };
    assert_eq!(raise(&mut value, last, SPARSE_MAX), Err(Corrupted));
}

proptest! {
    /// Every way to write the registers gives the same registers.
    #[test]
    fn raising(places in prop::collection::vec((0..REGISTERS, 1u8..40), 1..300), near: bool, max in 18usize..600) {
        let mut expected = vec![0; REGISTERS];
        let mut value = Cow::Owned(empty());
        for (register, rank) in places {
            let register = if near { register % 64 } else { register };
            let raised = raise(&mut value, Place { register, rank }, max).expect("well formed");
            prop_assert_eq!(raised, expected[register] < rank);
            expected[register] = rank.max(expected[register]);
        }
        prop_assert_eq!(registers(&value), expected);
        prop_assert!(encoding(&value) == Some(Encoding::Dense) || value.len() <= max.max(18));
    }

    #[test]
    fn any_bytes_are_read_without_panic(tail: Vec<u8>, register in 0..REGISTERS, rank in 1u8..52) {
        let mut value = header(Encoding::Sparse);
        value.extend_from_slice(&tail);
        let _ = count(&value);
        let _ = describe_sparse(&value);
        let before = value.clone();
        let mut raised = Cow::Borrowed(&value[..]);
        if raise(&mut raised, Place { register, rank }, SPARSE_MAX).is_err() {
            prop_assert_eq!(raised, before);
        }
        let _ = make_dense(&mut value);
    }
}
