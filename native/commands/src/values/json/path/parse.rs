//! From the text of a path to what it means.

use std::fmt;

use super::filter::{Comparison, Filter, Function, Operand, Query};
use super::{Path, Segment, Selector, Slice};
use crate::values::json::{Json, text};

/// Longest path, in bytes.
const MAX_LEN: usize = 64 << 10;

/// How deep parentheses, negations, filters and calls may be nested in a path.
const MAX_NESTING: usize = 24;

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathError {
    /// Where, in bytes from the beginning.
    position: usize,
    /// What could have been there.
    expected: &'static str,
}

impl fmt::Display for PathError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PathError { position, expected } = self;
        write!(
            formatter,
            "Error occurred on position {position}, expected one of the following: {expected}"
        )
    }
}

/// Most regular expressions in a path: each may take some memory, and time to be made.
const MAX_EXPRESSIONS: usize = 8;

type Parsed<T> = Result<T, PathError>;

/// Understands a path in either notation.
pub(super) fn path(text: &str) -> Parsed<Path> {
    if text.len() > MAX_LEN {
        return Err(PathError { position: MAX_LEN, expected: "a shorter path" });
    }
    let mut parser = Parser { text, at: 0, nesting: 0, expressions: 0 };
    let is_path = text == "$" || text.starts_with("$.") || text.starts_with("$[");
    if is_path {
        parser.at = 1;
    } else if text == "." {
        return Ok(Path::root());
    }
    let mut segments = Vec::new();
    if !is_path && !text.starts_with(['.', '[']) {
        segments.push(parser.named()?);
    }
    parser.segments(&mut segments)?;
    if parser.at < text.len() {
        return Err(parser.expected("'.', '['"));
    }
    if segments.is_empty() && !is_path {
        return Err(parser.expected("'.', '$', '[', a name"));
    }
    Ok(Path { legacy: !is_path, segments })
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    nesting: usize,
    expressions: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn expected(&self, expected: &'static str) -> PathError {
        PathError { position: self.at, expected }
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes beyond these characters if they come next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn need(&mut self, token: &str, expected: &'static str) -> Parsed<()> {
        if self.take(token) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_ascii_start().len();
    }

    /// [`Parser::take`] of what may have space before it.
    fn take_word(&mut self, token: &str) -> bool {
        self.skip_space();
        self.take(token)
    }

    /// Counts what needs a regular expression.
    fn count_expression(&mut self) -> Parsed<()> {
        self.expressions += 1;
        if self.expressions > MAX_EXPRESSIONS {
            return Err(self.expected("fewer regular expressions"));
        }
        Ok(())
    }

    /// Parses what is one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting == MAX_NESTING {
            return Err(self.expected("less nesting"));
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    /// Segments up to what is none.
    fn segments(&mut self, segments: &mut Vec<Segment>) -> Parsed<()> {
        loop {
            let descends = self.take("..");
            if !descends && !self.take(".") && self.peek() != Some('[') {
                return Ok(());
            }
            let mut segment = if self.take("[") { self.bracket()? } else { self.named()? };
            segment.descends = descends;
            segments.push(segment);
        }
    }

    /// A name as it is, or `*`.
    fn named(&mut self) -> Parsed<Segment> {
        let selector = if self.take("*") {
            Selector::All
        } else {
            let in_filter = self.nesting > 0;
            let ends = |c: char| {
                c.is_whitespace()
                    || c.is_control()
                    || ".[](),'\"".contains(c)
                    || (in_filter && "=<>!&|".contains(c))
            };
            let len = self.rest().find(ends).unwrap_or(self.rest().len());
            let name = &self.rest()[..len];
            if name.is_empty() {
                return Err(self.expected("'*', '[', a name"));
            }
            self.at += len;
            Selector::Name(name.into())
        };
        Ok(Segment { descends: false, selectors: vec![selector] })
    }

    /// Selectors up to the closing bracket.
    fn bracket(&mut self) -> Parsed<Segment> {
        let mut selectors = Vec::new();
        loop {
            self.skip_space();
            selectors.push(self.selector()?);
            if self.take_word("]") {
                return Ok(Segment { descends: false, selectors });
            }
            self.need(",", "',', ']'")?;
        }
    }

    fn selector(&mut self) -> Parsed<Selector> {
        match self.peek() {
            Some('*') => {
                self.at += 1;
                Ok(Selector::All)
            }
            Some('\'' | '"') => Ok(Selector::Name(self.quoted()?.into())),
            Some('?') => {
                self.at += 1;
                self.nested(Self::any).map(Selector::Where)
            }
            _ => self.index_or_slice(),
        }
    }

    fn index_or_slice(&mut self) -> Parsed<Selector> {
        let from = self.integer();
        if !self.take_word(":") {
            return from
                .map(Selector::Index)
                .ok_or(self.expected("'*', '?', ':', a string, a number"));
        }
        self.skip_space();
        let to = self.integer();
        let mut step = 1;
        if self.take_word(":") {
            self.skip_space();
            step = self.integer().unwrap_or(1);
        }
        Ok(Selector::Slice(Slice { from, to, step }))
    }

    /// A whole number; one that does not fit is as large as can be.
    fn integer(&mut self) -> Option<i64> {
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let len = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if len == 0 {
            return None;
        }
        let text = &rest[..rest.len() - digits.len() + len];
        self.at += text.len();
        let limit = if digits.len() < rest.len() { i64::MIN } else { i64::MAX };
        Some(text.parse().unwrap_or(limit))
    }

    /// A string in single or double quotes, with JSON's escapes; any other character behind a
    /// backslash stays as it is, with the backslash.
    fn quoted(&mut self) -> Parsed<String> {
        let quote = self.peek().ok_or(self.expected("a string"))?;
        self.at += 1;
        let mut text = String::new();
        loop {
            let next = self.peek().ok_or(self.expected("a closing quote"))?;
            self.at += next.len_utf8();
            match next {
                '\\' => self.escape(&mut text)?,
                next if next == quote => return Ok(text),
                next => text.push(next),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Parsed<()> {
        let next = self.peek().ok_or(self.expected("an escaped character"))?;
        self.at += next.len_utf8();
        match next {
            '"' | '\'' | '\\' | '/' => text.push(next),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'u' => text.push(self.code_point()?),
            other => text.extend(['\\', other]),
        }
        Ok(())
    }

    /// What follows `\u`: four hexadecimal digits, or a pair of surrogates.
    fn code_point(&mut self) -> Parsed<char> {
        let wrong = self.expected("a character's number");
        let mut units = vec![self.code_unit()?];
        if (0xd800..0xdc00).contains(&units[0]) {
            self.need("\\u", "the second surrogate")?;
            units.push(self.code_unit()?);
        }
        char::decode_utf16(units).next().and_then(Result::ok).ok_or(wrong)
    }

    fn code_unit(&mut self) -> Parsed<u16> {
        let wrong = self.expected("four hexadecimal digits");
        let digits = self.rest().get(..4).ok_or(wrong)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| wrong)
    }

    /// Alternatives.
    fn any(&mut self) -> Parsed<Filter> {
        let first = self.all()?;
        let mut filters = vec![first];
        while self.take_word("||") {
            filters.push(self.all()?);
        }
        Ok(one_or(filters, Filter::Any))
    }

    fn all(&mut self) -> Parsed<Filter> {
        let first = self.condition()?;
        let mut filters = vec![first];
        while self.take_word("&&") {
            filters.push(self.condition()?);
        }
        Ok(one_or(filters, Filter::All))
    }

    fn condition(&mut self) -> Parsed<Filter> {
        self.skip_space();
        if self.take("!") {
            let negated = self.nested(Self::condition)?;
            return Ok(Filter::Not(Box::new(negated)));
        }
        if self.take("(") {
            let inner = self.nested(Self::any)?;
            if !self.take_word(")") {
                return Err(self.expected("')', '&&', '||', a comparison"));
            }
            return Ok(inner);
        }
        let left = self.operand()?;
        let Some(comparison) = self.comparison() else {
            return match left {
                Operand::Query(query) => Ok(Filter::Exists(query)),
                Operand::Call(call) if call.is_condition() => Ok(Filter::Holds(call)),
                _ => Err(self.expected("'==', '!=', '<', '<=', '>', '>=', '=~'")),
            };
        };
        self.skip_space();
        let right = self.operand()?;
        if comparison == Comparison::Matches {
            self.count_expression()?;
        }
        Ok(Filter::compare(left, comparison, right))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        const ALL: [(&str, Comparison); 7] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("=~", Comparison::Matches),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        self.skip_space();
        ALL.into_iter().find(|(token, _)| self.take(token)).map(|(_, comparison)| comparison)
    }

    fn operand(&mut self) -> Parsed<Operand> {
        match self.peek() {
            Some('@' | '$') => Ok(Operand::Query(self.query()?)),
            Some('\'' | '"') => Ok(Operand::Literal(Json::String(self.quoted()?.into()))),
            Some('[' | '{') => self.structure().map(Operand::Literal),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number().map(Operand::Literal),
            Some(c) if c.is_ascii_lowercase() => self.word(),
            _ => Err(self.expected("'@', '$', '(', '!', a value")),
        }
    }

    fn query(&mut self) -> Parsed<Query> {
        let from_root = self.take("$");
        if !from_root {
            self.need("@", "'@', '$'")?;
        }
        let mut segments = Vec::new();
        self.nested(|parser| parser.segments(&mut segments))?;
        Ok(Query { from_root, segments })
    }

    /// A JSON array or object.
    fn structure(&mut self) -> Parsed<Json> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<Json>();
        let value = values.next().and_then(Result::ok).ok_or(self.expected("a JSON value"))?;
        self.at += values.byte_offset();
        Ok(value)
    }

    fn number(&mut self) -> Parsed<Json> {
        let rest = self.rest();
        let of_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let len = rest.find(|c| !of_number(c)).unwrap_or(rest.len());
        let number = text::parse(&rest[..len]).map_err(|_| self.expected("a number"))?;
        self.at += len;
        Ok(number)
    }

    /// A constant, or a function and its arguments.
    fn word(&mut self) -> Parsed<Operand> {
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
        let constant = match &rest[..len] {
            "true" => Some(Json::Boolean(true)),
            "false" => Some(Json::Boolean(false)),
            "null" => Some(Json::Null),
            _ => None,
        };
        if let Some(constant) = constant {
            self.at += len;
            return Ok(Operand::Literal(constant));
        }
        let wrong = self.expected("true, false, null, length, count, value, match, search");
        let function = Function::named(&rest[..len]).ok_or(wrong)?;
        self.at += len;
        if function.needs_expression() {
            self.count_expression()?;
        }
        self.need("(", "'('")?;
        let arguments = self.nested(|parser| {
            let mut arguments = Vec::new();
            loop {
                parser.skip_space();
                arguments.push(parser.operand()?);
                if parser.take_word(")") {
                    return Ok(arguments);
                }
                parser.need(",", "',', ')'")?;
            }
        })?;
        function.call(arguments).map(Operand::Call).ok_or(wrong)
    }
}

/// The only filter, or what joins several.
fn one_or(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (filters.pop(), filters.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            filters.extend(last);
            join(filters)
        }
    }
}
