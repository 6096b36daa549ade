//! JSON text (RFC 8259): parsed by serde_json, printed as RedisJSON prints it.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Json, Members};

/// Reads a value.
///
/// # Errors
/// What is wrong, and where; nesting beyond [`super::MAX_DEPTH`] is refused as well.
pub fn parse(text: &str) -> Result<Json, serde_json::Error> {
    // serde_json's own limit of nesting is the same.
    serde_json::from_str(text)
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

/// Makes values of what a parser finds.
struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Unsigned(number), Json::Integer))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        if number.is_finite() { Ok(Json::Double(number)) } else { Err(E::custom("no JSON number")) }
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(Arc::from(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = source.next_element()? {
            elements.push(element);
        }
        elements.shrink_to_fit();
        Ok(Json::array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Json, A::Error> {
        let mut members = Members::default();
        // Of members with the same name the last one counts.
        while let Some((name, value)) = source.next_entry::<std::borrow::Cow<'_, str>, Json>()? {
            members.insert(&name, value);
        }
        Ok(Json::Object(Arc::new(members)))
    }
}

/// How values are laid out, as JSON.GET's options say; nothing is between tokens by default.
#[derive(Clone, Copy, Default)]
pub struct Format<'a> {
    /// Once for each level, at the beginning of a line.
    pub indent: &'a [u8],
    /// Between elements or members, and around all of them.
    pub newline: &'a [u8],
    /// Between the colon behind a name and its value.
    pub space: &'a [u8],
}

/// The text would be longer than it may be.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// Prints values.
pub struct Printer<'o, 'f> {
    out: &'o mut Vec<u8>,
    format: Format<'f>,
    /// Most bytes of `out`.
    limit: usize,
    level: usize,
}

impl<'o, 'f> Printer<'o, 'f> {
    /// Prints to `out`, which is not to become much longer than `limit` bytes.
    pub fn new(out: &'o mut Vec<u8>, format: Format<'f>, limit: usize) -> Printer<'o, 'f> {
        Printer { out, format, limit, level: 0 }
    }

    /// Prints a value.
    ///
    /// # Errors
    /// That became too long; a part of it has been printed then.
    pub fn value(&mut self, value: &Json) -> Result<(), TooLong> {
        match value {
            Json::Null => self.out.extend_from_slice(b"null"),
            Json::Boolean(false) => self.out.extend_from_slice(b"false"),
            Json::Boolean(true) => self.out.extend_from_slice(b"true"),
            Json::Integer(number) => self.digits(itoa::Buffer::new().format(*number)),
            Json::Unsigned(number) => self.digits(itoa::Buffer::new().format(*number)),
            Json::Double(number) => self.digits(ryu::Buffer::new().format_finite(*number)),
            Json::String(text) => self.string(text)?,
            Json::Array(elements) => self.array(elements.iter())?,
            Json::Object(members) => {
                let members = members.iter();
                self.object(members, |printer, value| printer.value(value))?;
            }
        }
        self.check(0)
    }

    /// Prints an array of these elements.
    ///
    /// # Errors
    /// As for [`Printer::value`].
    pub fn array<'j>(
        &mut self,
        mut elements: impl ExactSizeIterator<Item = &'j Json>,
    ) -> Result<(), TooLong> {
        self.list(b"[]", elements.len(), |printer| {
            elements.next().map_or(Ok(()), |element| printer.value(element))
        })
    }

    /// Prints an object of these members, whose values `print` prints.
    ///
    /// # Errors
    /// As for [`Printer::value`].
    pub fn object<'j, T>(
        &mut self,
        mut members: impl ExactSizeIterator<Item = (&'j str, T)>,
        mut print: impl FnMut(&mut Self, T) -> Result<(), TooLong>,
    ) -> Result<(), TooLong> {
        self.list(b"{}", members.len(), |printer| {
            let Some((name, value)) = members.next() else { return Ok(()) };
            printer.string(name)?;
            printer.out.push(b':');
            printer.out.extend_from_slice(printer.format.space);
            print(printer, value)
        })
    }

    fn list(
        &mut self,
        brackets: &[u8; 2],
        count: usize,
        mut item: impl FnMut(&mut Self) -> Result<(), TooLong>,
    ) -> Result<(), TooLong> {
        self.out.push(brackets[0]);
        self.level += 1;
        for at in 0..count {
            if at > 0 {
                self.out.push(b',');
            }
            self.line();
            item(self)?;
            self.check(0)?;
        }
        self.level -= 1;
        if count > 0 {
            self.line();
        }
        self.out.push(brackets[1]);
        Ok(())
    }

    fn line(&mut self) {
        self.out.extend_from_slice(self.format.newline);
        for _ in 0..self.level {
            self.out.extend_from_slice(self.format.indent);
        }
    }

    fn digits(&mut self, digits: &str) {
        self.out.extend_from_slice(digits.as_bytes());
    }

    fn string(&mut self, text: &str) -> Result<(), TooLong> {
        self.check(text.len())?;
        // Writing to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *self.out, text);
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), TooLong> {
        if self.out.len().saturating_add(more) > self.limit { Err(TooLong) } else { Ok(()) }
    }
}

/// A value's text.
pub fn print(value: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    // No text is that long.
    let _ = Printer::new(&mut out, Format::default(), usize::MAX).value(value);
    out
}
