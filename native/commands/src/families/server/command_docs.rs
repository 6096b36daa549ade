//! COMMAND DOCS: what people read about a command.

use ferric_resp::Encoder;

use crate::table::synopsis::{self, Argument};
use crate::table::{Entry, docs};

/// Writes a map of names and documentation.
pub(super) fn write(reply: &mut Encoder, entries: &[&Entry]) {
    reply.map(entries.len());
    for entry in entries {
        reply.bulk_str(&entry.full_name);
        describe(reply, entry);
    }
}

fn describe(reply: &mut Encoder, entry: &Entry) {
    let command = entry.command;
    let start = reply.begin_deferred();
    let mut fields = 4;
    field(reply, "summary", command.summary);
    field(reply, "since", command.since);
    field(reply, "group", command.group);
    field(reply, "complexity", command.complexity);
    fields += flags(reply, entry);
    // A test parses every synopsis, so none is left out here.
    let arguments = synopsis::parse(docs::synopsis(&entry.full_name)).unwrap_or_default();
    if !arguments.is_empty() {
        fields += 1;
        reply.bulk_str("arguments");
        write_arguments(reply, &arguments);
    }
    let subcommands: Vec<&Entry> = entry.subcommands().iter().collect();
    if !subcommands.is_empty() {
        fields += 1;
        reply.bulk_str("subcommands");
        write(reply, &subcommands);
    }
    reply.end_deferred_map(start, fields);
}

/// The flags and what they say in full; the number of fields written.
fn flags(reply: &mut Encoder, entry: &Entry) -> usize {
    if let Some(deprecation) = docs::deprecation(&entry.full_name) {
        flag_list(reply, "doc_flags", &["deprecated"]);
        field(reply, "deprecated_since", deprecation.since);
        field(reply, "replaced_by", deprecation.replaced_by);
        return 3;
    }
    if matches!(entry.command.name, "debug" | "pfdebug" | "pfselftest") {
        flag_list(reply, "doc_flags", &["syscmd"]);
        return 1;
    }
    0
}

fn write_arguments(reply: &mut Encoder, arguments: &[Argument<'_>]) {
    reply.array(arguments.len());
    for argument in arguments {
        let start = reply.begin_deferred();
        let fields = write_argument(reply, argument);
        reply.end_deferred_map(start, fields);
    }
}

fn write_argument(reply: &mut Encoder, argument: &Argument<'_>) -> usize {
    let mut fields = 2;
    field(reply, "name", &argument.name);
    field(reply, "type", argument.kind);
    if let Some(spec) = argument.key_spec {
        fields += 1;
        reply.bulk_str("key_spec_index");
        reply.integer(spec);
    }
    let texts = [
        ("token", argument.token),
        ("since", argument.since),
        ("deprecated_since", argument.deprecated_since),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            fields += 1;
            field(reply, name, value);
        }
    }
    let known = [
        (argument.optional, "optional"),
        (argument.multiple, "multiple"),
        (argument.multiple_token, "multiple_token"),
    ];
    let flags: Vec<&str> =
        known.into_iter().filter_map(|(set, name)| set.then_some(name)).collect();
    if !flags.is_empty() {
        fields += 1;
        flag_list(reply, "flags", &flags);
    }
    if !argument.parts.is_empty() {
        fields += 1;
        reply.bulk_str("arguments");
        write_arguments(reply, &argument.parts);
    }
    fields
}

fn field(reply: &mut Encoder, name: &str, value: &str) {
    reply.bulk_str(name);
    reply.bulk_str(value);
}

fn flag_list(reply: &mut Encoder, name: &str, flags: &[&str]) {
    reply.bulk_str(name);
    reply.set(flags.len());
    for flag in flags {
        reply.simple(flag);
    }
}
