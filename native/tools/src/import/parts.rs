//! Which files there are to read: one, or those that the manifest of an append-only directory
//! names.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Failure;

/// How the manifest's name ends, whatever the server calls its append-only files.
const MANIFEST: &str = ".manifest";

/// A manifest is a few lines; in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// A file to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub path: PathBuf,
    /// Bytes.
    pub len: u64,
    /// Whether it begins with a command. One that begins with a snapshot says there whether
    /// commands follow.
    pub is_log: bool,
}

/// The files of what the user has named, in the order in which they are to be read.
pub(super) fn find(path: &Path) -> Result<Vec<Part>, Failure> {
    let named = |error| Failure::Refused(format!("{}: {error}", path.display()));
    if fs::metadata(path).map_err(named)?.is_dir() {
        return listed(&manifest_in(path)?);
    }
    if path.to_string_lossy().ends_with(MANIFEST) {
        return listed(path);
    }
    Ok(vec![part(path.to_owned())?])
}

fn part(path: PathBuf) -> Result<Part, Failure> {
    let named = |error| Failure::Refused(format!("{}: {error}", path.display()));
    let file = File::open(&path).map_err(named)?;
    let len = file.metadata().map_err(named)?.len();
    let mut head = Vec::new();
    file.take(5).read_to_end(&mut head).map_err(named)?;
    let is_snapshot = head == ferric_rdb::file::MAGIC;
    Ok(Part { path, len, is_log: !is_snapshot })
}

/// The one manifest of a directory.
fn manifest_in(directory: &Path) -> Result<PathBuf, Failure> {
    let named = |error| Failure::Refused(format!("{}: {error}", directory.display()));
    let mut found = None;
    for entry in fs::read_dir(directory).map_err(named)? {
        let path = entry.map_err(named)?.path();
        if path.to_string_lossy().ends_with(MANIFEST) && found.replace(path).is_some() {
            let text = format!("{} has several manifests: name one", directory.display());
            return Err(Failure::Refused(text));
        }
    }
    found.ok_or_else(|| {
        Failure::Refused(format!("{} has no append-only files' manifest", directory.display()))
    })
}

/// The files of a manifest: first the base, then the increments by their numbers. History is what a
/// rewrite has made superfluous.
fn listed(manifest: &Path) -> Result<Vec<Part>, Failure> {
    let named = |error| Failure::Refused(format!("{}: {error}", manifest.display()));
    let mut text = String::new();
    let file = File::open(manifest).map_err(named)?;
    file.take(MAX_MANIFEST).read_to_string(&mut text).map_err(named)?;
    let mut files = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, sequence, kind) = entry(line)
            .ok_or_else(|| Failure::Refused(format!("{}: {line:?}", manifest.display())))?;
        match kind {
            'b' => files.push((0, sequence, name)),
            'i' => files.push((1, sequence, name)),
            _ => {}
        }
    }
    files.sort_by_key(|&(order, sequence, _)| (order, sequence));
    let directory = manifest.parent().unwrap_or(Path::new(""));
    let parts = files.into_iter().map(|(_, _, name)| part(directory.join(name)));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    if parts.is_empty() {
        return Err(Failure::Refused(format!("{} names no file", manifest.display())));
    }
    Ok(parts)
}

/// Name, number and kind of a line of a manifest: `file NAME seq NUMBER type KIND`. A name with
/// spaces is in quotation marks; one with a path does not belong there.
fn entry(line: &str) -> Option<(String, u64, char)> {
    let rest = line.strip_prefix("file ")?;
    let (name, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\" ")?,
        None => rest.split_once(' ')?,
    };
    let (sequence, kind) = rest.strip_prefix("seq ")?.split_once(" type ")?;
    if name.contains(['/', '\\', '"']) || name == ".." {
        return None;
    }
    let mut kinds = kind.chars();
    let kind = kinds.next().filter(|kind| "bih".contains(*kind))?;
    kinds.next().is_none().then_some((name.to_owned(), sequence.parse().ok()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_manifest() {
        let line = "file appendonly.aof.1.base.rdb seq 1 type b";
        assert_eq!(entry(line), Some(("appendonly.aof.1.base.rdb".into(), 1, 'b')));
        assert_eq!(entry("file \"a b.aof\" seq 12 type i"), Some(("a b.aof".into(), 12, 'i')));
        for line in
            ["", "file a", "file a seq x type i", "file a seq 1 type z", "file ../a seq 1 type i"]
        {
            assert_eq!(entry(line), None, "{line}");
        }
    }
}
