//! One client's connection as the executor sees it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ferric_resp::{ArgSlices, Decoder, Protocol};

use crate::blocked::{Blocked, Ending, Waiter};
use crate::clients::{Client, Clients, Identity, Peer, Transport};
use crate::job::{Job, Waker};
use crate::multi::Multi;
use crate::pubsub::{MailNotice, Post, PubSub, Subscriptions, Topic};
use crate::server::Server;
use crate::watches::{Watch, Watches};

/// The step of SplitMix64 from one state to the next.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Whether replies are sent (CLIENT REPLY).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReplyMode {
    /// All of them.
    #[default]
    On,
    /// None.
    Off,
    /// Not the one of the command that is running, and not the next one.
    SkipNext,
    /// Not the one of the command that is running.
    Skip,
}

/// One client's connection: who it is, where it is, and its input that has not been executed yet.
///
/// It belongs to one process, which executes its commands one after another; what others may see of
/// it is in its [`Client`]. Dropping it removes it from the registry.
pub struct Session {
    client: Arc<Client>,
    registry: Arc<Clients>,
    waiters: Arc<Blocked>,
    db: u16,
    protocol: Protocol,
    authenticated: bool,
    no_touch: bool,
    closing: bool,
    paused: bool,
    random: u64,
    /// How often the command that runs has stopped for keys on disk.
    cold: u32,
    /// What the command that runs has started and waits for.
    job: Option<Job>,
    /// The commands since MULTI.
    multi: Option<Multi>,
    watch: Option<Watch>,
    subscriptions: Option<Box<Subscriptions>>,
    /// What a transaction publishes when it is committed.
    outbox: Vec<Unsent>,
    /// The client waits for a key.
    blocked: Option<Arc<Waiter>>,
    /// A wait that has to be begun again: its command, and its place and end.
    resumed: Option<Arc<Waiter>>,
    /// What runs a waiting client's command in its place.
    stand_in: bool,
    pub(crate) reply_mode: ReplyMode,
    pub(crate) input: Input,
}

/// A message that waits for the end of a transaction.
struct Unsent {
    shard: bool,
    channel: Box<[u8]>,
    message: Box<[u8]>,
}

/// See [`Session::checkpoint`].
#[derive(Clone, Copy)]
pub(crate) struct Checkpoint {
    db: u16,
    protocol: Protocol,
    random: u64,
}

/// Buffers that outlive one execution.
#[derive(Default)]
pub(crate) struct Input {
    pub(crate) decoder: Decoder,
    pub(crate) slices: ArgSlices,
}

impl Session {
    pub(crate) fn new(
        client: Arc<Client>,
        registry: Arc<Clients>,
        waiters: Arc<Blocked>,
        random: u64,
    ) -> Session {
        let protocol = initial_protocol(client.peer.transport);
        Session {
            client,
            registry,
            waiters,
            db: 0,
            protocol,
            authenticated: false,
            no_touch: false,
            closing: false,
            paused: false,
            random,
            cold: 0,
            job: None,
            multi: None,
            watch: None,
            subscriptions: None,
            outbox: Vec::new(),
            blocked: None,
            resumed: None,
            stand_in: false,
            reply_mode: ReplyMode::On,
            input: Input::default(),
        }
    }

    /// What runs the command of a waiting client in its place.
    pub(crate) fn stand_in(server: &Server, waiter: &Waiter) -> Session {
        let client = Arc::clone(&waiter.client);
        let mut session = {
            let (clients, waiters) = (Arc::clone(server.clients()), Arc::clone(server.blocked()));
            Session::new(client, clients, waiters, waiter.seed)
        };
        session.db = waiter.db;
        session.protocol = waiter.protocol;
        session.authenticated = true;
        session.stand_in = true;
        session
    }

    /// Whether it is such a one.
    pub(crate) fn is_stand_in(&self) -> bool {
        self.stand_in
    }

    /// The client waits.
    pub(crate) fn block(&mut self, waiter: Arc<Waiter>) {
        self.blocked = Some(waiter);
    }

    /// The wait that goes on, or has ended and is to be taken with [`Session::take_blocked`].
    pub(crate) fn blocked(&self) -> Option<&Arc<Waiter>> {
        self.blocked.as_ref()
    }

    /// The client waits no more.
    pub(crate) fn take_blocked(&mut self) -> Option<Arc<Waiter>> {
        self.blocked.take()
    }

    /// The wait whose command has to be run again.
    pub(crate) fn resume(&mut self, waiter: Option<Arc<Waiter>>) {
        self.resumed = waiter;
    }

    pub(crate) fn resuming(&self) -> Option<Arc<Waiter>> {
        self.resumed.clone()
    }

    /// Place and end of the wait that is begun again.
    pub(crate) fn resumed(&self) -> Option<(u64, Option<u64>)> {
        self.resumed.as_ref().map(|waiter| (waiter.ticket, waiter.deadline_ms))
    }

    /// Has `waker` called when the client waits for a key no more, from whichever thread ends that. Gives it
    /// back, uncalled, when that has happened already.
    pub fn on_unblocked(&self, waker: Waker) -> Option<Waker> {
        match &self.blocked {
            Some(waiter) => waiter.wait(waker),
            None => Some(waker),
        }
    }

    /// The time for which the client was to wait is over.
    pub fn end_wait(&self) {
        if let Some(waiter) = &self.blocked {
            self.waiters.end(waiter.client.id, Ending::Timeout);
        }
    }

    /// Whom to tell of messages to the client. Only the first call counts.
    pub fn on_mail(&self, notice: MailNotice) {
        self.client.mailbox().set_notice(notice);
    }

    /// What the client is subscribed to, to be changed.
    pub(crate) fn subscriptions(&mut self, registry: &Arc<PubSub>) -> &mut Subscriptions {
        let client = &self.client;
        self.subscriptions.get_or_insert_with(|| Subscriptions::new(registry, client).into())
    }

    /// Ends a subscription, if there is one; within a transaction until that is committed.
    pub(crate) fn unsubscribe(&mut self, topic: Topic, name: &[u8], transaction: bool) {
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.remove(topic, name, transaction);
        }
    }

    /// Ends all subscriptions.
    pub(crate) fn unsubscribe_all(&mut self) {
        self.subscriptions = None;
    }

    /// The names to which the client is subscribed.
    pub(crate) fn subscribed(&self, topic: Topic) -> Vec<Arc<[u8]>> {
        self.subscriptions.iter().flat_map(|all| all.names(topic).cloned()).collect()
    }

    /// How many they are.
    pub(crate) fn subscription_count(&self, topic: Topic) -> usize {
        self.subscriptions.as_ref().map_or(0, |all| all.len(topic))
    }

    /// Whether there are any of any kind.
    #[inline]
    pub(crate) fn is_subscriber(&self) -> bool {
        self.subscriptions.as_ref().is_some_and(|all| !all.is_empty())
    }

    /// Keeps a message until the transaction is committed.
    pub(crate) fn publish_later(&mut self, post: Post<'_>) {
        let (channel, message) = (post.channel.into(), post.message.into());
        self.outbox.push(Unsent { shard: post.shard, channel, message });
    }

    /// The transaction is committed: sends its messages, and its subscriptions stay.
    pub(crate) fn commit(&mut self, server: &Server, now_ms: u64) {
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.commit();
        }
        for Unsent { shard, channel, message } in std::mem::take(&mut self.outbox) {
            server.publish(Post { shard, channel: &channel, message: &message }, now_ms);
        }
    }

    /// The transaction is rolled back: forgets its messages and its subscriptions.
    pub(crate) fn roll_back(&mut self) {
        self.outbox.clear();
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.roll_back();
        }
    }

    /// The client's id, unique and growing, from 1.
    pub fn id(&self) -> u64 {
        self.client.id
    }

    /// The part others may see.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Where the client comes from.
    pub fn peer(&self) -> &Peer {
        &self.client.peer
    }

    /// The selected database.
    #[inline]
    pub fn db(&self) -> u16 {
        self.db
    }

    /// Selects a database.
    pub fn select(&mut self, db: u16) {
        self.db = db;
        self.client.db.store(db, Relaxed);
    }

    /// The protocol version that replies are written in.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Changes it, for the replies after the running command's.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.client.protocol.store(protocol_number(protocol), Relaxed);
    }

    /// Whether the client may run commands.
    #[inline]
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Lets the client run commands, or no longer.
    pub fn set_authenticated(&mut self, authenticated: bool) {
        self.authenticated = authenticated;
    }

    /// Name and library, as the client gave them.
    pub fn identity(&self) -> Identity {
        self.client.identity.lock().clone()
    }

    /// Changes them.
    pub fn identify(&mut self, change: impl FnOnce(&mut Identity)) {
        change(&mut self.client.identity.lock());
    }

    /// Whether the client's reads leave the access time of keys as it is (CLIENT NO-TOUCH).
    #[inline]
    pub fn no_touch(&self) -> bool {
        self.no_touch
    }

    /// Sets CLIENT NO-TOUCH.
    pub fn set_no_touch(&mut self, on: bool) {
        self.no_touch = on;
        self.client.no_touch.store(on, Relaxed);
    }

    /// Sets CLIENT NO-EVICT. Clients are not evicted, so it only shows in CLIENT LIST.
    pub fn set_no_evict(&mut self, on: bool) {
        self.client.no_evict.store(on, Relaxed);
    }

    /// Sets whether replies are sent.
    pub fn set_reply_mode(&mut self, mode: ReplyMode) {
        self.reply_mode = mode;
    }

    /// The mode that was set.
    pub fn reply_mode(&self) -> ReplyMode {
        self.reply_mode
    }

    /// Back to the state in which the connection began (RESET): RESP2, database 0, no name, not
    /// authenticated when there is a password. The embedded API keeps its protocol and its trust.
    pub fn reset(&mut self, has_password: bool) {
        let embedded = self.client.peer.transport == Transport::Embedded;
        self.select(0);
        self.set_protocol(initial_protocol(self.client.peer.transport));
        self.set_authenticated(embedded || !has_password);
        self.set_no_touch(false);
        if self.reply_mode != ReplyMode::Skip {
            self.reply_mode = ReplyMode::On;
        }
        self.identify(|identity| identity.name.clear());
        self.leave_multi();
    }

    /// Notes that the command that runs waits, or ends the wait of one: a command that pauses its
    /// connection replies when it is run again. True when it had been waiting.
    pub fn toggle_pause(&mut self) -> bool {
        let was = self.paused;
        self.paused = !was;
        was
    }

    /// The transaction that has begun.
    pub(crate) fn multi(&self) -> Option<&Multi> {
        self.multi.as_ref()
    }

    /// The same, to be changed.
    pub(crate) fn multi_mut(&mut self) -> Option<&mut Multi> {
        self.multi.as_mut()
    }

    /// Begins a transaction, or goes on with one; or there is none any more.
    pub(crate) fn set_multi(&mut self, multi: Option<Multi>) {
        self.multi = multi;
        self.note_multi();
    }

    /// The transaction, to be run.
    pub(crate) fn take_multi(&mut self) -> Option<Multi> {
        self.multi.take()
    }

    /// Ends the transaction, and what was watched for it.
    pub(crate) fn leave_multi(&mut self) {
        self.set_multi(None);
        self.unwatch();
    }

    /// Shows CLIENT LIST how many commands wait.
    pub(crate) fn note_multi(&self) {
        let (len, bytes) = match &self.multi {
            Some(multi) => (multi.queue().len() as i64, multi.bytes()),
            None => (-1, 0),
        };
        self.client.multi.store(len, Relaxed);
        self.client.multi_bytes.store(bytes, Relaxed);
    }

    /// What is watched for the next transaction.
    pub(crate) fn watch(&mut self, registry: &Arc<Watches>) -> &mut Watch {
        self.watch.get_or_insert_with(|| Watch::new(registry))
    }

    /// Watches nothing any more.
    pub(crate) fn unwatch(&mut self) {
        self.watch = None;
    }

    /// The watched keys, with their databases.
    pub(crate) fn watched_keys(&self) -> impl Iterator<Item = (u16, &[u8])> {
        self.watch.iter().flat_map(Watch::keys)
    }

    /// Whether the transaction must not run. Whoever asks holds the locks of the watched keys.
    pub(crate) fn is_watch_broken(&self, now_ms: u64) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_broken(now_ms))
    }

    /// What the commands of a transaction may change of the session and a new run of it must find as it
    /// was.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { db: self.db, protocol: self.protocol, random: self.random }
    }

    /// Undoes such changes.
    pub(crate) fn restore_checkpoint(&mut self, before: Checkpoint) {
        self.select(before.db);
        self.set_protocol(before.protocol);
        self.random = before.random;
        self.roll_back();
    }

    /// Executes nothing more: the next call answers that the connection is to be closed.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Whether nothing more is to be executed.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing || self.client.is_killed()
    }

    /// Notes the command that runs, for CLIENT LIST.
    #[inline]
    pub(crate) fn note_command(&self, index: usize) {
        self.client.command.store(index + 1, Relaxed);
    }

    /// Notes an interaction, for CLIENT LIST.
    pub(crate) fn touch(&self, now_ms: u64) {
        self.client.last_ms.store(now_ms, Relaxed);
    }

    /// Takes the input buffers back after an execution.
    pub(crate) fn restore(&mut self, input: Input) {
        self.client.buffered.store(input.decoder.buffered(), Relaxed);
        self.client.allocated.store(input.decoder.allocated(), Relaxed);
        self.input = input;
    }

    /// The random number of the command that runs (SplitMix64). A command that is run again sees
    /// the same dice: with others it might need another key from disk each time, for ever.
    pub(crate) fn seed(&self) -> u64 {
        let mut mixed = self.random.wrapping_add(GOLDEN_GAMMA);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The command stops for keys on disk. Returns how often it had done so before.
    pub(crate) fn stopped_cold(&mut self) -> u32 {
        let before = self.cold;
        self.cold = before.saturating_add(1);
        before
    }

    /// The job that an earlier run of the command has started.
    pub(crate) fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// Notes the job that the command has started.
    pub(crate) fn set_job(&mut self, job: Job) {
        self.job = Some(job);
    }

    /// Has `waker` called when the job that the command waits for is done, from the thread that
    /// does it. Gives it back, uncalled, when there is nothing to wait for.
    pub fn wait_for_job(&self, waker: Waker) -> Option<Waker> {
        match &self.job {
            Some(job) => job.wait(waker),
            None => Some(waker),
        }
    }

    /// A command is done: the next one sees other dice.
    #[inline]
    pub(crate) fn command_done(&mut self) {
        self.cold = 0;
        self.job = None;
        self.next_seed();
    }

    /// The next command, within this one too, sees other dice.
    #[inline]
    pub(crate) fn next_seed(&mut self) {
        self.random = self.random.wrapping_add(GOLDEN_GAMMA);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.stand_in {
            return;
        }
        if let Some(waiter) = &self.blocked {
            self.waiters.remove(waiter);
        }
        self.registry.remove(self.client.id);
    }
}

/// The version a connection begins with. The application's own calls are decoded into terms, for
/// which RESP3 says more.
pub(crate) fn initial_protocol(transport: Transport) -> Protocol {
    match transport {
        Transport::Tcp | Transport::Unix => Protocol::Resp2,
        Transport::Embedded => Protocol::Resp3,
    }
}

/// The number by which HELLO and CLIENT LIST call a version.
pub(crate) fn protocol_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    }
}
