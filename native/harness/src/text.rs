//! Bytes of the protocol made readable.

/// Longest text shown for one argument or reply, in bytes.
const SHOWN: usize = 300;

/// `bytes` as a quoted literal, cut when long.
pub fn quote(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let dots =
        if bytes.len() > SHOWN { format!("…({} bytes)", bytes.len()) } else { String::new() };
    format!("\"{}\"{dots}", shown.escape_ascii())
}

/// Two byte strings that differ, quoted from shortly before the first difference.
pub fn quote_difference(ours: &[u8], theirs: &[u8]) -> (String, String) {
    const BEFORE: usize = 80;
    let common = ours.iter().zip(theirs).take_while(|(a, b)| a == b).count();
    let start =
        if ours.len().max(theirs.len()) > SHOWN { common.saturating_sub(BEFORE) } else { 0 };
    let dots = if start > 0 { format!("…(from byte {start}) ") } else { String::new() };
    let part = |bytes: &[u8]| format!("{dots}{}", quote(&bytes[start.min(bytes.len())..]));
    (part(ours), part(theirs))
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
