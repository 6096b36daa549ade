//! Child processes and signals.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How often an end is looked for.
const POLL: Duration = Duration::from_millis(5);

/// How long stopping all threads may take; one that is writing stops after that.
const PAUSE_PATIENCE: Duration = Duration::from_secs(10);

/// A command that runs `program` so that the kernel kills it when the thread that spawned it ends:
/// an interrupted test leaves no server behind. setpriv(1) becomes the program and keeps its
/// process id.
pub(crate) fn tied_to_us(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// A child in a process group of its own, so that its helpers die with it and a Ctrl-C for us does
/// not reach it.
pub(super) struct Process {
    child: Child,
    ended: Option<ExitStatus>,
}

impl Process {
    pub(super) fn spawn(mut command: Command) -> io::Result<Process> {
        let child = command.process_group(0).spawn()?;
        Ok(Process { child, ended: None })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Waits for its end.
    pub(super) fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + patience;
        loop {
            let status = self.ended()?;
            if status.is_some() || Instant::now() > deadline {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
    }

    pub(super) fn terminate(&self) {
        if self.ended.is_none() {
            signal(self.child.id() as libc::pid_t, libc::SIGTERM);
        }
    }

    /// Stops the whole group with SIGSTOP and waits until the child has stopped.
    pub(super) fn pause(&self) -> io::Result<()> {
        signal(-(self.child.id() as libc::pid_t), libc::SIGSTOP);
        let deadline = Instant::now() + PAUSE_PATIENCE;
        while !self.is_paused()? {
            if Instant::now() > deadline {
                return Err(io::Error::other("it goes on after SIGSTOP"));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Whether every thread of the child has stopped.
    fn is_paused(&self) -> io::Result<bool> {
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = fs::read_to_string(task?.path().join("stat"))?;
            // The state comes after the name, which is in parentheses and may contain some.
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            if state != Some('T') {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn resume(&self) {
        signal(-(self.child.id() as libc::pid_t), libc::SIGCONT);
    }

    /// Kills the whole group with SIGKILL and waits until the child is gone.
    pub(super) fn kill(&mut self) {
        if self.ended.is_none() {
            signal(-(self.child.id() as libc::pid_t), libc::SIGKILL);
            self.ended = self.child.wait().ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process, or to a group if `id` is negative. One that is gone already needs
/// none, so the result does not matter.
fn signal(id: libc::pid_t, signal: libc::c_int) {
    // SAFETY: kill(2) takes numbers only and touches no memory of ours. The callers pass a child
    // that has not been waited for, so its id, and the group it leads, cannot have been reused.
    unsafe { libc::kill(id, signal) };
}
