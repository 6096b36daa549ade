//! The bytes of a checkpoint file; FORMAT.md draws them.
//!
//! Blocks of index entries, a section of them for each shard, and a footer that says what they are.
//! The footer is last since what it says is known last.

use std::io::Result as IoResult;
use std::sync::Arc;

use crate::access::keyspace::SpaceTable;
use crate::index::{Slot, TableCopy};
use crate::io::File;
use crate::log::Mark;
use crate::record::{u32_at, u64_at};

const HEADER_MAGIC: u64 = 0x3150_4b43_5243_5246; // "FRCRCKP1"
const FOOTER_MAGIC: u64 = 0x3146_4b43_5243_5246; // "FRCRCKF1"
const VERSION: u32 = 1;
/// The file begins with its magic number and version.
const HEADER: usize = 16;
const BLOCK_HEADER: usize = 32;
const SLOT: usize = 16;
/// Most entries of a block: what a table of the index holds.
const MAX_SLOTS: usize = 1 << 12;
/// What the footer has of fixed length, and the file's last bytes, which say how long it is.
const FOOTER: usize = 96;
const END: usize = 32;

/// Bytes that are written, and read, at once.
const CHUNK: usize = 1 << 20;
/// Written bytes that are synced at once: a sync of the log waits for these at most.
const SYNC_EVERY: u64 = 16 << 20;

/// One table of the index.
pub(crate) struct Block {
    /// Incarnation of the key space.
    pub space: u32,
    pub shard: u32,
    pub table: TableCopy,
}

/// The blocks of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// Where in the file they begin, and their length.
    pub offset: u64,
    pub len: u64,
    pub slots: u64,
}

/// What a checkpoint says of itself, but for where its blocks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FooterOf {
    pub log_id: u64,
    pub id: u64,
    /// Where reading the log begins.
    pub mark: Mark,
    /// All blocks are of moments before this position; the log was durable up to here.
    pub end: u64,
    /// At least the highest sequence number of the records below `end`.
    pub sequence: u64,
    pub hash_seed: u64,
    /// The table of key spaces that was logged last.
    pub spaces: SpaceTable,
    /// Numbers of the segments that entries may point to, beside those of the log behind `mark`.
    pub segments: Vec<u64>,
}

/// A checkpoint's footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub of: FooterOf,
    /// One for each shard.
    pub sections: Vec<Section>,
}

impl Footer {
    fn encode(&self) -> Vec<u8> {
        let of = &self.of;
        let spaces = of.spaces.encode();
        let mut out = Vec::with_capacity(FOOTER + spaces.len());
        let words = [
            of.log_id,
            of.id,
            of.mark.position,
            of.mark.number,
            u64::from(of.mark.incarnation),
            of.mark.previous_end,
            of.end,
            of.sequence,
            of.hash_seed,
            spaces.len() as u64,
            of.segments.len() as u64,
            self.sections.len() as u64,
        ];
        let sections = self.sections.iter().flat_map(|of| [of.offset, of.len, of.slots]);
        words.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        out.extend_from_slice(&spaces);
        let numbers = of.segments.iter().copied().chain(sections);
        numbers.for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        out
    }

    fn decode(bytes: &[u8]) -> Option<Footer> {
        let fixed = bytes.get(..FOOTER)?;
        let word = |at: usize| u64_at(fixed, at * 8);
        let count = |at: usize| usize::try_from(word(at)).ok();
        let (spaces, rest) = bytes[FOOTER..].split_at_checked(count(9)?)?;
        let (segments, rest) = rest.split_at_checked(count(10)?.checked_mul(8)?)?;
        if count(11)?.checked_mul(24)? != rest.len() {
            return None;
        }
        let mark = Mark {
            position: word(2),
            number: word(3),
            incarnation: u32::try_from(word(4)).ok()?,
            previous_end: word(5),
        };
        let of = FooterOf {
            log_id: word(0),
            id: word(1),
            mark,
            end: word(6),
            sequence: word(7),
            hash_seed: word(8),
            spaces: SpaceTable::decode(spaces)?,
            segments: segments.chunks_exact(8).map(|bytes| u64_at(bytes, 0)).collect(),
        };
        let section = |bytes: &[u8]| Section {
            offset: u64_at(bytes, 0),
            len: u64_at(bytes, 8),
            slots: u64_at(bytes, 16),
        };
        Some(Footer { of, sections: rest.chunks_exact(24).map(section).collect() })
    }
}

/// Writes a checkpoint.
pub(crate) struct Writer {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    /// Bytes written, and of these synced.
    written: u64,
    synced: u64,
    sections: Vec<Section>,
    section: Section,
}

impl Writer {
    /// Begins in an empty file.
    pub(crate) fn new(file: Arc<dyn File>) -> Writer {
        let mut buffer = Vec::with_capacity(CHUNK);
        buffer.extend_from_slice(&header());
        let section = Section { offset: HEADER as u64, len: 0, slots: 0 };
        Writer { file, buffer, written: 0, synced: 0, sections: Vec::new(), section }
    }

    fn at(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    pub(crate) fn add(&mut self, block: &Block) -> IoResult<()> {
        let table = &block.table;
        let start = self.buffer.len();
        let words =
            [0, table.slots.len() as u32, block.space, table.prefix, table.depth, block.shard];
        words.iter().for_each(|word| self.buffer.extend_from_slice(&word.to_le_bytes()));
        self.buffer.extend_from_slice(&[0; BLOCK_HEADER - 24]);
        for word in table.slots.iter().flat_map(|slot| slot.words()) {
            self.buffer.extend_from_slice(&word.to_le_bytes());
        }
        let crc = crc32c::crc32c(&self.buffer[start + 4..]);
        self.buffer[start..start + 4].copy_from_slice(&crc.to_le_bytes());
        self.section.slots += table.slots.len() as u64;
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Ends the blocks of a shard.
    pub(crate) fn end_section(&mut self) {
        let at = self.at();
        self.section.len = at - self.section.offset;
        self.sections.push(self.section);
        self.section = Section { offset: at, len: 0, slots: 0 };
    }

    fn flush(&mut self) -> IoResult<()> {
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        if self.written - self.synced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.synced = self.written;
        }
        Ok(())
    }

    /// Adds the footer and makes the file durable; its length.
    pub(crate) fn finish(mut self, of: FooterOf) -> IoResult<u64> {
        let sections = std::mem::take(&mut self.sections);
        let footer = Footer { of, sections }.encode();
        let mut end = [0u8; END];
        end[0..8].copy_from_slice(&FOOTER_MAGIC.to_le_bytes());
        end[8..16].copy_from_slice(&(footer.len() as u64).to_le_bytes());
        end[16..20].copy_from_slice(&crc32c::crc32c(&footer).to_le_bytes());
        let crc = crc32c::crc32c(&end[..END - 4]);
        end[END - 4..].copy_from_slice(&crc.to_le_bytes());
        self.buffer.extend_from_slice(&footer);
        self.buffer.extend_from_slice(&end);
        self.flush()?;
        self.file.sync_data()?;
        Ok(self.written)
    }
}

fn header() -> [u8; HEADER] {
    let mut out = [0u8; HEADER];
    out[0..8].copy_from_slice(&HEADER_MAGIC.to_le_bytes());
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out
}

/// Reads the footer of a checkpoint. Takes no more memory than the file has bytes.
///
/// # Errors
/// The file cannot be read, or is no whole checkpoint.
pub(crate) fn read_footer(file: &Arc<dyn File>) -> Result<Footer, String> {
    let failed = |error: std::io::Error| error.to_string();
    let len = file.len().map_err(failed)?;
    let end_at = len.checked_sub((END + HEADER) as u64).ok_or("it is too short")? + HEADER as u64;
    let (mut head, mut end) = ([0u8; HEADER], [0u8; END]);
    file.read_exact_at(&mut head, 0).map_err(failed)?;
    file.read_exact_at(&mut end, end_at).map_err(failed)?;
    if head != header() {
        return Err("it does not begin like a checkpoint of this version".into());
    }
    let crc = crc32c::crc32c(&end[..END - 4]);
    if u64_at(&end, 0) != FOOTER_MAGIC || crc != u32_at(&end, END - 4) {
        return Err("it does not end like a checkpoint".into());
    }
    let footer_len = u64_at(&end, 8);
    let footer_at = end_at.checked_sub(footer_len).ok_or("its footer is too long")?;
    let mut bytes = vec![0u8; footer_len as usize];
    file.read_exact_at(&mut bytes, footer_at).map_err(failed)?;
    if crc32c::crc32c(&bytes) != u32_at(&end, 16) {
        return Err("the checksum of its footer differs".into());
    }
    let footer = Footer::decode(&bytes).ok_or("its footer makes no sense")?;
    let mut at = HEADER as u64;
    for section in &footer.sections {
        let follows = section.offset == at && section.len <= footer_at - at;
        at = section.offset.wrapping_add(section.len);
        if !follows {
            return Err("its sections are not one behind the other".into());
        }
    }
    if at == footer_at { Ok(footer) } else { Err("its sections end too early".into()) }
}

/// Reads the blocks of a section, one after another.
pub(crate) struct SectionReader<'f> {
    file: &'f dyn File,
    /// Where reading goes on, and how many bytes of the section are left there.
    at: u64,
    left: u64,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that have been used.
    used: usize,
    slots: u64,
}

impl<'f> SectionReader<'f> {
    pub(crate) fn new(file: &'f dyn File, section: Section) -> SectionReader<'f> {
        let Section { offset: at, len: left, slots } = section;
        SectionReader { file, at, left, buffer: Vec::new(), used: 0, slots }
    }

    /// The next block; `None` at the end of the section. `next` of its table is not set.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, String> {
        if self.left == 0 && self.used == self.buffer.len() {
            return if self.slots == 0 { Ok(None) } else { Err("entries are missing".into()) };
        }
        let head: [u8; BLOCK_HEADER] =
            self.take(BLOCK_HEADER)?.try_into().map_err(|_| "a block header cut short")?;
        let count = u32_at(&head, 4) as usize;
        if count > MAX_SLOTS || count as u64 > self.slots {
            return Err("a block of too many entries".into());
        }
        self.slots -= count as u64;
        let bytes = self.take(count * SLOT)?;
        if crc32c::crc32c_append(crc32c::crc32c(&head[4..]), bytes) != u32_at(&head, 0) {
            return Err("the checksum of a block differs".into());
        }
        let slot = |bytes: &[u8]| Slot::from_words([u64_at(bytes, 0), u64_at(bytes, 8)]);
        let slots = bytes.chunks_exact(SLOT).map(slot).collect();
        let (space, prefix, depth) = (u32_at(&head, 8), u32_at(&head, 12), u32_at(&head, 16));
        let table = TableCopy { prefix, depth, slots, next: 0 };
        Ok(Some(Block { space, shard: u32_at(&head, 20), table }))
    }

    fn take(&mut self, len: usize) -> Result<&[u8], String> {
        if self.buffer.len() - self.used < len {
            self.buffer.drain(..self.used);
            self.used = 0;
            let more = (CHUNK as u64).min(self.left) as usize;
            let old = self.buffer.len();
            self.buffer.resize(old + more, 0);
            let read = self.file.read_exact_at(&mut self.buffer[old..], self.at);
            read.map_err(|error| error.to_string())?;
            self.at += more as u64;
            self.left -= more as u64;
        }
        let part = self.buffer.get(self.used..self.used + len).ok_or("a block cut short")?;
        self.used += len;
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::sim::SimIo;
    use crate::io::{Io, OpenMode};
    use proptest::prelude::*;
    use std::path::Path;

    fn file() -> Arc<dyn File> {
        SimIo::new().open(Path::new("/f"), OpenMode::Create).unwrap()
    }

    fn of() -> FooterOf {
        let mark = Mark { position: 4096, number: 7, incarnation: 2, previous_end: 8192 };
        FooterOf {
            log_id: 5,
            id: 3,
            mark,
            end: 12288,
            sequence: 99,
            hash_seed: 11,
            spaces: SpaceTable { next: 9, ids: vec![4, 8] },
            segments: vec![0, 1, 1 << 32],
        }
    }

    fn block(shard: u32, count: u32) -> Block {
        let slots = (0..count).map(|n| Slot::new(n, u64::from(n + 1) * 8, 99, 0, 0)).collect();
        Block { space: 4, shard, table: TableCopy { prefix: 0, depth: 0, slots, next: 0 } }
    }

    fn write(file: &Arc<dyn File>, shards: &[&[u32]]) -> u64 {
        let mut writer = Writer::new(Arc::clone(file));
        for (shard, counts) in shards.iter().enumerate() {
            counts.iter().for_each(|&count| writer.add(&block(shard as u32, count)).unwrap());
            writer.end_section();
        }
        writer.finish(of()).unwrap()
    }

    /// Everything that can be read of a file.
    fn read(file: &Arc<dyn File>) -> Result<(Footer, Vec<Vec<Slot>>), String> {
        let footer = read_footer(file)?;
        let mut blocks = Vec::new();
        for section in &footer.sections {
            let mut reader = SectionReader::new(&**file, *section);
            while let Some(block) = reader.next()? {
                blocks.push(block.table.slots);
            }
        }
        Ok((footer, blocks))
    }

    fn bytes(file: &Arc<dyn File>) -> Vec<u8> {
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn round_trip_of_more_than_a_chunk() {
        let file = file();
        let counts = [3_584; 60];
        let len = write(&file, &[&counts, &[], &[0, 5]]);
        assert_eq!(file.len().unwrap(), len);
        let (footer, blocks) = read(&file).expect("intact");
        assert_eq!((footer.of, footer.sections.len(), blocks.len()), (of(), 3, 62));
        assert_eq!(blocks[59], block(0, 3_584).table.slots);
        assert_eq!(blocks[61], block(2, 5).table.slots);
    }

    proptest! {
        #[test]
        fn every_flipped_bit_and_every_cut_is_noticed(bit: usize, cut: usize) {
            let original = file();
            write(&original, &[&[3, 0], &[], &[2]]);
            let intact = bytes(&original);
            let mut flipped = intact.clone();
            let bit = bit % (flipped.len() * 8);
            flipped[bit / 8] ^= 1 << (bit % 8);
            for damaged in [&flipped[..], &intact[..cut % intact.len()]] {
                let file = file();
                file.write_all_at(damaged, 0).unwrap();
                prop_assert!(read(&file).is_err());
            }
        }

        #[test]
        fn any_footer_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Footer::decode(&bytes);
        }

        #[test]
        fn any_section_is_read_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300), slots in 0u64..50, len in 0u64..400,
        ) {
            let file = file();
            file.write_all_at(&bytes, 0).unwrap();
            let mut reader = SectionReader::new(&*file, Section { offset: 0, len, slots });
            while let Ok(Some(_)) = reader.next() {}
        }
    }
}
