//! What is allowed: pure functions of state, input and time.
//!
//! Nothing here does I/O, reads a clock or draws a random number; `Cargo.toml` is the proof. The centre is the
//! [`account::Account`]: one user, his phones and other factors, and his live challenges. Every decision about a login concerns
//! exactly one account, so a store loads it under its lock, lets a function of this crate decide, and writes
//! what changed together with the audit events, in one transaction.
//!
//! A function that refuses changes nothing: it checks first and writes last.

pub mod account;
pub mod address;
pub mod audit;
pub mod challenge;
pub mod connect;
pub mod course;
pub mod device;
pub mod disown;
pub mod enrollment;
pub mod factor;
pub mod factors;
pub mod fault;
pub mod gateway;
pub mod habit;
pub mod imagine;
pub mod limits;
pub mod login;
pub mod notice;
pub mod number;
pub mod open;
pub mod passcode;
pub mod place;
pub mod policy;
pub mod push;
pub mod redemption;
pub mod response;
pub mod reuse;
pub mod role;
pub mod terms;
pub mod text;
pub mod totp;
pub mod user;
pub mod username;
pub mod visit;
