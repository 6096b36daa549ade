use ferric_resp::Value;

use crate::testing::{Fixture, encode};

/// 2033-05-18, in microseconds: later than the clock by which the engine expires keys on its own.
const NOW_US: u64 = 2_000_000_000_000_000;
const NOW_MS: u64 = NOW_US / 1000;

/// Runs a command at so many milliseconds after [`NOW_MS`].
fn at(fixture: &mut Fixture, after_ms: u64, command: &str) -> String {
    let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
    let (mut out, now_us) = (Vec::new(), NOW_US + after_ms * 1000);
    let Fixture { server, session, .. } = fixture;
    server.execute_at(session, &encode(&words), &mut out, true, now_us);
    let mut text = String::from_utf8_lossy(&out).replace("\r\n", " ");
    text.truncate(text.trim_end().len());
    text
}

fn expect(fixture: &mut Fixture, after_ms: u64, cases: &[(&str, &str)]) {
    for (command, reply) in cases {
        assert_eq!(at(fixture, after_ms, command), *reply, "{command} after {after_ms} ms");
    }
}

// What redis-server 7.0 knows is compared with it by the differential test; the expected values
// here are from Redis's documentation of 7.4 and 8.0.

#[test]
fn fields_expire() {
    let mut fixture = Fixture::asynchronous();
    let cases = [
        ("HSET h a 1 b 2 c 3", ":3"),
        ("HPEXPIRE h 100 FIELDS 2 a nosuch", "*2 :1 :-2"),
        ("HPTTL h FIELDS 3 a b nosuch", "*3 :100 :-1 :-2"),
        ("HTTL h FIELDS 1 a", "*1 :1"),
        ("HPEXPIRETIME h FIELDS 1 a", "*1 :2000000000100"),
        ("HEXPIRETIME h FIELDS 1 a", "*1 :2000000001"),
        ("OBJECT ENCODING h", "$10 listpackex"),
        ("TTL h", ":-1"),
    ];
    expect(&mut fixture, 0, &cases);
    expect(&mut fixture, 100, &[("HGET h a", "$1 1"), ("HLEN h", ":3"), ("HEXISTS h a", ":1")]);
    let cases = [
        ("HGET h a", "$-1"),
        ("HMGET h a b", "*2 $-1 $1 2"),
        ("HLEN h", ":2"),
        ("HEXISTS h a", ":0"),
        ("HSTRLEN h a", ":0"),
        ("HKEYS h", "*2 $1 b $1 c"),
        ("HVALS h", "*2 $1 2 $1 3"),
        ("HGETALL h", "*4 $1 b $1 2 $1 c $1 3"),
        ("HSCAN h 0", "*2 $1 0 *4 $1 b $1 2 $1 c $1 3"),
        ("HSCAN h 0 NOVALUES", "*2 $1 0 *2 $1 b $1 c"),
        ("HTTL h FIELDS 1 a", "*1 :-2"),
        ("HDEL h a", ":0"),
        ("HSETNX h a 5", ":1"),
        ("HTTL h FIELDS 1 a", "*1 :-1"),
    ];
    expect(&mut fixture, 101, &cases);
}

#[test]
fn a_hash_goes_with_its_last_field() {
    let mut fixture = Fixture::asynchronous();
    let cases = [
        ("HSET h a 1 b 2", ":2"),
        ("HPEXPIRE h 50 FIELDS 1 a", "*1 :1"),
        ("HPEXPIRE h 80 FIELDS 1 b", "*1 :1"),
        ("TTL h", ":-1"),
        ("PERSIST h", ":0"),
        ("EXPIRE h 100 XX", ":0"),
        ("DBSIZE", ":1"),
    ];
    expect(&mut fixture, 0, &cases);
    expect(&mut fixture, 80, &[("EXISTS h", ":1"), ("TYPE h", "+hash"), ("HLEN h", ":1")]);
    let cases = [("EXISTS h", ":0"), ("TYPE h", "+none"), ("HSET h x 1", ":1"), ("TTL h", ":-1")];
    expect(&mut fixture, 81, &cases);
    // A field that stays keeps the hash, and so does one that is set anew.
    let cases = [
        ("HPEXPIRE h 10 FIELDS 1 x", "*1 :1"),
        ("HPERSIST h FIELDS 2 x nosuch", "*2 :1 :-2"),
        ("HPERSIST h FIELDS 1 x", "*1 :-1"),
        ("EXPIRE h 1000", ":1"),
        ("HPEXPIRE h 10 FIELDS 1 x", "*1 :1"),
        ("TTL h", ":1000"),
        ("HSET h x 2", ":0"),
    ];
    expect(&mut fixture, 100, &cases);
    expect(&mut fixture, 200, &[("HGETALL h", "*2 $1 x $1 2"), ("TTL h", ":1000")]);
    // A time that is over removes fields at once, and the hash with the last of them.
    expect(&mut fixture, 200, &[("HEXPIREAT h 1 FIELDS 2 x y", "*2 :2 :-2"), ("EXISTS h", ":0")]);
}

#[test]
fn conditions_of_hexpire() {
    let mut fixture = Fixture::asynchronous();
    let cases = [
        ("HSET h a 1", ":1"),
        ("HEXPIRE h 10 XX FIELDS 1 a", "*1 :0"),
        ("HEXPIRE h 10 GT FIELDS 1 a", "*1 :0"),
        ("HEXPIRE h 10 lt FIELDS 1 a", "*1 :1"),
        ("HEXPIRE h 20 NX FIELDS 1 a", "*1 :0"),
        ("HEXPIRE h 10 GT FIELDS 1 a", "*1 :0"),
        ("HEXPIRE h 11 GT FIELDS 1 a", "*1 :1"),
        ("HEXPIRE h 12 LT FIELDS 1 a", "*1 :0"),
        ("HEXPIRE h 10 XX FIELDS 2 a a", "*2 :1 :1"),
        ("HPEXPIREAT h 2000000005000 LT FIELDS 1 a", "*1 :1"),
        ("HTTL h FIELDS 1 a", "*1 :5"),
        // The condition comes first.
        ("HEXPIRE h 0 GT FIELDS 1 a", "*1 :0"),
        ("HEXPIRE h 0 FIELDS 2 a a", "*2 :2 :-2"),
        ("HEXPIRE h 10 FIELDS 1 a", "*1 :-2"),
        ("EXISTS h", ":0"),
    ];
    expect(&mut fixture, 0, &cases);
}

#[test]
fn errors_of_field_expiry() {
    let mut fixture = Fixture::asynchronous();
    let misplaced = "-ERR Mandatory argument FIELDS is missing or not at the right position";
    let mismatch = "-ERR The `numfields` parameter must match the number of arguments";
    let invalid = "-ERR invalid expire time in 'hexpire' command";
    let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    let cases = [
        ("HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range"),
        ("HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
        ("HEXPIRE h 70368744178 FIELDS 1 a", invalid),
        ("HEXPIRE h 9223372036854775807 FIELDS 1 a", invalid),
        ("HEXPIRE h 1 FIELD 1 a b", misplaced),
        ("HEXPIRE h 1 NX 1 a b", misplaced),
        ("HEXPIRE h 1 FIELDS 2 a", mismatch),
        ("HEXPIRE h 1 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"),
        ("HTTL h FIELDS x a", "-ERR Number of fields must be a positive integer"),
        ("HTTL h FIELDS 3 a b", mismatch),
        ("HPERSIST h fieldsx 1 a", misplaced),
        ("HGETDEL h FIELDS 2 a", mismatch),
        ("HGETEX h EX 1 PERSIST 1 a", misplaced),
        ("HGETEX h EX -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
        ("HSETEX h FIELDS 1 a", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 2 a 1 b", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS x a 1 b 2", "-ERR invalid number of fields"),
        ("HSETEX h x y z a", "-ERR unknown argument: x"),
        ("HSETEX h FNX FXX FIELDS 1 a", "-ERR Only one of FXX or FNX arguments can be specified"),
        (
            "HSETEX h EX 1 KEEPTTL FIELDS 1 a",
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        ("HSETEX h FXX FNX2 3 EX", "-ERR unknown argument: FNX2"),
        ("SET s x", "+OK"),
        ("HEXPIRE s x FIELDS 1 a", wrong_type),
        ("HTTL s x 1 a", wrong_type),
        ("HGETEX s FIELDS x a", wrong_type),
    ];
    expect(&mut fixture, 0, &cases);
}

#[test]
fn hsetex_hgetex_and_hgetdel() {
    let mut fixture = Fixture::asynchronous();
    let cases = [
        ("HSETEX h FXX FIELDS 1 a 1", ":0"),
        ("EXISTS h", ":0"),
        ("HSETEX h FNX EX 10 FIELDS 2 a 1 b 2", ":1"),
        ("HSETEX h FNX FIELDS 2 c 1 a 2", ":0"),
        ("HSETEX h FXX FIELDS 2 a 1 c 2", ":0"),
        ("HTTL h FIELDS 3 a b c", "*3 :10 :10 :-2"),
        ("HSETEX h KEEPTTL FIELDS 1 a 5", ":1"),
        ("HSETEX h FIELDS 1 b 6", ":1"),
        ("HTTL h FIELDS 2 a b", "*2 :10 :-1"),
        ("HINCRBY h a 2", ":7"),
        ("HTTL h FIELDS 1 a", "*1 :10"),
        ("HGETEX h FIELDS 2 a c", "*2 $1 7 $-1"),
        ("HGETEX h PX 5000 FIELDS 2 a b", "*2 $1 7 $1 6"),
        ("HPTTL h FIELDS 2 a b", "*2 :5000 :5000"),
        ("HGETEX h PERSIST FIELDS 1 b", "*1 $1 6"),
        ("HPTTL h FIELDS 2 a b", "*2 :5000 :-1"),
        ("HGETEX h PXAT 1 FIELDS 1 a", "*1 $1 7"),
        ("HKEYS h", "*1 $1 b"),
        ("HGETDEL h FIELDS 3 b b c", "*3 $1 6 $-1 $-1"),
        ("EXISTS h", ":0"),
        ("HGETDEL h FIELDS 1 b", "*1 $-1"),
        ("HSETEX h EXAT 1 FIELDS 1 a 5", ":1"),
        ("EXISTS h", ":0"),
    ];
    expect(&mut fixture, 0, &cases);
}

#[test]
fn large_hashes_lose_fields_too() {
    let mut fixture = Fixture::asynchronous();
    for start in (0..600).step_by(100) {
        let pairs: Vec<String> = (start..start + 100).map(|n| format!("f{n} value{n}")).collect();
        assert_eq!(at(&mut fixture, 0, &format!("HSET h {}", pairs.join(" "))), ":100");
    }
    let names: Vec<String> = (0..500).map(|n| format!("f{n}")).collect();
    let command = format!("HPEXPIREAT h {} FIELDS 500 {}", NOW_MS + 10, names.join(" "));
    assert_eq!(at(&mut fixture, 0, &command).matches(":1").count(), 500);
    expect(&mut fixture, 0, &[("HLEN h", ":600"), ("OBJECT ENCODING h", "$9 hashtable")]);
    expect(&mut fixture, 11, &[("HLEN h", ":100"), ("HGET h f3", "$-1"), ("HDEL h f3 f4", ":0")]);
    for _ in 0..20 {
        let name = at(&mut fixture, 11, "HRANDFIELD h");
        let number = name.split(" f").nth(1).and_then(|number| number.parse::<u32>().ok());
        assert!(number.is_some_and(|number| number >= 500), "{name}");
    }
    let all = at(&mut fixture, 11, "HRANDFIELD h 200 WITHVALUES");
    assert!(all.starts_with("*200 "), "{all}");
    let (mut cursor, mut seen) = ("0".to_owned(), 0);
    loop {
        let words = encode(&[b"HSCAN", b"h", cursor.as_bytes(), b"NOVALUES"]);
        let mut out = Vec::new();
        let Fixture { server, session, .. } = &mut fixture;
        server.execute_at(session, &words, &mut out, true, NOW_US + 11_000);
        let (reply, _) = Value::parse(&out).expect("valid").expect("complete");
        let Value::Array(parts) = reply else { panic!("{reply:?}") };
        let [Value::Bulk(next), Value::Array(names)] = &parts[..] else { panic!("{parts:?}") };
        seen += names.len();
        cursor = String::from_utf8(next.clone()).expect("digits");
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen, 100);
    // Fields that are over are removed by later changes, and may come again.
    for n in 0..40 {
        assert_eq!(at(&mut fixture, 12, &format!("HSET h f{n} new")), ":1");
    }
    expect(&mut fixture, 12, &[("HLEN h", ":140"), ("HPERSIST h FIELDS 1 f0", "*1 :-1")]);
}
