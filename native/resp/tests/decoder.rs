//! Properties of the decoder that hold however its input is cut and its caller behaves.

mod common;

use common::{Command, cut, decode, decode_pieces, encode, owned};
use ferric_resp::{Decoder, Limits, Step};
use proptest::prelude::*;

const LIMITS: Limits = Limits::authenticated();

/// What a caller may do after a step.
#[derive(Debug, Clone, Copy)]
enum Act {
    GoOn,
    Stop,
    Unread,
    UnreadAndStop,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop::sample::select(vec![Act::GoOn, Act::Stop, Act::Unread, Act::UnreadAndStop]);
    prop::collection::vec(act, 1..40)
}

/// Decodes `pieces` for a caller that stops and puts commands back as `acts` says, over and over.
/// A command counts when it is not put back; none is put back twice in a row, so decoding ends.
fn decode_with_acts(pieces: &[&[u8]], acts: &[Act]) -> Vec<Command> {
    let mut decoder = Decoder::new();
    let mut commands = Vec::new();
    let mut acts = acts.iter().cycle();
    let mut put_back = None;
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let mut feed = decoder.feed(std::mem::take(&mut rest), &LIMITS);
            let more = loop {
                match feed.next() {
                    Step::Incomplete { .. } => break false,
                    Step::Error(error) => panic!("{error}"),
                    Step::Command => {}
                }
                let command = owned(&feed);
                if let Some(expected) = put_back.take() {
                    assert_eq!(command, expected);
                    commands.push(command);
                    continue;
                }
                match acts.next().expect("a cycle of at least one") {
                    Act::GoOn => commands.push(command),
                    Act::Stop => {
                        commands.push(command);
                        break true;
                    }
                    Act::Unread => {
                        feed.unread();
                        feed.unread();
                        assert!(feed.args().is_empty());
                        put_back = Some(command);
                    }
                    Act::UnreadAndStop => {
                        feed.unread();
                        put_back = Some(command);
                        break true;
                    }
                }
            };
            if !more {
                break;
            }
        }
    }
    assert_eq!(decoder.buffered(), 0);
    commands
}

proptest! {
    #[test]
    fn commands_survive_a_split_at_every_byte(commands in common::commands()) {
        let stream: Vec<u8> = commands.iter().flat_map(encode).collect();
        for at in 0..=stream.len() {
            let (first, second) = stream.split_at(at);
            let decoded = decode_pieces([first, second].into_iter(), &LIMITS);
            prop_assert_eq!(&decoded.0, &commands);
            prop_assert_eq!(decoded.1, None);
        }
    }

    #[test]
    fn commands_survive_many_splits(
        commands in common::commands(),
        positions in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let stream: Vec<u8> = commands.iter().flat_map(encode).collect();
        let decoded = decode_pieces(cut(&stream, &positions).into_iter(), &LIMITS);
        prop_assert_eq!(decoded, (commands, None));
    }

    #[test]
    fn any_stream_decodes_the_same_in_pieces(
        stream in common::nearly_protocol(),
        positions in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        for limits in [LIMITS, Limits::unauthenticated(), Limits { max_query: 40, max_inline: 9, ..LIMITS }] {
            let whole = decode(&stream, &limits);
            prop_assert_eq!(&decode_pieces(cut(&stream, &positions).into_iter(), &limits), &whole);
            prop_assert_eq!(&decode_pieces(stream.chunks(1), &limits), &whole);
        }
    }

    #[test]
    fn the_caller_may_stop_and_put_back(
        commands in common::commands(),
        positions in prop::collection::vec(any::<usize>(), 0..10),
        acts in acts(),
    ) {
        let stream: Vec<u8> = commands.iter().flat_map(encode).collect();
        prop_assert_eq!(decode_with_acts(&cut(&stream, &positions), &acts), commands);
    }

    #[test]
    fn no_more_bytes_are_asked_for_than_the_command_has(commands in common::commands()) {
        for command in &commands {
            let stream = encode(command);
            let mut decoder = Decoder::new();
            let mut fed = 0;
            let mut piece = &stream[..0];
            loop {
                let step = decoder.feed(piece, &LIMITS).next();
                let Step::Incomplete { need } = step else { break };
                prop_assert!(fed + need <= stream.len(), "{need} bytes at {fed} of {}", stream.len());
                piece = &stream[fed..fed + need];
                fed += need;
            }
            prop_assert_eq!(fed, stream.len());
        }
    }
}

#[test]
fn limits_change_in_the_middle_of_a_read() {
    let mut decoder = Decoder::new();
    let mut feed = decoder.feed(b"AUTH pw\r\n*11\r\n", &Limits::unauthenticated());
    assert_eq!(feed.next(), Step::Command);
    feed.set_limits(&LIMITS);
    assert_eq!(feed.next(), Step::Incomplete { need: 66 });
}

#[test]
fn a_stopped_caller_keeps_what_is_left() {
    let mut decoder = Decoder::new();
    let mut feed = decoder.feed(b"PING\r\nECHO a\r\nECHO", &LIMITS);
    assert_eq!(feed.remaining(), 18);
    assert_eq!(feed.next(), Step::Command);
    assert_eq!(feed.remaining(), 12);
    drop(feed);
    assert_eq!(decoder.buffered(), 12);
    let mut feed = decoder.feed(b" b\r\nPING\r\n", &LIMITS);
    for expected in [vec!["ECHO", "a"], vec!["ECHO", "b"], vec!["PING"]] {
        assert_eq!(feed.next(), Step::Command);
        assert_eq!(
            owned(&feed),
            expected.iter().map(|arg| arg.as_bytes().to_vec()).collect::<Vec<_>>()
        );
    }
    drop(feed);
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn a_command_beyond_the_query_limit_fails_before_it_is_gathered() {
    let limits = Limits { max_query: 100, ..LIMITS };
    let fits = encode(&vec![b"SET".to_vec(), b"k".to_vec(), vec![b'x'; 73]]);
    assert_eq!(fits.len(), 100);
    assert_eq!(decode(&fits, &limits).0.len(), 1);
    let stream = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$74\r\n";
    let error = decode(stream, &limits).1.expect("one byte too long");
    assert_eq!(error, ferric_resp::ProtocolError::QueryTooLong);
    assert!(!error.write_reply(&mut ferric_resp::Encoder::default()));
}

#[test]
fn slices_are_lent_again_and_again() {
    let mut slices = ferric_resp::ArgSlices::new();
    let mut decoder = Decoder::new();
    let mut feed = decoder.feed(b"SET a b\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n", &LIMITS);
    assert_eq!(feed.next(), Step::Command);
    assert_eq!(slices.with(feed.args(), |args| args.concat()), b"SETab");
    assert_eq!(feed.next(), Step::Command);
    let first = slices.with(feed.args(), |args| args.as_ptr() as usize);
    let second = slices.with(feed.args(), |args| {
        assert_eq!(args, [b"GET".as_slice(), b"a"]);
        args.as_ptr() as usize
    });
    assert_eq!(first, second, "the array is reused");
}

#[test]
fn discarded_input_is_not_kept() {
    let input = b"PING\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$100000\r\nxxxxxxxx";
    for commands in 0..=2 {
        let mut decoder = Decoder::new();
        let mut feed = decoder.feed(input, &LIMITS);
        for _ in 0..commands {
            assert!(matches!(feed.next(), Step::Command));
        }
        feed.discard();
        assert_eq!(decoder.buffered(), 0, "after {commands} commands");
    }
}
