//! BY and GET: values that belong to an element.

/// What a pattern names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// Nothing: there is no star for which the element would stand.
    Nothing,
    /// The key in which the element stands between two parts; of a hash, one field.
    Key {
        /// What comes before the element.
        prefix: &'a [u8],
        /// What comes after it.
        suffix: &'a [u8],
        /// The field, if the pattern ends with `->` and one.
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    /// What `text` names. Redis looks for the signs in a C string: up to the first NUL.
    pub(super) fn parse(text: &'a [u8]) -> Pattern<'a> {
        if let [b'#'] | [b'#', 0, ..] = text {
            return Pattern::Element;
        }
        let shown = c_string(text);
        let Some(star) = shown.iter().position(|&byte| byte == b'*') else {
            return Pattern::Nothing;
        };
        let prefix = &text[..star];
        let arrow = shown[star + 1..].windows(2).position(|pair| pair == b"->");
        match arrow.map(|at| star + 1 + at).filter(|at| at + 2 < shown.len()) {
            Some(at) => {
                Pattern::Key { prefix, suffix: &text[star + 1..at], field: Some(&text[at + 2..]) }
            }
            None => Pattern::Key { prefix, suffix: &text[star + 1..], field: None },
        }
    }
}

/// Whether a pattern has a star.
pub(super) fn has_star(text: &[u8]) -> bool {
    c_string(text).contains(&b'*')
}

/// A word up to the first NUL.
pub(super) fn c_string(word: &[u8]) -> &[u8] {
    word.split(|&byte| byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key<'a>(prefix: &'a str, suffix: &'a str, field: Option<&'a str>) -> Pattern<'a> {
        let (prefix, suffix) = (prefix.as_bytes(), suffix.as_bytes());
        Pattern::Key { prefix, suffix, field: field.map(str::as_bytes) }
    }

    #[test]
    fn patterns() {
        for (text, expected) in [
            ("#", Pattern::Element),
            ("#\0x", Pattern::Element),
            ("##", Pattern::Nothing),
            ("", Pattern::Nothing),
            ("key", Pattern::Nothing),
            ("key\0*", Pattern::Nothing),
            ("*", key("", "", None)),
            ("a*b*", key("a", "b*", None)),
            ("a*b\0c", key("a", "b\0c", None)),
            ("h*->f", key("h", "", Some("f"))),
            ("h*x->f->g", key("h", "x", Some("f->g"))),
            ("h*->", key("h", "->", None)),
            ("h*->\0f", key("h", "->\0f", None)),
            ("h*->f\0g", key("h", "", Some("f\0g"))),
            ("h->*", key("h->", "", None)),
            ("*-", key("", "-", None)),
        ] {
            assert_eq!(Pattern::parse(text.as_bytes()), expected, "{text:?}");
        }
    }
}
