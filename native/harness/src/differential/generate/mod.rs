//! Random sessions.
//!
//! A command comes from a template ([`template`]) of one of the families ([`families`]), whose
//! places are filled with words from small pools ([`words`]): few keys, so that commands meet, and
//! the values at which implementations go wrong. Some commands are then damaged.

mod bitmaps;
mod families;
mod geo;
mod hashes;
mod hyperloglog;
mod lists;
mod sets;
mod sort;
mod sorted_sets;
mod streams;
mod template;
mod time;
mod words;

use std::time::Duration;

use super::Command;
use super::session::{CONNECTIONS, PASSWORD, Session, Step};
use crate::rng::Rng;
use template::Family;

/// Most steps and most commands of a pipeline.
const MAX_STEPS: u64 = 40;
const MAX_PIPELINE: u64 = 24;

/// Most commands of a pipeline when there is a password: Redis closes connections that are not
/// authenticated and have more than about a kilobyte of replies waiting, and drops the replies.
const MAX_UNAUTHENTICATED: u64 = 3;

/// Time to live of keys that expire during the session, and the pause after which they are gone.
const SHORT_TTL_MS: u64 = 20;
const EXPIRY_PAUSE: Duration = Duration::from_millis(40);

/// The session of a seed.
pub fn session(seed: u64) -> Session {
    let mut generator = Generator { rng: Rng::new(seed) };
    generator.session()
}

/// One random command.
pub fn command(rng: &mut Rng) -> Command {
    let family = families::any(rng);
    template::command(rng, family)
}

struct Generator {
    rng: Rng,
}

impl Generator {
    fn session(&mut self) -> Session {
        let password = self.rng.chance(8);
        let mut steps: Vec<Step> = (0..CONNECTIONS).map(|c| self.opening(c, password)).collect();
        for _ in 0..self.rng.between(4, MAX_STEPS) {
            match self.rng.below(100) {
                0..4 => steps.push(self.scan_all()),
                4 if !password => steps.extend(self.expiry()),
                5..12 if !password => steps.push(self.transaction()),
                _ => steps.push(self.pipeline(password)),
            }
        }
        Session { password, steps }
    }

    fn connection(&mut self) -> usize {
        self.rng.below(CONNECTIONS as u64) as usize
    }

    /// The first commands on a connection: the protocol, the database, and mostly the password.
    fn opening(&mut self, connection: usize, password: bool) -> Step {
        let mut commands = Vec::new();
        if password && self.rng.chance(70) {
            commands.push(words::command(&["AUTH", PASSWORD]));
        }
        if connection == 1 || (connection == 2 && self.rng.chance(50)) {
            commands.push(words::command(&["HELLO", "3"]));
        }
        if self.rng.chance(40) {
            let db = self.rng.below(3).to_string();
            commands.push(words::command(&["SELECT", &db]));
        }
        commands.push(words::command(&["PING"]));
        Step::Pipeline { connection, commands, cuts: Vec::new() }
    }

    /// Some commands at once. Where replies may be switched off there is no QUIT: Redis then leaves
    /// the connection open for ever, silent.
    fn pipeline(&mut self, password: bool) -> Step {
        let longest = if password { MAX_UNAUTHENTICATED } else { MAX_PIPELINE };
        let length = if self.rng.chance(40) { 1 } else { self.rng.between(2, longest) };
        let silent = !password && self.rng.chance(4);
        let mut commands: Vec<Command> =
            (0..length).flat_map(|_| prepared(self.command(password))).collect();
        if silent {
            commands.retain(|command| !command[0].eq_ignore_ascii_case(b"quit"));
            for _ in 0..self.rng.between(1, 3) {
                let at = self.rng.below(commands.len() as u64 + 1) as usize;
                commands.insert(at, template::command(&mut self.rng, Family::Reply));
            }
        }
        if password && let Some(at) = commands.iter().position(is_reset) {
            commands = vec![commands.swap_remove(at)];
        }
        let cuts = self.cuts();
        Step::Pipeline { connection: self.connection(), commands, cuts }
    }

    fn command(&mut self, password: bool) -> Command {
        if password && self.rng.chance(15) {
            return template::command(&mut self.rng, Family::Password);
        }
        command(&mut self.rng)
    }

    fn cuts(&mut self) -> Vec<u16> {
        if !self.rng.chance(20) {
            return Vec::new();
        }
        let count = self.rng.between(1, 4);
        let mut cuts: Vec<u16> = (0..count).map(|_| self.rng.below(1000) as u16).collect();
        cuts.sort_unstable();
        cuts
    }

    fn scan_all(&mut self) -> Step {
        let options = template::command(&mut self.rng, Family::ScanOptions);
        Step::ScanAll { connection: self.connection(), options }
    }

    /// A transaction of commands on keys, sometimes with watched keys, one that cannot be queued, or none
    /// at all.
    fn transaction(&mut self) -> Step {
        let connection = self.connection();
        let mut commands = Vec::new();
        if self.rng.chance(30) {
            commands.push(vec![b"WATCH".to_vec(), words::key(&mut self.rng)]);
            if self.rng.chance(20) {
                commands.push(vec![b"APPEND".to_vec(), words::key(&mut self.rng), b"x".to_vec()]);
            }
        }
        commands.push(words::command(&["MULTI"]));
        for _ in 0..self.rng.below(8) {
            let family = families::data(&mut self.rng);
            let command = template::command(&mut self.rng, family);
            if !takes_more_now(&command) {
                commands.extend(prepared(command));
            }
        }
        let others: &[&[&str]] = &[
            &["DBSIZE"],
            &["SELECT", "1"],
            &["MULTI"],
            &["WATCH", "a"],
            &["UNWATCH"],
            &["FLUSHDB"],
            &["SWAPDB", "0", "2"],
        ];
        if self.rng.chance(30) {
            let other: &[&str] = self.rng.pick::<&[&str]>(others);
            let other = words::command(other);
            let at = self.rng.between(1, commands.len() as u64) as usize;
            commands.insert(at, other);
        }
        let end = if self.rng.chance(90) { "EXEC" } else { "DISCARD" };
        commands.push(words::command(&[end]));
        Step::Pipeline { connection, commands, cuts: self.cuts() }
    }

    /// A key that expires: set, gone, and looked for, which also makes sure that it is not counted
    /// any more.
    fn expiry(&mut self) -> [Step; 3] {
        let connection = self.connection();
        let key = words::key(&mut self.rng);
        let ttl = SHORT_TTL_MS.to_string().into_bytes();
        let words: Vec<Vec<u8>> = match self.rng.below(4) {
            0 => vec![b"PSETEX".into(), key.clone(), ttl, words::value(&mut self.rng)],
            1 => vec![b"PEXPIRE".into(), key.clone(), ttl],
            2 => vec![b"SET".into(), key.clone(), words::value(&mut self.rng), b"PX".into(), ttl],
            _ => vec![b"SET".into(), key.clone(), b"x".into(), b"EXAT".into(), b"1".into()],
        };
        let look = *self.rng.pick(&["EXISTS", "GET", "TTL", "TYPE", "PERSIST", "STRLEN", "INCR"]);
        let pipeline = |commands| Step::Pipeline { connection, commands, cuts: Vec::new() };
        [
            pipeline(vec![words]),
            Step::Pause(EXPIRY_PAUSE),
            pipeline(vec![vec![look.into(), key.clone()], vec![b"EXISTS".into(), key]]),
        ]
    }
}

/// The command with what has to come before it. SORT takes the last number that was out of range,
/// in whatever command, for one of its own: Redis does not clear C's `errno` before. SCAN does.
fn prepared(command: Command) -> impl Iterator<Item = Command> {
    let is_sort =
        [&b"sort"[..], b"sort_ro"].iter().any(|name| command[0].eq_ignore_ascii_case(name));
    is_sort.then(|| words::command(&["SCAN", "0", "COUNT", "1"])).into_iter().chain([command])
}

/// Whether the command has more words than Redis 7.0 takes, which refuses it, and newer ones do not: then its
/// transaction is none.
fn takes_more_now(command: &Command) -> bool {
    let is = |name: &[u8]| command[0].eq_ignore_ascii_case(name);
    (is(b"zrank") || is(b"zrevrank")) && command.len() > 3
}

/// Whether this is a RESET, after which a connection is not authenticated: for the same reason it
/// stays alone when there is a password.
fn is_reset(command: &Command) -> bool {
    command[0].eq_ignore_ascii_case(b"reset")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_gives_a_session() {
        assert!((0..300).all(|seed| session(seed).commands() >= CONNECTIONS));
    }

    #[test]
    fn a_seed_gives_the_same_session_every_time() {
        assert_eq!(session(5).to_string(), session(5).to_string());
        assert_ne!(session(5).to_string(), session(6).to_string());
    }

    #[test]
    fn no_command_is_empty_and_none_can_stop_the_server() {
        let mut rng = Rng::new(3);
        for _ in 0..20_000 {
            let command = command(&mut rng);
            assert!(!command.is_empty());
            if command[0].eq_ignore_ascii_case(b"shutdown") {
                let argument = command.get(1).expect("an argument").to_ascii_lowercase();
                assert!([&b"abort"[..], b"later"].contains(&argument.as_slice()));
            }
        }
    }
}
