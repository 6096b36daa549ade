//! Where the data go: which database of the server, or nowhere.

use std::collections::BTreeMap;

use ferric_resp::Value;

use super::command::encode;
use super::pipe::Pipe;
use super::report::Report;
use super::{Failure, Options};

/// The server, or nothing when a file is only checked.
pub(super) struct Target {
    pipe: Option<Pipe>,
    databases: BTreeMap<u64, u64>,
    pub replace: bool,
    /// The file's database that is being read, and whether it is one to import.
    current: (u64, bool),
    /// The server's database that is selected.
    selected: u64,
}

impl Target {
    pub(super) fn new(options: &Options, pipe: Option<Pipe>) -> Target {
        let wanted = options.databases.is_empty();
        let databases = options.databases.clone();
        let current = (u64::MAX, wanted);
        Target { pipe, databases, replace: options.replace, current, selected: 0 }
    }

    /// The server, if what comes next is to be written.
    pub(super) fn pipe(&mut self) -> Option<&mut Pipe> {
        if self.current.1 { self.pipe.as_mut() } else { None }
    }

    /// Whether the database that is being read is one to import.
    pub(super) fn is_wanted(&self) -> bool {
        self.current.1
    }

    /// Whether databases get other numbers, or some are left out.
    pub(super) fn is_mapped(&self) -> bool {
        !self.databases.is_empty()
    }

    /// What follows belongs to this database of the file.
    pub(super) fn select(&mut self, database: u64, report: &mut Report) -> Result<(), Failure> {
        let number = match self.databases.get(&database) {
            Some(number) => *number,
            None if self.databases.is_empty() => database,
            None => {
                self.current = (database, false);
                return Ok(());
            }
        };
        self.current = (database, self.switch(number)?);
        if !self.current.1 {
            let what = format!("database {number}, which the server does not have");
            report.leave_out(&what, b"");
        }
        Ok(())
    }

    /// Selects a database of the server; whether it has it.
    fn switch(&mut self, number: u64) -> Result<bool, Failure> {
        let Some(pipe) = self.pipe.as_mut().filter(|_| self.selected != number) else {
            return Ok(true);
        };
        let reply = pipe.call("SELECT", &["SELECT", &number.to_string()])?;
        if matches!(reply, Value::Error(_)) {
            return Ok(false);
        }
        self.selected = number;
        Ok(true)
    }

    /// Commands are to run on what they ran on before: nothing. Unless the user wants otherwise.
    pub(super) fn require_empty(&mut self) -> Result<(), Failure> {
        let Some(pipe) = self.pipe.as_mut().filter(|_| !self.replace) else { return Ok(()) };
        let reply = pipe.call("INFO", &["INFO", "keyspace"])?;
        let (Value::Bulk(text) | Value::Simple(text)) = reply else {
            return Err(Failure::Refused("the server does not reply to INFO".into()));
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let numbers = text.lines().filter_map(|line| line.strip_prefix("db")?.split_once(':'));
        for number in numbers.filter_map(|(number, _)| number.parse::<u64>().ok()) {
            if self.databases.is_empty() || self.databases.values().any(|to| *to == number) {
                return Err(Failure::Refused(format!(
                    "the file has commands, and database {number} of the server is not empty; \
                     --replace runs them all the same"
                )));
            }
        }
        Ok(())
    }

    /// Empties all databases that data go to.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let Some(pipe) = self.pipe.as_mut() else { return Ok(()) };
        if self.databases.is_empty() {
            return pipe.send("FLUSHALL", b"", &[&encode(&["FLUSHALL"])]);
        }
        let (before, numbers) = (self.selected, self.databases.values().copied());
        for number in numbers.collect::<Vec<_>>() {
            if self.switch(number)?
                && let Some(pipe) = &mut self.pipe
            {
                pipe.send("FLUSHDB", b"", &[&encode(&["FLUSHDB"])])?;
            }
        }
        self.switch(before).map(drop)
    }

    /// Waits for the server, and reports what it has refused.
    pub(super) fn finish(self, report: &mut Report) -> Result<(), Failure> {
        let Some(pipe) = self.pipe else { return Ok(()) };
        let (errors, ended) = pipe.finish();
        for ((name, text), (count, key)) in errors {
            if text.starts_with("BUSYKEY") {
                report.existing += count;
            } else {
                let what = format!("{name}: {text}");
                (0..count).for_each(|_| report.leave_out(&what, &key));
            }
        }
        ended
    }
}
