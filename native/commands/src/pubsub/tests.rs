//! The registry and the mailboxes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::Config;
use crate::server::ServerOptions;
use crate::testing::local_peer;

use super::*;

fn client(id: u64) -> Arc<Client> {
    Arc::new(Client::new(id, local_peer(1), 0, 2))
}

fn limit(text: &str) -> OutputLimit {
    let config = Config::new(ServerOptions::default());
    let value = format!("pubsub {text}");
    config.set(&[(b"client-output-buffer-limit", value.as_bytes())]).expect("accepted");
    config.output_limits().pubsub()
}

fn post<'a>(channel: &'a str, message: &'a str) -> Post<'a> {
    Post { shard: false, channel: channel.as_bytes(), message: message.as_bytes() }
}

fn taken(client: &Client, protocol: Protocol) -> String {
    let mut reply = Encoder::with_buffer(Vec::new(), protocol);
    assert!(client.mailbox().take(&mut reply, usize::MAX));
    String::from_utf8(reply.into_inner()).expect("text")
}

#[test]
fn a_message_reaches_each_subscription_once() {
    let registry = Arc::<PubSub>::default();
    let (one, two) = (client(1), client(2));
    let mut of_one = Subscriptions::new(&registry, &one);
    let mut of_two = Subscriptions::new(&registry, &two);
    assert_eq!(registry.publish(post("news", "a"), limit("0 0 0"), 0), 0);
    of_one.add(Topic::Channel, b"news", false);
    of_one.add(Topic::Channel, b"news", false);
    of_two.add(Topic::Pattern, b"n*", false);
    of_two.add(Topic::Channel, b"news", false);
    of_two.add(Topic::Shard, b"news", false);
    assert_eq!(registry.publish(post("news", "b"), limit("0 0 0"), 0), 3);
    assert_eq!(registry.publish(post("other", "c"), limit("0 0 0"), 0), 0);
    assert_eq!(registry.publish(post("nine", "d"), limit("0 0 0"), 0), 1);
    let shard = Post { shard: true, ..post("news", "e") };
    assert_eq!(registry.publish(shard, limit("0 0 0"), 0), 1);
    let message = "3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nb\r\n";
    assert_eq!(taken(&one, Protocol::Resp2), format!("*{message}"));
    let others = ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$1\r\nb\r\n\
        >4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnine\r\n$1\r\nd\r\n\
        >3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$1\r\ne\r\n";
    assert_eq!(taken(&two, Protocol::Resp3), format!(">{message}{others}"));
    assert_eq!(Topic::ALL.map(|topic| registry.len(topic)), [1, 1, 1]);
    drop(of_two);
    assert_eq!(Topic::ALL.map(|topic| registry.len(topic)), [1, 0, 0]);
    of_one.remove(Topic::Channel, b"news", false);
    assert!(registry.is_empty() && of_one.is_empty() && !one.is_subscriber());
}

#[test]
fn what_a_transaction_changed_is_taken_back() {
    let registry = Arc::<PubSub>::default();
    let client = client(1);
    let mut own = Subscriptions::new(&registry, &client);
    own.add(Topic::Channel, b"kept", false);
    own.remove(Topic::Channel, b"kept", true);
    own.add(Topic::Channel, b"new", true);
    own.add(Topic::Pattern, b"*", true);
    own.roll_back();
    assert_eq!(registry.active(false, None), [Arc::from(b"kept".as_slice())]);
    assert_eq!((own.len(Topic::Channel), own.len(Topic::Pattern)), (1, 0));
    own.add(Topic::Channel, b"new", true);
    own.commit();
    own.roll_back();
    assert_eq!(registry.subscribers(false, b"new"), 1);
}

#[test]
fn who_does_not_take_messages_is_disconnected() {
    let registry = Arc::<PubSub>::default();
    let big = "x".repeat(1000);
    // Hard limit; soft limit, after its time.
    for (text, times, told) in
        [("10000 0 0", [0; 12], 10), ("0 2500 5", [0, 0, 0, 5_000, 5_001, 0, 0, 0, 0, 0, 0, 0], 5)]
    {
        let client = client(1);
        let overflown = Arc::new(AtomicUsize::new(0));
        let arrived = Arc::new(AtomicUsize::new(0));
        let counters = (Arc::clone(&arrived), Arc::clone(&overflown));
        client.mailbox().set_notice(Box::new(move |news| {
            let counter = if news == MailNews::Arrived { &counters.0 } else { &counters.1 };
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        let mut own = Subscriptions::new(&registry, &client);
        own.add(Topic::Channel, b"c", false);
        let mut dead_after = None;
        for (n, now_ms) in times.into_iter().enumerate() {
            registry.publish(post("c", &big), limit(text), now_ms);
            if client.is_killed() && dead_after.is_none() {
                dead_after = Some(n + 1);
            }
        }
        assert_eq!(dead_after, Some(told), "{text}");
        assert_eq!(client.mailbox().bytes(), 0);
        let counts = [&arrived, &overflown].map(|counter| counter.load(Ordering::Relaxed));
        assert_eq!(counts, [1, 1], "{text}");
    }
}

#[test]
fn messages_are_taken_in_pieces() {
    let registry = Arc::<PubSub>::default();
    let client = client(1);
    let mut own = Subscriptions::new(&registry, &client);
    own.add(Topic::Channel, b"c", false);
    for n in 0..10 {
        registry.publish(post("c", &n.to_string()), limit("0 0 0"), 0);
    }
    let mut reply = Encoder::with_buffer(Vec::new(), Protocol::Resp2);
    assert!(!client.mailbox().take(&mut reply, 60));
    assert!(reply.len() < 200 && client.mailbox().len() > 5);
    assert!(client.mailbox().take(&mut reply, usize::MAX));
    let text = String::from_utf8(reply.into_inner()).expect("text");
    let numbers: Vec<&str> = text.lines().skip(6).step_by(7).collect();
    assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!((client.mailbox().len(), client.mailbox().bytes()), (0, 0));
}
