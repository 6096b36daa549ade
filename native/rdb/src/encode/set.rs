//! Sets.

use super::Writer;
use crate::ValueType;
use crate::packed::intset;

impl Writer {
    /// A set of `len` members that Redis keeps as a hash table.
    pub fn set<'a>(&mut self, len: usize, members: impl IntoIterator<Item = &'a [u8]>) {
        self.begin(ValueType::Set);
        self.put_count(len as u64);
        for member in members {
            self.put_string(member);
        }
    }

    /// A small set of integers, which increase.
    pub fn intset(&mut self, members: &[i64]) {
        self.begin(ValueType::SetIntset);
        self.put_string(&intset::write(members));
    }
}
