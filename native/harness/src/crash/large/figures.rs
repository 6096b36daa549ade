//! What INFO says about the tiers.

use std::fmt;

use ferric_resp::Value;

use crate::client::{Client, ClientError};

/// Figures of a running server, since it started. A server without tiers has none of them.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Records read from disk because a command needed them.
    pub cold_reads: u64,
    /// Merges that are done.
    pub merges: u64,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Size of the segment files, in bytes.
    pub disk_bytes: u64,
    /// How the store was brought up.
    pub recovery: String,
    /// Milliseconds that took.
    pub recovery_ms: u64,
}

impl Figures {
    /// Asks the server.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn of(client: &mut Client) -> Result<Figures, ClientError> {
        let reply = client.call(&["INFO", "everything"])?;
        let Value::Bulk(text) = &reply else {
            return Err(ClientError::Io(std::io::Error::other(format!("INFO was {reply:?}"))));
        };
        Ok(Figures::parse(&String::from_utf8_lossy(text)))
    }

    fn parse(text: &str) -> Figures {
        let field = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
        };
        let number = |name: &str| field(name).parse().unwrap_or(0);
        Figures {
            cold_reads: number("tier_cold_reads"),
            merges: number("merges"),
            checkpoints: number("checkpoints"),
            disk_bytes: number("disk_bytes"),
            recovery: field("recovery").to_owned(),
            recovery_ms: number("recovery_ms"),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "opened from {} in {} ms; {} cold reads, {} merges, {} checkpoints; {} MiB on disk",
            if self.recovery.is_empty() { "?" } else { &self.recovery },
            self.recovery_ms,
            self.cold_reads,
            self.merges,
            self.checkpoints,
            self.disk_bytes >> 20
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_their_whole_name() {
        let text =
            "merges_x:1\r\nmerges:7\r\n\r\n# Tiers\r\ntier_cold_reads:12\r\nrecovery:new\r\n";
        let figures = Figures::parse(text);
        assert_eq!((figures.merges, figures.cold_reads, figures.checkpoints), (7, 12, 0));
        assert_eq!(figures.recovery, "new");
    }
}
