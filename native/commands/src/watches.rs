//! WATCH: who is to hear that a key has changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

/// The keys of one database that are watched, each with the flags of those who do.
type Watched = HashMap<Box<[u8]>, Vec<Arc<AtomicBool>>>;

/// All keys that clients watch. The engine tells it of every change under the lock of the key's shard, so
/// whoever holds that lock knows whether a key has changed since it was watched.
#[derive(Default)]
pub struct Watches {
    /// Number of entries; while it is 0, as it is most often, changes cost nothing.
    active: AtomicUsize,
    databases: Mutex<HashMap<u16, Watched>>,
}

/// The keys that one client watches. Dropping it ends that.
pub struct Watch {
    registry: Arc<Watches>,
    changed: Arc<AtomicBool>,
    keys: Vec<WatchedKey>,
}

/// One of them.
struct WatchedKey {
    db: u16,
    name: Box<[u8]>,
    /// When the value that it had then expires; 0 = never, or it had none.
    expiry_ms: u64,
}

impl Watch {
    /// Watches nothing yet.
    pub(crate) fn new(registry: &Arc<Watches>) -> Watch {
        Watch { registry: Arc::clone(registry), changed: Arc::default(), keys: Vec::new() }
    }

    /// Watches a key from now on.
    pub(crate) fn add(&mut self, db: u16, name: &[u8]) {
        if self.keys.iter().any(|key| key.db == db && *key.name == *name) {
            return;
        }
        self.registry.add(db, name, &self.changed);
        self.keys.push(WatchedKey { db, name: name.into(), expiry_ms: 0 });
    }

    /// Notes when the value of a watched key expires, in Unix milliseconds; 0 for never.
    pub(crate) fn set_expiry(&mut self, db: u16, name: &[u8], expiry_ms: u64) {
        let key = self.keys.iter_mut().find(|key| key.db == db && *key.name == *name);
        if let Some(key) = key {
            key.expiry_ms = expiry_ms;
        }
    }

    /// Whether a key has been changed, or has expired. Whoever asks holds the locks of [`Watch::keys`].
    pub(crate) fn is_broken(&self, now_ms: u64) -> bool {
        let expired = |key: &WatchedKey| key.expiry_ms != 0 && now_ms > key.expiry_ms;
        self.changed.load(Ordering::Acquire) || self.keys.iter().any(expired)
    }

    /// The keys, with their databases.
    pub(crate) fn keys(&self) -> impl ExactSizeIterator<Item = (u16, &[u8])> {
        self.keys.iter().map(|key| (key.db, &*key.name))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.keys.iter().for_each(|key| self.registry.remove(key.db, &key.name, &self.changed));
    }
}

impl Watches {
    fn add(&self, db: u16, name: &[u8], flag: &Arc<AtomicBool>) {
        let mut databases = self.databases.lock();
        databases.entry(db).or_default().entry(name.into()).or_default().push(Arc::clone(flag));
        self.active.fetch_add(1, Ordering::AcqRel);
    }

    fn remove(&self, db: u16, name: &[u8], flag: &Arc<AtomicBool>) {
        let mut databases = self.databases.lock();
        let Some(keys) = databases.get_mut(&db) else { return };
        let Some(flags) = keys.get_mut(name) else { return };
        flags.retain(|other| !Arc::ptr_eq(other, flag));
        if flags.is_empty() {
            keys.remove(name);
        }
        self.active.fetch_sub(1, Ordering::AcqRel);
    }
}

fn mark(flags: &[Arc<AtomicBool>]) {
    flags.iter().for_each(|flag| flag.store(true, Ordering::Release));
}

impl Watches {
    /// A key of this database has been changed.
    #[inline]
    pub(crate) fn changed(&self, space: u16, key: &[u8]) {
        if self.active.load(Ordering::Acquire) > 0 {
            let databases = self.databases.lock();
            let flags = databases.get(&space).and_then(|keys| keys.get(key));
            flags.into_iter().for_each(|flags| mark(flags));
        }
    }

    /// Databases are emptied or exchanged, see `ferric_engine::Observer`. As in Redis, a key counts as changed if it is there before or afterwards.
    pub(crate) fn rearranged(&self, after: &[Option<u16>], has_key: &dyn Fn(u16, &[u8]) -> bool) {
        for (db, keys) in self.databases.lock().iter() {
            let now = after.get(usize::from(*db)).copied().flatten();
            if now == Some(*db) {
                continue;
            }
            for (key, flags) in keys {
                if has_key(*db, key) || now.is_some_and(|now| has_key(now, key)) {
                    mark(flags);
                }
            }
        }
    }
}
