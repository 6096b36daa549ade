//! Who waits for the disk, and for what.

use parking_lot::Mutex;

use crate::Lsn;
use crate::error::Failure;

/// Called once, on the committer's thread: the durable position, or why there will be none.
pub type Waiter = Box<dyn FnOnce(Result<Lsn, Failure>) + Send>;

/// Waiters, each with the position it waits for.
#[derive(Default)]
pub(crate) struct Waiters {
    list: Mutex<Vec<(Lsn, Waiter)>>,
}

impl Waiters {
    /// Adds a waiter unless `reached` says, with the list locked, that there is nothing to wait
    /// for; then gives it back.
    pub(crate) fn add(
        &self,
        lsn: Lsn,
        waiter: Waiter,
        reached: impl FnOnce() -> bool,
    ) -> Option<Waiter> {
        let mut list = self.list.lock();
        if reached() {
            return Some(waiter);
        }
        list.push((lsn, waiter));
        None
    }

    /// Calls everybody who waits for `durable` or less.
    pub(crate) fn release(&self, durable: Lsn) {
        let due: Vec<Waiter> = {
            let mut list = self.list.lock();
            list.extract_if(.., |(lsn, _)| *lsn <= durable).map(|(_, waiter)| waiter).collect()
        };
        due.into_iter().for_each(|waiter| waiter(Ok(durable)));
    }

    /// Tells everybody that the wait is in vain.
    pub(crate) fn fail(&self, failure: &Failure) {
        let all = std::mem::take(&mut *self.list.lock());
        all.into_iter().for_each(|(_, waiter)| waiter(Err(failure.clone())));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.lock().is_empty()
    }
}
