//! What the benchmarks share.

pub use gatematch_tests::shelf::Shelf;
