//! Append-only files: commands as clients send them, with remarks in between.

use std::io::BufRead;

use ferric_commands::table::{Entry, Flag, lookup};
use ferric_engine::tools::Progress;
use ferric_rdb::{Error, MAX_STRING};

use super::Failure;
use super::command::encode;
use super::report::Report;
use super::target::Target;
use crate::progress::Display;

/// Words of a command; Redis's own limit.
const MAX_WORDS: u64 = 1024 * 1024;

/// Bytes that a word gets before any of its own have been read.
const FIRST_PART: usize = 64 << 10;

/// Longest line: a remark, or a number.
const MAX_LINE: usize = 1024;

/// Bytes of a transaction that are held back until it is known to be complete.
const MAX_TRANSACTION: usize = 64 << 20;

const MALFORMED: Error = Error::Malformed("there is no command where one belongs");

/// A command.
type Words = Vec<Vec<u8>>;

/// Imports the commands of a file. The last file may end in the middle of a command or of a
/// transaction, as Redis may leave it when it is killed: what is incomplete is left out.
pub(super) fn import<R: BufRead>(
    input: R,
    position: &mut u64,
    is_last: bool,
    target: &mut Target,
    report: &mut Report,
    display: &Display,
) -> Result<(), Failure> {
    let mut reader = Reader { input, position: *position };
    let mut log = Log { target, report, transaction: None, held: 0 };
    let result = loop {
        *position = reader.position;
        match reader.command() {
            Ok(None) => break Ok(()),
            Ok(Some(words)) => log.command(words)?,
            Err(Error::Truncated) if is_last => {
                let bytes = reader.position - *position;
                let note = format!("the last command is incomplete: {bytes} bytes left out");
                log.report.notes.push(note);
                break Ok(());
            }
            Err(error) => break Err(error.into()),
        }
        let done = log.report.done_before + reader.position;
        display.show(Progress { stage: "importing", done, total: log.report.total });
    };
    log.end(is_last)?;
    result
}

/// Commands on their way to the server.
struct Log<'l> {
    target: &'l mut Target,
    report: &'l mut Report,
    /// The commands behind a MULTI, and their bytes.
    transaction: Option<Vec<Words>>,
    held: usize,
}

impl Log<'_> {
    fn command(&mut self, words: Words) -> Result<(), Failure> {
        let name = words[0].to_ascii_lowercase();
        match (&name[..], &mut self.transaction) {
            (b"multi", None) => self.transaction = Some(Vec::new()),
            (b"multi", Some(_)) => return Err(MALFORMED.into()),
            (b"exec", _) => return self.release(),
            (_, Some(held)) => {
                self.held +=
                    words.iter().map(|word| word.len() + size_of::<Vec<u8>>()).sum::<usize>();
                held.push(words);
                if self.held > MAX_TRANSACTION {
                    self.release()?;
                    self.transaction = Some(Vec::new());
                }
            }
            (_, None) => self.run(&words)?,
        }
        Ok(())
    }

    /// Runs what has been held back.
    fn release(&mut self) -> Result<(), Failure> {
        self.held = 0;
        let held = self.transaction.take().ok_or(MALFORMED)?;
        held.iter().try_for_each(|words| self.run(words))
    }

    fn end(self, is_last: bool) -> Result<(), Failure> {
        match self.transaction {
            None => Ok(()),
            Some(held) if is_last => {
                let count = held.len();
                let note = format!("the last transaction is incomplete: {count} commands left out");
                self.report.notes.push(note);
                Ok(())
            }
            Some(_) => Err(Error::Truncated.into()),
        }
    }

    /// Sends a command to the server, if it has one of this name that writes.
    fn run(&mut self, words: &Words) -> Result<(), Failure> {
        let key = words.get(1).map_or(&b""[..], Vec::as_slice);
        let Some(entry) = lookup(&words[0]) else {
            return self.leave_out(words, "a command that is not known");
        };
        match entry.command.name {
            "select" => {
                let number = str::from_utf8(key).ok().and_then(|number| number.parse().ok());
                return self.target.select(number.ok_or(MALFORMED)?, self.report);
            }
            "flushall" => {
                self.report.commands += 1;
                return self.target.flush();
            }
            "swapdb" | "move" if self.target.is_mapped() => {
                return self.leave_out(words, "it is about other databases");
            }
            "copy" if self.target.is_mapped() && words.len() > 4 => {
                return self.leave_out(words, "it is about other databases");
            }
            _ if !writes(entry) => return self.leave_out(words, "not a command that writes"),
            _ => {}
        }
        if !self.target.is_wanted() {
            self.report.elsewhere += 1;
            return Ok(());
        }
        self.report.commands += 1;
        match self.target.pipe() {
            Some(pipe) => pipe.send(entry.command.name, key, &[&encode(words)]),
            None => Ok(()),
        }
    }

    fn leave_out(&mut self, words: &Words, why: &str) -> Result<(), Failure> {
        let name = words[0].to_ascii_uppercase();
        let key = words.get(1).map_or(&b""[..], Vec::as_slice);
        let what = format!("{} ({why})", super::report::shown(&name));
        self.report.leave_out(&what, key);
        Ok(())
    }
}

fn writes(entry: &Entry) -> bool {
    entry.has(Flag::Write) || entry.subcommands().iter().any(|entry| entry.has(Flag::Write))
}

/// Reads commands.
struct Reader<R> {
    input: R,
    position: u64,
}

impl<R: BufRead> Reader<R> {
    /// The next command; `None` at the end.
    fn command(&mut self) -> Result<Option<Words>, Error> {
        let head = loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(None);
            }
            let line = self.line()?;
            // A remark, for instance a time.
            if !line.starts_with(b"#") {
                break line;
            }
        };
        let count = number(&head, b'*', MAX_WORDS)?;
        if count == 0 {
            return Err(MALFORMED);
        }
        let words = (0..count).map(|_| self.word());
        words.collect::<Result<_, _>>().map(Some)
    }

    /// A line without its end.
    fn line(&mut self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(buffer.len(), |at| at + 1);
            if used == 0 {
                return Err(Error::Truncated);
            }
            line.extend_from_slice(&buffer[..used]);
            self.input.consume(used);
            self.position += used as u64;
            if line.len() > MAX_LINE {
                return Err(MALFORMED);
            }
            if end.is_some() {
                line.pop();
                return line.strip_suffix(b"\r").map(<[u8]>::to_vec).ok_or(MALFORMED);
            }
        }
    }

    /// A string with its length in front. Room is made as its bytes arrive, since the length may be
    /// a lie.
    fn word(&mut self) -> Result<Vec<u8>, Error> {
        let head = self.line()?;
        let mut left = number(&head, b'$', MAX_STRING)? as usize;
        let mut word = Vec::new();
        while left > 0 {
            let (start, part) = (word.len(), left.min(word.len().max(FIRST_PART)));
            word.resize(start + part, 0);
            self.input.read_exact(&mut word[start..])?;
            self.position += part as u64;
            left -= part;
        }
        let mut end = [0; 2];
        self.input.read_exact(&mut end)?;
        self.position += 2;
        if end == *b"\r\n" { Ok(word) } else { Err(MALFORMED) }
    }
}

/// The number behind a mark.
fn number(line: &[u8], mark: u8, limit: u64) -> Result<u64, Error> {
    let digits = line.strip_prefix(&[mark]).and_then(|digits| str::from_utf8(digits).ok());
    let number = digits.and_then(|digits| digits.parse().ok());
    number.filter(|number| *number <= limit).ok_or(MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(bytes: &[u8]) -> (Vec<String>, Option<Error>) {
        let mut reader = Reader { input: bytes, position: 0 };
        let mut found = Vec::new();
        loop {
            match reader.command() {
                Ok(Some(words)) => found.push(words.join(&b' ').escape_ascii().to_string()),
                Ok(None) => {
                    assert_eq!(reader.position, bytes.len() as u64);
                    return (found, None);
                }
                Err(error) => return (found, Some(error)),
            }
        }
    }

    #[test]
    fn commands_and_remarks() {
        let bytes = b"#TS:1700000000\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$0\r\n\r\n";
        let (found, error) = commands(bytes);
        assert_eq!(found, ["SELECT 0", ""]);
        assert!(error.is_none());
        for len in 1..bytes.len() {
            let (found, error) = commands(&bytes[..len]);
            assert!(found.len() <= 1);
            // An end between two commands, or behind a remark, is an end like any other.
            assert!(matches!(error, Some(Error::Truncated)) || [16, 39].contains(&len), "{len}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for bytes in [
            &b"SET a b\r\n"[..],
            b"*0\r\n",
            b"*-1\r\n",
            b"*1\n$1\na\n",
            b"*1\r\n$1\r\nab\r\n",
            b"*1\r\n:1\r\n",
            b"*99999999\r\n",
            b"*1\r\n$999999999999\r\n",
            &[b'#'; 2000],
        ] {
            let (found, error) = commands(bytes);
            assert!(found.is_empty() && matches!(error, Some(Error::Malformed(_))), "{bytes:?}");
        }
    }
}
