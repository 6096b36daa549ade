//! Values as payloads.

use ferric_engine::Meta;
use ferric_rdb::encode::{NodeSize, Writer};
use ferric_rdb::payload;
use ferric_resp::DoubleText;

use super::stream;
use crate::context::Fault;
use crate::numbers::parse_i64;
use crate::thresholds::Thresholds;
use crate::values::hash::{self, Hash};
use crate::values::list::List;
use crate::values::set::{self, Member, Set};
use crate::values::sorted::{self, SortedSet};
use crate::values::stream::Stream;
use crate::values::{Collection, Kind};

/// The payload of a value, given its image.
///
/// # Errors
/// The value is of a kind that only a module of Redis has, and no other server would know what to do
/// with it.
pub(super) fn payload(
    meta: Meta,
    image: &[u8],
    thresholds: &Thresholds,
    now_ms: u64,
) -> Result<Vec<u8>, Fault> {
    let mut writer = Writer::default();
    match Kind::of(meta.kind) {
        Some(Kind::String) => writer.string(image),
        Some(Kind::List) => {
            let size = NodeSize::of(thresholds.list_max_size.get());
            writer.list(List::view_image(image).iter(), size);
        }
        Some(Kind::Set) => write_set(&mut writer, Set::view_image(image), meta.flags),
        Some(Kind::Hash) => {
            write_hash(&mut writer, Hash::view_image(image).live(now_ms), meta.flags)
        }
        Some(Kind::SortedSet) => {
            write_sorted_set(&mut writer, SortedSet::view_image(image), meta.flags);
        }
        Some(Kind::Stream) => stream::write(&mut writer, &Stream::decode(image)?),
        _ => return Err(Fault::error("ERR a value of this type cannot be dumped")),
    }
    Ok(payload::seal(writer))
}

fn write_set(writer: &mut Writer, set: set::View<'_>, flags: u8) {
    if flags & set::HASHTABLE != 0 {
        let members: Vec<_> = set.iter().map(|member| member.with(<[u8]>::to_vec)).collect();
        return writer.set(members.len(), members.iter().map(Vec::as_slice));
    }
    let integer = |member| match member {
        Member::Integer(number) => Some(number),
        Member::Text(text) => parse_i64(text),
    };
    let mut integers: Vec<i64> = set.iter().filter_map(integer).collect();
    integers.sort_unstable();
    writer.intset(&integers);
}

fn write_hash(writer: &mut Writer, hash: hash::Live<'_>, flags: u8) {
    let mut fields = Vec::with_capacity(hash.len());
    hash.for_each(|name, field| fields.push((name, field.value, field.expiry_ms)));
    let earliest = fields.iter().map(|(_, _, expiry)| *expiry).filter(|expiry| *expiry > 0).min();
    let is_table = flags & hash::HASHTABLE != 0;
    let plain = fields.iter().map(|(name, value, _)| (*name, *value));
    match (earliest, is_table) {
        (None, true) => writer.hash(plain.len(), plain),
        (None, false) => writer.small_hash(plain),
        (Some(earliest), true) => writer.expiring_hash(fields.len(), earliest, fields),
        (Some(earliest), false) => {
            // Those that never expire are the last.
            fields.sort_by_key(|(_, _, expiry)| expiry.wrapping_sub(1));
            writer.small_expiring_hash(earliest, fields);
        }
    }
}

fn write_sorted_set(writer: &mut Writer, set: sorted::View<'_>, flags: u8) {
    let is_table = flags & sorted::SKIPLIST != 0;
    let mut entries = Vec::with_capacity(set.len());
    set.each(0..set.len(), is_table, |score, member| entries.push((member, score)));
    if is_table {
        writer.sorted_set(entries.len(), entries);
    } else {
        let text = |(member, score)| (member, DoubleText::new(score).as_bytes().to_vec());
        writer.small_sorted_set(entries.into_iter().map(text));
    }
}
