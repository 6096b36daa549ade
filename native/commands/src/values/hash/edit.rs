//! A change of a hash that a command makes: its delta, and what is known of the hash after it.

use smallvec::SmallVec;

use super::{EXPIRING, FIELD_EXPIRY, Field, FormView, HASHTABLE, Hash, Live, Object, op};
use crate::context::Fault;
use crate::thresholds::Thresholds;
use crate::values::collection::SHORT_DELTA;
use crate::values::expiry::given;
use crate::values::touched::Touched;
use crate::values::wire::{put_bytes, put_number};
use crate::values::{Change, Held};

/// Fields that are over which a change of a large hash removes beside its own work.
const SWEPT: usize = 32;

/// A change in the making.
pub struct Edit<'h, 'a> {
    held: Option<Held<'h, Hash>>,
    live: Live<'h>,
    delta: Vec<u8>,
    /// What this change has made of fields: the expiry, `None` without the field.
    touched: Touched<'a, Option<u64>>,
    /// Fields of a large hash that were over and are removed by this change.
    swept: SmallVec<[&'h [u8]; 1]>,
    /// Stored fields after the change, and those of them with an expiry.
    len: usize,
    expiring: usize,
    /// No field that expires does so later.
    last_expiry: u64,
    /// No field that expires does so earlier.
    first_expiry: Option<u64>,
    flags: u8,
}

impl<'h, 'a> Edit<'h, 'a> {
    /// Begins a change of what a key holds by a command that names so many fields.
    pub fn new(held: Option<Held<'h, Hash>>, now_ms: u64, names: usize) -> Edit<'h, 'a> {
        let held = held.filter(|held| !held.view.live(now_ms).is_empty());
        let live = held.as_ref().map_or(Live::empty(now_ms), |held| held.view.live(now_ms));
        let first_expiry = held.as_ref().and_then(|held| held.view.first_expiry());
        let mut edit = Edit {
            flags: held.as_ref().map_or(0, |held| held.meta.flags & !FIELD_EXPIRY),
            held,
            live,
            delta: Vec::with_capacity(SHORT_DELTA),
            touched: Touched::new(names),
            swept: SmallVec::new(),
            len: live.stored(),
            expiring: 0,
            last_expiry: 0,
            first_expiry,
        };
        edit.sweep();
        edit
    }

    /// Counts the fields that expire, and removes some that are over.
    fn sweep(&mut self) {
        match self.live.form() {
            FormView::Packed(packed) if packed.is_expiring() => {
                for (name, field) in packed.entries().filter(|(_, field)| field.expiry_ms != 0) {
                    self.expiring += 1;
                    self.last_expiry = self.last_expiry.max(field.expiry_ms);
                    if field.is_over(self.live.now_ms()) {
                        self.drop_field(name, field.expiry_ms);
                    }
                }
            }
            FormView::Packed(_) => {}
            FormView::Table(fields) => {
                self.expiring = fields.expiring();
                self.last_expiry = fields.last_expiry().unwrap_or(0);
                for name in fields.names_over(self.live.now_ms()).take(SWEPT) {
                    self.drop_field(name, 1);
                    self.swept.push(name);
                }
            }
        }
    }

    /// Whether there was a hash before the change.
    pub fn existed(&self) -> bool {
        self.held.is_some()
    }

    /// A time before which no field expires after the change; `None` if none ever does.
    pub fn first_expiry(&self) -> Option<u64> {
        self.first_expiry
    }

    /// The field as this change has left it so far; a value that was set by it is not shown.
    pub fn get(&self, name: &[u8]) -> Option<Field<'h>> {
        let field = self.live.get(name);
        match self.touched.get(name) {
            None => field,
            Some(None) => None,
            Some(Some(expiry_ms)) => {
                Some(Field { value: field.map_or(&[], |field| field.value), expiry_ms })
            }
        }
    }

    /// Gives a field a value and an expiry (0: none). True if the field is new.
    pub fn set(&mut self, name: &'a [u8], value: &[u8], expiry_ms: u64) -> bool {
        let old = self.get(name);
        // A field that is over and not swept yet is stored, though nobody sees it.
        let stored = old.or_else(|| self.stored_over(name));
        if stored.is_none() {
            self.len += 1;
        }
        self.count_expiry(stored.map_or(0, |field| field.expiry_ms), expiry_ms);
        self.put(if expiry_ms == 0 { op::SET } else { op::SET_EXPIRING }, name);
        put_bytes(&mut self.delta, value);
        if expiry_ms != 0 {
            put_number(&mut self.delta, expiry_ms);
        }
        self.note(name, Some(expiry_ms));
        old.is_none()
    }

    /// Changes the expiry of a field that is there (0: none).
    pub fn set_expiry(&mut self, name: &'a [u8], old: Field<'_>, expiry_ms: u64) {
        self.count_expiry(old.expiry_ms, expiry_ms);
        self.put(op::EXPIRE, name);
        put_number(&mut self.delta, expiry_ms);
        self.note(name, Some(expiry_ms));
    }

    /// Removes a field. False if it is not there.
    pub fn remove(&mut self, name: &'a [u8]) -> bool {
        let Some(old) = self.get(name) else { return false };
        self.drop_field(name, old.expiry_ms);
        self.note(name, None);
        true
    }

    /// Redis keeps a hash with words this long, or of more fields, as a hash table.
    pub fn outgrow(&mut self, thresholds: &Thresholds, longest: usize) {
        let (entries, value) =
            (thresholds.hash_max_entries.size(), thresholds.hash_max_value.size());
        if longest > value || self.len > entries {
            self.flags |= HASHTABLE;
        }
    }

    /// What is to be written; `None` when nothing has changed.
    ///
    /// # Errors
    /// The stored hash is malformed.
    pub fn finish(self) -> Result<Option<Change>, Fault> {
        if self.delta.is_empty() {
            return Ok(None);
        }
        let all_expire = self.expiring == self.len;
        let gone = all_expire && self.last_expiry < self.live.now_ms();
        let left = if gone { 0 } else { self.len };
        let own = self.held.as_ref().map_or(0, |held| given(held.meta));
        let (expiry_ms, flags) = match (all_expire, own) {
            (true, 0) => (self.last_expiry, self.flags | FIELD_EXPIRY),
            _ => (own, self.flags),
        };
        let Some(held) = self.held else {
            if left == 0 {
                return Ok(Some(Change::Delete));
            }
            let mut hash = Hash::default();
            hash.apply(&self.delta)?;
            return Ok(Some(Change::put(&hash, flags, expiry_ms)));
        };
        let meta = ferric_engine::Meta { expiry_ms, flags, ..held.meta };
        Ok(Some(held.change(meta, &self.delta, left)?))
    }

    /// A field of a large hash that is over and stays stored, unless it is overwritten.
    fn stored_over(&self, name: &[u8]) -> Option<Field<'h>> {
        match self.live.form() {
            FormView::Table(fields) if !self.swept.contains(&name) => fields.get(name),
            _ => None,
        }
    }

    fn drop_field(&mut self, name: &[u8], expiry_ms: u64) {
        self.len -= 1;
        self.count_expiry(expiry_ms, 0);
        self.put(op::REMOVE, name);
    }

    fn count_expiry(&mut self, old: u64, new: u64) {
        self.expiring = self.expiring + usize::from(new != 0) - usize::from(old != 0);
        self.last_expiry = self.last_expiry.max(new);
        if new != 0 {
            self.first_expiry = Some(self.first_expiry.map_or(new, |first| first.min(new)));
            self.flags |= EXPIRING;
        }
    }

    fn put(&mut self, op: u8, name: &[u8]) {
        self.delta.push(op);
        put_bytes(&mut self.delta, name);
    }

    fn note(&mut self, name: &'a [u8], state: Option<u64>) {
        self.touched.set(name, state);
    }
}
