//! What one client is subscribed to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::{PubSub, Topic};
use crate::clients::Client;

/// Channels, patterns and shard channels of one client. Dropping it ends the subscriptions.
pub(crate) struct Subscriptions {
    registry: Arc<PubSub>,
    client: Arc<Client>,
    names: [BTreeSet<Arc<[u8]>>; 3],
    /// What a transaction has changed and may have to take back, in order.
    changes: Vec<Change>,
}

struct Change {
    topic: Topic,
    name: Arc<[u8]>,
    added: bool,
}

impl Subscriptions {
    /// Of a client that has none yet.
    pub(crate) fn new(registry: &Arc<PubSub>, client: &Arc<Client>) -> Subscriptions {
        let (registry, client) = (Arc::clone(registry), Arc::clone(client));
        Subscriptions { registry, client, names: Default::default(), changes: Vec::new() }
    }

    /// Subscribes, if the client has not; `tentative`: until [`Subscriptions::commit`] says so.
    pub(crate) fn add(&mut self, topic: Topic, name: &[u8], tentative: bool) {
        if self.names[topic as usize].contains(name) {
            return;
        }
        let name = self.registry.subscribe(topic, name, &self.client);
        if tentative {
            self.changes.push(Change { topic, name: Arc::clone(&name), added: true });
        }
        self.names[topic as usize].insert(name);
        self.note(topic);
    }

    /// Ends a subscription, if there is one; `tentative` as for [`Subscriptions::add`].
    pub(crate) fn remove(&mut self, topic: Topic, name: &[u8], tentative: bool) {
        let Some(name) = self.names[topic as usize].take(name) else { return };
        self.registry.unsubscribe(topic, &name, &self.client);
        if tentative {
            self.changes.push(Change { topic, name, added: false });
        }
        self.note(topic);
    }

    /// What was changed stays.
    pub(crate) fn commit(&mut self) {
        self.changes.clear();
    }

    /// Takes back what was changed since the last [`Subscriptions::commit`]. Messages that have come meanwhile to a client
    /// without subscriptions are dropped: it does not expect any.
    pub(crate) fn roll_back(&mut self) {
        for Change { topic, name, added } in std::mem::take(&mut self.changes).into_iter().rev() {
            if added {
                self.remove(topic, &name, false);
            } else {
                self.add(topic, &name, false);
            }
        }
        if self.is_empty() {
            self.client.mailbox().clear();
        }
    }

    /// The names, in order of their bytes.
    pub(crate) fn names(&self, topic: Topic) -> impl ExactSizeIterator<Item = &Arc<[u8]>> {
        self.names[topic as usize].iter()
    }

    /// How many there are.
    pub(crate) fn len(&self, topic: Topic) -> usize {
        self.names[topic as usize].len()
    }

    /// Whether there are none of any kind.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.iter().all(BTreeSet::is_empty)
    }

    /// Shows CLIENT LIST how many there are.
    fn note(&self, topic: Topic) {
        self.client.subscriptions[topic as usize].store(self.len(topic), Relaxed);
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        for topic in Topic::ALL {
            for name in std::mem::take(&mut self.names[topic as usize]) {
                self.registry.unsubscribe(topic, &name, &self.client);
            }
            self.note(topic);
        }
    }
}
