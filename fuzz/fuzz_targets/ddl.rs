#![no_main]

#[allow(dead_code)]
#[path = "../doors.rs"]
mod doors;

libfuzzer_sys::fuzz_target!(|text: &str| doors::ddl(text));
