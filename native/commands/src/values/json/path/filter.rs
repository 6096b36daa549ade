//! Filters: which elements or members of a value a path goes on with.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use super::evaluate::{Budget, Stop, find, place};
use super::{Segment, Selector};
use crate::values::json::Json;

/// Largest program of a regular expression, in bytes.
const MAX_EXPRESSION: usize = 256 << 10;

/// How deep a regular expression may be nested.
const MAX_EXPRESSION_NESTING: u32 = 50;

/// Steps that making a regular expression counts for, and bytes of text that count as one.
const EXPRESSION_STEPS: usize = 20_000;
const BYTES_PER_STEP: usize = 8;

/// A condition.
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// The query finds something.
    Exists(Query),
    /// The function says so.
    Holds(Call),
    Compare(Operand, Comparison, Operand),
    /// The text matches the expression; none if that is no expression.
    Matches(Operand, Option<Regex>),
}

/// How two values are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
}

/// Something to be compared.
pub(super) enum Operand {
    Literal(Json),
    Query(Query),
    Call(Call),
}

/// A path in a filter.
pub(super) struct Query {
    /// Whether it begins at the document itself, and not at the value in question.
    pub(super) from_root: bool,
    pub(super) segments: Vec<Segment>,
}

/// A function (RFC 9535, §2.4).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Length,
    Count,
    Value,
    Match,
    Search,
}

/// A function with its arguments.
pub(super) struct Call {
    function: Function,
    arguments: Vec<Operand>,
    /// The expression, if it is known from the beginning.
    expression: Option<Regex>,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Function> {
        Some(match name {
            "length" => Function::Length,
            "count" => Function::Count,
            "value" => Function::Value,
            "match" => Function::Match,
            "search" => Function::Search,
            _ => return None,
        })
    }

    /// Whether its second argument is a regular expression.
    pub(super) fn needs_expression(self) -> bool {
        matches!(self, Function::Match | Function::Search)
    }

    /// A call with these arguments, if it may have them.
    pub(super) fn call(self, arguments: Vec<Operand>) -> Option<Call> {
        let wanted = if self.needs_expression() { 2 } else { 1 };
        let is_query = matches!(arguments.first(), Some(Operand::Query(_)));
        if arguments.len() != wanted || (self == Function::Count && !is_query) {
            return None;
        }
        let expression = match arguments.get(1) {
            Some(Operand::Literal(Json::String(pattern))) => self.expression(pattern),
            _ => None,
        };
        Some(Call { function: self, arguments, expression })
    }

    fn expression(self, pattern: &str) -> Option<Regex> {
        match self {
            Function::Match => expression(&format!("^(?:{pattern})$")),
            _ => expression(pattern),
        }
    }
}

fn expression(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern)
        .size_limit(MAX_EXPRESSION)
        .dfa_size_limit(MAX_EXPRESSION)
        .nest_limit(MAX_EXPRESSION_NESTING)
        .build()
        .ok()
}

fn is_match(expression: &Regex, text: &str, budget: &mut Budget) -> Result<bool, Stop> {
    budget.spend(1 + text.len() / BYTES_PER_STEP)?;
    Ok(expression.is_match(text))
}

/// What a filter is applied to.
#[derive(Clone, Copy)]
struct Place<'j> {
    value: &'j Json,
    root: &'j Json,
}

/// What an operand is: any of these values.
enum Values<'v> {
    One(&'v Json),
    Many(Vec<&'v Json>),
    Number(Json),
}

impl Values<'_> {
    fn any(&self, mut test: impl FnMut(&Json) -> Result<bool, Stop>) -> Result<bool, Stop> {
        match self {
            Values::One(value) => test(value),
            Values::Number(value) => test(value),
            Values::Many(values) => {
                for value in values {
                    if test(value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Values::Many(values) if values.is_empty())
    }
}

impl Filter {
    /// A comparison; expressions that do not depend on the document are made here.
    pub(super) fn compare(left: Operand, comparison: Comparison, right: Operand) -> Filter {
        match (comparison, &right) {
            (Comparison::Matches, Operand::Literal(Json::String(pattern))) => {
                let pattern = expression(pattern);
                Filter::Matches(left, pattern)
            }
            _ => Filter::Compare(left, comparison, right),
        }
    }

    /// Whether a value of the document `root` satisfies it.
    pub(super) fn accepts(
        &self,
        value: &Json,
        root: &Json,
        budget: &mut Budget,
    ) -> Result<bool, Stop> {
        self.holds(Place { value, root }, budget)
    }

    fn holds(&self, at: Place<'_>, budget: &mut Budget) -> Result<bool, Stop> {
        budget.spend(1)?;
        match self {
            Filter::All(filters) => each(filters, at, budget, false),
            Filter::Any(filters) => each(filters, at, budget, true),
            Filter::Not(filter) => Ok(!filter.holds(at, budget)?),
            Filter::Exists(query) => Ok(!query.values(at, budget)?.is_empty()),
            Filter::Holds(call) => call.holds(at, budget),
            Filter::Compare(left, comparison, right) => {
                let (left, right) = (left.values(at, budget)?, right.values(at, budget)?);
                compare(&left, *comparison, &right, budget)
            }
            Filter::Matches(left, expression) => {
                let Some(expression) = expression else { return Ok(false) };
                left.values(at, budget)?.any(|value| match value {
                    Json::String(text) => is_match(expression, text, budget),
                    _ => Ok(false),
                })
            }
        }
    }
}

/// Whether any of some filters is satisfied, or all of them.
fn each(filters: &[Filter], at: Place<'_>, budget: &mut Budget, any: bool) -> Result<bool, Stop> {
    for filter in filters {
        if filter.holds(at, budget)? == any {
            return Ok(any);
        }
    }
    Ok(!any)
}

impl Query {
    fn values<'j>(&self, at: Place<'j>, budget: &mut Budget) -> Result<Values<'j>, Stop> {
        let start = if self.from_root { at.root } else { at.value };
        if self.segments.iter().all(Segment::is_step) {
            budget.spend(1 + self.segments.len())?;
            let found = self.segments.iter().try_fold(start, step);
            return Ok(found.map_or(Values::Many(Vec::new()), Values::One));
        }
        Ok(Values::Many(find(&self.segments, start, at.root, budget)?.values().collect()))
    }
}

/// Follows a segment that is one step.
fn step<'j>(value: &'j Json, segment: &Segment) -> Option<&'j Json> {
    match (value, &segment.selectors[..]) {
        (Json::Object(members), [Selector::Name(name)]) => members.get(name),
        (Json::Array(elements), [Selector::Index(index)]) => {
            elements.get(place(*index, elements.len())?)
        }
        _ => None,
    }
}

impl Operand {
    fn values<'v>(&'v self, at: Place<'v>, budget: &mut Budget) -> Result<Values<'v>, Stop> {
        match self {
            Operand::Literal(value) => Ok(Values::One(value)),
            Operand::Query(query) => query.values(at, budget),
            Operand::Call(call) => call.values(at, budget),
        }
    }

    /// The only value.
    fn value<'v>(&'v self, at: Place<'v>, budget: &mut Budget) -> Result<Option<Json>, Stop> {
        Ok(match self.values(at, budget)? {
            Values::One(value) => Some(value.clone()),
            Values::Number(value) => Some(value),
            Values::Many(values) => match values[..] {
                [value] => Some(value.clone()),
                _ => None,
            },
        })
    }
}

impl Call {
    /// Whether it is a condition by itself, and no value.
    pub(super) fn is_condition(&self) -> bool {
        self.function.needs_expression()
    }

    fn values<'v>(&'v self, at: Place<'v>, budget: &mut Budget) -> Result<Values<'v>, Stop> {
        let nothing = Values::Many(Vec::new());
        let number = |number: usize| Values::Number(Json::Integer(number as i64));
        let argument = &self.arguments[0];
        Ok(match self.function {
            Function::Length => match argument.value(at, budget)? {
                Some(Json::String(text)) => {
                    budget.spend(text.len() / BYTES_PER_STEP)?;
                    number(text.chars().count())
                }
                Some(Json::Array(elements)) => number(elements.len()),
                Some(Json::Object(members)) => number(members.len()),
                _ => nothing,
            },
            Function::Count => match argument.values(at, budget)? {
                Values::Many(values) => number(values.len()),
                _ => number(1),
            },
            Function::Value => argument.value(at, budget)?.map_or(nothing, Values::Number),
            Function::Match | Function::Search => {
                Values::Number(Json::Boolean(self.holds(at, budget)?))
            }
        })
    }

    fn holds(&self, at: Place<'_>, budget: &mut Budget) -> Result<bool, Stop> {
        let [text, pattern] = &self.arguments[..] else { return Ok(false) };
        let Some(Json::String(text)) = text.value(at, budget)? else { return Ok(false) };
        if let Some(expression) = &self.expression {
            return is_match(expression, &text, budget);
        }
        let Some(Json::String(pattern)) = pattern.value(at, budget)? else { return Ok(false) };
        budget.spend(EXPRESSION_STEPS)?;
        let expression = self.function.expression(&pattern);
        expression.map_or(Ok(false), |expression| is_match(&expression, &text, budget))
    }
}

/// Whether a comparison holds for any of the values on either side.
fn compare(
    left: &Values<'_>,
    comparison: Comparison,
    right: &Values<'_>,
    budget: &mut Budget,
) -> Result<bool, Stop> {
    match comparison {
        Comparison::Equal if left.is_empty() && right.is_empty() => return Ok(true),
        Comparison::NotEqual => return Ok(!compare(left, Comparison::Equal, right, budget)?),
        Comparison::Matches => return matches_any(left, right, budget),
        _ => (),
    }
    left.any(|left| {
        right.any(|right| {
            budget.spend(1)?;
            Ok(match comparison {
                Comparison::Equal => equal(left, right, budget)?,
                Comparison::Less => order(left, right) == Some(Ordering::Less),
                Comparison::Greater => order(left, right) == Some(Ordering::Greater),
                Comparison::LessOrEqual => order(left, right).is_some_and(Ordering::is_le),
                Comparison::GreaterOrEqual => order(left, right).is_some_and(Ordering::is_ge),
                Comparison::NotEqual | Comparison::Matches => false,
            })
        })
    })
}

fn matches_any(
    texts: &Values<'_>,
    patterns: &Values<'_>,
    budget: &mut Budget,
) -> Result<bool, Stop> {
    patterns.any(|pattern| {
        let Json::String(pattern) = pattern else { return Ok(false) };
        budget.spend(EXPRESSION_STEPS)?;
        let Some(expression) = expression(pattern) else { return Ok(false) };
        texts.any(|text| match text {
            Json::String(text) => is_match(&expression, text, budget),
            _ => Ok(false),
        })
    })
}

/// Whether two values are the same, numbers by what they are worth.
fn equal(left: &Json, right: &Json, budget: &mut Budget) -> Result<bool, Stop> {
    budget.spend(1)?;
    match (left, right) {
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (left, right) in left.iter().zip(right.iter()) {
                if !equal(left, right, budget)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Json::Object(left), Json::Object(right)) if left.len() == right.len() => {
            for (name, left) in left.iter() {
                let Some(right) = right.get(name) else { return Ok(false) };
                if !equal(left, right, budget)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Json::Null, Json::Null) => Ok(true),
        (Json::Boolean(left), Json::Boolean(right)) => Ok(left == right),
        _ => Ok(order(left, right) == Some(Ordering::Equal)),
    }
}

/// The order of two numbers or two strings.
fn order(left: &Json, right: &Json) -> Option<Ordering> {
    match (left, right) {
        (Json::String(left), Json::String(right)) => Some(left.cmp(right)),
        (Json::Integer(left), Json::Integer(right)) => Some(left.cmp(right)),
        (Json::Unsigned(left), Json::Unsigned(right)) => Some(left.cmp(right)),
        (Json::Integer(_), Json::Unsigned(_)) => Some(Ordering::Less),
        (Json::Unsigned(_), Json::Integer(_)) => Some(Ordering::Greater),
        _ => double(left)?.partial_cmp(&double(right)?),
    }
}

fn double(value: &Json) -> Option<f64> {
    match value {
        Json::Integer(number) => Some(*number as f64),
        Json::Unsigned(number) => Some(*number as f64),
        Json::Double(number) => Some(*number),
        _ => None,
    }
}
