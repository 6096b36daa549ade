use proptest::prelude::*;

use super::*;

fn names(range: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    range.map(|number| number.to_string().into_bytes()).collect()
}

fn add(bloom: &mut Bloom, items: &[Vec<u8>]) -> Vec<Added> {
    let mut addition = Addition::new(bloom.view());
    let added = items.iter().map(|item| addition.add(item)).collect();
    if let Some(delta) = addition.into_delta() {
        bloom.apply(&delta).expect("a delta of its own");
    }
    added
}

fn contained(view: View<'_>, items: &[Vec<u8>]) -> usize {
    view.contains(items.iter().map(Vec::as_slice)).filter(|found| *found).count()
}

/// The sizes that Redis Stack's BF.DEBUG shows.
#[test]
fn geometry() {
    let bytes =
        |bloom: &Bloom| bloom.layers.iter().map(|(l, _)| (l.bytes, l.hashes)).collect::<Vec<_>>();
    let bloom = Bloom::new(50_000, 0.001, 2).expect("not too large");
    assert_eq!(bytes(&bloom), [(98_880, 11)]);
    let mut bloom = Bloom::new(10, 0.01, 2).expect("not too large");
    add(&mut bloom, &names(0..100));
    assert_eq!(bytes(&bloom), [(16, 8), (32, 9), (72, 10), (160, 11)]);
    let items: Vec<u64> = bloom.layers.iter().map(|(layer, _)| layer.items).collect();
    assert_eq!(items, [10, 20, 40, 29], "one of the items looks as if it were there");
    let mut bloom = Bloom::new(100, 0.001, 2).expect("not too large");
    add(&mut bloom, &names(0..4000));
    let items: Vec<u64> = bloom.layers.iter().map(|(layer, _)| layer.items).collect();
    assert_eq!(items, [100, 200, 400, 800, 1600, 897]);
    assert!(
        Bloom::new(300_000_000, 0.000_001, 2).is_some_and(|bloom| bloom.bytes() == 1_132_420_136)
    );
    assert!(Bloom::new(u64::MAX, 0.01, 2).is_none());
}

#[test]
fn false_positives_stay_within_the_error_rate() {
    for error in [0.1, 0.01, 0.001] {
        for (capacity, growth) in [(20_000, 0), (500, 2), (5000, 1)] {
            let mut bloom = Bloom::new(capacity, error, growth).expect("not too large");
            for batch in names(0..20_000).chunks(997) {
                add(&mut bloom, batch);
            }
            assert_eq!(contained(bloom.view(), &names(0..20_000)), 20_000, "false negatives");
            let found = contained(bloom.view(), &names(20_000..60_000)) as f64 / 40_000.0;
            assert!(found <= error * 1.25, "{found} of {error} ({capacity}, {growth})");
        }
    }
}

#[test]
fn a_filter_that_does_not_grow_gets_full() {
    let mut bloom = Bloom::new(3, 0.01, 0).expect("not too large");
    let added = add(&mut bloom, &names(0..5));
    assert_eq!(added, [Added::New, Added::New, Added::New, Added::Full, Added::Full]);
    assert_eq!(add(&mut bloom, &names(0..1)), [Added::Known]);
}

#[test]
fn dumps_are_loaded_again() {
    let mut bloom = Bloom::new(60_000, 0.000_1, 4).expect("not too large");
    for batch in names(0..100_000).chunks(1000) {
        add(&mut bloom, batch);
    }
    let mut copy = dump::from_header(&dump::header(bloom.view())).expect("its own header");
    let mut position = 1;
    loop {
        let (next, part) = dump::part(bloom.view(), position);
        if next == 0 {
            break;
        }
        let delta = dump::load(copy.view(), next, &part).expect("its own part");
        copy.apply(&delta).expect("a delta of its own");
        position = next;
    }
    assert!(bloom.layers.len() > 1 && bloom.encode() == copy.encode());
    assert_eq!(dump::load(copy.view(), 0, b""), Err(dump::Refusal::BadData));
    assert_eq!(dump::load(copy.view(), 3, b"abcd"), Err(dump::Refusal::BadData));
    assert_eq!(dump::load(copy.view(), 4, b"abcd"), Err(dump::Refusal::NoLayer));
    assert_eq!(dump::load(copy.view(), u64::MAX, b"abcd"), Err(dump::Refusal::NoLayer));
    let behind = copy.layers[0].0.bytes + 3;
    assert_eq!(dump::load(copy.view(), behind, b"abcd"), Err(dump::Refusal::TooLong));
}

#[test]
fn damaged_headers_are_refused() {
    let mut bloom = Bloom::new(5, 0.01, 2).expect("not too large");
    add(&mut bloom, &names(0..50));
    let header = dump::header(bloom.view());
    for (from, to, byte) in [(72, 80, 0), (12, 16, 255), (0, 12, 255), (36, 44, 255)] {
        let mut damaged = header.clone();
        damaged[from..to].fill(byte);
        assert!(dump::from_header(&damaged).is_none(), "{from}");
    }
    assert!(dump::from_header(&header[..header.len() - 1]).is_none());
}

proptest! {
    #[test]
    fn images_and_deltas(capacity in 1u64..3000, growth in 0u32..4, batches in prop::collection::vec(prop::collection::vec(any::<u16>(), 0..60), 0..8)) {
        let mut bloom = Bloom::new(capacity, 0.01, growth).expect("not too large");
        let mut packed = bloom.encode();
        for batch in batches {
            let items: Vec<Vec<u8>> = batch.iter().map(|item| item.to_string().into()).collect();
            // The same through an image.
            let mut addition = Addition::new(Bloom::view_image(&packed));
            let added: Vec<Added> = items.iter().map(|item| addition.add(item)).collect();
            let delta = addition.into_delta();
            prop_assert_eq!(add(&mut bloom, &items), added);
            if let Some(delta) = delta {
                let mut value = Bloom::decode(&packed).expect("its own image");
                value.apply(&delta).expect("a delta of its own");
                packed = value.encode();
            }
            prop_assert_eq!(&bloom.encode(), &packed);
            let view = Bloom::view_image(&packed);
            prop_assert_eq!(contained(view, &items), contained(bloom.view(), &items));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        let _ = Bloom::decode(&bytes);
        let _ = contained(Bloom::view_image(&bytes), &names(0..2));
        let mut bloom = Bloom::new(10, 0.1, 2).expect("not too large");
        let _ = bloom.apply(&bytes);
        let _ = dump::from_header(&bytes);
    }
}
