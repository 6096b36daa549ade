use super::*;
use crate::values::json::text::{parse, print};
use crate::values::json::{Json, MAX_DEPTH};

fn found(document: &str, path: &str) -> String {
    let document = parse(document).expect("JSON");
    let path = Path::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let found = path.find(&document, &mut Budget::long()).expect("short");
    let values = found.values().cloned().collect();
    String::from_utf8(print(&Json::array(values))).expect("UTF-8")
}

/// The example of RFC 9535, §1.5.
const STORE: &str = r#"{"store":{"book":[
    {"category":"reference","author":"Nigel Rees","title":"Sayings of the Century","price":8.95},
    {"category":"fiction","author":"Evelyn Waugh","title":"Sword of Honour","price":12.99},
    {"category":"fiction","author":"Herman Melville","title":"Moby Dick","isbn":"0-553-21311-3","price":8.99},
    {"category":"fiction","author":"J. R. R. Tolkien","title":"The Lord of the Rings","isbn":"0-395-19395-8","price":22.99}],
    "bicycle":{"color":"red","price":399}}}"#;

#[test]
fn the_rfcs_examples() {
    for (path, expected) in [
        (
            "$.store.book[*].author",
            r#"["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]"#,
        ),
        ("$..author", r#"["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]"#),
        ("$.store..price", "[8.95,12.99,8.99,22.99,399]"),
        ("$..book[2].author", r#"["Herman Melville"]"#),
        ("$..book[-1].price", "[22.99]"),
        ("$..book[0,1].price", "[8.95,12.99]"),
        ("$..book[:2].price", "[8.95,12.99]"),
        ("$..book[?@.isbn].price", "[8.99,22.99]"),
        ("$..book[?@.price<10].price", "[8.95,8.99]"),
        ("$..book[?@.price<10 && @.category=='fiction'].title", r#"["Moby Dick"]"#),
        ("$..book[?(@.price<10||@.price>20)&&@.isbn].price", "[8.99,22.99]"),
        ("$..book[?!@.isbn].price", "[8.95,12.99]"),
        (r#"$..book[?(@.author =~ "^(?i)j.*tolkien")].price"#, "[22.99]"),
        ("$..book[?search(@.author, '[RW][ea]')].price", "[8.95,12.99]"),
        ("$..book[?match(@.title, 'Moby .*')].price", "[8.99]"),
        ("$..book[?match(@.title, 'Moby')].price", "[]"),
        ("$..book[?length(@.title) == 9].price", "[8.99]"),
        ("$.store[?count(@.*) == 4].color", "[]"),
        ("$.store[?(count(@.*) == 2)].color", r#"["red"]"#),
        ("$..book[?value(@.price) == 8.99].title", r#"["Moby Dick"]"#),
        ("$..book[?$.store.bicycle.price == 399 && @.price > 20].price", "[22.99]"),
    ] {
        assert_eq!(found(STORE, path), expected, "{path}");
    }
}

#[test]
fn slices_count_from_both_ends() {
    let letters = r#"["a","b","c","d","e","f","g"]"#;
    for (path, expected) in [
        ("$[1:3]", r#"["b","c"]"#),
        ("$[5:]", r#"["f","g"]"#),
        ("$[1:5:2]", r#"["b","d"]"#),
        ("$[5:1:-2]", r#"["f","d"]"#),
        ("$[::-1]", r#"["g","f","e","d","c","b","a"]"#),
        ("$[-2:]", r#"["f","g"]"#),
        ("$[:-5]", r#"["a","b"]"#),
        ("$[ : 1 ]", r#"["a"]"#),
        ("$[-100:100:3]", r#"["a","d","g"]"#),
        ("$[0:2:0]", "[]"),
        ("$[0:40000000000000000000:5]", r#"["a","f"]"#),
        ("$[-40000000000000000000:1]", r#"["a"]"#),
        ("$[40000000000000000000]", "[]"),
        ("$[-7,-8,6,7]", r#"["a","g"]"#),
        ("$[9223372036854775807::9223372036854775807]", "[]"),
        ("$[0::-9223372036854775808]", r#"["a"]"#),
    ] {
        assert_eq!(found(letters, path), expected, "{path}");
    }
}

#[test]
fn notation_beyond_the_rfc() {
    let document = r#"{"a":{"b-c":1,"$x":2,"d e":3,"":4,"f":[5,{"g":6}]},"$":7,"é":8,"k\"'\\":9}"#;
    for (path, expected) in [
        (".", "same"),
        ("$", "same"),
        ("a.b-c", "[1]"),
        (".a.$x", "[2]"),
        ("$.a.$x", "[2]"),
        ("$.a[\"d e\"]", "[3]"),
        ("$.a.['d e']", "[3]"),
        ("$.a[\"\"]", "[4]"),
        ("$.$", "[7]"),
        ("$é", "[]"),
        ("é", "[8]"),
        (r#"["\u00e9"]"#, "[8]"),
        (r#"$["k\"'\\"]"#, "[9]"),
        (r"$['k\x22', 'k\u0022\'\\']", "[9]"),
        ("a.f.[0]", "[5]"),
        ("$..g", "[6]"),
        ("..g", "[6]"),
        ("$..[1]", r#"[{"g":6}]"#),
        ("$.a['b-c', 'f'][0]", "[5]"),
        ("$.a[?(@ > 2)]", "[3,4]"),
        ("$.a.f[?@.g=={\"x\":1}]", "[]"),
        ("$..[?@==[5,{\"g\":6.0}]]", r#"[[5,{"g":6}]]"#),
        ("$..[?(@.*.g > 5)]", r#"[[5,{"g":6}]]"#),
        ("$.a[?(@ == 'x' || !(@ != 3))]", "[3]"),
        ("$.a[?(@.nothing == @.none)]", "[1,2,3,4,[5,{\"g\":6}]]"),
        ("$.a[?(@.nothing < 1)]", "[]"),
        (r#"$.a[?(@ =~ "[")]"#, "[]"),
    ] {
        let found = found(document, path);
        match expected {
            "same" => assert!(found.starts_with(r#"[{"a""#), "{path}: {found}"),
            expected => assert_eq!(found, expected, "{path}"),
        }
    }
    for path in [".", "a", ".a", "[0]", "$a", ".a[0]", "..a", "['a']"] {
        assert!(Path::parse(path).expect("a path").is_legacy(), "{path}");
    }
    for path in ["$", "$.a", "$[0]", "$..a", "$.*"] {
        assert!(!Path::parse(path).expect("a path").is_legacy(), "{path}");
    }
}

#[test]
fn texts_that_are_no_paths() {
    for path in [
        "",
        " ",
        "$.",
        "$..",
        "$...a",
        "$[",
        "$[]",
        "$[0",
        "$[1,]",
        "$['a]",
        "$[-inf]",
        "$[?]",
        "$[?(]",
        "$[?(@.a]",
        "$[?@.a==]",
        "$[?@.a=1]",
        "$[?1]",
        "$[?length(@)]",
        "$[?nope(@)]",
        "$[?count(1)==1]",
        "$[?match(@)]",
        "$[?@ == 1 &&]",
        "$.a b",
        "$.a\n",
        "a\0b",
        "$[?@==[1]",
        r"$['\ud800']",
        r"$['\u12']",
        "$[?@ == 1e]",
        "$.a)",
        "$[?@.a 1]",
    ] {
        assert!(Path::parse(path).is_err(), "{path}");
    }
    let error = Path::parse("$.a[x]").err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.starts_with("Error occurred on position 4, expected one of the following: "));
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("(", ")"), ("!", ""), ("@[?", "]"), ("length(", ")")] {
        let nested = |depth: usize| {
            let tail = if open == "length(" { "==1" } else { "" };
            format!("$[?{}@.a{}{tail}]", open.repeat(depth), close.repeat(depth))
        };
        Path::parse(&nested(5)).unwrap_or_else(|error| panic!("{open}: {error}"));
        assert!(Path::parse(&nested(100)).is_err(), "{open}");
        assert!(Path::parse(&nested(10_000)).is_err(), "{open}");
    }
    // What is only long is not nested.
    Path::parse(&format!("$[?{}@.a]", "@.a && ".repeat(5000))).expect("a path");
    Path::parse(&format!("${}", ".a".repeat(5000))).expect("a path");
    assert!(Path::parse(&format!("$.{}", "a".repeat(1 << 17))).is_err());
    let matching = |count| format!("$[?{}@.a]", "@.a =~ 'x' || search(@, 'y') || ".repeat(count));
    Path::parse(&matching(4)).expect("a path");
    assert!(Path::parse(&matching(5)).is_err());
}

#[test]
fn a_small_stack_suffices() {
    let evaluate = || {
        let mut deep = parse("1").expect("JSON");
        (0..MAX_DEPTH).for_each(|_| deep = Json::array(vec![deep.clone()]));
        let filter = (0..10).fold("@==1".to_owned(), |inner, _| format!("$..[?{inner}]"));
        let path = Path::parse(&format!("$..[?{filter}]")).expect("a path");
        path.find(&deep, &mut Budget::short(100_000)).err()
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(evaluate);
    let stop = thread.expect("a thread").join().expect("no overflow");
    assert_eq!(stop, Some(Stop::Long));
}

#[test]
fn evaluations_end() {
    let deep = parse(&("[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH))).expect("JSON");
    let path = Path::parse(&format!("${}", "..*".repeat(12))).expect("a path");
    assert_eq!(path.find(&deep, &mut Budget::short(1 << 19)).err(), Some(Stop::Long));
    let wide = parse(&format!("[{}0]", "1,".repeat(50_000))).expect("JSON");
    let path = Path::parse("$[?$[?$[?@==2]]]").expect("a path");
    assert_eq!(path.find(&wide, &mut Budget::short(1 << 19)).err(), Some(Stop::Long));
    // Where there is more time, there is an end as well.
    assert_eq!(Budget::long().spend(1 << 30), Err(Stop::TooLong));
    // One step does not look at anything else.
    let one = Path::parse("$[40000]").expect("a path");
    assert_eq!(one.find(&wide, &mut Budget::short(10)).expect("short").len(), 1);
}
