//! A full disk.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ferric_resp::Value;

use super::cut::{CutError, CutPlan, scratch, settings};
use crate::client::{Client, ClientError, encode};
use crate::crash::large::value_of;
use crate::disk::{Mount, make_image};
use crate::server::Server;

/// The disk's size in bytes, and that of the file whose removal gives room again: more than a
/// segment of FerricStore's log.
const DISK_SIZE: u64 = 300 << 20;
const BALLAST: u64 = 100 << 20;

/// Commands in a pipeline.
const DEPTH: u64 = 64;

/// Pipelines that are sent although the disk is full.
const MORE_PIPELINES: u32 = 8;

/// How long writes may be refused after there is room again.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes that must succeed after that.
const WRITES_AFTER: u64 = 2_000;

/// What a refusal says, whatever else.
const REFUSAL: (&[u8], &str) = (b"MISCONF ", "No space left on device");

/// Figures of the test.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    /// Writes until the disk was full.
    pub before: u64,
    /// Writes that were refused.
    pub refused: u64,
    /// Time from the removal of the ballast to the first write, in milliseconds.
    pub recovered_ms: u64,
    /// Writes after that.
    pub after: u64,
}

/// Fills a disk, checks that everything acknowledged can be read, gives room, checks that writes
/// work again, kills the server, and checks again. With `keep` the disk of a failure is kept.
///
/// # Errors
/// See [`CutError`].
pub fn run(plan: &CutPlan, keep: bool) -> Result<Filled, CutError> {
    let mut scratch = scratch()?;
    let image = scratch.path().join("disk.img");
    make_image(&image, DISK_SIZE)?;
    let result = on_disk(plan, &image, scratch.path());
    if keep && matches!(result, Err(CutError::Broken(_))) {
        scratch.keep();
        println!("the disk is kept in {}", image.display());
    }
    result
}

fn on_disk(plan: &CutPlan, image: &Path, scratch: &Path) -> Result<Filled, CutError> {
    let mount = Mount::direct(image, &scratch.join("disk"))?;
    let ballast = mount.path().join("ballast");
    write_ballast(&ballast).map_err(|error| CutError::File(ballast.clone(), error))?;
    let start = || Server::start(settings(plan, mount.path(), &scratch.join("server")));
    let server = start()?;
    let mut keys = Keys::connect(&server).map_err(CutError::Broken)?;
    let broken = |why: String| CutError::Broken(why);
    keys.fill().map_err(broken)?;
    let before = keys.acknowledged.len() as u64;
    keys.check("while the disk is full").map_err(broken)?;
    fs::remove_file(&ballast).map_err(|error| CutError::File(ballast, error))?;
    let recovered = keys.wait_for_room().map_err(broken)?;
    keys.write_more().map_err(broken)?;
    keys.check("after there was room again").map_err(broken)?;
    server.kill();
    let server = start().map_err(|error| CutError::Broken(error.to_string()))?;
    keys.reconnect(&server).map_err(broken)?;
    keys.check("after a kill").map_err(broken)?;
    server.kill();
    Ok(Filled {
        before,
        refused: keys.refused.len() as u64,
        recovered_ms: recovered.as_millis() as u64,
        after: keys.acknowledged.len() as u64 - before,
    })
}

/// Real bytes: a file without any would take no room.
fn write_ballast(path: &Path) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    std::io::copy(&mut std::io::Read::take(std::io::repeat(1), BALLAST), &mut file)?;
    file.sync_all()
}

/// The keys that have been written, each once, and a connection.
struct Keys {
    client: Client,
    acknowledged: Vec<u64>,
    refused: Vec<u64>,
    next: u64,
}

/// What became of some writes.
enum Written {
    All,
    /// At least one was refused.
    Refused,
}

impl Keys {
    fn connect(server: &Server) -> Result<Keys, String> {
        let client = server.connect().map_err(sentence)?;
        Ok(Keys { client, acknowledged: Vec::new(), refused: Vec::new(), next: 1 })
    }

    fn reconnect(&mut self, server: &Server) -> Result<(), String> {
        self.client = server.connect().map_err(sentence)?;
        Ok(())
    }

    /// Writes until something is refused.
    fn fill(&mut self) -> Result<(), String> {
        let mut bytes = 0;
        while let Written::All = self.write(DEPTH, &mut bytes)? {
            if bytes > DISK_SIZE {
                return Err(format!("{bytes} bytes were acknowledged on a disk of {DISK_SIZE}"));
            }
        }
        // Some may fit where a larger one did not; whatever is acknowledged must be there.
        (0..MORE_PIPELINES).try_for_each(|_| self.write(DEPTH, &mut bytes).map(drop))
    }

    /// Tries until nothing is refused any more.
    fn wait_for_room(&mut self) -> Result<Duration, String> {
        let began = Instant::now();
        loop {
            if let Written::All = self.write(1, &mut 0)? {
                return Ok(began.elapsed());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("writes are still refused {PATIENCE:?} after there was room"));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn write_more(&mut self) -> Result<(), String> {
        let end = self.next + WRITES_AFTER;
        while self.next < end {
            if let Written::Refused = self.write(DEPTH, &mut 0)? {
                return Err("a write was refused although there was room again".to_owned());
            }
        }
        Ok(())
    }

    /// Sets the next `count` keys; adds the bytes of those that were set to `bytes`.
    fn write(&mut self, count: u64, bytes: &mut u64) -> Result<Written, String> {
        let numbers = self.next..self.next + count;
        self.next += count;
        let mut request = Vec::new();
        for number in numbers.clone() {
            encode(&mut request, &[b"SET".to_vec(), key(number), value_of(0, number)]);
        }
        self.client.send(&request).map_err(sentence)?;
        let mut written = Written::All;
        for number in numbers {
            match self.client.reply().map_err(sentence)?.value {
                Value::Simple(text) if text == b"OK" => {
                    self.acknowledged.push(number);
                    *bytes += value_of(0, number).len() as u64;
                }
                Value::Error(text) if is_refusal(&text) => {
                    self.refused.push(number);
                    written = Written::Refused;
                }
                other => return Err(format!("a write was answered with {other:?}")),
            }
        }
        Ok(written)
    }

    /// Everything acknowledged must be there, and nothing that was refused.
    fn check(&mut self, when: &str) -> Result<(), String> {
        let acknowledged = std::mem::take(&mut self.acknowledged);
        let refused = std::mem::take(&mut self.refused);
        let there =
            self.compare(&acknowledged, |number, value| *value == Value::Bulk(value_of(0, number)));
        let gone = self.compare(&refused, |_, value| *value == Value::Null);
        (self.acknowledged, self.refused) = (acknowledged, refused);
        there.map_err(|why| format!("{when}, of what was acknowledged: {why}"))?;
        gone.map_err(|why| format!("{when}, of what was refused: {why}"))
    }

    fn compare(
        &mut self,
        numbers: &[u64],
        right: impl Fn(u64, &Value) -> bool,
    ) -> Result<(), String> {
        for numbers in numbers.chunks(DEPTH as usize) {
            let mut request = Vec::new();
            numbers.iter().for_each(|n| encode(&mut request, &[b"GET".to_vec(), key(*n)]));
            self.client.send(&request).map_err(sentence)?;
            for number in numbers {
                let value = self.client.reply().map_err(sentence)?.value;
                if !right(*number, &value) {
                    let shown = crate::text::quote(format!("{value:?}").as_bytes());
                    return Err(format!("key {number} is {shown}"));
                }
            }
        }
        Ok(())
    }
}

fn key(number: u64) -> Vec<u8> {
    format!("full:{number}").into_bytes()
}

fn is_refusal(text: &[u8]) -> bool {
    text.starts_with(REFUSAL.0) && String::from_utf8_lossy(text).contains(REFUSAL.1)
}

fn sentence(error: ClientError) -> String {
    error.to_string()
}
