//! redb: a transaction for each write, one for the reads of a call.

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use crate::Failure;
use crate::store::{Setup, Store};

const TABLE: TableDefinition<&[u8], &[u8]> = TableDefinition::new("keys");

/// redb, opened.
pub struct Redb {
    database: Database,
    durability: Durability,
}

impl Store for Redb {
    fn open(setup: &Setup<'_>) -> Result<Self, Failure> {
        let database = Database::create(setup.dir.join("store.redb"))?;
        let durability = if setup.synced { Durability::Immediate } else { Durability::None };
        let store = Redb { database, durability };
        // So that readers find the table.
        store.write(std::iter::empty(), Durability::Immediate)?;
        Ok(store)
    }

    fn put_all<'p>(
        &self,
        mut pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure> {
        pairs.try_for_each(|pair| self.write(std::iter::once(pair), self.durability))
    }

    fn load<'p>(
        &self,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure> {
        self.write(pairs, self.durability)
    }

    fn get_all<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut visit: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(), Failure> {
        let table = self.database.begin_read()?.open_table(TABLE)?;
        for (number, key) in keys.iter().enumerate() {
            visit(number, table.get(key.as_ref())?.as_ref().map(|value| value.value()));
        }
        Ok(())
    }

    fn scan(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), Failure> {
        let table = self.database.begin_read()?.open_table(TABLE)?;
        for pair in table.iter()? {
            let (key, value) = pair?;
            visit(key.value(), value.value());
        }
        Ok(())
    }

    fn settle(&self) -> Result<(), Failure> {
        self.write(std::iter::empty(), Durability::Immediate)
    }

    fn close(self) -> Result<(), Failure> {
        self.settle()
    }
}

impl Redb {
    /// One transaction.
    fn write<'p>(
        &self,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])>,
        durability: Durability,
    ) -> Result<(), Failure> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(durability)?;
        let mut table = transaction.open_table(TABLE)?;
        for (key, value) in pairs {
            table.insert(key, value)?;
        }
        drop(table);
        Ok(transaction.commit()?)
    }
}
