//! Backups of a store that is in use.
//!
//! `FERRIC_TEST_SEED=7 FERRIC_TEST_ROUNDS=10 cargo test --test backup` replays other, and more,
//! workloads.
#![allow(missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use common::gate::Gate;
use common::model::{Model, execute, random_step, value};
use common::rng::Rng;
use common::temp::TempDir;
use common::{dump, first_seed, get, options, put, quiet, rounds, wait, wait_room};
use ferric_engine::io::sim::{Fault, SimIo};
use ferric_engine::io::{Io, OpenMode, PosixIo};
use ferric_engine::tools::{Settings, check};
use ferric_engine::{BackupSummary, Engine, Options, WriteError};
use parking_lot::Mutex;

fn backup(engine: &Engine, path: &Path) -> Result<BackupSummary, String> {
    let (sender, receiver) = channel();
    engine.backup(path, Box::new(move |outcome| sender.send(outcome).expect("received")));
    receiver.recv().expect("it is called")
}

/// The settings of a store in `dir`.
fn at(dir: impl Into<PathBuf>, options: Options) -> Options {
    Options { dir: dir.into(), ..options }
}

fn read(dir: &Path, options: Options) -> Model {
    let engine = Engine::open(at(dir, options)).expect("a backup opens");
    let model = Model::read(&engine);
    engine.close().expect("close");
    model
}

/// Digests of the state after 0, 1, 2 … steps, and how many are durable.
#[derive(Default)]
struct History {
    digests: Mutex<Vec<u64>>,
    acked: AtomicUsize,
}

impl History {
    fn begin() -> Arc<History> {
        let history = Arc::<History>::default();
        history.digests.lock().push(Model::default().digest());
        history
    }

    fn run(&self, engine: &Engine, seed: u64, steps: u64) {
        let (mut rng, mut model) = (Rng(seed), Model::default());
        for number in 0..steps {
            let step = random_step(&mut rng, number);
            model.apply(&step);
            let digest = model.digest();
            // Known before it can be seen.
            self.digests.lock().push(digest);
            let lsn = execute(engine, &step).expect("write");
            if number % 4 == 0 {
                assert!(wait(engine, lsn));
                self.acked.store(number as usize + 1, Ordering::SeqCst);
            }
        }
    }

    fn steps(&self) -> usize {
        self.digests.lock().len() - 1
    }

    /// How many steps, `from` or more, lead to the state.
    fn expect(&self, model: &Model, from: usize, to: usize) {
        let digests = self.digests.lock();
        let found = digests.iter().position(|digest| *digest == model.digest());
        assert!(digests[from..=to].contains(&model.digest()), "{from} to {to}, not {found:?}");
    }
}

#[test]
fn a_backup_under_load_is_the_state_at_one_moment_after_its_begin() {
    for seed in first_seed()..first_seed() + rounds(3) {
        let io = SimIo::new();
        let engine = Engine::open(options(Arc::new(io.clone()))).expect("open");
        let history = History::begin();
        let writer = (Arc::clone(&engine), Arc::clone(&history));
        let writer = std::thread::spawn(move || writer.1.run(&writer.0, seed, 600));
        for number in 0..8 {
            // Checkpoints come and go meanwhile.
            engine.checkpoint(Box::new(|outcome| outcome.expect("checkpoint")));
            engine.merge_now(Box::new(|outcome| outcome.expect("merge")));
            let from = history.acked.load(Ordering::SeqCst);
            let path = PathBuf::from(format!("/backup{number}"));
            let summary = backup(&engine, &path).expect("backup");
            let to = history.steps();
            assert_eq!(summary.path, path);
            let image = io.crash_images(seed, 1).remove(0);
            let mut settings = Settings::new(Arc::new(image.clone()));
            let report = check(&path, &mut settings).expect("a store");
            assert_eq!(report.damages, []);
            history.expect(&read(&path, quiet(Arc::new(image))), from, to);
        }
        writer.join().expect("writer");
        engine.close().expect("close");
    }
}

#[test]
fn an_empty_store_has_a_backup_too() {
    let io = SimIo::new();
    let engine = Engine::open(options(Arc::new(io.clone()))).expect("open");
    io.create_dir(Path::new("/empty")).expect("directory");
    let summary = backup(&engine, Path::new("/empty")).expect("backup");
    assert_eq!((summary.files, summary.linked_bytes), (1, 0));
    engine.close().expect("close");
    assert_eq!(read(Path::new("/empty"), quiet(Arc::new(io))), Model::default());
}

#[test]
fn what_cannot_be_a_backup_is_refused() {
    let io = SimIo::new();
    let engine = Engine::open(options(Arc::new(io.clone()))).expect("open");
    for path in ["relative", "/no/parent", "/store", "/store/inside", "/"] {
        assert!(backup(&engine, Path::new(path)).is_err(), "{path}");
    }
    backup(&engine, Path::new("/backup")).expect("backup");
    let error = backup(&engine, Path::new("/backup")).expect_err("there is one");
    assert!(error.contains("not empty"), "{error}");
    engine.close().expect("close");
    assert_eq!(backup(&engine, Path::new("/later")), Err("the store is closed".into()));
}

#[test]
fn one_backup_at_a_time_and_closing_ends_it() {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    wait(&engine, put(&engine, b"k", b"v").expect("write"));
    let gate = Gate::before(&io);
    gate.close();
    let (sender, receiver) = channel();
    engine.backup(Path::new("/one"), Box::new(move |outcome| sender.send(outcome).expect("sent")));
    gate.await_arrival();
    assert_eq!(backup(&engine, Path::new("/two")), Err("a backup is under way".into()));
    let closing = Arc::clone(&engine);
    let closing = std::thread::spawn(move || closing.close());
    while engine.put_is_accepted() {
        std::thread::yield_now();
    }
    gate.open();
    closing.join().expect("thread").expect("close");
    let outcome = receiver.recv().expect("called");
    assert_eq!(outcome, Err("the store is being closed".into()));
    assert!(!io.file_names().iter().any(|file| file.starts_with("/one")));
}

trait Accepts {
    fn put_is_accepted(&self) -> bool;
}

impl Accepts for Engine {
    fn put_is_accepted(&self) -> bool {
        put(self, b"other", b"v") != Err(WriteError::Closed)
    }
}

/// A store of several segments.
fn filled(io: &SimIo, seed: u64) -> (Arc<Engine>, Model) {
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    let (mut rng, mut model) = (Rng(seed), Model::default());
    for number in 0..80 {
        let step = random_step(&mut rng, number);
        model.apply(&step);
        execute(&engine, &step).expect("write");
    }
    wait(&engine, engine.written());
    (engine, model)
}

#[test]
fn a_power_cut_leaves_the_whole_backup_or_none() {
    let io = SimIo::new();
    let (engine, model) = filled(&io, first_seed());
    let images: Arc<Mutex<Vec<SimIo>>> = Arc::default();
    let taken = Arc::clone(&images);
    io.on_call(Box::new(move |io, number| taken.lock().extend(io.crash_images(number, 12))));
    backup(&engine, Path::new("/backup")).expect("backup");
    io.on_call(Box::new(|_, _| {}));
    images.lock().extend(io.crash_images(1, 20));
    let (mut whole, mut none) = (0, 0);
    for image in std::mem::take(&mut *images.lock()) {
        assert_eq!(read(Path::new("/store"), quiet(Arc::new(image.snapshot()))), model);
        let names = image.file_names();
        let part = |name: &str| names.iter().any(|file| file.to_string_lossy().starts_with(name));
        let opened = Engine::open(at("/backup", quiet(Arc::new(image.clone()))));
        if part("/backup/STORE") && !part("/backup/STORE.new") {
            assert_eq!(Model::read(&opened.expect("a whole backup")), model);
            whole += 1;
        } else if part("/backup/segment") {
            assert!(opened.is_err());
            none += 1;
        }
    }
    assert!(whole > 0 && none > 20, "{whole}, {none}");
    engine.close().expect("close");
}

#[test]
fn a_backup_that_fails_leaves_nothing_and_the_store_as_it_was() {
    let io = SimIo::new();
    let (engine, model) = filled(&io, first_seed());
    engine.close().expect("close");
    let reopen = |image: &SimIo| Engine::open(quiet(Arc::new(image.clone()))).expect("open");
    let image = io.snapshot();
    let engine = reopen(&image);
    let begin = image.calls();
    backup(&engine, Path::new("/backup")).expect("backup");
    let calls = image.calls() - begin;
    engine.close().expect("close");
    assert!(calls > 20);
    let mut failed = 0;
    for call in 1..=calls {
        for fault in [Fault::Eio, Fault::Enospc] {
            let image = io.snapshot();
            let engine = reopen(&image);
            image.fail_at(image.calls() + call, fault);
            let outcome = backup(&engine, Path::new("/backup"));
            if image.faults_fired() == 0 {
                // The numbers depend on what the store does in the background.
                drop(engine);
                continue;
            }
            match &outcome {
                Ok(_) => {
                    let copy = Arc::new(image.snapshot());
                    assert_eq!(read(Path::new("/backup"), quiet(copy)), model);
                }
                Err(error) => {
                    failed += 1;
                    let names = image.file_names();
                    let left: Vec<_> =
                        names.iter().filter(|file| file.starts_with("/backup")).collect();
                    assert!(left.is_empty(), "call {call}, {error}: {left:?}");
                    assert!(image.list(Path::new("/backup")).is_err(), "call {call}");
                    backup(&engine, Path::new("/backup")).expect("a second try");
                }
            }
            wait(&engine, put(&engine, b"later", b"v").expect("the store goes on"));
            assert_eq!(engine.failure(), None);
            engine.close().expect("close");
        }
    }
    assert!(failed > 20, "{failed} of {calls}");
}

/// On real files: links are links, and whoever writes to the one does not change the other.
#[test]
fn a_backup_larger_than_memory_is_served_and_written_to_apart_from_its_store() {
    let temp = TempDir::new();
    let io: Arc<dyn Io> = Arc::new(PosixIo);
    let settings = |dir: &str| {
        let mut options = at(temp.path().join(dir), options(Arc::clone(&io)));
        options.max_memory = 6 << 20;
        options
    };
    let engine = Engine::open(settings("store")).expect("open");
    let key = |number: u64| format!("key{number}").into_bytes();
    for number in 0..6_000u64 {
        while put(&engine, &key(number), &value(number, 2_000)).is_err() {
            wait_room(&engine);
        }
    }
    let path = temp.path().join("backup");
    let summary = backup(&engine, &path).expect("backup");
    assert!(summary.linked_bytes > 8 << 20 && summary.copied_bytes < 1 << 20, "{summary:?}");
    let segment = |dir: &str| temp.path().join(dir).join(format!("segment-{:012x}", 1));
    let inode = |path: PathBuf| {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).expect("metadata").ino()
    };
    assert_eq!(inode(segment("store")), inode(segment("backup")));

    let restored = Engine::open(settings("backup")).expect("a backup opens beside its store");
    for number in (0..6_000).step_by(97) {
        assert_eq!(get(&restored, &key(number)), Some(value(number, 2_000)));
    }
    for number in 0..200 {
        wait(&restored, put(&restored, &key(number), b"restored").expect("write"));
        wait(&engine, put(&engine, &key(number), b"original").expect("write"));
    }
    restored.close().expect("close");
    engine.close().expect("close");
    for (dir, expected) in [("store", b"original"), ("backup", b"restored")] {
        let mut tool = Settings::new(Arc::clone(&io));
        let report = check(&temp.path().join(dir), &mut tool).expect("checked");
        assert_eq!(report.damages, [], "{dir}");
        let engine = Engine::open(settings(dir)).expect("open");
        let content = dump(&engine, 0);
        assert_eq!(content.len(), 6_000);
        assert!((0..200).all(|number| content[&key(number)] == expected));
        assert_eq!(content[&key(5_000)], value(5_000, 2_000));
        engine.close().expect("close");
    }
    assert!(io.open(&path.join("LOCK"), OpenMode::Read).is_ok());
}
