//! What the tests share.

#![allow(dead_code)] // Each test binary uses a part of it.

use ferric_resp::{Decoder, Encoder, Feed, Limits, Protocol, ProtocolError, Step};
use proptest::prelude::*;

/// A command: its arguments.
pub type Command = Vec<Vec<u8>>;

/// What a stream decodes to: the commands, and the error that ends it, if any.
pub type Decoded = (Vec<Command>, Option<ProtocolError>);

/// The bytes a client sends for `command`.
pub fn encode(command: &Command) -> Vec<u8> {
    let mut out = Encoder::new(Protocol::Resp2);
    out.array(command.len());
    for arg in command {
        out.bulk(arg);
    }
    out.into_inner()
}

/// Copies the arguments of the last command.
pub fn owned(feed: &Feed<'_, '_>) -> Command {
    feed.args().iter().map(<[u8]>::to_vec).collect()
}

/// Decodes a stream that arrives in `pieces`.
pub fn decode_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>, limits: &Limits) -> Decoded {
    let mut decoder = Decoder::new();
    let mut commands = Vec::new();
    for piece in pieces {
        let mut feed = decoder.feed(piece, limits);
        loop {
            match feed.next() {
                Step::Command => commands.push(owned(&feed)),
                Step::Incomplete { need } => {
                    assert!(need > 0);
                    break;
                }
                Step::Error(error) => {
                    assert_eq!(feed.next(), Step::Error(error));
                    return (commands, Some(error));
                }
            }
        }
    }
    (commands, None)
}

/// Decodes a stream that arrives at once.
pub fn decode(stream: &[u8], limits: &Limits) -> Decoded {
    decode_pieces(std::iter::once(stream), limits)
}

/// Cuts `stream` at the given positions, which wrap around its length.
pub fn cut<'a>(stream: &'a [u8], positions: &[usize]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> =
        positions.iter().map(|position| position % (stream.len() + 1)).collect();
    at.extend([0, stream.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// Commands of up to a few arguments, some of them long enough for longer length lines.
pub fn commands() -> impl Strategy<Value = Vec<Command>> {
    let arg = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..24),
        1 => prop::collection::vec(any::<u8>(), 90..130),
    ];
    prop::collection::vec(prop::collection::vec(arg, 1..14), 0..6)
}

/// Streams made of the protocol's own fragments, so that much of it is nearly right.
pub fn nearly_protocol() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![
        8 => prop::sample::select(vec![
            "*1\r\n", "*2\r\n", "*0\r\n", "*-1\r\n", "*12\r\n", "$4\r\n", "$1\r\n", "$0\r\n", "$10\r\n",
            "$-1\r\n", "*", "$", "PING", "ECHO", "ECHO ", "\r\n", "\r\n", "\n", "\r", "\0", "\"", "'",
            "\\", "\\x41", " ", "\t", "\x0b", "a", "7", "0", "-", "*1\r\n$4\r\nPING\r\n",
            "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n", "ECHO \"a\\tb\"\r\n", "ECHO 'a b'\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(fragment, 0..24).prop_map(|fragments| fragments.concat())
}
