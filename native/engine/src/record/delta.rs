//! The values of the records that values of several records consist of.
//!
//! A *chain* is a base and the changes since. The base is a `Put`, or a `Base` that lists where the
//! parts of a large image are; the changes are in `Delta`s, each of which names the record before it.
//! So the newest record of the key leads to all others.

use super::{ALIGN, MAX_VALUE, u32_at, u64_at};
use crate::address::{Region, region};
use crate::index::Slot;

/// Most deltas, and most parts, that a `Base` lists: what fits into a value.
const MAX_LISTED: usize = MAX_VALUE / MEMBER;
/// Length of a member as it is stored.
const MEMBER: usize = 8;
/// Bits of a member that are its size class.
const CLASS_BITS: u32 = 5;

/// A record of a chain: where it is, and about how long: `address / 8 << 5 | size class`, the class
/// being the bit length of the record's length, padding included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member(u64);

impl Member {
    /// The record of `len` bytes, padding included, at `address` in the log or a merged segment.
    pub(crate) fn new(address: u64, len: u64) -> Member {
        debug_assert!(address.is_multiple_of(ALIGN) && region(address) <= Region::Merged);
        let class = u64::from(u64::BITS - len.leading_zeros());
        Member((address / ALIGN) << CLASS_BITS | class)
    }

    /// The record that a slot points to, at its own place, which is `origin`.
    pub(crate) fn of(slot: Slot, origin: u64) -> Member {
        Member::new(origin, slot.size_bound() / 2)
    }

    fn decode(bytes: &[u8]) -> Option<Member> {
        let member = Member(u64_at(bytes, 0));
        let class = member.0 & ((1 << CLASS_BITS) - 1);
        // The smallest record is as long as its header; and no position is 0.
        let valid = class >= 6 && member.0 >> (CLASS_BITS + 47) == 0 && member.address() != 0;
        (valid && region(member.address()) <= Region::Merged).then_some(member)
    }

    fn encode(self) -> [u8; MEMBER] {
        self.0.to_le_bytes()
    }

    /// Where the record is.
    pub(crate) fn address(self) -> u64 {
        (self.0 >> CLASS_BITS) * ALIGN
    }

    /// The record is shorter than this, in bytes.
    pub(crate) fn size_bound(self) -> u64 {
        1 << (self.0 & ((1 << CLASS_BITS) - 1))
    }

    /// What the record counts for in figures about space, see [`Slot::weight`].
    pub(crate) fn weight(self) -> u64 {
        self.size_bound() / 4 * 3
    }
}

/// The changes since a base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deltas {
    /// How many records they are in.
    pub count: u32,
    /// Their lengths together, without the records around them.
    pub bytes: u64,
}

impl Deltas {
    /// With one more record of so many bytes of changes.
    pub(crate) fn and(self, len: usize) -> Deltas {
        Deltas { count: self.count.saturating_add(1), ..self.and_more(len) }
    }

    /// With so many bytes more in the last record.
    pub(crate) fn and_more(self, len: usize) -> Deltas {
        Deltas { bytes: self.bytes.saturating_add(len as u64), ..self }
    }
}

/// What stands before the changes in the value of a `Delta`: `previous 8 | count 4 | bytes 8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeltaHead {
    /// The record before this one in the chain: a `Delta`, a `Put` or a `Base`.
    pub previous: Member,
    /// The changes since the base, those of this record included.
    pub deltas: Deltas,
}

/// Length of what stands before the first change in the value of a `Delta`.
pub(crate) const LEAD: usize = DeltaHead::LEN + CHANGE_HEAD;
/// Length of what stands before each change: how long it is, in 4 bytes.
const CHANGE_HEAD: usize = 4;

/// What stands before a change of `len` bytes.
pub(crate) fn change_head(len: u32) -> [u8; CHANGE_HEAD] {
    len.to_le_bytes()
}

/// What a change of `len` bytes takes in the value of a `Delta`.
pub(crate) fn change_len(len: usize) -> usize {
    CHANGE_HEAD + len
}

/// The changes in the value of a `Delta`, in order, from what follows its head; ends with `None` if
/// that cannot be changes.
pub(crate) fn changes(mut rest: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let change = rest.split_at_checked(CHANGE_HEAD).and_then(|(head, behind)| {
            let (change, behind) = behind.split_at_checked(u32_at(head, 0) as usize)?;
            rest = behind;
            Some(change)
        });
        if change.is_none() {
            rest = &[];
        }
        Some(change)
    })
}

impl DeltaHead {
    /// Its length in bytes.
    pub(crate) const LEN: usize = MEMBER + 12;

    pub(crate) fn encode(&self) -> [u8; DeltaHead::LEN] {
        let mut out = [0; DeltaHead::LEN];
        out[..8].copy_from_slice(&self.previous.encode());
        out[8..12].copy_from_slice(&self.deltas.count.to_le_bytes());
        out[12..].copy_from_slice(&self.deltas.bytes.to_le_bytes());
        out
    }

    /// Where in it the bytes of the changes are said, and how many they are.
    pub(crate) fn bytes_of(deltas: Deltas) -> (usize, [u8; 8]) {
        (MEMBER + 4, deltas.bytes.to_le_bytes())
    }

    /// [`DeltaHead::encode`], and what stands before a first change of `len` bytes.
    pub(crate) fn lead(&self, len: u32) -> [u8; LEAD] {
        let mut out = [0; LEAD];
        out[..DeltaHead::LEN].copy_from_slice(&self.encode());
        out[DeltaHead::LEN..].copy_from_slice(&change_head(len));
        out
    }

    /// Reads the value of a `Delta`; `None` if it cannot be one. The [`changes`] follow.
    pub(crate) fn decode(value: &[u8]) -> Option<(DeltaHead, &[u8])> {
        let (head, delta) = value.split_at_checked(DeltaHead::LEN)?;
        let previous = Member::decode(head)?;
        let deltas = Deltas { count: u32_at(head, 8), bytes: u64_at(head, 12) };
        Some((DeltaHead { previous, deltas }, delta))
    }
}

/// The value of a `Base`: `parts 4 | carried 4 | image_len 8 | carried_bytes 8`, then the members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Length of the image in bytes.
    pub image_len: u64,
    /// The `BasePart`s that have it, in order.
    pub parts: Vec<Member>,
    /// The `Delta`s that were logged while the parts were written, in order: to be applied to the
    /// image.
    pub carried: Vec<Member>,
    /// Lengths of these deltas together.
    pub carried_bytes: u64,
}

impl Base {
    const HEAD: usize = 24;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let listed = self.parts.len() + self.carried.len();
        let mut out = Vec::with_capacity(Base::HEAD + listed * MEMBER);
        // `fits` has been asked.
        out.extend_from_slice(&(self.parts.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.carried.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.image_len.to_le_bytes());
        out.extend_from_slice(&self.carried_bytes.to_le_bytes());
        let members = self.parts.iter().chain(&self.carried);
        members.for_each(|member| out.extend_from_slice(&member.encode()));
        out
    }

    /// Reads the value of a `Base`; `None` if it cannot be one.
    pub(crate) fn decode(value: &[u8]) -> Option<Base> {
        let (head, listed) = value.split_at_checked(Base::HEAD)?;
        let (parts, carried) = (u32_at(head, 0) as usize, u32_at(head, 4) as usize);
        if parts == 0 || parts.checked_add(carried)?.checked_mul(MEMBER)? != listed.len() {
            return None;
        }
        let members: Option<Vec<Member>> =
            listed.chunks_exact(MEMBER).map(Member::decode).collect();
        let mut parts_then_carried = members?;
        let carried = parts_then_carried.split_off(parts);
        let (image_len, carried_bytes) = (u64_at(head, 8), u64_at(head, 16));
        Some(Base { image_len, parts: parts_then_carried, carried, carried_bytes })
    }

    /// Whether so many members can be listed.
    pub(crate) fn fits(members: usize) -> bool {
        members < MAX_LISTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::MERGED;
    use proptest::prelude::*;

    fn member() -> impl Strategy<Value = Member> {
        (1u64..1 << 44, 32u64..1 << 30, any::<bool>()).prop_map(|(place, len, merged)| {
            Member::new((place * 8) | if merged { MERGED } else { 0 }, len)
        })
    }

    proptest! {
        #[test]
        fn members_keep_what_they_were_given(place in 1u64..1 << 44, len in 32u64..1 << 30) {
            let member = Member::new(MERGED | (place * 8), len);
            prop_assert_eq!(member.address(), MERGED | (place * 8));
            prop_assert!(len < member.size_bound() && member.size_bound() <= 2 * len);
            prop_assert_eq!(member.weight(), Slot::new(0, 8, len, 0, 0).weight());
            prop_assert_eq!(Member::of(Slot::new(0, 8, len, 0, 0), member.address()), member);
            prop_assert_eq!(Member::decode(&member.encode()), Some(member));
        }

        #[test]
        fn deltas_round_trip(previous in member(), count: u32, bytes: u64, delta: Vec<u8>) {
            let head = DeltaHead { previous, deltas: Deltas { count, bytes } };
            let value = [&head.encode()[..], &delta].concat();
            prop_assert_eq!(DeltaHead::decode(&value), Some((head, &delta[..])));
            prop_assert_eq!(DeltaHead::decode(&value[..DeltaHead::LEN - 1]), None);
        }

        #[test]
        fn changes_round_trip(
            each in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 1..9),
            cut in 1usize..9,
        ) {
            let framed = each.iter().map(|one| [&change_head(one.len() as u32)[..], one].concat());
            let framed: Vec<Vec<u8>> = framed.collect();
            prop_assert!(framed.iter().zip(&each).all(|(f, one)| f.len() == change_len(one.len())));
            let value = framed.concat();
            let read: Option<Vec<&[u8]>> = changes(&value).collect();
            prop_assert_eq!(read, Some(each.iter().map(|one| &one[..]).collect()));
            let last = framed[framed.len() - 1].len();
            let torn = &value[..value.len() - 1 - (cut - 1) % (last - 1)];
            prop_assert_eq!(changes(torn).last(), Some(None));
        }

        #[test]
        fn bases_round_trip(
            image_len: u64, carried_bytes: u64,
            parts in proptest::collection::vec(member(), 1..9),
            carried in proptest::collection::vec(member(), 0..9),
        ) {
            let base = Base { image_len, parts, carried, carried_bytes };
            let value = base.encode();
            prop_assert_eq!(Base::decode(&value), Some(base));
            prop_assert_eq!(Base::decode(&value[..value.len() - 1]), None);
        }

        #[test]
        fn any_bytes_are_read_without_panic(value in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = (DeltaHead::decode(&value), Base::decode(&value), changes(&value).count());
        }
    }
}
