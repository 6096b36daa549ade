//! A simulated file: what reads see, what is on disk, and the changes in between.

use std::ops::Range;
use std::sync::Arc;

use super::content::Content;

/// A change of a file's bytes.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Bytes put at an offset.
    Write { offset: u64, bytes: Arc<[u8]> },
    /// That many zeros put at the start.
    Zeros { len: u64 },
    /// The file made at least that long.
    Extend { len: u64 },
    /// The file cut to that length.
    Truncate { len: u64 },
}

impl Change {
    /// The range of the file that gets new bytes.
    pub(super) fn extent(&self) -> Range<u64> {
        match self {
            Self::Write { offset, bytes } => *offset..*offset + bytes.len() as u64,
            Self::Zeros { len } => 0..*len,
            Self::Extend { len } | Self::Truncate { len } => *len..*len,
        }
    }

    /// Makes the whole change.
    pub(super) fn apply(&self, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => content.write(bytes, *offset),
            Self::Zeros { len } => content.zero(0..*len),
            Self::Extend { len } => content.extend_to(*len),
            Self::Truncate { len } => content.truncate(*len),
        }
    }

    /// Makes the part of the change that lies in `range`, which must be within the extent.
    pub(super) fn apply_part(&self, range: Range<u64>, content: &mut Content) {
        match self {
            Self::Write { offset, bytes } => {
                let part = (range.start - offset) as usize..(range.end - offset) as usize;
                content.write(&bytes[part], range.start);
            }
            Self::Zeros { .. } => content.zero(range),
            Self::Extend { .. } | Self::Truncate { .. } => {}
        }
    }

    /// Makes the change of the length alone: what grew holds zeros.
    pub(super) fn apply_length(&self, content: &mut Content) {
        match self {
            Self::Truncate { len } => content.truncate(*len),
            Self::Write { .. } | Self::Zeros { .. } | Self::Extend { .. } => {
                content.extend_to(self.extent().end);
            }
        }
    }
}

/// How far a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// A later sync makes it durable.
    Unsynced,
    /// A sync of it has failed: it may or may not be on disk, and no later sync changes that.
    Unspecified,
    /// On disk, but later in the order than something unspecified.
    Synced,
}

/// A change that is not part of the durable bytes yet.
#[derive(Clone, Debug)]
pub(super) struct FileOp {
    /// The position in the order of all changes of the disk.
    pub(super) order: u64,
    pub(super) change: Change,
    pub(super) progress: Progress,
}

/// A file, whatever its names.
#[derive(Debug, Default)]
pub(super) struct Inode {
    current: Content,
    durable: Content,
    ops: Vec<FileOp>,
    /// Open handles, which keep the file alive without a name.
    pub(super) handles: u32,
}

impl Inode {
    /// A file that is durable as it is.
    pub(super) fn new(content: Content) -> Self {
        Self { current: content.clone(), durable: content, ops: Vec::new(), handles: 0 }
    }

    pub(super) fn current(&self) -> &Content {
        &self.current
    }

    pub(super) fn durable(&self) -> &Content {
        &self.durable
    }

    pub(super) fn ops(&self) -> &[FileOp] {
        &self.ops
    }

    /// Makes a change that a power cut may take back until it is synced.
    pub(super) fn change(&mut self, order: u64, change: Change) {
        change.apply(&mut self.current);
        self.ops.push(FileOp { order, change, progress: Progress::Unsynced });
    }

    /// Makes all changes durable, except those which a failed sync has left unspecified.
    pub(super) fn sync(&mut self) {
        for op in &mut self.ops {
            if op.progress == Progress::Unsynced {
                op.progress = Progress::Synced;
            }
        }
        let settled = self.ops.iter().take_while(|op| op.progress == Progress::Synced).count();
        if settled == self.ops.len() {
            self.ops.clear();
            self.durable = self.current.clone();
            return;
        }
        // Order matters where changes overlap, so nothing may pass an unspecified one.
        for op in self.ops.drain(..settled) {
            op.change.apply(&mut self.durable);
        }
    }

    /// Leaves it open for good which of the unsynced changes are on disk.
    pub(super) fn fail_sync(&mut self) {
        for op in &mut self.ops {
            if op.progress == Progress::Unsynced {
                op.progress = Progress::Unspecified;
            }
        }
    }

    /// Inverts bits of one byte, on disk and in memory; false if the file ends before.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) -> bool {
        self.durable.flip(offset, mask);
        self.current.flip(offset, mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(inode: &mut Inode, order: u64, offset: u64, bytes: &[u8]) {
        inode.change(order, Change::Write { offset, bytes: bytes.into() });
    }

    fn durable(inode: &Inode) -> Vec<u8> {
        let mut buf = vec![0; inode.durable().len() as usize];
        assert!(inode.durable().read(&mut buf, 0));
        buf
    }

    #[test]
    fn a_sync_settles_everything() {
        let mut inode = Inode::default();
        write(&mut inode, 1, 0, b"abc");
        write(&mut inode, 2, 1, b"X");
        assert_eq!((inode.current().len(), inode.durable().len()), (3, 0));
        inode.sync();
        assert_eq!(durable(&inode), b"aXc");
        assert!(inode.ops().is_empty());
    }

    #[test]
    fn nothing_passes_a_change_whose_sync_failed() {
        let mut inode = Inode::default();
        write(&mut inode, 1, 0, b"aaaa");
        inode.fail_sync();
        write(&mut inode, 2, 2, b"bbbb");
        inode.sync();
        assert_eq!(durable(&inode), b"");
        let progress: Vec<Progress> = inode.ops().iter().map(|op| op.progress).collect();
        assert_eq!(progress, [Progress::Unspecified, Progress::Synced]);
    }

    #[test]
    fn a_change_can_be_made_in_part() {
        let change = Change::Write { offset: 10, bytes: Arc::from(&b"0123456789"[..]) };
        let mut content = Content::default();
        change.apply_part(12..14, &mut content);
        let mut buf = [0; 14];
        assert!(content.read(&mut buf, 0));
        assert_eq!(&buf[10..], b"\0\x0023");
        change.apply_length(&mut content);
        assert_eq!(content.len(), 20);
    }
}
