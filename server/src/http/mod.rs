//! The HTTP API: one table of routes, thin handlers, and the layers around them.

mod administrator;
pub mod app;
mod audit;
mod authenticator;
mod body;
mod challenge;
mod connect;
mod connect_events;
mod connect_page;
mod console;
mod device;
mod discovery;
mod enrollment;
mod gateway;
pub mod guard;
mod health;
mod metrics;
pub(crate) mod observe;
mod own;
mod params;
mod passcode;
mod phone_page;
mod policy;
mod portal;
pub mod problem;
mod process;
mod report;
mod response;
pub mod routes;
pub mod site;
pub mod strangers;
mod user;
mod waiting;

pub use self::metrics::Metrics;
pub use self::routes::{public_router, router};
