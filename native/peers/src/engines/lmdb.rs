//! LMDB: a transaction for each write, one for the reads of a call.

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions, WithTls};

use crate::Failure;
use crate::store::{Setup, Store};

/// Address space for the file: more than any workload needs.
const MAP_BYTES: usize = 64 << 30;

/// Readers at a time, at most.
const READERS: u32 = 256;

/// LMDB, opened.
pub struct Lmdb {
    env: Env<WithTls>,
    keys: Database<Bytes, Bytes>,
}

impl Store for Lmdb {
    fn open(setup: &Setup<'_>) -> Result<Self, Failure> {
        let mut options = EnvOpenOptions::new();
        options.map_size(MAP_BYTES).max_readers(READERS);
        if !setup.synced {
            // SAFETY: the flag gives up what is promised about a crash of the machine, and no
            // directory of a benchmark outlives one; within the process nothing changes.
            unsafe { options.flags(EnvFlags::NO_SYNC) };
        }
        // SAFETY: the directory is ours alone, so nobody changes or truncates the mapped file.
        let env = unsafe { options.open(setup.dir)? };
        let mut transaction = env.write_txn()?;
        let keys = env.create_database(&mut transaction, None)?;
        transaction.commit()?;
        Ok(Lmdb { env, keys })
    }

    fn put_all<'p>(
        &self,
        mut pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure> {
        pairs.try_for_each(|pair| self.load(std::iter::once(pair)))
    }

    fn load<'p>(
        &self,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure> {
        let mut transaction = self.env.write_txn()?;
        for (key, value) in pairs {
            self.keys.put(&mut transaction, key, value)?;
        }
        Ok(transaction.commit()?)
    }

    fn get_all<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut visit: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(), Failure> {
        let transaction = self.env.read_txn()?;
        for (number, key) in keys.iter().enumerate() {
            visit(number, self.keys.get(&transaction, key.as_ref())?);
        }
        Ok(())
    }

    fn scan(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), Failure> {
        let transaction = self.env.read_txn()?;
        for pair in self.keys.iter(&transaction)? {
            let (key, value) = pair?;
            visit(key, value);
        }
        Ok(())
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(self.env.force_sync()?)
    }

    fn close(self) -> Result<(), Failure> {
        self.env.prepare_for_closing().wait();
        Ok(())
    }
}
