//! Datagrams, answers and time through the whole request path, beside a simple account of what should happen.

#![no_main]

#[path = "../../radius/tests/exercise/door.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|steps: &[u8]| exercise::door(steps));
