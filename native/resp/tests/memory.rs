//! Memory is reserved for bytes that have arrived, never for lengths that are announced. Measured
//! with an allocator that counts what this thread holds.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ferric_resp::{Decoder, Limits, Step, Value};
use proptest::prelude::*;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(change: isize) {
    // Fails only while the thread ends, when nothing is measured any more.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call is passed on to the system's allocator unchanged, and the counting neither
// allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the most memory that `run` held at a time, in bytes.
fn peak(run: impl FnOnce()) -> usize {
    let before = HELD.get();
    PEAK.set(before);
    run();
    (PEAK.get() - before) as usize
}

/// Decodes in reads of 100 bytes, never freeing what is left over.
fn decoder_peak(stream: &[u8]) -> usize {
    peak(|| {
        let mut decoder = Decoder::new();
        for piece in stream.chunks(100) {
            let mut feed = decoder.feed(piece, &Limits::authenticated());
            while feed.next() == Step::Command {}
        }
        assert!(decoder.buffered() <= stream.len());
    })
}

fn value_peak(stream: &[u8]) -> usize {
    peak(|| drop(Value::parse(stream)))
}

/// What a decoder may hold for a stream of this length: twice its bytes for a growing buffer, and
/// 8 bytes in at most twice as many slots for each argument of 6 bytes.
fn decoder_bound(len: usize) -> usize {
    1024 + 6 * len
}

/// What a reply may hold: for each value of 3 bytes at most two slots, twice while a vector
/// grows, and the room reserved ahead of the open aggregates.
fn value_bound(len: usize) -> usize {
    let slot = std::mem::size_of::<Value>();
    4 * slot * len.max(8)
}

proptest! {
    #[test]
    fn the_decoder_holds_what_arrived(stream in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(decoder_peak(&stream) <= decoder_bound(stream.len()));
    }

    #[test]
    fn the_decoder_holds_what_arrived_of_protocol(stream in common::nearly_protocol()) {
        prop_assert!(decoder_peak(&stream) <= decoder_bound(stream.len()));
    }

    #[test]
    fn replies_hold_what_arrived(stream in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(value_peak(&stream) <= value_bound(stream.len()));
    }

    #[test]
    fn replies_hold_what_arrived_of_protocol(
        fragments in prop::collection::vec(prop::sample::select(vec![
            "*1\r\n", "*1000000\r\n", "%7\r\n", "~9\r\n", ">2\r\n", "|1\r\n", "$3\r\nabc\r\n", "_\r\n",
            "$999999\r\n", "=5\r\ntxt:a\r\n", ":5\r\n", ",1.5\r\n", "#t\r\n", "+\r\n", "-E\r\n", "(1\r\n",
        ]), 0..300),
    ) {
        let stream = fragments.concat().into_bytes();
        prop_assert!(value_peak(&stream) <= value_bound(stream.len()));
    }
}

#[test]
fn announced_lengths_reserve_nothing() {
    assert!(decoder_peak(b"*2147483647\r\n$536870912\r\nabc") < 1024);
    assert!(
        value_peak(b"*9223372036854775807\r\n%9223372036854775807\r\n$536870912\r\nabc") < 4096
    );
}

#[test]
fn many_small_arguments_stay_in_bound() {
    let mut stream = b"*100000\r\n".to_vec();
    stream.extend(b"$0\r\n\r\n".repeat(100_000));
    assert!(decoder_peak(&stream) <= decoder_bound(stream.len()));
    let mut reply = b"*100000\r\n".to_vec();
    reply.extend(b"_\r\n".repeat(100_000));
    assert!(value_peak(&reply) <= value_bound(reply.len()));
}

#[test]
fn a_large_command_leaves_no_large_buffers() {
    let mut decoder = Decoder::new();
    for command in [
        common::encode(&vec![b"SET".to_vec(), b"k".to_vec(), vec![b'x'; 3_000_000]]),
        common::encode(&vec![b"k".to_vec(); 200_000]),
    ] {
        for piece in command.chunks(50_000) {
            let mut feed = decoder.feed(piece, &Limits::authenticated());
            while feed.next() == Step::Command {}
        }
        assert_eq!(decoder.buffered(), 0);
        assert!(decoder.allocated() <= 3 * 64 * 1024, "keeps {} bytes", decoder.allocated());
    }
}
