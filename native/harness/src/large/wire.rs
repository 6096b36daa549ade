//! A connection for pipelines of GET and SET that costs the machine as little as it can: the server
//! shares its processors. [`crate::client`] is the one for everything else.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::client::{ClientError, PATIENCE};

/// Bytes asked of the socket at a time, at least.
const READ_SIZE: usize = 64 * 1024;

/// Longest reply: longer than any value that is written here.
const MAX_REPLY: usize = 16 << 20;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The connection failed.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The server refused, or answered something that GET and SET do not.
    #[error("unexpected reply: {0}")]
    Unexpected(String),
}

/// A reply to GET or SET.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The write was done.
    Done,
    /// The value.
    Value(&'a [u8]),
    /// There is none.
    Missing,
}

/// A connection.
pub struct Wire {
    stream: TcpStream,
    output: Vec<u8>,
    input: Vec<u8>,
    /// Where the replies not yet taken begin and end in `input`.
    start: usize,
    end: usize,
}

impl Wire {
    /// Connects to `port` on this machine.
    ///
    /// # Errors
    /// As the connection attempt.
    pub fn connect(port: u16) -> io::Result<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Wire { stream, output: Vec::new(), input: Vec::new(), start: 0, end: 0 })
    }

    /// Adds a GET to the pipeline.
    pub fn get(&mut self, key: &[u8]) {
        self.output.extend_from_slice(b"*2\r\n$3\r\nGET\r\n");
        bulk(&mut self.output, key);
    }

    /// Adds a SET to the pipeline.
    pub fn set(&mut self, key: &[u8], value: &[u8]) {
        self.output.extend_from_slice(b"*3\r\n$3\r\nSET\r\n");
        bulk(&mut self.output, key);
        bulk(&mut self.output, value);
    }

    /// Sends the pipeline.
    ///
    /// # Errors
    /// When the connection has failed.
    pub fn flush(&mut self) -> Result<(), WireError> {
        self.stream.write_all(&self.output).map_err(ClientError::Io)?;
        self.output.clear();
        Ok(())
    }

    /// The next reply.
    ///
    /// # Errors
    /// See [`WireError`].
    pub fn answer(&mut self) -> Result<Answer<'_>, WireError> {
        let parsed = loop {
            match parse(&self.input[self.start..self.end])? {
                Some(parsed) => break parsed,
                None => self.receive()?,
            }
        };
        let base = self.start;
        self.start += parsed.used;
        Ok(match parsed.kind {
            Kind::Done => Answer::Done,
            Kind::Missing => Answer::Missing,
            Kind::Value { from, to } => Answer::Value(&self.input[base + from..base + to]),
        })
    }

    fn receive(&mut self) -> Result<(), WireError> {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end > MAX_REPLY {
            return Err(WireError::Unexpected(format!("more than {MAX_REPLY} bytes")));
        }
        if self.input.len() < self.end + READ_SIZE {
            self.input.resize(self.end + READ_SIZE, 0);
        }
        match self.stream.read(&mut self.input[self.end..]) {
            Ok(0) => Err(ClientError::Closed.into()),
            Ok(count) => {
                self.end += count;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(ClientError::Timeout(PATIENCE).into())
            }
            Err(error) => Err(ClientError::Io(error).into()),
        }
    }
}

/// Appends a bulk string.
fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'$');
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = bytes.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

enum Kind {
    Done,
    Missing,
    Value { from: usize, to: usize },
}

struct Parsed {
    kind: Kind,
    used: usize,
}

/// The reply at the start of `bytes`; `None` if it is not complete.
fn parse(bytes: &[u8]) -> Result<Option<Parsed>, WireError> {
    let Some(line_end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let line = &bytes[..line_end];
    let used = line_end + 2;
    let unexpected = || WireError::Unexpected(String::from_utf8_lossy(line).into_owned());
    match line {
        b"+OK" => Ok(Some(Parsed { kind: Kind::Done, used })),
        b"$-1" | b"_" => Ok(Some(Parsed { kind: Kind::Missing, used })),
        [b'$', digits @ ..] => {
            let len = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            let len: usize = len.filter(|len| *len <= MAX_REPLY).ok_or_else(unexpected)?;
            let (from, to) = (used, used + len);
            let complete = bytes.len() >= to + 2;
            Ok(complete.then_some(Parsed { kind: Kind::Value { from, to }, used: to + 2 }))
        }
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_parsed_when_they_are_complete() {
        let bytes = b"$5\r\nhello\r\n+OK\r\n";
        for cut in 0..11 {
            assert!(parse(&bytes[..cut]).expect("valid").is_none(), "cut at {cut}");
        }
        let parsed = parse(bytes).expect("valid").expect("complete");
        assert!(matches!(parsed.kind, Kind::Value { from: 4, to: 9 }));
        assert_eq!(parsed.used, 11);
        let next = parse(&bytes[11..]).expect("valid").expect("complete");
        assert!(matches!(next.kind, Kind::Done));
        assert!(parse(b"-ERR no\r\n").is_err() && parse(b"$x\r\n").is_err());
    }

    #[test]
    fn requests_are_resp() {
        let mut out = Vec::new();
        bulk(&mut out, b"");
        bulk(&mut out, &[b'x'; 12]);
        assert_eq!(out, b"$0\r\n\r\n$12\r\nxxxxxxxxxxxx\r\n");
    }
}
