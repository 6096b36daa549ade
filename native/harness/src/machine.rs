//! Where and with what was measured.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use ferric_resp::Value;

use crate::client::ClientError;
use crate::server::Server;

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

/// What a server says about itself (`INFO everything`).
pub struct Info(String);

impl Info {
    /// Asks a server.
    ///
    /// # Errors
    /// When it does not answer; what is no text counts as empty.
    pub fn of(server: &Server) -> Result<Info, ClientError> {
        let value = server.connect()?.call(&["INFO", "everything"])?;
        let text = if let Value::Bulk(text) = value { text } else { Vec::new() };
        Ok(Info(String::from_utf8_lossy(&text).into_owned()))
    }

    /// The field called `name`.
    pub fn field(&self, name: &str) -> Option<&str> {
        let value = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(str::trim)
    }

    /// The field called `name`, if it is a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.parse().ok()
    }
}

/// A server's name, version and I/O, from its INFO.
///
/// # Errors
/// When it does not answer.
pub fn server(server: &Server) -> Result<String, ClientError> {
    let info = Info::of(server)?;
    Ok(match info.field("ferricstore_version") {
        Some(version) => format!(
            "FerricStore {version} (I/O {}, {} shards)",
            info.field("io").unwrap_or("unknown"),
            info.field("shards").unwrap_or("?")
        ),
        None => format!("redis-server {}", info.field("redis_version").unwrap_or("unknown")),
    })
}

/// Bytes of memory that could still be used without swapping.
pub fn available_memory() -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) << 10
}

/// Bytes that the files in `dir` take on disk, those below it included.
///
/// # Errors
/// When the directory cannot be read. A file that goes meanwhile counts nothing.
pub fn disk_usage(dir: &Path) -> io::Result<u64> {
    let mut sum = 0;
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                left.push(entry.path());
            } else {
                sum += metadata.blocks() * 512;
            }
        }
    }
    Ok(sum)
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "unknown".to_owned())
}
