//! The command line of `import`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
import [options] FILE

Writes what Redis has saved into a running server. FILE is a snapshot (dump.rdb, of any version up to Redis
7.4), an append-only file with or without a snapshot in front, or a directory of such files with a manifest
(appendonlydir).

    --host HOST      where the server listens; default 127.0.0.1
    --port PORT      default 6379
    --user NAME      the user to log in as, with --password
    --password WORD  as a word, or @PATH for the first line of a file
    --db FROM[:TO]   imports database FROM only, as TO; may be given several times. Default: all,
                     each to the database of its number
    --replace        keys that the server has already are replaced. Without this they stay as they
                     are; an append-only file needs databases that are empty
    --check          only reads the file, and says what there is and what could not be imported
    --json           one JSON object instead of text
    --progress       shows how far it is on the standard error, also when that is no terminal

Keys that have expired are left out. What cannot be represented (values of modules, libraries of
functions, scripts) is named in the summary. Last use and frequency of keys are not kept. Of a stream of more
than 1 MB, pending entries that have been deleted are not kept.

Exit status: 0 = all was imported, 1 = something was left out, 2 = the import could not be completed.
";

/// What to import, and where to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub file: PathBuf,
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
    pub password: Option<String>,
    /// Which databases become which; empty for all.
    pub databases: BTreeMap<u64, u64>,
    pub replace: bool,
    pub check: bool,
    pub json: bool,
    pub progress: bool,
}

/// Understands the words behind `import`; `None` asks for help.
///
/// # Errors
/// A sentence about what is wrong with them.
pub(crate) fn parse(words: &[OsString]) -> Result<Option<Options>, String> {
    let mut options = Options {
        file: PathBuf::new(),
        host: "127.0.0.1".into(),
        port: 6379,
        user: None,
        password: None,
        databases: BTreeMap::new(),
        replace: false,
        check: false,
        json: false,
        progress: false,
    };
    let mut files = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = |name: &str| {
            let value = words.next().and_then(|word| word.to_str());
            value.ok_or_else(|| format!("import: {name} needs a value"))
        };
        match word.to_str() {
            Some("--help" | "-h") => return Ok(None),
            Some("--host") => options.host = value("--host")?.to_owned(),
            Some("--port") => {
                let port = value("--port")?;
                options.port = port.parse().map_err(|_| format!("import: {port:?} is no port"))?;
            }
            Some("--user") => options.user = Some(value("--user")?.to_owned()),
            Some("--password") => options.password = Some(password(value("--password")?)?),
            Some("--db") => {
                let (from, to) = databases(value("--db")?)?;
                options.databases.insert(from, to);
            }
            Some("--replace") => options.replace = true,
            Some("--check") => options.check = true,
            Some("--json") => options.json = true,
            Some("--progress") => options.progress = true,
            Some("--") => files.extend(words.by_ref()),
            Some(option) if option.starts_with('-') => {
                return Err(format!("import: unknown option {option}"));
            }
            _ => files.push(word),
        }
    }
    match files[..] {
        [file] => options.file = PathBuf::from(file),
        _ => return Err("import takes one FILE; `import --help` says more".into()),
    }
    Ok(Some(options))
}

/// A password as it is given, or the first line of a file.
fn password(word: &str) -> Result<String, String> {
    let Some(path) = word.strip_prefix('@') else { return Ok(word.to_owned()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// `FROM` or `FROM:TO`.
fn databases(word: &str) -> Result<(u64, u64), String> {
    let (from, to) = word.split_once(':').unwrap_or((word, word));
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) => Ok((from, to)),
        _ => Err(format!("import: --db takes FROM or FROM:TO, not {word:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Option<Options>, String> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_the_file_in_any_order() {
        let line = "--port 7000 dump.rdb --db 3 --db 0:5 --replace --host there --password pw";
        let options = parse_line(line).expect("valid").expect("not help");
        assert_eq!((options.port, &*options.host), (7000, "there"));
        assert_eq!(options.file, PathBuf::from("dump.rdb"));
        assert_eq!(options.databases, BTreeMap::from([(3, 3), (0, 5)]));
        assert_eq!(options.password.as_deref(), Some("pw"));
        assert!(options.replace && !options.check);
        assert_eq!(parse_line("x --help"), Ok(None));
        let options = parse_line("-- --odd").expect("valid").expect("not help");
        assert_eq!(options.file, PathBuf::from("--odd"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "",
            "a b",
            "--port",
            "--port x a",
            "--port 70000 a",
            "--db a f",
            "--db 1:x f",
            "--no f",
        ] {
            assert!(parse_line(line).is_err(), "{line}");
        }
        assert!(parse_line("f --password @/nowhere/at/all").is_err());
    }
}
