//! What the encoder writes, and that a client reads the same out of it.

use ferric_resp::{Encoder, MAX_DEPTH, ParseError, Protocol, Value};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..12)
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    "[ -~é]{0,12}".prop_map(String::into_bytes)
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        line().prop_map(Value::Simple),
        line().prop_map(Value::Error),
        prop_oneof![any::<i64>(), -3i64..1000].prop_map(Value::Integer),
        text().prop_map(Value::Bulk),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<f64>()
            .prop_filter("NaN is not equal to itself", |value| !value.is_nan())
            .prop_map(Value::Double),
        "-?[1-9][0-9]{0,40}".prop_map(|digits| Value::BigNumber(digits.into_bytes())),
        text().prop_map(|text| Value::Verbatim { format: *b"txt", text }),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            list.clone().prop_map(Value::Array),
            list.clone().prop_map(Value::Set),
            list.prop_map(Value::Push),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
        ]
    })
}

fn as_str(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the strategies make text")
}

/// Encodes a value; lengths of aggregates are deferred when `deferred` says so.
fn encode(out: &mut Encoder, value: &Value, deferred: bool) {
    match value {
        Value::Simple(text) => out.simple(as_str(text)),
        Value::Error(text) => out.error(as_str(text)),
        Value::Integer(value) => out.integer(*value),
        Value::Bulk(bytes) => out.bulk(bytes),
        Value::Null if deferred => out.null_array(),
        Value::Null => out.null(),
        Value::Boolean(value) => out.boolean(*value),
        Value::Double(value) => out.double(*value),
        Value::BigNumber(digits) => out.big_number(as_str(digits)),
        Value::Verbatim { format, text } => out.verbatim(as_str(format), text),
        Value::Array(list) | Value::Set(list) | Value::Push(list) => {
            encode_list(out, value, list, deferred);
        }
        Value::Map(pairs) => {
            let mark = out.begin_deferred();
            if !deferred {
                out.map(pairs.len());
            }
            for (key, value) in pairs {
                encode(out, key, deferred);
                encode(out, value, deferred);
            }
            if deferred {
                out.end_deferred_map(mark, pairs.len());
            }
        }
    }
}

fn encode_list(out: &mut Encoder, value: &Value, list: &[Value], deferred: bool) {
    let mark = out.begin_deferred();
    let later = deferred && !matches!(value, Value::Push(_));
    match value {
        _ if later => {}
        Value::Set(_) => out.set(list.len()),
        Value::Push(_) => out.push(list.len()),
        _ => out.array(list.len()),
    }
    for element in list {
        encode(out, element, deferred);
    }
    match value {
        _ if !later => {}
        Value::Set(_) => out.end_deferred_set(mark, list.len()),
        _ => out.end_deferred_array(mark, list.len()),
    }
}

/// What a RESP2 client sees of a value.
fn in_resp2(value: &Value) -> Value {
    let list = |list: &[Value]| Value::Array(list.iter().map(in_resp2).collect());
    match value {
        Value::Boolean(value) => Value::Integer((*value).into()),
        Value::Double(value) => {
            let mut out = Encoder::new(Protocol::Resp3);
            out.double(*value);
            Value::Bulk(out.as_slice()[1..out.len() - 2].to_vec())
        }
        Value::BigNumber(digits) => Value::Bulk(digits.clone()),
        Value::Verbatim { text, .. } => Value::Bulk(text.clone()),
        Value::Array(elements) | Value::Set(elements) | Value::Push(elements) => list(elements),
        Value::Map(pairs) => Value::Array(
            pairs.iter().flat_map(|(key, value)| [in_resp2(key), in_resp2(value)]).collect(),
        ),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn values_round_trip(value in values(), deferred in any::<bool>()) {
        for (proto, expected) in [(Protocol::Resp3, value.clone()), (Protocol::Resp2, in_resp2(&value))] {
            let mut out = Encoder::new(proto);
            encode(&mut out, &value, deferred);
            let bytes = out.into_inner();
            prop_assert_eq!(Value::parse(&bytes), Ok(Some((expected, bytes.len()))));
            for cut in 0..bytes.len() {
                prop_assert_eq!(Value::parse(&bytes[..cut]), Ok(None));
            }
        }
    }

    #[test]
    fn doubles_are_read_back_exactly(value in any::<f64>()) {
        let mut out = Encoder::new(Protocol::Resp3);
        out.double(value);
        let Ok(Some((Value::Double(read), _))) = Value::parse(out.as_slice()) else {
            return Err(TestCaseError::fail("no double"));
        };
        prop_assert!(read == value || (read.is_nan() && value.is_nan()));
    }

    #[test]
    fn any_bytes_are_parsed_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(Some((_, used))) = Value::parse(&bytes) {
            prop_assert!(used <= bytes.len());
        }
    }
}

/// Writes with `write` in one version of the protocol and returns the bytes as text.
fn written(proto: Protocol, write: impl Fn(&mut Encoder)) -> String {
    let mut out = Encoder::new(proto);
    write(&mut out);
    String::from_utf8(out.take()).expect("text")
}

/// The forms that redis-server 7.0.15 gives (`DEBUG PROTOCOL`, `EVAL` with `redis.setresp(3)`).
#[test]
fn each_type_has_its_form() {
    type Form = (&'static str, &'static str, fn(&mut Encoder));
    let table: [Form; 21] = [
        ("+OK\r\n", "+OK\r\n", Encoder::ok),
        ("+MY a  b\r\n", "+MY a  b\r\n", |out| out.simple("MY a\r\nb")),
        ("-MY a  b\r\n", "-MY a  b\r\n", |out| out.error("MY a\r\nb")),
        (":12345\r\n", ":12345\r\n", |out| out.integer(12345)),
        (":-9223372036854775808\r\n", ":-9223372036854775808\r\n", |out| out.integer(i64::MIN)),
        ("$11\r\nHello World\r\n", "$11\r\nHello World\r\n", |out| out.bulk_str("Hello World")),
        ("$-1\r\n", "_\r\n", Encoder::null),
        ("*-1\r\n", "_\r\n", Encoder::null_array),
        ("*3\r\n", "*3\r\n", |out| out.array(3)),
        ("*6\r\n", "%3\r\n", |out| out.map(3)),
        ("*3\r\n", "~3\r\n", |out| out.set(3)),
        ("*2\r\n", ">2\r\n", |out| out.push(2)),
        ("", "|1\r\n", |out| assert_eq!(out.attribute(1), out.protocol() == Protocol::Resp3)),
        (":1\r\n", "#t\r\n", |out| out.boolean(true)),
        (":0\r\n", "#f\r\n", |out| out.boolean(false)),
        ("$3\r\n2.5\r\n", ",2.5\r\n", |out| out.double(2.5)),
        ("$4\r\n-inf\r\n", ",-inf\r\n", |out| out.double(f64::NEG_INFINITY)),
        ("$20\r\n12345679999999999999\r\n", "(12345679999999999999\r\n", |out| {
            out.big_number("12345679999999999999");
        }),
        ("$4\r\na\nb\0\r\n", "=8\r\ntxt:a\nb\0\r\n", |out| out.verbatim("txt", b"a\nb\0")),
        ("*1\r\n*2\r\n:1\r\n:2\r\n", "*1\r\n%1\r\n:1\r\n:2\r\n", |out| {
            let outer = out.begin_deferred();
            let inner = out.begin_deferred();
            out.integer(1);
            out.integer(2);
            out.end_deferred_map(inner, 1);
            out.end_deferred_array(outer, 1);
        }),
        ("*0\r\n", "~0\r\n", |out| {
            let mark = out.begin_deferred();
            out.end_deferred_set(mark, 0);
        }),
    ];
    for (resp2, resp3, write) in table {
        assert_eq!(written(Protocol::Resp2, write), resp2);
        assert_eq!(written(Protocol::Resp3, write), resp3);
    }
}

#[test]
fn an_encoder_takes_back_what_it_wrote() {
    let mut out = Encoder::with_buffer(b"+OK\r\n".to_vec(), Protocol::Resp2);
    let before = out.len();
    out.bulk(b"gone");
    out.truncate(before);
    out.set_protocol(Protocol::Resp3);
    out.null();
    assert_eq!(out.as_slice(), b"+OK\r\n_\r\n");
    out.clear();
    assert!(out.is_empty());
}

#[test]
fn malformed_replies_are_errors() {
    for (bytes, error) in [
        ("?1\r\n", ParseError::UnknownType(b'?')),
        ("+a\nb\r\n", ParseError::MissingLineEnd),
        ("+a\rb", ParseError::MissingLineEnd),
        ("$1\r\nabc", ParseError::MissingLineEnd),
        ("$-2\r\n", ParseError::InvalidLength),
        ("*x\r\n", ParseError::InvalidLength),
        ("~-1\r\n", ParseError::InvalidLength),
        (":1x\r\n", ParseError::InvalidScalar),
        ("#x\r\n", ParseError::InvalidScalar),
        ("_x\r\n", ParseError::InvalidScalar),
        (",\r\n", ParseError::InvalidScalar),
        ("(12a\r\n", ParseError::InvalidScalar),
        ("=3\r\ntxt\r\n", ParseError::InvalidScalar),
    ] {
        assert_eq!(Value::parse(bytes.as_bytes()), Err(error), "{bytes:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}:1\r\n", "*1\r\n".repeat(depth)).into_bytes();
    assert!(matches!(Value::parse(&nested(MAX_DEPTH)), Ok(Some(_))));
    assert_eq!(Value::parse(&nested(MAX_DEPTH + 1)), Err(ParseError::TooDeep));
    let attributes = "|1\r\n".repeat(100_000);
    assert_eq!(Value::parse(attributes.as_bytes()), Err(ParseError::TooDeep));
}

#[test]
fn attributes_are_skipped() {
    let bytes = b"|1\r\n+ttl\r\n:90\r\n*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n";
    let expected = Value::Array(vec![Value::Integer(1), Value::Integer(2)]);
    assert_eq!(Value::parse(bytes), Ok(Some((expected, bytes.len()))));
}
