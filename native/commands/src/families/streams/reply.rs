//! What the family's replies have in common.

use ferric_resp::Encoder;

use crate::context::{Context, Fault};
use crate::families::as_c_string;
use crate::values::stream::{Entry, Id, Word};
use crate::values::{Lookup, MAX_COPY, MAX_KEYS};

/// How much may be written in one go.
pub struct Budget<'c> {
    lookup: Lookup<'c>,
    /// Entries so far.
    entries: usize,
    /// Where the reply begins in the encoder's buffer.
    start: usize,
}

impl<'c> Budget<'c> {
    /// The budget of the reply that begins here.
    pub fn new(ctx: &Context<'c, '_>) -> Budget<'c> {
        Budget { lookup: Lookup::new(ctx), entries: 0, start: ctx.reply.len() }
    }

    /// Counts an entry that has been written, or looked at.
    ///
    /// # Errors
    /// [`Fault::Long`] when that is too much for this scheduler.
    #[inline]
    pub fn spend(&mut self, reply: &Encoder) -> Result<(), Fault> {
        self.entries += 1;
        self.lookup.bound(self.entries, MAX_KEYS)?;
        self.lookup.bound(reply.len() - self.start, MAX_COPY)
    }
}

/// An identifier.
#[inline]
pub fn put_id(reply: &mut Encoder, id: Id) {
    reply.bulk(id.text().as_bytes());
}

fn put_word(reply: &mut Encoder, word: Word<'_>) {
    word.with(|text| reply.bulk(text));
}

/// An entry: its identifier, and an array of names and values.
#[inline]
pub fn put_entry(reply: &mut Encoder, entry: &Entry<'_>) {
    reply.array(2);
    put_id(reply, entry.id);
    let (count, fields) = entry.fields();
    reply.array(count * 2);
    for (name, value) in fields {
        put_word(reply, name);
        put_word(reply, value);
    }
}

/// An array of entries, `most` at most; 0: all.
///
/// # Errors
/// [`Fault::Long`] when that is too much for this scheduler.
pub fn put_entries<'a>(
    reply: &mut Encoder,
    budget: &mut Budget<'_>,
    entries: impl Iterator<Item = Entry<'a>>,
    most: u64,
) -> Result<(), Fault> {
    let mark = reply.begin_deferred();
    let mut count = 0;
    for entry in entries.take(limit(most)) {
        put_entry(reply, &entry);
        budget.spend(reply)?;
        count += 1;
    }
    reply.end_deferred_array(mark, count);
    Ok(())
}

/// A number of elements where 0 is no limit.
pub fn limit(most: u64) -> usize {
    if most == 0 { usize::MAX } else { usize::try_from(most).unwrap_or(usize::MAX) }
}

/// An error of words of ours and of the client's.
pub fn fault(parts: &[&[u8]]) -> Fault {
    Fault::Bytes(parts.concat())
}

/// The key or the group is not there; `rest` is what follows that.
pub fn no_group(key: &[u8], group: &[u8], rest: &str) -> Fault {
    fault(&[
        b"NOGROUP No such key '",
        as_c_string(key),
        b"' or consumer group '",
        as_c_string(group),
        b"'",
        rest.as_bytes(),
    ])
}

/// The group is not there, though the key is.
pub fn no_group_at_key(key: &[u8], group: &[u8]) -> Fault {
    fault(&[
        b"NOGROUP No such consumer group '",
        as_c_string(group),
        b"' for key name '",
        as_c_string(key),
        b"'",
    ])
}

/// The words after a subcommand do not fit it.
pub fn wrong_subcommand(container: &str, subcommand: &[u8]) -> Fault {
    /// Bytes of the client's word that are quoted.
    const QUOTED: usize = 128;
    let word = as_c_string(subcommand);
    fault(&[
        b"ERR unknown subcommand or wrong number of arguments for '",
        &word[..word.len().min(QUOTED)],
        b"'. Try ",
        container.as_bytes(),
        b" HELP.",
    ])
}
