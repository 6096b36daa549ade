//! Reading values.

mod hash;
mod list;
mod set;
mod sorted_set;
mod stream;

use std::io::Read;

use crate::input::Input;
use crate::packed::Element;
use crate::{Error, Sink, ValueType};

/// Reads a value of a type and hands its elements to a sink. What is behind it stays unread.
///
/// Memory: the longest string of the value, where it is compressed up to 88 times its length there
/// (as far as LZF can go), and for a stream the IDs that one group has pending.
///
/// # Errors
/// The input is malformed, or what the sink returns. The sink has got a part of the value then.
pub fn value<S: Sink>(
    value_type: ValueType,
    input: &mut impl Read,
    sink: &mut S,
) -> Result<(), S::Error> {
    use ValueType as T;
    let mut input = Input(input);
    let input = &mut input;
    match value_type {
        T::String => {
            sink.begin(value_type.shape(), 1)?;
            let value = input.string()?;
            sink.string(value)
        }
        T::List => list::plain(input, sink),
        T::ListZiplist => list::ziplist(input, sink),
        T::ListQuicklist => list::quicklist(input, sink),
        T::ListQuicklist2 => list::quicklist_2(input, sink),
        T::Set => set::plain(input, sink),
        T::SetIntset => set::intset(input, sink),
        T::SetListpack => set::listpack(input, sink),
        T::SortedSet => sorted_set::plain(input, sink, sorted_set::text_score),
        T::SortedSet2 => sorted_set::plain(input, sink, sorted_set::binary_score),
        T::SortedSetZiplist => sorted_set::ziplist(input, sink),
        T::SortedSetListpack => sorted_set::listpack(input, sink),
        T::Hash => hash::plain(input, sink),
        T::HashZipmap => hash::zipmap(input, sink),
        T::HashZiplist => hash::ziplist(input, sink),
        T::HashListpack => hash::listpack(input, sink),
        T::HashMetadataPreGa => hash::metadata(input, sink, false),
        T::HashMetadata => hash::metadata(input, sink, true),
        T::HashListpackExPreGa => hash::listpack_ex(input, sink, false),
        T::HashListpackEx => hash::listpack_ex(input, sink, true),
        T::StreamListpacks => stream::stream(input, sink, 1),
        T::StreamListpacks2 => stream::stream(input, sink, 2),
        T::StreamListpacks3 => stream::stream(input, sink, 3),
    }
}

/// The next element of what consists of groups of them, where it has to have one.
fn rest_of_group<'a>(
    elements: &mut impl Iterator<Item = Result<Element<'a>, Error>>,
) -> Result<Element<'a>, Error> {
    elements.next().ok_or(Error::Malformed("an element lacks what belongs to it"))?
}
