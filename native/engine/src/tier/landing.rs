//! Where fetched records go: into the read cache of their shard.

use std::io::Error;
use std::time::Duration;

use crossbeam_epoch as epoch;

use super::cache::{Candidate, Moved};
use super::fetch::{ColdRef, Destination, Landing, Place};
use crate::core::Core;
use crate::record::compressed::decompress;
use crate::record::{Header, Kind, MAX_VALUE, View};
use crate::shard::{Shard, Space};
use crate::stats::Counters;

/// Tries to insert a record into a cache that has to make much room for it, or whose old memory is
/// still being read. Then the record is fetched again when it is asked for again.
const TRIES: u32 = 64;
/// The first of them follow each other at once: they are for the room.
const PROMPT_TRIES: u32 = 8;
/// The next ones wait for readers, so long each. A reader may be a thread that does not run, on a busy
/// machine: those behind it would else fetch in vain, again and again. The last tries take more memory.
const PATIENT_TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(1);

impl Landing for Core {
    fn locate(&self, address: u64) -> Option<Place> {
        let mut place = self.log.segments.on_disk(address)?;
        // A merged segment's file ends with its last frame, and that of a backup where the log ended:
        // perhaps nearer than the bound on the length of its last record.
        place.end = place.end.min(place.file.len().ok()?);
        Some(place)
    }

    fn land(&self, cold: &ColdRef, bytes: &[u8]) {
        if let Destination::Object(number) = cold.to {
            let load = self.objects.reading(number);
            return load.into_iter().for_each(|load| load.land(cold.address, bytes));
        }
        let Ok(view) = View::read(bytes, cold.address) else { return self.note_damage(cold) };
        if view.header.kind == Kind::PutCompressed {
            return match decompressed(&view) {
                Ok(record) => self.cache(cold, &record),
                Err(_) => self.note_damage(cold),
            };
        }
        let len = view.header.total_len() as usize;
        match bytes.get(..len) {
            Some(record) => self.cache(cold, record),
            // The padding behind the last record of a file.
            None => {
                let mut record = bytes.to_vec();
                record.resize(len, 0);
                self.cache(cold, &record);
            }
        }
    }

    fn failed(&self, cold: &ColdRef, _error: &Error) {
        if let Destination::Object(number) = cold.to {
            return self.objects.reading(number).into_iter().for_each(|load| load.fail());
        }
        // The address may be gone because the record was moved: then its slot is another by now.
        self.note_damage(cold);
    }
}

impl Core {
    /// Reading the record is an error from now on, if something still points to it.
    fn note_damage(&self, cold: &ColdRef) {
        let mut shard = self.shards[usize::from(cold.shard)].lock();
        if find(&mut shard.spaces, cold.space, cold.hash, cold.address).is_some() {
            shard.note_damage(cold.address);
            Counters::add(&self.log.counters.damaged, 1);
        }
    }

    fn cache(&self, cold: &ColdRef, record: &[u8]) {
        let ColdRef { address, shard, space, hash, .. } = *cold;
        for tries in 0..TRIES {
            self.await_memory(tries);
            let Some(candidate) = Candidate::new(address, space, hash, record, &self.chunks) else {
                continue;
            };
            let guard = epoch::pin();
            let shard = &mut *self.shards[usize::from(shard)].lock();
            let Shard { spaces, cache, .. } = shard;
            // Overwritten, deleted, moved by a merge, or landed already.
            if find(spaces, space, hash, address).is_none() {
                return;
            }
            let inserted = cache.insert(candidate, &mut |moved| repoint(spaces, moved), &guard);
            if let Ok(to) = inserted {
                repoint(spaces, Moved { space, hash, from: address, to });
                return;
            }
        }
    }

    /// Gives others time to go on, so that memory which they may be reading comes free. However long
    /// they take, there is memory in the end.
    fn await_memory(&self, tries: u32) {
        if tries == 0 {
            return;
        }
        match tries {
            0..PROMPT_TRIES => std::thread::yield_now(),
            _ if !self.chunks.is_clogged() => {}
            PROMPT_TRIES..PATIENT_TRIES => std::thread::sleep(PAUSE),
            _ => self.chunks.concede(),
        }
        epoch::pin().flush();
    }
}

/// The record as it was before it was compressed; without a checksum, which nobody looks at in
/// memory.
fn decompressed(view: &View<'_>) -> Result<Vec<u8>, &'static str> {
    let value = decompress(view.value, MAX_VALUE)?;
    let value_len = u32::try_from(value.len()).map_err(|_| "value too long")?;
    let header = Header { kind: Kind::Put, value_len, ..view.header };
    let mut record = header.encode().to_vec();
    record.extend_from_slice(view.key);
    record.extend_from_slice(&value);
    record.resize(header.total_len() as usize, 0);
    Ok(record)
}

/// The entry of a key space incarnation that has the address `from`.
fn find(
    spaces: &mut [Space],
    id: u32,
    hash: u32,
    from: u64,
) -> Option<(&mut Space, crate::index::Place)> {
    let space = spaces.iter_mut().find(|space| space.id == id)?;
    let place = space.index.find(hash, |slot| slot.address() == from)?;
    Some((space, place))
}

/// Points an entry to another address of the same record; false if it has gone elsewhere.
pub(super) fn repoint(spaces: &mut [Space], moved: Moved) -> bool {
    let Some((space, place)) = find(spaces, moved.space, moved.hash, moved.from) else {
        return false;
    };
    let slot = space.index.slot(place).moved_to(moved.to);
    space.index.set(place, slot);
    true
}
