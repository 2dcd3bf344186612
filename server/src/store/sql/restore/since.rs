//! What the audit log tells of the time since a backup, as far as it takes something away. What it gives, a backup does
//! not get back by it: a key or a code is in no log.

use std::collections::{BTreeMap, BTreeSet};

use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// What happened since.
#[derive(Debug, Default)]
pub(crate) struct Since {
    /// How many events there are.
    pub(crate) events: u64,
    /// When the latest was.
    pub(crate) latest: Option<Timestamp>,
    /// Users who were deleted, by name.
    pub(super) users: BTreeSet<String>,
    /// How users stand who are there.
    pub(super) standing: BTreeMap<String, Standing>,
    pub(super) phones: BTreeSet<String>,
    pub(super) gateways: BTreeSet<String>,
    pub(super) admin_keys: BTreeSet<String>,
    pub(super) browsers: BTreeSet<String>,
    /// Authenticators and bypasses that are gone.
    pub(super) factors: BTreeSet<String>,
    /// How often each of them opened something.
    pub(super) used: BTreeMap<String, u32>,
    /// Of the challenges that are open in the backup, those that were ended.
    pub(super) ended: BTreeSet<String>,
    /// The versions of the policy, each with its digest.
    pub(super) policies: BTreeMap<u64, String>,
    /// Up to which event the log was removed.
    pub(super) removed: Option<u64>,
    /// Whether there was a restore since that left nobody anything to sign in with.
    pub(super) was_voided: bool,
    /// What is in no backup.
    pub(crate) made: Made,
    /// The challenges that are open in the backup.
    open: BTreeSet<String>,
}

/// How many of each were made since, and are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Made {
    /// Users.
    pub(crate) users: u64,
    /// Phones.
    pub(crate) phones: u64,
    /// Authenticator apps, tokens, sets of codes and passes.
    pub(crate) authenticators: u64,
    /// Bypasses.
    pub(crate) bypasses: u64,
    /// Gateways.
    pub(crate) gateways: u64,
    /// Administrators' keys.
    pub(crate) admin_keys: u64,
}

/// How somebody stands at the end, where that was changed.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Whether he is locked, and why.
    pub(super) locked: Option<Option<String>>,
    pub(super) disabled: Option<bool>,
    /// His groups.
    pub(super) groups: Option<Value>,
    /// What he may do at the console: a word, or `none`.
    pub(super) role: Option<String>,
}

impl Since {
    /// Nothing yet, since a backup in which these challenges are open.
    pub(crate) fn with_open(open: BTreeSet<String>) -> Self {
        Self { open, ..Self::default() }
    }

    /// Takes the next event.
    pub(crate) fn take(&mut self, event: &AuditEvent) {
        self.events += 1;
        self.latest = self.latest.max(Some(event.at));
        let told = |name: &str| event.detail.as_ref()?.get(name)?.as_str().map(str::to_owned);
        match event.kind.as_str() {
            "user.created" => self.made.users += 1,
            "user.deleted" => {
                self.standing.remove(event.user.as_deref().unwrap_or_default());
                self.users.extend(event.user.clone());
            }
            "user.locked" => self.stands(event, |standing| standing.locked = Some(told("reason"))),
            "user.unlocked" => self.stands(event, |standing| standing.locked = None),
            "user.disabled" => self.stands(event, |standing| standing.disabled = Some(true)),
            "user.enabled" => self.stands(event, |standing| standing.disabled = None),
            "user.role_set" => self.stands(event, |standing| standing.role = told("role")),
            "user.changed" => {
                let groups = event.detail.as_ref().and_then(|detail| detail.get("groups")).cloned();
                if groups.is_some() {
                    self.stands(event, |standing| standing.groups = groups);
                }
            }
            "device.registered" => self.made.phones += 1,
            "device.deleted" => self.phones.extend(event.device.clone()),
            "gateway.created" => self.made.gateways += 1,
            "gateway.deleted" => self.gateways.extend(event.gateway.clone()),
            "admin_key.created" => self.made.admin_keys += 1,
            "admin_key.revoked" => self.admin_keys.extend(told("key")),
            "browser.revoked" => self.browsers.extend(told("browser")),
            "policy.changed" => {
                let version = event.detail.as_ref().and_then(|detail| detail.get("version")?.as_u64());
                self.policies.extend(version.zip(told("digest")));
            }
            "audit.beginning_removed" => {
                let size = event.detail.as_ref().and_then(|detail| detail.get("size")?.as_u64());
                self.removed = self.removed.max(size);
            }
            "database.restored" => {
                let is = |name: &str| event.detail.as_ref().and_then(|detail| detail.get(name)?.as_bool());
                self.was_voided |= is("void") == Some(true);
            }
            _ => self.take_of_factor(event),
        }
    }

    fn take_of_factor(&mut self, event: &AuditEvent) {
        let told = |name: &str| event.detail.as_ref()?.get(name)?.as_str().map(str::to_owned);
        match event.kind.as_str() {
            "authenticator.added" | "bypass.created" => {
                let made = &mut self.made;
                *(if event.kind == "bypass.created" { &mut made.bypasses } else { &mut made.authenticators }) += 1;
                let replaced = event.detail.as_ref().and_then(|detail| detail.get("replaced")?.as_array());
                self.factors.extend(replaced.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            }
            "authenticator.removed" | "bypass.deleted" => self.factors.extend(told("authenticator")),
            // A code that was typed on the page before the sign-in is counted when it is typed, and when it lets in: once
            // too often does no harm.
            "challenge.approved" | "connect.opened" | "portal.entered" => {
                if let Some(id) = told("authenticator") {
                    let count = self.used.entry(id).or_default();
                    *count = count.saturating_add(1);
                }
            }
            "challenge.redeemed" | "challenge.denied" | "challenge.expired" | "challenge.cancelled" => {
                self.ended.extend(told("challenge").filter(|id| self.open.contains(id)));
            }
            _ => {}
        }
    }

    fn stands(&mut self, event: &AuditEvent, change: impl FnOnce(&mut Standing)) {
        if let Some(user) = &event.user {
            change(self.standing.entry(user.clone()).or_default());
        }
    }
}
