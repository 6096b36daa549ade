//! Frames: what one group commit writes, all or nothing.

use super::{HEADER as RECORD_HEADER, View, align_up, u32_at, u64_at};

/// Length of a frame's header; the first record follows it.
pub(crate) const HEADER: u64 = 64;
/// Frames begin at multiples of this, so that writing one never touches a block of another.
pub(crate) const BLOCK: u64 = 4096;
const MAGIC: u32 = 0x314d_5246; // "FRM1"

/// Set in the last frame of a clean shutdown.
pub(crate) const FLAG_CLOSE: u32 = 1;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Identity of the store.
    pub log_id: u64,
    /// Where the frame stands in the log.
    pub address: u64,
    /// Everything below this was durable before this frame was written.
    pub durable_before: u64,
    /// Header and records, without the padding to the next block.
    pub len: u64,
    /// Consecutive number of the frame, from 1.
    pub number: u64,
    /// Number of records.
    pub records: u32,
    /// CRC-32C over the records' checksums, in order.
    pub body: u32,
    /// How often the store had been opened, this time included.
    pub incarnation: u32,
    /// `FLAG_*`.
    pub flags: u32,
}

impl Frame {
    /// First address after the frame and its padding.
    pub(crate) fn end(&self) -> u64 {
        align_up(self.address + self.len, BLOCK)
    }

    /// The header's bytes, its own checksum included.
    pub(crate) fn encode(&self) -> [u8; HEADER as usize] {
        let mut out = [0u8; HEADER as usize];
        out[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        out[8..16].copy_from_slice(&self.log_id.to_le_bytes());
        out[16..24].copy_from_slice(&self.address.to_le_bytes());
        out[24..32].copy_from_slice(&self.durable_before.to_le_bytes());
        out[32..40].copy_from_slice(&self.len.to_le_bytes());
        out[40..48].copy_from_slice(&self.number.to_le_bytes());
        out[48..52].copy_from_slice(&self.records.to_le_bytes());
        out[52..56].copy_from_slice(&self.body.to_le_bytes());
        out[56..60].copy_from_slice(&self.incarnation.to_le_bytes());
        out[60..64].copy_from_slice(&self.flags.to_le_bytes());
        let crc = crc32c::crc32c(&out[8..]);
        out[4..8].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header of the frame of store `log_id` at `address`; `None` if there is none.
    pub(crate) fn decode(bytes: &[u8], log_id: u64, address: u64) -> Option<Frame> {
        let bytes = bytes.get(..HEADER as usize)?;
        if u32_at(bytes, 0) != MAGIC || crc32c::crc32c(&bytes[8..]) != u32_at(bytes, 4) {
            return None;
        }
        let frame = Frame {
            log_id: u64_at(bytes, 8),
            address: u64_at(bytes, 16),
            durable_before: u64_at(bytes, 24),
            len: u64_at(bytes, 32),
            number: u64_at(bytes, 40),
            records: u32_at(bytes, 48),
            body: u32_at(bytes, 52),
            incarnation: u32_at(bytes, 56),
            flags: u32_at(bytes, 60),
        };
        (frame.log_id == log_id && frame.address == address && frame.len >= HEADER).then_some(frame)
    }
}

/// A running checksum of the records' checksums.
#[derive(Clone, Copy, Default)]
pub(crate) struct Body {
    crc: u32,
}

impl Body {
    pub(crate) fn add(&mut self, record_checksum: u32) {
        self.crc = crc32c::crc32c_append(self.crc, &record_checksum.to_le_bytes());
    }

    pub(crate) fn finish(self) -> u32 {
        self.crc
    }
}

/// Reads and verifies a whole frame at the beginning of `bytes`.
///
/// # Errors
/// Says what is wrong when the bytes are no intact frame of this store at this address.
pub(crate) fn read<'a>(
    bytes: &'a [u8],
    log_id: u64,
    address: u64,
) -> Result<(Frame, Records<'a>), &'static str> {
    let frame = Frame::decode(bytes, log_id, address).ok_or("no frame header")?;
    let len = usize::try_from(frame.len).map_err(|_| "frame length out of range")?;
    let body = bytes.get(HEADER as usize..len).ok_or("frame cut short")?;
    let records = Records { rest: body, address: address + HEADER, left: frame.records };
    let mut checksums = Body::default();
    let mut walk = records.clone();
    while let Some(record) = walk.next_checked()? {
        checksums.add(record.1.checksum);
    }
    if !walk.rest.is_empty() {
        return Err("frame has bytes after its last record");
    }
    if checksums.finish() != frame.body {
        return Err("frame checksum differs");
    }
    Ok((frame, records))
}

/// The records of a verified frame, each with its address.
#[derive(Clone)]
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    address: u64,
    left: u32,
}

impl<'a> Records<'a> {
    fn next_checked(&mut self) -> Result<Option<(u64, View<'a>)>, &'static str> {
        if self.left == 0 {
            return Ok(None);
        }
        let address = self.address;
        let view = View::read(self.rest, address)?;
        let total = view.header.total_len() as usize;
        let content = RECORD_HEADER + view.key.len() + view.value.len();
        let padding = self.rest.get(content..total).ok_or("record padding cut short")?;
        if padding.iter().any(|&b| b != 0) {
            return Err("record padding is not zero");
        }
        self.rest = &self.rest[total..];
        self.address += total as u64;
        self.left -= 1;
        Ok(Some((address, view)))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (u64, View<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.next_checked().ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Frame {
        Frame {
            log_id: 77,
            address: 8192,
            durable_before: 8192,
            len: HEADER,
            number: 3,
            records: 0,
            body: Body::default().finish(),
            incarnation: 2,
            flags: FLAG_CLOSE,
        }
    }

    #[test]
    fn header_round_trip() {
        let frame = sample();
        assert_eq!(Frame::decode(&frame.encode(), 77, 8192), Some(frame));
        assert_eq!(Frame::decode(&frame.encode(), 78, 8192), None);
        assert_eq!(Frame::decode(&frame.encode(), 77, 4096), None);
        assert_eq!(frame.end(), 12288);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(read(&bytes, 77, 8192).is_err());
        }

        #[test]
        fn a_valid_header_with_any_body_is_read_without_panic(
            body in proptest::collection::vec(any::<u8>(), 0..300), len in 0u64..1 << 50, records: u32,
        ) {
            let mut bytes = Frame { len, records, ..sample() }.encode().to_vec();
            bytes.extend_from_slice(&body);
            let _ = read(&bytes, 77, 8192);
        }
    }
}
