//! Consumer groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferric_engine::Malformed;

use super::Id;
use super::runs::{Ordered, Runs};

/// A name, shared between a structure and its index.
pub type Name = Arc<[u8]>;

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The entry, which may have been deleted since.
    pub id: Id,
    /// When it was delivered last, Unix milliseconds.
    pub delivered_ms: u64,
    /// How often it was delivered.
    pub deliveries: u64,
    /// Whose it is.
    pub owner: u32,
}

impl Ordered for Pending {
    fn id(&self) -> Id {
        self.id
    }
}

/// A consumer.
#[derive(Clone)]
pub struct Consumer {
    /// Its name.
    pub name: Name,
    /// When it was mentioned last, Unix milliseconds.
    pub seen_ms: u64,
    /// When it was given an entry last, Unix milliseconds; 0 = never.
    pub active_ms: u64,
    /// Its pending entries.
    pub pending: Runs<Id>,
}

/// A consumer group.
#[derive(Clone)]
pub struct Group {
    /// The last entry that was delivered.
    pub last: Id,
    /// How many entries the stream had up to `last`, those deleted since included; -1 when that is
    /// not known.
    pub read: i64,
    pending: Runs<Pending>,
    names: BTreeMap<Name, u32>,
    /// The consumers; a place is kept until another consumer takes it.
    consumers: Vec<Option<Arc<Consumer>>>,
}

/// The counter of a group that does not know it.
pub const UNKNOWN: i64 = -1;

/// Looking one entry up costs as much as passing so many by.
const FEW: usize = 8;

impl Group {
    /// A group without consumers.
    pub fn new(last: Id, read: i64) -> Group {
        let (pending, names, consumers) = (Runs::default(), BTreeMap::new(), Vec::new());
        Group { last, read, pending, names, consumers }
    }

    /// All pending entries.
    pub fn pending(&self) -> &Runs<Pending> {
        &self.pending
    }

    /// The consumers in the order of their names.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.names.values().filter_map(|&number| self.consumer(number))
    }

    /// Number of consumers.
    pub fn consumer_count(&self) -> usize {
        self.names.len()
    }

    /// The consumers by number, for [`Pending::owner`]; `None` where there is none.
    pub fn slots(&self) -> impl Iterator<Item = Option<&Consumer>> {
        self.consumers.iter().map(Option::as_deref)
    }

    /// The consumer with this number.
    pub fn consumer(&self, number: u32) -> Option<&Consumer> {
        self.consumers.get(number as usize)?.as_deref()
    }

    /// The number of the consumer with this name.
    pub fn number(&self, name: &[u8]) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// The consumer with this name.
    pub fn named(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumer(self.number(name)?)
    }

    /// Sets the times of a consumer, which is created if it is not there; its number.
    ///
    /// # Errors
    /// There are more than can be numbered.
    pub fn set_consumer(
        &mut self,
        name: &[u8],
        seen_ms: u64,
        active_ms: u64,
    ) -> Result<u32, Malformed> {
        if let Some(number) = self.number(name)
            && let Some(consumer) = self.consumer_mut(number)
        {
            (consumer.seen_ms, consumer.active_ms) = (seen_ms, active_ms);
            return Ok(number);
        }
        let name: Name = name.into();
        let pending = Runs::default();
        let consumer = Consumer { name: name.clone(), seen_ms, active_ms, pending };
        let number = self.free_place();
        let number32 = u32::try_from(number).map_err(|_| Malformed)?;
        match self.consumers.get_mut(number) {
            Some(place) => *place = Some(Arc::new(consumer)),
            None => self.consumers.push(Some(Arc::new(consumer))),
        }
        self.names.insert(name, number32);
        Ok(number32)
    }

    /// A place without a consumer, or the one behind the last.
    fn free_place(&self) -> usize {
        if self.consumers.len() == self.names.len() {
            return self.consumers.len();
        }
        self.consumers.iter().position(Option::is_none).unwrap_or(self.consumers.len())
    }

    /// Removes a consumer and its pending entries.
    pub fn drop_consumer(&mut self, name: &[u8]) {
        let Some(number) = self.names.remove(name) else { return };
        let Some(consumer) = self.consumers.get_mut(number as usize).and_then(Option::take) else {
            return;
        };
        if consumer.pending.len() < self.pending.len() / FEW {
            for id in consumer.pending.iter() {
                self.pending.remove(*id);
            }
        } else {
            self.pending.retain(|pending| pending.owner != number);
        }
        while self.consumers.pop_if(|place| place.is_none()).is_some() {}
    }

    /// Notes that an entry was delivered, to whomever it belonged before.
    ///
    /// # Errors
    /// There is no such consumer.
    pub fn deliver(&mut self, pending: Pending) -> Result<(), Malformed> {
        let Pending { id, owner, .. } = pending;
        self.consumer_mut(owner).ok_or(Malformed)?.pending.insert(id);
        if let Some(before) = self.pending.insert(pending)
            && before.owner != owner
            && let Some(consumer) = self.consumer_mut(before.owner)
        {
            consumer.pending.remove(id);
        }
        Ok(())
    }

    /// Removes a pending entry.
    pub fn acknowledge(&mut self, id: Id) {
        if let Some(pending) = self.pending.remove(id)
            && let Some(consumer) = self.consumer_mut(pending.owner)
        {
            consumer.pending.remove(id);
        }
    }

    /// About how much memory it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        /// A consumer with a short name, its place and its entry in the index.
        const CONSUMER: usize = size_of::<Consumer>() + 80;
        let pending = size_of::<Pending>() + size_of::<Id>();
        size_of::<Group>() + self.names.len() * CONSUMER + self.pending.len() * (pending + 4)
    }

    /// About how long it is in an image, in bytes.
    pub fn image_len(&self) -> usize {
        32 + self.names.len() * 32 + self.pending.len() * 14
    }

    fn consumer_mut(&mut self, number: u32) -> Option<&mut Consumer> {
        self.consumers.get_mut(number as usize)?.as_mut().map(Arc::make_mut)
    }
}
