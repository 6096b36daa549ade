//! Times of expiry that do not depend on when exactly a command runs.
//!
//! The two servers run a command some milliseconds apart. So no expiry may come due during a
//! session, and no two may be so close that it matters which of them is later.

use std::time::{SystemTime, UNIX_EPOCH};

use super::words;
use crate::differential::Command;
use crate::rng::Rng;

/// No time to live is shorter, in seconds.
const FAR_S: i64 = 10_000;

/// Times to live differ from one another by random numbers below this, in seconds.
const SPREAD_S: u64 = 100_000_000;

/// A point in time after which no test runs any more: the year 2100, in seconds.
const FAR_AT_S: i64 = 4_102_444_800;

pub(super) fn seconds(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(60) { number(far_seconds(rng)) } else { words::integer(rng) }
}

pub(super) fn millis(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(60) { number(far_millis(rng)) } else { words::integer(rng) }
}

pub(super) fn at_seconds(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(60) { number(FAR_AT_S + rng.below(SPREAD_S) as i64) } else { words::integer(rng) }
}

pub(super) fn at_millis(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(60) {
        number((FAR_AT_S + rng.below(SPREAD_S) as i64) * 1000 + rng.below(1000) as i64)
    } else {
        words::integer(rng)
    }
}

fn far_seconds(rng: &mut Rng) -> i64 {
    FAR_S + rng.below(SPREAD_S) as i64
}

fn far_millis(rng: &mut Rng) -> i64 {
    far_seconds(rng) * 1000 + rng.below(1000) as i64
}

fn number(value: i64) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// How a number in a command is meant.
#[derive(Clone, Copy)]
enum Unit {
    Seconds,
    Millis,
    AtSeconds,
    AtMillis,
}

/// Replaces every time in `command` that would come due soon, or that another command may also use,
/// by one that is far away; random words can have made it one.
pub(super) fn keep_away_from_now(rng: &mut Rng, command: &mut Command) {
    let is_set = command.first().is_some_and(|name| name.eq_ignore_ascii_case(b"set"));
    for index in 1..command.len() {
        if let Some(unit) = unit(command, index)
            && let Some(value) = std::str::from_utf8(&command[index]).ok()
            && let Ok(value) = value.parse::<i64>()
            && let Some(changed) = far(rng, is_set, unit, value)
        {
            command[index] = number(changed);
        }
    }
}

/// What the word at `index` would mean as a time.
fn unit(command: &[Vec<u8>], index: usize) -> Option<Unit> {
    let before = command[index - 1].to_ascii_lowercase();
    let name = command[0].to_ascii_lowercase();
    match before.as_slice() {
        b"ex" => return Some(Unit::Seconds),
        b"px" => return Some(Unit::Millis),
        b"exat" => return Some(Unit::AtSeconds),
        b"pxat" => return Some(Unit::AtMillis),
        _ if index != 2 => return None,
        _ => {}
    }
    match name.as_slice() {
        b"expire" | b"setex" => Some(Unit::Seconds),
        b"pexpire" | b"psetex" => Some(Unit::Millis),
        b"expireat" => Some(Unit::AtSeconds),
        b"pexpireat" => Some(Unit::AtMillis),
        _ => None,
    }
}

/// A time far away instead of `value`, unless it is in the past or invalid anyway.
///
/// SET keeps a key whose time is over until it is met again, and until then DBSIZE counts it; with
/// `is_set` such times are moved as well.
fn far(rng: &mut Rng, is_set: bool, unit: Unit, value: i64) -> Option<i64> {
    const MAX_MS: i64 = 1 << 62;
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    let jitter = rng.below(SPREAD_S) as i64;
    match unit {
        Unit::AtSeconds if is_set && value > 0 && value < now_s => Some(FAR_AT_S + jitter),
        Unit::AtMillis if is_set && value > 0 && value < now_s * 1000 => {
            Some((FAR_AT_S + jitter) * 1000)
        }
        Unit::Seconds if value > 0 && value < MAX_MS / 1000 => Some(value.max(FAR_S) + jitter),
        Unit::Millis if value > 0 && value < MAX_MS => {
            Some(value.max(FAR_S * 1000) + jitter * 1000)
        }
        Unit::AtSeconds if value > now_s - 100 && value < FAR_AT_S => Some(FAR_AT_S + jitter),
        Unit::AtMillis if value > (now_s - 100) * 1000 && value < FAR_AT_S * 1000 => {
            Some((FAR_AT_S + jitter) * 1000)
        }
        _ => None,
    }
}

/// A least time since a delivery that no delivery of a session has, unless its time was set back.
const LONG_IDLE_MS: &str = "1000000";

/// Replaces what would make a server wait for long, or make up identifiers, and times since a
/// delivery that may have passed or not when the command runs.
pub(super) fn keep_streams_predictable(command: &mut Command) {
    let name = command.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    for index in 1..command.len() {
        let before = command[index - 1].to_ascii_lowercase();
        let replacement = match (name.as_slice(), before.as_slice(), index) {
            (b"xadd", _, 2..) if command[index] == b"*" => "7-*",
            (b"xread" | b"xreadgroup", b"block", _) if is_positive(&command[index], i64::MAX) => {
                "1"
            }
            (b"xclaim" | b"xautoclaim", _, 4) | (b"xpending", b"idle", _)
                if is_positive(&command[index], 1_000_000) =>
            {
                LONG_IDLE_MS
            }
            _ => continue,
        };
        command[index] = replacement.into();
    }
}

/// The longest wait for a key, in seconds.
const LONGEST_WAIT_S: f64 = 0.002;

/// Replaces times to wait for a key that are long, or have no end.
pub(super) fn keep_waits_short(command: &mut Command) {
    let name = command.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    let at = match name.as_slice() {
        b"blpop" | b"brpop" | b"bzpopmin" | b"bzpopmax" => command.len() - 1,
        b"blmpop" | b"bzmpop" => 1,
        b"brpoplpush" => 3,
        b"blmove" => 5,
        // Nobody has replicas.
        b"wait" => 2,
        _ => return,
    };
    let Some(word) = command.get_mut(at) else { return };
    let seconds = std::str::from_utf8(word).ok().and_then(|text| text.trim().parse::<f64>().ok());
    // Redis takes hexadecimal numbers as well.
    let hexadecimal = word.iter().any(|byte| byte.eq_ignore_ascii_case(&b'x'));
    if hexadecimal
        || seconds
            .is_some_and(|seconds| seconds == 0.0 || (LONGEST_WAIT_S..1e16).contains(&seconds))
    {
        *word = b"0.001".to_vec();
    }
}

/// Whether the word is a number from 0 (which stands for ever where times to wait are meant) up to
/// `max`.
fn is_positive(word: &[u8], max: i64) -> bool {
    let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<i64>().ok());
    number.is_some_and(|number| (0..=max).contains(&number) && word != b"0")
        || (word == b"0" && max == i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_do_not_wait() {
        let changed = |line: &str| {
            let mut command: Command = line.split(' ').map(|word| word.into()).collect();
            keep_streams_predictable(&mut command);
            command.join(&b' ')
        };
        assert_eq!(changed("XREAD block 0 STREAMS a 0"), b"XREAD block 1 STREAMS a 0");
        assert_eq!(changed("XADD a * f v"), b"XADD a 7-* f v");
        assert_eq!(changed("XCLAIM a g c 3 0-1"), b"XCLAIM a g c 1000000 0-1");
        assert_eq!(changed("XCLAIM a g c 0 0-1"), b"XCLAIM a g c 0 0-1");
    }

    #[test]
    fn waits_are_short() {
        let changed = |line: &str| {
            let mut command: Command = line.split(' ').map(|word| word.into()).collect();
            keep_waits_short(&mut command);
            command.join(&b' ')
        };
        assert_eq!(changed("BLPOP a 0"), b"BLPOP a 0.001");
        assert_eq!(changed("BLMOVE a b LEFT RIGHT 100"), b"BLMOVE a b LEFT RIGHT 0.001");
        assert_eq!(changed("BZMPOP 0.001 1 a MIN"), b"BZMPOP 0.001 1 a MIN");
        assert_eq!(changed("BRPOP a nan"), b"BRPOP a nan");
    }

    fn changed(line: &str) -> Vec<String> {
        let mut command: Command = line.split(' ').map(|word| word.into()).collect();
        keep_away_from_now(&mut Rng::new(1), &mut command);
        command.into_iter().map(|word| String::from_utf8(word).expect("text")).collect()
    }

    #[test]
    fn times_that_come_due_soon_are_moved() {
        let moved = |line, index: usize| changed(line)[index].parse::<i64>().expect("number");
        assert!(moved("SET k v PX 1", 4) >= FAR_S * 1000);
        assert!(moved("expire k 1", 2) >= FAR_S);
        assert!(moved("GETEX k EXAT 1999999999", 3) >= FAR_AT_S);
    }

    #[test]
    fn past_and_invalid_times_stay() {
        for line in ["expire k 0", "EXPIRE k -5", "PEXPIREAT k 1", "EXPIRE k 9223372036854775807"] {
            assert_eq!(changed(line).join(" "), line);
        }
        assert_eq!(changed("SET k 5 px").join(" "), "SET k 5 px");
    }
}
