//! Whether a server that has been started serves.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ferric_resp::Value;

use crate::client::Client;

/// How long one probe may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether PING is answered; the error says what happened instead.
pub(super) fn answers_ping(port: u16, password: Option<&str>) -> Result<(), String> {
    let mut client = Client::connect(port).map_err(|error| format!("no connection ({error})"))?;
    let mut ask = |words: &[&str]| {
        let mut request = Vec::new();
        crate::client::encode(&mut request, words);
        client.send(&request).and_then(|()| client.reply_within(PATIENCE))
    };
    if let Some(password) = password {
        ask(&["AUTH", password]).map_err(|error| format!("no reply to AUTH ({error})"))?;
    }
    let reply = ask(&["PING"]).map_err(|error| format!("no reply to PING ({error})"))?;
    match reply.value {
        Value::Simple(text) if text == b"PONG" => Ok(()),
        other => Err(format!("PING answered with {other:?}")),
    }
}

/// Whether the HTTP port says that the store is ready.
pub(super) fn is_healthy(port: u16) -> Result<(), String> {
    let head = http_status(port).map_err(|error| format!("no HTTP reply ({error})"))?;
    if head.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(format!("not healthy ({head})")) }
}

fn http_status(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream
        .write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    let text = String::from_utf8_lossy(&reply);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
