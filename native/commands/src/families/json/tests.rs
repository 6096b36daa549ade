//! The examples of RedisJSON's documentation and the rules of its own tests.

use crate::testing::Fixture;

/// Runs commands; replies are shown with spaces instead of line ends.
fn expect(cases: &[(&str, &str)]) {
    let mut fixture = Fixture::asynchronous();
    for (command, reply) in cases {
        assert_eq!(fixture.run(command).replace("\r\n", " ").trim_end(), *reply, "{command}");
    }
}

const WRONG_KEY: &str = "-Existing key has wrong Redis type";
const NO_KEY: &str = "-ERR could not perform this operation on a key that doesn't exist";

#[test]
fn setting_and_getting() {
    expect(&[
        (r#"JSON.SET doc $ {"a":2}"#, "+OK"),
        ("TYPE doc", "+ReJSON-RL"),
        ("OBJECT ENCODING doc", "$3 raw"),
        ("JSON.SET doc $.a 3", "+OK"),
        ("JSON.GET doc $", r#"$9 [{"a":3}]"#),
        ("JSON.SET doc $.b 8", "+OK"),
        ("JSON.GET doc", r#"$13 {"a":3,"b":8}"#),
        ("JSON.GET doc .", r#"$13 {"a":3,"b":8}"#),
        ("JSON.GET doc $.b a", r#"$19 {"$.b":[8],"a":[3]}"#),
        ("JSON.GET doc .b a a", r#"$14 {".b":8,"a":3}"#),
        ("JSON.GET doc .none", "-ERR Path '.none' does not exist"),
        ("JSON.GET doc a .none", "-ERR Path '.none' does not exist"),
        ("JSON.GET doc $.none", "$2 []"),
        ("JSON.GET doc INDENT > NEWLINE | SPACE _ $", r#"$28 [|>{|>>"a":_3,|>>"b":_8|>}|]"#),
        ("JSON.GET doc NOESCAPE a", "$1 3"),
        ("JSON.GET none $", "$-1"),
        ("JSON.SET doc $.a 5 NX", "$-1"),
        ("JSON.SET doc $.c 5 XX", "$-1"),
        ("JSON.SET doc $.c 5 NX FORMAT STRING", "+OK"),
        ("JSON.SET doc $.c 5 NX XX", "-ERR syntax error"),
        ("JSON.SET doc $.c 5 FORMAT BSON", "-ERR syntax error"),
        ("JSON.SET doc $.c.d.e 5", "$-1"),
        ("JSON.SET doc $..none 5", "-ERR wrong static path"),
        ("JSON.SET doc $[0] 5", "-ERR array index out of range"),
        ("JSON.SET doc $.c {", "-EOF while parsing an object at line 1 column 1"),
        (
            "JSON.SET doc $.c[ 1",
            "-ERR Error occurred on position 4, expected one of the following: '*', '?', ':', a string, a number",
        ),
        ("JSON.SET new .a 1", "-ERR new objects must be created at the root"),
        ("JSON.SET new $ 1 XX", "$-1"),
        ("JSON.SET doc $ 1 NX", "$-1"),
        ("EXPIRE doc 100", ":1"),
        ("JSON.SET doc $.* 1", "+OK"),
        ("TTL doc", ":100"),
        ("JSON.GET doc", r#"$19 {"a":1,"b":1,"c":1}"#),
        ("JSON.SET doc $ [1,2]", "+OK"),
        ("TTL doc", ":-1"),
        ("JSON.SET doc $[-1] {}", "+OK"),
        ("JSON.GET doc $", "$8 [[1,{}]]"),
        ("SET text x", "+OK"),
        ("JSON.SET text $ 1", WRONG_KEY),
        ("JSON.SET text $.a 1", WRONG_KEY),
        ("JSON.GET text", WRONG_KEY),
        ("GET doc", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
    ]);
}

#[test]
fn many_keys() {
    expect(&[
        (r#"JSON.SET doc1 $ {"a":1,"b":2,"nested":{"a":3},"c":null}"#, "+OK"),
        (r#"JSON.SET doc2 $ {"a":4,"b":5,"nested":{"a":6},"c":null}"#, "+OK"),
        ("JSON.MGET doc1 doc2 $..a", "*2 $5 [1,3] $5 [4,6]"),
        ("SET text x", "+OK"),
        ("JSON.MGET doc1 none text doc2 .nested.a", "*4 $1 3 $-1 $-1 $1 6"),
        ("JSON.MGET doc1 .none", "*1 $-1"),
        ("JSON.MGET doc1 $.none", "*1 $2 []"),
        (r#"JSON.MSET doc1 $.a 2 doc3 $ {"f1":{"a":0}} doc3 $.f1.a 1"#, "+OK"),
        ("JSON.MGET doc1 doc3 $..a", "*2 $5 [2,3] $3 [1]"),
        ("JSON.MSET doc1 $.x.y 1 doc1 $.a 9", "$-1"),
        ("JSON.GET doc1 a", "$1 9"),
        ("JSON.MSET doc1 $.a 1 new $.a 1", "-ERR new objects must be created at the root"),
        ("JSON.MSET doc1 $.a 1 text $ 1", WRONG_KEY),
        ("JSON.MSET doc1 $.a 1 doc2 $", "-ERR wrong number of arguments for 'json.mset' command"),
        ("JSON.GET doc1 a", "$1 9"),
        ("JSON.MSET doc1 $..a 7 doc1 $.nested {} doc1 $ [1] doc1 $[0] 2", "+OK"),
        ("JSON.GET doc1", "$3 [2]"),
    ]);
}

#[test]
fn merging() {
    expect(&[
        (r#"JSON.MERGE doc $ {"a":{"b":1,"c":null}}"#, "+OK"),
        ("JSON.GET doc", r#"$13 {"a":{"b":1}}"#),
        (r#"JSON.MERGE doc $.a {"c":[1],"b":null,"d":null}"#, "+OK"),
        ("JSON.GET doc", r#"$15 {"a":{"c":[1]}}"#),
        (r#"JSON.MERGE doc $.a.c [2]"#, "+OK"),
        (r#"JSON.MERGE doc $.new {"x":null,"y":1}"#, "+OK"),
        ("JSON.GET doc", r#"$29 {"a":{"c":[2]},"new":{"y":1}}"#),
        (r#"JSON.MERGE doc $.* {"z":{"w":1}}"#, "+OK"),
        ("JSON.GET doc $..z", r#"$17 [{"w":1},{"w":1}]"#),
        ("JSON.MERGE doc $ 5", "+OK"),
        ("JSON.GET doc", "$1 5"),
        ("JSON.MERGE none $.a 1", "-ERR new objects must be created at the root"),
        ("SET text x", "+OK"),
        ("JSON.MERGE text $ 1", WRONG_KEY),
        (r#"JSON.SET deep $ {"a1":{"b":{"b":1}}}"#, "+OK"),
        (r#"JSON.MERGE deep $..b {"f":3}"#, "+OK"),
        ("JSON.GET deep", r#"$32 {"a1":{"b":{"b":{"f":3},"f":3}}}"#),
    ]);
}

#[test]
fn removing() {
    expect(&[
        (r#"JSON.SET doc $ {"a":1,"nested":{"a":2,"b":3}}"#, "+OK"),
        ("JSON.DEL doc $..a", ":2"),
        ("JSON.GET doc $", r#"$20 [{"nested":{"b":3}}]"#),
        ("JSON.DEL doc .none", ":0"),
        ("JSON.FORGET none", ":0"),
        ("JSON.FORGET none $.a", ":0"),
        (
            r#"JSON.SET arr $ {"a":[[1],[1,2,3,[4,5,[{"a":6},7,8]]],[10,{"11":11}],["12","13"]],"b":[[1,2],{"a":[3,4,5]}]}"#,
            "+OK",
        ),
        ("JSON.DEL arr $..[0]", ":8"),
        ("JSON.GET arr", r#"$60 {"a":[[2,3,[5,[7,8]]],[{"11":11}],["13"]],"b":[{"a":[4,5]}]}"#),
        ("JSON.DEL arr $.a[0,1,0]", ":2"),
        ("JSON.GET arr $.a", r#"$10 [[["13"]]]"#),
        ("JSON.DEL arr $.*", ":2"),
        ("EXISTS arr", ":0"),
        ("JSON.DEL doc", ":1"),
        ("EXISTS doc", ":0"),
        ("SET text x", "+OK"),
        ("JSON.DEL text $.a", WRONG_KEY),
        (
            r#"JSON.SET doc $ {"obj":{"a":1,"b":2},"arr":[1,2,3],"str":"foo","bool":true,"int":42,"float":3.14,"no":null}"#,
            "+OK",
        ),
        ("JSON.CLEAR doc $.*", ":4"),
        (
            "JSON.GET doc $",
            r#"$73 [{"obj":{},"arr":[],"str":"foo","bool":true,"int":0,"float":0,"no":null}]"#,
        ),
        ("JSON.CLEAR doc $.*", ":0"),
        ("JSON.CLEAR doc .none", ":0"),
        ("JSON.CLEAR doc", ":1"),
        ("JSON.GET doc", "$2 {}"),
        ("JSON.CLEAR none", NO_KEY),
        ("JSON.CLEAR doc $ $", "-ERR wrong number of arguments for 'json.clear' command"),
    ]);
}

#[test]
fn numbers() {
    expect(&[
        (r#"JSON.SET doc . {"a":"b","b":[{"a":2},{"a":5},{"a":"c"}]}"#, "+OK"),
        ("JSON.NUMINCRBY doc $.a 2", "$6 [null]"),
        ("JSON.NUMINCRBY doc $..a 2", "$15 [null,4,7,null]"),
        ("JSON.NUMMULTBY doc $..a 2", "$16 [null,8,14,null]"),
        ("JSON.NUMINCRBY doc .b[1].a .5", "-expected value at line 1 column 1"),
        ("JSON.NUMINCRBY doc .b[1].a 0.5", "$4 14.5"),
        ("JSON.NUMINCRBY doc .b[1].a 0.5", "$4 15.0"),
        ("JSON.NUMPOWBY doc .b[0].a 3", "$3 512"),
        ("JSON.NUMPOWBY doc .b[0].a -1", "$11 0.001953125"),
        ("JSON.NUMINCRBY doc .a 1", "-ERR Path '.a' does not exist or does not contains a number"),
        ("JSON.NUMINCRBY doc .z 1", "-ERR Path '.z' does not exist or does not contains a number"),
        ("JSON.NUMINCRBY doc $.z 1", "$2 []"),
        (
            r#"JSON.NUMINCRBY doc $.b "1""#,
            "-WRONGTYPE wrong type of path value - expected number but found string",
        ),
        ("JSON.NUMINCRBY none $ 1", NO_KEY),
        ("JSON.SET n . 9223372036854775807", "+OK"),
        ("JSON.NUMINCRBY n . 1", "-ERR numeric overflow"),
        ("JSON.NUMMULTBY n . -2", "-ERR numeric overflow"),
        ("JSON.NUMPOWBY n . 2", "-ERR numeric overflow"),
        ("JSON.NUMINCRBY n . 9223372036854775808", "$21 1.8446744073709552e19"),
        ("JSON.SET n . -1", "+OK"),
        ("JSON.NUMPOWBY n . 9223372036854775807", "$2 -1"),
        ("JSON.NUMPOWBY n . 9223372036854775806", "$1 1"),
        ("JSON.SET n . 1e308", "+OK"),
        ("JSON.NUMMULTBY n . 100", "-ERR result is not a number"),
        ("JSON.GET n", "$5 1e308"),
        ("JSON.TYPE n", "$6 number"),
    ]);
}

#[test]
fn strings_and_booleans() {
    expect(&[
        (r#"JSON.SET doc $ {"a":"foo","nested":{"a":"hello"},"nested2":{"a":31},"t":true}"#, "+OK"),
        (r#"JSON.STRAPPEND doc $..a "baz""#, "*3 :6 :8 $-1"),
        ("JSON.GET doc $..a", r#"$24 ["foobaz","hellobaz",31]"#),
        (r#"JSON.STRAPPEND doc ..a "é""#, ":10"),
        ("JSON.STRLEN doc $..a", "*3 :8 :10 $-1"),
        ("JSON.STRLEN doc a", ":8"),
        (
            "JSON.STRLEN doc nested",
            "-WRONGTYPE wrong type of path value - expected string but found object",
        ),
        ("JSON.STRLEN doc none", "-ERR Path 'none' does not exist"),
        ("JSON.STRLEN none", "$-1"),
        ("JSON.STRLEN none $", NO_KEY),
        (r#"JSON.STRAPPEND doc t "x""#, "-ERR Path 't' does not exist or not a string"),
        (
            "JSON.STRAPPEND doc a 1",
            "-WRONGTYPE wrong type of path value - expected string but found integer",
        ),
        (r#"JSON.STRAPPEND none a "x""#, NO_KEY),
        (r#"JSON.SET text $ "ab""#, "+OK"),
        (r#"JSON.STRAPPEND text "cd""#, ":4"),
        ("JSON.TOGGLE doc $.t", "*1 :0"),
        ("JSON.TOGGLE doc t", "$4 true"),
        ("JSON.TOGGLE doc t", "$5 false"),
        ("JSON.TOGGLE doc $.*", "*4 $-1 $-1 $-1 :1"),
        ("JSON.TOGGLE doc a", "-ERR Path 'a' does not exist or not a bool"),
        ("JSON.TOGGLE none a", NO_KEY),
    ]);
}

#[test]
fn arrays() {
    const NO_ARRAY: &str = "-ERR Path '.o' does not exist or not an array";
    expect(&[
        (r#"JSON.SET doc $ {"a":[3],"nested":{"a":[3,4]},"o":{}}"#, "+OK"),
        ("JSON.ARRAPPEND doc $..a 5 6", "*2 :3 :4"),
        ("JSON.ARRAPPEND doc ..a 7", ":5"),
        ("JSON.ARRAPPEND doc .o 7", NO_ARRAY),
        ("JSON.ARRAPPEND doc $.o 7", "*1 $-1"),
        ("JSON.ARRAPPEND doc $.none 7", "*0"),
        ("JSON.ARRAPPEND none $ 7", NO_KEY),
        ("JSON.GET doc $..a", "$23 [[3,5,6,7],[3,4,5,6,7]]"),
        ("JSON.ARRLEN doc $.*", "*3 :4 $-1 $-1"),
        ("JSON.ARRLEN doc a", ":4"),
        ("JSON.ARRLEN doc .o", NO_ARRAY),
        ("JSON.ARRLEN doc none", "-ERR Path 'none' does not exist"),
        ("JSON.ARRLEN none", "$-1"),
        ("JSON.ARRLEN none $", NO_KEY),
        ("JSON.ARRINDEX doc $..a 6", "*2 :2 :3"),
        ("JSON.ARRINDEX doc a 6.0", ":-1"),
        ("JSON.ARRINDEX doc a 6 0 2", ":-1"),
        ("JSON.ARRINDEX doc a 6 0 -1", ":2"),
        ("JSON.ARRINDEX doc a 7 99 0", ":3"),
        ("JSON.ARRINDEX doc a 3 -99 99", ":0"),
        (
            "JSON.ARRINDEX doc .o 3",
            "-WRONGTYPE wrong type of path value - expected array but found object",
        ),
        ("JSON.ARRINDEX doc $.o 3", "*1 $-1"),
        ("JSON.ARRINDEX doc .z 3", "-ERR Path '.z' does not exist"),
        ("JSON.ARRINDEX none .z 3", "-ERR Path '.z' does not exist"),
        ("JSON.ARRINSERT doc $..a 1 8 9", "*2 :6 :7"),
        ("JSON.ARRINSERT doc a -1 [0]", ":7"),
        ("JSON.GET doc a", "$17 [3,8,9,5,6,[0],7]"),
        ("JSON.ARRINSERT doc a 8 1", "-ERR index out of bounds"),
        ("JSON.ARRINSERT doc a -8 1", "-ERR index out of bounds"),
        ("JSON.ARRINSERT doc a x 1", "-ERR value is not an integer or out of range"),
        ("JSON.ARRINSERT doc a 7 {}", ":8"),
        ("JSON.ARRPOP doc $..a", "*2 $2 {} $1 7"),
        ("JSON.ARRPOP doc a -2", "$3 [0]"),
        ("JSON.ARRPOP doc a 99", "$1 7"),
        ("JSON.ARRPOP doc a -99", "$1 3"),
        ("JSON.ARRPOP doc .o", NO_ARRAY),
        ("JSON.ARRPOP none .o", NO_KEY),
        ("JSON.ARRTRIM doc $..a 1 -2", "*2 :2 :4"),
        ("JSON.GET doc $..a", "$17 [[9,5],[8,9,4,5]]"),
        ("JSON.ARRTRIM doc a 5 9", ":0"),
        ("JSON.ARRPOP doc a", "$-1"),
        ("JSON.ARRTRIM doc .o 0 1", NO_ARRAY),
        ("JSON.ARRTRIM doc $.o 0 1", "*1 $-1"),
        ("JSON.SET nested $ [[1,2,3],[4,5,6]]", "+OK"),
        // What is inside comes first.
        ("JSON.ARRPOP nested $..*", "*8 $1 3 $1 6 $-1 $-1 $-1 $-1 $-1 $-1"),
        (r#"JSON.SET nested $ {"a":[[1,2,3],[4,5,6]]}"#, "+OK"),
        ("JSON.ARRTRIM nested $..* 0 0", "*9 :1 :1 :1 $-1 $-1 $-1 $-1 $-1 $-1"),
        ("JSON.GET nested", r#"$11 {"a":[[1]]}"#),
    ]);
}

#[test]
fn objects_and_types() {
    expect(&[
        (r#"JSON.SET doc $ {"a":[3],"nested":{"a":{"b":2,"c":1}},"s":"x"}"#, "+OK"),
        ("JSON.OBJKEYS doc $..a", "*2 $-1 *2 $1 b $1 c"),
        ("JSON.OBJKEYS doc", "*3 $1 a $6 nested $1 s"),
        ("JSON.OBJKEYS doc s", "-ERR Path 's' does not exist or not an object"),
        ("JSON.OBJKEYS doc none", "$-1"),
        ("JSON.OBJKEYS none", "$-1"),
        ("JSON.OBJKEYS none $", NO_KEY),
        ("JSON.OBJLEN doc $..a", "*2 $-1 :2"),
        ("JSON.OBJLEN doc", ":3"),
        (
            "JSON.OBJLEN doc s",
            "-WRONGTYPE wrong type of path value - expected object but found string",
        ),
        ("JSON.OBJLEN doc none", "$-1"),
        ("JSON.OBJLEN none", "$-1"),
        ("JSON.OBJLEN none $.a", "-ERR Path '$.a' does not exist"),
        (r#"JSON.SET t $ [null,true,1,18446744073709551615,1.5,"",[],{}]"#, "+OK"),
        (
            "JSON.TYPE t $[*]",
            "*8 $4 null $7 boolean $7 integer $7 integer $6 number $6 string $5 array $6 object",
        ),
        ("JSON.TYPE t", "$5 array"),
        ("JSON.TYPE t none", "$-1"),
        ("JSON.TYPE none $", "$-1"),
        ("JSON.RESP t", "*9 +[ $-1 +true :1 $20 18446744073709551615 $3 1.5 $0  *1 +[ *1 +{"),
        ("JSON.RESP doc $.nested.a", "*1 *5 +{ $1 b :2 $1 c :1"),
        ("JSON.RESP doc none", "-ERR Path 'none' does not exist"),
        ("JSON.RESP none", "$-1"),
        ("JSON.DEBUG MEMORY none", ":0"),
        ("JSON.DEBUG MEMORY none $", "*0"),
        ("JSON.DEBUG MEMORY t $[1]", "*1 :24"),
        ("JSON.DEBUG MEMORY t none", "-ERR Path 'none' does not exist"),
        ("JSON.DEBUG none", "-ERR unknown subcommand 'none'. Try JSON.DEBUG HELP."),
    ]);
}

#[test]
fn protocol_3() {
    let mut fixture = Fixture::asynchronous();
    fixture.run("HELLO 3");
    for (command, reply) in [
        (r#"JSON.SET doc $ {"a":[1,{"b":true,"c":null}],"n":2.5}"#, "+OK"),
        ("JSON.GET doc $.n", "$5 [2.5]"),
        ("JSON.GET doc FORMAT EXPAND", "*1 *1 %2 $1 a *2 :1 %2 $1 b #t $1 c _ $1 n ,2.5"),
        ("JSON.GET doc FORMAT EXPAND1 $.a[*] $.n", "*2 *2 :1 $19 {\"b\":true,\"c\":null} *1 ,2.5"),
        ("JSON.GET doc FORMAT STRINGS $.n", "-ERR wrong reply format"),
        ("JSON.TYPE doc", "*1 $6 object"),
        ("JSON.TYPE doc $.*", "*1 *2 $5 array $6 number"),
        ("JSON.TYPE none", "*1 _"),
        ("JSON.NUMINCRBY doc n 1", "*1 ,3.5"),
        ("JSON.NUMINCRBY doc $.a[*] 1", "*2 :2 _"),
        ("JSON.NUMINCRBY doc .a 1", "-ERR Path '.a' does not exist or does not contains a number"),
        ("JSON.ARRPOP doc FORMAT EXPAND $.a 0", "*1 :2"),
        ("JSON.ARRPOP doc FORMAT STRINGS $.a", "*1 $19 {\"b\":true,\"c\":null}"),
        ("JSON.ARRPOP doc FORMAT JSON $.a", "-ERR wrong reply format"),
        ("JSON.RESP doc n", ",3.5"),
    ] {
        assert_eq!(fixture.run(command).replace("\r\n", " ").trim_end(), reply, "{command}");
    }
    fixture.run("HELLO 2");
    for command in ["JSON.GET doc FORMAT EXPAND $", "JSON.ARRPOP doc FORMAT STRINGS $"] {
        let reply = fixture.run(command);
        assert_eq!(reply, "-ERR FORMAT argument is not supported on RESP2\r\n", "{command}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let mut fixture = Fixture::asynchronous();
    let mut run = |command: String| fixture.run(&command);
    assert_eq!(run(format!("JSON.SET doc $ {}", nested(127))), "+OK\r\n");
    assert!(
        run(format!("JSON.SET doc $ {}", nested(128))).starts_with("-recursion limit exceeded")
    );
    let bottom = "[0]".repeat(126);
    let refused = "-ERR recursion limit exceeded\r\n";
    assert_eq!(run(format!("JSON.ARRAPPEND doc ${bottom} []")), refused);
    assert_eq!(run(format!("JSON.ARRAPPEND doc ${bottom} 1")), "*1\r\n:1\r\n");
    assert_eq!(run(format!("JSON.SET doc ${bottom}[0] 2")), "+OK\r\n");
    assert_eq!(run(format!("JSON.SET doc ${bottom}[0] {{}}")), "$-1\r\n");
    assert_eq!(run(format!("JSON.MERGE doc ${bottom}[0] {{}}")), "$-1\r\n");
    assert_eq!(run(r#"JSON.SET obj $ {"a":{}}"#.to_owned()), "+OK\r\n");
    assert_eq!(run(format!("JSON.SET obj $.a.b {}", nested(126))), "$-1\r\n");
    assert_eq!(run(format!("JSON.SET obj $.a.b {}", nested(125))), "+OK\r\n");
}
