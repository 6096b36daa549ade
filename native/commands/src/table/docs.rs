//! What COMMAND DOCS says beyond the table's rows: arguments and deprecations.
//!
//! The structure is Redis's, so that clients can show the hints they show for Redis; the notation is
//! explained in [`super::synopsis`].

/// A command that has a better successor.
pub struct Deprecation {
    /// First version that advises against it.
    pub since: &'static str,
    /// What to use.
    pub replaced_by: &'static str,
}

/// The command's arguments in the notation of [`super::synopsis`]; empty when it has none.
pub fn synopsis(full_name: &str) -> &'static str {
    let found = SYNOPSES.binary_search_by(|(name, _)| (*name).cmp(full_name));
    found.map_or("", |at| SYNOPSES[at].1)
}

/// Why not to use the command, if there is a reason.
pub fn deprecation(full_name: &str) -> Option<Deprecation> {
    let (since, replaced_by) = match full_name {
        "getset" => ("6.2.0", "`SET` with `GET`"),
        "substr" => ("2.0.0", "`GETRANGE`"),
        _ => return None,
    };
    Some(Deprecation { since, replaced_by })
}

/// Names and synopses, sorted by name.
const SYNOPSES: &[(&str, &str)] = &[
    ("append", "key:key value:string"),
    ("auth", "[username:string]@6.0.0 password:string"),
    ("bgsave", "[SCHEDULE]@3.2.2"),
    (
        "client|kill",
        "filter=<ip:port:string!2.8.12 | new-format=<[ID~client-id:integer]@2.8.12 | \
         [TYPE~normal_master_slave_pubsub=<NORMAL | MASTER@3.2.0 | SLAVE | \
         REPLICA@5.0.0 | PUBSUB>]@2.8.12 | [USER~username:string] | \
         [ADDR~ip:port:string] | [LADDR~ip:port:string]@6.2.0 | \
         [SKIPME~yes/no:string]>+>",
    ),
    (
        "client|list",
        "[TYPE~normal_master_replica_pubsub=<NORMAL | MASTER | REPLICA | \
         PUBSUB>]@5.0.0 [ID~id=(client-id:integer+)]@6.2.0",
    ),
    ("client|no-evict", "enabled=<ON | OFF>"),
    ("client|no-touch", "enabled=<ON | OFF>"),
    ("client|reply", "on_off_skip=<ON | OFF | SKIP>"),
    ("client|setinfo", "attr=<LIB-NAME~libname:string | LIB-VER~libver:string>"),
    ("client|setname", "connection-name:string"),
    ("command|docs", "[command-name:string+]"),
    ("command|info", "[command-name:string+]"),
    (
        "command|list",
        "[FILTERBY~filterby=<MODULE~module-name:string | ACLCAT~category:string | \
         PATTERN~pattern:pattern>]",
    ),
    ("config|get", "parameter=(parameter:string)+"),
    ("config|set", "parameter_value=(parameter:string value:string)+"),
    ("copy", "source:key destination:key#1 [DB~destination-db:integer] [REPLACE]"),
    ("decr", "key:key"),
    ("decrby", "key:key decrement:integer"),
    ("del", "key:key+"),
    ("echo", "message:string"),
    ("exists", "key:key+"),
    ("expire", "key:key seconds:integer [condition=<NX | XX | GT | LT>]@7.0.0"),
    ("expireat", "key:key unix-time-seconds:unix-time [condition=<NX | XX | GT | LT>]@7.0.0"),
    ("expiretime", "key:key"),
    ("ferricstore.backup", "path:string"),
    ("flushall", "[async=<ASYNC@4.0.0 | SYNC@6.2.0>]"),
    ("flushdb", "[async=<ASYNC@4.0.0 | SYNC@6.2.0>]"),
    ("get", "key:key"),
    ("getdel", "key:key"),
    (
        "getex",
        "key:key [expiration=<EX~seconds:integer | PX~milliseconds:integer | \
         EXAT~unix-time-seconds:unix-time | PXAT~unix-time-milliseconds:unix-time | \
         PERSIST>]",
    ),
    ("getrange", "key:key start:integer end:integer"),
    ("getset", "key:key value:string"),
    (
        "hello",
        "[arguments=(protover:integer [AUTH~username_password=(username:string \
         password:string)] [SETNAME~clientname:string])]",
    ),
    ("incr", "key:key"),
    ("incrby", "key:key increment:integer"),
    ("incrbyfloat", "key:key increment:double"),
    ("info", "[section:string+]"),
    ("keys", "pattern:pattern"),
    ("lcs", "key1:key key2:key [LEN] [IDX] [MINMATCHLEN~len:integer] [WITHMATCHLEN]"),
    ("memory|usage", "key:key [SAMPLES~count:integer]"),
    ("mget", "key:key+"),
    ("move", "key:key db:integer"),
    ("mset", "key_value=(key:key value:string)+"),
    ("msetnx", "key_value=(key:key value:string)+"),
    ("object|encoding", "key:key"),
    ("object|freq", "key:key"),
    ("object|idletime", "key:key"),
    ("object|refcount", "key:key"),
    ("persist", "key:key"),
    ("pexpire", "key:key milliseconds:integer [condition=<NX | XX | GT | LT>]@7.0.0"),
    ("pexpireat", "key:key unix-time-milliseconds:unix-time [condition=<NX | XX | GT | LT>]@7.0.0"),
    ("pexpiretime", "key:key"),
    ("ping", "[message:string]"),
    ("psetex", "key:key milliseconds:integer value:string"),
    ("pttl", "key:key"),
    ("rename", "key:key newkey:key#1"),
    ("renamenx", "key:key newkey:key#1"),
    (
        "scan",
        "cursor:integer [MATCH~pattern:pattern] [COUNT~count:integer] \
         [TYPE~type:string]@6.0.0",
    ),
    ("select", "index:integer"),
    (
        "set",
        "key:key value:string [condition=<NX | XX>]@2.6.12 [GET]@6.2.0 \
         [expiration=<EX~seconds:integer@2.6.12 | PX~milliseconds:integer@2.6.12 | \
         EXAT~unix-time-seconds:unix-time@6.2.0 | \
         PXAT~unix-time-milliseconds:unix-time@6.2.0 | KEEPTTL@6.0.0>]",
    ),
    ("setex", "key:key seconds:integer value:string"),
    ("setnx", "key:key value:string"),
    ("setrange", "key:key offset:integer value:string"),
    ("shutdown", "[nosave_save=<NOSAVE | SAVE>] [NOW]@7.0.0 [FORCE]@7.0.0 [ABORT]@7.0.0"),
    ("strlen", "key:key"),
    ("substr", "key:key start:integer end:integer"),
    ("swapdb", "index1:integer index2:integer"),
    ("touch", "key:key+"),
    ("ttl", "key:key"),
    ("type", "key:key"),
    ("unlink", "key:key+"),
    ("xack", "key:key group:string id:string+"),
    (
        "xadd",
        "key:key [NOMKSTREAM]@6.2.0 [trim=(strategy=<MAXLEN | MINID@6.2.0> \
         [operator=<'='~equal:pure-token | '~'~approximately:pure-token>] threshold:string \
         [LIMIT~count:integer]@6.2.0)] id_or_auto=<*~auto_id:pure-token | id:string> \
         field_value=(field:string value:string)+",
    ),
    (
        "xautoclaim",
        "key:key group:string consumer:string min-idle-time:string start:string \
         [COUNT~count:integer] [JUSTID]",
    ),
    (
        "xclaim",
        "key:key group:string consumer:string min-idle-time:string id:string+ \
         [IDLE~ms:integer] [TIME~unix-time-milliseconds:unix-time] [RETRYCOUNT~count:integer] \
         [FORCE] [JUSTID] [LASTID~id:string]",
    ),
    ("xdel", "key:key id:string+"),
    (
        "xgroup|create",
        "key:key groupname:string id=<id:string | $~new_id:pure-token> [MKSTREAM] \
         [ENTRIESREAD~entries_read:integer]",
    ),
    ("xgroup|createconsumer", "key:key groupname:string consumername:string"),
    ("xgroup|delconsumer", "key:key groupname:string consumername:string"),
    ("xgroup|destroy", "key:key groupname:string"),
    (
        "xgroup|setid",
        "key:key groupname:string id=<id:string | $~new_id:pure-token> \
         [ENTRIESREAD~entries_read:integer]",
    ),
    ("xinfo|consumers", "key:key groupname:string"),
    ("xinfo|groups", "key:key"),
    ("xinfo|stream", "key:key [FULL~full=([COUNT~count:integer])]"),
    ("xlen", "key:key"),
    (
        "xpending",
        "key:key group:string [filters=([IDLE~min-idle-time:integer]@6.2.0 start:string \
         end:string count:integer [consumer:string])]",
    ),
    ("xrange", "key:key start:string end:string [COUNT~count:integer]"),
    (
        "xread",
        "[COUNT~count:integer] [BLOCK~milliseconds:integer] STREAMS~streams=(key:key+ id:string+)",
    ),
    (
        "xreadgroup",
        "GROUP~group_consumer=(group:string consumer:string) [COUNT~count:integer] \
         [BLOCK~milliseconds:integer] [NOACK] STREAMS~streams=(key:key+ id:string+)",
    ),
    ("xrevrange", "key:key end:string start:string [COUNT~count:integer]"),
    (
        "xsetid",
        "key:key last-id:string [ENTRIESADDED~entries_added:integer]@7.0.0 \
         [MAXDELETEDID~max_deleted_entry_id:string]@7.0.0",
    ),
    (
        "xtrim",
        "key:key trim=(strategy=<MAXLEN | MINID@6.2.0> \
         [operator=<'='~equal:pure-token | '~'~approximately:pure-token>] threshold:string \
         [LIMIT~count:integer]@6.2.0)",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::{entries, lookup_full, synopsis};
    use super::*;

    #[test]
    fn synopses_are_sorted_well_formed_and_of_commands() {
        assert!(SYNOPSES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, text) in SYNOPSES {
            assert!(lookup_full(name.as_bytes()).is_some(), "{name}");
            assert!(synopsis::parse(text).is_some_and(|items| !items.is_empty()), "{name}");
        }
    }

    #[test]
    fn commands_with_keys_have_a_synopsis() {
        for entry in entries().iter().filter(|e| !e.command.keys.is_empty()) {
            assert!(!synopsis(&entry.full_name).is_empty(), "{}", entry.full_name);
        }
    }
}
