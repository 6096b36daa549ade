//! The crash test with lists, hashes and sorted sets.
//!
//! Each writer owns some of each ([`Model`]), large ones, so that a change is logged as a change and the
//! whole is written anew now and then, in the background and while it is driven out of memory: with
//! the memory budget of [`super::large`], all of them together are larger. An element is computed
//! from the number of the command that wrote it and its place in that ([`element::Element`]), so
//! what a server holds says where it comes from.
//!
//! After a kill all collections of a writer must be as after some number of its commands, all at once
//! ([`check`]): at least the acknowledged ones. So a lost change, half a command (several elements of
//! one collection, or an element on its way from one list to another) and a change that is made
//! twice are noticed.

mod check;
mod element;
mod model;
mod observe;
mod op;
mod owner;
mod rounds;

pub use rounds::CollectionsTest;
