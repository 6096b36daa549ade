//! The connection to the server. Commands go out without waiting for replies, up to a limit; a
//! thread of its own takes the replies in.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;

use ferric_resp::Value;

use super::command::encode;
use super::{Failure, Options};

/// Commands that may be waiting for their replies.
const MAX_WAITING: usize = 4096;

/// Bytes gathered before they are sent.
const WRITE_SIZE: usize = 64 << 10;

/// Longest reply; none of the commands of an import has a long one.
const MAX_REPLY: usize = 64 << 20;

/// Time after which a server that says nothing counts as gone. Long: it may be busy with its disk.
const PATIENCE: Duration = Duration::from_secs(300);

/// Kinds of errors that are told apart.
const MAX_KINDS: usize = 1000;

/// Bytes that are kept of the key of each command.
const MAX_KEY: usize = 100;

/// A connection.
pub(super) struct Pipe {
    out: BufWriter<TcpStream>,
    sent: SyncSender<Sent>,
    receiver: JoinHandle<(Errors, io::Result<()>)>,
}

/// A command that waits for its reply.
struct Sent {
    name: &'static str,
    key: Vec<u8>,
    /// Where the reply goes, if somebody waits for it.
    answer: Option<mpsc::Sender<Value>>,
}

/// Errors in replies, by command and text: how often, and of what key for example.
pub(super) type Errors = BTreeMap<(&'static str, String), (u64, Vec<u8>)>;

impl Pipe {
    /// Connects, and logs in if that is asked for.
    pub(super) fn connect(options: &Options) -> Result<Pipe, Failure> {
        let (host, port) = (&*options.host, options.port);
        let named = |error| Failure::Refused(format!("{host}:{port}: {error}"));
        let stream = TcpStream::connect((host, port)).map_err(named)?;
        stream.set_nodelay(true).map_err(named)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(named)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(named)?;
        let input = stream.try_clone().map_err(named)?;
        let (sent, waiting) = mpsc::sync_channel(MAX_WAITING);
        let receiver = std::thread::spawn(move || receive(input, &waiting));
        let out = BufWriter::with_capacity(WRITE_SIZE, stream);
        let mut pipe = Pipe { out, sent, receiver };
        if let Some(password) = &options.password {
            let words = match &options.user {
                Some(user) => vec!["AUTH", user, password],
                None => vec!["AUTH", password],
            };
            pipe.require("AUTH", &words)?;
        }
        pipe.require("PING", &["PING"])?;
        Ok(pipe)
    }

    /// Sends a command in one or several pieces.
    pub(super) fn send(
        &mut self,
        name: &'static str,
        key: &[u8],
        bytes: &[&[u8]],
    ) -> Result<(), Failure> {
        self.post(name, key, bytes, None)
    }

    /// Sends a command and waits for its reply.
    pub(super) fn call<W: AsRef<[u8]>>(
        &mut self,
        name: &'static str,
        words: &[W],
    ) -> Result<Value, Failure> {
        let (answer, reply) = mpsc::channel();
        self.post(name, b"", &[&encode(words)], Some(answer))?;
        self.out.flush().map_err(Failure::Connection)?;
        reply.recv().map_err(|_| gone())
    }

    /// The same for a command that has to succeed.
    fn require<W: AsRef<[u8]>>(
        &mut self,
        name: &'static str,
        words: &[W],
    ) -> Result<Value, Failure> {
        match self.call(name, words)? {
            Value::Error(text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                Err(Failure::Refused(format!("the server refuses {name}: {text}")))
            }
            reply => Ok(reply),
        }
    }

    fn post(
        &mut self,
        name: &'static str,
        key: &[u8],
        bytes: &[&[u8]],
        answer: Option<mpsc::Sender<Value>>,
    ) -> Result<(), Failure> {
        for part in bytes {
            self.out.write_all(part).map_err(Failure::Connection)?;
        }
        let sent = Sent { name, key: key[..key.len().min(MAX_KEY)].to_vec(), answer };
        match self.sent.try_send(sent) {
            Ok(()) => Ok(()),
            // Replies only come to what has been sent.
            Err(TrySendError::Full(sent)) => {
                self.out.flush().map_err(Failure::Connection)?;
                self.sent.send(sent).map_err(|_| gone())
            }
            Err(TrySendError::Disconnected(_)) => Err(gone()),
        }
    }

    /// Waits for all replies; the errors among them, and whether the connection has lasted.
    pub(super) fn finish(mut self) -> (Errors, Result<(), Failure>) {
        let flushed = self.out.flush();
        if flushed.is_err() {
            // Nobody needs to wait for what was not sent.
            let _ = self.out.get_ref().shutdown(std::net::Shutdown::Both);
        }
        drop(self.sent);
        let (errors, received) =
            self.receiver.join().unwrap_or_else(|_| (Errors::new(), Err(ErrorKind::Other.into())));
        (errors, received.and(flushed).map_err(Failure::Connection))
    }
}

/// The receiver has ended, and will say why.
fn gone() -> Failure {
    Failure::Connection(ErrorKind::ConnectionAborted.into())
}

/// Takes the replies in, until there are no more to wait for.
fn receive(mut input: TcpStream, waiting: &Receiver<Sent>) -> (Errors, io::Result<()>) {
    let (mut errors, mut buffer) = (Errors::new(), Buffer::default());
    while let Ok(Sent { name, key, answer }) = waiting.recv() {
        let reply = match buffer.reply(&mut input) {
            Ok(reply) => reply,
            Err(error) => return (errors, Err(error)),
        };
        match (reply, answer) {
            // Who has asked may have given up.
            (reply, Some(answer)) => drop(answer.send(reply)),
            (Value::Error(text), None) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                if errors.len() < MAX_KINDS || errors.contains_key(&(name, text.clone())) {
                    errors.entry((name, text)).or_insert((0, key)).0 += 1;
                } else {
                    errors.entry((name, "other errors".into())).or_insert((0, key)).0 += 1;
                }
            }
            _ => {}
        }
    }
    (errors, Ok(()))
}

/// What has been received.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    taken: usize,
}

impl Buffer {
    fn reply(&mut self, input: &mut TcpStream) -> io::Result<Value> {
        loop {
            match Value::parse(&self.bytes[self.taken..]) {
                Ok(Some((value, used))) => {
                    self.taken += used;
                    return Ok(value);
                }
                Ok(None) if self.bytes.len() - self.taken <= MAX_REPLY => self.fill(input)?,
                _ => return Err(io::Error::new(ErrorKind::InvalidData, "not a reply")),
            }
        }
    }

    fn fill(&mut self, input: &mut TcpStream) -> io::Result<()> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        let filled = self.bytes.len();
        self.bytes.resize(filled + WRITE_SIZE, 0);
        let count = input.read(&mut self.bytes[filled..]);
        self.bytes.truncate(filled + count.as_ref().copied().unwrap_or(0));
        if count? == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}
