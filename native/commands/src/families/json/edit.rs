//! Changing one document.

use std::cmp::Reverse;

use ferric_resp::Encoder;

use super::{Limit, budget, json_only};
use crate::context::{Context, Fault, Outcome};
use crate::values::json::path::{Budget, Path};
use crate::values::json::{Document, Draft, Json, Step};
use crate::values::{Lookup, commit};

/// A document that is being changed.
pub(super) struct Edit<'e> {
    pub(super) root: &'e Json,
    pub(super) budget: Budget,
    pub(super) reply: &'e mut Encoder,
    pub(super) draft: Draft,
    limit: Limit,
}

/// Changes a document that has to be there. `decide` replies and says what is to change; if nothing is
/// left then, it returns false.
pub(super) fn edit(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    missing: Fault,
    decide: impl FnOnce(&mut Edit<'_>) -> Result<bool, Fault>,
) -> Outcome {
    let (key, lookup) = (ctx.key(name), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<Document>(&mut locked, &key).map_err(json_only)?;
    let held = held.ok_or(missing)?;
    let (budget, limit) = (budget(ctx.long), Limit::new(ctx.long));
    let reply = &mut *ctx.reply;
    let (delta, stays) = held.view.with(|root| {
        let mut edit = Edit { root, budget, reply, draft: Draft::new(), limit };
        let stays = decide(&mut edit)?;
        Ok::<_, Fault>((edit.draft.into_delta(), stays))
    })??;
    if delta.is_empty() && stays {
        return Ok(());
    }
    let change = held.change(held.meta, &delta, usize::from(stays))?;
    commit(&mut locked, &[(key, change)])
}

impl Edit<'_> {
    /// Decides what becomes of each match of a path, and returns the results in the path's order.
    ///
    /// Matches that contain others come after these: so locations stay what they are, and what
    /// happens to a value happens before it is moved or removed.
    pub(super) fn each<T>(
        &mut self,
        path: &Path,
        change: impl FnMut(&mut Draft, &mut Budget, Place<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        if !path.is_disjoint() {
            // As much of the document may be copied.
            self.budget.allows(self.root)?;
            self.draft = Draft::dependent(self.root.clone());
        }
        each(&mut self.draft, self.root, path, &mut self.budget, self.limit, change)
    }
}

/// A value and where it is.
pub(super) struct Place<'p> {
    pub(super) location: &'p [Step<'p>],
    pub(super) value: &'p Json,
}

/// [`Edit::each`], with a draft that suits the path.
pub(super) fn each<T>(
    draft: &mut Draft,
    root: &Json,
    path: &Path,
    budget: &mut Budget,
    limit: Limit,
    mut change: impl FnMut(&mut Draft, &mut Budget, Place<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let root = draft.root(root).clone();
    let matches = path.find(&root, budget)?;
    let mut places: Vec<_> = matches.locations().enumerate().collect();
    if !path.is_disjoint() {
        places.sort_by_key(|(_, location)| Reverse(location.len()));
    }
    let mut results = Vec::with_capacity(places.len());
    for (number, location) in places {
        // There is nothing where a match was only if something else has been put there.
        let Some(value) = draft.at(&root, &location).cloned() else { continue };
        let place = Place { location: &location, value: &value };
        results.push((number, change(draft, budget, place)?));
        limit.check(draft.len())?;
    }
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}
