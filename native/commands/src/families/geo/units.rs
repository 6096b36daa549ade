//! Units of length, and numbers as words of geo commands.

use super::geohash::{LATITUDES, LONGITUDES, Place};
use super::shape::Shape;
use crate::context::Fault;
use crate::numbers::parse_f64;
use crate::pattern::is_option;

/// Metres in a unit.
///
/// # Errors
/// There is no such unit.
pub fn parse_unit(word: &[u8]) -> Result<f64, Fault> {
    let units = [("M", 1.0), ("KM", 1000.0), ("FT", 0.3048), ("MI", 1609.34)];
    let found = units.into_iter().find(|(name, _)| is_option(word, name));
    found
        .map(|(_, metres)| metres)
        .ok_or(Fault::error("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// A place; both words are degrees.
///
/// # Errors
/// They are no numbers, or beyond what a geohash can express.
pub fn parse_place(longitude: &[u8], latitude: &[u8]) -> Result<Place, Fault> {
    let number =
        |word: &[u8]| parse_f64(word).ok_or(Fault::error("ERR value is not a valid float"));
    let place = Place { longitude: number(longitude)?, latitude: number(latitude)? };
    if LONGITUDES.contains(&place.longitude) && LATITUDES.contains(&place.latitude) {
        return Ok(place);
    }
    let Place { longitude, latitude } = place;
    Err(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}").into())
}

/// A circle, and the metres in the unit of its radius.
///
/// # Errors
/// The radius is no number or negative, or there is no such unit.
pub fn parse_circle(radius: &[u8], unit: &[u8]) -> Result<(Shape, f64), Fault> {
    let radius = parse_f64(radius).ok_or(Fault::error("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(Fault::error("ERR radius cannot be negative"));
    }
    let metres = parse_unit(unit)?;
    Ok((Shape::Circle { radius: radius * metres }, metres))
}

/// A box, and the metres in the unit of its sides.
///
/// # Errors
/// A side is no number or negative, or there is no such unit.
pub fn parse_box(width: &[u8], height: &[u8], unit: &[u8]) -> Result<(Shape, f64), Fault> {
    let width = parse_f64(width).ok_or(Fault::error("ERR need numeric width"))?;
    let height = parse_f64(height).ok_or(Fault::error("ERR need numeric height"))?;
    if height < 0.0 || width < 0.0 {
        return Err(Fault::error("ERR height or width cannot be negative"));
    }
    let metres = parse_unit(unit)?;
    Ok((Shape::Box { width: width * metres, height: height * metres }, metres))
}
