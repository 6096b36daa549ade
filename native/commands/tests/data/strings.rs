//! Strings.

use crate::store::Store;

#[test]
fn last_value_of_a_repeated_key_stays() {
    let mut store = Store::new();
    assert_eq!(store.run("MSET a 1 b 2 a 3 c 4 a 5"), "+OK");
    assert_eq!(store.run("MGET a b c"), "*3 $1 5 $1 2 $1 4");
    let mut store = store.reopened();
    assert_eq!(store.run("MGET a b c"), "*3 $1 5 $1 2 $1 4");
    assert_eq!(store.run("MSETNX d 1 d 2"), ":1");
    assert_eq!(store.run("GET d"), "$1 2");
}

#[test]
fn msetnx_is_all_or_nothing() {
    let mut store = Store::new();
    store.run("SET b x");
    assert_eq!(store.run("MSETNX a 1 b 2 c 3"), ":0");
    assert_eq!(store.run("MGET a b c"), "*3 $-1 $1 x $-1");
    assert_eq!(store.run("MSETNX a 1 b"), "-ERR wrong number of arguments for 'msetnx' command");
}

#[test]
fn set_options_together() {
    let mut store = Store::new();
    assert_eq!(store.run("SET k 1 NX GET"), "$-1");
    assert_eq!(store.run("SET k 2 NX GET"), "$1 1");
    assert_eq!(store.run("SET k 3 XX GET EX 100"), "$1 1");
    assert_eq!(store.run("TTL k"), ":100");
    assert_eq!(store.run("SET k 4 KEEPTTL"), "+OK");
    assert_eq!(store.run("TTL k"), ":100");
    assert_eq!(store.run("SET k 5"), "+OK");
    assert_eq!(store.run("TTL k"), ":-1");
    assert_eq!(store.run("SET k 6 PXAT 1"), "+OK");
    assert_eq!(store.run("GET k"), "$-1");
    assert_eq!(store.run("SET k 7 EX 0"), "-ERR invalid expire time in 'set' command");
    assert_eq!(store.run("SETEX k -1 v"), "-ERR invalid expire time in 'setex' command");
    assert_eq!(store.run("SET k 7 EX 1 PX 1"), "-ERR syntax error");
}

#[test]
fn encodings_survive_a_restart() {
    let mut store = Store::new();
    for command in [
        "SET int 12",
        "SET embstr 012",
        "APPEND appended 1",
        "APPEND appended 2",
        "SETRANGE patched 0 5",
        "INCRBYFLOAT float 3",
        "COPY int copied",
        "RENAME patched renamed",
    ] {
        store.run(command);
    }
    let mut store = store.reopened();
    for (key, encoding, references) in [
        ("int", "$3 int", ":2147483647"),
        ("embstr", "$6 embstr", ":1"),
        ("appended", "$3 raw", ":1"),
        ("renamed", "$3 raw", ":1"),
        ("float", "$6 embstr", ":1"),
        ("copied", "$3 int", ":1"),
    ] {
        assert_eq!(store.run(&format!("OBJECT ENCODING {key}")), encoding, "{key}");
        assert_eq!(store.run(&format!("OBJECT REFCOUNT {key}")), references, "{key}");
    }
    store.run("INCR appended");
    assert_eq!(store.run("OBJECT ENCODING appended"), "$3 int");
}

#[test]
fn counters_keep_the_expiry_and_their_limits() {
    let mut store = Store::new();
    store.run("SET n 9223372036854775806 EX 100");
    assert_eq!(store.run("INCR n"), ":9223372036854775807");
    assert_eq!(store.run("INCR n"), "-ERR increment or decrement would overflow");
    assert_eq!(store.run("GET n"), "$19 9223372036854775807");
    assert_eq!(store.run("TTL n"), ":100");
    assert_eq!(store.run("DECRBY n -9223372036854775808"), "-ERR decrement would overflow");
    assert_eq!(store.run("INCRBYFLOAT f 0.1"), "$3 0.1");
    assert_eq!(store.run("INCRBYFLOAT f 0.2"), "$3 0.3");
    assert_eq!(store.run("INCR f"), "-ERR value is not an integer or out of range");
    let infinite = "-ERR increment would produce NaN or Infinity";
    assert_eq!(store.run("INCRBYFLOAT f inf"), infinite);
    assert_eq!(store.run("INCRBYFLOAT f 1e5000"), "-ERR value is not a valid float");
}

#[test]
fn sizes_are_checked_before_memory_is_taken() {
    let mut store = Store::new();
    let too_large = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    store.run("SET k v");
    assert_eq!(store.run("SETRANGE k 536870912 x"), too_large);
    assert_eq!(store.run("SETRANGE nothing 9223372036854775807 x"), too_large);
    assert_eq!(store.run("SETRANGE k -1 x"), "-ERR offset is out of range");
    assert_eq!(store.call(&[b"SETRANGE", b"k", b"9223372036854775807", b""]), b":1\r\n");
    assert_eq!(store.run("GET k"), "$1 v");
}

#[test]
fn large_values_go_to_a_dirty_scheduler() {
    let mut store = Store::new();
    let large = vec![b'x'; 300 << 10];
    let reply = [format!("${}\r\n", large.len()).as_bytes(), &large, b"\r\n"].concat();
    assert_eq!(store.call(&[b"SET", b"k", &large]), b"+OK\r\n");
    assert_eq!(store.long_calls, 1);
    for words in [
        &[&b"GET"[..], b"k"][..],
        &[b"GETRANGE", b"k", b"0", b"-1"],
        &[b"GETEX", b"k", b"PERSIST"],
        &[b"SET", b"k", &large, b"GET"],
        &[b"GETSET", b"k", &large],
        &[b"GETDEL", b"k"],
    ] {
        let before = store.long_calls;
        assert!(store.call(words) == reply, "{:?}", String::from_utf8_lossy(words[0]));
        assert_eq!(store.long_calls, before + 1);
    }
    store.call(&[b"SET", b"k", &large]);
    let before = store.long_calls;
    for command in ["STRLEN k", "EXISTS k", "TTL k", "GETRANGE k 5 9", "DEL k"] {
        store.run(command);
    }
    assert_eq!(store.long_calls, before);
}

#[test]
fn lcs_does_large_work_elsewhere() {
    let mut store = Store::new();
    store.run("MSET a ohmytext b mynewtext");
    assert_eq!(store.run("LCS a b"), "$6 mytext");
    assert_eq!(
        store.run("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN"),
        "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6"
    );
    assert_eq!(store.long_calls, 0);
    let long = b"abcdefghij".repeat(100);
    store.call(&[b"MSET", b"a", &long, b"b", &long[5..]]);
    assert_eq!(store.run("LCS a b LEN"), ":995");
    assert_eq!(store.long_calls, 1);
    let longer = vec![b'x'; 20_000];
    store.call(&[b"MSET", b"a", &longer, b"b", &longer]);
    assert_eq!(
        store.run("LCS a b"),
        "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
    );
    assert_eq!(
        store.run("LCS a b LEN IDX"),
        "-ERR If you want both the length and indexes, please just use IDX."
    );
}
