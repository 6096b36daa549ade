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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::model::Expiry;

    /// A writer that has sent four commands, of which two were acknowledged, and a server that
    /// holds what all four made.
    fn scene() -> (Journal, Load) {
        let mut journal = Journal::new(0);
        let group = [b"w0:g0:a".to_vec(), b"w0:g0:b".to_vec()];
        journal.pending(Op::Set(b"w0:s0".to_vec(), b"0.1.".to_vec()));
        journal.pending(Op::SharedIncr(0));
        journal.pending(Op::SetAll(group.to_vec(), b"0.3.".to_vec()));
        journal.pending(Op::Set(b"w0:s0".to_vec(), b"0.4.".to_vec()));
        journal.acknowledge();
        journal.acknowledge();
        (journal, Load::new(0, 1))
    }

    fn holding(keys: &[(&str, &str)], shared: &[(&str, &str)]) -> Dump {
        let entry = |value: &str| Entry { value: value.into(), expiry: Expiry::Never };
        let own = keys.iter().map(|(key, value)| ((0, key.as_bytes().to_vec()), entry(value)));
        let shared =
            shared.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec()));
        Dump { writers: vec![own.collect()], shared: shared.collect(), strange: Vec::new() }
    }

    const COUNTED: &[(&str, &str)] = &[("shared:counter0", "1")];

    fn verdict(journal: Journal, load: &Load, dump: &Dump) -> Result<(), String> {
        check(dump, &[journal], &Shared::new(), load, Promise::Everything)
    }

    fn error(keys: &[(&str, &str)], shared: &[(&str, &str)]) -> String {
        let (journal, load) = scene();
        verdict(journal, &load, &holding(keys, shared)).expect_err("must be noticed")
    }

    #[test]
    fn every_state_from_the_acknowledged_one_on_is_right() {
        let group = [("w0:g0:a", "0.3."), ("w0:g0:b", "0.3.")];
        let states: [&[(&str, &str)]; 3] = [
            &[("w0:s0", "0.1.")],
            &[("w0:s0", "0.1."), group[0], group[1]],
            &[("w0:s0", "0.4."), group[0], group[1]],
        ];
        for state in states {
            let (journal, load) = scene();
            assert_eq!(verdict(journal, &load, &holding(state, COUNTED)), Ok(()));
        }
    }

    #[test]
    fn a_lost_write_is_noticed() {
        assert!(error(&[], &[]).contains("2 promised commands are lost"));
        assert!(error(&[("w0:s0", "0.1.")], &[]).contains("shared counter 0 is 0"));
        assert!(error(&[("w0:s0", "0.1.")], &[("shared:counter0", "2")]).contains("is 2"));
    }

    #[test]
    fn a_half_applied_command_is_noticed() {
        let text = error(&[("w0:s0", "0.1."), ("w0:g0:a", "0.3.")], COUNTED);
        assert!(text.contains("not all at once"), "{text}");
        let groups = [COUNTED[0], ("shared:group0:a", "0.9.")];
        assert!(error(&[("w0:s0", "0.1.")], &groups).contains("half-applied MSET"));
    }

    #[test]
    fn writes_that_survive_without_the_ones_before_are_noticed() {
        assert!(error(&[("w0:s0", "0.4.")], COUNTED).contains("not all at once"));
    }

    #[test]
    fn a_value_that_a_reader_was_shown_must_survive() {
        let (journal, load) = scene();
        load.show(0, 3);
        let result = verdict(journal, &load, &holding(&[("w0:s0", "0.1.")], COUNTED));
        assert!(result.expect_err("a dirty read").contains("promised commands are lost"));
    }

    #[test]
    fn what_nobody_wrote_is_noticed() {
        assert!(error(&[("w0:s0", "0.1."), ("w0:s9", "0.0.")], COUNTED).contains("writer 0"));
        let (journal, load) = scene();
        let mut dump = holding(&[("w0:s0", "0.1.")], COUNTED);
        dump.strange.push((3, b"x".to_vec()));
        assert!(verdict(journal, &load, &dump).is_err());
    }

    #[test]
    fn a_shared_write_that_was_followed_by_a_promised_one_may_not_be_there() {
        let mut journal = Journal::new(0);
        for value in ["0.1.", "0.2."] {
            journal.pending(Op::SharedGroup(0, value.into()));
            journal.acknowledge();
        }
        let keys = op::shared_group(0);
        let mut dump = holding(&[], &[]);
        dump.shared = keys.into_iter().map(|key| (key, b"0.1.".to_vec())).collect();
        let result = verdict(journal, &Load::new(0, 1), &dump);
        assert!(result.expect_err("a lost write").contains("the later acknowledged"));
    }
}
