//! Registers of six bits, one after another from the lowest bit of the first byte on: four in
//! three bytes.

use super::{Histogram, RANKS, REGISTERS};

/// Bytes that all registers take.
pub(super) const LEN: usize = REGISTERS / 4 * 3;

/// A register's largest value.
const MASK: u32 = RANKS as u32 - 1;

/// The four registers in three bytes.
#[inline]
pub(super) fn unpack([a, b, c]: [u8; 3]) -> [u8; 4] {
    let word = u32::from_le_bytes([a, b, c, 0]);
    [0, 6, 12, 18].map(|shift| (word >> shift & MASK) as u8)
}

/// The three bytes of four registers.
#[inline]
pub(super) fn pack(registers: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = registers.map(u32::from);
    let [a, b, c, _] = (a | b << 6 | c << 12 | d << 18).to_le_bytes();
    [a, b, c]
}

/// Three bytes, and which of their registers is the one wanted.
fn group(register: usize) -> (usize, usize) {
    (register / 4 * 3, register % 4)
}

/// A register's value.
pub(super) fn register(bytes: &[u8], register: usize) -> u8 {
    let (at, number) = group(register);
    unpack([bytes[at], bytes[at + 1], bytes[at + 2]])[number]
}

/// Sets a register.
pub(super) fn set(bytes: &mut [u8], register: usize, value: u8) {
    let (at, number) = group(register);
    let mut registers = unpack([bytes[at], bytes[at + 1], bytes[at + 2]]);
    registers[number] = value;
    bytes[at..at + 3].copy_from_slice(&pack(registers));
}

/// How many registers have each value.
pub(super) fn histogram(bytes: &[u8]) -> Histogram {
    // Four at once: mostly the same value follows itself, and a counter that has just been written
    // cannot be counted up again at once.
    let mut counts = [[0; RANKS]; 4];
    for bytes in bytes.as_chunks::<3>().0 {
        for (counts, value) in counts.iter_mut().zip(unpack(*bytes)) {
            counts[usize::from(value)] += 1;
        }
    }
    std::array::from_fn(|value| counts.iter().map(|counts| counts[value]).sum())
}
