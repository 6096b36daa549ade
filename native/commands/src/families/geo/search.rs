//! GEOSEARCH and its older forms: what lies within a circle or a box.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use ferric_engine::Locked;

use super::areas::cells;
use super::geohash::Place;
use super::options::{Command, Options, Origin};
use super::partial_sort::sort_first;
use super::place::{put_distance, put_place};
use super::shape::Centre;
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::sorted_sets::limits::Limits;
use crate::families::sorted_sets::store::{Entries, replace};
use crate::values::sorted::{ScoreRange, SortedSet, View};
use crate::values::{Held, Lookup, MAX_COPY, MAX_KEYS};

/// `GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius unit | BYBOX
/// width height unit> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`
pub fn geosearch(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    search(ctx, args, Command::Search)
}

/// `GEOSEARCHSTORE destination source`, then as GEOSEARCH, without WITH..., and `[STOREDIST]`
pub fn geosearchstore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    search(ctx, args, Command::SearchStore)
}

/// `GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count
/// [ANY]] [ASC | DESC] [STORE key | STOREDIST key]`
pub fn georadius(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    search(ctx, args, Command::Radius { by_member: false, read_only: false })
}

/// GEORADIUS without STORE and STOREDIST
pub fn georadius_ro(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    search(ctx, args, Command::Radius { by_member: false, read_only: true })
}

/// `GEORADIUSBYMEMBER key member radius unit`, then as GEORADIUS
pub fn georadiusbymember(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    search(ctx, args, Command::Radius { by_member: true, read_only: false })
}

/// GEORADIUSBYMEMBER without STORE and STOREDIST
pub fn georadiusbymember_ro(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    search(ctx, args, Command::Radius { by_member: true, read_only: true })
}

/// A member that has been found.
struct Found<'v> {
    member: &'v [u8],
    score: f64,
    place: Place,
    /// From the centre, in metres.
    distance: f64,
}

fn search(ctx: &mut Context<'_, '_>, args: Args<'_>, command: Command) -> Outcome {
    let lookup = Lookup::new(ctx);
    let source = ctx.key(args[command.source()]);
    // Redis looks at the key first: without one, it does not look at some of the arguments.
    let Some(target) = Options::target(args, command) else {
        let Context { access, reply, .. } = ctx;
        return lookup.view_as::<SortedSet, ()>(access, &source, |held| {
            let view = held.as_ref().map(|held| held.view);
            let options = Options::parse(args, command, view)?;
            let found = match view {
                Some(view) => find(view, &options, lookup)?,
                None => Vec::new(),
            };
            let start = reply.len();
            reply.array(found.len());
            for found in &found {
                put_found(reply, found, &options);
            }
            lookup.bound(reply.len() - start, MAX_COPY)
        });
    };
    let (target, limits) = (ctx.key(target), Limits::of(ctx));
    let mut locked = ctx.access.acquire_all([&source, &target])?;
    let held = lookup.read_as::<SortedSet>(&mut locked, &source)?;
    let entries = entries_to_store(held, args, command, lookup)?;
    ctx.reply.integer(entries.count() as i64);
    store(&mut locked, target, &entries, limits)
}

fn store(
    locked: &mut Locked<'_, '_>,
    target: ferric_engine::Key<'_>,
    entries: &Entries,
    limits: Limits,
) -> Outcome {
    replace(locked, target, &entries.sorted(), limits)
}

/// Copies of what was found, with geohashes or distances as scores.
fn entries_to_store(
    held: Option<Held<'_, SortedSet>>,
    args: Args<'_>,
    command: Command,
    lookup: Lookup<'_>,
) -> Result<Entries, Fault> {
    let view = held.map(|held| held.view);
    let options = Options::parse(args, command, view)?;
    let mut entries = Entries::default();
    if let Some(view) = view {
        for found in find(view, &options, lookup)? {
            let distance = found.distance / options.metres;
            entries.push(if options.distances { distance } else { found.score }, found.member);
        }
    }
    lookup.bound(entries.bytes(), MAX_COPY)?;
    Ok(entries)
}

fn put_found(reply: &mut ferric_resp::Encoder, found: &Found<'_>, options: &Options<'_>) {
    let more = [options.with_distance, options.with_hash, options.with_place];
    let more = more.into_iter().filter(|wanted| *wanted).count();
    if more > 0 {
        reply.array(1 + more);
    }
    reply.bulk(found.member);
    if options.with_distance {
        put_distance(reply, found.distance / options.metres);
    }
    if options.with_hash {
        reply.integer(found.score as i64);
    }
    if options.with_place {
        put_place(reply, found.place);
    }
}

/// What lies within the shape: as many as are wanted, in the order that is wanted.
fn find<'v>(
    view: View<'v>,
    options: &Options<'_>,
    lookup: Lookup<'_>,
) -> Result<Vec<Found<'v>>, Fault> {
    let Origin { centre, shape } = options.origin;
    let enough = if options.any { options.count } else { None };
    let (mut found, mut visited) = (Vec::new(), 0);
    let from = Centre::of(centre);
    for cell in cells(shape, centre) {
        if enough.is_some_and(|enough| found.len() >= enough) {
            break;
        }
        let (min, max) = cell.scores();
        let range = ScoreRange { min, min_exclusive: false, max, max_exclusive: true };
        let ranks = view.ranks_by_score(&range);
        let end = view.visit(ranks, false, |score, member| {
            visited += 1;
            if let Err(fault) = lookup.bound(visited, MAX_KEYS) {
                return ControlFlow::Break(Some(fault));
            }
            let place = Place::of_score(score);
            if let Some(distance) = shape.distance_within(&from, place) {
                found.push(Found { member, score, place, distance });
            }
            if enough.is_some_and(|enough| found.len() >= enough) {
                return ControlFlow::Break(None);
            }
            ControlFlow::Continue(())
        });
        if let ControlFlow::Break(Some(fault)) = end {
            return Err(fault);
        }
    }
    arrange(&mut found, options);
    Ok(found)
}

/// Sorts by distance, if that is wanted, and keeps as many as are wanted.
fn arrange(found: &mut Vec<Found<'_>>, options: &Options<'_>) {
    let count = options.count.unwrap_or(found.len()).min(found.len());
    let ascending = |a: &Found<'_>, b: &Found<'_>| {
        a.distance.partial_cmp(&b.distance).unwrap_or(Ordering::Equal)
    };
    let descending = |a: &Found<'_>, b: &Found<'_>| ascending(b, a);
    match options.descending {
        Some(false) if count < found.len() => sort_first(found, count, &ascending),
        Some(true) if count < found.len() => sort_first(found, count, &descending),
        Some(false) => found.sort_by(ascending),
        Some(true) => found.sort_by(descending),
        None => {}
    }
    found.truncate(count);
}
