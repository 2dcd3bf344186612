//! The phone and the gateway in code.
//!
//! This crate is the other end of every wire: a [`phone::Phone`] that enrolls, reads challenges and signs
//! responses, a [`gateway::Gateway`] that asks and redeems, a [`radius::RadiusClient`] that asks as RD Gateway does,
//! a [`connect::Browser`] that shows the number there, a [`push::service::PushService`] that rings the phone, a
//! [`totp::App`] that shows codes, and an [`admin::Admin`] that sets things up. The black-box tests, the load generator and `gatematch demo` drive the server
//! with them; the binary `gatematch-sim` puts them at a person's disposal.
//!
//! Signatures are made and checked with `p256`, never with the library that the server uses, so that each side
//! is the other's second opinion; [`load`] alone uses that one, to be cheap. [`misbehave`] is the same phone and gateway doing the wrong thing on purpose.

pub mod admin;
pub mod connect;
pub mod crypto;
pub mod display;
pub mod edge;
pub mod enrollment;
pub mod failure;
pub mod gateway;
pub mod http;
pub mod jws;
pub mod load;
pub mod misbehave;
pub mod phone;
pub mod push;
pub mod radius;
#[cfg(test)]
mod recorder;
pub mod signature;
pub mod store;
pub mod totp;
