//! A connection that writes, until the server is gone.

use super::model::{Answer, Model};
use super::op::{self, Op};
use super::owner::Owner;
use crate::client::{Client, ClientError, encode};
use crate::crash::load::Load;
use crate::rng::Rng;
use crate::text::command_line;

/// Longest pipeline under load, and while the first values are loaded. Values are long: a pipeline
/// of the latter kind has about half a megabyte.
const MAX_DEPTH: u64 = 32;
const FILL_DEPTH: u32 = 256;

/// Most pieces of a value: one that has so many is set anew instead of appended to.
const MAX_PIECES: usize = 6;

/// Sets every key once.
///
/// # Errors
/// A sentence when the server refuses or ends the connection.
pub(super) fn fill(port: u16, owner: &mut Owner) -> Result<(), String> {
    let failed = |error: ClientError| format!("loading: {error}");
    let mut client = Client::connect(port).map_err(|error| failed(ClientError::Io(error)))?;
    let keys = owner.base.keys();
    let mut writer = Writer::new(owner);
    for first in (0..keys).step_by(FILL_DEPTH as usize) {
        let mut request = Vec::new();
        for index in first..keys.min(first + FILL_DEPTH) {
            writer.add(Op::Set(index), &mut request);
        }
        client.send(&request).map_err(failed)?;
        if let Some(wrong) = writer.receive(&mut client).map_err(failed)? {
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
pub(super) fn write(load: &Load, owner: &mut Owner, mut rng: Rng) -> Result<(), String> {
    let number = owner.writer;
    let mut client = match Client::connect(load.port) {
        Ok(client) => client,
        Err(_) if load.is_stopped() => return Ok(()),
        Err(error) => return Err(format!("writer {number}: no connection: {error}")),
    };
    let mut writer = Writer::new(owner);
    while !load.is_stopped() {
        let request = writer.batch(&mut rng);
        match client.send(&request).and_then(|()| writer.receive(&mut client)) {
            Ok(None) => {}
            Ok(Some(_)) | Err(ClientError::Closed) if load.is_stopped() => return Ok(()),
            Ok(Some(wrong)) => return Err(wrong),
            Err(error) => return Err(format!("writer {number}: {error}")),
        }
    }
    Ok(())
}

struct Writer<'a> {
    /// The state after everything sent.
    live: Model,
    /// The answers that are still to come, the next one last.
    answers: Vec<Answer>,
    owner: &'a mut Owner,
}

impl Writer<'_> {
    fn new(owner: &mut Owner) -> Writer<'_> {
        let mut live = owner.base.clone();
        owner.sent.iter().for_each(|sent| drop(live.apply(&sent.op, sent.sequence)));
        Writer { live, answers: Vec::new(), owner }
    }

    /// Notes some commands as pending and encodes them.
    fn batch(&mut self, rng: &mut Rng) -> Vec<u8> {
        let depth = if rng.chance(30) { 1 } else { rng.between(2, MAX_DEPTH) };
        let mut request = Vec::new();
        for _ in 0..depth {
            let op = self.possible(op::random(rng, self.live.keys()));
            self.add(op, &mut request);
        }
        request
    }

    /// `op`, unless it would append to no value or to a long one.
    fn possible(&self, op: Op) -> Op {
        match op {
            Op::Append(index)
                if self.live.entry(index).is_none_or(|entry| entry.pieces.len() >= MAX_PIECES) =>
            {
                Op::Set(index)
            }
            op => op,
        }
    }

    fn add(&mut self, op: Op, request: &mut Vec<u8>) {
        let sequence = self.owner.pending(op);
        encode(request, &op.words(self.owner.writer, sequence));
        self.answers.push(self.live.apply(&op, sequence));
    }

    /// Receives the replies to everything pending; a sentence about the first wrong one.
    fn receive(&mut self, client: &mut Client) -> Result<Option<String>, ClientError> {
        for expected in std::mem::take(&mut self.answers) {
            let reply = client.reply()?.value;
            let writer = self.owner.writer;
            if !expected.accepts(writer, &reply) {
                let sent = &self.owner.sent[self.owner.acknowledged];
                return Ok(Some(format!(
                    "writer {writer}, command {}: the reply to {} was {} instead of {expected:?}",
                    sent.sequence,
                    command_line(&sent.op.words(writer, sent.sequence)),
                    crate::text::quote(format!("{reply:?}").as_bytes()),
                )));
            }
            self.owner.acknowledge();
        }
        Ok(None)
    }
}
