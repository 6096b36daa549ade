//! Messages on their way to one client.
//!
//! Publishers put them here, and the client's own calls take them out: so they are in order with its
//! replies, and none comes after the reply to the UNSUBSCRIBE that ended them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use ferric_resp::{Encoder, Protocol};
use parking_lot::Mutex;

use crate::output_limits::OutputLimit;

/// Memory that a message takes beside its bytes, which subscribers share: its place in the queue.
const OVERHEAD: usize = size_of::<Arc<[u8]>>();

/// What a client's process is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailNews {
    /// There are messages, where there were none: the client's next call takes them.
    Arrived,
    /// The client has not taken them for so long that it is disconnected: it executes nothing more.
    Overflow,
}

/// Tells a client's process, from whichever thread publishes. Called while locks are held, so it must not wait.
pub type MailNotice = Box<dyn Fn(MailNews) + Send + Sync>;

/// The messages to one client, in order.
#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    /// Memory of what is in it, in bytes.
    bytes: AtomicUsize,
    notice: OnceLock<MailNotice>,
}

#[derive(Default)]
struct State {
    /// Each encoded for RESP2; RESP3 differs in the first byte.
    messages: VecDeque<Arc<[u8]>>,
    /// The client's process has been told of them.
    told: bool,
    /// Since when there has been more than the soft limit, in Unix milliseconds.
    over_since_ms: Option<u64>,
    /// The client is being disconnected.
    closed: bool,
}

impl Mailbox {
    /// Whom to tell; only the first call counts.
    pub(crate) fn set_notice(&self, notice: MailNotice) {
        let _ = self.notice.set(notice);
    }

    /// Memory of what is in it, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    /// How many messages are in it.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().messages.len()
    }

    /// Adds a message. False if the client has now let too many of them come together: they are dropped,
    /// and so are all later ones.
    pub(crate) fn put(&self, message: &Arc<[u8]>, limit: OutputLimit, now_ms: u64) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return true;
        }
        let bytes = self.bytes() + message.len() + OVERHEAD;
        state.over_since_ms =
            limit.is_over_soft(bytes).then(|| state.over_since_ms.unwrap_or(now_ms));
        if limit.is_exceeded(bytes, state.over_since_ms, now_ms) {
            *state = State { closed: true, ..State::default() };
            self.bytes.store(0, Ordering::Release);
            return false;
        }
        state.messages.push_back(Arc::clone(message));
        self.bytes.store(bytes, Ordering::Release);
        let news = !std::mem::replace(&mut state.told, true);
        drop(state);
        if news {
            self.tell(MailNews::Arrived);
        }
        true
    }

    /// Tells the client's process.
    pub(crate) fn tell(&self, news: MailNews) {
        if let Some(notice) = self.notice.get() {
            notice(news);
        }
    }

    /// Writes messages to the client's replies until there are no more, or those written have about
    /// `limit` bytes. Returns whether there are no more.
    pub(crate) fn take(&self, reply: &mut Encoder, limit: usize) -> bool {
        if self.bytes() == 0 {
            return true;
        }
        let (messages, all) = self.pop(limit);
        let kind = match reply.protocol() {
            Protocol::Resp2 => b"*",
            Protocol::Resp3 => b">",
        };
        for message in messages {
            reply.raw(kind);
            reply.raw(message.get(1..).unwrap_or_default());
        }
        all
    }

    /// Takes messages of about `limit` bytes; and whether these are all.
    fn pop(&self, limit: usize) -> (Vec<Arc<[u8]>>, bool) {
        let mut state = self.state.lock();
        let (mut taken, mut size) = (Vec::new(), 0);
        while size < limit
            && let Some(message) = state.messages.pop_front()
        {
            size += message.len() + OVERHEAD;
            taken.push(message);
        }
        self.bytes.store(self.bytes().saturating_sub(size), Ordering::Release);
        let all = state.messages.is_empty();
        // Who takes only some calls again.
        state.told &= !all;
        (taken, all)
    }

    /// Drops what is in it.
    pub(crate) fn clear(&self) {
        let mut state = self.state.lock();
        state.messages.clear();
        state.told = false;
        self.bytes.store(0, Ordering::Release);
    }
}
