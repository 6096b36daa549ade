//! An open store and what belongs to it: configuration, counters, clients.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use ferric_engine::{Durability, Engine, Observer, OpenError, Options};

use crate::blocked::Blocked;
use crate::clients::{Client, Clients, Peer, Transport};
use crate::config::Config;
use crate::executor::wall_clock_us;
use crate::field_expiry::FieldExpiry;
use crate::pubsub::{Post, PubSub};
use crate::session::{Session, initial_protocol, protocol_number};
use crate::slot;
use crate::stats::Stats;
use crate::values::registry::ValueCodec;
use crate::watches::Watches;

/// The Redis version whose command set this is; what clients look at to know what they may use.
pub const REDIS_VERSION: &str = "7.2.4";

/// What the store was opened with, as far as commands show or need it.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Number of databases, at least 1; not more than the engine has spaces.
    pub databases: u16,
    /// The password clients must give, if any.
    pub password: Option<Vec<u8>>,
    /// Most connections at a time.
    pub max_clients: u32,
    /// Whether clients from other machines are refused while there is no password.
    pub protected_mode: bool,
    /// TCP port the server listens on; 0 for none.
    pub port: u16,
    /// Path of the Unix socket, if there is one.
    pub unix_socket: Option<String>,
    /// The data directory.
    pub data_dir: String,
    /// When replies are sent; [`Server::open`] takes it from the engine, whatever is given here.
    pub durability: Durability,
    /// FerricStore's version.
    pub version: String,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            databases: 16,
            password: None,
            max_clients: 10_000,
            protected_mode: true,
            port: 0,
            unix_socket: None,
            data_dir: String::new(),
            durability: Durability::Quorum,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// An open store and what belongs to it. Shared by all sessions.
pub struct Server {
    engine: Arc<Engine>,
    watches: Arc<Watches>,
    blocked: Arc<Blocked>,
    config: Config,
    stats: Stats,
    clients: Arc<Clients>,
    field_expiry: FieldExpiry,
    pubsub: Arc<PubSub>,
    shards: u16,
    version: String,
    run_id: String,
    started: Instant,
    started_us: u64,
    random: RandomState,
}

impl Server {
    /// Opens a store, and a server over it. What the engine has to know of values and keys it is told
    /// here, whatever `engine` says.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(mut engine: Options, options: ServerOptions) -> Result<Server, OpenError> {
        let (watches, blocked) = (Arc::<Watches>::default(), Arc::<Blocked>::default());
        engine.spaces = options.databases;
        engine.route = slot::shard_of;
        engine.codec = Arc::new(ValueCodec);
        engine.observer =
            Arc::new(Interested { watches: watches.clone(), blocked: blocked.clone() });
        Ok(Server::new(Engine::open(engine)?, watches, blocked, options))
    }

    fn new(
        engine: Arc<Engine>,
        watches: Arc<Watches>,
        blocked: Arc<Blocked>,
        options: ServerOptions,
    ) -> Server {
        let random = RandomState::new();
        let shards = u16::try_from(engine.shards()).unwrap_or(u16::MAX).max(1);
        let options = ServerOptions { durability: engine.durability(), ..options };
        Server {
            shards,
            version: options.version.clone(),
            config: Config::new(options),
            engine,
            watches,
            blocked,
            stats: Stats::new(),
            clients: Arc::default(),
            field_expiry: FieldExpiry::default(),
            pubsub: Arc::default(),
            run_id: random_hex(&random),
            started: Instant::now(),
            started_us: wall_clock_us(),
            random,
        }
    }

    /// Registers a client.
    ///
    /// # Errors
    /// The whole reply to send before closing the connection, when it is refused: too many clients,
    /// or protected mode.
    pub fn connect(&self, peer: Peer) -> Result<Session, String> {
        let embedded = peer.transport == Transport::Embedded;
        let foreign = peer.transport == Transport::Tcp && !peer.loopback;
        let protocol = protocol_number(initial_protocol(peer.transport));
        let id = self.clients.next_id();
        let now_ms = wall_clock_us() / 1000;
        let client = Arc::new(Client::new(id, peer, now_ms, protocol));
        if !self.clients.add(&client, self.config.max_clients()) {
            self.stats.refused();
            return Err("-ERR max number of clients reached\r\n".to_owned());
        }
        // From here on the session's drop removes the client.
        let random = self.random.hash_one(id);
        let mut session = {
            let waiters = Arc::clone(&self.blocked);
            Session::new(client, Arc::clone(&self.clients), waiters, random)
        };
        if foreign && self.config.protected_mode() && !self.config.has_password() {
            self.stats.refused();
            return Err(protected_mode_reply());
        }
        session.set_authenticated(embedded || !self.config.has_password());
        self.stats.connected();
        Ok(session)
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The keys that clients watch.
    pub(crate) fn watches(&self) -> &Arc<Watches> {
        &self.watches
    }

    /// The clients that wait for a key.
    pub(crate) fn blocked(&self) -> &Arc<Blocked> {
        &self.blocked
    }

    /// Number of shards of the key space.
    #[inline]
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// Number of databases.
    #[inline]
    pub fn databases(&self) -> u16 {
        self.config.databases()
    }

    /// The configuration.
    #[inline]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The counters.
    #[inline]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The hashes with fields that expire.
    pub fn field_expiry(&self) -> &FieldExpiry {
        &self.field_expiry
    }

    /// Who is subscribed to what.
    pub fn pubsub(&self) -> &Arc<PubSub> {
        &self.pubsub
    }

    /// Sends a message to its subscribers, at this Unix time in milliseconds; to how many.
    pub fn publish(&self, post: Post<'_>, now_ms: u64) -> usize {
        self.pubsub.publish(post, self.config.output_limits().pubsub(), now_ms)
    }

    /// The connected clients.
    pub fn clients(&self) -> &Arc<Clients> {
        &self.clients
    }

    /// FerricStore's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// 40 hexadecimal digits, different in each run.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// When the server was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The same by the wall clock, in microseconds since 1970.
    pub fn started_us(&self) -> u64 {
        self.started_us
    }
}

/// Who hears of the engine's changes.
struct Interested {
    watches: Arc<Watches>,
    blocked: Arc<Blocked>,
}

impl Observer for Interested {
    #[inline]
    fn changed(&self, space: u16, key: &[u8]) -> bool {
        self.watches.changed(space, key);
        self.blocked.waits_for(space, key)
    }

    fn rearranged(&self, after: &[Option<u16>], has_key: &dyn Fn(u16, &[u8]) -> bool) {
        self.watches.rearranged(after, has_key);
        self.blocked.rearranged(after, has_key);
    }
}

fn random_hex(random: &RandomState) -> String {
    let digits: String = (0u8..3).map(|part| format!("{:016x}", random.hash_one(part))).collect();
    digits[..40].to_owned()
}

fn protected_mode_reply() -> String {
    "-DENIED FerricStore is running in protected mode: no password is set, so only clients on the \
     same machine are accepted. Set FERRICSTORE_PASSWORD (or CONFIG SET requirepass from a local \
     connection) and let clients authenticate, or, on a network where everyone may read and \
     change everything, switch protected mode off with CONFIG SET protected-mode no.\r\n"
        .to_owned()
}
