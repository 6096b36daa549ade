//! A blocking connection to a server, which shows replies as bytes and as values.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use ferric_resp::{ParseError, Value};

/// How long a reply may take before the server counts as hung.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes asked of the socket at a time.
const READ_SIZE: usize = 64 * 1024;

/// Why no reply came.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing came in time.
    #[error("no reply within {0:?}")]
    Timeout(Duration),
    /// What came is not RESP.
    #[error("malformed reply: {0}")]
    Malformed(#[from] ParseError),
    /// The connection failed.
    #[error("connection: {0}")]
    Io(io::Error),
}

/// One reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// As it came.
    pub bytes: Vec<u8>,
    /// Decoded.
    pub value: Value,
}

/// A connection.
pub struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    taken: usize,
}

impl Client {
    /// Connects to `port` on this machine.
    ///
    /// # Errors
    /// As the connection attempt.
    pub fn connect(port: u16) -> io::Result<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, input: Vec::new(), taken: 0 })
    }

    /// A second handle on the same connection, for a thread that sends while this one receives.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn sender(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the connection has failed.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.stream.write_all(bytes).map_err(lost)
    }

    /// Tells the server that nothing more will be sent.
    pub fn finish(&self) {
        // A connection that is gone already needs no ending.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Receives the next reply within `patience`, together with push messages before it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn reply_within(&mut self, patience: Duration) -> Result<Reply, ClientError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(reply) = parse(&self.input[self.taken..])? {
                self.taken += reply.bytes.len();
                return Ok(reply);
            }
            match self.receive(deadline.saturating_duration_since(Instant::now()))? {
                Received::Bytes => {}
                Received::Nothing => return Err(ClientError::Timeout(patience)),
                Received::End => return Err(ClientError::Closed),
            }
        }
    }

    /// Receives the next reply.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn reply(&mut self) -> Result<Reply, ClientError> {
        self.reply_within(PATIENCE)
    }

    /// Sends a command and receives its reply.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Result<Value, ClientError> {
        let mut request = Vec::new();
        encode(&mut request, words);
        self.send(&request)?;
        Ok(self.reply()?.value)
    }

    /// Receives until the connection is closed, `enough` says so of what has come, or `patience` is
    /// over. Returns the bytes and whether the connection was closed.
    pub fn drain(
        &mut self,
        patience: Duration,
        mut enough: impl FnMut(&[u8]) -> bool,
    ) -> (Vec<u8>, bool) {
        let deadline = Instant::now() + patience;
        let mut closed = false;
        while !closed && !enough(&self.input[self.taken..]) {
            match self.receive(deadline.saturating_duration_since(Instant::now())) {
                Ok(Received::Bytes) => {}
                Ok(Received::Nothing) => break,
                Ok(Received::End) | Err(_) => closed = true,
            }
        }
        let bytes = self.input.split_off(self.taken);
        self.input.clear();
        self.taken = 0;
        (bytes, closed)
    }

    fn receive(&mut self, patience: Duration) -> Result<Received, ClientError> {
        if patience.is_zero() {
            return Ok(Received::Nothing);
        }
        self.input.drain(..self.taken);
        self.taken = 0;
        self.stream.set_read_timeout(Some(patience)).map_err(ClientError::Io)?;
        let filled = self.input.len();
        self.input.resize(filled + READ_SIZE, 0);
        let result = self.stream.read(&mut self.input[filled..]);
        self.input.truncate(filled + result.as_ref().copied().unwrap_or(0));
        match result {
            Ok(0) => Ok(Received::End),
            Ok(_) => Ok(Received::Bytes),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Received::Bytes),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(Received::Nothing)
            }
            Err(error) => Err(lost(error)),
        }
    }
}

/// The reply at the start of `bytes`, if it is complete. Push messages before it become part of its
/// bytes.
fn parse(bytes: &[u8]) -> Result<Option<Reply>, ParseError> {
    let mut end = 0;
    loop {
        let Some((value, used)) = Value::parse(&bytes[end..])? else { return Ok(None) };
        end += used;
        if !matches!(value, Value::Push(_)) {
            return Ok(Some(Reply { bytes: bytes[..end].to_vec(), value }));
        }
    }
}

enum Received {
    Bytes,
    Nothing,
    End,
}

/// A reset or a broken pipe is how a connection looks whose server is gone.
fn lost(error: io::Error) -> ClientError {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            ClientError::Closed
        }
        _ => ClientError::Io(error),
    }
}

/// Appends a command in RESP to `out`.
pub fn encode<W: AsRef<[u8]>>(out: &mut Vec<u8>, words: &[W]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        let word = word.as_ref();
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_messages_belong_to_the_reply_after_them() {
        let bytes = b">1\r\n:1\r\n+OK\r\n:7\r\n";
        let reply = parse(bytes).expect("valid").expect("complete");
        assert_eq!((reply.bytes.len(), reply.value), (13, Value::Simple(b"OK".to_vec())));
        assert_eq!(parse(&bytes[..10]), Ok(None));
    }
}
