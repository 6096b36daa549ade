//! SORT and SORT_RO: the elements of a list, set or sorted set in another order.

mod options;
mod pattern;
mod related;
mod vector;

use ferric_engine::{Entry, Locked};

use crate::context::{Args, Context, Fault, Outcome};
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::values::{Change, Kind, Lookup, MAX_COPY, MAX_KEYS, WRONG_TYPE, commit, list, registry};
use options::{Options, Order};
use pattern::Pattern;
use related::Related;
use vector::{Strings, Weights, score};

const NOT_A_SCORE: Fault = Fault::error("ERR One or more scores can't be converted into double");

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "sort",
        flags: &[Flag::Write, Flag::DenyOom, Flag::MovableKeys],
        categories: &["write", "set", "sortedset", "list", "slow", "dangerous"],
        keys: &[SOURCE, PATTERNS, DESTINATION],
        since: "1.0.0",
        summary: "Sorts the elements of a list, a set or a sorted set, by themselves or by other \
                  keys, and returns or stores them, or what other keys hold for them.",
        handler: Some(sort),
        ..SORT
    },
    Command {
        name: "sort_ro",
        flags: &[Flag::Readonly, Flag::MovableKeys],
        categories: &["read", "set", "sortedset", "list", "slow", "dangerous"],
        keys: &[SOURCE, PATTERNS],
        since: "7.0.0",
        summary: "Sorts the elements of a list, a set or a sorted set like SORT, which could also \
                  store them.",
        handler: Some(sort_ro),
        ..SORT
    },
];

/// What both commands have in common.
const SORT: Command = Command {
    arity: -2,
    group: "generic",
    complexity: "O(N*log(N)) for N elements, O(N) if their order stays",
    ..Command::BLANK
};

const SOURCE: KeySpec = KeySpec {
    flags: &["RO", "access"],
    notes: "",
    begin: Begin::Index(1),
    find: Find::Range { last: 0, step: 1, limit: 0 },
};

const PATTERNS: KeySpec = KeySpec {
    flags: &["RO", "access"],
    notes: "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive \
            from the content of the key we sort",
    begin: Begin::Unknown,
    find: Find::Unknown,
};

const DESTINATION: KeySpec = KeySpec {
    flags: &["OW", "update"],
    notes: "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear \
            anywhere in the argument array",
    begin: Begin::Unknown,
    find: Find::Unknown,
};

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC]
/// [ALPHA] [STORE destination]`
pub fn sort(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    run(ctx, args[1], &Options::parse(&args[2..], true)?)
}

/// `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC]
/// [ALPHA]`
pub fn sort_ro(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    run(ctx, args[1], &Options::parse(&args[2..], false)?)
}

fn run(ctx: &mut Context<'_, '_>, source: &[u8], options: &Options<'_>) -> Outcome {
    let (source, store) = (ctx.key(source), options.store.map(|word| ctx.key(word)));
    let mut keys = Related::new(ctx);
    let Context { access, reply, .. } = ctx;
    let lookup = keys.lookup;
    let mut locked;
    let loaded;
    if store.is_none() && !options.reads_other_keys() {
        loaded = lookup.view(access, &source, |entry| load(&lookup, entry, options))?;
        // No pattern names a key: nothing need be locked from here on.
        locked = access.acquire_all([])?;
    } else {
        // Which other keys are read, the elements will say.
        locked = if options.reads_other_keys() {
            access.acquire_every()?
        } else {
            access.acquire_all(std::iter::once(&source).chain(&store))?
        };
        loaded = load(&lookup, lookup.read(&mut locked, &source)?, options)?;
    }
    let numbers = arrange(&mut keys, &mut locked, &loaded, options)?;
    let chosen = &numbers[loaded.from..loaded.from + loaded.count];
    let chosen = chosen.iter().map(|&number| loaded.elements.get(number));
    let total = chosen.len() * options.columns().len();
    keys.lookup.bound(total, MAX_KEYS)?;
    let Some(store) = store else {
        reply.array(total);
        return keys.each_value(&mut locked, chosen, options.columns(), |value| match value {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        });
    };
    let mut result = Strings::default();
    keys.each_value(&mut locked, chosen, options.columns(), |value| {
        result.push(value.unwrap_or_default());
    })?;
    reply.integer(total as i64);
    let change = if total == 0 { Change::Delete } else { list::put(result.iter(), 0) };
    commit(&mut locked, &[(store, change)])
}

/// What is to be sorted.
struct Loaded {
    /// The elements: all, or, if they keep an order that they have, only those that are wanted.
    elements: Strings,
    order: Order,
    /// The first that is wanted once they are in order, and how many are.
    from: usize,
    count: usize,
}

fn load(
    lookup: &Lookup<'_>,
    entry: Option<Entry<'_>>,
    options: &Options<'_>,
) -> Result<Loaded, Fault> {
    let mut elements = Strings::default();
    let Some(entry) = entry else {
        let order = Order::Kept { reversed: false };
        return Ok(Loaded { elements, order, from: 0, count: 0 });
    };
    let is_set = match Kind::of(entry.meta.kind) {
        Some(Kind::Set) => true,
        Some(Kind::List | Kind::SortedSet) => false,
        _ => return Err(WRONG_TYPE),
    };
    let order = options.order(is_set);
    let len = registry::len(&entry)?;
    let (mut from, count) = options.limit(len);
    let (mut first, mut wanted) = (0, len);
    if let Order::Kept { reversed } = order {
        (first, wanted) = (if reversed { len - from - count } else { from }, count);
        from = 0;
    }
    lookup.bound(first + wanted, MAX_KEYS)?;
    registry::elements(&entry, first, wanted, &mut |element| {
        elements.push(element);
        lookup.bound(elements.bytes(), MAX_COPY)
    })?;
    Ok(Loaded { elements, order, from, count })
}

/// The numbers of the elements in the order that is asked for.
fn arrange(
    keys: &mut Related<'_>,
    locked: &mut Locked<'_, '_>,
    loaded: &Loaded,
    options: &Options<'_>,
) -> Result<Vec<usize>, Fault> {
    let elements = &loaded.elements;
    let by = options.by.as_ref().unwrap_or(&Pattern::Element);
    let weights = match loaded.order {
        Order::Kept { reversed: false } => return Ok((0..elements.len()).collect()),
        Order::Kept { reversed: true } => return Ok((0..elements.len()).rev().collect()),
        Order::ByElements => Weights::Elements,
        Order::ByTexts => {
            let (mut texts, mut of) = (Strings::default(), Vec::with_capacity(elements.len()));
            keys.each_value(locked, elements.iter(), std::slice::from_ref(by), |value| {
                of.push(value.map(|_| texts.len()));
                value.into_iter().for_each(|value| texts.push(value));
            })?;
            Weights::Texts(texts, of)
        }
        Order::ByScores => {
            let mut scores = Vec::with_capacity(elements.len());
            keys.each_value(locked, elements.iter(), std::slice::from_ref(by), |value| {
                // What has no value counts as 0.
                scores.push(value.map_or(Some(0.0), score));
            })?;
            let scores = scores.into_iter().collect::<Option<_>>();
            Weights::Scores(scores.ok_or(NOT_A_SCORE)?)
        }
    };
    Ok(weights.order(elements, options.collation(), options.descending))
}
