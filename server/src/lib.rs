//! What happens: the HTTP API, storage, jobs and the command line of Gatematch.

pub mod cli;
pub mod connect;
pub mod crypto;
pub mod http;
pub mod hub;
mod jobs;
pub mod keys;
pub mod listen;
pub mod phone;
pub mod push;
pub mod settings;
pub mod start;
pub mod store;
pub mod vault;

/// Clock and randomness.
pub use gatematch_edge as edge;
