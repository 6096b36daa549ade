//! Sets.
//!
//! ```text
//! image:   0 · number: number of members · members, each with its length
//!      or  width (2, 4 or 8) · integers of that width, little-endian, ascending
//! delta:   operations:  1 member       add
//!                       2 member       remove
//! ```
//!
//! Numbers and strings are those of [`wire`]. A set is one of integers until it gets another
//! member, or more than [`MAX_INTEGERS`]; then it never is again.

mod edit;
mod integers;
mod packed;
#[cfg(test)]
mod tests;

use ferric_engine::{Image, Malformed, Object};

pub use edit::{Builder, Edit};
use integers::Integers;
use packed::Packed;

use super::collection::{Collection, MAX_PACKED, encode_by_parts};
use super::dice::Dice;
use super::table::Table;
use super::{Kind, wire};
use crate::numbers::parse_i64;

/// `Meta::flags`: Redis would keep it as a hash table, and would not go back.
pub const HASHTABLE: u8 = 1;

/// Most members of a set of integers: inserting one moves at most 8 KiB.
const MAX_INTEGERS: usize = 1024;

/// First byte of an image that lists members.
const MEMBERS: u8 = 0;

/// A member as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member<'a> {
    /// As it was given.
    Text(&'a [u8]),
    /// In decimal.
    Integer(i64),
}

impl Member<'_> {
    /// Hands the member's bytes to `use_bytes`.
    #[inline]
    pub fn with<R>(self, use_bytes: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Member::Text(bytes) => use_bytes(bytes),
            Member::Integer(number) => use_bytes(itoa::Buffer::new().format(number).as_bytes()),
        }
    }
}

/// A set in memory.
#[derive(Clone)]
pub struct Set {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Integers(Integers<Vec<u8>>),
    Packed(Packed<Vec<u8>>),
    Table(Table),
}

/// Read access to a set.
#[derive(Clone, Copy)]
pub struct View<'a> {
    form: FormView<'a>,
}

#[derive(Clone, Copy)]
enum FormView<'a> {
    Integers(Integers<&'a [u8]>),
    Packed(Packed<&'a [u8]>),
    Table(&'a Table),
}

impl<'a> View<'a> {
    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        match self.form {
            FormView::Integers(integers) => integers.len(),
            FormView::Packed(packed) => packed.len(),
            FormView::Table(table) => table.len(),
        }
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this is a member.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match self.form {
            FormView::Integers(integers) => {
                parse_i64(member).is_some_and(|number| integers.find(number).is_ok())
            }
            FormView::Packed(packed) => packed.contains(member),
            FormView::Table(table) => table.contains(member),
        }
    }

    /// About the bytes of all members.
    pub fn bytes(&self) -> usize {
        match self.form {
            FormView::Integers(integers) => integers.bytes().len() * 2,
            FormView::Packed(packed) => packed.bytes(),
            FormView::Table(table) => table.content_bytes(),
        }
    }

    /// Calls `visit` with every member.
    #[inline]
    pub fn for_each(&self, mut visit: impl FnMut(Member<'a>)) {
        match self.form {
            FormView::Integers(integers) => {
                integers.iter().for_each(|number| visit(Member::Integer(number)));
            }
            FormView::Packed(packed) => packed.members().for_each(|text| visit(Member::Text(text))),
            FormView::Table(table) => table.iter().for_each(|(text, _)| visit(Member::Text(text))),
        }
    }

    /// All members.
    pub fn iter(&self) -> Box<dyn Iterator<Item = Member<'a>> + 'a> {
        match self.form {
            FormView::Integers(integers) => Box::new(integers.into_iter().map(Member::Integer)),
            FormView::Packed(packed) => Box::new(packed.members().map(Member::Text)),
            FormView::Table(table) => Box::new(table.iter().map(|(text, _)| Member::Text(text))),
        }
    }

    /// [`View::for_each`] in an order that depends only on which members there are.
    pub fn for_each_ordered(&self, mut visit: impl FnMut(Member<'a>)) {
        match self.form {
            FormView::Integers(_) => self.for_each(visit),
            FormView::Packed(packed) => {
                let mut members: Vec<_> = packed.members().collect();
                members.sort_by_cached_key(|member| (Table::order(member), *member));
                members.into_iter().for_each(|text| visit(Member::Text(text)));
            }
            FormView::Table(table) => {
                let chunks = (0..table.chunks()).flat_map(|chunk| table.ordered_entries_of(chunk));
                chunks.for_each(|(text, _)| visit(Member::Text(text)));
            }
        }
    }

    /// Hands about `count` members to `visit`, and returns the cursor of those that follow; see
    /// [`Table::scan`]. A small set, or one of integers, is visited as a whole.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Member<'a>)) -> u64 {
        match self.form {
            FormView::Table(table) => {
                table.scan(cursor, count, &mut |text, _| visit(Member::Text(text)))
            }
            _ => {
                self.for_each(visit);
                0
            }
        }
    }

    /// A member, each with the same probability; `None` when there is none. Which one depends only
    /// on the members and the dice, whether they are packed or in a table.
    pub fn random(&self, dice: &mut Dice) -> Option<Member<'a>> {
        match self.form {
            FormView::Table(table) => table.random(dice).map(|(text, _)| Member::Text(text)),
            _ if self.is_empty() => None,
            FormView::Integers(integers) => {
                Some(Member::Integer(integers.get(dice.below(integers.len()))))
            }
            FormView::Packed(packed) => {
                // As from a table of one chunk, which would be drawn first.
                let rank = (dice.bits(), dice.below(packed.len())).1;
                let mut members: Vec<_> = packed.members().collect();
                let rank = rank.min(members.len().checked_sub(1)?);
                members.sort_by_cached_key(|member| (Table::order(member), *member));
                members.get(rank).map(|text| Member::Text(text))
            }
        }
    }
}

impl Default for Set {
    fn default() -> Set {
        Set { form: Form::Integers(Integers::default()) }
    }
}

impl Set {
    /// Adds a member. False if it was there.
    pub fn insert(&mut self, member: &[u8]) -> bool {
        match &mut self.form {
            Form::Table(table) => return table.insert(member, &[]),
            Form::Packed(packed) => {
                let new = packed.insert(member);
                if packed.image_len() > MAX_PACKED {
                    let mut table = Table::new();
                    packed.as_ref().members().for_each(|member| {
                        table.insert(member, &[]);
                    });
                    self.form = Form::Table(table);
                }
                return new;
            }
            Form::Integers(integers) => {
                if let Some(number) = parse_i64(member) {
                    if integers.len() < MAX_INTEGERS {
                        return integers.insert(number);
                    }
                    if integers.find(number).is_ok() {
                        return false;
                    }
                }
                let numbers = std::mem::take(integers);
                self.form = Form::Packed(Packed::default());
                for number in numbers.iter() {
                    self.insert(itoa::Buffer::new().format(number).as_bytes());
                }
            }
        }
        self.insert(member)
    }

    /// Removes a member. False if it was not there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.form {
            Form::Integers(integers) => {
                parse_i64(member).is_some_and(|number| integers.remove(number))
            }
            Form::Packed(packed) => packed.remove(member),
            Form::Table(table) => table.remove(member),
        }
    }
}

/// An operation of a delta.
mod op {
    pub(super) const ADD: u8 = 1;
    pub(super) const REMOVE: u8 = 2;
}

impl Object for Set {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = wire::Reader::new(delta);
        while !reader.is_empty() {
            match (reader.byte()?, reader.bytes()?) {
                (op::ADD, member) => self.insert(member),
                (op::REMOVE, member) => self.remove(member),
                _ => return Err(Malformed),
            };
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Integers(integers) => integers.heap_bytes(),
            Form::Packed(packed) => packed.heap_bytes(),
            Form::Table(table) => table.heap_bytes(),
        }
    }

    fn image_len(&self) -> usize {
        match &self.form {
            Form::Integers(integers) => 1 + integers.bytes().len(),
            Form::Packed(packed) => packed.image_len(),
            // Lengths of members may take more bytes than one.
            Form::Table(table) => table.content_bytes() + table.len() + wire::MAX_NUMBER,
        }
    }

    fn freeze(&self) -> Box<dyn Image> {
        match &self.form {
            Form::Integers(integers) => Box::new(integers.image()),
            Form::Packed(packed) => Box::new(packed.image()),
            Form::Table(table) => Box::new(Frozen { table: table.clone(), next: None }),
        }
    }

    fn snapshot(&self) -> Option<Box<dyn Object>> {
        Some(Box::new(self.clone()))
    }
}

/// The image of a large set.
struct Frozen {
    table: Table,
    /// The chunk to write next; `None`: what stands before the members.
    next: Option<usize>,
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let start = out.len();
        let mut chunk = self.next.unwrap_or_else(|| {
            out.push(MEMBERS);
            wire::put_number(out, self.table.len() as u64);
            0
        });
        while chunk < self.table.chunks() && out.len() - start < budget {
            self.table.entries_of(chunk).for_each(|(member, _)| wire::put_bytes(out, member));
            chunk += 1;
        }
        self.next = Some(chunk);
        chunk < self.table.chunks()
    }
}

impl Collection for Set {
    const KIND: Kind = Kind::Set;

    type View<'a> = View<'a>;

    fn view(&self) -> View<'_> {
        let form = match &self.form {
            Form::Integers(integers) => FormView::Integers(integers.as_ref()),
            Form::Packed(packed) => FormView::Packed(packed.as_ref()),
            Form::Table(table) => FormView::Table(table),
        };
        View { form }
    }

    #[inline]
    fn view_image(image: &[u8]) -> View<'_> {
        let form = match image {
            [width @ (2 | 4 | 8), rest @ ..] => {
                FormView::Integers(Integers::of(usize::from(*width), rest))
            }
            [_, rest @ ..] => FormView::Packed(Packed::of(rest)),
            [] => FormView::Packed(Packed::of(&[])),
        };
        View { form }
    }

    fn decode(image: &[u8]) -> Result<Set, Malformed> {
        let form = match Set::view_image(image).form {
            FormView::Integers(integers) => {
                integers.check()?;
                Form::Integers(Integers::of(integers.width(), integers.bytes().to_vec()))
            }
            FormView::Packed(packed) => {
                if image.first() != Some(&MEMBERS) {
                    return Err(Malformed);
                }
                packed.check()?;
                if image.len() <= MAX_PACKED {
                    Form::Packed(packed.to_owned())
                } else {
                    let mut table = Table::new();
                    let distinct = packed.members().all(|member| table.insert(member, &[]));
                    distinct.then_some(Form::Table(table)).ok_or(Malformed)?
                }
            }
            FormView::Table(_) => return Err(Malformed),
        };
        Ok(Set { form })
    }

    fn encode(&self) -> Vec<u8> {
        match &self.form {
            Form::Integers(integers) => integers.image(),
            Form::Packed(packed) => packed.image(),
            Form::Table(_) => encode_by_parts(self),
        }
    }

    fn encoding(_view: View<'_>, flags: u8) -> &'static str {
        if flags & HASHTABLE == 0 { "intset" } else { "hashtable" }
    }
}
