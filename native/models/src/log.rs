//! Where freed memory goes, and the committer's hand-over.

#[path = "../../engine/src/log/handover.rs"]
pub(crate) mod handover;

use std::any::Any;
use std::sync::{Arc, Mutex};

use crate::index::{Directory, Table};

/// Takes what no reader can be using any more, and makes it useless: tables go empty, directories
/// lead to an empty table. The memory itself stays until the end.
#[derive(Clone, Default)]
pub(crate) struct Trash(Arc<Mutex<Vec<Arc<dyn Any + Send + Sync>>>>);

impl Trash {
    pub(crate) fn put(&self, thing: Arc<dyn Any + Send + Sync>) {
        if let Some(table) = thing.downcast_ref::<Table>() {
            table.cells().iter().for_each(|cell| cell.clear(true));
        }
        if let Some(directory) = thing.downcast_ref::<Directory>() {
            let nowhere = Arc::new(Table::new(0, 0, 3));
            directory.point(0, &nowhere);
            self.keep(nowhere);
        }
        self.keep(thing);
    }

    fn keep(&self, thing: Arc<dyn Any + Send + Sync>) {
        self.0.lock().expect("one thread at a time runs in a model").push(thing);
    }

    /// How many things it was given, or keeps for them.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().expect("one thread at a time runs in a model").len()
    }
}
