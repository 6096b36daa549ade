//! Applies the end of the log to the index of a checkpoint.
//!
//! One thread reads and verifies the frames; workers, each for some of the shards, find out which
//! record of each key is the last, and enter that. Which of the entries that a checkpoint has for
//! a hash is that of the key is known by comparing keys: those of the log's end are in memory, the
//! others are read from disk, many at once.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::chain::Chain;
use super::inventory::SegmentFile;
use super::prehashed::Prehashed;
use super::resolve::{Question, answer, has_key};
use super::state::{Parts, State, threads};
use crate::address::{is_in_log, lasting_record};
use crate::core::{index_hash, long_hash};
use crate::error::OpenError;
use crate::index::{Index, Place, Slot};
use crate::io::Mapping;
use crate::log::{Segments, Trash};
use crate::options::Options;
use crate::record::{Kind, View};
use crate::seal::each_record;

/// Records that are handed to a worker at once, and how many such batches may wait.
const BATCH: usize = 1024;
const WAITING: usize = 8;
/// Keys that a worker gathers before it enters them.
const MAX_WINNERS: usize = 1 << 20;

/// The end of the log in memory.
pub(crate) struct Tail<'a> {
    /// Where it begins.
    pub begin: u64,
    /// Its segments, in order.
    pub segments: Vec<(&'a SegmentFile, &'a Mapping)>,
}

impl Tail<'_> {
    /// The bytes from `address` on, if it is an address of the tail.
    fn at(&self, address: u64) -> Option<&[u8]> {
        if address < self.begin {
            return None;
        }
        let after = self.segments.partition_point(|(segment, _)| segment.start <= address);
        let (segment, mapping) = self.segments.get(after.checked_sub(1)?)?;
        mapping.as_slice().get((address - segment.start) as usize..)
    }
}

/// A record about a key.
struct Seen<'a> {
    address: u64,
    shard: u16,
    kind: Kind,
    space: u32,
    len: u32,
    expiry_ms: u64,
    key: &'a [u8],
}

/// What is the same for all records.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub options: &'a Options,
    pub segments: &'a Segments,
    pub hash_seed: u64,
    pub trash: &'a Trash,
}

/// Applies the records of the tail to `state` and follows the chain to its end.
///
/// # Errors
/// Damage, or something cannot be read.
pub(crate) fn replay(
    context: Context<'_>,
    tail: &Tail<'_>,
    chain: &mut Chain,
    state: &mut State,
) -> Result<(), OpenError> {
    let shards = state.parts.len();
    let workers = threads(shards);
    let mut parts: Vec<Vec<(usize, Parts)>> = (0..workers).map(|_| Vec::new()).collect();
    for (shard, part) in std::mem::take(&mut state.parts).into_iter().enumerate() {
        parts[shard % workers].push((shard, part));
    }
    let finished = std::thread::scope(|scope| {
        let mut senders = Vec::new();
        let mut handles = Vec::new();
        for shards in parts {
            let (sender, receiver) = sync_channel(WAITING);
            senders.push(sender);
            let worker = Worker { context, tail, shards, winners: HashMap::default() };
            handles.push(scope.spawn(move || worker.run(receiver)));
        }
        let mut dispatch = Dispatch { senders, batches: HashMap::new(), state };
        let outcome = read_tail(context, tail, chain, &mut dispatch);
        dispatch.flush();
        drop(dispatch);
        let mut all = Vec::new();
        for handle in handles {
            all.extend(handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        outcome.map(|()| all)
    });
    let mut all = finished?;
    all.sort_unstable_by_key(|(shard, _)| *shard);
    state.parts = all.into_iter().map(|(_, parts)| parts).collect();
    Ok(())
}

fn read_tail<'a>(
    context: Context<'_>,
    tail: &'a Tail<'_>,
    chain: &mut Chain,
    dispatch: &mut Dispatch<'a, '_>,
) -> Result<(), OpenError> {
    let mut previous = None;
    for (segment, mapping) in &tail.segments {
        if segment.start >= tail.begin {
            chain.enter(previous, segment)?;
        } else {
            verify_before(tail.begin, segment, mapping, chain)?;
        }
        chain.frames(segment, mapping.as_slice(), |address, record| {
            dispatch.record(context, address, record);
        });
        previous = Some(*segment);
    }
    match tail.segments.last() {
        Some((last, mapping)) => chain.finish(last, mapping.as_slice()),
        None => Ok(()),
    }
}

/// Verifies the frames of the first segment that are before the tail: the segment is in memory from
/// now on, so nobody will look at its checksums again.
fn verify_before(
    begin: u64,
    segment: &SegmentFile,
    mapping: &Mapping,
    chain: &Chain,
) -> Result<(), OpenError> {
    let bytes = mapping.as_slice();
    let before = &bytes[..bytes.len().min((begin - segment.start) as usize)];
    let frames = each_record(before, chain.log_id, segment.start, |_, _| {});
    if frames.end != begin {
        return Err(segment.corrupt(frames.end, "a frame is missing or damaged"));
    }
    if frames.last != 0 && frames.last != chain.last().0 {
        return Err(
            segment.corrupt(segment.start, "these are not the frames that a checkpoint saw")
        );
    }
    Ok(())
}

/// Gives records to the workers.
struct Dispatch<'a, 's> {
    senders: Vec<SyncSender<Vec<Seen<'a>>>>,
    batches: HashMap<usize, Vec<Seen<'a>>>,
    state: &'s mut State,
}

impl<'a> Dispatch<'a, '_> {
    fn record(&mut self, context: Context<'_>, address: u64, record: &View<'a>) {
        let header = &record.header;
        self.state.sequence = self.state.sequence.max(header.sequence);
        self.state.replayed += 1;
        match header.kind {
            Kind::Spaces => return self.state.set_table(record.value),
            // It says nothing about its key.
            Kind::BasePart => return,
            _ => {}
        }
        let options = context.options;
        let shard = (options.route)(record.key, options.shards);
        let seen = Seen {
            address,
            shard,
            kind: header.kind,
            space: header.space,
            len: header.total_len() as u32,
            expiry_ms: header.expiry_ms,
            key: record.key,
        };
        let worker = usize::from(shard) % self.senders.len();
        let batch = self.batches.entry(worker).or_default();
        batch.push(seen);
        if batch.len() >= BATCH {
            let batch = std::mem::take(batch);
            // A worker that is gone has an error to tell.
            drop(self.senders[worker].send(batch));
        }
    }

    fn flush(&mut self) {
        for (worker, batch) in self.batches.drain() {
            drop(self.senders[worker].send(batch));
        }
    }
}

/// A key with its hash.
#[derive(PartialEq, Eq)]
struct Hashed<'a> {
    hash: u64,
    space: u32,
    key: &'a [u8],
}

impl Hash for Hashed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash.rotate_left(self.space));
    }
}

/// The last record of a key, as far as seen.
struct Winner {
    /// Place of the shard among the worker's.
    shard: u16,
    address: u64,
    put: bool,
    slot: Slot,
}

/// Works on some of the shards.
struct Worker<'a, 't> {
    context: Context<'a>,
    tail: &'t Tail<'t>,
    shards: Vec<(usize, Parts)>,
    winners: HashMap<Hashed<'t>, Winner, Prehashed>,
}

impl<'t> Worker<'_, 't> {
    /// # Errors
    /// A record cannot be read.
    fn run(mut self, batches: Receiver<Vec<Seen<'t>>>) -> Result<Vec<(usize, Parts)>, OpenError> {
        let now_s = (self.context.options.clock.now_ms() / 1000) as u32;
        for batch in batches {
            batch.into_iter().for_each(|seen| self.see(seen, now_s));
            if self.winners.len() >= MAX_WINNERS {
                self.enter()?;
            }
        }
        self.enter()?;
        Ok(self.shards)
    }

    fn see(&mut self, seen: Seen<'t>, now_s: u32) {
        let long = long_hash(self.context.hash_seed, seen.key);
        let shard = self.shards.iter().position(|(shard, _)| *shard == usize::from(seen.shard));
        let shard = shard.expect("records go to the worker that has their shard") as u16;
        let (address, put) = (seen.address, seen.kind != Kind::Delete);
        let (to, len) = (seen.kind.entry_address(address), u64::from(seen.len));
        let slot = Slot::new(index_hash(long), to, len, seen.expiry_ms, now_s);
        let key = Hashed { hash: long, space: seen.space, key: seen.key };
        self.winners.insert(key, Winner { shard, address, put, slot });
    }

    /// Enters the winners so far.
    fn enter(&mut self) -> Result<(), OpenError> {
        let winners: Vec<(Hashed<'t>, Winner)> = self.winners.drain().collect();
        let (tail, shards) = (self.tail, &mut self.shards);
        let mut questions: Vec<Question> = Vec::new();
        for (number, (key, winner)) in winners.iter().enumerate() {
            let index = index_of(self.context.trash, shards, key, winner);
            let before = questions.len();
            let place = index.find(winner.slot.hash(), |slot| {
                let address = lasting_record(slot.address());
                match tail.at(address) {
                    Some(record) => has_key(record, key.key),
                    None => {
                        questions.push(Question { address, winner: number });
                        false
                    }
                }
            });
            if place.is_some() {
                questions.truncate(before);
            }
            if questions.len() == before {
                apply(index, place, winner);
            }
        }
        let asked: Vec<usize> = questions.iter().map(|question| question.winner).collect();
        let segments = self.context.segments;
        let answers = answer(segments, &mut questions, |number| winners[number].0.key)
            .map_err(OpenError::io("read records in", &self.context.options.dir))?;
        let found: HashMap<usize, u64> =
            answers.into_iter().map(|yes| (yes.winner, yes.address)).collect();
        let mut last = None;
        for number in asked {
            // One winner may have asked about several entries, one after another.
            if last.replace(number) != Some(number) {
                let (key, winner) = &winners[number];
                let index = index_of(self.context.trash, shards, key, winner);
                let place = found.get(&number).and_then(|address| {
                    let is_it = |slot: Slot| lasting_record(slot.address()) == *address;
                    index.find(winner.slot.hash(), is_it)
                });
                apply(index, place, winner);
            }
        }
        Ok(())
    }
}

fn index_of<'i>(
    trash: &Trash,
    shards: &'i mut [(usize, Parts)],
    key: &Hashed<'_>,
    winner: &Winner,
) -> &'i mut Index {
    shards[usize::from(winner.shard)]
        .1
        .entry(key.space)
        .or_insert_with(|| Index::new(trash.clone()))
}

/// Enters the last record of a key whose entry is at `place`. The checkpoint may have seen a later
/// one.
fn apply(index: &mut Index, place: Option<Place>, winner: &Winner) {
    match place {
        Some(place) => {
            let old = lasting_record(index.slot(place).address());
            let is_newer = is_in_log(old) && old > winner.address;
            match (is_newer, winner.put) {
                (true, _) => {}
                (false, true) => index.set(place, winner.slot),
                (false, false) => index.remove(place),
            }
        }
        None if winner.put => index.insert(winner.slot),
        None => {}
    }
}
