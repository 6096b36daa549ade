//! A connection that asks for checkpoints and merges at random moments.

use std::thread;
use std::time::Duration;

use ferric_resp::Value;

use crate::client::{Client, ClientError};
use crate::crash::load::Load;
use crate::rng::Rng;

/// The time between two requests, in milliseconds.
const PAUSE_MS: (u64, u64) = (20, 400);

/// How long a checkpoint or a merge may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until the server is gone or the load is to end.
///
/// # Errors
/// A sentence when the server refuses or ends the connection while nobody has stopped it.
pub(in crate::crash) fn maintain(load: &Load, mut rng: Rng) -> Result<(), String> {
    let mut client = match Client::connect(load.port) {
        Ok(client) => client,
        Err(_) if load.is_stopped() => return Ok(()),
        Err(error) => return Err(format!("maintenance: no connection: {error}")),
    };
    loop {
        thread::sleep(Duration::from_millis(rng.between(PAUSE_MS.0, PAUSE_MS.1)));
        if load.is_stopped() {
            return Ok(());
        }
        let words: &[&str] = match rng.below(2) {
            0 => &["FERRICSTORE.CHECKPOINT"],
            _ => &["FERRICSTORE.MERGE", "NOW"],
        };
        match call(&mut client, words) {
            Ok(Value::Error(_)) | Err(ClientError::Closed) if load.is_stopped() => return Ok(()),
            Ok(Value::Error(text)) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                return Err(format!("{words:?} was refused: {text}"));
            }
            Ok(_) => {}
            Err(error) => return Err(format!("{words:?}: {error}")),
        }
    }
}

fn call(client: &mut Client, words: &[&str]) -> Result<Value, ClientError> {
    let mut request = Vec::new();
    crate::client::encode(&mut request, words);
    client.send(&request)?;
    Ok(client.reply_within(PATIENCE)?.value)
}
