//! PFSELFTEST: whether the algorithm does on this machine what it should.

use std::borrow::Cow;

use crate::context::{Args, Context, Fault, Outcome};
use crate::values::hyperloglog::{self, Place, REGISTERS, Registers};

/// The largest value of a register.
const MAX_RANK: u8 = 63;

/// Elements that are counted; powers of ten up to here are compared with the estimate.
const ELEMENTS: u64 = 1_000_000;

/// Largest difference of an estimate, in parts of the number: five times the standard error,
/// 1.04 / √16384.
const TOLERANCE: f64 = 5.0 * 1.04 / 128.0;

/// `PFSELFTEST`
pub(super) fn pfselftest(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    registers(ctx.seed)?;
    estimates(ctx.seed)?;
    ctx.reply.ok();
    Ok(())
}

/// Raises dense registers in some order to some value each, and reads them back.
fn registers(seed: u64) -> Outcome {
    let mut value = Cow::Owned(hyperloglog::empty());
    let odd = seed as usize | 1;
    let rank = |register: usize| (register.wrapping_mul(odd) >> 3) as u8 % MAX_RANK + 1;
    // An odd multiple modulo a power of two comes past every register.
    for register in (0..REGISTERS).map(|number| number.wrapping_mul(odd) % REGISTERS) {
        hyperloglog::raise(&mut value, Place { register, rank: rank(register) }, 0)?;
    }
    let mut read = Registers::new();
    read.merge(&value)?;
    match (0..REGISTERS).find(|&register| read.values()[register] != rank(register)) {
        None => Ok(()),
        Some(register) => {
            Err(format!("TESTFAILED Register {register} should be {}", rank(register)).into())
        }
    }
}

/// Counts elements in both encodings: the estimates must be equal, and close.
fn estimates(seed: u64) -> Outcome {
    let mut sparse = Cow::Owned(hyperloglog::empty());
    let mut dense = hyperloglog::empty();
    hyperloglog::make_dense(&mut dense)?;
    let (mut dense, mut checkpoint) = (Cow::Owned(dense), 10);
    for number in 1..=ELEMENTS {
        let place = hyperloglog::place(&(number ^ seed).to_le_bytes());
        hyperloglog::raise(&mut dense, place, 0)?;
        if number <= ELEMENTS / 100 {
            hyperloglog::raise(&mut sparse, place, usize::MAX)?;
        }
        if number != checkpoint {
            continue;
        }
        checkpoint *= 10;
        let estimate = hyperloglog::count(&dense)?;
        if number <= ELEMENTS / 100 && hyperloglog::count(&sparse)? != estimate {
            return Err(Fault::error("TESTFAILED dense/sparse disagree"));
        }
        let error = estimate.abs_diff(number);
        // A few elements may share a register by bad luck.
        if error as f64 > (TOLERANCE * number as f64).max(3.0) {
            return Err(format!("TESTFAILED Too big error. card:{number} abserr:{error}").into());
        }
    }
    Ok(())
}
