use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// A change, with positions as fractions of the list's length at the time, in thousandths.
#[derive(Debug, Clone)]
enum Change {
    Push(End, Vec<Vec<u8>>),
    Trim(usize, usize),
    Set(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(Vec<usize>),
    /// A pop and a push in one delta, as LMOVE does it.
    Rotate,
    /// A frozen copy is kept from here on, so that chunks are shared.
    Freeze,
}

/// Elements around the lengths at which something changes, mostly short.
fn element() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![
        20 => 0usize..20,
        10 => 100usize..300,
        2 => 1_000usize..5_000,
        1 => 8_100usize..8_200,
        1 => 65_500usize..70_000,
    ];
    (len, any::<u8>()).prop_map(|(len, byte)| (0..len).map(|at| byte ^ at as u8).collect())
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Left), Just(End::Right)]
}

fn change() -> impl Strategy<Value = Change> {
    let at = || 0usize..=1000;
    let elements = prop_oneof![
        3 => prop::collection::vec(element(), 1..4),
        1 => (element(), 1usize..1500).prop_map(|(one, count)| {
            let count = if one.len() > 20 { count % 60 } else { count };
            (0..=count).map(|number| [&one[..], &number.to_le_bytes()[..2]].concat()).collect()
        }),
    ];
    prop_oneof![
        4 => (end(), elements).prop_map(|(end, elements)| Change::Push(end, elements)),
        1 => (at(), at()).prop_map(|(front, back)| Change::Trim(front / 3, back / 3)),
        1 => (0usize..3, 0usize..3).prop_map(|(front, back)| Change::Trim(front, back)),
        2 => (at(), element()).prop_map(|(at, element)| Change::Set(at, element)),
        3 => (at(), element()).prop_map(|(at, element)| Change::Insert(at, element)),
        2 => prop::collection::vec(at(), 1..300).prop_map(Change::Remove),
        1 => Just(Change::Rotate),
        1 => Just(Change::Freeze),
    ]
}

type Model = VecDeque<Vec<u8>>;

/// The delta of a change of a list like `model`, which is changed as well.
fn play(model: &mut Model, change: Change) -> Delta {
    let scaled = |at: usize, len: usize| at * len / 1000;
    match change {
        Change::Push(end, elements) => {
            let slices: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
            let delta = Delta::new().push(end, &slices);
            for element in elements {
                if end == End::Left { model.push_front(element) } else { model.push_back(element) }
            }
            delta
        }
        Change::Trim(front, back) => {
            let (front, back) = (scaled(front, model.len()), scaled(back, model.len()));
            model.drain(..front);
            model.truncate(model.len() - back);
            Delta::new().trim(front, back)
        }
        Change::Set(at, element) if !model.is_empty() => {
            let at = scaled(at, model.len() - 1);
            let delta = Delta::new().set(at, &element);
            model[at] = element;
            delta
        }
        Change::Insert(at, element) => {
            let at = scaled(at, model.len());
            let delta = Delta::new().insert(at, &element);
            model.insert(at, element);
            delta
        }
        Change::Remove(positions) if !model.is_empty() => {
            let mut positions: Vec<usize> =
                positions.into_iter().map(|at| scaled(at, model.len() - 1)).collect();
            positions.sort_unstable();
            positions.dedup();
            positions.iter().rev().for_each(|&at| drop(model.remove(at)));
            Delta::new().remove(&positions)
        }
        Change::Rotate if !model.is_empty() => {
            let element = model.pop_back().expect("not empty");
            let delta = Delta::new().pop(End::Right, 1).push(End::Left, &[&element]);
            model.push_front(element);
            delta
        }
        _ => Delta::new(),
    }
}

fn assert_same(list: &List, model: &Model) {
    list.directory.check();
    let expected: Vec<&[u8]> = model.iter().map(Vec::as_slice).collect();
    assert_eq!(list.view().iter().collect::<Vec<_>>(), expected);
    assert_eq!(list.view().len(), expected.len());
    let reversed = list.view().backward(expected.len()).collect::<Vec<_>>();
    assert!(reversed.iter().rev().eq(&expected));
    for at in [0, 1, expected.len() / 2, expected.len().saturating_sub(1), expected.len()] {
        assert_eq!(list.view().get(at), expected.get(at).copied());
        assert_eq!(list.view().range(at, 3).collect::<Vec<_>>(), {
            let from = at.min(expected.len());
            expected[from..expected.len().min(from + 3)].to_vec()
        });
        let before = &expected[..at.min(expected.len())];
        assert!(list.view().backward(at).eq(before.iter().rev().copied()));
    }
}

/// What a frozen copy writes, in parts of about `budget` bytes.
fn written(mut frozen: Box<dyn Image>, budget: usize) -> Vec<u8> {
    let (mut all, mut part) = (Vec::new(), Vec::new());
    loop {
        let more = frozen.write(&mut part, budget);
        assert!(part.len() <= budget + 80_000, "{}", part.len());
        all.append(&mut part);
        if !more {
            return all;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_a_deque(changes in prop::collection::vec(change(), 1..40)) {
        let (mut list, mut model, mut frozen) = (List::default(), Model::new(), Vec::new());
        for change in changes {
            if matches!(change, Change::Freeze) {
                frozen.push((list.freeze(), model.clone()));
            }
            let delta = play(&mut model, change);
            list.apply(delta.bytes()).expect("well formed");
            list.directory.check();
        }
        assert_same(&list, &model);
        frozen.push((list.freeze(), model));
        for (frozen, model) in frozen {
            let image = written(frozen, 3000);
            let expected = super::image(model.iter().map(Vec::as_slice));
            prop_assert!(image == expected);
            if model.is_empty() {
                prop_assert!(List::decode(&image).is_err());
                continue;
            }
            assert_same(&List::decode(&image).expect("an image"), &model);
            let view = List::view_image(&image);
            prop_assert!(view.iter().eq(model.iter().map(Vec::as_slice)));
            prop_assert!(view.backward(view.len()).eq(model.iter().rev().map(Vec::as_slice)));
            prop_assert_eq!(view.get(model.len() - 1), model.back().map(Vec::as_slice));
        }
    }

    #[test]
    fn any_bytes_are_refused_or_make_a_list(image: Vec<u8>, deltas: Vec<Vec<u8>>) {
        if let Ok(list) = List::decode(&image) {
            prop_assert_eq!(List::decode(&list.encode()).expect("its own image").encode(), list.encode());
        }
        let view = List::view_image(&image);
        let _ = (view.iter().count(), view.get(3), view.backward(2).count());
        let mut list = List::decode(b"\x03\x01a\x01b\x01c").expect("an image");
        for delta in deltas {
            let _ = list.apply(&delta);
            list.directory.check();
        }
    }

    /// Deltas that look right but for their numbers.
    #[test]
    fn any_numbers_are_refused_or_applied(
        steps in prop::collection::vec((1u8..7, prop::collection::vec(0u8..8, 0..6)), 0..6),
    ) {
        let mut list = List::decode(b"\x03\x01a\x01b\x01c").expect("an image");
        for (step, numbers) in steps {
            let _ = list.apply(&[&[step], &numbers[..]].concat());
            list.directory.check();
        }
    }
}

#[test]
fn images_are_checked() {
    for image in [&b""[..], b"\x00", b"\x01", b"\x02\x01a", b"\x01\x01a\x01b", b"\x01\x05a"] {
        assert!(List::decode(image).is_err(), "{image:?}");
    }
    // A number of elements that nothing follows must not become memory.
    assert!(List::decode(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").is_err());
}

#[test]
fn positions_of_a_delta_are_checked() {
    let list = || List::decode(b"\x03\x01a\x01b\x01c").expect("an image");
    for delta in [
        Delta::new().trim(2, 2),
        Delta::new().trim(usize::MAX, 1),
        Delta::new().set(3, b"x"),
        Delta::new().insert(4, b"x"),
        Delta::new().remove(&[1, 3]),
        Delta::new().remove(&[usize::MAX - 1]),
    ] {
        assert_eq!(list().apply(delta.bytes()), Err(Malformed), "{:?}", delta.bytes());
    }
    for delta in [&b"\x00"[..], b"\x07", b"\x01\x02\x01a", b"\x06\x02\x00", b"\x03\x01"] {
        assert_eq!(list().apply(delta), Err(Malformed), "{delta:?}");
    }
}

/// A list of `count` elements of 16 bytes, pushed at one end.
fn long(end: End, count: usize) -> List {
    let mut list = List::default();
    for number in 0..count {
        let element = format!("element:{number:08}");
        list.apply(Delta::new().push(end, &[element.as_bytes()]).bytes()).expect("well formed");
    }
    list
}

#[test]
fn an_element_costs_little_memory_however_it_came() {
    for end in [End::Left, End::Right] {
        let list = long(end, 100_000);
        let reserved = list.directory.reserved_bytes();
        let per_element = reserved as f64 / 100_000.0 - 16.0;
        assert!((2.0..2.5).contains(&per_element), "{end:?}: {per_element} bytes");
        assert!(list.heap_bytes().abs_diff(reserved) < 20_000);
    }
}

#[test]
fn removing_most_elements_gives_their_memory_back() {
    let mut list = long(End::Right, 100_000);
    let most: Vec<usize> = (0..100_000).filter(|number| number % 100 != 0).collect();
    list.apply(Delta::new().remove(&most).bytes()).expect("well formed");
    list.directory.check();
    assert_eq!(list.view().len(), 1000);
    assert!(list.directory.reserved_bytes() < 60_000, "{}", list.directory.reserved_bytes());
}

#[test]
fn frozen_contents_do_not_change() {
    let mut list = long(End::Right, 10_000);
    let frozen = list.freeze();
    list.apply(Delta::new().trim(9_000, 0).set(5, b"x").bytes()).expect("well formed");
    let before = List::decode(&written(frozen, 10_000)).expect("an image");
    assert_eq!(before.encode(), long(End::Right, 10_000).encode());
    assert_eq!(list.view().len(), 1000);
    assert_eq!(list.view().get(5), Some(&b"x"[..]));
}
