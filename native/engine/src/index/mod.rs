//! Where the newest record of each key is: an extendible hash table of 16-byte slots.
//!
//! R. Fagin, J. Nievergelt, N. Pippenger, H. R. Strong, "Extendible Hashing", ACM TODS 4(3), 1979:
//! a directory, indexed by the leading bits of the hash, of tables that are split one at a time. So
//! growing never moves more than one table's 4,096 slots, however many keys there are. Keys are not
//! in the index; each slot keeps 31 bits of the key's hash, all that a split needs.
//!
//! One writer at a time, the holder of the shard's lock, changes an [`Index`]. Readers without the
//! lock search it through its [`IndexReader`], under an epoch (crossbeam-epoch); `cell.rs`,
//! `table.rs` and `directory.rs` say what they see of a change that is under way, each for its level.
//! The crate `ferric-models` compiles these files against model-checked atomics.

mod cell;
mod directory;
mod leaf;
mod size;
mod slot;
mod table;
#[cfg(test)]
mod tests;
mod transfer;
mod writer;

pub(crate) use directory::IndexReader;
pub(crate) use slot::{ACCESS_SPAN, HASH_BITS, Slot};
pub(crate) use transfer::{IndexLoader, LoadError, TableCopy};
pub(crate) use writer::{Due, Index, Place};
