//! Commands that wait, beyond what the comparison with redis-server covers: who is served, when, by whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ferric_engine::Lsn;

use crate::context::Control;
use crate::executor::Next;
use crate::server::Server;
use crate::session::Session;
use crate::testing::{Fixture, encode, local_peer};

/// A client whose command waits.
struct Waiting {
    session: Session,
    told: Arc<AtomicBool>,
}

fn execute(server: &Server, session: &mut Session, input: &[u8]) -> (String, Next, Lsn) {
    let mut out = Vec::new();
    let progress = server.execute(session, input, &mut out, true);
    (String::from_utf8_lossy(&out).into_owned(), progress.next, progress.wait)
}

fn command(words: &str) -> Vec<u8> {
    encode(&words.split(' ').map(str::as_bytes).collect::<Vec<_>>())
}

impl Waiting {
    fn with(fixture: &Fixture, words: &str) -> Waiting {
        let mut session = fixture.server.connect(local_peer(9)).expect("accepted");
        let (out, next, _) = execute(&fixture.server, &mut session, &command(words));
        assert_eq!(out, "", "{words}");
        assert!(matches!(next, Next::Control(Control::Block(_))), "{words}: {next:?}");
        let told = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&told);
        assert!(
            session.on_unblocked(Box::new(move || tell.store(true, Ordering::Relaxed))).is_none()
        );
        Waiting { session, told }
    }

    fn is_told(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }

    /// What it is sent when it looks.
    fn reply(&mut self, fixture: &Fixture) -> String {
        execute(&fixture.server, &mut self.session, b"").0
    }
}

#[test]
fn clients_are_served_in_the_order_in_which_they_came() {
    let mut fixture = Fixture::new();
    let mut waiting: Vec<Waiting> =
        (0..3).map(|_| Waiting::with(&fixture, "BLPOP a b 0")).collect();
    assert_eq!(fixture.server.blocked().len(), 3);
    assert_eq!(fixture.run("RPUSH b 1 2"), ":2\r\n");
    // They have what they waited for before anybody else can look.
    assert_eq!(fixture.run("EXISTS a b"), ":0\r\n");
    assert_eq!(waiting.iter().map(Waiting::is_told).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(waiting[0].reply(&fixture), "*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
    assert_eq!(waiting[1].reply(&fixture), "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    assert_eq!(waiting[2].reply(&fixture), "");
    fixture.run("LPUSH a 3");
    assert_eq!(waiting[2].reply(&fixture), "*2\r\n$1\r\na\r\n$1\r\n3\r\n");
    assert_eq!(fixture.server.blocked().len(), 0);
}

#[test]
fn a_transaction_is_done_before_anybody_is_served() {
    let mut fixture = Fixture::new();
    let mut waiting = Waiting::with(&fixture, "BLPOP l 0");
    for words in ["MULTI", "RPUSH l 1", "DEL l", "EXEC"] {
        fixture.run(words);
    }
    assert!(!waiting.is_told());
    for words in ["MULTI", "RPUSH l 1", "LPUSH l 2", "EXEC"] {
        fixture.run(words);
    }
    assert_eq!(waiting.reply(&fixture), "*2\r\n$1\r\nl\r\n$1\r\n2\r\n");
}

#[test]
fn who_is_served_may_serve_others() {
    let mut fixture = Fixture::new();
    let mut last = Waiting::with(&fixture, "BLPOP c 0");
    let mut second = Waiting::with(&fixture, "BLMOVE b c LEFT LEFT 0");
    let mut first = Waiting::with(&fixture, "BLMOVE a b LEFT LEFT 0");
    fixture.run("RPUSH a x");
    assert_eq!(first.reply(&fixture), "$1\r\nx\r\n");
    assert_eq!(second.reply(&fixture), "$1\r\nx\r\n");
    assert_eq!(last.reply(&fixture), "*2\r\n$1\r\nc\r\n$1\r\nx\r\n");
    assert_eq!(fixture.run("DBSIZE"), ":0\r\n");
}

/// What a client is given depends on the change that it was given from.
#[test]
fn a_reply_waits_for_the_log_as_the_change_does() {
    let fixture = Fixture::new();
    let mut waiting = Waiting::with(&fixture, "BLPOP l 0");
    let mut other = fixture.server.connect(local_peer(8)).expect("accepted");
    let (_, _, pushed) = execute(&fixture.server, &mut other, &command("RPUSH l 1"));
    let (_, _, popped) = execute(&fixture.server, &mut waiting.session, b"");
    assert!(popped >= pushed && pushed > 0, "{popped} {pushed}");
    fixture.settle(popped);
}

#[test]
fn a_wait_ends_by_time_or_by_an_administrator_or_with_the_client() {
    let mut fixture = Fixture::new();
    let mut timed = Waiting::with(&fixture, "BLPOP l 0.01");
    timed.session.end_wait();
    assert!(timed.is_told());
    assert_eq!(timed.reply(&fixture), "*-1\r\n");
    let mut ended = Waiting::with(&fixture, "BZPOPMIN z 0");
    let id = ended.session.id();
    assert_eq!(fixture.run(&format!("CLIENT UNBLOCK {id} ERROR")), ":1\r\n");
    assert_eq!(ended.reply(&fixture), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    assert_eq!(fixture.run(&format!("CLIENT UNBLOCK {id}")), ":0\r\n");
    drop(Waiting::with(&fixture, "BLPOP l 0"));
    assert_eq!(fixture.server.blocked().len(), 0);
    fixture.run("RPUSH l 1");
    assert_eq!(fixture.run("LLEN l"), ":1\r\n");
}

#[test]
fn what_is_sent_meanwhile_is_answered_afterwards() {
    let mut fixture = Fixture::new();
    let mut session = fixture.server.connect(local_peer(9)).expect("accepted");
    let input = [command("BLPOP l 0"), command("PING")].concat();
    let (out, next, _) = execute(&fixture.server, &mut session, &input);
    assert_eq!((out.as_str(), next), ("", Next::Control(Control::Block(None))));
    fixture.run("RPUSH l 1");
    let (out, next, _) = execute(&fixture.server, &mut session, b"");
    assert_eq!((out.as_str(), next), ("*2\r\n$1\r\nl\r\n$1\r\n1\r\n+PONG\r\n", Next::Read));
}

#[test]
fn a_stream_serves_everybody_and_a_group_one() {
    let mut fixture = Fixture::new();
    fixture.run("XGROUP CREATE s g $ MKSTREAM");
    let mut readers: Vec<Waiting> =
        (0..2).map(|_| Waiting::with(&fixture, "XREAD BLOCK 0 STREAMS s $")).collect();
    let of_group = "XREADGROUP GROUP g c BLOCK 0 STREAMS s >";
    let mut members: Vec<Waiting> = (0..2).map(|_| Waiting::with(&fixture, of_group)).collect();
    fixture.run("XADD s 5-1 f v");
    let entry = "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n";
    for reader in &mut readers {
        assert_eq!(reader.reply(&fixture), entry);
    }
    assert_eq!(members[0].reply(&fixture), entry);
    assert!(!members[1].is_told());
    fixture.run("FLUSHALL");
    assert_eq!(members[1].reply(&fixture), "-UNBLOCKED the stream key no longer exists\r\n");
}

/// The exchange of databases brings a key.
#[test]
fn an_exchange_of_databases_serves() {
    let mut fixture = Fixture::new();
    let mut waiting = Waiting::with(&fixture, "BLPOP l 0");
    fixture.run("SELECT 5");
    fixture.run("RPUSH l 1");
    assert!(!waiting.is_told());
    fixture.run("SWAPDB 0 5");
    assert_eq!(waiting.reply(&fixture), "*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
}

#[test]
fn who_asks_for_replicas_waits_for_nothing() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.run("WAIT 0 0"), ":0\r\n");
    assert_eq!(fixture.run("WAITAOF 1 0 0"), "*2\r\n:1\r\n:0\r\n");
    for (words, reply) in [("WAIT 1 10", ":0\r\n"), ("WAITAOF 1 1 10", "*2\r\n:1\r\n:0\r\n")] {
        let mut waiting = Waiting::with(&fixture, words);
        assert!(!waiting.is_told());
        waiting.session.end_wait();
        assert_eq!(waiting.reply(&fixture), reply);
    }
}

#[test]
fn a_reply_that_is_not_wanted_is_not_sent_after_a_wait() {
    let mut fixture = Fixture::new();
    let mut session = fixture.server.connect(local_peer(9)).expect("accepted");
    for served in [false, true] {
        let input = [command("CLIENT REPLY SKIP"), command("BLPOP l 1"), command("PING")].concat();
        let (out, next, _) = execute(&fixture.server, &mut session, &input);
        assert_eq!(out, "");
        assert!(matches!(next, Next::Control(Control::Block(_))));
        if served {
            fixture.run("RPUSH l 1");
        } else {
            session.end_wait();
        }
        assert_eq!(execute(&fixture.server, &mut session, b"").0, "+PONG\r\n");
    }
}
