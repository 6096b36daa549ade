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
    paused: Option<&'static str>,
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
    max_memory: u64,
    index_bytes: u64,
    buffer_bytes: u64,
    warm_bytes: u64,
    cache_bytes: u64,
    tier_cold_reads: u64,
    fetch_reads: u64,
    fetch_bytes: u64,
    damaged_records: u64,
    cache_hits: u64,
    cache_evictions: u64,
    log_segments: u64,
    merged_segments: u64,
    warm_segments: u64,
    cold_segments: u64,
    live_bytes: u64,
    dead_bytes: u64,
    space_amplification: f64,
    record_bytes: u64,
    merge_bytes: u64,
    checkpoint_bytes: u64,
    hint_bytes: u64,
    write_amplification: f64,
    merge_state: &'static str,
    merges: u64,
    merged_bytes: u64,
    checkpoints: u64,
    last_checkpoint_s: u64,
    recovery: &'static str,
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
    let (failure, paused) = (engine.failure(), engine.paused());
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
        state: match (&failure, paused) {
            (Some(_), _) => atoms::failed(),
            (None, Some(_)) => atoms::paused(),
            (None, None) => atoms::running(),
        },
        failure,
        paused,
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
        memory_bytes: stats.memory_bytes(),
        max_memory: stats.max_memory,
        index_bytes: stats.index_bytes,
        buffer_bytes: stats.buffer_bytes,
        warm_bytes: stats.mapped_bytes,
        cache_bytes: stats.cache_bytes,
        tier_cold_reads: stats.fetched,
        fetch_reads: stats.fetch_reads,
        fetch_bytes: stats.fetch_bytes,
        damaged_records: stats.damaged,
        cache_hits: stats.cache_hits,
        cache_evictions: stats.cache_evictions,
        log_segments: stats.segments,
        merged_segments: stats.merged_segments,
        warm_segments: stats.warm_segments(),
        cold_segments: stats.cold_segments,
        live_bytes: stats.live_bytes,
        dead_bytes: stats.dead_bytes,
        space_amplification: stats.space_amplification(),
        record_bytes: stats.record_bytes,
        merge_bytes: stats.merge_bytes,
        checkpoint_bytes: stats.checkpoint_bytes,
        hint_bytes: stats.hint_bytes,
        write_amplification: stats.write_amplification(),
        merge_state: stats.merge_state(),
        merges: stats.merges,
        merged_bytes: stats.merged_bytes,
        checkpoints: stats.checkpoints,
        last_checkpoint_s: stats.last_checkpoint_s,
        recovery: stats.recovery,
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
