//! Bytes of the protocol made readable.

/// Longest text shown for one argument or reply, in bytes.
const SHOWN: usize = 400;

/// `bytes` as a quoted literal, cut when long.
pub fn quote(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let dots = if bytes.len() > SHOWN { format!("…({} bytes)", bytes.len()) } else { String::new() };
    format!("\"{}\"{dots}", shown.escape_ascii())
}

/// A command as one line, in a form that redis-cli understands.
pub fn command_line(command: &[Vec<u8>]) -> String {
    command.iter().map(|word| word_text(word)).collect::<Vec<_>>().join(" ")
}

fn word_text(word: &[u8]) -> String {
    let plain = !word.is_empty()
        && word.len() <= SHOWN
        && word.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:+*/".contains(b));
    if plain { String::from_utf8_lossy(word).into_owned() } else { quote(word) }
}
