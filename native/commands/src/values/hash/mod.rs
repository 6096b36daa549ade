//! Hashes: fields with values, and expiries of single fields.
//!
//! ```text
//! image:   number: 2 * (number of fields) + (1 if any field may expire) · fields
//! field:   number: 2 * (length of the name) + (1 if it expires) · name
//!          · [number: expiry, Unix milliseconds] · number: length of the value · value
//! delta:   operations:  1 name value             set, without expiry
//!                       2 name value number      set, with expiry
//!                       3 name                   remove
//!                       4 name number            change the expiry; 0: none
//! ```
//!
//! Numbers and strings are those of [`wire`](super::wire). A field whose expiry has passed stays until
//! a change removes it, but [`Live`] shows it to nobody.

mod edit;
mod fields;
mod live;
mod packed;
#[cfg(test)]
mod tests;

use ferric_engine::{Image, Malformed, Object};

pub use edit::Edit;
use fields::Fields;
pub use live::Live;
use packed::Packed;

use super::collection::{Collection, MAX_PACKED, encode_by_parts};
use super::{Kind, wire};

/// `Meta::flags`: Redis would keep it as a hash table, and would not go back.
pub const HASHTABLE: u8 = 1;

/// `Meta::flags`: the key's expiry is that of its last field, not one that it was given.
pub const FIELD_EXPIRY: u8 = 2;

/// `Meta::flags`: a field of it has had an expiry.
pub const EXPIRING: u8 = 4;

/// A field as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its value.
    pub value: &'a [u8],
    /// Absolute expiry, Unix milliseconds; 0 = never.
    pub expiry_ms: u64,
}

impl Field<'_> {
    /// Whether it is over, as keys are: when the clock has passed its expiry.
    #[inline]
    fn is_over(&self, now_ms: u64) -> bool {
        self.expiry_ms != 0 && now_ms > self.expiry_ms
    }
}

/// A hash in memory.
#[derive(Clone, Default)]
pub struct Hash {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Packed(Packed<Vec<u8>>),
    Table(Fields),
}

impl Default for Form {
    fn default() -> Form {
        Form::Packed(Packed::default())
    }
}

/// Read access to a hash.
#[derive(Clone, Copy)]
pub struct View<'a> {
    form: FormView<'a>,
}

#[derive(Clone, Copy)]
enum FormView<'a> {
    Packed(Packed<&'a [u8]>),
    Table(&'a Fields),
}

impl<'a> View<'a> {
    /// What is there at this time.
    pub fn live(self, now_ms: u64) -> Live<'a> {
        Live::new(self, now_ms)
    }

    /// The earliest expiry of a stored field.
    pub fn first_expiry(self) -> Option<u64> {
        match self.form {
            FormView::Packed(packed) if !packed.is_expiring() => None,
            FormView::Packed(packed) => {
                packed.entries().map(|(_, field)| field.expiry_ms).filter(|&ms| ms != 0).min()
            }
            FormView::Table(fields) => fields.first_expiry(),
        }
    }
}

impl Hash {
    /// Gives a field a value and an expiry (0: none).
    pub fn set(&mut self, name: &[u8], field: Field<'_>) {
        match &mut self.form {
            Form::Table(fields) => fields.set(name, field),
            Form::Packed(packed) => {
                packed.set(name, field);
                if packed.image_len() > MAX_PACKED {
                    let mut fields = Fields::default();
                    packed.as_ref().entries().for_each(|(name, field)| fields.set(name, field));
                    self.form = Form::Table(fields);
                }
            }
        }
    }

    fn remove(&mut self, name: &[u8]) {
        match &mut self.form {
            Form::Packed(packed) => packed.remove(name),
            Form::Table(fields) => fields.remove(name),
        }
    }

    fn set_expiry(&mut self, name: &[u8], expiry_ms: u64) {
        match &mut self.form {
            Form::Packed(packed) => packed.set_expiry(name, expiry_ms),
            Form::Table(fields) => fields.set_expiry(name, expiry_ms),
        }
    }
}

/// An operation of a delta.
mod op {
    pub(super) const SET: u8 = 1;
    pub(super) const SET_EXPIRING: u8 = 2;
    pub(super) const REMOVE: u8 = 3;
    pub(super) const EXPIRE: u8 = 4;
}

impl Object for Hash {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = wire::Reader::new(delta);
        while !reader.is_empty() {
            let (op, name) = (reader.byte()?, reader.bytes()?);
            match op {
                op::SET => self.set(name, Field { value: reader.bytes()?, expiry_ms: 0 }),
                op::SET_EXPIRING => {
                    let (value, expiry_ms) = (reader.bytes()?, reader.number()?);
                    self.set(name, Field { value, expiry_ms });
                }
                op::REMOVE => self.remove(name),
                op::EXPIRE => self.set_expiry(name, reader.number()?),
                _ => return Err(Malformed),
            }
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.image_len(),
            Form::Table(fields) => fields.heap_bytes(),
        }
    }

    fn image_len(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.image_len(),
            Form::Table(fields) => fields.image_len(),
        }
    }

    fn freeze(&self) -> Box<dyn Image> {
        match &self.form {
            Form::Packed(packed) => Box::new(packed.image()),
            Form::Table(fields) => Box::new(fields.freeze()),
        }
    }

    fn snapshot(&self) -> Option<Box<dyn Object>> {
        Some(Box::new(self.clone()))
    }
}

impl Collection for Hash {
    const KIND: Kind = Kind::Hash;

    type View<'a> = View<'a>;

    fn view(&self) -> View<'_> {
        let form = match &self.form {
            Form::Packed(packed) => FormView::Packed(packed.as_ref()),
            Form::Table(fields) => FormView::Table(fields),
        };
        View { form }
    }

    fn view_image(image: &[u8]) -> View<'_> {
        View { form: FormView::Packed(Packed::of(image)) }
    }

    fn decode(image: &[u8]) -> Result<Hash, Malformed> {
        let packed = Packed::of(image);
        packed.check()?;
        let form = if image.len() <= MAX_PACKED {
            Form::Packed(packed.to_owned())
        } else {
            Form::Table(Fields::of(packed)?)
        };
        Ok(Hash { form })
    }

    fn encode(&self) -> Vec<u8> {
        match &self.form {
            Form::Packed(packed) => packed.image(),
            Form::Table(_) => encode_by_parts(self),
        }
    }

    fn encoding(_view: View<'_>, flags: u8) -> &'static str {
        match flags {
            _ if flags & HASHTABLE != 0 => "hashtable",
            _ if flags & EXPIRING != 0 => "listpackex",
            _ => "listpack",
        }
    }
}
