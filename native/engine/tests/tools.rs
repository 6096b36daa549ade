//! Checking, salvaging and describing stores, intact and damaged in every way.
//!
//! `FERRIC_TEST_ROUNDS=10 cargo test --test tools` tries more places.
#![allow(missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::disk::{BLOCK, bytes, frames, overwrite, replace, segments};
use common::model::{Step, execute_at, value};
use common::rng::Rng;
use common::{NOW, dump, first_seed, open, quiet, rounds, wait, write};
use ferric_engine::io::sim::{Fault, SimIo};
use ferric_engine::io::{Io, OpenMode};
use ferric_engine::tools::{CheckReport, Meaning, SalvageReport, Settings, check, salvage, stat};
use ferric_engine::{Engine, OpenError};

type Content = BTreeMap<Vec<u8>, Vec<u8>>;
/// All values that each key ever had.
type Ever = BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>;
type Deed = Box<dyn Fn(&SimIo)>;

fn store() -> PathBuf {
    PathBuf::from("/store")
}

fn settings(io: &SimIo) -> Settings<'static> {
    Settings::new(Arc::new(io.clone()))
}

fn check_it(io: &SimIo) -> CheckReport {
    check(&store(), &mut settings(io)).expect("a store that can be checked")
}

fn salvage_it(io: &SimIo) -> Result<SalvageReport, OpenError> {
    salvage(&store(), Path::new("/out"), &mut settings(io))
}

/// What a salvaged store contains, in its first `spaces` key spaces.
fn salvaged(io: &SimIo, spaces: u16) -> Vec<Content> {
    let mut options = quiet(Arc::new(io.clone()));
    (options.dir, options.spaces) = ("/out".into(), 30);
    let engine = Engine::open(options).expect("a salvaged store opens");
    let content = (0..spaces).map(|space| dump(&engine, space)).collect();
    engine.close().expect("close");
    content
}

/// A store of several segments, each key written more than once and some deleted; all that each key
/// ever was, and its content.
fn sample(seed: u64, close: bool) -> (SimIo, Ever, Content) {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    let (mut rng, mut ever, mut content) = (Rng(seed), BTreeMap::new(), Content::new());
    for number in 0..400u64 {
        let key = format!("key{}", rng.below(60)).into_bytes();
        let new = value(number, rng.below(1_500) as usize);
        let delete = rng.one_in(6);
        let lsn = write(&engine, 0, &[(&key, (!delete).then_some(&new[..]))]).expect("write");
        if number % 3 == 0 {
            wait(&engine, lsn);
        }
        match delete {
            true => drop(content.remove(&key)),
            false => drop(content.insert(key.clone(), new.clone())),
        }
        ever.entry(key).or_insert_with(BTreeSet::new).insert(new);
    }
    wait(&engine, engine.written());
    if close {
        engine.close().expect("close");
        return (io, ever, content);
    }
    let image = io.crash_images(seed, 1).remove(0);
    engine.close().expect("close");
    (image, ever, content)
}

/// Where in `report` the flipped byte is, if it is.
fn covers(report: &CheckReport, file: &Path, range: std::ops::Range<u64>) -> bool {
    report.damages.iter().any(|damage| damage.file == file && range.contains(&damage.offset))
}

#[test]
fn an_intact_store_is_intact_and_is_not_changed() {
    for close in [true, false] {
        let (io, _, content) = sample(1, close);
        let before: Vec<_> =
            io.file_names().into_iter().map(|file| (bytes(&io, &file), file)).collect();
        let report = check_it(&io);
        assert_eq!(report.damages, [], "close: {close}");
        assert_eq!(report.live_keys, Some(content.len() as u64));
        assert_eq!(report.clean_close, close);
        assert_eq!(report.totals.log_segments, segments(&io).len() as u64);
        assert!(report.totals.records >= 300 && report.totals.frames >= 100);
        let described = stat(&store(), &mut settings(&io)).expect("a store");
        assert_eq!(described.totals.records, report.totals.records);
        assert_eq!(described.totals.frames, report.totals.frames);
        assert_eq!(described.sizes.iter().sum::<u64>(), report.totals.records);
        assert_eq!((described.clean_close, described.segment_size), (close, 64 << 10));
        if close {
            assert_eq!(described.keys, Some(content.len() as u64));
            assert!(described.replay_bytes < 20_000 && described.checkpoint > 0, "{described:?}");
            assert!(report.totals.hints > 0 && report.totals.checkpoints > 0);
        }
        let after: Vec<_> =
            io.file_names().into_iter().map(|file| (bytes(&io, &file), file)).collect();
        assert!(before.iter().all(|file| after.contains(file)));
        let extra = after.iter().filter(|file| !before.contains(file));
        assert!(extra.into_iter().all(|(bytes, name)| bytes.is_empty() && name.ends_with("LOCK")));
    }
}

#[test]
fn a_store_in_use_is_refused_but_can_be_described() {
    let io = SimIo::new();
    let engine = open(Arc::new(io.clone())).expect("open");
    wait(&engine, write(&engine, 0, &[(b"k", Some(b"v"))]).expect("write"));
    assert!(matches!(check(&store(), &mut settings(&io)), Err(OpenError::Locked(_))));
    assert!(matches!(salvage_it(&io), Err(OpenError::Locked(_))));
    assert_eq!(stat(&store(), &mut settings(&io)).expect("a store").totals.records, 1);
    engine.close().expect("close");
    assert!(check_it(&io).is_intact());
}

#[test]
fn no_store_is_said_to_be_none_and_nothing_is_made() {
    let io = SimIo::new();
    io.create_dir(&store()).expect("directory");
    assert!(matches!(check(&store(), &mut settings(&io)), Err(OpenError::Config(_))));
    assert!(matches!(salvage_it(&io), Err(OpenError::Config(_))));
    assert!(matches!(stat(&store(), &mut settings(&io)), Err(OpenError::Config(_))));
    assert!(check(Path::new("/none"), &mut settings(&io)).is_err());
    assert!(io.file_names().is_empty());
}

/// One bit of a frame that is not the last: it is found where it is, and one key at most suffers.
#[test]
fn a_flipped_bit_in_any_frame_is_found_and_costs_one_key_at_most() {
    let mut rng = Rng(first_seed());
    let (io, ever, content) = sample(2, true);
    let all = frames(&io);
    for round in 0..rounds(60) {
        let place = &all[rng.below(all.len() as u64 - 1) as usize];
        let inside = match round % 3 {
            0 => rng.below(64),
            1 => 64 + rng.below(32).min(place.len as u64 - 65),
            _ => rng.below(place.len as u64),
        };
        let image = io.snapshot();
        let offset = place.offset as u64 + inside;
        image.corrupt(&place.file, offset, 1 << rng.below(8)).expect("corrupt");
        let report = check_it(&image);
        let frame = place.offset as u64..(place.offset + place.len) as u64;
        assert!(covers(&report, &place.file, frame), "{place:?} + {inside}: {report:?}");
        let damage = &report.damages[0];
        assert!(damage.offset <= offset, "{place:?} + {inside}: {damage:?}");
        assert_eq!(damage.meaning, Meaning::Records);
        salvage_it(&image).expect("salvage");
        let found = salvaged(&image, 1).remove(0);
        let keys: BTreeSet<_> = content.keys().chain(found.keys()).collect();
        let differing: Vec<_> =
            keys.into_iter().filter(|&key| content.get(key) != found.get(key)).collect();
        assert!(differing.len() <= 1, "{place:?} + {inside}: {}", differing.len());
        assert!(inside >= 64 || differing.is_empty(), "all records of the frame are intact");
        assert!(found.iter().all(|(key, value)| ever[key].contains(value)), "never invented");
    }
}

#[test]
fn a_flipped_bit_elsewhere_is_found_where_it_is() {
    let (io, _, content) = sample(3, true);
    let mut places: Vec<(PathBuf, u64)> = (0..48).map(|at| (store().join("STORE"), at)).collect();
    for file in segments(&io) {
        places.extend([0, 8, 12, 16, 24, 35, 40, 63, 64, 100, 4095].map(|at| (file.clone(), at)));
    }
    let mut rng = Rng(first_seed());
    for (file, offset) in places {
        let image = io.snapshot();
        image.corrupt(&file, offset, 1 << rng.below(8)).expect("corrupt");
        let report = check_it(&image);
        assert!(covers(&report, &file, 0..BLOCK as u64), "{file:?} {offset}: {report:?}");
        let harmless = offset >= 64;
        let expected = if harmless { Meaning::Harmless } else { Meaning::Store };
        assert!(report.damages.iter().all(|damage| damage.meaning == expected), "{report:?}");
        assert_eq!(open(Arc::new(image.snapshot())).is_ok(), harmless);
        if rng.one_in(6) {
            let outcome = salvage_it(&image).expect("salvage");
            assert_eq!(salvaged(&image, 1).remove(0), content, "{file:?} {offset}");
            assert_eq!(outcome.keys, [content.len() as u64]);
        }
    }
}

/// Lists, checkpoints and hints can be made anew, but for the list.
#[test]
fn a_flipped_bit_in_what_is_derived_from_the_records_is_found() {
    let (io, _, content) = sample(11, true);
    let mut rng = Rng(first_seed());
    for file in io.file_names() {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let derived = match name.get(..7).unwrap_or_default() {
            "SEGMENT" | "checkpo" => 0,
            "segment" => 64 << 10,
            _ => continue,
        };
        let len = bytes(&io, &file).len() as u64;
        if derived >= len {
            continue;
        }
        for _ in 0..rounds(25) {
            let image = io.snapshot();
            let offset = derived + rng.below(len - derived);
            image.corrupt(&file, offset, 1 << rng.below(8)).expect("corrupt");
            let report = check_it(&image);
            let expected = if name == "SEGMENTS" { Meaning::Store } else { Meaning::Harmless };
            assert_eq!(report.damages.len(), 1, "{name} {offset}: {report:?}");
            let damage = &report.damages[0];
            assert_eq!((&damage.file, damage.meaning), (&file, expected), "{offset}");
            assert!((damage.offset..damage.offset + damage.len).contains(&offset), "{damage:?}");
            assert_eq!(report.loss.ranges, 0);
            assert_eq!(open(Arc::new(image.snapshot())).is_ok(), name != "SEGMENTS");
            if rng.one_in(10) {
                salvage_it(&image).expect("salvage");
                assert_eq!(salvaged(&image, 1).remove(0), content);
            }
        }
    }
}

/// A store whose records are mostly in merged segments, compressed.
fn merged_sample(seed: u64) -> (SimIo, Ever, Content) {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    let (mut rng, mut ever, mut content) = (Rng(seed), BTreeMap::new(), Content::new());
    for number in 0..900u64 {
        let key = format!("key{}", rng.below(200)).into_bytes();
        let new = format!("{number} ").repeat(rng.below(250) as usize).into_bytes();
        let delete = rng.one_in(6);
        let lsn = write(&engine, 0, &[(&key, (!delete).then_some(&new[..]))]).expect("write");
        match delete {
            true => drop(content.remove(&key)),
            false => drop(content.insert(key.clone(), new.clone())),
        }
        ever.entry(key).or_insert_with(BTreeSet::new).insert(new);
        if number % 10 == 0 {
            wait(&engine, lsn);
        }
        if number % 300 == 299 {
            merge(&engine);
        }
    }
    engine.close().expect("close");
    (io, ever, content)
}

fn merge(engine: &Engine) {
    let (sender, receiver) = std::sync::mpsc::channel();
    engine.merge_now(Box::new(move |outcome| sender.send(outcome).expect("received")));
    receiver.recv().expect("told").expect("merged");
}

fn merged_segments(io: &SimIo) -> Vec<PathBuf> {
    let is_merged = |file: &PathBuf| file.to_string_lossy().contains("/merged-");
    io.file_names().into_iter().filter(is_merged).collect()
}

#[test]
fn merged_segments_are_checked_and_salvaged() {
    let (io, ever, content) = merged_sample(first_seed());
    let report = check_it(&io);
    assert_eq!(report.damages, []);
    assert_eq!(report.live_keys, Some(content.len() as u64));
    assert!(report.totals.merged_segments > 0 && report.notes.is_empty(), "{report:?}");
    let described = stat(&store(), &mut settings(&io)).expect("a store");
    assert_eq!(described.totals.records, report.totals.records);
    assert_eq!(described.keys, report.live_keys);
    let image = io.snapshot();
    salvage_it(&image).expect("salvage");
    assert_eq!(salvaged(&image, 1).remove(0), content);

    let mut rng = Rng(first_seed());
    for file in merged_segments(&io) {
        let len = bytes(&io, &file).len().min(60_000) as u64;
        for _ in 0..rounds(20) {
            let image = io.snapshot();
            let offset = rng.below(len);
            image.corrupt(&file, offset, 1 << rng.below(8)).expect("corrupt");
            let report = check_it(&image);
            if !report.is_intact() {
                assert!(report.damages.iter().all(|damage| damage.file == file), "{report:?}");
                assert!(report.damages.iter().any(|damage| damage.offset <= offset));
            }
            // What nothing was ever written to is not looked at.
            let unused = bytes(&io, &file)[offset as usize] == 0;
            assert!(unused || !report.is_intact(), "{file:?} {offset}");
            if rng.one_in(4) {
                salvage_it(&image).expect("salvage");
                let found = salvaged(&image, 1).remove(0);
                let differing =
                    content.iter().filter(|(key, value)| found.get(*key) != Some(value)).count();
                assert!(differing <= 1, "{file:?} {offset}: {differing}");
                assert!(found.iter().all(|(key, value)| ever[key].contains(value)));
            }
        }
    }
}

/// Without the list nothing says which segments count. All of them are taken then.
#[test]
fn a_store_that_has_lost_its_list_is_salvaged() {
    let (io, ever, content) = merged_sample(first_seed() + 1);
    io.remove(Path::new("/store/SEGMENTS")).expect("remove");
    let report = check_it(&io);
    assert_eq!(report.damages[0].file, Path::new("/store/SEGMENTS"));
    assert!(open(Arc::new(io.snapshot())).is_err());
    salvage_it(&io).expect("salvage");
    let found = salvaged(&io, 1).remove(0);
    assert!(found.iter().all(|(key, value)| ever[key].contains(value)));
    assert!(content.iter().all(|(key, value)| found.get(key) == Some(value)));
}

#[test]
fn a_missing_merged_segment_is_said() {
    let (io, _, content) = merged_sample(first_seed() + 2);
    let file = merged_segments(&io).remove(0);
    io.remove(&file).expect("remove");
    let report = check_it(&io);
    assert_eq!(report.damages[0].file, file, "{report:?}");
    assert_eq!(report.damages[0].meaning, Meaning::Records);
    assert!(report.loss.records > 0 && report.live_keys.is_none());
    salvage_it(&io).expect("salvage");
    assert!(salvaged(&io, 1).remove(0).len() < content.len());
}

#[test]
fn a_missing_list_or_checkpoint_is_said() {
    let (io, _, content) = sample(12, true);
    let is_checkpoint = |file: &PathBuf| file.to_string_lossy().contains("checkpoint-");
    let newest = io.file_names().into_iter().rfind(is_checkpoint).expect("one");
    let image = io.snapshot();
    image.remove(&newest).expect("remove");
    let report = check_it(&image);
    assert_eq!(report.damages.len(), 1);
    assert_eq!((&report.damages[0].file, report.damages[0].meaning), (&newest, Meaning::Harmless));
    assert_eq!(report.live_keys, Some(content.len() as u64));
}

#[test]
fn padding_of_a_frame_is_checked_and_harmless() {
    let (io, ..) = sample(4, true);
    let all = frames(&io);
    let place = all.iter().find(|frame| frame.len % BLOCK != 0).expect("a frame with padding");
    io.corrupt(&place.file, (place.offset + place.len) as u64, 4).expect("corrupt");
    let report = check_it(&io);
    assert_eq!(report.damages.len(), 1);
    assert_eq!(report.damages[0].meaning, Meaning::Harmless);
    assert_eq!(report.damages[0].offset, (place.offset + place.len) as u64);
}

#[test]
fn a_torn_tail_is_no_damage() {
    let (io, ..) = sample(5, false);
    let last = frames(&io).pop().expect("a frame");
    io.corrupt(&last.file, last.offset as u64 + 20, 4).expect("corrupt");
    let report = check_it(&io);
    assert_eq!(report.damages, []);
    assert!(report.notes.iter().any(|note| note.contains("cut short")), "{:?}", report.notes);
    assert!(open(Arc::new(io)).is_ok());
}

#[test]
fn what_is_missing_or_mixed_up_is_said_and_the_rest_is_saved() {
    let (io, ever, content) = sample(6, true);
    let files = segments(&io);
    assert!(files.len() >= 3);
    let cases: [(&str, Deed); 6] = [
        ("no manifest", Box::new(|io| io.remove(Path::new("/store/STORE")).expect("remove"))),
        ("no first segment", Box::new(|io| io.remove(&segments(io)[0]).expect("remove"))),
        ("no second segment", Box::new(|io| io.remove(&segments(io)[1]).expect("remove"))),
        ("empty", Box::new(|io| replace(io, &segments(io)[1], &[]))),
        (
            "cut",
            Box::new(|io| {
                let file = segments(io)[1].clone();
                let half = bytes(io, &file)[..30_001].to_vec();
                replace(io, &file, &half);
            }),
        ),
        (
            "exchanged",
            Box::new(|io| {
                let (a, b) = (segments(io)[1].clone(), segments(io)[2].clone());
                let (one, other) = (bytes(io, &a), bytes(io, &b));
                replace(io, &a, &other);
                replace(io, &b, &one);
            }),
        ),
    ];
    for (name, damage) in cases {
        let image = io.snapshot();
        damage(&image);
        let report = check_it(&image);
        assert!(!report.is_intact(), "{name}");
        assert!(open(Arc::new(image.snapshot())).is_err(), "{name}");
        salvage_it(&image).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = salvaged(&image, 1).remove(0);
        assert!(found.iter().all(|(key, value)| ever[key].contains(value)), "{name}");
        let whole = ["no manifest", "exchanged"].contains(&name);
        assert!(found == content || !whole, "{name}");
        assert!(found.len() > 20, "{name}: {}", found.len());
        assert!(whole || report.loss.records > 0, "{name}: {:?}", report.loss);
    }
}

/// Overwritten blocks, random bytes and zeros anywhere: never a panic, never a value that was not
/// written, and nothing is said to be intact that the engine refuses.
#[test]
fn wild_damage_is_survived() {
    let (io, ever, _) = sample(7, true);
    for seed in first_seed()..first_seed() + rounds(60) {
        let image = io.snapshot();
        let mut rng = Rng(seed);
        for _ in 0..1 + rng.below(4) {
            let mut files = segments(&image);
            files.push(store().join("STORE"));
            let file = files[rng.below(files.len() as u64) as usize].clone();
            let len = bytes(&image, &file).len() as u64;
            let at = rng.below(len) & !if rng.one_in(2) { 511 } else { 0 };
            let count = rng.below(20_000).min(len - at) as usize;
            let fill = match rng.below(3) {
                0 => vec![0; count],
                1 => value(rng.next(), count),
                _ => {
                    let from = rng.below(len) as usize;
                    let copy = bytes(&image, &file);
                    copy[from..].iter().chain(&copy).take(count).copied().collect()
                }
            };
            overwrite(&image, &file, at as usize, &fill);
        }
        let report = check_it(&image);
        let opens = open(Arc::new(image.snapshot()));
        assert!(opens.is_ok() || !report.is_intact(), "seed {seed}: {:?}", opens.err());
        let _ = stat(&store(), &mut settings(&image)).expect("described");
        if salvage_it(&image).is_ok() {
            for (key, value) in salvaged(&image, 1).remove(0) {
                assert!(ever[&key].contains(&value), "seed {seed}");
            }
        }
    }
}

/// Headers with intact checksums that say absurd things.
#[test]
fn hostile_headers_take_neither_memory_nor_time() {
    let (io, ..) = sample(8, true);
    let file = segments(&io)[0].clone();
    let frame = frames(&io)[2].clone();
    let original = bytes(&io, &file);
    let reseal = |bytes: &mut [u8], at: usize| {
        let crc = crc32c(&bytes[at + 8..at + 64]);
        bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
    };
    for (field, len) in [(32usize, 8usize), (40, 8), (48, 4), (56, 4), (24, 8)] {
        for extreme in [0u64, 1, 63, 64, 65, 1 << 31, 1 << 40, u64::MAX - 4096, u64::MAX] {
            let image = io.snapshot();
            let mut bytes = original.clone();
            let at = frame.offset + field;
            bytes[at..at + len].copy_from_slice(&extreme.to_le_bytes()[..len]);
            reseal(&mut bytes, frame.offset);
            overwrite(&image, &file, 0, &bytes);
            let report = check_it(&image);
            let unchanged = bytes == original;
            let says_little = field == 24 || report.is_intact() == unchanged;
            assert!(says_little, "{field} = {extreme}: {report:?}");
            let _ = salvage_it(&image);
        }
    }
}

/// CRC-32C, bit by bit: the tests of a format do not use the code under test.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn sectors_that_cannot_be_read_are_damage_and_cost_what_is_in_them() {
    let (io, ever, content) = sample(9, true);
    let mut unreadable = 0;
    let usual = {
        let image = io.snapshot();
        let before = image.calls();
        check_it(&image);
        image.calls() - before
    };
    for call in 1..usual {
        let image = io.snapshot();
        // The piece, and then the small one.
        image.fail_at(image.calls() + call, Fault::Eio);
        image.fail_at(image.calls() + call + 1, Fault::Eio);
        match check(&store(), &mut settings(&image)) {
            Ok(report) => unreadable += u64::from(!report.is_intact()),
            Err(OpenError::Io { .. }) => {}
            Err(error) => panic!("call {call}: {error}"),
        }
        let image = io.snapshot();
        image.fail_at(image.calls() + call, Fault::Eio);
        image.fail_at(image.calls() + call + 1, Fault::Eio);
        if salvage_it(&image).is_ok() {
            let found = salvaged(&image, 1).remove(0);
            assert!(found.iter().all(|(key, value)| ever[key].contains(value)), "call {call}");
            assert!(found.len() * 2 > content.len(), "call {call}");
        }
    }
    assert!(unreadable > 0);
}

#[test]
fn key_spaces_expiries_and_flushes_are_kept() {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    let put = |space: u16, key: &str, expiry_ms: u64| {
        let key = key.as_bytes().to_vec();
        let step = Step::Put { space, key, value: b"v".to_vec(), expiry_ms };
        execute_at(&engine, &step, NOW).expect("write");
    };
    put(0, "flushed", 0);
    put(1, "one", NOW + 5_000);
    put(2, "swapped", 0);
    execute_at(&engine, &Step::Flush(vec![0]), NOW).expect("flush");
    put(0, "new", 0);
    execute_at(&engine, &Step::Swap(2, 3), NOW).expect("swap");
    engine.close().expect("close");
    let report = check_it(&io);
    assert!(report.is_intact() && report.live_keys == Some(3), "{report:?}");
    let outcome = salvage_it(&io).expect("salvage");
    assert_eq!((outcome.keys, outcome.spaces_lost), (vec![1, 1, 0, 1], false));
    let found = salvaged(&io, 4);
    assert!(found[0].contains_key(&b"new"[..]) && found[0].len() == 1);
    assert!(found[3].contains_key(&b"swapped"[..]) && found[2].is_empty());
    let mut options = quiet(Arc::new(io.clone()));
    options.dir = "/out".into();
    let engine = Engine::open(options).expect("open");
    let mut access = engine.enter(NOW);
    assert_eq!(access.expires(1), 1);
    drop(access);
    engine.close().expect("close");
}

/// The table of key spaces is lost: what it said of numbers is a guess, and said to be one.
#[test]
fn a_lost_table_of_key_spaces_is_said() {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    let put = |key: &str| {
        wait(&engine, write(&engine, 0, &[(key.as_bytes(), Some(b"v"))]).expect("write"))
    };
    put("old");
    wait(&engine, execute_at(&engine, &Step::Flush(vec![0]), NOW).expect("flush"));
    let flush = frames(&io).len() - 1;
    put("middle");
    wait(&engine, execute_at(&engine, &Step::Flush(vec![0]), NOW).expect("flush"));
    let second = frames(&io).len() - 1;
    put("new");
    engine.close().expect("close");
    let places = frames(&io);
    let break_frame = |io: &SimIo, frame: usize| {
        let place = &places[frame];
        io.corrupt(&place.file, place.offset as u64 + 64 + 33, 1).expect("corrupt");
    };
    // The second table is lost: by the first, space 0 is the middle one, and the new one is the
    // first number that the table does not have.
    let image = io.snapshot();
    break_frame(&image, second);
    let outcome = salvage_it(&image).expect("salvage");
    assert!(outcome.spaces_lost);
    let found = salvaged(&image, 5);
    assert!(
        found[0].contains_key(&b"middle"[..]) && found[4].contains_key(&b"new"[..]),
        "{found:?}"
    );
    // Both are lost: the numbers are the incarnations.
    break_frame(&image, flush);
    let image = {
        let fresh = io.snapshot();
        break_frame(&fresh, second);
        break_frame(&fresh, flush);
        fresh
    };
    salvage_it(&image).expect("salvage");
    let found = salvaged(&image, 6);
    assert!(found[0].contains_key(&b"old"[..]) && found[4].contains_key(&b"middle"[..]));
    assert!(found[5].contains_key(&b"new"[..]));
}

#[test]
fn little_memory_means_more_passes_and_the_same_result() {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    let mut content = Content::new();
    for number in 0..9_000u64 {
        let key = format!("key{}", number % 5_000).into_bytes();
        let new = value(number, 10);
        let gone = number % 7 == 0;
        loop {
            match write(&engine, 0, &[(&key, (!gone).then_some(&new[..]))]) {
                Ok(_) => break,
                Err(_) => common::wait_room(&engine),
            }
        }
        match gone {
            true => drop(content.remove(&key)),
            false => drop(content.insert(key, new)),
        }
    }
    engine.close().expect("close");
    let mut settings = settings(&io);
    settings.memory = 1;
    assert_eq!(check(&store(), &mut settings).expect("checked").live_keys, None);
    let outcome = salvage(&store(), Path::new("/out"), &mut settings).expect("salvage");
    assert!(outcome.passes > 10, "{}", outcome.passes);
    assert_eq!(salvaged(&io, 1).remove(0), content);
}

#[test]
fn a_salvage_that_fails_leaves_nothing_and_one_that_crashes_no_store() {
    let (io, ..) = sample(10, true);
    assert!(salvage(&store(), &store(), &mut settings(&io)).is_err(), "not empty");
    let image = io.snapshot();
    let start = image.calls();
    salvage_it(&image).expect("salvage");
    let calls = image.calls() - start;
    let step = (calls / rounds(40)).max(1);
    for call in (1..=calls).step_by(step as usize) {
        for fault in [Fault::Eio, Fault::Enospc] {
            let image = io.snapshot();
            image.fail_at(image.calls() + call, fault);
            let outcome = salvage_it(&image);
            let left = image.file_names().into_iter().any(|file| file.starts_with("/out"));
            assert_eq!(outcome.is_ok(), left, "call {call}: {outcome:?}");
        }
        let image = io.snapshot();
        let images: Arc<parking_lot::Mutex<Vec<SimIo>>> = Arc::default();
        let (taken, at) = (Arc::clone(&images), image.calls() + call);
        image.on_call(Box::new(move |io, number| {
            if number == at {
                taken.lock().extend(io.crash_images(number, 6));
            }
        }));
        salvage_it(&image).expect("salvage");
        for crashed in images.lock().drain(..) {
            let is_store = crashed.open(Path::new("/out/STORE"), OpenMode::Read).is_ok();
            if is_store {
                let mut options = quiet(Arc::new(crashed.clone()));
                options.dir = "/out".into();
                let engine = Engine::open(options).expect("complete");
                assert_eq!(dump(&engine, 0), salvaged(&image, 1).remove(0), "call {call}");
                engine.close().expect("close");
            }
        }
    }
}
