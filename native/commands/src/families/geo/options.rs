//! The arguments of geo searches.

use super::geohash::Place;
use super::shape::Shape;
use super::units::{parse_box, parse_circle, parse_place};
use crate::context::{Args, Fault};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::sorted::View;

const SYNTAX: Fault = Fault::error("ERR syntax error");
const NO_MEMBER: Fault = Fault::error("ERR could not decode requested zset member");

/// Which command it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// GEOSEARCH.
    Search,
    /// GEOSEARCHSTORE.
    SearchStore,
    /// GEORADIUS and its like.
    Radius {
        /// Around a member, not a place.
        by_member: bool,
        /// Without STORE.
        read_only: bool,
    },
}

impl Command {
    /// Which argument is the key to search.
    pub fn source(self) -> usize {
        if self == Command::SearchStore { 2 } else { 1 }
    }

    /// Where options begin.
    fn options(self) -> usize {
        match self {
            Command::Search => 2,
            Command::SearchStore => 3,
            Command::Radius { by_member: true, .. } => 5,
            Command::Radius { by_member: false, .. } => 6,
        }
    }

    fn is_search(self) -> bool {
        matches!(self, Command::Search | Command::SearchStore)
    }

    fn may_store(self) -> bool {
        matches!(self, Command::Radius { read_only: false, .. })
    }
}

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// The centre.
    pub centre: Place,
    /// What lies around it.
    pub shape: Shape,
}

/// The arguments, read.
#[derive(Debug)]
pub struct Options<'a> {
    /// What is searched. Of no meaning when there is no key to search.
    pub origin: Origin,
    /// Metres in the unit of replies.
    pub metres: f64,
    /// WITHDIST.
    pub with_distance: bool,
    /// WITHHASH.
    pub with_hash: bool,
    /// WITHCOORD.
    pub with_place: bool,
    /// Sorted by distance: the farthest first, or the nearest.
    pub descending: Option<bool>,
    /// COUNT.
    pub count: Option<usize>,
    /// ANY.
    pub any: bool,
    /// STOREDIST.
    pub distances: bool,
    target: Option<&'a [u8]>,
    centres: [bool; 2],
    shapes: [bool; 2],
}

impl<'a> Options<'a> {
    /// The key that the result goes to, if the arguments are such that there is one.
    pub fn target(args: Args<'a>, command: Command) -> Option<&'a [u8]> {
        match command {
            Command::Search | Command::Radius { read_only: true, .. } => None,
            Command::SearchStore => args.get(1).copied(),
            Command::Radius { .. } => {
                let (mut words, mut target) = (args.get(command.options()..)?, None);
                while let [word, rest @ ..] = words {
                    words = match rest {
                        [key, rest @ ..] if is_store(word) => {
                            target = Some(*key);
                            rest
                        }
                        [_, rest @ ..] if is_option(word, "COUNT") => rest,
                        _ => rest,
                    };
                }
                target
            }
        }
    }

    /// Reads the arguments; `view` is what is searched, if there is anything.
    ///
    /// # Errors
    /// They do not make sense.
    pub fn parse(
        args: Args<'a>,
        command: Command,
        view: Option<View<'_>>,
    ) -> Result<Options<'a>, Fault> {
        let origin = Origin {
            centre: Place { longitude: 0.0, latitude: 0.0 },
            shape: Shape::Circle { radius: 0.0 },
        };
        let mut options = Options {
            origin,
            metres: 1.0,
            with_distance: false,
            with_hash: false,
            with_place: false,
            descending: None,
            count: None,
            any: false,
            distances: false,
            target: (command == Command::SearchStore).then(|| args[1]),
            centres: [false; 2],
            shapes: [false; 2],
        };
        if let Command::Radius { by_member, .. } = command {
            options.parse_radius(args, by_member, view)?;
        }
        let mut words = args.get(command.options()..).unwrap_or_default();
        while let [word, rest @ ..] = words {
            words = options.parse_option(word, rest, command, view)?;
        }
        options.check(args, command)?;
        if options.count.is_some() && options.descending.is_none() && !options.any {
            options.descending = Some(false);
        }
        Ok(options)
    }

    /// What GEORADIUS and its like have in front of options.
    fn parse_radius(
        &mut self,
        args: Args<'a>,
        by_member: bool,
        view: Option<View<'_>>,
    ) -> Result<(), Fault> {
        let circle = if by_member {
            // Without a key, neither member nor radius are looked at.
            let Some(view) = view else { return Ok(()) };
            self.origin.centre = member(view, args[2])?;
            &args[3..5]
        } else {
            self.origin.centre = parse_place(args[2], args[3])?;
            &args[4..6]
        };
        (self.origin.shape, self.metres) = parse_circle(circle[0], circle[1])?;
        Ok(())
    }

    /// Reads one option; returns what follows it.
    fn parse_option(
        &mut self,
        word: &'a [u8],
        rest: Args<'a>,
        command: Command,
        view: Option<View<'_>>,
    ) -> Result<Args<'a>, Fault> {
        if is_option(word, "WITHDIST") {
            self.with_distance = true;
        } else if is_option(word, "WITHHASH") {
            self.with_hash = true;
        } else if is_option(word, "WITHCOORD") {
            self.with_place = true;
        } else if is_option(word, "ANY") {
            self.any = true;
        } else if is_option(word, "ASC") {
            self.descending = Some(false);
        } else if is_option(word, "DESC") {
            self.descending = Some(true);
        } else if let ([count, rest @ ..], true) = (rest, is_option(word, "COUNT")) {
            let count = parse_i64_or_fault(count)?;
            let count = usize::try_from(count).ok().filter(|&count| count > 0);
            self.count = Some(count.ok_or(Fault::error("ERR COUNT must be > 0"))?);
            return Ok(rest);
        } else if let ([key, rest @ ..], true) = (rest, command.may_store() && is_store(word)) {
            self.target = Some(key);
            self.distances = is_option(word, "STOREDIST");
            return Ok(rest);
        } else if command == Command::SearchStore && is_option(word, "STOREDIST") {
            self.distances = true;
        } else if command.is_search() {
            return self.parse_origin(word, rest, view);
        } else {
            return Err(SYNTAX);
        }
        Ok(rest)
    }

    /// Reads a centre or a shape of GEOSEARCH; returns what follows it. What has been said in one way
    /// may be said again in this way, but not in the other.
    fn parse_origin(
        &mut self,
        word: &'a [u8],
        rest: Args<'a>,
        view: Option<View<'_>>,
    ) -> Result<Args<'a>, Fault> {
        match *rest {
            [name, ref rest @ ..] if !self.centres[1] && is_option(word, "FROMMEMBER") => {
                if let Some(view) = view {
                    self.origin.centre = member(view, name)?;
                }
                self.centres[0] = true;
                Ok(rest)
            }
            [longitude, latitude, ref rest @ ..]
                if !self.centres[0] && is_option(word, "FROMLONLAT") =>
            {
                self.origin.centre = parse_place(longitude, latitude)?;
                self.centres[1] = true;
                Ok(rest)
            }
            [radius, unit, ref rest @ ..] if !self.shapes[1] && is_option(word, "BYRADIUS") => {
                (self.origin.shape, self.metres) = parse_circle(radius, unit)?;
                self.shapes[0] = true;
                Ok(rest)
            }
            [width, height, unit, ref rest @ ..] if !self.shapes[0] && is_option(word, "BYBOX") => {
                (self.origin.shape, self.metres) = parse_box(width, height, unit)?;
                self.shapes[1] = true;
                Ok(rest)
            }
            _ => Err(SYNTAX),
        }
    }

    /// Whether the options go together.
    fn check(&self, args: Args<'_>, command: Command) -> Result<(), Fault> {
        if self.target.is_some() && (self.with_distance || self.with_hash || self.with_place) {
            let what = match command {
                Command::SearchStore => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            };
            let text = format!(
                "ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            );
            return Err(text.into());
        }
        let one = |given: [bool; 2]| given[0] != given[1];
        if command.is_search() && !one(self.centres) {
            return Err(exactly_one(b"FROMMEMBER or FROMLONLAT", args[0]));
        }
        if command.is_search() && !one(self.shapes) {
            return Err(exactly_one(b"BYRADIUS and BYBOX", args[0]));
        }
        if self.any && self.count.is_none() {
            return Err(Fault::error("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }
}

fn is_store(word: &[u8]) -> bool {
    is_option(word, "STORE") || is_option(word, "STOREDIST")
}

fn member(view: View<'_>, name: &[u8]) -> Result<Place, Fault> {
    view.score(name).map(Place::of_score).ok_or(NO_MEMBER)
}

/// The error quotes the command's name as the client wrote it.
fn exactly_one(choices: &[u8], name: &[u8]) -> Fault {
    Fault::Bytes([b"ERR exactly one of ", choices, b" can be specified for ", name].concat())
}
