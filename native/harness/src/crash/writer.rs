//! A connection that writes, until the server is gone.

use ferric_resp::Value;

use super::journal::Journal;
use super::load::Load;
use super::op::{self, Op};
use crate::client::{Client, ClientError, encode};
use crate::rng::Rng;
use crate::text::command_line;

/// Longest pipeline.
const MAX_DEPTH: u64 = 64;

/// Writes until the server is gone, and notes everything in `journal`.
///
/// # Errors
/// A sentence when the server did what it should not: a wrong reply, or the end of a connection
/// while nobody has stopped it.
pub(super) fn write(load: &Load, journal: &mut Journal, mut rng: Rng) -> Result<(), String> {
    let mut client = match Client::connect(load.port) {
        Ok(client) => client,
        Err(_) if load.is_stopped() => return Ok(()),
        Err(error) => return Err(format!("writer {}: no connection: {error}", journal.writer)),
    };
    let mut writer = Writer { live: journal.base.clone(), db: 0, journal, rng: &mut rng };
    while !load.is_stopped() {
        let request = writer.batch();
        let result = client.send(&request).and_then(|()| writer.receive(&mut client));
        match result {
            Ok(None) => {}
            Ok(Some(_)) | Err(ClientError::Closed) if load.is_stopped() => return Ok(()),
            Ok(Some(wrong)) => return Err(wrong),
            Err(error) => return Err(format!("writer {}: {error}", writer.journal.writer)),
        }
    }
    Ok(())
}

struct Writer<'a> {
    journal: &'a mut Journal,
    /// The state after the acknowledged commands.
    live: super::model::Model,
    /// The database that the last command in the journal leaves selected.
    db: u8,
    rng: &'a mut Rng,
}

impl Writer<'_> {
    /// Notes some commands as pending and encodes them.
    fn batch(&mut self) -> Vec<u8> {
        let depth = match self.rng.below(4) {
            0 => 1,
            1 => self.rng.between(2, 8),
            _ => self.rng.between(8, MAX_DEPTH),
        };
        let mut request = Vec::new();
        for _ in 0..depth {
            self.add_command(&mut request);
        }
        request
    }

    fn add_command(&mut self, request: &mut Vec<u8>) {
        let writer = self.journal.writer;
        if self.rng.chance(15) {
            let [first, second] = op::own_databases(writer);
            let db = *self.rng.pick(&[0, 0, first, second]);
            if db != self.db {
                self.db = db;
                self.add(Op::Select(db), request);
            }
        }
        let op = op::random(self.rng, writer, self.journal.next, self.db);
        self.add(op, request);
    }

    fn add(&mut self, op: Op, request: &mut Vec<u8>) {
        encode(request, &op.words());
        self.journal.pending(op);
    }

    /// Receives the replies to everything pending; a sentence about the first wrong one.
    fn receive(&mut self, client: &mut Client) -> Result<Option<String>, ClientError> {
        while let Some(sent) = self.journal.sent.get(self.journal.acknowledged) {
            let reply = client.reply()?.value;
            if is_refusal(&reply) {
                return Ok(Some(format!(
                    "{} was refused: {reply:?}",
                    command_line(&sent.op.words())
                )));
            }
            let expected = self.live.apply(&sent.op);
            if let Some(expected) = expected.filter(|expected| *expected != reply) {
                let command = command_line(&sent.op.words());
                let number = sent.sequence;
                let writer = self.journal.writer;
                return Ok(Some(format!(
                    "writer {writer}, command {number}: the reply to {command} was {reply:?} \
                     instead of {expected:?}"
                )));
            }
            self.journal.acknowledge();
        }
        Ok(None)
    }
}

/// Whether the server says that it did not do what it was asked: while it stops it may.
fn is_refusal(reply: &Value) -> bool {
    matches!(reply, Value::Error(text) if !text.starts_with(b"ERR no such key"))
}
