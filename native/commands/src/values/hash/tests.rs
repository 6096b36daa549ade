use std::collections::BTreeMap;

use ferric_engine::Meta;
use proptest::prelude::*;

use super::*;
use crate::values::{Change, Held};

const NOW: u64 = 1_700_000_000_000;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, u64)>;

#[derive(Debug, Clone)]
enum Step {
    Set(u16, Vec<u8>, u64),
    Remove(u16),
    Expire(u16, u64),
    Reload,
}

fn expiry() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(0), 1 => NOW - 10..NOW, 2 => NOW..NOW + 1000]
}

fn step() -> impl Strategy<Value = Step> {
    let value = proptest::collection::vec(any::<u8>(), 0..30);
    let number = 0..120u16;
    prop_oneof![
        8 => (number.clone(), value, expiry()).prop_map(|(n, v, e)| Step::Set(n, v, e)),
        4 => number.clone().prop_map(Step::Remove),
        3 => (number, expiry()).prop_map(|(n, e)| Step::Expire(n, e)),
        1 => Just(Step::Reload),
    ]
}

fn name(number: u16) -> Vec<u8> {
    vec![b'n'; usize::from(number % 7)].into_iter().chain(number.to_string().into_bytes()).collect()
}

/// Makes the change that `make` says, as a command does; replays its delta on `replica`.
fn change<'a>(
    stored: &mut Option<(Meta, Vec<u8>)>,
    names: usize,
    make: impl FnOnce(&mut Edit<'_, 'a>),
) {
    let old = stored.take();
    let held = old.as_ref().map(|(meta, image)| {
        Held::<Hash>::of(ferric_engine::Entry {
            meta: *meta,
            value: image,
            object: None,
            idle_seconds: 0,
        })
        .expect("a hash")
    });
    let mut edit = Edit::new(held, NOW, names);
    make(&mut edit);
    *stored = match edit.finish().expect("well-formed") {
        None => old,
        Some(Change::Delete) => None,
        Some(Change::Put { meta, image }) => Some((meta, image)),
        Some(Change::Patch { .. }) => panic!("an image is written anew"),
    };
}

/// What is there, by all ways of looking.
fn contents(stored: &Option<(Meta, Vec<u8>)>) -> Model {
    let Some((_, image)) = stored else { return Model::new() };
    let hash = Hash::decode(image).expect("well-formed");
    let live = hash.view().live(NOW);
    let mut model = Model::new();
    live.for_each(|name, field| {
        assert_eq!(live.get(name), Some(field));
        model.insert(name.to_vec(), (field.value.to_vec(), field.expiry_ms));
    });
    assert_eq!(live.len(), model.len());
    assert_eq!(live.is_empty(), model.is_empty());
    let mut scanned = Model::new();
    let mut cursor = 0;
    loop {
        cursor = live.scan(cursor, 3, &mut |name, field| {
            scanned.insert(name.to_vec(), (field.value.to_vec(), field.expiry_ms));
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(scanned, model);
    if let Some((name, field)) = live.random(&mut crate::values::dice::Dice::new(3)) {
        assert_eq!(model.get(name).map(|(value, _)| &value[..]), Some(field.value));
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn edits_do_what_they_would_to_a_map(steps in proptest::collection::vec(step(), 1..300)) {
        let (mut stored, mut model) = (None, Model::new());
        // The same operations one after another on an object that is never stored.
        let mut object = Hash::default();
        for step in steps {
            match step {
                Step::Set(number, value, expiry) => {
                    let name = name(number);
                    change(&mut stored, 1, |edit| {
                        assert_eq!(edit.set(&name, &value, expiry), !model.contains_key(&name));
                    });
                    object.set(&name, Field { value: &value, expiry_ms: expiry });
                    model.insert(name, (value, expiry));
                }
                Step::Remove(number) => {
                    let name = name(number);
                    change(&mut stored, 1, |edit| {
                        assert_eq!(edit.remove(&name), model.contains_key(&name));
                    });
                    object.remove(&name);
                    model.remove(&name);
                }
                Step::Expire(number, expiry) => {
                    let name = name(number);
                    change(&mut stored, 1, |edit| {
                        if let Some(old) = edit.get(&name) {
                            edit.set_expiry(&name, old, expiry);
                        }
                    });
                    if let Some((_, old)) = model.get_mut(&name) {
                        object.set_expiry(&name, expiry);
                        *old = expiry;
                    }
                }
                Step::Reload => {
                    let image = object.encode();
                    object = Hash::decode(&image).expect("well-formed");
                    prop_assert!(object.encode().len() == image.len());
                }
            }
            model.retain(|_, (_, expiry)| *expiry == 0 || *expiry >= NOW);
            if let Some((meta, _)) = &stored {
                let all_expire = model.values().all(|(_, expiry)| *expiry != 0);
                prop_assert_eq!(meta.flags & FIELD_EXPIRY != 0, all_expire);
                let last = model.values().map(|(_, expiry)| *expiry).max().unwrap_or(0);
                let expected = if all_expire { meta.expiry_ms.max(last) } else { 0 };
                prop_assert_eq!(meta.expiry_ms, expected);
            }
        }
        prop_assert_eq!(contents(&stored), model.clone());
        let image = object.encode();
        let meta = Meta { expiry_ms: 0, kind: Kind::Hash as u8, flags: 0 };
        prop_assert_eq!(contents(&Some((meta, image))), model);
    }

    #[test]
    fn any_bytes_are_taken_without_panic(mut bytes: Vec<u8>, at: u16) {
        let _ = Hash::decode(&bytes);
        let mut hash = Hash::default();
        let _ = hash.apply(&bytes);
        // Nearly an image.
        (0..40).for_each(|n| hash.set(&name(n), Field { value: b"value", expiry_ms: n.into() }));
        bytes = hash.encode();
        let at = usize::from(at) % bytes.len();
        bytes[at] ^= 1 << (at % 8);
        let _ = Hash::decode(&bytes);
        hash = Hash::default();
        let _ = hash.apply(&bytes);
    }
}

#[test]
fn one_command_may_name_a_field_repeatedly() {
    let mut stored = None;
    change(&mut stored, 3, |edit| {
        assert!(edit.set(b"a", b"1", 0));
        assert!(!edit.set(b"a", b"2", 0));
        assert!(edit.set(b"b", b"3", NOW + 5));
        assert!(edit.remove(b"b") && !edit.remove(b"b"));
    });
    assert_eq!(contents(&stored), Model::from([(b"a".to_vec(), (b"2".to_vec(), 0))]));
    change(&mut stored, 2, |edit| assert!(edit.remove(b"a") && !edit.remove(b"a")));
    assert!(stored.is_none());
}

#[test]
fn large_hashes_are_written_in_parts() {
    let mut hash = Hash::default();
    for number in 0..5000u16 {
        hash.set(&number.to_le_bytes(), Field { value: &[7; 20], expiry_ms: 0 });
    }
    let (mut frozen, mut image, mut parts) = (hash.freeze(), Vec::new(), 0);
    hash.remove(&7u16.to_le_bytes());
    loop {
        let before = image.len();
        let more = frozen.write(&mut image, 10_000);
        assert!(image.len() - before < 20_000);
        parts += 1;
        if !more {
            break;
        }
    }
    assert!(parts > 5);
    let copy = Hash::decode(&image).expect("well-formed");
    assert_eq!((copy.view().live(NOW).len(), hash.view().live(NOW).len()), (5000, 4999));
    let estimate = copy.image_len();
    assert!(image.len().abs_diff(estimate) < image.len() / 10, "{} {estimate}", image.len());
}
