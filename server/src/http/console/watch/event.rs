//! One event of the audit log, with all that it has.

use std::fmt::Write as _;

use askama::Template;
use axum::extract::{Extension, State};
use axum::response::Response;
use gatematch_domain::role::Role;
use gatematch_domain::text::steers;
use gatematch_domain::visit::Place as Where;
use gatematch_protocol::audit::AuditEvent;

use super::audit::{actor, outcome};
use super::sign_ins::explain;
use super::{At, Gateways, Named};
use crate::http::app::App;
use crate::http::params::Segment;
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Shell, TheOperator, page};
use crate::words::watch::happened::Happened;
use crate::words::watch::log::Log;
use crate::words::{Language, with};

#[derive(Template)]
#[template(path = "console/watch/event.html")]
struct Show {
    shell: Shell,
    words: &'static Log,
    at: At,
    kind: String,
    actor: String,
    person: Option<Named>,
    gateway: String,
    client: String,
    class: &'static str,
    outcome: String,
    reason: String,
    policy: String,
    device: String,
    whole: String,
    before: Option<u64>,
    after: Option<u64>,
    explain: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, operator): TheOperator,
    segment: Segment,
) -> Answer<Response> {
    let text = segment.text()?;
    let seq = text.parse::<u64>().ok().filter(|seq| seq.to_string() == text).ok_or_else(Problem::not_found)?;
    app.tell_reading(&operator).await?;
    let event = app.store.event_at(seq).await?.ok_or_else(Problem::not_found)?;
    let gateways = Gateways::of(&app, language).await?;
    let (words, said) = (Happened::of(language), Log::of(language));
    let is_there = |found: Option<AuditEvent>| found.map(|event| event.seq);
    let (class, outcome) = outcome(&event, said);
    let title = with(said.event_title, &[text]);
    page(&Show {
        shell: Shell::new(&app, Where::Console, Some(&guest), language, ("audit", title)),
        words: said,
        at: At::from(event.at),
        actor: actor(&event, &gateways),
        person: event.user.as_deref().map(|name| Named::of(name, operator.role)),
        gateway: event.gateway.as_deref().map_or_else(String::new, |id| gateways.name(id)),
        client: client(&event),
        class,
        outcome,
        reason: event.reason.as_deref().map_or_else(String::new, |reason| words.reason(reason)),
        policy: event.policy.clone().unwrap_or_default(),
        device: event.device.clone().unwrap_or_default(),
        whole: harmless(&serde_json::to_string_pretty(&event).map_err(Problem::internal)?),
        before: is_there(app.store.event_at(seq.saturating_sub(1)).await?),
        after: is_there(app.store.event_at(seq.saturating_add(1)).await?),
        explain: explained(&event, operator.role),
        kind: event.kind,
    })
}

/// JSON in which nothing steers who reads it: what would is written as JSON writes it for programs.
fn harmless(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) && c != '\n' {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// The client of the login, in a line.
fn client(event: &AuditEvent) -> String {
    let part = |name: &str| event.client.as_ref()?.get(name)?.as_str();
    part("name").into_iter().chain(part("ip")).collect::<Vec<_>>().join(", ")
}

/// Where the rules are asked anew, if they were asked for this event.
fn explained(event: &AuditEvent, role: Role) -> Option<String> {
    let was_asked = event.detail.as_ref().is_some_and(|detail| detail.contains_key("facts"));
    (was_asked && role == Role::Admin).then(|| explain(&event.id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_json_steers() {
        let json = serde_json::to_string_pretty(&serde_json::json!({"name": "a\u{202e}b\u{7}<c>"})).unwrap();
        let text = harmless(&json);
        assert_eq!(text, "{\n  \"name\": \"a\\u202eb\\u0007<c>\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["name"], "a\u{202e}b\u{7}<c>");
    }
}
