//! What SORT is asked to do.

use super::pattern::{Pattern, has_star};
use super::vector::Collation;
use crate::context::{Args, Fault};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;

/// What decides the order of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The order that the elements have.
    Kept {
        /// From the last to the first.
        reversed: bool,
    },
    /// Themselves, as strings.
    ByElements,
    /// The strings that BY names.
    ByTexts,
    /// Themselves or what BY names, as numbers.
    ByScores,
}

/// SORT's options.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options<'a> {
    /// The last BY, if there is one.
    pub(super) by: Option<Pattern<'a>>,
    /// A BY names the same key for every element: they stay in their order.
    pub(super) unsorted: bool,
    /// ALPHA: as strings, not as numbers.
    pub(super) alpha: bool,
    /// DESC.
    pub(super) descending: bool,
    /// Elements to leave out; negative: none.
    offset: i64,
    /// How many are wanted; negative: all.
    count: i64,
    /// What is wanted of each: itself, unless anything is named.
    get: Vec<Pattern<'a>>,
    /// Where the result goes, if not to the client.
    pub(super) store: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    /// The options among `words`; `may_store`: STORE is one.
    pub(super) fn parse(mut words: Args<'a>, may_store: bool) -> Result<Options<'a>, Fault> {
        let mut options = Options {
            by: None,
            unsorted: false,
            alpha: false,
            descending: false,
            offset: 0,
            count: -1,
            get: Vec::new(),
            store: None,
        };
        while !words.is_empty() {
            words = options.read(words, may_store)?;
        }
        Ok(options)
    }

    /// Reads one option; returns the words after it.
    fn read(&mut self, words: Args<'a>, may_store: bool) -> Result<Args<'a>, Fault> {
        Ok(match *words {
            [word, ref rest @ ..] if is_option(word, "ASC") => {
                self.descending = false;
                rest
            }
            [word, ref rest @ ..] if is_option(word, "DESC") => {
                self.descending = true;
                rest
            }
            [word, ref rest @ ..] if is_option(word, "ALPHA") => {
                self.alpha = true;
                rest
            }
            [word, offset, count, ref rest @ ..] if is_option(word, "LIMIT") => {
                self.offset = parse_i64_or_fault(offset)?;
                self.count = parse_i64_or_fault(count)?;
                rest
            }
            [word, key, ref rest @ ..] if may_store && is_option(word, "STORE") => {
                self.store = Some(key);
                rest
            }
            [word, pattern, ref rest @ ..] if is_option(word, "BY") => {
                self.by = Some(Pattern::parse(pattern));
                self.unsorted |= !has_star(pattern);
                rest
            }
            [word, pattern, ref rest @ ..] if is_option(word, "GET") => {
                self.get.push(Pattern::parse(pattern));
                rest
            }
            _ => return Err(Fault::error("ERR syntax error")),
        })
    }

    /// What is wanted of each element.
    pub(super) fn columns(&self) -> &[Pattern<'a>] {
        if self.get.is_empty() { &[Pattern::Element] } else { &self.get }
    }

    /// The order of the result. A set has none to keep.
    pub(super) fn order(&self, is_set: bool) -> Order {
        if self.unsorted && is_set && self.store.is_some() {
            // What is stored must not depend on how the set is kept.
            Order::ByElements
        } else if self.unsorted {
            Order::Kept { reversed: self.descending && !is_set }
        } else if !self.alpha {
            Order::ByScores
        } else if self.by.is_some() {
            Order::ByTexts
        } else {
            Order::ByElements
        }
    }

    /// How strings are compared: for a client as people expect, for others always the same way.
    pub(super) fn collation(&self) -> Collation {
        if self.store.is_some() { Collation::Binary } else { Collation::CString }
    }

    /// Of `len` elements, the first that is wanted and how many are.
    pub(super) fn limit(&self, len: usize) -> (usize, usize) {
        let from = usize::try_from(self.offset.max(0)).unwrap_or(usize::MAX).min(len);
        let count = usize::try_from(self.count).unwrap_or(usize::MAX).min(len - from);
        (from, count)
    }

    /// Whether keys are read whose names depend on the elements.
    pub(super) fn reads_other_keys(&self) -> bool {
        let by = self.by.iter().filter(|_| !self.unsorted);
        by.chain(&self.get).any(|pattern| matches!(pattern, Pattern::Key { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&[u8]> {
        text.split(' ').map(str::as_bytes).collect()
    }

    #[test]
    fn everything_at_once() {
        let words = words("by w* limit 1 -5 GET # get v*->f desc ALPHA store d asc Store e");
        let options = Options::parse(&words, true).expect("valid");
        assert!(options.alpha && !options.descending && !options.unsorted);
        assert!(options.reads_other_keys());
        assert_eq!(options.get[0], Pattern::Element);
        assert_eq!(options.store, Some(&b"e"[..]));
        assert_eq!(options.limit(10), (1, 9));
    }

    #[test]
    fn once_unsorted_always_unsorted() {
        let words = words("BY nosort BY w*");
        let options = Options::parse(&words, true).expect("valid");
        assert!(options.unsorted && !options.reads_other_keys());
    }

    #[test]
    fn errors() {
        for text in ["LIMIT 1", "GET", "BY", "STORE", "nonsense", "ALPHA x"] {
            let words = words(text);
            let fault = Options::parse(&words, true);
            assert_eq!(fault, Err(Fault::error("ERR syntax error")), "{text}");
        }
        assert!(Options::parse(&words("STORE x"), false).is_err());
        let (words, fault) = (words("LIMIT x 1"), "ERR value is not an integer or out of range");
        assert_eq!(Options::parse(&words, true), Err(Fault::error(fault)));
    }

    #[test]
    fn limits() {
        for (offset, count, expected) in [
            ("0", "-1", (0, 5)),
            ("1", "2", (1, 2)),
            ("4", "9223372036854775807", (4, 1)),
            ("5", "1", (5, 0)),
            ("9223372036854775807", "1", (5, 0)),
            ("-9223372036854775808", "2", (0, 2)),
            ("2", "0", (2, 0)),
        ] {
            let words = [&b"LIMIT"[..], offset.as_bytes(), count.as_bytes()];
            let options = Options::parse(&words, true).expect("valid");
            assert_eq!(options.limit(5), expected, "{offset} {count}");
        }
    }
}
