//! Reducing a session to what its difference needs.

use std::time::{Duration, Instant};

use super::pair::PairError;
use super::session::{Session, Step};
use super::{Mismatch, Pair};

/// Time spent on one difference.
const PATIENCE: Duration = Duration::from_secs(20);

/// Removes from `session` what is not needed for the servers to differ. Returns the shorter session
/// and its difference.
///
/// # Errors
/// When a server stops answering.
pub fn minimise(
    pair: &mut Pair,
    session: Session,
    mismatch: Mismatch,
) -> Result<(Session, Mismatch), PairError> {
    let mut search = Search { pair, deadline: Instant::now() + PATIENCE, session, mismatch };
    search.session.steps.truncate(search.mismatch.step + 1);
    search.without_cuts()?;
    search.split_pipelines()?;
    let mut size = search.session.steps.len().div_ceil(2);
    loop {
        let shortened = search.remove_runs(size)?;
        if size == 1 && !shortened || search.is_late() {
            return Ok((search.session, search.mismatch));
        }
        size = size.div_ceil(2).max(1);
    }
}

struct Search<'a> {
    pair: &'a mut Pair,
    deadline: Instant,
    session: Session,
    mismatch: Mismatch,
}

impl Search<'_> {
    fn is_late(&self) -> bool {
        Instant::now() > self.deadline
    }

    /// Keeps `candidate` if it still shows a difference of the same command.
    fn try_out(&mut self, candidate: Session) -> Result<bool, PairError> {
        let found = self.pair.run(&candidate)?;
        let name = |mismatch: &Mismatch| mismatch.command.split(' ').next().map(str::to_lowercase);
        match found {
            Some(mismatch) if name(&mismatch) == name(&self.mismatch) => {
                self.session = candidate;
                self.session.steps.truncate(mismatch.step + 1);
                self.mismatch = mismatch;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn without_cuts(&mut self) -> Result<(), PairError> {
        let mut candidate = self.session.clone();
        for step in &mut candidate.steps {
            if let Step::Pipeline { cuts, .. } = step {
                cuts.clear();
            }
        }
        self.try_out(candidate).map(|_| ())
    }

    /// Makes a step of each command, so that they can be removed one by one.
    fn split_pipelines(&mut self) -> Result<(), PairError> {
        let mut candidate = Session { steps: Vec::new(), ..self.session.clone() };
        for step in &self.session.steps {
            match step {
                Step::Pipeline { connection, commands, .. } => {
                    candidate.steps.extend(commands.iter().map(|command| Step::Pipeline {
                        connection: *connection,
                        commands: vec![command.clone()],
                        cuts: Vec::new(),
                    }));
                }
                other => candidate.steps.push(other.clone()),
            }
        }
        self.try_out(candidate).map(|_| ())
    }

    /// Tries to do without each run of `size` steps. Pauses stay: without them, a key's expiry is a
    /// matter of chance.
    fn remove_runs(&mut self, size: usize) -> Result<bool, PairError> {
        let mut shortened = false;
        let mut start = 0;
        while start < self.session.steps.len() && !self.is_late() {
            let mut candidate = self.session.clone();
            let end = (start + size).min(candidate.steps.len());
            let mut index = 0;
            candidate.steps.retain(|step| {
                index += 1;
                !(start..end).contains(&(index - 1)) || matches!(step, Step::Pause(_))
            });
            let fewer = candidate.steps.len() < self.session.steps.len();
            if fewer && self.try_out(candidate)? {
                shortened = true;
            } else {
                start += size;
            }
        }
        Ok(shortened)
    }
}
