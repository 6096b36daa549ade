//! Long reads: who writes meanwhile gets on, and the reader sees nothing of it.

use std::sync::mpsc;
use std::time::Duration;

use ferric_engine::Key;

use super::*;
use crate::clients::Peer;
use crate::executor::Next;
use crate::server::Server;
use crate::slot;
use crate::testing::{Fixture, encode, local_peer};
use crate::values::hash::Hash;

/// A value of each type that may be long, how an element is added to it, and how one is changed or
/// removed.
const TYPES: [(&str, &str, &str); 5] = [
    ("list", "RPUSH k", "LSET k 5 another"),
    ("hash", "HSET k f#", "HSET k f5 another"),
    ("set", "SADD k", "SREM k element-5"),
    ("sorted set", "ZADD k #", "ZADD k 1000000 element-5"),
    ("stream", "XADD k #-1 f", "XDEL k 5-1"),
];

/// Elements of a value: its image is longer than [`super::kept::SHORT`].
const ELEMENTS: usize = 20_000;

fn fill(fixture: &mut Fixture, add: &str) {
    let mut input = Vec::new();
    for number in 1..=ELEMENTS {
        let command = format!("{} element-{number}", add.replace('#', &number.to_string()));
        input.extend(encode(&command.split(' ').map(str::as_bytes).collect::<Vec<_>>()));
    }
    let (_, mut progress) = fixture.feed(&input);
    while progress.next == Next::Again {
        (_, progress) = fixture.feed(&[]);
    }
    assert_eq!(progress.next, Next::Read);
}

/// Runs a command as another client does; fails if it has not got its reply in time.
fn meanwhile(server: &Server, command: &str) {
    let peer: Peer = local_peer(7777);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        scope.spawn(move || {
            let mut session = server.connect(peer).expect("accepted");
            let mut out = Vec::new();
            let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
            // As on a normal scheduler: it does not wait for a lock that is held for long.
            let progress = server.execute(&mut session, &encode(&words), &mut out, false);
            let _ = sender.send((progress.next, out));
        });
        let (next, out) = receiver.recv_timeout(Duration::from_secs(10)).expect("a reply");
        assert_eq!(next, Next::Read, "{command}");
        assert!(!out.starts_with(b"-"), "{command}: {}", String::from_utf8_lossy(&out));
    });
}

fn long(tally: &Tally) -> Lookup<'_> {
    Lookup { tally, touch: true, long: true }
}

fn key<'k>(access: &Access<'_>, name: &'k [u8]) -> Key<'k> {
    access.key(0, slot::shard_of(name, 3), name)
}

#[test]
fn a_long_read_of_one_key_lets_writers_pass() {
    for (kind, add, change) in TYPES {
        let mut fixture = Fixture::asynchronous();
        fill(&mut fixture, add);
        let (server, tally) = (&fixture.server, Tally::default());
        let mut access = server.engine().enter(1);
        let key = key(&access, b"k");
        let image = |lookup: Lookup<'_>, access: &mut Access<'_>, command: Option<&str>| {
            lookup.view(access, &key, |entry| {
                let entry = entry.expect("there");
                let before = entry.image().into_owned();
                if let Some(command) = command {
                    meanwhile(server, command);
                }
                assert!(entry.image() == before, "{kind}");
                Ok(before)
            })
        };
        let before = image(long(&tally), &mut access, Some(change)).expect("read");
        let after = image(long(&tally), &mut access, None).expect("read");
        assert!(before != after, "{kind}");
        tally.settle();
        assert_eq!(tally.take(), (2, 0));
    }
}

#[test]
fn all_keys_of_a_long_read_are_as_of_one_time() {
    for (kind, add, change) in TYPES {
        let mut fixture = Fixture::asynchronous();
        fill(&mut fixture, add);
        fixture.run("SET small 1");
        let (server, tally) = (&fixture.server, Tally::default());
        let mut access = server.engine().enter(1);
        let keys = [key(&access, b"none"), key(&access, b"small"), key(&access, b"k")];
        let mut locked = access.acquire_all(&keys).expect("free");
        let before = locked.peek(&keys[2]).expect("in memory").expect("there").image().into_owned();
        let mut values = long(&tally).keep_all(&mut locked, &keys).expect("in memory");
        meanwhile(server, change);
        meanwhile(server, "SET small 2");
        let mut entry = |number: usize| {
            let entry = values.entry(number, &keys[number]).expect("copied");
            entry.map(|entry| entry.image().into_owned())
        };
        assert_eq!(entry(0), None);
        assert_eq!(entry(1).as_deref(), Some(&b"1"[..]));
        assert!(entry(2).expect("there") == before, "{kind}");
    }
}

#[test]
fn a_snapshot_of_expiring_fields_keeps_their_deadlines() {
    let mut fixture = Fixture::asynchronous();
    fill(&mut fixture, "HSET k f#");
    fixture.run("HPEXPIREAT k 4102444800000 FIELDS 2 f1 f2");
    let (server, tally) = (&fixture.server, Tally::default());
    let mut access = server.engine().enter(1);
    let key = key(&access, b"k");
    let read = long(&tally).view_as::<Hash, _>(&mut access, &key, |held| {
        let live = held.expect("there").view.live(4_102_444_800_001);
        meanwhile(server, "HPERSIST k FIELDS 1 f1");
        Ok((live.len(), live.over(5), live.get(b"f1").is_some(), live.get(b"f3").is_some()))
    });
    assert_eq!(read.expect("read"), (ELEMENTS - 2, 2, false, true));
}
