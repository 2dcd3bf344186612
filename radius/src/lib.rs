//! The RADIUS front door: a client of the HTTP API and nothing more.

pub mod api;
pub mod attribute;
pub mod authenticator;
pub mod client;
pub mod credentials;
pub mod deadline;
pub mod door;
pub mod drops;
pub mod duplicate;
pub mod edge;
pub mod packet;
pub mod reply;
pub mod settings;
pub mod shell;
pub mod state;
pub mod upstream;
