//! A redis-server of our own.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ferric_rdb::{Consumer, Group, Id, Pending, StreamState};
use ferric_resp::Value as Reply;

use super::value::{Stream, Value};

/// A redis-server on a Unix socket; it ends with this value.
pub struct Redis {
    child: Child,
    folder: PathBuf,
    socket: RefCell<UnixStream>,
}

impl Redis {
    /// Starts the server with some more options. `None` if it is not installed.
    pub fn start(name: &str, options: &[&str]) -> Option<Redis> {
        let folder = std::env::temp_dir().join(format!("ferric-rdb-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the socket");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--unixsocket", "redis.sock"])
            .args(options)
            .current_dir(&folder)
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            eprintln!("redis-server is not installed: nothing to compare with");
            let _ = std::fs::remove_dir_all(&folder);
            return None;
        };
        for _ in 0..200 {
            if let Ok(socket) = UnixStream::connect(folder.join("redis.sock")) {
                socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time");
                return Some(Redis { child, folder, socket: RefCell::new(socket) });
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("redis-server does not answer");
    }

    /// Where the server keeps its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The reply to a command.
    pub fn call<W: AsRef<[u8]>>(&self, words: &[W]) -> Reply {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.as_ref().len()).as_bytes());
            request.extend_from_slice(word.as_ref());
            request.extend_from_slice(b"\r\n");
        }
        let mut socket = self.socket.borrow_mut();
        socket.write_all(&request).expect("redis-server reads");
        let (mut bytes, mut part) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            let count = socket.read(&mut part).expect("redis-server replies");
            assert!(count > 0, "redis-server has gone");
            bytes.extend_from_slice(&part[..count]);
            if let Some((reply, _)) = Reply::parse(&bytes).expect("RESP") {
                return reply;
            }
        }
    }

    /// The same for words in a line.
    pub fn run(&self, line: &str) -> Reply {
        self.call(&line.split(' ').collect::<Vec<_>>())
    }

    pub fn dump(&self, key: &str) -> Vec<u8> {
        bytes(self.call(&["DUMP", key]))
    }

    /// Restores a payload in the place of a key; what the server says.
    pub fn restore(&self, key: &str, payload: &[u8]) -> Result<(), String> {
        match self.call(&[b"RESTORE", key.as_bytes(), b"0", payload, b"REPLACE"]) {
            Reply::Simple(_) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }

    pub fn encoding(&self, key: &str) -> String {
        String::from_utf8(bytes(self.run(&format!("OBJECT ENCODING {key}")))).expect("a name")
    }

    /// What a key holds, as the commands of its type tell.
    pub fn value(&self, key: &str) -> Value {
        match text(&self.run(&format!("TYPE {key}"))).as_str() {
            "string" => Value::String(bytes(self.run(&format!("GET {key}")))),
            "list" => Value::List(list(self.run(&format!("LRANGE {key} 0 -1")))),
            "set" => Value::Set(list(self.run(&format!("SMEMBERS {key}")))),
            "hash" => {
                let all = list(self.run(&format!("HGETALL {key}")));
                let pairs = all.chunks(2);
                Value::Hash(pairs.map(|pair| (pair[0].clone(), pair[1].clone(), 0)).collect())
            }
            "zset" => {
                let all = list(self.run(&format!("ZRANGE {key} 0 -1 WITHSCORES")));
                let score =
                    |text: &[u8]| str::from_utf8(text).expect("digits").parse().expect("a number");
                let pairs = all.chunks(2);
                Value::SortedSet(pairs.map(|pair| (pair[0].clone(), score(&pair[1]))).collect())
            }
            "stream" => Value::Stream(self.stream(key)),
            other => panic!("{key} is {other}"),
        }
    }

    fn stream(&self, key: &str) -> Stream {
        let full = map(self.run(&format!("XINFO STREAM {key} FULL COUNT 0")));
        let get = |name: &str| field(&full, name);
        let entries = array(get("entries")).into_iter().map(|entry| {
            let mut entry = array(entry);
            let fields = list(entry.pop().expect("fields"));
            let pairs = fields.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
            (id(entry.remove(0)), pairs)
        });
        let state = StreamState {
            len: number(get("length")),
            last: id(get("last-generated-id")),
            first: id(get("recorded-first-entry-id")),
            max_deleted: id(get("max-deleted-entry-id")),
            added: number(get("entries-added")),
        };
        let groups = array(get("groups")).into_iter().map(|group| consumers(&map(group)));
        Stream { entries: entries.collect(), state, groups: groups.collect() }
    }
}

fn consumers(group: &[(String, Reply)]) -> (Group, Vec<(Consumer, Vec<Pending>)>) {
    let read = match field(group, "entries-read") {
        Reply::Integer(read) => Some(read as u64),
        _ => None,
    };
    let name = bytes(field(group, "name"));
    let consumers = array(field(group, "consumers")).into_iter().map(|consumer| {
        let consumer = map(consumer);
        let pending = array(field(&consumer, "pending")).into_iter().map(|entry| {
            let mut entry = array(entry).into_iter();
            let mut next = || entry.next().expect("three of them");
            let id = id(next());
            Pending { id, delivered_ms: number(next()), deliveries: number(next()) }
        });
        let seen_ms = number(field(&consumer, "seen-time"));
        let name = bytes(field(&consumer, "name"));
        // Redis 7.0 does not know when a consumer was active, and one assumes this.
        (Consumer { name, seen_ms, active_ms: Some(seen_ms) }, pending.collect())
    });
    (Group { name, last: id(field(group, "last-delivered-id")), read }, consumers.collect())
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bulk(bytes) | Reply::Simple(bytes) => bytes,
        other => panic!("not a string: {other:?}"),
    }
}

fn text(reply: &Reply) -> String {
    String::from_utf8(bytes(reply.clone())).expect("text")
}

pub fn array(reply: Reply) -> Vec<Reply> {
    match reply {
        Reply::Array(items) => items,
        other => panic!("not an array: {other:?}"),
    }
}

fn list(reply: Reply) -> Vec<Vec<u8>> {
    array(reply).into_iter().map(bytes).collect()
}

fn number(reply: Reply) -> u64 {
    match reply {
        Reply::Integer(number) => number as u64,
        other => panic!("not a number: {other:?}"),
    }
}

fn map(reply: Reply) -> Vec<(String, Reply)> {
    let mut items = array(reply).into_iter();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (items.next(), items.next()) {
        pairs.push((text(&name), value));
    }
    pairs
}

fn field(map: &[(String, Reply)], name: &str) -> Reply {
    let found = map.iter().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name}")).1.clone()
}

fn id(reply: Reply) -> Id {
    let text = text(&reply);
    let (ms, seq) = text.split_once('-').expect("two numbers");
    Id { ms: ms.parse().expect("a number"), seq: seq.parse().expect("a number") }
}
