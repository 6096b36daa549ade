//! fjall, with its defaults.

use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::Failure;
use crate::store::{Setup, Store};

/// How long compactions are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// fjall, opened.
pub struct Fjall {
    database: Database,
    keys: Keyspace,
    synced: bool,
}

impl Store for Fjall {
    fn open(setup: &Setup<'_>) -> Result<Self, Failure> {
        let database = Database::builder(setup.dir).open()?;
        let keys = database.keyspace("keys", KeyspaceCreateOptions::default)?;
        Ok(Fjall { database, keys, synced: setup.synced })
    }

    fn put_all<'p>(
        &self,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure> {
        for (key, value) in pairs {
            self.keys.insert(key, value)?;
            if self.synced {
                self.database.persist(PersistMode::SyncData)?;
            }
        }
        Ok(())
    }

    fn get_all<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut visit: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(), Failure> {
        for (number, key) in keys.iter().enumerate() {
            visit(number, self.keys.get(key)?.as_deref());
        }
        Ok(())
    }

    fn scan(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), Failure> {
        for pair in self.keys.iter() {
            let (key, value) = pair.into_inner()?;
            visit(&key, &value);
        }
        Ok(())
    }

    fn settle(&self) -> Result<(), Failure> {
        self.database.persist(PersistMode::SyncAll)?;
        self.keys.rotate_memtable_and_wait()?;
        let deadline = Instant::now() + PATIENCE;
        while self.database.active_compactions() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn close(self) -> Result<(), Failure> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}
