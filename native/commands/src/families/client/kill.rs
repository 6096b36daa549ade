//! CLIENT KILL.

use crate::clients::{Client, Transport};
use crate::context::{Args, Context, Control, Fault, Outcome};
use crate::numbers::parse_i64;
use crate::pattern::is_option;

use super::SYNTAX;
use super::list::{Kind, kind};

/// Which connections to close: those that all given filters fit.
#[derive(Default)]
struct Filter<'a> {
    id: Option<u64>,
    address: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
    kind: Option<Kind>,
    /// The caller's id, to be spared.
    spared: Option<u64>,
}

impl Filter<'_> {
    /// The embedded API has no connection that could be closed.
    fn fits(&self, client: &Client) -> bool {
        client.peer.transport != Transport::Embedded
            && self.spared != Some(client.id)
            && self.id.is_none_or(|id| id == client.id)
            && self.address.is_none_or(|address| address == client.address().as_bytes())
            && self.local.is_none_or(|local| local == client.local().as_bytes())
            && self.kind.is_none_or(|kind| kind.fits(client))
    }
}

fn parse<'a>(words: &[&'a [u8]], own: u64) -> Result<Filter<'a>, Fault> {
    let mut filter = Filter { spared: Some(own), ..Filter::default() };
    for pair in words.chunks(2) {
        let [option, value] = *pair else { return Err(SYNTAX) };
        if is_option(option, "id") {
            let id = parse_i64(value).filter(|&id| id > 0).map(i64::unsigned_abs);
            let id = id.ok_or(Fault::error("ERR client-id should be greater than 0"))?;
            filter.id = Some(id);
        } else if is_option(option, "type") {
            filter.kind = Some(kind(value)?);
        } else if is_option(option, "addr") {
            filter.address = Some(value);
        } else if is_option(option, "laddr") {
            filter.local = Some(value);
        } else if is_option(option, "user") {
            // There is one user, so the filter fits all clients or names nobody.
            if value != b"default" {
                return Err(Fault::Bytes([b"ERR No such user '", value, b"'"].concat()));
            }
        } else if is_option(option, "skipme") && is_option(value, "yes") {
            filter.spared = Some(own);
        } else if is_option(option, "skipme") && is_option(value, "no") {
            filter.spared = None;
        } else {
            return Err(SYNTAX);
        }
    }
    Ok(filter)
}

pub(super) fn kill(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if let [address] = args[2..] {
        let filter = Filter { address: Some(address), ..Filter::default() };
        if close(ctx, &filter) == 0 {
            return Err(Fault::error("ERR No such client"));
        }
        ctx.reply.ok();
        return Ok(());
    }
    let filter = parse(&args[2..], ctx.session.id())?;
    let closed = close(ctx, &filter);
    ctx.reply.integer(i64::try_from(closed).unwrap_or(i64::MAX));
    Ok(())
}

/// Marks the clients, so that they execute nothing more, and has their connections closed; the
/// caller's own after its reply.
fn close(ctx: &mut Context<'_, '_>, filter: &Filter<'_>) -> usize {
    let own = ctx.session.id();
    let listed = ctx.server.clients().list();
    let mut ids: Vec<u64> = listed.iter().filter(|c| filter.fits(c)).map(|c| c.id).collect();
    let closed = ids.len();
    if closed == 0 {
        return 0;
    }
    let with_own = ids.contains(&own);
    ids.retain(|&id| id != own);
    // The registry lists clients by id, so `ids` is sorted.
    for client in listed.iter().filter(|client| ids.binary_search(&client.id).is_ok()) {
        client.kill();
    }
    if with_own {
        ctx.session.close();
    }
    ctx.control = Some(if ids.is_empty() { Control::Close } else { Control::Kill(ids) });
    closed
}
