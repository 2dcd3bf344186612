//! What the verbs and questions about policy take and answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use gatematch_domain::course::Foreseen;
use gatematch_domain::login::Login;
use gatematch_domain::place::Atlas;
use gatematch_domain::policy::{Checked, Policy, PolicyFault, Profile};
use gatematch_domain::username::Domains;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::EventId;
use gatematch_protocol::policy::{PolicyVersion, Rule};
use gatematch_protocol::time::Timestamp;

use super::{Act, Reply};

/// The policy, what it makes of logins, and its history.
pub trait Policies {
    /// The policy that holds.
    fn policy(&self) -> Reply<'_, Arc<Policy>>;
    /// The policy of a version.
    fn policy_of(&self, version: u64) -> Reply<'_, Option<Policy>>;
    /// The versions before `before`, the latest first, at most `limit`. That which ships is none of them.
    fn policy_versions(&self, before: u64, limit: u32) -> Reply<'_, Vec<PolicyVersion>>;
    /// Puts a policy in the place of the one that holds.
    fn put_policy(&self, put: PutPolicy) -> Reply<'_, Result<Checked, PutRefusal>>;
    /// Who would be asked for `login`, and with what, as it looks now.
    fn foresee(&self, login: Login, atlas: Arc<dyn Atlas>) -> Reply<'_, Foreseen>;
    /// An audit event.
    fn audit_event(&self, id: EventId) -> Reply<'_, Option<AuditEvent>>;
    /// What rules that only report have said of logins that began at `since` or later, as far as the latest `most` events
    /// of each kind tell it with which logins begin.
    fn reports(&self, since: Timestamp, most: u32) -> Reply<'_, Reports>;
    /// How often somebody was let in at each gateway at `since` or later, as far as the latest `most` times tell it.
    fn let_in(&self, since: Timestamp, most: u32) -> Reply<'_, LetIn>;
}

/// What rules that only report have said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reports {
    /// The events with which those logins began of which one had something to say, the latest first.
    pub events: Vec<AuditEvent>,
    /// How many logins began for which policy was asked.
    pub begun: u64,
    /// From when on all of them were looked at, where not since the beginning.
    pub from: Option<Timestamp>,
}

/// How often somebody was let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetIn {
    /// How often, by the ids of gateways.
    pub times: BTreeMap<String, u64>,
    /// Whether all times were looked at.
    pub is_all: bool,
}

/// Which version somebody believes to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whichever there is.
    Any,
    /// One of these.
    OneOf(Vec<u64>),
}

impl Expected {
    /// Whether it is `version`.
    #[must_use]
    pub fn is(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

/// What is put in the place of the policy that holds.
#[derive(Clone, Debug)]
pub enum Replacement {
    /// What somebody has written.
    Written {
        /// The rules.
        rules: Vec<Rule>,
        /// `None`: as it is.
        profile: Option<Profile>,
        /// What user names mean.
        domains: Domains,
    },
    /// What held before.
    Earlier(Box<Policy>),
}

/// What [`Policies::put_policy`] takes.
#[derive(Clone, Debug)]
pub struct PutPolicy {
    /// Who, and when.
    pub act: Act,
    /// Which version he believes to replace.
    pub expected: Expected,
    /// What he puts there.
    pub replacement: Replacement,
    /// Why.
    pub comment: Option<String>,
}

/// Why a policy is not put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutRefusal {
    /// Another version holds by now: this one.
    Stale(u64),
    /// It must not hold.
    Fault(PolicyFault),
}
