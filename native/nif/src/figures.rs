//! The figures behind metrics, health and the ready line.

use ferric_commands::stats::CommandFigures;
use ferric_engine::Durability;
use rustler::{Atom, Encoder, Env, NifMap, ResourceArc, Term};

use crate::atoms;
use crate::store::Store;

#[derive(NifMap)]
#[rustler(encode)]
struct Figures<'a> {
    version: String,
    data_dir: String,
    io: &'static str,
    durability: Atom,
    state: Atom,
    failure: Option<String>,
    shards: u64,
    uptime_ms: u64,
    keys: u64,
    expires: u64,
    expired_keys: u64,
    keyspace_hits: u64,
    keyspace_misses: u64,
    connections: u64,
    connections_total: u64,
    commands_total: u64,
    bytes_in: u64,
    bytes_out: u64,
    durable_lag_bytes: u64,
    log_bytes: u64,
    groups: u64,
    group_bytes: u64,
    group_records: u64,
    syncs: u64,
    coalesced: u64,
    disk_bytes: u64,
    memory_bytes: u64,
    mapped_bytes: u64,
    recovery_ms: u64,
    commands: Vec<(&'static str, u64, u64, u64)>,
    latency: Vec<(Term<'a>, u64)>,
}

#[rustler::nif]
fn stats<'a>(env: Env<'a>, store: ResourceArc<Store>) -> Term<'a> {
    let server = &store.server;
    let engine = server.engine();
    let stats = engine.stats();
    let totals = server.stats().totals();
    let failure = engine.failure();
    let bound = |limit: Option<u64>| match limit {
        Some(us) => us.encode(env),
        None => atoms::infinity().encode(env),
    };
    let quorum = engine.durability() == Durability::Quorum;
    Figures {
        version: server.version().to_owned(),
        data_dir: server.config().options().data_dir.clone(),
        io: stats.io,
        durability: if quorum { atoms::quorum() } else { atoms::r#async() },
        state: if failure.is_some() { atoms::failed() } else { atoms::running() },
        failure,
        shards: engine.shards() as u64,
        uptime_ms: u64::try_from(server.started().elapsed().as_millis()).unwrap_or(u64::MAX),
        keys: stats.keys,
        expires: stats.expires,
        expired_keys: stats.expired,
        keyspace_hits: totals.hits,
        keyspace_misses: totals.misses,
        connections: server.clients().connected() as u64,
        connections_total: totals.connections,
        commands_total: totals.commands,
        bytes_in: totals.bytes_in,
        bytes_out: totals.bytes_out,
        durable_lag_bytes: engine.undurable(),
        log_bytes: stats.tail,
        groups: stats.groups,
        group_bytes: stats.group_bytes,
        group_records: stats.group_records,
        syncs: stats.syncs,
        coalesced: stats.coalesced,
        disk_bytes: stats.disk_bytes,
        memory_bytes: stats.index_bytes + stats.buffer_bytes,
        mapped_bytes: stats.mapped_bytes,
        recovery_ms: stats.recovery_ms,
        commands: server.stats().commands().into_iter().map(command).collect(),
        latency: server.stats().latency().into_iter().map(|(us, n)| (bound(us), n)).collect(),
    }
    .encode(env)
}

/// Name, calls, microseconds, failures.
fn command(figures: CommandFigures) -> (&'static str, u64, u64, u64) {
    let failed = figures.failed + figures.rejected;
    (figures.name, figures.calls, figures.nanos / 1000, failed)
}
