//! A datagram through the decoder and all that reads its result.

#![no_main]

#[path = "../../radius/tests/exercise/packet.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| exercise::packet(datagram));
