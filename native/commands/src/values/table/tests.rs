use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

fn key(number: u32) -> Vec<u8> {
    format!("member:{number:08}").into_bytes()
}

fn filled(range: std::ops::Range<u32>) -> Table {
    let mut table = Table::new();
    range.for_each(|number| assert!(table.insert(&key(number), b"payload")));
    table
}

/// What a full scan sees; `between` may change the table between two calls.
fn scanned(table: &mut Table, count: usize, mut between: impl FnMut(&mut Table)) -> Vec<Vec<u8>> {
    let (mut seen, mut cursor) = (Vec::new(), 0);
    loop {
        cursor = table.scan(cursor, count, &mut |key, _| seen.push(key.to_vec()));
        if cursor == 0 {
            return seen;
        }
        between(table);
    }
}

/// The sums that the table keeps are what they would be if counted anew.
fn check_sums(table: &Table) {
    assert_eq!(table.iter().count(), table.len());
    assert_eq!(table.iter().map(|(k, p)| k.len() + p.len()).sum::<usize>(), table.content);
    assert_eq!(table.iter().map(|(k, p)| weight(k, p)).sum::<usize>(), table.weight);
    let heap: usize = (0..table.chunks).map(|index| table.chunk(index).heap_bytes()).sum();
    assert_eq!(heap, table.heap);
    assert_eq!(table.segments.iter().map(|segment| segment.len()).sum::<usize>(), table.chunks);
    assert_eq!(table.chunks, table.weight.div_ceil(CHUNK_WEIGHT).max(1));
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u16, Vec<u8>),
    Remove(u16),
    Clone,
}

fn step() -> impl Strategy<Value = Step> {
    let payload = prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => proptest::collection::vec(any::<u8>(), 400..700),
    ];
    prop_oneof![
        8 => (0..400u16, payload).prop_map(|(key, payload)| Step::Insert(key, payload)),
        5 => (0..400u16).prop_map(Step::Remove),
        1 => Just(Step::Clone),
    ]
}

/// Keys of all lengths, some of them too long for a chunk's buffer.
fn odd_key(number: u16) -> Vec<u8> {
    let mut key = number.to_le_bytes().to_vec();
    let unit = if number.is_multiple_of(50) { 80 } else { 1 };
    key.resize(2 + usize::from(number % 11) * unit, b'k');
    key
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_map(steps in proptest::collection::vec(step(), 1..2000)) {
        let (mut table, mut model) = (Table::new(), HashMap::new());
        let mut frozen = Vec::new();
        for step in steps {
            match step {
                Step::Insert(number, payload) => {
                    let key = odd_key(number);
                    let new = table.insert(&key, &payload);
                    prop_assert_eq!(new, model.insert(key, payload).is_none());
                }
                Step::Remove(number) => {
                    let key = odd_key(number);
                    prop_assert_eq!(table.remove(&key), model.remove(&key).is_some());
                }
                Step::Clone => frozen.push((table.clone(), model.clone())),
            }
        }
        frozen.push((table, model));
        for (table, model) in &frozen {
            check_sums(table);
            for number in 0..400 {
                let key = odd_key(number);
                prop_assert_eq!(table.get(&key), model.get(&key).map(Vec::as_slice));
                prop_assert_eq!(table.contains(&key), model.contains_key(&key));
            }
            prop_assert_eq!(scanned(&mut table.clone(), 7, |_| {}).len(), model.len());
        }
    }
}

#[test]
fn grows_and_shrinks_a_chunk_at_a_time() {
    let mut table = filled(0..50_000);
    check_sums(&table);
    assert!(table.chunks > 500, "{}", table.chunks);
    let (largest, overhead) = (
        (0..table.chunks).map(|index| table.chunk(index).heap_bytes()).max(),
        (table.heap_bytes() - table.content_bytes()) as f64 / table.len() as f64,
    );
    assert!(largest.is_some_and(|bytes| bytes < 8192), "{largest:?}");
    assert!(overhead < 9.0, "{overhead} bytes an entry");
    (0..50_000).for_each(|number| assert!(table.remove(&key(number))));
    check_sums(&table);
    assert_eq!((table.chunks, table.heap_bytes() < 1000), (1, true));
}

#[test]
fn a_chunk_may_outgrow_short_offsets() {
    let mut chunk = Chunk::default();
    let entries: Vec<_> = (0..10_000).map(key).collect();
    entries.iter().for_each(|key| chunk.push(Hash::of(key).tag(), key, b"some payload"));
    let find = |chunk: &Chunk, key: &Vec<u8>| chunk.find(Hash::of(key).tag(), key);
    for key in entries.iter().skip(100) {
        let at = find(&chunk, key).expect("pushed");
        chunk.remove(at);
        assert_eq!(find(&chunk, key), None);
    }
    assert!(entries.iter().take(100).all(|key| find(&chunk, key).is_some()));
    assert!(chunk.heap_bytes() < 8192);
}

#[test]
fn scans_see_what_stays_once_whatever_else_happens() {
    let mut table = filled(0..3000);
    let mut next = 3000;
    // Grows to ten times its size while it is scanned, then shrinks.
    let seen = scanned(&mut table, 10, |table| {
        for _ in 0..if next < 30_000 { 100 } else { 0 } {
            table.insert(&key(next), b"");
            next += 1;
        }
    });
    let unique: HashSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len());
    assert!((0..3000).all(|number| unique.contains(&key(number))));
    let seen = scanned(&mut table, 10, |table| {
        (0..200).for_each(|_| {
            if next > 3000 {
                next -= 1;
                table.remove(&key(next));
            }
        });
    });
    let unique: HashSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len());
    assert!((0..3000).all(|number| unique.contains(&key(number))));
}

#[test]
fn scans_visit_about_as_many_as_asked_for_and_take_any_cursor() {
    let table = filled(0..1000);
    let mut visited = 0;
    let next = table.scan(0, 10, &mut |_, _| visited += 1);
    assert_eq!(visited, 10);
    assert!(next > 0 && next < END);
    for cursor in [1, next + 1, END - 1, END, u64::MAX] {
        let mut count = 0;
        table.scan(cursor, usize::MAX, &mut |_, _| count += 1);
        assert!(count <= 1000);
    }
    assert_eq!(Table::new().scan(0, 10, &mut |_, _| unreachable!()), 0);
}

#[test]
fn every_entry_is_drawn_about_equally_often() {
    for len in [1, 2, 10, 90, 700] {
        let table = filled(0..len);
        let (mut dice, mut counts) = (Dice::new(len.into()), HashMap::new());
        let draws = 200 * len;
        for _ in 0..draws {
            let (key, _) = table.random(&mut dice).expect("not empty");
            *counts.entry(key).or_insert(0u32) += 1;
        }
        let square = |count: u32| (f64::from(count) - 200.0).powi(2) / 200.0;
        let chi: f64 = counts.values().map(|&count| square(count)).sum();
        // Mean len - 1, standard deviation the root of twice that: six of them.
        let mean = f64::from(len - 1);
        assert_eq!(counts.len(), len as usize);
        assert!(chi <= mean + 6.0 * (2.0 * mean).sqrt(), "{len} entries: {chi}");
    }
    assert!(Table::new().random(&mut Dice::new(1)).is_none());
}

#[test]
fn which_entry_is_drawn_does_not_depend_on_history() {
    let straight = filled(0..2000);
    let mut winding = filled(1000..4000);
    (0..1000).rev().for_each(|number| assert!(winding.insert(&key(number), b"other")));
    (2000..4000).for_each(|number| assert!(winding.remove(&key(number))));
    (0..1000).for_each(|number| assert!(!winding.insert(&key(number), b"payload")));
    let draws = |table: &Table| -> Vec<Vec<u8>> {
        let mut dice = Dice::new(9);
        (0..200).filter_map(|_| table.random(&mut dice).map(|(key, _)| key.to_vec())).collect()
    };
    assert_eq!(draws(&straight), draws(&winding));
}
