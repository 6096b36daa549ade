//! Encodings that redis-server 7.0 does not write: those of older servers, which it still reads, and those
//! of newer ones.

mod common;

use common::redis::Redis;
use common::value::{Collect, Value};
use ferric_rdb::encode::Writer;
use ferric_rdb::file::{Item, Reader};
use ferric_rdb::packed::{intset, listpack};
use ferric_rdb::{Error, Id, payload};

/// A short string, as it is.
fn text(bytes: &[u8]) -> Vec<u8> {
    match u8::try_from(bytes.len()) {
        Ok(len @ 0..64) => [&[len], bytes].concat(),
        _ => [&[0x80], &(bytes.len() as u32).to_be_bytes()[..], bytes].concat(),
    }
}

/// A ziplist of short strings and of small numbers, the latter as bytes of a number.
fn ziplist(elements: &[&str]) -> Vec<u8> {
    let (mut body, mut before) = (Vec::new(), 0u8);
    for element in elements {
        let mut entry = vec![before];
        match element.parse::<i8>() {
            Ok(number) => entry.extend([0xfe, number as u8]),
            Err(_) => entry.extend(text(element.as_bytes())),
        }
        before = entry.len() as u8;
        body.extend(entry);
    }
    let tail = 10 + body.len() as u32 - u32::from(before);
    let len = body.len() as u32 + 11;
    let count = elements.len() as u16;
    [&len.to_le_bytes()[..], &tail.to_le_bytes(), &count.to_le_bytes(), &body, &[255]].concat()
}

fn pack(elements: &[&str]) -> Vec<u8> {
    let mut builder = listpack::Builder::default();
    elements.iter().for_each(|element| builder.push(element.as_bytes()));
    builder.finish()
}

/// Values as servers before 7.0 wrote them.
fn older() -> Vec<(&'static str, Vec<u8>)> {
    let list = ["a", "-100", "some longer text", "7", ""];
    let pairs = ["a", "1", "bb", "text", "3", "-4"];
    let scores = ["b", "-4", "a", "1", "c", "1.5"];
    let plain: Vec<u8> = list.iter().flat_map(|element| text(element.as_bytes())).collect();
    let nodes = [text(&ziplist(&list)), text(&ziplist(&["x", "9"]))].concat();
    let zipmap = b"\x02\x01a\x01\x001\x02bb\x04\x02text\0\0\xff";
    let zset = [&b"\x04\x01a\x031.5\x01b\xfe\x01c\xff\x01d\x02-0"[..]].concat();
    let node = pack(&[
        "2", "0", "1", "f", "0", "2", "0", "0", "v", "4", "0", "5", "0", "1", "g", "w", "6",
    ]);
    let stream = [
        &b"\x01\x10"[..],
        &[0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1],
        &text(&node),
        // Two entries, the last ID, a group with its last ID, one pending entry, and one consumer who has it.
        b"\x02\x0a\x01\x01\x05group\x05\x01\x01",
        &[0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1],
        &[1, 2, 3, 0, 0, 0, 0, 0, 7, 1],
        b"\x03bob",
        &[9, 9, 0, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1],
    ];
    vec![
        ("plain list", [&[1, 5], &plain[..]].concat()),
        ("plain set", [&[2, 5], &plain[..]].concat()),
        ("scores as text", [&[3], &zset[..]].concat()),
        ("plain hash", [&[4, 2], &plain[..plain.len() - 1]].concat()),
        ("zipmap", [&[9], &text(zipmap)[..]].concat()),
        ("ziplist list", [&[10], &text(&ziplist(&list))[..]].concat()),
        ("wide intset", [&[11], &text(&intset::write(&[i64::MIN, 5]))[..]].concat()),
        ("ziplist zset", [&[12], &text(&ziplist(&scores))[..]].concat()),
        ("ziplist hash", [&[13], &text(&ziplist(&pairs))[..]].concat()),
        ("quicklist", [&[14, 2], &nodes[..]].concat()),
        ("stream", [&[15], &stream.concat()[..]].concat()),
    ]
}

fn in_order(mut value: Value) -> Value {
    match &mut value {
        Value::Set(members) => members.sort(),
        Value::Hash(fields) => fields.sort(),
        Value::SortedSet(members) => members.sort_by(|a, b| a.1.total_cmp(&b.1)),
        _ => {}
    }
    value
}

#[test]
fn what_older_servers_wrote_means_what_redis_says() {
    let Some(redis) = Redis::start("older", &[]) else { return };
    for (what, value) in older() {
        let payload = payload::seal_bytes(value);
        assert_eq!(redis.restore("key", &payload), Ok(()), "{what}");
        let read = Value::of_payload(&payload).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(in_order(read), in_order(redis.value("key")), "{what}");
    }
}

fn hash(fields: &[(&str, &str, u64)]) -> Value {
    let bytes = |text: &str| text.as_bytes().to_vec();
    Value::Hash(
        fields.iter().map(|(name, value, time)| (bytes(name), bytes(value), *time)).collect(),
    )
}

/// As the source of Redis 7.4 describes it: there is no such server to ask here.
#[test]
fn fields_that_expire() {
    let expected = hash(&[("a", "1", 5000), ("b", "2", 5100), ("c", "3", 0)]);
    let fields = [(&b"a"[..], &b"1"[..], 5000), (b"b", b"2", 5100), (b"c", b"3", 0)];
    let min = 5000u64.to_le_bytes();
    let names = [&b"\x01a\x011"[..], b"\x01b\x012", b"\x01c\x013"];
    let relative = [&[24], &min[..], &[3, 1], names[0], &[0x40, 101], names[1], &[0], names[2]];
    let absolute = [&[22, 3][..], &[0x53, 0x88], names[0], &[0x53, 0xec], names[1], &[0], names[2]];
    let lp = text(&pack(&["a", "1", "5000", "b", "2", "5100", "c", "3", "0"]));
    for value in [
        relative.concat(),
        absolute.concat(),
        [&[25], &min[..], &lp].concat(),
        [&[23], &lp[..]].concat(),
    ] {
        let payload = payload::seal_bytes(value);
        assert_eq!(payload[payload.len() - 10..][..2], [12, 0]);
        assert_eq!(Value::of_payload(&payload).expect("intact"), expected);
    }
    let mut writer = Writer::default();
    writer.expiring_hash(3, 5000, fields);
    let payload = payload::seal(writer);
    assert_eq!(payload[..11], relative.concat()[..11]);
    assert_eq!(Value::of_payload(&payload).expect("intact"), expected);
    let mut writer = Writer::default();
    writer.small_expiring_hash(5000, fields);
    assert_eq!(Value::of_payload(&payload::seal(writer)).expect("intact"), expected);
    let late = [&[22, 1, 0x81][..], &(1u64 << 48).to_be_bytes(), names[0]].concat();
    assert!(Value::of_payload(&payload::seal_bytes(late)).is_err());
}

#[test]
fn sets_and_streams_of_redis_7_2() {
    let set = [&[20], &text(&pack(&["a", "5", "c"]))[..]].concat();
    let members = [b"a", b"5", b"c"].map(|member| member.to_vec());
    let payload = payload::seal_bytes(set);
    assert_eq!(Value::of_payload(&payload).expect("intact"), Value::Set(members.to_vec()));

    // An empty stream with one group and two consumers, of which one has never been active.
    let consumers = [
        &[3, b'b', b'o', b'b'][..],
        &7u64.to_le_bytes(),
        &8u64.to_le_bytes(),
        &[0, 1, b'x'],
        &9u64.to_le_bytes(),
        &u64::MAX.to_le_bytes(),
        &[0],
    ];
    let counts = [&[21, 0, 0][..], &[5, 1], &[0, 0], &[4, 0], &[3], &[1, 1, b'g', 5, 1]];
    let unknown = [&[0x81][..], &u64::MAX.to_be_bytes(), &[0, 2]];
    let value = [counts.concat(), unknown.concat(), consumers.concat()].concat();
    let Ok(Value::Stream(stream)) = Value::of_payload(&payload::seal_bytes(value)) else {
        panic!("not a stream");
    };
    assert_eq!((stream.state.last, stream.state.added), (Id { ms: 5, seq: 1 }, 3));
    let (group, consumers) = &stream.groups[0];
    assert_eq!((&group.name[..], group.read), (&b"g"[..], None));
    let times: Vec<_> =
        consumers.iter().map(|(consumer, _)| (consumer.seen_ms, consumer.active_ms)).collect();
    assert_eq!(times, [(7, Some(8)), (9, None)]);
}

/// A file of version 12 with everything that is not a value.
#[test]
fn what_a_file_may_have_besides_values() {
    let mut file = b"REDIS0012".to_vec();
    file.extend([&[250][..], &text(b"redis-ver"), &text(b"7.4.0")].concat());
    file.extend([&[245][..], &text(b"#!lua name=x\n")].concat());
    file.extend([254, 3, 251, 2, 1, 244, 9, 2, 1]);
    file.extend([&[252][..], &1234u64.to_le_bytes(), &[248, 7, 0, 1, b'k', 1, b'v']].concat());
    file.extend([253, 2, 0, 0, 0, 249, 255, 20, 1, b's']);
    file.extend(text(&pack(&["m"])));
    let module = [0x81, 0x45, 0xe2, 0x68, 0x39, 0x0e, 0x2e, 0x2c, 0x05];
    file.extend([&[7, 1, b'j'][..], &module, &[2, 9, 5, 1, b'x', 0]].concat());
    file.extend([&[247][..], &module, &[2, 1, 1, 5, 0]].concat());
    file.extend([255; 1]);
    let without = file.len();
    file.extend([0; 8]);
    file.extend(b"rest");

    let mut reader = Reader::new(&file[..]).expect("a file");
    let (mut items, mut values) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next_item().expect("intact") {
        if let Item::Key(_) = item {
            let mut sink = Collect(None);
            let raw = reader.value(&mut sink, 100).expect("intact").expect("short");
            assert_eq!(Value::of_payload(&payload::seal_bytes(raw)).ok(), sink.0);
            values.push(sink.0.expect("a value"));
        }
        items.push(item);
    }
    assert_eq!(reader.position(), without as u64 + 8);
    assert_eq!(reader.into_inner(), b"rest");
    assert_eq!(values, [Value::String(b"v".to_vec()), Value::Set(vec![b"m".to_vec()])]);
    let expiry = |item: &Item| match item {
        Item::Key(key) => key.expiry_ms,
        _ => None,
    };
    assert_eq!(items.iter().filter_map(expiry).collect::<Vec<_>>(), [1234, 2000]);
    assert!(matches!(
        &items[..4],
        [Item::Auxiliary { .. }, Item::Function(_), Item::Database(3), Item::Size(2, 1),]
    ));
    assert!(matches!(&items[6..], [Item::ModuleValue(..), Item::ModuleData(_)]));

    file[without + 2] = 1;
    let mut reader = Reader::new(&file[..]).expect("a file");
    let end = loop {
        match reader.next_item() {
            Ok(Some(Item::Key(_))) => {
                drop(reader.value(&mut ferric_rdb::Discard, 0).expect("intact"))
            }
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(end, Some(Error::Checksum)));
}
