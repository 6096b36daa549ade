//! Documents that are too large to be packed: changed in place, and after a restart.

use crate::store::Store;

/// A document with numbered items, some 100 bytes each.
fn document(items: usize) -> String {
    let item = |n: usize| {
        format!(
            r#"{{"id":{n},"name":"item-{n}","tags":["t{}","x"],"price":{}.5,"on":true}}"#,
            n % 7,
            n
        )
    };
    let items: Vec<String> = (0..items).map(item).collect();
    format!(r#"{{"items":[{}],"count":0,"by":{{}}}}"#, items.join(","))
}

fn get(store: &mut Store, path: &str) -> String {
    let reply = store.run(&format!("JSON.GET doc {path}"));
    reply.split_once(' ').map_or(String::new(), |(_, text)| text.to_owned())
}

/// Commands of every sort that changes a document.
const CHANGES: &[&str] = &[
    "JSON.NUMINCRBY doc $.count 5",
    "JSON.NUMMULTBY doc $.items[3].price 2",
    "JSON.SET doc $.items[5].name \"five\"",
    "JSON.SET doc $.by.x {\"y\":[1,2,3]}",
    "JSON.SET doc $..on false",
    "JSON.TOGGLE doc $.items[:3].on",
    "JSON.STRAPPEND doc $.items[2,4].name \"-more\"",
    "JSON.ARRAPPEND doc $.by.x.y 4 {\"z\":null}",
    "JSON.ARRINSERT doc $.items[*].tags 1 \"new\"",
    "JSON.ARRPOP doc $.items 0",
    "JSON.ARRTRIM doc $.items 1 60",
    "JSON.DEL doc $.items[?(@.id>50)].price",
    "JSON.CLEAR doc $.items[1].tags",
    "JSON.MERGE doc $.items[0] {\"name\":null,\"extra\":{\"a\":1}}",
    "JSON.MSET doc $.count 7 other $ [1] doc $.by.w 1",
];

#[test]
fn large_documents_are_changed_in_place() {
    let mut store = Store::new();
    assert_eq!(store.run(&format!("JSON.SET doc $ {}", document(100))), "+OK");
    for change in CHANGES {
        let reply = store.run(change);
        assert!(!reply.starts_with('-') && reply != "$-1", "{change}: {reply}");
        let before = get(&mut store, "$");
        store = store.reopened();
        assert_eq!(get(&mut store, "$"), before, "{change}");
    }
    assert_eq!(
        get(&mut store, "$.items[0]"),
        r#"[{"id":2,"on":true,"tags":["t2","new","x"],"price":2.5,"extra":{"a":1}}]"#
    );
    assert_eq!(get(&mut store, "$.by"), r#"[{"x":{"y":[1,2,3,4,{"z":null}]},"w":1}]"#);
    assert_eq!(store.run("JSON.ARRLEN doc $.items"), "*1 :60");
    assert_eq!(store.run("JSON.GET other"), "$3 [1]");
    assert_eq!(store.run("JSON.DEL doc"), ":1");
    assert_eq!(store.reopened().run("EXISTS doc"), ":0");
}

#[test]
fn long_work_is_done_elsewhere() {
    let mut store = Store::new();
    assert_eq!(store.run(&format!("JSON.SET doc $ {}", document(20_000))), "+OK");
    let quick = [
        "JSON.GET doc $.items[19999].id",
        "JSON.SET doc $.items[10000].name 1",
        "JSON.ARRAPPEND doc $.items 1",
        "JSON.ARRPOP doc $.items",
        "JSON.ARRLEN doc items",
        "JSON.NUMINCRBY doc $.items[-1].price 1",
        "JSON.OBJKEYS doc $",
        "JSON.ARRINSERT doc items 0 1",
    ];
    let long = [
        ("JSON.GET doc $..id", "$"),
        ("JSON.GET doc", "$"),
        ("JSON.MGET doc none $..name", "*2 $"),
        ("JSON.TYPE doc $.items[*].price", "*20000 "),
        ("JSON.RESP doc", "*7 +{ "),
        ("JSON.DEBUG MEMORY doc", ":"),
        ("JSON.ARRINSERT doc $.items[*].tags 0 1", "*20000 :3 "),
        ("JSON.CLEAR doc $.items[*].price", ":20000"),
        ("JSON.DEL doc $.items", ":1"),
    ];
    let mut calls = store.long_calls;
    for command in quick {
        let reply = store.run(command);
        assert!(!reply.starts_with('-'), "{command}: {reply}");
        assert_eq!(store.long_calls, calls, "{command}");
    }
    for (command, begin) in long {
        let reply = store.run(command);
        assert!(reply.starts_with(begin), "{command}: {}", &reply[..reply.len().min(80)]);
        calls += 1;
        assert_eq!(store.long_calls, calls, "{command}");
    }
    let text = format!("\"{}\"", "x".repeat(100_000));
    assert_eq!(store.run(&format!("JSON.SET text $ {text}")), "+OK");
    assert_eq!(store.long_calls, calls + 1);
    assert_eq!(store.run("JSON.STRLEN text"), ":100000");
}
