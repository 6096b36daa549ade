//! `import` between two redis-servers: what arrives is what was saved. Without `redis-server` on
//! the path there is nothing to import.

#[path = "../../rdb/tests/common/mod.rs"]
mod common;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::redis::{Redis, bytes};
use common::{Dice, samples};
use ferric_resp::Value as Reply;

/// A server to import into.
struct Target {
    redis: Redis,
    port: u16,
}

impl Target {
    fn start(name: &str) -> Option<Target> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let options = ["--port", &port.to_string(), "--enable-debug-command", "yes"];
        Some(Target { redis: Redis::start(name, &options)?, port })
    }

    /// Imports a file: exit status, standard output, standard error.
    fn import(&self, file: &Path, options: &str) -> (i32, String, String) {
        tool(file, &format!("--port {} {options}", self.port))
    }
}

fn tool(file: &Path, options: &str) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ferricstore-tool"))
        .arg("import")
        .args(options.split_whitespace())
        .arg(file)
        .output();
    let Output { status, stdout, stderr } = output.expect("the tool runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("an exit status"), text(stdout), text(stderr))
}

/// A server whose data are to be imported.
fn source(name: &str, options: &[&str]) -> Option<Redis> {
    Redis::start(name, &[&["--enable-debug-command", "yes"], options].concat())
}

fn digest(redis: &Redis) -> String {
    String::from_utf8(bytes(redis.run("DEBUG DIGEST"))).expect("text")
}

fn saved(redis: &Redis) -> PathBuf {
    assert_eq!(redis.run("SAVE"), Reply::Simple(b"OK".to_vec()));
    redis.folder().join("dump.rdb")
}

/// Values of more than a megabyte of every type.
fn fill_large(redis: &Redis, dice: &mut Dice) -> Vec<&'static str> {
    let random =
        |dice: &mut Dice, len: usize| (0..len).map(|_| dice.roll() as u8).collect::<Vec<u8>>();
    redis.call(&[b"SET", &b"large:string"[..], &random(dice, 3_000_000)]);
    redis.call(&[b"SET", &b"large:zeros"[..], &vec![0; 5_000_000]]);
    for part in 0..100 {
        let texts: Vec<Vec<u8>> = (0..200).map(|_| random(dice, 100)).collect();
        for (command, key) in [("RPUSH", "large:list"), ("SADD", "large:set")] {
            let mut words = vec![command.as_bytes(), key.as_bytes()];
            words.extend(texts.iter().map(Vec::as_slice));
            redis.call(&words);
        }
        let (mut hash, mut zset) =
            (vec![&b"HSET"[..], b"large:hash"], vec![&b"ZADD"[..], b"large:zset"]);
        let scores: Vec<_> = (0..200).map(|_| (dice.roll() as f64 / 1e17).to_string()).collect();
        for (text, score) in texts.iter().zip(&scores) {
            hash.extend([&text[..20], text]);
            zset.extend([score.as_bytes(), text]);
        }
        redis.call(&hash);
        redis.call(&zset);
        for (at, text) in texts.iter().enumerate() {
            let id = format!("{}-{at}", part + 1);
            redis.call(&[b"XADD", &b"large:stream"[..], id.as_bytes(), b"field", text]);
        }
    }
    redis.run("XDEL large:stream 100-199 5-5 1-0");
    redis.run("XGROUP CREATE large:stream some 0 ENTRIESREAD 7");
    redis.run("XREADGROUP GROUP some one COUNT 1500 STREAMS large:stream >");
    redis.run("XREADGROUP GROUP some two COUNT 10 STREAMS large:stream >");
    vec![
        "large:string",
        "large:zeros",
        "large:list",
        "large:set",
        "large:hash",
        "large:zset",
        "large:stream",
    ]
}

/// Everything a stream has; the groups are not part of the digest. Redis does not take over when a
/// consumer was seen.
fn stream(redis: &Redis, key: &str, seen: bool) -> common::value::Value {
    let mut value = redis.value(key);
    if let common::value::Value::Stream(stream) = &mut value {
        let consumers = stream.groups.iter_mut().flat_map(|(_, consumers)| consumers);
        for (consumer, _) in consumers.filter(|_| !seen) {
            (consumer.seen_ms, consumer.active_ms) = (0, None);
        }
    }
    value
}

#[test]
fn a_snapshot_arrives_whole() {
    let Some(redis) = source("snapshot", &[]) else { return };
    let mut dice = Dice::new(21);
    let keys = samples::fill(&redis, &mut dice);
    let large = fill_large(&redis, &mut dice);
    redis.run("PEXPIREAT string:0 4102444800123");
    redis.run("PEXPIREAT large:hash 4102444800124");
    redis.run("SELECT 5");
    samples::fill(&redis, &mut dice);
    redis.run("SELECT 0");
    let file = saved(&redis);

    let Some(target) = Target::start("snapshot-target") else { return };
    let (status, out, error) = target.import(&file, "");
    assert_eq!((status, error.as_str()), (0, ""), "{out}");
    assert!(out.contains("7 large keys"), "{out}");
    assert_eq!(digest(&target.redis), digest(&redis));
    for key in keys.iter().filter(|key| key.starts_with("stream")) {
        assert_eq!(stream(&target.redis, key, true), stream(&redis, key, true), "{key}");
    }
    assert_eq!(stream(&target.redis, "large:stream", false), stream(&redis, "large:stream", false));
    for key in large.into_iter().chain(["string:0", "string:1"]) {
        let question = format!("PEXPIRETIME {key}");
        assert_eq!(target.redis.run(&question), redis.run(&question));
        let question = format!("OBJECT ENCODING {key}");
        assert_eq!(target.redis.run(&question), redis.run(&question));
    }

    // What is there stays, unless it is to be replaced.
    target.redis.run("RPUSH large:list more");
    target.redis.run("SET string:0 other");
    let changed = digest(&target.redis);
    let (status, out, _) = target.import(&file, "");
    assert_eq!(status, 1);
    assert!(out.contains("keys left out: the server has them already"), "{out}");
    assert_eq!(digest(&target.redis), changed);
    let (status, out, _) = target.import(&file, "--replace");
    assert_eq!(status, 0, "{out}");
    assert_eq!(digest(&target.redis), digest(&redis));
}

#[test]
fn what_cannot_be_represented_is_named() {
    let Some(redis) = source("named", &[]) else { return };
    let code = "#!lua name=mylib\nredis.register_function('f', function() return 1 end)";
    redis.call(&["FUNCTION", "LOAD", code]);
    redis.run("SET a 1");
    redis.run("SET gone 1 PX 1");
    redis.run("SELECT 3");
    redis.run("SET b 1");
    let file = saved(&redis);
    std::thread::sleep(std::time::Duration::from_millis(5));
    // Port 1: nobody is asked.
    let (status, out, error) = tool(&file, "--check --port 1");
    assert_eq!((status, error.as_str()), (1, ""), "{out}");
    assert!(out.starts_with("read 2 keys, 0 commands\n    2 strings\n"), "{out}");
    assert!(out.contains("NOT imported: libraries of functions, 1 times (such as mylib)"), "{out}");
    let (status, out, _) = tool(&file, "--check --json --db 3");
    assert_eq!(status, 1);
    assert!(out.starts_with("{\"whole\":false,\"keys\":1,\"strings\":1,"), "{out}");

    let Some(target) = Target::start("named-target") else { return };
    let (status, _, _) = target.import(&file, "--db 3:1");
    assert_eq!(status, 1);
    assert_eq!(target.redis.run("DBSIZE"), Reply::Integer(0));
    target.redis.run("SELECT 1");
    assert_eq!(target.redis.run("KEYS *"), Reply::Array(vec![Reply::Bulk(b"b".to_vec())]));
    let (status, out, _) = target.import(&file, "--db 3:99");
    assert_eq!(status, 1);
    assert!(out.contains("NOT imported: database 99, which the server does not have"), "{out}");
}

#[test]
fn append_only_files_arrive_whole() {
    let options = ["--appendonly", "yes", "--appendfsync", "no"];
    let Some(redis) = source("log", &options) else { return };
    let mut dice = Dice::new(31);
    samples::fill(&redis, &mut dice);
    redis.run("BGREWRITEAOF");
    while !String::from_utf8(bytes(redis.run("INFO persistence")))
        .expect("text")
        .contains("aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0")
    {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    redis.run("SELECT 2");
    samples::fill(&redis, &mut dice);
    redis.run("MULTI");
    redis.run("SET one 1");
    redis.run("RPUSH two 2");
    redis.run("EXEC");
    redis.run("EXPIRE one 100000");
    redis.run("SELECT 4");
    redis.run("SET flushed 1");
    redis.run("FLUSHDB");
    redis.run("SET kept 1");
    let folder = redis.folder().join("appendonlydir");

    let Some(target) = Target::start("log-target") else { return };
    let (status, out, error) = target.import(&folder, "");
    assert_eq!((status, error.as_str()), (0, ""), "{out}");
    assert_eq!(digest(&target.redis), digest(&redis));
    let (status, _, error) = target.import(&folder, "");
    assert_eq!(status, 2);
    assert!(error.contains("is not empty"), "{error}");

    // As Redis before 7.0 kept it: all in one file. The last command is cut.
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a file of the log");
    let mut whole = read("appendonly.aof.2.base.rdb");
    whole.extend(read("appendonly.aof.2.incr.aof"));
    whole.extend(b"*3\r\n$3\r\nSET\r\n$1\r\nx");
    let one = redis.folder().join("appendonly.aof");
    std::fs::write(&one, &whole).expect("written");
    target.redis.run("FLUSHALL");
    let (status, out, error) = target.import(&one, "");
    assert_eq!((status, error.as_str()), (0, ""), "{out}");
    assert!(out.contains("the last command is incomplete: 18 bytes left out"), "{out}");
    assert_eq!(digest(&target.redis), digest(&redis));
    let (status, _, error) = target.import(&one, "");
    assert_eq!(status, 2);
    assert!(error.contains("is not empty"), "{error}");
    let (status, out, _) = target.import(&one, "--db 2:7 --db 4:8");
    assert_eq!(status, 0, "{out}");
}

#[test]
fn a_transaction_counts_when_it_is_complete() {
    let Some(target) = Target::start("transaction") else { return };
    let command = |words: &[&str]| {
        let mut text = format!("*{}\r\n", words.len());
        words.iter().for_each(|word| text += &format!("${}\r\n{word}\r\n", word.len()));
        text
    };
    let file = target.redis.folder().join("log.aof");
    let text = [
        command(&["SELECT", "0"]),
        command(&["MULTI"]),
        command(&["SET", "a", "1"]),
        command(&["EXEC"]),
        command(&["LPUSH", "a", "1"]),
        command(&["GRAPH.QUERY", "g", "x"]),
        command(&["CONFIG", "SET", "maxmemory", "1"]),
        command(&["MULTI"]),
        command(&["SET", "b", "1"]),
    ];
    std::fs::write(&file, text.concat()).expect("written");
    let (status, out, error) = target.import(&file, "");
    assert_eq!((status, error.as_str()), (1, ""), "{out}");
    for line in [
        "imported 0 keys, 2 commands",
        "NOT imported: CONFIG (not a command that writes), 1 times",
        "NOT imported: GRAPH.QUERY (a command that is not known), 1 times",
        "NOT imported: lpush: WRONGTYPE",
        "the last transaction is incomplete: 1 commands left out",
    ] {
        assert!(out.contains(line), "{line}:\n{out}");
    }
    assert_eq!(target.redis.run("KEYS *"), Reply::Array(vec![Reply::Bulk(b"a".to_vec())]));
}

#[test]
fn damaged_files_are_refused() {
    let Some(redis) = source("damaged", &[]) else { return };
    redis.run("SET a 1");
    redis.run("RPUSH b 1 2 3");
    let file = saved(&redis);
    let intact = std::fs::read(&file).expect("the file");
    let damaged = redis.folder().join("damaged.rdb");
    for (bytes, text) in [
        (intact[..intact.len() - 20].to_vec(), "it ends too early"),
        ([&intact[..intact.len() - 1], b"x"].concat(), "the checksum does not match"),
        ([b"REDIS0013", &intact[9..]].concat(), "version 13 of the format is not understood"),
        (b"VALKEY080".to_vec(), "is none of Redis's files"),
    ] {
        std::fs::write(&damaged, bytes).expect("written");
        let (status, _, error) = tool(&damaged, "--check");
        assert_eq!(status, 2);
        assert!(error.contains(text), "{error}");
    }
    let (status, _, error) = tool(Path::new("/nowhere/at/all"), "--check");
    assert_eq!((status, error.contains("No such file")), (2, true));
    let (status, _, error) = tool(&file, "--port 1");
    assert_eq!((status, error.contains("refused")), (2, true), "{error}");
}
