//! LPOS: finding elements.

use ferric_resp::Encoder;

use super::{MAX_COMPARED, parse_at_least};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::Lookup;
use crate::values::list::{List, View};

/// LPOS's options.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// The first match that counts, from 1; 0: all count, whatever number is wanted.
    rank: u64,
    /// Whether matches are counted from the end.
    backward: bool,
    /// How many positions are wanted (0: all), if they are wanted as an array.
    count: Option<usize>,
    /// Elements to compare; 0: all.
    max_len: usize,
}

impl Options {
    fn parse(mut words: Args<'_>) -> Result<Options, Fault> {
        let mut options = Options { rank: 1, backward: false, count: None, max_len: 0 };
        while let [option, word, rest @ ..] = words {
            if is_option(option, "RANK") {
                (options.rank, options.backward) = parse_rank(word)?;
            } else if is_option(option, "COUNT") {
                options.count = Some(parse_at_least(0, word, "ERR COUNT can't be negative")?);
            } else if is_option(option, "MAXLEN") {
                options.max_len = parse_at_least(0, word, "ERR MAXLEN can't be negative")?;
            } else {
                break;
            }
            words = rest;
        }
        if words.is_empty() { Ok(options) } else { Err(Fault::error("ERR syntax error")) }
    }
}

/// The first match that counts, and whether from the end.
fn parse_rank(word: &[u8]) -> Result<(u64, bool), Fault> {
    match parse_i64_or_fault(word)? {
        0 => Err(Fault::error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or \
             use negative to start from the end of the list",
        )),
        // Redis negates it, which leaves it as it is: less than the number of any match.
        i64::MIN => Ok((0, true)),
        rank => Ok((rank.unsigned_abs(), rank < 0)),
    }
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub fn lpos(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (element, options) = (args[2], Options::parse(&args[3..])?);
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<List, _>(access, &key, |held| match (held, options.count) {
        (Some(held), Some(_)) => {
            let mark = reply.begin_deferred();
            let found = search(&lookup, held.view, element, &options, |at| reply_at(reply, at))?;
            reply.end_deferred_array(mark, found);
            Ok(())
        }
        (Some(held), None) => {
            let found = search(&lookup, held.view, element, &options, |at| reply_at(reply, at))?;
            if found == 0 {
                reply.null();
            }
            Ok(())
        }
        (None, Some(_)) => {
            reply.array(0);
            Ok(())
        }
        (None, None) => {
            reply.null();
            Ok(())
        }
    })
}

fn reply_at(reply: &mut Encoder, at: usize) {
    reply.integer(at as i64);
}

/// Hands the wanted positions to `found`; returns their number.
fn search(
    lookup: &Lookup<'_>,
    view: View<'_>,
    element: &[u8],
    options: &Options,
    found: impl FnMut(usize),
) -> Result<usize, Fault> {
    let len = view.len();
    let most = if options.max_len == 0 { len } else { options.max_len.min(len) };
    if options.backward {
        let elements = view.backward(len).take(most).enumerate();
        matches(lookup, elements.map(|(n, other)| (len - 1 - n, other)), element, options, found)
    } else {
        matches(lookup, view.range(0, most).enumerate(), element, options, found)
    }
}

fn matches<'l>(
    lookup: &Lookup<'_>,
    elements: impl Iterator<Item = (usize, &'l [u8])>,
    element: &[u8],
    options: &Options,
    mut found: impl FnMut(usize),
) -> Result<usize, Fault> {
    let (mut matching, mut number) = (0u64, 0);
    let wanted = match options.count {
        Some(count) if count > 0 && options.rank > 0 => count,
        Some(_) => usize::MAX,
        None => 1,
    };
    for (compared, (at, other)) in elements.enumerate() {
        lookup.bound(compared, MAX_COMPARED)?;
        if other != element {
            continue;
        }
        matching += 1;
        if matching >= options.rank {
            found(at);
            number += 1;
            if number == wanted {
                break;
            }
        }
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let parse = |words: &str| {
            let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
            Options::parse(&words)
        };
        let expected = Options { rank: 2, backward: true, count: Some(0), max_len: 7 };
        assert_eq!(parse("rank -2 Count 0 MAXLEN 7"), Ok(expected));
        assert_eq!(parse("COUNT"), Err(Fault::error("ERR syntax error")));
        assert_eq!(parse("COUNT -1"), Err(Fault::error("ERR COUNT can't be negative")));
        assert!(parse("RANK 0").is_err());
        assert_eq!(parse("RANK -9223372036854775808").map(|options| options.rank), Ok(0));
    }
}
