//! JSON.*: JSON documents, as RedisJSON 2 has them.
//!
//! Replies depend on the notation of the path: a JSONPath (`$…`) is answered by an array with one
//! element for each match, null where a value is not of the type in question; a legacy path by one
//! value, or an error. Error texts are RedisJSON's.

mod arrays;
mod debug;
mod edit;
mod get;
mod numbers;
mod objects;
mod remove;
mod resp;
mod set;
mod strings;
#[cfg(test)]
mod tests;

use ferric_resp::Encoder;

use crate::context::{Args, Context, Fault};
use crate::families::wrong_arity;
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::values::json::path::{Budget, Path, Stop};
use crate::values::json::text::TooLong;
use crate::values::json::{Document, Json, text};
use crate::values::{Lookup, MAX_COPY, WRONG_TYPE};

/// Steps of evaluating paths that a normal scheduler takes on.
const MAX_STEPS: usize = 4096;

/// Bytes of JSON text that a normal scheduler parses.
const MAX_TEXT: usize = 32 << 10;

/// Longest text of a reply, and most bytes that a command may change, in bytes.
const MAX_REPLY: usize = 512 << 20;

const NO_KEY: Fault =
    Fault::error("ERR could not perform this operation on a key that doesn't exist");

/// What commands that only read one key have in common.
const READ: Command = Command {
    arity: -2,
    flags: &[Flag::Readonly],
    categories: &["json", "read", "slow"],
    keys: &[key(1, &["RO", "access"], 0, 1)],
    group: "module",
    since: "1.0.0",
    complexity: "O(1) for one match, O(n) for a document of n values if the path may match several",
    ..Command::BLANK
};

/// What commands that change one key have in common.
const WRITE: Command = Command {
    flags: &[Flag::Write, Flag::DenyOom],
    categories: &["json", "write", "slow"],
    keys: &[key(1, &["RW", "access", "update"], 0, 1)],
    ..READ
};

/// Keys from an argument on, up to one relative to it.
const fn key(from: i32, flags: &'static [&'static str], last: i32, step: i32) -> KeySpec {
    let find = Find::Range { last, step, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(from), find }
}

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "json.set",
        arity: -4,
        complexity: "O(n + m) for a document of n values and a new value with m of them",
        summary: "Sets the values at a path, or the document.",
        handler: Some(set::set),
        ..WRITE
    },
    Command {
        name: "json.mset",
        arity: -4,
        since: "2.6.0",
        keys: &[key(1, &["RW", "access", "update"], -1, 3)],
        complexity: "O(k * (n + m)) for k keys, documents of n values and new values with m of them",
        summary: "Sets values in several documents at once.",
        handler: Some(set::mset),
        ..WRITE
    },
    Command {
        name: "json.merge",
        arity: -4,
        since: "2.6.0",
        complexity: "O(n + m) for a document of n values and a patch with m of them",
        summary: "Merges a JSON merge patch (RFC 7396) into the values at a path.",
        handler: Some(set::merge),
        ..WRITE
    },
    Command {
        name: "json.get",
        complexity: "O(n) for a document of n values",
        summary: "Returns the values at paths as JSON text.",
        handler: Some(get::get),
        ..READ
    },
    Command {
        name: "json.mget",
        arity: -3,
        keys: &[key(1, &["RO", "access"], -2, 1)],
        complexity: "O(n) for documents of n values together",
        summary: "Returns the values at a path of several documents as JSON text.",
        handler: Some(get::mget),
        ..READ
    },
    Command {
        name: "json.del",
        flags: &[Flag::Write],
        complexity: "O(n) for a document of n values",
        summary: "Deletes the values at a path, or the document.",
        handler: Some(remove::del),
        ..WRITE
    },
    Command {
        name: "json.forget",
        flags: &[Flag::Write],
        complexity: "O(n) for a document of n values",
        summary: "Deletes the values at a path, or the document; JSON.DEL by another name.",
        handler: Some(remove::del),
        ..WRITE
    },
    Command {
        name: "json.clear",
        since: "2.0.0",
        summary: "Empties the arrays and objects at a path, and sets the numbers to 0.",
        handler: Some(remove::clear),
        ..WRITE
    },
    Command {
        name: "json.type",
        summary: "Returns the types of the values at a path.",
        handler: Some(objects::type_of),
        ..READ
    },
    Command {
        name: "json.numincrby",
        arity: 4,
        summary: "Adds a number to the numbers at a path.",
        handler: Some(numbers::increase),
        ..WRITE
    },
    Command {
        name: "json.nummultby",
        arity: 4,
        summary: "Multiplies the numbers at a path by a number.",
        handler: Some(numbers::multiply),
        ..WRITE
    },
    Command {
        name: "json.numpowby",
        arity: 4,
        summary: "Raises the numbers at a path to the power of a number.",
        handler: Some(numbers::raise),
        ..WRITE
    },
    Command {
        name: "json.toggle",
        arity: 3,
        since: "2.0.0",
        summary: "Makes true false, and false true, at a path.",
        handler: Some(strings::toggle),
        ..WRITE
    },
    Command {
        name: "json.strappend",
        arity: -3,
        summary: "Appends a string to the strings at a path.",
        handler: Some(strings::append),
        ..WRITE
    },
    Command {
        name: "json.strlen",
        summary: "Returns the lengths of the strings at a path, in bytes.",
        handler: Some(strings::len),
        ..READ
    },
    Command {
        name: "json.arrappend",
        arity: -4,
        summary: "Appends values to the arrays at a path.",
        handler: Some(arrays::append),
        ..WRITE
    },
    Command {
        name: "json.arrindex",
        arity: -4,
        complexity: "O(n) for a document of n values",
        summary: "Returns where in the arrays at a path a value is first.",
        handler: Some(arrays::index),
        ..READ
    },
    Command {
        name: "json.arrinsert",
        arity: -5,
        complexity: "O(n) for a document of n values",
        summary: "Inserts values into the arrays at a path.",
        handler: Some(arrays::insert),
        ..WRITE
    },
    Command {
        name: "json.arrlen",
        summary: "Returns the lengths of the arrays at a path.",
        handler: Some(arrays::len),
        ..READ
    },
    Command {
        name: "json.arrpop",
        complexity: "O(n) for a document of n values, O(1) for the last element of one array",
        summary: "Removes an element of each array at a path and returns it.",
        handler: Some(arrays::pop),
        ..WRITE
    },
    Command {
        name: "json.arrtrim",
        arity: 5,
        complexity: "O(n) for a document of n values",
        summary: "Removes all elements but those of a range from the arrays at a path.",
        handler: Some(arrays::trim),
        ..WRITE
    },
    Command {
        name: "json.objkeys",
        complexity: "O(n) for an object of n members, or a document of n values",
        summary: "Returns the names of the members of the objects at a path.",
        handler: Some(objects::keys),
        ..READ
    },
    Command {
        name: "json.objlen",
        summary: "Returns how many members the objects at a path have.",
        handler: Some(objects::len),
        ..READ
    },
    Command {
        name: "json.resp",
        complexity: "O(n) for a document of n values",
        summary: "Returns the values at a path as replies of Redis's protocol.",
        handler: Some(resp::resp),
        ..READ
    },
    Command {
        name: "json.debug",
        flags: &[],
        categories: &["json", "slow"],
        keys: &[],
        complexity: "Depends on the subcommand.",
        summary: "Commands about how documents are kept.",
        subcommands: DEBUG,
        ..READ
    },
];

const DEBUG: &[Command] = &[
    Command {
        name: "help",
        arity: 2,
        flags: &[],
        categories: &["json", "slow"],
        keys: &[],
        complexity: "O(1)",
        summary: "Lists the subcommands.",
        handler: Some(debug::print_help),
        ..READ
    },
    Command {
        name: "memory",
        arity: -3,
        keys: &[key(2, &["RO", "access"], 0, 1)],
        complexity: "O(n) for a document of n values",
        summary: "Returns the memory that the values at a path take, in bytes.",
        handler: Some(debug::memory),
        ..READ
    },
];

/// A path and its text.
struct PathArg<'a> {
    text: &'a str,
    path: Path,
}

impl<'a> PathArg<'a> {
    fn parse(word: &'a [u8]) -> Result<PathArg<'a>, Fault> {
        let text = utf8(word)?;
        let path = Path::parse(text).map_err(|error| Fault::from(format!("ERR {error}")))?;
        Ok(PathArg { text, path })
    }

    /// The path at a place of the arguments, or the legacy path to the document.
    fn at(args: Args<'a>, place: usize) -> Result<PathArg<'a>, Fault> {
        match args.get(place) {
            Some(word) => PathArg::parse(word),
            None => Ok(PathArg { text: ".", path: Path::root() }),
        }
    }

    fn is_legacy(&self) -> bool {
        self.path.is_legacy()
    }

    /// There is nothing.
    fn missing(&self) -> Fault {
        format!("ERR Path '{}' does not exist", self.text).into()
    }

    /// There is nothing, or something of another type.
    fn missing_or(&self, what: &str) -> Fault {
        format!("ERR Path '{}' does not exist or {what}", self.text).into()
    }
}

fn utf8(word: &[u8]) -> Result<&str, Fault> {
    str::from_utf8(word).map_err(|_| Fault::error("Couldn't parse as UTF-8 string"))
}

/// A value in a command.
fn parse_value(ctx: &Context<'_, '_>, word: &[u8]) -> Result<Json, Fault> {
    ctx.bound(word.len(), MAX_TEXT)?;
    text::parse(utf8(word)?).map_err(|error| error.to_string().into())
}

fn wrong_type(expected: &str, found: &Json) -> Fault {
    let found = found.type_name();
    format!("WRONGTYPE wrong type of path value - expected {expected} but found {found}").into()
}

/// RedisJSON has a text of its own for keys that hold something else.
fn json_only(fault: Fault) -> Fault {
    if fault == WRONG_TYPE { Fault::error("Existing key has wrong Redis type") } else { fault }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Fault {
        match stop {
            Stop::Long => Fault::Long,
            Stop::TooLong => Fault::error("ERR the path takes too many steps"),
        }
    }
}

/// What evaluating paths may cost on this scheduler.
fn budget(long: bool) -> Budget {
    if long { Budget::long() } else { Budget::short(MAX_STEPS) }
}

/// What is not to become longer than may be copied on this scheduler.
#[derive(Clone, Copy)]
struct Limit {
    bytes: usize,
    otherwise: fn() -> Fault,
}

impl Limit {
    fn new(long: bool) -> Limit {
        if long {
            Limit { bytes: MAX_REPLY, otherwise: || Fault::error("ERR the result is too large") }
        } else {
            Limit { bytes: MAX_COPY, otherwise: || Fault::Long }
        }
    }

    fn check(self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.bytes { Err((self.otherwise)()) } else { Ok(()) }
    }

    fn text(self, printed: Result<(), TooLong>) -> Result<(), Fault> {
        printed.map_err(|TooLong| (self.otherwise)())
    }
}

/// A document that is being read.
struct Reading<'r> {
    root: &'r Json,
    budget: Budget,
    limit: Limit,
    reply: &'r mut Encoder,
}

/// Shows a document to `use_document`; `None` if the key does not exist.
///
/// Where there is time for much, the document is read without its lock.
fn view<R>(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    use_document: impl FnOnce(Reading<'_>) -> Result<R, Fault>,
) -> Result<Option<R>, Fault> {
    let (key, lookup) = (ctx.key(name), Lookup::new(ctx));
    let (budget, limit, reply) = (budget(ctx.long), Limit::new(ctx.long), &mut *ctx.reply);
    if ctx.long {
        let root = lookup.view_as::<Document, _>(ctx.access, &key, |held| {
            Ok(held.map(|held| held.view.to_json()).transpose()?)
        });
        let Some(root) = root.map_err(json_only)? else { return Ok(None) };
        return use_document(Reading { root: &root, budget, limit, reply }).map(Some);
    }
    let found = lookup.view_as::<Document, _>(ctx.access, &key, |held| {
        let Some(held) = held else { return Ok(None) };
        held.view.with(|root| use_document(Reading { root, budget, limit, reply }))?.map(Some)
    });
    found.map_err(json_only)
}

/// Replies with what became of each match: for a legacy path with the last result there is, for any
/// other with all of them.
fn reply_all<T>(
    reply: &mut Encoder,
    path: &PathArg<'_>,
    mut results: Vec<Option<T>>,
    missing: impl FnOnce() -> Fault,
    mut put: impl FnMut(&mut Encoder, &T),
) -> Result<(), Fault> {
    if path.is_legacy() {
        let last = results.iter_mut().rev().find_map(Option::take);
        put(reply, &last.ok_or_else(missing)?);
        return Ok(());
    }
    reply.array(results.len());
    for result in &results {
        match result {
            Some(result) => put(reply, result),
            None => reply.null(),
        }
    }
    Ok(())
}
