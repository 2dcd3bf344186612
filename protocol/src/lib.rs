//! What is said between phones, gateways, administrators' tools and the Gatematch server.
//!
//! This crate holds messages, JWS types, keys and problem codes. It performs no I/O, reads no clock and
//! draws no random numbers, so a message means the same everywhere. One noun is one module; the same noun
//! names the file in every other layer.
//!
//! Two kinds of reading live here side by side:
//!
//! * what *we* made (results, discovery documents) is read with plain `serde`;
//! * what a *stranger* made (bodies, proofs, signed responses) passes [`json::parse`] and [`jws::Jws::parse`]
//!   first, which refuse duplicate members, deep nesting and non-canonical encodings before anything is
//!   believed.

pub mod audit;
pub mod authenticator;
pub mod base64url;
pub mod chain;
pub mod challenge;
pub mod connect;
pub mod device;
pub mod discovery;
pub mod enrollment;
pub mod gateway;
pub mod id;
pub mod jcs;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod notice;
pub mod passcode;
pub mod policy;
pub mod problem;
pub mod proof;
pub mod response;
pub mod result;
pub mod secret;
pub mod time;
pub mod user;

/// Version of the API, as [`discovery::Discovery`] announces it.
pub const API_VERSION: &str = "1";
