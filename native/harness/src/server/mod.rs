//! Servers under test: child processes on ports and in directories of their own.

mod place;
pub(crate) mod process;
mod ready;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use place::{Scratch, free_port};
use process::Process;

use crate::client::{Client, ClientError};

/// How long a server may take to start.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// Where `mix release` puts the script that starts FerricStore.
const RELEASE: &str = "_build/prod/rel/ferricstore/bin/ferricstore";

/// What is being run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Product {
    /// FerricStore: its release's start script.
    Release(PathBuf),
    /// The redis-server of this machine.
    Redis,
}

impl Default for Product {
    fn default() -> Self {
        Product::Release(PathBuf::from(RELEASE))
    }
}

/// When a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// After it is on disk: FerricStore's `quorum`, Redis's `appendfsync always`.
    Synced,
    /// Before; it is on disk soon after: FerricStore's `async`, Redis's `appendfsync everysec`.
    Soon,
    /// Before, and it need not survive: Redis without persistence. FerricStore has no such mode.
    Never,
}

/// How a server is to be started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which server.
    pub product: Product,
    /// When it acknowledges.
    pub durability: Durability,
    /// Its directory.
    pub data_dir: PathBuf,
    /// FerricStore's I/O back end (`auto`, `uring`, `posix`).
    pub io: &'static str,
    /// FerricStore's number of shards, 0 for one per CPU.
    pub shards: u32,
    /// The password clients need, if any.
    pub password: Option<String>,
    /// What the names of its log and temporary files begin with; by default, `data_dir`.
    pub aside: Option<PathBuf>,
    /// Further settings: FerricStore's environment variables, or Redis's directives.
    pub more: Vec<(String, String)>,
}

impl Settings {
    /// The usual settings for `product` in `data_dir`.
    pub fn new(product: Product, durability: Durability, data_dir: PathBuf) -> Settings {
        Settings {
            product,
            durability,
            data_dir,
            io: "auto",
            shards: 0,
            password: None,
            aside: None,
            more: Vec::new(),
        }
    }

    /// A file or directory of the server that is not part of its data.
    fn aside(&self, extension: &str) -> PathBuf {
        self.aside.as_ref().unwrap_or(&self.data_dir).with_extension(extension)
    }
}

/// Why a server did not come up or go down as it should.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A file or process could not be handled.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// It did not answer in time, or ended before it did.
    #[error("the server did not start: {why}\n{output}")]
    NotReady {
        /// What was missing.
        why: String,
        /// What it wrote.
        output: String,
    },
    /// It is still there after SIGTERM.
    #[error("the server did not stop within {0:?}\n{1}")]
    NotStopped(Duration, String),
}

/// A running server. Dropping it kills it.
pub struct Server {
    process: Process,
    settings: Settings,
    port: u16,
    health_port: u16,
    log: PathBuf,
}

impl Server {
    /// Starts a server and waits until it serves.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start(settings: Settings) -> Result<Server, ServerError> {
        let mut server = Server::spawn(settings)?;
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Starts a server without waiting.
    ///
    /// # Errors
    /// When the process or its files cannot be created.
    pub fn spawn(settings: Settings) -> Result<Server, ServerError> {
        let context = |what: &str| {
            let what = what.to_owned();
            move |error| ServerError::Io(what, error)
        };
        fs::create_dir_all(&settings.data_dir).map_err(context("data directory"))?;
        let port = free_port().map_err(context("free port"))?;
        let health_port = free_port().map_err(context("free port"))?;
        let log = settings.aside("log");
        let output = fs::File::create(&log).map_err(context("log file"))?;
        let errors = output.try_clone().map_err(context("log file"))?;
        let mut command = command(&settings, port, health_port);
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let process = Process::spawn(command).map_err(context("server program"))?;
        Ok(Server { process, settings, port, health_port, log })
    }

    /// Waits until a started server answers PING and reports itself ready.
    ///
    /// # Errors
    /// When it ends or does not answer.
    pub fn wait_until_ready(&mut self) -> Result<(), ServerError> {
        self.wait_until(START_PATIENCE, Duration::from_millis(10), Server::check_ready)
    }

    /// Waits until a started server answers PING, looking often, so that the time can be taken.
    ///
    /// # Errors
    /// When it ends, or does not answer within `patience`.
    pub fn wait_for_ping(&mut self, patience: Duration) -> Result<(), ServerError> {
        self.wait_until(patience, Duration::from_millis(2), Server::check_ping)
    }

    fn wait_until(
        &mut self,
        patience: Duration,
        pause: Duration,
        check: fn(&Server) -> Result<(), String>,
    ) -> Result<(), ServerError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.process.ended().map_err(|e| self.lost(e))? {
                return Err(self.not_ready(format!("it ended with {status}")));
            }
            let missing = match check(self) {
                Ok(()) => return Ok(()),
                Err(missing) => missing,
            };
            if Instant::now() > deadline {
                return Err(self.not_ready(format!("{missing} after {patience:?}")));
            }
            std::thread::sleep(pause);
        }
    }

    fn check_ping(&self) -> Result<(), String> {
        ready::answers_ping(self.port, self.settings.password.as_deref())
    }

    fn check_ready(&self) -> Result<(), String> {
        self.check_ping()?;
        match self.settings.product {
            Product::Release(_) => ready::is_healthy(self.health_port),
            Product::Redis => Ok(()),
        }
    }

    fn lost(&self, error: io::Error) -> ServerError {
        ServerError::Io("server process".to_owned(), error)
    }

    fn not_ready(&self, why: String) -> ServerError {
        ServerError::NotReady { why, output: self.output() }
    }

    /// The port for Redis clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of the server itself.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What the server has been started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the server has written to its standard output and error.
    pub fn output(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A connection, authenticated if the server has a password.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn connect(&self) -> Result<Client, ClientError> {
        let mut client = Client::connect(self.port).map_err(ClientError::Io)?;
        if let Some(password) = &self.settings.password {
            client.call(&["AUTH", password])?;
        }
        Ok(client)
    }

    /// Kills the server with SIGKILL and waits until it is gone. Returns what it had written.
    pub fn kill(mut self) -> String {
        self.process.kill();
        self.output()
    }

    /// Stops the server with SIGSTOP, so that it does nothing more until [`Server::resume`], and
    /// waits until it has stopped.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn pause(&self) -> Result<(), ServerError> {
        self.process.pause().map_err(|error| self.lost(error))
    }

    /// Lets a paused server go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Asks the server to stop with SIGTERM, without waiting.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Waits for the end of a server that has been asked to stop.
    ///
    /// # Errors
    /// When it is still there after `patience`.
    pub fn wait(mut self, patience: Duration) -> Result<(ExitStatus, String), ServerError> {
        match self.process.wait(patience).map_err(|e| self.lost(e))? {
            Some(status) => Ok((status, self.output())),
            None => Err(ServerError::NotStopped(patience, self.output())),
        }
    }
}

/// The command that starts a server.
fn command(settings: &Settings, port: u16, health_port: u16) -> Command {
    match &settings.product {
        Product::Release(script) => release(settings, script, port, health_port),
        Product::Redis => redis(settings, port),
    }
}

fn release(settings: &Settings, script: &Path, port: u16, health_port: u16) -> Command {
    let durability = match settings.durability {
        Durability::Synced => "quorum",
        Durability::Soon | Durability::Never => "async",
    };
    let mut command = process::tied_to_us(script);
    command
        .arg("start")
        .env("FERRICSTORE_PORT", port.to_string())
        .env("FERRICSTORE_HEALTH_PORT", health_port.to_string())
        .env("FERRICSTORE_BIND", "127.0.0.1")
        .env("FERRICSTORE_DATA_DIR", &settings.data_dir)
        .env("FERRICSTORE_DURABILITY", durability)
        .env("FERRICSTORE_IO", settings.io)
        .env("FERRICSTORE_SHARD_COUNT", settings.shards.to_string())
        .env("FERRICSTORE_PASSWORD", settings.password.as_deref().unwrap_or(""))
        .env("RELEASE_TMP", settings.aside("tmp"))
        .envs(settings.more.iter().map(|(name, value)| (name, value)));
    command
}

fn redis(settings: &Settings, port: u16) -> Command {
    let (append_only, sync) = match settings.durability {
        Durability::Synced => ("yes", "always"),
        Durability::Soon => ("yes", "everysec"),
        Durability::Never => ("no", "no"),
    };
    let mut command = process::tied_to_us(Path::new("redis-server"));
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"])
        .args(["--save", "", "--appendonly", append_only, "--appendfsync", sync])
        .args(["--enable-debug-command", "yes"])
        .arg("--dir")
        .arg(&settings.data_dir);
    if let Some(password) = &settings.password {
        command.args(["--requirepass", password]);
    }
    for (directive, value) in &settings.more {
        command.arg(format!("--{directive}")).arg(value);
    }
    command
}
