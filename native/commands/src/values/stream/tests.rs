//! The structure against a naive model: a map of entries beside Redis's nodes, and maps of what is
//! pending. Every change is made by a delta; images and replay have to lead to the same.

use std::collections::BTreeMap;

use ferric_engine::Object;
use proptest::prelude::*;

use super::*;

/// A change as a command would make it.
#[derive(Clone, Debug)]
enum Step {
    /// An entry this much later than the last, with one of a few shapes; in a chunk of its own?
    Add {
        ms: u64,
        seq: u64,
        shape: u8,
        alone: bool,
    },
    Delete {
        ms: u64,
        seq: u64,
    },
    /// As XTRIM would with this threshold.
    Trim {
        length: Option<u64>,
        from: u64,
        approximate: bool,
    },
    Group {
        group: u8,
        last: u64,
    },
    Destroy {
        group: u8,
    },
    Consumer {
        group: u8,
        consumer: u8,
    },
    Drop {
        group: u8,
        consumer: u8,
    },
    Deliver {
        group: u8,
        consumer: u8,
        ms: u64,
        count: u64,
    },
    Acknowledge {
        group: u8,
        ms: u64,
    },
    /// What follows is done to a copy, while this one has to stay as it is.
    Freeze,
}

fn step() -> impl Strategy<Value = Step> {
    let consumer = (0..3u8, 0..4u8);
    prop_oneof![
        12 => (0..4u64, 0..3u64, 0..4u8, prop::bool::weighted(0.2))
            .prop_map(|(ms, seq, shape, alone)| Step::Add { ms, seq, shape, alone }),
        4 => (0..60u64, 0..3u64).prop_map(|(ms, seq)| Step::Delete { ms, seq }),
        2 => (prop::option::of(0..30u64), 0..60u64, any::<bool>())
            .prop_map(|(length, from, approximate)| Step::Trim { length, from, approximate }),
        2 => (0..3u8, 0..60u64).prop_map(|(group, last)| Step::Group { group, last }),
        1 => (0..3u8).prop_map(|group| Step::Destroy { group }),
        2 => consumer.clone().prop_map(|(group, consumer)| Step::Consumer { group, consumer }),
        1 => consumer.clone().prop_map(|(group, consumer)| Step::Drop { group, consumer }),
        6 => (consumer, 0..60u64, 1..4u64)
            .prop_map(|((group, consumer), ms, count)| Step::Deliver { group, consumer, ms, count }),
        3 => (0..3u8, 0..60u64).prop_map(|(group, ms)| Step::Acknowledge { group, ms }),
        1 => Just(Step::Freeze),
    ]
}

type Fields = Vec<Vec<u8>>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ModelGroup {
    last: Id,
    consumers: BTreeMap<Vec<u8>, u64>,
    /// Who has it, when it was delivered, and how often.
    pending: BTreeMap<Id, (Vec<u8>, u64, u64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    entries: BTreeMap<Id, Fields>,
    /// All identifiers of each node, the deleted ones as well.
    nodes: Vec<Vec<Id>>,
    last: Id,
    max_deleted: Id,
    added: u64,
    groups: BTreeMap<Vec<u8>, ModelGroup>,
}

fn fields(shape: u8, seq: u64) -> Fields {
    let words: &[&str] = match shape {
        0 => &["f", "v"],
        1 => &["f", "-12345", "9223372036854775807", "007"],
        2 => &["", ""],
        _ => &["f", "a value of some length, longer than sixty-four bytes together with this end"],
    };
    let mut fields: Fields = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    fields.extend([b"n".to_vec(), seq.to_string().into_bytes()]);
    fields
}

fn name(kind: &str, number: u8) -> Vec<u8> {
    format!("{kind}{number}").into_bytes()
}

impl Model {
    fn live(&self, node: &[Id]) -> u64 {
        node.iter().filter(|id| self.entries.contains_key(id)).count() as u64
    }

    fn add(&mut self, id: Id, alone: bool, fields: Fields) {
        if alone || self.nodes.is_empty() {
            self.nodes.push(Vec::new());
        }
        self.nodes.last_mut().expect("there is one").push(id);
        self.entries.insert(id, fields);
        (self.last, self.added) = (id, self.added + 1);
    }

    fn delete(&mut self, id: Id) {
        if self.entries.remove(&id).is_none() {
            return;
        }
        self.max_deleted = self.max_deleted.max(id);
        let at = self.nodes.iter().position(|node| node.contains(&id)).expect("in a node");
        if self.live(&self.nodes[at]) == 0 {
            self.nodes.remove(at);
        }
    }

    /// The algorithm that the documentation of XTRIM describes, step by step.
    fn trim(&mut self, trim: &Trim) -> u64 {
        let mut removed = 0;
        while let Some(node) = self.nodes.first().cloned() {
            let (length, live) = (self.entries.len() as u64, self.live(&node));
            let whole = match trim.bound {
                Bound::Length(max) if length <= max => break,
                Bound::Length(max) => length - live >= max,
                Bound::From(id) => *node.last().expect("not empty") < id,
            };
            if whole {
                self.nodes.remove(0);
                node.iter().for_each(|id| removed += u64::from(self.entries.remove(id).is_some()));
                continue;
            }
            if !trim.approximate {
                for id in &node {
                    let stop = match trim.bound {
                        Bound::Length(max) => self.entries.len() as u64 <= max,
                        Bound::From(from) => *id >= from,
                    };
                    if stop {
                        break;
                    }
                    removed += u64::from(self.entries.remove(id).is_some());
                }
            }
            break;
        }
        removed
    }
}

/// A stream and its model.
#[derive(Clone, Default)]
struct Pair {
    stream: Stream,
    model: Model,
    /// All deltas since the beginning.
    log: Vec<Delta>,
    time: u64,
}

impl Pair {
    fn apply(&mut self, delta: Delta) {
        self.stream.apply(delta.as_bytes()).expect("a delta");
        self.log.push(delta);
    }

    fn step(&mut self, step: &Step) {
        self.time += 1;
        match *step {
            Step::Add { ms, seq, shape, alone } => self.add(ms, seq, shape, alone),
            Step::Delete { ms, seq } => {
                let mut delta = Delta::default();
                delta.delete(&[Id::new(ms, seq), Id::new(ms + 1, seq)]);
                self.apply(delta);
                self.model.delete(Id::new(ms, seq));
                self.model.delete(Id::new(ms + 1, seq));
            }
            Step::Trim { length, from, approximate } => self.trim(length, from, approximate),
            Step::Freeze => {}
            Step::Group { group, last } => {
                let mut delta = Delta::default();
                delta.group(&name("g", group));
                delta.place_group(Id::new(last, 0), UNKNOWN);
                self.apply(delta);
                self.model.groups.entry(name("g", group)).or_default().last = Id::new(last, 0);
            }
            Step::Destroy { group } => {
                let mut delta = Delta::default();
                delta.group(&name("g", group));
                delta.destroy_group();
                self.apply(delta);
                self.model.groups.remove(&name("g", group));
            }
            _ => self.step_in_group(step),
        }
    }

    fn add(&mut self, ms: u64, seq: u64, shape: u8, alone: bool) {
        let last = self.model.last;
        let id = Id::new(last.ms + ms, if ms == 0 { last.seq + 1 + seq } else { seq });
        let fields = fields(shape, seq);
        let words: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
        let mut delta = Delta::default();
        delta.append(id, alone, &words);
        self.apply(delta);
        self.model.add(id, alone, fields);
    }

    fn trim(&mut self, length: Option<u64>, from: u64, approximate: bool) {
        let bound = length.map_or(Bound::From(Id::new(from, 1)), Bound::Length);
        let trim = Trim { bound, approximate, limit: 0 };
        let plan = trim.plan(self.stream.view(), None);
        let mut delta = Delta::default();
        delta.trim(plan.chunks, plan.through);
        self.apply(delta);
        assert_eq!(self.model.trim(&trim), plan.removed);
    }

    fn step_in_group(&mut self, step: &Step) {
        let (Step::Consumer { group, .. }
        | Step::Drop { group, .. }
        | Step::Deliver { group, .. }
        | Step::Acknowledge { group, .. }) = *step
        else {
            return;
        };
        let Some(model) = self.model.groups.get_mut(&name("g", group)) else { return };
        let mut delta = Delta::default();
        delta.group(&name("g", group));
        match *step {
            Step::Consumer { consumer, .. } => {
                delta.consumer(&name("c", consumer), self.time, 0);
                model.consumers.insert(name("c", consumer), self.time);
            }
            Step::Drop { consumer, .. } => {
                delta.drop_consumer(&name("c", consumer));
                model.consumers.remove(&name("c", consumer));
                model.pending.retain(|_, (owner, ..)| *owner != name("c", consumer));
            }
            Step::Deliver { consumer, ms, count, .. } => {
                let ids = [Id::new(ms, 0), Id::new(ms, 7), Id::new(ms + 3, 1)];
                delta.consumer(&name("c", consumer), self.time, self.time);
                delta.deliver(self.time, count, &ids);
                model.consumers.insert(name("c", consumer), self.time);
                for id in ids {
                    model.pending.insert(id, (name("c", consumer), self.time, count));
                }
            }
            Step::Acknowledge { ms, .. } => {
                delta.acknowledge(&[Id::new(ms, 0), Id::new(ms, 9)]);
                model.pending.remove(&Id::new(ms, 0));
            }
            _ => {}
        }
        self.apply(delta);
    }

    fn check(&self) {
        let image = self.stream.encode();
        let decoded = Stream::decode(&image).expect("an image");
        let mut replayed = Stream::default();
        self.log.iter().for_each(|delta| replayed.apply(delta.as_bytes()).expect("a delta"));
        for stream in [&self.stream, &decoded, &replayed] {
            check_entries(stream.view(), &self.model);
            check_groups(stream, &self.model);
            assert_eq!(stream.packed, stream.chunks.iter().map(|c| c.packed_len()).sum::<usize>());
            assert!(stream.encode() == decoded.encode());
        }
        check_entries(Stream::view_image(&image), &self.model);
    }
}

fn text_of(entry: &Entry<'_>) -> (Id, Fields) {
    let (count, fields) = entry.fields();
    let words = fields.flat_map(|(name, value)| [name, value]);
    let words: Fields = words.map(|word| word.with(<[u8]>::to_vec)).collect();
    assert_eq!(words.len(), count * 2);
    (entry.id, words)
}

fn check_entries(view: View<'_>, model: &Model) {
    let Model { last, max_deleted, added, .. } = *model;
    let length = model.entries.len() as u64;
    assert_eq!(view.state(), State { length, last, max_deleted, added });
    let expected = |from, to| model.entries.range(from..=to).map(|(id, f)| (*id, f.clone()));
    for (from, to) in [(Id::MIN, Id::MAX), (Id::new(9, 1), Id::new(33, 0)), (last, Id::MAX)] {
        assert!(view.entries(from, to).map(|entry| text_of(&entry)).eq(expected(from, to)));
        let back = view.entries_back(from, to).map(|entry| text_of(&entry));
        assert!(back.eq(expected(from, to).rev()));
    }
    assert_eq!(view.first_id(), model.entries.keys().next().copied());
    assert_eq!(view.last_id(), model.entries.keys().next_back().copied());
    for ms in 0..60 {
        let id = Id::new(ms, 1);
        assert_eq!(view.entry(id).is_some(), model.entries.contains_key(&id));
    }
    assert_eq!(view.chunk_count(), model.nodes.len());
    for (chunk, node) in view.chunks(Id::MIN).zip(&model.nodes) {
        let live = model.live(node);
        assert_eq!((chunk.head.first, chunk.head.last), (node[0], node[node.len() - 1]));
        assert_eq!(u64::from(chunk.head.live), live);
        assert_eq!(u64::from(chunk.head.dead), node.len() as u64 - live);
    }
}

fn check_groups(stream: &Stream, model: &Model) {
    assert!(stream.groups().map(|(name, _)| name.to_vec()).eq(model.groups.keys().cloned()));
    for (name, expected) in &model.groups {
        let group = stream.group(name).expect("it is there");
        assert_eq!(group.last, expected.last);
        let consumers = group.consumers().map(|c| (c.name.to_vec(), c.seen_ms));
        assert!(consumers.eq(expected.consumers.iter().map(|(n, t)| (n.clone(), *t))));
        let owner = |p: &Pending| group.consumer(p.owner).expect("there").name.to_vec();
        let pending =
            group.pending().iter().map(|p| (p.id, (owner(p), p.delivered_ms, p.deliveries)));
        assert!(pending.eq(expected.pending.iter().map(|(id, p)| (*id, p.clone()))));
        for consumer in group.consumers() {
            let own = expected.pending.iter().filter(|(_, p)| *p.0 == *consumer.name);
            assert!(consumer.pending.iter().eq(own.map(|(id, _)| id)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn is_what_its_model_is(steps in prop::collection::vec(step(), 0..150)) {
        let mut pair = Pair::default();
        let mut frozen = Vec::new();
        for step in &steps {
            if matches!(step, Step::Freeze) {
                frozen.push((pair.clone(), pair.stream.freeze()));
            }
            pair.step(step);
        }
        pair.check();
        for (before, mut image) in frozen {
            before.check();
            let mut bytes = Vec::new();
            while image.write(&mut bytes, 20) {}
            assert!(!image.write(&mut bytes, 20));
            prop_assert!(bytes == before.stream.encode());
        }
    }

    #[test]
    fn any_bytes_are_decoded_without_panic(bytes: Vec<u8>) {
        let _ = Stream::decode(&bytes);
        let _ = Stream::default().apply(&bytes);
    }

    #[test]
    fn damaged_images_and_deltas_do_no_harm(
        steps in prop::collection::vec(step(), 0..40),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut pair = Pair::default();
        steps.iter().for_each(|step| pair.step(step));
        let mut image = pair.stream.encode();
        let mut delta: Vec<u8> =
            pair.log.iter().flat_map(|delta| delta.as_bytes()).copied().collect();
        for (at, byte) in damages {
            let place = at.index(image.len());
            image[place] = byte;
            if !delta.is_empty() {
                let place = at.index(delta.len());
                delta[place] = byte;
            }
        }
        let mut stream = Stream::decode(&image).unwrap_or_default();
        let _ = stream.apply(&delta);
        // Whatever came of it can be read, and written again.
        let entries = stream.view().entries(Id::MIN, Id::MAX).count() as u64;
        prop_assert_eq!(entries, stream.state.length);
        prop_assert!(Stream::decode(&stream.encode()).is_ok());
    }
}

/// Entries as a sensor would add them.
fn readings(count: u64) -> Stream {
    let mut stream = Stream::default();
    for n in 0..count {
        let mut delta = Delta::default();
        let value = (20_000 + n % 999).to_string();
        delta.append(
            Id::new(1_700_000_000_000 + n * 7, 0),
            n % 100 == 0,
            &[b"t", value.as_bytes()],
        );
        stream.apply(delta.as_bytes()).expect("a delta");
    }
    stream
}

#[test]
fn an_entry_takes_a_few_bytes() {
    let stream = readings(10_000);
    let per_entry = stream.heap_bytes() as f64 / 10_000.0;
    // Redis: 13 bytes and its part of a node.
    assert!(per_entry < 9.0, "{per_entry}");
    assert!(stream.image_len() >= stream.encode().len());
}

#[test]
fn a_copy_shares_its_chunks() {
    let mut stream = readings(100_000);
    let frozen = stream.clone();
    let mut delta = Delta::default();
    delta.trim(3, Id::MIN);
    stream.apply(delta.as_bytes()).expect("a delta");
    assert_eq!((frozen.state.length, stream.state.length), (100_000, 99_700));
    // The chunks themselves are shared.
    let shared =
        stream.chunks.iter().zip(frozen.chunks.iter().skip(3)).filter(|(a, b)| Arc::ptr_eq(a, b));
    assert_eq!(shared.count(), 997);
}
