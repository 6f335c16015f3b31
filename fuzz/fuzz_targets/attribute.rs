//! Gives what the fuzzer makes up to `breakerbox_fuzz::attribute`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| breakerbox_fuzz::attribute(data));
