//! A store with more data than memory, what its writers know about it, and what must be there.

use std::thread;
use std::time::{Duration, Instant};

use super::check::check;
use super::maintenance::maintain;
use super::model::Entry;
use super::observe::{Observed, check_scan, observe};
use super::op::{EXPIRING_EVERY, Index};
use super::owner::Owner;
use super::{reader, writer};
use crate::crash::load::Load;
use crate::rng::Rng;

/// How large a store is and who works on it.
#[derive(Debug, Clone, Copy)]
pub struct LargePlan {
    /// Writing connections, at most [`crate::crash::MAX_WRITERS`].
    pub writers: usize,
    /// Reading connections.
    pub readers: usize,
    /// Keys of all writers together. A value has 2,050 bytes on average.
    pub keys: u32,
    /// Whether to ask for checkpoints and merges at random moments.
    pub maintenance: bool,
}

/// What must be there.
#[derive(Debug, Clone)]
pub struct Proof {
    /// What was acknowledged before this time, or everything that was.
    before: Option<Instant>,
    /// The latest command of each writer whose value a reader was shown.
    shown: Vec<u64>,
}

/// What is in a store according to the server, and agrees with what its writers know.
pub struct Verified(Vec<Vec<Option<Entry>>>);

/// A store's keys, by the writers who own them.
pub struct LargeStore {
    plan: LargePlan,
    owners: Vec<Owner>,
    rng: Rng,
    reads: u64,
}

impl LargeStore {
    /// A store that is still empty.
    pub fn new(plan: LargePlan, rng: Rng) -> LargeStore {
        let keys = plan.keys / plan.writers as Index;
        let keys = keys.next_multiple_of(EXPIRING_EVERY);
        let owners = (0..plan.writers).map(|writer| Owner::new(writer, keys)).collect();
        LargeStore { plan, owners, rng, reads: 0 }
    }

    /// Sets every key once, at the server at `port`.
    ///
    /// # Errors
    /// A sentence when the server refuses.
    pub fn fill(&mut self, port: u16) -> Result<(), String> {
        let results = thread::scope(|scope| {
            let threads: Vec<_> = self
                .owners
                .iter_mut()
                .map(|owner| scope.spawn(move || writer::fill(port, owner)))
                .collect();
            threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
        });
        results.into_iter().try_for_each(joined)
    }

    /// Puts the server at `port` under load for `time`, and then calls `end`, which stops it; returns what
    /// `end` does, and what must have survived.
    ///
    /// # Errors
    /// A sentence when the server did what it should not before `end` was called.
    pub fn load<R>(
        &mut self,
        port: u16,
        time: Duration,
        end: impl FnOnce(&Halt<'_>) -> R,
    ) -> Result<(R, Proof), String> {
        let load = Load::new(port, self.plan.writers);
        let keys = self.owners.first().map_or(0, |owner| owner.base.keys());
        let readers: Vec<Rng> = (0..self.plan.readers).map(|_| self.rng.fork()).collect();
        let maintenance = self.plan.maintenance.then(|| self.rng.fork());
        let writers: Vec<Rng> = self.owners.iter().map(|_| self.rng.fork()).collect();
        let halt = Halt { load: &load };
        let (result, threads) = thread::scope(|scope| {
            let load = &load;
            let mut threads = Vec::new();
            for (owner, rng) in self.owners.iter_mut().zip(writers) {
                threads.push(scope.spawn(move || writer::write(load, owner, rng)));
            }
            for rng in readers {
                threads.push(scope.spawn(move || reader::read(load, keys, rng)));
            }
            if let Some(rng) = maintenance {
                threads.push(scope.spawn(move || maintain(load, rng)));
            }
            thread::sleep(time);
            let result = end(&halt);
            load.stop();
            (result, threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>())
        });
        threads.into_iter().try_for_each(joined)?;
        self.reads += load.reads();
        Ok((result, halt.proof(None)))
    }

    /// What must be there when nothing but what has been acknowledged was sent.
    pub fn everything(&self) -> Proof {
        Proof { before: None, shown: vec![0; self.owners.len()] }
    }

    /// Compares all that the server at `port` holds with what the writers know, and SCAN's list of keys with
    /// these if `scan` says so.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn verify(&self, port: u16, proof: &Proof, scan: bool) -> Result<Verified, String> {
        let observed = thread::scope(|scope| {
            let observe = |owner: &Owner| {
                let (writer, keys) = (owner.writer, owner.base.keys());
                scope.spawn(move || observe(port, writer, keys))
            };
            let threads: Vec<_> = self.owners.iter().map(observe).collect();
            threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
        });
        let observed: Vec<Observed> =
            observed.into_iter().map(joined).collect::<Result<_, String>>()?;
        for (owner, seen) in self.owners.iter().zip(&observed) {
            check(owner, seen, proof.needed(owner))?;
        }
        if scan {
            check_scan(port, &observed)?;
        }
        Ok(Verified(observed.into_iter().map(|seen| seen.entries).collect()))
    }

    /// Goes on from what the server holds.
    pub fn restart(&mut self, verified: Verified) {
        for (owner, entries) in self.owners.iter_mut().zip(verified.0) {
            owner.restart(entries);
        }
    }

    /// Commands that were acknowledged, and those that were sent besides, since the last
    /// [`LargeStore::restart`].
    pub fn counts(&self) -> (u64, u64) {
        let acknowledged: usize = self.owners.iter().map(|owner| owner.acknowledged).sum();
        let sent: usize = self.owners.iter().map(|owner| owner.sent.len()).sum();
        (acknowledged as u64, (sent - acknowledged) as u64)
    }

    /// Values that readers were shown.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// Bytes of the values of all keys when they were last looked at.
    pub fn bytes(&self) -> u64 {
        self.owners.iter().map(|owner| owner.base.bytes()).sum()
    }
}

/// The load on a server that is about to be stopped.
pub struct Halt<'a> {
    load: &'a Load,
}

impl Halt<'_> {
    /// From now on connections may end.
    pub fn announce(&self) {
        self.load.stop();
    }

    /// What must be there if only the past counts, for a server that answers nothing just now.
    pub fn until_now(&self) -> Proof {
        self.proof(Some(Instant::now()))
    }

    fn proof(&self, before: Option<Instant>) -> Proof {
        let shown = (0..self.load.writers).map(|writer| self.load.shown(writer)).collect();
        Proof { before, shown }
    }
}

impl Proof {
    /// How many of a writer's commands must have survived.
    fn needed(&self, owner: &Owner) -> usize {
        let acknowledged = match self.before {
            None => owner.acknowledged,
            Some(time) => owner.acknowledged_before(time),
        };
        let shown = self.shown.get(owner.writer).copied().unwrap_or(0);
        acknowledged.max(owner.up_to(shown))
    }
}

/// The result of a thread.
fn joined<T>(result: thread::Result<Result<T, String>>) -> Result<T, String> {
    result.unwrap_or_else(|_| Err("a thread of the test panicked".to_owned()))
}
