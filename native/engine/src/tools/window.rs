//! A file read through a small buffer.

use std::io::{Error, ErrorKind};

use crate::io::File;

/// Bytes read at once, and after a read that failed: so that one bad sector does not hide what is
/// around it.
const PIECE: u64 = 1 << 20;
const SMALL: u64 = 4096;

/// Why bytes cannot be had.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Where in the file.
    pub offset: u64,
    pub error: Error,
}

impl Unreadable {
    /// In a few words.
    pub(super) fn what(&self) -> String {
        if self.error.kind() == ErrorKind::UnexpectedEof {
            "the file ends here".into()
        } else {
            format!("it cannot be read: {}", self.error)
        }
    }
}

/// Reads a file piece by piece, mostly from its beginning to its end.
pub(super) struct Window<'f> {
    file: &'f dyn File,
    len: u64,
    buffer: Vec<u8>,
    at: u64,
}

impl<'f> Window<'f> {
    /// The first `len` bytes of `file`.
    pub(super) fn new(file: &'f dyn File, len: u64) -> Window<'f> {
        Window { file, len, buffer: Vec::new(), at: 0 }
    }

    /// Where the readable part ends.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Some of the `most` bytes at `offset`, at least one.
    ///
    /// # Errors
    /// There are none, or the device says so.
    pub(super) fn piece(&mut self, offset: u64, most: u64) -> Result<&[u8], Unreadable> {
        let held = self.at..self.at + self.buffer.len() as u64;
        if !held.contains(&offset) {
            self.fill(offset)?;
        }
        let from = (offset - self.at) as usize;
        let to = self.buffer.len().min(from.saturating_add(most as usize));
        Ok(&self.buffer[from..to])
    }

    /// The `N` bytes at `offset`.
    ///
    /// # Errors
    /// As [`Window::piece`].
    pub(super) fn array<const N: usize>(&mut self, offset: u64) -> Result<[u8; N], Unreadable> {
        let mut out = [0; N];
        let mut filled = 0;
        while filled < N {
            let piece = self.piece(offset + filled as u64, (N - filled) as u64)?;
            out[filled..filled + piece.len()].copy_from_slice(piece);
            filled += piece.len();
        }
        Ok(out)
    }

    /// Hands on the bytes from `from` to `to`.
    ///
    /// # Errors
    /// As [`Window::piece`].
    pub(super) fn each_piece(
        &mut self,
        from: u64,
        to: u64,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<(), Unreadable> {
        let mut at = from;
        while at < to {
            let piece = self.piece(at, to - at)?;
            visit(piece);
            at += piece.len() as u64;
        }
        Ok(())
    }

    fn fill(&mut self, offset: u64) -> Result<(), Unreadable> {
        let left = self.len.saturating_sub(offset);
        if left == 0 {
            return Err(Unreadable { offset, error: ErrorKind::UnexpectedEof.into() });
        }
        let small = left.min(SMALL - offset % SMALL);
        self.load(offset, left.min(PIECE))
            .or_else(|_| self.load(offset, small))
            .map_err(|error| Unreadable { offset, error })
    }

    fn load(&mut self, offset: u64, len: u64) -> Result<(), Error> {
        self.at = offset;
        self.buffer.resize(len as usize, 0);
        let outcome = self.file.read_exact_at(&mut self.buffer, offset);
        if outcome.is_err() {
            self.buffer.clear();
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::sim::{Fault, SimIo};
    use crate::io::{Io, OpenMode};
    use std::path::Path;

    #[test]
    fn what_is_around_an_unreadable_place_is_read() {
        let io = SimIo::new();
        let file = io.open(Path::new("/f"), OpenMode::Create).unwrap();
        let bytes: Vec<u8> = (0..20_000u32).map(|n| n as u8).collect();
        file.write_all_at(&bytes, 0).unwrap();
        let mut window = Window::new(&*file, 20_000);
        io.fail_at(io.calls() + 1, Fault::Eio);
        assert_eq!(window.array(4095).unwrap(), [bytes[4095], bytes[4096], bytes[4097]]);
        io.fail_at(io.calls() + 1, Fault::Eio);
        io.fail_at(io.calls() + 2, Fault::Eio);
        window = Window::new(&*file, 20_000);
        assert_eq!(window.piece(100, 5).unwrap_err().offset, 100);
        assert_eq!(window.piece(100, 5).unwrap(), &bytes[100..105]);
        assert!(window.piece(20_000, 1).unwrap_err().what().contains("ends here"));
        assert!(window.array::<8>(19_995).is_err());
        let mut all = Vec::new();
        window.each_piece(0, 20_000, |piece| all.extend_from_slice(piece)).unwrap();
        assert_eq!(all, bytes);
    }
}
