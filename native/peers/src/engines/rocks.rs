//! RocksDB, with its defaults.

use rocksdb::{DB, FlushOptions, Options, WaitForCompactOptions, WriteOptions};

use crate::Failure;
use crate::store::{Setup, Store};

/// RocksDB, opened.
pub struct Rocks {
    db: DB,
    write: WriteOptions,
}

impl Store for Rocks {
    fn open(setup: &Setup<'_>) -> Result<Self, Failure> {
        let mut options = Options::default();
        options.create_if_missing(true);
        let mut write = WriteOptions::default();
        write.set_sync(setup.synced);
        Ok(Rocks { db: DB::open(&options, setup.dir)?, write })
    }

    fn put_all<'p>(
        &self,
        mut pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure> {
        Ok(pairs.try_for_each(|(key, value)| self.db.put_opt(key, value, &self.write))?)
    }

    fn get_all<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut visit: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(), Failure> {
        for (number, key) in keys.iter().enumerate() {
            visit(number, self.db.get_pinned(key)?.as_deref());
        }
        Ok(())
    }

    fn scan(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), Failure> {
        let mut cursor = self.db.raw_iterator();
        cursor.seek_to_first();
        while let Some((key, value)) = cursor.item() {
            visit(key, value);
            cursor.next();
        }
        Ok(cursor.status()?)
    }

    fn settle(&self) -> Result<(), Failure> {
        let mut flush = FlushOptions::default();
        flush.set_wait(true);
        self.db.flush_opt(&flush)?;
        Ok(self.db.wait_for_compact(&WaitForCompactOptions::default())?)
    }

    fn close(self) -> Result<(), Failure> {
        self.db.cancel_all_background_work(true);
        Ok(())
    }
}
