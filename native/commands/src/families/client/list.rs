//! CLIENT LIST and CLIENT INFO.

use std::sync::Arc;

use crate::clients::Client;
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64;
use crate::pattern::is_option;

use super::SYNTAX;
use crate::families::as_c_string;

/// Connections listed on a normal scheduler.
const MANY: usize = 200;

/// Kinds of clients that CLIENT LIST and CLIENT KILL tell apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Those that are none of the others.
    Normal,
    /// Subscribers.
    Pubsub,
    /// Masters and replicas, of which there are none.
    Replication,
}

impl Kind {
    pub(super) fn fits(self, client: &Client) -> bool {
        match self {
            Kind::Normal => !client.is_subscriber(),
            Kind::Pubsub => client.is_subscriber(),
            Kind::Replication => false,
        }
    }
}

/// Parses a kind of clients.
pub(super) fn kind(word: &[u8]) -> Result<Kind, Fault> {
    if is_option(word, "normal") {
        return Ok(Kind::Normal);
    }
    if is_option(word, "pubsub") {
        return Ok(Kind::Pubsub);
    }
    if ["master", "replica", "slave"].iter().any(|other| is_option(word, other)) {
        return Ok(Kind::Replication);
    }
    Err(Fault::Bytes([b"ERR Unknown client type '", as_c_string(word), b"'"].concat()))
}

pub(super) fn info(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let own = [Arc::clone(ctx.session.client())];
    write_list(ctx, &own, args);
    Ok(())
}

pub(super) fn list(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(ctx.server.clients().connected(), MANY)?;
    let clients = match args[2..] {
        [] => ctx.server.clients().list(),
        [option, word] if is_option(option, "type") => {
            let kind = kind(word)?;
            let mut clients = ctx.server.clients().list();
            clients.retain(|client| kind.fits(client));
            clients
        }
        [option, ref ids @ ..] if is_option(option, "id") && !ids.is_empty() => by_id(ctx, ids)?,
        _ => return Err(SYNTAX),
    };
    write_list(ctx, &clients, args);
    Ok(())
}

fn by_id(ctx: &Context<'_, '_>, ids: &[&[u8]]) -> Result<Vec<Arc<Client>>, Fault> {
    let mut found = Vec::new();
    for word in ids {
        let id = parse_i64(word).ok_or(Fault::error("ERR Invalid client ID"))?;
        let client = u64::try_from(id).ok().and_then(|id| ctx.server.clients().get(id));
        found.extend(client.filter(|client| !client.is_killed()));
    }
    Ok(found)
}

fn write_list(ctx: &mut Context<'_, '_>, clients: &[Arc<Client>], args: Args<'_>) {
    let own = ctx.session.id();
    let own_arguments = args.iter().map(|arg| arg.len()).sum();
    let mut text = String::new();
    for client in clients {
        let arguments = if client.id == own { own_arguments } else { 0 };
        client.describe(&mut text, ctx.now_ms(), arguments);
        text.push('\n');
    }
    ctx.reply.verbatim("txt", text.as_bytes());
}
