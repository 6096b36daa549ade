use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ferric_engine::Durability;
use ferric_engine::io::sim::Fault as DiskFault;

use super::*;
use crate::clients::{Peer, Transport};
use crate::server::ServerOptions;
use crate::testing::{Fixture, encode, local_peer};

#[test]
fn a_pipeline_is_answered_in_order() {
    let mut fixture = Fixture::new();
    let input = b"SET a 1\r\nGET a\r\nnosuch\r\nGET\r\nGET b\r\nECHO x\r\n";
    let (out, progress) = fixture.feed(input);
    let expected = "+OK\r\n$1\r\n1\r\n\
        -ERR unknown command 'nosuch', with args beginning with: \r\n\
        -ERR wrong number of arguments for 'get' command\r\n$-1\r\n$1\r\nx\r\n";
    assert_eq!(String::from_utf8_lossy(&out), expected);
    assert_eq!(progress.next, Next::Read);
}

#[test]
fn input_may_be_split_anywhere() {
    let mut whole = encode(&[b"SET", b"key", b"value\r\n"]);
    whole.extend(encode(&[b"GET", b"key"]));
    whole.extend(b"ECHO 'in line'\r\n");
    for cut in 0..whole.len() {
        let mut fixture = Fixture::new();
        let (mut out, _) = fixture.feed(&whole[..cut]);
        let (rest, progress) = fixture.feed(&whole[cut..]);
        out.extend(rest);
        assert_eq!(out, b"+OK\r\n$7\r\nvalue\r\n\r\n$7\r\nin line\r\n", "cut at {cut}");
        assert_eq!(progress.next, Next::Read);
    }
}

/// Enough keys that the executor looks ahead, which must change no reply: not for keys that are
/// missing, that commands before have changed, or whose command is cut short by the end of input.
#[test]
fn looking_ahead_in_a_large_store_changes_no_reply() {
    let durability = Durability::Async { interval: Duration::from_secs(3600) };
    let options = ServerOptions { durability, ..ServerOptions::default() };
    let mut fixture = Fixture::with(options, |engine| engine.shards = 1);
    for start in (0..70_000).step_by(1000) {
        let pairs: Vec<String> =
            (start..start + 1000).flat_map(|n| [format!("k{n}"), n.to_string()]).collect();
        let words = std::iter::once("MSET").chain(pairs.iter().map(String::as_str));
        let words: Vec<&[u8]> = words.map(str::as_bytes).collect();
        assert_eq!(fixture.feed(&encode(&words)).0, b"+OK\r\n");
    }
    let (mut input, mut expected) = (Vec::new(), Vec::new());
    for n in 0..300 {
        let key = format!("k{}", n * 331);
        input.extend(encode(&[b"INCR", key.as_bytes()]));
        input.extend(encode(&[b"GET", key.as_bytes()]));
        input.extend(encode(&[b"SELECT", b"0"]));
        let value = if n * 331 < 70_000 { n * 331 + 1 } else { 1 };
        let text = value.to_string();
        expected.extend(format!(":{value}\r\n${}\r\n{text}\r\n+OK\r\n", text.len()).bytes());
    }
    let cut = input.len() - 5;
    let (mut out, _) = fixture.feed(&input[..cut]);
    let (rest, progress) = fixture.feed(&input[cut..]);
    out.extend(rest);
    assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
    assert_eq!(progress.next, Next::Read);
}

#[test]
fn replies_wait_for_what_they_depend_on() {
    let mut fixture = Fixture::new();
    let (_, written) = fixture.feed(b"SET a 1\r\n");
    assert!(written.wait > 0);
    fixture.settle(written.wait);
    let (_, read) = fixture.feed(b"GET a\r\n");
    assert_eq!(read.wait, 0);
}

#[test]
fn asynchronous_replies_wait_only_for_save() {
    let mut fixture = Fixture::asynchronous();
    assert_eq!(fixture.feed(b"SET a 1\r\n").1.wait, 0);
    let (out, saved) = fixture.feed(b"SAVE\r\n");
    assert_eq!(out, b"+OK\r\n");
    assert!(saved.wait > 0);
    fixture.settle(saved.wait);
    assert_eq!(fixture.feed(b"SAVE\r\n").1.wait, 0);
}

#[test]
fn a_busy_command_is_kept_and_run_later() {
    let mut fixture = Fixture::with(ServerOptions::default(), |options| {
        options.max_undurable = 64 << 10;
    });
    let stuck = Arc::new(AtomicBool::new(true));
    let waits = Arc::clone(&stuck);
    fixture.disk.on_call(Box::new(move |_, _| {
        while waits.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }));
    let value = vec![b'v'; 16 << 10];
    let mut input = Vec::new();
    for n in 0..20 {
        input.extend(encode(&[b"SET", format!("key{n}").as_bytes(), &value]));
    }
    input.extend(b"ECHO end\r\n");
    let (mut out, mut progress) = fixture.feed(&input);
    assert_eq!(progress.next, Next::Busy);
    assert!(out.len() < 20 * b"+OK\r\n".len());
    // Nothing of the store changes until there is room.
    assert_eq!(fixture.feed(b"").1.next, Next::Busy);
    stuck.store(false, Ordering::Relaxed);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while progress.next != Next::Read {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
        let more;
        (more, progress) = fixture.feed(b"");
        out.extend(more);
    }
    assert_eq!(out, ["+OK\r\n".repeat(20), "$3\r\nend\r\n".to_owned()].concat().as_bytes());
}

#[test]
fn a_long_command_goes_to_a_dirty_scheduler() {
    let mut fixture = Fixture::new();
    fixture.run("SET a 1");
    let mut out = Vec::new();
    let session = &mut fixture.session;
    let progress = fixture.server.execute(session, b"ECHO x\r\nFLUSHALL\r\n", &mut out, false);
    assert_eq!((out.as_slice(), progress.next), (&b"$1\r\nx\r\n"[..], Next::Long));
    assert_eq!(fixture.feed(b"DBSIZE\r\n").0, b"+OK\r\n:0\r\n");
}

#[test]
fn replies_of_one_call_are_bounded() {
    let mut fixture = Fixture::new();
    let word = vec![b'w'; 600 << 10];
    let input = encode(&[b"ECHO", &word]).repeat(4);
    let (mut out, mut progress) = fixture.feed(&input);
    let mut calls = 1;
    while progress.next == Next::Again {
        assert!(out.len() < 2 << 20, "the first call stops after its first mebibyte");
        let (more, next) = fixture.feed(b"");
        assert!(more.len() < 2 << 20);
        (out, progress) = ([out, more].concat(), next);
        calls += 1;
        if calls == 2 {
            break;
        }
    }
    assert_eq!(calls, 2);
    assert_eq!(out.len(), 4 * (word.len() + b"$614400\r\n\r\n".len()));
}

#[test]
fn a_time_slice_ends() {
    let mut fixture = Fixture::new();
    let mut out = Vec::new();
    let input = b"ECHO x\r\n".repeat(100_000);
    let session = &mut fixture.session;
    let mut progress = fixture.server.execute(session, &input, &mut out, false);
    assert_eq!(progress.next, Next::Again);
    while progress.next == Next::Again {
        progress = fixture.server.execute(session, b"", &mut out, false);
    }
    assert_eq!((progress.next, out.len()), (Next::Read, 700_000));
}

#[test]
fn a_protocol_error_is_answered_and_closes() {
    let mut fixture = Fixture::new();
    let (out, progress) = fixture.feed(b"ECHO x\r\n*1\r\nGET\r\nECHO y\r\n");
    assert_eq!(out, b"$1\r\nx\r\n-ERR Protocol error: expected '$', got 'G'\r\n");
    assert_eq!(progress.next, Next::Control(Control::Close));
    let (out, after) = fixture.feed(b"ECHO z\r\n");
    assert_eq!((out.len(), after.wait, after.next), (0, 0, progress.next));
}

fn panicking(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let key = ctx.key(b"held");
    let _shard = ctx.access.acquire(&key)?;
    ctx.reply.array(3);
    panic!("a defect in {} words", args.len());
}

static DEFECTIVE: Command =
    Command { name: "defective", arity: -1, handler: Some(panicking), ..Command::BLANK };

#[test]
fn a_panic_becomes_an_error_reply() {
    let mut fixture = Fixture::new();
    let entry = Box::leak(Box::new(Entry::of(&DEFECTIVE)));
    let mut out = Vec::new();
    let server = &fixture.server;
    let mut batch = Batch::new(server, &mut fixture.session, &mut out, false, 1_000);
    assert!(matches!(batch.execute(entry, &[b"defective"]), Ran::Done));
    batch.finish(&Next::Read, &mut out, 0);
    assert_eq!(out, b"-ERR internal error\r\n");
    // The shard that the handler had locked is free again.
    assert_eq!(fixture.run("SET held 1"), "+OK\r\n");
}

/// Fails with its second word, from another thread.
fn background(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let outcome = match args[1] {
        b"ok" => Ok(()),
        why => Err(String::from_utf8_lossy(why).into_owned()),
    };
    ctx.job(|_, done| drop(std::thread::spawn(move || done(outcome))))?;
    ctx.reply.ok();
    Ok(())
}

static BACKGROUND: Command =
    Command { name: "background", arity: 2, handler: Some(background), ..Command::BLANK };

#[test]
fn a_command_with_a_job_replies_when_the_job_is_done() {
    let mut fixture = Fixture::new();
    let entry = Box::leak(Box::new(Entry::of(&BACKGROUND)));
    let cases = [(&b"ok"[..], "+OK\r\n"), (b"no room", "-ERR no room\r\n"), (b"ok", "+OK\r\n")];
    for (word, reply) in cases {
        let mut out = Vec::new();
        let mut run = |session: &mut Session, expected: &str| {
            let mut batch = Batch::new(&fixture.server, session, &mut out, false, 1_000);
            let ran = batch.execute(entry, &[b"background", word]);
            batch.finish(&Next::Read, &mut out, 0);
            assert_eq!(String::from_utf8_lossy(&out), expected);
            matches!(ran, Ran::Stopped(Next::Waiting))
        };
        assert!(run(&mut fixture.session, ""));
        let (sender, receiver) = std::sync::mpsc::channel();
        let wake = Box::new(move || sender.send(()).expect("somebody waits"));
        if fixture.session.wait_for_job(wake).is_none() {
            receiver.recv_timeout(Duration::from_secs(10)).expect("in time");
        }
        assert!(!run(&mut fixture.session, reply));
    }
}

#[test]
fn refusals_quote_a_bounded_part() {
    let mut fixture = Fixture::new();
    let long = "x".repeat(300);
    let reply = fixture.run(&format!("{long} {} {} last", "y".repeat(50), "z".repeat(200)));
    let expected = format!(
        "-ERR unknown command '{}', with args beginning with: '{}' '{}' \r\n",
        "x".repeat(128),
        "y".repeat(50),
        "z".repeat(75)
    );
    assert_eq!(reply, expected);
    let (out, _) = fixture.feed(&encode(&[b"a\0b", b"c\r\nd\0e", b"\xff"]));
    assert_eq!(out, b"-ERR unknown command 'a', with args beginning with: 'c  d' '\xff' \r\n");
}

#[test]
fn refusals_of_containers() {
    let mut fixture = Fixture::new();
    let cases = [
        ("client", "-ERR wrong number of arguments for 'client' command\r\n"),
        ("CLIENT Foo", "-ERR unknown subcommand 'Foo'. Try CLIENT HELP.\r\n"),
        ("client ID x", "-ERR wrong number of arguments for 'client|id' command\r\n"),
        ("client|id", "-ERR unknown command 'client|id', with args beginning with: \r\n"),
    ];
    for (command, reply) in cases {
        assert_eq!(fixture.run(command), reply);
    }
}

fn with_password() -> Fixture {
    let password = Some(b"secret".to_vec());
    Fixture::with(ServerOptions { password, ..ServerOptions::default() }, |_| {})
}

#[test]
fn nothing_without_authentication() {
    let mut fixture = with_password();
    let cases = [
        ("GET a", "-NOAUTH Authentication required.\r\n"),
        ("GET", "-ERR wrong number of arguments for 'get' command\r\n"),
        ("nosuch", "-ERR unknown command 'nosuch', with args beginning with: \r\n"),
        ("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
        ("AUTH other secret", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
        ("AUTH default secret", "+OK\r\n"),
        ("GET a", "$-1\r\n"),
        ("RESET", "+RESET\r\n"),
        ("GET a", "-NOAUTH Authentication required.\r\n"),
    ];
    for (command, reply) in cases {
        assert_eq!(fixture.run(command), reply, "{command}");
    }
}

#[test]
fn limits_change_with_authentication() {
    let mut fixture = with_password();
    let many: Vec<&[u8]> = std::iter::repeat_n(&b"key"[..], 12).collect();
    let mut words = vec![&b"MGET"[..]];
    words.extend(&many);
    let input = [b"AUTH secret\r\n".to_vec(), encode(&words)].concat();
    let (out, progress) = fixture.feed(&input);
    assert_eq!(progress.next, Next::Read);
    assert!(out.starts_with(b"+OK\r\n*12\r\n"));
    fixture.run("RESET");
    let (out, progress) = fixture.feed(&encode(&words));
    assert_eq!(out, b"-ERR Protocol error: unauthenticated multibulk length\r\n");
    assert_eq!(progress.next, Next::Control(Control::Close));
}

#[test]
fn reply_modes() {
    let mut fixture = Fixture::new();
    let input =
        b"CLIENT REPLY SKIP\r\nECHO a\r\nECHO b\r\nCLIENT REPLY OFF\r\nECHO c\r\nnosuch\r\n\
        CLIENT REPLY SKIP\r\nECHO d\r\nCLIENT REPLY ON\r\nECHO e\r\n\
        CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nCLIENT REPLY OFF\r\nRESET\r\n";
    let (out, _) = fixture.feed(input);
    assert_eq!(out, b"$1\r\nb\r\n+OK\r\n$1\r\ne\r\n+OK\r\n+RESET\r\n");
}

#[test]
fn a_failed_log_takes_no_writes_and_serves_reads() {
    let mut fixture = Fixture::new();
    fixture.run("SET a 1");
    fixture.disk.fail_from(0, DiskFault::FailedSync);
    let (_, progress) = fixture.feed(b"SET b 2\r\n");
    assert!(progress.wait > 0);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while fixture.server.engine().failure().is_none() {
        assert!(std::time::Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    for command in ["SET c 3", "DEL nosuch", "PING", "SAVE", "BGSAVE", "FLUSHALL"] {
        let reply = fixture.run(command);
        assert!(reply.starts_with("-MISCONF Errors writing to the AOF file: "), "{reply}");
    }
    assert_eq!(fixture.run("GET a"), "$1\r\n1\r\n");
    assert_eq!(fixture.run("ECHO x"), "$1\r\nx\r\n");
    assert!(fixture.run("INFO ferricstore").contains("state:failed\r\n"));
    assert_eq!(fixture.run("SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
}

#[test]
fn time_comes_from_the_caller() {
    let mut fixture = Fixture::new();
    let start = wall_clock_us();
    let mut at = |input: &[u8], now_us: u64| {
        let mut out = Vec::new();
        fixture.server.execute_at(&mut fixture.session, input, &mut out, true, now_us);
        String::from_utf8(out).expect("text")
    };
    assert_eq!(at(b"SET a 1 EX 10\r\n", start), "+OK\r\n");
    assert_eq!(at(b"PTTL a\r\n", start + 9_000_000), ":1000\r\n");
    assert_eq!(at(b"GET a\r\n", start + 11_000_000), "$-1\r\n");
    let time = at(b"TIME\r\n", 1_700_000_000_000_042);
    assert_eq!(time, "*2\r\n$10\r\n1700000000\r\n$2\r\n42\r\n");
}

#[test]
fn calls_are_commands_of_their_own() {
    let mut fixture = Fixture::new();
    let mut out = Vec::new();
    let session = &mut fixture.session;
    let progress = fixture.server.call(session, &[b"SET", b"a", b"1"], &mut out, true);
    assert_eq!(progress.next, Next::Read);
    assert!(progress.wait > 0);
    out.clear();
    let progress = fixture.server.call(session, &[b"FLUSHALL"], &mut out, false);
    assert_eq!((progress.next, out.len()), (Next::Long, 0));
    assert_eq!(fixture.run("DBSIZE"), ":1\r\n");
    out.clear();
    fixture.server.call(&mut fixture.session, &[], &mut out, false);
    assert!(out.starts_with(b"-ERR unknown command ''"));
}

#[test]
fn the_embedded_api_is_trusted_and_speaks_resp3() {
    let fixture = with_password();
    let peer = Peer {
        address: "embedded".to_owned(),
        local: String::new(),
        transport: Transport::Embedded,
        loopback: true,
    };
    let mut session = fixture.server.connect(peer).expect("accepted");
    for _ in 0..2 {
        let mut out = Vec::new();
        fixture.server.call(&mut session, &[b"GET", b"a"], &mut out, true);
        assert_eq!(out, b"_\r\n");
        fixture.server.call(&mut session, &[b"RESET"], &mut out, false);
    }
}

#[test]
fn clients_are_counted_and_refused() {
    let options = ServerOptions { max_clients: 2, ..ServerOptions::default() };
    let fixture = Fixture::with(options, |_| {});
    let second = fixture.server.connect(local_peer(2)).expect("accepted");
    let refusal = fixture.server.connect(local_peer(3)).err();
    assert_eq!(refusal.as_deref(), Some("-ERR max number of clients reached\r\n"));
    drop(second);
    assert_eq!(fixture.server.clients().connected(), 1);
    let foreign = Peer { loopback: false, ..local_peer(4) };
    let refusal = fixture.server.connect(foreign).err().expect("refused");
    assert!(refusal.starts_with("-DENIED ") && refusal.ends_with("\r\n"));
    assert_eq!(fixture.server.clients().connected(), 1);
    assert_eq!(fixture.server.stats().totals().refused, 2);
}

#[test]
fn a_pausing_command_replies_after_its_pause() {
    let mut fixture = Fixture::new();
    let (out, progress) = fixture.feed(b"DEBUG SLEEP 0.25\r\nECHO x\r\n");
    assert_eq!((out.len(), progress.next), (0, Next::Control(Control::Sleep(250))));
    assert_eq!(fixture.feed(b"").0, b"+OK\r\n$1\r\nx\r\n");
}

#[test]
fn executions_are_counted() {
    let mut fixture = Fixture::new();
    fixture.feed(b"SET a x\r\nGET a\r\nGET a\r\nINCR a\r\nGET\r\nGET b\r\n");
    let info = fixture.run("INFO commandstats");
    let has = |name: &str, end: &str| {
        info.lines().any(|l| l.starts_with(&format!("cmdstat_{name}:")) && l.ends_with(end))
    };
    assert!(has("get", "rejected_calls=1,failed_calls=0") && info.contains("cmdstat_get:calls=3,"));
    assert!(has("incr", "rejected_calls=0,failed_calls=1"));
    assert!(fixture.run("INFO errorstats").contains("errorstat_ERR:count=2\r\n"));
    let stats = fixture.run("INFO stats");
    assert!(stats.contains("keyspace_hits:2\r\n") && stats.contains("keyspace_misses:1\r\n"));
    fixture.run("CONFIG RESETSTAT");
    assert!(!fixture.run("INFO commandstats").contains("cmdstat_get"));
}
