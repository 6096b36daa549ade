//! Hashes with fields that expire: which of them have fields to be removed.
//!
//! Nobody sees a field that is over, but it takes memory until a change of its hash removes it, and a
//! hash whose fields are all over is still counted as a key. So each hash whose fields get an expiry
//! is noted here with its earliest one, and the next call of the executor after that time removes
//! what is over: before its commands, so that what they are told is true.
//!
//! The notes are in memory only. After a restart, and in another database after SWAPDB, a hash is
//! noted again by its next change, or by a read that meets fields that are over.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ferric_engine::{Access, Key, Meta};
use parking_lot::Mutex;

use crate::context::Fault;
use crate::slot;
use crate::values::hash::{EXPIRING, Edit, Hash};
use crate::values::{Change, Collection, Held, commit};

/// Hashes that are noted at most, so that the notes stay within about 100 MB.
const MAX_NOTED: usize = 1 << 20;

/// Hashes looked at by one call: each has at most some tens of fields removed at a time.
const AT_ONCE: usize = 32;

/// When what could not be done now is tried again, in milliseconds.
const RETRY_MS: u64 = 500;

/// A key: its database and its name.
type Name = (u16, Arc<[u8]>);

/// The notes.
pub struct FieldExpiry {
    /// No noted time is earlier.
    earliest_ms: AtomicU64,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    order: BTreeSet<(u64, Name)>,
    times: HashMap<Name, u64>,
}

impl Default for FieldExpiry {
    fn default() -> FieldExpiry {
        FieldExpiry { earliest_ms: AtomicU64::new(u64::MAX), notes: Mutex::default() }
    }
}

impl FieldExpiry {
    /// Notes a hash that may have a field to be removed once the clock has passed `at_ms`, Unix
    /// milliseconds.
    pub fn note(&self, database: u16, key: &[u8], at_ms: u64) {
        let mut notes = self.notes.lock();
        let name: Name = (database, Arc::from(key));
        match notes.times.get(&name) {
            Some(&noted) if noted <= at_ms => return,
            Some(&noted) => {
                notes.order.remove(&(noted, name.clone()));
            }
            None if notes.times.len() >= MAX_NOTED => return,
            None => {}
        }
        notes.times.insert(name.clone(), at_ms);
        notes.order.insert((at_ms, name));
        self.publish(&notes);
    }

    /// Notes the value that a key has got as a whole, if it may be such a hash.
    pub fn note_value(&self, key: &Key<'_>, meta: Meta) {
        if meta.kind == Hash::KIND as u8 && meta.flags & EXPIRING != 0 {
            self.note(key.space, key.bytes, 0);
        }
    }

    /// Takes the next hash that is due.
    fn take(&self, now_ms: u64) -> Option<Name> {
        let mut notes = self.notes.lock();
        let (at_ms, name) = notes.order.pop_first()?;
        if at_ms < now_ms {
            notes.times.remove(&name);
            self.publish(&notes);
            return Some(name);
        }
        notes.order.insert((at_ms, name));
        None
    }

    fn publish(&self, notes: &Notes) {
        let earliest = notes.order.first().map_or(u64::MAX, |(at_ms, _)| *at_ms);
        self.earliest_ms.store(earliest, Ordering::Relaxed);
    }

    /// Removes fields that are over, of some hashes that are due.
    #[inline]
    pub(crate) fn remove_due(&self, access: &mut Access<'_>, shards: u16) {
        if self.earliest_ms.load(Ordering::Relaxed) < access.now_ms() {
            self.remove_some(access, shards);
        }
    }

    #[cold]
    fn remove_some(&self, access: &mut Access<'_>, shards: u16) {
        let now_ms = access.now_ms();
        for _ in 0..AT_ONCE {
            let Some((database, key)) = self.take(now_ms) else { return };
            match tidy(access, database, shards, &key) {
                Ok(Some(next_ms)) => self.note(database, &key, next_ms),
                Ok(None) => {}
                // What is on disk only takes no memory, and is noted again when it is used.
                Err(Fault::Cold) => drop(access.take_missing()),
                Err(Fault::Busy | Fault::Full | Fault::Long | Fault::Failed) => {
                    return self.note(database, &key, now_ms + RETRY_MS);
                }
                // The value is damaged: who reads it is told.
                Err(_) => {}
            }
        }
    }
}

/// Removes fields of a hash that are over, and the key with the last of them; returns the earliest
/// expiry that is left.
fn tidy(
    access: &mut Access<'_>,
    database: u16,
    shards: u16,
    key: &[u8],
) -> Result<Option<u64>, Fault> {
    let now_ms = access.now_ms();
    let key = access.key(database, slot::shard_of(key, shards), key);
    let mut locked = access.acquire(&key)?;
    let Some(entry) = locked.peek(&key)? else { return Ok(None) };
    if entry.meta.kind != Hash::KIND as u8 {
        return Ok(None);
    }
    let held = Held::<Hash>::of(entry)?;
    let change = if held.view.live(now_ms).is_empty() {
        Some(Change::Delete)
    } else {
        Edit::new(Some(held), now_ms, 0).finish()?
    };
    if let Some(change) = change {
        commit(&mut locked, &[(key, change)])?;
    }
    let Some(entry) = locked.peek(&key)? else { return Ok(None) };
    Ok(Held::<Hash>::of(entry)?.view.first_expiry())
}

#[cfg(test)]
mod tests {
    use crate::executor::Next;
    use crate::testing::{Fixture, encode};

    /// Runs a command at a time, in milliseconds since 1970.
    fn at(fixture: &mut Fixture, now_ms: u64, command: &str) -> String {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        let Fixture { server, session, .. } = fixture;
        let mut out = Vec::new();
        let input = encode(&words);
        let progress = server.execute_at(session, &input, &mut out, false, now_ms * 1000);
        assert_eq!(progress.next, Next::Read, "{command}");
        String::from_utf8(out).expect("text")
    }

    const NOW: u64 = 2_000_000_000_000;

    #[test]
    fn a_hash_goes_with_its_last_field_whatever_its_own_expiry() {
        for own in ["PERSIST h", "PEXPIREAT h 2000009999999"] {
            let mut fixture = Fixture::asynchronous();
            at(&mut fixture, NOW, "HSET h a 1 b 2");
            at(&mut fixture, NOW, "PEXPIREAT h 2000009999000");
            at(&mut fixture, NOW, "HPEXPIREAT h 2000000000500 FIELDS 1 a");
            at(&mut fixture, NOW, "HPEXPIREAT h 2000000000900 FIELDS 1 b");
            at(&mut fixture, NOW, own);
            assert_eq!(at(&mut fixture, NOW + 900, "DBSIZE"), ":1\r\n", "not over yet");
            assert_eq!(at(&mut fixture, NOW + 901, "DBSIZE"), ":0\r\n");
            assert_eq!(at(&mut fixture, NOW + 901, "EXISTS h"), ":0\r\n");
            assert_eq!(at(&mut fixture, NOW + 901, "TYPE h"), "+none\r\n");
        }
    }

    #[test]
    fn fields_that_are_over_leave_memory_without_a_write() {
        const FIELDS: usize = 300;
        let mut fixture = Fixture::asynchronous();
        let names: Vec<String> = (0..FIELDS).map(|n| format!("field-{n}")).collect();
        let pairs: Vec<String> = names.iter().map(|name| format!("{name} value")).collect();
        at(&mut fixture, NOW, &format!("HSET h stays 1 {}", pairs.join(" ")));
        let names = names.join(" ");
        let command = format!("HPEXPIREAT h 2000000000500 FIELDS {FIELDS} {names}");
        at(&mut fixture, NOW, &command);
        let stored = |fixture: &mut Fixture| {
            let mut access = fixture.server.engine().enter(NOW);
            let key = access.key(0, crate::slot::shard_of(b"h", 3), b"h");
            let read = access.read(&key, false, |entry| entry.expect("there").image_len());
            read.expect("in memory")
        };
        let before = stored(&mut fixture);
        // A call looks at the hash until it has nothing left that is over.
        assert_eq!(at(&mut fixture, NOW + 501, "PING"), "+PONG\r\n");
        let after = stored(&mut fixture);
        assert!(after < before / 10, "{before} {after}");
        assert_eq!(at(&mut fixture, NOW + 501, "HLEN h"), ":1\r\n");
        assert_eq!(at(&mut fixture, NOW + 501, "TTL h"), ":-1\r\n");
    }

    #[test]
    fn a_hash_is_noted_under_its_new_name() {
        for command in ["RENAME h other", "RENAMENX h other", "COPY h other", "MOVE h 1"] {
            let mut fixture = Fixture::asynchronous();
            at(&mut fixture, NOW, "HSET h a 1");
            at(&mut fixture, NOW, "HPEXPIREAT h 2000000000500 FIELDS 1 a");
            at(&mut fixture, NOW, "PEXPIREAT h 2000009999000");
            at(&mut fixture, NOW, command);
            assert_eq!(at(&mut fixture, NOW + 501, "DBSIZE"), ":0\r\n", "{command}");
            at(&mut fixture, NOW + 501, "SELECT 1");
            assert_eq!(at(&mut fixture, NOW + 501, "DBSIZE"), ":0\r\n", "{command}");
        }
    }

    #[test]
    fn a_key_is_noted_once_with_its_earliest_time() {
        let notes = super::FieldExpiry::default();
        for at_ms in [50, 30, 40] {
            notes.note(1, b"h", at_ms);
        }
        notes.note(0, b"h", 35);
        assert_eq!(notes.take(30), None);
        assert_eq!(notes.take(31).map(|name| name.0), Some(1));
        assert_eq!(notes.take(36).map(|name| name.0), Some(0));
        assert_eq!(notes.take(u64::MAX), None);
    }
}
