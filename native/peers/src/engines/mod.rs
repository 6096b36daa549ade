//! The stores: one file each.

mod ferric;
mod fjall;
mod lmdb;
mod redb;
mod rocks;

pub use ferric::Ferric;
pub use fjall::Fjall;
pub use lmdb::Lmdb;
pub use redb::Redb;
pub use rocks::Rocks;

/// A store's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// Ours.
    Ferric,
    /// RocksDB through the `rocksdb` crate.
    Rocks,
    /// fjall.
    Fjall,
    /// redb.
    Redb,
    /// LMDB through the `heed` crate.
    Lmdb,
}

impl Engine {
    /// All of them, ours first.
    pub const ALL: [Engine; 5] =
        [Engine::Ferric, Engine::Rocks, Engine::Fjall, Engine::Redb, Engine::Lmdb];

    /// As it is written on a command line and in a table.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Ferric => "ferric",
            Engine::Rocks => "rocksdb",
            Engine::Fjall => "fjall",
            Engine::Redb => "redb",
            Engine::Lmdb => "lmdb",
        }
    }

    /// The store called `name`.
    pub fn parse(name: &str) -> Result<Engine, String> {
        let known = Engine::ALL.into_iter().find(|engine| engine.name() == name);
        known.ok_or_else(|| format!("there is no engine called '{name}'"))
    }

    /// The crate, and the version that Cargo.lock has chosen.
    pub fn version(self) -> String {
        let package = match self {
            Engine::Ferric => "ferric-engine",
            Engine::Lmdb => "heed",
            other => other.name(),
        };
        format!("{package} {}", locked_version(package).unwrap_or("of unknown version"))
    }
}

/// The version of a package in this workspace's lock file.
fn locked_version(package: &str) -> Option<&'static str> {
    let lock = include_str!("../../Cargo.lock");
    let entry = lock
        .split("[[package]]")
        .find(|entry| entry.lines().any(|line| line == format!("name = \"{package}\"")))?;
    let version = entry.lines().find_map(|line| line.strip_prefix("version = \""))?;
    version.strip_suffix('"')
}

/// Calls a function that is generic over the store, for the store that `$engine` names.
macro_rules! with_store {
    ($engine:expr, $function:ident ( $($argument:expr),* $(,)? )) => {
        match $engine {
            $crate::engines::Engine::Ferric => $function::<$crate::engines::Ferric>($($argument),*),
            $crate::engines::Engine::Rocks => $function::<$crate::engines::Rocks>($($argument),*),
            $crate::engines::Engine::Fjall => $function::<$crate::engines::Fjall>($($argument),*),
            $crate::engines::Engine::Redb => $function::<$crate::engines::Redb>($($argument),*),
            $crate::engines::Engine::Lmdb => $function::<$crate::engines::Lmdb>($($argument),*),
        }
    };
}
pub(crate) use with_store;
