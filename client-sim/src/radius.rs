//! RADIUS from the gateway's side: RD Gateway's NPS in code.
//!
//! An [`AccessRequest`] is what RD Gateway asks, a [`RadiusClient`] is the socket that it asks from, and an
//! [`Answer`] is what is believed of what came back. The codec here is small and the simulator's own: it shares
//! no line with the front door's, so that each is the other's second opinion.
//!
//! RFC 2865 (packets, passwords, Response Authenticator), RFC 2869 and RFC 3579 section 3.2
//! (Message-Authenticator), RFC 5080 section 2.2 (retransmissions), RFC 5997 (Status-Server).

mod answer;
mod client;
pub mod digest;
pub mod flood;
pub mod load;
pub mod packet;
mod request;
pub mod storm;

pub use self::answer::{Answer, Demand, Unsound};
pub use self::client::{RadiusClient, Silence, Timing};
pub use self::packet::Attribute;
pub use self::request::{AccessRequest, Prepared};

#[cfg(test)]
mod tests;
