//! Whether a writer's collections are as its commands can have left them.

use super::model::Model;
use super::owner::Owner;

/// Finds a number of commands, at least the acknowledged ones and at most all that were sent, after which
/// all of the writer's collections are as they were found.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check(owner: &Owner, found: &Model) -> Result<(), String> {
    let mut model = owner.base.clone();
    let mut earlier = None;
    let mut least = None;
    for count in 0..=owner.sent.len() {
        if let Some((sequence, op)) = count.checked_sub(1).and_then(|at| owner.sent.get(at)) {
            model.apply(op, *sequence);
        }
        if count == owner.acknowledged {
            least = Some(model.clone());
        }
        // Comparing all of them after each of many commands takes long: most differ in their lengths.
        let equal = model.len() == found.len() && model == *found;
        if equal && count >= owner.acknowledged {
            return Ok(());
        }
        earlier = if equal { Some(count) } else { earlier };
    }
    Err(explain(owner, found, earlier, &least.unwrap_or(model)))
}

fn explain(owner: &Owner, found: &Model, earlier: Option<usize>, least: &Model) -> String {
    let (writer, acknowledged, sent) = (owner.writer, owner.acknowledged, owner.sent.len());
    let mut text = format!(
        "writer {writer}: no state of its collections between its command {acknowledged}, the last one \
         acknowledged, and {sent}, the last one sent, is what the server holds"
    );
    if let Some(count) = earlier {
        let lost = acknowledged - count;
        text += &format!("; it is the state after {count}: {lost} acknowledged commands are lost");
    }
    for number in 0..super::model::SETS {
        let differ = [
            ("list", least.lists[number] != found.lists[number]),
            ("hash", least.hashes[number] != found.hashes[number]),
            ("sorted set", least.sorted[number] != found.sorted[number]),
        ];
        for (kind, _) in differ.iter().filter(|(_, differs)| *differs) {
            text += &format!("\n  {kind} {number} is not as after the last one acknowledged");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::collections::op::Op;

    /// A writer with three of five commands acknowledged.
    fn owner() -> Owner {
        let mut owner = Owner::new(0);
        for op in [
            Op::Push { list: 0, count: 5 },
            Op::Fields { hash: 1, fields: vec![1, 2, 3] },
            Op::Members { sorted: 2, members: vec![7, 8] },
            Op::Move { from: 0, to: 1 },
            Op::RemoveFields { hash: 1, fields: vec![1, 2] },
        ] {
            owner.add(op, &mut Vec::new());
        }
        owner.acknowledged = 3;
        owner
    }

    fn after(count: usize) -> Model {
        let mut model = Model::default();
        owner().sent[..count].iter().for_each(|(sequence, op)| drop(model.apply(op, *sequence)));
        model
    }

    #[test]
    fn every_state_from_the_acknowledged_one_on_is_right() {
        (3..=5).for_each(|count| assert_eq!(check(&owner(), &after(count)), Ok(())));
    }

    #[test]
    fn what_is_lost_or_half_done_is_noticed() {
        let error = |model: &Model| check(&owner(), model).expect_err("must be noticed");
        assert!(error(&after(2)).contains("1 acknowledged commands are lost"));
        let mut half = after(4);
        half.lists[1].clear();
        assert!(error(&half).contains("list 0"));
        let mut half = after(5);
        half.hashes[1] = after(4).hashes[1].clone();
        half.hashes[1].remove(&1);
        assert!(error(&half).contains("hash 1"));
        let mut twice = after(3);
        twice.lists[0].pop_back();
        error(&twice);
    }
}
