//! SORT.

use crate::store::Store;

#[test]
fn numbers_and_strings() {
    let mut store = Store::new();
    store.run("RPUSH l 10 9 -1.5 1e1 2");
    assert_eq!(store.run("SORT l"), "*5 $4 -1.5 $1 2 $1 9 $2 10 $3 1e1");
    assert_eq!(store.run("SORT l DESC LIMIT 1 2"), "*2 $2 10 $1 9");
    assert_eq!(store.run("SORT l ALPHA"), "*5 $4 -1.5 $2 10 $3 1e1 $1 2 $1 9");
    store.run("RPUSH l x");
    assert_eq!(store.run("SORT l"), "-ERR One or more scores can't be converted into double");
    assert_eq!(store.run("SORT none"), "*0");
    assert_eq!(store.run("SORT_RO l ALPHA STORE x"), "-ERR syntax error");
    store.run("SET s 1");
    assert!(store.run("SORT s").starts_with("-WRONGTYPE"));
}

#[test]
fn by_and_get_other_keys() {
    let mut store = Store::new();
    store.run("RPUSH l 1 2 3 4");
    store.run("MSET w_1 30 w_2 20 w_3 10 o_1 one o_2 two");
    store.run("RPUSH o_3 a");
    assert_eq!(store.run("SORT l BY w_*"), "*4 $1 4 $1 3 $1 2 $1 1");
    assert_eq!(
        store.run("SORT l BY w_* DESC GET o_* GET #"),
        "*8 $3 one $1 1 $3 two $1 2 $-1 $1 3 $-1 $1 4"
    );
    assert_eq!(store.run("SORT l BY nosort DESC LIMIT 1 2"), "*2 $1 3 $1 2");
    assert_eq!(store.run("SORT l BY w_* ALPHA GET w_*"), "*4 $-1 $2 10 $2 20 $2 30");
    assert_eq!(store.run("SORT l GET o_*->f LIMIT 0 1"), "*1 $-1");
    store.run("SET w_4 x");
    let fault = "-ERR One or more scores can't be converted into double";
    assert_eq!(store.run("SORT l BY w_* STORE d"), fault);
    assert_eq!(store.run("EXISTS d"), ":0");
}

#[test]
fn results_are_stored() {
    let mut store = Store::new();
    store.run("RPUSH l 3 1 2");
    store.run("SET d x EX 100");
    store.run("SET v_1 one");
    assert_eq!(store.run("SORT l GET # GET v_* STORE d"), ":6");
    assert_eq!(store.run("TTL d"), ":-1");
    let mut store = store.reopened();
    assert_eq!(store.run("LRANGE d 0 -1"), "*6 $1 1 $3 one $1 2 $0  $1 3 $0");
    assert_eq!(store.run("SORT l STORE l"), ":3");
    assert_eq!(store.run("LRANGE l 0 -1"), "*3 $1 1 $1 2 $1 3");
    assert_eq!(store.run("SORT none STORE d"), ":0");
    assert_eq!(store.run("EXISTS d"), ":0");
    let keys = "COMMAND GETKEYS SORT l GET STORE LIMIT STORE x STORE a BY b STORE c";
    assert_eq!(store.run(keys), "*2 $1 l $1 c");
}

#[test]
fn sorted_sets_keep_their_order_if_asked_to() {
    let mut store = Store::new();
    store.run("ZADD z 3 a 2 b 1 c 4 1");
    assert_eq!(store.run("SORT z BY nosort"), "*4 $1 c $1 b $1 a $1 1");
    assert_eq!(store.run("SORT z BY nosort DESC LIMIT 1 2"), "*2 $1 a $1 b");
    assert_eq!(store.run("SORT z ALPHA DESC"), "*4 $1 c $1 b $1 a $1 1");
}

#[test]
fn large_sorts_go_to_a_dirty_scheduler() {
    let mut store = Store::new();
    let numbers: Vec<String> = (0..3000u32).map(|n| (n * 7919 % 3001).to_string()).collect();
    let words: Vec<&[u8]> = numbers.iter().map(String::as_bytes).collect();
    store.call(&[&[&b"RPUSH"[..], b"l"], &words[..]].concat());
    let before = store.long_calls;
    assert_eq!(store.run("SORT l LIMIT 0 3"), "*3 $1 0 $1 1 $1 2");
    assert_eq!(store.long_calls, before + 1);
    assert_eq!(store.run("SORT l BY nosort LIMIT 1 1"), "*1 $4 1917");
    assert_eq!(store.long_calls, before + 1);
    assert_eq!(store.run("SORT l BY w_* STORE d"), ":3000");
}
