use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn filter(capacity: u64, bucket_size: u8, iterations: u16, expansion: u16) -> Cuckoo {
    Cuckoo::new(Shape::new(capacity, bucket_size, iterations, expansion).expect("not too large"))
}

fn edit<R>(filter: &mut Cuckoo, change: impl FnOnce(&mut Edit<'_>) -> R) -> R {
    let mut edit = Edit::new(filter.view().parts().expect("well formed"));
    let result = change(&mut edit);
    if let Some(delta) = edit.into_delta() {
        filter.apply(&delta).expect("a delta of its own");
    }
    result
}

fn insert(filter: &mut Cuckoo, item: &str) -> Inserted {
    edit(filter, |edit| edit.insert(item.as_bytes()))
}

fn count(filter: &Cuckoo, item: &str) -> u64 {
    filter.view().parts().expect("well formed").count(item.as_bytes())
}

/// The numbers of layers that Redis Stack's CF.DEBUG shows.
#[test]
fn geometry() {
    for (capacity, bucket_size, iterations, expansion, layers) in [
        (64, 1, 20, 1, 18),
        (64, 2, 20, 1, 17),
        (256, 4, 500, 1, 4),
        (64, 2, 20, 2, 5),
        (64, 2, 500, 4, 3),
    ] {
        let mut filter = filter(capacity, bucket_size, iterations, expansion);
        for number in 0..1000 {
            assert_eq!(insert(&mut filter, &number.to_string()), Inserted::Yes);
        }
        assert_eq!(filter.layers.len(), layers, "{capacity} {bucket_size} {expansion}");
        assert!((0..1000).all(|number| count(&filter, &number.to_string()) > 0));
    }
    assert_eq!(filter(1000, 2, 20, 1).shape.buckets, 512);
    assert!(Shape::new(u64::MAX, 2, 20, 1).is_none());
    assert!(Shape::new(1 << 40, 1, 20, 1).is_none());
}

#[test]
fn a_filter_that_does_not_grow_gets_full() {
    let mut filter = filter(4, 2, 20, 0);
    for number in 1..=4 {
        assert_eq!(insert(&mut filter, &number.to_string()), Inserted::Yes);
    }
    let before = filter.encode();
    assert_eq!(insert(&mut filter, "5"), Inserted::Full);
    assert_eq!(filter.encode(), before, "moved fingerprints are where they were");
}

#[test]
fn layers_have_a_limit() {
    let mut filter = filter(4, 2, 20, 1);
    let inserted = (0..1000).take_while(|n| insert(&mut filter, &n.to_string()) == Inserted::Yes);
    assert!(inserted.count() >= 124);
    assert_eq!(filter.layers.len(), MAX_LAYERS);
}

#[test]
fn false_positives_stay_within_bounds() {
    // Two buckets of two one-byte fingerprints: 4 of 255, if they are full.
    let mut filter = filter(1 << 16, 2, 20, 1);
    for number in 0..50_000 {
        assert_eq!(insert(&mut filter, &number.to_string()), Inserted::Yes);
    }
    let found = (50_000..150_000).filter(|n| count(&filter, &n.to_string()) > 0).count();
    assert!(found as f64 / 100_000.0 <= 4.0 / 255.0 * filter.layers.len() as f64, "{found}");
}

#[test]
fn deletion_makes_the_filter_compact() {
    let mut filter = filter(64, 2, 20, 1);
    for number in 0..500 {
        insert(&mut filter, &number.to_string());
    }
    let layers = filter.layers.len();
    for number in 0..400 {
        let deleted = edit(&mut filter, |edit| {
            let deleted = edit.delete(number.to_string().as_bytes());
            if edit.compactable() > 0 {
                edit.compact();
            }
            deleted
        });
        assert!(deleted);
    }
    assert!(filter.layers.len() < layers / 2, "{} of {layers}", filter.layers.len());
    assert!((400..500).all(|number| count(&filter, &number.to_string()) > 0));
}

#[test]
fn dumps_are_loaded_again() {
    let mut filter = filter(500, 2, 20, 2);
    for number in 0..3000 {
        insert(&mut filter, &number.to_string());
    }
    let parts = filter.view().parts().expect("well formed");
    let header = dump::header(&parts);
    let mut copy = dump::from_header(header.as_slice().try_into().expect("its length"))
        .expect("its own header");
    let mut position = 1;
    while let Some((next, part)) = dump::part(&parts, position) {
        let delta = {
            let target = copy.view().parts().expect("well formed");
            dump::load(&target, next, &part).expect("its own part")
        };
        copy.apply(&delta).expect("a delta of its own");
        position = next;
    }
    assert!(filter.layers.len() > 1 && filter.encode() == copy.encode());
    assert!(dump::load(&parts, 4, b"abcd").is_none() && dump::load(&parts, 0, b"").is_none());
}

proptest! {
    /// No item is lost, whatever is added and deleted, through images and deltas.
    #[test]
    fn like_a_multiset(bucket_size in 1u8..5, expansion in 1u16..4, steps in prop::collection::vec((0u8..40, prop::bool::weighted(0.7)), 0..200)) {
        let mut filter = filter(8, bucket_size, 20, expansion);
        let mut model: HashMap<u8, u64> = HashMap::new();
        for (item, adds) in steps {
            let name = item.to_string();
            let held = model.entry(item).or_default();
            let packed = filter.encode();
            let mut change = Edit::new(Cuckoo::view_image(&packed).parts().expect("well formed"));
            if adds {
                prop_assert_eq!(change.insert(name.as_bytes()), Inserted::Yes);
                *held += 1;
            } else if *held > 0 {
                prop_assert!(change.delete(name.as_bytes()));
                *held -= 1;
            }
            if let Some(delta) = change.into_delta() {
                filter.apply(&delta).expect("a delta of its own");
                let mut other = Cuckoo::decode(&packed).expect("its own image");
                other.apply(&delta).expect("a delta of its own");
                prop_assert_eq!(other.encode(), filter.encode());
            }
            for (item, held) in &model {
                prop_assert!(count(&filter, &item.to_string()) >= *held);
            }
            prop_assert_eq!(filter.items, model.values().sum::<u64>());
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>, header: [u8; dump::HEADER]) {
        let _ = Cuckoo::decode(&bytes);
        let _ = Cuckoo::view_image(&bytes).parts().map(|parts| parts.count(b"x"));
        let mut filter = filter(8, 2, 20, 1);
        let _ = filter.apply(&bytes);
        let _ = dump::from_header(&header);
    }
}
