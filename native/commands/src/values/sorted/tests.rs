use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;

/// Small sets of scores and members, so that they meet, and members long enough for trees.
fn any_score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0..8i32).prop_map(f64::from),
        (-1000..1000i32).prop_map(|n| f64::from(n) / 8.0),
        prop::sample::select(vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX]),
    ]
}

fn any_member() -> impl Strategy<Value = Vec<u8>> {
    (0..700u32, 0..12usize).prop_map(|(n, len)| {
        let mut member = n.to_string().into_bytes();
        member.resize(member.len() + len * (n as usize % 7), b'x');
        member
    })
}

#[derive(Clone, Debug)]
enum Change {
    Set(f64, Vec<u8>),
    Remove(Vec<u8>),
    RemoveRange(u16, u16),
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        30 => (any_score(), any_member()).prop_map(|(score, member)| Change::Set(score, member)),
        12 => any_member().prop_map(Change::Remove),
        1 => (any::<u16>(), 0..200u16).prop_map(|(at, count)| Change::RemoveRange(at, count)),
    ]
}

/// The naive one: a list that is sorted when it is looked at.
#[derive(Default)]
struct Model(BTreeMap<Vec<u8>, f64>);

impl Model {
    fn entries(&self) -> Vec<(f64, &[u8])> {
        let mut entries: Vec<_> = self.0.iter().map(|(m, s)| (*s, m.as_slice())).collect();
        entries.sort_by(|a, b| order(*a, *b));
        entries
    }

    /// Makes a change and says it as a delta.
    fn make(&mut self, change: &Change, delta: &mut Delta) {
        match change {
            Change::Set(score, member) => {
                self.0.insert(member.clone(), *score);
                delta.set(*score, member);
            }
            Change::Remove(member) => {
                self.0.remove(member);
                delta.remove(member);
            }
            Change::RemoveRange(at, count) => {
                let start = usize::from(*at) % (self.0.len() + 1);
                let end = (start + usize::from(*count)).min(self.0.len());
                let gone: Vec<Vec<u8>> =
                    self.entries()[start..end].iter().map(|entry| entry.1.to_vec()).collect();
                self.0.retain(|member, _| !gone.contains(member));
                delta.remove_range(start..end);
            }
        }
    }
}

fn collect(view: View<'_>, ranks: std::ops::Range<usize>, reverse: bool) -> Vec<(f64, &[u8])> {
    let mut entries = Vec::new();
    view.each(ranks, reverse, |score, member| entries.push((score, member)));
    entries
}

fn bits<'a>(entries: &[(f64, &'a [u8])]) -> Vec<(u64, &'a [u8])> {
    entries.iter().map(|(score, member)| (score.to_bits(), *member)).collect()
}

fn check(set: &SortedSet, model: &Model) {
    if let Form::Tree(tree) = &set.0 {
        tree.check();
    }
    let (view, entries) = (set.view(), model.entries());
    assert_eq!(view.len(), entries.len());
    let len = entries.len();
    assert_eq!(bits(&collect(view, 0..len, false)), bits(&entries));
    let part = len / 3..len - len / 4;
    let mut reversed = entries[part.clone()].to_vec();
    reversed.reverse();
    assert_eq!(bits(&collect(view, part, true)), bits(&reversed));
    for (rank, (score, member)) in entries.iter().enumerate().step_by(7) {
        let found = view.rank(member).map(|(rank, score)| (rank, score.to_bits()));
        assert_eq!(found, Some((rank, score.to_bits())));
        assert_eq!(view.score(member).map(f64::to_bits), Some(score.to_bits()));
    }
    assert_eq!(view.score(b"nobody"), None);
    for (min, max) in [(0.0, 3.0), (-50.0, f64::INFINITY), (2.0, 2.0), (3.0, 1.0)] {
        for exclusive in [false, true] {
            let range =
                ScoreRange { min, min_exclusive: exclusive, max, max_exclusive: !exclusive };
            let inside = |score: f64| {
                let above = if exclusive { score > min } else { score >= min };
                above && if exclusive { score <= max } else { score < max }
            };
            let expected = entries.iter().filter(|entry| inside(entry.0)).count();
            let ranks = view.ranks_by_score(&range);
            assert_eq!(ranks.len(), expected, "{range:?}");
            assert!(entries[ranks].iter().all(|entry| inside(entry.0)));
        }
    }
}

fn check_images(set: &SortedSet, model: &Model) {
    let image = set.encode();
    assert_eq!(image.len(), set.image_len());
    check(&SortedSet::decode(&image).expect("an image"), model);
    let entries = model.entries();
    let view = SortedSet::view_image(&image);
    assert_eq!(bits(&collect(view, 0..view.len(), false)), bits(&entries));
    let built = SortedSet::from_entries(&entries).expect("distinct");
    assert_eq!(built.encode(), image);
    check(&built, model);
}

fn limit<'a>(text: &'a str, without: Limit<'a>) -> Limit<'a> {
    if text.is_empty() { without } else { Limit::Member(text.as_bytes()) }
}

fn check_scan(set: &SortedSet) {
    let (mut cursor, mut met) = (0, HashSet::new());
    loop {
        cursor = set.view().scan(cursor, 30, |score, member| {
            met.insert((score.to_bits(), member));
        });
        if cursor == 0 {
            break;
        }
    }
    let all = collect(set.view(), 0..set.view().len(), false);
    assert_eq!(met, bits(&all).into_iter().collect());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_sorted_list(changes in prop::collection::vec(any_change(), 1..1500)) {
        let (mut set, mut model) = (SortedSet::default(), Model::default());
        let mut frozen = None;
        for (count, change) in changes.iter().enumerate() {
            let mut delta = Delta::default();
            model.make(change, &mut delta);
            set.apply(delta.as_slice()).expect("a delta");
            if count % 64 == 0 {
                check(&set, &model);
            }
            if count == changes.len() / 2 {
                frozen = Some((set.freeze(), set.encode()));
            }
        }
        check(&set, &model);
        check_images(&set, &model);
        check_scan(&set);
        // Later changes have left what was frozen as it was.
        let (mut image, expected) = frozen.expect("frozen half-way");
        let mut out = Vec::new();
        while image.write(&mut out, 100) {}
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn ranges_of_members(members in prop::collection::hash_set("[a-d]{1,6}", 1..900),
                         min in "[a-d]{0,6}", max in "[a-d]{0,6}", from: bool, to: bool) {
        let mut sorted: Vec<&[u8]> = members.iter().map(String::as_bytes).collect();
        sorted.sort_unstable();
        let entries: Vec<Entry<'_>> = sorted.iter().map(|member| (1.5, *member)).collect();
        let set = SortedSet::from_entries(&entries).expect("distinct");
        let range = LexRange {
            min: limit(&min, Limit::Lowest),
            min_exclusive: from,
            max: limit(&max, Limit::Highest),
            max_exclusive: to,
        };
        let inside = |member: &[u8]| {
            let member = Limit::Member(member);
            (member > range.min || !from && member == range.min)
                && (member < range.max || !to && member == range.max)
        };
        let expected: Vec<&[u8]> = sorted.iter().copied().filter(|m| inside(m)).collect();
        for reverse in [false, true] {
            for view in [set.view(), SortedSet::view_image(&set.encode())] {
                let ranks = view.ranks_by_lex(&range, reverse);
                let found = collect(view, ranks, false);
                prop_assert_eq!(found.iter().map(|entry| entry.1).collect::<Vec<_>>(), expected.clone());
            }
        }
    }

    #[test]
    fn hostile_bytes_do_no_harm(bytes: Vec<u8>, at in 0..4000usize, flip: u8) {
        let _ = SortedSet::decode(&bytes);
        let _ = SortedSet::default().apply(&bytes);
        let members: Vec<String> = (0..400).map(|n| format!("member:{n:05}")).collect();
        let entries: Vec<Entry<'_>> = members.iter().map(|m| (7.0, m.as_bytes())).collect();
        let mut image = SortedSet::from_entries(&entries).expect("distinct").encode();
        let at = at % image.len();
        image[at] ^= flip;
        if let Ok(set) = SortedSet::decode(&image) {
            let reread = SortedSet::decode(&set.encode()).expect("its own image");
            prop_assert_eq!(reread.view().len(), set.view().len());
        }
        let view = SortedSet::view_image(&image);
        let _ = view.rank(b"member:00399");
        view.each(0..view.len(), true, |_, _| ());
    }
}

#[test]
fn images_that_are_not_in_order_or_say_a_member_twice_are_refused() {
    for count in [3usize, 100, 600] {
        let members: Vec<String> = (0..count).map(|n| format!("member:{n:05}")).collect();
        let mut entries: Vec<Entry<'_>> = members.iter().map(|m| (1.0, m.as_bytes())).collect();
        let image = |entries: &[Entry<'_>]| {
            let mut image = Vec::new();
            put_number(&mut image, entries.len() as u64);
            entries.iter().for_each(|(score, member)| put_entry(&mut image, *score, member));
            image
        };
        assert!(SortedSet::decode(&image(&entries)).is_ok());
        entries.push((2.0, entries[0].1));
        assert!(SortedSet::decode(&image(&entries)).is_err(), "twice");
        entries.pop();
        entries.swap(1, 2);
        assert!(SortedSet::decode(&image(&entries)).is_err(), "order");
        entries.swap(1, 2);
        let mut long = image(&entries);
        long.push(0);
        assert!(SortedSet::decode(&long).is_err(), "more than it says");
    }
}

#[test]
fn a_set_takes_the_form_that_suits_its_size() {
    let mut set = SortedSet::default();
    let member = |n: u32| format!("member:{n:06}").into_bytes();
    for n in 0..1000 {
        let mut delta = Delta::default();
        delta.set(f64::from(n), &member(n));
        set.apply(delta.as_slice()).expect("a delta");
    }
    assert!(matches!(set.0, Form::Tree(_)));
    let mut delta = Delta::default();
    delta.remove_range(10..1000);
    set.apply(delta.as_slice()).expect("a delta");
    assert!(matches!(set.0, Form::Packed(_)));
    assert_eq!(set.view().len(), 10);
}

#[test]
fn very_long_members() {
    let mut set = SortedSet::default();
    let mut expected = HashMap::new();
    for n in 0..40u32 {
        let member = vec![n as u8; if n % 3 == 0 { 20_000 } else { 3 }];
        let mut delta = Delta::default();
        delta.set(f64::from(n % 5), &member);
        set.apply(delta.as_slice()).expect("a delta");
        expected.insert(member, f64::from(n % 5));
    }
    let model = Model(expected.into_iter().collect());
    check(&set, &model);
    check_images(&set, &model);
}

#[test]
fn a_visit_ends_when_told() {
    let members: Vec<String> = (0..900).map(|n| format!("member:{n:05}")).collect();
    let entries: Vec<Entry<'_>> = members.iter().map(|m| (1.0, m.as_bytes())).collect();
    let set = SortedSet::from_entries(&entries).expect("distinct");
    let mut visited = 0;
    let end = set.view().visit(100..800, true, |_, member| {
        visited += 1;
        if member == b"member:00700" {
            ControlFlow::Break(visited)
        } else {
            ControlFlow::Continue(())
        }
    });
    assert_eq!(end, ControlFlow::Break(100));
}

#[test]
fn trees_of_several_levels() {
    const COUNT: u32 = 40_000;
    // A permutation of 0..COUNT, as the factor and the modulus have no common divisor.
    let shuffled = |n: u32| (u64::from(n) * 7919 % u64::from(COUNT)) as u32;
    let member = |n: u32| format!("{n:08}").into_bytes();
    let (mut set, mut delta) = (SortedSet::default(), Delta::default());
    (0..COUNT).map(shuffled).for_each(|n| delta.set(f64::from(n / 3), &member(n)));
    set.apply(delta.as_slice()).expect("a delta");
    let model =
        |range: std::ops::Range<u32>| Model(range.map(|n| (member(n), f64::from(n / 3))).collect());
    check(&set, &model(0..COUNT));
    check_scan(&set);
    let mut delta = Delta::default();
    (0..COUNT).map(shuffled).filter(|n| *n >= 20_000).for_each(|n| delta.remove(&member(n)));
    delta.remove_range(0..1000);
    set.apply(delta.as_slice()).expect("a delta");
    check(&set, &model(1000..20_000));
    check_images(&set, &model(1000..20_000));
    let mut delta = Delta::default();
    delta.remove_range(0..19_000);
    set.apply(delta.as_slice()).expect("a delta");
    check(&set, &Model::default());
}
