//! The request decoder: no panic, memory in proportion to the input, and the same commands and the
//! same error however the input is cut.

#![no_main]

use ferric_resp::{Decoder, Limits, ProtocolError, Step};
use libfuzzer_sys::fuzz_target;

type Decoded = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// Decodes `stream` in pieces. With `hesitant`, every command is put back once and the caller stops
/// after each.
fn decode(stream: &[u8], piece: usize, limits: &Limits, hesitant: bool) -> Decoded {
    let mut decoder = Decoder::new();
    let mut commands = Vec::new();
    for mut bytes in stream.chunks(piece) {
        let mut again = true;
        while again {
            let mut feed = decoder.feed(std::mem::take(&mut bytes), limits);
            again = false;
            loop {
                match feed.next() {
                    Step::Incomplete { .. } => break,
                    Step::Error(error) => return (commands, Some(error)),
                    Step::Command => {}
                }
                if hesitant {
                    feed.unread();
                    assert_eq!(feed.next(), Step::Command);
                }
                commands.push(feed.args().iter().map(<[u8]>::to_vec).collect());
                if hesitant {
                    again = true;
                    break;
                }
            }
        }
        assert!(decoder.allocated() <= 1024 + 6 * stream.len());
    }
    (commands, None)
}

fuzz_target!(|data: &[u8]| {
    let [piece, kind, stream @ ..] = data else { return };
    let limits = match kind % 3 {
        0 => Limits::authenticated(),
        1 => Limits::unauthenticated(),
        _ => Limits {
            max_bulk: 50,
            max_args: 5,
            max_inline: 20,
            max_query: 100,
            ..Limits::default()
        },
    };
    let whole = decode(stream, stream.len().max(1), &limits, false);
    let piece = usize::from(*piece).max(1);
    assert_eq!(decode(stream, piece, &limits, false), whole);
    assert_eq!(decode(stream, piece, &limits, true), whole);
});
