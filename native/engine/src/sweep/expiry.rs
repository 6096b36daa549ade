//! Expired keys go, and access times are kept from coming round, at a bounded cost.
//!
//! Each index table has a time before which nothing in it expires, so that a round that finds
//! nothing to do has looked at one number for each table. Tables in which something may be due are
//! swept, one under each hold of the shard's lock, until the round's budget is used up; the next
//! round goes on from there. So a million keys that expire together are gone within a few rounds,
//! and nobody waits for more than one table.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;

use super::ROUND;
use crate::access::keyspace::sweep_table;
use crate::core::Core;
use crate::index::{ACCESS_SPAN, Due, Slot};
use crate::shard::Shard;

/// Slots looked through for expired keys in a round; the table that exceeds it is finished. Takes
/// about a tenth of the time between two rounds when every entry has expired.
const SLOTS_A_ROUND: usize = 1 << 19;
/// Tables whose time is looked at under one hold of a lock: 64 KiB.
const LOOKS_A_HOLD: usize = 1 << 14;
/// An access longer ago than this is kept as one so long ago.
const OLDEST_ACCESS_S: u32 = ACCESS_SPAN / 4 * 3;
/// Rounds in which every table is looked through for old access times: half the time in which one
/// can go from the oldest that is kept to one that has come round.
const AGEING_ROUNDS: usize =
    ((ACCESS_SPAN - OLDEST_ACCESS_S) as u128 * 500 / ROUND.as_millis()) as usize;

/// Where the sweep is.
pub(super) struct Expiry {
    /// For each shard's part of each key space, shard by shard.
    parts: Vec<Cursors>,
    /// The part at which the next round begins.
    next: usize,
}

/// The tables of a part with which to go on.
#[derive(Clone, Copy, Default)]
struct Cursors {
    due: usize,
    age: usize,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// How often a shard's lock was taken to look for expired keys.
    pub holds: u64,
    /// Slots looked through for them.
    pub slots: usize,
    /// Most of these under one hold.
    pub most_slots: usize,
    /// Entries removed.
    pub removed: u64,
}

impl Expiry {
    pub(super) fn new(core: &Core) -> Expiry {
        let parts = core.shards.len() * usize::from(core.spaces);
        Expiry { parts: vec![Cursors::default(); parts], next: 0 }
    }

    /// Does one round.
    pub(super) fn round(&mut self, core: &Core) -> Round {
        let now_ms = core.clock.now_ms();
        let mut round = Round::default();
        if core.sweeping.load(Ordering::Relaxed) {
            self.expire(core, now_ms, &mut round);
        }
        for number in 0..self.parts.len() {
            self.age_part(core, number, (now_ms / 1000) as u32);
        }
        round
    }

    fn expire(&mut self, core: &Core, now_ms: u64, round: &mut Round) {
        for step in 0..self.parts.len() {
            let number = (self.next + step) % self.parts.len();
            if self.expire_part(core, number, now_ms, round).is_break() {
                self.next = number;
                return;
            }
        }
    }

    /// Breaks off when the round's budget is used up.
    fn expire_part(
        &mut self,
        core: &Core,
        number: usize,
        now_ms: u64,
        round: &mut Round,
    ) -> ControlFlow<()> {
        // Expired in seconds, rounded up: due below this.
        let before_s = u32::try_from(now_ms.div_ceil(1000)).unwrap_or(u32::MAX);
        let cursor = &mut self.parts[number].due;
        loop {
            if round.slots >= SLOTS_A_ROUND {
                return ControlFlow::Break(());
            }
            let (mut shard, space) = lock_part(core, number);
            round.holds += 1;
            if shard.spaces[space].expires == 0 {
                break;
            }
            match shard.spaces[space].index.next_due(*cursor, LOOKS_A_HOLD, before_s) {
                Due::Table(table) => {
                    let (slots, removed) = sweep_table(core, &mut shard, space, table, now_ms);
                    round.slots += slots;
                    round.most_slots = round.most_slots.max(slots);
                    round.removed += removed;
                    *cursor = table + 1;
                }
                Due::GoOn(table) => *cursor = table,
                Due::Nothing => break,
            }
            // Else the next hold would come before everybody who waits for the lock.
            MutexGuard::unlock_fair(shard);
        }
        *cursor = 0;
        ControlFlow::Continue(())
    }

    fn age_part(&mut self, core: &Core, number: usize, now_s: u32) {
        let cursor = &mut self.parts[number].age;
        let mut left = usize::MAX;
        while left > 0 {
            let (mut shard, space) = lock_part(core, number);
            let index = &mut shard.spaces[space].index;
            if index.len() == 0 {
                return;
            }
            left = left.min(index.tables().div_ceil(AGEING_ROUNDS));
            *cursor = (*cursor + 1) % index.tables();
            index.retain_in_table(*cursor, |slot| {
                age(slot, now_s);
                true
            });
            left -= 1;
            MutexGuard::unlock_fair(shard);
        }
    }
}

fn lock_part(core: &Core, number: usize) -> (MutexGuard<'_, Shard>, usize) {
    let spaces = usize::from(core.spaces);
    (core.shards[number / spaces].lock(), number % spaces)
}

/// Keeps an old access time from coming round as a young one: the clock in a slot is short.
fn age(slot: &mut Slot, now_s: u32) {
    if slot.idle_s(now_s) > OLDEST_ACCESS_S {
        slot.touch(now_s.wrapping_sub(OLDEST_ACCESS_S));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64};

    use super::*;
    use crate::access::{Access, Meta};
    use crate::clock::ManualClock;
    use crate::io::sim::SimIo;
    use crate::options::Options;
    use crate::recovery::{self, Recovered};

    const NOW_MS: u64 = 1_000_000_000;

    /// A store without threads: rounds are done by the test.
    fn store() -> (Recovered, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let mut options = Options::new("/store", Arc::new(SimIo::new()));
        (options.shards, options.spaces) = (2, 2);
        options.route = |key, shards| u16::from(key[0]) % shards;
        options.clock = Arc::clone(&clock) as _;
        options.max_undurable = 1 << 30;
        (recovery::open(&options).expect("an empty store"), clock)
    }

    fn put(core: &Core, n: u32, expiry_ms: u64) {
        let mut access = Access::new(core, NOW_MS);
        let bytes = n.to_le_bytes();
        let key = access.key(1, u16::from(bytes[0]) % 2, &bytes);
        let meta = Meta { expiry_ms, ..Meta::default() };
        access.lock(&key).put(&key, meta, b"value").expect("room");
    }

    fn len(core: &Core) -> u64 {
        Access::new(core, NOW_MS).len(1)
    }

    #[test]
    fn a_million_keys_of_one_second_go_in_a_few_rounds_and_short_holds() {
        const KEYS: u32 = 1_000_000;
        let (Recovered { core, .. }, clock) = store();
        // Some stay: one that expires never, one later.
        (0..KEYS).for_each(|n| put(&core, n, NOW_MS + 5_000));
        put(&core, KEYS, 0);
        put(&core, KEYS + 1, NOW_MS + 60_000);
        let mut expiry = Expiry::new(&core);
        // Each of the two parts with keys is looked at once, the others are known to have none.
        let idle = expiry.round(&core);
        assert_eq!(idle, Round { holds: 4, ..Round::default() });
        clock.set(NOW_MS + 5_000);
        assert_eq!(expiry.round(&core).removed, 0, "not before the second is over");

        clock.set(NOW_MS + 5_001);
        let (reads, done) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut rounds = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let mut access = Access::new(&core, NOW_MS);
                    let key = access.key(1, 0, b"\0another");
                    assert!(access.lock(&key).get(&key).expect("in memory").is_none());
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
            while len(&core) > 2 {
                let round = expiry.round(&core);
                assert!(round.most_slots <= 4096, "{round:?}");
                assert!(round.slots < SLOTS_A_ROUND + 4096, "{round:?}");
                assert!(round.holds as usize <= round.slots / 4096 + 4, "{round:?}");
                rounds += 1;
                assert!(rounds < 10, "{round:?}");
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(reads.into_inner() > 0);
        assert_eq!(Access::new(&core, NOW_MS).expires(1), 1);
        clock.set(NOW_MS + 61_000);
        // Two: the first one goes on where the budget ended the last.
        assert_eq!((0..2).map(|_| expiry.round(&core).removed).sum::<u64>(), 1);
        assert_eq!(len(&core), 1);
    }

    #[test]
    fn an_access_long_ago_does_not_come_round() {
        let (Recovered { core, .. }, clock) = store();
        (0..20_000).for_each(|n| put(&core, n, 0));
        // Without expiry, too.
        core.sweeping.store(false, Ordering::Relaxed);
        let mut expiry = Expiry::new(&core);
        // As few rounds as if there were a thousand times the tables.
        for second in (0..=u64::from(ACCESS_SPAN) + 100).step_by(10) {
            clock.set(NOW_MS + second * 1000);
            expiry.round(&core);
        }
        let now_s = (core.clock.now_ms() / 1000) as u32;
        for shard in &core.shards {
            let shard = shard.lock();
            let index = &shard.spaces[1].index;
            for slot in (0..index.tables()).flat_map(|table| index.entries(table)) {
                assert!(slot.idle_s(now_s) >= OLDEST_ACCESS_S, "{}", slot.idle_s(now_s));
            }
        }
    }
}
