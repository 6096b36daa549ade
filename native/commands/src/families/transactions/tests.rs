//! MULTI, EXEC and WATCH, beyond what the comparison with redis-server covers.

use std::sync::Arc;

use ferric_engine::Options;
use ferric_engine::io::sim::SimIo;
use parking_lot::Mutex;

use crate::server::{Server, ServerOptions};
use crate::session::Session;
use crate::testing::{Fixture, encode, local_peer};

/// Runs a command of another client.
fn run_as(server: &Server, session: &mut Session, command: &str) -> String {
    let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
    let mut out = Vec::new();
    server.execute(session, &encode(&words), &mut out, true);
    String::from_utf8_lossy(&out).into_owned()
}

fn all(fixture: &mut Fixture, commands: &[&str]) -> String {
    commands.iter().map(|command| fixture.run(command)).collect()
}

#[test]
fn commands_see_what_those_before_them_did() {
    let mut fixture = Fixture::new();
    let queued = [
        "MULTI",
        "SET a 1",
        "INCR a",
        "RPUSH l x y z",
        "LPOP l",
        "LLEN l",
        "DEL a",
        "EXISTS a",
        "DBSIZE",
    ];
    let expected = format!("+OK\r\n{}", "+QUEUED\r\n".repeat(8));
    assert_eq!(all(&mut fixture, &queued), expected);
    let replies = "*8\r\n+OK\r\n:2\r\n:3\r\n$1\r\nx\r\n:2\r\n:1\r\n:0\r\n:1\r\n";
    assert_eq!(fixture.run("EXEC"), replies);
    assert_eq!(fixture.run("LRANGE l 0 -1"), "*2\r\n$1\r\ny\r\n$1\r\nz\r\n");
    assert_eq!(fixture.run("EXEC"), "-ERR EXEC without MULTI\r\n");
}

#[test]
fn a_command_that_fails_does_not_stop_the_others() {
    let mut fixture = Fixture::new();
    all(&mut fixture, &["MULTI", "SET a x", "INCR a", "SET b 1"]);
    let replies = "*3\r\n+OK\r\n-ERR value is not an integer or out of range\r\n+OK\r\n";
    assert_eq!(fixture.run("EXEC"), replies);
    all(&mut fixture, &["MULTI", "SET a y", "NOSUCH"]);
    let aborted = "-EXECABORT Transaction discarded because of previous errors.\r\n";
    assert_eq!(fixture.run("EXEC"), aborted);
    assert_eq!(fixture.run("GET a"), "$1\r\nx\r\n");
}

#[test]
fn a_watched_key_that_changes_breaks_the_transaction() {
    let mut fixture = Fixture::new();
    let mut other = fixture.server.connect(local_peer(7)).expect("accepted");
    let changes = ["SET k 2", "DEL k", "EXPIRE k 100", "FLUSHALL", "SWAPDB 0 1", "APPEND k x"];
    for change in changes {
        all(&mut fixture, &["SET k 1", "WATCH k", "MULTI", "SET seen 1"]);
        run_as(&fixture.server, &mut other, change);
        assert_eq!(fixture.run("EXEC"), "*-1\r\n", "{change}");
    }
    for change in ["SET other 2", "GET k", "EXPIRE nosuch 10", "SWAPDB 3 4"] {
        all(&mut fixture, &["SET k 1", "WATCH k", "MULTI", "SET seen 1"]);
        run_as(&fixture.server, &mut other, change);
        assert_eq!(fixture.run("EXEC"), "*1\r\n+OK\r\n", "{change}");
    }
}

#[test]
fn whole_key_spaces_change_in_one_batch_with_keys() {
    let mut fixture = Fixture::new();
    all(&mut fixture, &["SET a 1", "SELECT 1", "SET b 2", "SELECT 0", "MULTI"]);
    all(&mut fixture, &["FLUSHDB", "SET c 3", "SWAPDB 0 1", "KEYS *", "SET d 4"]);
    let replies = fixture.run("EXEC");
    assert_eq!(replies, "*5\r\n+OK\r\n+OK\r\n+OK\r\n*1\r\n$1\r\nb\r\n+OK\r\n");
    assert_eq!(fixture.run("DBSIZE"), ":2\r\n");
    all(&mut fixture, &["SELECT 1"]);
    assert_eq!(fixture.run("KEYS *"), "*1\r\n$1\r\nc\r\n");
}

/// Every crash leaves all of a transaction or nothing.
#[test]
fn a_crash_leaves_all_or_nothing() {
    let mut fixture = Fixture::new();
    all(&mut fixture, &["MSET a 0 b 0 c 0", "MULTI"]);
    all(&mut fixture, &["SET a 1", "HSET h f v", "INCR b", "RPUSH l x", "DEL c"]);
    // At each call that makes it durable: its thread may be done before this one goes on.
    let images: Arc<Mutex<Vec<SimIo>>> = Arc::default();
    let hook = Arc::clone(&images);
    fixture.disk.on_call(Box::new(move |disk, call| {
        hook.lock().extend(disk.crash_images(call, 20));
    }));
    let (out, progress) = fixture.feed(&encode(&[b"EXEC"]));
    assert!(out.starts_with(b"*5\r\n"));
    fixture.settle(progress.wait);
    fixture.disk.on_call(Box::new(|_, _| {}));
    let mut images = std::mem::take(&mut *images.lock());
    images.extend(fixture.disk.crash_images(0, 20));
    let mut seen = [false; 2];
    for image in images {
        let mut options = Options::new("store", Arc::new(image));
        (options.shards, options.segment_size) = (3, 1 << 20);
        let server = Server::open(options, ServerOptions::default()).expect("it opens");
        let mut session = server.connect(local_peer(1)).expect("accepted");
        let mut ask = |command: &str| run_as(&server, &mut session, command);
        let found = [ask("GET a"), ask("GET b"), ask("EXISTS h l"), ask("EXISTS c")];
        let done = found == ["$1\r\n1\r\n", "$1\r\n1\r\n", ":2\r\n", ":0\r\n"];
        let untouched = found == ["$1\r\n0\r\n", "$1\r\n0\r\n", ":0\r\n", ":1\r\n"];
        assert!(done || untouched, "{found:?}");
        seen[usize::from(done)] = true;
    }
    assert_eq!(seen, [true; 2]);
}

/// Values that are objects are changed several times in one transaction, of every kind: as by the same commands
/// one by one, and so they are when the store is opened again.
#[test]
fn objects_of_every_kind_change_several_times() {
    let fill = |command: &str, each: &dyn Fn(usize) -> String| -> String {
        (0..400).fold(command.to_owned(), |line, n| format!("{line} {}", each(n)))
    };
    let filled = [
        fill("RPUSH list", &|n| format!("element:{n}")),
        fill("HSET hash", &|n| format!("field:{n} value")),
        fill("SADD set", &|n| format!("member:{n}")),
        fill("ZADD sorted", &|n| format!("{n} member:{n}")),
        fill("PFADD hll", &|n| format!("{n}")),
        fill("BF.MADD bloom", &|n| format!("{n}")),
        fill("TDIGEST.ADD digest", &|n| format!("{n}")),
        format!("JSON.SET json . [{}1]", "\"a_longer_text\",".repeat(200)),
        "CF.RESERVE cuckoo 4000".to_owned(),
        "CMS.INITBYDIM sketch 200 5".to_owned(),
        "TOPK.RESERVE top 50 200 5 0.9".to_owned(),
    ];
    let streamed = (1..200).map(|n| format!("XADD stream {n}-1 field value:{n}"));
    let set_up: Vec<String> =
        std::iter::once("TDIGEST.CREATE digest".to_owned()).chain(filled).chain(streamed).collect();
    let changes = [
        "LPOP list 2",
        "RPUSH list x y",
        "LSET list 5 z",
        "HDEL hash field:3",
        "HSET hash field:4 other",
        "HINCRBY hash n 4",
        "HINCRBY hash n 5",
        "SREM set member:1",
        "SADD set new",
        "ZINCRBY sorted 7 member:9",
        "ZREMRANGEBYRANK sorted 0 3",
        "ZADD sorted 1 again",
        "XADD stream 500-1 a b",
        "XTRIM stream MAXLEN 20",
        "XGROUP CREATE stream g 0",
        "XADD stream 501-1 a b",
        "JSON.ARRAPPEND json . 2 3",
        "JSON.ARRPOP json . 0",
        "BF.ADD bloom other",
        "BF.ADD bloom another",
        "CF.ADD cuckoo a",
        "CF.ADD cuckoo b",
        "CF.DEL cuckoo a",
        "CMS.INCRBY sketch a 3",
        "CMS.INCRBY sketch a 4 b 1",
        "TOPK.ADD top a b a",
        "TOPK.ADD top c a",
        "TDIGEST.ADD digest 1 2 3",
        "TDIGEST.ADD digest 4",
        "EXPIREAT list 9999999999",
        "PERSIST list",
    ];
    let (mut one, mut whole) = (Fixture::new(), Fixture::new());
    for command in &set_up {
        one.run(command);
        whole.run(command);
    }
    let singly: String = changes.iter().map(|command| one.run(command)).collect();
    whole.run("MULTI");
    changes.iter().for_each(|command| drop(whole.run(command)));
    assert_eq!(whole.run("EXEC"), format!("*{}\r\n{singly}", changes.len()));
    let digest = one.run("DEBUG DIGEST");
    assert_eq!(whole.run("DEBUG DIGEST"), digest);
    let Fixture { server, session, disk } = whole;
    drop(session);
    server.engine().close().expect("closed");
    drop(server);
    let mut options = Options::new("store", Arc::new(disk));
    (options.shards, options.segment_size) = (3, 1 << 20);
    let server = Server::open(options, ServerOptions::default()).expect("it opens");
    let mut session = server.connect(local_peer(1)).expect("accepted");
    assert_eq!(run_as(&server, &mut session, "DEBUG DIGEST"), digest);
}
