//! What happens: the HTTP API, storage, jobs and the command line of Gatematch.

pub mod audit;
mod backup;
mod base32;
pub mod cli;
pub mod connect;
pub mod crypto;
pub mod factors;
pub mod http;
pub mod hub;
mod jobs;
pub mod keys;
pub mod listen;
mod oath;
pub mod pepper;
pub mod phone;
pub mod places;
pub mod policy;
pub mod push;
pub mod report;
mod restore;
pub mod settings;
mod siem;
mod spelling;
mod standing;
pub mod start;
pub mod store;
pub mod tally;
pub mod vault;
pub mod words;

/// Clock and randomness.
pub use gatematch_edge as edge;
