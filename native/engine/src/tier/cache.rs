//! The read cache of a shard: copies of records whose own place is on disk.
//!
//! S3-FIFO (J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi: FIFO queues are all you need for cache
//! eviction, SOSP 2023). A record comes into the *probation* queue, about a tenth of the cache. At
//! its end, one that was used again is copied to the *main* queue, and the others leave; keys that
//! left this way are remembered for a while and go to the main queue when they come again. One that
//! nobody has read yet is copied too, and counts as unused there: a command waits for it together with
//! others, perhaps more than a tenth of the cache, which must not push each other out. At the
//! end of the main queue, an entry that was used since goes round once more, at most three times
//! for what it was used before. A hit thus writes one byte and moves nothing, and memory is given
//! back in whole chunks, in order.
//!
//! The index slot of a cached key points into the cache; its entry knows the record's true address,
//! and an entry that leaves puts the slot back to it.

use std::sync::Arc;

use crossbeam_epoch::{self as epoch, Guard};

use super::chunks::Chunks;
use super::entry::{HEAD, Head};
use super::ghosts::Ghosts;
use super::queue::{Large, Oldest, Queue};

/// The probation queue's part of the limit: one in this many.
const PROBATION_PART: u64 = 10;
/// Chunks that may be partly used at one time: the first and the last of each queue, of which the
/// memory bound allows two on top of the limit.
const PARTLY_USED: u64 = 2;
/// What an insertion may do to make room, in bytes copied: the time of about 250 looks at the index,
/// some tens of microseconds.
const WORK: u64 = 256 << 10;
/// What one look at the index costs, in bytes that could be copied instead (cache misses).
const LOOK: u64 = 1 << 10;

/// An entry leaves its place: what the index has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Incarnation of the key space.
    pub space: u32,
    /// The index's bits of the key's hash.
    pub hash: u32,
    /// Cache address that the slot has, unless its key was overwritten or deleted meanwhile.
    pub from: u64,
    /// Address it gets: another cache address, or that of the record on disk.
    pub to: u64,
}

/// Points the slot with the address `from` to `to`; says whether there was one.
pub(crate) type Repoint<'a> = dyn FnMut(Moved) -> bool + 'a;

/// A record to be inserted.
pub(crate) struct Candidate<'a> {
    /// Address of the record in the log or a merged segment.
    origin: u64,
    space: u32,
    hash: u32,
    body: Body<'a>,
}

enum Body<'a> {
    Bytes(&'a [u8]),
    Large(Large),
}

impl<'a> Candidate<'a> {
    /// `record` is the whole record at `origin`, header and padding included, of a key with `hash`
    /// in the key space incarnation `space`. A large record is copied here: without a lock.
    ///
    /// `None` if there is no memory for it now: try again when readers have gone on.
    pub(crate) fn new(
        origin: u64,
        space: u32,
        hash: u32,
        record: &'a [u8],
        chunks: &Arc<Chunks>,
    ) -> Option<Candidate<'a>> {
        debug_assert!(record.len().is_multiple_of(8));
        let body = if Large::is(record.len(), chunks) {
            Body::Large(Large::new(Head::new(origin, space, hash, len32(record)), record, chunks)?)
        } else {
            Body::Bytes(record)
        };
        Some(Candidate { origin, space, hash, body })
    }
}

/// Lengths of records fit: `MAX_KEY + MAX_VALUE` is about 1 GiB.
fn len32(record: &[u8]) -> u32 {
    u32::try_from(record.len()).expect("no record is 4 GiB long")
}

/// What a cache has done, in entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheCounts {
    pub insertions: u64,
    /// Of these, straight to the main queue: their key had left a short while ago.
    pub returns: u64,
    /// Left, and their slot points to disk again.
    pub evictions: u64,
    /// Left after their slot had.
    pub stale: u64,
    /// From probation to the main queue.
    pub promotions: u64,
    /// Once more through the main queue.
    pub rounds: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Probation,
    Main,
}

/// See the module. All that takes `&mut self` happens under the shard's lock; readers use
/// [`Chunks`].
pub(crate) struct Cache {
    chunks: Arc<Chunks>,
    limit: u64,
    probation: Queue,
    main: Queue,
    ghosts: Ghosts,
    counts: CacheCounts,
}

impl Cache {
    /// An empty cache with a limit of `limit` bytes.
    pub(crate) fn new(chunks: Arc<Chunks>, limit: u64) -> Cache {
        Cache {
            chunks,
            limit,
            probation: Queue::default(),
            main: Queue::default(),
            ghosts: Ghosts::new(),
            counts: CacheCounts::default(),
        }
    }

    /// Memory of the cache: at most the limit and two chunks, or, whatever the limit, a single large
    /// record and two chunks. What waits for readers to let go of it is not in here.
    pub(crate) fn bytes(&self) -> u64 {
        self.probation.bytes() + self.main.bytes()
    }

    /// Memory for remembering keys that left, beyond the limit: about 4 to 8 bytes for each entry
    /// of the main queue.
    pub(crate) fn ghost_bytes(&self) -> u64 {
        self.ghosts.bytes()
    }

    /// Entries, those included whose slot has moved away.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> u64 {
        self.probation.entries() + self.main.entries()
    }

    pub(crate) fn counts(&self) -> CacheCounts {
        self.counts
    }

    /// Sets the limit in bytes. Insertions keep to it; [`Cache::trim`] brings the cache down to it.
    pub(crate) fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Raises the limit by so many bytes.
    pub(crate) fn add_limit(&mut self, more: u64) {
        self.limit = self.limit.saturating_add(more);
    }

    /// Inserts a record and returns its cache address, to which the caller lets the slot point that
    /// had its origin. Entries that have to go first are told to `repoint`.
    ///
    /// # Errors
    /// Gives the candidate back when room could not be made with a bounded amount of work, or when
    /// too much memory still waits for readers. Then the caller lets go of lock and guard, and tries
    /// again: each time more room is made.
    pub(crate) fn insert<'a>(
        &mut self,
        candidate: Candidate<'a>,
        repoint: &mut Repoint<'_>,
        guard: &Guard,
    ) -> Result<u64, Candidate<'a>> {
        let growth = match &candidate.body {
            Body::Bytes(record) => {
                let len = HEAD + record.len();
                self.probation.growth(len).max(self.main.growth(len))
            }
            Body::Large(large) => large.len() as u64,
        };
        if !self.make_room(growth, WORK, repoint, guard) {
            return Err(candidate);
        }
        let Candidate { origin, space, hash, body } = candidate;
        let returned = self.ghosts.remove(space, hash);
        let queue = if returned { &mut self.main } else { &mut self.probation };
        let address = match body {
            Body::Large(large) => queue.push_large(large),
            Body::Bytes(record) => {
                let head = Head::new(origin, space, hash, len32(record));
                match queue.push(head, record, &self.chunks, guard) {
                    Some(address) => address,
                    None => {
                        if returned {
                            self.ghosts.add(space, hash);
                        }
                        return Err(Candidate { origin, space, hash, body });
                    }
                }
            }
        };
        self.counts.insertions += 1;
        self.counts.returns += u64::from(returned);
        Ok(address)
    }

    /// Brings the cache nearer to its limit, with a bounded amount of work, given as bytes that
    /// could be copied in that time; says whether it is there. If not: again, after letting go of
    /// lock and guard.
    pub(crate) fn trim(&mut self, work: u64, repoint: &mut Repoint<'_>, guard: &Guard) -> bool {
        let done = self.make_room(0, work, repoint, guard);
        if done && self.bytes() > self.limit {
            self.probation.shrink(guard);
            self.main.shrink(guard);
        }
        done
    }

    /// What the queues may hold, so that with partly used chunks the memory bound is kept.
    fn goal(&self) -> u64 {
        self.limit.saturating_sub(PARTLY_USED * self.chunks.size() as u64)
    }

    /// Lets entries go until `growth` bytes more can be held. What has been used stays; but at the
    /// end of the main queue only in the first half of the work, so that any call gets on (but for
    /// one made while too much memory waits for readers), however fast readers are.
    fn make_room(
        &mut self,
        growth: u64,
        work: u64,
        repoint: &mut Repoint<'_>,
        guard: &Guard,
    ) -> bool {
        let goal = self.goal();
        let mut done = 0;
        while self.probation.held() + self.main.held() + growth > goal {
            let Some((which, oldest)) = self.victim(goal, guard) else { return true };
            // While too much waits for readers, letting go of more would not give any memory.
            if done >= work || self.chunks.is_clogged() {
                return false;
            }
            let may_stay = which == Which::Probation || done < work / 2;
            let awaited = which == Which::Probation && oldest.head.is_unread();
            let stays = may_stay && (awaited || oldest.head.reuse() > 0);
            done += LOOK;
            if oldest.head.is_dead() {
                self.counts.stale += 1;
                self.queue(which).pass(&oldest, guard);
            } else if stays && self.keep(which, &oldest, repoint, guard) {
                done += if oldest.alone { 0 } else { oldest.record.len() as u64 };
            } else {
                self.evict(which, &oldest, repoint, guard);
            }
        }
        true
    }

    /// The entry that is to leave or to stay next.
    fn victim<'g>(&self, goal: u64, guard: &'g Guard) -> Option<(Which, Oldest<'g>)> {
        let probation = || Some((Which::Probation, self.probation.oldest(guard)?));
        let main = || Some((Which::Main, self.main.oldest(guard)?));
        if self.probation.held() > goal / PROBATION_PART {
            probation().or_else(main)
        } else {
            main().or_else(probation)
        }
    }

    /// Moves an entry to the end of the main queue; `false` if it is to leave instead, because there
    /// is no memory.
    fn keep(
        &mut self,
        which: Which,
        oldest: &Oldest<'_>,
        repoint: &mut Repoint<'_>,
        guard: &Guard,
    ) -> bool {
        let reuse = match which {
            // Its first read is still that of the command that asked, and no reuse.
            Which::Probation if oldest.head.is_unread() => None,
            Which::Probation => Some(0),
            Which::Main => Some(oldest.head.reuse().saturating_sub(1)),
        };
        if oldest.alone {
            reuse.into_iter().for_each(|reuse| oldest.head.set_reuse(reuse));
            let Some(large) = self.queue(which).pop_large() else { return false };
            self.main.push_large(large);
        } else {
            let old = oldest.head;
            let head = Head::new(old.origin(), old.space, old.hash, old.len);
            reuse.into_iter().for_each(|reuse| head.set_reuse(reuse));
            let Some(to) = self.main.push(head, oldest.record, &self.chunks, guard) else {
                return false;
            };
            let moved = Moved { space: old.space, hash: old.hash, from: oldest.address, to };
            let is_live = repoint(moved);
            if !is_live {
                self.main.unpush(oldest.record.len());
            }
            self.queue(which).pass(oldest, guard);
            if !is_live {
                self.counts.stale += 1;
                return true;
            }
        }
        match which {
            Which::Probation => self.counts.promotions += 1,
            Which::Main => self.counts.rounds += 1,
        }
        true
    }

    fn evict(
        &mut self,
        which: Which,
        oldest: &Oldest<'_>,
        repoint: &mut Repoint<'_>,
        guard: &Guard,
    ) {
        let Head { space, hash, .. } = *oldest.head;
        let moved = Moved { space, hash, from: oldest.address, to: oldest.head.origin() };
        if repoint(moved) {
            self.counts.evictions += 1;
            if which == Which::Probation {
                self.ghosts.fit(self.main.entries());
                self.ghosts.add(space, hash);
            }
        } else {
            self.counts.stale += 1;
        }
        self.queue(which).pass(oldest, guard);
    }

    fn queue(&mut self, which: Which) -> &mut Queue {
        match which {
            Which::Probation => &mut self.probation,
            Which::Main => &mut self.main,
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let guard = epoch::pin();
        self.probation.clear(&guard);
        self.main.clear(&guard);
    }
}

#[cfg(test)]
mod tests;
