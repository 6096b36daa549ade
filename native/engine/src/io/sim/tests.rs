//! What the simulated disk promises about power cuts and faults.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Fault, SimIo};
use crate::io::{File, Io, OpenMode};

const DIR: &str = "/d";

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

/// A disk with the empty file `name`, which survives.
fn disk_with(name: &str) -> (SimIo, Arc<dyn File>) {
    let io = SimIo::new();
    io.create_dir(Path::new(DIR)).unwrap();
    let file = io.open(&path(name), OpenMode::Create).unwrap();
    io.sync_dir(Path::new(DIR)).unwrap();
    (io, file)
}

/// The bytes of a file, `None` without one.
fn bytes(io: &SimIo, name: &str) -> Option<Vec<u8>> {
    let file = io.open(&path(name), OpenMode::Read).ok()?;
    Some(file.map(file.len().unwrap()).unwrap().to_vec())
}

/// The different states of one file among the crash images.
fn states(io: &SimIo, name: &str, seed: u64) -> BTreeSet<Option<Vec<u8>>> {
    io.crash_images(seed, 1000).iter().map(|image| bytes(image, name)).collect()
}

fn errno<T>(result: Result<T>) -> Option<i32> {
    result.err().and_then(|e| e.raw_os_error())
}

#[test]
fn what_is_synced_is_in_every_image() {
    let (io, file) = disk_with("f");
    file.write_durable(b"kept", 0).unwrap();
    assert_eq!(io.crash_images(1, 100).len(), 1);
    file.write_all_at(b"lost", 4).unwrap();
    let states = states(&io, "f", 1);
    assert!(states.iter().flatten().all(|state| state.starts_with(b"kept")));
    assert!(states.contains(&Some(b"kept".to_vec())));
    assert!(states.contains(&Some(b"keptlost".to_vec())));
    assert!(states.contains(&Some(b"kept\0\0\0\0".to_vec())), "the length without the data");
    assert_eq!(states.len(), 3, "a write within a sector is not torn");
}

#[test]
fn a_durable_write_takes_earlier_writes_along() {
    let (io, file) = disk_with("f");
    file.write_all_at(b"ab", 0).unwrap();
    let other = io.open(&path("f"), OpenMode::Write).unwrap();
    other.write_durable(b"c", 2).unwrap();
    assert_eq!(states(&io, "f", 1), BTreeSet::from([Some(b"abc".to_vec())]));
}

#[test]
fn the_first_images_are_nothing_and_everything() {
    let (io, file) = disk_with("f");
    file.write_all_at(&[1; 2000], 0).unwrap();
    file.write_all_at(&[2; 2000], 2000).unwrap();
    io.open(&path("new"), OpenMode::Create).unwrap();
    for max in [2, 3, 50] {
        let images = io.crash_images(9, max);
        assert_eq!(bytes(&images[0], "f").unwrap(), b"");
        assert_eq!(bytes(&images[0], "new"), None);
        assert_eq!(bytes(&images[1], "f").unwrap(), [[1; 2000], [2; 2000]].concat());
        assert_eq!(bytes(&images[1], "new").unwrap(), b"");
        assert_eq!(images.len(), max);
    }
    assert!(io.crash_images(9, 0).is_empty());
}

#[test]
fn every_write_survives_alone_and_in_every_prefix() {
    let (io, file) = disk_with("f");
    for i in 0..6u8 {
        file.write_all_at(&[i + 1], u64::from(i) * 512).unwrap();
    }
    let states = states(&io, "f", 4);
    for i in 0..6 {
        let mut alone = vec![0; i * 512 + 1];
        alone[i * 512] = i as u8 + 1;
        assert!(states.contains(&Some(alone)), "write {i} alone");
        let prefix: Vec<u8> = bytes(&io, "f").unwrap()[..=i * 512].to_vec();
        assert!(states.contains(&Some(prefix)), "writes up to {i}");
    }
}

#[test]
fn the_last_write_is_torn_at_sectors() {
    let (io, file) = disk_with("f");
    file.write_durable(&[1; 2048], 0).unwrap();
    file.write_all_at(&[2; 1500], 100).unwrap();
    let states = states(&io, "f", 7);
    for border in [512usize, 1024, 1536] {
        let (mut prefix, mut suffix) = (vec![1; 2048], vec![1; 2048]);
        prefix[100..border].fill(2);
        suffix[border..1600].fill(2);
        assert!(states.contains(&Some(prefix)), "prefix to {border}");
        assert!(states.contains(&Some(suffix)), "suffix from {border}");
    }
    for state in states.into_iter().flatten() {
        assert_eq!(state.len(), 2048);
        for part in [100..512, 512..1024, 1024..1536, 1536..1600] {
            let first = state[part.start];
            assert!(state[part].iter().all(|byte| *byte == first), "a sector is one piece");
        }
    }
}

#[test]
fn a_zero_fill_is_durable_and_may_be_cut_off_before() {
    let (io, file) = disk_with("f");
    let lengths = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = lengths.clone();
    io.on_call(Box::new(move |io, _| {
        for state in states(io, "f", 1).into_iter().flatten() {
            assert!(state.iter().all(|byte| *byte == 0));
            seen.lock().insert(state.len());
        }
    }));
    file.fill_zero(100_000).unwrap();
    let lengths = lengths.lock();
    assert!(lengths.contains(&0) && lengths.contains(&100_000) && lengths.len() > 4);
    assert_eq!(states(&io, "f", 1), BTreeSet::from([Some(vec![0; 100_000])]));
}

#[test]
fn a_name_survives_only_with_its_directory() {
    let (io, file) = disk_with("f");
    file.write_durable(b"old", 0).unwrap();
    let temp = io.open(&path("f.tmp"), OpenMode::Create).unwrap();
    temp.write_durable(b"new", 0).unwrap();
    io.rename(&path("f.tmp"), &path("f")).unwrap();
    assert_eq!(bytes(&io, "f").unwrap(), b"new");
    let states_of = |name| states(&io, name, 1);
    assert_eq!(states_of("f"), BTreeSet::from([Some(b"old".to_vec()), Some(b"new".to_vec())]));
    assert_eq!(states_of("f.tmp"), BTreeSet::from([None, Some(b"new".to_vec())]));
    io.sync_dir(Path::new(DIR)).unwrap();
    assert_eq!(states_of("f"), BTreeSet::from([Some(b"new".to_vec())]));
    assert_eq!(states_of("f.tmp"), BTreeSet::from([None]));
}

#[test]
fn a_removed_file_may_come_back_until_its_directory_is_synced() {
    let (io, file) = disk_with("f");
    file.write_durable(b"x", 0).unwrap();
    drop(file);
    io.remove(&path("f")).unwrap();
    assert_eq!(states(&io, "f", 1), BTreeSet::from([None, Some(b"x".to_vec())]));
    io.sync_dir(Path::new(DIR)).unwrap();
    assert_eq!(states(&io, "f", 1), BTreeSet::from([None]));
    assert!(io.0.disk.lock().inodes.is_empty(), "nothing leads to it any more");
}

#[test]
fn changes_of_a_directory_survive_in_order() {
    let (io, _) = disk_with("f");
    for name in ["1", "2", "3"] {
        io.open(&path(name), OpenMode::Create).unwrap();
    }
    let names: BTreeSet<usize> =
        io.crash_images(1, 100).iter().map(|image| image.file_names().len()).collect();
    assert_eq!(names, BTreeSet::from([1, 2, 3, 4]));
    for image in io.crash_images(1, 100) {
        assert!(image.file_names().is_sorted());
        assert!(image.file_names().contains(&path("2")) || bytes(&image, "3").is_none());
    }
}

#[test]
fn images_differ_and_repeat_for_a_seed() {
    let (io, file) = disk_with("f");
    for i in 0..20u64 {
        file.write_all_at(&[i as u8 + 1; 700], i * 700).unwrap();
    }
    let all = |seed| -> Vec<_> {
        io.crash_images(seed, 60).iter().map(|image| bytes(image, "f")).collect()
    };
    let images = all(1);
    assert_eq!(images.len(), 60);
    assert_eq!(images.iter().collect::<BTreeSet<_>>().len(), 60);
    assert_eq!(images, all(1));
    assert_ne!(images, all(2));
}

#[test]
fn images_are_disks_of_their_own() {
    let (io, file) = disk_with("f");
    let _guard = io.lock(&path("LOCK")).unwrap();
    io.fail_from(1, Fault::Eio);
    let images = io.crash_images(1, 10);
    for image in &images {
        assert_eq!(image.calls(), 0);
        drop(image.lock(&path("LOCK")).unwrap());
        image.open(&path("f"), OpenMode::Write).unwrap().write_durable(b"image", 0).unwrap();
        assert_eq!(bytes(image, "f").unwrap(), b"image");
    }
    assert!(file.is_empty().unwrap());
}

#[test]
fn the_hook_sees_the_disk_before_every_change() {
    let (io, file) = disk_with("f");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    io.on_call(Box::new(move |io, number| {
        // Changes of its own are calls, but the hook is not called for them.
        io.open(&path("by-hook"), OpenMode::Write)
            .or_else(|_| io.open(&path("by-hook"), OpenMode::Create))
            .unwrap();
        let everything = &io.crash_images(1, 2)[1];
        log.lock().push((number, bytes(everything, "f").unwrap().len()));
    }));
    let before = io.calls();
    file.write_durable(b"abc", 0).unwrap();
    file.len().unwrap();
    let seen = seen.lock();
    // The write, two calls of the hook, the sync.
    assert_eq!(*seen, [(before + 1, 0), (before + 4, 3)]);
}

#[test]
fn a_hook_can_hand_over_to_another() {
    let (io, file) = disk_with("f");
    let calls = Arc::new(Mutex::new(0));
    let count = calls.clone();
    io.on_call(Box::new(move |io, _| {
        let count = count.clone();
        io.on_call(Box::new(move |_, _| *count.lock() += 1));
    }));
    for _ in 0..3 {
        file.sync_data().unwrap();
    }
    assert_eq!(*calls.lock(), 2);
}

#[test]
fn acknowledged_appends_survive_a_cut_at_every_call() {
    let (io, file) = disk_with("log");
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let (known, images) = (acknowledged.clone(), Arc::new(Mutex::new(0)));
    let total = images.clone();
    io.on_call(Box::new(move |io, number| {
        let known = known.lock().clone();
        for image in io.crash_images(number, 40) {
            assert!(bytes(&image, "log").unwrap().starts_with(&known));
            *total.lock() += 1;
        }
    }));
    for i in 0..30u8 {
        let offset = acknowledged.lock().len() as u64;
        let record = vec![i + 1; 37 * usize::from(i) + 1];
        if i % 3 == 0 {
            file.write_all_at(&record, offset).unwrap();
            file.sync_data().unwrap();
        } else {
            file.write_durable(&record, offset).unwrap();
        }
        acknowledged.lock().extend(record);
    }
    assert!(*images.lock() > 200);
}

#[test]
fn calls_are_numbered_and_the_nth_fails() {
    let (io, file) = disk_with("f");
    assert_eq!(io.calls(), 3);
    io.fail_at(4, Fault::Eio);
    io.fail_at(6, Fault::Enospc);
    io.fail_at(7, Fault::Enospc);
    assert_eq!(errno(file.len()), Some(libc::EIO));
    file.write_all_at(b"abc", 0).unwrap();
    assert_eq!(errno(file.write_all_at(b"xyz", 0)), Some(libc::ENOSPC));
    // A read needs no space.
    assert_eq!(file.len().unwrap(), 3);
    assert_eq!((io.calls(), io.faults_fired()), (7, 2));
    assert_eq!(bytes(&io, "f").unwrap(), b"abc", "the failed write left nothing");
}

#[test]
fn a_short_write_leaves_a_part_and_an_error() {
    let (io, file) = disk_with("f");
    io.fail_at(io.calls() + 1, Fault::ShortWrite);
    assert_eq!(errno(file.write_durable(b"abcdef", 0)), Some(libc::ENOSPC));
    assert_eq!(bytes(&io, "f").unwrap(), b"abc");
    assert!(states(&io, "f", 1).contains(&Some(Vec::new())), "it was not synced");
    io.fail_at(io.calls() + 1, Fault::ShortWrite);
    assert_eq!(errno(file.fill_zero(100)), Some(libc::ENOSPC));
    assert_eq!(bytes(&io, "f").unwrap(), [0; 50]);
}

#[test]
fn after_a_failed_sync_no_later_one_helps() {
    let (io, file) = disk_with("f");
    file.write_durable(b"____", 0).unwrap();
    file.write_all_at(b"a", 0).unwrap();
    io.fail_at(io.calls() + 1, Fault::FailedSync);
    assert_eq!(errno(file.sync_data()), Some(libc::EIO));
    file.write_all_at(b"b", 1).unwrap();
    file.sync_data().unwrap();
    let expected = [b"ab__", b"_b__"].map(|state| Some(state.to_vec()));
    assert_eq!(states(&io, "f", 1), BTreeSet::from(expected));
    assert_eq!(bytes(&io, "f").unwrap(), b"ab__");
}

#[test]
fn a_synced_write_hides_an_unspecified_one_below() {
    let (io, file) = disk_with("f");
    file.write_all_at(b"old", 0).unwrap();
    io.fail_at(io.calls() + 1, Fault::FailedSync);
    assert!(file.sync_data().is_err());
    file.write_durable(b"new", 0).unwrap();
    assert_eq!(states(&io, "f", 1), BTreeSet::from([Some(b"new".to_vec())]));
}

#[test]
fn after_a_failed_directory_sync_no_later_one_succeeds() {
    let (io, _) = disk_with("f");
    io.open(&path("g"), OpenMode::Create).unwrap();
    io.fail_at(io.calls() + 1, Fault::FailedSync);
    assert_eq!(errno(io.sync_dir(Path::new(DIR))), Some(libc::EIO));
    assert_eq!(errno(io.sync_dir(Path::new(DIR))), Some(libc::EIO));
    assert_eq!(states(&io, "g", 1), BTreeSet::from([None, Some(Vec::new())]));
}

#[test]
fn all_later_changes_fail_and_reads_go_on() {
    let (io, file) = disk_with("f");
    file.write_durable(b"x", 0).unwrap();
    io.fail_from(io.calls() + 1, Fault::Eio);
    assert_eq!(errno(file.write_all_at(b"y", 0)), Some(libc::EIO));
    assert_eq!(errno(file.sync_data()), Some(libc::EIO));
    assert_eq!(errno(io.remove(&path("f"))), Some(libc::EIO));
    assert_eq!(bytes(&io, "f").unwrap(), b"x");
    let (io, file) = disk_with("f");
    io.fail_from(1, Fault::FailedSync);
    file.write_all_at(b"y", 0).unwrap();
    assert!(file.sync_data().is_err() && file.sync_data().is_err());
}

#[test]
fn a_full_disk_takes_what_fits() {
    let (io, file) = disk_with("f");
    io.disk_full_after(10);
    assert_eq!(io.free_space(Path::new(DIR)).unwrap(), 10);
    assert_eq!(errno(file.write_all_at(b"0123456789ab", 0)), Some(libc::ENOSPC));
    assert_eq!(bytes(&io, "f").unwrap(), b"0123456789");
    file.write_all_at(b"overwrite", 0).unwrap();
    assert_eq!(errno(file.fill_zero(11)), Some(libc::ENOSPC));
    assert_eq!(io.free_space(Path::new(DIR)).unwrap(), 0);
    drop(file);
    io.remove(&path("f")).unwrap();
    io.sync_dir(Path::new(DIR)).unwrap();
    assert_eq!(io.free_space(Path::new(DIR)).unwrap(), 10);
}

#[test]
fn corruption_is_on_disk_and_in_reads() {
    let (io, file) = disk_with("f");
    file.write_durable(b"abc", 0).unwrap();
    io.corrupt(&path("f"), 1, 0b11).unwrap();
    assert_eq!(bytes(&io, "f").unwrap(), b"aac");
    assert_eq!(states(&io, "f", 1), BTreeSet::from([Some(b"aac".to_vec())]));
    let missing = io.corrupt(&path("g"), 0, 1).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let outside = io.corrupt(&path("f"), 3, 1).unwrap_err();
    assert_eq!(outside.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_snapshot_keeps_everything_and_is_independent() {
    let (io, file) = disk_with("f");
    file.write_all_at(b"unsynced", 0).unwrap();
    io.open(&path("g"), OpenMode::Create).unwrap();
    let copy = io.snapshot();
    file.write_all_at(b"X", 0).unwrap();
    assert_eq!(copy.crash_images(1, 10).len(), 1);
    assert_eq!(copy.file_names(), [path("f"), path("g")]);
    assert_eq!(bytes(&copy, "f").unwrap(), b"unsynced");
}

#[test]
fn renames_between_directories_are_refused() {
    let (io, _) = disk_with("f");
    io.create_dir(Path::new("/e")).unwrap();
    let error = io.rename(&path("f"), Path::new("/e/f")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn images_of_a_large_file_share_its_pages() {
    let (io, file) = disk_with("f");
    file.write_durable(&vec![0xAA; 16 << 20], 0).unwrap();
    file.write_all_at(&[1; 3000], 1 << 20).unwrap();
    // Deep copies would be 16 GiB.
    let images: Vec<SimIo> = (0..10).flat_map(|seed| io.crash_images(seed, 100)).collect();
    assert!(images.len() >= 300, "{}", images.len());
}

#[test]
fn reserved_room_is_there_when_the_disk_is_full() {
    let (io, file) = disk_with("f");
    io.disk_full_after(100);
    assert_eq!(file.allocate(101).unwrap_err().kind(), ErrorKind::StorageFull);
    assert!(file.is_empty().unwrap());
    file.allocate(80).unwrap();
    assert_eq!(io.free_space(Path::new(DIR)).unwrap(), 20);
    let other = io.open(&path("g"), OpenMode::Create).unwrap();
    assert_eq!(errno(other.write_all_at(&[1; 30], 0)), Some(libc::ENOSPC));
    file.write_durable(&[2; 80], 0).unwrap();
    io.fail_at(io.calls() + 1, Fault::Eio);
    assert_eq!(errno(file.allocate(81)), Some(libc::EIO));
}

#[test]
fn reserved_room_survives_a_power_cut_only_when_synced() {
    let (io, file) = disk_with("f");
    file.allocate(1000).unwrap();
    let lengths = |io: &SimIo| -> BTreeSet<usize> {
        states(io, "f", 1).into_iter().flatten().map(|state| state.len()).collect()
    };
    assert_eq!(lengths(&io), BTreeSet::from([0, 1000]));
    file.sync_data().unwrap();
    assert_eq!(lengths(&io), BTreeSet::from([1000]));
}

#[test]
fn a_further_name_survives_only_with_its_directory() {
    let (io, file) = disk_with("f");
    file.write_durable(b"x", 0).unwrap();
    io.hard_link(&path("f"), &path("g")).unwrap();
    assert_eq!(states(&io, "g", 1), BTreeSet::from([None, Some(b"x".to_vec())]));
    io.sync_dir(Path::new(DIR)).unwrap();
    io.remove(&path("f")).unwrap();
    io.sync_dir(Path::new(DIR)).unwrap();
    assert_eq!(states(&io, "g", 1), BTreeSet::from([Some(b"x".to_vec())]));
}

#[test]
fn reads_of_a_batch_are_calls_that_fail_and_see_damage() {
    let (io, file) = disk_with("f");
    file.write_durable(b"abc", 0).unwrap();
    io.corrupt(&path("f"), 1, 0xFF).unwrap();
    let mut reader = io.reader(4).unwrap();
    let before = io.calls();
    io.fail_at(before + 2, Fault::Eio);
    for token in 0..3 {
        let file = Arc::clone(&file);
        reader.submit(crate::io::Read { file, offset: 0, len: 3, token }).unwrap();
    }
    assert_eq!((io.calls(), io.faults_fired()), (before + 3, 1));
    let mut outcomes = Vec::new();
    reader.wait(&mut |_, bytes| outcomes.push(bytes.map(<[u8]>::to_vec).map_err(|e| e.kind())));
    let bytes = vec![b'a', b'b' ^ 0xFF, b'c'];
    assert_eq!(outcomes[0], Ok(bytes.clone()));
    assert!(outcomes[1].is_err());
    assert_eq!(outcomes[2], Ok(bytes));
}
