//! Hashes. Those with fields that expire are in Redis 7.4's types: nothing older can say so.

use super::Writer;
use crate::ValueType;
use crate::packed::listpack::Builder;

impl Writer {
    /// A hash of `len` fields that Redis keeps as a hash table.
    pub fn hash<'a>(&mut self, len: usize, fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) {
        self.begin(ValueType::Hash);
        self.put_count(len as u64);
        for (field, value) in fields {
            self.put_string(field);
            self.put_string(value);
        }
    }

    /// A small hash.
    pub fn small_hash<'a>(&mut self, fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) {
        let mut pack = Builder::default();
        for (field, value) in fields {
            pack.push(field);
            pack.push(value);
        }
        self.begin(ValueType::HashListpack);
        self.put_string(&pack.finish());
    }

    /// A hash of `len` fields that Redis keeps as a hash table, of which some expire: at 0 for
    /// never, or at milliseconds since 1970, of which `earliest` is the smallest.
    pub fn expiring_hash<'a>(
        &mut self,
        len: usize,
        earliest: u64,
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8], u64)>,
    ) {
        self.begin(ValueType::HashMetadata);
        self.put_u64_le(earliest);
        self.put_count(len as u64);
        for (field, value, expiry_ms) in fields {
            self.put_count(match expiry_ms {
                0 => 0,
                _ => (expiry_ms - earliest).saturating_add(1),
            });
            self.put_string(field);
            self.put_string(value);
        }
    }

    /// A small hash of which some fields expire, given in the order of their expiry, those that
    /// never do at the end.
    pub fn small_expiring_hash<'a>(
        &mut self,
        earliest: u64,
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8], u64)>,
    ) {
        let mut pack = Builder::default();
        for (field, value, expiry_ms) in fields {
            pack.push(field);
            pack.push(value);
            pack.push_integer(expiry_ms as i64);
        }
        self.begin(ValueType::HashListpackEx);
        self.put_u64_le(earliest);
        self.put_string(&pack.finish());
    }
}
