//! `client-output-buffer-limit`: how much output may wait for a client that does not take it.
//!
//! The limits of the class `pubsub` are applied to the messages that wait for a subscriber. Replies need none: a
//! client's commands are not executed while the replies to those before are not taken.

use crate::numbers::parse_i64;

/// The classes of clients in the order in which CONFIG GET shows them.
const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];
const PUBSUB: usize = 2;

/// The limits of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes over which a client is disconnected at once; 0 for no limit.
    hard: u64,
    /// Bytes over which it is disconnected after a time; 0 for no limit.
    soft: u64,
    /// That time in seconds.
    soft_seconds: u64,
}

impl OutputLimit {
    /// Whether so many bytes are over the soft limit.
    pub(crate) fn is_over_soft(&self, bytes: usize) -> bool {
        self.soft > 0 && bytes as u64 > self.soft
    }

    /// Whether a client has to go that has so many bytes waiting, and has been over the soft limit since then.
    pub(crate) fn is_exceeded(&self, bytes: usize, since_ms: Option<u64>, now_ms: u64) -> bool {
        let over_hard = self.hard > 0 && bytes as u64 > self.hard;
        let patience_ms = self.soft_seconds.saturating_mul(1000);
        over_hard || since_ms.is_some_and(|since| now_ms.saturating_sub(since) > patience_ms)
    }
}

/// The limits of all classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits([OutputLimit; CLASSES.len()]);

impl Default for OutputLimits {
    fn default() -> OutputLimits {
        let limit = |hard, soft, soft_seconds| OutputLimit { hard, soft, soft_seconds };
        OutputLimits([limit(0, 0, 0), limit(256 << 20, 64 << 20, 60), limit(32 << 20, 8 << 20, 60)])
    }
}

impl OutputLimits {
    /// Those of subscribers.
    pub(crate) fn pubsub(&self) -> OutputLimit {
        self.0[PUBSUB]
    }

    /// As CONFIG GET shows them.
    pub(crate) fn text(&self) -> String {
        let classes = CLASSES.iter().zip(&self.0);
        let shown = classes.map(|(class, OutputLimit { hard, soft, soft_seconds })| {
            format!("{class} {hard} {soft} {soft_seconds}")
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// These limits, changed as the value of CONFIG SET says: any number of `<class> <hard> <soft> <seconds>`.
    ///
    /// # Errors
    /// What Redis says of a wrong one.
    pub(crate) fn changed(
        mut self,
        value: &[u8],
        memory: impl Fn(&[u8]) -> Result<u64, String>,
    ) -> Result<OutputLimits, String> {
        let words: Vec<&[u8]> = value.split(|&byte| byte == b' ').collect();
        let words = if value.is_empty() { &[][..] } else { &words };
        if words.len() % 4 != 0 {
            return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
        }
        for entry in words.chunks(4) {
            let class = class(entry[0])
                .ok_or("Invalid client class specified in buffer limit configuration.")?;
            let seconds = parse_i64(entry[3]).and_then(|seconds| u64::try_from(seconds).ok());
            let (Ok(hard), Ok(soft), Some(soft_seconds)) =
                (memory(entry[1]), memory(entry[2]), seconds)
            else {
                return Err("Error in hard, soft or soft_seconds setting in buffer limit \
                            configuration."
                    .to_owned());
            };
            self.0[class] = OutputLimit { hard, soft, soft_seconds };
        }
        Ok(self)
    }
}

fn class(word: &[u8]) -> Option<usize> {
    let word = if word.eq_ignore_ascii_case(b"replica") { b"slave" } else { word };
    CLASSES.iter().position(|class| class.as_bytes().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(value: &str) -> Result<String, String> {
        let memory = |word: &[u8]| {
            std::str::from_utf8(word).ok().and_then(|w| w.parse().ok()).ok_or(String::new())
        };
        OutputLimits::default().changed(value.as_bytes(), memory).map(|limits| limits.text())
    }

    #[test]
    fn values_are_read_and_shown_as_redis_does() {
        let rest = "slave 268435456 67108864 60 pubsub 33554432 8388608 60";
        assert_eq!(changed(""), Ok(format!("normal 0 0 0 {rest}")));
        assert_eq!(changed("normal 1 2 3"), Ok(format!("normal 1 2 3 {rest}")));
        let both = changed("REPLICA 1 0 1 pubsub 7 8 9 PubSub 1 2 3");
        assert_eq!(both.as_deref(), Ok("normal 0 0 0 slave 1 0 1 pubsub 1 2 3"));
        for wrong in ["pubsub 1 0", "master 1 0 9", "pubsub x 0 0", "pubsub 1 0 -1"] {
            assert!(changed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_soft_limit_has_a_time() {
        let limit = OutputLimit { hard: 100, soft: 10, soft_seconds: 2 };
        assert!(!limit.is_over_soft(10) && limit.is_over_soft(11));
        assert!(!limit.is_exceeded(100, Some(5_000), 7_000));
        assert!(limit.is_exceeded(101, None, 0) && limit.is_exceeded(11, Some(5_000), 7_001));
        let none = OutputLimit { hard: 0, soft: 0, soft_seconds: 0 };
        assert!(!none.is_over_soft(usize::MAX) && !none.is_exceeded(usize::MAX, None, 0));
    }
}
