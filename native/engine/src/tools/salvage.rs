//! Copies what is intact of a damaged store to a new one.
//!
//! The newest intact record of each key counts, by its sequence number. To find it in bounded memory
//! the store is read several times, each time for a part of all keys, by their hashes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::chains::{self, Copied};
use super::inspect::{Inspection, inspect};
use super::layout::{Layout, expect_store};
use super::meter::Meter;
use super::report::SalvageReport;
use super::segment::Reader;
use super::window::Window;
use super::{Settings, lock};
use crate::access::keyspace::SpaceTable;
use crate::chains::follow::Start;
use crate::error::{OpenError, WriteError};
use crate::io::Io;
use crate::record::delta::Member;
use crate::record::{Header, Kind};
use crate::recovery::{LOCK_FILE, MANIFEST_FILE};
use crate::{Durability, Engine, Meta, Options};

/// Where the new store is until it is complete.
const UNFINISHED: &str = "salvage.new";
/// Time between two syncs of the new store.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// Bits of a place that are the offset in its file: `MAX_COVERED` fits.
const OFFSET_BITS: u32 = 37;
/// Key spaces that a store without a table can be expected to have.
const USUAL_SPACES: u32 = 16;

/// Copies the newest intact version of each key in the data directory `dir` to a new store in `out`,
/// which is absent or empty. The new store appears when it is complete.
///
/// A key space keeps its number by the newest intact table of key spaces. One that no table names has
/// the number it would have had if no other table had been written: the count of the table plus the
/// distance of its incarnation from the table's `next`; without any table, its incarnation.
///
/// # Errors
/// The store is in use, or there is none; `out` is not empty; files cannot be written. Nothing is
/// left in `out` then.
pub fn salvage(
    dir: &Path,
    out: &Path,
    settings: &mut Settings<'_>,
) -> Result<SalvageReport, OpenError> {
    let io = Arc::clone(&settings.io);
    expect_store(&*io, dir)?;
    let _lock = lock(&*io, dir)?;
    let target = Target::prepare(Arc::clone(&io), out)?;
    let meter = Meter::new(&mut *settings.progress);
    let mut inspection = inspect(&*io, dir, settings.memory, settings.clock.now_ms(), &meter)?;
    let Some(layout) = inspection.layout.take() else {
        let what = format!("{}: nothing says whose segments these are", dir.display());
        return Err(OpenError::Config(what));
    };
    let mut report = SalvageReport::default();
    let copied = copy(&inspection, &layout, &target, settings, &mut report);
    let outcome = copied.and_then(|()| target.complete());
    if outcome.is_err() {
        target.discard();
    }
    outcome?;
    report.found = inspection.report;
    Ok(report)
}

/// Opens the unfinished store and fills it.
fn copy(
    inspection: &Inspection,
    layout: &Layout,
    target: &Target,
    settings: &mut Settings<'_>,
    report: &mut SalvageReport,
) -> Result<(), OpenError> {
    let numbering = Numbering::of(inspection);
    let mut options = Options::new(target.unfinished.clone(), Arc::clone(&settings.io));
    options.durability = Durability::Async { interval: SYNC_INTERVAL };
    options.max_memory = settings.memory.max(64 << 20);
    options.segment_size = (1u64 << layout.shift).min(1 << 30);
    options.clock = Arc::clone(&settings.clock);
    options.spaces = numbering.count;
    let engine = Engine::open(options)?;
    // What has expired is for the server to remove, by its clock.
    engine.set_sweeping(false);
    // Chains are entered as recovery does, and nobody looks them through before the store is opened.
    engine.merge_pause(true);
    report.keys = vec![0; usize::from(numbering.count)];
    report.spaces_lost = numbering.uncertain;
    let meter = Meter::new(&mut *settings.progress);
    let mut copier = Copier {
        inspection,
        layout,
        numbering,
        engine: &engine,
        now_ms: settings.clock.now_ms(),
        meter,
        report,
    };
    let copied = copier.run(settings.memory);
    let closed = engine.close().map_err(|error| OpenError::Config(error.to_string()));
    copied.and(closed)
}

/// Which number each incarnation of a key space gets.
struct Numbering<'i> {
    table: Option<&'i SpaceTable>,
    /// Key spaces of the new store.
    count: u16,
    /// A newer table than the newest intact one may be lost.
    uncertain: bool,
}

impl<'i> Numbering<'i> {
    fn of(inspection: &'i Inspection) -> Numbering<'i> {
        let table = inspection.table.as_ref().map(|(_, table)| table);
        let mut numbering = Numbering { table, count: 1, uncertain: false };
        let named = table.map_or(0, |table| table.ids.len());
        let numbers = inspection.spaces.iter().filter_map(|&space| numbering.number(space));
        let count = numbers.map(|number| usize::from(number) + 1).max().unwrap_or(1);
        numbering.count = u16::try_from(count.max(named).max(1)).unwrap_or(u16::MAX);
        let next = table.map_or(USUAL_SPACES, |table| table.next);
        let newest = inspection.spaces.last().copied().unwrap_or(0);
        numbering.uncertain = inspection.report.loss.ranges > 0 && newest >= next;
        numbering
    }

    /// `None` for a space that was emptied, or whose number is beyond all bounds.
    fn number(&self, space: u32) -> Option<u16> {
        let number = match self.table {
            None => u64::from(space),
            Some(table) => match table.ids.iter().position(|&id| id == space) {
                Some(at) => at as u64,
                None => table.ids.len() as u64 + u64::from(space.checked_sub(table.next)?),
            },
        };
        u16::try_from(number).ok().filter(|number| *number < u16::MAX)
    }
}

/// A record of a key, as small as can be.
struct Entry {
    hash: u128,
    /// Sequence number, and in the lowest bit whether the key has a value.
    order: u64,
    /// Segment and offset.
    place: u64,
}

struct Copier<'c, 'p> {
    inspection: &'c Inspection,
    layout: &'c Layout,
    numbering: Numbering<'c>,
    engine: &'c Engine,
    now_ms: u64,
    meter: Meter<'p>,
    report: &'c mut SalvageReport,
}

impl Copier<'_, '_> {
    fn run(&mut self, memory: u64) -> Result<(), OpenError> {
        let most = (memory / size_of::<Entry>() as u64).max(1024) as usize;
        // Twice as many as needed, since no two parts are of equal size.
        let passes = (2 * self.inspection.key_records).div_ceil(most as u64).max(1);
        self.report.passes = 1 + passes;
        for pass in 0..passes {
            let mut newest = self.newest(most, pass, passes);
            newest.sort_unstable_by_key(|entry| entry.place);
            self.write_all(&newest)?;
        }
        Ok(())
    }

    /// The newest records of the keys of one part, without those that say that a key is gone.
    fn newest(&mut self, most: usize, pass: u64, passes: u64) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let sizes = self.layout.segments.iter().map(|segment| segment.file_len);
        self.meter.begin("finding keys", sizes.sum());
        let mut done = 0;
        for (number, runs) in self.inspection.runs.iter().enumerate() {
            let mut reader = reader(self.layout, number, self.inspection.seed);
            for run in runs {
                let outcome = reader.revisit(run, &mut |offset, seen| {
                    let is_mine = part_of(seen.hash, passes) == pass;
                    let about_key = !matches!(seen.header.kind, Kind::Spaces | Kind::BasePart);
                    if !about_key || !is_mine {
                        return;
                    }
                    if entries.len() >= most {
                        keep_newest(&mut entries);
                    }
                    let live = u64::from(seen.header.kind != Kind::Delete);
                    let order = seen.header.sequence << 1 | live;
                    let place = (number as u64) << OFFSET_BITS | offset;
                    entries.push(Entry { hash: seen.hash, order, place });
                });
                if outcome.is_err() {
                    self.report.unreadable += 1;
                }
                self.meter.reach(done + run.range.end);
            }
            done += self.layout.segments[number].file_len;
        }
        keep_newest(&mut entries);
        entries.retain(|entry| entry.order & 1 == 1);
        entries
    }

    fn write_all(&mut self, entries: &[Entry]) -> Result<(), OpenError> {
        self.meter.begin("writing keys", entries.len() as u64);
        let mut done = 0;
        for part in entries.chunk_by(|a, b| a.place >> OFFSET_BITS == b.place >> OFFSET_BITS) {
            let segment = (part[0].place >> OFFSET_BITS) as usize;
            let mut reader = reader(self.layout, segment, self.inspection.seed);
            for entry in part {
                let offset = entry.place & ((1 << OFFSET_BITS) - 1);
                match reader.content(offset) {
                    Ok((header, ..)) if matches!(header.kind, Kind::Delta | Kind::Base) => {
                        let start = self.layout.segments[segment].start(self.layout.shift);
                        self.copy_chain(start + offset, &header)?;
                    }
                    Ok((header, key, value)) => self.write(&header, &key, &value)?,
                    Err(_) => self.report.unreadable += 1,
                }
                done += 1;
                self.meter.reach(done);
            }
        }
        Ok(())
    }

    fn write(&mut self, header: &Header, key: &[u8], value: &[u8]) -> Result<(), OpenError> {
        let Some(space) = self.numbering.number(header.space) else { return Ok(()) };
        let meta =
            Meta { expiry_ms: header.expiry_ms, kind: header.tag & 15, flags: header.tag >> 4 };
        put(self.engine, self.now_ms, space, key, meta, value).map_err(write_failed)?;
        self.report.keys[usize::from(space)] += 1;
        self.report.bytes += (key.len() + value.len()) as u64;
        Ok(())
    }

    /// Copies a value of several records, the newest of which is at `address`.
    fn copy_chain(&mut self, address: u64, header: &Header) -> Result<(), OpenError> {
        let Some(space) = self.numbering.number(header.space) else { return Ok(()) };
        let newest = Member::new(address, header.total_len());
        let start = Start { newest, space: header.space };
        let to = (&**self.engine.core(), space);
        match chains::copy(self.layout, start, self.now_ms, to).map_err(write_failed)? {
            Copied::Done(bytes) => {
                self.report.keys[usize::from(space)] += 1;
                self.report.bytes += u64::from(header.key_len) + bytes;
            }
            Copied::Expired => {}
            Copied::Damaged => self.report.unreadable += 1,
        }
        Ok(())
    }
}

fn write_failed(error: WriteError) -> OpenError {
    OpenError::Config(format!("writing the new store: {error}"))
}

fn reader(layout: &Layout, segment: usize, seed: u64) -> Reader<'_> {
    let of = &layout.segments[segment];
    let window = Window::new(&*of.file, of.file_len.min(of.covered(layout.shift)));
    Reader::new(window, layout.log_id, of.start(layout.shift), seed)
}

/// Which of `parts` equal parts of all hashes this one belongs to.
fn part_of(hash: u128, parts: u64) -> u64 {
    (((hash >> 64) * u128::from(parts)) >> 64) as u64
}

/// Keeps the entry with the highest sequence number for each hash.
fn keep_newest(entries: &mut Vec<Entry>) {
    entries.sort_unstable_by(|a, b| a.hash.cmp(&b.hash).then(b.order.cmp(&a.order)));
    entries.dedup_by_key(|entry| entry.hash);
}

/// Writes one key, however long the engine takes.
fn put(
    engine: &Engine,
    now_ms: u64,
    space: u16,
    bytes: &[u8],
    meta: Meta,
    value: &[u8],
) -> Result<(), WriteError> {
    let mut attempts = 0;
    loop {
        let mut access = engine.enter(now_ms);
        let key = access.key(space, 0, bytes);
        let outcome = access.lock(&key).put(&key, meta, value);
        let (sender, receiver) = channel();
        match outcome {
            Err(WriteError::Cold) => {
                let mut missing = access.take_missing();
                missing.set_attempts(attempts);
                attempts += 1;
                drop(access);
                engine.fetch(
                    missing,
                    Box::new(move || {
                        let _ = sender.send(());
                    }),
                );
                // The waiter is always called; were it lost, the channel would say so.
                let _ = receiver.recv();
            }
            Err(WriteError::Busy) => {
                drop(access);
                chains::wait_for_room(engine.core());
            }
            outcome => return outcome,
        }
    }
}

/// The directory of the new store.
struct Target {
    io: Arc<dyn Io>,
    dir: PathBuf,
    /// Where the store is until it is complete.
    unfinished: PathBuf,
    /// The directory was made for it.
    made: bool,
}

impl Target {
    /// Makes the directories.
    fn prepare(io: Arc<dyn Io>, dir: &Path) -> Result<Target, OpenError> {
        let made = match io.list(dir) {
            Ok(files) if files.is_empty() => false,
            Ok(_) => {
                return Err(OpenError::Config(format!("{} is not empty", dir.display())));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => return Err(OpenError::io("list", dir)(error)),
        };
        let unfinished = dir.join(UNFINISHED);
        io.create_dir(&unfinished).map_err(OpenError::io("create directory", &unfinished))?;
        Ok(Target { io, dir: dir.to_owned(), unfinished, made })
    }

    /// Gives the files of the complete store their place. The manifest comes last: without it, a
    /// directory with segments is no store.
    fn complete(&self) -> Result<(), OpenError> {
        let io = &*self.io;
        let failed = |error| OpenError::io("complete", &self.dir)(error);
        let files = io.list(&self.unfinished).map_err(failed)?;
        let is = |path: &Path, name: &str| path.file_name().is_some_and(|it| it == name);
        let parts = files.iter().filter(|file| !is(file, LOCK_FILE) && !is(file, MANIFEST_FILE));
        let mut moved = parts.map(|file| self.move_up(file));
        moved.try_for_each(|outcome| outcome).map_err(failed)?;
        io.sync_dir(&self.dir).map_err(failed)?;
        self.move_up(&self.unfinished.join(MANIFEST_FILE)).map_err(failed)?;
        io.sync_dir(&self.dir).map_err(failed)?;
        self.remove_unfinished();
        Ok(())
    }

    /// By a second name, or on a file system that has no such thing by renaming.
    fn move_up(&self, file: &Path) -> std::io::Result<()> {
        let to = self.dir.join(file.file_name().unwrap_or_default());
        self.io.hard_link(file, &to).or_else(|_| self.io.rename(file, &to))
    }

    /// What cannot be removed does no harm.
    fn remove_unfinished(&self) {
        for file in self.io.list(&self.unfinished).unwrap_or_default() {
            drop(self.io.remove(&file));
        }
        drop(self.io.remove_dir(&self.unfinished));
    }

    /// Leaves nothing behind, as far as that is possible.
    fn discard(&self) {
        self.remove_unfinished();
        for file in self.io.list(&self.dir).unwrap_or_default() {
            drop(self.io.remove(&file));
        }
        if self.made {
            drop(self.io.remove_dir(&self.dir));
        }
    }
}
