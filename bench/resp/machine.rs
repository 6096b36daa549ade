//! Where and with what was measured.

use std::fs;
use std::process::Command;

use ferric_harness::server::Server;
use ferric_resp::Value;

use crate::Failure;

/// Today, as year-month-day.
pub fn date() -> String {
    output("date", &["+%Y-%m-%d"])
}

/// Kernel, processor and memory in one line.
pub fn description() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes: u64 = meminfo
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?.split_ascii_whitespace().next()?.parse().ok()
        })
        .unwrap_or(0);
    format!("Linux {}, {cores} × {model}, {} GB", output("uname", &["-r"]), kilobytes >> 20)
}

/// A server's name, version and I/O, from its INFO.
pub fn server(server: &Server) -> Result<String, Failure> {
    let mut client = server.connect()?;
    let value = client.call(&["INFO", "everything"])?;
    let Value::Bulk(info) = value else {
        return Err(format!("INFO answered with {value:?}").into());
    };
    let info = String::from_utf8_lossy(&info).into_owned();
    let field = |name: &str| {
        let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(str::trim)
    };
    Ok(match field("ferricstore_version") {
        Some(version) => format!(
            "FerricStore {version} (I/O {}, {} shards)",
            field("io").unwrap_or("unknown"),
            field("shards").unwrap_or("?")
        ),
        None => format!("redis-server {}", field("redis_version").unwrap_or("unknown")),
    })
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "unknown".to_owned())
}
