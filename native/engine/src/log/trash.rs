//! Where large things are freed: not under a lock, and not on the thread that let go of them.

use std::any::Any;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The near end: takes things to be freed later.
#[derive(Clone)]
pub(crate) struct Trash(Sender<Arc<dyn Any + Send + Sync>>);

/// The far end: frees them on the thread that empties it.
pub(crate) struct TrashBin(Receiver<Arc<dyn Any + Send + Sync>>);

pub(crate) fn trash() -> (Trash, TrashBin) {
    let (sender, receiver) = channel();
    (Trash(sender), TrashBin(receiver))
}

impl Trash {
    pub(crate) fn put(&self, thing: Arc<dyn Any + Send + Sync>) {
        // When the bin is gone the store is closing: freeing it here is fine then.
        drop(self.0.send(thing));
    }
}

impl TrashBin {
    pub(crate) fn empty(&self) {
        while self.0.try_recv().is_ok() {}
    }
}
