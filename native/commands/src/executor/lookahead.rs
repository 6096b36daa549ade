//! Looks at the keys of a pipeline before its commands run.
//!
//! A lookup in a large store waits for memory twice: for the index slot and for the record. The
//! commands of a pipeline run one after another, so their waits would add up. Touching the keys of
//! the next commands together, just before, lets the processor wait for all of them at once.
//!
//! The same goes, a thousand times slower, for keys that are on disk: when a command stops for one,
//! [`note_keys`] finds what it and the commands after it will need, to be fetched at once.

use ferric_engine::{Access, Hint};
use ferric_resp::{ArgSlices, Decoder, Feed, Limits, Step};
use smallvec::SmallVec;

use super::find;
use crate::context::Args;
use crate::slot;
use crate::table;

/// Commands looked at together: about as many misses as a core keeps in flight, twice over.
const WINDOW: usize = 16;
/// Input shorter than this, in bytes, is no pipeline worth looking into.
const MIN_INPUT: usize = 256;
/// Keys longer than this, in bytes, are not hashed twice.
const MAX_KEY: usize = 256;
/// Commands of a pipeline whose keys are fetched from disk together.
const MAX_COMMANDS: usize = 128;
/// Keys of one command that is not the first of them.
const MAX_KEYS: usize = 256;

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
        // What is on disk is noted when a command stops for it: then in the order of need.
        drop(access.take_missing());
    }
}

/// Where keys are looked for.
#[derive(Clone, Copy)]
pub(super) struct Keyspace {
    pub(super) db: u16,
    pub(super) shards: u16,
}

/// Notes in `access` which keys of the commands in `input` have to be fetched from disk. The first
/// one is the command that has stopped; a later one that selects another database ends the look.
pub(super) fn note_keys(
    access: &mut Access<'_>,
    keyspace: Keyspace,
    input: &[u8],
    limits: &Limits,
    slices: &mut ArgSlices,
) {
    let mut decoder = Decoder::new();
    let mut feed = decoder.feed(input, limits);
    for number in 0..MAX_COMMANDS {
        if access.is_note_full() || !matches!(feed.next(), Step::Command) {
            break;
        }
        let most = if number == 0 { usize::MAX } else { MAX_KEYS };
        slices.with(feed.args(), |args| note_command(access, keyspace, args, most));
        if selects(feed.args().get(0)) {
            break;
        }
    }
    feed.discard();
}

/// Whether the commands after the one of this name may use another database.
fn selects(name: Option<&[u8]>) -> bool {
    let is = |other: &str| name.is_some_and(|name| name.eq_ignore_ascii_case(other.as_bytes()));
    is("select") || is("reset")
}

/// The same for the words of one command, and `most` of its keys.
pub(super) fn note_command(
    access: &mut Access<'_>,
    keyspace: Keyspace,
    args: Args<'_>,
    most: usize,
) {
    let Ok(entry) = find(args) else { return };
    // Without keys, or with wrong arguments, there is nothing to fetch.
    let keys = table::keys_of(entry, args).unwrap_or_default();
    for key in keys.iter().take(most) {
        if access.is_note_full() {
            break;
        }
        let bytes = args[key.position];
        let shard = slot::shard_of(bytes, keyspace.shards);
        access.look(&access.key(keyspace.db, shard, bytes));
    }
}
