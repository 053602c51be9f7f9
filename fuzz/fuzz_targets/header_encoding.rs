#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portvakt_fuzz::header_encoding(data));
