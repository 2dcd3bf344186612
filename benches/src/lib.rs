//! What the benchmarks share.

pub use gatematch_tests::shelf::Shelf;

/// As in the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
