//! The measured work: clients that read and write random keys, and check what they read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::histogram::Histogram;
use super::picks::Picks;
use super::versions::Versions;
use super::wire::{Answer, Wire, WireError};
use crate::client::ClientError;
use crate::dataset::{Values, key};
use crate::rng::Rng;

/// What is to be done.
pub struct Work<'a> {
    /// The server.
    pub port: u16,
    /// Connections, a thread each.
    pub clients: u64,
    /// Commands that each of them has on their way at a time.
    pub pipeline: u64,
    /// For how long.
    pub time: Duration,
    /// Of a hundred commands, how many are SET; the others are GET.
    pub write_percent: u64,
    /// Which keys.
    pub picks: &'a Picks,
    /// Which values.
    pub values: Values,
    /// What has been written so far.
    pub versions: &'a Versions,
    /// Where chance begins.
    pub seed: u64,
}

/// What happened.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Commands answered.
    pub commands: u64,
    /// Of these, GET.
    pub reads: u64,
    /// Values that were not what they had to be.
    pub wrong: u64,
    /// Values that were not there.
    pub missing: u64,
    /// From a pipeline's sending to each of its replies.
    pub latency: Histogram,
    /// How long it took.
    pub time: Duration,
}

impl Outcome {
    /// Commands a second.
    pub fn rate(&self) -> f64 {
        self.commands as f64 / self.time.as_secs_f64()
    }

    fn merge(&mut self, other: &Outcome) {
        self.commands += other.commands;
        self.reads += other.reads;
        self.wrong += other.wrong;
        self.missing += other.missing;
        self.latency.merge(&other.latency);
    }
}

/// Does the work.
///
/// # Errors
/// See [`WireError`]; wrong values are none, they are counted.
pub fn drive(work: &Work<'_>) -> Result<Outcome, WireError> {
    let failed = AtomicBool::new(false);
    let started = Instant::now();
    let mut total = Outcome::default();
    std::thread::scope(|scope| -> Result<(), WireError> {
        let clients: Vec<_> = (0..work.clients)
            .map(|number| {
                let failed = &failed;
                scope.spawn(move || {
                    let result = Client::new(work, number).and_then(|c| c.run(started, failed));
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    result
                })
            })
            .collect();
        for client in clients {
            let outcome = client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            total.merge(&outcome?);
        }
        Ok(())
    })?;
    total.time = started.elapsed();
    Ok(total)
}

/// A command on its way: a read and the oldest version it may see, or a write and its version.
#[derive(Clone, Copy)]
enum Sent {
    Get { key: u64, oldest: u64 },
    Set { key: u64, version: u64 },
}

struct Client<'a> {
    work: &'a Work<'a>,
    number: u64,
    wire: Wire,
    rng: Rng,
    sent: Vec<Sent>,
    value: Vec<u8>,
    outcome: Outcome,
}

impl<'a> Client<'a> {
    fn new(work: &'a Work<'a>, number: u64) -> Result<Client<'a>, WireError> {
        Ok(Client {
            work,
            number,
            wire: Wire::connect(work.port).map_err(ClientError::Io)?,
            rng: Rng::new(Rng::new(work.seed ^ number.rotate_left(40)).bits()),
            sent: Vec::new(),
            value: Vec::new(),
            outcome: Outcome::default(),
        })
    }

    fn run(mut self, started: Instant, failed: &AtomicBool) -> Result<Outcome, WireError> {
        while started.elapsed() < self.work.time && !failed.load(Ordering::Relaxed) {
            self.send()?;
            self.receive()?;
        }
        Ok(self.outcome)
    }

    fn send(&mut self) -> Result<(), WireError> {
        let Work { picks, values, versions, clients, .. } = self.work;
        self.sent.clear();
        for _ in 0..self.work.pipeline {
            if self.rng.chance(self.work.write_percent) {
                let n = picks.pick_own(&mut self.rng, self.number, *clients);
                let version = versions.send(n);
                self.value.clear();
                values.append(n, version, &mut self.value);
                self.wire.set(&key(n), &self.value);
                self.sent.push(Sent::Set { key: n, version });
            } else {
                let n = picks.pick(&mut self.rng);
                self.wire.get(&key(n));
                self.sent.push(Sent::Get { key: n, oldest: versions.oldest(n) });
            }
        }
        self.wire.flush()
    }

    fn receive(&mut self) -> Result<(), WireError> {
        let since = Instant::now();
        for sent in &self.sent {
            let answer = self.wire.answer()?;
            self.outcome.latency.add(since.elapsed());
            self.outcome.commands += 1;
            check(self.work, *sent, &answer, &mut self.outcome)?;
        }
        Ok(())
    }
}

/// Counts what is wrong with the answer to a command.
fn check(
    work: &Work<'_>,
    sent: Sent,
    answer: &Answer<'_>,
    outcome: &mut Outcome,
) -> Result<(), WireError> {
    match (sent, answer) {
        (Sent::Set { key, version }, Answer::Done) => work.versions.acknowledge(key, version),
        (Sent::Get { key, oldest }, Answer::Value(value)) => {
            outcome.reads += 1;
            let version = work.values.version_of(key, value);
            let allowed = work.versions.allowed(key, oldest);
            outcome.wrong += u64::from(!version.is_some_and(|v| allowed.contains(&v)));
        }
        (Sent::Get { .. }, Answer::Missing) => {
            outcome.reads += 1;
            outcome.missing += 1;
        }
        (_, other) => return Err(WireError::Unexpected(format!("{other:?}"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::large::picks::Distribution;

    #[test]
    fn stale_foreign_and_missing_values_are_noticed() {
        let values = Values::of(40);
        let versions = Versions::new(4);
        versions.acknowledge(2, versions.send(2));
        let picks = Picks::new(4, Distribution::Uniform);
        let (port, clients, pipeline, time) = (0, 1, 1, Duration::ZERO);
        let work = Work {
            port,
            clients,
            pipeline,
            time,
            write_percent: 0,
            picks: &picks,
            values,
            versions: &versions,
            seed: 1,
        };
        let verdict = |answer: &Answer<'_>| {
            let mut outcome = Outcome::default();
            let sent = Sent::Get { key: 2, oldest: versions.oldest(2) };
            check(&work, sent, answer, &mut outcome).expect("a reply to GET");
            (outcome.wrong, outcome.missing)
        };
        assert_eq!(verdict(&Answer::Value(&values.value(2, 1))), (0, 0));
        assert_eq!(verdict(&Answer::Value(&values.value(2, 0))), (1, 0), "stale");
        assert_eq!(verdict(&Answer::Value(&values.value(2, 2))), (1, 0), "never written");
        assert_eq!(verdict(&Answer::Value(&values.value(3, 1))), (1, 0), "another key's");
        assert_eq!(verdict(&Answer::Missing), (0, 1));
    }
}
