//! Members of one set, and moving one to another.

use ferric_engine::Key;
use smallvec::SmallVec;

use crate::context::{Args, Context, Outcome};
use crate::families::element_scan::{self, ElementScan};
use crate::values::set::{Edit, Member, Set};
use crate::values::{Change, Lookup, MAX_COPY, MAX_KEYS, commit};

/// `SADD key member [member ...]`
pub fn sadd(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    change(ctx, args, |edit, member| edit.add(member))
}

/// `SREM key member [member ...]`
pub fn srem(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    change(ctx, args, |edit, member| edit.remove(member))
}

/// Does `make` with every member named, and replies how often that changed something.
fn change<'a>(
    ctx: &mut Context<'_, '_>,
    args: Args<'a>,
    make: impl Fn(&mut Edit<'_, 'a>, &'a [u8]) -> bool,
) -> Outcome {
    let members = &args[2..];
    ctx.bound(members.len(), MAX_KEYS)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let thresholds = ctx.server.config().thresholds();
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<Set>(&mut locked, &key)?;
    let mut edit = Edit::new(held, thresholds, members.len());
    let changed = members.iter().filter(|member| make(&mut edit, member)).count();
    ctx.reply.integer(changed as i64);
    match edit.finish()? {
        Some(change) => commit(&mut locked, &[(key, change)]),
        None => Ok(()),
    }
}

/// `SCARD key`
pub fn scard(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let len = lookup
        .view_as::<Set, _>(ctx.access, &key, |held| Ok(held.map_or(0, |held| held.view.len())))?;
    ctx.reply.integer(len as i64);
    Ok(())
}

/// `SISMEMBER key member`
pub fn sismember(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let found = lookup.view_as::<Set, _>(ctx.access, &key, |held| {
        Ok(held.is_some_and(|held| held.view.contains(args[2])))
    })?;
    ctx.reply.integer(i64::from(found));
    Ok(())
}

/// `SMISMEMBER key member [member ...]`
pub fn smismember(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Set, _>(access, &key, |held| {
        reply.array(args.len() - 2);
        for member in &args[2..] {
            let found = held.as_ref().is_some_and(|held| held.view.contains(member));
            reply.integer(i64::from(found));
        }
        Ok(())
    })
}

/// `SMEMBERS key`
pub fn smembers(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Set, _>(access, &key, |held| {
        let Some(held) = held else {
            reply.set(0);
            return Ok(());
        };
        lookup.bound(held.view.len(), MAX_KEYS)?;
        lookup.bound(held.view.bytes(), MAX_COPY)?;
        reply.set(held.view.len());
        held.view.for_each(|member| member.with(|bytes| reply.bulk(bytes)));
        Ok(())
    })
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
pub fn sscan(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let cursor = element_scan::parse_cursor(args[2])?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Set, _>(access, &key, |held| {
        let Some(held) = held else {
            element_scan::reply_nothing(reply);
            return Ok(());
        };
        let scan = ElementScan::parse(cursor, &args[3..], false)?;
        let view = held.view;
        scan.reply(
            reply,
            &lookup,
            view.len(),
            |cursor, count, visit| {
                view.scan(cursor, count, &mut |member| member.with(|text| visit(text, member)))
            },
            |reply, member: Member<'_>| member.with(|text| reply.bulk(text)),
        )
    })
}

/// `SMOVE source destination member`
pub fn smove(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (source, destination, member) = (ctx.key(args[1]), ctx.key(args[2]), args[3]);
    let lookup = Lookup::new(ctx);
    let thresholds = ctx.server.config().thresholds();
    let mut locked = ctx.access.acquire_all([&source, &destination])?;
    let Some(from) = lookup.modify_as::<Set>(&mut locked, &source)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let found = from.view.contains(member);
    let mut edit = Edit::new(Some(from), thresholds, 1);
    edit.remove(member);
    let removed = edit.finish()?;
    let to = lookup.modify_as::<Set>(&mut locked, &destination)?;
    ctx.reply.integer(i64::from(found));
    if !found || source.bytes == destination.bytes {
        return Ok(());
    }
    let mut edit = Edit::new(to, thresholds, 1);
    edit.add(member);
    let added = edit.finish()?;
    let changes: SmallVec<[(Key<'_>, Change); 2]> = [(source, removed), (destination, added)]
        .into_iter()
        .filter_map(|(key, change)| Some((key, change?)))
        .collect();
    commit(&mut locked, &changes)
}
