//! Pub/Sub: who is subscribed to what, and the way of a message to them.
//!
//! A message is encoded once and put into the mailbox of each receiver, while the channel is locked: all
//! subscribers of a channel see its messages in the same order.

mod mailbox;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferric_resp::{Encoder, Protocol};
use parking_lot::{Mutex, RwLock};

use crate::clients::Client;
use crate::output_limits::OutputLimit;
use crate::pattern;

pub(crate) use mailbox::Mailbox;
pub use mailbox::{MailNews, MailNotice};
pub(crate) use subscriptions::Subscriptions;

/// Independently locked parts of the channels.
const PARTS: usize = 16;

/// What clients subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A channel, by its name.
    Channel,
    /// All channels whose names match.
    Pattern,
    /// A channel of a shard of a cluster.
    Shard,
}

impl Topic {
    /// All of them.
    pub const ALL: [Topic; 3] = [Topic::Channel, Topic::Pattern, Topic::Shard];
}

/// A message to be published.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    /// To a shard channel; patterns do not match these.
    pub shard: bool,
    /// The channel's name.
    pub channel: &'a [u8],
    /// The message.
    pub message: &'a [u8],
}

/// Subscribers by name, each name's by the clients' ids.
type Subscribers = HashMap<Arc<[u8]>, BTreeMap<u64, Arc<Client>>>;

/// Channels of one kind.
#[derive(Default)]
struct Channels {
    parts: [Mutex<Subscribers>; PARTS],
    random: RandomState,
    /// How many have subscribers; while there are none, publishing costs nothing.
    names: AtomicUsize,
}

impl Channels {
    fn part(&self, name: &[u8]) -> &Mutex<Subscribers> {
        &self.parts[self.random.hash_one(name) as usize % PARTS]
    }
}

/// All subscriptions.
#[derive(Default)]
pub struct PubSub {
    channels: Channels,
    shard_channels: Channels,
    /// Locked after a part of the channels.
    patterns: RwLock<Subscribers>,
    pattern_names: AtomicUsize,
    /// Subscriptions of all kinds.
    total: AtomicUsize,
}

/// Adds a subscriber; the name as it is kept, and whether it is new.
fn insert(names: &mut Subscribers, name: &[u8], client: &Arc<Client>) -> (Arc<[u8]>, bool) {
    let known = names.get_key_value(name).map(|(name, _)| Arc::clone(name));
    let new = known.is_none();
    let name = known.unwrap_or_else(|| name.into());
    names.entry(Arc::clone(&name)).or_default().insert(client.id, Arc::clone(client));
    (name, new)
}

/// Removes a subscriber; true if it was the name's last.
fn remove(names: &mut Subscribers, name: &[u8], id: u64) -> bool {
    let Some(clients) = names.get_mut(name) else { return false };
    clients.remove(&id);
    clients.is_empty() && names.remove(name).is_some()
}

impl PubSub {
    /// The channels to which this is sent, or subscribed.
    fn channels(&self, shard: bool) -> &Channels {
        if shard { &self.shard_channels } else { &self.channels }
    }

    fn subscribe(&self, topic: Topic, name: &[u8], client: &Arc<Client>) -> Arc<[u8]> {
        self.total.fetch_add(1, Ordering::AcqRel);
        if topic == Topic::Pattern {
            let (name, new) = insert(&mut self.patterns.write(), name, client);
            self.pattern_names.fetch_add(usize::from(new), Ordering::AcqRel);
            return name;
        }
        let channels = self.channels(topic == Topic::Shard);
        let (name, new) = insert(&mut channels.part(name).lock(), name, client);
        channels.names.fetch_add(usize::from(new), Ordering::AcqRel);
        name
    }

    fn unsubscribe(&self, topic: Topic, name: &[u8], client: &Client) {
        if topic == Topic::Pattern {
            let last = remove(&mut self.patterns.write(), name, client.id);
            self.pattern_names.fetch_sub(usize::from(last), Ordering::AcqRel);
        } else {
            let channels = self.channels(topic == Topic::Shard);
            let last = remove(&mut channels.part(name).lock(), name, client.id);
            channels.names.fetch_sub(usize::from(last), Ordering::AcqRel);
        }
        self.total.fetch_sub(1, Ordering::AcqRel);
    }

    /// Sends a message to all who are subscribed now; to how many, a client counting once for its channel and once for
    /// each of its patterns. Those who have let more come together than `limit` allows are disconnected.
    pub fn publish(&self, post: Post<'_>, limit: OutputLimit, now_ms: u64) -> usize {
        self.each(post, |clients, pattern| {
            let message: Arc<[u8]> = encode(post, pattern).into();
            clients.values().for_each(|client| client.deliver(&message, limit, now_ms));
        })
    }

    /// How many would get a message.
    pub fn receivers(&self, post: Post<'_>) -> usize {
        self.each(post, |_, _| {})
    }

    /// How many subscribers and patterns publishing has to look at: an estimate that costs nothing while there
    /// are at most `few` subscriptions at all.
    pub fn work(&self, post: Post<'_>, few: usize) -> usize {
        let total = self.total.load(Ordering::Acquire);
        if total <= few {
            return total;
        }
        self.pattern_names.load(Ordering::Acquire) + self.receivers(post)
    }

    /// Visits the subscribers of a message's channel, then those of each pattern that matches it, with the channel locked. How
    /// many they are.
    fn each(
        &self,
        post: Post<'_>,
        mut visit: impl FnMut(&BTreeMap<u64, Arc<Client>>, Option<&[u8]>),
    ) -> usize {
        let channels = self.channels(post.shard);
        let patterns = if post.shard { 0 } else { self.pattern_names.load(Ordering::Acquire) };
        if channels.names.load(Ordering::Acquire) == 0 && patterns == 0 {
            return 0;
        }
        let mut receivers = 0;
        let part = channels.part(post.channel).lock();
        if let Some(clients) = part.get(post.channel) {
            visit(clients, None);
            receivers += clients.len();
        }
        if patterns > 0 {
            for (pattern, clients) in self.patterns.read().iter() {
                if pattern::matches(pattern, post.channel) {
                    visit(clients, Some(pattern));
                    receivers += clients.len();
                }
            }
        }
        receivers
    }

    /// How many names have subscribers.
    pub fn len(&self, topic: Topic) -> usize {
        let names = match topic {
            Topic::Channel => &self.channels.names,
            Topic::Pattern => &self.pattern_names,
            Topic::Shard => &self.shard_channels.names,
        };
        names.load(Ordering::Acquire)
    }

    /// Whether nobody is subscribed to anything.
    pub fn is_empty(&self) -> bool {
        self.total.load(Ordering::Acquire) == 0
    }

    /// The channels that have subscribers and match, in no order.
    pub(crate) fn active(&self, shard: bool, pattern: Option<&[u8]>) -> Vec<Arc<[u8]>> {
        let matches = |name: &&Arc<[u8]>| pattern.is_none_or(|glob| pattern::matches(glob, name));
        let parts = self.channels(shard).parts.iter();
        parts
            .flat_map(|part| part.lock().keys().filter(matches).cloned().collect::<Vec<_>>())
            .collect()
    }

    /// How many clients are subscribed to a channel by its name.
    pub(crate) fn subscribers(&self, shard: bool, channel: &[u8]) -> usize {
        self.channels(shard).part(channel).lock().get(channel).map_or(0, BTreeMap::len)
    }
}

/// A message as RESP2 clients get it; RESP3 differs in the first byte.
fn encode(post: Post<'_>, pattern: Option<&[u8]>) -> Vec<u8> {
    let Post { shard, channel, message } = post;
    let mut words: Vec<&[u8]> = Vec::with_capacity(4);
    match pattern {
        Some(pattern) => words.extend([b"pmessage".as_slice(), pattern]),
        None if shard => words.push(b"smessage"),
        None => words.push(b"message"),
    }
    words.extend([channel, message]);
    let mut encoder = Encoder::with_buffer(Vec::new(), Protocol::Resp2);
    encoder.push(words.len());
    words.iter().for_each(|word| encoder.bulk(word));
    encoder.into_inner()
}
