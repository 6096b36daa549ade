//! Adding places, and questions about them.

use ferric_resp::Encoder;

use super::geohash::Place;
use super::shape::distance;
use super::units::{parse_place, parse_unit};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::sorted_sets::add::{Options, add};
use crate::pattern::is_option;
use crate::values::sorted::SortedSet;
use crate::values::{Lookup, MAX_KEYS};

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]`
pub fn geoadd(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (mut options, mut words) = (Options::default(), &args[2..]);
    while let [word, rest @ ..] = words {
        let option = if is_option(word, "NX") {
            &mut options.absent
        } else if is_option(word, "XX") {
            &mut options.present
        } else if is_option(word, "CH") {
            &mut options.changes
        } else {
            break;
        };
        *option = true;
        words = rest;
    }
    let (places, rest) = words.as_chunks::<3>();
    if places.is_empty() || !rest.is_empty() || options.absent && options.present {
        return Err(SYNTAX);
    }
    ctx.bound(places.len(), MAX_KEYS)?;
    let mut entries = Vec::with_capacity(places.len());
    for [longitude, latitude, member] in places {
        entries.push((parse_place(longitude, latitude)?.score(), *member));
    }
    add(ctx, args[1], &entries, options)
}

/// The places of some members of the geo set at a key; `None` without one.
fn places(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    members: Args<'_>,
) -> Result<Option<Vec<Option<Place>>>, Fault> {
    ctx.bound(members.len(), MAX_KEYS)?;
    let (key, lookup) = (ctx.key(key), Lookup::new(ctx));
    lookup.view_as::<SortedSet, _>(ctx.access, &key, |held| {
        let Some(held) = held else { return Ok(None) };
        let place = |member: &&[u8]| held.view.score(member).map(Place::of_score);
        Ok(Some(members.iter().map(place).collect()))
    })
}

/// `GEOPOS key [member ...]`
pub fn geopos(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let places = places(ctx, args[1], &args[2..])?;
    let places = places.unwrap_or_else(|| vec![None; args.len() - 2]);
    ctx.reply.array(places.len());
    for place in places {
        match place {
            Some(place) => put_place(ctx.reply, place),
            None => ctx.reply.null_array(),
        }
    }
    Ok(())
}

/// `GEOHASH key [member ...]`
pub fn geohash(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let places = places(ctx, args[1], &args[2..])?;
    let places = places.unwrap_or_else(|| vec![None; args.len() - 2]);
    ctx.reply.array(places.len());
    for place in places {
        match place {
            Some(place) => ctx.reply.bulk(&place.text()),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

/// `GEODIST key member1 member2 [M | KM | FT | MI]`
pub fn geodist(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let metres = match args[4..] {
        [] => 1.0,
        [unit] => parse_unit(unit)?,
        _ => return Err(SYNTAX),
    };
    let places = places(ctx, args[1], &args[2..4])?;
    match places.as_deref() {
        Some([Some(a), Some(b)]) => put_distance(ctx.reply, distance(*a, *b) / metres),
        _ => ctx.reply.null(),
    }
    Ok(())
}

/// Longitude and latitude with 17 decimals, as far as they are not 0.
pub fn put_place(reply: &mut Encoder, place: Place) {
    reply.array(2);
    for degrees in [place.longitude, place.latitude] {
        let text = format!("{degrees:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        reply.double_text(if text == "-0" { "0" } else { text });
    }
}

/// A distance with four decimals.
pub fn put_distance(reply: &mut Encoder, distance: f64) {
    reply.bulk_str(&format!("{distance:.4}"));
}
