//! Reports for people.

use std::fmt::Write;

use ferric_engine::tools::{CheckReport, Damage, SalvageReport, StatReport};

/// Damages shown one by one.
const SHOWN: usize = 200;

/// What checking has found.
pub(crate) fn check(report: &CheckReport) -> String {
    let mut out = String::new();
    damages(&mut out, report);
    report.notes.iter().for_each(|note| line(&mut out, format_args!("note: {note}")));
    let totals = &report.totals;
    row(
        &mut out,
        "segments",
        format_args!(
            "{}, {} merged",
            totals.log_segments + totals.merged_segments,
            totals.merged_segments
        ),
    );
    row(&mut out, "bytes", format_args!("{}", totals.bytes));
    row(&mut out, "frames", format_args!("{}", totals.frames));
    row(&mut out, "records", format_args!("{}", totals.records));
    row(&mut out, "hint blocks", format_args!("{}", totals.hints));
    row(&mut out, "checkpoints", format_args!("{}", totals.checkpoints));
    match report.live_keys {
        Some(keys) => row(&mut out, "keys", format_args!("{keys}")),
        None => row(&mut out, "keys", format_args!("not counted")),
    }
    row(&mut out, "last closed", format_args!("{}", closed(report.clean_close)));
    let found = report.damages.len() as u64 + report.more_damages;
    match found {
        0 => line(&mut out, format_args!("intact")),
        1 => line(&mut out, format_args!("damaged in 1 place")),
        _ => line(&mut out, format_args!("damaged in {found} places")),
    }
    loss(&mut out, report);
    out
}

/// What salvaging has done.
pub(crate) fn salvage(report: &SalvageReport) -> String {
    let mut out = String::new();
    damages(&mut out, &report.found);
    report.found.notes.iter().for_each(|note| line(&mut out, format_args!("note: {note}")));
    for (space, keys) in report.keys.iter().enumerate().filter(|(_, keys)| **keys > 0) {
        row(&mut out, &format!("database {space}"), format_args!("{keys} keys"));
    }
    row(&mut out, "keys", format_args!("{}", report.keys.iter().sum::<u64>()));
    row(&mut out, "bytes", format_args!("{}", report.bytes));
    row(&mut out, "times read", format_args!("{}", report.passes));
    if report.unreadable > 0 {
        row(&mut out, "unreadable", format_args!("{} more records", report.unreadable));
    }
    if report.spaces_lost {
        line(
            &mut out,
            format_args!(
                "the newest table of databases may be lost: numbers of databases are a guess"
            ),
        );
    }
    loss(&mut out, &report.found);
    if report.found.loss.ranges == 0 && report.unreadable == 0 {
        line(&mut out, format_args!("nothing was lost"));
    }
    out
}

/// What a store is like.
pub(crate) fn stat(report: &StatReport) -> String {
    let mut out = String::new();
    report.notes.iter().for_each(|note| line(&mut out, format_args!("note: {note}")));
    let totals = &report.totals;
    row(&mut out, "identity", format_args!("{:016x}", report.log_id));
    row(&mut out, "segment size", format_args!("{}", report.segment_size));
    row(
        &mut out,
        "segments",
        format_args!(
            "{}, {} merged",
            totals.log_segments + totals.merged_segments,
            totals.merged_segments
        ),
    );
    row(&mut out, "bytes", format_args!("{}", totals.bytes));
    row(&mut out, "frames", format_args!("{}", totals.frames));
    row(&mut out, "records", format_args!("{}, {} deletions", totals.records, report.tombstones));
    if report.deltas + report.bases > 0 {
        let (deltas, bases, parts) = (report.deltas, report.bases, report.base_parts);
        let of = format_args!("{deltas} changes, {bases} large images in {parts} parts");
        row(&mut out, "of these", of);
    }
    row(&mut out, "record bytes", format_args!("{}", report.record_bytes));
    row(&mut out, "sequences", format_args!("{} to {}", report.sequences.0, report.sequences.1));
    match report.checkpoint {
        0 => row(&mut out, "checkpoint", format_args!("none")),
        id => row(&mut out, "checkpoint", format_args!("{id}, log from {:#x}", report.replay_from)),
    }
    if let (Some(keys), Some(live)) = (report.keys, report.live_bytes) {
        row(&mut out, "keys", format_args!("{keys} at the checkpoint, about {live} bytes"));
    }
    row(&mut out, "log ends at", format_args!("{:#x}", report.log_end));
    row(&mut out, "to replay", format_args!("{} bytes", report.replay_bytes));
    row(&mut out, "opened", format_args!("{} times", report.incarnation));
    row(&mut out, "last closed", format_args!("{}", closed(report.clean_close)));
    for (class, count) in report.sizes.iter().enumerate().filter(|(_, count)| **count > 0) {
        row(&mut out, &format!("below {}", size(class)), format_args!("{count} records"));
    }
    out
}

fn size(class: usize) -> String {
    match class {
        0..10 => format!("{} B", 1u64 << class),
        10..20 => format!("{} KiB", 1u64 << (class - 10)),
        _ => format!("{} MiB", 1u64 << (class - 20)),
    }
}

fn closed(clean: bool) -> &'static str {
    if clean { "cleanly" } else { "not cleanly, or it is open" }
}

fn damages(out: &mut String, report: &CheckReport) {
    for damage in report.damages.iter().take(SHOWN) {
        let Damage { file, offset, len, what, meaning } = damage;
        let file = file.display();
        match len {
            0 => line(out, format_args!("{file}, offset {offset}: {what}")),
            _ => line(out, format_args!("{file}, offset {offset}, {len} bytes: {what}")),
        }
        line(out, format_args!("    {}", meaning.explanation()));
    }
    let more = report.damages.len().saturating_sub(SHOWN) as u64 + report.more_damages;
    if more > 0 {
        line(out, format_args!("… and {more} more"));
    }
}

fn loss(out: &mut String, report: &CheckReport) {
    let loss = &report.loss;
    if loss.ranges > 0 {
        let (records, bytes, ranges) = (loss.records, loss.bytes, loss.ranges);
        line(
            out,
            format_args!(
                "lost: at most {records} records, of as many keys, in {bytes} bytes at {ranges} places"
            ),
        );
    }
}

fn row(out: &mut String, name: &str, value: std::fmt::Arguments<'_>) {
    line(out, format_args!("{name:<16}{value}"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{text}");
}
