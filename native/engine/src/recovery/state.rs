//! What recovery makes: the indexes, and what there is to know about key spaces.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::access::keyspace::SpaceTable;
use crate::address::{Region, region};
use crate::chains::HeapGauge;
use crate::index::Index;
use crate::log::Trash;
use crate::options::Options;
use crate::shard::{Shard, Space};
use crate::tier::cache::Cache;
use crate::tier::chunks::Chunks;

/// The indexes of one shard by the incarnation of their key space.
pub(crate) type Parts = HashMap<u32, Index>;

/// The state at the end of the log, as far as it has been read.
pub(crate) struct State {
    /// One for each shard.
    pub parts: Vec<Parts>,
    /// The table of key spaces that was logged last.
    pub table: SpaceTable,
    /// Highest sequence number.
    pub sequence: u64,
    /// Records read from the log, or from hints.
    pub replayed: u64,
    /// An intact table of key spaces was none that this version knows how to read.
    pub unreadable: bool,
    pub trash: Trash,
}

/// The state as an open store has it.
pub(crate) struct Finished {
    pub shards: Vec<Shard>,
    pub next_space: u32,
    pub logged_spaces: SpaceTable,
}

impl State {
    pub(crate) fn new(parts: Vec<Parts>, trash: Trash) -> State {
        let table = SpaceTable::first(0);
        State { parts, table, sequence: 0, replayed: 0, unreadable: false, trash }
    }

    /// Takes a logged table of key spaces into account, the newest so far.
    pub(crate) fn set_table(&mut self, value: &[u8]) {
        match SpaceTable::decode(value) {
            Some(table) => self.table = table,
            None => self.unreadable = true,
        }
    }

    /// The shards, with the key spaces that exist at the end of the log.
    ///
    /// # Errors
    /// The store has more key spaces than asked for: they would not be reachable. Or its table of
    /// key spaces makes no sense.
    pub(crate) fn finish(
        self,
        options: &Options,
        shift: u32,
        chunks: &Arc<Chunks>,
        heap: &HeapGauge,
    ) -> Result<Finished, String> {
        if self.unreadable {
            return Err(
                "the store's table of databases is of a kind this version cannot read".into()
            );
        }
        let wanted = usize::from(options.spaces);
        if self.table.ids.len() > wanted {
            return Err(format!(
                "the store has {} databases; it cannot be opened with {wanted}",
                self.table.ids.len()
            ));
        }
        let mut table = self.table.clone();
        // The same numbers at each start until a flush or swap logs them.
        while table.ids.len() < wanted {
            table.ids.push(table.next);
            table.next += 1;
        }
        // Numbers that were never logged may be given to other spaces; keys must not come with them.
        let beyond =
            |parts: &Parts| parts.iter().any(|(&id, index)| id >= table.next && index.len() > 0);
        if self.parts.iter().any(beyond) {
            return Err(format!("the store has keys in more than {wanted} databases"));
        }
        let trash = &self.trash;
        let shards = in_parallel(self.parts, |parts| {
            let shard = Shard::new(shift, Cache::new(Arc::clone(chunks), 0));
            with_spaces(shard, parts, &table.ids, trash, heap)
        });
        Ok(Finished { shards, next_space: table.next, logged_spaces: self.table })
    }
}

/// Gives a shard the key spaces `ids`, and its accounts. Key spaces that were emptied are dropped.
fn with_spaces(
    mut shard: Shard,
    mut parts: Parts,
    ids: &[u32],
    trash: &Trash,
    heap: &HeapGauge,
) -> Shard {
    for &id in ids {
        let mut space = Space::new(id, trash, heap);
        if let Some(index) = parts.remove(&id) {
            space.index = index;
        }
        for slot in (0..space.index.tables()).flat_map(|table| space.index.entries(table)) {
            match region(slot.address()) {
                Region::Chain => space.chains.add_unsettled(),
                _ => shard.live.add(slot.address(), slot),
            }
            space.expires += u64::from(slot.expiry_s() != 0);
        }
        shard.spaces.push(space);
    }
    shard
}

/// Threads that recovery uses for work on shards.
pub(crate) fn threads(shards: usize) -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(shards)
}

/// Does `work` for each item, on several threads; the results are in the order of the items.
pub(crate) fn in_parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = threads(items.len());
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let places = Mutex::new(items.into_iter().zip(results.iter_mut()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = places.lock().next();
                    let Some((item, place)) = next else { return };
                    *place = Some(work(item));
                }
            });
        }
    });
    drop(places);
    results.into_iter().map(|result| result.expect("each item was worked on")).collect()
}
