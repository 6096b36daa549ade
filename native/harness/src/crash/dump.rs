//! Everything a server holds.

use std::collections::BTreeMap;

use ferric_resp::Value;

use super::model::{Entry, Expiry, Key, Place};
use super::op;
use crate::client::{Client, ClientError, encode};

/// Databases of a server.
const DATABASES: u8 = 16;

/// All keys of a server, by owner.
pub(super) struct Dump {
    /// Each writer's keys.
    pub(super) writers: Vec<BTreeMap<Place, Entry>>,
    /// The keys that writers share.
    pub(super) shared: BTreeMap<Key, Vec<u8>>,
    /// Keys that nobody can have written.
    pub(super) strange: Vec<Place>,
}

/// Reads everything.
///
/// # Errors
/// When the server does not answer, or not as it should.
pub(super) fn dump(client: &mut Client, writers: usize) -> Result<Dump, ClientError> {
    let mut dump = Dump {
        writers: vec![BTreeMap::new(); writers],
        shared: BTreeMap::new(),
        strange: Vec::new(),
    };
    for db in 0..DATABASES {
        client.call(&["SELECT", &db.to_string()])?;
        let keys = keys(client)?;
        for (key, entry) in entries(client, keys)? {
            dump.add(db, key, entry);
        }
    }
    Ok(dump)
}

impl Dump {
    fn add(&mut self, db: u8, key: Key, entry: Entry) {
        let owns = |writer: &usize| {
            key.starts_with(op::prefix(*writer).as_bytes())
                && (db == 0 || op::own_databases(*writer).contains(&db))
        };
        if let Some(writer) = (0..self.writers.len()).find(owns) {
            self.writers[writer].insert((db, key), entry);
        } else if db == 0 && key.starts_with(b"shared:") {
            self.shared.insert(key, entry.value);
        } else {
            self.strange.push((db, key));
        }
    }
}

fn unexpected(what: &str, value: &Value) -> ClientError {
    ClientError::Io(std::io::Error::other(format!("{what} answered with {value:?}")))
}

/// The keys of the selected database, of which there must be as many as DBSIZE says.
fn keys(client: &mut Client) -> Result<Vec<Key>, ClientError> {
    let value = client.call(&["KEYS", "*"])?;
    let Value::Array(keys) = &value else { return Err(unexpected("KEYS", &value)) };
    let bytes = |key: &Value| match key {
        Value::Bulk(bytes) => Some(bytes.clone()),
        _ => None,
    };
    let keys: Option<Vec<Key>> = keys.iter().map(bytes).collect();
    let keys = keys.ok_or_else(|| unexpected("KEYS", &value))?;
    let size = client.call(&["DBSIZE"])?;
    if size == Value::Integer(keys.len() as i64) {
        Ok(keys)
    } else {
        Err(unexpected("DBSIZE", &size))
    }
}

fn entries(client: &mut Client, keys: Vec<Key>) -> Result<Vec<(Key, Entry)>, ClientError> {
    let mut request = Vec::new();
    for key in &keys {
        encode(&mut request, &[b"GET", key.as_slice()]);
        encode(&mut request, &[b"PEXPIRETIME", key.as_slice()]);
    }
    client.send(&request)?;
    let mut entries = Vec::with_capacity(keys.len());
    for key in keys {
        let value = client.reply()?.value;
        let expiry = client.reply()?.value;
        let Value::Bulk(value) = value else { return Err(unexpected("GET of a key", &value)) };
        let expiry = match expiry {
            Value::Integer(-1) => Expiry::Never,
            Value::Integer(at) => Expiry::At(at),
            other => return Err(unexpected("PEXPIRETIME", &other)),
        };
        entries.push((key, Entry { value, expiry }));
    }
    Ok(entries)
}
