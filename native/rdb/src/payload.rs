//! The payloads of DUMP and RESTORE: a value, the version of the format, a checksum.

use crate::encode::Writer;
use crate::{CRC, NEWEST_VERSION, Sink, ValueType, decode};

/// Bytes behind the value: version, 16 bits, and checksum, 64 bits, both lowest byte first.
const FOOTER: usize = 10;

/// The value in a payload, its type in front; `None` if the version is newer than any that is known
/// or the checksum does not match.
pub fn verify(payload: &[u8]) -> Option<&[u8]> {
    let (value, footer) = payload.split_at_checked(payload.len().checked_sub(FOOTER)?)?;
    let (version, sum) = footer.split_first_chunk::<2>()?;
    let intact = *sum == CRC.checksum(&payload[..payload.len() - sum.len()]).to_le_bytes();
    (u16::from_le_bytes(*version) <= NEWEST_VERSION && intact).then_some(value)
}

/// Reads a value with its type in front, to its last byte, and hands it to a sink.
///
/// # Errors
/// It is malformed, or something is behind it; or what the sink returns.
pub fn read<S: Sink>(mut value: &[u8], sink: &mut S) -> Result<(), S::Error> {
    let (&value_type, rest) = value.split_first().ok_or(crate::Error::Truncated)?;
    value = rest;
    decode::value(ValueType::of(value_type)?, &mut value, sink)?;
    if value.is_empty() {
        Ok(())
    } else {
        Err(crate::Error::Malformed("there is something behind the value").into())
    }
}

/// The payload of the value that was written.
pub fn seal(writer: Writer) -> Vec<u8> {
    seal_bytes(writer.finish())
}

/// The payload of a value with its type in front.
pub fn seal_bytes(mut value: Vec<u8>) -> Vec<u8> {
    let value_type = value.first().and_then(|byte| ValueType::of(*byte).ok());
    let version = value_type.map_or(NEWEST_VERSION, ValueType::version);
    value.extend_from_slice(&version.to_le_bytes());
    let sum = CRC.checksum(&value);
    value.extend_from_slice(&sum.to_le_bytes());
    value
}
