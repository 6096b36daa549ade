//! Where members within a shape can be: cells of a grid.

use smallvec::SmallVec;

use super::geohash::{Cell, Place, STEPS};
use super::shape::Shape;

/// Half of the equator's length on the Web Mercator projection, in metres.
const HALF_EQUATOR: f64 = 20_037_726.37;

/// Latitudes beyond which cells are so narrow that coarser ones are needed, in degrees.
const NARROW: f64 = 66.0;
const NARROWER: f64 = 80.0;

/// The cells of a search.
pub type Cells = SmallVec<[Cell; 9]>;

/// Columns and rows from the middle to the other cells, in the order in which they are searched. It
/// shows in replies that are not sorted, so it is Redis's.
const NEIGHBOURS: [(i32, i32); 8] =
    [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

/// The cells that together cover a shape around a place: of the grid whose cells are about as large as
/// the shape, the cell with the place and those around it that the shape reaches.
pub fn cells(shape: Shape, centre: Place) -> Cells {
    let bounds = shape.bounds(centre);
    let (west, east) = bounds.longitudes;
    let (south, north) = bounds.latitudes;
    let mut middle = Cell::of(centre, steps(shape.reach(), centre.latitude));
    let reaches = |middle: Cell| {
        let latitudes = |rows| middle.moved(0, rows).edges().latitudes;
        let longitudes = |columns| middle.moved(columns, 0).edges().longitudes;
        latitudes(1).1 >= north
            && latitudes(-1).0 <= south
            && longitudes(1).1 >= east
            && longitudes(-1).0 <= west
    };
    if middle.step > 1 && !reaches(middle) {
        middle = Cell::of(centre, middle.step - 1);
    }
    let edges = middle.edges();
    let needed = |(columns, rows): (i32, i32)| {
        let beyond = rows > 0 && edges.latitudes.1 > north
            || rows < 0 && edges.latitudes.0 < south
            || columns > 0 && edges.longitudes.1 > east
            || columns < 0 && edges.longitudes.0 < west;
        middle.step < 2 || !beyond
    };
    let mut cells = Cells::from_slice(&[middle]);
    for (columns, rows) in NEIGHBOURS.into_iter().filter(|offset| needed(*offset)) {
        let cell = middle.moved(columns, rows);
        // A coarse grid has the same neighbour on two sides. What equals the middle is kept once more,
        // as by Redis.
        if cells.len() == 1 || cells.last() != Some(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// Bits of a coordinate for a grid whose cells are not smaller than a shape that reaches so many
/// metres.
fn steps(reach: f64, latitude: f64) -> u32 {
    if reach == 0.0 {
        return STEPS;
    }
    let (mut steps, mut reach) = (1, reach);
    while reach < HALF_EQUATOR {
        reach *= 2.0;
        steps += 1;
    }
    // So that the cells around the middle cover the shape in most cases.
    steps -= 2;
    if latitude.abs() > NARROW {
        steps -= 1;
    }
    if latitude.abs() > NARROWER {
        steps -= 1;
    }
    steps.clamp(1, STEPS as i32) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shape::Centre;
    use super::*;

    #[test]
    fn grids() {
        for (reach, latitude, expected) in [
            (0.0, 0.0, 26),
            (1e-9, 0.0, 26),
            (100.0, 0.0, 17),
            (100.0, 70.0, 16),
            (100.0, -85.0, 15),
            (1e8, 0.0, 1),
        ] {
            assert_eq!(steps(reach, latitude), expected, "{reach} {latitude}");
        }
    }

    proptest! {
        #[test]
        fn what_is_within_a_circle_is_in_its_cells(
            longitude in -170.0..170.0, latitude in -60.0..60.0, radius in 1.0..200_000.0,
            east in -1.0..1.0, north in -1.0..1.0
        ) {
            let centre = Place { longitude, latitude };
            let degrees = radius / 60_000.0;
            let place =
                Place { longitude: longitude + east * degrees, latitude: latitude + north * degrees };
            let shape = Shape::Circle { radius };
            prop_assume!(shape.distance_within(&Centre::of(centre), place).is_some());
            let score = place.score();
            let within = |cell: &Cell| (cell.scores().0..cell.scores().1).contains(&score);
            prop_assert!(cells(shape, centre).iter().any(within));
        }
    }
}
