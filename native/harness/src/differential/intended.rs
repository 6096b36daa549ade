//! The replies that differ from Redis 7.0 on purpose. `test/compat/differences.md` is this list for
//! readers; nothing else may differ.

use ferric_resp::Value;

/// An intended difference.
struct Difference {
    /// Whether a command and the two replies, ours first, are a case of it.
    applies: fn(&Words, &Value, &Value) -> bool,
    /// Why the replies differ.
    reason: &'static str,
}

/// A command's words in lower case.
type Words = Vec<Vec<u8>>;

const DIFFERENCES: &[Difference] = &[];

/// Why the replies to `command` may differ as they do, if they may.
pub(super) fn reason(command: &[Vec<u8>], ours: &Value, theirs: &Value) -> Option<&'static str> {
    let words: Words = command.iter().map(|word| word.to_ascii_lowercase()).collect();
    let found = DIFFERENCES.iter().find(|difference| (difference.applies)(&words, ours, theirs));
    found.map(|difference| difference.reason)
}
