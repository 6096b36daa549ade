use proptest::prelude::*;

use super::*;

fn top(kept: u64, width: u64, depth: u64, decay: f64) -> TopK {
    let shape = Shape { kept, width, depth, decay };
    assert!(shape.is_valid());
    TopK::new(shape)
}

fn add(top: &mut TopK, items: &[(&str, u32)]) -> Vec<Option<String>> {
    let mut addition = Addition::new(top.view().parts().expect("well formed"), 7);
    let displaced = items
        .iter()
        .map(|(item, by)| addition.add(item.as_bytes(), *by))
        .map(|item| item.map(|item| String::from_utf8_lossy(&item).into_owned()))
        .collect();
    let delta = addition.into_delta();
    top.apply(&delta).expect("a delta of its own");
    displaced
}

fn list(top: &TopK) -> Vec<(String, u32)> {
    let parts = top.view().parts().expect("well formed");
    let text = |(item, count): (&[u8], u32)| (String::from_utf8_lossy(item).into_owned(), count);
    parts.list().into_iter().map(text).collect()
}

fn listed(items: &[(&str, u32)]) -> Vec<(String, u32)> {
    items.iter().map(|(item, count)| ((*item).to_owned(), *count)).collect()
}

/// Redis Stack's own tests of TOPK.INCRBY and TOPK.LIST.
#[test]
fn known_streams() {
    let mut small = top(3, 10, 3, 1.0);
    assert_eq!(add(&mut small, &[("bar", 3), ("baz", 6), ("42", 2)]), [None, None, None]);
    assert_eq!(add(&mut small, &[("42", 8), ("xyzzy", 4)]), [None, Some("bar".into())]);
    let parts = small.view().parts().expect("well formed");
    let counts = ["bar", "baz", "42", "xyzzy", "4"].map(|item| parts.count(item.as_bytes()));
    assert_eq!(counts, [3, 6, 10, 4, 0]);
    let mut usual = top(3, 8, 7, 0.9);
    let batches = ["foo bar baz 42 foo bar baz", "foo baz 42 foo", "foo bar baz foo"];
    for batch in batches {
        add(&mut usual, &batch.split(' ').map(|item| (item, 1)).collect::<Vec<_>>());
    }
    assert_eq!(list(&usual), listed(&[("foo", 6), ("baz", 4), ("bar", 3)]));
}

#[test]
fn the_heaviest_are_found() {
    let mut top = top(10, 500, 5, 0.9);
    // A few items often, many once.
    for round in 0..300u32 {
        let noise = (0..20).map(|n| (format!("noise{}", round * 20 + n), 1));
        let heavy = (0..10).map(|n| (format!("heavy{n}"), 2 + n));
        let items: Vec<(String, u32)> = noise.chain(heavy).collect();
        add(&mut top, &items.iter().map(|(item, by)| (item.as_str(), *by)).collect::<Vec<_>>());
    }
    let found = list(&top);
    assert_eq!(found.len(), 10);
    for (at, (item, count)) in found.iter().enumerate() {
        assert_eq!(*item, format!("heavy{}", 9 - at));
        let exact = 300 * (2 + 9 - at as u32);
        assert!(count.abs_diff(exact) * 20 <= exact, "{item}: {count} of {exact}");
    }
}

proptest! {
    #[test]
    fn images_and_deltas(kept in 1u64..6, width in 1u64..200, depth in 1u64..5, batches in prop::collection::vec(prop::collection::vec((0u8..30, 0u32..20), 0..20), 0..8)) {
        let mut top = top(kept, width, depth, 0.9);
        for batch in batches {
            let names: Vec<(String, u32)> = batch.iter().map(|(n, by)| (n.to_string(), *by)).collect();
            let items: Vec<(&str, u32)> = names.iter().map(|(n, by)| (n.as_str(), *by)).collect();
            let packed = top.encode();
            let mut addition = Addition::new(TopK::view_image(&packed).parts().expect("its own image"), 7);
            items.iter().for_each(|(item, by)| { addition.add(item.as_bytes(), *by); });
            let delta = addition.into_delta();
            add(&mut top, &items);
            let mut other = TopK::decode(&packed).expect("its own image");
            other.apply(&delta).expect("a delta of its own");
            prop_assert_eq!(other.encode(), top.encode());
            let heap = &top.kept;
            prop_assert!((1..heap.len()).all(|at| heap[at].count >= heap[(at - 1) / 2].count));
            prop_assert!(heap.len() as u64 <= kept);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        let _ = TopK::decode(&bytes);
        let _ = TopK::view_image(&bytes).parts().map(|parts| parts.count(b"x"));
        let _ = top(2, 5, 2, 0.9).apply(&bytes);
    }
}
