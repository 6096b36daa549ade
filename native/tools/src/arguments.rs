//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::import;

const HELP: &str = "\
Looks after stores that no server has open.

    check DIR           reads everything and says what is damaged
    salvage DIR OUT     copies what is intact to a new store
    stat DIR            describes a store by its files

DIR is a data directory.

    import FILE         writes what Redis has saved into a running server

`ferricstore-tool COMMAND --help` says more.
";

const CHECK: &str = "\
check [--json] [--progress] [--memory SIZE] DIR

Reads all files of the store in DIR and verifies every checksum in them, and that they fit together:
the manifest, the list of segments, checkpoints, segments, frames, records, hint blocks. Says for each
damage in which file it is, at which offset, and what it means. Writes nothing. A store that a server
has open is refused.

    --json          one JSON object instead of text
    --progress      shows how far it is on the standard error, also when that is no terminal
    --memory SIZE   for counting keys, such as 512mb; default 1gb

Exit status: 0 = intact, 1 = damage was found, 2 = it could not be checked.
";

const SALVAGE: &str = "\
salvage [--json] [--progress] [--memory SIZE] DIR OUT

Reads the store in DIR, however damaged, and writes the newest intact value of each key, with its type
and expiry, to a new store in OUT, which must be absent or empty. DIR is not changed. Of a key whose
newest record is lost there is an older value, or none; one that was deleted by a lost record is back.
What a server has open is refused.

    --json          one JSON object instead of text
    --progress      shows how far it is on the standard error, also when that is no terminal
    --memory SIZE   such as 4gb; default 1gb. With less, the store is read more often

Exit status: 0 = nothing was lost, 1 = something was, 2 = there is no new store.
";

const STAT: &str = "\
stat [--json] [--progress] DIR

Describes the store in DIR by the headers of its files, without verifying them: segments, records, their
sizes, the newest checkpoint, what opening the store will read. Takes no lock and writes nothing: of a
store that a server has open the figures may not belong together.

    --json          one JSON object instead of text
    --progress      shows how far it is on the standard error, also when that is no terminal

Exit status: 0, or 2 if there is no store.
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// `check`, `salvage` or `stat`.
    pub name: &'static str,
    pub dir: PathBuf,
    /// Of `salvage` only.
    pub out: PathBuf,
    pub json: bool,
    pub progress: bool,
    /// Bytes.
    pub memory: u64,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    Help(&'static str),
    Run(Command),
    Import(import::Options),
}

/// Understands the words of a command line.
///
/// # Errors
/// A sentence about what is wrong with them.
pub(crate) fn parse(words: &[OsString]) -> Result<Invocation, String> {
    let (name, rest) = match words.split_first() {
        None => return Ok(Invocation::Help(HELP)),
        Some((name, rest)) => (name.to_string_lossy(), rest),
    };
    let (name, help, directories) = match &*name {
        "check" => ("check", CHECK, 1),
        "salvage" => ("salvage", SALVAGE, 2),
        "stat" => ("stat", STAT, 1),
        "import" => {
            let options = import::parse(rest)?;
            return Ok(options.map_or(Invocation::Help(import::HELP), Invocation::Import));
        }
        "help" | "--help" | "-h" => return Ok(Invocation::Help(HELP)),
        other => {
            return Err(format!(
                "unknown command {other:?}; there are check, salvage, stat, import"
            ));
        }
    };
    let mut command = Command {
        name,
        dir: PathBuf::new(),
        out: PathBuf::new(),
        json: false,
        progress: false,
        memory: 1 << 30,
    };
    let mut paths = Vec::new();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--help" | "-h") => return Ok(Invocation::Help(help)),
            Some("--json") => command.json = true,
            Some("--progress") => command.progress = true,
            Some("--memory") if name != "stat" => {
                let size = words.next().and_then(|size| size.to_str()).unwrap_or_default();
                command.memory = parse_size(size)?;
            }
            Some("--") => paths.extend(words.by_ref().map(PathBuf::from)),
            Some(option) if option.starts_with('-') => {
                return Err(format!("{name}: unknown option {option}"));
            }
            _ => paths.push(PathBuf::from(word)),
        }
    }
    if paths.len() != directories {
        let wanted = if directories == 1 { "DIR" } else { "DIR OUT" };
        return Err(format!("{name} takes {wanted}; `{name} --help` says more"));
    }
    let mut paths = paths.into_iter();
    command.dir = paths.next().unwrap_or_default();
    command.out = paths.next().unwrap_or_default();
    Ok(Invocation::Run(command))
}

/// A number of bytes, with `kb`, `mb` or `gb` behind it or nothing.
fn parse_size(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let units = [("kb", 10), ("mb", 20), ("gb", 30), ("", 0)];
    let (digits, shift) = units
        .iter()
        .find_map(|(unit, shift)| Some((lower.strip_suffix(unit)?, *shift)))
        .unwrap_or((&lower, 0));
    let size = digits.parse::<u64>().ok().and_then(|size| size.checked_mul(1 << shift));
    size.ok_or_else(|| format!("--memory takes a size such as 512mb or 4gb, not {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Invocation, String> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    fn command(line: &str) -> Command {
        match parse_line(line) {
            Ok(Invocation::Run(command)) => command,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_and_directories_in_any_order() {
        let one = command("salvage --json a --memory 2MB b --progress");
        assert_eq!((one.name, one.dir, one.out), ("salvage", "a".into(), "b".into()));
        assert!(one.json && one.progress);
        assert_eq!(one.memory, 2 << 20);
        assert_eq!(command("check -- --odd").dir, PathBuf::from("--odd"));
        assert_eq!(command("check --memory 77 d").memory, 77);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "check",
            "check a b",
            "salvage a",
            "stat",
            "repair x",
            "check --fix a",
            "check --memory a",
            "check --memory 99999999999gb a",
            "stat --memory 1gb a",
        ] {
            assert!(parse_line(line).is_err(), "{line}");
        }
    }

    #[test]
    fn every_command_has_help() {
        for (line, text) in [("", HELP), ("help", HELP), ("check --help", CHECK)] {
            assert_eq!(parse_line(line), Ok(Invocation::Help(text)));
        }
        assert_eq!(parse_line("salvage x -h"), Ok(Invocation::Help(SALVAGE)));
        assert_eq!(parse_line("stat --help"), Ok(Invocation::Help(STAT)));
    }
}
