//! Geohashes: places as numbers whose leading bits say roughly where they are.
//!
//! A hash of `step` bits a coordinate tells in which cell of a grid of 2^step by 2^step a place lies.
//! The bits of both coordinates alternate, so that the cells of a coarser grid have consecutive
//! numbers on a finer one (G. M. Morton, 1966; the text form is by G. Niemeyer, 2008, "geohash.org").
//! Scores are hashes of 52 bits, which a double holds exactly. Latitudes end where the Web
//! Mercator projection (EPSG:3857) does.

use std::ops::RangeInclusive;

/// Bits of a coordinate in a score.
pub const STEPS: u32 = 26;

/// Longitudes and latitudes that a score can express, in degrees.
pub const LONGITUDES: RangeInclusive<f64> = -180.0..=180.0;
pub const LATITUDES: RangeInclusive<f64> = -85.051_128_78..=85.051_128_78;

/// Latitudes of geohashes as text, in degrees.
const ALL_LATITUDES: RangeInclusive<f64> = -90.0..=90.0;

/// Characters of a geohash as text.
const TEXT: usize = 11;

/// The digits of geohashes as text: without a, i, l and o.
const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// A place, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// East of Greenwich.
    pub longitude: f64,
    /// North of the equator.
    pub latitude: f64,
}

/// A cell of a grid: columns count from the west, rows from the south.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Bits of a coordinate: the grid has 2^step columns and rows.
    pub step: u32,
    column: u32,
    row: u32,
}

/// The edges of a cell, in degrees.
#[derive(Clone, Copy, Debug)]
pub struct Edges {
    /// West and east.
    pub longitudes: (f64, f64),
    /// South and north.
    pub latitudes: (f64, f64),
}

/// Spreads the bits of a number: they become the even bits.
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// The even bits as a number.
fn gather(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}

/// In which of 2^step equal parts of a range a coordinate lies.
fn part(coordinate: f64, range: &RangeInclusive<f64>, step: u32) -> u32 {
    let share = (coordinate - range.start()) / (range.end() - range.start());
    (share * (1u64 << step) as f64) as u32
}

/// The ends of such a part.
fn ends(part: u32, range: &RangeInclusive<f64>, step: u32) -> (f64, f64) {
    let width = range.end() - range.start();
    let end = |part: u64| range.start() + (part as f64 / (1u64 << step) as f64) * width;
    (end(u64::from(part)), end(u64::from(part) + 1))
}

/// The whole part of a score, whatever it is: any sorted set can be asked for places. Negative and
/// large numbers give what they give on x86-64, where Redis converts them.
fn score_bits(score: f64) -> u64 {
    const SIGN: f64 = (1u64 << 63) as f64;
    if score < SIGN {
        score as i64 as u64
    } else if score < 2.0 * SIGN {
        score as u64
    } else {
        0
    }
}

impl Place {
    /// The score of this place.
    pub fn score(self) -> f64 {
        Cell::of(self, STEPS).bits() as f64
    }

    /// The middle of the cell with this score.
    pub fn of_score(score: f64) -> Place {
        let edges = Cell::of_bits(score_bits(score), STEPS).edges();
        let middle = |(low, high): (f64, f64), range: &RangeInclusive<f64>| {
            ((low + high) / 2.0).clamp(*range.start(), *range.end())
        };
        Place {
            longitude: middle(edges.longitudes, &LONGITUDES),
            latitude: middle(edges.latitudes, &LATITUDES),
        }
    }

    /// The geohash as text. A score has 52 bits, the text would have 55: its last digit is always 0.
    pub fn text(self) -> [u8; TEXT] {
        let column = part(self.longitude, &LONGITUDES, STEPS);
        let row = part(self.latitude, &ALL_LATITUDES, STEPS);
        let bits = Cell { step: STEPS, column, row }.bits();
        let mut text = [DIGITS[0]; TEXT];
        for (at, digit) in text.iter_mut().take(TEXT - 1).enumerate() {
            let shift = 2 * STEPS - 5 * (at as u32 + 1);
            *digit = DIGITS[(bits >> shift & 0x1f) as usize];
        }
        text
    }
}

impl Cell {
    /// The cell that a place lies in.
    pub fn of(place: Place, step: u32) -> Cell {
        let column = part(place.longitude, &LONGITUDES, step);
        Cell { step, column, row: part(place.latitude, &LATITUDES, step) }
    }

    fn of_bits(bits: u64, step: u32) -> Cell {
        Cell { step, column: gather(bits >> 1), row: gather(bits) }
    }

    /// The hash.
    pub fn bits(self) -> u64 {
        spread(self.row) | spread(self.column) << 1
    }

    /// Where it ends.
    pub fn edges(self) -> Edges {
        Edges {
            longitudes: ends(self.column, &LONGITUDES, self.step),
            latitudes: ends(self.row, &LATITUDES, self.step),
        }
    }

    /// The cell so many columns to the east and rows to the north; the grid goes on at its other edge.
    pub fn moved(self, columns: i32, rows: i32) -> Cell {
        let mask = ((1u64 << self.step) - 1) as u32;
        let step = |at: u32, by: i32| if by == 0 { at } else { at.wrapping_add_signed(by) & mask };
        Cell { step: self.step, column: step(self.column, columns), row: step(self.row, rows) }
    }

    /// The scores of the places in it: from the first to below the second.
    pub fn scores(self) -> (f64, f64) {
        let shift = 2 * (STEPS - self.step);
        ((self.bits() << shift) as f64, ((self.bits() + 1) << shift) as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PALERMO: Place = Place { longitude: 13.361389, latitude: 38.115556 };

    // Expected values are redis-server 7.0.15's.
    #[test]
    fn scores_and_texts() {
        assert_eq!(PALERMO.score(), 3_479_099_956_230_698.0);
        let place = Place::of_score(PALERMO.score());
        assert_eq!(format!("{:.17}", place.longitude), "13.36138933897018433");
        assert_eq!(format!("{:.17}", place.latitude), "38.11555639549629859");
        assert_eq!(&place.text(), b"sqc8b49rny0");
        let corner = Place { longitude: -180.0, latitude: *LATITUDES.start() };
        assert_eq!(corner.score(), 0.0);
    }

    #[test]
    fn neighbours() {
        let cell = Cell::of(PALERMO, 5);
        assert_eq!(cell.moved(1, -1).moved(-1, 1), cell);
        let (west, east) = cell.edges().longitudes;
        assert!(west <= PALERMO.longitude && PALERMO.longitude <= east);
        assert_eq!(cell.moved(1, 0).edges().longitudes.0, east);
        let corner = Cell { step: 2, column: 3, row: 0 };
        assert_eq!(corner.moved(1, -1), Cell { step: 2, column: 0, row: 3 });
    }

    proptest! {
        #[test]
        fn bits_are_spread_and_gathered(number: u32, other: u32) {
            prop_assert_eq!(gather(spread(number)), number);
            prop_assert_eq!(gather(spread(number) | spread(other) << 1), number);
        }

        #[test]
        fn places_lie_in_the_cells_of_all_their_grids(
            longitude in -180.0..180.0, latitude in -85.0..85.0, step in 1..STEPS
        ) {
            let place = Place { longitude, latitude };
            let (low, high) = Cell::of(place, step).scores();
            prop_assert!(low <= place.score() && place.score() < high);
            let back = Place::of_score(place.score());
            prop_assert!((back.longitude - longitude).abs() < 1e-5);
            prop_assert!((back.latitude - latitude).abs() < 1e-5);
        }
    }
}
