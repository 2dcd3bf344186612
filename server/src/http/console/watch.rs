//! What is to be watched: whether all is well, who signs in, and what happened.

mod audit;
mod chart;
mod event;
mod export;
mod feed;
mod filter;
mod health;
mod kinds;
mod needs;
mod overview;
mod sign_ins;

use std::collections::HashMap;

use axum::routing::{get, post};
use gatematch_domain::role::Role;
use gatematch_domain::text::disarm;
use gatematch_domain::username::Username;
use gatematch_domain::visit::Place;
use gatematch_protocol::time::Timestamp;

use self::filter::{Choice, Field};
use super::people::path_of;
use crate::http::app::Inner;
use crate::http::problem::Answer;
use crate::http::site::{Admits, Guest, PageRoute};
use crate::store::StoreError;
use crate::words::Language;
use crate::words::watch::happened::Happened;

/// Everybody who has business at the console.
const EVERY: Admits = Admits::Operators(&Role::ALL);
/// Who may see what people did: as in the API, the helpdesk may not.
const READERS: [Role; 2] = [Role::Admin, Role::Auditor];
const AUDIT: Admits = Admits::Operators(&READERS);

/// The pages.
pub(super) fn pages() -> Vec<PageRoute> {
    let show = |path, admits, handler| PageRoute::show(Place::Console, path, admits, handler);
    vec![
        show("/console", EVERY, get(overview::show)),
        show("/console/events", AUDIT, get(feed::events)),
        show("/console/feed", AUDIT, get(feed::now)),
        show("/console/sign-ins", AUDIT, get(sign_ins::show)),
        show("/console/sign-ins/export", AUDIT, get(export::sign_ins)),
        show("/console/audit", AUDIT, get(audit::show)),
        PageRoute::act(Place::Console, "/console/audit/verify", AUDIT, post(audit::verify)),
        // Where the browser stands after that, should somebody load it again.
        show("/console/audit/verify", AUDIT, get(audit::show)),
        show("/console/audit/export", AUDIT, get(export::audit)),
        show("/console/audit/{seq}", AUDIT, get(event::show)),
    ]
}

/// A time, for programs and for people until a script shows it in their zone.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
struct At {
    machine: String,
    shown: String,
}

impl From<Timestamp> for At {
    fn from(at: Timestamp) -> Self {
        let second: String = at.to_string().chars().take(19).collect();
        Self { shown: format!("{} UTC", second.replace('T', " ")), machine: format!("{second}Z") }
    }
}

/// A person, and where to look at him.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
struct Named {
    name: String,
    href: String,
}

impl Named {
    /// For somebody with this role: auditors see what people did, and not what they sign in with.
    fn of(name: &str, role: Role) -> Self {
        let href = match role {
            Role::Admin | Role::Helpdesk => path_of(name),
            Role::Auditor => Self::past_of(name),
        };
        Self { name: name.to_owned(), href }
    }

    /// The sign-ins of this name.
    fn past_of(name: &str) -> String {
        format!("/console/sign-ins?{}", address(&[("user", name)]))
    }
}

/// Whether somebody who has read for long may still read: his visit holds, and his role is the same.
async fn still_reads(app: &Inner, guest: &Guest, role: Role) -> Result<bool, StoreError> {
    let Some(visit) = app.store.visit(guest.visit.token_digest.clone()).await? else { return Ok(false) };
    let Some(account) = app.store.account(Username::from_stored(visit.name.clone())).await? else { return Ok(false) };
    let may = account.user.role.is_some_and(|now| now == role && READERS.contains(&now));
    Ok(may && visit.holds(&account, app.now()))
}

/// Parameters as they stand in an address.
fn address(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An id as people tell it from others: what is random at its end. Anything else stays as it is.
fn short(id: &str) -> &str {
    let is_id = id.len() == 36 && id.bytes().filter(|byte| *byte == b'-').count() == 4;
    id.rsplit('-').next().filter(|_| is_id).unwrap_or(id)
}

/// What gateways are called, by their ids: those that there are, and the console and the portal themselves.
struct Gateways {
    names: HashMap<String, String>,
    /// In the order of a list.
    listed: Vec<(String, String)>,
}

impl Gateways {
    async fn of(app: &Inner, language: Language) -> Answer<Self> {
        let words = Happened::of(language);
        let mut listed: Vec<(String, String)> =
            app.store.gateways().await?.into_iter().map(|gateway| (gateway.id.to_string(), gateway.name)).collect();
        for (place, name) in [(Place::Console, words.console), (Place::Portal, words.portal)] {
            let id = place.gateway().to_string();
            if listed.iter().all(|(known, _)| *known != id) {
                listed.push((id, name.to_owned()));
            }
        }
        Ok(Self { names: listed.iter().cloned().collect(), listed })
    }

    /// Without the console and the portal.
    fn own(&self) -> Vec<&(String, String)> {
        let built_in = Place::ALL.map(|place| place.gateway().to_string());
        self.listed.iter().filter(|(id, _)| !built_in.contains(id)).collect()
    }

    /// The choices of a form; one that is gone is among them where it is asked for.
    fn choices(&self, asked: &Field) -> Vec<Choice> {
        let is_gone = !asked.text.is_empty() && !self.names.contains_key(&asked.text);
        let gone = is_gone.then(|| (asked.text.clone(), disarm(&asked.text)));
        asked.choices(self.listed.iter().cloned().chain(gone))
    }

    /// The name; of one that is gone, the end of its id.
    fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| short(id).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auditors_are_led_to_what_a_person_did() {
        assert_eq!(Named::of("a&b", Role::Auditor).href, "/console/sign-ins?user=a%26b");
        assert_eq!(Named::of("a&b", Role::Helpdesk).href, "/console/people/a%26b");
    }

    #[test]
    fn an_id_is_shortened_and_nothing_else() {
        for (given, expected) in [
            ("01a214d8-a5e0-7000-8000-d7b0e99291c0", "d7b0e99291c0"),
            ("Oslo-gateway-in-the-old-building-x-y", "Oslo-gateway-in-the-old-building-x-y"),
            ("01a214d8", "01a214d8"),
            ("", ""),
        ] {
            assert_eq!(short(given), expected);
        }
    }

    #[test]
    fn a_time_is_for_programs_and_for_people() {
        let at = At::from(Timestamp::from_micros(1_800_000_000_123_456));
        assert_eq!((at.machine.as_str(), at.shown.as_str()), ("2027-01-15T08:00:00Z", "2027-01-15 08:00:00 UTC"));
    }
}
