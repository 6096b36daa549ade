//! Payloads and files that were changed at random: reading them never panics, and never allocates more
//! than their length explains.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::Dice;
use ferric_rdb::encode::{GroupContents, NodeLimits, NodeSize, StreamWriter, Writer};
use ferric_rdb::file::{Item, Reader};
use ferric_rdb::{Consumer, Discard, Group, Id, Pending, StreamState, payload};
use proptest::prelude::*;

thread_local! {
    /// Bytes that this thread has allocated, and the most that were allocated at a time.
    static MEMORY: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Counts what is allocated.
struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    // A thread that ends has no counters any more.
    let _ = MEMORY.try_with(|memory| {
        let now = memory.get().0.saturating_add_signed(bytes);
        memory.set((now, memory.get().1.max(now)));
    });
}

/// The most memory that `work` had allocated at a time.
fn peak(work: impl FnOnce()) -> usize {
    let before = MEMORY.get().0;
    MEMORY.set((before, before));
    work();
    MEMORY.get().1 - before
}

/// Values of all types, with their type in front.
fn seeds() -> Vec<Vec<u8>> {
    let mut dice = Dice::new(5);
    let texts: Vec<Vec<u8>> = (0..40).map(|_| dice.text(60)).collect();
    let words = || texts.iter().map(Vec::as_slice);
    let write = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::default();
        write(&mut writer);
        writer.finish()
    };
    let id = |seq| Id { ms: 7, seq };
    let stream = write(&|writer| {
        let mut stream = StreamWriter::new(NodeLimits { bytes: 500, entries: 10 });
        for (seq, text) in (1..).zip(&texts) {
            stream.entry(
                id(seq),
                &[(&b"field"[..], &text[..]), (text, b"value")][..1 + seq as usize % 2],
            );
        }
        let state =
            StreamState { len: 40, last: id(50), first: id(1), added: 44, ..Default::default() };
        let pending = vec![Pending { id: id(3), delivered_ms: 9, deliveries: 2 }];
        let consumer = Consumer { name: b"bob".to_vec(), seen_ms: 1, active_ms: None };
        let group = Group { name: b"group".to_vec(), last: id(4), read: Some(4) };
        let group = GroupContents { group, pending, consumers: vec![(consumer, vec![id(3)])] };
        stream.finish(writer, &state, [group].into_iter());
    });
    let pairs = || words().zip(words().rev());
    vec![
        write(&|writer| writer.string(b"12345")),
        write(&|writer| writer.string(&[b'a'; 500])),
        write(&|writer| writer.list(words(), NodeSize::Bytes(300))),
        write(&|writer| writer.set(40, words())),
        write(&|writer| writer.intset(&[-5, 7, 70_000])),
        write(&|writer| writer.hash(40, pairs())),
        write(&|writer| writer.small_hash(pairs())),
        write(&|writer| writer.expiring_hash(2, 5, [(&b"a"[..], &b"b"[..], 7), (b"c", b"d", 0)])),
        write(&|writer| {
            writer.small_expiring_hash(5, [(&b"a"[..], &b"b"[..], 7), (b"c", b"d", 0)])
        }),
        write(&|writer| writer.sorted_set(40, words().map(|word| (word, 1.5)))),
        write(&|writer| writer.small_sorted_set(words().map(|word| (word, "1.5")))),
        stream,
    ]
}

/// A file of all of them.
fn file() -> Vec<u8> {
    let mut file = b"REDIS0012\xfe\x02\xfb\x09\x00".to_vec();
    for (at, value) in seeds().iter().enumerate() {
        file.extend([252, 9, 9, 9, 9, 9, 9, 9, 0, value[0], 1, at as u8]);
        file.extend(&value[1..]);
    }
    file.push(255);
    file.extend([0; 8]);
    file
}

fn read_file(bytes: &[u8]) -> usize {
    let (mut keys, mut rest) = (0, Reader::new(bytes).ok());
    while let Some(reader) = &mut rest {
        match reader.next_item() {
            Ok(Some(Item::Key(_))) if reader.value(&mut Discard, 1000).is_ok() => keys += 1,
            Ok(Some(Item::Key(_))) | Ok(None) | Err(_) => rest = None,
            Ok(Some(_)) => {}
        }
    }
    keys
}

/// Room for a string before any of its bytes have come, and for what is small.
const BASE: usize = 300_000;

/// Bytes that a compressed byte may become, and what is kept of each of these.
const FACTOR: usize = 88 * 24;

fn change(bytes: &mut Vec<u8>, changes: &[(usize, u8, u8)]) {
    for (at, byte, how) in changes {
        let at = at % bytes.len();
        match how % 4 {
            0 => bytes.truncate(at.max(1)),
            1 => bytes.insert(at, *byte),
            2 => bytes[at] = 0xff >> (byte % 8),
            _ => bytes[at] = *byte,
        }
    }
}

#[test]
fn the_seeds_are_intact() {
    for seed in seeds() {
        payload::read(&seed, &mut Discard).expect("intact");
    }
    assert_eq!(read_file(&file()), seeds().len());
}

#[test]
fn lengths_that_are_lies_cost_little() {
    let huge = [&[0x81][..], &(1u64 << 62).to_be_bytes()].concat();
    let large = [0x80, 0x1f, 0xff, 0xff, 0xff];
    for value_type in 0..=26 {
        for head in [&huge[..], &large, &[0xc3, 0x05, 0x80, 0x1f, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5]]
        {
            for lead in [&[][..], &[1], &[2], &[1, 2], &[0; 8]] {
                let value = [&[value_type], lead, head].concat();
                let used = peak(|| drop(payload::read(&value, &mut Discard)));
                assert!(used < BASE, "{used} bytes for {value:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn changed_payloads(
        seed in 0usize..12,
        changes in prop::collection::vec(any::<(usize, u8, u8)>(), 1..5),
    ) {
        let mut value = seeds().swap_remove(seed);
        change(&mut value, &changes);
        let used = peak(|| drop(payload::read(&value, &mut Discard)));
        prop_assert!(used <= BASE + FACTOR * value.len(), "{used} bytes of {}", value.len());
    }

    #[test]
    fn changed_files(changes in prop::collection::vec(any::<(usize, u8, u8)>(), 1..5)) {
        let mut bytes = file();
        change(&mut bytes, &changes);
        let used = peak(|| assert!(read_file(&bytes) <= bytes.len()));
        prop_assert!(used <= BASE + FACTOR * bytes.len(), "{used} bytes of {}", bytes.len());
    }

    #[test]
    fn any_bytes(value: Vec<u8>) {
        let used = peak(|| drop(payload::read(&value, &mut Discard)));
        prop_assert!(used <= BASE + FACTOR * value.len());
        prop_assert!(payload::verify(&value).is_none());
    }
}
