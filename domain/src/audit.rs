//! Audit events as data: what is remembered of a step, before a store numbers and keeps it.

use std::fmt;
use std::net::IpAddr;

use gatematch_protocol::id::{AdminKeyId, DeviceId, GatewayId, SessionId, UserId};
use gatematch_protocol::time::Timestamp;
use serde_json::{Map, Value};

use crate::challenge::Client;
use crate::notice::News;
use crate::role::Role;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A gateway by its key.
    Gateway(GatewayId),
    /// An administrator by his key.
    Admin {
        /// The key.
        id: AdminKeyId,
        /// Its name.
        name: String,
    },
    /// Somebody at the console, by a visit of his.
    Operator {
        /// His account.
        user: UserId,
        /// His name.
        name: String,
        /// What he may do, as long as the account says the same.
        role: Role,
    },
    /// Somebody at the portal, by a visit of his.
    Person {
        /// His account.
        user: UserId,
        /// His name.
        name: String,
    },
    /// A phone by its signature.
    Device(DeviceId),
    /// A browser that has the connect page open, by its session.
    Browser(SessionId),
    /// Somebody at the server's own command line, by the name of his account there.
    CommandLine(String),
    /// Somebody unknown at this address.
    Address(IpAddr),
    /// The server itself.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(id) => write!(f, "gateway:{id}"),
            Self::Admin { name, .. } => write!(f, "admin:{name}"),
            Self::Operator { name, .. } => write!(f, "operator:{name}"),
            Self::Person { name, .. } => write!(f, "person:{name}"),
            Self::Device(id) => write!(f, "device:{id}"),
            Self::Browser(id) => write!(f, "browser:{id}"),
            Self::CommandLine(account) => write!(f, "cli:{account}"),
            Self::Address(address) => write!(f, "address:{address}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was tried and failed: a wrong number, a denial.
    Failure,
    /// It was not allowed.
    Refused,
}

impl Outcome {
    /// The word in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Refused => "refused",
        }
    }
}

/// An event that is to be recorded in the transaction of what it tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened.
    pub at: Timestamp,
    /// What happened, such as `challenge.approved`.
    pub kind: &'static str,
    /// Who did it.
    pub actor: Actor,
    /// The canonical name of the user that it concerns.
    pub user: Option<String>,
    /// The phone that it concerns.
    pub device: Option<DeviceId>,
    /// The gateway that it concerns.
    pub gateway: Option<GatewayId>,
    /// The client of the login.
    pub client: Option<Client>,
    /// How it ended.
    pub outcome: Outcome,
    /// The true reason.
    pub reason: Option<String>,
    /// Whether a number was matched, where that is a question.
    pub number_match: Option<bool>,
    /// The rule that decided.
    pub policy: Option<String>,
    /// What else there is to know. Never a number, a code, a key or a token.
    pub detail: Map<String, Value>,
}

impl Event {
    /// A successful step of `actor`.
    #[must_use]
    pub fn new(kind: &'static str, actor: Actor, at: Timestamp) -> Self {
        Self {
            at,
            kind,
            actor,
            user: None,
            device: None,
            gateway: None,
            client: None,
            outcome: Outcome::Success,
            reason: None,
            number_match: None,
            policy: None,
            detail: Map::new(),
        }
    }

    /// The user that it concerns.
    #[must_use]
    pub fn user(mut self, name: impl fmt::Display) -> Self {
        self.user = Some(name.to_string());
        self
    }

    /// The phone that it concerns.
    #[must_use]
    pub const fn device(mut self, id: DeviceId) -> Self {
        self.device = Some(id);
        self
    }

    /// The gateway that it concerns.
    #[must_use]
    pub const fn gateway(mut self, id: GatewayId) -> Self {
        self.gateway = Some(id);
        self
    }

    /// How it ended, and why.
    #[must_use]
    pub fn ended(mut self, outcome: Outcome, reason: impl Into<String>) -> Self {
        self.outcome = outcome;
        self.reason = Some(reason.into());
        self
    }

    /// A further fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// Collects the events of one step under one actor and one time.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Who acts.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What phones are told of it.
    pub news: Vec<News>,
}

impl Journal {
    /// An empty journal.
    #[must_use]
    pub const fn new(actor: Actor, now: Timestamp) -> Self {
        Self { actor, now, events: Vec::new(), news: Vec::new() }
    }

    /// A new event of this actor and time, to be completed and given to [`Journal::record`].
    #[must_use]
    pub fn event(&self, kind: &'static str) -> Event {
        Event::new(kind, self.actor.clone(), self.now)
    }

    /// Keeps `event`.
    pub fn record(&mut self, event: Event) {
        self.events.push(event);
    }
}
