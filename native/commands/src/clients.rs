//! The registry of connected clients, for CLIENT LIST, CLIENT KILL and INFO.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU16, AtomicU64, AtomicUsize, Ordering::Relaxed,
};

use parking_lot::Mutex;

use crate::output_limits::OutputLimit;
use crate::pubsub::{MailNews, Mailbox};
use crate::table;

/// How a client reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A TCP connection.
    Tcp,
    /// A Unix socket.
    Unix,
    /// The embedded API: the application itself, inside the same virtual machine. It is trusted
    /// and does not count against `maxclients`.
    Embedded,
}

/// Where a client comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address: `127.0.0.1:5555`, or the path of the Unix socket.
    pub address: String,
    /// The server's end.
    pub local: String,
    /// The kind of connection.
    pub transport: Transport,
    /// Whether it comes from this machine.
    pub loopback: bool,
}

/// What a client said about itself.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// CLIENT SETNAME.
    pub name: String,
    /// CLIENT SETINFO LIB-NAME.
    pub library: String,
    /// CLIENT SETINFO LIB-VER.
    pub library_version: String,
}

/// The part of a session that others may look at.
pub struct Client {
    /// Unique and growing, from 1.
    pub id: u64,
    /// Where it comes from.
    pub peer: Peer,
    /// Milliseconds since 1970 when it connected.
    pub created_ms: u64,
    pub(crate) identity: Mutex<Identity>,
    pub(crate) last_ms: AtomicU64,
    pub(crate) db: AtomicU16,
    pub(crate) protocol: AtomicU8,
    pub(crate) no_evict: AtomicBool,
    pub(crate) no_touch: AtomicBool,
    /// Index of the last command plus one; 0 before the first.
    pub(crate) command: AtomicUsize,
    pub(crate) buffered: AtomicUsize,
    pub(crate) allocated: AtomicUsize,
    pub(crate) killed: AtomicBool,
    /// It waits for a key.
    blocked: AtomicBool,
    /// Commands that wait for EXEC; -1 outside of MULTI.
    pub(crate) multi: AtomicI64,
    /// Memory they take, in bytes.
    pub(crate) multi_bytes: AtomicUsize,
    /// How many channels, patterns and shard channels it is subscribed to.
    pub(crate) subscriptions: [AtomicUsize; 3],
    /// Messages that it has not taken yet.
    mailbox: Mailbox,
}

impl Client {
    pub(crate) fn new(id: u64, peer: Peer, now_ms: u64, protocol: u8) -> Client {
        Client {
            id,
            peer,
            created_ms: now_ms,
            identity: Mutex::default(),
            last_ms: AtomicU64::new(now_ms),
            db: AtomicU16::new(0),
            protocol: AtomicU8::new(protocol),
            no_evict: AtomicBool::new(false),
            no_touch: AtomicBool::new(false),
            command: AtomicUsize::new(0),
            buffered: AtomicUsize::new(0),
            allocated: AtomicUsize::new(0),
            killed: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            multi: AtomicI64::new(-1),
            multi_bytes: AtomicUsize::new(0),
            subscriptions: Default::default(),
            mailbox: Mailbox::default(),
        }
    }

    /// Marks the client as killed: it executes nothing more.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Relaxed);
    }

    /// Messages that it has not taken yet.
    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Sends it a message. If it does not take them it is disconnected instead.
    pub(crate) fn deliver(&self, message: &Arc<[u8]>, limit: OutputLimit, now_ms: u64) {
        if !self.mailbox.put(message, limit, now_ms) {
            self.kill();
            self.mailbox.tell(MailNews::Overflow);
        }
    }

    /// Whether it is subscribed to anything.
    pub(crate) fn is_subscriber(&self) -> bool {
        self.subscriptions.iter().any(|count| count.load(Relaxed) > 0)
    }

    /// Notes that it waits for a key, or does so no more.
    pub(crate) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Relaxed);
    }

    /// Whether CLIENT KILL has met it.
    pub fn is_killed(&self) -> bool {
        self.killed.load(Relaxed)
    }

    /// The address as CLIENT LIST shows it and CLIENT KILL takes it.
    pub fn address(&self) -> String {
        shown(&self.peer.address, self.peer.transport)
    }

    /// The server's end, likewise.
    pub fn local(&self) -> String {
        shown(&self.peer.local, self.peer.transport)
    }

    /// Memory of its input buffers, in bytes.
    pub fn input_bytes(&self) -> usize {
        self.allocated.load(Relaxed)
    }

    /// The flags of CLIENT LIST.
    fn flags(&self) -> String {
        let mut flags = String::new();
        if self.is_subscriber() {
            flags.push('P');
        }
        if self.blocked.load(Relaxed) {
            flags.push('b');
        }
        if self.multi.load(Relaxed) >= 0 {
            flags.push('x');
        }
        if self.peer.transport == Transport::Unix {
            flags.push('U');
        }
        if self.no_evict.load(Relaxed) {
            flags.push('e');
        }
        if self.no_touch.load(Relaxed) {
            flags.push('T');
        }
        if flags.is_empty() {
            flags.push('N');
        }
        flags
    }

    /// One line of CLIENT LIST, without its line end: the fields of Redis 7.2 in their order.
    ///
    /// Sockets and replies belong to the connection's process, so `fd` is -1 and the reply buffers
    /// are empty here; the output that waits is the messages to a subscriber.
    /// `arguments` is the size of the arguments of the command it is running, 0 when it runs none.
    pub fn describe(&self, line: &mut String, now_ms: u64, arguments: usize) {
        let identity = self.identity.lock().clone();
        let seconds = |since: u64| now_ms.saturating_sub(since) / 1000;
        let buffered = self.buffered.load(Relaxed);
        let allocated = self.allocated.load(Relaxed);
        let multi_bytes = self.multi_bytes.load(Relaxed);
        let waiting = self.mailbox.bytes();
        let command = match self.command.load(Relaxed) {
            0 => "NULL",
            index => &table::entries()[index - 1].full_name,
        };
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            "id={} addr={} laddr={} fd=-1 name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} \
             multi={} qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs=0 rbp=0 obl=0 oll={} omem={} \
             tot-mem={} events=r cmd={} user=default redir=-1 resp={} lib-name={} lib-ver={}",
            self.id,
            self.address(),
            self.local(),
            identity.name,
            seconds(self.created_ms),
            seconds(self.last_ms.load(Relaxed)),
            self.flags(),
            self.db.load(Relaxed),
            self.subscriptions[0].load(Relaxed),
            self.subscriptions[1].load(Relaxed),
            self.subscriptions[2].load(Relaxed),
            self.multi.load(Relaxed),
            buffered,
            allocated.saturating_sub(buffered),
            arguments,
            multi_bytes,
            self.mailbox.len(),
            waiting,
            std::mem::size_of::<Client>() + allocated + arguments + multi_bytes + waiting,
            command,
            self.protocol.load(Relaxed),
            identity.library,
            identity.library_version,
        );
    }
}

fn shown(address: &str, transport: Transport) -> String {
    match transport {
        Transport::Tcp => address.to_owned(),
        Transport::Unix | Transport::Embedded => format!("{address}:0"),
    }
}

/// All connected clients by id, which is the order in which they came.
#[derive(Default)]
pub struct Clients {
    registered: Mutex<Registered>,
    last_id: AtomicU64,
}

#[derive(Default)]
struct Registered {
    by_id: BTreeMap<u64, Arc<Client>>,
    /// How many of them are connections, not the embedded API.
    sockets: usize,
}

impl Clients {
    /// The next client's id.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    /// Adds a client unless `limit` sockets are connected already.
    pub(crate) fn add(&self, client: &Arc<Client>, limit: usize) -> bool {
        let mut registered = self.registered.lock();
        if client.peer.transport != Transport::Embedded {
            if registered.sockets >= limit {
                return false;
            }
            registered.sockets += 1;
        }
        registered.by_id.insert(client.id, Arc::clone(client));
        true
    }

    /// Forgets a client.
    pub(crate) fn remove(&self, id: u64) {
        let mut registered = self.registered.lock();
        let removed = registered.by_id.remove(&id);
        if removed.is_some_and(|client| client.peer.transport != Transport::Embedded) {
            registered.sockets -= 1;
        }
    }

    /// Number of connected sockets.
    pub fn connected(&self) -> usize {
        self.registered.lock().sockets
    }

    /// The client with this id.
    pub fn get(&self, id: u64) -> Option<Arc<Client>> {
        self.registered.lock().by_id.get(&id).cloned()
    }

    /// All clients that have not been killed, in the order in which they came.
    pub fn list(&self) -> Vec<Arc<Client>> {
        let registered = self.registered.lock();
        registered.by_id.values().filter(|c| !c.is_killed()).cloned().collect()
    }
}
