//! Values that a real redis-server has dumped, and values for it to restore.

mod common;

use common::Dice;
use common::redis::Redis;
use common::samples;
use common::value::{Stream, Value};
use ferric_rdb::encode::{GroupContents, NodeLimits, NodeSize, StreamWriter, Writer};
use ferric_rdb::{Id, payload};

/// Redis's default limits.
const LIST: NodeSize = NodeSize::Bytes(8192);
const STREAM: NodeLimits = NodeLimits { bytes: 4096, entries: 100 };

/// A value without what may differ: the order of what has none.
fn sorted(mut value: Value) -> Value {
    match &mut value {
        Value::Set(members) => members.sort(),
        Value::Hash(fields) => fields.sort(),
        Value::SortedSet(members) => {
            // A zero loses its sign in a listpack.
            members.iter_mut().for_each(|(_, score)| *score += 0.0);
            members.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
        }
        Value::Stream(stream) => {
            // Redis believes what the payload says, here it is the first entry there is.
            stream.state.first = Id::default();
            stream.groups.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
            for (_, consumers) in &mut stream.groups {
                consumers.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
            }
        }
        Value::String(_) | Value::List(_) => {}
    }
    value
}

/// Two values have to be equal; shows where they are not.
fn assert_same(one: Value, other: Value, context: &str) {
    let (one, other) = (format!("{:?}", sorted(one)), format!("{:?}", sorted(other)));
    let at = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| text[at.saturating_sub(60)..(at + 260).min(text.len())].to_owned();
    assert!(one == other, "{context}:\n{}\n{}", around(&one), around(&other));
}

/// The payload of a value, in the encoding of this name.
fn write(value: &Value, encoding: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    match value {
        Value::String(value) => writer.string(value),
        Value::List(list) => writer.list(list.iter().map(Vec::as_slice), LIST),
        Value::Set(set) if encoding == "intset" => {
            let number = |member: &Vec<u8>| ferric_rdb::packed::canonical_integer(member);
            let numbers: Option<Vec<i64>> = set.iter().map(number).collect();
            writer.intset(&numbers.expect("integers"));
        }
        Value::Set(set) => writer.set(set.len(), set.iter().map(Vec::as_slice)),
        Value::Hash(hash) => {
            let fields = hash.iter().map(|(field, value, _)| (&field[..], &value[..]));
            match encoding {
                "listpack" => writer.small_hash(fields),
                _ => writer.hash(hash.len(), fields),
            }
        }
        Value::SortedSet(set) if encoding == "listpack" => {
            writer.small_sorted_set(set.iter().map(|(member, score)| (member, digits(*score))));
        }
        Value::SortedSet(set) => {
            let descending = set.iter().rev().map(|(member, score)| (&member[..], *score));
            writer.sorted_set(set.len(), descending);
        }
        Value::Stream(stream) => write_stream(stream, &mut writer),
    }
    payload::seal(writer)
}

/// A score in few characters: Redis looks at the first 128 only.
fn digits(score: f64) -> String {
    if score.is_infinite() || (1e-3..1e17).contains(&score.abs()) || score == 0.0 {
        score.to_string()
    } else {
        format!("{score:e}")
    }
}

fn write_stream(stream: &Stream, writer: &mut Writer) {
    let mut entries = StreamWriter::new(STREAM);
    for (id, fields) in &stream.entries {
        let pairs: Vec<_> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        entries.entry(*id, &pairs);
    }
    let groups = stream.groups.iter().map(|(group, consumers)| {
        let mut all: Vec<_> = consumers.iter().flat_map(|(_, pending)| pending).copied().collect();
        all.sort_by_key(|pending| pending.id);
        let ids = |(consumer, pending): &(ferric_rdb::Consumer, Vec<ferric_rdb::Pending>)| {
            (consumer.clone(), pending.iter().map(|entry| entry.id).collect())
        };
        let consumers = consumers.iter().map(ids).collect();
        GroupContents { group: group.clone(), pending: all, consumers }
    });
    entries.finish(writer, &stream.state, groups);
}

/// Whether the order of its elements follows from the value, so that there is only one payload.
fn is_ordered(value: &Value, encoding: &str) -> bool {
    match (value, encoding) {
        (Value::Set(_), "hashtable") | (Value::Hash(_), "hashtable") => false,
        // Redis writes fractions with 17 digits, here they have as few as possible.
        (Value::SortedSet(set), "listpack") => {
            set.iter().all(|(_, score)| (score * 4.0) % 1.0 == 0.0)
        }
        _ => true,
    }
}

#[test]
fn dumps_are_read_and_written_as_redis_does() {
    let Some(redis) = Redis::start("dumps", &[]) else { return };
    let mut dice = Dice::new(1);
    let (mut same, mut keys) = (0, samples::fill(&redis, &mut dice));
    redis.run("XADD empty 5-5 a b");
    redis.run("XDEL empty 5-5");
    keys.push("empty".to_owned());
    for key in &keys {
        let (dump, value, encoding) = (redis.dump(key), redis.value(key), redis.encoding(key));
        let read = Value::of_payload(&dump).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_same(read, value.clone(), key);
        let written = write(&value, &encoding);
        if is_ordered(&value, &encoding) {
            assert!(written == dump, "{key} ({encoding}):\n{}\n{}", hex(&written), hex(&dump));
            same += 1;
        }
        redis.restore("copy", &written).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_same(redis.value("copy"), value, key);
        assert_eq!(redis.encoding("copy"), encoding, "{key}");
    }
    println!("{} keys, {same} payloads the same", keys.len());
    assert!(same > keys.len() / 2);
}

#[test]
fn strings_are_compressed_as_redis_does() {
    let Some(redis) = Redis::start("strings", &[]) else { return };
    let mut dice = Dice::new(7);
    let edges = (0..200).map(|len| vec![b'a'; len]).chain((0..40).map(|n| vec![b'b'; 250 + n]));
    let cycles = (18..60).flat_map(|len| {
        (1..19).map(move |cycle| (0..len).map(|at| b'a' + (at % cycle) as u8).collect())
    });
    let random: Vec<Vec<u8>> = (0..2000).map(|n| dice.text(20 + n)).collect();
    for value in edges.chain(cycles).chain(random) {
        redis.call(&[b"SET", &b"key"[..], &value]);
        let (dump, value) = (redis.dump("key"), Value::String(value));
        assert_eq!(Value::of_payload(&dump).expect("intact"), value);
        assert!(
            write(&value, "") == dump,
            "{value:?}\n{}\n{}",
            hex(&write(&value, "")),
            hex(&dump)
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(400).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn lists_under_other_limits() {
    let Some(redis) = Redis::start("limits", &[]) else { return };
    let mut dice = Dice::new(3);
    for parameter in [-1, -3, -5, 1, 7, 100, 0] {
        redis.run(&format!("CONFIG SET list-max-listpack-size {parameter}"));
        for longest in [5, 300, 9000] {
            redis.run("DEL key");
            let list: Vec<Vec<u8>> = (0..60).map(|_| dice.text(longest)).collect();
            for element in &list {
                redis.call(&[b"RPUSH", &b"key"[..], element]);
            }
            let mut writer = Writer::default();
            writer.list(list.iter().map(Vec::as_slice), NodeSize::of(parameter));
            assert!(payload::seal(writer) == redis.dump("key"), "{parameter} {longest}");
        }
    }
}

#[test]
fn streams_under_other_limits() {
    let Some(redis) = Redis::start("stream-limits", &[]) else { return };
    let mut dice = Dice::new(5);
    for (bytes, entries) in [(0, 100), (4096, 0), (300, 7), (0, 300), (0, 0)] {
        redis.run(&format!("CONFIG SET stream-node-max-bytes {bytes}"));
        redis.run(&format!("CONFIG SET stream-node-max-entries {entries}"));
        redis.run("DEL key");
        for at in 1..500 {
            let (one, two) = (dice.text(20), dice.text(20));
            let id = format!("{}-{at}", at / 3);
            redis.call(&[b"XADD", &b"key"[..], id.as_bytes(), b"one", &one, b"two", &two]);
        }
        let Value::Stream(stream) = redis.value("key") else { panic!("not a stream") };
        let mut writer = Writer::default();
        let mut nodes = StreamWriter::new(NodeLimits { bytes, entries });
        for (id, fields) in &stream.entries {
            let pairs: Vec<_> =
                fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
            nodes.entry(*id, &pairs);
        }
        nodes.finish(&mut writer, &stream.state, [].into_iter());
        assert!(payload::seal(writer) == redis.dump("key"), "{bytes} {entries}");
    }
}

/// What we accept of payloads that were changed at random, a redis-server accepts that looks closely,
/// and they mean the same to it.
#[test]
fn changed_payloads_mean_the_same_to_redis() {
    let Some(redis) = Redis::start("changed", &["--sanitize-dump-payload", "yes"]) else { return };
    let mut dice = Dice::new(11);
    let keys = samples::fill(&redis, &mut dice);
    let dumps: Vec<_> = keys.iter().map(|key| redis.dump(key)).collect();
    let (mut accepted, mut refused) = (0, 0);
    for dump in dumps.iter().filter(|dump| dump.len() < 3000) {
        for _ in 0..60 {
            let mut value = dump[..dump.len() - 10].to_vec();
            for _ in 0..=dice.below(2) {
                let at = 1 + dice.below(value.len() - 1);
                value[at] = dice.roll() as u8 >> dice.below(8);
            }
            let changed = payload::seal_bytes(value);
            match Value::of_payload(&changed) {
                Ok(value) if has_duplicates(&value) => refused += 1,
                Ok(value) => {
                    let said = redis.restore("changed", &changed);
                    assert_eq!(said, Ok(()), "{value:?}\n{}", hex(&changed));
                    assert_same(redis.value("changed"), value, &hex(&changed));
                    accepted += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 100 && refused > 100);
}

/// Whether a value has something twice, or is empty, which is for the sink to refuse.
fn has_duplicates(value: &Value) -> bool {
    let mut names: Vec<&[u8]> = match value {
        Value::Set(set) => set.iter().map(Vec::as_slice).collect(),
        Value::Hash(hash) => hash.iter().map(|(field, _, _)| &field[..]).collect(),
        Value::SortedSet(set) => set.iter().map(|(member, _)| &member[..]).collect(),
        Value::List(list) => return list.is_empty(),
        Value::Stream(stream) => {
            let mut groups: Vec<_> = stream.groups.iter().map(|(group, _)| &group.name).collect();
            groups.sort();
            return groups.windows(2).any(|two| two[0] == two[1]);
        }
        Value::String(_) => return false,
    };
    names.sort_unstable();
    names.is_empty() || names.windows(2).any(|two| two[0] == two[1])
}
