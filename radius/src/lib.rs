//! The RADIUS front door: a client of the HTTP API and nothing more.

pub mod api;
pub mod attribute;
pub mod authenticator;
pub mod client;
mod credentials;
mod deadline;
pub mod door;
mod drops;
pub mod duplicate;
mod label;
pub mod packet;
pub mod reply;
pub mod settings;
pub mod shell;
mod state;
pub mod upstream;

/// Clock and randomness.
pub use gatematch_edge as edge;
