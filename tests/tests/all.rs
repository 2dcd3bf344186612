//! One binary: it links once, and its tests run side by side.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and its helpers are part of it"
)]

use gatematch_tests::machine;

mod audit;
mod backup;
mod browser;
mod challenges;
mod chaos;
mod cli;
mod connect;
mod console_people;
mod console_rules;
mod console_watch;
mod conventions;
mod crash;
mod credentials;
mod documents;
mod enrollment;
mod factors;
mod gateways;
mod hostile_text;
mod house;
mod idempotency;
mod keys;
mod limits;
mod listen;
mod load;
mod misbehaviour;
mod nodes;
mod phone;
mod policy;
mod portal;
mod push;
mod push_sim;
mod radius;
mod reports;
mod responses;
mod revocation;
mod secrecy;
mod start;
mod store;
mod stories;
mod story;
mod supersession;
mod under_way;
mod users;
mod vectors;
mod visits;
mod waiting;
