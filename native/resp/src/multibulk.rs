//! Commands in the form clients send: an array of bulk strings, parsed so that it can stop at any
//! byte and go on from there.

use crate::args::Span;
use crate::error::ProtocolError;
use crate::limits::{Limits, UNAUTHENTICATED_ARGS, UNAUTHENTICATED_BULK};
use crate::line::{Line, find_line, parse_integer, short_length};
use crate::work;

/// Fewest bytes an argument takes: `$0`, CR LF, CR LF.
const SMALLEST_ARG: usize = 6;

/// How far the command at the start of the data has been parsed. Offsets count from the command's
/// first byte, so that they stay true when the bytes move from one buffer to another.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Everything before this offset is parsed.
    pos: usize,
    /// No line end lies between `pos` and this offset.
    pub(crate) scanned: usize,
    /// Arguments still to come.
    missing: usize,
    /// The length of the argument whose bytes start at `pos`, once its length line is parsed.
    bulk: Option<usize>,
}

/// What parsing the start of the data led to.
pub(crate) enum Outcome {
    /// A command of this many bytes.
    Command(usize),
    /// This many bytes that hold no command: an empty array or an empty line.
    Nothing(usize),
    /// At least this many bytes more are needed.
    Need(usize),
    /// The client broke the protocol.
    Failed(ProtocolError),
}

/// Parses the multibulk command at the start of `data`, which grows from call to call until the
/// outcome is another than [`Outcome::Need`]. Arguments found are appended to `spans`.
#[inline]
pub(crate) fn parse(
    data: &[u8],
    progress: &mut Progress,
    spans: &mut Vec<Span>,
    limits: &Limits,
) -> Outcome {
    if progress.pos == 0 {
        match array_header(data, progress, limits) {
            Ok((0, next)) => return Outcome::Nothing(next),
            Ok((args, next)) => {
                progress.pos = next;
                progress.missing = args;
            }
            Err(outcome) => return outcome,
        }
    }
    arguments(data, progress, spans, limits)
}

/// Parses the arguments from where `progress` stands.
#[inline]
fn arguments(
    data: &[u8],
    progress: &mut Progress,
    spans: &mut Vec<Span>,
    limits: &Limits,
) -> Outcome {
    let mut pos = progress.pos;
    let mut missing = progress.missing;
    let mut bulk = progress.bulk.take();
    let need = loop {
        if missing == 0 {
            return Outcome::Command(pos);
        }
        let length = match bulk.take() {
            Some(length) => length,
            None => match bulk_header(data, pos, progress, limits) {
                Ok((length, next)) => {
                    pos = next;
                    length
                }
                Err(Outcome::Need(bytes)) => break bytes,
                Err(outcome) => return outcome,
            },
        };
        work::add(1);
        // The two bytes after the argument are skipped unseen, as in Redis.
        let end = pos + length + 2;
        if end > data.len() {
            bulk = Some(length);
            break end - data.len();
        }
        spans.push(Span::new(pos, length));
        pos = end;
        missing -= 1;
    };
    *progress = Progress { pos, scanned: progress.scanned, missing, bulk };
    Outcome::Need(need.saturating_add((missing - 1).saturating_mul(SMALLEST_ARG)))
}

/// Reads `*<count>`: the number of arguments, 0 for none or fewer, and where they start.
#[inline]
fn array_header(
    data: &[u8],
    progress: &mut Progress,
    limits: &Limits,
) -> Result<(usize, usize), Outcome> {
    if let Some((count, used)) = short_length(&data[1..])
        && count <= UNAUTHENTICATED_ARGS
        && count <= limits.max_args
    {
        return Ok((count, 1 + used));
    }
    long_array_header(data, progress, limits)
}

#[cold]
fn long_array_header(
    data: &[u8],
    progress: &mut Progress,
    limits: &Limits,
) -> Result<(usize, usize), Outcome> {
    let fail = |error| Err(Outcome::Failed(error));
    let (end, next) = match find_line(data, 0, &mut progress.scanned, limits.line_bytes()) {
        Line::Whole { end, next } => (end, next),
        // It may announce nothing, so no arguments are counted on.
        Line::Partial { missing } => return Err(Outcome::Need(missing)),
        Line::TooLong => return fail(ProtocolError::MultibulkLineTooLong),
    };
    let Some(count) = parse_integer(&data[1..end]) else {
        return fail(ProtocolError::InvalidMultibulkLength);
    };
    let count = usize::try_from(count).unwrap_or(0);
    if count > limits.max_args {
        return fail(ProtocolError::InvalidMultibulkLength);
    }
    if count > UNAUTHENTICATED_ARGS && !limits.authenticated {
        return fail(ProtocolError::UnauthenticatedMultibulkLength);
    }
    Ok((count, next))
}

/// Reads `$<length>` at `pos`: the argument's length and where its bytes start.
#[inline]
fn bulk_header(
    data: &[u8],
    pos: usize,
    progress: &mut Progress,
    limits: &Limits,
) -> Result<(usize, usize), Outcome> {
    if let Some((b'$', rest)) = data.get(pos..).and_then(<[u8]>::split_first)
        && let Some((length, used)) = short_length(rest)
        && length <= limits.max_bulk
        && pos + length + 8 <= limits.query_bytes()
    {
        return Ok((length, pos + 1 + used));
    }
    long_bulk_header(data, pos, progress, limits)
}

#[inline(never)]
fn long_bulk_header(
    data: &[u8],
    pos: usize,
    progress: &mut Progress,
    limits: &Limits,
) -> Result<(usize, usize), Outcome> {
    let fail = |error| Err(Outcome::Failed(error));
    if pos == data.len() {
        return Err(Outcome::Need(SMALLEST_ARG));
    }
    let (end, next) = match find_line(data, pos, &mut progress.scanned, limits.line_bytes()) {
        Line::Whole { end, next } => (end, next),
        // Behind the line come at least the two bytes that end the argument.
        Line::Partial { missing } => return Err(Outcome::Need(missing + 2)),
        Line::TooLong => return fail(ProtocolError::BulkLineTooLong),
    };
    if data[pos] != b'$' {
        return fail(ProtocolError::ExpectedBulk(data[pos]));
    }
    let length = parse_integer(&data[pos + 1..end]).and_then(|length| usize::try_from(length).ok());
    let Some(length) = length.filter(|&length| length <= limits.max_bulk) else {
        return fail(ProtocolError::InvalidBulkLength);
    };
    if length > UNAUTHENTICATED_BULK && !limits.authenticated {
        return fail(ProtocolError::UnauthenticatedBulkLength);
    }
    // Known here already, so that nothing of an impossible command is gathered.
    if length.saturating_add(next + 2) > limits.query_bytes() {
        return fail(ProtocolError::QueryTooLong);
    }
    Ok((length, next))
}
