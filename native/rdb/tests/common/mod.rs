//! Values in memory, a redis-server to compare with, and dice.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod redis;
pub mod samples;
pub mod value;

/// Numbers that look random and are the same in every run (xorshift64*, Vigna 2016).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed | 1)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit as u64) as usize
    }

    /// Bytes with repetitions in them, or digits.
    pub fn text(&mut self, longest: usize) -> Vec<u8> {
        let len = self.below(longest + 1);
        if self.below(4) == 0 {
            let number = self.roll() as i64 >> self.below(64);
            return number.to_string().into_bytes();
        }
        let letters = [2, 20, 256][self.below(3)];
        let mut out: Vec<u8> = Vec::new();
        while out.len() < len {
            if self.below(4) == 0 && !out.is_empty() {
                let from = self.below(out.len());
                let end = (from + 1 + self.below(40)).min(out.len());
                out.extend_from_within(from..end);
            } else {
                out.push(self.below(letters) as u8);
            }
        }
        out.truncate(len);
        out
    }
}
