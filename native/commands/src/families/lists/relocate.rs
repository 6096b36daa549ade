//! LMOVE and RPOPLPUSH: moving an element from one end to another.

use super::parse_end;
use super::pop::popped;
use super::push::created;
use crate::blocked::{Blocking, Wish};
use crate::context::{Args, Context, Outcome};
use crate::values::list::{Delta, End, List, View};
use crate::values::{Lookup, MAX_COPY, commit};

/// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`
pub fn lmove(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (from, to) = (parse_end(args[3])?, parse_end(args[4])?);
    try_relocate(ctx, args, from, to, None)
}

/// `RPOPLPUSH source destination`
pub fn rpoplpush(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    try_relocate(ctx, args, End::Right, End::Left, None)
}

/// Moves an element; if there is none, waits if that is wished.
pub(super) fn try_relocate(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    from: End,
    to: End,
    wish: Option<Wish<'_>>,
) -> Outcome {
    let (source, target) = (ctx.key(args[1]), ctx.key(args[2]));
    let (lookup, blocking) = (Lookup::new(ctx), Blocking::new(ctx));
    let mut locked = ctx.access.acquire_all([&source, &target])?;
    let held = lookup.modify_as::<List>(&mut locked, &source)?;
    let element = held.as_ref().and_then(|held| outermost(held.view, from));
    let (Some(held), Some(element)) = (held, element) else {
        return match wish {
            Some(wish) if !blocking.is_denied() => {
                Err(blocking.wait(ctx.session, ctx.command.name, wish))
            }
            _ => {
                ctx.reply.null();
                Ok(())
            }
        };
    };
    lookup.bound(element.len(), MAX_COPY)?;
    ctx.reply.bulk(element);
    if source.bytes == target.bytes {
        let delta = Delta::new().pop(from, 1).push(to, &[element]);
        let change = held.change(held.meta, delta.bytes(), held.view.len())?;
        return commit(&mut locked, &[(source, change)]);
    }
    let element = element.to_vec();
    let taken = popped(&held, from, 1)?;
    let added = match lookup.modify_as::<List>(&mut locked, &target)? {
        Some(held) => {
            let delta = Delta::new().push(to, &[&element]);
            held.change(held.meta, delta.bytes(), held.view.len() + 1)?
        }
        None => created(&[&element], to),
    };
    commit(&mut locked, &[(source, taken), (target, added)])
}

/// The element at an end.
fn outermost(view: View<'_>, end: End) -> Option<&[u8]> {
    match end {
        End::Left => view.get(0),
        End::Right => view.get(view.len().checked_sub(1)?),
    }
}
