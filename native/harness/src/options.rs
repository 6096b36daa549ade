//! Options on a command line: `--name value` or `--name`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::server::Product;

/// The options of one program.
#[derive(Debug, Default)]
pub struct Options {
    given: BTreeMap<String, String>,
}

impl Options {
    /// Parses the arguments of this process. `valued` are the options that take a value, `flags`
    /// those that do not.
    ///
    /// # Errors
    /// A sentence about the first argument that is not one of them.
    pub fn from_process(valued: &[&str], flags: &[&str]) -> Result<Options, String> {
        Options::parse(std::env::args().skip(1), valued, flags)
    }

    /// Parses `words` as [`Options::from_process`] does.
    ///
    /// # Errors
    /// A sentence about the first word that is no option.
    pub fn parse(
        mut words: impl Iterator<Item = String>,
        valued: &[&str],
        flags: &[&str],
    ) -> Result<Options, String> {
        let mut given = BTreeMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").unwrap_or_default();
            let value = if valued.contains(&name) {
                words.next().ok_or_else(|| format!("--{name} needs a value"))?
            } else if flags.contains(&name) {
                String::new()
            } else {
                let known = valued.iter().map(|name| format!("--{name} <value>"));
                let known = known.chain(flags.iter().map(|name| format!("--{name}")));
                let known = known.collect::<Vec<_>>().join(" ");
                return Err(format!("'{word}' is no option; there are: {known}"));
            };
            given.insert(name.to_owned(), value);
        }
        Ok(Options { given })
    }

    /// Whether `--name` was given.
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The text given for `--name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// The number given for `--name`.
    ///
    /// # Errors
    /// A sentence when it is no number.
    pub fn number(&self, name: &str) -> Result<Option<u64>, String> {
        let parse = |text: &str| {
            text.parse().map_err(|_| format!("--{name} must be a whole number, not '{text}'"))
        };
        self.text(name).map(parse).transpose()
    }

    /// The server named by `--name`: `redis`, or the path of a release's start script.
    pub fn product(&self, name: &str) -> Product {
        match self.text(name) {
            Some("redis") => Product::Redis,
            Some(path) => Product::Release(PathBuf::from(path)),
            None => Product::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words = line.split_whitespace().map(str::to_owned);
        Options::parse(words, &["seed", "count"], &["quick"])
    }

    #[test]
    fn values_flags_and_mistakes() {
        let options = parse("--seed 7 --quick").expect("valid");
        assert_eq!(options.number("seed"), Ok(Some(7)));
        assert_eq!(options.number("count"), Ok(None));
        assert!(options.has("quick"));
        assert!(parse("--seed x").expect("parsed").number("seed").is_err());
        assert!(parse("--seed").is_err() && parse("quick").is_err() && parse("--slow").is_err());
    }
}
