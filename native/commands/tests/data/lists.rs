//! Lists.

use crate::store::Store;

/// The whole list, as LRANGE replies with it.
fn all(store: &mut Store, key: &str) -> String {
    store.run(&format!("LRANGE {key} 0 -1"))
}

#[test]
fn both_ends() {
    let mut store = Store::new();
    assert_eq!(store.run("RPUSH l a b"), ":2");
    assert_eq!(store.run("LPUSH l c d"), ":4");
    assert_eq!(all(&mut store, "l"), "*4 $1 d $1 c $1 a $1 b");
    assert_eq!(store.run("LPUSHX none x"), ":0");
    assert_eq!(store.run("RPUSHX l e"), ":5");
    assert_eq!(store.run("LPOP l"), "$1 d");
    assert_eq!(store.run("RPOP l 2"), "*2 $1 e $1 b");
    assert_eq!(store.run("LPOP l 0"), "*0");
    assert_eq!(store.run("LPOP none"), "$-1");
    assert_eq!(store.run("LPOP none 1"), "*-1");
    assert_eq!(store.run("LPOP l -1"), "-ERR value is out of range, must be positive");
    assert_eq!(store.run("LPOP l 9"), "*2 $1 c $1 a");
    assert_eq!(store.run("EXISTS l"), ":0");
}

#[test]
fn positions() {
    let mut store = Store::new();
    store.run("RPUSH l a b c b a");
    assert_eq!(store.run("LINDEX l -1"), "$1 a");
    assert_eq!(store.run("LINDEX l 5"), "$-1");
    assert_eq!(store.run("LINDEX none x"), "$-1");
    assert_eq!(store.run("LINDEX l x"), "-ERR value is not an integer or out of range");
    assert_eq!(store.run("LSET l -2 d"), "+OK");
    assert_eq!(store.run("LSET l 5 d"), "-ERR index out of range");
    assert_eq!(store.run("LSET none 0 d"), "-ERR no such key");
    assert_eq!(store.run("LINSERT l AFTER a x"), ":6");
    assert_eq!(store.run("LINSERT l BEFORE none x"), ":-1");
    assert_eq!(all(&mut store, "l"), "*6 $1 a $1 x $1 b $1 c $1 d $1 a");
    assert_eq!(store.run("LPOS l a RANK -1"), ":5");
    assert_eq!(store.run("LPOS l a COUNT 0"), "*2 :0 :5");
    assert_eq!(store.run("LPOS l a COUNT 0 MAXLEN 5"), "*1 :0");
    assert_eq!(store.run("LREM l -1 a"), ":1");
    assert_eq!(store.run("LTRIM l 1 -2"), "+OK");
    assert_eq!(all(&mut store, "l"), "*3 $1 x $1 b $1 c");
    assert_eq!(store.run("OBJECT ENCODING l"), "$9 quicklist");
    assert_eq!(store.run("LTRIM l 5 9"), "+OK");
    assert_eq!(store.run("TYPE l"), "+none");
}

#[test]
fn moves_between_lists_and_within_one() {
    let mut store = Store::new();
    store.run("RPUSH a 1 2 3");
    assert_eq!(store.run("LMOVE a a LEFT RIGHT"), "$1 1");
    assert_eq!(store.run("RPOPLPUSH a b"), "$1 1");
    assert_eq!(store.run("LMOVE a b RIGHT RIGHT"), "$1 3");
    assert_eq!(store.run("LMOVE a b LEFT LEFT"), "$1 2");
    assert_eq!(store.run("LMOVE a b LEFT LEFT"), "$-1");
    store.run("SET s x");
    assert!(store.run("LMOVE b s LEFT LEFT").starts_with("-WRONGTYPE"));
    assert_eq!(store.run("LMOVE a s LEFT LEFT"), "$-1");
    assert_eq!(store.run("LMPOP 2 a b RIGHT COUNT 2"), "*2 $1 b *2 $1 3 $1 1");
    assert_eq!(store.run("LMPOP 1 a LEFT"), "*-1");
    let mut store = store.reopened();
    assert_eq!(store.run("EXISTS a"), ":0");
    assert_eq!(all(&mut store, "b"), "*1 $1 2");
}

#[test]
fn changes_keep_the_expiry() {
    let mut store = Store::new();
    store.run("RPUSH l a b c");
    store.run("EXPIRE l 100");
    for command in ["LPUSH l x", "LSET l 0 y", "LREM l 0 a", "LMOVE l l LEFT RIGHT", "LTRIM l 0 1"]
    {
        store.run(command);
        assert_eq!(store.run("TTL l"), ":100", "{command}");
    }
}

/// A list of the numbers from 0 to `len`, pushed in several commands, some of which are long.
fn numbers(store: &mut Store, key: &str, len: usize) {
    let words: Vec<String> = (0..len).map(|number| number.to_string()).collect();
    for part in words.chunks(1500) {
        let words: Vec<&[u8]> = part.iter().map(String::as_bytes).collect();
        store.call(&[&[b"RPUSH", key.as_bytes()], &words[..]].concat());
    }
}

#[test]
fn a_long_list_survives_a_restart() {
    let mut store = Store::new();
    numbers(&mut store, "l", 20_000);
    store.run("LREM l 0 77");
    store.run("LINSERT l BEFORE 10000 here");
    store.run("LSET l 19998 there");
    store.run("LPUSH l first");
    assert_eq!(store.run("RPOP l"), "$5 19999");
    for _ in 0..2 {
        assert_eq!(store.run("LLEN l"), ":20000");
        assert_eq!(store.run("LRANGE l 0 2"), "*3 $5 first $1 0 $1 1");
        assert_eq!(store.run("LRANGE l 10000 10002"), "*3 $4 here $5 10000 $5 10001");
        assert_eq!(store.run("LRANGE l -2 -1"), "*2 $5 19997 $5 there");
        assert_eq!(store.run("LPOS l 19997"), ":19998");
        store = store.reopened();
    }
    assert_eq!(store.run("LTRIM l 100 102"), "+OK");
    assert_eq!(all(&mut store.reopened(), "l"), "*3 $3 100 $3 101 $3 102");
}

#[test]
fn long_work_goes_to_a_dirty_scheduler() {
    let mut store = Store::new();
    numbers(&mut store, "l", 30_000);
    for (command, long) in [
        ("LRANGE l 0 599", false),
        ("LRANGE l 0 1000", true),
        ("LINDEX l 15000", false),
        ("LPOS l 9000", false),
        ("LPOS l 29000", true),
        ("LPOS l 29000 RANK -1", false),
        ("LREM l 0 x", true),
        ("LPOP l 1001", true),
        ("RPOP l 10", false),
        ("LTRIM l 0 10", true),
        ("DEL l", false),
    ] {
        let before = store.long_calls;
        store.run(command);
        assert_eq!(store.long_calls - before, usize::from(long), "{command}");
    }
    let large = vec![b'x'; 300 << 10];
    assert_eq!(store.call(&[b"RPUSH", b"l", &large, b"y"]), b":2\r\n");
    let before = store.long_calls;
    assert_eq!(store.run("LINDEX l 1"), "$1 y");
    assert_eq!(store.run("LLEN l"), ":2");
    assert_eq!(store.long_calls, before);
    store.run("LMOVE l m LEFT LEFT");
    assert_eq!(store.long_calls, before + 1);
}
