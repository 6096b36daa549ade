//! JSON.DEL (JSON.FORGET) and JSON.CLEAR.

use std::sync::Arc;

use super::edit::{Edit, edit};
use super::{NO_KEY, PathArg, json_only, wrong_arity};
use crate::context::{Args, Context, Fault, Outcome};
use crate::values::json::{Document, Json, Location};
use crate::values::{Change, Lookup, commit};

/// `JSON.DEL key [path]`
pub(super) fn del(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::at(args, 2)?;
    if path.path.is_root() {
        return delete_key(ctx, args[1]);
    }
    let outcome = edit(ctx, args[1], NO_KEY, |edit| {
        let found = edit.outermost(&path)?;
        for location in found.iter().rev() {
            edit.draft.remove(location);
        }
        edit.reply.integer(found.len() as i64);
        let of_root = found.iter().filter(|location| location.len() == 1).count();
        // A document of which nothing is left goes with its key.
        Ok(of_root == 0 || of_root < len(edit.root))
    });
    if outcome == Err(NO_KEY) {
        ctx.reply.integer(0);
        return Ok(());
    }
    outcome
}

fn delete_key(ctx: &mut Context<'_, '_>, name: &[u8]) -> Outcome {
    let (key, lookup) = (ctx.key(name), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let exists = lookup.modify_as::<Document>(&mut locked, &key).map_err(json_only)?.is_some();
    ctx.reply.integer(i64::from(exists));
    if exists { commit(&mut locked, &[(key, Change::Delete)]) } else { Ok(()) }
}

fn len(value: &Json) -> usize {
    match value {
        Json::Array(elements) => elements.len(),
        Json::Object(members) => members.len(),
        _ => 0,
    }
}

impl<'e> Edit<'e> {
    /// Where the matches are that no other one contains, in an order in which removing from the end
    /// on moves none of those before.
    fn outermost(&mut self, path: &PathArg<'_>) -> Result<Vec<Location<'e>>, Fault> {
        let matches = path.path.find(self.root, &mut self.budget)?;
        for value in matches.values() {
            self.budget.allows(value)?;
        }
        let mut found: Vec<Location<'e>> = matches.locations().collect();
        found.sort_unstable();
        found.dedup_by(|inner, outer| inner.starts_with(outer));
        Ok(found)
    }
}

/// `JSON.CLEAR key [path]`
pub(super) fn clear(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if args.len() > 3 {
        return Err(wrong_arity(ctx));
    }
    let path = PathArg::at(args, 2)?;
    edit(ctx, args[1], NO_KEY, |edit| {
        let cleared = edit.each(&path.path, |draft, budget, place| {
            let Some(empty) = cleared(place.value) else { return Ok(false) };
            budget.allows(place.value)?;
            draft.put(place.location, &empty);
            Ok(true)
        })?;
        let count = cleared.into_iter().filter(|cleared| *cleared).count();
        edit.reply.integer(count as i64);
        Ok(true)
    })
}

/// What a value becomes, if that is something else.
fn cleared(value: &Json) -> Option<Json> {
    match value {
        Json::Array(elements) if !elements.is_empty() => Some(Json::array(Vec::new())),
        Json::Object(members) if !members.is_empty() => Some(Json::Object(Arc::default())),
        Json::Integer(0) => None,
        Json::Double(number) if *number == 0.0 => None,
        Json::Integer(_) | Json::Unsigned(_) | Json::Double(_) => Some(Json::Integer(0)),
        _ => None,
    }
}
