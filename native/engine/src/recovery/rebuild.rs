//! Makes the index anew from all segments: from their hints, or from their records.
//!
//! Of the records of a key the one with the highest sequence number counts, wherever merging has put
//! it. Keys are told apart by 128 bits of a keyed hash. Memory stays bounded: when there are too
//! many keys, those with the lower half of the hashes are done first, and the segments read again
//! for the others.

use std::collections::HashMap;

use super::chain::Chain;
use super::inventory::{Inventory, SegmentFile};
use super::prehashed::Prehashed;
use super::state::{Parts, State};
use crate::address::{Region, lasting_record};
use crate::core::{index_hash, long_hash};
use crate::error::OpenError;
use crate::index::{Index, Slot};
use crate::io::Mapping;
use crate::log::Trash;
use crate::options::Options;
use crate::record::hint::Hint;
use crate::record::{Header, Kind};
use crate::seal::each_record;

/// Bytes of memory for a key, with what a hash table leaves empty.
const BYTES_A_KEY: usize = 112;
/// Fewer keys than this are always done at once.
const MIN_KEYS: usize = 1 << 10;

/// The index and the log's end.
pub(crate) struct Rebuilt {
    pub state: State,
    pub chain: Chain,
    /// The last segment of the log, in memory.
    pub last: Option<Mapping>,
}

/// What the segments are read for.
struct Rebuild<'a> {
    inventory: &'a Inventory,
    options: &'a Options,
    log_id: u64,
    hash_seed: u64,
    /// Of each segment of the log whether its hint can be trusted.
    hinted: HashMap<u64, bool>,
    state: State,
    /// Sequence number of the newest table of key spaces.
    table_sequence: u64,
    /// Hashes that one pass had memory for.
    width: u64,
}

/// Reads everything.
///
/// # Errors
/// Damage anywhere but in a tail that a crash can have torn, or something cannot be read.
pub(crate) fn rebuild(
    inventory: &Inventory,
    options: &Options,
    (log_id, hash_seed): (u64, u64),
    trash: &Trash,
) -> Result<Rebuilt, OpenError> {
    let state = State::new((0..options.shards).map(|_| Parts::new()).collect(), trash.clone());
    let hinted = HashMap::new();
    let (table_sequence, width) = (0, u64::MAX);
    let mut rebuild =
        Rebuild { inventory, options, log_id, hash_seed, hinted, state, table_sequence, width };
    let (chain, last) = rebuild.survey()?;
    let mut from = 0;
    while let Some(next) = rebuild.pass(from)? {
        from = next;
    }
    Ok(Rebuilt { state: rebuild.state, chain, last })
}

impl Rebuild<'_> {
    /// Follows the log to its end, by hints as far as there are any.
    fn survey(&mut self) -> Result<(Chain, Option<Mapping>), OpenError> {
        let mut chain = Chain::new(self.log_id);
        let mut previous = None;
        for (at, segment) in self.inventory.log.iter().enumerate() {
            chain.enter(previous, segment)?;
            previous = Some(segment);
            let Some(next) = self.inventory.log.get(at + 1) else {
                let mapping = segment.map()?;
                chain.frames(segment, mapping.as_slice(), |_, _| {});
                chain.finish(segment, mapping.as_slice())?;
                return Ok((chain, Some(mapping)));
            };
            let adjacent = next.start == segment.limit;
            let listed = segment.summary.map(|summary| summary.end);
            let expected = if adjacent { Some(next.header.previous_end) } else { listed };
            let hint = self.hint(segment, expected);
            let hinted = hint.is_some_and(|hint| chain.skip(&hint.header.frames));
            self.hinted.insert(segment.number, hinted);
            if !hinted {
                let mapping = segment.map()?;
                chain.frames(segment, mapping.as_slice(), |_, _| {});
            }
            if expected.is_some_and(|end| end != chain.end) {
                return Err(segment.corrupt(chain.end, "a frame is missing or damaged"));
            }
        }
        Ok((chain, None))
    }

    /// The intact hint of a segment whose frames end where they are expected to.
    fn hint(&self, segment: &SegmentFile, expected: Option<u64>) -> Option<Hint> {
        let at = segment.limit - segment.start;
        Hint::load(&segment.file, at, self.log_id, segment.start)
            .filter(|hint| expected.is_none_or(|end| end == hint.header.frames.end))
    }

    /// Enters the keys whose hashes are not below `from`, or as many of them as there is memory for;
    /// returns where the others begin.
    fn pass(&mut self, from: u64) -> Result<Option<u64>, OpenError> {
        let limit = (self.options.rebuild_memory / BYTES_A_KEY).max(MIN_KEYS);
        let to = from.saturating_add(self.width);
        let mut pass = Pass { from, to, limit, newest: HashMap::default() };
        let inventory = self.inventory;
        for segment in inventory.segments() {
            self.read(segment, &mut pass)?;
        }
        for entry in pass.newest.into_values().filter(|entry| entry.put) {
            let parts = &mut self.state.parts[usize::from(entry.shard)];
            let trash = &self.state.trash;
            parts
                .entry(entry.space)
                .or_insert_with(|| Index::new(trash.clone()))
                .insert(entry.slot);
        }
        self.width = pass.to - pass.from;
        Ok(pass.to.checked_add(1))
    }

    fn read(&mut self, segment: &SegmentFile, pass: &mut Pass) -> Result<(), OpenError> {
        let listed = segment.summary.map(|summary| summary.end);
        if self
            .hinted
            .get(&segment.number)
            .copied()
            .unwrap_or(segment.header.region == Region::Merged)
            && let Some(hint) = self.hint(segment, listed)
        {
            let visited = hint.each(|entry| {
                let address = segment.start + entry.offset;
                self.visit(pass, address, &entry.header, entry.key, entry.value);
            });
            if visited.is_ok() {
                return Ok(());
            }
        }
        let mapping = segment.map()?;
        let bytes = mapping.as_slice();
        let frames = each_record(bytes, self.log_id, segment.start, |address, record| {
            self.visit(pass, address, &record.header, record.key, record.value);
        });
        match listed {
            Some(end) if end != frames.end => {
                Err(segment.corrupt(frames.end, "a frame is missing or damaged"))
            }
            _ => Ok(()),
        }
    }

    fn visit(&mut self, pass: &mut Pass, address: u64, header: &Header, key: &[u8], value: &[u8]) {
        let first = pass.from == 0;
        if first {
            self.state.sequence = self.state.sequence.max(header.sequence);
            self.state.replayed += 1;
        }
        if header.kind == Kind::Spaces {
            if first && header.sequence >= self.table_sequence {
                self.table_sequence = header.sequence;
                self.state.set_table(value);
            }
            return;
        }
        if header.kind == Kind::BasePart {
            // It says nothing about its key.
            return;
        }
        let id = self.identity(header.space, key);
        if !pass.wants(id) {
            return;
        }
        let (shards, now_s) = (self.options.shards, (self.options.clock.now_ms() / 1000) as u32);
        let hash = index_hash(long_hash(self.hash_seed, key));
        let entry = Entry {
            sequence: header.sequence,
            slot: Slot::new(
                hash,
                header.kind.entry_address(address),
                header.total_len(),
                header.expiry_ms,
                now_s,
            ),
            space: header.space,
            shard: (self.options.route)(key, shards),
            put: header.kind != Kind::Delete,
        };
        pass.add(id, entry);
    }

    fn identity(&self, space: u32, key: &[u8]) -> Identity {
        let seed = self.hash_seed ^ u64::from(space).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = xxhash_rust::xxh3::xxh3_128_with_seed(key, seed);
        ((hash >> 64) as u64, hash as u64)
    }
}

/// 128 bits of the hash of a key and its key space.
type Identity = (u64, u64);

/// The newest record of a key so far.
#[derive(Clone, Copy)]
struct Entry {
    sequence: u64,
    slot: Slot,
    space: u32,
    shard: u16,
    put: bool,
}

/// A reading of all segments, for the keys of a range of hashes.
struct Pass {
    from: u64,
    /// The last hash of the range.
    to: u64,
    limit: usize,
    newest: HashMap<Identity, Entry, Prehashed>,
}

impl Pass {
    fn wants(&self, id: Identity) -> bool {
        (self.from..=self.to).contains(&id.0)
    }

    fn add(&mut self, id: Identity, entry: Entry) {
        // Two records of one key with one number are one, which merging has copied.
        let rank = |entry: &Entry| (entry.sequence, lasting_record(entry.slot.address()));
        let newest = self.newest.entry(id).or_insert(entry);
        if rank(&entry) > rank(newest) {
            *newest = entry;
        }
        if self.newest.len() > self.limit && self.to > self.from {
            self.to = self.from + (self.to - self.from) / 2;
            let to = self.to;
            self.newest.retain(|id, _| id.0 <= to);
        }
    }
}
