//! Paths: which values of a document a command is about.
//!
//! Two notations exist. A JSONPath begins with `$` and matches any number of values. A *legacy* path
//! (`.`, `.a.b`, `a.b`, `["a"]`, `[0]`) is the same without the `$`, and commands reply to it with one
//! value or an error.
//!
//! The notation is RFC 9535 with RedisJSON's differences, which is why no crate for the RFC serves:
//!
//! - names behind a dot may have any characters but whitespace, control characters and those that
//!   mean something (`.` `[` `]` `(` `)` `,` `'` `"`, in filters also comparisons and `&` `|`);
//! - a dot may come before a bracket: `$.[0]`, `$.["a"]`;
//! - filters may be in parentheses or not, compare with arrays and objects too, and know `=~`: the
//!   text on the left matches the regular expression on the right (a string, or what a path
//!   finds), in the syntax of the crate `regex`; what is no expression matches nothing;
//! - a path in a filter that finds several values compares as any of them;
//! - of the functions, `length`, `count`, `value`, `match` and `search` are there.
//!
//! Not supported are RedisJSON 8's arithmetic, set operators and further functions in filters, and
//! expressions outside of filters (`$.a + 1`, `$.a.length()`).
//!
//! Whatever the path and the document, an evaluation ends: it has a [`Budget`], and nesting in a path
//! is bounded.

mod evaluate;
mod filter;
mod parse;
#[cfg(test)]
mod tests;

pub use evaluate::{Budget, Matches, Stop};
pub use parse::PathError;

use filter::Filter;

/// A path that has been understood.
pub struct Path {
    legacy: bool,
    segments: Vec<Segment>,
}

/// A part of a path that leads from some values to others.
struct Segment {
    /// Whether it is about all that the values contain, too (`..`).
    descends: bool,
    selectors: Vec<Selector>,
}

/// Which elements or members of a value.
enum Selector {
    Name(Box<str>),
    /// Negative: from the end.
    Index(i64),
    All,
    Slice(Slice),
    Where(Filter),
}

/// Every `step`-th element from one on, up to another one.
struct Slice {
    from: Option<i64>,
    to: Option<i64>,
    step: i64,
}

impl Path {
    /// Understands a path.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Path, PathError> {
        parse::path(text)
    }

    /// The legacy path to the document itself.
    pub fn root() -> Path {
        Path { legacy: true, segments: Vec::new() }
    }

    /// Whether it is in the legacy notation.
    pub fn is_legacy(&self) -> bool {
        self.legacy
    }

    /// Whether it is the document itself.
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether no match can contain another one or be the same.
    pub fn is_disjoint(&self) -> bool {
        self.segments.iter().all(|segment| !segment.descends && segment.is_disjoint())
    }

    /// Whether it leads to one place only, step by step.
    pub fn is_static(&self) -> bool {
        self.segments.iter().all(Segment::is_step)
    }

    /// The name of the last step, if that is one to a member.
    pub fn last_name(&self) -> Option<&str> {
        match self.segments.last()?.selectors.as_slice() {
            [selector] => selector.name(),
            _ => None,
        }
    }
}

impl Selector {
    fn name(&self) -> Option<&str> {
        match self {
            Selector::Name(name) => Some(name),
            _ => None,
        }
    }
}

impl Segment {
    fn is_disjoint(&self) -> bool {
        let mut names: Vec<_> = self.selectors.iter().map(Selector::name).collect();
        names.sort_unstable();
        let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
        names.len() == 1 || (names.iter().all(Option::is_some) && distinct)
    }

    fn is_step(&self) -> bool {
        !self.descends && matches!(self.selectors[..], [Selector::Name(_) | Selector::Index(_)])
    }
}
