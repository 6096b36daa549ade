//! Counters of the command layer: what INFO, the metrics exporter and CONFIG RESETSTAT work on.
//!
//! All counters are relaxed atomics: each is exact, but two of them read together need not belong
//! to the same instant.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;

use crate::table;

/// Number of latency buckets: four to an octave from 1 µs to 2²² µs (4 s), one below, one above.
pub const BUCKETS: usize = 22 * 4 + 2;

/// Most kinds of errors counted by name; an error's first word is chosen by whoever wrote the
/// error, some of which quote the client.
const MAX_ERROR_KINDS: usize = 128;

/// Samples of the recent rate, and how far they are apart in milliseconds.
const RATE_SAMPLES: usize = 16;
const RATE_INTERVAL_MS: u64 = 100;

/// The bucket of a duration.
fn bucket_of(nanos: u64) -> usize {
    // In units of 1/4 µs, so that an octave's four steps are its two bits below the leading one.
    let quarters = nanos / 250;
    if quarters < 4 {
        return 0;
    }
    let octave = quarters.ilog2() - 2;
    let step = (quarters >> octave) as usize - 4;
    (1 + octave as usize * 4 + step).min(BUCKETS - 1)
}

/// Upper bound of a bucket in nanoseconds (exclusive); `None` for the last one.
pub fn bucket_limit(bucket: usize) -> Option<u64> {
    match bucket {
        0 => Some(1_000),
        b if b < BUCKETS - 1 => {
            let (octave, step) = ((b - 1) / 4, (b - 1) as u64 % 4);
            Some(((5 + step) << octave) * 250)
        }
        _ => None,
    }
}

/// Figures of one command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandFigures {
    /// Full name: `get`, `client|list`.
    pub name: &'static str,
    /// Executions.
    pub calls: u64,
    /// Time they took together, in nanoseconds.
    pub nanos: u64,
    /// Executions that ended with an error.
    pub failed: u64,
    /// Refused before execution: wrong number of arguments, not authenticated, read-only store.
    pub rejected: u64,
}

struct CommandCounters {
    calls: AtomicU64,
    nanos: AtomicU64,
    failed: AtomicU64,
    rejected: AtomicU64,
    latency: [AtomicU64; BUCKETS],
}

impl CommandCounters {
    fn new() -> CommandCounters {
        CommandCounters {
            calls: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            latency: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }

    fn reset(&self) {
        let counters = [&self.calls, &self.nanos, &self.failed, &self.rejected];
        for counter in counters.into_iter().chain(&self.latency) {
            counter.store(0, Relaxed);
        }
    }
}

/// Totals of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Commands executed.
    pub commands: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections refused for `maxclients` or protected mode.
    pub refused: u64,
    /// Bytes received from clients.
    pub bytes_in: u64,
    /// Bytes of replies.
    pub bytes_out: u64,
    /// Pieces of input executed.
    pub reads: u64,
    /// Error replies.
    pub errors: u64,
    /// Lookups of keys by reading commands that found a key.
    pub hits: u64,
    /// Those that did not.
    pub misses: u64,
}

/// Recent rates per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Commands.
    pub commands: f64,
    /// Bytes received.
    pub bytes_in: f64,
    /// Bytes of replies.
    pub bytes_out: f64,
}

#[derive(Clone, Copy, Default)]
struct Sample {
    at_ms: u64,
    commands: u64,
    bytes_in: u64,
    bytes_out: u64,
}

#[derive(Default)]
struct Samples {
    ring: [Sample; RATE_SAMPLES],
    next: usize,
}

/// A counter that every command adds to. Each thread adds to one of several cache lines, so that
/// schedulers do not take them from one another.
struct Striped([Stripe; STRIPES]);

/// One cache line; 128 bytes because processors fetch them in pairs.
#[repr(align(128))]
struct Stripe(AtomicU64);

const STRIPES: usize = 8;

impl Striped {
    const fn new() -> Striped {
        Striped([const { Stripe(AtomicU64::new(0)) }; STRIPES])
    }

    #[inline]
    fn add(&self, count: u64) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: usize = NEXT.fetch_add(1, Relaxed) % STRIPES;
        }
        OWN.with(|own| self.0[*own].0.fetch_add(count, Relaxed));
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Relaxed)).sum()
    }

    fn reset(&self) {
        self.0.iter().for_each(|stripe| stripe.0.store(0, Relaxed));
    }
}

/// Key lookups of the commands that run, until they are counted: a command that stops and is run
/// again must not count twice.
#[derive(Debug, Default)]
pub struct Tally {
    hits: Cell<u64>,
    misses: Cell<u64>,
    /// Hits and misses of commands that are done.
    settled: Cell<(u64, u64)>,
}

impl Tally {
    /// Notes a lookup that found its key, or did not.
    #[inline]
    pub fn add(&self, hit: bool) {
        let counter = if hit { &self.hits } else { &self.misses };
        counter.set(counter.get() + 1);
    }

    /// The command is done: its lookups count.
    #[inline]
    pub(crate) fn settle(&self) {
        self.settled.set((self.hits.get(), self.misses.get()));
    }

    /// The command will be run again: its lookups were none.
    pub(crate) fn forget(&self) {
        let (hits, misses) = self.settled.get();
        self.hits.set(hits);
        self.misses.set(misses);
    }

    /// Takes what has been settled, as hits and misses.
    pub(crate) fn take(&self) -> (u64, u64) {
        self.forget();
        self.hits.set(0);
        self.misses.set(0);
        self.settled.take()
    }
}

/// All counters of a server.
pub struct Stats {
    by_command: Box<[CommandCounters]>,
    errors_by_kind: Mutex<BTreeMap<String, u64>>,
    commands: AtomicU64,
    connections: AtomicU64,
    refused: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    reads: AtomicU64,
    errors: AtomicU64,
    hits: Striped,
    misses: Striped,
    sampled_ms: AtomicU64,
    samples: Mutex<Samples>,
}

impl Default for Stats {
    fn default() -> Stats {
        Stats::new()
    }
}

impl Stats {
    /// All zero.
    pub fn new() -> Stats {
        Stats {
            by_command: table::entries().iter().map(|_| CommandCounters::new()).collect(),
            errors_by_kind: Mutex::default(),
            commands: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            hits: Striped::new(),
            misses: Striped::new(),
            sampled_ms: AtomicU64::new(0),
            samples: Mutex::default(),
        }
    }

    /// Back to zero (CONFIG RESETSTAT).
    pub fn reset(&self) {
        for counters in &self.by_command {
            counters.reset();
        }
        self.hits.reset();
        self.misses.reset();
        self.errors_by_kind.lock().clear();
        *self.samples.lock() = Samples::default();
        for counter in [
            &self.commands,
            &self.connections,
            &self.refused,
            &self.bytes_in,
            &self.bytes_out,
            &self.reads,
            &self.errors,
            &self.sampled_ms,
        ] {
            counter.store(0, Relaxed);
        }
    }

    /// Counts `calls` executions of command `index` that took `elapsed` together.
    pub(crate) fn executed(&self, index: usize, calls: u64, failed: u64, elapsed: Duration) {
        let counters = &self.by_command[index];
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        counters.calls.fetch_add(calls, Relaxed);
        counters.nanos.fetch_add(nanos, Relaxed);
        counters.latency[bucket_of(nanos / calls.max(1))].fetch_add(calls, Relaxed);
        if failed > 0 {
            counters.failed.fetch_add(failed, Relaxed);
        }
    }

    /// Counts a command refused before execution.
    pub(crate) fn rejected(&self, index: usize) {
        self.by_command[index].rejected.fetch_add(1, Relaxed);
    }

    /// Counts an error reply by its first word.
    pub(crate) fn error(&self, text: &[u8]) {
        self.errors.fetch_add(1, Relaxed);
        let word = text.split(|&b| b == b' ').next().unwrap_or_default();
        let kind = String::from_utf8_lossy(word);
        let mut kinds = self.errors_by_kind.lock();
        if let Some(count) = kinds.get_mut(kind.as_ref()) {
            *count += 1;
        } else if kinds.len() < MAX_ERROR_KINDS {
            kinds.insert(kind.into_owned(), 1);
        }
    }

    /// Counts one piece of input, empty when what had stopped goes on, and what came of it.
    pub(crate) fn batch(&self, now_ms: u64, commands: u64, bytes_in: usize, bytes_out: usize) {
        self.commands.fetch_add(commands, Relaxed);
        self.bytes_in.fetch_add(bytes_in as u64, Relaxed);
        self.bytes_out.fetch_add(bytes_out as u64, Relaxed);
        self.reads.fetch_add(u64::from(bytes_in > 0), Relaxed);
        if now_ms.saturating_sub(self.sampled_ms.load(Relaxed)) >= RATE_INTERVAL_MS {
            self.sample(now_ms);
        }
    }

    fn sample(&self, now_ms: u64) {
        // Whoever finds the lock taken has nothing to add: the other sample is as fresh.
        let Some(mut samples) = self.samples.try_lock() else { return };
        self.sampled_ms.store(now_ms, Relaxed);
        let next = samples.next;
        samples.ring[next] = self.sample_at(now_ms);
        samples.next = (next + 1) % RATE_SAMPLES;
    }

    fn sample_at(&self, at_ms: u64) -> Sample {
        Sample {
            at_ms,
            commands: self.commands.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
        }
    }

    /// Rates since the oldest of the recent samples: over about 1.6 s of a busy server, over its
    /// idle time of an idle one.
    pub fn rates(&self, now_ms: u64) -> Rates {
        let now = self.sample_at(now_ms);
        let samples = self.samples.lock();
        let oldest = samples.ring.iter().filter(|s| s.at_ms > 0).min_by_key(|s| s.at_ms);
        let Some(then) = oldest.filter(|s| s.at_ms < now_ms) else { return Rates::default() };
        let seconds = (now_ms - then.at_ms) as f64 / 1000.0;
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        Rates {
            commands: rate(now.commands, then.commands),
            bytes_in: rate(now.bytes_in, then.bytes_in),
            bytes_out: rate(now.bytes_out, then.bytes_out),
        }
    }

    /// Counts an accepted connection.
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    /// Counts a refused connection.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// Counts key lookups of reading commands, for `keyspace_hits` and `keyspace_misses`.
    pub(crate) fn lookups(&self, hits: u64, misses: u64) {
        if hits > 0 {
            self.hits.add(hits);
        }
        if misses > 0 {
            self.misses.add(misses);
        }
    }

    /// The totals.
    pub fn totals(&self) -> Totals {
        Totals {
            commands: self.commands.load(Relaxed),
            connections: self.connections.load(Relaxed),
            refused: self.refused.load(Relaxed),
            bytes_in: self.bytes_in.load(Relaxed),
            bytes_out: self.bytes_out.load(Relaxed),
            reads: self.reads.load(Relaxed),
            errors: self.errors.load(Relaxed),
            hits: self.hits.sum(),
            misses: self.misses.sum(),
        }
    }

    /// Figures of every command that was called or refused at least once.
    pub fn commands(&self) -> Vec<CommandFigures> {
        let figures =
            table::entries().iter().zip(&self.by_command).map(|(entry, c)| CommandFigures {
                name: &entry.full_name,
                calls: c.calls.load(Relaxed),
                nanos: c.nanos.load(Relaxed),
                failed: c.failed.load(Relaxed),
                rejected: c.rejected.load(Relaxed),
            });
        figures.filter(|f| f.calls + f.rejected > 0).collect()
    }

    /// Error replies by their first word, in alphabetic order.
    pub fn errors(&self) -> Vec<(String, u64)> {
        self.errors_by_kind.lock().iter().map(|(kind, count)| (kind.clone(), *count)).collect()
    }

    /// Executions of all commands by duration: upper bound in microseconds (`None`: unbounded) and
    /// count, one bucket an octave.
    pub fn latency(&self) -> Vec<(Option<u64>, u64)> {
        let mut merged: Vec<(Option<u64>, u64)> = Vec::new();
        let mut count = 0;
        for bucket in 0..BUCKETS {
            count += self.by_command.iter().map(|c| c.latency[bucket].load(Relaxed)).sum::<u64>();
            let ends_octave = bucket % 4 == 0 || bucket == BUCKETS - 1;
            if ends_octave {
                merged.push((bucket_limit(bucket).map(|nanos| nanos / 1_000), count));
                count = 0;
            }
        }
        merged
    }

    /// Durations in nanoseconds below which the given parts (0..=1) of a command's executions
    /// stayed, to the resolution of the buckets; `None` without executions.
    pub fn percentiles<const N: usize>(&self, index: usize, parts: [f64; N]) -> Option<[u64; N]> {
        let buckets = self.by_command[index].latency.iter().map(|c| c.load(Relaxed));
        let counts: Vec<u64> = buckets.collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return None;
        }
        Some(parts.map(|part| {
            let wanted = (total as f64 * part).ceil().max(1.0) as u64;
            let mut seen = 0;
            let reached = counts.iter().position(|count| {
                seen += count;
                seen >= wanted
            });
            let bucket = reached.unwrap_or(BUCKETS - 1).min(BUCKETS - 2);
            bucket_limit(bucket).unwrap_or(u64::MAX)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_partition_time() {
        for bucket in 0..BUCKETS - 1 {
            let limit = bucket_limit(bucket).expect("bounded");
            assert_eq!(bucket_of(limit - 1), bucket, "below {limit}");
            assert_eq!(bucket_of(limit), bucket + 1, "at {limit}");
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        assert_eq!(bucket_limit(BUCKETS - 1), None);
    }

    #[test]
    fn octaves_are_powers_of_two_of_microseconds() {
        let limits: Vec<_> = Stats::new().latency().into_iter().map(|(limit, _)| limit).collect();
        let expected = (0..=22).map(|k| Some(1u64 << k)).chain([None]);
        assert_eq!(limits, expected.collect::<Vec<_>>());
    }

    #[test]
    fn executions_are_counted_and_reset() {
        let stats = Stats::new();
        stats.executed(0, 4, 1, Duration::from_micros(40));
        stats.rejected(0);
        let figures = &stats.commands()[0];
        assert_eq!((figures.calls, figures.nanos), (4, 40_000));
        assert_eq!((figures.failed, figures.rejected), (1, 1));
        assert_eq!(stats.percentiles(0, [0.5]), Some([12_000]));
        stats.reset();
        assert!(stats.commands().is_empty());
    }

    #[test]
    fn kinds_of_errors_are_bounded() {
        let stats = Stats::new();
        for n in 0..1_000 {
            stats.error(format!("E{n} text").as_bytes());
        }
        assert_eq!(stats.errors().len(), MAX_ERROR_KINDS);
        assert_eq!(stats.totals().errors, 1_000);
    }

    #[test]
    fn rate_of_an_idle_server_falls() {
        let stats = Stats::new();
        stats.batch(10_000, 0, 0, 0);
        stats.batch(11_000, 500, 0, 0);
        assert_eq!(stats.rates(11_000).commands, 500.0);
        assert_eq!(stats.rates(60_000).commands, 10.0);
    }
}
