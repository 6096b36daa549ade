//! Circles and boxes on the globe, and distances.

use super::geohash::Place;

/// Radius of the sphere that distances are measured on, in metres.
const EARTH_RADIUS: f64 = 6_372_797.560_856;

/// More than distances can be wrong by, as a part of them.
const ROUNDING: f64 = 1e-9;

/// The distance between two places, in metres.
pub fn distance(a: Place, b: Place) -> f64 {
    Centre::of(a).distance(b)
}

/// A place that distances are measured from.
#[derive(Clone, Copy, Debug)]
pub struct Centre {
    /// The place.
    pub place: Place,
    /// In radians.
    longitude: f64,
    latitude: f64,
    /// Of the latitude.
    cosine: f64,
}

impl Centre {
    /// A place as a centre.
    pub fn of(place: Place) -> Centre {
        let latitude = place.latitude.to_radians_c();
        let longitude = place.longitude.to_radians_c();
        Centre { place, longitude, latitude, cosine: latitude.cos() }
    }

    /// The distance of another place, in metres: the haversine formula (R. W. Sinnott, "Virtues of
    /// the Haversine", 1984).
    pub fn distance(&self, other: Place) -> f64 {
        let half_longitude = ((other.longitude.to_radians_c() - self.longitude) / 2.0).sin();
        // The same meridian needs no cosines, and the result is more exact.
        if half_longitude == 0.0 {
            return latitude_distance(self.place.latitude, other.latitude);
        }
        let latitude = other.latitude.to_radians_c();
        let half_latitude = ((latitude - self.latitude) / 2.0).sin();
        let share = half_latitude * half_latitude
            + self.cosine * latitude.cos() * half_longitude * half_longitude;
        2.0 * EARTH_RADIUS * share.sqrt().asin()
    }
}

/// The distance between two latitudes along a meridian, in metres.
fn latitude_distance(a: f64, b: f64) -> f64 {
    EARTH_RADIUS * (b.to_radians_c() - a.to_radians_c()).abs()
}

/// Degrees and radians with the factor that Redis multiplies by or divides by, so that the last digit
/// is the same.
trait Angle {
    fn to_radians_c(self) -> f64;
    fn to_degrees_c(self) -> f64;
}

/// A degree in radians.
const DEGREE: f64 = std::f64::consts::PI / 180.0;

impl Angle for f64 {
    fn to_radians_c(self) -> f64 {
        self * DEGREE
    }

    fn to_degrees_c(self) -> f64 {
        self / DEGREE
    }
}

/// A shape around a place, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Everything up to this far away.
    Circle {
        /// The radius.
        radius: f64,
    },
    /// A box along meridians and parallels.
    Box {
        /// From west to east.
        width: f64,
        /// From south to north.
        height: f64,
    },
}

/// Longitudes and latitudes, in degrees, that a shape lies within.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// West and east.
    pub longitudes: (f64, f64),
    /// South and north.
    pub latitudes: (f64, f64),
}

impl Shape {
    /// How far from its centre it reaches.
    pub fn reach(self) -> f64 {
        match self {
            Shape::Circle { radius } => radius,
            Shape::Box { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
        }
    }

    /// What it lies within, around this centre.
    pub fn bounds(self, centre: Place) -> Bounds {
        let (height, width) = match self {
            Shape::Circle { radius } => (radius, radius),
            Shape::Box { width, height } => (height / 2.0, width / 2.0),
        };
        let north = (height / EARTH_RADIUS).to_degrees_c();
        // A metre spans more degrees the nearer the pole: the edge nearer to it decides.
        let edge = if centre.latitude < 0.0 { -north } else { north };
        let cosine = (centre.latitude + edge).to_radians_c().cos();
        let east = (width / EARTH_RADIUS / cosine).to_degrees_c();
        Bounds {
            longitudes: (centre.longitude - east, centre.longitude + east),
            latitudes: (centre.latitude - north, centre.latitude + north),
        }
    }

    /// The distance of a place from the centre, if it is within the shape.
    pub fn distance_within(self, centre: &Centre, place: Place) -> Option<f64> {
        let north = latitude_distance(place.latitude, centre.place.latitude);
        match self {
            Shape::Circle { radius } => {
                // No place is nearer than its latitude, which is easier to compute.
                if north > radius * (1.0 + ROUNDING) {
                    return None;
                }
                Some(centre.distance(place)).filter(|distance| *distance <= radius)
            }
            Shape::Box { width, height } => {
                if north > height / 2.0 {
                    return None;
                }
                let beside = Place { longitude: centre.place.longitude, ..place };
                let within = distance(place, beside) <= width / 2.0;
                within.then(|| centre.distance(place))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Place = Place { longitude: 13.361389338970184, latitude: 38.1155563954963 };
    const CATANIA: Place = Place { longitude: 15.087267458438873, latitude: 37.50266842333162 };

    #[test]
    fn distances() {
        assert_eq!(format!("{:.4}", distance(PALERMO, CATANIA)), "166274.1516");
        let north = Place { latitude: 39.1155563954963, ..PALERMO };
        assert_eq!(format!("{:.4}", distance(PALERMO, north)), "111226.3000");
    }

    #[test]
    fn shapes() {
        let centre = Centre::of(PALERMO);
        let circle = Shape::Circle { radius: 170_000.0 };
        assert!(circle.distance_within(&centre, CATANIA).is_some());
        assert!(Shape::Circle { radius: 160_000.0 }.distance_within(&centre, CATANIA).is_none());
        let wide = Shape::Box { width: 310_000.0, height: 140_000.0 };
        assert!(wide.distance_within(&centre, CATANIA).is_some());
        let flat = Shape::Box { width: 310_000.0, height: 130_000.0 };
        assert!(flat.distance_within(&centre, CATANIA).is_none());
        let bounds = circle.bounds(PALERMO);
        assert!(bounds.longitudes.0 < 12.0 && bounds.longitudes.1 > CATANIA.longitude);
    }
}
