//! The server as phones see it: by its name, with the system's authorities, and whether it is this one.

use std::sync::Arc;

use futures_util::future::join;
use gatematch_protocol::discovery::Discovery;
use gatematch_protocol::jwk::JwkSet;
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::super::certificate::WARN_DAYS;
use super::super::client::{Answer, Caller};
use super::super::database::Known;
use super::super::finding::{Finding, Way};
use super::time::Offset;
use super::{HERE, Reach, disbelief, place};
use crate::cli::terminal::shown_time;
use crate::listen::{Shown, shown};
use crate::settings::Settings;

pub(super) async fn way(settings: &Settings, known: Option<&Known>, reach: &Reach) -> (Way, Option<Offset>) {
    let issuer = settings.known_issuer().unwrap_or_default();
    let url = Url::parse(&issuer).ok();
    let (host, port) = url.as_ref().and_then(place).unwrap_or_default();
    let way = |finding| Way {
        from: HERE.to_owned(),
        to: host.clone(),
        port: format!("{port}/tcp"),
        why: "phones, seen from here".to_owned(),
        finding,
    };
    if !issuer.starts_with("https:") {
        let what = format!("The issuer is {issuer}, and phones call by https alone.");
        let todo = "Set issuer to the https address by which phones reach this server (docs/https.md).";
        return (way(Finding::warn(what, todo)), None);
    }
    match look(&issuer, &host, known, reach).await {
        Ok((finding, offset)) => (way(finding), offset),
        Err(finding) => (way(finding), None),
    }
}

async fn look(
    issuer: &str,
    host: &str,
    known: Option<&Known>,
    reach: &Reach,
) -> Result<(Finding, Option<Offset>), Finding> {
    let addresses = reach.addresses(host).await.map_err(|why| {
        let todo = "It must lead to this server, or to the proxy before it, from everywhere (docs/https.md).";
        Finding::fail(format!("The name {host} is not found: {why}."), todo)
    })?;
    let caller = Caller::new(Arc::clone(&reach.names), &reach.trust, reach.patience);
    let caller = caller.map_err(|why| Finding::fail(format!("Nobody can be called: {why}."), ""))?;
    let url = format!("{issuer}/.well-known/gatematch");
    let answer = within(reach, caller.get::<Discovery>(&url)).await;
    let certificate = caller.witness.seen().and_then(|der| shown(&der));
    let answer = answer.map_err(|why| unreached(issuer, host, &why, certificate.as_ref()))?;
    let now = reach.edge.now();
    let offset = answer.date.map(|date| Offset::new(host, date, now));
    let keys = format!("{issuer}/.well-known/jwks.json");
    let health = format!("{issuer}/healthz");
    let (keys, health) =
        join(within(reach, caller.get::<JwkSet>(&keys)), within(reach, caller.get::<Value>(&health))).await;
    let is_this = identity(issuer, &answer, keys.ok().and_then(|keys| keys.body).as_ref(), known)?;
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let health = match health.map(|health| health.status) {
        Ok(StatusCode::OK) => "/healthz answers, too",
        Ok(StatusCode::NOT_FOUND) => "/healthz is not shown there, as by public_listen",
        _ => "/healthz was not told",
    };
    let Some(certificate) = certificate else {
        return Ok((Finding::ok(format!("{host} is {}. {is_this}; {health}.", addresses.join(", "))), offset));
    };
    let days = certificate.days_left(now);
    let what = format!(
        "{host} is {}. Its certificate is believed: for {}, by {}, until {} ({days} days). {is_this}; {health}.",
        addresses.join(", "),
        certificate.names,
        certificate.issued_by,
        shown_time(certificate.until)
    );
    let finding = if days <= WARN_DAYS { Finding::warn(what, "Renew the certificate.") } else { Finding::ok(what) };
    Ok((finding, offset))
}

async fn within<T>(reach: &Reach, asked: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(reach.patience, asked).await.unwrap_or_else(|_| Err(reach.silence()))
}

/// Whether it is this server that answers.
fn identity(
    issuer: &str,
    answer: &Answer<Discovery>,
    keys: Option<&JwkSet>,
    known: Option<&Known>,
) -> Result<&'static str, Finding> {
    let Some(discovery) = &answer.body else {
        let what = format!("Something else than Gatematch answers at {issuer} (status {}).", answer.status.as_u16());
        return Err(Finding::fail(what, "Lead the name, or the proxy before it, to public_listen (docs/https.md)."));
    };
    if discovery.issuer != issuer {
        let what = format!("The Gatematch that answers there calls itself {}, and not {issuer}.", discovery.issuer);
        return Err(Finding::fail(what, "Set issuer to the one address, letter for letter, and restart the server."));
    }
    let ours = known.map(|known| known.token_keys.as_slice()).unwrap_or_default();
    let (Some(keys), false) = (keys, ours.is_empty()) else {
        return Ok("A Gatematch of this name answers there; its keys were not compared");
    };
    let is_ours = |kid: &String| ours.contains(kid);
    if !kids(keys).iter().any(is_ours) {
        let what = "A Gatematch answers there whose keys are not those of this database: it is another one.";
        return Err(Finding::fail(what, "Lead the name, or the proxy before it, to this server."));
    }
    Ok("This server answers there, by its name and its keys")
}

fn kids(keys: &JwkSet) -> Vec<String> {
    keys.keys.iter().map(|key| key.kid.clone()).collect()
}

/// What it means that it was not reached; the certificate tells who stands there.
fn unreached(issuer: &str, host: &str, why: &str, certificate: Option<&Shown>) -> Finding {
    let (Some(certificate), Some(reason)) = (certificate, disbelief(why)) else {
        let what = format!("It is not reached as phones would: {why}.");
        let todo = format!(
            "Open the port to {host}. If only this machine is kept from it (a firewall that does not turn packets round), look from outside: curl -sS {issuer}/.well-known/gatematch"
        );
        return Finding::fail(what, todo);
    };
    let what = format!("Phones would not believe its certificate: {reason}.");
    let Shown { names, issued_by, until, .. } = certificate;
    let what = format!("{what} The certificate there is for {names}, by {issued_by}, until {}.", shown_time(*until));
    let todo = match certificate.covers(issuer) {
        false => "Give the server, or the proxy before it, a certificate for this name.",
        true if certificate.is_root => "It certifies itself, and no phone trusts it: get one of a public authority.",
        true => "Renew it, or send the full chain; phones trust public authorities alone (docs/https.md).",
    };
    Finding::fail(what, todo)
}
