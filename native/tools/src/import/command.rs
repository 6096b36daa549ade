//! Commands as they are sent.

/// Appends a string with its length.
pub(super) fn put_word(out: &mut Vec<u8>, word: &[u8]) {
    put_number(out, b'$', word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Appends how many strings a command has.
pub(super) fn put_count(out: &mut Vec<u8>, words: usize) {
    put_number(out, b'*', words);
}

fn put_number(out: &mut Vec<u8>, mark: u8, number: usize) {
    out.push(mark);
    out.extend_from_slice(number.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// A command.
pub(super) fn encode<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut out = Vec::new();
    put_count(&mut out, words.len());
    words.iter().for_each(|word| put_word(&mut out, word.as_ref()));
    out
}
