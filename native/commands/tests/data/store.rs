//! A store on a simulated disk, and a client of it.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use ferric_commands::clients::{Peer, Transport};
use ferric_commands::{Next, Server, ServerOptions, Session};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Durability, Engine, Missing, Options};

/// Several shards, so that commands on several keys lock several.
const SHARDS: u16 = 3;

/// A client of a store of its own.
pub struct Store {
    disk: SimIo,
    engine: Arc<Engine>,
    server: Server,
    session: Session,
    /// How often a command asked for a dirty scheduler.
    pub long_calls: usize,
}

impl Store {
    /// An empty store.
    pub fn new() -> Store {
        Store::open(SimIo::new())
    }

    fn open(disk: SimIo) -> Store {
        let mut options = Options::new(PathBuf::from("store"), Arc::new(disk.clone()));
        options.shards = SHARDS;
        options.durability = Durability::Async { interval: Duration::from_millis(5) };
        options.segment_size = 4 << 20;
        let server = Server::open(options, ServerOptions::default()).expect("a store");
        let engine = Arc::clone(server.engine());
        let peer = Peer {
            address: "127.0.0.1:1".into(),
            local: "127.0.0.1:2".into(),
            transport: Transport::Tcp,
            loopback: true,
        };
        let session = server.connect(peer).expect("room for a client");
        Store { disk, engine, server, session, long_calls: 0 }
    }

    /// Closes the store and opens it again from its disk.
    pub fn reopened(self) -> Store {
        let Store { disk, engine, server, session, .. } = self;
        drop((session, server));
        engine.close().expect("closed cleanly");
        drop(engine);
        Store::open(disk)
    }

    /// Runs a command whose words are separated by spaces; returns its reply with line ends shown
    /// as spaces.
    pub fn run(&mut self, command: &str) -> String {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        String::from_utf8(self.call(&words)).expect("text").replace("\r\n", " ").trim_end().into()
    }

    /// Waits until what a command missed is in memory.
    fn fetch(&self, missing: Missing) {
        let (sender, receiver) = mpsc::channel();
        self.engine.fetch(
            missing,
            Box::new(move || {
                let _ = sender.send(());
            }),
        );
        receiver.recv_timeout(Duration::from_secs(10)).expect("fetched in time");
    }

    /// Runs a command; returns its reply.
    pub fn call(&mut self, words: &[&[u8]]) -> Vec<u8> {
        let (mut reply, mut long) = (Vec::new(), false);
        loop {
            let progress = self.server.call(&mut self.session, words, &mut reply, long);
            match progress.next {
                Next::Read => return reply,
                Next::Long => {
                    assert!(reply.is_empty(), "a command that is to be run again has replied");
                    assert!(!long, "a long command is long on a dirty scheduler, too");
                    self.long_calls += 1;
                    long = true;
                }
                Next::Again => {}
                Next::Busy => std::thread::sleep(Duration::from_millis(1)),
                Next::Cold => self.fetch(progress.missing),
                Next::Waiting => panic!("a command on data waits for a job"),
                Next::Control(control) => panic!("{control:?}"),
            }
        }
    }
}
