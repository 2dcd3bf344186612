//! The push service in code, and the phone's end of Web Push (contract section 7).
//!
//! [`service::PushService`] plays the push service of RFC 8030: a server hands it sealed messages, and it opens them,
//! since it keeps the keys of its subscriptions itself. [`open`] opens what RFC 8291 seals, [`vapid`] checks who sent
//! it (RFC 8292), and [`plaintext`] reads what was in it. [`subscriber`] reaches such a service over HTTP. What the
//! phone then makes of a message is [`crate::phone::Ring`].

pub mod open;
pub mod plaintext;
pub mod service;
pub mod subscriber;
pub mod vapid;

#[cfg(test)]
pub(crate) mod seal;
