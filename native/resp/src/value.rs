//! Replies decoded into values: what a client sees of a server's answer.

use std::fmt;

use crate::line::parse_integer;

/// Deepest nesting of aggregates that [`Value::parse`] accepts.
pub const MAX_DEPTH: usize = 128;
/// Most elements that memory is reserved for before any of them has been seen.
const RESERVED_ELEMENTS: usize = 64;

/// A decoded reply. Texts are bytes: a server may quote arbitrary bytes even in an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A simple string (status).
    Simple(Vec<u8>),
    /// An error, code first.
    Error(Vec<u8>),
    /// A 64-bit integer.
    Integer(i64),
    /// A bulk string.
    Bulk(Vec<u8>),
    /// No value: RESP3's null, RESP2's null bulk string and null array.
    Null,
    /// An array.
    Array(Vec<Value>),
    /// A map, in the order sent.
    Map(Vec<(Value, Value)>),
    /// A set, in the order sent.
    Set(Vec<Value>),
    /// An out-of-band message.
    Push(Vec<Value>),
    /// A truth value.
    Boolean(bool),
    /// A double.
    Double(f64),
    /// An integer of any size, in decimal.
    BigNumber(Vec<u8>),
    /// Text with a format of three characters, such as `txt`.
    Verbatim {
        /// The format.
        format: [u8; 3],
        /// The text.
        text: Vec<u8>,
    },
}

/// Why bytes are not a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseError {
    /// No type of reply starts with this byte.
    UnknownType(u8),
    /// A line or a bulk string does not end in CR LF.
    MissingLineEnd,
    /// A length is no number, or is negative where that has no meaning.
    InvalidLength,
    /// The text of an integer, double, boolean, null, big number or verbatim string is malformed.
    InvalidScalar,
    /// Aggregates are nested more than [`MAX_DEPTH`] deep.
    TooDeep,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownType(byte) => write!(f, "unknown reply type '{}'", byte.escape_ascii()),
            Self::MissingLineEnd => f.write_str("line end missing"),
            Self::InvalidLength => f.write_str("invalid length"),
            Self::InvalidScalar => f.write_str("malformed scalar"),
            Self::TooDeep => write!(f, "nested more than {MAX_DEPTH} deep"),
        }
    }
}

impl std::error::Error for ParseError {}

impl Value {
    /// Parses the reply at the start of `bytes`: the value and the bytes it takes, or `None` when
    /// the reply is not complete yet. Attributes are skipped.
    ///
    /// Memory is reserved in proportion to the bytes present, never to an announced length, and the
    /// nesting is bounded by [`MAX_DEPTH`].
    ///
    /// ```
    /// use ferric_resp::Value;
    /// assert_eq!(Value::parse(b":7\r\n+more"), Ok(Some((Value::Integer(7), 4))));
    /// assert_eq!(Value::parse(b"$3\r\nab"), Ok(None));
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Option<(Value, usize)>, ParseError> {
        let mut parser = Parser { bytes, pos: 0 };
        match parser.value(0) {
            Ok(value) => Ok(Some((value, parser.pos))),
            Err(Stop::Incomplete) => Ok(None),
            Err(Stop::Malformed(error)) => Err(error),
        }
    }
}

/// Why no value was parsed.
enum Stop {
    Incomplete,
    Malformed(ParseError),
}

impl From<ParseError> for Stop {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Parser<'a> {
    /// Parses a value inside `depth` aggregates.
    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        if depth > MAX_DEPTH {
            return Err(ParseError::TooDeep.into());
        }
        loop {
            let (kind, line) = self.line()?;
            return Ok(match kind {
                b'+' => Value::Simple(line.to_vec()),
                b'-' => Value::Error(line.to_vec()),
                b':' => Value::Integer(parse_integer(line).ok_or(ParseError::InvalidScalar)?),
                b'$' if line == b"-1" => Value::Null,
                b'$' => Value::Bulk(self.bulk(line)?.to_vec()),
                b'*' if line == b"-1" => Value::Null,
                b'*' => Value::Array(self.elements(line, depth)?),
                b'~' => Value::Set(self.elements(line, depth)?),
                b'>' => Value::Push(self.elements(line, depth)?),
                b'%' => Value::Map(self.pairs(line, depth)?),
                b'|' => {
                    self.pairs(line, depth)?;
                    continue;
                }
                b'=' => verbatim(self.bulk(line)?)?,
                _ => scalar(kind, line)?,
            });
        }
    }

    /// Takes a type byte and the rest of its line.
    fn line(&mut self) -> Result<(u8, &'a [u8]), Stop> {
        let (&kind, rest) = self.bytes[self.pos..].split_first().ok_or(Stop::Incomplete)?;
        if !b"+-:$*_#,(=%~>|".contains(&kind) {
            return Err(ParseError::UnknownType(kind).into());
        }
        let end = rest.iter().position(|&byte| byte == b'\r' || byte == b'\n');
        let end = end.ok_or(Stop::Incomplete)?;
        match rest[end..] {
            [b'\r', b'\n', ..] => {}
            [b'\r'] => return Err(Stop::Incomplete),
            _ => return Err(ParseError::MissingLineEnd.into()),
        }
        self.pos += 1 + end + 2;
        Ok((kind, &rest[..end]))
    }

    /// Takes the bytes of a bulk string whose length line is `line`.
    fn bulk(&mut self, line: &[u8]) -> Result<&'a [u8], Stop> {
        let length = length(line)?;
        let rest = &self.bytes[self.pos..];
        if rest.len() < length.saturating_add(2) {
            return Err(Stop::Incomplete);
        }
        let (bytes, rest) = rest.split_at(length);
        if !rest.starts_with(b"\r\n") {
            return Err(ParseError::MissingLineEnd.into());
        }
        self.pos += length + 2;
        Ok(bytes)
    }

    fn elements(&mut self, line: &[u8], depth: usize) -> Result<Vec<Value>, Stop> {
        let count = length(line)?;
        let mut elements = Vec::with_capacity(count.min(RESERVED_ELEMENTS).min(self.room()));
        for _ in 0..count {
            elements.push(self.value(depth + 1)?);
        }
        Ok(elements)
    }

    fn pairs(&mut self, line: &[u8], depth: usize) -> Result<Vec<(Value, Value)>, Stop> {
        let count = length(line)?;
        let mut pairs = Vec::with_capacity(count.min(RESERVED_ELEMENTS).min(self.room() / 2));
        for _ in 0..count {
            pairs.push((self.value(depth + 1)?, self.value(depth + 1)?));
        }
        Ok(pairs)
    }

    /// Most values that the bytes present can hold: the smallest takes three.
    fn room(&self) -> usize {
        (self.bytes.len() - self.pos) / 3
    }
}

fn length(line: &[u8]) -> Result<usize, ParseError> {
    parse_integer(line)
        .and_then(|length| usize::try_from(length).ok())
        .ok_or(ParseError::InvalidLength)
}

/// A RESP3 scalar that is a single line.
fn scalar(kind: u8, line: &[u8]) -> Result<Value, ParseError> {
    let value = match (kind, line) {
        (b'_', b"") => Some(Value::Null),
        (b'#', b"t") => Some(Value::Boolean(true)),
        (b'#', b"f") => Some(Value::Boolean(false)),
        (b',', _) => {
            std::str::from_utf8(line).ok().and_then(|text| text.parse().ok()).map(Value::Double)
        }
        (b'(', _) if is_decimal(line) => Some(Value::BigNumber(line.to_vec())),
        _ => None,
    };
    value.ok_or(ParseError::InvalidScalar)
}

fn is_decimal(line: &[u8]) -> bool {
    let digits = match line {
        [b'-' | b'+', digits @ ..] => digits,
        _ => line,
    };
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn verbatim(bytes: &[u8]) -> Result<Value, ParseError> {
    match bytes {
        [a, b, c, b':', text @ ..] => {
            Ok(Value::Verbatim { format: [*a, *b, *c], text: text.to_vec() })
        }
        _ => Err(ParseError::InvalidScalar),
    }
}
