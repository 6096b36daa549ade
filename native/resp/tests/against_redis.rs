//! The decoder beside a real redis-server: the same streams give the same commands and the same
//! protocol errors. Without `redis-server` on the path only the table itself is checked.

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Decoded, decode};
use ferric_resp::{Encoder, Limits, Protocol, Value};
use proptest::prelude::*;

/// A redis-server of our own on a Unix socket; it ends with this value.
struct Redis {
    child: Child,
    folder: PathBuf,
}

impl Redis {
    /// Starts the server, with a password if one is given. `None` if it is not installed.
    fn start(name: &str, password: Option<&str>) -> Option<Self> {
        let folder =
            std::env::temp_dir().join(format!("ferric-resp-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the socket");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--unixsocket", "redis.sock"])
            .args(["--requirepass", password.unwrap_or("")])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            eprintln!("redis-server is not installed: nothing to compare with");
            let _ = std::fs::remove_dir_all(&folder);
            return None;
        };
        let server = Self { child, folder };
        for _ in 0..200 {
            if UnixStream::connect(server.socket()).is_ok() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("redis-server does not answer");
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    /// Sends a stream on a connection of its own, closes the sending side and returns all replies.
    fn replies(&self, stream: &[u8]) -> Vec<Value> {
        let mut socket = UnixStream::connect(self.socket()).expect("redis-server listens");
        // The server may close before it has read everything; its replies can be read all the same.
        let _ = socket.write_all(stream).and_then(|()| socket.shutdown(Shutdown::Write));
        let mut bytes = Vec::new();
        let _ = socket.read_to_end(&mut bytes);
        let mut replies = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (value, used) = Value::parse(rest).expect("RESP").expect("whole replies");
            replies.push(value);
            rest = &rest[used..];
        }
        replies
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The reply to a protocol error, as a client sees it.
fn error_reply(error: ferric_resp::ProtocolError) -> Value {
    let mut out = Encoder::new(Protocol::Resp2);
    assert!(error.write_reply(&mut out), "{error:?} has a reply");
    Value::parse(out.as_slice()).expect("RESP").expect("whole").0
}

/// Checks replies against what the decoder found: one for each command, the right one where the
/// command is an `ECHO`, then the protocol error.
fn compare(stream: &[u8], (commands, error): &Decoded, mut replies: Vec<Value>) {
    let shown = stream[..stream.len().min(200)].escape_ascii();
    if let Some(error) = error {
        assert_eq!(replies.pop(), Some(error_reply(*error)), "error of {shown}");
    }
    assert_eq!(replies.len(), commands.len(), "replies to {shown}: {replies:?}, {commands:?}");
    for (command, reply) in commands.iter().zip(replies) {
        if let [name, text] = command.as_slice()
            && name.eq_ignore_ascii_case(b"ECHO")
        {
            assert_eq!(reply, Value::Bulk(text.clone()), "{shown}");
        }
    }
}

const NONE: &str = "";
const MULTIBULK: &str = "invalid multibulk length";
const BULK: &str = "invalid bulk length";
const QUOTES: &str = "unbalanced quotes in request";
const LONG_MULTIBULK: &str = "too big mbulk count string";
const LONG_BULK: &str = "too big bulk count string";
const LONG_INLINE: &str = "too big inline request";

/// A stream, the number of commands in it and the protocol error after them.
type Case = (Vec<u8>, usize, &'static str);

fn case(stream: impl AsRef<[u8]>, commands: usize, error: &'static str) -> Case {
    (stream.as_ref().to_vec(), commands, error)
}

/// Lengths of arrays and bulk strings.
fn multibulk_cases() -> Vec<Case> {
    let echo = "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n";
    let mut cases = vec![
        case(echo, 1, NONE),
        case(format!("*0\r\n*-1\r\n*-7\r\n*-9223372036854775808\r\n{echo}"), 1, NONE),
        case("*-9223372036854775809\r\n", 0, MULTIBULK),
        case("*1048577\r\n", 0, NONE),
        case("*2147483647\r\n", 0, NONE),
        case("*2147483648\r\n", 0, MULTIBULK),
        case("*2\rX$4\rXECHOXX$2\r\0hi\n\n*", 1, NONE),
        case("*2\n$4\r\nECHO\r\n", 0, MULTIBULK),
        case("*2", 0, NONE),
        case("*x\r", 0, NONE),
        case("*1\0\r\n$4\r\nPING\r\n", 0, NONE),
        case("*1\r\n$4\0\r\nPING\r\n", 0, NONE),
        case("*1\r\n+4\r", 0, NONE),
        case("*1\r\n+4\r\n", 0, "expected '$', got '+'"),
        case("*1\r\n\r\n", 0, "expected '$', got ' '"),
        case("*1\r\n\n\r\n", 0, "expected '$', got ' '"),
        case("*1\r\n\x01\r\n", 0, "expected '$', got '\x01'"),
        case(b"*1\r\n\xff\r\n", 0, "expected '$', got '\u{ff}'"),
        case("*1\r\n$536870912\r\n", 0, NONE),
        case("*1\r\n$536870913\r\n", 0, BULK),
        case("*1\r\n$-1\r\n", 0, BULK),
        case("*1\r\n$99999999999999999999\r\n", 0, BULK),
        case("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", 1, NONE),
        case(format!("{echo}{echo}*3\r\n$4\r\nECHO\r\n$x\r\n"), 2, BULK),
    ];
    for wrong in ["", "+1", "-0", "01", "00", " 1", "1 ", "a", "1a", "-", "--1", "1.0"] {
        cases.push(case(format!("*{wrong}\r\n"), 0, MULTIBULK));
        cases.push(case(format!("*1\r\n${wrong}\r\n"), 0, BULK));
    }
    cases
}

/// Lines at the limit of 64 KiB. A line end is sent only where Redis has it at hand in time.
fn long_line_cases() -> Vec<Case> {
    let x = |count: usize| "x".repeat(count);
    vec![
        case(format!("*{}", x(65535)), 0, NONE),
        case(format!("*{}\r\n", x(65535)), 0, MULTIBULK),
        case(format!("*{}", x(65536)), 0, LONG_MULTIBULK),
        case(format!("*\0{}", x(65534)), 0, NONE),
        case(format!("*\0{}", x(65535)), 0, LONG_MULTIBULK),
        case(format!("*1\r\n{}", x(65536)), 0, NONE),
        case(format!("*1\r\n{}", x(65537)), 0, LONG_BULK),
        case(x(65536), 0, NONE),
        case(format!("{}\n", x(65536)), 1, NONE),
        case(x(65537), 0, LONG_INLINE),
        case("\0".repeat(65536), 0, NONE),
        case("\0".repeat(65537), 0, LONG_INLINE),
    ]
}

/// Words of inline commands.
fn inline_cases() -> Vec<Case> {
    let mut cases = vec![
        case("\r\n\n\r\r\n \t\x0b\x0c\n*0\r\nECHO a\n", 1, NONE),
        case("ECHO a\0b\r\nECHO c\r\n", 0, NONE),
        case("$4\r\n", 1, NONE),
        case(" *1\r\n", 1, NONE),
        case("ECHO \"a", 0, NONE),
        case(b"ECHO \xa0\xff\n", 1, NONE),
        case(b"ECHO \"a\"\x85\n", 0, QUOTES),
    ];
    for word in [
        "a",
        "a\r",
        "a\r\r",
        " a  ",
        "\ta\t",
        "\x0ba",
        "\x0c\"a\"\x0b",
        "a\x0bb",
        "\"\"",
        "''",
        "\"a b\"",
        "'a b'",
        "\"\\x41\\n\\r\\t\\b\\a\\q\\\\\\\"\"",
        "\"\\x4\"",
        "\"\\xzz\"",
        "\"\\x00\\xfF\"",
        "\\x41",
        "'\\'\\n\\x41'",
        "'a\"b'",
        "\"a'b\"",
        "a\"b c\"",
        "a'b c'",
        "\"a\"\r",
        "\"a\\x4g\"",
        "''\t",
        "a\\b",
    ] {
        cases.push(case(format!("ECHO {word}\n"), 1, NONE));
        cases.push(case(format!("ECHO {word}\r\n"), 1, NONE));
    }
    for word in [
        "\"a",
        "'a",
        "\"a\\",
        "\"a\\\"",
        "'a\\'",
        "\"a\"b",
        "'a'b",
        "a\"b\"'c'",
        "\"a\r",
        "it's",
        "a\\\"b",
        "\"",
        "'",
        "\"\\x4",
        "x \"",
        "\"a\" \"b",
    ] {
        cases.push(case(format!("ECHO {word}\n"), 0, QUOTES));
    }
    cases
}

fn unauthenticated_cases() -> Vec<Case> {
    vec![
        case("*10\r\n", 0, NONE),
        case("*11\r\n", 0, "unauthenticated multibulk length"),
        case("*2147483648\r\n", 0, MULTIBULK),
        case("*1\r\n$16384\r\n", 0, NONE),
        case("*1\r\n$16385\r\n", 0, "unauthenticated bulk length"),
        case("*1\r\n$536870913\r\n", 0, BULK),
        case("*1\r\n+\r\n", 0, "expected '$', got '+'"),
        case("x".repeat(65537), 0, LONG_INLINE),
        case(format!("PING{}\n", " x".repeat(5000)), 1, NONE),
    ]
}

/// Checks the table against the decoder, and the decoder against the server.
fn check(cases: Vec<Case>, limits: &Limits, server: Option<&Redis>) {
    for (stream, commands, text) in cases {
        let decoded = decode(&stream, limits);
        let shown = stream[..stream.len().min(100)].escape_ascii();
        assert_eq!(decoded.0.len(), commands, "commands in {shown}");
        let error = decoded.1.map(|error| error.to_string());
        let expected = (!text.is_empty()).then(|| format!("Protocol error: {text}"));
        assert_eq!(error, expected, "error of {shown}");
        if let Some(server) = server {
            compare(&stream, &decoded, server.replies(&stream));
        }
    }
}

#[test]
fn protocol_errors_are_those_of_redis() {
    let server = Redis::start("errors", None);
    let limits = Limits::authenticated();
    for cases in [multibulk_cases(), long_line_cases(), inline_cases()] {
        check(cases, &limits, server.as_ref());
    }
}

#[test]
fn unauthenticated_limits_are_those_of_redis() {
    // A command's reply is then an error, so no case of these is an ECHO.
    let server = Redis::start("password", Some("secret"));
    check(unauthenticated_cases(), &Limits::unauthenticated(), server.as_ref());
}

#[test]
fn random_streams_decode_as_in_redis() {
    let Some(server) = Redis::start("random", None) else { return };
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&common::nearly_protocol(), |stream| {
        let decoded = decode(&stream, &Limits::authenticated());
        compare(&stream, &decoded, server.replies(&stream));
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
