//! What needs somebody: locks, reports, collisions, people without a phone, and what does not last.

use gatematch_domain::role::Role;
use gatematch_protocol::audit::AuditEvent;
use serde_json::Value;

use super::health::{State, WARN_DAYS, days_left};
use super::{At, Named};
use crate::http::app::Inner;
use crate::http::problem::Answer;
use crate::store::{Few, Look, Looked, Standing};
use crate::words::watch::Watch;
use crate::words::with;

/// How many of each are named.
pub(super) const NAMED: u32 = 5;
/// How many reports and collisions are counted, at most.
const MOST_COUNTED: u32 = 100;
const DAY_SECONDS: i64 = 86_400;

/// Something that needs somebody.
pub(super) struct Need {
    /// How urgent it is.
    pub(super) state: State,
    /// What it is.
    pub(super) text: String,
    /// Whom it is about.
    pub(super) people: Vec<Whom>,
    /// Where all of them are.
    pub(super) more: Option<(String, &'static str)>,
}

/// Somebody whom it is about.
pub(super) struct Whom {
    /// He.
    pub(super) person: Named,
    /// What else is to be told.
    pub(super) note: String,
    /// When.
    pub(super) at: Option<At>,
    /// The event that tells it, for those who may see it.
    pub(super) event: Option<u64>,
}

/// Looks for all of it.
pub(super) async fn needs(app: &Inner, standing: &Standing, role: Role, words: &'static Watch) -> Answer<Vec<Need>> {
    let desk = matches!(role, Role::Admin | Role::Helpdesk);
    let list = |show: &str| desk.then(|| (format!("/console/people?show={show}"), words.all_of_them));
    let mut needs = Vec::new();
    let reports = reports(app).await?;
    needs.extend(of_events(&reports, State::Bad, (words.needs_reported_one, words.needs_reported), role));
    let collisions = lately(app, "challenge.collision", None).await?;
    needs.extend(of_events(&collisions, State::Bad, (words.needs_collided_one, words.needs_collided), role));
    let whom = |name: &str, note: &str, at: Option<At>| Whom {
        person: Named::of(name, role),
        note: note.to_owned(),
        at,
        event: None,
    };
    let people = standing.locked.first.iter().map(|(name, why)| whom(name, why, None)).collect();
    let texts = (words.needs_locked_one, words.needs_locked);
    needs.extend(of_few(&standing.locked, State::Bad, texts, people, list("locked")));
    needs.extend(certificate(app, words));
    let people = standing.unconfirmed.first.iter();
    let people = people.map(|(name, at)| whom(name, words.since, Some(At::from(*at)))).collect();
    let texts = (words.needs_phone_one, words.needs_phone);
    needs.extend(of_few(&standing.unconfirmed, State::Warn, texts, people, None));
    let people = standing.bypasses.first.iter();
    let people = people.map(|(name, at)| whom(name, words.until, Some(At::from(*at)))).collect();
    let texts = (words.needs_bypass_one, words.needs_bypass);
    needs.extend(of_few(&standing.bypasses, State::Warn, texts, people, None));
    needs.extend(match app.census.not_enrolled(&app.store).await {
        Some(count) => {
            let (few, texts) =
                (Few::<()> { first: Vec::new(), count }, (words.needs_unenrolled_one, words.needs_unenrolled));
            of_few(&few, State::Idle, texts, Vec::new(), list("not-enrolled"))
        }
        None => {
            Some(Need { state: State::Idle, text: words.counting_people.to_owned(), people: Vec::new(), more: None })
        }
    });
    Ok(needs)
}

fn said(count: u64, (one, many): (&str, &str)) -> String {
    if count == 1 { one.to_owned() } else { with(many, &[&count.to_string()]) }
}

fn of_few<T>(
    few: &Few<T>,
    state: State,
    texts: (&str, &str),
    people: Vec<Whom>,
    list: Option<(String, &'static str)>,
) -> Option<Need> {
    let more = list.filter(|_| few.count > people.len() as u64);
    (few.count > 0).then(|| Need { state, text: said(few.count, texts), people, more })
}

fn certificate(app: &Inner, words: &Watch) -> Option<Need> {
    let days = days_left(app).filter(|days| *days < WARN_DAYS)?;
    let (state, text) = match days {
        ..0 => (State::Bad, words.needs_certificate_over.to_owned()),
        days => (State::Warn, with(words.needs_certificate, &[&days.to_string()])),
    };
    Some(Need { state, text: format!("{text}. {}", words.needs_certificate_do), people: Vec::new(), more: None })
}

/// Events of this kind of the last 24 hours, the latest first.
async fn lately(app: &Inner, kind: &str, reason: Option<&str>) -> Answer<Looked> {
    let look = Look {
        kinds: vec![kind.to_owned()],
        reason: reason.map(str::to_owned),
        since: Some(app.now().plus_seconds(-DAY_SECONDS)),
        latest_first: true,
        limit: MOST_COUNTED,
        ..Look::default()
    };
    Ok(app.store.look(look).await?)
}

/// "It wasn't me": at the phone, on the connect page, or afterwards at the portal. Each sign-in counts once.
async fn reports(app: &Inner) -> Answer<Looked> {
    let (asked, later) =
        (lately(app, "challenge.denied", Some("reported")).await?, lately(app, "portal.reported", None).await?);
    let mut events: Vec<AuditEvent> = asked.events.into_iter().chain(later.events).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.seq));
    let mut known = std::collections::HashSet::new();
    let challenge =
        |event: &AuditEvent| event.detail.as_ref()?.get("challenge").and_then(Value::as_str).map(str::to_owned);
    events.retain(|event| challenge(event).is_none_or(|id| known.insert(id)));
    Ok(Looked { events, reached: asked.reached.or(later.reached) })
}

fn of_events(looked: &Looked, state: State, texts: (&str, &str), role: Role) -> Option<Need> {
    let count = looked.events.len() as u64;
    let named = looked.events.iter().filter_map(|event| {
        let person = Named::of(event.user.as_deref()?, role);
        // The helpdesk sees nothing of the log.
        let event_seq = (role != Role::Helpdesk).then_some(event.seq);
        Some(Whom { person, note: String::new(), at: Some(At::from(event.at)), event: event_seq })
    });
    let people = named.take(NAMED as usize).collect();
    let text = said(count, texts);
    // There may be more than were counted.
    let text = if looked.reached.is_some() { format!("{text} +") } else { text };
    (count > 0).then_some(Need { state, text, people, more: None })
}
