//! What a path finds in a document.

use super::{Path, Segment, Selector, Slice};
use crate::values::json::{Json, Location, delta::Step};

/// Steps that an evaluation may take on a scheduler where it has the time.
const MAX_STEPS: usize = 1 << 26;

/// Values that a path may find, those on the way to others included.
const MAX_NODES: usize = 1 << 24;

/// Why an evaluation ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It may take so long only elsewhere.
    Long,
    /// It would take too long anywhere.
    TooLong,
}

/// How many steps evaluations may still take together; a step is a value looked at.
pub struct Budget {
    left: usize,
    when_spent: Stop,
}

impl Budget {
    /// What remains after so many steps is [`Stop::Long`].
    pub fn short(steps: usize) -> Budget {
        Budget { left: steps, when_spent: Stop::Long }
    }

    /// As much as there is for anything.
    pub fn long() -> Budget {
        Budget { left: MAX_STEPS, when_spent: Stop::TooLong }
    }

    /// Whether a value may be taken apart: where there is time, any may.
    ///
    /// # Errors
    /// It contains more values than there are steps left.
    pub fn allows(&self, value: &Json) -> Result<(), Stop> {
        match self.when_spent {
            Stop::Long => value.count_up_to(self.left).map(drop).ok_or(Stop::Long),
            Stop::TooLong => Ok(()),
        }
    }

    /// Takes steps.
    ///
    /// # Errors
    /// There are fewer left.
    #[inline]
    pub fn spend(&mut self, steps: usize) -> Result<(), Stop> {
        self.left = self.left.checked_sub(steps).ok_or(self.when_spent)?;
        Ok(())
    }
}

/// A value that was found, or is on the way to one.
struct Node<'j> {
    value: &'j Json,
    /// Where the node is that it was found in; of the root, its own place.
    parent: usize,
    step: Step<'j>,
}

/// The values that a path found, in its order.
pub struct Matches<'j> {
    nodes: Vec<Node<'j>>,
    found: Vec<usize>,
}

impl<'j> Matches<'j> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &'j Json> {
        self.found.iter().map(|&at| self.nodes[at].value)
    }

    /// Where they are.
    pub fn locations(&self) -> impl ExactSizeIterator<Item = Location<'j>> {
        self.found.iter().map(|&at| self.location(at))
    }

    fn location(&self, mut at: usize) -> Location<'j> {
        let mut location = Location::new();
        while at != 0 {
            let node = &self.nodes[at];
            location.push(node.step);
            at = node.parent;
        }
        location.reverse();
        location
    }
}

impl Path {
    /// Finds what it matches in a document.
    ///
    /// # Errors
    /// The budget does not suffice.
    pub fn find<'j>(&self, root: &'j Json, budget: &mut Budget) -> Result<Matches<'j>, Stop> {
        find(&self.segments, root, root, budget)
    }

    /// Finds what it matches without its last part.
    ///
    /// # Errors
    /// As for [`Path::find`].
    pub fn find_parents<'j>(
        &self,
        root: &'j Json,
        budget: &mut Budget,
    ) -> Result<Matches<'j>, Stop> {
        let parents = self.segments.split_last().map_or(&[][..], |(_, parents)| parents);
        find(parents, root, root, budget)
    }
}

/// What segments lead to from `start`, in the document `root`.
pub(super) fn find<'j>(
    segments: &[Segment],
    start: &'j Json,
    root: &'j Json,
    budget: &mut Budget,
) -> Result<Matches<'j>, Stop> {
    budget.spend(1)?;
    let mut search = Search { root, budget, nodes: Vec::new(), found: Vec::new() };
    search.nodes.push(Node { value: start, parent: 0, step: Step::Index(0) });
    let mut found = vec![0];
    for segment in segments {
        for at in found {
            search.follow(segment, at)?;
        }
        found = std::mem::take(&mut search.found);
    }
    Ok(Matches { nodes: search.nodes, found })
}

/// An evaluation of a path.
struct Search<'j, 'b> {
    root: &'j Json,
    budget: &'b mut Budget,
    nodes: Vec<Node<'j>>,
    /// What the current segment has found so far.
    found: Vec<usize>,
}

/// A value below the one where a segment began, on the way down.
struct Link<'j> {
    value: &'j Json,
    step: Step<'j>,
    /// Its place among the nodes; most are none.
    node: Option<usize>,
}

impl<'j> Search<'j, '_> {
    fn follow(&mut self, segment: &Segment, at: usize) -> Result<(), Stop> {
        let Node { value, step, .. } = self.nodes[at];
        let mut trail = vec![Link { value, step, node: Some(at) }];
        self.visit(segment, &mut trail)
    }

    /// Applies a segment to the only value of the trail, and to all below it if it descends: each
    /// before what is in it.
    fn visit(&mut self, segment: &Segment, trail: &mut Vec<Link<'j>>) -> Result<(), Stop> {
        let mut open: Vec<Children<'j>> = self.apply(segment, trail)?.into_iter().collect();
        if !segment.descends {
            return Ok(());
        }
        while let Some(children) = open.last_mut() {
            let Some((step, value)) = children.next() else {
                open.pop();
                trail.pop();
                continue;
            };
            self.budget.spend(1)?;
            if matches!(value, Json::Array(_) | Json::Object(_)) {
                trail.push(Link { value, step, node: None });
                open.extend(self.apply(segment, trail)?);
            }
        }
        Ok(())
    }

    /// Applies the selectors of a segment to the last value of the trail; returns what is in that.
    fn apply(
        &mut self,
        segment: &Segment,
        trail: &mut [Link<'j>],
    ) -> Result<Option<Children<'j>>, Stop> {
        let Some(&Link { value, .. }) = trail.last() else { return Ok(None) };
        for selector in &segment.selectors {
            self.select(selector, value, trail)?;
        }
        Ok(Some(Children::of(value)))
    }

    fn select(
        &mut self,
        selector: &Selector,
        value: &'j Json,
        trail: &mut [Link<'j>],
    ) -> Result<(), Stop> {
        self.budget.spend(1)?;
        match (selector, value) {
            (Selector::Name(name), Json::Object(members)) => {
                if let Some((name, value)) = members.entry(name) {
                    self.add(trail, Step::Name(name), value)?;
                }
            }
            (Selector::Index(index), Json::Array(elements)) => {
                let at = place(*index, elements.len());
                if let Some((at, value)) = at.and_then(|at| Some((at, elements.get(at)?))) {
                    self.add(trail, Step::Index(at), value)?;
                }
            }
            (Selector::Slice(slice), Json::Array(elements)) => {
                for at in slice.places(elements.len()) {
                    self.budget.spend(1)?;
                    self.add(trail, Step::Index(at), &elements[at])?;
                }
            }
            (Selector::All, _) => {
                for (step, value) in Children::of(value) {
                    self.budget.spend(1)?;
                    self.add(trail, step, value)?;
                }
            }
            (Selector::Where(filter), _) => {
                for (step, value) in Children::of(value) {
                    self.budget.spend(1)?;
                    if filter.accepts(value, self.root, self.budget)? {
                        self.add(trail, step, value)?;
                    }
                }
            }
            _ => (),
        }
        Ok(())
    }

    /// Notes a match in the last value of the trail.
    fn add(&mut self, trail: &mut [Link<'j>], step: Step<'j>, value: &'j Json) -> Result<(), Stop> {
        let mut parent = 0;
        for link in trail {
            parent = match link.node {
                Some(node) => node,
                None => self.push(parent, link.step, link.value)?,
            };
            link.node = Some(parent);
        }
        let node = self.push(parent, step, value)?;
        self.found.push(node);
        Ok(())
    }

    fn push(&mut self, parent: usize, step: Step<'j>, value: &'j Json) -> Result<usize, Stop> {
        if self.nodes.len() == MAX_NODES {
            return Err(Stop::TooLong);
        }
        self.nodes.push(Node { value, parent, step });
        Ok(self.nodes.len() - 1)
    }
}

/// The elements or members of a value.
pub(super) struct Children<'j> {
    of: &'j Json,
    next: usize,
}

impl<'j> Children<'j> {
    pub(super) fn of(value: &'j Json) -> Children<'j> {
        Children { of: value, next: 0 }
    }
}

impl<'j> Iterator for Children<'j> {
    type Item = (Step<'j>, &'j Json);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next;
        self.next += 1;
        match self.of {
            Json::Array(elements) => elements.get(at).map(|value| (Step::Index(at), value)),
            Json::Object(members) => members.at(at).map(|(name, value)| (Step::Name(name), value)),
            _ => None,
        }
    }
}

/// The place of an index, which counts from the end if it is negative.
pub(super) fn place(index: i64, len: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

impl Slice {
    /// The places in an array of so many elements (RFC 9535, §2.3.4.2.2).
    fn places(&self, len: usize) -> impl Iterator<Item = usize> + use<> {
        let (len, step) = (len as i64, self.step);
        let bound = |index: Option<i64>, default: i64, low: i64, high: i64| {
            let index =
                index.map_or(default, |at| if at < 0 { at.saturating_add(len) } else { at });
            index.clamp(low, high)
        };
        let (from, to) = if step >= 0 {
            (bound(self.from, 0, 0, len), bound(self.to, len, 0, len))
        } else {
            // A default lies beyond the ends; an index that is given is counted from the end first.
            let to = self.to.map_or(-1, |to| bound(Some(to), 0, -1, len - 1));
            (bound(self.from, len - 1, -1, len - 1), to)
        };
        let mut next = from;
        std::iter::from_fn(move || {
            let inside = if step > 0 { next < to } else { step < 0 && next > to };
            let place = usize::try_from(next).ok().filter(|_| inside)?;
            next = next.saturating_add(step);
            Some(place)
        })
    }
}
