//! What was imported, and what was not.

use std::collections::BTreeMap;
use std::fmt::Write;

use ferric_rdb::Shape;

use super::Options;
use crate::json::Object;

/// Kinds of things left out that are told apart.
const MAX_KINDS: usize = 100;

/// Bytes of a key that are shown.
const MAX_SHOWN: usize = 80;

/// Counts of an import.
pub(super) struct Report {
    checked: bool,
    /// Bytes of all files, of those that are done, and seconds it took.
    pub total: u64,
    pub done_before: u64,
    pub seconds: f64,
    /// Keys of snapshots by what they hold.
    shapes: [u64; 6],
    /// Keys written in pieces.
    pub large: u64,
    /// Commands of logs.
    pub commands: u64,
    /// Keys left out because they have expired, were in databases that were not asked for, or hold
    /// nothing.
    pub expired: u64,
    pub elsewhere: u64,
    pub empty: u64,
    /// Keys left out because the server has them.
    pub existing: u64,
    /// What else was left out, how often, and of what key for example.
    left_out: BTreeMap<String, (u64, String)>,
    /// Remarks about the files.
    pub notes: Vec<String>,
}

const SHAPES: [(Shape, &str); 6] = [
    (Shape::String, "strings"),
    (Shape::List, "lists"),
    (Shape::Set, "sets"),
    (Shape::SortedSet, "sorted sets"),
    (Shape::Hash, "hashes"),
    (Shape::Stream, "streams"),
];

impl Report {
    pub(super) fn new(options: &Options) -> Report {
        Report {
            checked: options.check,
            total: 0,
            done_before: 0,
            seconds: 0.0,
            shapes: [0; 6],
            large: 0,
            commands: 0,
            expired: 0,
            elsewhere: 0,
            empty: 0,
            existing: 0,
            left_out: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// A key has been read.
    pub(super) fn key(&mut self, shape: Shape) {
        for (count, (known, _)) in self.shapes.iter_mut().zip(SHAPES) {
            *count += u64::from(known == shape);
        }
    }

    /// Something could not be imported; `example` is a key or another name, maybe none.
    pub(super) fn leave_out(&mut self, what: &str, example: &[u8]) {
        let known = self.left_out.contains_key(what) || self.left_out.len() < MAX_KINDS;
        let entry = self.left_out.entry(if known { what } else { "more" }.to_owned());
        let (count, _) = entry.or_insert_with(|| (0, shown(example)));
        *count += 1;
    }

    /// Whether nothing was left out that should be there.
    pub(super) fn is_whole(&self) -> bool {
        self.existing == 0 && self.left_out.is_empty()
    }

    fn keys(&self) -> u64 {
        self.shapes.iter().sum()
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let verb = if self.checked { "read" } else { "imported" };
        let (mb, rate) = (self.total as f64 / 1e6, self.keys() as f64 / self.seconds.max(0.001));
        line(&mut out, &format!("{verb} {} keys, {} commands", self.keys(), self.commands));
        let counted = SHAPES.iter().zip(self.shapes).filter(|(_, count)| *count > 0);
        let counted: Vec<_> = counted.map(|((_, name), count)| format!("{count} {name}")).collect();
        if !counted.is_empty() {
            line(&mut out, &format!("    {}", counted.join(", ")));
        }
        let mb_rate = mb / self.seconds.max(0.001);
        let seconds = self.seconds;
        line(
            &mut out,
            &format!("{mb:.1} MB in {seconds:.1} s: {mb_rate:.1} MB/s, {rate:.0} keys/s"),
        );
        for (count, what) in [
            (self.large, "large keys written in pieces"),
            (self.expired, "keys left out: they have expired"),
            (self.elsewhere, "keys or commands left out: their database was not asked for"),
            (self.empty, "keys left out: they hold nothing"),
            (self.existing, "keys left out: the server has them already (see --replace)"),
        ] {
            if count > 0 {
                line(&mut out, &format!("{count} {what}"));
            }
        }
        for (what, (count, example)) in &self.left_out {
            let example =
                if example.is_empty() { String::new() } else { format!(" (such as {example})") };
            line(&mut out, &format!("NOT imported: {what}, {count} times{example}"));
        }
        self.notes.iter().for_each(|note| line(&mut out, &format!("note: {note}")));
        out
    }

    /// For programs.
    pub(super) fn json(&self) -> String {
        let mut object = Object::new();
        object.flag("whole", self.is_whole());
        object.number("keys", self.keys());
        for ((_, name), count) in SHAPES.iter().zip(self.shapes) {
            object.number(&name.replace(' ', "_"), count);
        }
        for (name, count) in [
            ("large", self.large),
            ("commands", self.commands),
            ("expired", self.expired),
            ("elsewhere", self.elsewhere),
            ("empty", self.empty),
            ("existing", self.existing),
            ("bytes", self.total),
            ("milliseconds", (self.seconds * 1000.0) as u64),
        ] {
            object.number(name, count);
        }
        let left_out = self.left_out.iter().map(|(what, (count, example))| {
            let mut object = Object::new();
            object.text("what", what);
            object.number("count", *count);
            object.text("example", example);
            object.end()
        });
        object.raw("left_out", &crate::json::list(left_out));
        object.raw(
            "notes",
            &crate::json::list(self.notes.iter().map(|note| crate::json::quoted(note))),
        );
        object.end() + "\n"
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{text}");
}

/// A key, or the beginning of one, in characters that a terminal can show.
pub(super) fn shown(key: &[u8]) -> String {
    let mut text = key[..key.len().min(MAX_SHOWN)].escape_ascii().to_string();
    if key.len() > MAX_SHOWN {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_by_kind() {
        let options = super::super::parse(&["f".into()]).expect("valid").expect("not help");
        let mut report = Report::new(&options);
        assert!(report.is_whole());
        report.leave_out("values of the module X", b"a\n");
        report.leave_out("values of the module X", b"b");
        (0..300).for_each(|n| report.leave_out(&format!("kind {n}"), b""));
        assert!(!report.is_whole());
        let text = report.text();
        assert!(text.contains("values of the module X, 2 times (such as a\\n)"), "{text}");
        assert!(text.contains("more, 201 times"), "{text}");
        assert!(report.json().contains("\"what\":\"more\",\"count\":201"));
    }
}
