//! `gatematch-sim push`, and what `--push` does elsewhere.

use std::process::ExitCode;
use std::time::Duration;

use gatematch_client_sim::edge;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::push::plaintext::Plaintext;
use gatematch_client_sim::push::service::{Attempt, Misbehaviour, Outcome, PushService};
use gatematch_client_sim::push::subscriber::{Subscribed, Subscriber};
use gatematch_protocol::discovery::Discovery;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::arguments::PushServe;
use super::fault::Fault;
use super::misbehave;
use super::say::{Say, Tone, plain};

/// How long to wait for an attempt before the next look; nothing depends on it.
const LOOK: Duration = Duration::from_secs(3_600);

/// A new subscription at `service` for the server that `server` reaches.
pub(crate) async fn subscribe(service: &Subscriber, server: &Api) -> Result<Subscribed, Failure> {
    let Discovery { vapid_public_key, .. } = server.get("/.well-known/gatematch").await?;
    service.subscribe(Some(&vapid_public_key)).await
}

pub(crate) async fn serve(arguments: &PushServe, wrong: Option<&str>, say: &Say) -> Result<ExitCode, Fault> {
    let misbehaviour: Option<Misbehaviour> = wrong.map(misbehave::find_push).transpose()?;
    let service = PushService::start(arguments.listen, edge::system_clock()).await?;
    say.value(&json!({"event": "listening", "url": service.origin()}))?;
    say.line(&format!("The push service is {}. Ctrl-C ends it.", say.toned(Tone::Bold, service.origin())))?;
    say.line(&format!("The server must be started with GATEMATCH_PUSH_ALLOWED_HOSTS={}", service.host()))?;
    if let Some(misbehaviour) = &misbehaviour {
        say.line(&say.toned(Tone::Bad, &format!("It misbehaves: {misbehaviour}.")))?;
    }
    service.misbehave(misbehaviour);
    let mut seen = 0;
    loop {
        tokio::select! {
            attempt = service.attempt_after(seen, LOOK) => if let Some(attempt) = attempt {
                seen = attempt.seq;
                told(&attempt, say)?;
            },
            _ = tokio::signal::ctrl_c() => {
                service.stop().await;
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

fn told(attempt: &Attempt, say: &Say) -> Result<(), Fault> {
    let plaintext = attempt.plaintext.as_deref();
    let parsed: Option<Value> = plaintext.and_then(|text| serde_json::from_slice(text).ok());
    let outcome = match &attempt.outcome {
        Outcome::Accepted => json!({"status": 201}),
        Outcome::Refused(status, why) => json!({"status": status, "why": why}),
        Outcome::Misbehaved(word) => json!({"misbehaviour": word}),
    };
    say.value(&json!({
        "event": "push", "seq": attempt.seq, "at": Timestamp::from_numeric_date(attempt.at),
        "subscription": attempt.subscription, "ttl": attempt.header("ttl"), "urgency": attempt.header("urgency"),
        "topic": attempt.header("topic"), "sealed_bytes": attempt.sealed_bytes, "plaintext": parsed, "outcome": outcome,
    }))?;
    say.line(&line(attempt, say))
}

/// One attempt in one line.
fn line(attempt: &Attempt, say: &Say) -> String {
    let kind = match attempt.plaintext.as_deref().map(Plaintext::read) {
        Some(Ok(plaintext)) => plaintext.kind(),
        Some(Err(_)) => "another message",
        None => "not opened",
    };
    let (tone, outcome) = match &attempt.outcome {
        Outcome::Accepted => (Tone::Good, "taken".to_owned()),
        Outcome::Refused(status, why) => (Tone::Bad, format!("refused, {status}: {why}")),
        Outcome::Misbehaved(word) => (Tone::Bad, format!("misbehaved: {word}")),
    };
    let header = |name| plain(attempt.header(name).unwrap_or("none"));
    let subscription: String = plain(&attempt.subscription).chars().take(8).collect();
    format!(
        "{}  {subscription}  {kind}, {} bytes, TTL {}, urgency {}, topic {}: {}",
        Timestamp::from_numeric_date(attempt.at),
        attempt.sealed_bytes,
        header("ttl"),
        header("urgency"),
        header("topic"),
        say.toned(tone, &outcome)
    )
}
