//! Filters and sketches that are too large to be packed: changed in place, and after a restart.

use crate::store::Store;

/// Runs a command on numbers from `from` to `to`, some at a time.
fn run_many(store: &mut Store, command: &str, from: u32, to: u32, words: fn(u32) -> String) {
    let numbers: Vec<u32> = (from..to).collect();
    for some in numbers.chunks(100) {
        let words: Vec<String> = some.iter().map(|number| words(*number)).collect();
        let reply = store.run(&format!("{command} {}", words.join(" ")));
        assert!(!reply.starts_with('-'), "{reply}");
    }
}

/// How often `found` is among the elements of the replies to a command on numbers.
fn count(store: &mut Store, command: &str, from: u32, to: u32, found: &str) -> usize {
    let numbers: Vec<u32> = (from..to).collect();
    let mut count = 0;
    for some in numbers.chunks(100) {
        let words: Vec<String> = some.iter().map(u32::to_string).collect();
        let reply = store.run(&format!("{command} {}", words.join(" ")));
        count += reply.split(' ').skip(1).filter(|element| *element == found).count();
    }
    count
}

#[test]
fn filters() {
    let mut store = Store::new();
    store.run("BF.RESERVE bf 0.001 1000");
    store.run("CF.RESERVE cf 1000");
    run_many(&mut store, "BF.MADD bf", 0, 4000, |number| number.to_string());
    run_many(&mut store, "CF.INSERT cf ITEMS", 0, 4000, |number| number.to_string());
    let shapes = [store.run("BF.INFO bf"), store.run("CF.INFO cf")];
    let mut store = store.reopened();
    assert_eq!([store.run("BF.INFO bf"), store.run("CF.INFO cf")], shapes);
    assert_eq!(count(&mut store, "BF.MEXISTS bf", 0, 4000, ":1"), 4000);
    assert_eq!(count(&mut store, "CF.MEXISTS cf", 0, 4000, ":1"), 4000);
    assert!(count(&mut store, "BF.MEXISTS bf", 4000, 14_000, ":1") < 20);
    run_many(&mut store, "BF.MADD bf", 4000, 5000, |number| number.to_string());
    for number in 0..3900 {
        assert_eq!(store.run(&format!("CF.DEL cf {number}")), ":1");
    }
    let mut store = store.reopened();
    assert_eq!(count(&mut store, "BF.MEXISTS bf", 0, 5000, ":1"), 5000);
    assert_eq!(count(&mut store, "CF.MEXISTS cf", 3900, 4000, ":1"), 100);
    assert!(store.run("CF.INFO cf").contains("Number of items inserted :100 "));
}

#[test]
fn sketches() {
    let mut store = Store::new();
    store.run("CMS.INITBYDIM cms 4000 5");
    store.run("CMS.INITBYDIM sum 4000 5");
    store.run("TOPK.RESERVE top 20 200 5 0.9");
    store.run("TDIGEST.CREATE td");
    run_many(&mut store, "CMS.INCRBY cms", 0, 1000, |number| format!("{number} 7"));
    run_many(&mut store, "TOPK.INCRBY top", 0, 20, |number| format!("{number} 900"));
    run_many(&mut store, "TOPK.ADD top", 0, 3000, |number| number.to_string());
    run_many(&mut store, "TDIGEST.ADD td", 0, 5000, |number| number.to_string());
    store.run("CMS.MERGE sum 1 cms WEIGHTS 3");
    let asked = [
        "CMS.INFO sum",
        "TOPK.LIST top WITHCOUNT",
        "TDIGEST.INFO td",
        "TDIGEST.QUANTILE td 0.5 0.9",
    ];
    let before = asked.map(|command| store.run(command));
    let mut store = store.reopened();
    assert_eq!(asked.map(|command| store.run(command)), before);
    // A few items share all their counters with others.
    assert!(count(&mut store, "CMS.QUERY sum", 0, 1000, ":21") > 980);
    assert_eq!(count(&mut store, "TOPK.QUERY top", 0, 20, ":1"), 20);
    assert_eq!(store.run("EXPIRE td 100"), ":1");
    run_many(&mut store, "TDIGEST.ADD td", 5000, 6000, |number| number.to_string());
    let before = asked.map(|command| store.run(command));
    let mut store = store.reopened();
    assert_eq!(asked.map(|command| store.run(command)), before);
    assert_ne!(store.run("TTL td"), ":-1");
    assert_eq!(store.run("TDIGEST.MAX td"), "$4 5999");
    assert_eq!(store.run("TDIGEST.RESET td"), "+OK");
    assert_eq!(store.reopened().run("TDIGEST.MAX td"), "$3 nan");
}
