//! What the device gives to fio(1): random reads of 4 KiB past the page cache.

use std::path::Path;

use crate::server::process::tied_to_us;

/// What fio measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Reads a second.
    pub reads: f64,
    /// Latency in microseconds, median and 99th percentile.
    pub p50: f64,
    /// See `p50`.
    pub p99: f64,
}

/// Columns of fio's terse output, version 3, of the read half.
const READS: usize = 7;
const PERCENTILES: std::ops::Range<usize> = 17..37;

/// Lays a file of `bytes` out in `dir`, and reads from it at `depth` for `seconds`.
///
/// # Errors
/// A sentence: fio is missing, has failed, or has said what we do not understand.
pub fn random_reads(dir: &Path, bytes: u64, depth: u64, seconds: u64) -> Result<Device, String> {
    let output = tied_to_us(Path::new("fio"))
        .args(["--name=cold", "--rw=randread", "--bs=4k", "--direct=1", "--ioengine=io_uring"])
        .args(["--time_based", "--output-format=terse", "--terse-version=3", "--refill_buffers"])
        .args([format!("--runtime={seconds}"), format!("--iodepth={depth}")])
        .arg(format!("--size={bytes}"))
        .arg(format!("--filename={}", dir.join("fio.data").display()))
        .output()
        .map_err(|error| format!("fio cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("fio failed: {text}{errors}"));
    }
    let line = text.lines().find(|line| line.starts_with("3;"));
    line.and_then(parse).ok_or_else(|| format!("fio printed: {text}{errors}"))
}

fn parse(line: &str) -> Option<Device> {
    let cells: Vec<&str> = line.split(';').collect();
    let percentile = |wanted: &str| -> Option<f64> {
        cells.get(PERCENTILES)?.iter().find_map(|cell| cell.strip_prefix(wanted)?.parse().ok())
    };
    let reads = cells.get(READS)?.parse().ok()?;
    Some(Device { reads, p50: percentile("50.000000%=")?, p99: percentile("99.000000%=")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terse_output_is_read_by_column() {
        let mut cells = vec!["3", "fio-3.33", "cold", "0", "0", "400", "200", "51200"];
        cells.extend(["0"; 9]);
        cells.extend(["1.000000%=70"; 5]);
        cells.extend(["50.000000%=120", "99.000000%=450"]);
        cells.extend(["0%=0"; 13]);
        let device = Device { reads: 51200.0, p50: 120.0, p99: 450.0 };
        assert_eq!(parse(&cells.join(";")), Some(device));
        assert_eq!(parse("3;x"), None);
    }
}
