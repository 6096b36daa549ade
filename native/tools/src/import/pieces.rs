//! Large values, in pieces.

use ferric_rdb::file::Key;
use ferric_rdb::packed::Element;
use ferric_rdb::{Consumer, Error, Group, Id, Pending, Shape, Sink, StreamState};
use ferric_resp::Value;

use super::Failure;
use super::command::{encode, put_count, put_word};
use super::pipe::Pipe;
use super::snapshot::MAX_WHOLE;

/// Bytes of a piece, and its elements.
const PIECE_BYTES: usize = 64 << 10;
const PIECE_ELEMENTS: usize = 512;

/// Gathers a value. As soon as it is too large to be written whole, it begins to write pieces;
/// until then, nothing is sent.
pub(super) struct Pieces<'p> {
    pipe: &'p mut Pipe,
    key: &'p Key,
    replace: bool,
    state: State,
    /// What a piece is written with.
    command: &'static str,
    /// Words of the piece that is being gathered, and how many they are.
    words: Vec<u8>,
    count: usize,
    /// Whole commands to send behind the pieces, and how many they are: a stream's, and the expiry
    /// of fields.
    commands: Vec<(&'static str, Vec<u8>)>,
    gathered: usize,
    empty: bool,
    stream: Stream,
}

/// How far a value is.
#[derive(PartialEq, Eq)]
enum State {
    /// Nothing has been sent.
    Gathering,
    /// Pieces have been sent.
    Writing,
    /// The server has the key and is to keep it.
    Existing,
}

/// What has been seen of a stream.
#[derive(Default)]
struct Stream {
    state: StreamState,
    group: Vec<u8>,
    consumer: Vec<u8>,
}

impl<'p> Pieces<'p> {
    pub(super) fn new(pipe: &'p mut Pipe, key: &'p Key, replace: bool) -> Pieces<'p> {
        Pieces {
            pipe,
            key,
            replace,
            state: State::Gathering,
            command: "",
            words: Vec::new(),
            count: 0,
            commands: Vec::new(),
            gathered: 0,
            empty: true,
            stream: Stream::default(),
        }
    }

    /// Whether pieces have been sent.
    pub(super) fn has_begun(&self) -> bool {
        self.state != State::Gathering
    }

    /// Whether the value has nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.empty
    }

    /// Writes what is left, and the expiry; whether the server had the key and has kept it.
    pub(super) fn finish(mut self) -> Result<bool, Failure> {
        self.send_piece()?;
        if self.key.value_type.shape() == Shape::Stream {
            self.add_state();
            self.send_piece()?;
        }
        if let (State::Writing, Some(time)) = (&self.state, self.key.expiry_ms) {
            let time = time.to_string();
            let words = [b"PEXPIREAT", &self.key.name[..], time.as_bytes()];
            self.pipe.send("PEXPIREAT", &self.key.name, &[&encode(&words)])?;
        }
        Ok(self.state == State::Existing)
    }

    /// Adds words to the piece, and sends it if it is large enough.
    fn add(&mut self, words: &[&[u8]]) -> Result<(), Failure> {
        for word in words {
            self.gathered += word.len() + size_of::<u64>();
            if self.state != State::Existing {
                put_word(&mut self.words, word);
            }
        }
        self.count += words.len();
        self.empty = false;
        self.send_if_large()
    }

    /// Adds a command of its own, to be sent behind the piece.
    fn add_command(&mut self, name: &'static str, command: Vec<u8>) {
        self.gathered += command.len();
        if self.state != State::Existing {
            self.commands.push((name, command));
        }
    }

    fn send_if_large(&mut self) -> Result<(), Failure> {
        let limit = match self.state {
            State::Gathering => self.gathered > MAX_WHOLE,
            State::Writing => {
                let elements = self.count.max(self.commands.len());
                elements >= PIECE_ELEMENTS || self.gathered >= PIECE_BYTES
            }
            State::Existing => false,
        };
        if limit { self.send_piece() } else { Ok(()) }
    }

    /// Sends what has been gathered.
    fn send_piece(&mut self) -> Result<(), Failure> {
        if self.state == State::Gathering {
            self.begin_writing()?;
        }
        let name = &self.key.name;
        if self.state == State::Writing {
            if self.count > 0 {
                let mut head = Vec::new();
                put_count(&mut head, self.count + 2);
                put_word(&mut head, self.command.as_bytes());
                put_word(&mut head, name);
                self.pipe.send(self.command, name, &[&head, &self.words])?;
            }
            for (command, bytes) in &self.commands {
                self.pipe.send(command, name, &[bytes])?;
            }
        }
        self.words.clear();
        self.commands.clear();
        (self.count, self.gathered) = (0, 0);
        Ok(())
    }

    /// Makes way for the key, or finds that the server is to keep its own.
    fn begin_writing(&mut self) -> Result<(), Failure> {
        let name = &self.key.name[..];
        self.state = State::Writing;
        if self.replace {
            return self.pipe.send("DEL", name, &[&encode(&[b"DEL", name])]);
        }
        if self.pipe.call("EXISTS", &[b"EXISTS", name])? == Value::Integer(1) {
            self.state = State::Existing;
        }
        Ok(())
    }

    /// What is known about a stream besides its entries. At the end, because the stream has to be
    /// there.
    fn add_state(&mut self) {
        let StreamState { last, max_deleted, added, .. } = self.stream.state;
        let (last, added, max_deleted) = (text(last), added.to_string(), text(max_deleted));
        let tail = [b"ENTRIESADDED", added.as_bytes(), b"MAXDELETEDID", &max_deleted[..]];
        let words = [&[b"XSETID", &self.key.name[..], &last], &tail[..]].concat();
        self.add_command("XSETID", encode(&words));
    }
}

impl Sink for Pieces<'_> {
    type Error = Failure;

    fn begin(&mut self, shape: Shape, _len: u64) -> Result<(), Failure> {
        self.command = match shape {
            Shape::String => "SET",
            Shape::List => "RPUSH",
            Shape::Set => "SADD",
            Shape::SortedSet => "ZADD",
            Shape::Hash => "HSET",
            Shape::Stream => "XADD",
        };
        // Of all values, only these may be empty.
        self.empty = !matches!(shape, Shape::String | Shape::Stream);
        Ok(())
    }

    fn string(&mut self, value: Vec<u8>) -> Result<(), Failure> {
        if value.len() <= MAX_WHOLE {
            return self.add(&[&value]);
        }
        self.begin_writing()?;
        if self.state == State::Existing {
            return Ok(());
        }
        // It is large: no copy of it is made.
        let mut head = encode(&[b"SET", &self.key.name[..], &value[..0]]);
        head.truncate(head.len() - b"$0\r\n\r\n".len());
        head.extend_from_slice(format!("${}\r\n", value.len()).as_bytes());
        self.pipe.send("SET", &self.key.name, &[&head, &value, b"\r\n"])
    }

    fn element(&mut self, element: &[u8]) -> Result<(), Failure> {
        self.add(&[element])
    }

    fn member(&mut self, member: &[u8]) -> Result<(), Failure> {
        self.add(&[member])
    }

    fn scored(&mut self, member: &[u8], score: f64) -> Result<(), Failure> {
        // As few digits as give the same number again.
        self.add(&[format!("{score:e}").as_bytes(), member])
    }

    fn field(&mut self, field: &[u8], value: &[u8], expiry_ms: u64) -> Result<(), Failure> {
        if expiry_ms > 0 {
            let time = expiry_ms.to_string();
            let key = &self.key.name;
            let words = [b"HPEXPIREAT", &key[..], time.as_bytes(), b"FIELDS", b"1", field];
            self.add_command("HPEXPIREAT", encode(&words));
        }
        self.add(&[field, value])
    }

    fn entry(&mut self, id: Id, fields: &[(Element<'_>, Element<'_>)]) -> Result<(), Failure> {
        let texts: Vec<_> =
            fields.iter().flat_map(|(field, value)| [field.text(), value.text()]).collect();
        let (id, key) = (text(id), self.key);
        let mut words: Vec<&[u8]> = vec![b"XADD", &key.name, &id];
        words.extend(texts.iter().map(|text| &text[..]));
        self.add_command("XADD", encode(&words));
        self.send_if_large()
    }

    fn state(&mut self, state: &StreamState) -> Result<(), Failure> {
        self.stream.state = state.clone();
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<(), Failure> {
        self.stream.group.clone_from(&group.name);
        let (last, key) = (text(group.last), self.key);
        // The server's word for "not known" is -1.
        let read = group.read.map_or("-1".to_owned(), |read| read.to_string());
        let words = [&b"XGROUP"[..], b"CREATE", &key.name, &group.name, &last, b"MKSTREAM"];
        let words = [&words, &[b"ENTRIESREAD", read.as_bytes()][..]].concat();
        self.add_command("XGROUP", encode(&words));
        self.send_if_large()
    }

    fn consumer(&mut self, consumer: &Consumer) -> Result<(), Failure> {
        self.stream.consumer.clone_from(&consumer.name);
        let (group, key) = (&self.stream.group, self.key);
        let words = [&b"XGROUP"[..], b"CREATECONSUMER", &key.name, group, &consumer.name];
        self.add_command("XGROUP", encode(&words));
        self.send_if_large()
    }

    fn pending(&mut self, pending: &Pending) -> Result<(), Failure> {
        let Stream { group, consumer, .. } = &self.stream;
        let key = self.key;
        let (id, time) = (text(pending.id), pending.delivered_ms.to_string());
        let count = pending.deliveries.to_string();
        let claim = [b"XCLAIM", &key.name[..], group, consumer, b"0", &id];
        let how = [b"TIME", time.as_bytes(), b"RETRYCOUNT", count.as_bytes()];
        let words = [&claim[..], &how[..], &[b"FORCE", b"JUSTID"]].concat();
        self.add_command("XCLAIM", encode(&words));
        self.send_if_large()
    }
}

/// An ID as commands have it.
fn text(id: Id) -> Vec<u8> {
    format!("{}-{}", id.ms, id.seq).into_bytes()
}

/// Takes a value and only notices whether it has anything in it.
#[derive(Default)]
pub(super) struct Counted(bool);

impl Counted {
    /// Whether the value has nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        !self.0
    }
}

impl Sink for Counted {
    type Error = Error;

    fn begin(&mut self, shape: Shape, _len: u64) -> Result<(), Error> {
        self.0 = matches!(shape, Shape::String | Shape::Stream);
        Ok(())
    }

    fn element(&mut self, _element: &[u8]) -> Result<(), Error> {
        self.0 = true;
        Ok(())
    }

    fn member(&mut self, _member: &[u8]) -> Result<(), Error> {
        self.0 = true;
        Ok(())
    }

    fn scored(&mut self, _member: &[u8], _score: f64) -> Result<(), Error> {
        self.0 = true;
        Ok(())
    }

    fn field(&mut self, _field: &[u8], _value: &[u8], _expiry_ms: u64) -> Result<(), Error> {
        self.0 = true;
        Ok(())
    }
}
