//! Words that fill the places of a template.

use super::families;
use crate::differential::Command;
use crate::rng::Rng;

/// Keys: few, so that commands meet; some of them awkward.
const KEYS: &[&[u8]] = &[
    b"a",
    b"b",
    b"c",
    b"d",
    b"key:1",
    b"key:2",
    b"{tag}x",
    b"{tag}y",
    b"",
    b" ",
    b"with space",
    b"\x00\xff\r\n",
    b"*",
    b"[k]",
    b"caf\xc3\xa9",
    b"k\\",
];

/// Strings that are or are not numbers, and lengths at which representations change.
const VALUES: &[&[u8]] = &[
    b"",
    b"0",
    b"1",
    b"-1",
    b"10",
    b"9999",
    b"10000",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"abc",
    b"hello world",
    b"3.14",
    b"1e5",
    b"0x1p3",
    b" 1",
    b"1 ",
    b"+1",
    b"00",
    b"01",
    b"-0",
    b"inf",
    b"nan",
    b"\x00\x01\xff",
    b"ohmytext",
    b"mynewtext",
    b"5.0e3",
    b"-",
    b".5",
    b"1.",
    b"10.50",
    b"12345678901234567890",
    b"a value that is exactly forty-four bytes long",
    b"a value that is forty-five bytes long.......",
];

const INTEGERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "10",
    "-10",
    "100",
    "2147483647",
    "2147483648",
    "2147483649",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "4294967297",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775807",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "99999999999999999999999999999999999999999999",
];

const NOT_INTEGERS: &[&str] =
    &["", " ", "1 ", " 1", "+1", "01", "-0", "00", "1.0", "1e3", "abc", "0x10", "--1", "-", "1\n"];

const FLOATS: &[&str] = &[
    "0",
    "1",
    "-1",
    "0.1",
    "0.2",
    "-0.1",
    "1.5",
    "3.0",
    "5.0e3",
    "1e10",
    "1e17",
    "1e18",
    "1e20",
    "1e100",
    "1e308",
    "-1e308",
    "1.7976931348623157e308",
    "1e309",
    "1e-10",
    "1e-17",
    "1e-18",
    "5e-324",
    "1e4932",
    "1e5000",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "nan",
    "-nan",
    "0x10",
    "0x1.8p1",
    "0.000000000000000001",
    "3.141592653589793238462643383279",
    "123456789.987654321",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    ".5",
    "5.",
    ".",
    "1e",
    "e5",
    "1e+5",
    "+1.5",
    " 1.5",
    "1.5 ",
    "",
    "abc",
    "1,5",
    "-0",
    "-0.0",
    "00.5",
    "1_000",
    "0.1000000000000000055511151231257827021181583404541015625",
];

const PATTERNS: &[&[u8]] = &[
    b"*",
    b"",
    b"?",
    b"a*",
    b"*a",
    b"key:*",
    b"key:?",
    b"key:[12]",
    b"key:[^1]",
    b"key:[0-9]",
    b"key:[9-0]",
    b"[",
    b"[a",
    b"\\*",
    b"\\",
    b"*\\",
    b"[k]",
    b"\\[k\\]",
    b"{tag}*",
    b"**",
    b"*\xff*",
    b"[\\]]",
    b"[^",
    b"with*space",
    b"[a-d]",
    b"A",
    b"a*a*a*a*a*b",
    b"k\\\\",
];

const DATABASES: &[&str] =
    &["0", "0", "0", "1", "1", "2", "2", "3", "15", "16", "-1", "abc", "", "1.0", "9999999999"];

const NAMES: &[&[u8]] =
    &[b"app", b"worker-1", b"", b"with space", b"new\nline", b"\xff", b"a:b=c", b"~", b"\x7f"];

/// A command of these words.
pub(super) fn command(words: &[&str]) -> Command {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

pub(super) fn key(rng: &mut Rng) -> Vec<u8> {
    // Mostly the first few.
    let bound = if rng.chance(70) { 4 } else { KEYS.len() as u64 };
    KEYS[rng.below(bound) as usize].to_vec()
}

pub(super) fn value(rng: &mut Rng) -> Vec<u8> {
    match rng.below(10) {
        0..6 => rng.pick(VALUES).to_vec(),
        6 => integer(rng),
        7 => float(rng),
        8 => {
            let len = rng.between(0, 300) as usize;
            rng.bytes(len)
        }
        _ => {
            let letter = b'a' + rng.below(4) as u8;
            vec![letter; rng.between(1, 70) as usize]
        }
    }
}

pub(super) fn integer(rng: &mut Rng) -> Vec<u8> {
    match rng.below(10) {
        0..5 => rng.pick(INTEGERS).as_bytes().to_vec(),
        5..8 => (rng.below(2000) as i64 - 1000).to_string().into_bytes(),
        8 => (rng.bits() as i64).to_string().into_bytes(),
        _ => rng.pick(NOT_INTEGERS).as_bytes().to_vec(),
    }
}

/// Offsets up to a few hundred, or beyond what a string may be, but nothing that would make both
/// servers fill hundreds of megabytes.
pub(super) fn small_integer(rng: &mut Rng) -> Vec<u8> {
    match rng.below(10) {
        0..7 => (rng.below(120) as i64 - 20).to_string().into_bytes(),
        7 => rng
            .pick(&["536870912", "536870913", "2147483647", "4294967296", "1048576"])
            .as_bytes()
            .to_vec(),
        8 => rng
            .pick(&["9223372036854775807", "-9223372036854775808", "9223372036854775808"])
            .as_bytes()
            .to_vec(),
        _ => rng.pick(NOT_INTEGERS).as_bytes().to_vec(),
    }
}

pub(super) fn float(rng: &mut Rng) -> Vec<u8> {
    match rng.below(10) {
        0..7 => rng.pick(FLOATS).as_bytes().to_vec(),
        7 => {
            let digits = rng.between(1, 25) as usize;
            let scale = 10u64.pow(digits.min(18) as u32);
            format!("{}.{:0digits$}", rng.below(1000), rng.below(scale)).into_bytes()
        }
        _ => {
            let exponent = rng.below(640) as i64 - 320;
            format!("{}.{}e{exponent}", rng.below(10), rng.below(100_000)).into_bytes()
        }
    }
}

pub(super) fn pattern(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(80) { rng.pick(PATTERNS).to_vec() } else { key(rng) }
}

pub(super) fn database(rng: &mut Rng) -> Vec<u8> {
    rng.pick(DATABASES).as_bytes().to_vec()
}

pub(super) fn cursor(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(70) { b"0".to_vec() } else { integer(rng) }
}

pub(super) fn name(rng: &mut Rng) -> Vec<u8> {
    rng.pick(NAMES).to_vec()
}

/// The identifier of an entry of a stream: few, so that commands meet, and now and then one at which
/// numbers end.
pub(super) fn entry_id(rng: &mut Rng) -> Vec<u8> {
    const EDGES: &[&str] = &[
        "0-0",
        "0-1",
        "0-*",
        "0",
        "18446744073709551615-18446744073709551615",
        "18446744073709551615-18446744073709551614",
        "18446744073709551615-*",
        "18446744073709551616",
        "18446744073709551614-18446744073709551615",
        "5-18446744073709551615",
        "-",
        "+",
        "1-",
        "a-1",
        "1-a",
        "-1",
        "1--1",
        "007-01",
        " 8",
    ];
    match rng.below(40) {
        0 => rng.pick(EDGES).as_bytes().to_vec(),
        1..4 => rng.below(40).to_string().into_bytes(),
        4..22 => format!("{}-*", rng.below(40)).into_bytes(),
        _ => format!("{}-{}", rng.below(40), rng.below(5)).into_bytes(),
    }
}

/// A word that probably has no business where it is put. It may become a command's name, so it is
/// none of those that change how a server talks (SYNC, MONITOR, SUBSCRIBE …).
pub(super) fn nonsense(rng: &mut Rng) -> Vec<u8> {
    const WORDS: &[&str] = &[
        "NX",
        "XX",
        "GT",
        "LT",
        "GET",
        "KEEPTTL",
        "EX",
        "PX",
        "EXAT",
        "PXAT",
        "PERSIST",
        "MATCH",
        "COUNT",
        "TYPE",
        "DB",
        "REPLACE",
        "LEN",
        "IDX",
        "MINMATCHLEN",
        "WITHMATCHLEN",
        "ASYNC",
        "AUTH",
        "SETNAME",
        "nonsense",
        "string",
    ];
    match rng.below(4) {
        0 => rng.pick(WORDS).as_bytes().to_vec(),
        1 => integer(rng),
        2 => value(rng),
        _ => {
            let len = rng.between(0, 200) as usize;
            rng.bytes(len)
        }
    }
}

/// `word` as it is, or in another case.
pub(super) fn any_case(rng: &mut Rng, word: &str) -> Vec<u8> {
    let mut bytes = word.as_bytes().to_vec();
    match rng.below(10) {
        0..7 => {}
        7 | 8 => bytes.make_ascii_lowercase(),
        _ => {
            for byte in &mut bytes {
                if rng.chance(50) {
                    byte.make_ascii_lowercase();
                }
            }
        }
    }
    bytes
}

/// The name of a command of the tested families, or of none.
pub(super) fn command_name(rng: &mut Rng) -> Vec<u8> {
    const OTHERS: &[&str] = &["", "nosuch", "get|set", "client|nosuch", "GET ", "config|", "|"];
    const SUBCOMMANDS: &[&str] = &[
        "client|id",
        "client|kill",
        "client|reply",
        "config|get",
        "config|set",
        "object|encoding",
        "object|idletime",
        "command|info",
        "memory|usage",
        "CLIENT|SETNAME",
        "client|list",
        "config|resetstat",
        "command|getkeys",
        "command|docs",
        "object|help",
        "client|no-evict",
    ];
    match rng.below(10) {
        0 => rng.pick(OTHERS).as_bytes().to_vec(),
        1 | 2 => rng.pick(SUBCOMMANDS).as_bytes().to_vec(),
        _ => {
            let names = families::names();
            let name = rng.pick(&names);
            any_case(rng, name)
        }
    }
}
