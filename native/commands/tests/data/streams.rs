//! Streams, small ones and such as are objects.

use crate::store::Store;

/// A stream of so many entries, `n-0` with `f n`, and a group.
fn filled(count: u64) -> Store {
    let mut store = Store::new();
    store.run("XGROUP CREATE s g 0 MKSTREAM");
    for n in 1..=count {
        assert!(store.run(&format!("XADD s {n}-0 f {n}")).ends_with("-0"));
    }
    store
}

/// All that clients can see of a stream, without times.
fn contents(store: &mut Store) -> Vec<String> {
    ["XRANGE s - +", "XREVRANGE s + -", "XINFO STREAM s", "XINFO GROUPS s", "XPENDING s g", "TTL s"]
        .map(|command| store.run(command))
        .to_vec()
}

#[test]
fn entries_are_added_read_and_removed() {
    let mut store = Store::new();
    assert_eq!(store.run("XADD s 1-1 a b"), "$3 1-1");
    assert_eq!(store.run("XADD s 1-* a c"), "$3 1-2");
    assert_eq!(store.run("XRANGE s - + COUNT 1"), "*1 *2 $3 1-1 *2 $1 a $1 b");
    assert_eq!(store.run("XREVRANGE s + (1-1"), "*1 *2 $3 1-2 *2 $1 a $1 c");
    assert_eq!(store.run("XREAD STREAMS s 1-1"), "*1 *2 $1 s *1 *2 $3 1-2 *2 $1 a $1 c");
    assert_eq!(store.run("XREAD STREAMS s $"), "*-1");
    assert_eq!(store.run("XDEL s 1-1 1-1 7-7"), ":1");
    assert_eq!(store.run("XTRIM s MAXLEN 0"), ":1");
    assert_eq!((store.run("XLEN s"), store.run("EXISTS s")), (":0".into(), ":1".into()));
    assert!(store.run("XADD s 1-2 a b").starts_with("-ERR The ID specified in XADD is equal"));
}

#[test]
fn maps_are_maps_in_resp3() {
    let mut store = filled(1);
    store.run("HELLO 3");
    assert_eq!(store.run("XREAD STREAMS s 0"), "%1 $1 s *1 *2 $3 1-0 *2 $1 f $1 1");
    assert!(store.run("XINFO STREAM s").starts_with("%10 $6 length :1"));
    assert!(store.run("XINFO STREAM s FULL").starts_with("%9 "));
    assert_eq!(store.run("XRANGE s - + COUNT 0"), "_");
}

#[test]
fn deliveries_are_pending_until_they_are_acknowledged() {
    let mut store = filled(3);
    let first = "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 1";
    assert_eq!(store.run("XREADGROUP GROUP g ada COUNT 1 STREAMS s >"), first);
    assert_eq!(store.run("XREADGROUP GROUP g ada STREAMS s 0"), first);
    assert_eq!(store.run("XREADGROUP GROUP g bob STREAMS s 0"), "*1 *2 $1 s *0");
    store.run("XREADGROUP GROUP g bob STREAMS s >");
    assert_eq!(store.run("XREADGROUP GROUP g bob STREAMS s >"), "*-1");
    let summary = "*4 :3 $3 1-0 $3 3-0 *2 *2 $3 ada $1 1 *2 $3 bob $1 2";
    assert_eq!(store.run("XPENDING s g"), summary);
    assert_eq!(store.run("XACK s g 1-0 1-0 9-9"), ":1");
    store.run("XDEL s 2-0");
    assert_eq!(
        store.run("XREADGROUP GROUP g bob COUNT 1 STREAMS s 0"),
        "*1 *2 $1 s *1 *2 $3 2-0 *-1"
    );
    let claimed = "*3 $3 0-0 *1 *2 $3 3-0 *2 $1 f $1 3 *1 $3 2-0";
    assert_eq!(store.run("XAUTOCLAIM s g ada 0 -"), claimed);
    assert_eq!(store.run("XGROUP DELCONSUMER s g ada"), ":1");
    assert_eq!(store.run("XPENDING s g"), "*4 :0 $-1 $-1 *-1");
}

#[test]
fn a_stream_named_twice_is_read_twice() {
    for count in [4, 2000] {
        let mut store = filled(count);
        let reply = store.run("XREADGROUP GROUP g ada COUNT 1 STREAMS s s s > > 0");
        let entry = |n: u64| format!("*2 $1 s *1 *2 $3 {n}-0 *2 $1 f $1 {n}");
        assert_eq!(reply, format!("*3 {} {} {}", entry(1), entry(2), entry(1)));
        let deliveries = store.run("XPENDING s g - + 10");
        assert!(deliveries.contains("1-0") && deliveries.contains(":2"), "{deliveries}");
        assert!(store.run("XPENDING s g").starts_with("*4 :2 "));
    }
}

#[test]
fn trimming_about_takes_whole_nodes() {
    let mut store = filled(1000);
    assert_eq!(store.run("XTRIM s MAXLEN ~ 250"), ":700");
    assert_eq!(store.run("XTRIM s MINID ~ 899"), ":100");
    assert_eq!(store.run("XTRIM s MINID ~ 900 LIMIT 10"), ":0");
    assert_eq!(store.run("XTRIM s MAXLEN = 150"), ":50");
    assert_eq!(store.run("XADD s MAXLEN ~ 100 1001-0 f v"), "$6 1001-0");
    assert_eq!(store.run("XLEN s"), ":101");
}

#[test]
fn a_stream_is_the_same_after_a_restart() {
    for count in [5, 40, 3000] {
        let mut store = filled(count);
        store.run("XREADGROUP GROUP g ada COUNT 900 STREAMS s >");
        store.run("XCLAIM s g bob 0 2-0 3-0 RETRYCOUNT 7");
        store.run("XACK s g 1-0");
        store.run("XDEL s 4-0 1500-0");
        store.run("XTRIM s MINID 3");
        store.run("XGROUP CREATE s other 2-0 ENTRIESREAD 2");
        store.run("XGROUP CREATECONSUMER s other eve");
        store.run("XSETID s 9999-0 ENTRIESADDED 12345 MAXDELETEDID 8888-0");
        store.run("EXPIREAT s 99999999999");
        let before = (contents(&mut store), store.run("XINFO STREAM s FULL COUNT 0"));
        let mut store = store.reopened();
        assert_eq!((contents(&mut store), store.run("XINFO STREAM s FULL COUNT 0")), before);
        // And goes on where it was.
        assert_eq!(store.run("XADD s 9999-* f v"), "$6 9999-1");
        let next = store.run("XREADGROUP GROUP other eve COUNT 1 STREAMS s >");
        assert!(next.contains("3-0"), "{next}");
    }
}

#[test]
fn long_ranges_run_elsewhere() {
    let mut store = filled(3000);
    store.run("XRANGE s - + COUNT 100");
    store.run("XREADGROUP GROUP g ada COUNT 100 STREAMS s >");
    assert_eq!(store.long_calls, 0);
    assert!(store.run("XRANGE s - +").starts_with("*3000 "));
    assert!(store.run("XREADGROUP GROUP g ada STREAMS s >").starts_with("*1 *2 $1 s *2900 "));
    assert_eq!(store.long_calls, 2);
    assert!(store.run("XPENDING s g - + 5000").starts_with("*3000 "));
    assert_eq!(store.long_calls, 3);
}
