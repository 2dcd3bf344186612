//! The sign-ins of late, as the audit log tells them, and what somebody says of them.

use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::account::Account;
use gatematch_domain::challenge::{Reason, State};
use gatematch_domain::disown::{DISOWN_SECONDS, DisownRefusal};
use gatematch_domain::gateway::Gateway;
use gatematch_domain::policy::Method;
use gatematch_domain::visit::{KNOWN_BROWSER, NEW_BROWSER, Place};
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::{ChallengeId, GatewayId};

use super::here::{Here, When};
use crate::http::params::Segment;
use crate::http::problem::{Answer, Problem};
use crate::http::site::see;
use crate::store::AuditQuery;
use crate::words::portal::Recent;
use crate::words::with;

/// How many are shown.
const SHOWN: usize = 20;
/// How many events are looked at for them: a sign-in has at most four.
const LOOKED_AT: u32 = 120;
/// What tells of sign-ins.
const KINDS: [&str; 8] = [
    "challenge.created",
    "challenge.approved",
    "challenge.redeemed",
    "challenge.denied",
    "challenge.expired",
    "challenge.cancelled",
    "portal.reported",
    "portal.entered",
];

/// A sign-in, as it is shown.
pub(super) struct SignIn {
    /// Its challenge, where it can be reported.
    pub(super) report: Option<String>,
    pub(super) is_reported: bool,
    pub(super) when: When,
    pub(super) tone: &'static str,
    pub(super) ended: String,
    pub(super) from: String,
    pub(super) address: String,
    pub(super) at: String,
}

/// What the log tells of one sign-in.
struct Story<'a> {
    challenge: Option<&'a str>,
    first: &'a AuditEvent,
    last: &'a AuditEvent,
    is_reported: bool,
}

/// The last sign-ins of `account`, the latest first.
pub(super) async fn of(here: &Here, account: &Account) -> Answer<Vec<SignIn>> {
    let query = AuditQuery {
        user: Some(account.user.username.to_string()),
        kinds: KINDS.map(str::to_owned).to_vec(),
        limit: LOOKED_AT,
        latest_first: true,
        ..AuditQuery::default()
    };
    let mut events = here.app.store.audit(query).await?;
    // Somebody else may have had the name before him.
    events.retain(|event| account.user.created_at <= event.at);
    let gateways = here.app.store.gateways().await?;
    let teller = Teller { words: here.recent, account, gateways: &gateways };
    let now = here.app.now();
    let shown = stories(&events).into_iter().take(SHOWN);
    Ok(shown.map(|story| teller.tell(&story, now < story.first.at.plus_seconds(DISOWN_SECONDS))).collect())
}

/// What belongs to one sign-in, put together; the latest that began first.
fn stories(events: &[AuditEvent]) -> Vec<Story<'_>> {
    let mut stories: Vec<Story<'_>> = Vec::new();
    for event in events {
        let challenge = text(event, "challenge");
        if event.kind == "portal.entered" {
            // By a phone: then its challenge tells it.
            if text(event, "by") != Some("phone") {
                stories.push(Story { challenge: None, first: event, last: event, is_reported: false });
            }
            continue;
        }
        let told = stories.iter_mut().find(|story| challenge.is_some() && story.challenge == challenge);
        let is_report = event.kind == "portal.reported";
        match told {
            Some(story) => {
                // A report is nothing that became of it, and the first one that is seen is the last that happened.
                if story.last.kind == "portal.reported" {
                    story.last = event;
                }
                story.first = event;
                story.is_reported |= is_report;
            }
            None => stories.push(Story { challenge, first: event, last: event, is_reported: is_report }),
        }
    }
    // Of one whose beginning was not looked at there is nothing to tell but that it was reported.
    stories.retain(|story| story.last.kind != "portal.reported");
    stories.sort_by_key(|story| std::cmp::Reverse(story.first.seq));
    stories
}

/// A text of an event's detail.
fn text<'a>(event: &'a AuditEvent, name: &str) -> Option<&'a str> {
    event.detail.as_ref()?.get(name)?.as_str()
}

/// Says in words what events tell.
struct Teller<'a> {
    words: &'static Recent,
    account: &'a Account,
    gateways: &'a [Gateway],
}

impl Teller<'_> {
    fn tell(&self, story: &Story<'_>, is_of_late: bool) -> SignIn {
        let (first, last) = (story.first, story.last);
        let is_reported = story.is_reported || last.reason.as_deref() == Some(Reason::Reported.as_str());
        let (tone, ended) = self.ended(last);
        // That somebody else was let in is no good end.
        let tone = if is_reported && tone == "good" { "bad" } else { tone };
        let client = |name: &str| first.client.as_ref().and_then(|client| client.get(name)?.as_str());
        let words = self.words;
        let name = match client("name") {
            Some(KNOWN_BROWSER) if self.place(first).is_some() => Some(words.known_browser),
            Some(NEW_BROWSER) if self.place(first).is_some() => Some(words.new_browser),
            name => name,
        };
        let address = client("ip").or_else(|| text(first, "page_ip")).unwrap_or_default().to_owned();
        let from = match name {
            Some(name) => with(words.from, &[name]),
            // Where nothing else is known, the address stands alone.
            None if address.is_empty() => words.from_unknown.to_owned(),
            None => with(words.from, &[""]).trim_end().to_owned(),
        };
        SignIn {
            report: story.challenge.filter(|_| is_of_late && !is_reported).map(str::to_owned),
            is_reported,
            when: first.at.into(),
            tone,
            ended,
            from,
            address,
            at: self.at(first),
        }
    }

    fn place(&self, event: &AuditEvent) -> Option<Place> {
        if event.kind == "portal.entered" {
            return Some(Place::Portal);
        }
        Place::of_gateway(event.gateway.as_deref()?.parse().ok()?)
    }

    fn at(&self, event: &AuditEvent) -> String {
        let words = self.words;
        match self.place(event) {
            Some(Place::Portal) => return words.at_portal.to_owned(),
            Some(Place::Console) => return words.at_console.to_owned(),
            None => {}
        }
        let id: Option<GatewayId> = event.gateway.as_deref().and_then(|id| id.parse().ok());
        let found = self.gateways.iter().find(|gateway| Some(gateway.id) == id);
        found.map_or_else(|| words.at_gone.to_owned(), |gateway| with(words.at, &[&gateway.name]))
    }

    /// How it ended, with the tone in which that is told.
    fn ended(&self, event: &AuditEvent) -> (&'static str, String) {
        let words = self.words;
        match event.kind.as_str() {
            "challenge.redeemed" => ("good", self.let_in(event)),
            "challenge.approved" => ("idle", words.approved.to_owned()),
            "challenge.created" => ("idle", words.waiting.to_owned()),
            "challenge.expired" => ("idle", words.expired.to_owned()),
            "challenge.cancelled" if event.reason.is_none() => ("idle", words.cancelled.to_owned()),
            "portal.entered" => ("good", self.entered(event)),
            _ => self.refused(event),
        }
    }

    fn let_in(&self, event: &AuditEvent) -> String {
        let words = self.words;
        let said = match text(event, "method").and_then(Method::from_word) {
            Some(Method::Push) => {
                let id = event.device.as_deref();
                let phone = self.account.devices.iter().find(|phone| id == Some(phone.id.to_string().as_str()));
                return phone.map_or_else(
                    || words.let_in_phone_gone.to_owned(),
                    |phone| with(words.let_in_phone, &[&phone.name]),
                );
            }
            Some(Method::Totp) => words.let_in_totp,
            Some(Method::RecoveryCode) => words.let_in_recovery,
            Some(Method::AccessPass) => words.let_in_pass,
            Some(Method::Bypass) => words.let_in_bypass,
            Some(Method::Policy) => words.let_in_policy,
            Some(Method::Reuse) => words.let_in_reuse,
            None => words.let_in,
        };
        said.to_owned()
    }

    fn entered(&self, event: &AuditEvent) -> String {
        let words = self.words;
        let said = match text(event, "by") {
            Some("invitation") => words.let_in_invitation,
            Some("access_pass") => words.let_in_pass,
            Some("recovery_code") => words.let_in_recovery,
            _ => words.let_in,
        };
        said.to_owned()
    }

    fn refused(&self, event: &AuditEvent) -> (&'static str, String) {
        let words = self.words;
        let (tone, said) = match event.reason.as_deref().and_then(Reason::from_word) {
            Some(Reason::User) => ("warn", words.refused_user),
            Some(Reason::Reported) => ("bad", words.refused_reported),
            Some(Reason::WrongNumber) => ("bad", words.refused_number),
            Some(Reason::Passcode) => ("bad", words.refused_codes),
            Some(Reason::Policy) => ("warn", words.refused_policy),
            Some(Reason::Locked) => ("bad", words.refused_locked),
            Some(Reason::NotEnrolled) => ("warn", words.refused_nothing),
            Some(Reason::RateLimited) => ("warn", words.refused_often),
            Some(Reason::Superseded) => ("warn", words.refused_superseded),
            Some(Reason::Revoked) => ("warn", words.refused_revoked),
            Some(Reason::Timeout) => ("idle", words.expired),
            None => ("warn", words.refused),
        };
        (tone, said.to_owned())
    }
}

pub(super) async fn report(here: Here, id: Segment) -> Answer<Response> {
    let id: ChallengeId = id.id()?;
    let words = here.recent;
    let nowhere = || (String::new(), "");
    match here.app.store.disown(here.act(), here.guest.account.user.id, id).await? {
        Ok(challenge) => {
            here.app.metrics.disowned();
            let is_knock = Place::of_gateway(challenge.gateway).is_some();
            Ok(see(match challenge.state {
                State::Redeemed { .. } => "/portal?done=reported-in",
                _ if is_knock => "/portal?done=reported-knock",
                _ => "/portal?done=reported",
            }))
        }
        Err(DisownRefusal::Unknown) => Err(Problem::not_found()),
        Err(DisownRefusal::Again) => here.told(StatusCode::CONFLICT, nowhere(), words.fault_again).await,
        Err(DisownRefusal::TooMany) => here.told(StatusCode::TOO_MANY_REQUESTS, nowhere(), words.fault_too_many).await,
    }
}
