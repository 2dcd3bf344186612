//! The rows of a person's page: what he signs in with, exceptions, browsers, sign-ins.

use gatematch_domain::connect::Browser;
use gatematch_domain::gateway::Gateway;
use gatematch_protocol::authenticator::{AuthenticatorView, BypassView};

use super::shown::{At, segment};
use crate::report::Newest;
use crate::words::people::People;
use crate::words::with;

/// Something that he signs in with.
pub(super) struct Held {
    /// What it is.
    pub(super) kind: &'static str,
    /// What it is called; empty where it has no name.
    pub(super) name: String,
    /// The class of its state.
    pub(super) class: &'static str,
    /// Its state.
    pub(super) state: &'static str,
    /// From when on it works, where that is to come.
    pub(super) from: Option<At>,
    pub(super) made: At,
    pub(super) last_used: Option<At>,
    pub(super) ends: Option<At>,
    pub(super) left: String,
    /// Where it is confirmed; nothing where there is nothing to confirm.
    pub(super) confirm: Option<String>,
    /// Where it is removed.
    pub(super) remove: String,
}

impl Held {
    /// One of those of the person with this page.
    pub(super) fn of(held: AuthenticatorView, page: &str, words: &'static People) -> Self {
        let (class, state) = match held.status.as_str() {
            "active" => ("good", words.works),
            "unconfirmed" => ("warn", words.unconfirmed),
            "not-yet" => ("idle", words.not_yet),
            "over" => ("idle", words.is_over),
            _ => ("bad", words.unreadable),
        };
        let id = segment(&held.id);
        let step = if held.kind == "phone" { "phones" } else { "apps" };
        Self {
            kind: words.way(&held.kind),
            name: held.name.unwrap_or_default(),
            class,
            state,
            from: held.starts_at.filter(|_| held.status == "not-yet").map(At::from),
            made: held.created_at.into(),
            last_used: held.last_used_at.map(At::from),
            ends: held.expires_at.map(At::from),
            left: held.left.map(|left| left.to_string()).unwrap_or_default(),
            confirm: (held.status == "unconfirmed").then(|| format!("{page}/{step}/{id}")),
            remove: format!("{page}/remove/{id}"),
        }
    }
}

/// A bypass in force.
pub(super) struct Exception {
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) made: At,
    pub(super) ends: At,
    pub(super) uses: String,
    /// Where it is removed.
    pub(super) remove: String,
}

impl Exception {
    /// One of those of the person with this page.
    pub(super) fn of(bypass: BypassView, page: &str, words: &'static People) -> Self {
        let used = bypass.uses.to_string();
        let uses = match bypass.max_uses {
            None => used,
            Some(most) => with(words.uses_of, &[&used, &most.to_string()]),
        };
        Self {
            reason: bypass.reason,
            by: bypass.made_by,
            made: bypass.created_at.into(),
            ends: bypass.expires_at.into(),
            uses,
            remove: format!("{page}/bypasses/{}", bypass.id),
        }
    }
}

/// A browser that the connect page knows.
pub(super) struct Known {
    /// The names of the computers on which it is; empty where none was told.
    pub(super) computers: String,
    pub(super) made: At,
    pub(super) last_used: At,
    pub(super) ends: At,
    /// Where it is removed.
    pub(super) remove: String,
}

impl Known {
    /// One of those of the person with this page.
    pub(super) fn of(browser: &Browser, page: &str) -> Self {
        Self {
            computers: browser.client_names.join(", "),
            made: browser.created_at.into(),
            last_used: browser.last_used_at.into(),
            ends: browser.expires_at.into(),
            remove: format!("{page}/browsers/{}", browser.id),
        }
    }
}

/// A sign-in.
pub(super) struct SignedIn {
    pub(super) when: At,
    pub(super) gateway: String,
    pub(super) client: String,
    pub(super) how: &'static str,
    /// The class of its outcome.
    pub(super) class: &'static str,
    /// Its outcome.
    pub(super) outcome: &'static str,
    /// Why; empty where there is nothing to say.
    pub(super) why: String,
}

impl SignedIn {
    /// One of them, at one of these gateways.
    pub(super) fn of(sign_in: Newest, gateways: &[Gateway], words: &'static People) -> Self {
        let (class, outcome) = match (sign_in.outcome, sign_in.let_in) {
            ("approved", true) => ("good", words.let_in),
            ("approved", false) => ("warn", words.approved),
            ("denied", _) => ("bad", words.denied),
            ("expired", _) => ("idle", words.expired),
            ("cancelled", _) => ("idle", words.cancelled),
            _ => ("warn", words.pending),
        };
        let why = match (sign_in.outcome, &sign_in.reason) {
            ("denied", Some(reason)) => words.reason(reason).to_owned(),
            _ => String::new(),
        };
        let id = sign_in.gateway.unwrap_or_default();
        let gateway = gateways.iter().find(|gateway| gateway.id.to_string() == id);
        Self {
            when: sign_in.began.into(),
            // One that is gone is known by its id.
            gateway: gateway.map_or(id, |gateway| gateway.name.clone()),
            client: sign_in.client.or(sign_in.ip).unwrap_or_default(),
            how: words.way(sign_in.method),
            class,
            outcome,
            why,
        }
    }
}
