//! The notation in which [`super::docs`] writes a command's arguments, and its parser.
//!
//! ```text
//! items    = item { " " item }
//! item     = "[" item "]" [ since ]              optional
//!          | [ TOKEN "~" ] argument [ "+" [ "+" ] ] [ since ]
//!                                                "+": may be repeated, "++": with its token
//! argument = name ":" type [ "#" number ]        number: key specification; a key's is 0 unless given
//!          | TOKEN                               a word that stands for itself
//!          | name "=<" item { " | " item } ">"   one of these
//!          | name "=(" items ")"                 these together
//! since    = "@" version | "!" version           first version with it; deprecated from then on
//! ```
//!
//! Tokens are upper-case words, names are not. A token that is a sign of this notation is written
//! between apostrophes.

/// An argument as COMMAND DOCS describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Argument<'t> {
    /// Its name; of a token without a value its word in lower case.
    pub name: String,
    /// `string`, `integer`, `key`, `pure-token`, `oneof`, `block` …
    pub kind: &'t str,
    /// Which key specification it belongs to, if it is a key.
    pub key_spec: Option<i64>,
    /// The word in front of it.
    pub token: Option<&'t str>,
    /// First version with it.
    pub since: Option<&'t str>,
    /// First version that advises against it.
    pub deprecated_since: Option<&'t str>,
    /// It may be left out.
    pub optional: bool,
    /// It may be repeated.
    pub multiple: bool,
    /// Its token is repeated as well.
    pub multiple_token: bool,
    /// Its parts.
    pub parts: Vec<Argument<'t>>,
}

/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 8;

/// Parses a synopsis; `None` when it is not well formed.
pub fn parse(text: &str) -> Option<Vec<Argument<'_>>> {
    let mut parser = Parser { rest: text };
    let items = parser.items(" ", MAX_DEPTH)?;
    parser.rest.is_empty().then_some(items)
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn items(&mut self, separator: &str, depth: usize) -> Option<Vec<Argument<'t>>> {
        let mut items = Vec::new();
        if self.rest.is_empty() {
            return Some(items);
        }
        items.push(self.item(depth)?);
        while self.take(separator) {
            items.push(self.item(depth)?);
        }
        Some(items)
    }

    fn item(&mut self, depth: usize) -> Option<Argument<'t>> {
        let depth = depth.checked_sub(1)?;
        let mut item = if self.take("[") {
            let item = Argument { optional: true, ..self.item(depth)? };
            self.expect("]")?;
            item
        } else {
            let mut item = self.argument(depth)?;
            item.multiple = self.take("+");
            item.multiple_token = item.multiple && self.take("+");
            item
        };
        if self.take("@") {
            item.since = Some(self.word());
        }
        if self.take("!") {
            item.deprecated_since = Some(self.word());
        }
        Some(item)
    }

    fn argument(&mut self, depth: usize) -> Option<Argument<'t>> {
        let word = if self.take("'") { self.quoted()? } else { self.word() };
        if self.take("~") {
            let argument = self.argument(depth)?;
            return Some(Argument { token: Some(word), ..argument });
        }
        if self.take("=<") {
            return self.group(word, "oneof", " | ", ">", depth);
        }
        if self.take("=(") {
            return self.group(word, "block", " ", ")", depth);
        }
        if word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
        {
            let name = word.to_ascii_lowercase();
            return Some(Argument {
                name,
                kind: "pure-token",
                token: Some(word),
                ..Argument::default()
            });
        }
        // The name itself may hold colons.
        let (name, kind) = word.rsplit_once(':')?;
        let key_spec = if self.take("#") {
            Some(self.word().parse().ok()?)
        } else {
            (kind == "key").then_some(0)
        };
        Some(Argument { name: name.to_owned(), kind, key_spec, ..Argument::default() })
    }

    fn group(
        &mut self,
        name: &str,
        kind: &'static str,
        separator: &str,
        end: &str,
        depth: usize,
    ) -> Option<Argument<'t>> {
        let parts = self.items(separator, depth)?;
        self.expect(end)?;
        Some(Argument { name: name.to_owned(), kind, parts, ..Argument::default() })
    }

    /// Everything up to the closing apostrophe.
    fn quoted(&mut self) -> Option<&'t str> {
        let (word, rest) = self.rest.split_once('\'')?;
        self.rest = rest;
        Some(word)
    }

    /// Everything up to the next sign of the notation.
    fn word(&mut self) -> &'t str {
        let end = self.rest.find([' ', '[', ']', '<', '>', '(', ')', '=', '~', '#', '+', '@', '!']);
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn take(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, sign: &str) -> Option<()> {
        self.take(sign).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synopsis_with_everything() {
        let text =
            "key:key#1 [how=<NX | EX~ip:port:string!2.8.12>]@7.0.0 pair=(a:integer b:double)+";
        let items = parse(text).expect("well formed");
        let [key, how, pair] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!((key.kind, key.key_spec, key.optional), ("key", Some(1), false));
        assert_eq!((how.kind, how.optional, how.since), ("oneof", true, Some("7.0.0")));
        assert_eq!((how.parts[0].kind, how.parts[0].name.as_str()), ("pure-token", "nx"));
        let ex = &how.parts[1];
        assert_eq!((ex.name.as_str(), ex.kind, ex.token), ("ip:port", "string", Some("EX")));
        assert_eq!(ex.deprecated_since, Some("2.8.12"));
        assert_eq!((pair.kind, pair.multiple, pair.parts.len()), ("block", true, 2));
    }

    #[test]
    fn a_sign_as_a_token() {
        let items =
            parse("how=<'='~exactly:pure-token | '~'~about:pure-token>").expect("well formed");
        let tokens: Vec<_> = items[0].parts.iter().map(|part| part.token).collect();
        assert_eq!(tokens, [Some("="), Some("~")]);
        assert_eq!(parse("'=~a:string"), None);
    }

    #[test]
    fn malformed_ones() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        for text in ["key", "[key:key", "a=<X", "a=(b:string", "X Y ", "a:key#x", "=<>", &deep] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(""), Some(Vec::new()));
    }
}
