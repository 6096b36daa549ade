//! Values as bytes: a tag, then what it says.
//!
//! | tag | what follows |
//! |---|---|
//! | 0, 1, 2 | nothing: `null`, `false`, `true` |
//! | 3 | a signed number |
//! | 4 | a number above 2^63 - 1 |
//! | 5 | a double, 8 bytes, finite |
//! | 6 | a string, UTF-8 |
//! | 7 | a count, and so many values |
//! | 8 | a count, and so many names (strings, all different), each with its value |

use std::sync::Arc;

use ferric_engine::{Image, Malformed};

use super::{Json, Members};
use crate::values::wire::{
    Reader, bytes_len, number_len, put_bytes, put_double, put_number, put_signed,
};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const UNSIGNED: u8 = 4;
const DOUBLE: u8 = 5;
const STRING: u8 = 6;
const ARRAY: u8 = 7;
const OBJECT: u8 = 8;

/// Most elements or members for which memory is taken before they have been read.
const MAX_RESERVED: usize = 64;

/// Bytes of a value's image without its elements or members.
pub(super) fn head_len(value: &Json) -> usize {
    1 + match value {
        Json::Null | Json::Boolean(_) => 0,
        Json::Integer(number) => number_len(((number << 1) ^ (number >> 63)) as u64),
        Json::Unsigned(number) => number_len(*number),
        Json::Double(_) => 8,
        Json::String(text) => bytes_len(text.as_bytes()),
        Json::Array(elements) => number_len(elements.len() as u64),
        Json::Object(members) => number_len(members.len() as u64),
    }
}

/// Bytes of a member's name in an image.
pub(super) fn name_len(name: &str) -> usize {
    bytes_len(name.as_bytes())
}

/// Appends a value without its elements or members.
fn put_head(out: &mut Vec<u8>, value: &Json) {
    match value {
        Json::Null => out.push(NULL),
        Json::Boolean(false) => out.push(FALSE),
        Json::Boolean(true) => out.push(TRUE),
        Json::Integer(number) => {
            out.push(INTEGER);
            put_signed(out, *number);
        }
        Json::Unsigned(number) => {
            out.push(UNSIGNED);
            put_number(out, *number);
        }
        Json::Double(number) => {
            out.push(DOUBLE);
            put_double(out, *number);
        }
        Json::String(text) => {
            out.push(STRING);
            put_bytes(out, text.as_bytes());
        }
        Json::Array(elements) => {
            out.push(ARRAY);
            put_number(out, elements.len() as u64);
        }
        Json::Object(members) => {
            out.push(OBJECT);
            put_number(out, members.len() as u64);
        }
    }
}

/// Appends a value.
pub(super) fn put(out: &mut Vec<u8>, value: &Json) {
    put_head(out, value);
    match value {
        Json::Array(elements) => elements.iter().for_each(|element| put(out, element)),
        Json::Object(members) => {
            for (name, value) in members.iter() {
                put_bytes(out, name.as_bytes());
                put(out, value);
            }
        }
        _ => (),
    }
}

/// Reads a value in which arrays and objects are nested at most `depth` deep.
///
/// # Errors
/// It is none.
pub(super) fn read(reader: &mut Reader<'_>, depth: usize) -> Result<Json, Malformed> {
    Ok(match reader.byte()? {
        NULL => Json::Null,
        FALSE => Json::Boolean(false),
        TRUE => Json::Boolean(true),
        INTEGER => Json::Integer(reader.signed()?),
        UNSIGNED => {
            let number = reader.number()?;
            if i64::try_from(number).is_ok() {
                return Err(Malformed);
            }
            Json::Unsigned(number)
        }
        DOUBLE => Json::Double(Some(reader.double()?).filter(|n| n.is_finite()).ok_or(Malformed)?),
        STRING => Json::String(Arc::from(read_text(reader)?)),
        ARRAY => read_array(reader, depth.checked_sub(1).ok_or(Malformed)?)?,
        OBJECT => read_object(reader, depth.checked_sub(1).ok_or(Malformed)?)?,
        _ => return Err(Malformed),
    })
}

/// Reads a string.
///
/// # Errors
/// It is none, or not UTF-8.
pub(super) fn read_text<'b>(reader: &mut Reader<'b>) -> Result<&'b str, Malformed> {
    str::from_utf8(reader.bytes()?).map_err(|_| Malformed)
}

fn read_array(reader: &mut Reader<'_>, depth: usize) -> Result<Json, Malformed> {
    let count = reader.size()?;
    let mut elements = Vec::with_capacity(count.min(MAX_RESERVED));
    for _ in 0..count {
        elements.push(read(reader, depth)?);
    }
    elements.shrink_to_fit();
    Ok(Json::array(elements))
}

fn read_object(reader: &mut Reader<'_>, depth: usize) -> Result<Json, Malformed> {
    let count = reader.size()?;
    let mut members = Members::with_capacity(count.min(MAX_RESERVED));
    for _ in 0..count {
        let name = read_text(reader)?;
        if members.insert(name, read(reader, depth)?).is_some() {
            return Err(Malformed);
        }
    }
    Ok(Json::Object(Arc::new(members)))
}

/// An array or object of which some elements or members have been written.
struct Part {
    value: Json,
    written: usize,
}

impl Part {
    /// The next element, or member with its name; goes on to the one behind it.
    fn next(&mut self) -> Option<(Option<&str>, &Json)> {
        let at = self.written;
        self.written += 1;
        match &self.value {
            Json::Array(elements) => elements.get(at).map(|element| (None, element)),
            Json::Object(members) => members.at(at).map(|(name, value)| (Some(name), value)),
            _ => None,
        }
    }
}

/// A document that is written part by part.
pub(super) struct Frozen {
    /// What is to be written before anything else.
    root: Option<Json>,
    /// What is being written, the outermost first.
    open: Vec<Part>,
}

impl Frozen {
    pub(super) fn new(root: Json) -> Frozen {
        Frozen { root: Some(root), open: Vec::new() }
    }

    /// Writes a value; what it contains comes next.
    fn begin(open: &mut Vec<Part>, out: &mut Vec<u8>, value: &Json) {
        put_head(out, value);
        if matches!(value, Json::Array(_) | Json::Object(_)) {
            open.push(Part { value: value.clone(), written: 0 });
        }
    }
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let before = out.len();
        if let Some(root) = self.root.take() {
            Frozen::begin(&mut self.open, out, &root);
        }
        while out.len() - before < budget {
            let Some(part) = self.open.last_mut() else { return false };
            let Some((name, value)) = part.next() else {
                self.open.pop();
                continue;
            };
            if let Some(name) = name {
                put_bytes(out, name.as_bytes());
            }
            let value = value.clone();
            Frozen::begin(&mut self.open, out, &value);
        }
        true
    }
}
