//! The engine's index, with tiny tables.

#[path = "../../engine/src/index/cell.rs"]
mod cell;
#[path = "../../engine/src/index/directory.rs"]
mod directory;
#[path = "../../engine/src/index/leaf.rs"]
mod leaf;
mod size {
    pub(crate) const MIN_BITS: u32 = 3;
    pub(crate) const MAX_BITS: u32 = 3;
}
#[path = "../../engine/src/index/slot.rs"]
mod slot;
#[path = "../../engine/src/index/table.rs"]
mod table;
#[path = "../../engine/src/index/writer.rs"]
mod writer;

pub(crate) use directory::{Directory, IndexReader};
pub(crate) use slot::{HASH_BITS, Slot};
pub(crate) use table::Table;
pub(crate) use writer::Index;
