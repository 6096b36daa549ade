//! XDEL and XSETID.

use super::ids::parse;
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::stream::{Delta, Id, Stream, View};
use crate::values::{Lookup, MAX_KEYS, commit};

/// `XDEL key id [id ...]`
pub fn xdel(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<Stream>(&mut locked, &key)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let mut ids = args[2..].iter().map(|word| parse(word)).collect::<Result<Vec<_>, _>>()?;
    ids.retain(|id| held.view.entry(*id).is_some());
    ids.sort_unstable();
    ids.dedup();
    ctx.reply.integer(ids.len() as i64);
    if ids.is_empty() {
        return Ok(());
    }
    let mut delta = Delta::default();
    delta.delete(&ids);
    let change = held.change(held.meta, delta.as_bytes(), 1)?;
    commit(&mut locked, &[(key, change)])
}

/// XSETID's words.
struct Counters {
    last: Id,
    added: Option<u64>,
    max_deleted: Option<Id>,
}

impl Counters {
    fn parse(args: Args<'_>) -> Result<Counters, Fault> {
        let last = parse(args[2])?;
        let mut counters = Counters { last, added: None, max_deleted: None };
        let mut words = &args[3..];
        while let Some((word, rest)) = words.split_first() {
            let Some((value, rest)) = rest.split_first() else {
                return Err(Fault::error("ERR syntax error"));
            };
            if is_option(word, "ENTRIESADDED") {
                let added = u64::try_from(parse_i64_or_fault(value)?);
                let refusal = Fault::error("ERR entries_added must be positive");
                counters.added = Some(added.map_err(|_| refusal)?);
            } else if is_option(word, "MAXDELETEDID") {
                counters.max_deleted = Some(parse(value)?).filter(|id| *id != Id::MIN);
                if counters.max_deleted.is_some_and(|id| last < id) {
                    return Err(Fault::error(
                        "ERR The ID specified in XSETID is smaller than the provided \
                         max_deleted_entry_id",
                    ));
                }
            } else {
                return Err(Fault::error("ERR syntax error"));
            }
            words = rest;
        }
        Ok(counters)
    }

    /// Refuses what is less than the stream has.
    fn check(&self, view: View<'_>) -> Outcome {
        if view.last_id().is_some_and(|top| self.last < top) {
            return Err(Fault::error(
                "ERR The ID specified in XSETID is smaller than the target stream top item",
            ));
        }
        if self.added.is_some_and(|added| added < view.state().length) {
            return Err(Fault::error(
                "ERR The entries_added specified in XSETID is smaller than the target stream length",
            ));
        }
        Ok(())
    }
}

/// `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
pub fn xsetid(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let counters = Counters::parse(args)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<Stream>(&mut locked, &key)? else {
        return Err(Fault::error("ERR no such key"));
    };
    counters.check(held.view)?;
    let state = held.view.state();
    let mut delta = Delta::default();
    delta.set_state(
        counters.last,
        counters.added.unwrap_or(state.added),
        counters.max_deleted.unwrap_or(state.max_deleted),
    );
    let change = held.change(held.meta, delta.as_bytes(), 1)?;
    ctx.reply.ok();
    commit(&mut locked, &[(key, change)])
}
