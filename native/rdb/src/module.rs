//! What modules have written: recognised by name, and skipped.
//!
//! A module's data are a sequence of numbers and strings, each with its kind in front, ended by a
//! kind of its own. What they mean only the module knows.

use std::io::Read;

use crate::Error;
use crate::input::Input;

const END: u64 = 0;
const SIGNED: u64 = 1;
const UNSIGNED: u64 = 2;
const FLOAT: u64 = 3;
const DOUBLE: u64 = 4;
const STRING: u64 = 5;

/// The characters of names, 6 bits each.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The name of the type with this number: nine characters, and a version in the lowest ten bits.
fn name(id: u64) -> String {
    let letters = (0..9).map(|at| LETTERS[(id >> (58 - 6 * at)) as usize & 63]);
    format!("{} (version {})", letters.map(char::from).collect::<String>(), id & 1023)
}

/// Skips a value, and returns the name of its type.
pub(crate) fn skip_value(input: &mut Input<impl Read>) -> Result<String, Error> {
    let id = input.count()?;
    skip_data(input)?;
    Ok(name(id))
}

/// Skips data that belong to no key, and returns the name of their type.
pub(crate) fn skip_auxiliary(input: &mut Input<impl Read>) -> Result<String, Error> {
    let id = input.count()?;
    if input.count()? != UNSIGNED {
        return Err(Error::Malformed("a module's data are malformed"));
    }
    // Whether they belong before the keys or behind them.
    input.count()?;
    skip_data(input)?;
    Ok(name(id))
}

fn skip_data(input: &mut Input<impl Read>) -> Result<(), Error> {
    let mut string = Vec::new();
    loop {
        match input.count()? {
            END => return Ok(()),
            SIGNED | UNSIGNED => drop(input.count()?),
            FLOAT => drop(input.array::<4>()?),
            DOUBLE => drop(input.array::<8>()?),
            STRING => input.string_into(&mut string)?,
            _ => return Err(Error::Malformed("a module's data are malformed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_skipped_and_named() {
        // "ReJSON-RL", version 3: the number that RedisJSON 2 registers.
        let letters = b"ReJSON-RL".iter().fold(0u64, |id, letter| {
            id << 6 | LETTERS.iter().position(|known| known == letter).expect("a letter") as u64
        });
        let mut bytes = vec![0x81];
        bytes.extend((letters << 10 | 3).to_be_bytes());
        bytes.extend(b"\x01\x07\x02\x05\x03abcd\x04abcdefgh\x05\x02hi\x00rest");
        let mut input = Input(&bytes[..]);
        assert_eq!(skip_value(&mut input).expect("intact"), "ReJSON-RL (version 3)");
        assert_eq!(input.0, b"rest");
        assert!(skip_value(&mut Input(&b"\x00\x06"[..])).is_err());
    }
}
