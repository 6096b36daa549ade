//! All families of commands. A new family adds its slice here and nowhere else.

use super::Command;
use crate::families;

/// The slices that make up the command table.
pub(super) const FAMILIES: &[&[Command]] = &[
    families::strings::COMMANDS,
    families::sorted_sets::COMMANDS,
    families::geo::COMMANDS,
    families::bitmaps::COMMANDS,
    families::hyperloglog::COMMANDS,
    families::lists::COMMANDS,
    families::hashes::COMMANDS,
    families::sets::COMMANDS,
    families::sort::COMMANDS,
    families::streams::COMMANDS,
    families::probabilistic::bloom::COMMANDS,
    families::probabilistic::cuckoo::COMMANDS,
    families::probabilistic::count_min::COMMANDS,
    families::probabilistic::top_k::COMMANDS,
    families::probabilistic::t_digest::COMMANDS,
    families::json::COMMANDS,
    families::keys::COMMANDS,
    families::dump::COMMANDS,
    families::databases::COMMANDS,
    families::transactions::COMMANDS,
    families::acknowledge::COMMANDS,
    families::pubsub::COMMANDS,
    families::connection::COMMANDS,
    families::client::COMMANDS,
    families::server::COMMANDS,
    families::maintenance::COMMANDS,
];
