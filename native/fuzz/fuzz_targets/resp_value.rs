//! The reply parser: no panic, no stack overflow, and a complete reply is incomplete at every cut.

#![no_main]

use ferric_resp::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(Some((_, used))) = Value::parse(data) {
        assert!(used <= data.len());
        for cut in [0, used / 3, used / 2, used - 1] {
            assert_eq!(Value::parse(&data[..cut]), Ok(None));
        }
    }
});
