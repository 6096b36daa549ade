//! What the operating system says about this process, from `/proc`.
//!
//! Source: proc(5). Everything is optional: elsewhere than on Linux there is nothing to read.

use std::fs;

/// CPU time of the process in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct CpuTime {
    pub(super) user: f64,
    pub(super) system: f64,
    pub(super) children_user: f64,
    pub(super) children_system: f64,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Resident set of the process.
    pub(super) resident: u64,
    /// The largest it has been.
    pub(super) resident_peak: u64,
    /// Memory of the machine.
    pub(super) machine: u64,
}

/// Clock ticks a second in `/proc`, the same on every Linux architecture that Rust supports.
const TICKS: f64 = 100.0;

/// CPU time used so far.
pub(super) fn cpu_time() -> Option<CpuTime> {
    parse_stat(&fs::read_to_string("/proc/self/stat").ok()?)
}

fn parse_stat(stat: &str) -> Option<CpuTime> {
    // The second field is the program's name in parentheses, which may hold spaces and parentheses.
    let after_name = stat.get(stat.rfind(')')? + 1..)?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut seconds = || fields.next()?.parse::<f64>().ok().map(|ticks| ticks / TICKS);
    Some(CpuTime {
        user: seconds()?,
        system: seconds()?,
        children_user: seconds()?,
        children_system: seconds()?,
    })
}

/// Memory of the process and the machine; what is not known is 0.
pub(super) fn memory() -> Memory {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    Memory {
        resident: kilobytes(&status, "VmRSS:").unwrap_or(0),
        resident_peak: kilobytes(&status, "VmHWM:").unwrap_or(0),
        machine: kilobytes(&meminfo, "MemTotal:").unwrap_or(0),
    }
}

/// The value of a line `label <number> kB`, in bytes.
fn kilobytes(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let number = line.split_ascii_whitespace().next()?.parse::<u64>().ok()?;
    number.checked_mul(1024)
}

/// Kernel and processor: `Linux 6.1.0-18-amd64 x86_64`.
pub(super) fn system() -> String {
    let kernel = |name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    let (name, release) = (kernel("ostype"), kernel("osrelease"));
    let parts = [name.trim(), release.trim(), std::env::consts::ARCH];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_line_with_an_odd_name() {
        let line = "42 (a ) b) S 1 2 3 4 5 6 7 8 9 10 1250 75 3 4 20 0 9";
        let expected =
            CpuTime { user: 12.5, system: 0.75, children_user: 0.03, children_system: 0.04 };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat("42 (cut) S 1"), None);
    }

    #[test]
    fn kilobyte_lines() {
        let text = "VmPeak:\t  900 kB\nVmRSS:\t   12 kB\nOdd: x kB\n";
        assert_eq!(kilobytes(text, "VmRSS:"), Some(12 * 1024));
        assert_eq!(kilobytes(text, "Odd:"), None);
        assert_eq!(kilobytes(text, "None:"), None);
    }
}
