//! Runs a command while a fresh server runs, and stops the server after it.
//!
//! ```text
//! with-server [--server PATH|redis] [--password TEXT] [--durability quorum|async] -- command …
//! ```
//!
//! The command finds the port in `SERVER_PORT` and the product, `ferricstore` or `redis`, in
//! `SERVER_PRODUCT`. Its exit status becomes ours.

use std::process::{Command, ExitCode};
use std::time::Duration;

use ferric_harness::options::Options;
use ferric_harness::server::{Durability, Product, Scratch, Server, Settings};

/// How long the server may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("with-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<u8, Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (ours, command) = match words.iter().position(|word| word == "--") {
        Some(at) => (words[..at].to_vec(), &words[at + 1..]),
        None => return Err("there is no -- before the command".into()),
    };
    let [program, arguments @ ..] = command else { return Err("there is no command".into()) };
    let options = Options::parse(ours.into_iter(), &["server", "password", "durability"], &[])?;
    let scratch = Scratch::new("with-server")?;
    let durability = match options.text("durability") {
        Some("async") => Durability::Soon,
        _ => Durability::Synced,
    };
    let product = options.product("server");
    let name = if product == Product::Redis { "redis" } else { "ferricstore" };
    let mut settings = Settings::new(product, durability, scratch.path().join("data"));
    settings.password = options.text("password").map(str::to_owned);
    let server = Server::start(settings)?;
    let status = Command::new(program)
        .args(arguments)
        .env("SERVER_PORT", server.port().to_string())
        .env("SERVER_PRODUCT", name)
        .status()?;
    server.terminate();
    let (stopped, output) = server.wait(STOP_PATIENCE)?;
    if !status.success() || !stopped.success() {
        eprintln!("{output}");
    }
    if !stopped.success() {
        return Err(format!("the server ended with {stopped}").into());
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
