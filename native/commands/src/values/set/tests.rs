use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn members(view: View<'_>) -> BTreeSet<Vec<u8>> {
    let mut members = BTreeSet::new();
    view.for_each(|member| assert!(members.insert(member.with(<[u8]>::to_vec))));
    assert_eq!(view.len(), members.len());
    let mut ordered = BTreeSet::new();
    view.for_each_ordered(|member| assert!(ordered.insert(member.with(<[u8]>::to_vec))));
    assert_eq!(members, ordered);
    let (mut scanned, mut cursor) = (BTreeSet::new(), 0);
    loop {
        cursor = view.scan(cursor, 5, &mut |member| {
            assert!(scanned.insert(member.with(<[u8]>::to_vec)));
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(members, scanned);
    assert!(members.iter().all(|member| view.contains(member)));
    members
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (-200i64..200).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i32>().prop_map(|n| n.to_string().into_bytes()),
    ]
}

fn any_member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => member(),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => Just(b"007".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_set(
        integers in proptest::collection::vec((member(), any::<bool>()), 0..150),
        others in proptest::collection::vec((any_member(), 0..3), 0..400),
    ) {
        let (mut set, mut model, mut replayed) = (Set::default(), BTreeSet::new(), Set::default());
        let others = others.into_iter().map(|(member, what)| (member, what > 0));
        for (member, add) in integers.into_iter().chain(others) {
            let mut delta = vec![if add { op::ADD } else { op::REMOVE }];
            wire::put_bytes(&mut delta, &member);
            replayed.apply(&delta).expect("well-formed");
            if add {
                prop_assert_eq!(set.insert(&member), model.insert(member));
            } else {
                prop_assert_eq!(set.remove(&member), model.remove(&member));
            }
        }
        prop_assert_eq!(&members(set.view()), &model);
        prop_assert_eq!(&members(replayed.view()), &model);
        let image = set.encode();
        prop_assert!(image.len().abs_diff(set.image_len()) <= 10 + image.len() / 10);
        prop_assert_eq!(&members(Set::view_image(&image)), &model);
        let decoded = Set::decode(&image).expect("well-formed");
        prop_assert_eq!(&members(decoded.view()), &model);
        prop_assert_eq!(decoded.encode().len(), image.len());
    }

    #[test]
    fn any_bytes_are_taken_without_panic(bytes: Vec<u8>, at: u16, large: bool) {
        let _ = Set::decode(&bytes);
        let _ = Set::default().apply(&bytes);
        let mut set = Set::default();
        let count = if large { 300 } else { 30 };
        (0..count).for_each(|n| assert!(set.insert(format!("m{n}").as_bytes())));
        let mut image = set.encode();
        let at = usize::from(at) % image.len();
        image[at] ^= 1 << (at % 8);
        if let Ok(set) = Set::decode(&image) {
            let _ = set.view().random(&mut Dice::new(1));
        }
    }
}

#[test]
fn integers_take_the_bytes_of_the_widest() {
    let mut set = Set::default();
    (0..1000).for_each(|n| assert!(set.insert(n.to_string().as_bytes())));
    assert_eq!(set.image_len(), 2001);
    set.insert(b"40000");
    assert_eq!(set.image_len(), 4005);
    set.insert(b"-9223372036854775808");
    assert_eq!((set.image_len(), set.encode().len()), (8017, 8017));
    assert!(matches!(set.form, Form::Integers(_)));
    (2000..3000).for_each(|n| assert!(set.insert(n.to_string().as_bytes())));
    assert!(matches!(set.form, Form::Table(_)));
    assert_eq!(members(set.view()).len(), 2002);
}

#[test]
fn what_is_drawn_does_not_depend_on_how_the_set_is_kept() {
    let mut packed = Set::default();
    // Nearly as many members as an image of 1 KiB can hold.
    (0..=255u8).for_each(|byte| assert!(packed.insert(&[byte])));
    (0..160u8).for_each(|byte| assert!(packed.insert(&[byte, b'x'])));
    assert!(packed.image_len() > 980 && matches!(packed.form, Form::Packed(_)));
    let mut table = Table::new();
    packed.view().for_each(|member| assert!(member.with(|bytes| table.insert(bytes, &[]))));
    let table = Set { form: Form::Table(table) };
    let (mut a, mut b) = (Dice::new(5), Dice::new(5));
    for _ in 0..500 {
        assert_eq!(packed.view().random(&mut a), table.view().random(&mut b));
    }
    let order = |set: &Set| {
        let mut members = Vec::new();
        set.view().for_each_ordered(|member| members.push(member.with(<[u8]>::to_vec)));
        members
    };
    assert_eq!(order(&packed), order(&table));
}

#[test]
fn every_member_is_drawn_about_equally_often() {
    for make in [|n: usize| n.to_string(), |n: usize| format!("m{n}")] {
        let mut set = Set::default();
        (0..50).for_each(|n| assert!(set.insert(make(n).as_bytes())));
        let (mut dice, mut counts) = (Dice::new(8), std::collections::BTreeMap::new());
        for _ in 0..50 * 200 {
            let member = set.view().random(&mut dice).expect("not empty");
            *counts.entry(member.with(<[u8]>::to_vec)).or_insert(0u32) += 1;
        }
        let square = |n: &u32| (f64::from(*n) - 200.0).powi(2) / 200.0;
        let chi: f64 = counts.values().map(square).sum();
        assert!(counts.len() == 50 && chi < 49.0 + 60.0, "{chi}");
    }
}
