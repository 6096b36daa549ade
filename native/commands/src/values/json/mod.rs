//! JSON documents.
//!
//! A document is a tree whose arrays and objects are shared copy on write, so that a snapshot of it
//! is one reference. Its members keep their order, integers stay integers as far as 64 bits go, and
//! strings are UTF-8 (RFC 8259). Arrays and objects are nested at most [`MAX_DEPTH`] deep: that bounds
//! every recursion here.

mod delta;
mod image;
mod members;
pub mod path;
#[cfg(test)]
mod tests;
pub mod text;

use std::sync::Arc;

use ferric_engine::{Image, Malformed, Object};

use super::wire::Reader;
use super::{Collection, Kind};
pub use delta::{Draft, Location, Step};
pub use members::Members;

/// How deep arrays and objects may be nested, the outermost being 1: RedisJSON's limit of 128 levels
/// counts what they contain as a level.
pub const MAX_DEPTH: usize = 127;

/// Memory that each shared part takes for its two counts, in bytes.
const COUNTS: usize = 2 * size_of::<usize>();

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// An integer above those of [`Json::Integer`].
    Unsigned(u64),
    /// Any other number; finite.
    Double(f64),
    /// Text.
    String(Arc<str>),
    /// Values in order.
    Array(Arc<Vec<Json>>),
    /// Values by name.
    Object(Arc<Members>),
}

/// What a value takes, in bytes.
#[derive(Clone, Copy, Default)]
struct Weight {
    /// Of memory behind the value itself.
    heap: usize,
    /// Of the image.
    image: usize,
}

impl Weight {
    fn add(&mut self, other: Weight) {
        self.heap = self.heap.saturating_add(other.heap);
        self.image = self.image.saturating_add(other.image);
    }

    fn subtract(&mut self, other: Weight) {
        self.heap = self.heap.saturating_sub(other.heap);
        self.image = self.image.saturating_sub(other.image);
    }
}

impl Json {
    /// An array.
    pub fn array(elements: Vec<Json>) -> Json {
        Json::Array(Arc::new(elements))
    }

    /// The name of its type, as JSON.TYPE replies.
    pub fn type_name(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Boolean(_) => "boolean",
            Json::Integer(_) | Json::Unsigned(_) => "integer",
            Json::Double(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        }
    }

    /// How deep arrays and objects are nested: 0 for anything else.
    pub fn depth(&self) -> usize {
        let deepest = |depths: &mut dyn Iterator<Item = usize>| 1 + depths.max().unwrap_or(0);
        match self {
            Json::Array(elements) => deepest(&mut elements.iter().map(Json::depth)),
            Json::Object(members) => deepest(&mut members.iter().map(|(_, value)| value.depth())),
            _ => 0,
        }
    }

    /// Number of values in it, itself included, if that is at most `limit`.
    pub fn count_up_to(&self, limit: usize) -> Option<usize> {
        let add = |count: usize, value: &Json| {
            Some(count + value.count_up_to(limit.checked_sub(count)?)?)
        };
        limit.checked_sub(1)?;
        match self {
            Json::Array(elements) => elements.iter().try_fold(1, add),
            Json::Object(members) => members.iter().map(|(_, value)| value).try_fold(1, add),
            _ => Some(1),
        }
    }

    /// Memory that it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        size_of::<Json>() + self.weight().heap
    }

    fn weight(&self) -> Weight {
        let mut weight = Weight { heap: 0, image: image::head_len(self) };
        match self {
            Json::String(text) => weight.heap = COUNTS + text.len(),
            Json::Array(elements) => {
                weight.heap = COUNTS + size_of::<Vec<Json>>();
                weight.heap += elements.capacity() * size_of::<Json>();
                elements.iter().for_each(|element| weight.add(element.weight()));
            }
            Json::Object(members) => {
                weight.heap = COUNTS + size_of::<Members>() + members.heap_bytes();
                members.iter().for_each(|(name, value)| weight.add(member_weight(name, value)));
            }
            _ => (),
        }
        weight
    }
}

fn member_weight(name: &str, value: &Json) -> Weight {
    let mut weight = value.weight();
    weight.add(Weight { heap: COUNTS + name.len(), image: image::name_len(name) });
    weight
}

/// A document: a value, and what it takes.
#[derive(Clone)]
pub struct Document {
    root: Json,
    weight: Weight,
}

impl Document {
    /// A document with this value.
    pub fn new(root: Json) -> Document {
        Document { weight: root.weight(), root }
    }
}

impl Object for Document {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        delta::replay(&mut self.root, &mut self.weight, delta)
    }

    fn heap_bytes(&self) -> usize {
        self.weight.heap
    }

    fn image_len(&self) -> usize {
        self.weight.image
    }

    fn freeze(&self) -> Box<dyn Image> {
        Box::new(image::Frozen::new(self.root.clone()))
    }

    fn snapshot(&self) -> Option<Box<dyn Object>> {
        Some(Box::new(self.clone()))
    }
}

/// Read access to a document.
#[derive(Clone, Copy)]
pub enum View<'d> {
    /// A structure.
    Object(&'d Document),
    /// Its image.
    Image(&'d [u8]),
}

impl View<'_> {
    /// Shows the value to `use_value`. An image has to be read for that: it is short.
    ///
    /// # Errors
    /// The image is malformed, which the log's checksums rule out.
    pub fn with<R>(self, use_value: impl FnOnce(&Json) -> R) -> Result<R, Malformed> {
        match self {
            View::Object(document) => Ok(use_value(&document.root)),
            View::Image(image) => Ok(use_value(&read(image)?)),
        }
    }

    /// The value itself, shared with the document as far as it can be.
    ///
    /// # Errors
    /// As for [`View::with`].
    pub fn to_json(self) -> Result<Json, Malformed> {
        self.with(Json::clone)
    }
}

fn read(image: &[u8]) -> Result<Json, Malformed> {
    let mut reader = Reader::new(image);
    let root = image::read(&mut reader, MAX_DEPTH)?;
    if reader.is_empty() { Ok(root) } else { Err(Malformed) }
}

impl Collection for Document {
    const KIND: Kind = Kind::Json;

    type View<'d> = View<'d>;

    fn view(&self) -> View<'_> {
        View::Object(self)
    }

    fn view_image(image: &[u8]) -> View<'_> {
        View::Image(image)
    }

    fn decode(image: &[u8]) -> Result<Document, Malformed> {
        Ok(Document::new(read(image)?))
    }

    fn encoding(_view: View<'_>, _flags: u8) -> &'static str {
        "raw"
    }
}
