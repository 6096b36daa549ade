//! The two servers, and a session run against both of them.

use super::compare::{Mismatch, compare};
use super::run::Runner;
use super::session::{PASSWORD, Session, Step};
use crate::client::{Client, ClientError};
use crate::server::{Server, ServerError};

/// What every session starts with, beside empty databases.
const DEFAULTS: &[&str] = &[
    "CONFIG",
    "SET",
    "proto-max-bulk-len",
    "512mb",
    "client-query-buffer-limit",
    "1gb",
    "hll-sparse-max-bytes",
    "3000",
    "stream-node-max-bytes",
    "4096",
    "stream-node-max-entries",
    "100",
];

/// Why a session could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A server did not start.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A server stopped answering.
    #[error("{0}: {1}")]
    Client(&'static str, ClientError),
    /// A server refused a command that prepares a session.
    #[error("{0} answered {1} with {2:?}")]
    Setup(&'static str, String, ferric_resp::Value),
}

/// The tested server and the one it is compared with.
pub struct Pair {
    ours: Side,
    theirs: Side,
}

struct Side {
    name: &'static str,
    server: Server,
    admin: Client,
}

impl Pair {
    /// A pair of running servers, the tested one first.
    ///
    /// # Errors
    /// When they cannot be reached.
    pub fn new(ours: Server, theirs: Server) -> Result<Pair, PairError> {
        Ok(Pair { ours: Side::new("ours", ours)?, theirs: Side::new("redis", theirs)? })
    }

    /// Ports of the tested server and of the other.
    pub fn ports(&self) -> (u16, u16) {
        (self.ours.server.port(), self.theirs.server.port())
    }

    /// What the tested server has written, to explain a failure.
    pub fn output(&self) -> String {
        self.ours.server.output()
    }

    /// Empties both servers and sets what sessions rely on.
    ///
    /// # Errors
    /// See [`PairError`].
    pub fn reset(&mut self, password: bool) -> Result<(), PairError> {
        for side in [&mut self.ours, &mut self.theirs] {
            side.reset(password)?;
        }
        Ok(())
    }

    /// Runs `session` on both, up to the first difference.
    ///
    /// # Errors
    /// See [`PairError`].
    pub fn run(&mut self, session: &Session) -> Result<Option<Mismatch>, PairError> {
        self.reset(session.password)?;
        let (our_port, their_port) = self.ports();
        let mut ours = Runner::new(our_port);
        let mut theirs = Runner::new(their_port);
        for (index, step) in session.steps.iter().enumerate() {
            let mismatch = run_step(step, &mut ours, &mut theirs)?;
            if let Some(mismatch) = mismatch {
                return Ok(Some(Mismatch { step: index, ..mismatch }));
            }
        }
        Ok(None)
    }
}

fn run_step(
    step: &Step,
    ours: &mut Runner,
    theirs: &mut Runner,
) -> Result<Option<Mismatch>, PairError> {
    let failed = |name| move |error| PairError::Client(name, error);
    match step {
        Step::Pause(time) => {
            std::thread::sleep(*time);
            Ok(None)
        }
        Step::ScanAll { connection, options } => {
            let ours = ours.scan_all(*connection, options).map_err(failed("ours"))?;
            let theirs = theirs.scan_all(*connection, options).map_err(failed("redis"))?;
            let mut command = vec![b"SCAN".to_vec(), b"all".to_vec()];
            command.extend_from_slice(options);
            Ok(compare(&[command], &ours, &theirs))
        }
        Step::Pipeline { connection, commands, cuts } => {
            // Both are sent to before either is read, so that little time lies between them.
            theirs.send(*connection, commands, cuts).map_err(failed("redis"))?;
            ours.send(*connection, commands, cuts).map_err(failed("ours"))?;
            let theirs = theirs.receive(*connection).map_err(failed("redis"))?;
            let ours = ours.receive(*connection).map_err(failed("ours"))?;
            Ok(compare(commands, &ours, &theirs))
        }
    }
}

impl Side {
    fn new(name: &'static str, server: Server) -> Result<Side, PairError> {
        let admin = server.connect().map_err(|error| PairError::Client(name, error))?;
        Ok(Side { name, server, admin })
    }

    fn reset(&mut self, password: bool) -> Result<(), PairError> {
        let password = if password { PASSWORD } else { "" };
        self.prepare(&["FLUSHALL"])?;
        self.prepare(DEFAULTS)?;
        self.prepare(&["CONFIG", "SET", "requirepass", password])
    }

    fn prepare(&mut self, command: &[&str]) -> Result<(), PairError> {
        let value =
            self.admin.call(command).map_err(|error| PairError::Client(self.name, error))?;
        if value == ferric_resp::Value::Simple(b"OK".to_vec()) {
            return Ok(());
        }
        Err(PairError::Setup(self.name, command.join(" "), value))
    }
}
