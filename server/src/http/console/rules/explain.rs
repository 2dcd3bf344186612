//! What becomes of a sign-in, and why: as it could be, or as it was.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::fault::Fault;
use gatematch_domain::policy::Facts;
use gatematch_protocol::policy::{Explain, ExplainClient, Explained, Terms, Traced};
use gatematch_protocol::time::Timestamp;

use super::policy::shell;
use super::spoken::{no_display, way};
use super::{Moment, faulty};
use crate::http::app::{App, Inner};
use crate::http::params::Query;
use crate::http::problem::Answer;
use crate::http::site::{Guest, Shell, TheOperator, page};
use crate::policy::{self, PolicyRefusal};
use crate::words::rules::Rules;
use crate::words::rules::explain::Explaining as Words;
use crate::words::rules::policy::Policies;
use crate::words::rules::spoken::Spoken as Phrases;
use crate::words::{Language, with};

/// What was asked, as it was typed.
#[derive(Clone, Debug, Default)]
struct Asked {
    user: String,
    gateway: String,
    ip: String,
    page_ip: String,
    client_name: String,
    at: String,
    factor_required: bool,
    event: String,
}

/// What is wrong with it, beside each field.
#[derive(Default)]
struct Faults {
    user: &'static str,
    gateway: &'static str,
    ip: &'static str,
    page_ip: &'static str,
    client_name: &'static str,
    at: &'static str,
    event: &'static str,
}

/// A rule that was read.
struct Step {
    place: usize,
    name: String,
    matched: bool,
    decides: bool,
    why: String,
}

/// The answer.
struct Told {
    about: String,
    at_gateway: String,
    at: Option<Moment>,
    outcome: &'static str,
    tone: &'static str,
    decides: String,
    reason: Option<String>,
    is_refused: bool,
    terms: Vec<String>,
    trace: Vec<Step>,
    notes: Vec<String>,
}

#[derive(Template)]
#[template(path = "console/rules/policy_explain.html")]
struct Page {
    shell: Shell,
    words: &'static Words,
    policies: &'static Policies,
    common: &'static Rules,
    gateways: Vec<String>,
    asked: Asked,
    faults: Faults,
    is_faulty: bool,
    told: Option<Told>,
}

impl Asked {
    fn of(query: &Query) -> Self {
        let text = |name| query.text(name).map(str::trim).unwrap_or_default().to_owned();
        Self {
            user: text("user"),
            gateway: text("gateway"),
            ip: text("ip"),
            page_ip: text("page_ip"),
            client_name: text("client_name"),
            at: text("at"),
            factor_required: query.text("factor_required").is_some(),
            event: text("event"),
        }
    }

    /// As the API has it.
    ///
    /// # Errors
    /// What is wrong with the time.
    fn body(&self, words: &Words) -> Result<Explain, Faults> {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        if let Some(event) = given(&self.event) {
            return Ok(Explain { event: Some(event), ..Explain::default() });
        }
        let at = given(&self.at).map(|text| text.parse()).transpose();
        let at = at.map_err(|_| Faults { at: words.at_fault, ..Faults::default() })?;
        let (ip, name, page_ip) = (given(&self.ip), given(&self.client_name), given(&self.page_ip));
        let client = ExplainClient { ip, name, page_ip };
        Ok(Explain {
            user: Some(self.user.clone()),
            gateway: given(&self.gateway),
            client: (client != ExplainClient::default()).then_some(client),
            at,
            factor_required: self.factor_required.then_some(true),
            ..Explain::default()
        })
    }

    fn is_blank(&self) -> bool {
        self.user.is_empty() && self.event.is_empty()
    }
}

impl Faults {
    /// Beside which field a refusal belongs; `None` for what is no fault of a field.
    fn of(refusal: &PolicyRefusal, asked: &Asked, words: &Words) -> Option<Self> {
        let mut faults = Self::default();
        match refusal {
            PolicyRefusal::Unknown(_) if asked.event.is_empty() => faults.gateway = words.gateway_fault,
            PolicyRefusal::Unknown(_) => faults.event = words.event_unknown,
            PolicyRefusal::Value(Fault::Range { member, .. } | Fault::Type { member, .. }) => match member.as_str() {
                "client.ip" => faults.ip = words.ip_fault,
                "client.page_ip" => faults.page_ip = words.ip_fault,
                "client.name" => faults.client_name = words.client_name_fault,
                "event" => faults.event = words.event_of_none,
                _ => faults.user = words.user_fault,
            },
            _ => return None,
        }
        Some(faults)
    }
}

fn terms(terms: &Terms, phrases: &Phrases) -> Vec<String> {
    let mut told = vec![with(phrases.digits, &[&terms.digits.to_string()])];
    let ways: Vec<&str> = terms.methods.iter().map(|word| way(word, phrases)).collect();
    told.push(ways.join(", "));
    told.extend(terms.uv.as_ref().map(|_| phrases.uv.to_owned()));
    told.extend(no_display(terms.no_display.as_deref(), false, phrases).map(str::to_owned));
    if terms.reuse_seconds > 0 {
        told.push(with(phrases.reuse, &[&terms.reuse_seconds.to_string()]));
    }
    told
}

impl Told {
    fn of(explained: Explained, (about, at_gateway, at): (String, String, Option<Moment>), language: Language) -> Self {
        let (words, phrases) = (Words::of(language), Phrases::of(language));
        let (outcome, tone) = match explained.outcome.as_str() {
            "allow" => (words.allowed, "warn"),
            "deny" => (words.denied, "bad"),
            _ => (words.asked, "good"),
        };
        let decides = match (&explained.rule, explained.version) {
            (Some(rule), Some(version)) => with(words.decides, &[rule, &version.to_string()]),
            _ => words.decides_none.to_owned(),
        };
        let is_refused = explained.reason.is_some() && explained.outcome != "deny";
        let last = explained.trace.len();
        let step = |(index, rule): (usize, Traced)| Step {
            place: index + 1,
            name: rule.rule,
            matched: rule.matched,
            decides: rule.matched && index + 1 == last && explained.rule.is_some(),
            why: rule.why,
        };
        Self {
            about,
            at_gateway,
            at,
            outcome,
            tone,
            decides,
            is_refused,
            terms: explained.terms.as_ref().map(|it| terms(it, phrases)).unwrap_or_default(),
            trace: explained.trace.into_iter().enumerate().map(step).collect(),
            reason: explained.reason,
            notes: explained.notes,
        }
    }
}

impl Inner {
    /// Whose sign-in it was that began with an event, where, and when.
    async fn past(&self, event: &str) -> Answer<Option<Facts>> {
        let Ok(id) = event.parse() else { return Ok(None) };
        let event = self.store.audit_event(id).await?;
        Ok(event.and_then(|event| policy::facts_of(&event)).map(|(facts, _)| facts))
    }

    /// What is told about the sign-in itself.
    async fn about(&self, asked: &Asked, words: &Words) -> Answer<(String, String, Option<Moment>)> {
        if asked.event.is_empty() {
            let at = asked.at.parse::<Timestamp>().ok().map(Moment::from);
            return Ok((with(words.of_imagined, &[&asked.user]), asked.gateway.clone(), at));
        }
        let Some(facts) = self.past(&asked.event).await? else { return Ok(Default::default()) };
        let gateway = facts.gateway.map(|gateway| gateway.name).unwrap_or_default();
        Ok((with(words.of_event, &[&facts.user]), gateway, Some(facts.at.into())))
    }

    async fn explained(&self, asked: &Asked, language: Language) -> Answer<Result<Told, Faults>> {
        let words = Words::of(language);
        let body = match asked.body(words) {
            Ok(body) => body,
            Err(faults) => return Ok(Err(faults)),
        };
        let (store, domains) = (self.store.as_ref(), &self.settings.domains);
        match policy::explain(&body, store, domains, self.places.as_ref(), self.now()).await {
            Ok(explained) => {
                let (about, gateway, at) = self.about(asked, words).await?;
                let gateway = if gateway.is_empty() { gateway } else { with(words.at_gateway, &[&gateway]) };
                Ok(Ok(Told::of(explained, (about, gateway, at), language)))
            }
            Err(refusal) => match Faults::of(&refusal, asked, words) {
                Some(faults) => Ok(Err(faults)),
                None => Err(refusal.into()),
            },
        }
    }

    async fn explaining(&self, guest: &Guest, asked: Asked, language: Language) -> Answer<Page> {
        let words = Words::of(language);
        let gateways = self.store.gateways().await?.into_iter().map(|gateway| gateway.name).collect();
        let (told, faults) = match asked.is_blank() {
            true => (None, None),
            false => match self.explained(&asked, language).await? {
                Ok(told) => (Some(told), None),
                Err(faults) => (None, Some(faults)),
            },
        };
        Ok(Page {
            shell: shell(self, guest, language, words.title),
            words,
            policies: Policies::of(language),
            common: Rules::of(language),
            gateways,
            asked,
            is_faulty: faults.is_some(),
            faults: faults.unwrap_or_default(),
            told,
        })
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
    query: Query,
) -> Answer<Response> {
    let page_of = app.explaining(&guest, Asked::of(&query), language).await?;
    if page_of.is_faulty { faulty(StatusCode::UNPROCESSABLE_ENTITY, &page_of) } else { page(&page_of) }
}
