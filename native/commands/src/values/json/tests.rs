use proptest::prelude::*;

use super::image::Frozen;
use super::text::{Printer, TooLong, parse, print};
use super::*;

fn json(text: &str) -> Json {
    parse(text).expect("JSON")
}

fn text(value: &Json) -> String {
    String::from_utf8(print(value)).expect("UTF-8")
}

fn image(value: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    image::put(&mut out, value);
    out
}

/// The frozen image, written some bytes at a time.
fn frozen_image(value: &Json, budget: usize) -> Vec<u8> {
    let (mut frozen, mut out) = (Frozen::new(value.clone()), Vec::new());
    while frozen.write(&mut out, budget) {}
    out
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Boolean),
        (-3i64..3).prop_map(Json::Integer),
        any::<i64>().prop_map(Json::Integer),
        (i64::MAX as u64 + 1..).prop_map(Json::Unsigned),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Json::Double),
        ".{0,6}".prop_map(|text| Json::String(text.into())),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Json::array),
            proptest::collection::vec(("[a-e]{0,2}", inner), 0..24).prop_map(|pairs| {
                let mut members = Members::default();
                for (name, value) in pairs {
                    members.insert(&name, value);
                }
                Json::Object(Arc::new(members))
            }),
        ]
    })
}

/// All places of a value.
fn places(value: &Json) -> Vec<Location<'_>> {
    let matches = path::Path::parse("$..*").expect("a path");
    let found = matches.find(value, &mut path::Budget::long()).expect("short");
    let mut places: Vec<Location<'_>> = found.locations().collect();
    places.push(Location::new());
    places
}

/// Decides on a change at one of the places of a document, chosen by numbers.
fn change(draft: &mut Draft, root: &Json, at: usize, what: u8, value: &Json) {
    let places = places(root);
    let place = &places[at % places.len()];
    match (what, delta::at(root, place)) {
        (0, Some(Json::Object(_))) if place.len() + 1 + value.depth() <= MAX_DEPTH => {
            let mut place = place.clone();
            place.push(Step::Name("new"));
            draft.put(&place, value);
        }
        (1, Some(_)) if !place.is_empty() => draft.remove(place),
        (2, Some(Json::Array(elements))) => {
            let from = at % (elements.len() + 1);
            draft.splice(place, from, (elements.len() - from).min(2), &[value.clone(), Json::Null]);
        }
        (3, Some(Json::String(_))) => draft.append(place, "é!"),
        _ => draft.put(place, value),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn images_and_texts_are_read_back(value in any_json(), budget in 1usize..40) {
        let image = image(&value);
        prop_assert!(Document::decode(&image).expect("an image").root == value);
        prop_assert_eq!(frozen_image(&value, budget), image.clone());
        prop_assert_eq!(Document::new(value.clone()).image_len(), image.len());
        prop_assert!(json(&text(&value)) == value, "{}", text(&value));
        for len in 0..image.len() {
            prop_assert!(Document::decode(&image[..len]).is_err());
        }
    }

    #[test]
    fn deltas_are_replayed(
        root in any_json(),
        steps in proptest::collection::vec((any::<usize>(), 0u8..5, any_json()), 1..12),
    ) {
        let mut object = Document::new(root.clone());
        let (mut replayed, mut log) = (Document::decode(&image(&root)).expect("an image"), vec![]);
        for (at, what, value) in steps {
            let frozen = object.root.clone();
            let before = image(&frozen);
            let mut draft = Draft::dependent(object.root.clone());
            change(&mut draft, &frozen, at, what, &value);
            let expected = draft.root(&frozen).clone();
            let delta = draft.into_delta();
            object.apply(&delta).expect("a delta");
            log.push(delta);
            prop_assert!(object.root == expected);
            prop_assert_eq!(image(&frozen), before, "what is frozen stays as it is");
            prop_assert_eq!(object.image_len(), image(&object.root).len());
        }
        replayed.apply(&log.concat()).expect("deltas");
        prop_assert_eq!(image(&replayed.root), image(&object.root));
        let measured = object.root.weight().heap;
        prop_assert!(object.heap_bytes() <= measured * 3 + 4096 && object.heap_bytes() * 3 + 4096 >= measured);
    }

    #[test]
    fn any_bytes_are_decoded_and_applied_without_panic(
        value in any_json(),
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        at in any::<usize>(),
    ) {
        let mut damaged = image(&value);
        let place = at % damaged.len();
        damaged.splice(place..place, bytes.iter().copied());
        if let Ok(mut document) = Document::decode(&damaged) {
            let _ = document.apply(&bytes);
        }
        let mut document = Document::new(value);
        let _ = document.apply(&bytes);
        prop_assert!(document.root.depth() <= MAX_DEPTH);
    }
}

#[test]
fn hostile_images_are_refused() {
    let deep = |depth: usize| [&[7, 1].repeat(depth)[..], &[0]].concat();
    assert_eq!(Document::decode(&deep(MAX_DEPTH)).expect("an image").root.depth(), MAX_DEPTH);
    for image in [
        &deep(MAX_DEPTH + 1)[..],
        &[7, 1].repeat(1 << 20),
        // Counts of elements that are not there.
        &[7, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        // No UTF-8; a name twice; a number of the wrong kind; no number; nothing; too much.
        &[6, 1, 0xff],
        &[8, 2, 1, b'a', 0, 1, b'a', 0],
        &[4, 7],
        &[5, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f],
        &[],
        &[0, 0],
        &[9],
    ] {
        assert!(Document::decode(image).is_err(), "{image:?}");
    }
}

#[test]
fn hostile_deltas_are_refused() {
    let root = json(r#"{"a":[1,2],"s":"x"}"#);
    for delta in [
        // Tags, locations, places and values that are none.
        &[9, 0][..],
        &[0, 1, 2, 0],
        &[0, 1, 1, 0, 0],
        &[1, 0],
        &[1, 1, 0, 1, b'z'],
        &[1, 2, 0, 1, b'a', 1, 2],
        &[2, 1, 0, 1, b'a', 1, 2, 0],
        &[2, 1, 0, 1, b's', 0, 0, 0],
        &[2, 1, 0, 1, b'a', 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[3, 1, 0, 1, b'a', 1, b'x'],
        &[0xff; 20],
    ] {
        assert!(Document::new(root.clone()).apply(delta).is_err(), "{delta:?}");
    }
    // Nesting is bounded for the document, not for the value that is put into it.
    let mut nested = Document::new(json("[[[]]]"));
    let put = |depth: usize| {
        let mut draft = Draft::new();
        draft.splice(&[Step::Index(0), Step::Index(0)], 0, 0, &[Json::Null]);
        let mut delta = draft.into_delta();
        delta.pop();
        delta.extend([7, 1].repeat(depth));
        delta.push(0);
        delta
    };
    assert!(nested.apply(&put(MAX_DEPTH - 2)).is_err());
    nested.apply(&put(MAX_DEPTH - 3)).expect("a delta");
    assert_eq!(nested.root.depth(), MAX_DEPTH);
}

#[test]
fn numbers_and_strings_are_printed_as_they_should() {
    for (given, printed) in [
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("1.0", "1.0"),
        ("-0.0", "-0.0"),
        ("1e3", "1000.0"),
        ("1e300", "1e300"),
        ("1512060373.222988", "1512060373.222988"),
        ("5e-324", "5e-324"),
        (
            r#""\u0001\u001f\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#,
            "\"\\u0001\\u001f\\\"\\\\/\\b\\f\\n\\r\\té😀\"",
        ),
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
    ] {
        assert_eq!(text(&json(given)), printed, "{given}");
    }
    for wrong in ["", "{", "1e999", "[1,]", "nul", "01", "\"\\ud800\"", "\"\n\"", "1 2", "NaN"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(json(&nested(MAX_DEPTH)).depth(), MAX_DEPTH);
    let error = parse(&nested(MAX_DEPTH + 1)).expect_err("too deep").to_string();
    assert!(error.starts_with("recursion limit exceeded"), "{error}");
}

#[test]
fn long_texts_are_cut() {
    let value = json(&format!("[{}0]", "123456,".repeat(1000)));
    let mut out = Vec::new();
    let printed = Printer::new(&mut out, text::Format::default(), 100).value(&value);
    assert_eq!(printed, Err(TooLong));
    assert!(out.len() < 200);
}
