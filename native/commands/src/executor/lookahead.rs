//! Looks at the keys of a pipeline before its commands run.
//!
//! A lookup in a large store waits for memory twice: for the index slot and for the record. The
//! commands of a pipeline run one after another, so their waits would add up. Touching the keys of
//! the next commands together, just before, lets the processor wait for all of them at once.

use ferric_engine::{Access, Hint};
use ferric_resp::{Feed, Step};
use smallvec::SmallVec;

use crate::slot;

/// Commands looked at together: about as many misses as a core keeps in flight, twice over.
const WINDOW: usize = 16;
/// Input shorter than this, in bytes, is no pipeline worth looking into.
const MIN_INPUT: usize = 256;
/// Keys longer than this, in bytes, are not hashed twice.
const MAX_KEY: usize = 256;

/// Runs ahead of the executor through the same input. What it finds is only a hint: it need not be
/// a key, and a command before it may still change everything.
pub(super) struct Lookahead<'d, 'b> {
    feed: Feed<'d, 'b>,
    /// Commands that may run before the next look.
    left: usize,
    done: bool,
}

impl<'d, 'b> Lookahead<'d, 'b> {
    /// Through `len` bytes of input, which `feed` hands out.
    pub(super) fn new(feed: Feed<'d, 'b>, len: usize) -> Lookahead<'d, 'b> {
        Lookahead { feed, left: 0, done: len < MIN_INPUT }
    }

    /// To be called before each command.
    #[inline]
    pub(super) fn step(&mut self, access: &mut Access<'_>, db: u16, shards: u16) {
        if self.left > 0 {
            self.left -= 1;
        } else if !self.done {
            self.look(access, db, shards);
        }
    }

    /// Ends the look; the input it did not get to is the executor's to keep.
    pub(super) fn end(self) {
        self.feed.discard();
    }

    fn look(&mut self, access: &mut Access<'_>, db: u16, shards: u16) {
        self.left = WINDOW - 1;
        let mut hints: SmallVec<[Hint; WINDOW]> = SmallVec::new();
        for _ in 0..WINDOW {
            if !matches!(self.feed.next(), Step::Command) {
                self.done = true;
                break;
            }
            if let Some(key) = self.feed.args().get(1).filter(|key| key.len() <= MAX_KEY) {
                hints.push(access.key(db, slot::shard_of(key, shards), key).into());
            }
        }
        self.done |= !access.warm_up(&hints);
    }
}
