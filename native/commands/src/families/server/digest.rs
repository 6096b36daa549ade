//! DEBUG DIGEST and DIGEST-VALUE: what data look like in 160 bits, the same as redis-server's.
//!
//! The algorithm is Redis's: everything is hashed by SHA-1 (RFC 3174). What has an order is mixed (the
//! digest so far is hashed together with the next part), what has none is combined by exclusive or.

use std::fmt::Write;

use ferric_engine::{Key, Meta, ReadError};
use sha1::{Digest as _, Sha1};

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::format_17;
use crate::values::hash::Hash;
use crate::values::list::List;
use crate::values::set::Set;
use crate::values::sorted::SortedSet;
use crate::values::stream::{Stream, Word};
use crate::values::{Collection, Kind};

/// Keys visited at a time.
const PIECE: usize = 1000;

/// A digest of some data.
#[derive(Clone, Copy, Default)]
struct Digest([u8; 20]);

impl Digest {
    /// Adds bytes whose place among the others does not matter.
    fn add(&mut self, bytes: &[u8]) {
        let hash = Sha1::digest(bytes);
        self.0.iter_mut().zip(hash).for_each(|(mine, other)| *mine ^= other);
    }

    /// Adds bytes that follow what was added before.
    fn mix(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn reply(self, ctx: &mut Context<'_, '_>) {
        let mut text = String::with_capacity(40);
        for byte in self.0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        ctx.reply.simple(&text);
    }
}

/// `DEBUG DIGEST`
pub(super) fn all(ctx: &mut Context<'_, '_>) -> Outcome {
    ctx.bound(usize::MAX, PIECE)?;
    let mut total = Digest::default();
    for db in 0..ctx.server.databases() {
        if ctx.access.is_empty(db) {
            continue;
        }
        total.mix(&u32::from(db).to_be_bytes());
        for name in keys(ctx, db)? {
            let key = ctx.key_in(db, &name);
            let mut digest = Digest::default();
            digest.mix(&name);
            if value(ctx, &key, &mut digest)? {
                total.add(&digest.0);
            }
        }
    }
    total.reply(ctx);
    Ok(())
}

/// `DEBUG DIGEST-VALUE key [key ...]`
pub(super) fn values(ctx: &mut Context<'_, '_>, names: Args<'_>) -> Outcome {
    ctx.bound(usize::MAX, PIECE)?;
    ctx.reply.array(names.len());
    for name in names {
        let (key, mut digest) = (ctx.key(name), Digest::default());
        value(ctx, &key, &mut digest)?;
        digest.reply(ctx);
    }
    Ok(())
}

/// `DEBUG RELOAD`: every value that is an object in memory is written as an image, and read back when
/// it is used next.
pub(super) fn reload(ctx: &mut Context<'_, '_>) -> Outcome {
    ctx.bound(usize::MAX, PIECE)?;
    for db in 0..ctx.server.databases() {
        for name in keys(ctx, db)? {
            let key = ctx.key_in(db, &name);
            let Some((meta, image, true)) = read(ctx, &key)? else { continue };
            ctx.access.acquire(&key)?.put(&key, meta, &image)?;
        }
    }
    ctx.reply.ok();
    Ok(())
}

/// All keys of a database.
fn keys(ctx: &mut Context<'_, '_>, db: u16) -> Result<Vec<Vec<u8>>, Fault> {
    let (mut found, mut cursor) = (Vec::new(), 0);
    loop {
        cursor = ctx.access.scan(db, cursor, PIECE, &mut |key, _| found.push(key.to_vec()))?;
        if cursor == 0 {
            break;
        }
    }
    // A key may be visited twice when the index grows meanwhile.
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// A key's description and image, and whether it is an object in memory; waits for the disk.
fn read(ctx: &mut Context<'_, '_>, key: &Key<'_>) -> Result<Option<(Meta, Vec<u8>, bool)>, Fault> {
    for attempt in 0.. {
        let found = ctx.access.read(key, false, |entry| {
            entry.map(|entry| (entry.meta, entry.image().into_owned(), entry.object.is_some()))
        });
        match found {
            Err(ReadError::Cold) => ctx.access.wait_for_missing(attempt),
            found => return Ok(found?),
        }
    }
    Ok(None)
}

/// Adds the value of a key; false if there is none.
fn value(ctx: &mut Context<'_, '_>, key: &Key<'_>, digest: &mut Digest) -> Result<bool, Fault> {
    let Some((meta, image, _)) = read(ctx, key)? else { return Ok(false) };
    digest.mix(&type_number(meta.kind).to_be_bytes());
    contents(meta, &image, ctx.now_ms(), digest)?;
    if meta.expiry_ms != 0 {
        digest.add(b"!!expire!!");
    }
    Ok(true)
}

/// Redis's number for a type; modules' types have one together.
fn type_number(kind: u8) -> u32 {
    match Kind::of(kind) {
        Some(Kind::String) => 0,
        Some(Kind::List) => 1,
        Some(Kind::Set) => 2,
        Some(Kind::SortedSet) => 3,
        Some(Kind::Hash) => 4,
        Some(Kind::Stream) => 6,
        _ => 5,
    }
}

fn contents(meta: Meta, image: &[u8], now_ms: u64, digest: &mut Digest) -> Outcome {
    match Kind::of(meta.kind) {
        Some(Kind::List) => List::view_image(image).iter().for_each(|element| digest.mix(element)),
        Some(Kind::Set) => {
            for member in Set::view_image(image).iter() {
                member.with(|text| digest.add(text));
            }
        }
        Some(Kind::Hash) => Hash::view_image(image).live(now_ms).for_each(|name, field| {
            let mut pair = Digest::default();
            pair.mix(name);
            pair.mix(field.value);
            digest.add(&pair.0);
        }),
        Some(Kind::SortedSet) => {
            let view = SortedSet::view_image(image);
            view.each(0..view.len(), false, |score, member| {
                let mut pair = Digest::default();
                pair.mix(member);
                pair.mix(format_17(score).as_bytes());
                digest.add(&pair.0);
            });
        }
        Some(Kind::Stream) => stream(&Stream::decode(image)?, digest),
        // What Redis does not have as a type of its own is compared by its image.
        _ => digest.mix(image),
    }
    Ok(())
}

fn stream(stream: &Stream, digest: &mut Digest) {
    let text = |word: Word<'_>| word.with(<[u8]>::to_vec);
    for chunk in stream.view().chunks(crate::values::stream::Id::MIN) {
        for entry in chunk.entries() {
            digest.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
            for (name, value) in entry.fields().1 {
                digest.mix(&text(name));
                digest.mix(&text(value));
            }
        }
    }
}
