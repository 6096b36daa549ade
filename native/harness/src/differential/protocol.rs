//! Requests below the level of commands: malformed, enormous, cut in odd places.
//!
//! A case is a stream of bytes on a fresh connection. Compared are all bytes that come back, and
//! whether the connection is closed.

use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use ferric_resp::Value;

use super::Pair;
use super::pair::PairError;
use crate::client::{Client, ClientError, encode};
use crate::rng::Rng;
use crate::text::{quote, quote_difference};

/// Silence after which Redis has probably said everything.
const QUIET: Duration = Duration::from_millis(12);

/// Time for the other server to say the same, and for both when they seem to differ.
const PATIENCE: Duration = Duration::from_secs(2);

/// Time for bytes too many.
const SURPLUS: Duration = Duration::from_millis(2);

/// A stream whose results differ.
#[derive(Debug)]
pub struct Difference {
    /// What was sent, and how.
    pub sent: String,
    /// What we did.
    pub ours: String,
    /// What Redis did.
    pub theirs: String,
}

/// One stream of bytes.
#[derive(Debug, Clone)]
pub struct Case {
    /// Whether clients need a password.
    pub password: bool,
    /// The packets.
    pub packets: Vec<Vec<u8>>,
}

/// Hand-written streams, each where an implementation can go wrong. A number in braces is
/// expanded: `{70000*a}` is 70,000 times the letter.
const STREAMS: &[&str] = &[
    "\r\n",
    "\n",
    "\r\n\r\nPING\r\n",
    "PING\n",
    "ping\r\n",
    "   PING   \r\n",
    "PING\r",
    "PING \t x\r\n",
    "SET a \"b c\"\r\nGET a\r\n",
    "SET a 'it\\'s'\r\nGET a\r\n",
    "SET a \"\\x41\\n\\\"\"\r\nGET a\r\n",
    "SET a \"open\r\n",
    "SET a 'open\r\n",
    "SET a \"b\"c\r\nPING\r\n",
    "SET a 'b'c\r\n",
    "ECHO \"\"\r\n",
    "ECHO ''\r\n",
    "ECHO \"\\xzz\\q\"\r\n",
    "ECHO a\0b\r\n",
    "\0\r\n",
    "GET\r\n",
    "nosuch command\r\n",
    "ECHO \"a\\\r\n",
    "ECHO a\"b\"\r\n",
    "ECHO \"a\" \"b\"\r\n",
    "\"PING\"\r\n",
    "\"\"\r\n",
    "'' x\r\n",
    "ECHO '\\n'\r\n",
    "ECHO \"\\r\\t\\b\\a\\\\\"\r\n",
    "ECHO \u{e9}\r\n",
    "*0\r\nPING\r\n",
    "*-1\r\nPING\r\n",
    "*-10\r\nPING\r\n",
    "*\r\n",
    "*a\r\n",
    "*1a\r\n",
    "* 1\r\n",
    "*+1\r\n",
    "*01\r\n",
    "*1 \r\n",
    "*--1\r\n",
    "*1.0\r\n",
    "*9223372036854775807\r\n",
    "*9223372036854775808\r\n",
    "*2147483647\r\n",
    "*2147483648\r\n",
    "*1048576\r\n",
    "*1048577\r\n",
    "*3000000000\r\n",
    "*1\r\n$4\r\nPING\r\n",
    "*1\r\n$4\r\nPINGxx",
    "*1\r\n$4\r\nPING\n\n*1\r\n$4\r\nPING\r\n",
    "*1\r\n:4\r\nPING\r\n",
    "*1\r\nPING\r\n",
    "*1\r\n+PING\r\n",
    "*1\r\n\r\n",
    "*1\r\n$\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$-2\r\n",
    "*1\r\n$a\r\n",
    "*1\r\n$4a\r\n",
    "*1\r\n$ 4\r\nPING\r\n",
    "*1\r\n$+4\r\nPING\r\n",
    "*1\r\n$04\r\nPING\r\n",
    "*1\r\n$0\r\n\r\n",
    "*2\r\n$0\r\n\r\n$1\r\na\r\n",
    "*1\r\n$536870912\r\n",
    "*1\r\n$536870913\r\n",
    "*1\r\n$9999999999\r\n",
    "*1\r\n$9223372036854775808\r\n",
    "*1\r\n*1\r\n$4\r\nPING\r\n",
    "*1\n$4\nPING\n",
    "*1\r$4\rPING\r",
    "*1\r\n$4\r\nPING",
    "*1\r\n$4\r\n",
    "*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n",
    "*2\r\n$4\r\nECHO\r\n_\r\n",
    "%1\r\n$4\r\nPING\r\n$1\r\na\r\n",
    "~1\r\n$4\r\nPING\r\n",
    ">1\r\n$4\r\nPING\r\n",
    "$4\r\nPING\r\n",
    "+PING\r\n",
    ":1\r\n",
    "-ERR\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
    "Host: x\r\n",
    "post\r\nPING\r\n",
    "*1\r\n$4\r\nPOST\r\n",
    "*1\r\n$5\r\nhost:\r\nPING\r\n",
    "PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n*x\r\nPING\r\n",
    "QUIT\r\nPING\r\n",
    "*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n",
    "ECHO {60000*a}\r\n",
    "{65500*a}\r\n",
    "{65536*a}",
    "{65537*a}",
    "{70000*a}",
    "*{70000*1}",
    "*1\r\n${70000*1}",
    "*1\r\n{70000*a}",
    "*2\r\n$4\r\nECHO\r\n$70000\r\n{70000*a}\r\n",
    "{300*\r\n}PING\r\n",
    "{100*PING\r\n}",
    "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$-1\r\n",
    "*3\r\n$3\r\nSET\r\n$1\r\na\r\n",
    "*11\r\n",
    "*10\r\n",
    "*1\r\n$16384\r\n",
    "*1\r\n$16385\r\n",
    "AUTH sesame\r\n*11\r\n",
    "AUTH sesame\r\n*1\r\n$16385\r\n",
    "AUTH wrong\r\nPING\r\nAUTH default sesame\r\nPING\r\n",
    "PING\r\nQUIT\r\n",
    "RESET\r\nPING\r\n",
    "HELLO\r\n",
    "HELLO 4\r\n",
    "HELLO 3 SETNAME\r\n",
    "HELLO 3 AUTH default\r\n",
    "HELLO abc\r\n",
    "HELLO 3 AUTH default wrong\r\n",
    "COMMAND COUNT x\r\n",
    "nosuch {200*a} {200*b}\r\n",
    "{300*n} a\r\n",
    "*3\r\n$6\r\nnosuch\r\n$2\r\n\r\n\r\n$3\r\n\x01\0\x7f\r\n",
    "CLIENT \"{200*s}\"\r\n",
    "AUTH a b c\r\n",
    "*2\r\n$4\r\nECHO\r\n$5\r\nab\r\nc\r\n",
    "*1\r\n$4\r\nPING\r\n\r\n\r\n*1\r\n$4\r\nPING\r\n",
    "*3\r\n$3\r\nGET\r\n",
];

/// All hand-written streams: whole, in random packets, and byte by byte when they are short; with
/// and without a password.
pub fn fixed_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    for password in [false, true] {
        for stream in STREAMS {
            let bytes = expand(stream);
            cases.push(Case { password, packets: vec![bytes.clone()] });
            let count = rng.between(1, 3);
            cases.push(Case { password, packets: cut(rng, &bytes, count) });
            if bytes.len() < 60 && !password {
                let packets = bytes.iter().map(|byte| vec![*byte]).collect();
                cases.push(Case { password, packets });
            }
        }
    }
    cases
}

/// A random stream: valid commands of which some bytes have been changed.
pub fn random_case(rng: &mut Rng) -> Case {
    const COMMANDS: &[&[&str]] = &[
        &["PING"],
        &["ECHO", "howdy"],
        &["SET", "a", "12345"],
        &["GET", "a"],
        &["INCR", "n"],
        &["MSET", "a", "1", "b", ""],
        &["MGET", "a", "b"],
        &["nosuch", "x"],
        &["STRLEN", "a"],
    ];
    let mut bytes = Vec::new();
    for _ in 0..rng.between(1, 6) {
        let command = *rng.pick(COMMANDS);
        if rng.chance(20) {
            bytes.extend_from_slice(command.join(" ").as_bytes());
            bytes.extend_from_slice(b"\r\n");
        } else {
            encode(&mut bytes, command);
        }
    }
    for _ in 0..rng.between(1, 3) {
        spoil(rng, &mut bytes);
    }
    let count = rng.below(3);
    Case { password: rng.chance(20), packets: cut(rng, &bytes, count) }
}

/// Changes a byte, or removes or inserts some.
fn spoil(rng: &mut Rng, bytes: &mut Vec<u8>) {
    const INSERTED: &[&[u8]] =
        &[b"\r\n", b"\n", b"\r", b"*", b"$", b"-", b"0", b"9", b"\0", b"\"", b"'", b"*1\r\n", b" "];
    if bytes.is_empty() {
        return;
    }
    let at = rng.below(bytes.len() as u64) as usize;
    match rng.below(4) {
        0 => bytes[at] = *rng.pick(b"\r\n*$:+-0123456789 \"'a\0\xff"),
        1 => {
            bytes.remove(at);
        }
        2 => drop(bytes.splice(at..at, rng.pick(INSERTED).iter().copied())),
        _ => bytes.truncate(at),
    }
}

/// Expands `{count*text}`.
fn expand(stream: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = stream;
    while let Some((before, after)) = rest.split_once('{') {
        bytes.extend_from_slice(before.as_bytes());
        let (inner, after) = after.split_once('}').expect("every brace in the table is closed");
        let (count, text) = inner.split_once('*').expect("every brace in the table has a count");
        let count = count.parse().expect("every count in the table is a number");
        bytes.extend_from_slice(text.repeat(count).as_bytes());
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn cut(rng: &mut Rng, bytes: &[u8], count: u64) -> Vec<Vec<u8>> {
    let mut ends: Vec<usize> =
        (0..count).map(|_| rng.below(bytes.len() as u64 + 1) as usize).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    let mut packets = Vec::new();
    for end in ends {
        if end > start {
            packets.push(bytes[start..end].to_vec());
        }
        start = end;
    }
    packets
}

impl Pair {
    /// Sends a stream to both servers. The databases are emptied first.
    ///
    /// # Errors
    /// See [`PairError`].
    pub fn run_case(&mut self, case: &Case) -> Result<Option<Difference>, PairError> {
        self.reset(case.password)?;
        let (our_port, their_port) = self.ports();
        let connect = |port, name| {
            Client::connect(port).map_err(|error| PairError::Client(name, ClientError::Io(error)))
        };
        let mut ours = connect(our_port, "ours")?;
        let mut theirs = connect(their_port, "redis")?;
        send(&mut theirs, &case.packets);
        send(&mut ours, &case.packets);
        let mut expected = drain_until_quiet(&mut theirs);
        let (bytes, closed) = &expected;
        let complete = |got: &[u8]| got.len() >= bytes.len() && !closed;
        let mut got = ours.drain(PATIENCE, complete);
        more(&mut ours, &mut got, SURPLUS);
        if is_same(&got, &expected) {
            return Ok(None);
        }
        // A machine under load may have kept either of them busy.
        more(&mut theirs, &mut expected, PATIENCE);
        more(&mut ours, &mut got, SURPLUS);
        let differ = !is_same(&got, &expected);
        Ok(differ.then(|| difference(case, &got, &expected)))
    }
}

/// Bytes received, and whether the connection was closed.
type Received = (Vec<u8>, bool);

fn send(client: &mut Client, packets: &[Vec<u8>]) {
    // Closing the connection early is a result, seen when reading.
    let Ok(mut stream) = client.sender() else { return };
    for (index, packet) in packets.iter().enumerate() {
        if index > 0 {
            sleep(Duration::from_micros(300));
        }
        if stream.write_all(packet).is_err() {
            return;
        }
    }
}

fn drain_until_quiet(client: &mut Client) -> Received {
    let mut received = (Vec::new(), false);
    loop {
        let before = received.0.len();
        more(client, &mut received, QUIET);
        if received.1 || received.0.len() == before {
            return received;
        }
    }
}

fn more(client: &mut Client, received: &mut Received, patience: Duration) {
    if !received.1 {
        let (bytes, closed) = client.drain(patience, |_| false);
        received.0.extend_from_slice(&bytes);
        received.1 = closed;
    }
}

/// Whether both are the same, but for the fields of HELLO that name the server and the connection.
fn is_same(ours: &Received, theirs: &Received) -> bool {
    ours == theirs || (ours.1 == theirs.1 && anonymous(&ours.0) == anonymous(&theirs.0))
}

/// `bytes` without the version and the connection's number in replies to HELLO.
fn anonymous(bytes: &[u8]) -> Vec<u8> {
    const NAMES: [&[u8]; 2] = [b"$7\r\nversion\r\n", b"$2\r\nid\r\n"];
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&byte) = rest.first() {
        let name = NAMES.iter().find(|name| rest.starts_with(name));
        match name.map(|name| (name, Value::parse(&rest[name.len()..]))) {
            Some((name, Ok(Some((_, used))))) => {
                kept.extend_from_slice(name);
                rest = &rest[name.len() + used..];
            }
            _ => {
                kept.push(byte);
                rest = &rest[1..];
            }
        }
    }
    kept
}

fn describe(case: &Case) -> String {
    let packets: Vec<String> = case.packets.iter().map(|packet| quote(packet)).collect();
    let password = if case.password { " (with a password set)" } else { "" };
    packets.join(" then ") + password
}

fn difference(case: &Case, got: &Received, expected: &Received) -> Difference {
    let (ours, theirs) = quote_difference(&got.0, &expected.0);
    let end = |closed| if closed { ", closed" } else { "" };
    Difference { sent: describe(case), ours: ours + end(got.1), theirs: theirs + end(expected.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_expanded() {
        assert_eq!(expand("a{3*xy}b{2*\r\n}"), b"axyxyxyb\r\n\r\n");
        assert!(STREAMS.iter().all(|stream| expand(stream).len() < 200_000));
    }

    #[test]
    fn greetings_are_made_anonymous() {
        let text = |version, id| format!("x$7\r\nversion\r\n${version}\r\n$2\r\nid\r\n:{id}\r\ny");
        let one = anonymous(text("3\r\n1.0", 5).as_bytes());
        assert_eq!(one, anonymous(text("5\r\n1.2.3", 77).as_bytes()));
        assert!(one.ends_with(b"y") && anonymous(b"$2\r\nid\r\n") == b"$2\r\nid\r\n");
    }

    #[test]
    fn packets_make_up_the_stream() {
        let mut rng = Rng::new(1);
        for count in 0..5 {
            assert_eq!(cut(&mut rng, b"some bytes", count).concat(), b"some bytes");
        }
    }
}
