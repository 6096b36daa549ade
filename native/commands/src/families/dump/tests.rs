//! DUMP and RESTORE, as a client sees them.

use ferric_rdb::encode::Writer;
use ferric_rdb::payload;
use ferric_resp::Value;

use crate::testing::{Fixture, encode};

/// The reply to a command whose words may be any bytes.
fn call(fixture: &mut Fixture, words: &[&[u8]]) -> Value {
    let (out, progress) = fixture.feed(&encode(words));
    fixture.settle(progress.wait);
    Value::parse(&out).expect("RESP").expect("a whole reply").0
}

fn dump(fixture: &mut Fixture, key: &str) -> Vec<u8> {
    match call(fixture, &[b"DUMP", key.as_bytes()]) {
        Value::Bulk(payload) => payload,
        other => panic!("{key}: {other:?}"),
    }
}

fn error(text: &str) -> Value {
    Value::Error(text.as_bytes().to_vec())
}

fn ok() -> Value {
    Value::Simple(b"OK".to_vec())
}

/// The bytes are those that redis-server 7.0.15 replies with.
#[test]
fn the_same_payloads_as_redis() {
    let mut fixture = Fixture::new();
    fixture.run("SET number 10");
    fixture.run("SET text hello");
    assert_eq!(dump(&mut fixture, "number"), b"\0\xc0\n\n\0n\x9fWE\x0e\xaec\xbb");
    let text = dump(&mut fixture, "text");
    assert_eq!(text, b"\0\x05hello\n\0cr\xdfve4 \n");
    assert_eq!(fixture.run("DUMP nothing"), "$-1\r\n");
}

/// What each kind of value is after a round trip.
#[test]
fn what_was_dumped_is_restored() {
    let mut fixture = Fixture::new();
    let many: Vec<String> = (0..600).map(|n| format!("member:{n} {n}")).collect();
    for command in [
        "XADD stream 5-1 a 1 b 2",
        "XADD stream 5-2 a 3 c 4",
        "XADD stream 6-0 a x b y",
        "XDEL stream 5-2",
        "XGROUP CREATE stream group 0",
        "XREADGROUP GROUP group bob COUNT 1 STREAMS stream >",
        "XGROUP CREATECONSUMER stream group idle",
        "XGROUP CREATE stream late $",
    ] {
        fixture.run(command);
    }
    for (key, command) in [
        ("stream", "XADD stream 7-7 a 5 b 6".to_owned()),
        ("string", "SET string text".to_owned()),
        ("list", "RPUSH list a 1 b -5 a".to_owned()),
        ("long", format!("RPUSH long {}", many.join(" "))),
        ("intset", "SADD intset 5 -1 70000".to_owned()),
        ("large", format!("SADD large {}", many.join(" "))),
        ("hash", "HSET hash a 1 b text".to_owned()),
        ("table", format!("HSET table {}", many.join(" "))),
        ("zset", "ZADD zset 1 a -inf b 0.1 c".to_owned()),
        (
            "skip",
            format!("ZADD skip {}", many.iter().map(|pair| swap(pair)).collect::<String>().trim()),
        ),
    ] {
        fixture.run(&command);
        let (payload, encoding) =
            (dump(&mut fixture, key), fixture.run(&format!("OBJECT ENCODING {key}")));
        let busy = error("BUSYKEY Target key name already exists.");
        assert_eq!(call(&mut fixture, &[b"RESTORE", key.as_bytes(), b"0", &payload]), busy);
        assert_eq!(call(&mut fixture, &[b"RESTORE", b"copy", b"0", &payload, b"REPLACE"]), ok());
        assert_eq!(fixture.run("OBJECT ENCODING copy"), encoding, "{key}");
        let again = dump(&mut fixture, "copy");
        // Hash tables have no order that a copy would share.
        assert!(again == payload || ["large", "table"].contains(&key), "{key}");
        assert_eq!(again.len(), payload.len(), "{key}");
    }
}

fn swap(pair: &str) -> String {
    let (member, score) = pair.split_once(' ').expect("two words");
    format!("{score} {member} ")
}

#[test]
fn expiry_is_relative_absolute_or_over() {
    let mut fixture = Fixture::new();
    fixture.run("SET a 1");
    let payload = dump(&mut fixture, "a");
    for (ttl, options, left) in [
        (&b"0"[..], &[][..], ":-1\r\n"),
        (b"4102444800123", &[&b"ABSTTL"[..]], ":4102444800123\r\n"),
        (b"9223372036854775807", &[], ":-2\r\n"),
        (b"1", &[b"absttl"], ":-2\r\n"),
        (b"4102444800123", &[b"IDLETIME", b"7", b"ABSTTL"], ":4102444800123\r\n"),
        (b"4102444800123", &[b"FREQ", b"255", b"ABSTTL"], ":4102444800123\r\n"),
    ] {
        let words = [&[b"RESTORE", &b"b"[..], ttl, &payload, b"REPLACE"], options].concat();
        assert_eq!(call(&mut fixture, &words), ok());
        assert_eq!(fixture.run("PEXPIRETIME b"), left, "{}", words[2].escape_ascii());
    }
}

/// The order in which arguments are looked at is redis-server's.
#[test]
fn arguments_that_make_no_sense() {
    let mut fixture = Fixture::new();
    fixture.run("SET a 1");
    let payload = dump(&mut fixture, "a");
    let integer = "ERR value is not an integer or out of range";
    for (words, text) in [
        (&[&b"a"[..], b"x", b"junk"][..], "BUSYKEY Target key name already exists."),
        (&[b"a", b"x", b"junk", b"WHAT"], "ERR syntax error"),
        (&[b"b", b"x", b"junk"], integer),
        (&[b"b", b"-1", b"junk"], "ERR Invalid TTL value, must be >= 0"),
        (&[b"b", b"0", b"junk"], "ERR DUMP payload version or checksum are wrong"),
        (&[b"b", b"0", b""], "ERR DUMP payload version or checksum are wrong"),
        (&[b"b", b"0", &payload, b"IDLETIME", b"-1"], "ERR Invalid IDLETIME value, must be >= 0"),
        (&[b"b", b"0", &payload, b"IDLETIME", b"x"], integer),
        (
            &[b"b", b"0", &payload, b"FREQ", b"256"],
            "ERR Invalid FREQ value, must be >= 0 and <= 255",
        ),
        (&[b"b", b"0", &payload, b"FREQ", b"1", b"IDLETIME", b"1"], "ERR syntax error"),
        (&[b"b", b"0", &payload, b"IDLETIME", b"1", b"FREQ", b"1"], "ERR syntax error"),
        (&[b"b", b"0", &payload, b"FREQ"], "ERR syntax error"),
    ] {
        let reply = call(&mut fixture, &[&[&b"RESTORE"[..]], words].concat());
        assert_eq!(reply, error(text), "{:?}", words[3..].to_vec());
    }
    assert_eq!(fixture.run("EXISTS b"), ":0\r\n");
}

#[test]
fn values_that_cannot_be_are_bad_data() {
    let mut fixture = Fixture::new();
    let written = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::default();
        write(&mut writer);
        payload::seal(writer)
    };
    let pair = [&b"a"[..], b"b"];
    for (what, payload) in [
        (
            "an empty list",
            written(&|writer| writer.list([], ferric_rdb::encode::NodeSize::Bytes(1))),
        ),
        ("an empty hash", written(&|writer| writer.hash(0, []))),
        ("a field twice", written(&|writer| writer.small_hash([(pair[0], pair[1]); 2]))),
        ("a field twice", written(&|writer| writer.hash(2, [(pair[0], pair[1]); 2]))),
        ("a member twice", written(&|writer| writer.set(2, [pair[0]; 2]))),
        ("no order", written(&|writer| writer.intset(&[2, 1]))),
        ("a member twice", written(&|writer| writer.small_sorted_set([("a", "1"), ("a", "2")]))),
        ("a score that is none", written(&|writer| writer.small_sorted_set([("a", "x")]))),
        ("NaN", written(&|writer| writer.sorted_set(1, [(&b"a"[..], f64::NAN)]))),
        ("no value", payload::seal_bytes(Vec::new())),
        ("a module's value", payload::seal_bytes(vec![7, 0, 0])),
        ("an unknown type", payload::seal_bytes(vec![77, 0])),
        ("too little", payload::seal_bytes(vec![0, 5, b'a'])),
    ] {
        let reply = call(&mut fixture, &[b"RESTORE", b"key", b"0", &payload]);
        assert_eq!(reply, error("ERR Bad data format"), "{what}");
    }
    let newer = [&b"\0\xc0\x01\x0d\0"[..], &[0; 8]].concat();
    let wrong = error("ERR DUMP payload version or checksum are wrong");
    assert_eq!(call(&mut fixture, &[b"RESTORE", b"key", b"0", &newer]), wrong);
}

/// Fields that expire take Redis 7.4's types, and keep their times.
#[test]
fn fields_keep_their_expiry() {
    let mut fixture = Fixture::new();
    for (fill, value_type) in
        [("HSET hash a 1 b 2", 25), (&format!("HSET hash a 1 b {}", "x".repeat(70)), 24)]
    {
        fixture.run("DEL hash");
        fixture.run(fill);
        fixture.run("HPEXPIREAT hash 4102444800123 FIELDS 1 a");
        let payload = dump(&mut fixture, "hash");
        assert_eq!((payload[0], payload[payload.len() - 10]), (value_type, 12));
        assert_eq!(call(&mut fixture, &[b"RESTORE", b"copy", b"0", &payload, b"REPLACE"]), ok());
        assert_eq!(
            fixture.run("HPEXPIRETIME copy FIELDS 2 a b"),
            "*2\r\n:4102444800123\r\n:-1\r\n"
        );
        assert_eq!(fixture.run("HGETALL copy"), fixture.run("HGETALL hash"));
    }
}
