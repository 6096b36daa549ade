//! Which states a power cut may leave: the choice of fates for everything unsynced.

use std::ops::Range;

use super::inode::{Change, FileOp};
use super::rng::Rng;

/// What a disk writes in one piece.
const SECTOR: u64 = 512;

/// Up to so many sectors a tear is tried at each border, or each sector is drawn by itself.
const FEW_SECTORS: u64 = 16;

/// Tears drawn at random for the last write, beside those at borders.
const RANDOM_TEARS: usize = 8;

/// What becomes of one change of a file.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    Lost,
    Whole,
    /// The file grew, and the bytes are missing.
    LengthOnly,
    /// Only these ranges of the file, whole sectors of the change, reached the disk; the file grew
    /// as far as they do, or to the full length.
    Torn {
        parts: Vec<Range<u64>>,
        full_length: bool,
    },
}

impl Fate {
    fn one_part(part: Range<u64>, full_length: bool) -> Self {
        Self::Torn { parts: std::iter::once(part).collect(), full_length }
    }
}

/// What becomes of everything that is not durable.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The fate of each change of a file, in the order of the changes.
    pub(super) files: Vec<Fate>,
    /// How many of each directory's pending changes survive.
    pub(super) names: Vec<usize>,
}

/// Draws plans for the changes `ops` and directories with `pending` changes of names.
pub(super) struct Planner<'a> {
    pub(super) ops: &'a [&'a FileOp],
    pub(super) pending: &'a [usize],
    pub(super) rng: Rng,
}

impl Planner<'_> {
    /// The plans that are worth trying in every case, the most telling ones first: nothing
    /// survives, everything does. Their number is bounded by a small multiple of `max`, which
    /// decides how many of the single changes and prefixes are tried.
    pub(super) fn systematic(&mut self, max: usize) -> Vec<Plan> {
        let n = self.ops.len();
        let (nothing, everything) = (vec![Fate::Lost; n], vec![Fate::Whole; n]);
        let no_names = vec![0; self.pending.len()];
        let all_names = self.pending.to_vec();
        let mut plans = vec![
            Plan { files: nothing.clone(), names: no_names.clone() },
            Plan { files: everything.clone(), names: all_names.clone() },
        ];
        let mut files = vec![nothing, everything];
        for names in self.name_prefixes(max) {
            plans.extend(files.iter().map(|f| Plan { files: f.clone(), names: names.clone() }));
        }
        files.push(vec![Fate::LengthOnly; n]);
        files.extend(self.torn_last());
        files.extend(self.singles_and_prefixes(max));
        for files in files {
            plans.push(Plan { files: files.clone(), names: all_names.clone() });
            plans.push(Plan { files, names: no_names.clone() });
        }
        plans
    }

    /// Any subset of everything, each part whole, torn or as a length.
    pub(super) fn random(&mut self) -> Plan {
        let files = (0..self.ops.len()).map(|i| self.random_fate(i)).collect();
        let rng = &mut self.rng;
        let names = self.pending.iter().map(|n| rng.within(0..*n as u64 + 1) as usize).collect();
        Plan { files, names }
    }

    fn random_fate(&mut self, op: usize) -> Fate {
        match self.rng.within(0..8) {
            0..=2 => Fate::Lost,
            3..=5 => Fate::Whole,
            6 => Fate::LengthOnly,
            _ => self.random_tear(&self.ops[op].change.extent()),
        }
    }

    /// Each prefix of each directory's changes, the other directories complete or untouched.
    fn name_prefixes(&mut self, max: usize) -> Vec<Vec<usize>> {
        let mut prefixes = Vec::new();
        for (dir, pending) in self.pending.iter().enumerate() {
            for survivors in self.sample(*pending + 1, max) {
                for others in [self.pending.to_vec(), vec![0; self.pending.len()]] {
                    let mut names = others;
                    names[dir] = survivors;
                    prefixes.push(names);
                }
            }
        }
        prefixes
    }

    /// Each change alone, and each prefix of the changes.
    fn singles_and_prefixes(&mut self, max: usize) -> Vec<Vec<Fate>> {
        let n = self.ops.len();
        let mut all = Vec::new();
        for i in self.sample(n, max) {
            let mut alone = vec![Fate::Lost; n];
            alone[i] = Fate::Whole;
            let mut prefix = vec![Fate::Whole; n];
            prefix[i..].fill(Fate::Lost);
            all.extend([alone, prefix]);
        }
        all
    }

    /// The last write torn, with everything before it and with nothing before it.
    fn torn_last(&mut self) -> Vec<Vec<Fate>> {
        let is_write =
            |op: &&FileOp| matches!(op.change, Change::Write { .. } | Change::Zeros { .. });
        let Some(last) = self.ops.iter().rposition(is_write) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for tear in self.tears(&self.ops[last].change.extent()) {
            for earlier in [Fate::Whole, Fate::Lost] {
                let mut fates = vec![Fate::Lost; self.ops.len()];
                fates[..last].fill(earlier);
                fates[last] = tear.clone();
                all.push(fates);
            }
        }
        all
    }

    /// Prefixes, suffixes and random sectors of `extent`.
    fn tears(&mut self, extent: &Range<u64>) -> Vec<Fate> {
        let mut tears = vec![Fate::LengthOnly];
        for border in self.borders(extent) {
            tears.push(Fate::one_part(extent.start..border, false));
            tears.push(Fate::one_part(extent.start..border, true));
            tears.push(Fate::one_part(border..extent.end, true));
        }
        tears.extend((0..RANDOM_TEARS).map(|_| self.random_tear(extent)));
        tears
    }

    /// Sector borders inside `extent`: all if they are few, else the outer ones and some between.
    fn borders(&mut self, extent: &Range<u64>) -> Vec<u64> {
        let (first, end) = inner_borders(extent);
        if end - first <= FEW_SECTORS {
            return (first..end).map(|sector| sector * SECTOR).collect();
        }
        let mut sectors = vec![first, first + 1, end - 2, end - 1];
        sectors.extend((4..FEW_SECTORS).map(|_| self.rng.within(first..end)));
        sectors.into_iter().map(|sector| sector * SECTOR).collect()
    }

    /// Some sectors of `extent`: each by the toss of a coin if they are few, else a few runs.
    fn random_tear(&mut self, extent: &Range<u64>) -> Fate {
        let (first, end) = inner_borders(extent);
        let mut cuts = if end - first <= FEW_SECTORS {
            (first..end).filter(|_| self.rng.one_in(2)).map(|sector| sector * SECTOR).collect()
        } else {
            self.borders(extent)
        };
        cuts.extend([extent.start, extent.end]);
        cuts.sort_unstable();
        let keep = self.rng.within(0..2) as usize;
        let parts = cuts.windows(2).map(|cut| cut[0]..cut[1]).skip(keep).step_by(2).collect();
        Fate::Torn { parts, full_length: self.rng.one_in(2) }
    }

    /// The numbers `0..n`, or `max` of them.
    fn sample(&mut self, n: usize, max: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..n).collect();
        if n > max {
            self.rng.choose(&mut numbers, max);
            numbers.truncate(max);
        }
        numbers
    }
}

/// The sector borders strictly inside `extent`, as a range of sector numbers.
fn inner_borders(extent: &Range<u64>) -> (u64, u64) {
    let first = extent.start / SECTOR + 1;
    (first, extent.end.div_ceil(SECTOR).max(first))
}

#[cfg(test)]
mod tests {
    use super::super::inode::Progress;
    use super::*;

    fn write(offset: u64, len: usize) -> FileOp {
        let change = Change::Write { offset, bytes: vec![1; len].into() };
        FileOp { order: 0, change, progress: Progress::Unsynced }
    }

    fn planner<'a>(ops: &'a [&'a FileOp], pending: &'a [usize]) -> Planner<'a> {
        Planner { ops, pending, rng: Rng::new(1) }
    }

    #[test]
    fn borders_are_strictly_inside() {
        assert_eq!(inner_borders(&(0..512)), (1, 1));
        assert_eq!(inner_borders(&(0..513)), (1, 2));
        assert_eq!(inner_borders(&(100..200)), (1, 1));
        assert_eq!(inner_borders(&(500..1536)), (1, 3));
        assert_eq!(inner_borders(&(512..512)), (2, 2));
    }

    #[test]
    fn tears_are_whole_sectors_within_the_write() {
        for (offset, len) in [(0, 4096), (700, 1000), (10, 20), (300, 100_000)] {
            let op = write(offset, len);
            let extent = op.change.extent();
            for tear in planner(&[&op], &[]).tears(&extent) {
                let Fate::Torn { parts, .. } = tear else { continue };
                for part in parts {
                    assert!(part.start >= extent.start && part.end <= extent.end);
                    for edge in [part.start, part.end] {
                        let aligned = edge % SECTOR == 0;
                        assert!(aligned || edge == extent.start || edge == extent.end);
                    }
                }
            }
        }
    }

    #[test]
    fn many_changes_do_not_mean_more_plans_than_asked() {
        let op = write(0, 1 << 20);
        let ops = vec![&op; 1000];
        let plans = planner(&ops, &[1000, 3]).systematic(10);
        assert!(plans.len() < 500, "{}", plans.len());
    }
}
