//! Values of payloads.

use ferric_engine::{Meta, Object};
use ferric_rdb::packed::Element;
use ferric_rdb::{Consumer, Error, Group, Id, Pending, Shape, Sink, StreamState, ValueType};

use super::stream;
use crate::families::sorted_sets::limits::stored;
use crate::thresholds::Thresholds;
use crate::values::hash::{self, Field, Hash};
use crate::values::list::{Delta, End, List};
use crate::values::set;
use crate::values::sorted::{self, SortedSet};
use crate::values::{Change, Collection, Kind, string};

const TWICE: Error = Error::Malformed("the value has something twice");
const EMPTY: Error = Error::Malformed("the value has nothing in it");

/// Builds the value of a payload.
pub(super) struct Builder<'t> {
    value_type: Option<ValueType>,
    thresholds: &'t Thresholds,
    value: Value,
    /// Longest element, in bytes, and number of elements.
    longest: usize,
    len: usize,
}

/// What has been built.
enum Value {
    Nothing,
    String(Vec<u8>),
    List(List),
    Set(set::Builder),
    Hash(Fields),
    SortedSet(Members),
    Stream(stream::Builder),
}

/// A hash.
#[derive(Default)]
struct Fields {
    hash: Hash,
    /// Number of fields that expire, and when the last of them does.
    expiring: usize,
    last_expiry: u64,
}

/// Members of a sorted set, in any order.
#[derive(Default)]
struct Members {
    bytes: Vec<u8>,
    /// Each with its score, and where it ends among the bytes.
    entries: Vec<(f64, usize)>,
}

/// A value, ready to be written.
pub(super) struct Built {
    kind: Kind,
    flags: u8,
    image: Vec<u8>,
    /// When a hash is gone whose fields all expire; 0: it is not such a hash.
    last_expiry: u64,
    now_ms: u64,
}

impl Built {
    /// The key holds the value from now on.
    pub(super) fn change(self, expiry_ms: u64) -> Change {
        let (expiry_ms, flags) = match self.last_expiry {
            last if last != 0 && last < self.now_ms => return Change::Delete,
            last if last != 0 && expiry_ms == 0 => (last, self.flags | hash::FIELD_EXPIRY),
            _ => (expiry_ms, self.flags),
        };
        let meta = Meta { expiry_ms, flags, ..Meta::default() };
        Change::Put { meta: Meta { kind: self.kind as u8, ..meta }, image: self.image }
    }
}

impl<'t> Builder<'t> {
    /// Builds the value of a payload that has this value with its type in front.
    pub(super) fn new(value: &[u8], thresholds: &'t Thresholds) -> Builder<'t> {
        let value_type = value.first().and_then(|byte| ValueType::of(*byte).ok());
        Builder { value_type, thresholds, value: Value::Nothing, longest: 0, len: 0 }
    }

    /// The value.
    ///
    /// # Errors
    /// It has nothing in it, or something twice.
    pub(super) fn finish(self, now_ms: u64) -> Result<Built, Error> {
        let flags = self.flags();
        let is_empty = self.len == 0;
        let (kind, image, last_expiry, flags) = match self.value {
            Value::Nothing => return Err(EMPTY),
            Value::String(value) => (Kind::String, value, 0, string::meta(0).flags),
            // Of all collections, only these may be empty.
            Value::Stream(builder) => (Kind::Stream, builder.finish().encode(), 0, 0),
            _ if is_empty => return Err(EMPTY),
            Value::List(list) => (Kind::List, list.encode(), 0, 0),
            Value::Set(builder) => match builder.finish(0) {
                Change::Put { meta, image } => (Kind::Set, image, 0, meta.flags),
                _ => return Err(EMPTY),
            },
            Value::Hash(fields) => {
                let all = fields.expiring == self.len;
                let expiring = if fields.expiring > 0 { hash::EXPIRING } else { 0 };
                let last_expiry = if all { fields.last_expiry } else { 0 };
                (Kind::Hash, fields.hash.encode(), last_expiry, flags | expiring)
            }
            Value::SortedSet(members) => {
                (Kind::SortedSet, members.into_set(flags)?.encode(), 0, flags)
            }
        };
        Ok(Built { kind, flags, image, last_expiry, now_ms })
    }

    /// The flag of a collection that Redis keeps in its large encoding once it has read this payload: if there are
    /// too many elements, or, unless they have come in the compact encoding, if one is too long.
    fn flags(&self) -> u8 {
        let thresholds = self.thresholds;
        let (entries, longest, flag) = match self.value {
            Value::Hash(_) => {
                (&thresholds.hash_max_entries, &thresholds.hash_max_value, hash::HASHTABLE)
            }
            Value::SortedSet(_) => {
                (&thresholds.zset_max_entries, &thresholds.zset_max_value, sorted::SKIPLIST)
            }
            _ => return 0,
        };
        use ValueType as T;
        let is_compact = matches!(
            self.value_type,
            Some(
                T::HashZiplist
                    | T::HashListpack
                    | T::HashListpackEx
                    | T::HashListpackExPreGa
                    | T::SortedSetZiplist
                    | T::SortedSetListpack
            )
        );
        let too_long = !is_compact && self.longest > longest.size();
        if self.len > entries.size() || too_long { flag } else { 0 }
    }

    fn stream(&mut self) -> Result<&mut stream::Builder, Error> {
        match &mut self.value {
            Value::Stream(builder) => Ok(builder),
            _ => Err(EMPTY),
        }
    }

    fn count(&mut self, longest: usize) {
        self.len += 1;
        self.longest = self.longest.max(longest);
    }
}

impl Members {
    fn push(&mut self, member: &[u8], score: f64) {
        self.bytes.extend_from_slice(member);
        self.entries.push((score, self.bytes.len()));
    }

    /// The set of these members.
    fn into_set(self, flags: u8) -> Result<SortedSet, Error> {
        let mut start = 0;
        let entries = self.entries.iter().map(|(score, end)| {
            let member = &self.bytes[std::mem::replace(&mut start, *end)..*end];
            (stored(*score, flags), member)
        });
        let mut entries: Vec<(f64, &[u8])> = entries.collect();
        entries.sort_unstable_by_key(|(_, member)| *member);
        if entries.windows(2).any(|two| two[0].1 == two[1].1) {
            return Err(TWICE);
        }
        entries.sort_unstable_by(|a, b| sorted::order(*a, *b));
        SortedSet::from_entries(&entries).map_err(|_| TWICE)
    }
}

impl Sink for Builder<'_> {
    type Error = Error;

    fn begin(&mut self, shape: Shape, _len: u64) -> Result<(), Error> {
        self.value = match shape {
            Shape::String => Value::String(Vec::new()),
            Shape::List => Value::List(List::default()),
            Shape::Hash => Value::Hash(Fields::default()),
            Shape::SortedSet => Value::SortedSet(Members::default()),
            Shape::Stream => Value::Stream(stream::Builder::default()),
            Shape::Set => Value::Set(set::Builder::new(self.thresholds)),
        };
        Ok(())
    }

    fn string(&mut self, value: Vec<u8>) -> Result<(), Error> {
        self.value = Value::String(value);
        Ok(())
    }

    fn element(&mut self, element: &[u8]) -> Result<(), Error> {
        let Value::List(list) = &mut self.value else { return Err(EMPTY) };
        let delta = Delta::new().push(End::Right, &[element]);
        list.apply(delta.bytes()).map_err(|_| EMPTY)?;
        self.count(element.len());
        Ok(())
    }

    fn member(&mut self, member: &[u8]) -> Result<(), Error> {
        let Value::Set(set) = &mut self.value else { return Err(EMPTY) };
        if !set.add(member) {
            return Err(TWICE);
        }
        self.count(member.len());
        Ok(())
    }

    fn field(&mut self, name: &[u8], value: &[u8], expiry_ms: u64) -> Result<(), Error> {
        let Value::Hash(fields) = &mut self.value else { return Err(EMPTY) };
        // Seen from the beginning of time nothing is over.
        if fields.hash.view().live(0).get(name).is_some() {
            return Err(TWICE);
        }
        fields.hash.set(name, Field { value, expiry_ms });
        fields.expiring += usize::from(expiry_ms != 0);
        fields.last_expiry = fields.last_expiry.max(expiry_ms);
        self.count(name.len().max(value.len()));
        Ok(())
    }

    fn scored(&mut self, member: &[u8], score: f64) -> Result<(), Error> {
        let Value::SortedSet(members) = &mut self.value else { return Err(EMPTY) };
        members.push(member, score);
        self.count(member.len());
        Ok(())
    }

    fn node(&mut self) -> Result<(), Error> {
        self.stream()?.node();
        Ok(())
    }

    fn entry(&mut self, id: Id, fields: &[(Element<'_>, Element<'_>)]) -> Result<(), Error> {
        self.stream()?.entry(id, fields)
    }

    fn state(&mut self, state: &StreamState) -> Result<(), Error> {
        self.stream()?.state(state)
    }

    fn group(&mut self, group: &Group) -> Result<(), Error> {
        self.stream()?.group(group)
    }

    fn consumer(&mut self, consumer: &Consumer) -> Result<(), Error> {
        self.stream()?.consumer(consumer)
    }

    fn pending(&mut self, pending: &Pending) -> Result<(), Error> {
        self.stream()?.pending(pending)
    }
}
