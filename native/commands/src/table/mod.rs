//! The one command table.
//!
//! Dispatch, COMMAND and its subcommands, access control, routing, the fast/long split and the
//! embedded API all read it. A family of commands contributes a slice; [`lookup`] finds an entry by
//! any spelling of its name.

use crate::context::{Args, Context, Outcome};

pub mod docs;
mod families;
mod keys;
mod lookup;
pub mod synopsis;

pub use keys::{KeyAt, KeyError, Keys, LegacyRange, keys_of, legacy_range};
pub use lookup::{Entry, all, entries, lookup, lookup_full};

/// Runs one command.
pub type Handler = for<'c, 'e, 'a> fn(&mut Context<'c, 'e>, Args<'a>) -> Outcome;

/// One command or subcommand.
pub struct Command {
    /// Lower-case name; of a subcommand only its own part (`getname`).
    pub name: &'static str,
    /// Number of words with the name(s); negative: at least that many (Redis's rule).
    pub arity: i32,
    /// Flags as COMMAND INFO shows them.
    pub flags: &'static [Flag],
    /// Access categories as COMMAND INFO shows them, without `@`, in Redis's order.
    pub categories: &'static [&'static str],
    /// Where the keys are.
    pub keys: &'static [KeySpec],
    /// Tips for cluster clients and proxies (COMMAND INFO's "tips").
    pub tips: &'static [&'static str],
    /// Group of COMMAND DOCS: `string`, `generic`, `connection`, `server`.
    pub group: &'static str,
    /// First Redis version with it.
    pub since: &'static str,
    /// One line, in our words.
    pub summary: &'static str,
    /// Cost, in our words.
    pub complexity: &'static str,
    /// What runs it; a container (CONFIG, CLIENT …) has subcommands instead and no handler.
    pub handler: Option<Handler>,
    /// Subcommands of a container.
    pub subcommands: &'static [Command],
    /// Long by nature: always runs on a dirty scheduler (KEYS, FLUSHALL …).
    pub long: bool,
}

impl Command {
    /// A row to fill others from: no flags, keys, tips or subcommands, not long.
    pub const BLANK: Command = Command {
        name: "",
        arity: 0,
        flags: &[],
        categories: &[],
        keys: &[],
        tips: &[],
        group: "",
        since: "",
        summary: "",
        complexity: "",
        handler: None,
        subcommands: &[],
        long: false,
    };
}

/// A command's flag, spelled as in COMMAND INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// May change data.
    Write,
    /// Only reads data.
    Readonly,
    /// May grow memory; refused when memory is over its limit.
    DenyOom,
    /// An administrator's command.
    Admin,
    /// About publish/subscribe.
    Pubsub,
    /// Not in scripts.
    NoScript,
    /// May block its client.
    Blocking,
    /// While the data set loads.
    Loading,
    /// While a replica's data are stale.
    Stale,
    /// Not shown by MONITOR.
    SkipMonitor,
    /// Not in the slow log.
    SkipSlowlog,
    /// Constant or logarithmic time.
    Fast,
    /// Needs no authentication.
    NoAuth,
    /// May be replicated though not a write.
    MayReplicate,
    /// Not inside MULTI.
    NoMulti,
    /// Keys cannot be told from the table alone.
    MovableKeys,
    /// Allowed while the server is busy with a script.
    AllowBusy,
    /// Not for asynchronous loading.
    NoAsyncLoading,
    /// Has no keys of its own but must run.
    NoMandatoryKeys,
}

impl Flag {
    /// The flag as COMMAND INFO spells it.
    pub fn name(self) -> &'static str {
        match self {
            Flag::Write => "write",
            Flag::Readonly => "readonly",
            Flag::DenyOom => "denyoom",
            Flag::Admin => "admin",
            Flag::Pubsub => "pubsub",
            Flag::NoScript => "noscript",
            Flag::Blocking => "blocking",
            Flag::Loading => "loading",
            Flag::Stale => "stale",
            Flag::SkipMonitor => "skip_monitor",
            Flag::SkipSlowlog => "skip_slowlog",
            Flag::Fast => "fast",
            Flag::NoAuth => "no_auth",
            Flag::MayReplicate => "may_replicate",
            Flag::NoMulti => "no_multi",
            Flag::MovableKeys => "movablekeys",
            Flag::AllowBusy => "allow_busy",
            Flag::NoAsyncLoading => "no_async_loading",
            Flag::NoMandatoryKeys => "no_mandatory_keys",
        }
    }
}

/// One group of keys among the arguments (Redis's key specifications).
pub struct KeySpec {
    /// Flags as COMMAND INFO shows them: `RO`, `RW`, `OW`, `RM`, then `access`, `update` …
    pub flags: &'static [&'static str],
    /// Remark shown by COMMAND INFO, or empty.
    pub notes: &'static str,
    /// Where the group begins.
    pub begin: Begin,
    /// How far it goes.
    pub find: Find,
}

/// Where a group of keys begins.
pub enum Begin {
    /// At this argument (the name is 0).
    Index(i32),
    /// After this word, searched from an argument on.
    Keyword(&'static str, i32),
    /// That cannot be told from the table alone.
    Unknown,
}

/// How far a group of keys goes.
pub enum Find {
    /// To `last` (relative to the beginning; negative from the end), every `step`-th, and only the
    /// first `limit`-th part of the rest when `limit` > 1.
    Range {
        /// Last key, relative to the first; negative counts from the end.
        last: i32,
        /// Distance between keys.
        step: i32,
        /// 0 or 1: all; 2: half of the rest …
        limit: i32,
    },
    /// A number says how many keys follow; positions relative to the beginning.
    KeyNum {
        /// Where the number is.
        num: i32,
        /// Where the first key is.
        first: i32,
        /// Distance between keys.
        step: i32,
    },
    /// The keys cannot be told from the arguments.
    Unknown,
}
