//! Prints the time to decode one command of a pipeline of `SET`s, in reads of 16 KiB:
//! `cargo run --release -p ferric-resp --example decode_bench`.

use std::hint::black_box;
use std::time::Instant;

use ferric_resp::{ArgSlices, Decoder, Encoder, Limits, Protocol, Step};

const COMMANDS: usize = 4096;
const ROUNDS: usize = 500;
const READ: usize = 16 * 1024;

fn pipeline() -> Vec<u8> {
    let mut out = Encoder::new(Protocol::Resp2);
    for number in 0..COMMANDS {
        out.array(3);
        out.bulk(b"SET");
        out.bulk(format!("key:{number:012}").as_bytes());
        out.bulk(b"xxx");
    }
    out.into_inner()
}

/// Decodes the pipeline `ROUNDS` times and returns nanoseconds per command.
fn measure(stream: &[u8], mut each: impl FnMut(ferric_resp::Args<'_>)) -> f64 {
    let limits = Limits::authenticated();
    let mut decoder = Decoder::new();
    let mut commands = 0usize;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for bytes in stream.chunks(READ) {
            let mut feed = decoder.feed(black_box(bytes), &limits);
            while feed.next() == Step::Command {
                each(feed.args());
                commands += 1;
            }
        }
    }
    assert_eq!(commands, COMMANDS * ROUNDS);
    start.elapsed().as_nanos() as f64 / commands as f64
}

fn main() {
    let stream = pipeline();
    let mut slices = ArgSlices::new();
    for _ in 0..3 {
        let view = measure(&stream, |args| {
            black_box((args.get(0), args.get(1), args.get(2)));
        });
        let array = measure(&stream, |args| {
            slices.with(args, |args| {
                black_box(args);
            });
        });
        println!("{view:.1} ns/command (Args), {array:.1} ns/command (ArgSlices)");
    }
}
