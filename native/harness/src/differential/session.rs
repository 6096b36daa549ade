//! What is sent in one session, and how it is shown to people.

use std::fmt;
use std::time::Duration;

use super::Command;
use crate::text::command_line;

/// Connections of a session.
pub const CONNECTIONS: usize = 3;

/// The password of sessions in which the servers have one.
pub const PASSWORD: &str = "sesame";

/// One thing that happens in a session.
#[derive(Debug, Clone)]
pub enum Step {
    /// Commands sent at once on a connection.
    Pipeline {
        /// Which connection.
        connection: usize,
        /// What is sent.
        commands: Vec<Command>,
        /// Where the bytes are cut into packets, in thousandths of their length.
        cuts: Vec<u16>,
    },
    /// A whole iteration: SCAN with these options until its cursor is 0.
    ScanAll {
        /// Which connection.
        connection: usize,
        /// The words after the cursor.
        options: Command,
    },
    /// Time passes.
    Pause(Duration),
}

/// A sequence of steps against servers that start empty.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// Whether clients need [`PASSWORD`].
    pub password: bool,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Session {
    /// Number of commands.
    pub fn commands(&self) -> usize {
        let count = |step: &Step| match step {
            Step::Pipeline { commands, .. } => commands.len(),
            Step::ScanAll { .. } => 1,
            Step::Pause(_) => 0,
        };
        self.steps.iter().map(count).sum()
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.password {
            writeln!(f, "  (clients need the password {PASSWORD})")?;
        }
        for step in &self.steps {
            match step {
                Step::Pipeline { connection, commands, cuts } => {
                    for command in commands {
                        writeln!(f, "  {connection}> {}", command_line(command))?;
                    }
                    if !cuts.is_empty() {
                        writeln!(f, "  {connection}  (cut at {cuts:?} thousandths)")?;
                    }
                }
                Step::ScanAll { connection, options } => {
                    writeln!(f, "  {connection}> SCAN (all) {}", command_line(options))?;
                }
                Step::Pause(time) => writeln!(f, "  pause {time:?}")?,
            }
        }
        Ok(())
    }
}
