//! Stores and sessions as Erlang resources: opening and closing them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ferric_commands::clients::{Peer, Transport};
use ferric_commands::{Server, ServerOptions, Session, budget};
use ferric_engine::io::{Backend, open_backend};
use ferric_engine::{CloseError, Compression, Durability, OpenError, Options};
use parking_lot::Mutex;
use rustler::types::LocalPid;
use rustler::{Atom, Encoder, Env, NifMap, Resource, ResourceArc, Term};

use crate::{atoms, waiting};

/// Time between two syncs in async mode.
const ASYNC_INTERVAL: Duration = Duration::from_millis(100);

/// An open store.
pub(crate) struct Store {
    pub server: Arc<Server>,
    /// The process behind each session, for CLIENT KILL.
    pub owners: Mutex<HashMap<u64, LocalPid>>,
    /// The process that passes the engine's news on.
    pub messenger: LocalPid,
}

/// One client's connection.
pub(crate) struct Client {
    pub store: ResourceArc<Store>,
    /// `None` once closed. A session belongs to one process; the lock only guards against misuse.
    pub session: Mutex<Option<Working>>,
}

/// A session and the buffer its replies are made in.
pub(crate) struct Working {
    pub session: Session,
    pub replies: Vec<u8>,
}

#[rustler::resource_impl]
impl Resource for Store {}

#[rustler::resource_impl]
impl Resource for Client {}

impl Drop for Client {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Client {
    /// Ends the session, if it has not ended.
    fn forget(&self) {
        if let Some(working) = self.session.lock().take() {
            self.store.owners.lock().remove(&working.session.id());
        }
    }
}

#[derive(NifMap)]
#[rustler(decode)]
struct OpenOptions {
    data_dir: String,
    shards: u16,
    durability: Atom,
    io: Atom,
    databases: u16,
    password: Option<String>,
    max_clients: u32,
    protected_mode: bool,
    port: u16,
    unix_socket: Option<String>,
    segment_size: u64,
    max_memory: u64,
    compression: Atom,
    merge_rate: u64,
    version: String,
    messenger: LocalPid,
}

#[derive(NifMap)]
#[rustler(decode)]
struct PeerTerm {
    peer: String,
    local: String,
    transport: Atom,
    loopback: bool,
}

/// A kind of open error, for Elixir to act on, and its text.
type Refusal = (Atom, String);

#[rustler::nif]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[rustler::nif(schedule = "DirtyIo")]
fn open(env: Env<'_>, options: OpenOptions) -> Term<'_> {
    match open_store(options) {
        Ok(store) => (atoms::ok(), ResourceArc::new(store)).encode(env),
        Err(refusal) => (atoms::error(), refusal).encode(env),
    }
}

fn open_store(options: OpenOptions) -> Result<Store, Refusal> {
    let messenger = options.messenger;
    let (engine_options, server_options) = settings(options)?;
    let server = Arc::new(Server::open(engine_options, server_options).map_err(refusal)?);
    Ok(Store { server, owners: Mutex::default(), messenger })
}

/// 0 asks for a share of the machine's memory.
fn max_memory(wanted: u64) -> Result<u64, Refusal> {
    match wanted {
        0 => Ok(budget::share_of_machine()),
        bytes if bytes < budget::MIN => {
            let text = format!("max_memory must be 0 or at least {} bytes", budget::MIN);
            Err((atoms::config(), text))
        }
        bytes => Ok(bytes),
    }
}

fn compression(wanted: Atom) -> Result<Compression, Refusal> {
    match wanted {
        kind if kind == atoms::none() => Ok(Compression::None),
        kind if kind == atoms::lz4() => Ok(Compression::Lz4),
        kind if kind == atoms::zstd() => Ok(Compression::Zstd),
        _ => Err((atoms::config(), "compression must be :none, :lz4 or :zstd".into())),
    }
}

fn settings(options: OpenOptions) -> Result<(Options, ServerOptions), Refusal> {
    let durability = match options.durability {
        mode if mode == atoms::quorum() => Durability::Quorum,
        mode if mode == atoms::r#async() => Durability::Async { interval: ASYNC_INTERVAL },
        _ => return Err((atoms::config(), "durability must be :quorum or :async".into())),
    };
    let backend = match options.io {
        io if io == atoms::auto() => Backend::Auto,
        io if io == atoms::uring() => Backend::Uring,
        io if io == atoms::posix() => Backend::Posix,
        _ => return Err((atoms::config(), "io must be :auto, :uring or :posix".into())),
    };
    let io = open_backend(backend).map_err(|error| (atoms::io(), error.to_string()))?;
    let mut engine = Options::new(&options.data_dir, io);
    engine.shards = shards(options.shards);
    engine.durability = durability;
    engine.segment_size = options.segment_size;
    engine.max_memory = max_memory(options.max_memory)?;
    engine.compression = compression(options.compression)?;
    engine.merge_rate = options.merge_rate;
    let messenger = options.messenger;
    engine.waiters_called = Arc::new(move || waiting::deliver(messenger));
    let server = ServerOptions {
        databases: options.databases,
        password: options.password.map(String::into_bytes),
        max_clients: options.max_clients,
        protected_mode: options.protected_mode,
        port: options.port,
        unix_socket: options.unix_socket,
        data_dir: options.data_dir,
        durability,
        version: options.version,
    };
    Ok((engine, server))
}

/// 0 asks for one shard per processor.
fn shards(wanted: u16) -> u16 {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    if wanted > 0 { wanted } else { u16::try_from(processors()).unwrap_or(u16::MAX) }
}

fn refusal(error: OpenError) -> Refusal {
    let kind = match &error {
        OpenError::Locked(_) => atoms::locked(),
        OpenError::Corrupt { .. } => atoms::corrupt(),
        OpenError::Config(_) => atoms::config(),
        OpenError::Io { .. } => atoms::io(),
    };
    (kind, error.to_string())
}

#[rustler::nif(schedule = "DirtyIo")]
fn close(env: Env<'_>, store: ResourceArc<Store>) -> Term<'_> {
    let outcome = store.server.engine().close();
    waiting::deliver_here(env);
    match outcome {
        Ok(()) => atoms::ok().encode(env),
        Err(CloseError::Failed(reason)) => (atoms::error(), reason).encode(env),
    }
}

#[rustler::nif]
fn session<'a>(env: Env<'a>, store: ResourceArc<Store>, peer: PeerTerm) -> Term<'a> {
    let transport = match peer.transport {
        transport if transport == atoms::unix() => Transport::Unix,
        transport if transport == atoms::embedded() => Transport::Embedded,
        _ => Transport::Tcp,
    };
    let peer = Peer { address: peer.peer, local: peer.local, transport, loopback: peer.loopback };
    match store.server.connect(peer) {
        Err(reply) => (atoms::refused(), reply).encode(env),
        Ok(session) => {
            store.owners.lock().insert(session.id(), env.pid());
            session.on_mail(waiting::for_mail(env, store.messenger));
            let working = Working { session, replies: Vec::new() };
            let client = Client { store, session: Mutex::new(Some(working)) };
            (atoms::ok(), ResourceArc::new(client)).encode(env)
        }
    }
}

#[rustler::nif]
fn session_close(client: ResourceArc<Client>) -> Atom {
    client.forget();
    atoms::ok()
}
