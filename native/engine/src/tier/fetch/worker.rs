//! A fetching thread.

use std::collections::HashMap;
use std::io::{Error, Result};
use std::mem;
use std::sync::Arc;

use super::batch::{Job, merge};
use super::{ColdRef, Fetcher, Flight, Landing, State, count};
use crate::io::{BatchReader, Read, Waker};

/// One thread's part of the work. Dropping it, also while a panic unwinds, ends the flights of all
/// it had taken, so that nobody waits for ever.
pub(super) struct Worker<'a> {
    fetcher: &'a Fetcher,
    landing: &'a dyn Landing,
    number: usize,
    waker: Waker,
    /// Reads in flight by their tokens, and the bytes of all of them.
    jobs: HashMap<u64, Job>,
    bytes: u64,
    next_token: u64,
    /// Reads that wait for room in the reader.
    backlog: Vec<Job>,
    /// Flights that have ended and whose waiters have not been called.
    finished: Vec<Flight>,
    /// Records taken from the queue that are not part of a job yet.
    taken: Vec<ColdRef>,
}

impl<'a> Worker<'a> {
    /// Joins the others; `None` if the fetcher has stopped.
    pub(super) fn start(
        fetcher: &'a Fetcher,
        landing: &'a dyn Landing,
        waker: Waker,
    ) -> Option<Self> {
        let mut state = fetcher.state.lock();
        if state.stopped {
            return None;
        }
        state.started += 1;
        state.running += 1;
        Some(Self {
            fetcher,
            landing,
            number: state.started,
            waker,
            jobs: HashMap::new(),
            bytes: 0,
            next_token: 0,
            backlog: Vec::new(),
            finished: Vec::new(),
            taken: Vec::new(),
        })
    }

    /// Works until the fetcher stops.
    pub(super) fn work(&mut self, reader: &mut dyn BatchReader) {
        while self.take(reader.depth() - reader.in_flight()) {
            self.plan();
            self.submit(reader);
            if self.finished.is_empty() {
                reader.wait(&mut |token, bytes| self.complete(token, bytes));
            }
        }
        // Their memory is in the kernel's hands until they have ended, so they may as well land.
        while reader.in_flight() > 0 {
            reader.wait(&mut |token, bytes| self.complete(token, bytes));
        }
    }

    /// Has the waiters called of what is finished, and takes as much from the queue as there is
    /// room for. False when the fetcher has stopped.
    fn take(&mut self, room: usize) -> bool {
        let finished = mem::take(&mut self.finished);
        let mut state = self.fetcher.state.lock();
        let waiters = state.flights.finish(finished);
        let stopped = state.stopped;
        let mut next = None;
        if !stopped {
            state.idle.retain(|(number, _)| *number != self.number);
            let full = self.take_refs(&mut state, room);
            if !state.queue.is_empty() {
                next = state.idle.pop();
            } else if !full {
                state.idle.push((self.number, Arc::clone(&self.waker)));
            }
        }
        drop(state);
        if let Some((_, wake)) = next {
            wake();
        }
        self.fetcher.call(waiters);
        !stopped
    }

    /// Takes records from the queue; true if there was no room for all that there are, or would be
    /// none for another one.
    fn take_refs(&mut self, state: &mut State, room: usize) -> bool {
        let room = room.saturating_sub(self.backlog.len());
        let mut bytes = self.bytes + self.backlog.iter().map(Job::len).sum::<u64>();
        loop {
            let full = self.taken.len() >= room || (bytes > 0 && bytes >= self.fetcher.max_bytes);
            let Some(cold) = state.queue.front().filter(|_| !full) else { return full };
            let with = bytes + u64::from(cold.len);
            // One that is longer than the bound goes alone.
            if bytes > 0 && with > self.fetcher.max_bytes {
                return true;
            }
            bytes = with;
            self.taken.extend(state.queue.pop_front());
        }
    }

    /// Makes reads of the records taken.
    fn plan(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let (mut jobs, mut failed) = (Vec::with_capacity(self.taken.len()), Vec::new());
        for cold in &self.taken {
            match Job::of(*cold, self.landing) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    self.fail(cold, &error);
                    failed.push(cold.flight());
                }
            }
        }
        // Only now, in case the landing panics.
        self.taken.clear();
        self.finished.extend(failed);
        let records = jobs.len();
        let merged = merge(jobs);
        count(&self.fetcher.counters.merged, (records - merged.len()) as u64);
        // Taken from the end, so that addresses ascend.
        self.backlog.extend(merged.into_iter().rev());
    }

    /// Gives the reader as much as it takes.
    fn submit(&mut self, reader: &mut dyn BatchReader) {
        while let Some(job) = self.backlog.pop() {
            let (len, token) = (job.len(), self.next_token);
            let file = Arc::clone(&job.file);
            // The length of a record is 32 bits, and merging keeps far below.
            let read = Read { file, offset: job.start, len: len as usize, token };
            if reader.submit(read).is_err() {
                self.backlog.push(job);
                return;
            }
            self.next_token += 1;
            self.bytes += len;
            self.jobs.insert(token, job);
            count(&self.fetcher.counters.reads, 1);
            count(&self.fetcher.counters.bytes, len);
        }
    }

    /// Takes in the outcome of a read.
    fn complete(&mut self, token: u64, outcome: Result<&[u8]>) {
        let Some(job) = self.jobs.remove(&token) else { return };
        self.bytes -= job.len();
        match outcome {
            Ok(bytes) => {
                self.finished.extend(job.parts.iter().map(|part| part.cold.flight()));
                for part in &job.parts {
                    self.landing.land(&part.cold, job.slice(part, bytes));
                }
            }
            Err(error) if job.parts.len() == 1 => {
                self.finished.push(job.parts[0].cold.flight());
                self.fail(&job.parts[0].cold, &error);
            }
            // A bad block is no reason to refuse its neighbours: each is read by itself.
            Err(_) => self.backlog.extend(job.split().rev()),
        }
    }

    fn fail(&self, cold: &ColdRef, error: &Error) {
        count(&self.fetcher.counters.failures, 1);
        self.landing.failed(cold, error);
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let mut ended = mem::take(&mut self.finished);
        ended.extend(self.taken.iter().map(ColdRef::flight));
        for job in self.jobs.values().chain(&self.backlog) {
            ended.extend(job.parts.iter().map(|part| part.cold.flight()));
        }
        let mut state = self.fetcher.state.lock();
        let mut waiters = state.flights.finish(ended);
        state.idle.retain(|(number, _)| *number != self.number);
        state.running -= 1;
        if state.running == 0 {
            state.stopped = true;
            waiters.extend(state.abandon());
        }
        drop(state);
        self.fetcher.call(waiters);
    }
}
