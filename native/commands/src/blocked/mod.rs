//! Clients that wait for a key: BLPOP and its like.
//!
//! A command that finds nothing registers its client under its keys while their shards are locked, so
//! that no change is missed. Whoever changes such a key runs the waiting commands in the order in which
//! they came, right after its own, and leaves their replies with them. If one cannot be run there (a key is
//! on disk only), its client is told to run it again itself, and keeps its place.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ferric_engine::Lsn;
use ferric_resp::Protocol;
use parking_lot::Mutex;

use crate::clients::Client;
use crate::context::{Args, Context, Fault};
use crate::job::Waker;
use crate::multi::Queued;
use crate::server::Server;
use crate::session::{ReplyMode, Session};
use crate::table::lookup_full;
use crate::values::Kind;

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// With this reply, which may be sent when the log is durable up to there.
    Reply(Vec<u8>, Lsn),
    /// The time is over, or an administrator said so.
    Timeout,
    /// An administrator ended it with an error.
    Error,
    /// The command has to be run again.
    Again,
}

/// A client that waits, and the command it waits with.
pub(crate) struct Waiter {
    /// Its place among all: lower ones came earlier.
    pub(crate) ticket: u64,
    pub(crate) client: Arc<Client>,
    pub(crate) db: u16,
    pub(crate) protocol: Protocol,
    pub(crate) command: Queued,
    pub(crate) seed: u64,
    /// The kind of value that it waits for.
    pub(crate) kind: Kind,
    /// When the wait ends, in Unix milliseconds; `None` = never.
    pub(crate) deadline_ms: Option<u64>,
    /// Its reply is not wanted (CLIENT REPLY).
    pub(crate) silent: bool,
    keys: Vec<Box<[u8]>>,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    waker: Option<Waker>,
}

enum Phase {
    Waiting,
    /// Somebody runs its command. A key has changed meanwhile, or the wait is to end.
    Running {
        missed: bool,
        ending: Option<Ending>,
    },
    Ended(Option<Ending>),
}

impl Waiter {
    /// Takes the right to run its command. Whoever has it looks again if it is asked for meanwhile.
    pub(crate) fn claim(&self) -> bool {
        let mut state = self.state.lock();
        match &mut state.phase {
            Phase::Waiting => {
                state.phase = Phase::Running { missed: false, ending: None };
                true
            }
            Phase::Running { missed, .. } => {
                *missed = true;
                false
            }
            Phase::Ended(_) => false,
        }
    }

    /// Gives it back: the command has found nothing. False if it has to be run once more.
    pub(crate) fn release(&self) -> bool {
        let mut state = self.state.lock();
        let Phase::Running { missed, ending } = &mut state.phase else { return true };
        if let Some(ending) = ending.take() {
            state.end(ending);
            return true;
        }
        if std::mem::take(missed) {
            return false;
        }
        state.phase = Phase::Waiting;
        true
    }

    /// Ends the wait, if nobody has; whoever runs the command may still come first.
    fn end(&self, how: Ending) {
        let mut state = self.state.lock();
        match &mut state.phase {
            Phase::Waiting => state.end(how),
            Phase::Running { ending, .. } => *ending = Some(how),
            Phase::Ended(_) => {}
        }
    }

    /// Ends the wait, for who has claimed it.
    pub(crate) fn finish(&self, how: Ending) {
        self.state.lock().end(how);
    }

    /// Has `waker` called when the wait has ended. Gives it back, uncalled, when it has already.
    pub(crate) fn wait(&self, waker: Waker) -> Option<Waker> {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Ended(_)) {
            return Some(waker);
        }
        state.waker = Some(waker);
        None
    }

    /// How it ended, once; `None` while it goes on.
    pub(crate) fn take_ending(&self) -> Option<Ending> {
        match &mut self.state.lock().phase {
            Phase::Ended(ending) => ending.take(),
            _ => None,
        }
    }
}

impl State {
    fn end(&mut self, how: Ending) {
        self.phase = Phase::Ended(Some(how));
        if let Some(wake) = self.waker.take() {
            wake();
        }
    }
}

/// The waiting clients of one key, by their tickets.
type Queue = BTreeMap<u64, Arc<Waiter>>;

/// All clients that wait.
#[derive(Default)]
pub(crate) struct Blocked {
    /// How many; while it is 0 changes cost nothing.
    active: AtomicUsize,
    tickets: AtomicU64,
    registered: Mutex<Registered>,
}

#[derive(Default)]
struct Registered {
    by_key: HashMap<u16, HashMap<Box<[u8]>, Queue>>,
    by_client: HashMap<u64, Arc<Waiter>>,
    /// Keys that have come or gone since somebody looked, because whole databases have changed.
    changed: Vec<(u16, Box<[u8]>)>,
}

impl Blocked {
    /// How many clients wait.
    pub(crate) fn len(&self) -> usize {
        self.active.load(Ordering::Acquire)
    }

    /// Whether a client waits for this key.
    #[inline]
    pub(crate) fn waits_for(&self, db: u16, key: &[u8]) -> bool {
        self.len() > 0
            && self.registered.lock().by_key.get(&db).is_some_and(|keys| keys.contains_key(key))
    }

    /// Notes that databases are exchanged; see `ferric_engine::Observer`.
    pub(crate) fn rearranged(&self, after: &[Option<u16>], has_key: &dyn Fn(u16, &[u8]) -> bool) {
        let mut registered = self.registered.lock();
        let Registered { by_key, changed, .. } = &mut *registered;
        for (db, keys) in by_key {
            let now = after.get(usize::from(*db)).copied().flatten();
            if now == Some(*db) {
                continue;
            }
            // Those that go matter, too: to who waits for a group of a stream.
            let changes =
                |key: &[u8]| has_key(*db, key) || now.is_some_and(|now| has_key(now, key));
            changed.extend(keys.keys().filter(|key| changes(key)).map(|key| (*db, key.clone())));
        }
    }

    /// The keys that have come or gone with their databases since this was last asked.
    pub(crate) fn take_changed(&self) -> Vec<(u16, Box<[u8]>)> {
        std::mem::take(&mut self.registered.lock().changed)
    }

    /// The first client after `ticket` that waits for a key.
    pub(crate) fn next(&self, db: u16, key: &[u8], ticket: Option<u64>) -> Option<Arc<Waiter>> {
        let registered = self.registered.lock();
        let queue = registered.by_key.get(&db)?.get(key)?;
        let from = ticket.map_or(0, |ticket| ticket + 1);
        queue.range(from..).next().map(|(_, waiter)| Arc::clone(waiter))
    }

    fn add(&self, waiter: &Arc<Waiter>) {
        let mut registered = self.registered.lock();
        registered.by_client.insert(waiter.client.id, Arc::clone(waiter));
        let keys = registered.by_key.entry(waiter.db).or_default();
        for key in &waiter.keys {
            let queue = keys.entry(key.clone()).or_default();
            queue.insert(waiter.ticket, Arc::clone(waiter));
        }
        self.active.fetch_add(1, Ordering::AcqRel);
        waiter.client.set_blocked(true);
    }

    /// Forgets a client that waits.
    pub(crate) fn remove(&self, waiter: &Waiter) {
        let mut registered = self.registered.lock();
        if registered.by_client.remove(&waiter.client.id).is_none() {
            return;
        }
        let Some(keys) = registered.by_key.get_mut(&waiter.db) else { return };
        for key in &waiter.keys {
            let Some(queue) = keys.get_mut(key) else { continue };
            queue.remove(&waiter.ticket);
            if queue.is_empty() {
                keys.remove(key);
            }
        }
        self.active.fetch_sub(1, Ordering::AcqRel);
        waiter.client.set_blocked(false);
    }

    /// Ends a client's wait; false if it does not wait.
    pub(crate) fn end(&self, client: u64, how: Ending) -> bool {
        let waiter = self.registered.lock().by_client.get(&client).cloned();
        let Some(waiter) = waiter else { return false };
        waiter.end(how);
        true
    }
}

/// How a command may wait. Taken from the context before shards are locked.
#[derive(Clone, Copy)]
pub(crate) struct Blocking<'c> {
    server: &'c Server,
    /// Nobody waits within a transaction.
    denied: bool,
    now_ms: u64,
}

/// What a command waits for.
pub(crate) struct Wish<'a> {
    /// Its words, as it is to be run when a key has changed.
    pub(crate) words: Args<'a>,
    /// The keys.
    pub(crate) keys: Args<'a>,
    /// The kind of value.
    pub(crate) kind: Kind,
    /// How long, in milliseconds; 0 = without end.
    pub(crate) timeout_ms: u64,
}

impl<'c> Blocking<'c> {
    pub(crate) fn new(ctx: &Context<'c, '_>) -> Blocking<'c> {
        let denied = ctx.access.is_in_transaction();
        Blocking { server: ctx.server, denied, now_ms: ctx.now_ms() }
    }

    /// Whether the command has to answer at once that there is nothing.
    pub(crate) fn is_denied(&self) -> bool {
        self.denied
    }

    /// Has the client wait. To be called while the keys' shards are locked.
    pub(crate) fn wait(&self, session: &mut Session, name: &str, wish: Wish<'_>) -> Fault {
        let Some(entry) = lookup_full(name.as_bytes()) else {
            return Fault::error("ERR internal error");
        };
        if session.is_stand_in() {
            return Fault::Blocked(None);
        }
        let blocked = self.server.blocked();
        let (ticket, deadline_ms) = session.resumed().unwrap_or_else(|| {
            let ticket = blocked.tickets.fetch_add(1, Ordering::AcqRel);
            let end = self.now_ms.saturating_add(wish.timeout_ms);
            (ticket, (wish.timeout_ms > 0).then_some(end))
        });
        let waiter = Arc::new(Waiter {
            ticket,
            client: Arc::clone(session.client()),
            db: session.db(),
            protocol: session.protocol(),
            command: Queued::new(entry, wish.words),
            seed: session.seed(),
            kind: wish.kind,
            deadline_ms,
            silent: session
                .resuming()
                .map_or(session.reply_mode() != ReplyMode::On, |before| before.silent),
            keys: wish.keys.iter().map(|&key| key.into()).collect(),
            state: Mutex::new(State { phase: Phase::Waiting, waker: None }),
        });
        blocked.add(&waiter);
        session.block(waiter);
        Fault::Blocked(deadline_ms.map(|end| end.saturating_sub(self.now_ms)))
    }
}
