//! The encoder of replies.

use crate::double::DoubleText;

const OK: &[u8] = b"+OK\r\n";
const ZERO: &[u8] = b":0\r\n";
const ONE: &[u8] = b":1\r\n";
const TRUE: &[u8] = b"#t\r\n";
const FALSE: &[u8] = b"#f\r\n";
const NULL: &[u8] = b"_\r\n";
const NULL_BULK: &[u8] = b"$-1\r\n";
const NULL_ARRAY: &[u8] = b"*-1\r\n";
const CRLF: &[u8] = b"\r\n";

/// A version of the protocol, as `HELLO` selects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// RESP2, in which a connection starts.
    #[default]
    Resp2,
    /// RESP3, with types for maps, sets, doubles and more.
    Resp3,
}

/// The place of an aggregate's header that is written when its length is known; made by
/// [`Encoder::begin_deferred`] and used up by one of the `end_deferred_*` methods. Nested ones end
/// innermost first.
#[must_use = "a deferred aggregate has no header until it is ended"]
#[derive(Debug)]
pub struct DeferredLength(usize);

/// Appends replies to a buffer, in the protocol version of the connection. What RESP2 has no type
/// for takes the form in which Redis gives it to RESP2 clients.
#[derive(Debug, Clone, Default)]
pub struct Encoder {
    buf: Vec<u8>,
    proto: Protocol,
}

impl Encoder {
    /// An encoder with an empty buffer.
    pub const fn new(proto: Protocol) -> Self {
        Self { buf: Vec::new(), proto }
    }

    /// An encoder that appends to `buf`.
    pub const fn with_buffer(buf: Vec<u8>, proto: Protocol) -> Self {
        Self { buf, proto }
    }

    /// The version replies are written in.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.proto
    }

    /// Changes the version for the replies that follow.
    pub fn set_protocol(&mut self, proto: Protocol) {
        self.proto = proto;
    }

    /// Bytes in the buffer.
    #[inline]
    pub fn len(&self) -> usize {
        self.buf.len()
    }

    /// Whether the buffer is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// Takes back everything after the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.buf.truncate(len);
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.buf.clear();
    }

    /// The bytes written so far.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.buf
    }

    /// Hands over the bytes written so far and goes on with an empty buffer.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buf)
    }

    /// Hands over the buffer.
    pub fn into_inner(self) -> Vec<u8> {
        self.buf
    }

    /// The status `OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.buf.extend_from_slice(OK);
    }

    /// A simple string (status). CR and LF in it become spaces.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error: its code, a space and the message. CR and LF in it become spaces.
    pub fn error(&mut self, text: &str) {
        self.line(b'-', text.as_bytes());
    }

    /// An error whose text quotes bytes of the client's that need not be UTF-8.
    pub fn error_bytes(&mut self, text: &[u8]) {
        self.line(b'-', text);
    }

    /// Replies that have been encoded elsewhere, in the same protocol.
    pub fn raw(&mut self, replies: &[u8]) {
        self.buf.extend_from_slice(replies);
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        match value {
            0 => self.buf.extend_from_slice(ZERO),
            1 => self.buf.extend_from_slice(ONE),
            _ => self.header(b':', value),
        }
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.buf.reserve(bytes.len() + 32);
        self.header(b'$', bytes.len());
        self.buf.extend_from_slice(bytes);
        self.buf.extend_from_slice(CRLF);
    }

    /// A bulk string of text.
    #[inline]
    pub fn bulk_str(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// The absence of a value.
    #[inline]
    pub fn null(&mut self) {
        self.versioned(NULL_BULK, NULL);
    }

    /// The absence of an array.
    #[inline]
    pub fn null_array(&mut self) {
        self.versioned(NULL_ARRAY, NULL);
    }

    /// The header of an array; `len` replies follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header(b'*', len);
    }

    /// The header of a map; `len` pairs of replies follow. RESP2: an array of keys and values.
    pub fn map(&mut self, len: usize) {
        self.aggregate(Aggregate::Map, len);
    }

    /// The header of a set; `len` replies follow. RESP2: an array.
    pub fn set(&mut self, len: usize) {
        self.aggregate(Aggregate::Set, len);
    }

    /// The header of an out-of-band message; `len` replies follow. RESP2: an array.
    pub fn push(&mut self, len: usize) {
        self.header(if self.proto == Protocol::Resp3 { b'>' } else { b'*' }, len);
    }

    /// The header of attributes of the reply that comes after them; `len` pairs of replies follow.
    /// RESP2 has none: nothing is written, false is returned and no pairs may follow.
    pub fn attribute(&mut self, len: usize) -> bool {
        let known = self.proto == Protocol::Resp3;
        if known {
            self.header(b'|', len);
        }
        known
    }

    /// A truth value. RESP2: the integer 1 or 0.
    pub fn boolean(&mut self, value: bool) {
        if value { self.versioned(ONE, TRUE) } else { self.versioned(ZERO, FALSE) }
    }

    /// A double, printed as [`DoubleText`] says. RESP2: a bulk string.
    pub fn double(&mut self, value: f64) {
        let text = DoubleText::new(value);
        self.bulk_or_line(b',', text.as_bytes());
    }

    /// A double in another spelling than that of [`Encoder::double`]. RESP2: a bulk string.
    pub fn double_text(&mut self, text: &str) {
        self.bulk_or_line(b',', text.as_bytes());
    }

    /// An integer beyond 64 bits, in decimal. RESP2: a bulk string.
    pub fn big_number(&mut self, digits: &str) {
        self.bulk_or_line(b'(', digits.as_bytes());
    }

    /// Text to be shown as it is. `format` is three ASCII characters, `txt` or `mkd`; another length
    /// is cut or filled with spaces. RESP2: a bulk string of the text alone.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        if self.proto == Protocol::Resp2 {
            return self.bulk(text);
        }
        let mut kind = *b"   :";
        for (place, byte) in kind[..3].iter_mut().zip(format.bytes()) {
            *place = byte;
        }
        self.header(b'=', text.len() + kind.len());
        self.buf.extend_from_slice(&kind);
        self.buf.extend_from_slice(text);
        self.buf.extend_from_slice(CRLF);
    }

    /// Starts an aggregate whose length becomes known only after its elements are written.
    pub fn begin_deferred(&mut self) -> DeferredLength {
        DeferredLength(self.buf.len())
    }

    /// Makes what was written since `mark` an array of `len` replies.
    pub fn end_deferred_array(&mut self, mark: DeferredLength, len: usize) {
        self.end_deferred(mark, Aggregate::Array, len);
    }

    /// Makes what was written since `mark` a map of `len` pairs.
    pub fn end_deferred_map(&mut self, mark: DeferredLength, len: usize) {
        self.end_deferred(mark, Aggregate::Map, len);
    }

    /// Makes what was written since `mark` a set of `len` replies.
    pub fn end_deferred_set(&mut self, mark: DeferredLength, len: usize) {
        self.end_deferred(mark, Aggregate::Set, len);
    }

    /// Writes the header behind the elements and rotates it in front of them.
    fn end_deferred(&mut self, mark: DeferredLength, kind: Aggregate, len: usize) {
        let end = self.buf.len();
        self.aggregate(kind, len);
        let header = self.buf.len() - end;
        if let Some(written) = self.buf.get_mut(mark.0..) {
            written.rotate_right(header);
        }
    }

    fn aggregate(&mut self, kind: Aggregate, len: usize) {
        match (kind, self.proto) {
            (Aggregate::Map, Protocol::Resp3) => self.header(b'%', len),
            (Aggregate::Map, Protocol::Resp2) => self.header(b'*', len * 2),
            (Aggregate::Set, Protocol::Resp3) => self.header(b'~', len),
            (Aggregate::Set, Protocol::Resp2) | (Aggregate::Array, _) => self.header(b'*', len),
        }
    }

    /// A type byte, an integer and the line end.
    #[inline]
    fn header(&mut self, kind: u8, value: impl itoa::Integer) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(value).as_bytes();
        self.buf.reserve(digits.len() + 3);
        self.buf.push(kind);
        self.buf.extend_from_slice(digits);
        self.buf.extend_from_slice(CRLF);
    }

    /// A type byte, text that must not end the line, and the line end.
    fn line(&mut self, kind: u8, text: &[u8]) {
        self.buf.reserve(text.len() + 3);
        self.buf.push(kind);
        self.buf.extend(text.iter().map(|&byte| match byte {
            b'\r' | b'\n' => b' ',
            other => other,
        }));
        self.buf.extend_from_slice(CRLF);
    }

    fn bulk_or_line(&mut self, kind: u8, text: &[u8]) {
        match self.proto {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(kind, text),
        }
    }

    #[inline]
    fn versioned(&mut self, resp2: &[u8], resp3: &[u8]) {
        self.buf.extend_from_slice(if self.proto == Protocol::Resp3 { resp3 } else { resp2 });
    }
}

/// Aggregates whose header may be deferred.
#[derive(Clone, Copy)]
enum Aggregate {
    Array,
    Map,
    Set,
}
