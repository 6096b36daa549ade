//! Entries that follow one another, packed.
//!
//! A chunk is what Redis calls a node of a stream, a listpack in its radix tree. Where nodes end can
//! be seen by clients: approximate trimming removes whole nodes. So chunks end where Redis's nodes do,
//! and a chunk knows how long its node would be, and how many deleted entries would still be in it.
//!
//! ```text
//! chunk = names entry*                     the names are the first entry's
//! names = count word{count}
//! entry = head [names] word{count}         the names only if they are not the chunk's
//! head  = byte [ms] seq
//! ```
//!
//! Bit 0 of a head's byte says that the names are the chunk's. The other bits are the milliseconds
//! since the entry before (the first: since the chunk's identifier); all of them set, a number `ms`
//! follows. `seq` is the difference of the sequence numbers if there are no milliseconds between
//! them, else the sequence number. Deleted entries are removed.

use std::sync::Arc;

use ferric_engine::Malformed;

use super::Id;
use super::runs::Ordered;
use super::word::{Word, listpack_int, skip_words, take_words};
use crate::values::wire::{Reader, put_number};

/// The names are the chunk's.
const SAME_NAMES: u8 = 1;

/// Milliseconds that do not fit the first byte of a head.
const FAR: u64 = 127;

/// Longest head: the byte, and two numbers.
const MAX_HEAD: usize = 21;

/// Bytes of a listpack without elements.
const EMPTY_LISTPACK: usize = 7;

/// What is known of a chunk without looking at its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The identifier of its first entry, which may have been deleted since.
    pub first: Id,
    /// The identifier of the entry added last, which may have been deleted since.
    pub last: Id,
    /// The identifier of the last entry that is there; `first` when there is none.
    pub tail: Id,
    /// Number of entries.
    pub live: u32,
    /// Number of entries that were deleted.
    pub dead: u32,
    /// Bytes that Redis's node would have.
    pub node_len: u64,
    /// Bytes of the names in front of the entries.
    pub names_len: u32,
}

/// An entry to be added.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    id: Id,
    /// Number of fields.
    count: usize,
    /// Their names, with their count in front.
    names: &'a [u8],
    names_listpack: usize,
    values: &'a [u8],
    values_listpack: usize,
}

impl<'a> Item<'a> {
    /// Reads an entry of this identifier: names and values.
    ///
    /// # Errors
    /// It is cut short, or has no field.
    pub fn read(reader: &mut Reader<'a>, id: Id) -> Result<Item<'a>, Malformed> {
        let start = reader.rest();
        let count = reader.size()?;
        let (_, names_listpack) = take_words(reader, count)?;
        let names = &start[..start.len() - reader.rest().len()];
        let (values, values_listpack) = take_words(reader, count)?;
        if count == 0 || u32::try_from(names.len()).is_err() {
            return Err(Malformed);
        }
        Ok(Item { id, count, names, names_listpack, values, values_listpack })
    }

    /// Bytes of a node with this entry only, before the entry itself is added.
    fn empty_node(&self) -> usize {
        let (live, dead, end) = (0, 0, 0);
        EMPTY_LISTPACK
            + listpack_int(live)
            + listpack_int(dead)
            + listpack_int(self.count as i64)
            + self.names_listpack
            + listpack_int(end)
    }

    /// Bytes that the entry adds to a node that begins with `first`.
    fn in_node(&self, first: Id, same_names: bool) -> usize {
        let mut elements = self.count as i64 + 3;
        let mut len = listpack_int(0)
            + listpack_int(self.id.ms.wrapping_sub(first.ms) as i64)
            + listpack_int(self.id.seq.wrapping_sub(first.seq) as i64)
            + self.values_listpack;
        if !same_names {
            elements += self.count as i64 + 1;
            len += listpack_int(self.count as i64) + self.names_listpack;
        }
        len + listpack_int(elements)
    }
}

/// A chunk.
#[derive(Clone, Debug)]
pub struct Chunk {
    head: Head,
    bytes: Vec<u8>,
}

impl Ordered for Arc<Chunk> {
    fn id(&self) -> Id {
        self.head.first
    }
}

impl Chunk {
    /// A chunk of one entry.
    pub fn new(item: &Item<'_>) -> Chunk {
        let head = Head {
            first: item.id,
            last: item.id,
            tail: item.id,
            live: 0,
            dead: 0,
            node_len: item.empty_node() as u64,
            names_len: item.names.len() as u32,
        };
        let mut chunk = Chunk { head, bytes: item.names.to_vec() };
        chunk.push(item);
        chunk
    }

    /// What is known without looking at the entries.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Read access.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View { head: self.head, bytes: &self.bytes }
    }

    /// Length of the packed entries in bytes.
    pub fn packed_len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds an entry, whose identifier is greater than those of all others.
    pub fn push(&mut self, item: &Item<'_>) {
        let head = &mut self.head;
        let same = self.bytes.get(..head.names_len as usize) == Some(item.names);
        put_head(&mut self.bytes, head.tail, item.id, same);
        if !same {
            self.bytes.extend_from_slice(item.names);
        }
        self.bytes.extend_from_slice(item.values);
        head.recount(head.live.saturating_add(1), head.dead);
        head.node_len = head.node_len.saturating_add(item.in_node(head.first, same) as u64);
        (head.last, head.tail) = (item.id, item.id);
    }

    /// Gives back the memory kept for further entries.
    pub fn close(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Removes the entries from `low` to `high`; how many those were.
    pub fn remove(&mut self, low: Id, high: Id) -> u32 {
        let mut entries = self.view().entries();
        let (mut base, mut start) = (entries.previous, entries.offset());
        let mut removed = 0;
        let mut follower = None;
        while let Some(entry) = entries.next() {
            if entry.id > high {
                follower = Some((entry.id, entry.own_names.is_none(), entries.body));
                break;
            }
            if entry.id >= low {
                removed += 1;
            } else {
                (base, start) = (entry.id, entries.offset());
            }
        }
        if removed == 0 {
            return 0;
        }
        match follower {
            None => {
                self.bytes.truncate(start);
                self.head.tail = base;
            }
            Some((id, same, body)) => {
                let mut head = Vec::with_capacity(MAX_HEAD);
                put_head(&mut head, base, id, same);
                self.bytes.splice(start..body, head);
            }
        }
        if self.bytes.len() < self.bytes.capacity() / 2 {
            self.bytes.shrink_to_fit();
        }
        self.head.recount(
            self.head.live.saturating_sub(removed),
            self.head.dead.saturating_add(removed),
        );
        removed
    }

    /// Makes a chunk of what may be one.
    ///
    /// # Errors
    /// Its entries are not what its head says, or not in order.
    pub fn check(view: View<'_>) -> Result<Chunk, Malformed> {
        let View { head, bytes } = view;
        let mut entries = view.entries();
        let (mut live, mut tail) = (0u32, None);
        let mut names = Reader::new(entries.names);
        take_names(&mut names)?;
        if !names.is_empty() {
            return Err(Malformed);
        }
        while let Some(entry) = entries.read()? {
            let in_order = match tail {
                None => entry.id >= head.first,
                Some(tail) => entry.id > tail,
            };
            if !in_order {
                return Err(Malformed);
            }
            (live, tail) = (live + 1, Some(entry.id));
        }
        if live != head.live || tail.unwrap_or(head.first) != head.tail {
            return Err(Malformed);
        }
        Ok(Chunk { head, bytes: bytes.to_vec() })
    }
}

impl Head {
    /// Changes the counts of entries, and with them the node's length: they are elements of it.
    fn recount(&mut self, live: u32, dead: u32) {
        let len =
            |live, dead| (listpack_int(i64::from(live)) + listpack_int(i64::from(dead))) as u64;
        let other = self.node_len.saturating_add(len(live, dead));
        self.node_len = other.saturating_sub(len(self.live, self.dead));
        (self.live, self.dead) = (live, dead);
    }
}

/// Appends the head of the entry `id`, which comes after `previous`.
#[inline]
fn put_head(out: &mut Vec<u8>, previous: Id, id: Id, same_names: bool) {
    let ms = id.ms.wrapping_sub(previous.ms);
    out.push((ms.min(FAR) as u8) << 1 | u8::from(same_names));
    if ms >= FAR {
        put_number(out, ms);
    }
    put_number(out, if ms == 0 { id.seq.wrapping_sub(previous.seq) } else { id.seq });
}

/// Read access to a chunk.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// What is known without looking at the entries.
    pub head: Head,
    /// The entries.
    pub bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// The entries in order.
    #[inline]
    pub fn entries(&self) -> Entries<'a> {
        let (names, entries) =
            self.bytes.split_at_checked(self.head.names_len as usize).unwrap_or_default();
        Entries {
            len: self.bytes.len(),
            names,
            reader: Reader::new(entries),
            previous: self.head.first,
            body: 0,
        }
    }
}

/// An entry.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// Its identifier.
    pub id: Id,
    /// The chunk's names.
    names: &'a [u8],
    /// Its own names, when they are others.
    own_names: Option<&'a [u8]>,
    values: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Its fields: how many, and their names and values.
    #[inline]
    pub fn fields(&self) -> (usize, Fields<'a>) {
        let mut names = Reader::new(self.own_names.unwrap_or(self.names));
        let count = names.size().unwrap_or(0);
        (count, Fields { names, values: Reader::new(self.values), left: count })
    }
}

/// Names and values.
#[derive(Clone)]
pub struct Fields<'a> {
    names: Reader<'a>,
    values: Reader<'a>,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Word<'a>, Word<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some((Word::read(&mut self.names).ok()?, Word::read(&mut self.values).ok()?))
    }
}

/// Entries in order.
#[derive(Clone)]
pub struct Entries<'a> {
    len: usize,
    names: &'a [u8],
    reader: Reader<'a>,
    previous: Id,
    /// Where the part of the last entry behind its head begins.
    body: usize,
}

impl<'a> Entries<'a> {
    /// Where the next entry begins.
    fn offset(&self) -> usize {
        self.len - self.reader.rest().len()
    }

    /// The next entry.
    #[inline]
    fn read(&mut self) -> Result<Option<Entry<'a>>, Malformed> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let byte = self.reader.byte()?;
        let mut ms = u64::from(byte >> 1);
        if ms == FAR {
            ms = self.reader.number()?;
        }
        let seq = self.reader.number()?;
        let base = if ms == 0 { self.previous.seq } else { 0 };
        let id = Id::new(self.previous.ms.wrapping_add(ms), base.wrapping_add(seq));
        self.body = self.offset();
        let own_names = match byte & SAME_NAMES {
            0 => Some(take_names(&mut self.reader)?),
            _ => None,
        };
        let count = Reader::new(own_names.unwrap_or(self.names)).size()?;
        let start = self.reader.rest();
        skip_words(&mut self.reader, count)?;
        let values = &start[..start.len() - self.reader.rest().len()];
        self.previous = id;
        Ok(Some(Entry { id, names: self.names, own_names, values }))
    }
}

fn take_names<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let start = reader.rest();
    let count = reader.size()?;
    skip_words(reader, count)?;
    Ok(&start[..start.len() - reader.rest().len()])
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    /// Chunks have been checked when they were made, so that nothing is malformed here.
    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        self.read().ok().flatten()
    }
}
