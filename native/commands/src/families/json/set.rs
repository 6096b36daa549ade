//! JSON.SET, JSON.MSET and JSON.MERGE.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferric_engine::{Key, Locked};

use super::edit::{Place, each, edit};
use super::{Limit, NO_KEY, PathArg, budget, json_only, parse_value, wrong_arity};
use crate::context::{Args, Context, Fault, Outcome};
use crate::pattern::is_option;
use crate::values::json::path::Budget;
use crate::values::json::{Document, Draft, Json, MAX_DEPTH, Members, Step};
use crate::values::{Change, Lookup, MAX_KEYS, commit};

const NOT_AT_ROOT: Fault = Fault::error("ERR new objects must be created at the root");

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// When JSON.SET sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    /// NX
    Missing,
    /// XX
    Present,
}

fn condition(words: Args<'_>) -> Result<Condition, Fault> {
    let mut condition = Condition::Always;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        condition = match condition {
            Condition::Always if is_option(word, "NX") => Condition::Missing,
            Condition::Always if is_option(word, "XX") => Condition::Present,
            _ if is_option(word, "FORMAT") => {
                let format = words.next().ok_or(SYNTAX)?;
                if !is_option(format, "STRING") && !is_option(format, "JSON") {
                    return Err(SYNTAX);
                }
                condition
            }
            _ => return Err(SYNTAX),
        };
    }
    Ok(condition)
}

/// `JSON.SET key path value [NX | XX] [FORMAT format]`
pub(super) fn set(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::parse(args[2])?;
    let condition = condition(&args[4..])?;
    let value = parse_value(ctx, args[3])?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let (mut budget, limit) = (budget(ctx.long), Limit::new(ctx.long));
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<Document>(&mut locked, &key).map_err(json_only)?;
    let forbidden = if held.is_some() { Condition::Missing } else { Condition::Present };
    let change = match held {
        None if !path.path.is_root() && condition != forbidden => return Err(NOT_AT_ROOT),
        _ if path.path.is_root() && condition != forbidden => Some(replacement(value)),
        Some(held) if !path.path.is_root() => {
            let target = Target { path: &path, limit, condition };
            let (delta, done) = held.view.with(|root| {
                let mut draft = target.draft(root, &mut budget)?;
                let done = target.set(&mut draft, root, &value, &mut budget)?;
                Ok::<_, Fault>((draft.into_delta(), done))
            })??;
            if !done {
                ctx.reply.null();
                return if delta.is_empty() {
                    Ok(())
                } else {
                    let change = held.change(held.meta, &delta, 1)?;
                    commit(&mut locked, &[(key, change)])
                };
            }
            Some(held.change(held.meta, &delta, 1)?)
        }
        _ => None,
    };
    let Some(change) = change else {
        ctx.reply.null();
        return Ok(());
    };
    ctx.reply.ok();
    commit(&mut locked, &[(key, change)])
}

/// A whole new document; it does not expire.
fn replacement(value: Json) -> Change {
    Change::put(&Document::new(value), 0, 0)
}

/// Which values of a document are to be set.
struct Target<'p> {
    path: &'p PathArg<'p>,
    limit: Limit,
    condition: Condition,
}

impl Target<'_> {
    fn draft(&self, root: &Json, budget: &mut Budget) -> Result<Draft, Fault> {
        if self.path.path.is_disjoint() {
            return Ok(Draft::new());
        }
        budget.allows(root)?;
        Ok(Draft::dependent(root.clone()))
    }

    /// Sets what the path matches, or a new member; false if not all of that was possible.
    fn set(
        &self,
        draft: &mut Draft,
        root: &Json,
        value: &Json,
        budget: &mut Budget,
    ) -> Result<bool, Fault> {
        let depth = value.depth();
        let condition = self.condition;
        let path = &self.path.path;
        let set = each(draft, root, path, budget, self.limit, |draft, budget, place| {
            if condition == Condition::Missing || place.location.len() + depth > MAX_DEPTH {
                return Ok(false);
            }
            budget.allows(place.value)?;
            draft.put(place.location, value);
            Ok(true)
        })?;
        if !set.is_empty() {
            return Ok(set.into_iter().all(|set| set));
        }
        if condition == Condition::Present {
            return Ok(false);
        }
        self.add(draft, root, value, budget)
    }

    /// Adds a member, if the path leads to an object that does not have it.
    fn add(
        &self,
        draft: &mut Draft,
        root: &Json,
        value: &Json,
        budget: &mut Budget,
    ) -> Result<bool, Fault> {
        let path = &self.path.path;
        if !path.is_static() {
            return Err(Fault::error("ERR wrong static path"));
        }
        let root = draft.root(root).clone();
        let parents = path.find_parents(&root, budget)?;
        let Some((parent, mut location)) = parents.values().zip(parents.locations()).next() else {
            return Ok(false);
        };
        let name = path.last_name().ok_or(Fault::error("ERR array index out of range"))?;
        location.push(Step::Name(name));
        if !matches!(parent, Json::Object(_)) || location.len() + value.depth() > MAX_DEPTH {
            return Ok(false);
        }
        draft.put(&location, value);
        Ok(true)
    }
}

/// `JSON.MSET key path value [key path value ...]`
pub(super) fn mset(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (triplets, rest) = args[1..].as_chunks::<3>();
    if !rest.is_empty() {
        return Err(wrong_arity(ctx));
    }
    ctx.bound(triplets.len(), MAX_KEYS)?;
    ctx.bound(args.iter().map(|word| word.len()).sum(), super::MAX_TEXT)?;
    let mut by_key: BTreeMap<&[u8], Vec<(PathArg<'_>, Json)>> = BTreeMap::new();
    for [name, path, value] in triplets {
        let setting = (PathArg::parse(path)?, parse_value(ctx, value)?);
        by_key.entry(name).or_default().push(setting);
    }
    let settings: Vec<_> =
        by_key.into_iter().map(|(name, settings)| (ctx.key(name), settings)).collect();
    let keys: Vec<Key<'_>> = settings.iter().map(|(key, _)| *key).collect();
    let (lookup, mut budget, limit) = (Lookup::new(ctx), budget(ctx.long), Limit::new(ctx.long));
    let mut locked = ctx.access.acquire_all(&keys)?;
    let (mut changes, mut all_done) = (Vec::with_capacity(keys.len()), true);
    for (key, settings) in settings {
        let (change, done) = set_many(&mut locked, lookup, key, settings, &mut budget, limit)?;
        changes.extend(change.map(|change| (key, change)));
        all_done &= done;
    }
    if all_done {
        ctx.reply.ok();
    } else {
        ctx.reply.null();
    }
    commit(&mut locked, &changes)
}

/// What becomes of one key of JSON.MSET, and whether all its values could be set.
fn set_many(
    locked: &mut Locked<'_, '_>,
    lookup: Lookup<'_>,
    key: Key<'_>,
    settings: Vec<(PathArg<'_>, Json)>,
    budget: &mut Budget,
    limit: Limit,
) -> Result<(Option<Change>, bool), Fault> {
    let held = lookup.modify_as::<Document>(locked, &key).map_err(json_only)?;
    let mut root = held.as_ref().map(|held| held.view.to_json()).transpose()?;
    let (mut draft, mut replaced, mut all_done) = (None, false, true);
    let several = settings.len() > 1;
    for (path, value) in settings {
        if path.path.is_root() {
            (root, draft, replaced) = (Some(value), None, true);
            continue;
        }
        let root = root.as_ref().ok_or(NOT_AT_ROOT)?;
        let target = Target { path: &path, limit, condition: Condition::Always };
        let draft = match &mut draft {
            Some(draft) => draft,
            none if several || !path.path.is_disjoint() => {
                budget.allows(root)?;
                none.insert(Draft::dependent(root.clone()))
            }
            none => none.insert(Draft::new()),
        };
        all_done &= target.set(draft, root, &value, budget)?;
    }
    let change = match (held, root, draft) {
        (_, Some(root), draft) if replaced => {
            let root = draft.map_or(root.clone(), |draft| draft.root(&root).clone());
            Some(replacement(root))
        }
        (Some(held), _, Some(draft)) if !draft.is_empty() => {
            Some(held.change(held.meta, &draft.into_delta(), 1)?)
        }
        _ => None,
    };
    Ok((change, all_done))
}

/// `JSON.MERGE key path value`
pub(super) fn merge(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if args.len() > 4 {
        return Err(wrong_arity(ctx));
    }
    let path = PathArg::parse(args[2])?;
    let patch = parse_value(ctx, args[3])?;
    let key = ctx.key(args[1]);
    if path.path.is_root() {
        let (lookup, mut locked) = (Lookup::new(ctx), ctx.access.acquire(&key)?);
        let held = lookup.modify_as::<Document>(&mut locked, &key).map_err(json_only)?;
        if held.is_none() {
            ctx.reply.ok();
            return commit(&mut locked, &[(key, replacement(without_nulls(&patch)))]);
        }
    }
    let depth = patch.depth();
    let limit = Limit::new(ctx.long);
    let outcome = edit(ctx, args[1], NO_KEY, |edit| {
        let merged = edit.each(&path.path, |draft, budget, place| {
            if place.location.len() + depth > MAX_DEPTH {
                return Ok(false);
            }
            budget.allows(place.value)?;
            merge_into(draft, &place, &patch);
            Ok(true)
        })?;
        let done = if merged.is_empty() {
            let target = Target { path: &path, limit, condition: Condition::Always };
            target.add(&mut edit.draft, edit.root, &without_nulls(&patch), &mut edit.budget)?
        } else {
            merged.into_iter().all(|merged| merged)
        };
        if done {
            edit.reply.ok();
        } else {
            edit.reply.null();
        }
        Ok(true)
    });
    outcome.map_err(|fault| if fault == NO_KEY { NOT_AT_ROOT } else { fault })
}

/// Merges a patch into a value (RFC 7396, §2).
fn merge_into(draft: &mut Draft, place: &Place<'_>, patch: &Json) {
    let (Json::Object(patch), Json::Object(members)) = (patch, place.value) else {
        draft.put(place.location, &without_nulls(patch));
        return;
    };
    for (name, patch) in patch.iter() {
        let mut location = place.location.to_vec();
        location.push(Step::Name(name));
        match (patch, members.get(name)) {
            (Json::Null, Some(_)) => draft.remove(&location),
            (Json::Null, None) => (),
            (patch, Some(value)) => {
                merge_into(draft, &Place { location: &location, value }, patch);
            }
            (patch, None) => draft.put(&location, &without_nulls(patch)),
        }
    }
}

/// What a patch makes of nothing: in its objects, null means that there is no member.
fn without_nulls(patch: &Json) -> Json {
    let Json::Object(members) = patch else { return patch.clone() };
    let mut kept = Members::default();
    for (name, value) in members.iter().filter(|(_, value)| !matches!(value, Json::Null)) {
        kept.insert(name, without_nulls(value));
    }
    Json::Object(Arc::new(kept))
}
