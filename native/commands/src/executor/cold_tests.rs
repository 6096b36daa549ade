//! Commands whose keys are on disk only.

use std::time::{Duration, Instant};

use ferric_engine::{Missing, WriteError};

use super::*;
use crate::server::ServerOptions;
use crate::testing::{Fixture, encode};

/// Memory for the segment that is written, and little more.
const BUDGET: u64 = (4 << 20) + (64 << 10) + (256 << 10);
/// Keys that are written, of [`VALUE`] bytes each: many times what the read cache holds.
const KEYS: usize = 2_000;
const VALUE: usize = 1_000;

fn value_of(n: usize) -> Vec<u8> {
    format!("{n:0VALUE$}").into_bytes()
}

/// A store with keys `k0`, `k1` … of which most are on disk only.
fn larger_than_memory(options: ServerOptions) -> Fixture {
    let mut fixture = Fixture::with(options, |engine| {
        engine.segment_size = 64 << 10;
        engine.max_memory = BUDGET;
    });
    fixture.run("SELECT 1");
    for n in 0..KEYS {
        let set = encode(&[b"SET", format!("k{n}").as_bytes(), &value_of(n)]);
        assert_eq!(finish(&mut fixture, &set).0, b"+OK\r\n");
    }
    wait_until(&fixture, |stats| stats.cold_segments > 20);
    fixture.run("CONFIG RESETSTAT");
    fixture
}

fn wait_until(fixture: &Fixture, done: impl Fn(&ferric_engine::Stats) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done(&fixture.server.engine().stats()) {
        assert!(Instant::now() < deadline, "{:?}", fixture.server.engine().stats());
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn fetch(fixture: &Fixture, missing: Missing) {
    assert!(!missing.is_empty(), "a command that waits for nothing");
    let (sender, receiver) = std::sync::mpsc::channel();
    let tell = move || sender.send(()).expect("somebody waits");
    fixture.server.engine().fetch(missing, Box::new(tell));
    receiver.recv_timeout(Duration::from_secs(10)).expect("in time");
}

/// Executes input to its end on a normal scheduler, as a connection's process does; also says how
/// often it stopped for keys on disk.
fn finish(fixture: &mut Fixture, input: &[u8]) -> (Vec<u8>, usize) {
    let (mut out, mut stops, mut long) = (Vec::new(), 0, false);
    let mut input = input;
    loop {
        let session = &mut fixture.session;
        let progress = fixture.server.execute(session, input, &mut out, long);
        (input, long) = (b"", progress.next == Next::Long);
        match progress.next {
            Next::Read => return (out, stops),
            Next::Cold => {
                stops += 1;
                fetch(fixture, progress.missing);
            }
            Next::Again | Next::Long => {}
            Next::Busy => std::thread::sleep(Duration::from_millis(1)),
            Next::Waiting | Next::Control(_) => panic!("{:?}", progress.next),
        }
        assert!(stops < 1_000, "it never ends");
    }
}

fn bulk(value: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
}

#[test]
fn a_pipeline_asks_for_all_its_keys_at_once() {
    let mut fixture = larger_than_memory(ServerOptions::default());
    let (mut input, mut expected) = (Vec::new(), Vec::new());
    for n in 0..100 {
        input.extend(encode(&[b"GET", format!("k{n}").as_bytes()]));
        expected.extend(bulk(&value_of(n)));
    }
    let (out, stops) = finish(&mut fixture, &input);
    assert_eq!(out, expected);
    // One, unless an engine's thread holds a shard for longer than the look at the keys waits: that
    // thread may not be running, on a busy machine.
    assert!((1..=3).contains(&stops), "{stops}");
    let stats = fixture.run("INFO stats");
    assert!(stats.contains("keyspace_hits:100\r\n") && stats.contains("keyspace_misses:0\r\n"));
    assert!(fixture.run("INFO commandstats").contains("cmdstat_get:calls=100,"));
}

#[test]
fn commands_around_a_cold_key_keep_their_order_and_their_state() {
    let mut fixture = larger_than_memory(ServerOptions::default());
    let input =
        b"SET new 1\r\nSTRLEN k1\r\nCLIENT REPLY SKIP\r\nGET k2\r\nSTRLEN k3\r\nSELECT 0\r\n\
        EXISTS k4\r\nSELECT 1\r\nEXISTS k4\r\nAPPEND k5 x\r\nSTRLEN k5\r\nGET new\r\n\
        CLIENT REPLY OFF\r\nGET k6\r\nCLIENT REPLY ON\r\nINCR new\r\n";
    let (out, stops) = finish(&mut fixture, input);
    let expected = "+OK\r\n:1000\r\n:1000\r\n+OK\r\n:0\r\n+OK\r\n:1\r\n:1001\r\n:1001\r\n\
        $1\r\n1\r\n+OK\r\n:2\r\n";
    assert_eq!(String::from_utf8_lossy(&out), expected);
    assert!((1..=3).contains(&stops), "{stops}");
}

#[test]
fn a_command_with_many_keys_gets_them_all() {
    let mut fixture = larger_than_memory(ServerOptions::default());
    let names: Vec<String> = (0..900).map(|n| format!("k{n}")).chain(["none".into()]).collect();
    let words: Vec<&[u8]> = std::iter::once("MGET")
        .chain(names.iter().map(String::as_str))
        .map(str::as_bytes)
        .collect();
    let mut expected = b"*901\r\n".to_vec();
    (0..900).for_each(|n| expected.extend(bulk(&value_of(n))));
    expected.extend(b"$-1\r\n");
    let (out, stops) = finish(&mut fixture, &encode(&words));
    assert!(out == expected);
    assert!((1..=8).contains(&stops), "{stops}");
    let stats = fixture.run("INFO stats");
    assert!(stats.contains("keyspace_hits:900\r\n") && stats.contains("keyspace_misses:1\r\n"));
}

#[test]
fn writes_to_cold_keys_change_what_was_there() {
    let mut fixture = larger_than_memory(ServerOptions::default());
    let input = b"SETRANGE k1 0 abc\r\nGETRANGE k1 0 3\r\nRENAME k2 moved\r\nEXISTS k2 moved\r\n\
        DEL k3 k4 nosuch\r\nSETNX k5 x\r\nSET k6 y XX\r\nGET k6\r\nCOPY k7 copied\r\n\
        STRLEN copied\r\nPERSIST k8\r\nEXPIRE k8 100\r\nTTL k8\r\n";
    let expected = ":1000\r\n$4\r\nabc0\r\n+OK\r\n:1\r\n:2\r\n:0\r\n+OK\r\n$1\r\ny\r\n:1\r\n\
        :1000\r\n:0\r\n:1\r\n:100\r\n";
    assert_eq!(String::from_utf8_lossy(&finish(&mut fixture, input).0), expected);
}

#[test]
fn keys_that_nobody_names_are_found_on_disk() {
    let mut fixture = larger_than_memory(ServerOptions::default());
    for _ in 0..50 {
        let (out, stops) = finish(&mut fixture, b"RANDOMKEY\r\n");
        assert!(out.starts_with(b"$") && out.windows(2).any(|w| w[0] == b'k'), "{out:?}");
        assert!(stops <= 4, "the dice stay the same");
    }
    let (mut cursor, mut seen) = ("0".to_owned(), std::collections::BTreeSet::new());
    loop {
        let input = encode(&[b"SCAN", cursor.as_bytes(), b"COUNT", b"100"]);
        let out = String::from_utf8(finish(&mut fixture, &input).0).expect("text");
        let mut lines = out.lines().filter(|line| !line.starts_with(['*', '$']));
        cursor = lines.next().expect("a cursor").to_owned();
        seen.extend(lines.map(str::to_owned));
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), KEYS);
    let (out, _) = finish(&mut fixture, b"KEYS k1999\r\n");
    assert_eq!(out, b"*1\r\n$5\r\nk1999\r\n");
}

#[test]
fn a_call_that_stopped_has_done_nothing() {
    let mut fixture = larger_than_memory(ServerOptions::default());
    let mut out = Vec::new();
    let before = fixture.server.stats().totals();
    let words: [&[u8]; 3] = [b"APPEND", b"k10", b"x"];
    let mut stops = 0;
    loop {
        let progress = fixture.server.call(&mut fixture.session, &words, &mut out, false);
        if progress.next == Next::Read {
            break;
        }
        assert_eq!((progress.next, progress.wait, out.len()), (Next::Cold, 0, 0));
        assert_eq!(fixture.server.stats().totals().commands, before.commands);
        fetch(&fixture, progress.missing);
        stops += 1;
        assert!(stops < 10);
    }
    assert!(stops > 0);
    assert_eq!(out, b":1001\r\n");
    let after = fixture.server.stats().totals();
    let given: usize = words.iter().map(|word| word.len()).sum();
    assert_eq!(
        (after.commands, after.bytes_in),
        (before.commands + 1, before.bytes_in + given as u64)
    );
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room() {
    let mut fixture = Fixture::with(ServerOptions::default(), |engine| {
        engine.segment_size = 64 << 10;
    });
    fixture.run("SET kept 1");
    fixture.disk.disk_full_after(128 << 10);
    let value = "v".repeat(10_000);
    let refusal = "-MISCONF Errors writing to the AOF file: No space left on device\r\n";
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut reply = Vec::new();
    while reply != refusal.as_bytes() {
        assert!(Instant::now() < deadline, "{}", WriteError::Full);
        (reply, _) = finish(&mut fixture, &encode(&[b"SET", b"big", value.as_bytes()]));
    }
    wait_until_paused(&fixture, true);
    assert_eq!(finish(&mut fixture, b"GET kept\r\n").0, b"$1\r\n1\r\n");
    assert_eq!(finish(&mut fixture, b"PING\r\n").0, refusal.as_bytes());
    let info = String::from_utf8(finish(&mut fixture, b"INFO everything\r\n").0).expect("text");
    assert!(info.contains("state:paused\r\n") && info.contains("aof_last_write_status:err\r\n"));
    assert!(info.contains("writes_paused:the disk is full\r\n"));
    fixture.disk.disk_full_after(1 << 30);
    wait_until_paused(&fixture, false);
    assert_eq!(fixture.run("SET big small"), "+OK\r\n");
    assert_eq!(fixture.run("PING"), "+PONG\r\n");
    assert!(fixture.run("INFO ferricstore").contains("state:running\r\n"));
}

/// Collections of some ten KiB, many more than there is room for.
#[test]
fn collections_leave_memory_and_come_back_as_they_were() {
    const COUNT: usize = 60;
    let mut fixture = larger_than_memory(ServerOptions::default());
    let mut send = |words: &[&[u8]]| {
        let (reply, _) = finish(&mut fixture, &encode(words));
        String::from_utf8(reply).expect("text")
    };
    let element = |n: usize, at: usize| format!("{n}:{at:0100}").into_bytes();
    for n in 0..COUNT {
        let [list, hash, zset] = ["l", "h", "z"].map(|kind| format!("{kind}{n}").into_bytes());
        for at in 0..100 {
            let (element, score) = (element(n, at), at.to_string().into_bytes());
            assert_eq!(send(&[b"RPUSH", &list, &element]), format!(":{}\r\n", at + 1));
            assert_eq!(send(&[b"HSET", &hash, &element, &score]), ":1\r\n");
            assert_eq!(send(&[b"ZADD", &zset, &score, &element]), ":1\r\n");
        }
    }
    for n in 0..COUNT {
        let [list, hash, zset] = ["l", "h", "z"].map(|kind| format!("{kind}{n}").into_bytes());
        let (last, first) = (element(n, 99), element(n, 0));
        assert_eq!(send(&[b"EXPIRE", &list, b"1000"]), ":1\r\n");
        assert_eq!(send(&[b"TTL", &list]), ":1000\r\n");
        assert_eq!(send(&[b"LLEN", &list]), ":100\r\n");
        assert_eq!(send(&[b"LINDEX", &list, b"-1"]).as_bytes(), bulk(&last));
        assert_eq!(send(&[b"RPOPLPUSH", &list, &list]).as_bytes(), bulk(&last));
        assert_eq!(send(&[b"LINDEX", &list, b"0"]).as_bytes(), bulk(&last));
        assert_eq!(send(&[b"HGET", &hash, &last]).as_bytes(), bulk(b"99"));
        assert_eq!(send(&[b"HDEL", &hash, &first]), ":1\r\n");
        assert_eq!(send(&[b"HLEN", &hash]), ":99\r\n");
        assert_eq!(send(&[b"ZRANK", &zset, &last]), ":99\r\n");
        assert_eq!(send(&[b"ZREMRANGEBYRANK", &zset, b"0", b"9"]), ":10\r\n");
        assert_eq!(send(&[b"COPY", &zset, b"copy", b"REPLACE"]), ":1\r\n");
        assert_eq!(send(&[b"ZRANK", b"copy", &last]), ":89\r\n");
        assert_eq!(send(&[b"RENAME", &hash, b"renamed"]), "+OK\r\n");
        assert_eq!(send(&[b"HLEN", b"renamed"]), ":99\r\n");
        assert_eq!(send(&[b"DEL", &zset]), ":1\r\n");
        assert_eq!(send(&[b"TYPE", &zset]), "+none\r\n");
    }
    let stats = fixture.server.engine().stats();
    assert!(stats.objects_evicted > 100 && stats.folds > 100, "{stats:?}");
    let fits = |stats: &ferric_engine::Stats| stats.memory_bytes() <= BUDGET;
    wait_until(&fixture, fits);
}

fn wait_until_paused(fixture: &Fixture, paused: bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while fixture.server.engine().paused().is_some() != paused {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
}
