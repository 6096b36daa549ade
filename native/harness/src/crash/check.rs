//! Whether what a server holds after a kill is what it may hold.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Instant;

use super::dump::Dump;
use super::journal::{Journal, Sent};
use super::load::Load;
use super::model::{Entry, Key, Model, Place};
use super::op::{self, Op};
use crate::text::quote;

/// Most differences that are listed for one failure.
const LISTED: usize = 6;

/// What must have survived.
#[derive(Debug, Clone, Copy)]
pub(super) enum Promise {
    /// Everything acknowledged, and everything a reader was shown.
    Everything,
    /// What was acknowledged before this time.
    Before(Instant),
}

/// The shared keys before the round.
pub(super) type Shared = BTreeMap<Key, Vec<u8>>;

/// Compares what the server holds with what the writers know.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check(
    dump: &Dump,
    journals: &[Journal],
    shared: &Shared,
    load: &Load,
    promise: Promise,
) -> Result<(), String> {
    if let Some((db, key)) = dump.strange.first() {
        return Err(format!("database {db} holds {}, which nobody has written", quote(key)));
    }
    let mut survived = Vec::with_capacity(journals.len());
    for (journal, actual) in journals.iter().zip(&dump.writers) {
        let needed = needed(journal, load, promise);
        survived.push(check_writer(journal, actual, needed)?);
    }
    for index in op::shared_counters() {
        check_counter(index, dump, journals, shared, &survived)?;
        let (value, shown) = (counter(&dump.shared, index), load.shown_counter(index));
        if matches!(promise, Promise::Everything) && value < shown {
            return Err(format!("a reader was shown {shown} in a counter that is {value} now"));
        }
    }
    op::shared_groups().try_for_each(|index| check_group(index, dump, journals, shared, promise))
}

/// How many of a writer's commands must have survived.
fn needed(journal: &Journal, load: &Load, promise: Promise) -> usize {
    match promise {
        Promise::Everything => journal.acknowledged.max(journal.up_to(load.shown(journal.writer))),
        Promise::Before(time) => journal.acknowledged_before(time),
    }
}

/// The numbers of commands after which the writer's keys are as they are: at least `needed`.
fn check_writer(
    journal: &Journal,
    actual: &BTreeMap<Place, Entry>,
    needed: usize,
) -> Result<RangeInclusive<usize>, String> {
    let mut model = journal.base.clone();
    journal.sent[..needed].iter().for_each(|sent| drop(model.apply(&sent.op)));
    let least = model.clone();
    let mut first = None;
    let mut last = needed;
    for count in needed..=journal.sent.len() {
        if model.matches(actual) {
            first.get_or_insert(count);
            last = count;
        }
        if let Some(sent) = journal.sent.get(count) {
            model.apply(&sent.op);
        }
    }
    match first {
        Some(first) => Ok(first..=last),
        None => Err(explain(journal, actual, needed, &least)),
    }
}

/// Why no number of commands leads to `actual`.
fn explain(
    journal: &Journal,
    actual: &BTreeMap<Place, Entry>,
    needed: usize,
    least: &Model,
) -> String {
    let mut text = format!(
        "writer {}: no state of its keys between command {needed}, up to which all are promised, \
         and {}, the last one sent, is what the server holds",
        journal.writer,
        journal.sent.len()
    );
    if let Some(count) = earlier(journal, actual, needed) {
        text += &format!(
            "; it is the state after command {count}: {} promised commands are lost",
            needed - count
        );
    } else if each_key_is_possible(journal, actual, needed) {
        text += "; each key by itself could be as it is, but not all at once";
    }
    let places = least.entries().keys().chain(actual.keys());
    let differing = places.filter(|place| {
        let (a, b) = (least.entries().get(*place), actual.get(*place));
        !matches!((a, b), (Some(a), Some(b)) if a.matches(b))
    });
    for place in differing.take(LISTED) {
        let show = |entry: Option<&Entry>| match entry {
            Some(entry) => format!("{} {:?}", quote(&entry.value), entry.expiry),
            None => "nothing".to_owned(),
        };
        text += &format!(
            "\n  {}/{}: at least {}, now {}",
            place.0,
            quote(&place.1),
            show(least.entries().get(place)),
            show(actual.get(place))
        );
    }
    text
}

/// The number of commands, fewer than promised, that lead to `actual`.
fn earlier(journal: &Journal, actual: &BTreeMap<Place, Entry>, needed: usize) -> Option<usize> {
    let mut model = journal.base.clone();
    let mut found = None;
    for (count, sent) in journal.sent[..needed].iter().enumerate() {
        if model.matches(actual) {
            found = Some(count);
        }
        model.apply(&sent.op);
    }
    found
}

/// Whether every key, looked at alone, is as some number of commands would leave it.
fn each_key_is_possible(journal: &Journal, actual: &BTreeMap<Place, Entry>, needed: usize) -> bool {
    let mut model = journal.base.clone();
    let mut open: Vec<Place> = Vec::new();
    for count in 0..=journal.sent.len() {
        if count == needed {
            open = model.entries().keys().chain(actual.keys()).cloned().collect();
        }
        if count >= needed {
            open.retain(|place| match (model.entries().get(place), actual.get(place)) {
                (None, None) => false,
                (Some(entry), Some(actual)) => !entry.matches(actual),
                _ => true,
            });
        }
        if let Some(sent) = journal.sent.get(count) {
            model.apply(&sent.op);
        }
    }
    open.is_empty()
}

fn counter(shared: &Shared, index: u64) -> u64 {
    let value = shared.get(&op::shared_counter(index));
    value.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok()).unwrap_or(0)
}

/// A shared counter must count exactly the commands that survived.
fn check_counter(
    index: u64,
    dump: &Dump,
    journals: &[Journal],
    shared: &Shared,
    survived: &[RangeInclusive<usize>],
) -> Result<(), String> {
    let count =
        |sent: &[Sent]| sent.iter().filter(|s| s.op == Op::SharedIncr(index)).count() as u64;
    let before = counter(shared, index);
    let least: u64 = journals.iter().zip(survived).map(|(j, s)| count(&j.sent[..*s.start()])).sum();
    let most: u64 = journals.iter().zip(survived).map(|(j, s)| count(&j.sent[..*s.end()])).sum();
    let value = counter(&dump.shared, index);
    if (before + least..=before + most).contains(&value) {
        return Ok(());
    }
    Err(format!(
        "shared counter {index} is {value}, but must be between {} and {}",
        before + least,
        before + most
    ))
}

/// The keys of a shared group must have the same value, of a write that no promised write followed.
fn check_group(
    index: u64,
    dump: &Dump,
    journals: &[Journal],
    shared: &Shared,
    promise: Promise,
) -> Result<(), String> {
    let keys = op::shared_group(index);
    let values: Vec<_> = keys.iter().map(|key| dump.shared.get(key)).collect();
    if values.iter().any(|value| *value != values[0]) {
        return Err(format!("half-applied MSET: group {index} holds {values:?}"));
    }
    let all = journals.iter().flat_map(|journal| &journal.sent);
    let writes: Vec<(&Vec<u8>, &Sent)> = all
        .filter_map(|sent| match &sent.op {
            Op::SharedGroup(other, value) if *other == index => Some((value, sent)),
            _ => None,
        })
        .collect();
    let written = values[0].and_then(|value| writes.iter().find(|(other, _)| *other == value));
    if written.is_none() && values[0] != shared.get(&keys[0]) {
        return Err(format!("group {index} holds {:?}, which nobody has written", values[0]));
    }
    // A write that is still there cannot have been followed by one that is promised.
    let end = written.map(|(_, sent)| sent.acknowledged);
    let follows = |sent: &Sent| match end {
        None => true,
        Some(acknowledged) => acknowledged.is_some_and(|time| sent.at > time),
    };
    let promised = |sent: &Sent| match (promise, sent.acknowledged) {
        (_, None) => false,
        (Promise::Everything, Some(_)) => true,
        (Promise::Before(time), Some(acknowledged)) => acknowledged < time,
    };
    match writes.iter().find(|(_, sent)| promised(sent) && follows(sent)) {
        Some((lost, _)) => Err(format!(
            "group {index} holds {:?}, and the later acknowledged {} is lost",
            values[0].map(|value| quote(value)),
            quote(lost)
        )),
        None => Ok(()),
    }
}
