//! What is measured.

use ferric_harness::server::Durability;

/// A setting of both servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contest {
    /// Replies wait for the disk.
    Durable,
    /// Replies do not wait; the disk has everything about a second later.
    EverySecond,
    /// Redis writes nothing to disk; FerricStore does, as in the contest before.
    Memory,
}

impl Contest {
    pub const ALL: [Contest; 3] = [Contest::Durable, Contest::EverySecond, Contest::Memory];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Contest::Durable => "durable",
            Contest::EverySecond => "everysec",
            Contest::Memory => "memory",
        }
    }

    /// The heading of its table.
    pub fn title(self) -> &'static str {
        match self {
            Contest::Durable => "FerricStore `quorum`, redis-server `appendfsync always`",
            Contest::EverySecond => "FerricStore `async`, redis-server `appendfsync everysec`",
            Contest::Memory => "FerricStore `async`, redis-server without persistence",
        }
    }

    /// Ours and Redis's.
    pub fn durabilities(self) -> (Durability, Durability) {
        match self {
            Contest::Durable => (Durability::Synced, Durability::Synced),
            Contest::EverySecond => (Durability::Soon, Durability::Soon),
            Contest::Memory => (Durability::Soon, Durability::Never),
        }
    }
}

/// A command of redis-benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Get,
    Set,
    Incr,
    /// Ten keys at a time.
    Mset,
}

impl Command {
    /// Its name for redis-benchmark's `-t`.
    pub fn test(self) -> &'static str {
        match self {
            Command::Get => "get",
            Command::Set => "set",
            Command::Incr => "incr",
            Command::Mset => "mset",
        }
    }
}

/// One line of a table.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    pub command: Command,
    /// Bytes of a value.
    pub value: u32,
    /// Commands sent at once by a client.
    pub pipeline: u32,
    /// Connections.
    pub clients: u32,
}

impl Workload {
    /// Whether it needs keys that exist.
    pub fn reads(&self) -> bool {
        self.command == Command::Get
    }
}

/// The workloads of a contest; the quick ones are those that have a budget.
pub fn workloads(contest: Contest, quick: bool) -> Vec<Workload> {
    match (quick, contest) {
        (false, _) => full(),
        (true, Contest::Durable) => {
            let load = |pipeline, clients| workload(Command::Set, 3, pipeline, clients);
            vec![load(1, 1), load(1, 50), load(1, 200), load(16, 50), load(128, 50)]
        }
        (true, _) => {
            let commands = [Command::Get, Command::Set];
            let pipelines = [1, 16, 128];
            let all = commands.into_iter().flat_map(|command| {
                pipelines.into_iter().map(move |pipeline| workload(command, 3, pipeline, 50))
            });
            all.collect()
        }
    }
}

/// Every command, size, pipeline and number of clients. INCR has no size.
fn full() -> Vec<Workload> {
    let kinds = [
        (Command::Get, 3),
        (Command::Get, 1024),
        (Command::Set, 3),
        (Command::Set, 1024),
        (Command::Incr, 3),
        (Command::Mset, 3),
        (Command::Mset, 1024),
    ];
    let mut all = Vec::new();
    for (command, value) in kinds {
        for pipeline in [1, 16, 128] {
            for clients in [1, 50, 200] {
                all.push(workload(command, value, pipeline, clients));
            }
        }
    }
    all
}

fn workload(command: Command, value: u32, pipeline: u32, clients: u32) -> Workload {
    Workload { command, value, pipeline, clients }
}
