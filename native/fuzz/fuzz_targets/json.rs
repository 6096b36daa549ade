//! JSON documents: images, deltas, texts and paths of any bytes.
//!
//! The input is a delta, the image of a document or its text, and a path, with bytes 0xff between.

#![no_main]

use ferric_commands::values::Collection;
use ferric_commands::values::json::path::{Budget, Path};
use ferric_commands::values::json::{Document, Draft, Json, MAX_DEPTH, text};
use ferric_engine::Object;
use libfuzzer_sys::fuzz_target;

/// Steps that a path may take here.
const STEPS: usize = 50_000;

fn root(document: &Document) -> Json {
    document.view().to_json().expect("a structure")
}

/// What is read from an image, or from a text, is written and read again.
fn written_and_read(document: &Document) {
    let (image, value) = (document.encode(), root(document));
    assert_eq!(image.len(), document.image_len());
    assert!(value.depth() <= MAX_DEPTH);
    let again = Document::decode(&image).expect("an image");
    assert_eq!(root(&again), value);
    let printed = text::print(&value);
    let parsed = text::parse(str::from_utf8(&printed).expect("UTF-8")).expect("JSON");
    assert_eq!(parsed, value);
}

fn find(root: &Json, path: &str) {
    let Ok(path) = Path::parse(path) else { return };
    let Ok(matches) = path.find(root, &mut Budget::short(STEPS)) else { return };
    let draft = Draft::new();
    for (location, value) in matches.locations().zip(matches.values()) {
        let there = draft.at(root, &location).expect("where it was found");
        assert!(std::ptr::eq(there, value));
    }
}

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |byte| *byte == 0xff);
    let delta = parts.next().unwrap_or_default();
    let document = parts.next().unwrap_or_default();
    let path = parts.next().unwrap_or_default();
    let from_text = || text::parse(str::from_utf8(document).ok()?).ok().map(Document::new);
    let Some(mut document) = Document::decode(document).ok().or_else(from_text) else { return };
    written_and_read(&document);
    if let Ok(path) = str::from_utf8(path) {
        find(&root(&document), path);
    }
    if document.apply(delta).is_ok() {
        written_and_read(&document);
    }
});
