//! When Redis would keep a sorted set as a skiplist.

use crate::context::Context;
use crate::values::sorted::SKIPLIST;

/// The limits of Redis's compact encoding.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    entries: usize,
    member: usize,
}

impl Limits {
    /// What is configured now.
    pub fn of(ctx: &Context<'_, '_>) -> Limits {
        let thresholds = ctx.server.config().thresholds();
        Limits {
            entries: thresholds.zset_max_entries.size(),
            member: thresholds.zset_max_value.size(),
        }
    }

    /// The flags of a set with `entries` members, the longest of which has `member` bytes.
    #[inline]
    pub fn flags(self, entries: usize, member: usize) -> u8 {
        if entries > self.entries || member > self.member { SKIPLIST } else { 0 }
    }
}

/// A score as a set with these flags keeps it: Redis's compact encoding has no minus zero.
#[inline]
pub fn stored(score: f64, flags: u8) -> f64 {
    if flags & SKIPLIST == 0 && score == 0.0 { 0.0 } else { score }
}
