//! How much memory a store takes when nobody says.
//!
//! Sources: proc(5), cgroups(7), and the kernel's documentation of the memory controllers of both
//! versions of cgroups.

use std::path::{Path, PathBuf};

/// Reads a file of the system as text; `None` if it cannot be read.
type Read<'r> = &'r dyn Fn(&Path) -> Option<String>;

/// The smallest budget, in bytes: room for the log's buffers and some data.
pub const MIN: u64 = 16 << 20;

/// Of the memory there is, in hundredths: the rest is for connections, the virtual machine, the
/// system's own caches, and whoever else is there.
const SHARE: u64 = 60;

/// Budget of a store, in bytes, on this machine: a share of its memory, or of what this process may
/// use of it.
pub fn share_of_machine() -> u64 {
    share(&|path| std::fs::read_to_string(path).ok())
}

fn share(read: Read<'_>) -> u64 {
    let machine = machine_memory(read);
    let limit = group_limits(read).into_iter().chain(machine).min();
    (limit.unwrap_or(0) / 100 * SHARE).max(MIN)
}

/// Memory of the machine.
fn machine_memory(read: Read<'_>) -> Option<u64> {
    let text = read(Path::new("/proc/meminfo"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes = line.split_ascii_whitespace().next()?.parse::<u64>().ok()?;
    kilobytes.checked_mul(1024)
}

/// The limits of the process's control groups, each of which holds.
fn group_limits(read: Read<'_>) -> Vec<u64> {
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    groups.lines().flat_map(|line| limits_of(read, line)).collect()
}

/// The limits of one line of `/proc/self/cgroup`: number, controllers (none: version 2), and path.
fn limits_of(read: Read<'_>, line: &str) -> Vec<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { return Vec::new() };
    let (mount, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|name| name == "memory") => {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };
    // A group's limit holds for the groups in it. In a container the path may be the host's, while
    // only what is below it is visible, at the top.
    let group: PathBuf = Path::new(mount).join(path.trim_start_matches('/'));
    group
        .ancestors()
        .take_while(|directory| directory.starts_with(mount))
        .filter_map(|directory| read(&directory.join(file)))
        // `max`, when there is none.
        .filter_map(|text| text.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// The share of a system with these files.
    fn share_of(files: &[(&str, &str)]) -> u64 {
        share(&|path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    const MACHINE: (&str, &str) = ("/proc/meminfo", "MemTotal:  8388608 kB\nMemFree: 1 kB\n");

    #[test]
    fn of_a_machine_without_groups() {
        assert_eq!(share_of(&[MACHINE]), 8 * GIB / 100 * 60);
    }

    #[test]
    fn of_the_smallest_limit_above() {
        let files = [
            MACHINE,
            ("/proc/self/cgroup", "0::/outer/inner\n"),
            ("/sys/fs/cgroup/outer/memory.max", "1073741824\n"),
            ("/sys/fs/cgroup/outer/inner/memory.max", "max\n"),
        ];
        assert_eq!(share_of(&files), GIB / 100 * 60);
    }

    #[test]
    fn of_a_container_that_sees_only_itself() {
        let files = [
            MACHINE,
            ("/proc/self/cgroup", "0::/../host/path\n"),
            ("/sys/fs/cgroup/memory.max", "2147483648\n"),
        ];
        assert_eq!(share_of(&files), 2 * GIB / 100 * 60);
    }

    #[test]
    fn of_the_first_version_of_groups() {
        let files = [
            MACHINE,
            ("/proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n"),
            ("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1073741824\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        assert_eq!(share_of(&files), GIB / 100 * 60);
    }

    #[test]
    fn is_never_too_small() {
        assert_eq!(share_of(&[]), MIN);
        assert_eq!(share_of(&[("/proc/meminfo", "MemTotal: 1000 kB\n")]), MIN);
    }
}
