//! INFO: figures in sections. Only true ones; where Redis has a figure for something that does not
//! exist here, the line is left out, or is zero if clients rely on it.

use std::fmt::Write;

use ferric_engine::Stats;

use crate::context::{Args, Context, Outcome};
use crate::families::server::persistence::last_sync_s;
use crate::families::server::process;
use crate::pubsub::Topic;
use crate::server::REDIS_VERSION;
use crate::table;

/// A section: its name, whether INFO shows it unasked, and what writes its lines.
struct Section {
    name: &'static str,
    title: &'static str,
    shown: bool,
    write: fn(&mut Text, &mut Context<'_, '_>),
}

const SECTIONS: &[Section] = &[
    Section { name: "server", title: "Server", shown: true, write: server },
    Section { name: "clients", title: "Clients", shown: true, write: clients },
    Section { name: "memory", title: "Memory", shown: true, write: memory },
    Section { name: "persistence", title: "Persistence", shown: true, write: persistence },
    Section { name: "stats", title: "Stats", shown: true, write: stats },
    Section { name: "replication", title: "Replication", shown: true, write: replication },
    Section { name: "cpu", title: "CPU", shown: true, write: cpu },
    Section { name: "modules", title: "Modules", shown: true, write: |_, _| {} },
    Section { name: "commandstats", title: "Commandstats", shown: false, write: commandstats },
    Section { name: "errorstats", title: "Errorstats", shown: true, write: errorstats },
    Section { name: "latencystats", title: "Latencystats", shown: false, write: latencystats },
    Section { name: "cluster", title: "Cluster", shown: true, write: cluster },
    Section { name: "keyspace", title: "Keyspace", shown: true, write: keyspace },
    Section { name: "ferricstore", title: "Ferricstore", shown: true, write: ferricstore },
];

pub(super) fn info(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let mut text = Text::default();
    for section in SECTIONS.iter().filter(|section| is_wanted(section, &args[1..])) {
        text.section(section.title);
        (section.write)(&mut text, ctx);
    }
    ctx.reply.verbatim("txt", text.0.as_bytes());
    Ok(())
}

fn is_wanted(section: &Section, words: &[&[u8]]) -> bool {
    if words.is_empty() {
        return section.shown;
    }
    words.iter().any(|word| {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        is(section.name)
            || is("everything")
            || (is("all") && section.name != "modules")
            || (is("default") && section.shown)
    })
}

/// The text of INFO.
#[derive(Default)]
struct Text(String);

impl Text {
    fn section(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        self.line(format_args!("# {title}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{line}\r\n");
    }

    fn field(&mut self, name: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{name}:{value}"));
    }

    /// A number of bytes, exact and for people.
    fn bytes(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.line(format_args!("{name}_human:{}", human(bytes)));
    }
}

/// A number of bytes with a unit of 1024.
fn human(bytes: u64) -> String {
    const UNITS: [char; 5] = ['K', 'M', 'G', 'T', 'P'];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2}{}", UNITS[unit])
}

fn server(text: &mut Text, ctx: &mut Context<'_, '_>) {
    let server = ctx.server;
    let uptime = server.started().elapsed().as_secs();
    let executable = std::env::current_exe().unwrap_or_default();
    text.field("redis_version", REDIS_VERSION);
    text.field("ferricstore_version", server.version());
    text.field("redis_mode", "standalone");
    text.field("os", process::system());
    text.field("arch_bits", usize::BITS);
    text.field("process_id", std::process::id());
    text.field("run_id", server.run_id());
    text.field("tcp_port", server.config().options().port);
    text.field("server_time_usec", ctx.now_us);
    text.field("uptime_in_seconds", uptime);
    text.field("uptime_in_days", uptime / 86_400);
    text.field("executable", executable.display());
    text.field("config_file", "");
}

fn clients(text: &mut Text, ctx: &mut Context<'_, '_>) {
    text.field("connected_clients", ctx.server.clients().connected());
    text.field("maxclients", ctx.server.config().max_clients());
    text.field("blocked_clients", ctx.server.blocked().len());
    text.field("tracking_clients", 0);
}

fn memory(text: &mut Text, ctx: &mut Context<'_, '_>) {
    let stats = ctx.server.engine().stats();
    let process = process::memory();
    let input: usize = ctx.server.clients().list().iter().map(|client| client.input_bytes()).sum();
    text.bytes("used_memory", stats.memory_bytes());
    text.bytes("used_memory_rss", process.resident);
    text.bytes("used_memory_rss_peak", process.resident_peak);
    text.field("used_memory_overhead", stats.index_bytes + stats.buffer_bytes);
    text.field("used_memory_dataset", stats.dataset_bytes());
    text.field("used_memory_objects", stats.object_bytes);
    text.field("used_memory_index", stats.index_bytes);
    text.field("used_memory_buffers", stats.buffer_bytes);
    text.field("used_memory_warm", stats.mapped_bytes);
    text.field("used_memory_cache", stats.cache_bytes);
    text.field("mem_clients_normal", input);
    text.bytes("total_system_memory", process.machine);
    text.bytes("maxmemory", 0);
    text.field("maxmemory_policy", "noeviction");
}

fn persistence(text: &mut Text, ctx: &mut Context<'_, '_>) {
    let engine = ctx.server.engine();
    let failed = engine.failure().is_some();
    let status = |good: bool| if good { "ok" } else { "err" };
    text.field("loading", 0);
    text.field("async_loading", 0);
    text.field("rdb_changes_since_last_save", engine.stats().records_since_checkpoint);
    text.field("rdb_bgsave_in_progress", 0);
    text.field("rdb_last_save_time", last_sync_s(ctx));
    text.field("rdb_last_bgsave_status", status(!failed));
    text.field("aof_enabled", 1);
    text.field("aof_rewrite_in_progress", 0);
    text.field("aof_rewrite_scheduled", 0);
    text.field("aof_last_bgrewrite_status", "ok");
    text.field("aof_last_write_status", status(!failed && engine.paused().is_none()));
    text.field("aof_current_size", engine.stats().disk_bytes);
    text.field("aof_buffer_length", engine.undurable());
}

fn stats(text: &mut Text, ctx: &mut Context<'_, '_>) {
    let totals = ctx.server.stats().totals();
    let rates = ctx.server.stats().rates(ctx.now_ms());
    text.field("total_connections_received", totals.connections);
    text.field("total_commands_processed", totals.commands);
    text.field("instantaneous_ops_per_sec", rates.commands.round());
    text.field("total_net_input_bytes", totals.bytes_in);
    text.field("total_net_output_bytes", totals.bytes_out);
    text.line(format_args!("instantaneous_input_kbps:{:.2}", rates.bytes_in / 1024.0));
    text.line(format_args!("instantaneous_output_kbps:{:.2}", rates.bytes_out / 1024.0));
    text.field("rejected_connections", totals.refused);
    text.field("expired_keys", ctx.server.engine().stats().expired);
    text.field("evicted_keys", 0);
    text.field("keyspace_hits", totals.hits);
    text.field("keyspace_misses", totals.misses);
    text.field("pubsub_channels", ctx.server.pubsub().len(Topic::Channel));
    text.field("pubsub_patterns", ctx.server.pubsub().len(Topic::Pattern));
    text.field("pubsubshard_channels", ctx.server.pubsub().len(Topic::Shard));
    text.field("latest_fork_usec", 0);
    text.field("total_forks", 0);
    text.field("total_error_replies", totals.errors);
    text.field("total_reads_processed", totals.reads);
}

fn replication(text: &mut Text, ctx: &mut Context<'_, '_>) {
    text.field("role", "master");
    text.field("connected_slaves", 0);
    text.field("master_failover_state", "no-failover");
    text.field("master_replid", ctx.server.run_id());
    text.line(format_args!("master_replid2:{:040}", 0));
    text.field("master_repl_offset", 0);
    text.field("second_repl_offset", -1);
    text.field("repl_backlog_active", 0);
}

fn cpu(text: &mut Text, _: &mut Context<'_, '_>) {
    let Some(time) = process::cpu_time() else { return };
    text.line(format_args!("used_cpu_sys:{:.6}", time.system));
    text.line(format_args!("used_cpu_user:{:.6}", time.user));
    text.line(format_args!("used_cpu_sys_children:{:.6}", time.children_system));
    text.line(format_args!("used_cpu_user_children:{:.6}", time.children_user));
}

fn commandstats(text: &mut Text, ctx: &mut Context<'_, '_>) {
    for figures in ctx.server.stats().commands() {
        let microseconds = figures.nanos as f64 / 1_000.0;
        let each = microseconds / figures.calls.max(1) as f64;
        text.line(format_args!(
            "cmdstat_{}:calls={},usec={:.0},usec_per_call={each:.2},rejected_calls={},failed_calls={}",
            figures.name, figures.calls, microseconds, figures.rejected, figures.failed,
        ));
    }
}

fn errorstats(text: &mut Text, ctx: &mut Context<'_, '_>) {
    for (kind, count) in ctx.server.stats().errors() {
        text.line(format_args!("errorstat_{kind}:count={count}"));
    }
}

fn latencystats(text: &mut Text, ctx: &mut Context<'_, '_>) {
    for entry in table::entries() {
        let percentiles = ctx.server.stats().percentiles(entry.index, [0.5, 0.99, 0.999]);
        if let Some(nanos) = percentiles {
            let [p50, p99, p999] = nanos.map(|nanos| nanos as f64 / 1_000.0);
            let name = &entry.full_name;
            text.line(format_args!(
                "latency_percentiles_usec_{name}:p50={p50:.3},p99={p99:.3},p99.9={p999:.3}"
            ));
        }
    }
}

fn cluster(text: &mut Text, _: &mut Context<'_, '_>) {
    text.field("cluster_enabled", 0);
}

/// Databases that are not empty. The average time to live is not measured.
fn keyspace(text: &mut Text, ctx: &mut Context<'_, '_>) {
    for db in 0..ctx.server.databases() {
        let keys = ctx.access.len(db);
        if keys > 0 {
            let expires = ctx.access.expires(db);
            text.line(format_args!("db{db}:keys={keys},expires={expires},avg_ttl=0"));
        }
    }
}

fn ferricstore(text: &mut Text, ctx: &mut Context<'_, '_>) {
    let engine = ctx.server.engine();
    let stats = engine.stats();
    let (failure, paused) = (engine.failure(), engine.paused());
    let state = match (&failure, paused) {
        (Some(_), _) => "failed",
        (None, Some(_)) => "paused",
        (None, None) => "running",
    };
    text.field("io", stats.io);
    text.field("durability", if ctx.server.config().is_async() { "async" } else { "quorum" });
    text.field("state", state);
    text.field("failure", failure.unwrap_or_default());
    text.field("writes_paused", paused.unwrap_or_default());
    text.field("shards", ctx.server.shards());
    text.field("log_tail", stats.tail);
    text.field("log_durable", stats.durable);
    text.field("durable_lag_bytes", engine.undurable());
    text.field("groups", stats.groups);
    text.field("group_bytes", stats.group_bytes);
    text.field("group_records", stats.group_records);
    text.field("syncs", stats.syncs);
    text.field("coalesced_writes", stats.coalesced);
    tiers(text, &stats);
    space(text, &stats);
}

/// Memory and what is read past it.
fn tiers(text: &mut Text, stats: &Stats) {
    text.bytes("ferricstore_max_memory", stats.max_memory);
    text.field("index_bytes", stats.index_bytes);
    text.field("buffer_bytes", stats.buffer_bytes);
    text.field("warm_bytes", stats.mapped_bytes);
    text.field("cache_bytes", stats.cache_bytes);
    text.field("tier_cold_reads", stats.fetched);
    text.field("fetch_reads", stats.fetch_reads);
    text.field("fetch_bytes", stats.fetch_bytes);
    text.field("objects", stats.objects);
    text.field("object_bytes", stats.object_bytes);
    text.field("objects_loaded", stats.objects_loaded);
    text.field("objects_evicted", stats.objects_evicted);
    text.field("damaged_records", stats.damaged);
    text.field("cache_hits", stats.cache_hits);
    text.field("cache_evictions", stats.cache_evictions);
}

/// What is on disk, and what keeps it small and quick to open.
fn space(text: &mut Text, stats: &Stats) {
    text.field("segments", stats.segments);
    text.field("merged_segments", stats.merged_segments);
    text.field("warm_segments", stats.warm_segments());
    text.field("cold_segments", stats.cold_segments);
    text.field("disk_bytes", stats.disk_bytes);
    text.field("live_bytes", stats.live_bytes);
    text.field("dead_bytes", stats.dead_bytes);
    text.line(format_args!("space_amplification:{:.2}", stats.space_amplification()));
    text.line(format_args!("write_amplification:{:.2}", stats.write_amplification()));
    text.field("merge_state", stats.merge_state);
    text.field("merges", stats.merges);
    text.field("merged_bytes", stats.merged_bytes);
    text.field("checkpoints", stats.checkpoints);
    text.field("last_checkpoint_time", stats.last_checkpoint_s);
    text.field("checkpoint_bytes", stats.checkpoint_bytes);
    text.field("recovery", stats.recovery);
    text.field("recovery_ms", stats.recovery_ms);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        let shown = [0, 1023, 1024, 990_384, 25_276_510_208].map(human);
        assert_eq!(shown, ["0B", "1023B", "1.00K", "967.17K", "23.54G"]);
    }
}
