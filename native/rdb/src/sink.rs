//! Where the elements of a value go.

use crate::packed::Element;
use crate::{Error, Id, Shape};

/// Takes a value, element by element.
///
/// First comes [`Sink::begin`], then the elements in the order in which they are stored. Which
/// method takes them follows from the shape; what a sink has no method for is passed over. What a value may
/// not contain twice is for the sink to notice.
pub trait Sink {
    /// What may go wrong.
    type Error: From<Error>;

    /// A value begins, of about `len` elements as the input says: not to be trusted, 0 if it does
    /// not say.
    ///
    /// # Errors
    /// The sink's own, here and below; reading ends then.
    fn begin(&mut self, shape: Shape, len: u64) -> Result<(), Self::Error>;

    /// The string.
    ///
    /// # Errors
    /// The sink's own.
    fn string(&mut self, value: Vec<u8>) -> Result<(), Self::Error> {
        let _ = value;
        Ok(())
    }

    /// The next element of a list.
    ///
    /// # Errors
    /// The sink's own.
    fn element(&mut self, element: &[u8]) -> Result<(), Self::Error> {
        let _ = element;
        Ok(())
    }

    /// A member of a set.
    ///
    /// # Errors
    /// The sink's own.
    fn member(&mut self, member: &[u8]) -> Result<(), Self::Error> {
        let _ = member;
        Ok(())
    }

    /// A member of a sorted set. The score is not NaN.
    ///
    /// # Errors
    /// The sink's own.
    fn scored(&mut self, member: &[u8], score: f64) -> Result<(), Self::Error> {
        let _ = (member, score);
        Ok(())
    }

    /// A field of a hash; `expiry_ms` since 1970, 0 for never.
    ///
    /// # Errors
    /// The sink's own.
    fn field(&mut self, field: &[u8], value: &[u8], expiry_ms: u64) -> Result<(), Self::Error> {
        let _ = (field, value, expiry_ms);
        Ok(())
    }

    /// The next entries of a stream belong to one node.
    ///
    /// # Errors
    /// The sink's own.
    fn node(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The next entry of a stream. The IDs increase.
    ///
    /// # Errors
    /// The sink's own.
    fn entry(&mut self, id: Id, fields: &[(Element<'_>, Element<'_>)]) -> Result<(), Self::Error> {
        let _ = (id, fields);
        Ok(())
    }

    /// What there is to know about a stream besides its entries, after the last of them.
    ///
    /// # Errors
    /// The sink's own.
    fn state(&mut self, state: &StreamState) -> Result<(), Self::Error> {
        let _ = state;
        Ok(())
    }

    /// A consumer group, after the state.
    ///
    /// # Errors
    /// The sink's own.
    fn group(&mut self, group: &Group) -> Result<(), Self::Error> {
        let _ = group;
        Ok(())
    }

    /// A consumer of the last group.
    ///
    /// # Errors
    /// The sink's own.
    fn consumer(&mut self, consumer: &Consumer) -> Result<(), Self::Error> {
        let _ = consumer;
        Ok(())
    }

    /// An entry that the last consumer has got and not yet acknowledged. The IDs of a consumer
    /// increase, and no two consumers of a group share one.
    ///
    /// # Errors
    /// The sink's own.
    fn pending(&mut self, pending: &Pending) -> Result<(), Self::Error> {
        let _ = pending;
        Ok(())
    }
}

/// A stream besides its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// Entries there are.
    pub len: u64,
    /// The last ID that was given.
    pub last: Id,
    /// The first entry's.
    pub first: Id,
    /// The largest that was deleted.
    pub max_deleted: Id,
    /// Entries ever added.
    pub added: u64,
}

/// A consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: Vec<u8>,
    /// The last ID that was delivered.
    pub last: Id,
    /// Entries read; `None` where that is not known.
    pub read: Option<u64>,
}

/// A consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name.
    pub name: Vec<u8>,
    /// When it last tried anything, milliseconds since 1970.
    pub seen_ms: u64,
    /// When it last got an entry; `None` if never.
    pub active_ms: Option<u64>,
}

/// A delivered entry that is not yet acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The entry's.
    pub id: Id,
    /// When it was last delivered, milliseconds since 1970.
    pub delivered_ms: u64,
    /// How often.
    pub deliveries: u64,
}

/// Takes values and forgets them: for whoever only wants to know that they can be read.
#[derive(Debug)]
pub struct Discard;

impl Sink for Discard {
    type Error = Error;

    fn begin(&mut self, _shape: Shape, _len: u64) -> Result<(), Error> {
        Ok(())
    }
}
