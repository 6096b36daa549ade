//! What is sorted, and by what.

use std::cmp::Ordering;

use super::pattern::c_string;
use crate::numbers::parse_f64;

/// Many strings, in one piece of memory.
#[derive(Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Strings {
    /// Adds a string.
    pub(super) fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.ends.push(self.bytes.len());
    }

    /// Number of strings.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of the strings.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The string with this number, which is there.
    pub(super) fn get(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[number]]
    }

    /// All strings.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        (0..self.len()).map(|number| self.get(number))
    }
}

/// What the elements are compared by, one for each.
pub(super) enum Weights {
    /// Numbers.
    Scores(Vec<f64>),
    /// Themselves, as strings.
    Elements,
    /// Strings, which some lack; a string stands behind the number of the one it is.
    Texts(Strings, Vec<Option<usize>>),
}

/// How strings are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collation {
    /// All bytes.
    Binary,
    /// As C strings: up to the first NUL. So Redis compares what goes to a client, in the C locale.
    CString,
}

impl Collation {
    fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Collation::Binary => a.cmp(b),
            Collation::CString => c_string(a).cmp(c_string(b)),
        }
    }
}

impl Weights {
    /// The numbers of the elements in ascending or descending order. Those with the same number are
    /// ordered by themselves; those with the same text stay in their order.
    pub(super) fn order(
        &self,
        elements: &Strings,
        collation: Collation,
        descending: bool,
    ) -> Vec<usize> {
        let directed = |order: Ordering| if descending { order.reverse() } else { order };
        let mut numbers: Vec<usize> = (0..elements.len()).collect();
        match self {
            Weights::Scores(scores) => numbers.sort_by(|&a, &b| {
                // None of them is NaN; and 0 equals -0.
                let order = scores[a].partial_cmp(&scores[b]).unwrap_or(Ordering::Equal);
                directed(order.then_with(|| elements.get(a).cmp(elements.get(b))))
            }),
            Weights::Elements => numbers
                .sort_by(|&a, &b| directed(collation.compare(elements.get(a), elements.get(b)))),
            Weights::Texts(texts, of) => numbers.sort_by(|&a, &b| {
                directed(match (of[a], of[b]) {
                    (Some(a), Some(b)) => collation.compare(texts.get(a), texts.get(b)),
                    (a, b) => a.is_some().cmp(&b.is_some()),
                })
            }),
        }
        numbers
    }
}

/// The number a text spells for SORT: `strtod` with nothing left over, in a C string. `None` when
/// it is none, is NaN, or is too large or too small. The empty text is 0.
pub(super) fn score(text: &[u8]) -> Option<f64> {
    let text = c_string(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let number = &text[text.iter().take_while(|byte| is_space(byte)).count()..];
    // Below the smallest normal number precision is lost, which C calls out of range.
    let exact =
        |value: &f64| !value.is_subnormal() || number.contains(&b'x') || number.contains(&b'X');
    parse_f64(number).filter(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores() {
        for (text, expected) in [
            ("", Some(0.0)),
            ("\0x", Some(0.0)),
            (" \t1.5", Some(1.5)),
            ("1\0x", Some(1.0)),
            ("0x10", Some(16.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("1 ", None),
            (" ", None),
            ("nan", None),
            ("x", None),
            ("1e400", None),
            ("1e-310", None),
        ] {
            assert_eq!(score(text.as_bytes()), expected, "{text:?}");
        }
    }

    fn strings(words: &[&str]) -> Strings {
        let mut strings = Strings::default();
        words.iter().for_each(|word| strings.push(word.as_bytes()));
        strings
    }

    #[test]
    fn orders() {
        let elements = strings(&["b", "a", "c", "a"]);
        let order = |weights: &Weights, descending| {
            weights.order(&elements, Collation::CString, descending)
        };
        assert_eq!(order(&Weights::Elements, false), [1, 3, 0, 2]);
        assert_eq!(order(&Weights::Elements, true), [2, 0, 1, 3]);
        let scores = Weights::Scores(vec![1.0, 1.0, -1.0, 2.0]);
        assert_eq!(order(&scores, false), [2, 1, 0, 3]);
        let texts =
            Weights::Texts(strings(&["y", "x", "x\0z"]), vec![Some(0), None, Some(1), Some(2)]);
        assert_eq!(order(&texts, false), [1, 2, 3, 0]);
        assert_eq!(texts.order(&elements, Collation::Binary, true), [0, 3, 2, 1]);
    }
}
