//! Running a session's steps against one server.

use std::collections::BTreeSet;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use ferric_resp::Value;

use super::Command;
use super::session::CONNECTIONS;
use crate::client::{Client, ClientError, Reply, encode};

/// The reply to HELLO with this as an option, which it is not, marks the end of a pipeline's replies.
/// HELLO is allowed on connections that are not authenticated, and a mistake changes nothing.
const SENTINEL: &str = "end-of-the-pipeline";

/// Time between packets, so that the server sees them one by one.
const PACKET_GAP: Duration = Duration::from_micros(300);

/// Rounds after which an iteration counts as endless.
const MAX_SCAN_ROUNDS: usize = 10_000;

/// What a step led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The replies, without the sentinel's.
    pub replies: Vec<Reply>,
    /// Whether the server closed the connection.
    pub closed: bool,
}

/// The connections of a session to one server.
pub struct Runner {
    port: u16,
    clients: Vec<Option<Client>>,
}

impl Runner {
    /// Fresh connections to the server on `port`.
    pub fn new(port: u16) -> Runner {
        Runner { port, clients: (0..CONNECTIONS).map(|_| None).collect() }
    }

    /// Sends a pipeline in packets cut at `cuts`.
    ///
    /// # Errors
    /// When the connection fails otherwise than by being closed.
    pub fn send(
        &mut self,
        connection: usize,
        commands: &[Command],
        cuts: &[u16],
    ) -> Result<(), ClientError> {
        let bytes = request(commands);
        let client = self.client(connection)?;
        let mut stream = client.sender().map_err(ClientError::Io)?;
        let mut at = 0;
        for cut in cuts {
            let cut = bytes.len() * usize::from(*cut) / 1000;
            if cut > at {
                // A server that has closed says so when its replies are read.
                let _ = stream.write_all(&bytes[at..cut]);
                at = cut;
                sleep(PACKET_GAP);
            }
        }
        let _ = stream.write_all(&bytes[at..]);
        Ok(())
    }

    /// Receives what a pipeline led to.
    ///
    /// # Errors
    /// When no reply comes, or no valid one.
    pub fn receive(&mut self, connection: usize) -> Result<Outcome, ClientError> {
        let client = self.client(connection)?;
        let mut replies = Vec::new();
        loop {
            match client.reply() {
                Ok(reply) if is_sentinel(&reply.value) => {
                    return Ok(Outcome { replies, closed: false });
                }
                Ok(reply) => replies.push(reply),
                Err(ClientError::Closed) => {
                    self.clients[connection] = None;
                    return Ok(Outcome { replies, closed: true });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Iterates over all keys; what is found comes sorted, without duplicates, as one reply.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn scan_all(
        &mut self,
        connection: usize,
        options: &Command,
    ) -> Result<Outcome, ClientError> {
        let client = self.client(connection)?;
        let mut cursor = b"0".to_vec();
        let mut found = BTreeSet::new();
        for _ in 0..MAX_SCAN_ROUNDS {
            let mut command = vec![b"SCAN".to_vec(), cursor];
            command.extend_from_slice(options);
            let value = client.call(&command)?;
            let Some((next, keys)) = scan_reply(&value) else {
                let reply = Reply { bytes: format!("{value:?}").into_bytes(), value };
                return Ok(Outcome { replies: vec![reply], closed: false });
            };
            found.extend(keys);
            cursor = next;
            if cursor == b"0" {
                return Ok(Outcome { replies: vec![set_reply(found)], closed: false });
            }
        }
        Err(ClientError::Io(std::io::Error::other("SCAN did not come to an end")))
    }

    fn client(&mut self, connection: usize) -> Result<&mut Client, ClientError> {
        let slot = &mut self.clients[connection];
        if slot.is_none() {
            *slot = Some(Client::connect(self.port).map_err(ClientError::Io)?);
        }
        slot.as_mut().ok_or(ClientError::Closed)
    }
}

/// A pipeline's bytes: the commands, replies switched on again if they were switched off, the end of a
/// transaction that may have begun, and the sentinel.
fn request(commands: &[Command]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for command in commands {
        encode(&mut bytes, command);
    }
    if commands.iter().any(|command| changes_reply_mode(command)) {
        encode(&mut bytes, &["CLIENT", "REPLY", "ON"]);
    }
    // The sentinel must not wait for an EXEC that has been left out.
    if commands.iter().any(|command| command[0].eq_ignore_ascii_case(b"multi")) {
        encode(&mut bytes, &["DISCARD"]);
    }
    encode(&mut bytes, &["HELLO", "2", SENTINEL]);
    bytes
}

/// Whether `command` is a CLIENT REPLY, valid or not.
pub fn changes_reply_mode(command: &[Vec<u8>]) -> bool {
    matches!(command, [name, sub, ..]
        if name.eq_ignore_ascii_case(b"client") && sub.eq_ignore_ascii_case(b"reply"))
}

/// Whether this ends a pipeline's replies.
fn is_sentinel(value: &Value) -> bool {
    let quoted = |text: &[u8]| text.windows(SENTINEL.len()).any(|part| part == SENTINEL.as_bytes());
    matches!(value, Value::Error(text) if quoted(text))
}

fn scan_reply(value: &Value) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let Value::Array(parts) = value else { return None };
    let [Value::Bulk(cursor), Value::Array(keys)] = parts.as_slice() else { return None };
    let key = |key: &Value| match key {
        Value::Bulk(bytes) => Some(bytes.clone()),
        _ => None,
    };
    Some((cursor.clone(), keys.iter().map(key).collect::<Option<_>>()?))
}

fn set_reply(found: BTreeSet<Vec<u8>>) -> Reply {
    let value = Value::Set(found.into_iter().map(Value::Bulk).collect());
    Reply { bytes: format!("{value:?}").into_bytes(), value }
}
