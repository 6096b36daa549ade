//! Replies of redis-server 7.0.15, with several clients.

use crate::context::Control;
use crate::executor::Next;
use crate::server::Server;
use crate::session::Session;
use crate::testing::{Fixture, encode, local_peer};

/// Runs lines of another client.
fn run(server: &Server, session: &mut Session, lines: &str) -> String {
    let mut out = Vec::new();
    let input: Vec<u8> = lines
        .lines()
        .flat_map(|line| encode(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>()))
        .collect();
    server.execute(session, &input, &mut out, true);
    String::from_utf8(out).expect("text")
}

const NOT_NOW: &str =
    "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";

#[test]
fn subscribing_counts() {
    let mut fixture = Fixture::new();
    let cases = [
        ("UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"),
        ("SUNSUBSCRIBE x", "*3\r\n$12\r\nsunsubscribe\r\n$1\r\nx\r\n:0\r\n"),
        (
            "SUBSCRIBE a a b",
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n\
             *3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n",
        ),
        ("PSUBSCRIBE a*", "*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:3\r\n"),
        ("SSUBSCRIBE s", "*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n"),
        ("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
        ("PING x", "*2\r\n$4\r\npong\r\n$1\r\nx\r\n"),
        ("PING x y", "-ERR wrong number of arguments for 'ping' command\r\n"),
        (
            "UNSUBSCRIBE a nope",
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$4\r\nnope\r\n:2\r\n",
        ),
        ("UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n"),
        ("PUNSUBSCRIBE", "*3\r\n$12\r\npunsubscribe\r\n$2\r\na*\r\n:0\r\n"),
        ("SUNSUBSCRIBE", "*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n"),
        ("PING", "+PONG\r\n"),
    ];
    for (command, reply) in cases {
        assert_eq!(fixture.run(command), reply, "{command}");
    }
    assert!(fixture.server.pubsub().is_empty());
}

#[test]
fn a_subscriber_of_resp2_may_do_little() {
    let mut fixture = Fixture::new();
    fixture.run("SUBSCRIBE a");
    for (command, name) in [("GET a", "get"), ("CLIENT LIST", "client|list"), ("MULTI", "multi")] {
        let expected = format!("-ERR Can't execute '{name}': {NOT_NOW}\r\n");
        assert_eq!(fixture.run(command), expected);
    }
    assert_eq!(fixture.run("RESET"), "+RESET\r\n");
    assert_eq!(fixture.run("GET a"), "$-1\r\n");
    fixture.run("HELLO 3");
    assert_eq!(fixture.run("SUBSCRIBE a"), ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    assert_eq!(fixture.run("GET a"), "_\r\n");
    assert_eq!(fixture.run("PING"), "+PONG\r\n");
}

#[test]
fn messages_come_in_order_with_replies() {
    let mut fixture = Fixture::new();
    let mut other = fixture.server.connect(local_peer(7)).expect("accepted");
    let subscribed = run(&fixture.server, &mut other, "SUBSCRIBE c");
    assert!(subscribed.starts_with("*3\r\n$9\r\nsubscribe"));
    assert_eq!(fixture.run("PUBLISH c 1"), ":1\r\n");
    assert_eq!(fixture.run("PUBLISH d 1"), ":0\r\n");
    let message = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n1\r\n";
    let ended = "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n";
    let replies = run(&fixture.server, &mut other, "UNSUBSCRIBE c\nGET a");
    assert_eq!(replies, format!("{message}{ended}$-1\r\n"));
    assert_eq!(fixture.run("PUBLISH c 2"), ":0\r\n");
    drop(other);
    // To itself, ahead of the reply.
    fixture.run("HELLO 3");
    fixture.run("SUBSCRIBE c");
    let own = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n3\r\n";
    assert_eq!(fixture.run("PUBLISH c 3"), format!("{own}:1\r\n"));
}

#[test]
fn a_transaction_publishes_when_it_is_committed() {
    let mut fixture = Fixture::new();
    let mut other = fixture.server.connect(local_peer(7)).expect("accepted");
    run(&fixture.server, &mut other, "SUBSCRIBE c");
    for command in ["HELLO 3", "MULTI", "SUBSCRIBE c", "PUBLISH c 1", "SSUBSCRIBE s", "UNSUBSCRIBE"]
    {
        fixture.run(command);
    }
    assert_eq!(run(&fixture.server, &mut other, "PING"), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    let replies = "*4\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n:2\r\n\
        -ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n\
        >3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n";
    assert_eq!(fixture.run("EXEC"), replies);
    let message = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n1\r\n";
    assert_eq!(run(&fixture.server, &mut other, ""), message);
    for command in ["WATCH k", "MULTI", "SUBSCRIBE c", "PUBLISH c 1"] {
        fixture.run(command);
    }
    run(&fixture.server, &mut other, "UNSUBSCRIBE\nSET k 1\nSUBSCRIBE c");
    assert_eq!(fixture.run("EXEC"), "_\r\n");
    assert_eq!(run(&fixture.server, &mut other, ""), "");
    assert_eq!(fixture.run("PUBSUB NUMSUB c"), "*2\r\n$1\r\nc\r\n:1\r\n");
}

#[test]
fn confirmations_and_messages_are_sent_without_replies() {
    let mut fixture = Fixture::new();
    let mut other = fixture.server.connect(local_peer(7)).expect("accepted");
    run(&fixture.server, &mut other, "HELLO 3");
    assert_eq!(run(&fixture.server, &mut other, "CLIENT REPLY OFF"), "");
    let confirmed = run(&fixture.server, &mut other, "PING\nSUBSCRIBE c\nSUBSCRIBE\nGET a");
    assert_eq!(confirmed, ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    fixture.run("PUBLISH c 1");
    let message = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n1\r\n";
    assert_eq!(run(&fixture.server, &mut other, "PING"), message);
    assert_eq!(run(&fixture.server, &mut other, "PUBLISH c 1\nPING"), message);
}

#[test]
fn what_others_see() {
    let mut fixture = Fixture::new();
    let mut other = fixture.server.connect(local_peer(7)).expect("accepted");
    run(&fixture.server, &mut other, "SUBSCRIBE a b\nPSUBSCRIBE p*\nSSUBSCRIBE s");
    let list = fixture.run("CLIENT LIST TYPE pubsub");
    assert!(list.contains(" flags=P ") && list.contains(" sub=2 psub=1 ssub=1 "), "{list}");
    assert!(!fixture.run("CLIENT LIST TYPE normal").contains("sub=2"));
    fixture.run("PUBLISH a 12345");
    assert!(fixture.run("CLIENT LIST TYPE pubsub").contains(" oll=1 omem=51 "));
    let info = fixture.run("INFO stats");
    for field in ["pubsub_channels:2", "pubsub_patterns:1", "pubsubshard_channels:1"] {
        assert!(info.contains(field), "{field}");
    }
    let cases = [
        ("PUBSUB CHANNELS a*", "*1\r\n$1\r\na\r\n"),
        ("PUBSUB NUMSUB a x", "*4\r\n$1\r\na\r\n:1\r\n$1\r\nx\r\n:0\r\n"),
        ("PUBSUB NUMPAT", ":1\r\n"),
        ("PUBSUB SHARDCHANNELS", "*1\r\n$1\r\ns\r\n"),
        ("PUBSUB SHARDNUMSUB s", "*2\r\n$1\r\ns\r\n:1\r\n"),
        ("PUBSUB nope", "-ERR unknown subcommand 'nope'. Try PUBSUB HELP.\r\n"),
        (
            "PUBSUB CHANNELS a b",
            "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n",
        ),
        ("COMMAND GETKEYS SPUBLISH c m", "-ERR The command has no key arguments\r\n"),
    ];
    for (command, reply) in cases {
        assert_eq!(fixture.run(command), reply, "{command}");
    }
    let (out, progress) = fixture.feed(b"CLIENT KILL TYPE pubsub\r\n");
    assert_eq!(out, b":1\r\n");
    assert_eq!(progress.next, Next::Control(Control::Kill(vec![other.id()])));
    drop(other);
    assert!(fixture.server.pubsub().is_empty());
}
