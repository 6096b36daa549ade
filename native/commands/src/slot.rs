//! Redis Cluster's key slots: which shard a key belongs to.
//!
//! Source: the Redis Cluster specification, "Key distribution model" and "Hash tags":
//! CRC-16/XMODEM of the key, or of what stands between the first `{` and the next `}` when that is
//! not empty, modulo 16384.

/// Number of slots of the key space.
pub const SLOTS: u16 = 16384;

const POLYNOMIAL: u16 = 0x1021;

/// `TABLES[k][b]`: the CRC of byte `b` followed by `k` zero bytes; lets four bytes be taken a step.
const TABLES: [[u16; 256]; 4] = tables();

const fn tables() -> [[u16; 256]; 4] {
    let mut tables = [[0u16; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { (crc << 1) ^ POLYNOMIAL } else { crc << 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut depth = 1;
    while depth < 4 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[depth - 1][byte];
            tables[depth][byte] = (before << 8) ^ tables[0][(before >> 8) as usize];
            byte += 1;
        }
        depth += 1;
    }
    tables
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0u16;
    let mut chunks = bytes.chunks_exact(4);
    for chunk in &mut chunks {
        crc = TABLES[3][usize::from(chunk[0] ^ (crc >> 8) as u8)]
            ^ TABLES[2][usize::from(chunk[1] ^ crc as u8)]
            ^ TABLES[1][usize::from(chunk[2])]
            ^ TABLES[0][usize::from(chunk[3])];
    }
    for &byte in chunks.remainder() {
        crc = (crc << 8) ^ TABLES[0][usize::from((crc >> 8) as u8 ^ byte)];
    }
    crc
}

/// The part of the key that is hashed.
fn tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&b| b == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|&b| b == b'}') {
        Some(close) if close > 0 => &rest[..close],
        _ => key,
    }
}

/// The key's slot, 0..16384.
pub fn slot_of(key: &[u8]) -> u16 {
    crc16(tag(key)) % SLOTS
}

/// The shard that owns the key's slot; shards own equal, contiguous ranges of slots.
pub fn shard_of(key: &[u8], shards: u16) -> u16 {
    if shards == 1 {
        return 0;
    }
    (u32::from(slot_of(key)) * u32::from(shards) / u32::from(SLOTS)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitwise(bytes: &[u8]) -> u16 {
        bytes.iter().fold(0, |mut crc, &byte| {
            crc ^= u16::from(byte) << 8;
            for _ in 0..8 {
                crc = if crc & 0x8000 != 0 { (crc << 1) ^ POLYNOMIAL } else { crc << 1 };
            }
            crc
        })
    }

    #[test]
    fn check_value_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn tables_agree_with_the_definition() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for len in 0..bytes.len() {
            assert_eq!(crc16(&bytes[..len]), bitwise(&bytes[..len]), "length {len}");
        }
    }

    #[test]
    fn hash_tags() {
        assert_eq!(slot_of(b"{user1000}.following"), slot_of(b"user1000"));
        assert_eq!(tag(b"foo{}{bar}"), b"foo{}{bar}");
        assert_eq!(tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(tag(b"foo{bar}{zap}"), b"bar");
        assert_eq!(tag(b"foo{bar"), b"foo{bar");
    }

    #[test]
    fn shards_split_the_slots_evenly() {
        let mut counts = [0u32; 5];
        for n in 0..10_000u32 {
            counts[usize::from(shard_of(n.to_string().as_bytes(), 5))] += 1;
        }
        assert!(counts.iter().all(|&c| (1_600..2_400).contains(&c)), "{counts:?}");
    }
}
