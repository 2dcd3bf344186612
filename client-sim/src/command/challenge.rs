//! `gatematch-sim list`, `approve`, `deny` and `report`.

use std::process::ExitCode;

use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::misbehave::{Misbehaviour, Needs, Scene};
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::challenge::{ChallengeClaims, WaitingChallenge};
use gatematch_protocol::response::{Decision, ResponseOutcome, UserVerification};
use serde_json::json;

use super::fault::Fault;
use super::phones::Phones;
use super::say::{Say, Tone, plain, table};
use super::{REFUSED, misbehave};

/// As many characters of an id name it among those that wait: the last ones, since the first are the time.
const SHORT: usize = 8;

/// What the person asked for.
pub(crate) struct Asked<'a> {
    pub(crate) id: &'a str,
    pub(crate) decision: Decision,
    pub(crate) number: Option<&'a str>,
    pub(crate) uv: Option<UserVerification>,
}

/// A sign-in that waits, with the phone that it waits for.
struct Waiting<'a> {
    phone: &'a Phone,
    item: WaitingChallenge,
}

pub(crate) fn short(id: &str) -> &str {
    id.len().checked_sub(SHORT).and_then(|from| id.get(from..)).unwrap_or(id)
}

async fn waiting(phones: &[Phone]) -> Result<Vec<Waiting<'_>>, Failure> {
    let mut found = Vec::new();
    for phone in phones {
        found.extend(phone.waiting(0).await?.into_iter().map(|item| Waiting { phone, item }));
    }
    Ok(found)
}

pub(crate) async fn list(phones: &Phones, misbehaviour: Option<&Misbehaviour>, say: &Say) -> Result<ExitCode, Fault> {
    if let Some(misbehaviour) = misbehaviour {
        misbehave::must_need(misbehaviour, &[Needs::Phone])?;
        let phone = phones.last()?;
        return misbehave::carry_out(misbehaviour, &Scene { phone: Some(&phone), ..Scene::default() }, say).await;
    }
    let phones = phones.all()?;
    let mut rows = vec![["ID", "FROM", "OPENS", "AT", "USER", "NUMBER", "LEFT"].map(str::to_owned).to_vec()];
    for Waiting { phone, item } in waiting(&phones).await? {
        let claims = phone.read(&item.challenge).await?;
        say.value(&json!({"id": item.id, "issuer": phone.issuer(), "claims": claims}))?;
        rows.push(row(&claims, phone.now()));
    }
    if rows.len() == 1 {
        say.line("Nothing is waiting.")?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in table(&rows) {
        say.line(&line)?;
    }
    say.line(
        &say.toned(Tone::Quiet, "Approve: gatematch-sim approve ID --number N.  Not you: gatematch-sim report ID."),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn row(claims: &ChallengeClaims, now: i64) -> Vec<String> {
    let digits = claims.matching.map_or("none".to_owned(), |matching| format!("{} digits", matching.digits));
    vec![
        short(&claims.jti.to_string()).to_owned(),
        client(claims),
        plain(&claims.app),
        plain(&claims.gateway),
        plain(&claims.sub),
        digits,
        format!("{} s", claims.exp.saturating_sub(now).max(0)),
    ]
}

/// Who asks, as the person may know it.
fn client(claims: &ChallengeClaims) -> String {
    let named = claims.client.name.as_deref().filter(|name| !name.is_empty()).map(plain);
    let address = || claims.client.ip.map(|ip| ip.to_string());
    named.or_else(address).unwrap_or_else(|| "A computer".to_owned())
}

/// Who, where, when, in one sentence.
pub(crate) fn sentence(claims: &ChallengeClaims) -> String {
    let place = [claims.client.location.as_deref().map(plain), claims.client.ip.map(|ip| ip.to_string())];
    let place: Vec<_> = place.into_iter().flatten().collect();
    let from = if place.is_empty() { String::new() } else { format!(" From {}.", place.join(", ")) };
    let page = claims.client.page_ip.map(|ip| format!(" The sign-in page is open at {ip}.")).unwrap_or_default();
    let (app, gateway) = (plain(&claims.app), plain(&claims.gateway));
    format!("{} wants to open {app} at {gateway}, as {}.{from}{page}", client(claims), plain(&claims.sub))
}

pub(crate) async fn respond(
    phones: &Phones,
    asked: &Asked<'_>,
    misbehaviour: Option<&Misbehaviour>,
    say: &Say,
) -> Result<ExitCode, Fault> {
    let phones = phones.all()?;
    let Waiting { phone, item } = pick(waiting(&phones).await?, asked.id)?;
    if let Some(misbehaviour) = misbehaviour {
        misbehave::must_need(misbehaviour, &[Needs::Challenge])?;
        let scene =
            Scene { phone: Some(phone), challenge: Some(&item.challenge), number: asked.number, ..Scene::default() };
        return misbehave::carry_out(misbehaviour, &scene, say).await;
    }
    let claims = phone.read(&item.challenge).await?;
    if asked.decision == Decision::Approve && claims.matching.is_some() && asked.number.is_none() {
        return Err(Fault::usage(
            "This sign-in asks for the number on the screen where it began.",
            format!("Type it: gatematch-sim approve {} --number N", asked.id),
        ));
    }
    let outcome = phone.respond(&item.challenge, asked.decision, asked.number, asked.uv).await?;
    told(asked.decision, &outcome, say)
}

/// The one sign-in that `id`, or its end, names.
fn pick<'a>(waiting: Vec<Waiting<'a>>, id: &str) -> Result<Waiting<'a>, Fault> {
    let id = id.to_ascii_lowercase();
    let mut named: Vec<_> = waiting.into_iter().filter(|waiting| is_named(&waiting.item, &id)).collect();
    match (named.pop(), named.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => {
            Err(Fault::usage("No such sign-in is waiting.", "It may be over. See what waits: gatematch-sim list"))
        }
        _ => Err(Fault::usage("Several sign-ins have this id.", "Give more of it, or name the phone with --phone.")),
    }
}

fn is_named(item: &WaitingChallenge, id: &str) -> bool {
    let whole = item.id.to_string();
    whole == id || (id.len() >= 4 && whole.ends_with(id))
}

/// Says what came of a response.
pub(crate) fn told(decision: Decision, outcome: &ResponseOutcome, say: &Say) -> Result<ExitCode, Fault> {
    say.value(&json!({"status": outcome.status, "reason": outcome.reason}))?;
    let done = match (decision, outcome.status.as_str(), outcome.reason.as_deref()) {
        (Decision::Approve, "approved", _) => {
            say.line(&format!("{} You can put the phone away.", say.toned(Tone::Good, "Approved.")))?;
            return Ok(ExitCode::SUCCESS);
        }
        (Decision::Deny, "denied", _) => "Denied. Nothing was opened.",
        (Decision::Report, "denied", _) => "Denied and reported. Nothing was opened. Tell the helpdesk.",
        (_, _, Some("wrong-number")) => "The number was wrong. Nothing was opened. Start the sign-in again.",
        _ => "Refused. Nothing was opened. Tell the helpdesk if you did not start this.",
    };
    say.line(&say.toned(Tone::Bad, done))?;
    Ok(if decision == Decision::Approve { ExitCode::from(REFUSED) } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use gatematch_client_sim::edge;
    use gatematch_client_sim::http::Api;
    use gatematch_protocol::id::ChallengeId;
    use gatematch_protocol::time::Timestamp;

    use super::*;

    #[test]
    fn the_end_of_an_id_names_it_when_it_is_the_only_one() {
        let api = Api::new("http://127.0.0.1:9").unwrap();
        let phone = Phone::new(api, "http://127.0.0.1:9", edge::random_key(), edge::system_clock());
        let id = |last: u8| ChallengeId::new(Timestamp::from_micros(0), [1, 1, 1, 1, 1, 1, 1, 1, 1, last]);
        let waiting = || {
            let item = |last| WaitingChallenge { id: id(last), challenge: String::new() };
            [0x1a, 0x2a].map(|last| Waiting { phone: &phone, item: item(last) }).into_iter().collect::<Vec<_>>()
        };
        let whole = id(0x2a).to_string();
        assert_eq!(short(&whole), "0101012a");
        assert_eq!(pick(waiting(), &whole).unwrap().item.id, id(0x2a));
        assert_eq!(pick(waiting(), "0101012A").unwrap().item.id, id(0x2a));
        for wrong in ["2a", "", "ffff", "01010101-"] {
            assert!(pick(waiting(), wrong).is_err(), "{wrong}");
        }
    }
}
