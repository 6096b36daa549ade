//! Whether records on disk are of certain keys: many small reads, in the order of their addresses,
//! neighbours together, several at once.

use crate::log::Segments;
use crate::record::{HEADER, u32_at};

/// Neighbours are read together when there is not more than this between them, up to so many bytes.
const MAX_GAP: u64 = 16 << 10;
const MAX_READ: u64 = 256 << 10;
/// Threads that read, and how many records one is worth.
const MAX_READERS: usize = 4;
const RECORDS_A_READER: usize = 256;

/// Is the record at `address` of the key of the `winner`?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question {
    pub address: u64,
    pub winner: usize,
}

/// The questions to which the answer is yes. Sorts all of them.
///
/// # Errors
/// A record cannot be read.
pub(crate) fn answer<'k>(
    segments: &Segments,
    questions: &mut [Question],
    key_of: impl Fn(usize) -> &'k [u8] + Sync,
) -> std::io::Result<Vec<Question>> {
    questions.sort_unstable();
    let readers = questions.len().div_ceil(RECORDS_A_READER).clamp(1, MAX_READERS);
    let share = questions.len().div_ceil(readers).max(1);
    let key_of = &key_of;
    std::thread::scope(|scope| {
        let read = |part| scope.spawn(move || answer_part(segments, part, key_of));
        let parts: Vec<_> = questions.chunks(share).map(read).collect();
        let mut all = Vec::new();
        for part in parts {
            let answers = part.join().map_err(|_| std::io::Error::other("a reader panicked"))?;
            all.extend(answers?);
        }
        Ok(all)
    })
}

fn answer_part<'k>(
    segments: &Segments,
    mut questions: &[Question],
    key_of: &(impl Fn(usize) -> &'k [u8] + Sync),
) -> std::io::Result<Vec<Question>> {
    let mut yes = Vec::new();
    let mut buffer = Vec::new();
    let end_of =
        |question: &Question| question.address + (HEADER + key_of(question.winner).len()) as u64;
    while let Some(first) = questions.first() {
        let missing = || std::io::Error::other(format!("no segment at {:#x}", first.address));
        let place = segments.on_disk(first.address).ok_or_else(missing)?;
        let limit = first.address - place.offset + place.end;
        let mut end = end_of(first);
        let mut count = 1;
        while let Some(next) = questions.get(count)
            && next.address < limit
            && next.address <= end + MAX_GAP
            && end_of(next).max(end) - first.address <= MAX_READ
        {
            end = end.max(end_of(next));
            count += 1;
        }
        // A record that is shorter than the key that was asked for may be the last of its file.
        let end = end.min(first.address - place.offset + place.file.len()?);
        buffer.resize(end.saturating_sub(first.address) as usize, 0);
        place.file.read_exact_at(&mut buffer, place.offset)?;
        let is_of_key = |question: &&Question| {
            let record = buffer.get((question.address - first.address) as usize..);
            record.is_some_and(|record| has_key(record, key_of(question.winner)))
        };
        yes.extend(questions[..count].iter().filter(is_of_key));
        questions = &questions[count..];
    }
    Ok(yes)
}

/// Whether the record that `bytes` begin with is of this key.
pub(crate) fn has_key(bytes: &[u8], key: &[u8]) -> bool {
    bytes.len() >= HEADER
        && u32_at(bytes, 4) as usize == key.len()
        && bytes.get(HEADER..HEADER + key.len()) == Some(key)
}
