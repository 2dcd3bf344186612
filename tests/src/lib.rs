//! A whole Gatematch in one process, with a clock in the test's hand, and the people around it as types.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and its helpers are part of it"
)]

pub mod cable;
pub mod captured;
pub mod chaos;
mod clock;
pub mod codes;
pub mod dice;
pub mod faults;
pub mod freeradius;
pub mod front;
pub mod guest;
pub mod machine;
pub mod moves;
pub mod node;
pub mod places;
pub mod port;
pub mod postgres;
pub mod rsyslog;
pub mod screen;
pub mod shelf;
mod site;
pub mod store_contract;
pub mod web_phone;
pub mod wire;

pub use self::clock::HeldClock;
pub use self::site::{Person, Site, audit_names, program};
