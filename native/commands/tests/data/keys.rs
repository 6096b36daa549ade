//! Keys of any kind.

use std::collections::BTreeSet;

use crate::store::Store;

/// The bulk strings of a reply, without knowing its shape.
fn bulks(reply: &str) -> Vec<String> {
    let mut words = reply.split(' ');
    let mut bulks = Vec::new();
    while let Some(word) = words.next() {
        if word.starts_with('$') {
            bulks.extend(words.next().map(str::to_owned));
        }
    }
    bulks
}

#[test]
fn a_key_named_twice() {
    let mut store = Store::new();
    store.run("MSET a 1 b 2");
    assert_eq!(store.run("EXISTS a a b c"), ":3");
    assert_eq!(store.run("TOUCH a a c"), ":2");
    assert_eq!(store.run("DEL a a b c"), ":2");
    assert_eq!(store.run("UNLINK a b"), ":0");
    assert_eq!(store.run("EXISTS a"), ":0");
}

#[test]
fn scan_visits_every_key() {
    let mut store = Store::new();
    let expected: BTreeSet<String> = (0..3000).map(|n| format!("key:{n}")).collect();
    for key in &expected {
        store.run(&format!("SET {key} x"));
    }
    store.run("SET expired x PXAT 1");
    for options in ["", " COUNT 1", " COUNT 100 MATCH key:*", " COUNT 5000 TYPE string"] {
        let (mut seen, mut cursor) = (BTreeSet::new(), "0".to_owned());
        loop {
            let mut found = bulks(&store.run(&format!("SCAN {cursor}{options}")));
            cursor = found.remove(0);
            seen.extend(found);
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen, expected, "{options}");
    }
    let mut found = bulks(&store.run("KEYS *"));
    assert_eq!(found.len(), expected.len());
    found.sort();
    assert!(found.iter().eq(&expected));
    assert_eq!(store.run("KEYS key:1?"), {
        let mut reply = "*10".to_owned();
        (10..20).for_each(|n| reply.push_str(&format!(" $6 key:{n}")));
        reply
    });
    assert!(expected.contains(&bulks(&store.run("RANDOMKEY"))[0]));
}

#[test]
fn cursors_from_elsewhere_do_no_harm() {
    let mut store = Store::new();
    store.run("SET k v");
    for cursor in ["-1", "+7", "18446744073709551615", "8796093022207", "9007199254740993"] {
        assert!(store.run(&format!("SCAN {cursor}")).starts_with("*2 $"), "{cursor}");
    }
    for cursor in ["x", "18446744073709551616", "1x", "-"] {
        assert_eq!(store.run(&format!("SCAN {cursor}")), "-ERR invalid cursor");
    }
    assert_eq!(store.run("SCAN 0 COUNT 0"), "-ERR syntax error");
}

#[test]
fn renaming_keeps_value_and_expiry() {
    let mut store = Store::new();
    store.run("SET a 1 EX 100");
    store.run("SET b 2");
    assert_eq!(store.run("RENAMENX a b"), ":0");
    assert_eq!(store.run("RENAME a b"), "+OK");
    assert_eq!(store.run("MGET a b"), "*2 $-1 $1 1");
    assert_eq!(store.run("TTL b"), ":100");
    assert_eq!(store.run("RENAME b b"), "+OK");
    assert_eq!(store.run("RENAMENX b b"), ":0");
    assert_eq!(store.run("RENAMENX b c"), ":1");
    assert_eq!(store.run("RENAME b c"), "-ERR no such key");
    let mut store = store.reopened();
    assert_eq!(store.run("MGET a b c"), "*3 $-1 $-1 $1 1");
    assert_eq!(store.run("TTL c"), ":100");
}

#[test]
fn copying_and_moving_between_databases() {
    let mut store = Store::new();
    store.run("SET a 1 EX 100");
    assert_eq!(store.run("COPY a a"), "-ERR source and destination objects are the same");
    assert_eq!(store.run("COPY a a DB 1"), ":1");
    assert_eq!(store.run("COPY a a DB 1"), ":0");
    assert_eq!(store.run("COPY a a DB 1 REPLACE"), ":1");
    assert_eq!(store.run("MOVE a 1"), ":0");
    assert_eq!(store.run("MOVE a 2"), ":1");
    assert_eq!(store.run("EXISTS a"), ":0");
    assert_eq!(store.run("MOVE a 0"), "-ERR source and destination objects are the same");
    assert_eq!(store.run("COPY a b DB 16"), "-ERR DB index is out of range");
    assert_eq!(store.run("COPY a b DB x"), "-ERR value is not an integer or out of range");
    assert_eq!(store.run("COPY a b DB"), "-ERR syntax error");
    for db in ["1", "2"] {
        store.run(&format!("SELECT {db}"));
        assert_eq!(store.run("GET a"), "$1 1");
        assert_eq!(store.run("TTL a"), ":100");
    }
}

#[test]
fn expiry_conditions_and_past_times() {
    let mut store = Store::new();
    store.run("SET k v");
    assert_eq!(store.run("EXPIRE k 100 XX"), ":0");
    assert_eq!(store.run("EXPIRE k 100 GT"), ":0");
    assert_eq!(store.run("EXPIRE k 100 LT"), ":1");
    assert_eq!(store.run("EXPIRE k 200 NX"), ":0");
    assert_eq!(store.run("EXPIRE k 200 XX GT"), ":1");
    assert_eq!(store.run("TTL k"), ":200");
    assert_eq!(store.run("PEXPIREAT k 4102444800123"), ":1");
    assert_eq!(store.run("PEXPIRETIME k"), ":4102444800123");
    assert_eq!(store.run("EXPIRETIME k"), ":4102444800");
    let mut store = store.reopened();
    assert_eq!(store.run("PEXPIRETIME k"), ":4102444800123");
    assert_eq!(store.run("PERSIST k"), ":1");
    assert_eq!(store.run("PERSIST k"), ":0");
    assert_eq!(store.run("TTL k"), ":-1");
    assert_eq!(store.run("EXPIRE k -1"), ":1");
    assert_eq!(store.run("TTL k"), ":-2");
    let invalid = "-ERR invalid expire time in 'expire' command";
    assert_eq!(store.run("EXPIRE k 9223372036854775807"), invalid);
    assert_eq!(store.run("EXPIRE k 1 NOPE"), "-ERR Unsupported option NOPE");
}

#[test]
fn expired_keys_are_not_there() {
    let mut store = Store::new();
    store.run("SET k v PX 30");
    store.run("SET stays v");
    std::thread::sleep(std::time::Duration::from_millis(40));
    assert_eq!(store.run("EXISTS k"), ":0");
    assert_eq!(store.run("TYPE k"), "+none");
    assert_eq!(store.run("OBJECT ENCODING k"), "$-1");
    assert_eq!(store.run("RENAME k x"), "-ERR no such key");
    assert_eq!(store.run("APPEND k w"), ":1");
    assert_eq!(store.run("TTL k"), ":-1");
    assert_eq!(store.run("KEYS st*"), "*1 $5 stays");
}

#[test]
fn many_keys_go_to_a_dirty_scheduler() {
    let mut store = Store::new();
    let names: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
    let mut words: Vec<&[u8]> = vec![b"MSET"];
    names.iter().for_each(|name| words.extend([name.as_bytes(), b"x"]));
    assert_eq!(store.call(&words), b"+OK\r\n");
    assert_eq!(store.long_calls, 1);
    let mut words: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    words.insert(0, b"EXISTS");
    assert_eq!(store.call(&words), b":2000\r\n");
    words[0] = b"DEL";
    assert_eq!(store.call(&words), b":2000\r\n");
    assert_eq!(store.long_calls, 3);
    assert_eq!(store.run("RANDOMKEY"), "$-1");
}

#[test]
fn costly_patterns_go_to_a_dirty_scheduler() {
    let mut store = Store::new();
    let key = vec![b'a'; 20_000];
    store.call(&[b"SET", &key, b"x"]);
    assert!(store.run("SCAN 0 MATCH b* COUNT 1000").ends_with("*0"));
    assert_eq!(store.long_calls, 0);
    let pattern = [b"*", &key[..1000], b"b"].concat();
    let reply = store.call(&[b"SCAN", b"0", b"MATCH", &pattern, b"COUNT", b"1000"]);
    assert_eq!(reply, b"*2\r\n$1\r\n0\r\n*0\r\n");
    assert_eq!(store.long_calls, 1);
}
