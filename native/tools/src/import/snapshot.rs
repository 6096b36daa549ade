//! Snapshots: files in Redis's serialization format.

use std::io::BufRead;
use std::time::{SystemTime, UNIX_EPOCH};

use ferric_engine::tools::Progress;
use ferric_rdb::file::{Item, Key, Reader};
use ferric_rdb::payload;

use super::Failure;
use super::command::encode;
use super::pieces::{Counted, Pieces};
use super::report::{Report, shown};
use super::target::Target;
use crate::progress::Display;

/// Longest value that is written whole, in bytes.
pub(super) const MAX_WHOLE: usize = 1 << 20;

/// Imports a snapshot; what is behind it. `position` says how far it was read, also if it fails.
pub(super) fn import<R: BufRead>(
    input: R,
    position: &mut u64,
    target: &mut Target,
    report: &mut Report,
    display: &Display,
) -> Result<R, Failure> {
    let mut reader = Reader::new(input)?;
    let result = keys(&mut reader, target, report, display);
    *position = reader.position();
    result.map(|()| reader.into_inner())
}

fn keys<R: BufRead>(
    reader: &mut Reader<R>,
    target: &mut Target,
    report: &mut Report,
    display: &Display,
) -> Result<(), Failure> {
    while let Some(item) = reader.next_item()? {
        match item {
            Item::Database(number) => target.select(number, report)?,
            Item::Key(key) => value(reader, &key, target, report)?,
            Item::ModuleValue(key, module) => {
                report.leave_out(&format!("values of the module type {module}"), &key);
            }
            Item::ModuleData(module) => {
                report.leave_out(&format!("data of the module type {module}"), b"");
            }
            Item::Function(code) => report.leave_out("libraries of functions", &library(&code)),
            Item::Auxiliary { name, value } => auxiliary(&name, &value, target, report)?,
            Item::Size(..) => {}
        }
        let done = report.done_before + reader.position();
        display.show(Progress { stage: "importing", done, total: report.total });
    }
    Ok(())
}

/// The name that a library of functions gives itself in its first line.
fn library(code: &[u8]) -> Vec<u8> {
    let first = code.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = first.split(|byte| *byte == b' ');
    words.find_map(|word| word.strip_prefix(b"name=")).unwrap_or(first).to_vec()
}

/// Which server wrote the file is worth a note. Before Redis 7.0, scripts are among the remarks.
fn auxiliary(
    name: &[u8],
    value: &[u8],
    target: &mut Target,
    report: &mut Report,
) -> Result<(), Failure> {
    match name {
        b"redis-ver" => report.notes.push(format!("written by version {}", shown(value))),
        b"lua" => report.leave_out("scripts", b""),
        // Commands follow behind the keys.
        b"aof-preamble" | b"aof-base" if value == b"1" => return target.require_empty(),
        _ => {}
    }
    Ok(())
}

fn value<R: BufRead>(
    reader: &mut Reader<R>,
    key: &Key,
    target: &mut Target,
    report: &mut Report,
) -> Result<(), Failure> {
    let expired = key.expiry_ms.is_some_and(|time| time <= now_ms());
    if expired || !target.is_wanted() {
        reader.value(&mut ferric_rdb::Discard, 0)?;
        *(if expired { &mut report.expired } else { &mut report.elsewhere }) += 1;
        return Ok(());
    }
    let replace = target.replace;
    let Some(pipe) = target.pipe() else {
        let mut counted = Counted::default();
        reader.value(&mut counted, 0)?;
        return count(counted.is_empty(), key, report);
    };
    let mut pieces = Pieces::new(pipe, key, replace);
    let whole = reader.value(&mut pieces, MAX_WHOLE)?;
    let empty = pieces.is_empty();
    if let Some(bytes) = whole.filter(|_| !empty && !pieces.has_begun()) {
        drop(pieces);
        restore(bytes, key, target)?;
    } else if !empty {
        let existed = pieces.finish()?;
        report.large += u64::from(!existed);
        report.existing += u64::from(existed);
    }
    count(empty, key, report)
}

fn count(empty: bool, key: &Key, report: &mut Report) -> Result<(), Failure> {
    if empty {
        report.empty += 1
    } else {
        report.key(key.value_type.shape())
    }
    Ok(())
}

/// Writes a value as it is.
fn restore(bytes: Vec<u8>, key: &Key, target: &mut Target) -> Result<(), Failure> {
    let sealed = payload::seal_bytes(bytes);
    let time = key.expiry_ms.unwrap_or(0).to_string();
    let mut words: Vec<&[u8]> = vec![b"RESTORE", &key.name, time.as_bytes(), &sealed, b"ABSTTL"];
    if target.replace {
        words.push(b"REPLACE");
    }
    match target.pipe() {
        Some(pipe) => pipe.send("RESTORE", &key.name, &[&encode(&words)]),
        None => Ok(()),
    }
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
