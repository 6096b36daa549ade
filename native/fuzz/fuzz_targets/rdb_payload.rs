//! Values in Redis's serialization format: no panic, whatever the type says. The same bytes are also
//! compressed, decompressed, and taken for compressed ones.

#![no_main]

use ferric_rdb::lzf::{Compressor, decompress};
use ferric_rdb::{Discard, payload};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Whether it can be read is not the question.
    let _ = payload::read(data, &mut Discard);
    let _ = payload::verify(data);
    let sealed = payload::seal_bytes(data.to_vec());
    assert_eq!(payload::verify(&sealed), Some(data));

    let mut compressed = Vec::new();
    if Compressor::default().compress(data, data.len(), &mut compressed) {
        let again = decompress(&compressed, data.len() as u64).expect("what was just compressed");
        assert_eq!(again, data);
    }
    if let Ok(out) = decompress(data, 4 * data.len() as u64) {
        assert_eq!(out.len(), 4 * data.len());
    }
});
