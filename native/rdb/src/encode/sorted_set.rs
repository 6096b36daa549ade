//! Sorted sets.

use super::Writer;
use crate::ValueType;
use crate::packed::listpack::Builder;

impl Writer {
    /// A sorted set of `len` members that Redis keeps as a skiplist, given from the highest score
    /// to the lowest.
    pub fn sorted_set<'a>(
        &mut self,
        len: usize,
        descending: impl IntoIterator<Item = (&'a [u8], f64)>,
    ) {
        self.begin(ValueType::SortedSet2);
        self.put_count(len as u64);
        for (member, score) in descending {
            self.put_string(member);
            self.put_u64_le(score.to_bits());
        }
    }

    /// A small sorted set, given from the lowest score to the highest; scores as Redis prints them.
    pub fn small_sorted_set<M: AsRef<[u8]>, S: AsRef<[u8]>>(
        &mut self,
        ascending: impl IntoIterator<Item = (M, S)>,
    ) {
        let mut pack = Builder::default();
        for (member, score) in ascending {
            pack.push(member.as_ref());
            pack.push(score.as_ref());
        }
        self.begin(ValueType::SortedSetListpack);
        self.put_string(&pack.finish());
    }
}
