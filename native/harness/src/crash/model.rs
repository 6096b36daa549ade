//! What a writer's commands make of its keys.

use std::collections::BTreeMap;

use ferric_resp::Value;

use super::op::Op;

/// A key.
pub(super) type Key = Vec<u8>;

/// When a key expires, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Expiry {
    Never,
    At(i64),
    /// About then: it was given as a time to live.
    Near(i64),
}

/// How far an expiry that is only known about may be off, in milliseconds.
const NEAR_MS: u64 = 30_000;

/// A key's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) value: Vec<u8>,
    pub(super) expiry: Expiry,
}

impl Entry {
    fn new(value: &[u8]) -> Entry {
        Entry { value: value.to_vec(), expiry: Expiry::Never }
    }

    /// Whether a server that holds `other`, whose expiry is exact, holds this.
    pub(super) fn matches(&self, other: &Entry) -> bool {
        let same_time = match (self.expiry, other.expiry) {
            (Expiry::Near(a), Expiry::At(b)) => a.abs_diff(b) < NEAR_MS,
            (a, b) => a == b,
        };
        same_time && self.value == other.value
    }
}

/// A place: database and key.
pub(super) type Place = (u8, Key);

/// The keys of one writer.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    db: u8,
    entries: BTreeMap<Place, Entry>,
}

impl Model {
    /// The state of a server that holds `entries`, for a fresh connection.
    pub(super) fn new(entries: BTreeMap<Place, Entry>) -> Model {
        Model { db: 0, entries }
    }

    /// All keys.
    pub(super) fn entries(&self) -> &BTreeMap<Place, Entry> {
        &self.entries
    }

    /// Whether a server that holds `actual` is in this state.
    pub(super) fn matches(&self, actual: &BTreeMap<Place, Entry>) -> bool {
        self.entries.len() == actual.len()
            && self.entries.iter().zip(actual).all(|((place, entry), (actual_place, actual))| {
                place == actual_place && entry.matches(actual)
            })
    }

    /// Applies a command. Returns its reply if that depends on nobody else.
    pub(super) fn apply(&mut self, op: &Op) -> Option<Value> {
        let reply = match op {
            Op::SharedIncr(_) => return None,
            Op::SharedGroup(..) => ok(),
            Op::Select(db) => {
                self.db = *db;
                ok()
            }
            Op::Set(key, value) => self.set(key, Entry::new(value)),
            Op::SetEx(key, value, at) => {
                self.set(key, Entry { expiry: Expiry::Near(*at), ..Entry::new(value) })
            }
            Op::GetSet(key, value) => {
                let old = self.entries.insert(self.place(key), Entry::new(value));
                old.map_or(Value::Null, |old| Value::Bulk(old.value))
            }
            Op::Append(key, value) => self.append(key, value),
            Op::Incr(key) => self.incr(key),
            Op::Del(keys) => {
                let count = keys.iter().filter(|key| self.remove(key).is_some()).count();
                Value::Integer(count as i64)
            }
            Op::SetAll(keys, value) => {
                keys.iter().for_each(|key| drop(self.set(key, Entry::new(value))));
                ok()
            }
            Op::FlushDb => {
                let db = self.db;
                self.entries.retain(|(other, _), _| *other != db);
                ok()
            }
            Op::SwapDb(a, b) => self.swap(*a, *b),
            Op::Rename(..) | Op::Copy(..) | Op::Move(..) => self.apply_transfer(op),
            Op::ExpireAt(..) | Op::Persist(_) => self.apply_expiry(op),
        };
        Some(reply)
    }

    fn apply_transfer(&mut self, op: &Op) -> Value {
        match op {
            Op::Rename(from, to) => match self.remove(from) {
                Some(entry) => self.set(to, entry),
                None => Value::Error(b"ERR no such key".to_vec()),
            },
            Op::Copy(from, db, to) => {
                let source = self.entries.get(&self.place(from)).cloned();
                let copied = source.map(|entry| self.entries.insert((*db, to.clone()), entry));
                boolean(copied.is_some())
            }
            Op::Move(key, db) => {
                if self.entries.contains_key(&(*db, key.clone())) {
                    return boolean(false);
                }
                let moved = self.remove(key);
                let moved = moved.map(|entry| self.entries.insert((*db, key.clone()), entry));
                boolean(moved.is_some())
            }
            _ => unreachable!("the caller passes transfers only"),
        }
    }

    fn apply_expiry(&mut self, op: &Op) -> Value {
        match op {
            Op::ExpireAt(key, at) => {
                let entry = self.entries.get_mut(&(self.db, key.clone()));
                boolean(entry.map(|entry| entry.expiry = Expiry::At(*at)).is_some())
            }
            Op::Persist(key) => {
                let entry = self.entries.get_mut(&(self.db, key.clone()));
                let had = entry.map(|entry| std::mem::replace(&mut entry.expiry, Expiry::Never));
                boolean(had.is_some_and(|had| had != Expiry::Never))
            }
            _ => unreachable!("the caller passes expiries only"),
        }
    }

    fn place(&self, key: &Key) -> Place {
        (self.db, key.clone())
    }

    fn set(&mut self, key: &Key, entry: Entry) -> Value {
        self.entries.insert(self.place(key), entry);
        ok()
    }

    fn remove(&mut self, key: &Key) -> Option<Entry> {
        self.entries.remove(&self.place(key))
    }

    fn append(&mut self, key: &Key, value: &[u8]) -> Value {
        let entry = self.entries.entry((self.db, key.clone())).or_insert_with(|| Entry::new(b""));
        entry.value.extend_from_slice(value);
        Value::Integer(entry.value.len() as i64)
    }

    fn incr(&mut self, key: &Key) -> Value {
        let entry = self.entries.entry((self.db, key.clone())).or_insert_with(|| Entry::new(b"0"));
        let old: Option<i64> = std::str::from_utf8(&entry.value).ok().and_then(|v| v.parse().ok());
        let Some(new) = old.and_then(|old| old.checked_add(1)) else {
            return Value::Error(b"ERR value is not an integer or out of range".to_vec());
        };
        entry.value = new.to_string().into_bytes();
        Value::Integer(new)
    }

    fn swap(&mut self, a: u8, b: u8) -> Value {
        let entries = std::mem::take(&mut self.entries);
        let swapped = |db: u8| match db {
            db if db == a => b,
            db if db == b => a,
            db => db,
        };
        self.entries =
            entries.into_iter().map(|((db, key), entry)| ((swapped(db), key), entry)).collect();
        ok()
    }
}

fn ok() -> Value {
    Value::Simple(b"OK".to_vec())
}

fn boolean(yes: bool) -> Value {
    Value::Integer(yes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        name.into()
    }

    #[test]
    fn commands_reply_and_leave_what_redis_would() {
        let mut model = Model::default();
        let mut reply = |op: Op| model.apply(&op).expect("own");
        assert_eq!(reply(Op::Incr(key("n"))), Value::Integer(1));
        assert_eq!(reply(Op::Append(key("n"), b"0".into())), Value::Integer(2));
        assert_eq!(reply(Op::Incr(key("n"))), Value::Integer(11));
        assert_eq!(reply(Op::ExpireAt(key("n"), 5)), Value::Integer(1));
        assert_eq!(reply(Op::Rename(key("n"), key("m"))), ok());
        assert_eq!(reply(Op::Persist(key("n"))), Value::Integer(0));
        assert_eq!(reply(Op::Copy(key("m"), 3, key("c"))), Value::Integer(1));
        assert_eq!(reply(Op::SwapDb(3, 4)), ok());
        assert_eq!(reply(Op::Del(vec![key("m"), key("n")])), Value::Integer(1));
        let left: Vec<_> = model.entries().iter().collect();
        let expected = Entry { value: b"11".to_vec(), expiry: Expiry::At(5) };
        assert_eq!(left, [(&(4, key("c")), &expected)]);
    }
}
