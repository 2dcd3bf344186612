//! What the program tells of its RADIUS front door, which this library does not know, and what is weak in it.

use std::net::SocketAddr;
use std::time::Duration;

use gatematch_protocol::secret::Secret;

use super::database::Known;
use super::finding::{Finding, Row};
use crate::edge::{Edge, Pending};

pub(super) const PART: &str = "front door";
/// RFC 2865, section 3: a shared secret should be at least 16 octets.
const LEAST_LENGTH: usize = 16;
/// With fewer different characters it is a pattern, or a word typed again and again.
const LEAST_DIFFERENT: usize = 8;
/// What secrets are made of by those who mean to change them later.
const WORDS: [&str; 9] =
    ["secret", "password", "testing", "radius", "gatematch", "changeme", "qwerty", "12345678", "abcdefgh"];

/// The settings of the RADIUS front door, as far as somebody else needs to know them.
pub struct FrontDoor {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it asks the server in the same process.
    pub is_beside: bool,
    /// What there is to say about its settings.
    pub warnings: Vec<String>,
    /// Who may ask.
    pub clients: Vec<RadiusClient>,
    /// Who checks the first factor.
    pub upstreams: Vec<RadiusServer>,
    /// What it shares with this machine itself, where a client stands for it.
    pub own_secret: Option<Secret>,
    /// Asks whoever listens somewhere for a sign that he is there, with this secret, and waits so long.
    pub ask: fn(SocketAddr, Secret, Duration, Edge) -> Pending<'static, Sign>,
}

/// Who may ask the front door.
pub struct RadiusClient {
    /// What it is called.
    pub name: String,
    /// Where it asks from.
    pub network: String,
    /// What is shared with it.
    pub secret: Secret,
    /// The key of its gateway.
    pub gateway_key: Secret,
}

/// A RADIUS server that the front door asks.
pub struct RadiusServer {
    /// What it is called.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What is shared with it.
    pub secret: Secret,
    /// Whether it answers when it is asked for a sign.
    pub gives_signs: bool,
}

/// What somebody who listens for RADIUS says when he is asked for a sign (Status-Server, RFC 5997).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// He is there, and knows the secret.
    Answered,
    /// Something answers that does not prove that it knows the secret.
    Unauthentic,
    /// Nothing came.
    Silence,
}

pub(super) fn rows(door: &FrontDoor, known: Option<&Known>) -> Vec<Row> {
    let names: Vec<_> = door.clients.iter().map(|client| client.name.as_str()).collect();
    let mut findings = vec![Finding::ok(format!("[radius] can be used; it is for {}.", names.join(", ")))];
    findings.extend(door.warnings.iter().map(|warning| Finding::warn(warning, "")));
    let shared = door.clients.iter().map(|client| ("client", client.name.as_str(), &client.secret));
    let shared = shared.chain(door.upstreams.iter().map(|one| ("upstream", one.name.as_str(), &one.secret)));
    let shared: Vec<_> = shared.collect();
    for (index, (kind, name, secret)) in shared.iter().enumerate() {
        let twin = shared.iter().take(index).find(|(.., other)| other.reveal() == secret.reveal());
        let twin = twin.map(|(kind, name, _)| format!("is that of radius.{kind}.{name} as well"));
        if let Some(why) = weakness(secret, name).or(twin) {
            let what = format!("radius.{kind}.{name}: the secret {why}.");
            findings.push(Finding::warn(what, "Use 22 or more random characters: openssl rand -base64 24"));
        }
    }
    if let Some(known) = known.filter(|_| door.is_beside) {
        findings.extend(door.clients.iter().filter_map(|client| stranger(client, known)));
    }
    findings.into_iter().map(|finding| Row::new(PART, finding)).collect()
}

/// A gateway key that the server does not know: each sign-in there would be refused.
fn stranger(client: &RadiusClient, known: &Known) -> Option<Finding> {
    let digest = client.gateway_key.digest();
    let what = || format!("radius.client.{}: the gateway key is none of this server's.", client.name);
    let todo = "Make one, and write it there: gatematch gateway add NAME --application APP --json";
    (!known.gateways.contains(&digest)).then(|| Finding::fail(what(), todo))
}

/// Why a secret can be guessed. That it is short stands among the warnings of the settings.
fn weakness(secret: &Secret, name: &str) -> Option<String> {
    let text = secret.reveal().to_lowercase();
    let mut different: Vec<_> = text.chars().collect();
    different.sort_unstable();
    different.dedup();
    let name = name.to_lowercase();
    if text.chars().count() < LEAST_LENGTH {
        return None;
    }
    if WORDS.into_iter().any(|word| text.contains(word)) {
        // Which one is not told: what is printed may be shown to somebody.
        return Some("has a common word in it, and can be guessed".to_owned());
    }
    if name.len() >= 4 && text.contains(&name) {
        return Some("has the client's name in it, and can be guessed".to_owned());
    }
    (different.len() < LEAST_DIFFERENT).then(|| "has few different characters, and can be guessed".to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::finding::Verdict;
    use super::*;

    /// A front door that nobody answers at.
    pub(in super::super) fn door(secrets: &[(&str, &str)]) -> FrontDoor {
        let client = |(name, secret): &(&str, &str)| RadiusClient {
            name: (*name).to_owned(),
            network: "192.0.2.0/24".to_owned(),
            secret: Secret::new(*secret),
            gateway_key: Secret::new(format!("gmg_{name}")),
        };
        FrontDoor {
            listen: "127.0.0.1:0".parse().unwrap(),
            is_beside: true,
            warnings: Vec::new(),
            clients: secrets.iter().map(client).collect(),
            upstreams: Vec::new(),
            own_secret: None,
            ask: |_, _, _, _| Box::pin(async { Sign::Silence }),
        }
    }

    #[test]
    fn weak_secrets_are_told_and_none_is_shown() {
        for (secret, is_weak) in [
            ("kLx0vR7mQe2sTb9wYc4h", false),
            ("MySecret-kLx0vR7mQe2s", true),
            ("testing123testing123", true),
            ("aaaabbbbaaaabbbbaaaa", true),
            ("rdg01-kLx0vR7mQe2sTb", true),
        ] {
            let found = rows(&door(&[("rdg01", secret)]), None);
            let warned = found.iter().filter(|row| row.finding.verdict == Verdict::Warn).count();
            assert_eq!(warned == 1, is_weak, "{secret}: {found:?}");
            assert!(!format!("{found:?}").contains(secret));
        }
        let same = "kLx0vR7mQe2sTb9wYc4h";
        let found = rows(&door(&[("one", same), ("two", same)]), None);
        assert!(
            found.last().unwrap().finding.what.contains("radius.client.two: the secret is that of radius.client.one")
        );
    }

    #[test]
    fn a_gateway_key_that_the_server_does_not_know_fails() {
        let door = door(&[("one", "kLx0vR7mQe2sTb9wYc4h")]);
        let digest = Secret::new("gmg_one").digest();
        let known = Known { gateways: vec![digest], ..Known::default() };
        assert!(rows(&door, Some(&known)).iter().all(|row| row.finding.verdict == Verdict::Ok));
        let found = rows(&door, Some(&Known::default()));
        assert_eq!(found.last().unwrap().finding.verdict, Verdict::Fail);
    }
}
