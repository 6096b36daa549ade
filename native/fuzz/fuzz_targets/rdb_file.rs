//! Files in Redis's serialization format: no panic, and no more bytes read than there are.

#![no_main]

use ferric_rdb::Discard;
use ferric_rdb::file::{Item, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The beginning is always the same; the fuzzer need not find it.
    let file = [b"REDIS0012", data].concat();
    let mut reader = Reader::new(&file[..]).expect("a known version");
    while let Ok(Some(item)) = reader.next_item() {
        if let Item::Key(_) = item {
            match reader.value(&mut Discard, 1000) {
                Ok(Some(raw)) => assert!(raw.len() <= 1000),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        assert!(reader.position() <= file.len() as u64);
    }
});
