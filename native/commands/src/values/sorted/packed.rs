//! Sorted sets as one run of bytes: images, and small sets in memory.
//!
//! An image is the number of entries, then the entries in order, each a score ([`super::score`]) and
//! a member with its length in front.

use std::cmp::Ordering;
use std::ops::{ControlFlow, Range};

use ferric_engine::Malformed;
use smallvec::SmallVec;

use super::bound::{Bound, order};
use super::score;
use crate::values::wire::{Reader, bytes_len, number_len, put_bytes, put_number};

/// Entries that are read in place.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    len: usize,
    entries: &'a [u8],
}

/// A score with its member.
pub type Entry<'a> = (f64, &'a [u8]);

impl<'a> Packed<'a> {
    /// The entries of an image that [`PackedSet::image`] or the like made.
    pub fn of_image(image: &'a [u8]) -> Packed<'a> {
        let mut reader = Reader::new(image);
        let len = reader.size().unwrap_or(0);
        Packed { len, entries: reader.rest() }
    }

    /// How many there are.
    #[inline]
    pub fn len(self) -> usize {
        self.len
    }

    /// All in order.
    #[inline]
    pub fn iter(self) -> Entries<'a> {
        Entries { reader: Reader::new(self.entries), whole: self.entries.len() }
    }

    /// Score and rank of a member.
    #[inline]
    pub fn find(self, member: &[u8]) -> Option<(usize, f64)> {
        let mut found = self.iter().enumerate().filter(|(_, (_, other))| *other == member);
        found.next().map(|(rank, (score, _))| (rank, score))
    }

    /// How many entries lie before `bound`.
    pub fn position(self, bound: &Bound<'_>) -> usize {
        self.iter().take_while(|(score, member)| bound.is_behind(*score, || member)).count()
    }

    /// Hands the entries with these ranks to `visit` until it breaks.
    pub fn visit<B>(
        self,
        ranks: Range<usize>,
        reverse: bool,
        visit: &mut impl FnMut(f64, &'a [u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut chosen = self.iter().skip(ranks.start).take(ranks.len());
        if !reverse {
            return chosen.try_for_each(|(score, member)| visit(score, member));
        }
        // Entries can only be read forwards.
        let chosen: SmallVec<[Entry<'a>; 64]> = chosen.collect();
        chosen.into_iter().rev().try_for_each(|(score, member)| visit(score, member))
    }
}

/// Reads entries one after another; ends early where they cannot be understood.
pub struct Entries<'a> {
    reader: Reader<'a>,
    whole: usize,
}

impl<'a> Entries<'a> {
    /// Bytes that have been read.
    fn offset(&self) -> usize {
        self.whole - self.reader.rest().len()
    }

    #[inline]
    fn read(&mut self) -> Result<Entry<'a>, Malformed> {
        Ok((score::read(&mut self.reader)?, self.reader.bytes()?))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        if self.reader.is_empty() { None } else { self.read().ok() }
    }
}

/// Reads an image of any origin: calls `take` with each entry.
///
/// # Errors
/// It is not an image: entries are missing, not in order, or not entries.
pub fn read_image<'a>(
    image: &'a [u8],
    mut take: impl FnMut(Entry<'a>),
) -> Result<usize, Malformed> {
    let mut reader = Reader::new(image);
    let len = reader.size()?;
    let mut entries = Packed { len, entries: reader.rest() }.iter();
    let mut last: Option<Entry<'a>> = None;
    for _ in 0..len {
        let entry = entries.read()?;
        if last.is_some_and(|last| order(last, entry) != Ordering::Less) {
            return Err(Malformed);
        }
        take(entry);
        last = Some(entry);
    }
    if entries.reader.is_empty() { Ok(len) } else { Err(Malformed) }
}

/// Appends an entry to an image.
pub fn put_entry(out: &mut Vec<u8>, score: f64, member: &[u8]) {
    score::put(out, score);
    put_bytes(out, member);
}

/// Bytes that [`put_entry`] appends.
pub fn entry_len(score: f64, member: &[u8]) -> usize {
    score::len(score) + bytes_len(member)
}

/// A small sorted set.
#[derive(Clone, Debug, Default)]
pub struct PackedSet {
    len: usize,
    entries: Vec<u8>,
}

impl PackedSet {
    /// Entries in order, of which no two have the same member; checks neither.
    pub fn from_entries<'a>(entries: impl Iterator<Item = Entry<'a>>) -> PackedSet {
        let mut set = PackedSet::default();
        for (score, member) in entries {
            put_entry(&mut set.entries, score, member);
            set.len += 1;
        }
        set
    }

    /// The set with an image that [`PackedSet::image`] or the like made.
    pub fn of_image(image: &[u8]) -> PackedSet {
        let Packed { len, entries } = Packed::of_image(image);
        PackedSet { len, entries: entries.to_vec() }
    }

    /// Makes a set of an image of any origin.
    ///
    /// # Errors
    /// It is not one.
    pub fn decode(image: &[u8]) -> Result<PackedSet, Malformed> {
        let mut members = Vec::new();
        read_image(image, |(_, member)| members.push(member))?;
        members.sort_unstable();
        if members.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Malformed);
        }
        Ok(PackedSet::of_image(image))
    }

    /// Its entries.
    #[inline]
    pub fn view(&self) -> Packed<'_> {
        Packed { len: self.len, entries: &self.entries }
    }

    /// The image.
    pub fn image(&self) -> Vec<u8> {
        let mut image = Vec::with_capacity(self.image_len());
        put_number(&mut image, self.len as u64);
        image.extend_from_slice(&self.entries);
        image
    }

    /// Its length in bytes.
    pub fn image_len(&self) -> usize {
        number_len(self.len as u64) + self.entries.len()
    }

    /// Memory that it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.entries.capacity()
    }

    /// Adds a member, or changes its score.
    pub fn set(&mut self, score: f64, member: &[u8]) {
        let mut place = self.entries.len();
        let mut old = None;
        let mut entries = self.view().iter();
        let mut start = 0;
        while let Some(entry) = entries.next() {
            let end = entries.offset();
            if entry.1 == member {
                old = Some(start..end);
            } else if place == self.entries.len() && order(entry, (score, member)).is_gt() {
                place = start;
            }
            start = end;
        }
        if let Some(old) = old {
            if old.end <= place {
                place -= old.len();
            }
            self.entries.drain(old);
            self.len -= 1;
        }
        let mut entry = Vec::with_capacity(entry_len(score, member));
        put_entry(&mut entry, score, member);
        // Most sets stay small, so there is never much room to spare.
        self.entries.reserve_exact(entry.len());
        self.entries.splice(place..place, entry);
        self.len += 1;
    }

    /// Removes a member if it is there.
    pub fn remove(&mut self, member: &[u8]) {
        if let Some((rank, _)) = self.view().find(member) {
            self.remove_range(rank..rank + 1);
        }
    }

    /// Removes the entries with these ranks, which exist.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        let mut entries = self.view().iter();
        let skip = |entries: &mut Entries<'_>, count: usize| {
            entries.by_ref().take(count).count();
            entries.offset()
        };
        let start = skip(&mut entries, ranks.start);
        let end = skip(&mut entries, ranks.len());
        self.entries.drain(start..end);
        self.len -= ranks.len();
    }
}
