//! The bytes of a simulated file: sparse pages, shared between copies until one of them changes.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a page.
const PAGE: u64 = 4096;

type Page = [u8; PAGE as usize];

const ZERO_PAGE: Page = [0; PAGE as usize];

/// A file's length and bytes. A clone costs nothing until one of the two is written to.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    len: u64,
    /// Pages that are not all zero, by number. What is missing, and what is past `len`, is zero.
    pages: Arc<BTreeMap<u64, Arc<Page>>>,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `buf` from `offset`; false if the file ends before.
    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> bool {
        if offset.checked_add(buf.len() as u64).is_none_or(|end| end > self.len) {
            return false;
        }
        for (number, within, part) in split(offset, buf.len()) {
            let page = self.pages.get(&number).map_or(&ZERO_PAGE, Arc::as_ref);
            buf[part].copy_from_slice(&page[within]);
        }
        true
    }

    /// Puts `bytes` at `offset`, lengthening the file if they end past it.
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        if bytes.is_empty() {
            return;
        }
        self.extend_to(offset + bytes.len() as u64);
        for (number, within, part) in split(offset, bytes.len()) {
            self.change_page(number, |page| page[within].copy_from_slice(&bytes[part]));
        }
    }

    /// Zeroes the range, lengthening the file if it ends past it.
    pub(super) fn zero(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        self.extend_to(range.end);
        let stored = (range.start / PAGE)..=((range.end - 1) / PAGE);
        let numbers: Vec<u64> = self.pages.range(stored).map(|(number, _)| *number).collect();
        for number in numbers {
            let start = range.start.saturating_sub(number * PAGE) as usize;
            let end = (range.end - number * PAGE).min(PAGE) as usize;
            self.change_page(number, |page| page[start..end].fill(0));
        }
    }

    /// Makes the file at least `len` bytes long.
    pub(super) fn extend_to(&mut self, len: u64) {
        self.len = self.len.max(len);
    }

    /// Makes the file at most `len` bytes long.
    pub(super) fn truncate(&mut self, len: u64) {
        if len < self.len {
            self.zero(len..self.len);
            self.len = len;
        }
    }

    /// Inverts the bits of `mask` in the byte at `offset`; false if the file ends before.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) -> bool {
        if offset >= self.len {
            return false;
        }
        self.change_page(offset / PAGE, |page| page[(offset % PAGE) as usize] ^= mask);
        true
    }

    /// Feeds `hasher` so that two contents derived from `base` hash alike if they are equal. Pages
    /// that are still shared with `base` cost next to nothing.
    pub(super) fn hash_against<H: Hasher>(&self, base: &Self, hasher: &mut H) {
        self.len.hash(hasher);
        if Arc::ptr_eq(&self.pages, &base.pages) {
            return;
        }
        // Both are in the order of the numbers, so one walk along the two compares them.
        let mut old = base.pages.iter().peekable();
        for (number, page) in self.pages.iter() {
            while let Some((gone, _)) = old.next_if(|(other, _)| *other < number) {
                (gone, &ZERO_PAGE).hash(hasher);
            }
            let unchanged = old.next_if(|(other, _)| *other == number).is_some_and(|(_, old)| {
                Arc::ptr_eq(old, page) || old.as_slice() == page.as_slice()
            });
            if !unchanged {
                (number, page).hash(hasher);
            }
        }
        for (gone, _) in old {
            (gone, &ZERO_PAGE).hash(hasher);
        }
    }

    fn change_page(&mut self, number: u64, change: impl FnOnce(&mut Page)) {
        let pages = Arc::make_mut(&mut self.pages);
        let page = pages.entry(number).or_insert_with(|| Arc::new(ZERO_PAGE));
        change(Arc::make_mut(page));
        if page.as_slice() == ZERO_PAGE {
            pages.remove(&number);
        }
    }
}

/// Cuts the bytes `offset..offset + len` at page borders: page number, range within the page, and
/// range within the whole.
fn split(offset: u64, len: usize) -> impl Iterator<Item = (u64, Range<usize>, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset + done as u64;
        let within = (at % PAGE) as usize;
        let n = (PAGE as usize - within).min(len - done);
        let part = done..done + n;
        done += n;
        Some((at / PAGE, within..within + n, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::DefaultHasher;

    fn bytes(content: &Content) -> Vec<u8> {
        let mut buf = vec![0xEE; content.len() as usize];
        assert!(content.read(&mut buf, 0));
        buf
    }

    fn hash(content: &Content, base: &Content) -> u64 {
        let mut hasher = DefaultHasher::new();
        content.hash_against(base, &mut hasher);
        hasher.finish()
    }

    #[test]
    fn behaves_like_a_vector() {
        let mut content = Content::default();
        let mut model = vec![0u8; 20_000];
        for (offset, len, value) in
            [(4000u64, 200usize, 1u8), (0, 1, 2), (8191, 2, 3), (5, 12_000, 4), (19_999, 1, 5)]
        {
            content.write(&vec![value; len], offset);
            model[offset as usize..offset as usize + len].fill(value);
        }
        assert_eq!(bytes(&content), model);
        for range in [4096..8192, 10..20, 8190..12_300u64] {
            content.zero(range.clone());
            model[range.start as usize..range.end as usize].fill(0);
        }
        assert_eq!(bytes(&content), model);
        assert!(!content.read(&mut [0; 2], 19_999));
        assert!(!content.read(&mut [0; 2], u64::MAX));
    }

    #[test]
    fn what_was_cut_off_comes_back_as_zeros() {
        let mut content = Content::default();
        content.write(&[1; 5000], 0);
        content.truncate(10);
        content.truncate(20);
        assert_eq!(bytes(&content), [1; 10]);
        content.extend_to(12);
        assert_eq!(bytes(&content)[9..], [1, 0, 0]);
    }

    #[test]
    fn zero_pages_are_not_stored() {
        let mut content = Content::default();
        content.zero(0..64 << 20);
        assert_eq!((content.len(), content.pages.len()), (64 << 20, 0));
        content.write(&[1; 8192], 4096);
        assert_eq!(content.pages.len(), 2);
        content.write(&[0; 8192], 4096);
        assert_eq!(content.pages.len(), 0);
    }

    #[test]
    fn a_clone_shares_pages_until_written() {
        let mut content = Content::default();
        content.write(&[7; 3 * 4096], 0);
        let mut copy = content.clone();
        copy.flip(5000, 0xFF);
        assert!(Arc::ptr_eq(&content.pages[&0], &copy.pages[&0]));
        assert_eq!((bytes(&content)[5000], bytes(&copy)[5000]), (7, 0xF8));
        assert!(!copy.flip(3 * 4096, 1));
    }

    #[test]
    fn equal_contents_hash_alike_however_they_came_about() {
        let mut base = Content::default();
        base.write(&[7; 8192], 0);
        let mut rewritten = base.clone();
        rewritten.write(&[7; 8192], 0);
        let mut twice = base.clone();
        twice.write(&[9; 10], 0);
        let mut once = twice.clone();
        twice.write(&[8; 10], 0);
        once.write(&[8; 10], 0);
        assert_eq!(hash(&once, &base), hash(&twice, &base));
        assert_ne!(hash(&once, &base), hash(&rewritten, &base));
        assert_eq!(hash(&base, &base), hash(&rewritten, &base));
        let mut zeroed = base.clone();
        zeroed.zero(0..4096);
        assert_ne!(hash(&zeroed, &base), hash(&base, &base));
    }
}
