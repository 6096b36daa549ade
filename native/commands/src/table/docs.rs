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
        "hmset" => ("4.0.0", "`HSET` with several fields"),
        "getset" => ("6.2.0", "`SET` with `GET`"),
        "rpoplpush" => ("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments"),
        "substr" => ("2.0.0", "`GETRANGE`"),
        "zrevrange" => ("6.2.0", "`ZRANGE` with the `REV` argument"),
        "zrangebyscore" => ("6.2.0", "`ZRANGE` with the `BYSCORE` argument"),
        "zrevrangebyscore" => ("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"),
        "zrangebylex" => ("6.2.0", "`ZRANGE` with the `BYLEX` argument"),
        "zrevrangebylex" => ("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"),
        "georadius" => ("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"),
        "georadius_ro" => ("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument"),
        "georadiusbymember" => (
            "6.2.0",
            "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
        ),
        "georadiusbymember_ro" => {
            ("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")
        }
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
    ("bitfield_ro", "key:key [GET~encoding_offset=(encoding:string offset:integer)++]"),
    ("bitop", "operation:string destkey:key key:key#1+"),
    (
        "bitpos",
        "key:key bit:integer [index=(start:integer [end_index=(end:integer \
         [index_unit=<BYTE | BIT>]@7.0.0)])]",
    ),
    (
        "blmove",
        "source:key destination:key wherefrom=<LEFT | RIGHT> whereto=<LEFT | RIGHT> timeout:double",
    ),
    (
        "blmpop",
        "timeout:double numkeys:integer key:key+ where=<LEFT | RIGHT> [COUNT~count:integer]",
    ),
    ("blpop", "key:key+ timeout:double"),
    ("brpop", "key:key+ timeout:double"),
    ("brpoplpush", "source:key destination:key timeout:double"),
    ("bzmpop", "timeout:double numkeys:integer key:key+ where=<MIN | MAX> [COUNT~count:integer]"),
    ("bzpopmax", "key:key+ timeout:double"),
    ("bzpopmin", "key:key+ timeout:double"),
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
    ("dump", "key:key"),
    ("echo", "message:string"),
    ("exists", "key:key+"),
    ("expire", "key:key seconds:integer [condition=<NX | XX | GT | LT>]@7.0.0"),
    ("expireat", "key:key unix-time-seconds:unix-time [condition=<NX | XX | GT | LT>]@7.0.0"),
    ("expiretime", "key:key"),
    ("ferricstore.backup", "path:string"),
    ("flushall", "[async=<ASYNC@4.0.0 | SYNC@6.2.0>]"),
    ("flushdb", "[async=<ASYNC@4.0.0 | SYNC@6.2.0>]"),
    (
        "geoadd",
        "key:key [condition=<NX | XX>]@6.2.0 [CH]@6.2.0 \
         longitude_latitude_member=(longitude:double latitude:double member:string)+",
    ),
    ("geodist", "key:key member1:string member2:string [unit=<M | KM | FT | MI>]"),
    ("geohash", "key:key member:string+"),
    ("geopos", "key:key member:string+"),
    (
        "georadius",
        "key:key longitude:double latitude:double radius:double unit=<M | KM | FT | MI> \
         [WITHCOORD] [WITHDIST] [WITHHASH] [count=(COUNT~count:integer [ANY]@6.2.0)] [order=<ASC \
         | DESC>] [STORE~key:key#1] [STOREDIST~key:key#2]",
    ),
    (
        "georadius_ro",
        "key:key longitude:double latitude:double radius:double unit=<M | KM | FT | MI> \
         [WITHCOORD] [WITHDIST] [WITHHASH] [count=(COUNT~count:integer [ANY]@6.2.0)] [order=<ASC \
         | DESC>]",
    ),
    (
        "georadiusbymember",
        "key:key member:string radius:double unit=<M | KM | FT | MI> [WITHCOORD] [WITHDIST] \
         [WITHHASH] [count=(COUNT~count:integer [ANY])] [order=<ASC | DESC>] [STORE~key:key#1] \
         [STOREDIST~key:key#2]",
    ),
    (
        "georadiusbymember_ro",
        "key:key member:string radius:double unit=<M | KM | FT | MI> [WITHCOORD] [WITHDIST] \
         [WITHHASH] [count=(COUNT~count:integer [ANY])] [order=<ASC | DESC>]",
    ),
    (
        "geosearch",
        "key:key from=<FROMMEMBER~member:string | FROMLONLAT~longitude_latitude=(longitude:double \
         latitude:double)> by=<circle=(BYRADIUS~radius:double unit=<M | KM | FT | MI>) | \
         box=(BYBOX~width:double height:double unit=<M | KM | FT | MI>)> [order=<ASC | DESC>] \
         [count=(COUNT~count:integer [ANY])] [WITHCOORD] [WITHDIST] [WITHHASH]",
    ),
    (
        "geosearchstore",
        "destination:key source:key#1 from=<FROMMEMBER~member:string | \
         FROMLONLAT~longitude_latitude=(longitude:double latitude:double)> \
         by=<circle=(BYRADIUS~radius:double unit=<M | KM | FT | MI>) | box=(BYBOX~width:double \
         height:double unit=<M | KM | FT | MI>)> [order=<ASC | DESC>] [count=(COUNT~count:integer \
         [ANY])] [STOREDIST]",
    ),
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
    ("hdel", "key:key field:string+"),
    (
        "hello",
        "[arguments=(protover:integer [AUTH~username_password=(username:string \
         password:string)] [SETNAME~clientname:string])]",
    ),
    ("hexists", "key:key field:string"),
    (
        "hexpire",
        "key:key seconds:integer [condition=<NX | XX | GT | LT>] \
         fields=(FIELDS~numfields:integer field:string+)",
    ),
    (
        "hexpireat",
        "key:key unix-time-seconds:unix-time [condition=<NX | XX | GT | LT>] \
         fields=(FIELDS~numfields:integer field:string+)",
    ),
    ("hexpiretime", "key:key fields=(FIELDS~numfields:integer field:string+)"),
    ("hget", "key:key field:string"),
    ("hgetall", "key:key"),
    ("hgetdel", "key:key fields=(FIELDS~numfields:integer field:string+)"),
    (
        "hgetex",
        "key:key [expiration=<EX~seconds:integer | PX~milliseconds:integer | \
         EXAT~unix-time-seconds:unix-time | \
         PXAT~unix-time-milliseconds:unix-time | PERSIST>] \
         fields=(FIELDS~numfields:integer field:string+)",
    ),
    ("hincrby", "key:key field:string increment:integer"),
    ("hincrbyfloat", "key:key field:string increment:double"),
    ("hkeys", "key:key"),
    ("hlen", "key:key"),
    ("hmget", "key:key field:string+"),
    ("hmset", "key:key field_value=(field:string value:string)+"),
    ("hpersist", "key:key fields=(FIELDS~numfields:integer field:string+)"),
    (
        "hpexpire",
        "key:key milliseconds:integer [condition=<NX | XX | GT | LT>] \
         fields=(FIELDS~numfields:integer field:string+)",
    ),
    (
        "hpexpireat",
        "key:key unix-time-milliseconds:unix-time [condition=<NX | XX | GT | \
         LT>] fields=(FIELDS~numfields:integer field:string+)",
    ),
    ("hpexpiretime", "key:key fields=(FIELDS~numfields:integer field:string+)"),
    ("hpttl", "key:key fields=(FIELDS~numfields:integer field:string+)"),
    ("hrandfield", "key:key [options=(count:integer [WITHVALUES])]"),
    (
        "hscan",
        "key:key cursor:integer [MATCH~pattern:pattern] [COUNT~count:integer] \
         [NOVALUES]@7.4.0",
    ),
    ("hset", "key:key field_value=(field:string value:string)+"),
    (
        "hsetex",
        "key:key [condition=<FNX | FXX>] [expiration=<EX~seconds:integer | \
         PX~milliseconds:integer | EXAT~unix-time-seconds:unix-time | \
         PXAT~unix-time-milliseconds:unix-time | KEEPTTL>] \
         fields=(FIELDS~numfields:integer data=(field:string value:string)+)",
    ),
    ("hsetnx", "key:key field:string value:string"),
    ("hstrlen", "key:key field:string"),
    ("httl", "key:key fields=(FIELDS~numfields:integer field:string+)"),
    ("hvals", "key:key"),
    ("incr", "key:key"),
    ("incrby", "key:key increment:integer"),
    ("incrbyfloat", "key:key increment:double"),
    ("info", "[section:string+]"),
    ("json.arrappend", "key:key path:string value:string+"),
    ("json.arrindex", "key:key path:string value:string [range=(start:integer [stop:integer])]"),
    ("json.arrinsert", "key:key path:string index:integer value:string+"),
    ("json.arrlen", "key:key [path:string]"),
    (
        "json.arrpop",
        "key:key [FORMAT~format=<STRINGS | EXPAND1 | EXPAND>] \
         [target=(path:string [index:integer])]",
    ),
    ("json.arrtrim", "key:key path:string start:integer stop:integer"),
    ("json.clear", "key:key [path:string]"),
    ("json.debug|memory", "key:key [path:string]"),
    ("json.del", "key:key [path:string]"),
    ("json.forget", "key:key [path:string]"),
    (
        "json.get",
        "key:key [INDENT~indent:string] [NEWLINE~newline:string] [SPACE~space:string] \
         [FORMAT~format=<STRING | EXPAND1 | EXPAND>] [path:string+]",
    ),
    ("json.merge", "key:key path:string value:string"),
    ("json.mget", "key:key+ path:string"),
    ("json.mset", "data=(key:key path:string value:string)+"),
    ("json.numincrby", "key:key path:string value:double"),
    ("json.nummultby", "key:key path:string value:double"),
    ("json.numpowby", "key:key path:string value:double"),
    ("json.objkeys", "key:key [path:string]"),
    ("json.objlen", "key:key [path:string]"),
    ("json.resp", "key:key [path:string]"),
    ("json.set", "key:key path:string value:string [condition=<NX | XX>]"),
    ("json.strappend", "key:key [path:string] value:string"),
    ("json.strlen", "key:key [path:string]"),
    ("json.toggle", "key:key path:string"),
    ("json.type", "key:key [path:string]"),
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
    ("psubscribe", "pattern=(pattern:pattern)+"),
    ("pttl", "key:key"),
    ("publish", "channel:string message:string"),
    ("pubsub|channels", "[pattern:pattern]"),
    ("pubsub|numsub", "[channel:string+]"),
    ("pubsub|shardchannels", "[pattern:pattern]"),
    ("pubsub|shardnumsub", "[shardchannel:string+]"),
    ("punsubscribe", "[pattern:pattern+]"),
    ("rename", "key:key newkey:key#1"),
    ("renamenx", "key:key newkey:key#1"),
    (
        "restore",
        "key:key ttl:integer serialized-value:string [REPLACE]@3.0.0 [ABSTTL]@5.0.0 \
         [IDLETIME~seconds:integer]@5.0.0 [FREQ~frequency:integer]@5.0.0",
    ),
    ("rpop", "key:key [count:integer]@6.2.0"),
    ("rpoplpush", "source:key destination:key#1"),
    ("rpush", "key:key element:string+"),
    ("rpushx", "key:key element:string+"),
    ("sadd", "key:key member:string+"),
    (
        "scan",
        "cursor:integer [MATCH~pattern:pattern] [COUNT~count:integer] \
         [TYPE~type:string]@6.0.0",
    ),
    ("scard", "key:key"),
    ("sdiff", "key:key+"),
    ("sdiffstore", "destination:key key:key#1+"),
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
    ("sinter", "key:key+"),
    ("sintercard", "numkeys:integer key:key+ [LIMIT~limit:integer]"),
    ("sinterstore", "destination:key key:key#1+"),
    ("sismember", "key:key member:string"),
    ("smembers", "key:key"),
    ("smismember", "key:key member:string+"),
    ("smove", "source:key destination:key#1 member:string"),
    (
        "sort",
        "key:key [BY~pattern:pattern#1] \
         [LIMIT~offset_count=(offset:integer count:integer)] [GET~pattern:pattern#1++] \
         [order=<ASC | DESC>] [ALPHA~sorting:pure-token] [STORE~destination:key#2]",
    ),
    (
        "sort_ro",
        "key:key [BY~pattern:pattern#1] \
         [LIMIT~offset_count=(offset:integer count:integer)] [GET~pattern:pattern#1++] \
         [order=<ASC | DESC>] [ALPHA~sorting:pure-token]",
    ),
    ("spop", "key:key [count:integer]@3.2.0"),
    ("spublish", "shardchannel:string message:string"),
    ("srandmember", "key:key [count:integer]@2.6.0"),
    ("srem", "key:key member:string+"),
    ("sscan", "key:key cursor:integer [MATCH~pattern:pattern] [COUNT~count:integer]"),
    ("ssubscribe", "shardchannel:string+"),
    ("strlen", "key:key"),
    ("subscribe", "channel:string+"),
    ("substr", "key:key start:integer end:integer"),
    ("sunion", "key:key+"),
    ("sunionstore", "destination:key key:key#1+"),
    ("sunsubscribe", "[shardchannel:string+]"),
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
    ("unsubscribe", "[channel:string+]"),
    ("watch", "key:key+"),
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
    (
        "zadd",
        "key:key [condition=<NX | XX>]@3.0.2 [comparison=<GT | LT>]@6.2.0 [CH]@3.0.2 [INCR]@3.0.2 \
         score_member=(score:double member:string)+",
    ),
    ("zcard", "key:key"),
    ("zcount", "key:key min:double max:double"),
    ("zdiff", "numkeys:integer key:key+ [WITHSCORES]"),
    ("zdiffstore", "destination:key numkeys:integer key:key#1+"),
    ("zincrby", "key:key increment:integer member:string"),
    (
        "zinter",
        "numkeys:integer key:key+ [WEIGHTS~weight:integer+] [AGGREGATE~aggregate=<SUM | MIN | \
         MAX>] [WITHSCORES]",
    ),
    ("zintercard", "numkeys:integer key:key+ [LIMIT~limit:integer]"),
    (
        "zinterstore",
        "destination:key numkeys:integer key:key#1+ [WEIGHTS~weight:integer+] \
         [AGGREGATE~aggregate=<SUM | MIN | MAX>]",
    ),
    ("zlexcount", "key:key min:string max:string"),
    ("zmpop", "numkeys:integer key:key+ where=<MIN | MAX> [COUNT~count:integer]"),
    ("zmscore", "key:key member:string+"),
    ("zpopmax", "key:key [count:integer]"),
    ("zpopmin", "key:key [count:integer]"),
    ("zrandmember", "key:key [options=(count:integer [WITHSCORES])]"),
    (
        "zrange",
        "key:key start:string stop:string [sortby=<BYSCORE | BYLEX>]@6.2.0 [REV]@6.2.0 \
         [LIMIT~offset_count=(offset:integer count:integer)]@6.2.0 [WITHSCORES]",
    ),
    (
        "zrangebylex",
        "key:key min:string max:string [LIMIT~offset_count=(offset:integer count:integer)]",
    ),
    (
        "zrangebyscore",
        "key:key min:double max:double [WITHSCORES]@2.0.0 [LIMIT~offset_count=(offset:integer \
         count:integer)]",
    ),
    (
        "zrangestore",
        "dst:key src:key#1 min:string max:string [sortby=<BYSCORE | BYLEX>] [REV] \
         [LIMIT~offset_count=(offset:integer count:integer)]",
    ),
    ("zrank", "key:key member:string [WITHSCORE]@7.2.0"),
    ("zrem", "key:key member:string+"),
    ("zremrangebylex", "key:key min:string max:string"),
    ("zremrangebyrank", "key:key start:integer stop:integer"),
    ("zremrangebyscore", "key:key min:double max:double"),
    ("zrevrange", "key:key start:integer stop:integer [WITHSCORES]"),
    (
        "zrevrangebylex",
        "key:key max:string min:string [LIMIT~offset_count=(offset:integer count:integer)]",
    ),
    (
        "zrevrangebyscore",
        "key:key max:double min:double [WITHSCORES] [LIMIT~offset_count=(offset:integer \
         count:integer)]",
    ),
    ("zrevrank", "key:key member:string [WITHSCORE]@7.2.0"),
    ("zscan", "key:key cursor:integer [MATCH~pattern:pattern] [COUNT~count:integer]"),
    ("zscore", "key:key member:string"),
    (
        "zunion",
        "numkeys:integer key:key+ [WEIGHTS~weight:integer+] [AGGREGATE~aggregate=<SUM | MIN | \
         MAX>] [WITHSCORES]",
    ),
    (
        "zunionstore",
        "destination:key numkeys:integer key:key#1+ [WEIGHTS~weight:integer+] \
         [AGGREGATE~aggregate=<SUM | MIN | MAX>]",
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
