//! Whether a writer's keys are as its commands can have left them.

use super::model::{Entry, Model};
use super::observe::Observed;
use super::op::{self, Index};
use super::owner::Owner;
use crate::text::quote;

/// Most differences that are listed for one failure.
const LISTED: usize = 6;

/// Finds a number of commands, at least `needed` and at most all that were sent, after which the
/// writer's keys are as they were seen: all of them at once.
///
/// The keys that differ are counted, and the count is kept as one command after another is applied;
/// comparing all keys after every command would take hours.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check(owner: &Owner, seen: &Observed, needed: usize) -> Result<(), String> {
    let mut replay = Replay::new(owner, seen);
    owner.sent[..needed].iter().for_each(|sent| drop(replay.model.apply(&sent.op, sent.sequence)));
    let least = replay.model.clone();
    replay.compare_all();
    for sent in &owner.sent[needed..] {
        if replay.differing == 0 {
            return Ok(());
        }
        replay.apply(sent.sequence, &sent.op);
    }
    if replay.differing == 0 {
        return Ok(());
    }
    Err(explain(owner, seen, needed, &least, &replay))
}

/// A model that is taken through a writer's commands beside what was seen.
struct Replay<'a> {
    model: Model,
    seen: &'a Observed,
    /// How many keys are not as seen.
    differing: usize,
    /// The keys that have been as seen at least once.
    possible: Vec<bool>,
}

impl Replay<'_> {
    fn new<'a>(owner: &Owner, seen: &'a Observed) -> Replay<'a> {
        let possible = vec![false; owner.base.keys() as usize];
        Replay { model: owner.base.clone(), seen, differing: 0, possible }
    }

    fn fits(&self, index: Index) -> bool {
        fits(&self.model, self.seen, index)
    }

    fn compare_all(&mut self) {
        for index in 0..self.model.keys() {
            self.add(index);
        }
    }

    fn add(&mut self, index: Index) {
        let fits = self.fits(index);
        self.differing += usize::from(!fits);
        self.possible[index as usize] |= fits;
    }

    fn apply(&mut self, sequence: u64, op: &op::Op) {
        for index in op.touched() {
            self.differing -= usize::from(!self.fits(index));
        }
        self.model.apply(op, sequence);
        op.touched().for_each(|index| self.add(index));
    }
}

fn fits(model: &Model, seen: &Observed, index: Index) -> bool {
    seen.window.allows(model.entry(index), seen.entries[index as usize].as_ref())
}

/// Why no number of commands leads to what was seen.
fn explain(
    owner: &Owner,
    seen: &Observed,
    needed: usize,
    least: &Model,
    replay: &Replay<'_>,
) -> String {
    let writer = owner.writer;
    let number = |count: usize| owner.sent.get(count.wrapping_sub(1)).map_or(0, |s| s.sequence);
    let mut text = format!(
        "writer {writer}: no state of its keys between command {}, up to which all are promised, \
         and {}, the last one sent, is what the server holds",
        number(needed),
        number(owner.sent.len())
    );
    if let Some(count) = earlier(owner, seen, needed) {
        text += &format!(
            "; it is the state after command {}: {} promised commands are lost",
            number(count),
            needed - count
        );
    }
    let wrong: Vec<Index> = (0..least.keys()).filter(|i| !replay.possible[*i as usize]).collect();
    if wrong.is_empty() {
        return text + "; each key by itself could be as it is, but not all at once";
    }
    text += &format!("; {} of {} keys are never so", wrong.len(), least.keys());
    for index in wrong.into_iter().take(LISTED) {
        text += &format!(
            "\n  {}: at least {}, now {}",
            quote(&op::key(writer, index)),
            show(least.entry(index)),
            show(seen.entries[index as usize].as_ref())
        );
    }
    text
}

fn show(entry: Option<&Entry>) -> String {
    match entry {
        None => "nothing".to_owned(),
        Some(entry) => {
            let expiry = entry.expiry.map(|at| format!(" until {at}")).unwrap_or_default();
            format!("the value of commands {:?}{expiry}", entry.pieces)
        }
    }
}

/// The number of commands, fewer than promised, that lead to what was seen.
fn earlier(owner: &Owner, seen: &Observed, needed: usize) -> Option<usize> {
    let mut replay = Replay::new(owner, seen);
    replay.compare_all();
    let mut found = None;
    for (count, sent) in owner.sent[..needed].iter().enumerate() {
        if replay.differing == 0 {
            found = Some(count);
        }
        replay.apply(sent.sequence, &sent.op);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::large::model::Window;
    use crate::crash::large::op::Op;

    const WINDOW: Window = Window { from: 10_000, to: 20_000 };

    /// A writer of which three of six commands are promised.
    fn owner() -> Owner {
        let mut owner = Owner::new(0, 16);
        for op in [
            Op::Set(1),
            Op::SetAll([1, 2, 3]),
            Op::Append(2),
            Op::Del([1, 3]),
            Op::SetAll([4, 5, 6]),
            Op::SetUntil(0, 15_000),
        ] {
            owner.pending(op);
        }
        (0..3).for_each(|_| owner.acknowledge());
        owner
    }

    /// What a server holds after the first `count` commands, after `change`.
    fn seen(count: usize, change: impl Fn(&mut [Option<Entry>])) -> Observed {
        let owner = owner();
        let mut model = owner.base;
        owner.sent[..count].iter().for_each(|sent| drop(model.apply(&sent.op, sent.sequence)));
        let mut entries: Vec<_> = (0..16).map(|index| model.entry(index).cloned()).collect();
        change(&mut entries);
        Observed { entries, window: WINDOW }
    }

    fn error(seen: &Observed) -> String {
        check(&owner(), seen, 3).expect_err("must be noticed")
    }

    #[test]
    fn every_state_from_the_promised_one_on_is_right() {
        for count in 3..=6 {
            assert_eq!(check(&owner(), &seen(count, |_| ()), 3), Ok(()), "{count}");
        }
        assert_eq!(check(&owner(), &seen(6, |entries| entries[0] = None), 3), Ok(()));
    }

    #[test]
    fn lost_writes_are_noticed() {
        assert!(error(&seen(2, |_| ())).contains("1 promised commands are lost"));
        assert!(error(&seen(0, |_| ())).contains("3 promised commands are lost"));
        assert!(error(&seen(4, |entries| entries[2] = None)).contains("1 of 16 keys"));
    }

    #[test]
    fn a_deleted_key_that_returns_is_noticed() {
        let old = Some(Entry { pieces: vec![2], expiry: None });
        let text = error(&seen(6, |entries| entries[3].clone_from(&old)));
        assert!(text.contains("not all at once"), "{text}");
        let mut owner = owner();
        (0..3).for_each(|_| owner.acknowledge());
        let seen = seen(6, |entries| entries[3].clone_from(&old));
        let text = check(&owner, &seen, 6).expect_err("must be noticed");
        assert!(text.contains("at least nothing, now the value of commands [2]"), "{text}");
    }

    #[test]
    fn half_a_command_is_noticed() {
        let text = error(&seen(5, |entries| entries[5] = None));
        assert!(text.contains("not all at once"), "{text}");
    }

    #[test]
    fn another_value_or_expiry_is_noticed() {
        error(&seen(3, |entries| entries[2] = Some(Entry { pieces: vec![2], expiry: None })));
        let later = Some(Entry { pieces: vec![6], expiry: Some(15_001) });
        error(&seen(6, |entries| entries[0].clone_from(&later)));
    }
}
