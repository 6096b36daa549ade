//! Long arrays of small cells, most of them zero at first: the tables of filters and sketches.
//!
//! An array is made of chunks behind [`Arc`]s, so that a snapshot shares them; a chunk that was never
//! written to takes no memory and no room in the image.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferric_engine::{Image, Malformed};

use super::wire::{Reader, put_number};

/// Bytes of a chunk. A cell never straddles two.
pub const CHUNK: usize = 4096;

/// Chunks of a group, which is what a snapshot copies a pointer of.
const GROUP: usize = 256;

/// A group's chunks; one that is missing is all zeros.
type Group = Vec<Option<Arc<[u8]>>>;

/// Chunks of zeros that readers are shown for those that are missing.
static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// An array of bytes, seen as cells of some width.
#[derive(Clone)]
pub struct Cells {
    len: usize,
    groups: Vec<Option<Arc<Group>>>,
    /// Bytes of the chunks that are there.
    written: usize,
}

impl Cells {
    /// `len` bytes of zeros.
    pub fn new(len: usize) -> Cells {
        let groups = len.div_ceil(CHUNK).div_ceil(GROUP);
        Cells { len, groups: vec![None; groups], written: 0 }
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Memory that it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let groups = self.groups.iter().flatten().count() * GROUP * size_of::<Option<Arc<[u8]>>>();
        self.written + groups + self.groups.capacity() * size_of::<Option<Arc<Group>>>()
    }

    /// About how long its image is, in bytes.
    pub fn image_len(&self) -> usize {
        self.written + self.groups.len()
    }

    /// Read access.
    pub fn view(&self) -> View<'_> {
        View { len: self.len, source: Source::Cells(self) }
    }

    fn chunk(&self, number: usize) -> Option<&[u8]> {
        self.groups[number / GROUP].as_ref()?[number % GROUP].as_deref()
    }

    fn chunk_mut(&mut self, number: usize) -> &mut [u8] {
        let chunks = chunks(self.len);
        let first = number / GROUP * GROUP;
        let group = self.groups[number / GROUP]
            .get_or_insert_with(|| Arc::new(vec![None; GROUP.min(chunks - first)]));
        let len = chunk_len(self.len, number);
        let chunk = Arc::make_mut(group)[number % GROUP].get_or_insert_with(|| {
            self.written += len;
            Arc::from(&ZEROS[..len])
        });
        Arc::make_mut(chunk)
    }

    /// Sets a cell that exists.
    pub fn set<const W: usize>(&mut self, cell: usize, value: [u8; W]) {
        let at = cell * W;
        self.chunk_mut(at / CHUNK)[at % CHUNK..][..W].copy_from_slice(&value);
    }

    /// Overwrites bytes from `at` on; false if they would end behind the array.
    pub fn overwrite(&mut self, mut at: usize, mut bytes: &[u8]) -> bool {
        if at.checked_add(bytes.len()).is_none_or(|end| end > self.len) {
            return false;
        }
        while !bytes.is_empty() {
            let chunk = &mut self.chunk_mut(at / CHUNK)[at % CHUNK..];
            let (part, rest) = bytes.split_at(chunk.len().min(bytes.len()));
            chunk[..part.len()].copy_from_slice(part);
            (at, bytes) = (at + part.len(), rest);
        }
        true
    }

    /// Makes the changes that [`Draft::put`] wrote down.
    ///
    /// # Errors
    /// They are malformed, or name a cell that is not there.
    pub fn apply<const W: usize>(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let mut next = 0usize;
        for _ in 0..reader.size()? {
            let cell = next.checked_add(reader.size()?).ok_or(Malformed)?;
            let value = reader.take(W)?.try_into().map_err(|_| Malformed)?;
            if cell >= self.len / W {
                return Err(Malformed);
            }
            self.set::<W>(cell, value);
            next = cell + 1;
        }
        Ok(())
    }

    /// Reads what [`Frozen`] wrote of an array of `len` bytes.
    ///
    /// # Errors
    /// It is cut short or malformed.
    pub fn read(len: usize, reader: &mut Reader<'_>) -> Result<Cells, Malformed> {
        let mut cells = Cells::new(len);
        walk(len, reader, |number, bytes| cells.chunk_mut(number).copy_from_slice(bytes))?;
        Ok(cells)
    }
}

/// Number of chunks of an array.
fn chunks(len: usize) -> usize {
    len.div_ceil(CHUNK)
}

/// Length of one of them.
fn chunk_len(len: usize, number: usize) -> usize {
    CHUNK.min(len - number * CHUNK)
}

/// Goes through the chunks in an image: a single chunk is written as it is, of several those that
/// are not zero, each after the number of chunks that were left out before it; a last number counts
/// those left out behind it.
fn walk<'b>(
    len: usize,
    reader: &mut Reader<'b>,
    mut visit: impl FnMut(usize, &'b [u8]),
) -> Result<(), Malformed> {
    if len <= CHUNK {
        let bytes = reader.take(len)?;
        if !bytes.is_empty() {
            visit(0, bytes);
        }
        return Ok(());
    }
    let mut number = 0usize;
    while number < chunks(len) {
        number = number.checked_add(reader.size()?).ok_or(Malformed)?;
        if number > chunks(len) {
            return Err(Malformed);
        }
        if number < chunks(len) {
            visit(number, reader.take(chunk_len(len, number))?);
            number += 1;
        }
    }
    Ok(())
}

/// Read access to an array, or to its image.
#[derive(Clone, Copy)]
pub struct View<'c> {
    len: usize,
    source: Source<'c>,
}

#[derive(Clone, Copy)]
enum Source<'c> {
    Cells(&'c Cells),
    Image(Reader<'c>),
    Zeros,
}

impl<'c> View<'c> {
    /// An array of `len` bytes that are all zero.
    pub fn zeros(len: usize) -> View<'c> {
        View { len, source: Source::Zeros }
    }

    /// Read access to the array of `len` bytes at the front of an image, without making a copy.
    ///
    /// # Errors
    /// It is cut short or malformed.
    pub fn read(len: usize, reader: &mut Reader<'c>) -> Result<View<'c>, Malformed> {
        let source = Source::Image(*reader);
        walk(len, reader, |_, _| {})?;
        Ok(View { len, source })
    }

    /// The array's length in bytes.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    fn chunk(self, number: usize) -> &'c [u8] {
        let mut found = None;
        match self.source {
            Source::Zeros => {}
            Source::Cells(cells) => found = cells.chunk(number),
            Source::Image(mut reader) => {
                // It was walked through before: it is well formed.
                let _ = walk(self.len, &mut reader, |at, bytes| {
                    if at == number {
                        found = Some(bytes);
                    }
                });
            }
        }
        found.unwrap_or(&ZEROS[..chunk_len(self.len, number)])
    }

    /// A cell.
    pub fn get<const W: usize>(self, cell: usize) -> [u8; W] {
        let at = cell * W;
        let mut value = [0; W];
        value.copy_from_slice(&self.chunk(at / CHUNK)[at % CHUNK..][..W]);
        value
    }

    /// Appends `len` bytes from `at` on, all of which exist.
    pub fn copy_to(self, mut at: usize, mut len: usize, out: &mut Vec<u8>) {
        while len > 0 {
            let chunk = &self.chunk(at / CHUNK)[at % CHUNK..];
            let part = &chunk[..chunk.len().min(len)];
            out.extend_from_slice(part);
            (at, len) = (at + part.len(), len - part.len());
        }
    }
}

/// Changes to an array that have not been made yet: what a command works on until it knows its
/// effect.
pub struct Draft<'c, const W: usize> {
    base: View<'c>,
    changed: BTreeMap<usize, [u8; W]>,
}

impl<'c, const W: usize> Draft<'c, W> {
    /// No changes.
    pub fn new(base: View<'c>) -> Draft<'c, W> {
        Draft { base, changed: BTreeMap::new() }
    }

    /// A cell as it will be.
    pub fn get(&self, cell: usize) -> [u8; W] {
        self.changed.get(&cell).copied().unwrap_or_else(|| self.base.get(cell))
    }

    /// Sets a cell that exists. One that has the value already does not count as changed: zeros are
    /// not to take room because somebody wrote them.
    pub fn set(&mut self, cell: usize, value: [u8; W]) {
        if self.get(cell) != value {
            self.changed.insert(cell, value);
        }
    }

    /// Appends the changes for [`Cells::apply`].
    pub fn put(&self, out: &mut Vec<u8>) {
        put_number(out, self.changed.len() as u64);
        let mut next = 0;
        for (&cell, value) in &self.changed {
            put_number(out, (cell - next) as u64);
            out.extend_from_slice(value);
            next = cell + 1;
        }
    }

    /// Whether nothing has been changed.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }
}

/// An image of some numbers and arrays: what comes first, then the arrays in order.
pub struct Frozen {
    head: Vec<u8>,
    arrays: std::vec::IntoIter<Cells>,
    /// The array being written, and its next chunk.
    current: Option<(Cells, usize)>,
}

impl Frozen {
    /// Shares the arrays with whom they come from.
    pub fn new(head: Vec<u8>, arrays: Vec<Cells>) -> Frozen {
        Frozen { head, arrays: arrays.into_iter(), current: None }
    }
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let end = out.len().saturating_add(budget);
        out.append(&mut self.head);
        while out.len() < end {
            if self.current.is_none() {
                self.current = self.arrays.next().map(|cells| (cells, 0));
            }
            let Some((cells, next)) = &mut self.current else { return false };
            if write_run(cells, next, out) {
                self.current = None;
            }
        }
        true
    }
}

/// Writes chunks that are zero and the one behind them; whether the array ends there.
fn write_run(cells: &Cells, next: &mut usize, out: &mut Vec<u8>) -> bool {
    let count = chunks(cells.len);
    if count <= 1 {
        let chunk = (count == 1).then(|| cells.chunk(0)).flatten();
        out.extend_from_slice(chunk.unwrap_or(&ZEROS[..cells.len]));
        return true;
    }
    let start = *next;
    let found = (start..count).find_map(|number| Some((number, cells.chunk(number)?)));
    let (number, chunk) = found.unwrap_or((count, &[]));
    put_number(out, (number - start) as u64);
    out.extend_from_slice(chunk);
    *next = number + 1;
    *next >= count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(cells: &Cells) -> Vec<u8> {
        let mut out = Vec::new();
        cells.view().copy_to(0, cells.len(), &mut out);
        out
    }

    fn image(cells: &Cells, budget: usize) -> Vec<u8> {
        let (mut frozen, mut out) = (Frozen::new(Vec::new(), vec![cells.clone()]), Vec::new());
        while frozen.write(&mut out, budget) {}
        out
    }

    proptest! {
        /// Against a plain array, through drafts, deltas, snapshots and images.
        #[test]
        fn like_an_array(len in 0usize..50, tail in 0usize..CHUNK, changes in prop::collection::vec((any::<usize>(), any::<u32>()), 0..40), budget in 1usize..9000) {
            let len = (len * 700 * 4 + tail) & !3;
            let (mut plain, mut cells) = (vec![0u8; len], Cells::new(len));
            for round in changes.chunks(7) {
                let before = cells.clone();
                let mut draft = Draft::<4>::new(cells.view());
                for (at, value) in round {
                    if len > 0 {
                        let at = at % (len / 4);
                        draft.set(at, value.to_le_bytes());
                        prop_assert_eq!(draft.get(at), value.to_le_bytes());
                        plain[at * 4..][..4].copy_from_slice(&value.to_le_bytes());
                    }
                }
                let mut delta = Vec::new();
                draft.put(&mut delta);
                let kept = bytes(&before);
                cells.apply::<4>(&mut Reader::new(&delta)).expect("well formed");
                prop_assert_eq!(bytes(&before), kept, "a snapshot does not change");
            }
            prop_assert_eq!(bytes(&cells), plain.clone());
            let image = image(&cells, budget);
            let mut reader = Reader::new(&image);
            let read = Cells::read(len, &mut reader).expect("well formed");
            prop_assert!(reader.is_empty());
            prop_assert_eq!(bytes(&read), plain.clone());
            let view = View::read(len, &mut Reader::new(&image)).expect("well formed");
            let mut copy = Vec::new();
            view.copy_to(0, len, &mut copy);
            prop_assert_eq!(copy, plain);
        }

        #[test]
        fn any_bytes_are_read_without_panic(len in 0usize..1_000_000, bytes: Vec<u8>) {
            let _ = Cells::read(len, &mut Reader::new(&bytes));
            let _ = View::read(len, &mut Reader::new(&bytes));
            let _ = Cells::new(len).apply::<8>(&mut Reader::new(&bytes));
        }
    }

    #[test]
    fn zeros_take_no_room() {
        let mut cells = Cells::new(100 << 20);
        assert!(image(&cells, usize::MAX).len() < 8 && cells.heap_bytes() < 1024);
        cells.set(50 << 20, [1]);
        assert!(image(&cells, usize::MAX).len() < CHUNK + 16);
        assert!(!cells.overwrite((100 << 20) - 1, b"ab") && cells.overwrite(CHUNK - 1, b"ab"));
        assert_eq!((cells.view().get(CHUNK - 1), cells.view().get(CHUNK)), ([b'a'], [b'b']));
    }
}
