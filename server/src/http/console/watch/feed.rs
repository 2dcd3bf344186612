//! The latest sign-ins as they come: server-sent events (WHATWG HTML, section 9.2), and the same once, for whoever cannot
//! listen.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use gatematch_domain::role::Role;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::problem::Code;
use serde::Serialize;

use super::health::State as How;
use super::{At, Gateways, Named, still_reads};
use crate::http::app::{App, HeldPlace};
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Guest, TheOperator};
use crate::hub::{Pool, Topic, Waiter};
use crate::words::Language;
use crate::words::watch::happened::Happened;

/// How often something is sent that is nothing, so that what stands between does not think that nobody is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The safety net: how often is looked without being rung for, and whether the visit still holds.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long somebody who was told waits at least until he is told again: many sign-ins at once are told together.
const REST: Duration = Duration::from_millis(300);
/// How many feeds one person may have open.
const MOST_OF_ONE: usize = 6;
/// How many feeds may be open at this node.
const MOST: usize = 100;

/// A sign-in, or a step of one, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// The event.
    pub(super) seq: u64,
    /// When.
    pub(super) at: At,
    /// As style sheets know how it is.
    pub(super) class: &'static str,
    /// What happened.
    pub(super) what: String,
    /// Whose sign-in it is.
    pub(super) person: Option<Named>,
    /// Where.
    pub(super) gateway: String,
    /// From where.
    pub(super) from: String,
}

impl Line {
    fn of(event: &AuditEvent, gateways: &Gateways, role: Role, words: &Happened) -> Self {
        let (how, what) = told(event, words);
        let client = |name: &str| event.client.as_ref()?.get(name)?.as_str();
        // Mostly nobody has such a name, and there is no page of him.
        let is_nobody = event.reason.as_deref() == Some("not-enrolled");
        let named = |name: &String| match is_nobody {
            true => Named { name: name.clone(), href: Named::past_of(name) },
            false => Named::of(name, role),
        };
        Self {
            seq: event.seq,
            at: At::from(event.at),
            class: how.class(),
            what,
            person: event.user.as_ref().map(named),
            gateway: event.gateway.as_deref().map_or_else(String::new, |id| gateways.name(id)),
            from: client("name").or_else(|| client("ip")).unwrap_or_default().to_owned(),
        }
    }
}

/// What a step of a sign-in is said to be, and how that is.
fn told(event: &AuditEvent, words: &Happened) -> (How, String) {
    let method = event.detail.as_ref().and_then(|detail| detail.get("method")?.as_str()).unwrap_or_default();
    let because = |what: &str, reason: Option<&str>| match reason {
        Some(reason) => format!("{what}: {}", words.reason(reason)),
        None => what.to_owned(),
    };
    match (event.kind.as_str(), event.reason.as_deref()) {
        ("challenge.created", _) => (How::Idle, words.asked.to_owned()),
        ("challenge.redeemed", _) => {
            let method = if method == "push" && event.number_match == Some(true) { "number" } else { method };
            (How::Good, format!("{}: {}", words.let_in, words.method(method)))
        }
        ("challenge.denied" | "challenge.cancelled", Some("reported")) => (How::Bad, words.reported.to_owned()),
        ("challenge.denied", reason) => (How::Warn, because(words.refused, reason)),
        ("challenge.expired", _) => (How::Idle, words.ran_out.to_owned()),
        ("challenge.cancelled", reason) => (How::Idle, because(words.taken_back, reason)),
        ("challenge.collision", _) => (How::Bad, words.two_at_once.to_owned()),
        (other, _) => (How::Idle, other.to_owned()),
    }
}

/// The latest sign-ins, the latest first.
pub(super) async fn lines(app: &App, role: Role, language: Language) -> Answer<Vec<Line>> {
    let events = app.tally.feed(app.store.as_ref()).await?;
    let gateways = Gateways::of(app, language).await?;
    let words = Happened::of(language);
    Ok(events.iter().map(|event| Line::of(event, &gateways, role, words)).collect())
}

/// The latest sign-ins, once.
pub(super) async fn now(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(_, operator): TheOperator,
) -> Answer<Json<Vec<Line>>> {
    app.tell_reading(&operator).await?;
    Ok(Json(lines(&app, operator.role, language).await?))
}

/// Somebody who listens.
struct Listener {
    app: App,
    guest: Guest,
    role: Role,
    language: Language,
    rung: Waiter,
    /// The event that he was told last.
    last: Option<u64>,
    _held: HeldPlace,
}

pub(super) async fn events(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, operator): TheOperator,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let too_many = || Problem::new(Code::Overloaded, "Too many feeds are open. Ask for it again and again.");
    let held = app.watchers.hold(guest.account.user.id, MOST_OF_ONE, MOST).ok_or_else(too_many)?;
    let rung = app.hub.subscribe_in(Pool::Pages, Topic::SignIns)?;
    app.tell_reading(&operator).await?;
    let listener = Listener { app, guest, role: operator.role, language, rung, last: None, _held: held };
    let told = unfold(Some(listener), |listener| async move {
        let mut listener = listener?;
        match listener.next().await {
            Ok(lines) => Some((Ok(Event::default().json_data(&lines).ok()?), Some(listener))),
            // The last word: whoever hears it does not come again by himself. One without data is not heard.
            Err(End::Over) => Some((Ok(Event::default().event("over").data("over")), None)),
            Err(End::Broken) => None,
        }
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Why somebody hears nothing more.
enum End {
    /// His visit is over, or his role does not allow it any more.
    Over,
    /// The server stops, or cannot tell. He comes again.
    Broken,
}

impl Listener {
    /// What he was not told yet, the latest first; at the beginning, all that there is.
    async fn next(&mut self) -> Result<Vec<Line>, End> {
        loop {
            if self.last.is_some() {
                self.pause().await;
            }
            if self.app.stopping.is_cancelled() {
                return Err(End::Broken);
            }
            let lines = lines(&self.app, self.role, self.language).await.map_err(|_| End::Broken)?;
            // Whether he may hear it is looked at each time, and last.
            if !still_reads(&self.app, &self.guest, self.role).await.map_err(|_| End::Broken)? {
                return Err(End::Over);
            }
            let newest = lines.first().map_or(0, |line| line.seq);
            let last = self.last.replace(newest);
            let news: Vec<Line> = lines.into_iter().filter(|line| last.is_none_or(|last| last < line.seq)).collect();
            if last.is_none() || !news.is_empty() {
                return Ok(news);
            }
        }
    }

    async fn pause(&mut self) {
        let rung = async {
            tokio::time::sleep(REST).await;
            self.rung.woken().await;
        };
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = self.app.stopping.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_step_is_told_in_words() {
        let words = Happened::of(Language::English);
        for (kind, reason, method, expected) in [
            ("challenge.created", None, None, (How::Idle, "is asked")),
            ("challenge.redeemed", None, Some("push"), (How::Good, "let in: phone, with the number")),
            ("challenge.redeemed", None, Some("bypass"), (How::Good, "let in: exception")),
            ("challenge.denied", Some("reported"), None, (How::Bad, "reported: not me")),
            ("challenge.denied", Some("locked"), None, (How::Warn, "refused: the account is locked or disabled")),
            ("challenge.denied", Some("new-word"), None, (How::Warn, "refused: new-word")),
            ("challenge.expired", Some("timeout"), None, (How::Idle, "ran out of time")),
            ("challenge.cancelled", None, None, (How::Idle, "taken back")),
            ("challenge.collision", None, None, (How::Bad, "two at once")),
        ] {
            let event = json!({
                "seq": 1, "id": "01900000-0000-7000-8000-000000000001", "at": "2026-01-02T03:04:05Z", "type": kind,
                "actor": null, "user": null, "device": null, "gateway": null, "client": null, "outcome": null,
                "reason": reason, "number_match": method == Some("push"), "policy": null,
                "detail": {"method": method}, "prev_hash": null, "hash": null
            });
            let (how, what) = told(&serde_json::from_value(event).unwrap(), words);
            assert_eq!((how, what.as_str()), expected, "{kind} {reason:?}");
        }
    }
}
