//! What the tools say.

use std::path::PathBuf;

/// Damages kept; those beyond are counted only.
const MAX_DAMAGES: usize = 10_000;

/// What a damage means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Nothing is lost, and the store opens: what is damaged is made anew.
    Harmless,
    /// Records are lost or cannot be trusted.
    Records,
    /// The store cannot be opened for lack of this; the records may be whole.
    Store,
}

impl Meaning {
    /// In one word, for machines.
    pub fn name(self) -> &'static str {
        match self {
            Meaning::Harmless => "harmless",
            Meaning::Records => "records",
            Meaning::Store => "store",
        }
    }

    /// In a sentence.
    pub fn explanation(self) -> &'static str {
        match self {
            Meaning::Harmless => "no record is lost; it is made anew when the store is opened",
            Meaning::Records => "records are lost here; salvaging takes what is intact",
            Meaning::Store => {
                "the store does not open; salvaging takes the records that are intact"
            }
        }
    }
}

/// A place that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where in the file, bytes.
    pub offset: u64,
    /// How many bytes it concerns; 0 if that is not known.
    pub len: u64,
    /// What is wrong.
    pub what: String,
    /// What that means.
    pub meaning: Meaning,
}

/// What is there, as far as it is intact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Segments of the log.
    pub log_segments: u64,
    /// Merged segments.
    pub merged_segments: u64,
    /// Hint blocks.
    pub hints: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Frames.
    pub frames: u64,
    /// Records of every kind.
    pub records: u64,
    /// Bytes of the segment files.
    pub bytes: u64,
}

/// What damage has taken, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Places in files.
    pub ranges: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Records, and so keys, that these can have held. Of such a key there is an older version, or
    /// none, and one that was deleted there may be back.
    pub records: u64,
}

/// What [`crate::tools::check`] has found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// What is damaged, by file and offset.
    pub damages: Vec<Damage>,
    /// Damages beyond those listed.
    pub more_damages: u64,
    /// What is worth knowing and no damage.
    pub notes: Vec<String>,
    /// What is intact.
    pub totals: Totals,
    /// What is not.
    pub loss: Loss,
    /// Keys that have a value, expired ones included; `None` if they are too many for the memory, or
    /// damage makes it a guess.
    pub live_keys: Option<u64>,
    /// The store was closed, and nothing was written since.
    pub clean_close: bool,
}

impl CheckReport {
    /// Whether nothing is damaged.
    pub fn is_intact(&self) -> bool {
        self.damages.is_empty()
    }

    pub(super) fn damage(
        &mut self,
        file: &std::path::Path,
        (offset, len): (u64, u64),
        what: impl Into<String>,
        meaning: Meaning,
    ) {
        if self.damages.len() >= MAX_DAMAGES {
            self.more_damages += 1;
            return;
        }
        let (file, what) = (file.to_owned(), what.into());
        self.damages.push(Damage { file, offset, len, what, meaning });
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        if self.notes.len() < MAX_DAMAGES {
            self.notes.push(what.into());
        }
    }
}

/// What [`crate::tools::salvage`] has done.
#[derive(Clone, Debug, Default)]
pub struct SalvageReport {
    /// What was found in the damaged store.
    pub found: CheckReport,
    /// Keys written to the new store, by the number of their key space.
    pub keys: Vec<u64>,
    /// Bytes of these keys and their values.
    pub bytes: u64,
    /// Times that the damaged store was read.
    pub passes: u64,
    /// Records that were intact at first and could not be read again, and keys whose values consist of
    /// several records of which not all are intact.
    pub unreadable: u64,
    /// The newest table of key spaces may be among what is lost.
    pub spaces_lost: bool,
}

/// What [`crate::tools::stat`] has found.
#[derive(Clone, Debug, Default)]
pub struct StatReport {
    /// Identity of the store.
    pub log_id: u64,
    /// Size of a segment in bytes.
    pub segment_size: u64,
    /// Files and records, as their headers and hints say.
    pub totals: Totals,
    /// Of the records, those that end a key.
    pub tombstones: u64,
    /// Of the records, changes of a value; images of large values; and parts of such images.
    pub deltas: u64,
    /// See `deltas`.
    pub bases: u64,
    /// See `deltas`.
    pub base_parts: u64,
    /// Records by size: `sizes[n]` are those of less than `2^n` bytes and not less than `2^(n-1)`.
    pub sizes: Vec<u64>,
    /// Lowest and highest sequence number seen; 0 without records.
    pub sequences: (u64, u64),
    /// The newest checkpoint's id; 0 if there is none.
    pub checkpoint: u64,
    /// Position in the log at which reading begins after that checkpoint, and end of the log.
    pub replay_from: u64,
    /// See `replay_from`.
    pub log_end: u64,
    /// Bytes of log that opening the store reads, beside the checkpoint.
    pub replay_bytes: u64,
    /// Keys by the newest checkpoint.
    pub keys: Option<u64>,
    /// Bytes of records that these keys use, as their size classes say, and those of all records.
    pub live_bytes: Option<u64>,
    /// See `live_bytes`.
    pub record_bytes: u64,
    /// How often the store had been opened when its last frame was written.
    pub incarnation: u32,
    /// The last frame says that the store was closed.
    pub clean_close: bool,
    /// What is worth knowing.
    pub notes: Vec<String>,
}
