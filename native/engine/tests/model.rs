//! Any sequence of commands, reopenings and leaps of time has the outcome that ordinary maps have.
#![allow(missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::model::{Content, Model, SPACES, Step, execute_at, value};
use common::temp::TempDir;
use common::{NOW, config, key, options, rounds, wait, wait_room};
use ferric_engine::io::sim::SimIo;
use ferric_engine::io::{Io, PosixIo, UringIo};
use ferric_engine::{Access, Durability, Engine, Entry, ManualClock, ReadError, WriteError};
use proptest::prelude::*;

/// What is done to the store.
#[derive(Clone, Debug)]
enum Action {
    Write(Step),
    /// Time passes, in milliseconds.
    Pass(u64),
    Wait,
    Get(u16, u8),
    Scan {
        space: u16,
        budget: usize,
    },
    Random {
        space: u16,
        seed: u64,
    },
    /// Closed and opened with another number of shards.
    Reopen {
        shards: u16,
    },
    /// Dropped, and opened when its threads have let go.
    Drop,
}

fn name(key: u8) -> Vec<u8> {
    // Some keys are long, some empty.
    if key == 0 { Vec::new() } else { vec![b'a' + key; usize::from(key)] }
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![
        8 => Just(20usize), 4 => 0usize..200, 2 => 1_000usize..9_000, 1 => 60_000usize..70_000,
    ];
    let bytes = (any::<u64>(), len).prop_map(|(number, len)| value(number, len));
    let key = || (0u8..24).prop_map(name);
    let expiry = prop_oneof![3 => Just(0), 1 => 0u64..4_000];
    let change = (key(), proptest::option::weighted(0.7, bytes.clone()));
    prop_oneof![
        8 => (0..SPACES, key(), bytes, expiry).prop_map(|(space, key, value, expiry_ms)| Step::Put {
            space, key, value, expiry_ms,
        }),
        2 => (0..SPACES, key()).prop_map(|(space, key)| Step::Write { space, changes: vec![(key, None)] }),
        4 => (0..SPACES, proptest::collection::vec(change, 0..6))
            .prop_map(|(space, changes)| Step::Write { space, changes }),
        1 => proptest::collection::vec(0..SPACES, 0..3).prop_map(Step::Flush),
        1 => (0..SPACES, 0..SPACES).prop_map(|(a, b)| Step::Swap(a, b)),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        24 => step().prop_map(Action::Write),
        3 => (0u64..2_500).prop_map(Action::Pass),
        3 => Just(Action::Wait),
        6 => (0..SPACES, 0u8..24).prop_map(|(space, key)| Action::Get(space, key)),
        2 => (0..SPACES, 0usize..40).prop_map(|(space, budget)| Action::Scan { space, budget }),
        2 => (0..SPACES, any::<u64>()).prop_map(|(space, seed)| Action::Random { space, seed }),
        1 => (1u16..5).prop_map(|shards| Action::Reopen { shards }),
        1 => Just(Action::Drop),
    ]
}

/// A store, and what it must contain.
struct Pair {
    io: Arc<dyn Io>,
    dir: PathBuf,
    durability: Durability,
    shards: u16,
    clock: Arc<ManualClock>,
    now: u64,
    engine: Arc<Engine>,
    model: Model,
}

impl Pair {
    fn new(io: Arc<dyn Io>, dir: &Path, durability: Durability) -> Pair {
        let clock = Arc::new(ManualClock::new(NOW));
        let engine = open(&io, dir, durability, 1, &clock).expect("open");
        let (dir, model) = (dir.to_owned(), Model::default());
        Pair { io, dir, durability, shards: 1, clock, now: NOW, engine, model }
    }

    fn open_again(&mut self) {
        let attempt = || {
            let engine = open(&self.io, &self.dir, self.durability, self.shards, &self.clock);
            engine.inspect_err(|_| std::thread::sleep(Duration::from_millis(1))).ok()
        };
        self.engine = (0..2_000).find_map(|_| attempt()).expect("open");
    }

    /// What a space has that has not expired.
    fn live(&self, space: u16) -> Content {
        let is_live = |expiry: u64| expiry == 0 || self.now <= expiry;
        let all = self.model.0[usize::from(space)].iter();
        all.filter(|(_, (_, expiry))| is_live(*expiry))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }

    fn act(&mut self, action: &Action) -> Result<(), TestCaseError> {
        match action {
            Action::Write(step) => self.write(step),
            Action::Pass(time) => {
                self.now += time;
                self.clock.set(self.now);
            }
            Action::Wait => prop_assert!(wait(&self.engine, self.engine.written())),
            Action::Get(space, key) => return self.get(*space, &name(*key)),
            Action::Scan { space, budget } => return self.scan(*space, *budget),
            Action::Random { space, seed } => {
                let random = |access: &mut Access<'_>| access.random(*space, *seed);
                let (found, _) =
                    common::run(&self.engine, self.now, random).expect("an intact record");
                let live = self.live(*space);
                prop_assert!(found.map_or(live.is_empty(), |key| live.contains_key(&key)));
            }
            Action::Reopen { shards } => {
                self.engine.close().expect("close");
                self.shards = *shards;
                self.open_again();
            }
            Action::Drop => {
                // The lock outlives this engine until its threads have written everything.
                let (io, dir) = (Arc::new(SimIo::new()) as Arc<dyn Io>, Path::new("/other"));
                let other = open(&io, dir, self.durability, 1, &self.clock).expect("open");
                drop(std::mem::replace(&mut self.engine, other));
                self.open_again();
            }
        }
        Ok(())
    }

    fn write(&mut self, step: &Step) {
        let mut step = step.clone();
        if let Step::Put { expiry_ms, .. } = &mut step
            && *expiry_ms != 0
        {
            *expiry_ms += self.now;
        }
        while let Err(error) = execute_at(&self.engine, &step, self.now) {
            assert_eq!(error, WriteError::Busy);
            wait_room(&self.engine);
        }
        self.model.apply(&step);
    }

    fn get(&self, space: u16, bytes: &[u8]) -> Result<(), TestCaseError> {
        let get = |access: &mut Access<'_>| {
            let key = key(&self.engine, access, space, bytes);
            let content = |entry: Entry<'_>| (entry.value.to_vec(), entry.meta.expiry_ms);
            let free = access.read(&key, true, |entry| entry.map(content))?;
            let locked = access.lock(&key).get(&key)?.map(content);
            assert_eq!(free, locked, "with and without the lock");
            Ok::<_, ReadError>(locked)
        };
        let (found, _) = common::run(&self.engine, self.now, get).expect("an intact record");
        prop_assert_eq!(found, self.live(space).remove(bytes));
        Ok(())
    }

    fn scan(&self, space: u16, budget: usize) -> Result<(), TestCaseError> {
        let mut found = Content::new();
        common::scan(&self.engine, space, self.now, budget, |key, entry| {
            found.insert(key.to_vec(), (entry.value.to_vec(), entry.meta.expiry_ms));
        });
        let mut access = self.engine.enter(self.now);
        let live = self.live(space);
        // Keys that have expired count until they are removed, which may happen at any time.
        let (len, expires) = loop {
            let (expires, len) = (access.expires(space), access.len(space));
            if access.expires(space) == expires {
                break (len, expires);
            }
        };
        let lasting = live.values().filter(|(_, expiry)| *expiry == 0).count() as u64;
        prop_assert_eq!(len - expires, lasting);
        prop_assert!(len >= live.len() as u64);
        prop_assert_eq!(found, live);
        Ok(())
    }

    fn finish(mut self) -> Result<(), TestCaseError> {
        for _ in 0..2 {
            (0..SPACES).try_for_each(|space| self.scan(space, 50))?;
            self.engine.close().expect("close");
            self.open_again();
        }
        self.engine.close().expect("close");
        Ok(())
    }
}

fn open(
    io: &Arc<dyn Io>,
    dir: &Path,
    durability: Durability,
    shards: u16,
    clock: &Arc<ManualClock>,
) -> Result<Arc<Engine>, ferric_engine::OpenError> {
    let mut options = options(Arc::clone(io));
    (options.dir, options.durability, options.shards) = (dir.to_owned(), durability, shards);
    options.clock = Arc::clone(clock) as _;
    options.max_undurable = 128 << 10;
    Engine::open(options)
}

fn run(io: Arc<dyn Io>, dir: &Path, quorum: bool, actions: &[Action]) -> Result<(), TestCaseError> {
    let interval = Duration::from_millis(3);
    let durability = if quorum { Durability::Quorum } else { Durability::Async { interval } };
    let mut pair = Pair::new(io, dir, durability);
    actions.iter().try_for_each(|action| pair.act(action))?;
    pair.finish()
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    proptest::collection::vec(action(), 1..250)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100 * rounds(1) as u32, ..config() })]

    #[test]
    fn the_store_is_a_map_on_a_simulated_disk(quorum: bool, actions in actions()) {
        run(Arc::new(SimIo::new()), Path::new("/store"), quorum, &actions)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8 * rounds(1) as u32, ..config() })]

    #[test]
    fn the_store_is_a_map_on_system_calls(quorum: bool, actions in actions()) {
        run(Arc::new(PosixIo), TempDir::new().path(), quorum, &actions)?;
    }

    #[test]
    fn the_store_is_a_map_on_io_uring(quorum: bool, actions in actions()) {
        match UringIo::new() {
            Ok(io) => run(Arc::new(io), TempDir::new().path(), quorum, &actions)?,
            Err(error) => eprintln!("not tested here: {error}"),
        }
    }
}
