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
        "rpoplpush" => ("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments"),
        "substr" => ("2.0.0", "`GETRANGE`"),
        _ => return None,
    };
    Some(Deprecation { since, replaced_by })
}

/// Names and synopses, sorted by name.
const SYNOPSES: &[(&str, &str)] = &[
    ("append", "key:key value:string"),
    ("auth", "[username:string]@6.0.0 password:string"),
    ("bf.add", "key:key item:string"),
    ("bf.card", "key:key"),
    ("bf.exists", "key:key item:string"),
    ("bf.info", "key:key [single_value=<CAPACITY | SIZE | FILTERS | ITEMS | EXPANSION>]"),
    (
        "bf.insert",
        "key:key [CAPACITY~capacity:integer] [ERROR~error:double] [EXPANSION~expansion:integer] \
         [NOCREATE] [NONSCALING] ITEMS~item:string+",
    ),
    ("bf.loadchunk", "key:key iterator:integer data:string"),
    ("bf.madd", "key:key item:string+"),
    ("bf.mexists", "key:key item:string+"),
    (
        "bf.reserve",
        "key:key error_rate:double capacity:integer [EXPANSION~expansion:integer] [NONSCALING]",
    ),
    ("bf.scandump", "key:key iterator:integer"),
    ("bgsave", "[SCHEDULE]@3.2.2"),
    ("bitcount", "key:key [index=(start:integer end:integer [index_unit=<BYTE | BIT>]@7.0.0)]"),
    (
        "bitfield",
        "key:key [operation=<GET~encoding_offset=(encoding:string offset:integer) | \
         write=([OVERFLOW~wrap_sat_fail=<WRAP | SAT | FAIL>] write_operation=<\
         SET~encoding_offset_value=(encoding:string offset:integer value:integer) | \
         INCRBY~encoding_offset_increment=(encoding:string offset:integer increment:integer)>)>+]",
    ),
    ("bitfield_ro", "key:key [GET~encoding_offset=(encoding:string offset:integer)+]"),
    ("bitop", "operation:string destkey:key key:key#1+"),
    (
        "bitpos",
        "key:key bit:integer [index=(start:integer [end_index=(end:integer \
         [index_unit=<BYTE | BIT>]@7.0.0)])]",
    ),
    ("cf.add", "key:key item:string"),
    ("cf.addnx", "key:key item:string"),
    ("cf.count", "key:key item:string"),
    ("cf.del", "key:key item:string"),
    ("cf.exists", "key:key item:string"),
    ("cf.info", "key:key"),
    ("cf.insert", "key:key [CAPACITY~capacity:integer] [NOCREATE] ITEMS~item:string+"),
    ("cf.insertnx", "key:key [CAPACITY~capacity:integer] [NOCREATE] ITEMS~item:string+"),
    ("cf.loadchunk", "key:key iterator:integer data:string"),
    ("cf.mexists", "key:key item:string+"),
    (
        "cf.reserve",
        "key:key capacity:integer [BUCKETSIZE~bucketsize:integer] \
         [MAXITERATIONS~maxiterations:integer] [EXPANSION~expansion:integer]",
    ),
    ("cf.scandump", "key:key iterator:integer"),
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
    ("cms.incrby", "key:key items=(item:string increment:integer)+"),
    ("cms.info", "key:key"),
    ("cms.initbydim", "key:key width:integer depth:integer"),
    ("cms.initbyprob", "key:key error:double probability:double"),
    (
        "cms.merge",
        "destination:key numKeys:integer source:key#1+ [WEIGHTS~weight=(weight:integer+)]",
    ),
    ("cms.query", "key:key item:string+"),
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
    ("getbit", "key:key offset:integer"),
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
    ("lindex", "key:key index:integer"),
    ("linsert", "key:key where=<BEFORE | AFTER> pivot:string element:string"),
    ("llen", "key:key"),
    ("lmove", "source:key destination:key#1 wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT>"),
    ("lmpop", "numkeys:integer key:key+ where=<LEFT | RIGHT> [COUNT~count:integer]"),
    ("lpop", "key:key [count:integer]@6.2.0"),
    (
        "lpos",
        "key:key element:string [RANK~rank:integer] [COUNT~num-matches:integer] \
         [MAXLEN~len:integer]",
    ),
    ("lpush", "key:key element:string+"),
    ("lpushx", "key:key element:string+"),
    ("lrange", "key:key start:integer stop:integer"),
    ("lrem", "key:key count:integer element:string"),
    ("lset", "key:key index:integer element:string"),
    ("ltrim", "key:key start:integer stop:integer"),
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
    ("pfadd", "key:key [element:string+]"),
    ("pfcount", "key:key+"),
    ("pfdebug", "subcommand:string key:key"),
    ("pfmerge", "destkey:key sourcekey:key#1+"),
    ("ping", "[message:string]"),
    ("psetex", "key:key milliseconds:integer value:string"),
    ("pttl", "key:key"),
    ("rename", "key:key newkey:key#1"),
    ("renamenx", "key:key newkey:key#1"),
    ("rpop", "key:key [count:integer]@6.2.0"),
    ("rpoplpush", "source:key destination:key#1"),
    ("rpush", "key:key element:string+"),
    ("rpushx", "key:key element:string+"),
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
    ("setbit", "key:key offset:integer value:integer"),
    ("setex", "key:key seconds:integer value:string"),
    ("setnx", "key:key value:string"),
    ("setrange", "key:key offset:integer value:string"),
    ("shutdown", "[nosave_save=<NOSAVE | SAVE>] [NOW]@7.0.0 [FORCE]@7.0.0 [ABORT]@7.0.0"),
    ("strlen", "key:key"),
    ("substr", "key:key start:integer end:integer"),
    ("swapdb", "index1:integer index2:integer"),
    ("tdigest.add", "key:key values=(value:double)+"),
    ("tdigest.byrank", "key:key rank:integer+"),
    ("tdigest.byrevrank", "key:key reverse_rank:integer+"),
    ("tdigest.cdf", "key:key value:double+"),
    ("tdigest.create", "key:key [COMPRESSION~compression:integer]"),
    ("tdigest.info", "key:key"),
    ("tdigest.max", "key:key"),
    (
        "tdigest.merge",
        "destination-key:key numkeys:integer source-key:key#1+ \
         [COMPRESSION~compression:integer] [OVERRIDE]",
    ),
    ("tdigest.min", "key:key"),
    ("tdigest.quantile", "key:key quantile:double+"),
    ("tdigest.rank", "key:key value:double+"),
    ("tdigest.reset", "key:key"),
    ("tdigest.revrank", "key:key value:double+"),
    ("tdigest.trimmed_mean", "key:key low_cut_quantile:double high_cut_quantile:double"),
    ("topk.add", "key:key items:string+"),
    ("topk.count", "key:key item:string+"),
    ("topk.incrby", "key:key items=(item:string increment:integer)+"),
    ("topk.info", "key:key"),
    ("topk.list", "key:key [WITHCOUNT]"),
    ("topk.query", "key:key item:string+"),
    ("topk.reserve", "key:key topk:integer [params=(width:integer depth:integer decay:double)]"),
    ("touch", "key:key+"),
    ("ttl", "key:key"),
    ("type", "key:key"),
    ("unlink", "key:key+"),
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
