//! The configuration that CONFIG GET and CONFIG SET see, under Redis's parameter names.
//!
//! Only parameters that are true here are listed. One that is fixed in FerricStore, though Redis
//! lets it change, accepts only the value it has.

use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use ferric_engine::Durability;
use parking_lot::RwLock;

use crate::numbers::parse_i64;
use crate::output_limits::OutputLimits;
use crate::server::ServerOptions;
use crate::thresholds::{Limit, Thresholds};

/// Smallest `proto-max-bulk-len` and `client-query-buffer-limit`, in bytes.
const MIN_BUFFER_LIMIT: u64 = 1 << 20;

/// The configuration of a running server.
pub struct Config {
    password: RwLock<Option<Vec<u8>>>,
    has_password: AtomicBool,
    max_clients: AtomicUsize,
    protected_mode: AtomicBool,
    max_bulk: AtomicU64,
    max_query: AtomicU64,
    output_limits: RwLock<OutputLimits>,
    thresholds: Thresholds,
    fixed: ServerOptions,
}

impl Config {
    pub(crate) fn new(options: ServerOptions) -> Config {
        let password = options.password.clone().filter(|p| !p.is_empty());
        Config {
            has_password: AtomicBool::new(password.is_some()),
            password: RwLock::new(password),
            max_clients: AtomicUsize::new(options.max_clients as usize),
            protected_mode: AtomicBool::new(options.protected_mode),
            max_bulk: AtomicU64::new(512 << 20),
            max_query: AtomicU64::new(1 << 30),
            output_limits: RwLock::default(),
            thresholds: Thresholds::default(),
            fixed: options,
        }
    }

    /// Whether clients must authenticate.
    #[inline]
    pub fn has_password(&self) -> bool {
        self.has_password.load(Acquire)
    }

    /// Whether this is the password. The time it takes does not tell how much of it was right.
    pub fn is_password(&self, given: &[u8]) -> bool {
        let password = self.password.read();
        let Some(password) = password.as_deref() else { return false };
        let difference = password.len() ^ given.len();
        let bytes = given.iter().enumerate().fold(0u8, |seen, (i, &byte)| {
            seen | (byte ^ password.get(i % password.len()).copied().unwrap_or(0))
        });
        std::hint::black_box(difference) == 0 && std::hint::black_box(bytes) == 0
    }

    /// Most connections at a time.
    pub fn max_clients(&self) -> usize {
        self.max_clients.load(Relaxed)
    }

    /// Whether protected mode is on.
    pub fn protected_mode(&self) -> bool {
        self.protected_mode.load(Relaxed)
    }

    /// Longest string, in bytes (`proto-max-bulk-len`).
    #[inline]
    pub fn max_bulk(&self) -> usize {
        usize::try_from(self.max_bulk.load(Relaxed)).unwrap_or(usize::MAX)
    }

    /// Longest command on the wire, in bytes (`client-query-buffer-limit`).
    #[inline]
    pub fn max_query(&self) -> usize {
        usize::try_from(self.max_query.load(Relaxed)).unwrap_or(usize::MAX)
    }

    /// How much output may wait for a client (`client-output-buffer-limit`).
    pub fn output_limits(&self) -> OutputLimits {
        *self.output_limits.read()
    }

    /// Sizes at which encodings change.
    #[inline]
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Number of databases.
    #[inline]
    pub fn databases(&self) -> u16 {
        self.fixed.databases
    }

    /// What the server was started with.
    pub fn options(&self) -> &ServerOptions {
        &self.fixed
    }

    /// Whether replies do not wait for the disk.
    #[inline]
    pub fn is_async(&self) -> bool {
        matches!(self.fixed.durability, Durability::Async { .. })
    }

    fn set_password(&self, password: &[u8]) {
        let mut current = self.password.write();
        *current = (!password.is_empty()).then(|| password.to_vec());
        self.has_password.store(current.is_some(), Release);
    }

    /// Changes all of `pairs` (names and values), or none.
    ///
    /// # Errors
    /// The error line, without its `-`.
    pub fn set(&self, pairs: &[(&[u8], &[u8])]) -> Result<(), Vec<u8>> {
        let mut parameters: Vec<&'static Parameter> = Vec::with_capacity(pairs.len());
        for (name, _) in pairs {
            let found = all_parameters().find(|p| p.name.as_bytes().eq_ignore_ascii_case(name));
            let Some(parameter) = found else { return Err(unknown(name)) };
            if matches!(parameter.rule, Rule::Immutable) {
                return Err(refusal(parameter, IMMUTABLE));
            }
            if parameters.iter().any(|p| p.name == parameter.name) {
                return Err(refusal(parameter, "duplicate parameter"));
            }
            parameters.push(parameter);
        }
        let mut changes = Vec::with_capacity(pairs.len());
        for (parameter, (_, value)) in parameters.iter().zip(pairs) {
            changes.push(self.change(parameter, value).map_err(|why| refusal(parameter, &why))?);
        }
        changes.into_iter().flatten().for_each(|change| self.apply(change));
        Ok(())
    }

    /// What setting `parameter` to `value` means; nothing when it is fixed at that value.
    fn change<'v>(
        &self,
        parameter: &Parameter,
        value: &'v [u8],
    ) -> Result<Option<Change<'v>>, String> {
        match parameter.rule {
            Rule::Mutable(parse) => parse(value).map(Some),
            Rule::OutputLimits => {
                let changed = self.output_limits().changed(value, |word| memory_from(word, 0))?;
                Ok(Some(Change::OutputLimits(changed)))
            }
            Rule::Fixed if (parameter.get)(self).eq_ignore_ascii_case(value) => Ok(None),
            Rule::Fixed | Rule::Immutable => Err(IMMUTABLE.to_owned()),
        }
    }

    fn apply(&self, change: Change<'_>) {
        match change {
            Change::Password(password) => self.set_password(password),
            Change::MaxClients(count) => self.max_clients.store(count, Relaxed),
            Change::ProtectedMode(on) => self.protected_mode.store(on, Relaxed),
            Change::MaxBulk(bytes) => self.max_bulk.store(bytes, Relaxed),
            Change::MaxQuery(bytes) => self.max_query.store(bytes, Relaxed),
            Change::OutputLimits(limits) => *self.output_limits.write() = limits,
            Change::Threshold(limit, value) => limit(&self.thresholds).set(value),
        }
    }

    /// Names and values of the parameters that match `wanted`, in the table's order.
    pub fn get(&self, wanted: impl Fn(&[u8]) -> bool) -> Vec<(&'static str, Vec<u8>)> {
        let matching = all_parameters().filter(|p| wanted(p.name.as_bytes()));
        matching.map(|p| (p.name, (p.get)(self))).collect()
    }
}

const IMMUTABLE: &str = "can't set immutable config";

fn unknown(name: &[u8]) -> Vec<u8> {
    [b"ERR Unknown option or number of arguments for CONFIG SET - '", name, b"'"].concat()
}

fn refusal(parameter: &Parameter, why: &str) -> Vec<u8> {
    let name = parameter.name;
    let text = format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}");
    text.into_bytes()
}

/// A value that has been checked.
enum Change<'v> {
    Password(&'v [u8]),
    MaxClients(usize),
    ProtectedMode(bool),
    MaxBulk(u64),
    MaxQuery(u64),
    OutputLimits(OutputLimits),
    Threshold(Which, i64),
}

/// One of the thresholds.
type Which = fn(&Thresholds) -> &Limit;

/// Whether a parameter can be set.
enum Rule {
    /// Yes, to what this accepts.
    Mutable(fn(&[u8]) -> Result<Change<'_>, String>),
    /// Yes, to what changes some of the output limits.
    OutputLimits,
    /// In Redis; here only to the value it has.
    Fixed,
    /// Not while the server runs, neither in Redis.
    Immutable,
}

struct Parameter {
    name: &'static str,
    rule: Rule,
    get: fn(&Config) -> Vec<u8>,
}

macro_rules! parameters {
    ($($name:literal, $rule:expr, $get:expr;)*) => {
        &[$(Parameter { name: $name, rule: $rule, get: $get }),*]
    };
}

/// The rule of a threshold, and how it is read.
macro_rules! threshold {
    ($name:literal, $parse:expr, $field:ident) => {
        Parameter {
            name: $name,
            rule: Rule::Mutable(|value| {
                Ok(Change::Threshold(|thresholds| &thresholds.$field, $parse(value)?))
            }),
            get: |config| config.thresholds.$field.get().to_string().into_bytes(),
        }
    };
}

/// The thresholds, under their current names and the older ones that Redis keeps.
const THRESHOLDS: &[Parameter] = &[
    threshold!("hash-max-listpack-entries", count, hash_max_entries),
    threshold!("hash-max-listpack-value", size, hash_max_value),
    threshold!("hash-max-ziplist-entries", count, hash_max_entries),
    threshold!("hash-max-ziplist-value", size, hash_max_value),
    threshold!("hll-sparse-max-bytes", size, hll_sparse_max),
    threshold!("list-compress-depth", depth, list_compress_depth),
    threshold!("list-max-listpack-size", node_size, list_max_size),
    threshold!("list-max-ziplist-size", node_size, list_max_size),
    threshold!("set-max-intset-entries", count, set_max_intset),
    threshold!("stream-node-max-bytes", size, stream_node_bytes),
    threshold!("stream-node-max-entries", count, stream_node_entries),
    threshold!("zset-max-listpack-entries", count, zset_max_entries),
    threshold!("zset-max-listpack-value", size, zset_max_value),
    threshold!("zset-max-ziplist-entries", count, zset_max_entries),
    threshold!("zset-max-ziplist-value", size, zset_max_value),
];

/// All parameters.
fn all_parameters() -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().chain(THRESHOLDS)
}

fn count(value: &[u8]) -> Result<i64, String> {
    integer(value, 0, i64::MAX)
}

fn depth(value: &[u8]) -> Result<i64, String> {
    integer(value, 0, i32::MAX.into())
}

fn node_size(value: &[u8]) -> Result<i64, String> {
    integer(value, i32::MIN.into(), i32::MAX.into())
}

fn size(value: &[u8]) -> Result<i64, String> {
    memory_from(value, 0).map(|bytes| bytes as i64)
}

fn integer(value: &[u8], min: i64, max: i64) -> Result<i64, String> {
    let number = parse_i64(value).ok_or("argument couldn't be parsed into an integer")?;
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    Err(format!("argument must be between {min} and {max} inclusive"))
}

const PARAMETERS: &[Parameter] = parameters! {
    "appendfsync", Rule::Fixed, |c| text(if c.is_async() { "everysec" } else { "always" });
    "appendonly", Rule::Fixed, |_| text("yes");
    "client-output-buffer-limit", Rule::OutputLimits, |c| text(&c.output_limits().text());
    "client-query-buffer-limit", Rule::Mutable(|v| Ok(Change::MaxQuery(memory(v)?))),
        |c| number(c.max_query.load(Relaxed));
    "cluster-enabled", Rule::Immutable, |_| text("no");
    "daemonize", Rule::Immutable, |_| text("no");
    "databases", Rule::Immutable, |c| number(c.fixed.databases.into());
    "dir", Rule::Fixed, |c| text(&c.fixed.data_dir);
    "enable-debug-command", Rule::Immutable, |_| text("local");
    "enable-module-command", Rule::Immutable, |_| text("no");
    "enable-protected-configs", Rule::Immutable, |_| text("no");
    "latency-tracking", Rule::Fixed, |_| text("yes");
    "latency-tracking-info-percentiles", Rule::Fixed, |_| text("50 99 99.9");
    "maxclients", Rule::Mutable(|v| Ok(Change::MaxClients(max_clients(v)?))),
        |c| number(c.max_clients() as u64);
    "maxmemory", Rule::Fixed, |_| text("0");
    "maxmemory-policy", Rule::Fixed, |_| text("noeviction");
    "notify-keyspace-events", Rule::Fixed, |_| text("");
    "port", Rule::Fixed, |c| number(c.fixed.port.into());
    "protected-mode", Rule::Mutable(|v| Ok(Change::ProtectedMode(yes_or_no(v)?))),
        |c| text(if c.protected_mode() { "yes" } else { "no" });
    "proto-max-bulk-len", Rule::Mutable(|v| Ok(Change::MaxBulk(memory(v)?))),
        |c| number(c.max_bulk.load(Relaxed));
    "requirepass", Rule::Mutable(|v| Ok(Change::Password(v))),
        |c| c.password.read().clone().unwrap_or_default();
    "save", Rule::Fixed, |_| text("");
    "timeout", Rule::Fixed, |_| text("0");
    "unixsocket", Rule::Immutable, |c| text(c.fixed.unix_socket.as_deref().unwrap_or(""));
};

fn text(value: &str) -> Vec<u8> {
    value.as_bytes().to_vec()
}

fn number(value: u64) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn yes_or_no(value: &[u8]) -> Result<bool, String> {
    if value.eq_ignore_ascii_case(b"yes") {
        Ok(true)
    } else if value.eq_ignore_ascii_case(b"no") {
        Ok(false)
    } else {
        Err("argument must be 'yes' or 'no'".to_owned())
    }
}

fn max_clients(value: &[u8]) -> Result<usize, String> {
    let number = std::str::from_utf8(value).ok().and_then(|v| v.parse::<i64>().ok());
    let number = number.ok_or("argument couldn't be parsed into an integer")?;
    match u32::try_from(number) {
        Ok(count @ 1..) => Ok(count as usize),
        _ => Err(format!("argument must be between 1 and {} inclusive", u32::MAX)),
    }
}

/// The size of a buffer.
fn memory(value: &[u8]) -> Result<u64, String> {
    memory_from(value, MIN_BUFFER_LIMIT)
}

/// A number of bytes, not less than `min`, with an optional unit: `1gb` is 2³⁰, `1g` is 10⁹.
fn memory_from(value: &[u8], min: u64) -> Result<u64, String> {
    let not_memory = || "argument must be a memory value".to_owned();
    let value = std::str::from_utf8(value).map_err(|_| not_memory())?.to_ascii_lowercase();
    // Redis takes an empty text for 0.
    let value = if value.is_empty() { "0".to_owned() } else { value };
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let unit = match &value[digits..] {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return Err(not_memory()),
    };
    if digits == 0 {
        return Err(not_memory());
    }
    // Digits alone, so what does not fit is too large.
    let number = value[..digits].parse::<u64>().unwrap_or(u64::MAX);
    let bytes = number.saturating_mul(unit);
    if (min..=i64::MAX as u64).contains(&bytes) {
        return Ok(bytes);
    }
    Err(format!("argument must be between {min} and {} inclusive", i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new(ServerOptions { password: Some(b"secret".to_vec()), ..Default::default() })
    }

    fn value(config: &Config, name: &str) -> String {
        let found = config.get(|n| n == name.as_bytes());
        String::from_utf8(found[0].1.clone()).expect("text")
    }

    #[test]
    fn names_are_sorted() {
        assert!(PARAMETERS.windows(2).all(|w| w[0].name < w[1].name));
        assert!(THRESHOLDS.windows(2).all(|w| w[0].name < w[1].name));
    }

    #[test]
    fn setting_is_all_or_nothing() {
        let config = config();
        let error = config.set(&[(b"maxclients", b"5"), (b"protected-mode", b"maybe")]);
        assert!(error.expect_err("refused").ends_with(b"argument must be 'yes' or 'no'"));
        assert_eq!(value(&config, "maxclients"), "10000");
        config.set(&[(b"MaxClients", b"5"), (b"protected-mode", b"NO")]).expect("accepted");
        assert_eq!((value(&config, "maxclients"), config.protected_mode()), ("5".into(), false));
    }

    #[test]
    fn fixed_values_can_be_repeated_but_not_changed() {
        let config = config();
        assert_eq!(config.set(&[(b"save", b""), (b"appendonly", b"YES")]), Ok(()));
        let error = config.set(&[(b"appendonly", b"no")]).expect_err("refused");
        assert!(error.ends_with(
            b"(possibly related to argument 'appendonly') - can't set immutable config"
        ));
        assert!(config.set(&[(b"databases", b"16")]).is_err());
    }

    #[test]
    fn memory_units() {
        assert_eq!(memory(b"1Gb"), Ok(1 << 30));
        assert_eq!(memory(b"1g"), Ok(1_000_000_000));
        for wrong in [&b"gb"[..], b"-1", b"1xb", b"1 gb"] {
            assert_eq!(
                memory(wrong),
                Err("argument must be a memory value".to_owned()),
                "{wrong:?}"
            );
        }
        for wrong in [&b"100"[..], b"", b"0", b"99999999999999999999", b"9999999999999gb"] {
            assert!(memory(wrong).expect_err("out of range").contains("between 1048576 and"));
        }
    }

    #[test]
    fn a_threshold_has_two_names() {
        let config = config();
        config.set(&[(b"hash-max-ziplist-entries", b"3")]).expect("accepted");
        assert_eq!(value(&config, "hash-max-listpack-entries"), "3");
        assert_eq!(config.thresholds().hash_max_entries.size(), 3);
        config.set(&[(b"hll-sparse-max-bytes", b"1kb")]).expect("accepted");
        assert_eq!(config.thresholds().hll_sparse_max.size(), 1024);
        config.set(&[(b"list-compress-depth", b"2")]).expect("accepted");
        assert_eq!(value(&config, "list-compress-depth"), "2");
        for (name, wrong) in [
            ("hash-max-ziplist-entries", "-1"),
            ("list-max-listpack-size", "x"),
            ("list-compress-depth", "-1"),
            ("list-compress-depth", "2147483648"),
        ] {
            assert!(config.set(&[(name.as_bytes(), wrong.as_bytes())]).is_err());
        }
    }

    #[test]
    fn passwords() {
        let config = config();
        assert!(config.is_password(b"secret"));
        for wrong in [&b""[..], b"secre", b"secretsecret", b"Secret", b"secret\0"] {
            assert!(!config.is_password(wrong), "{wrong:?}");
        }
        config.set(&[(b"requirepass", b"")]).expect("accepted");
        assert!(!config.has_password() && !config.is_password(b""));
    }
}
