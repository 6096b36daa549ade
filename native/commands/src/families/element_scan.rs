//! What HSCAN, SSCAN and ZSCAN have in common: cursors, options and the reply.

use ferric_resp::Encoder;

use crate::context::{Args, Fault, Outcome};
use crate::numbers::{parse_i64_or_fault, parse_strtoul};
use crate::pattern::{is_option, matches};
use crate::values::{Lookup, MAX_KEYS};

/// Steps of matching elements with a pattern that a scan may take on a normal scheduler.
const MAX_STEPS: usize = 150_000;

/// What to scan.
#[derive(Debug, PartialEq, Eq)]
pub struct ElementScan<'a> {
    /// Where to go on.
    pub cursor: u64,
    /// About how many elements to visit.
    pub count: usize,
    /// Whether the elements' values are wanted, too.
    pub values: bool,
    pattern: Option<&'a [u8]>,
}

/// Reads a cursor as C's `strtoul` does.
///
/// # Errors
/// It is none.
pub fn parse_cursor(word: &[u8]) -> Result<u64, Fault> {
    parse_strtoul(word).ok_or(Fault::error("ERR invalid cursor"))
}

impl<'a> ElementScan<'a> {
    /// Reads the options `[MATCH pattern] [COUNT count]`, and `[NOVALUES]` if `has_values`.
    ///
    /// # Errors
    /// There is something else, or a number that cannot be used.
    pub fn parse(
        cursor: u64,
        mut words: Args<'a>,
        has_values: bool,
    ) -> Result<ElementScan<'a>, Fault> {
        const SYNTAX: Fault = Fault::error("ERR syntax error");
        let mut scan = ElementScan { cursor, count: 10, values: has_values, pattern: None };
        while let [word, rest @ ..] = words {
            if has_values && is_option(word, "NOVALUES") {
                scan.values = false;
                words = rest;
                continue;
            }
            let [value, rest @ ..] = rest else { return Err(SYNTAX) };
            if is_option(word, "COUNT") {
                scan.count = usize::try_from(parse_i64_or_fault(value)?).map_err(|_| SYNTAX)?;
                if scan.count == 0 {
                    return Err(SYNTAX);
                }
            } else if is_option(word, "MATCH") {
                // Every element matches a single star, also the empty one.
                scan.pattern = Some(*value).filter(|pattern| *pattern != b"*");
            } else {
                return Err(SYNTAX);
            }
            words = rest;
        }
        Ok(scan)
    }

    /// Scans with `scan`, which visits elements from the cursor on and returns the next cursor, and
    /// replies. `stored` is how many elements there are. An element is visited with its text, and as
    /// what `write` writes.
    ///
    /// # Errors
    /// [`Fault::Long`] when that is too much for a normal scheduler.
    pub fn reply<E: Copy>(
        &self,
        reply: &mut Encoder,
        lookup: &Lookup<'_>,
        stored: usize,
        scan: impl FnOnce(u64, usize, &mut dyn FnMut(&[u8], E)) -> u64,
        write: impl Fn(&mut Encoder, E),
    ) -> Outcome {
        lookup.bound(self.count.min(stored), MAX_KEYS)?;
        let (mut found, mut steps) = (Vec::new(), 0usize);
        let next = scan(self.cursor, self.count, &mut |text, element| {
            if let Some(pattern) = self.pattern {
                steps = steps.saturating_add(pattern.len().saturating_mul(text.len()));
                if lookup.bound(steps, MAX_STEPS).is_err() || !matches(pattern, text) {
                    return;
                }
            }
            found.push(element);
        });
        lookup.bound(steps, MAX_STEPS)?;
        reply.array(2);
        reply.bulk(itoa::Buffer::new().format(next).as_bytes());
        reply.array(found.len() * if self.values { 2 } else { 1 });
        for element in found {
            write(reply, element);
        }
        Ok(())
    }
}

/// The reply for a key that does not exist.
pub fn reply_nothing(reply: &mut Encoder) {
    reply.array(2);
    reply.bulk(b"0");
    reply.array(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let words: &[&[u8]] = &[b"count", b"5", b"MATCH", b"a*", b"novalues"];
        let expected = ElementScan { cursor: 7, count: 5, values: false, pattern: Some(b"a*") };
        assert_eq!(ElementScan::parse(7, words, true), Ok(expected));
        for (words, has_values) in [
            (words, false),
            (&[&b"COUNT"[..], b"0"][..], true),
            (&[b"MATCH"], true),
            (&[b"TYPE", b"hash"], true),
            (&[b"COUNT", b"-1"], false),
        ] {
            let fault = Fault::error("ERR syntax error");
            assert_eq!(ElementScan::parse(0, words, has_values), Err(fault), "{words:?}");
        }
        assert_eq!(parse_cursor(b"1x"), Err(Fault::error("ERR invalid cursor")));
    }
}
