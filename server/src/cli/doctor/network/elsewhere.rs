//! What begins on other machines, and how it is looked at from there.

use url::Url;

use super::super::finding::{Finding, Way};
use super::{HERE, place};
use crate::listen::plan::is_near;
use crate::settings::Settings;

/// Phones and PCs.
pub(super) fn of_people(settings: &Settings) -> Vec<Way> {
    let issuer = settings.issuer.as_ref().filter(|issuer| issuer.starts_with("https:"));
    let Some((issuer, (host, port))) = issuer.and_then(|issuer| Some((issuer, place(&Url::parse(issuer).ok()?)?)))
    else {
        return Vec::new();
    };
    let from_outside = "How it looks from outside cannot be told from here.";
    let row = |from: &str, to: &str, port: String, why: &str, todo: String| Way {
        from: from.to_owned(),
        to: to.to_owned(),
        port,
        why: why.to_owned(),
        finding: Finding::elsewhere(from_outside, todo),
    };
    vec![
        row(
            "phones",
            &host,
            format!("{port}/tcp"),
            "enroll, fetch, answer",
            format!("On a phone without Wi-Fi, open {issuer}/app in the browser: it opens without a warning."),
        ),
        row(
            "people's PCs",
            &host,
            format!("{port}/tcp"),
            "the connect page",
            format!("On a PC, in PowerShell: Test-NetConnection {host} -Port {port} says TcpTestSucceeded : True."),
        ),
        row(
            "phones in Wi-Fi",
            "Apple, Google",
            "5223, 5228/tcp".to_owned(),
            "to be rung",
            "Only where your Wi-Fi closes ports (Apple: TCP 5223; Google: TCP 5228 to 5230): a phone in it rings for other apps, or it does not.".to_owned(),
        ),
    ]
}

/// Gateways over HTTP and administrators' tools, where they can come from other machines.
pub(super) fn of_tools(settings: &Settings) -> Option<Way> {
    let listen = settings.listen;
    (!is_near(listen)).then(|| Way {
        from: "gateways, tools".to_owned(),
        to: HERE.to_owned(),
        port: format!("{}/tcp", listen.port()),
        why: "HTTP API".to_owned(),
        finding: Finding::elsewhere(
            "Who reaches it cannot be told from here.",
            format!("On the gateway, in PowerShell: Test-NetConnection THIS-MACHINE -Port {}; from the internet the same must fail.", listen.port()),
        ),
    })
}
