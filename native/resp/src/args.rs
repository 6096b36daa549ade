//! The arguments of a decoded command.

use std::ops::Index;

/// Where an argument lies, relative to the start of its command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// A span of `len` bytes at `start`. Both are below [`Limits::max_query`](crate::Limits) or
    /// `max_inline`, which are bounded to 32 bits when they are applied.
    #[inline]
    pub(crate) fn new(start: usize, len: usize) -> Self {
        debug_assert!(start + len <= u32::MAX as usize);
        Self { start: start as u32, len: len as u32 }
    }

    #[inline]
    fn of(self, base: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &base[start..start + self.len as usize]
    }
}

/// The arguments of one command, the command's name first: a view of the bytes that were read,
/// never a copy (an inline command's arguments are a view of their unquoted form).
#[derive(Clone, Copy)]
pub struct Args<'a> {
    base: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    #[inline]
    pub(crate) fn new(base: &'a [u8], spans: &'a [Span]) -> Self {
        Self { base, spans }
    }

    /// Number of arguments, the command's name included.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are no arguments, as before the first command.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `index`, counted from 0.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| span.of(self.base))
    }

    /// The arguments in order.
    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator + use<'a> {
        let base = self.base;
        self.spans.iter().map(move |span| span.of(base))
    }

    /// Appends the arguments to `out`.
    #[inline]
    pub fn append_to(&self, out: &mut Vec<&'a [u8]>) {
        out.extend(self.iter());
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    #[inline]
    fn index(&self, index: usize) -> &[u8] {
        self.spans[index].of(self.base)
    }
}

impl std::fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(<[u8]>::escape_ascii)).finish()
    }
}

/// Most slices [`ArgSlices`] keeps room for between commands.
const KEPT_SLICES: usize = 4096;

/// A reusable array of slices, for callers that want arguments as `&[&[u8]]`. It allocates only
/// when a command has more arguments than any before it.
#[derive(Debug, Default)]
pub struct ArgSlices {
    // Always empty between calls, so the lifetime of its elements means nothing then.
    slices: Vec<&'static [u8]>,
}

impl ArgSlices {
    /// An array without any memory yet.
    pub const fn new() -> Self {
        Self { slices: Vec::new() }
    }

    /// Calls `run` with the arguments as a slice of slices and returns what it returns.
    #[inline]
    pub fn with<R>(&mut self, args: Args<'_>, run: impl FnOnce(&[&[u8]]) -> R) -> R {
        let mut slices = recycle(std::mem::take(&mut self.slices));
        args.append_to(&mut slices);
        let result = run(&slices);
        if slices.capacity() <= KEPT_SLICES {
            self.slices = recycle(slices);
        }
        result
    }
}

/// Turns a vector of slices into an empty one for slices of another lifetime. Collecting a mapped
/// `vec::IntoIter` into a vector of equal layout reuses its allocation.
#[inline]
fn recycle<'to>(mut slices: Vec<&[u8]>) -> Vec<&'to [u8]> {
    slices.clear();
    slices.into_iter().map(|_| -> &'to [u8] { &[] }).collect()
}
