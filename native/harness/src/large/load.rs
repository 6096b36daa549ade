//! Filling a server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::wire::{Answer, Wire, WireError};
use crate::client::ClientError;
use crate::dataset::{Values, key};

/// Connections that load at the same time.
const CLIENTS: u64 = 4;

/// Writes on their way at a time, for each connection.
const PIPELINE: u64 = 256;

/// Writes version 0 of the keys `0..keys`, each connection a part of them, and returns how long it
/// took.
///
/// # Errors
/// See [`WireError`].
pub fn load(port: u16, keys: u64, values: Values) -> Result<Duration, WireError> {
    let started = Instant::now();
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| client(port, keys, values, &next))).collect();
        for client in clients {
            client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(started.elapsed())
    })
}

/// One connection: takes the next keys that nobody has taken, until there are none.
fn client(port: u16, keys: u64, values: Values, next: &AtomicU64) -> Result<(), WireError> {
    let mut wire = Wire::connect(port).map_err(ClientError::Io)?;
    let mut value = Vec::new();
    loop {
        let from = next.fetch_add(PIPELINE, Ordering::Relaxed);
        if from >= keys {
            return Ok(());
        }
        let to = keys.min(from + PIPELINE);
        for n in from..to {
            value.clear();
            values.append(n, 0, &mut value);
            wire.set(&key(n), &value);
        }
        wire.flush()?;
        for _ in from..to {
            match wire.answer()? {
                Answer::Done => {}
                other => return Err(WireError::Unexpected(format!("{other:?} to SET"))),
            }
        }
    }
}
