//! When two replies count as the same.

use std::fmt;

use ferric_resp::Value;

use super::Command;
use super::run::{Outcome, changes_reply_mode};
use crate::client::Reply;
use crate::text::{command_line, quote, quote_difference};

/// A reply that differs.
#[derive(Debug, Clone)]
pub struct Mismatch {
    /// Index of the step in its session.
    pub step: usize,
    /// The command, or the whole pipeline if the replies cannot be told apart.
    pub command: String,
    /// Our reply.
    pub ours: String,
    /// Redis's reply.
    pub theirs: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  command: {}", self.command)?;
        writeln!(f, "  ours:    {}", self.ours)?;
        write!(f, "  redis:   {}", self.theirs)
    }
}

impl Mismatch {
    /// What kind of difference this is: equal for differences that probably have one cause.
    pub fn kind(&self) -> String {
        const TELLING: usize = 12;
        let words = self.command.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let beginning = |text: &str| text.chars().take(TELLING).collect::<String>();
        let (ours, theirs) = (beginning(&self.ours), beginning(&self.theirs));
        format!("{} | {ours} | {theirs}", words.to_lowercase())
            .replace(|c: char| c.is_ascii_digit(), "")
    }
}

/// What may differ in the replies to a command. `test/compat/differences.md` explains it to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nothing.
    Exact,
    /// An integer, by so much: it depends on when the command ran.
    Near(i64),
    /// The elements' order.
    Unordered,
    /// The order of names and values that alternate.
    UnorderedPairs,
    /// Which elements: chance decides. If as many as this are wanted, it is all of them, or all
    /// pairs.
    Drawn,
    /// A scan's cursor and elements, unless both servers say that these are all.
    Scanned,
    /// Subcommands in the description of a command: Redis lists them in a random order, and knows
    /// others.
    Subcommands,
    /// Times of deliveries to consumers, and times since: they depend on when the command ran.
    Deliveries,
    /// The fields of HELLO that name the server.
    Greeting,
    /// Everything but the type: clock, chance, identity or memory decide.
    Shape,
}

/// The rule for `command`.
fn rule(command: &[Vec<u8>]) -> Rule {
    let lower = |index: usize| command.get(index).map(|word| word.to_ascii_lowercase());
    let name = lower(0).unwrap_or_default();
    let sub = lower(1).unwrap_or_default();
    match (name.as_slice(), sub.as_slice()) {
        (b"ttl" | b"expiretime", _) => Rule::Near(2),
        (b"pttl" | b"pexpiretime", _) => Rule::Near(2000),
        (b"keys" | b"hkeys" | b"hvals" | b"smembers" | b"spop", _)
        | (b"sinter" | b"sunion" | b"sdiff", _) => Rule::Unordered,
        (b"hgetall", _) => Rule::UnorderedPairs,
        (b"hrandfield" | b"srandmember" | b"zrandmember", _) => Rule::Drawn,
        (b"hscan" | b"sscan" | b"zscan", _) => Rule::Scanned,
        (b"sort" | b"sort_ro", _) if leaves_ties(command) => Rule::Shape,
        (b"config", b"get") => Rule::UnorderedPairs,
        (b"command", b"info") if command.len() > 2 => Rule::Subcommands,
        (b"hello", _) => Rule::Greeting,
        (b"xpending", _) | (b"xinfo", b"stream" | b"consumers") => Rule::Deliveries,
        (b"scan", b"all") => Rule::Exact,
        (b"scan" | b"randomkey" | b"time" | b"lastsave" | b"role" | b"info" | b"bgsave", _)
        | (b"client", b"id" | b"list" | b"info")
        | (b"memory", b"usage")
        // Redis shares small integers, and with them the time of their last use.
        | (b"object", b"idletime")
        | (b"command", b"" | b"count" | b"docs" | b"info" | b"list")
        | (_, b"help") => Rule::Shape,
        _ => Rule::Exact,
    }
}

/// Whether a SORT has a result that is not determined: which elements of the same weight come first
/// when not all are wanted depends on the algorithm.
fn leaves_ties(command: &[Vec<u8>]) -> bool {
    let has = |word: &[u8]| command.iter().any(|other| other.eq_ignore_ascii_case(word));
    has(b"alpha") && has(b"by") && has(b"limit")
}

/// The first difference between what `commands` led to.
pub(super) fn compare(commands: &[Command], ours: &Outcome, theirs: &Outcome) -> Option<Mismatch> {
    let answered = answered(commands);
    let mut queue: Vec<&[Vec<u8>]> = Vec::new();
    for (index, (our, their)) in ours.replies.iter().zip(&theirs.replies).enumerate() {
        let command = answered.get(index).and_then(|index| commands.get(*index));
        let command = command.map_or(&[][..], Vec::as_slice);
        if is(command, b"multi") && our.bytes == b"+OK\r\n" {
            queue.clear();
        }
        if our.bytes == b"+QUEUED\r\n" {
            queue.push(command);
        }
        let executed = is(command, b"exec") && same_executed(&queue, &our.value, &their.value);
        if !executed && !same(command, our, their) {
            let command = command_line(command);
            let (ours, theirs) = quote_difference(&our.bytes, &their.bytes);
            return Some(mismatch(command, ours, theirs));
        }
    }
    let summary = |outcome: &Outcome| {
        let end = if outcome.closed { ", then the connection was closed" } else { "" };
        let last = outcome.replies.last().map(|reply| quote(&reply.bytes)).unwrap_or_default();
        format!("{} replies, the last {last}{end}", outcome.replies.len())
    };
    let counts = |outcome: &Outcome| (outcome.replies.len(), outcome.closed);
    if counts(ours) == counts(theirs) {
        return None;
    }
    let common = ours.replies.len().min(theirs.replies.len());
    let first = answered.get(common).and_then(|index| commands.get(*index));
    let command = first.map(|command| command_line(command)).unwrap_or_default();
    Some(mismatch(command, summary(ours), summary(theirs)))
}

fn mismatch(command: String, ours: String, theirs: String) -> Mismatch {
    Mismatch { step: 0, command, ours, theirs }
}

/// Indices of the commands that are replied to, as CLIENT REPLY leaves them; after the last one a
/// reply belongs to the CLIENT REPLY ON with which the runner ends such pipelines.
fn answered(commands: &[Command]) -> Vec<usize> {
    let mut off = false;
    let mut skip = false;
    let mut answered = Vec::with_capacity(commands.len());
    for (index, command) in commands.iter().enumerate() {
        let skipped = std::mem::take(&mut skip);
        let mode = (changes_reply_mode(command) && command.len() == 3)
            .then(|| command[2].to_ascii_lowercase());
        match mode.as_deref() {
            Some(b"on") => off = false,
            Some(b"off") => off = true,
            Some(b"skip") if !off => skip = true,
            _ if command.len() == 1 && command[0].eq_ignore_ascii_case(b"reset") => off = false,
            _ => {}
        }
        let silent = off || skip || (skipped && mode.as_deref() != Some(b"on"));
        if !silent {
            answered.push(index);
        }
    }
    answered
}

fn is(command: &[Vec<u8>], name: &[u8]) -> bool {
    command.first().is_some_and(|word| word.eq_ignore_ascii_case(name))
}

/// Whether two replies to EXEC count as the same: each of its parts, as one to its command.
fn same_executed(queue: &[&[Vec<u8>]], ours: &Value, theirs: &Value) -> bool {
    let (Value::Array(ours), Value::Array(theirs)) = (ours, theirs) else { return false };
    let lengths = [ours.len(), theirs.len()];
    let same_part = |((command, a), b): ((&&[Vec<u8>], &Value), &Value)| {
        a == b || is_newer(command) || same_values(command, a, b)
    };
    lengths == [queue.len(); 2] && queue.iter().zip(ours).zip(theirs).all(same_part)
}

/// Whether two replies to `command` count as the same.
fn same(command: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    if ours.bytes == theirs.bytes || is_newer(command) {
        return true;
    }
    ours.bytes.first() == theirs.bytes.first() && same_values(command, &ours.value, &theirs.value)
}

/// Whether two different replies of the same type count as the same.
fn same_values(command: &[Vec<u8>], a: &Value, b: &Value) -> bool {
    if matches!(a, Value::Error(_)) || matches!(b, Value::Error(_)) {
        return false;
    }
    match rule(command) {
        Rule::Exact => false,
        Rule::Near(tolerance) => near(a, b, tolerance),
        Rule::Unordered => sorted(a) == sorted(b),
        Rule::UnorderedPairs => sorted_pairs(a) == sorted_pairs(b),
        Rule::Drawn => drawn(command, a, b),
        Rule::Scanned => scanned(command, a, b),
        Rule::Subcommands => without_subcommands(a) == without_subcommands(b),
        Rule::Deliveries => same_deliveries(a, b),
        Rule::Greeting => greeting(a) == greeting(b),
        Rule::Shape => true,
    }
}

/// Whether the command, or one that it asks about, has an option that Redis 7.0 does not know.
fn is_newer(command: &[Vec<u8>]) -> bool {
    let ranks = |word: &Vec<u8>| {
        [&b"zrank"[..], b"zrevrank"].iter().any(|name| word.eq_ignore_ascii_case(name))
    };
    match command {
        [name, rest @ ..] if ranks(name) => rest.len() > 2,
        [name, rest @ ..] if name.eq_ignore_ascii_case(b"command") => rest.iter().any(ranks),
        _ => false,
    }
}

/// Whether both are times, and about the same; -1 and -2 are not times.
fn near(a: &Value, b: &Value, tolerance: i64) -> bool {
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => {
            *a >= 0 && *b >= 0 && a.abs_diff(*b) <= tolerance.unsigned_abs()
        }
        _ => false,
    }
}

/// Whether two replies are the same but for times: those after `idle` and `seen-time`, and those in
/// front of the number of deliveries of a pending entry.
fn same_deliveries(a: &Value, b: &Value) -> bool {
    const TOLERANCE_MS: i64 = 2000;
    match (a, b) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().all(|(index, (x, y))| {
                let is_time = is_pending(a) && index + 2 == a.len()
                    || index > 0 && is_name_of_time(&a[index - 1]);
                if is_time { near(x, y, TOLERANCE_MS) } else { same_deliveries(x, y) }
            })
        }
        (Value::Map(a), Value::Map(b)) if a.len() == b.len() => {
            a.iter().zip(b).all(|((name, x), (other, y))| {
                let same = |x, y| match is_name_of_time(name) {
                    true => near(x, y, TOLERANCE_MS),
                    false => same_deliveries(x, y),
                };
                name == other && same(x, y)
            })
        }
        _ => a == b,
    }
}

/// A pending entry: its identifier, maybe its consumer, and two numbers.
fn is_pending(items: &[Value]) -> bool {
    matches!(
        items,
        [Value::Bulk(_), Value::Integer(_), Value::Integer(_)]
            | [Value::Bulk(_), Value::Bulk(_), Value::Integer(_), Value::Integer(_)]
    )
}

fn is_name_of_time(value: &Value) -> bool {
    matches!(value, Value::Bulk(name) if name == b"idle" || name == b"seen-time")
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) | Value::Set(items) => {
            Some(items.iter().map(|item| format!("{item:?}")).collect())
        }
        Value::Map(pairs) => {
            Some(pairs.iter().flat_map(|(k, v)| [format!("{k:?}"), format!("{v:?}")]).collect())
        }
        _ => None,
    }
}

fn sorted(value: &Value) -> Option<Vec<String>> {
    let mut texts = texts(value)?;
    texts.sort();
    Some(texts)
}

fn sorted_pairs(value: &Value) -> Option<Vec<(String, String)>> {
    let texts = texts(value)?;
    let (pairs, rest) = texts.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let mut pairs: Vec<_> = pairs.iter().map(|[k, v]| (k.clone(), v.clone())).collect();
    pairs.sort();
    Some(pairs)
}

/// Whether as many elements were drawn, and the same ones where there was no choice.
fn drawn(command: &[Vec<u8>], a: &Value, b: &Value) -> bool {
    const ALL: &[u8] = b"5000";
    let count = |value: &Value| texts(value).map(|texts| texts.len());
    if command.get(2).is_none_or(|word| word.as_slice() != ALL) {
        return count(a) == count(b);
    }
    // Pairs are flat in RESP2, arrays of two in RESP3, and both are equal when sorted.
    if command.len() > 3 && sorted_pairs(a).is_some() && sorted_pairs(a) == sorted_pairs(b) {
        return true;
    }
    sorted(a) == sorted(b)
}

/// Whether two scans have visited the same elements; when they went on from somewhere or were not
/// complete, that cannot be told.
fn scanned(command: &[Vec<u8>], a: &Value, b: &Value) -> bool {
    let parts = |value: &Value| match value {
        Value::Array(items) => match items.as_slice() {
            [Value::Bulk(cursor), found] => Some((cursor.clone(), found.clone())),
            _ => None,
        },
        _ => None,
    };
    let (Some((cursor, ours)), Some((other, theirs))) = (parts(a), parts(b)) else { return false };
    let zero = |word: &Vec<u8>| word.as_slice() == b"0";
    if !zero(&cursor) || !zero(&other) || !command.get(2).is_some_and(zero) {
        return true;
    }
    match command[0].to_ascii_lowercase().as_slice() {
        b"hscan" | b"zscan" => sorted_pairs(&ours) == sorted_pairs(&theirs),
        _ => sorted(&ours) == sorted(&theirs),
    }
}

/// Descriptions of commands, each without its last field.
fn without_subcommands(value: &Value) -> Option<Vec<Value>> {
    const SUBCOMMANDS: usize = 9;
    let Value::Array(descriptions) = value else { return None };
    let shorten = |description: &Value| match description {
        Value::Array(fields) => Value::Array(fields.iter().take(SUBCOMMANDS).cloned().collect()),
        other => other.clone(),
    };
    Some(descriptions.iter().map(shorten).collect())
}

/// HELLO's fields without the values that name the server, its version and the connection.
fn greeting(value: &Value) -> Option<Vec<String>> {
    let mut texts = texts(value)?;
    for index in (0..texts.len()).step_by(2) {
        let personal = ["\"version\"", "\"id\""];
        let name = match index {
            _ if texts[index] == format!("{:?}", Value::Bulk(b"version".to_vec())) => personal[0],
            _ if texts[index] == format!("{:?}", Value::Bulk(b"id".to_vec())) => personal[1],
            _ => continue,
        };
        texts[index + 1] = name.to_owned();
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Command {
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    fn reply(bytes: &str) -> Reply {
        let parsed = Value::parse(bytes.as_bytes()).expect("valid").expect("complete");
        Reply { bytes: bytes.as_bytes().to_vec(), value: parsed.0 }
    }

    fn equal(line: &str, a: &str, b: &str) -> bool {
        same(&command(line), &reply(a), &reply(b))
    }

    #[test]
    fn replies_are_compared_by_bytes() {
        assert!(equal("get k", "$1\r\na\r\n", "$1\r\na\r\n"));
        assert!(!equal("get k", "$1\r\na\r\n", "$1\r\nb\r\n"));
        assert!(!equal("get k", "$-1\r\n", "*-1\r\n"));
    }

    #[test]
    fn times_may_differ_a_little_but_not_their_absence() {
        assert!(equal("ttl k", ":100\r\n", ":99\r\n"));
        assert!(!equal("ttl k", ":100\r\n", ":90\r\n"));
        assert!(!equal("ttl k", ":-1\r\n", ":-2\r\n") && !equal("ttl k", ":0\r\n", ":-1\r\n"));
        assert!(!equal("ttl k", "-ERR a\r\n", "-ERR b\r\n"));
    }

    #[test]
    fn deliveries_may_be_some_time_apart() {
        let pending = |time: i64, count: i64| {
            format!("*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:{time}\r\n:{count}\r\n")
        };
        assert!(equal("xpending s g - + 9", &pending(5, 1), &pending(8, 1)));
        assert!(!equal("xpending s g - + 9", &pending(5, 1), &pending(5, 2)));
        assert!(!equal("xpending s g - + 9", &pending(5, 1), &pending(50_000, 1)));
        let idle = |name: &str, number: i64| {
            let len = name.len();
            format!("*1\r\n*2\r\n${len}\r\n{name}\r\n:{number}\r\n")
        };
        assert!(equal("xinfo consumers s g", &idle("idle", 5), &idle("idle", 8)));
        assert!(!equal("xinfo consumers s g", &idle("pending", 5), &idle("pending", 8)));
    }

    #[test]
    fn order_does_not_matter_where_there_is_none() {
        assert!(equal("keys *", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\r\nb\r\n$1\r\na\r\n"));
        assert!(!equal("mget a b", "*2\r\n:1\r\n:2\r\n", "*2\r\n:2\r\n:1\r\n"));
    }

    #[test]
    fn what_is_drawn_is_compared_where_there_is_no_choice() {
        let (a, b) = ("*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\r\nb\r\n$1\r\na\r\n");
        let other = "*2\r\n$1\r\nb\r\n$1\r\nc\r\n";
        assert!(equal("srandmember s 5000", a, b) && !equal("srandmember s 5000", a, other));
        assert!(equal("srandmember s 2", a, other) && !equal("srandmember s 2", a, "*0\r\n"));
        let scan = |items: &str| format!("*2\r\n$1\r\n0\r\n{items}");
        let done = "*2\r\n$1\r\n7\r\n*0\r\n";
        assert!(
            equal("sscan s 0", &scan(a), &scan(b)) && !equal("sscan s 0", &scan(a), &scan(other))
        );
        assert!(equal("sscan s 0", &scan(a), done) && equal("sscan s 9", &scan(a), &scan(other)));
    }

    #[test]
    fn parts_of_a_transaction_are_compared_as_replies_to_their_commands() {
        let queue = [command("TTL a"), command("GET a")];
        let queue: Vec<&[Vec<u8>]> = queue.iter().map(Vec::as_slice).collect();
        let executed = |a: &str, b: &str| same_executed(&queue, &reply(a).value, &reply(b).value);
        assert!(executed("*2\r\n:10\r\n+x\r\n", "*2\r\n:9\r\n+x\r\n"));
        assert!(!executed("*2\r\n:10\r\n+x\r\n", "*2\r\n:9\r\n+y\r\n"));
        assert!(!executed("*1\r\n:10\r\n", "*2\r\n:9\r\n+y\r\n"));
    }

    #[test]
    fn newer_options_are_not_compared() {
        assert!(equal("ZRANK k m WITHSCORE", "*2\r\n:0\r\n:1\r\n", "-ERR wrong number\r\n"));
        assert!(!equal("ZRANK k m", ":0\r\n", ":1\r\n"));
        assert!(equal("COMMAND INFO zrevrank", ":-3\r\n", ":3\r\n"));
    }

    #[test]
    fn greetings_may_name_another_version() {
        let hello = |version: &str, mode: &str| {
            format!("*4\r\n$7\r\nversion\r\n$1\r\n{version}\r\n$4\r\nmode\r\n$1\r\n{mode}\r\n")
        };
        assert!(equal("hello", &hello("1", "x"), &hello("2", "x")));
        assert!(!equal("hello", &hello("1", "x"), &hello("1", "y")));
    }

    #[test]
    fn replies_are_matched_to_commands_when_some_are_silent() {
        let lines = ["get a", "client reply skip", "get b", "get c", "client reply off", "get d"];
        let mut commands: Vec<Command> = lines.map(command).to_vec();
        assert_eq!(answered(&commands), [0, 3]);
        commands.push(command("client reply on"));
        commands.push(command("get e"));
        assert_eq!(answered(&commands), [0, 3, 6, 7]);
    }
}
