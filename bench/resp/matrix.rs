//! What is measured.

use ferric_harness::server::Durability;

use crate::types;

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

/// A command as redis-benchmark sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// Its name in the table.
    pub name: &'static str,
    /// The words, of which `__rand_int__` and `__data__` are replaced; none for one of
    /// redis-benchmark's own tests, which is then `name`.
    pub words: &'static [&'static str],
    /// What has to be there: commands that are sent before, so often that each key is hit.
    pub fill: &'static [&'static [&'static str]],
    /// Takes away what the fill has put there: so that is done before each run, as often as the
    /// command.
    pub consumes: bool,
    /// Whether the size of values matters.
    pub sized: bool,
}

impl Command {
    const fn test(name: &'static str) -> Command {
        Command { name, words: &[], fill: &[], consumes: false, sized: true }
    }
}

pub const GET: Command =
    Command { fill: &[&["SET", "key:__rand_int__", "__data__"]], ..Command::test("get") };
pub const SET: Command = Command::test("set");
const INCR: Command = Command { sized: false, ..Command::test("incr") };
/// Ten keys at a time.
const MSET: Command = Command::test("mset");

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

/// The workloads of a contest; the quick ones are those that have a budget.
pub fn workloads(contest: Contest, quick: bool, types: bool) -> Vec<Workload> {
    if types {
        return types::workloads();
    }
    match (quick, contest) {
        (false, _) => full(),
        (true, Contest::Durable) => {
            let load = |pipeline, clients| workload(SET, 3, pipeline, clients);
            vec![load(1, 1), load(1, 50), load(1, 200), load(16, 50), load(128, 50)]
        }
        (true, _) => {
            let commands = [GET, SET];
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
    let kinds = [(GET, 3), (GET, 1024), (SET, 3), (SET, 1024), (INCR, 3), (MSET, 3), (MSET, 1024)];
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

pub fn workload(command: Command, value: u32, pipeline: u32, clients: u32) -> Workload {
    Workload { command, value, pipeline, clients }
}
