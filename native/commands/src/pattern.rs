//! Comparing words: option names, and glob patterns as KEYS, SCAN and CONFIG GET take them.

/// Whether `word` is the option `name`, in any case. Redis compares C strings, so what follows a
/// NUL byte in the word does not count.
pub fn is_option(word: &[u8], name: &str) -> bool {
    let name = name.as_bytes();
    match word.get(name.len()) {
        None => word.eq_ignore_ascii_case(name),
        Some(0) => word[..name.len()].eq_ignore_ascii_case(name),
        Some(_) => false,
    }
}

/// Stars (runs of stars count as one) that may precede the rest of a pattern; patterns with more
/// match nothing, as in Redis.
const MAX_STARS: usize = 1000;

/// Whether `text` as a whole matches the glob `pattern`: `*`, `?`, `[a-z]`, `[^a-z]`, and a
/// backslash before a character that stands for itself. A class that is not closed ends with the
/// pattern. The empty text is matched by the empty pattern only.
///
/// Never takes more steps than the product of both lengths: since every element but the star takes
/// exactly one character, when the elements between two stars are found at their first place,
/// looking for another place of theirs can never help what follows.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    Matcher { fold_case: false }.matches(pattern, text)
}

/// [`matches()`] without regard to the case of ASCII letters, except behind a backslash in a class.
pub fn matches_ignoring_case(pattern: &[u8], text: &[u8]) -> bool {
    Matcher { fold_case: true }.matches(pattern, text)
}

struct Matcher {
    fold_case: bool,
}

impl Matcher {
    fn matches(&self, pattern: &[u8], text: &[u8]) -> bool {
        let (mut p, mut t) = (0, 0);
        // Where the pattern continues after the last star, and from where in the text it was tried.
        let mut retry: Option<(usize, usize)> = None;
        let mut stars = 0;
        while t < text.len() {
            if pattern.get(p) == Some(&b'*') {
                p += pattern[p..].iter().take_while(|&&byte| byte == b'*').count();
                if p == pattern.len() {
                    return true;
                }
                stars += 1;
                if stars > MAX_STARS {
                    return false;
                }
                retry = Some((p, t));
                continue;
            }
            match self.element(&pattern[p..], text[t]) {
                Some(length) => (p, t) = (p + length, t + 1),
                None => match &mut retry {
                    Some((after, from)) => {
                        *from += 1;
                        (p, t) = (*after, *from);
                    }
                    None => return false,
                },
            }
        }
        // An empty text gets here without a look at the pattern.
        let rest = if text.is_empty() { pattern } else { skip_stars(&pattern[p..]) };
        rest.is_empty()
    }

    /// Length of the pattern's first element if it matches `byte`.
    fn element(&self, pattern: &[u8], byte: u8) -> Option<usize> {
        match *pattern {
            [] => None,
            [b'?', ..] => Some(1),
            [b'[', ref class @ ..] => {
                let (matched, length) = self.class(class, byte);
                matched.then_some(1 + length)
            }
            [b'\\', escaped, ..] => self.equal(escaped, byte).then_some(2),
            [literal, ..] => self.equal(literal, byte).then_some(1),
        }
    }

    /// Whether `byte` is in the class whose text follows `[`, and the length of that text with its
    /// bracket.
    fn class(&self, class: &[u8], byte: u8) -> (bool, usize) {
        let negated = class.first() == Some(&b'^');
        let mut at = usize::from(negated);
        let mut found = false;
        let length = loop {
            match class[at..] {
                [b'\\', escaped, ..] => {
                    found |= escaped == byte;
                    at += 2;
                }
                [b']', ..] => break at + 1,
                [] => break at,
                [from, b'-', to, ..] => {
                    found |= self.in_range(from, to, byte);
                    at += 3;
                }
                [literal, ..] => {
                    found |= self.equal(literal, byte);
                    at += 1;
                }
            }
        };
        (found != negated, length)
    }

    /// Ranges are of C's signed characters, in either direction.
    fn in_range(&self, from: u8, to: u8, byte: u8) -> bool {
        let (low, high) = if from as i8 > to as i8 { (to, from) } else { (from, to) };
        let [low, high, byte] = [low, high, byte].map(|byte| self.fold(byte) as i8);
        (low..=high).contains(&byte)
    }

    fn equal(&self, a: u8, b: u8) -> bool {
        self.fold(a) == self.fold(b)
    }

    fn fold(&self, byte: u8) -> u8 {
        if self.fold_case { byte.to_ascii_lowercase() } else { byte }
    }
}

fn skip_stars(pattern: &[u8]) -> &[u8] {
    &pattern[pattern.iter().take_while(|&&byte| byte == b'*').count()..]
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    /// The same semantics by backtracking, which takes exponential time.
    fn matches_slowly(pattern: &[u8], text: &[u8]) -> bool {
        let Some((&byte, rest)) = text.split_first() else {
            return skip_stars(pattern).is_empty();
        };
        if pattern.first() == Some(&b'*') {
            return matches_slowly(&pattern[1..], text) || matches_slowly(pattern, rest);
        }
        (Matcher { fold_case: false })
            .element(pattern, byte)
            .is_some_and(|length| matches_slowly(&pattern[length..], rest))
    }

    proptest! {
        #[test]
        fn agrees_with_backtracking(pattern in "[ab*?\\[\\]^\\-\\\\]{0,10}", text in "[ab\\-]{1,10}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text), matches_slowly(pattern, text));
        }

        #[test]
        fn any_bytes_are_fine(pattern: Vec<u8>, text: Vec<u8>) {
            matches(&pattern, &text);
            matches_ignoring_case(&pattern, &text);
        }
    }

    #[test]
    fn options() {
        assert!(is_option(b"nx", "NX"));
        assert!(is_option(b"Nx\0junk", "NX"));
        assert!(!is_option(b"nxx", "NX"));
        assert!(!is_option(b"n", "NX"));
        assert!(!is_option(b"n\0", "NX"));
        assert!(!is_option(b"", "NX"));
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", false),
            ("*", "a", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "hllo", true),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hbllo", true),
            ("h[a-]llo", "h-llo", false),
            ("h[a-]llo", "h_l", false),
            ("h[a-]llo", "h_", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("[", "a", false),
            ("[^", "a", true),
            ("[^", "^", true),
            ("[a", "a", true),
            ("[]a", "a", false),
            ("[\\]]", "]", true),
            ("[\\", "\\", true),
            ("[a-", "-", true),
            ("a*b*c", "abcbc", true),
            ("a*b*c", "abcb", false),
            ("a**", "a", true),
            ("*a", "", false),
            ("a?", "a", false),
            ("HELLO", "hello", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn ignoring_case() {
        for (pattern, text, expected) in [
            ("HeL*", "hello", true),
            ("[A-C]", "b", true),
            ("[ABC]", "b", true),
            ("[\\A]", "a", false),
            ("\\A", "a", true),
        ] {
            let found = matches_ignoring_case(pattern.as_bytes(), text.as_bytes());
            assert_eq!(found, expected, "{pattern} {text}");
        }
    }

    #[test]
    fn ranges_are_signed() {
        assert!(matches(b"[\xf0-\x05]", b"\x00"));
        assert!(!matches(b"[\x05-\xf0]", b"\x7f"));
        assert!(matches(b"[\x80-\xff]", b"\x90"));
    }

    #[test]
    fn hostile_patterns_take_little_time() {
        let start = Instant::now();
        let text = vec![b'a'; 2000];
        assert!(!matches(&b"*a".repeat(900), &[&text[..], b"b"].concat()));
        assert!(!matches(&[b"*", &text[..1000], b"b"].concat(), &text));
        assert!(start.elapsed().as_secs() < 5);
    }

    #[test]
    fn too_many_stars_match_nothing() {
        let text = vec![b'x'; 3000];
        assert!(matches(&b"x*".repeat(1001), &text));
        assert!(!matches(&[&b"x*".repeat(1001)[..], b"x"].concat(), &text));
        assert!(!matches(&b"x*".repeat(1002), &text));
    }
}
