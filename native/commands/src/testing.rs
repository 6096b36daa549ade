//! A server over a simulated disk, for the tests of this crate.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use ferric_engine::io::sim::SimIo;
use ferric_engine::{Durability, Options};

use crate::clients::{Peer, Transport};
use crate::executor::{Next, Progress};
use crate::server::{Server, ServerOptions};
use crate::session::Session;

/// A server with one connected client.
pub(crate) struct Fixture {
    pub(crate) session: Session,
    pub(crate) server: Server,
    pub(crate) disk: SimIo,
}

/// A client on this machine.
pub(crate) fn local_peer(port: u16) -> Peer {
    Peer {
        address: format!("127.0.0.1:{port}"),
        local: "127.0.0.1:6379".to_owned(),
        transport: Transport::Tcp,
        loopback: true,
    }
}

impl Fixture {
    /// A server that replies when data is durable.
    pub(crate) fn new() -> Fixture {
        Fixture::with(ServerOptions::default(), |_| {})
    }

    /// A server with other settings; the engine's durability is the server's.
    pub(crate) fn with(server: ServerOptions, change: impl FnOnce(&mut Options)) -> Fixture {
        let disk = SimIo::new();
        let mut options = Options::new("store", Arc::new(disk.clone()));
        options.shards = 3;
        options.segment_size = 1 << 20;
        options.durability = server.durability;
        change(&mut options);
        let server = Server::open(options, server).expect("a new store");
        let session = server.connect(local_peer(5555)).expect("accepted");
        Fixture { session, server, disk }
    }

    /// A server that replies at once.
    pub(crate) fn asynchronous() -> Fixture {
        let durability = Durability::Async { interval: Duration::from_secs(3600) };
        Fixture::with(ServerOptions { durability, ..ServerOptions::default() }, |_| {})
    }

    /// Executes input on a dirty scheduler, without waiting for durability.
    pub(crate) fn feed(&mut self, input: &[u8]) -> (Vec<u8>, Progress) {
        let mut out = Vec::new();
        let progress = self.server.execute(&mut self.session, input, &mut out, true);
        (out, progress)
    }

    /// Executes one command, whose words are separated by spaces, and waits until its reply may be
    /// sent.
    pub(crate) fn run(&mut self, command: &str) -> String {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        let (mut out, mut progress) = self.feed(&encode(&words));
        while progress.next == Next::Again {
            let (more, next) = self.feed(b"");
            out.extend(more);
            progress = next;
        }
        assert!(matches!(progress.next, Next::Read | Next::Control(_)), "{:?}", progress.next);
        self.settle(progress.wait);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Waits until `lsn` is durable.
    pub(crate) fn settle(&self, lsn: u64) {
        let (sender, receiver) = mpsc::channel();
        let tell = Box::new(move |outcome| {
            let _ = sender.send(outcome);
        });
        if self.server.engine().wait_durable(lsn, tell).is_none() {
            let outcome = receiver.recv_timeout(Duration::from_secs(10)).expect("in time");
            outcome.expect("durable");
        }
    }
}

/// A command as clients send it.
pub(crate) fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
