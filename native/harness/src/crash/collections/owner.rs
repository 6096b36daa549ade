//! A writer: its collections, and what it has sent since they were last looked at.

use super::model::{Answer, Model};
use super::op::{self, Op};
use crate::client::{Client, ClientError, encode};
use crate::crash::load::Load;
use crate::rng::Rng;
use crate::text::{command_line, quote};

/// Longest pipeline under load, and while the collections are filled.
const MAX_DEPTH: u64 = 24;
const FILL_DEPTH: usize = 32;

/// A writer.
pub(super) struct Owner {
    pub(super) writer: usize,
    /// The collections before the first of `sent`.
    pub(super) base: Model,
    /// In order, with their numbers; replies come in order as well.
    pub(super) sent: Vec<(u64, Op)>,
    /// How many of them are acknowledged.
    pub(super) acknowledged: usize,
    /// The number of the next command.
    next: u64,
    /// After everything sent.
    live: Model,
    /// The answers that are still to come.
    answers: Vec<Answer>,
}

impl Owner {
    /// A writer that has not written yet.
    pub(super) fn new(writer: usize) -> Owner {
        let (base, live) = (Model::default(), Model::default());
        let (sent, answers) = (Vec::new(), Vec::new());
        Owner { writer, base, sent, acknowledged: 0, next: 1, live, answers }
    }

    /// Begins again with what the server holds now.
    pub(super) fn restart(&mut self, found: Model) {
        self.live.clone_from(&found);
        self.base = found;
        self.sent.clear();
        self.answers.clear();
        self.acknowledged = 0;
    }

    pub(super) fn add(&mut self, op: Op, request: &mut Vec<u8>) {
        let sequence = self.next;
        self.next += 1;
        encode(request, &op.words(self.writer, sequence));
        self.answers.push(self.live.apply(&op, sequence));
        self.sent.push((sequence, op));
    }

    /// Fills the collections.
    ///
    /// # Errors
    /// A sentence when the server refuses or ends the connection.
    pub(super) fn fill(&mut self, port: u16) -> Result<(), String> {
        let failed = |error: ClientError| format!("filling: {error}");
        let mut client = Client::connect(port).map_err(|error| failed(ClientError::Io(error)))?;
        let ops: Vec<Op> = op::filling().collect();
        for part in ops.chunks(FILL_DEPTH) {
            let mut request = Vec::new();
            part.iter().for_each(|op| self.add(op.clone(), &mut request));
            client.send(&request).map_err(failed)?;
            if let Some(wrong) = self.receive(&mut client).map_err(failed)? {
                return Err(wrong);
            }
        }
        Ok(())
    }

    /// Writes until the server is gone or the load is to end.
    ///
    /// # Errors
    /// A sentence when the server did what it should not: a wrong reply, or the end of a connection
    /// while nobody has stopped it.
    pub(super) fn write(&mut self, load: &Load, mut rng: Rng) -> Result<(), String> {
        let writer = self.writer;
        let mut client = match Client::connect(load.port) {
            Ok(client) => client,
            Err(_) if load.is_stopped() => return Ok(()),
            Err(error) => return Err(format!("writer {writer}: no connection: {error}")),
        };
        while !load.is_stopped() {
            let depth = if rng.chance(30) { 1 } else { rng.between(2, MAX_DEPTH) };
            let mut request = Vec::new();
            for _ in 0..depth {
                let op = op::random(&mut rng, &self.live);
                self.add(op, &mut request);
            }
            match client.send(&request).and_then(|()| self.receive(&mut client)) {
                Ok(None) => {}
                Ok(Some(_)) | Err(ClientError::Closed) if load.is_stopped() => return Ok(()),
                Ok(Some(wrong)) => return Err(wrong),
                Err(error) => return Err(format!("writer {writer}: {error}")),
            }
        }
        Ok(())
    }

    /// Receives the replies to everything pending; a sentence about the first wrong one.
    fn receive(&mut self, client: &mut Client) -> Result<Option<String>, ClientError> {
        for expected in std::mem::take(&mut self.answers) {
            let reply = client.reply()?.value;
            if !expected.accepts(self.writer, &reply) {
                let (sequence, op) = &self.sent[self.acknowledged];
                return Ok(Some(format!(
                    "writer {}: the reply to {} was {} instead of {expected:?}",
                    self.writer,
                    command_line(&op.words(self.writer, *sequence)),
                    quote(format!("{reply:?}").as_bytes()),
                )));
            }
            self.acknowledged += 1;
        }
        Ok(None)
    }
}
