//! Inline commands: one line of words, as typed by a human into a plain terminal.
//!
//! Words are separated by blanks. Inside double quotes `\n \r \t \b \a`, `\xHH` and a backslash
//! before any other byte are understood; inside single quotes only `\'`. A quote may open in the
//! middle of a word, but must close at its end.

use crate::args::Span;
use crate::error::ProtocolError;
use crate::work;

/// What is known of the inline command at the start of the data.
pub(crate) enum InlineLine {
    /// The text is `data[..end]` and the next command starts at `next`.
    Whole { end: usize, next: usize },
    /// The end of the line has not arrived.
    Partial,
    /// The line does not end within the allowed length.
    TooLong,
}

/// Finds the end of the inline command at the start of `data`, looking only at bytes from
/// `*scanned` on. A lone LF ends a line as CR LF does; as in Redis 7.0 a NUL byte hides everything
/// behind it.
pub(crate) fn find_inline(data: &[u8], scanned: &mut usize, limit: usize) -> InlineLine {
    let from = *scanned;
    let found = data[from..].iter().position(|&byte| byte == b'\n' || byte == 0);
    let stop = found.map_or(data.len(), |offset| from + offset);
    work::add(stop - from + 1);
    *scanned = stop;
    match data.get(stop) {
        Some(b'\n') if stop > limit => InlineLine::TooLong,
        Some(b'\n') => {
            let end = if data[..stop].last() == Some(&b'\r') { stop - 1 } else { stop };
            InlineLine::Whole { end, next: stop + 1 }
        }
        _ if data.len() > limit => InlineLine::TooLong,
        _ => InlineLine::Partial,
    }
}

/// Splits a line into its words: their bytes are appended to `text`, their places to `spans`.
pub(crate) fn split_words(
    line: &[u8],
    text: &mut Vec<u8>,
    spans: &mut Vec<Span>,
) -> Result<(), ProtocolError> {
    work::add(line.len());
    let mut rest = line;
    loop {
        let blanks = rest.iter().take_while(|&&byte| is_space(byte)).count();
        rest = &rest[blanks..];
        if rest.is_empty() {
            return Ok(());
        }
        let start = text.len();
        rest = take_word(rest, text)?;
        spans.push(Span::new(start, text.len() - start));
    }
}

/// Appends the word at the start of `rest` to `text` and returns what follows it.
fn take_word<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    while let [byte, tail @ ..] = rest {
        match byte {
            // Vertical tab and form feed separate words only in front of one, as in Redis.
            b' ' | b'\n' | b'\r' | b'\t' => return Ok(tail),
            b'"' => return take_quoted(tail, b'"', text),
            b'\'' => return take_quoted(tail, b'\'', text),
            _ => text.push(*byte),
        }
        rest = tail;
    }
    Ok(rest)
}

/// Appends the text up to the closing `quote` and returns what follows that.
fn take_quoted<'a>(
    mut rest: &'a [u8],
    quote: u8,
    text: &mut Vec<u8>,
) -> Result<&'a [u8], ProtocolError> {
    loop {
        match rest {
            [] => return Err(ProtocolError::UnbalancedQuotes),
            [byte, tail @ ..] if *byte == quote => {
                return match tail.first() {
                    Some(&next) if !is_space(next) => Err(ProtocolError::UnbalancedQuotes),
                    _ => Ok(tail),
                };
            }
            [b'\\', b'\'', tail @ ..] if quote == b'\'' => {
                text.push(b'\'');
                rest = tail;
            }
            [b'\\', escape @ ..] if quote == b'"' && !escape.is_empty() => {
                rest = take_escape(escape, text);
            }
            [byte, tail @ ..] => {
                text.push(*byte);
                rest = tail;
            }
        }
    }
}

/// Appends what the escape sequence at the start of `rest`, without its backslash, stands for.
fn take_escape<'a>(rest: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    if let [b'x', high, low, tail @ ..] = rest
        && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
    {
        text.push(high << 4 | low);
        return tail;
    }
    let [byte, tail @ ..] = rest else { return rest };
    text.push(match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => *other,
    });
    tail
}

fn hex_digit(byte: u8) -> Option<u8> {
    // A hexadecimal digit's value is below 16.
    char::from(byte).to_digit(16).map(|value| value as u8)
}

/// The white space of C's `isspace` in the C locale.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 0x09..=0x0d)
}
