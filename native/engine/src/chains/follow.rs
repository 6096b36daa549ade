//! From the newest record of a chain to its base.
//!
//! What is in memory knows a chain's records; what is on disk only knows the newest one, and that
//! names the others. Many chains are followed at once: what they want next is read in the order of
//! addresses, neighbours together.

use super::Records;
use crate::record::delta::{Base, DeltaHead, Deltas, Member};
use crate::record::{HEADER, Header, Kind, View, u32_at};
use crate::tier::fetch::Place;

/// Bytes of a record that are read first: all of a usual delta, and what there is to know of an image.
const FIRST_READ: u64 = 4 << 10;
/// Neighbours are read together when there is not more than this between them, up to so many bytes.
const MAX_GAP: u64 = 16 << 10;
const MAX_READ: u64 = 512 << 10;

/// The newest record of a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub newest: Member,
    /// Incarnation of the key space.
    pub space: u32,
}

/// A chain as its records say. Its parts and carried deltas have not been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Followed {
    pub key: Box<[u8]>,
    /// Of the newest record.
    pub header: Header,
    pub records: Records,
}

/// Why a chain cannot be followed.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    /// Where the record should be that is not there.
    pub address: u64,
    pub what: String,
    /// The store has no segment there.
    pub gone: bool,
    /// Key and header of the newest record, if that is intact.
    pub newest: Option<(Box<[u8]>, Header)>,
    /// The records before the missing one, from the newest on.
    pub members: Vec<Member>,
}

/// Follows chains, using `locate` to find out where an address is on disk. The results are in the
/// order of `starts`.
pub(crate) fn follow(
    starts: &[Start],
    locate: &dyn Fn(u64) -> Option<Place>,
) -> Vec<Result<Followed, Broken>> {
    let mut walks: Vec<Walk> = starts.iter().map(|start| Walk::new(*start)).collect();
    loop {
        let open = walks.iter().zip(0..).filter(|(walk, _)| walk.outcome.is_none());
        let wanted =
            open.map(|(walk, at)| Wanted { at: walk.next.address(), len: walk.wants, walk: at });
        let mut wanted: Vec<Wanted> = wanted.collect();
        if wanted.is_empty() {
            return walks.into_iter().filter_map(|walk| walk.outcome).collect();
        }
        wanted.sort_unstable();
        let mut rest = &wanted[..];
        while let Some(first) = rest.first() {
            let Some(place) = locate(first.at) else {
                walks[first.walk].stop("no segment of the store is there".into(), true);
                rest = &rest[1..];
                continue;
            };
            let together = neighbours(rest, first.at + (place.end - place.offset));
            read(&place, &rest[..together], &mut walks);
            rest = &rest[together..];
        }
    }
}

/// The first part or delta of a chain that is not where it should be, and why not. Looks at no more
/// than what the records there say of themselves.
pub(crate) fn missing(
    followed: &Followed,
    locate: &dyn Fn(u64) -> Option<Place>,
) -> Option<(u64, String)> {
    let (records, key) = (&followed.records, &*followed.key);
    let parts = records.base_and_parts().iter().skip(1).map(|part| (part, Kind::BasePart));
    let deltas = records.deltas().iter().map(|delta| (delta, Kind::Delta));
    let is_there = |member: &Member, kind: Kind| {
        let place = locate(member.address()).ok_or("no segment of the store is there")?;
        let mut bytes = vec![0; HEADER + key.len()];
        let read = place.file.read_exact_at(&mut bytes, place.offset);
        read.map_err(|error| error.to_string())?;
        let head = bytes.first_chunk::<HEADER>().and_then(Header::decode);
        let header = head.ok_or("there is no record")?;
        let is_it = (header.space, header.kind) == (followed.header.space, kind)
            && bytes[HEADER..] == *key
            && header.total_len() < member.size_bound();
        if is_it { Ok(()) } else { Err("the record there is another one".to_owned()) }
    };
    parts.chain(deltas).find_map(|(member, kind)| {
        let outcome: Result<(), String> = is_there(member, kind);
        outcome.err().map(|what| (member.address(), what))
    })
}

/// How many bytes of an image's record are needed: header, key, and what a compressed value begins
/// with.
fn image_head(header: &Header) -> u64 {
    (HEADER + header.key_len as usize + 4) as u64
}

/// What a walk wants: the bytes of a record, or its first ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    at: u64,
    len: u64,
    /// Which walk it is.
    walk: usize,
}

/// How many of the first ones are read together, in a segment that ends at `limit`.
fn neighbours(wanted: &[Wanted], limit: u64) -> usize {
    let start = wanted[0].at;
    let mut end = start + wanted[0].len;
    let near = |next: &&Wanted| {
        let joined = end.max(next.at + next.len);
        let fits = next.at < limit && next.at <= end + MAX_GAP && joined - start <= MAX_READ;
        end = if fits { joined } else { end };
        fits
    };
    1 + wanted[1..].iter().take_while(near).count()
}

/// Reads what some walks want, the first of which begins at `place`, and has them go on.
fn read(place: &Place, wanted: &[Wanted], walks: &mut [Walk]) {
    let start = wanted[0].at;
    let end = wanted.iter().map(|one| one.at + one.len).max().unwrap_or(start);
    // A file may end before the range of its addresses does.
    let limit = place.file.len().map_or(place.end, |len| place.end.min(len));
    let mut bytes = vec![0; (end - start).min(limit.saturating_sub(place.offset)) as usize];
    let outcome = place.file.read_exact_at(&mut bytes, place.offset);
    for one in wanted {
        let from = (one.at - start) as usize;
        let to = bytes.len().min(from + one.len as usize);
        match &outcome {
            Ok(()) => walks[one.walk].feed(bytes.get(from..to).unwrap_or_default()),
            Err(error) if wanted.len() == 1 => walks[one.walk].stop(error.to_string(), false),
            // One bad block is no reason not to read its neighbours.
            Err(_) => {
                let (file, offset) = (place.file.clone(), place.offset + from as u64);
                read(&Place { file, offset, end: place.end }, &[*one], walks);
            }
        }
    }
}

impl Records {
    /// What is known of a chain that cannot be followed to its base: at least one record.
    pub(super) fn broken(members: Vec<Member>) -> Records {
        Records { members, base: 0, image_len: 0, deltas: Deltas::default() }
    }

    /// Adds deltas; with them the changes since the base are `all`.
    fn extend(&mut self, deltas: impl IntoIterator<Item = Member>, all: Deltas) {
        self.members.extend(deltas);
        self.deltas = all;
    }
}

/// One chain.
struct Walk {
    space: u32,
    /// The record that is wanted, and how many of its bytes.
    next: Member,
    wants: u64,
    /// Key and header of the newest record.
    newest: Option<(Box<[u8]>, Header)>,
    /// The changes so far, the newest first.
    deltas: Vec<Member>,
    /// What the newest of them says came since the base.
    since: Option<DeltaHead>,
    /// Sequence number of the record before, and how many changes there have to be in front of it.
    sequence: u64,
    left: Option<u32>,
    outcome: Option<Result<Followed, Broken>>,
}

impl Walk {
    fn new(start: Start) -> Walk {
        Walk {
            space: start.space,
            next: start.newest,
            wants: start.newest.size_bound().min(FIRST_READ),
            newest: None,
            deltas: Vec::new(),
            since: None,
            sequence: u64::MAX,
            left: None,
            outcome: None,
        }
    }

    fn stop(&mut self, what: String, gone: bool) {
        let members = std::mem::take(&mut self.deltas);
        let (address, newest) = (self.next.address(), self.newest.take());
        self.outcome = Some(Err(Broken { address, what, gone, newest, members }));
    }

    /// Goes on with the bytes from the wanted record's beginning on.
    fn feed(&mut self, bytes: &[u8]) {
        let head = bytes.first_chunk::<HEADER>().and_then(Header::decode);
        let Some(header) = head else {
            return self.stop("there is no record".into(), false);
        };
        // Of an image no more is needed than whose it is and how long.
        let is_image =
            self.newest.is_some() && matches!(header.kind, Kind::Put | Kind::PutCompressed);
        let len = header.total_len().min(self.next.size_bound());
        let needed = if is_image { len.min(image_head(&header)) } else { len };
        if needed > bytes.len() as u64 && needed > self.wants {
            self.wants = needed;
            return;
        }
        let taken = match is_image {
            true => self.image(&header, bytes),
            false => View::read(bytes, self.next.address()).and_then(|view| self.take(&view)),
        };
        if let Err(what) = taken {
            self.stop(what.into(), false);
        }
    }

    /// Whether a record with this header and key may come next.
    fn expects(&self, header: &Header, key: &[u8]) -> Result<(), &'static str> {
        let of_key = self.newest.as_ref().is_none_or(|(known, _)| **known == *key);
        if header.space != self.space || !of_key {
            return Err("the record there is another key's");
        }
        // Copies of one record have one number, but no record leads to its copy.
        if header.sequence >= self.sequence {
            return Err("the record there is younger than the one that leads to it");
        }
        Ok(())
    }

    fn take(&mut self, view: &View<'_>) -> Result<(), &'static str> {
        self.expects(&view.header, view.key)?;
        self.sequence = view.header.sequence;
        let newest = self.newest.is_none();
        self.newest.get_or_insert_with(|| (view.key.into(), view.header));
        match view.header.kind {
            Kind::Delta => self.delta(view.value),
            Kind::Base => self.base(view.value),
            _ if newest => Err("this record begins no chain"),
            _ => Err("the record there belongs to no chain"),
        }
    }

    fn delta(&mut self, value: &[u8]) -> Result<(), &'static str> {
        let (head, _) = DeltaHead::decode(value).ok_or("the delta makes no sense")?;
        let left = head.deltas.count.checked_sub(1).ok_or("the delta counts none")?;
        if self.left.is_some_and(|left| left != head.deltas.count) {
            return Err("deltas are missing between this and the next");
        }
        let (at, previous) = (self.next.address(), head.previous.address());
        // In the log the older one is before the younger, so that every chain has an end.
        if crate::address::is_in_log(previous) && previous >= at {
            return Err("the delta leads forward");
        }
        self.deltas.push(self.next);
        self.since.get_or_insert(head);
        self.left = Some(left);
        self.next = head.previous;
        self.wants = head.previous.size_bound().min(FIRST_READ);
        Ok(())
    }

    fn base(&mut self, value: &[u8]) -> Result<(), &'static str> {
        let base = Base::decode(value).ok_or("the base makes no sense")?;
        let at = self.next.address();
        let older = |member: &Member| member.address() < at;
        if !base.parts.iter().chain(&base.carried).all(older) {
            return Err("the base leads forward");
        }
        if self.left.is_some_and(|left| left as usize != base.carried.len()) {
            return Err("deltas are missing behind the base");
        }
        self.finish(Records::based(self.next, base));
        Ok(())
    }

    /// The image of a record of its own. Its value is verified when it is used.
    fn image(&mut self, header: &Header, bytes: &[u8]) -> Result<(), &'static str> {
        let key = bytes.get(HEADER..HEADER + header.key_len as usize);
        let key = key.ok_or("the record there is another key's")?;
        self.expects(header, key)?;
        if self.left.is_some_and(|left| left != 0) {
            return Err("deltas are missing behind the image");
        }
        let image_len = match header.kind {
            // What it begins with is how long it was.
            Kind::PutCompressed => bytes
                .get(HEADER + key.len()..HEADER + key.len() + 4)
                .map(|len| u32_at(len, 0))
                .ok_or("the record there is cut short")?,
            _ => header.value_len,
        };
        self.finish(Records::put(self.next, u64::from(image_len)));
        Ok(())
    }

    fn finish(&mut self, mut records: Records) {
        let Some((key, header)) = self.newest.take() else { return };
        if let Some(head) = self.since {
            records.extend(std::mem::take(&mut self.deltas).into_iter().rev(), head.deltas);
        }
        self.outcome = Some(Ok(Followed { key, header, records }));
    }
}
