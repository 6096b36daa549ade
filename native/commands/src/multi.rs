//! MULTI: commands that wait for their EXEC.

use smallvec::SmallVec;

use crate::context::{Args, Fault};
use crate::table::Entry;

/// The reply to a transaction that takes more memory than a client may send at a time.
const TOO_LARGE: Fault = Fault::error("ERR the transaction is too large");

/// The commands of a transaction, in order.
#[derive(Default)]
pub(crate) struct Multi {
    queue: Vec<Queued>,
    bytes: usize,
    /// A command could not be queued: nothing is to be run.
    pub(crate) refused: bool,
    /// A run of it has met keys that its commands do not name.
    pub(crate) wide: bool,
}

/// A command that waits.
pub(crate) struct Queued {
    pub(crate) entry: &'static Entry,
    /// Its words, one behind the other.
    text: Box<[u8]>,
    /// Where each ends.
    ends: Box<[usize]>,
}

impl Queued {
    pub(crate) fn new(entry: &'static Entry, args: Args<'_>) -> Queued {
        let text = args.concat().into_boxed_slice();
        let end = |end: &mut usize, word: &&[u8]| {
            *end += word.len();
            Some(*end)
        };
        Queued { entry, text, ends: args.iter().scan(0, end).collect() }
    }

    /// Its words.
    pub(crate) fn words(&self) -> SmallVec<[&[u8]; 8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.text[start..end]).collect()
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<usize>() + size_of::<Queued>()
    }
}

impl Multi {
    /// Adds a command, as long as all take no more than `limit` bytes.
    pub(crate) fn add(
        &mut self,
        entry: &'static Entry,
        args: Args<'_>,
        limit: usize,
    ) -> Result<(), Fault> {
        let queued = Queued::new(entry, args);
        if self.bytes + queued.bytes() > limit {
            return Err(TOO_LARGE);
        }
        self.bytes += queued.bytes();
        self.queue.push(queued);
        Ok(())
    }

    /// The commands.
    pub(crate) fn queue(&self) -> &[Queued] {
        &self.queue
    }

    /// Memory they take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The same, to be run again; `wide` if it has met keys that its commands do not name.
    pub(crate) fn again(mut self, wide: bool) -> Multi {
        self.wide |= wide;
        self
    }
}

/// Whether a command is run at once between MULTI and EXEC.
pub(crate) fn is_immediate(entry: &Entry) -> bool {
    matches!(entry.command.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset")
}
