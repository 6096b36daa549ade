//! Reports for machines: one JSON object (RFC 8259) in a line. Numbers may be larger than 2^53.

use std::fmt::Write;

use ferric_engine::tools::{CheckReport, Damage, Loss, SalvageReport, StatReport, Totals};

/// What checking has found.
pub(crate) fn check(report: &CheckReport) -> String {
    finish(check_object(report))
}

/// What salvaging has done.
pub(crate) fn salvage(report: &SalvageReport) -> String {
    let mut object = Object::new();
    object.raw("found", &check_object(&report.found).end());
    object.raw("keys", &list(report.keys.iter().map(u64::to_string)));
    object.number("bytes", report.bytes);
    object.number("passes", report.passes);
    object.number("unreadable", report.unreadable);
    object.flag("spaces_lost", report.spaces_lost);
    finish(object)
}

/// What a store is like.
pub(crate) fn stat(report: &StatReport) -> String {
    let mut object = Object::new();
    object.text("log_id", &format!("{:016x}", report.log_id));
    object.number("segment_size", report.segment_size);
    object.raw("totals", &totals(&report.totals));
    object.number("tombstones", report.tombstones);
    object.number("deltas", report.deltas);
    object.number("bases", report.bases);
    object.number("base_parts", report.base_parts);
    object.number("record_bytes", report.record_bytes);
    object.raw("sizes", &list(report.sizes.iter().map(u64::to_string)));
    object.number("min_sequence", report.sequences.0);
    object.number("max_sequence", report.sequences.1);
    object.number("checkpoint", report.checkpoint);
    object.number("replay_from", report.replay_from);
    object.number("replay_bytes", report.replay_bytes);
    object.number("log_end", report.log_end);
    object.optional("keys", report.keys);
    object.optional("live_bytes", report.live_bytes);
    object.number("incarnation", report.incarnation.into());
    object.flag("clean_close", report.clean_close);
    object.raw("notes", &list(report.notes.iter().map(|note| quoted(note))));
    finish(object)
}

fn check_object(report: &CheckReport) -> Object {
    let mut object = Object::new();
    object.flag("intact", report.is_intact());
    object.raw("damages", &list(report.damages.iter().map(damage)));
    object.number("more_damages", report.more_damages);
    object.raw("notes", &list(report.notes.iter().map(|note| quoted(note))));
    object.raw("totals", &totals(&report.totals));
    object.raw("loss", &loss(&report.loss));
    object.optional("keys", report.live_keys);
    object.flag("clean_close", report.clean_close);
    object
}

fn damage(damage: &Damage) -> String {
    let mut object = Object::new();
    object.text("file", &damage.file.to_string_lossy());
    object.number("offset", damage.offset);
    object.number("len", damage.len);
    object.text("what", &damage.what);
    object.text("meaning", damage.meaning.name());
    object.end()
}

fn totals(totals: &Totals) -> String {
    let mut object = Object::new();
    object.number("log_segments", totals.log_segments);
    object.number("merged_segments", totals.merged_segments);
    object.number("hints", totals.hints);
    object.number("checkpoints", totals.checkpoints);
    object.number("frames", totals.frames);
    object.number("records", totals.records);
    object.number("bytes", totals.bytes);
    object.end()
}

fn loss(loss: &Loss) -> String {
    let mut object = Object::new();
    object.number("ranges", loss.ranges);
    object.number("bytes", loss.bytes);
    object.number("records", loss.records);
    object.end()
}

/// An object that is being written.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Object {
        Object("{".into())
    }

    pub(crate) fn raw(&mut self, name: &str, value: &str) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing to a string does not fail.
        let _ = write!(self.0, "{comma}{}:{value}", quoted(name));
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    fn optional(&mut self, name: &str, value: Option<u64>) {
        self.raw(name, &value.map_or("null".into(), |value| value.to_string()));
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn finish(object: Object) -> String {
    object.end() + "\n"
}

pub(crate) fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", char as u32);
            }
            _ => out.push(char),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_quoted() {
        assert_eq!(quoted("a\"b\\c\nd\u{1}é"), "\"a\\\"b\\\\c\\u000ad\\u0001é\"");
    }

    #[test]
    fn an_object_has_its_commas() {
        let mut object = Object::new();
        object.number("a", 1);
        object.optional("b", None);
        object.raw("c", &list(["1".into(), "2".into()].into_iter()));
        assert_eq!(object.end(), "{\"a\":1,\"b\":null,\"c\":[1,2]}");
    }
}
