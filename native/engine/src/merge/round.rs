//! One round: from some segments to others.

use std::sync::Arc;

use super::control::{Halted, Throttle};
use super::fold::fold_all;
use super::hinted::{Hinted, Run, needs_value};
use super::output::Output;
use super::reader::{Found, ReadFailure, Reader};
use super::repoint::{Move, repoint_all};
use super::survey::Known;
use super::verdict::{Judge, Verdict};
use super::{MergeError, should_compress};
use crate::checkpoint::Checkpointer;
use crate::core::Core;
use crate::io::File;
use crate::log::Files;
use crate::record::compressed::Compressor;
use crate::record::{Header, Kind, total_len};
use crate::stats::Counters;

/// What a tombstone that merging writes says of the record it ends: nothing. Addresses do not last.
const NO_ADDRESS: [u8; 8] = [0; 8];

/// Why a round came to no end.
pub(super) enum Failure {
    Merge(MergeError),
    /// The segment with this number cannot be read.
    Read(u64, ReadFailure),
}

impl From<Halted> for Failure {
    fn from(halted: Halted) -> Failure {
        Failure::Merge(halted.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Merge(error.into())
    }
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Failure {
        Failure::Merge(error)
    }
}

/// A table of key spaces.
struct Spaces {
    header: Header,
    value: Vec<u8>,
}

pub(super) struct Round<'m> {
    core: &'m Core,
    files: &'m Files,
    checkpointer: &'m Checkpointer,
    judge: Judge<'m>,
    throttle: Throttle<'m>,
    next_id: &'m mut u64,
    compressor: Option<Compressor>,
    output: Option<Output>,
    /// The newest table found. Whether it is the newest of all does not matter: the one with the
    /// highest sequence counts.
    spaces: Option<Spaces>,
}

impl<'m> Round<'m> {
    pub(super) fn new(
        (core, files): (&'m Core, &'m Files),
        checkpointer: &'m Checkpointer,
        route: fn(&[u8], u16) -> u16,
        throttle: Throttle<'m>,
        next_id: &'m mut u64,
        pinned_from: u64,
    ) -> Round<'m> {
        Round {
            core,
            files,
            checkpointer,
            judge: Judge::new(core, route, pinned_from),
            throttle,
            next_id,
            compressor: Compressor::new(should_compress(core)),
            output: None,
            spaces: None,
        }
    }

    /// Copies what is needed of a segment.
    pub(super) fn merge(&mut self, input: &Known) -> Result<(), Failure> {
        let Some(place) = self.core.log.segments.on_disk(input.start) else { return Ok(()) };
        match Hinted::open(&place, self.files.log_id, input, &self.judge) {
            Some(hinted) => self.merge_hinted(input, hinted),
            None => self.merge_read(input, place.file),
        }
    }

    /// Copies what is needed of a segment by its hint: only that is read of the data.
    fn merge_hinted(&mut self, input: &Known, mut hinted: Hinted) -> Result<(), Failure> {
        let unreadable = |failure| Failure::Read(input.number, failure);
        self.account(hinted.hint_bytes())?;
        let mut found: Vec<Found> = Vec::new();
        let mut run = Run::default();
        loop {
            let spaces = &mut self.spaces;
            let note = |header: &Header, value: &[u8]| note_newest(spaces, header, value);
            if !hinted.next_group(&self.judge, &mut found, note).map_err(unreadable)? {
                return Ok(());
            }
            // A pause does not wait for groups of which nothing has to be read.
            self.account(0)?;
            self.judge.judge(hinted.keys(), &mut found);
            for (at, record) in found.iter().enumerate() {
                if needs_value(record) && !run.covers(record) {
                    let read = run.load(&hinted, &found[at..]).map_err(unreadable)?;
                    self.account(read)?;
                }
                let value = match needs_value(record) {
                    true => run.value(&hinted, record).map_err(unreadable)?,
                    false => &[],
                };
                self.settle(input, record, record.key(hinted.keys()), value)?;
            }
        }
    }

    /// Copies what is needed of a segment after reading all of it.
    fn merge_read(&mut self, input: &Known, file: Arc<dyn File>) -> Result<(), Failure> {
        let mut reader = Reader::new(file, self.files.log_id, input.start, input.summary.end);
        let mut found: Vec<Found> = Vec::new();
        loop {
            let outcome = reader.next_piece(&mut found);
            outcome.map_err(|failure| Failure::Read(input.number, failure))?;
            if found.is_empty() {
                return Ok(());
            }
            self.account(reader.piece().len() as u64)?;
            self.judge.judge(reader.piece(), &mut found);
            for record in &found {
                self.settle(input, record, record.key(reader.piece()), reader.value(record))?;
            }
        }
    }

    /// Counts bytes that have been read, and waits as long as they may take.
    fn account(&mut self, read: u64) -> Result<(), Failure> {
        Counters::add(&self.core.log.counters.merge_read, read);
        Ok(self.throttle.spend(read)?)
    }

    fn settle(
        &mut self,
        input: &Known,
        record: &Found,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), Failure> {
        match (record.header.kind, record.verdict) {
            (_, Verdict::Stay) => {
                let (offset, what) = (record.address - input.start, "a value's base is damaged");
                Err(Failure::Read(input.number, ReadFailure::Damage { offset, what }))
            }
            (Kind::Spaces, _) => {
                note_newest(&mut self.spaces, &record.header, value);
                Ok(())
            }
            (_, Verdict::Drop | Verdict::Fold) => Ok(()),
            (Kind::Put, Verdict::Copy) => self.copy_value(record, key, value),
            (Kind::Delete, Verdict::Copy) | (_, Verdict::End) => self.end(record, key),
            (_, Verdict::Copy) => self.copy(record, &record.header, key, value),
        }
    }

    /// Copies a value, compressed if that is wanted and pays.
    fn copy_value(&mut self, record: &Found, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        let Some(mut compressor) = self.compressor.take() else {
            return self.copy(record, &record.header, key, value);
        };
        let outcome = match compressor.compress(value) {
            Some(packed) => {
                let (kind, value_len) = (Kind::PutCompressed, packed.len() as u32);
                self.copy(record, &Header { kind, value_len, ..record.header }, key, packed)
            }
            None => self.copy(record, &record.header, key, value),
        };
        self.compressor = Some(compressor);
        outcome
    }

    fn copy(
        &mut self,
        record: &Found,
        header: &Header,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), Failure> {
        let to = self.write(header, key, value)?;
        let (len, space) = (header.total_len(), header.space);
        let moved =
            Move { from: record.address, to, len, hash: record.hash, space, shard: record.shard };
        self.output.as_mut().expect("it was just written to").moves.push(moved);
        Ok(())
    }

    /// Writes a tombstone for the record's key.
    fn end(&mut self, record: &Found, key: &[u8]) -> Result<(), Failure> {
        let (kind, value_len) = (Kind::Delete, NO_ADDRESS.len() as u32);
        let header = Header { kind, value_len, tag: 0, expiry_ms: 0, ..record.header };
        self.write(&header, key, &NO_ADDRESS).map(drop)
    }

    /// Writes a record to the open output, or to a new one; returns its address.
    fn write(&mut self, header: &Header, key: &[u8], value: &[u8]) -> Result<u64, Failure> {
        let len = total_len(key.len(), value.len());
        if self.output.as_ref().is_some_and(|output| !output.fits(len)) {
            self.finish_output()?;
        }
        let output = match &mut self.output {
            Some(output) => output,
            none => none.insert(begin(self.files, self.next_id, len)?),
        };
        let (address, written) = output.push(header, key, value)?;
        if written > 0 {
            self.throttle.spend(written)?;
        }
        Ok(address)
    }

    /// Makes the open output a lasting part of the store, and points the index to it. The inputs are
    /// there as well until a list of segments without them is published. The output is lasting first,
    /// since a delta may be logged that says where in it the value's base is.
    fn finish_output(&mut self) -> Result<(), Failure> {
        let Some(output) = &mut self.output else { return Ok(()) };
        let mut finished = output.finish(self.files)?;
        self.output = None;
        let segments = &self.core.log.segments;
        let (number, file) = (finished.number, Arc::clone(&finished.file));
        segments.add(number, finished.span, None, Some(file));
        segments.set_summary(number, finished.summary);
        self.checkpointer.publish_segments()?;
        self.core.warm(number);
        Counters::add(
            &self.core.log.counters.merge_written,
            finished.summary.end - segments.start(number),
        );
        Counters::add(&self.core.log.counters.hints, finished.hint_bytes);
        repoint_all(self.core, &mut finished.moves, &mut self.judge.folds);
        Ok(())
    }

    /// The inputs have been read.
    pub(super) fn finish(&mut self, inputs: &[Known]) -> Result<(), Failure> {
        if let Some(Spaces { header, value }) = self.spaces.take() {
            self.write(&header, &[], &value)?;
        }
        self.finish_output()?;
        fold_all(self.core, &self.judge.folds, inputs, &mut self.throttle)
    }

    /// Removes what is unfinished. A file that cannot be removed has no meaning, and goes when the
    /// store is opened again.
    pub(super) fn discard(&mut self) {
        if let Some(output) = self.output.take() {
            drop(self.files.discard_merged(output.id()));
        }
    }
}

/// Keeps the younger one of two tables of key spaces.
fn note_newest(spaces: &mut Option<Spaces>, header: &Header, value: &[u8]) {
    if spaces.as_ref().is_none_or(|old| old.header.sequence < header.sequence) {
        *spaces = Some(Spaces { header: *header, value: value.to_vec() });
    }
}

/// Begins a merged segment; its id is not given out again even if it comes to nothing.
fn begin(files: &Files, next_id: &mut u64, len: u64) -> std::io::Result<Output> {
    let id = *next_id;
    *next_id += 1;
    let output = Output::create(files, id, len)?;
    *next_id = id + u64::from(output.span());
    Ok(output)
}
