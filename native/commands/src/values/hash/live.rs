//! A hash as of a point in time: without the fields that are over.

use super::{Field, FormView, View};
use crate::values::dice::Dice;

/// Draws that may meet fields that are over before all fields are looked at.
const DRAWS: usize = 64;

/// Read access to what is there.
#[derive(Clone, Copy)]
pub struct Live<'a> {
    form: FormView<'a>,
    now_ms: u64,
}

impl<'a> Live<'a> {
    pub(super) fn new(view: View<'a>, now_ms: u64) -> Live<'a> {
        Live { form: view.form, now_ms }
    }

    /// A hash without fields.
    pub fn empty(now_ms: u64) -> Live<'a> {
        Live { form: FormView::Packed(super::Packed::of(&[])), now_ms }
    }

    pub(super) fn form(&self) -> FormView<'a> {
        self.form
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The field of this name.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<Field<'a>> {
        let field = match self.form {
            FormView::Packed(packed) => packed.get(name)?,
            FormView::Table(fields) => fields.get(name)?,
        };
        (!field.is_over(self.now_ms)).then_some(field)
    }

    /// Number of fields. Takes a time that grows with [`Live::over`].
    pub fn len(&self) -> usize {
        match self.form {
            FormView::Packed(packed) if !packed.is_expiring() => packed.len(),
            FormView::Packed(_) => self.packed().count(),
            FormView::Table(fields) => fields.len() - fields.over(self.now_ms),
        }
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        match self.form {
            FormView::Packed(packed) if !packed.is_expiring() => packed.len() == 0,
            FormView::Packed(_) => self.packed().next().is_none(),
            FormView::Table(fields) => {
                let all_expire = fields.len() == fields.expiring();
                all_expire && fields.last_expiry().is_none_or(|last| last < self.now_ms)
            }
        }
    }

    /// Number of fields and of those that are over but still stored, or a little more: what it
    /// takes to look at all of them.
    pub fn stored(&self) -> usize {
        match self.form {
            FormView::Packed(packed) => packed.len(),
            FormView::Table(fields) => fields.len(),
        }
    }

    /// Number of stored fields that are over, as far as counting them takes time; at most `limit`.
    pub fn over(&self, limit: usize) -> usize {
        match self.form {
            FormView::Packed(_) => 0,
            FormView::Table(fields) => fields.names_over(self.now_ms).take(limit).count(),
        }
    }

    /// About the bytes of all names and values.
    pub fn bytes(&self) -> usize {
        match self.form {
            FormView::Packed(packed) => packed.bytes(),
            FormView::Table(fields) => fields.table().content_bytes(),
        }
    }

    /// Calls `visit` with every field.
    #[inline]
    pub fn for_each(&self, mut visit: impl FnMut(&'a [u8], Field<'a>)) {
        match self.form {
            FormView::Packed(_) => self.packed().for_each(|(name, field)| visit(name, field)),
            FormView::Table(fields) => fields
                .entries()
                .filter(|(_, field)| !field.is_over(self.now_ms))
                .for_each(|(name, field)| visit(name, field)),
        }
    }

    /// Hands about `count` fields to `visit`, and returns the cursor of those that follow; see
    /// [`Table::scan`](crate::values::table::Table::scan). A small hash is visited as a whole.
    pub fn scan(
        &self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&'a [u8], Field<'a>),
    ) -> u64 {
        let now_ms = self.now_ms;
        match self.form {
            FormView::Packed(_) => {
                self.packed().for_each(|(name, field)| visit(name, field));
                0
            }
            FormView::Table(fields) => fields.table().scan(cursor, count, &mut |name, payload| {
                let field = fields.field(payload);
                if !field.is_over(now_ms) {
                    visit(name, field);
                }
            }),
        }
    }

    /// A field, each with the same probability; `None` when there is none.
    pub fn random(&self, dice: &mut Dice) -> Option<(&'a [u8], Field<'a>)> {
        let FormView::Table(fields) = self.form else {
            let chosen = dice.below(self.len());
            return self.packed().nth(chosen);
        };
        for _ in 0..DRAWS {
            let (name, payload) = fields.table().random(dice)?;
            let field = fields.field(payload);
            if !field.is_over(self.now_ms) {
                return Some((name, field));
            }
        }
        let (mut left, mut chosen) = (dice.below(self.len()), None);
        self.for_each(|name, field| {
            if left == 0 && chosen.is_none() {
                chosen = Some((name, field));
            }
            left = left.saturating_sub(1);
        });
        chosen
    }

    /// The fields of an image.
    fn packed(&self) -> impl Iterator<Item = (&'a [u8], Field<'a>)> + use<'a> {
        let packed = match self.form {
            FormView::Packed(packed) => packed,
            FormView::Table(_) => super::Packed::of(&[]),
        };
        let now_ms = self.now_ms;
        packed.entries().filter(move |(_, field)| !field.is_over(now_ms))
    }
}
