//! Work is linear in the bytes received: counted, not timed.

use crate::{Decoder, Encoder, Limits, Protocol, Step, work};

fn command<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out = Encoder::new(Protocol::Resp2);
    out.array(args.len());
    for arg in args {
        out.bulk(arg.as_ref());
    }
    out.into_inner()
}

/// Feeds `stream`, which holds one command, in pieces and returns its number of arguments and the
/// bytes of work done.
fn decode_in_pieces(stream: &[u8], piece: usize) -> (usize, u64) {
    let mut decoder = Decoder::new();
    let mut args = 0;
    work::take();
    for bytes in stream.chunks(piece) {
        let mut feed = decoder.feed(bytes, &Limits::authenticated());
        loop {
            match feed.next() {
                Step::Command => args = feed.args().len(),
                Step::Incomplete { .. } => break,
                Step::Error(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(decoder.buffered(), 0);
    assert!(decoder.allocated() <= 3 * 64 * 1024, "keeps {} bytes", decoder.allocated());
    (args, work::take())
}

#[test]
fn a_large_bulk_string_in_small_pieces_is_linear() {
    let stream = command(&[b"SET".as_slice(), b"key", &vec![b'x'; 8 << 20]]);
    let (args, work) = decode_in_pieces(&stream, 1024);
    assert_eq!(args, 3);
    assert!(work < 2 * stream.len() as u64, "{work} bytes of work for {}", stream.len());
}

#[test]
fn a_command_of_many_arguments_in_small_pieces_is_linear() {
    let args: Vec<String> = (0..100_000).map(|number| format!("argument:{number}")).collect();
    let stream = command(&args);
    for piece in [1, 7, 100, 1500, 65536] {
        let (count, work) = decode_in_pieces(&stream, piece);
        assert_eq!(count, args.len());
        let pieces = stream.len() / piece;
        let bound = 3 * stream.len() + 4 * pieces;
        assert!(work < bound as u64, "{work} bytes of work for {} by {piece}", stream.len());
    }
}

#[test]
fn an_inline_command_byte_by_byte_is_linear() {
    let mut stream = b"PING ".to_vec();
    stream.resize(60_000, b'x');
    stream.push(b'\n');
    let (args, work) = decode_in_pieces(&stream, 1);
    assert_eq!(args, 2);
    assert!(work < 5 * stream.len() as u64, "{work} bytes of work for {}", stream.len());
}

#[test]
fn an_endless_length_line_byte_by_byte_is_linear() {
    for start in ["*", "*1\r\n$"] {
        let mut stream = start.as_bytes().to_vec();
        stream.resize(60_000, b'1');
        let mut decoder = Decoder::new();
        work::take();
        for byte in stream.chunks(1) {
            let step = decoder.feed(byte, &Limits::authenticated()).next();
            assert!(matches!(step, Step::Incomplete { .. }));
        }
        let work = work::take();
        assert!(work < 5 * stream.len() as u64, "{work} bytes of work for {}", stream.len());
    }
}

#[test]
fn stopping_after_each_command_is_linear() {
    let stream = command(&["PING"]).repeat(20_000);
    let limits = Limits::authenticated();
    let mut decoder = Decoder::new();
    work::take();
    drop(decoder.feed(&stream, &limits));
    for _ in 0..20_000 {
        assert_eq!(decoder.feed(&[], &limits).next(), Step::Command);
    }
    assert_eq!(decoder.buffered(), 0);
    let work = work::take();
    assert!(work < 3 * stream.len() as u64, "{work} bytes of work for {}", stream.len());
}
