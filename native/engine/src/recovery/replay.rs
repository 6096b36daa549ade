//! Rebuilds the index from the log's records, oldest first.

use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_epoch as epoch;

use crate::access::keyspace::SpaceTable;
use crate::core::hash;
use crate::index::Slot;
use crate::log::{Segments, Trash};
use crate::options::Options;
use crate::record::manifest::Manifest;
use crate::record::{Kind, View};
use crate::shard::{RecordRef, Shard, Space};
use crate::tier::cache::Cache;
use crate::tier::chunks::Chunks;

/// The state that the records seen so far make.
pub(crate) struct Replay<'o> {
    options: &'o Options,
    trash: Trash,
    hash_seed: u64,
    shift: u32,
    chunks: Arc<Chunks>,
    now_s: u32,
    table: SpaceTable,
    /// Each incarnation's parts, a shard each. Emptied ones are dropped at the end.
    spaces: HashMap<u32, Vec<Space>>,
    sequence: u64,
    /// An intact record was none that this version knows how to read.
    unreadable: bool,
}

/// The state at the end of the log.
pub(crate) struct Replayed {
    pub shards: Vec<Shard>,
    pub next_space: u32,
    /// Highest sequence number seen.
    pub sequence: u64,
}

impl<'o> Replay<'o> {
    pub(crate) fn new(
        options: &'o Options,
        manifest: &Manifest,
        trash: Trash,
        chunks: Arc<Chunks>,
    ) -> Replay<'o> {
        Replay {
            options,
            trash,
            hash_seed: manifest.hash_seed,
            shift: manifest.shift,
            chunks,
            now_s: (options.clock.now_ms() / 1000) as u32,
            table: SpaceTable::first(0),
            spaces: HashMap::new(),
            sequence: 0,
            unreadable: false,
        }
    }

    /// Takes the record at `address` into account.
    pub(crate) fn apply(&mut self, address: u64, record: &View<'_>, segments: &Segments) {
        self.sequence = self.sequence.max(record.header.sequence);
        match record.header.kind {
            Kind::Spaces => match SpaceTable::decode(record.value) {
                Some(table) => self.table = table,
                None => self.unreadable = true,
            },
            Kind::Put | Kind::Delete => self.apply_key(address, record, segments),
        }
    }

    fn apply_key(&mut self, address: u64, record: &View<'_>, segments: &Segments) {
        let hash = hash(self.hash_seed, record.key);
        let shards = self.options.shards;
        let shard = usize::from((self.options.route)(record.key, shards));
        let id = record.header.space;
        let parts = self
            .spaces
            .entry(id)
            .or_insert_with(|| (0..shards).map(|_| Space::new(id, &self.trash)).collect());
        let space = &mut parts[shard];
        let guard = epoch::pin();
        let place = space.index.find(hash, |slot| {
            let at = segments.at(slot.address(), &guard).expect("segments read stay mapped");
            // SAFETY: the slot was made by this replay from a verified record of a segment that
            // stays mapped; nobody else has the store yet.
            unsafe { RecordRef::new(at) }.has_key(record.key)
        });
        if let Some(place) = place {
            space.expires -= u64::from(space.index.slot(place).expiry_s() != 0);
        }
        if record.header.kind == Kind::Delete {
            if let Some(place) = place {
                space.index.remove(place);
            }
            return;
        }
        let header = &record.header;
        let slot = Slot::new(hash, address, header.total_len(), header.expiry_ms, self.now_s);
        space.expires += u64::from(header.expiry_ms != 0);
        match place {
            Some(place) => space.index.set(place, slot),
            None => space.index.insert(slot),
        }
    }

    fn new_shard(&self) -> Shard {
        Shard::new(self.shift, Cache::new(Arc::clone(&self.chunks), 0))
    }

    /// The shards, with the key spaces that exist at the end of the log.
    ///
    /// # Errors
    /// The store has more key spaces than asked for: they would not be reachable. Or its table of
    /// key spaces makes no sense.
    pub(crate) fn finish(mut self) -> Result<Replayed, String> {
        if self.unreadable {
            return Err(
                "the store's table of databases is of a kind this version cannot read".into()
            );
        }
        let wanted = usize::from(self.options.spaces);
        if self.table.ids.len() > wanted {
            return Err(format!(
                "the store has {} databases; it cannot be opened with {wanted}",
                self.table.ids.len()
            ));
        }
        // The same numbers at each start until a flush or swap logs them.
        while self.table.ids.len() < wanted {
            self.table.ids.push(self.table.next);
            self.table.next += 1;
        }
        // Numbers that were never logged may be given to other spaces; keys must not come with them.
        let next = self.table.next;
        let has_keys = |parts: &Vec<Space>| parts.iter().any(|space| space.index.len() > 0);
        if self.spaces.iter().any(|(&id, parts)| id >= next && has_keys(parts)) {
            return Err(format!("the store has keys in more than {wanted} databases"));
        }
        let mut shards: Vec<Shard> = (0..self.options.shards).map(|_| self.new_shard()).collect();
        for &id in &self.table.ids {
            let mut parts = self.spaces.remove(&id).unwrap_or_default().into_iter();
            for shard in &mut shards {
                let space = parts.next().unwrap_or_else(|| Space::new(id, &self.trash));
                for slot in (0..space.index.tables()).flat_map(|table| space.index.entries(table)) {
                    shard.live.add(slot.address(), slot);
                }
                shard.spaces.push(space);
            }
        }
        Ok(Replayed { shards, next_space: self.table.next, sequence: self.sequence })
    }
}
