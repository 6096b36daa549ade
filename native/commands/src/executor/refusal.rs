//! Error replies to commands that are not run.

use crate::context::Args;
use crate::table::Entry;

/// Bytes of a client's words that an error text quotes at most, of the name and of the rest.
const QUOTED: usize = 128;

/// What a full disk is called in error replies: the system's text for ENOSPC.
pub(super) const NO_SPACE: &str = "No space left on device";

/// An error reply to a command that was not run.
pub(super) struct Refusal {
    /// The command's index, when it is known.
    pub(super) index: Option<usize>,
    /// The error line without its `-`.
    pub(super) text: Vec<u8>,
}

#[cold]
pub(super) fn arity(entry: &Entry) -> Refusal {
    let text = format!("ERR wrong number of arguments for '{}' command", entry.full_name);
    Refusal { index: Some(entry.index), text: text.into_bytes() }
}

#[cold]
pub(super) fn unauthenticated(entry: &Entry) -> Refusal {
    Refusal { index: Some(entry.index), text: b"NOAUTH Authentication required.".to_vec() }
}

#[cold]
pub(super) fn not_in_multi(entry: &Entry) -> Refusal {
    let text = b"ERR Command not allowed inside a transaction".to_vec();
    Refusal { index: Some(entry.index), text }
}

/// The reply to a RESP2 client that is subscribed, where replies and messages look alike.
#[cold]
pub(super) fn subscribed(entry: &Entry) -> Refusal {
    let text = format!(
        "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
         allowed in this context",
        entry.full_name
    );
    Refusal { index: Some(entry.index), text: text.into_bytes() }
}

/// Whether such a client may run the command.
pub(super) fn is_for_subscribers(entry: &Entry) -> bool {
    let name = entry.command.name;
    matches!(name, "ping" | "quit" | "reset") || name.ends_with("subscribe")
}

#[cold]
pub(super) fn read_only(entry: &Entry, reason: &str) -> Refusal {
    Refusal { index: Some(entry.index), text: misconf(reason) }
}

/// The reply to a write when the log has failed.
pub(super) fn misconf(reason: &str) -> Vec<u8> {
    format!("MISCONF Errors writing to the AOF file: {reason}").into_bytes()
}

/// Whether the words begin a line of an HTTP request. A browser that was tricked into sending one
/// to this port must not get to the commands in its body, so the connection is closed, unanswered.
#[cold]
pub(super) fn is_http(args: Args<'_>) -> bool {
    let name = args.first().copied().unwrap_or_default();
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

#[cold]
pub(super) fn unknown(args: Args<'_>) -> Refusal {
    let name = args.first().copied().unwrap_or_default();
    let mut text = b"ERR unknown command '".to_vec();
    text.extend_from_slice(quoted(name, QUOTED));
    text.extend_from_slice(b"', with args beginning with: ");
    let start = text.len();
    for arg in args.iter().skip(1) {
        let room = QUOTED.saturating_sub(text.len() - start);
        if room == 0 {
            break;
        }
        text.push(b'\'');
        text.extend_from_slice(quoted(arg, room));
        text.extend_from_slice(b"' ");
    }
    Refusal { index: None, text }
}

#[cold]
pub(super) fn unknown_subcommand(container: &Entry, given: &[u8]) -> Refusal {
    let mut text = b"ERR unknown subcommand '".to_vec();
    text.extend_from_slice(quoted(given, QUOTED));
    let name = container.command.name.to_uppercase();
    text.extend_from_slice(format!("'. Try {name} HELP.").as_bytes());
    Refusal { index: None, text }
}

/// What Redis quotes of a word: it ends at a NUL byte, and after `room` bytes.
fn quoted(word: &[u8], room: usize) -> &[u8] {
    let end = word.iter().position(|&b| b == 0).unwrap_or(word.len());
    &word[..end.min(room)]
}
