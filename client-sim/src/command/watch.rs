//! `gatematch-sim watch`: waits for sign-ins and asks for the number.

mod bell;

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::phone::Phone;
use gatematch_client_sim::push::subscriber::Subscriber;
use gatematch_protocol::challenge::{ChallengeClaims, WaitingChallenge};
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::notice::NoticeClaims;
use gatematch_protocol::response::{Decision, UserVerification};
use serde_json::json;
use tokio::sync::mpsc;

use super::challenge::{sentence, short, told};
use super::fault::Fault;
use super::listen;
use super::phones::Phones;
use super::say::{Say, Tone, plain};

/// How long the server holds an empty answer, in seconds.
const WAIT: u32 = 50;
/// While something waits that was shown already, the server answers at once: ask less often then.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

struct Arrival {
    phone: Arc<Phone>,
    what: What,
}

/// What a phone was told.
enum What {
    SignIn(WaitingChallenge),
    CalledOff(ChallengeId),
    Notice(Box<NoticeClaims>),
}

/// What the person typed.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Number(String),
    Approve,
    Deny,
    Report,
    Skip,
    Unclear,
}

pub(crate) async fn run(
    phones: &Phones,
    uv: UserVerification,
    push: Option<&str>,
    say: &Say,
) -> Result<ExitCode, Fault> {
    let service = push.map(Api::new).transpose()?.map(Subscriber::new);
    let phones: Vec<_> = phones.all()?.into_iter().map(Arc::new).collect();
    let (sender, mut arrivals) = mpsc::channel(16);
    let mut pollers = tokio::task::JoinSet::new();
    for phone in phones {
        match &service {
            Some(service) => pollers.spawn(bell::ring(phone, service.clone(), sender.clone(), *say)),
            None => pollers.spawn(poll(phone, sender.clone(), *say)),
        };
    }
    drop(sender);
    let mut prompting = !say.is_json() && io::stdin().is_terminal();
    say.line("Waiting for sign-ins. Ctrl-C ends it.")?;
    loop {
        tokio::select! {
            arrival = arrivals.recv() => match arrival {
                Some(arrival) => prompting = heard(&arrival, uv, prompting, say).await?,
                None => break,
            },
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        }
    }
    // All pollers are gone: each has ended for a reason.
    match pollers.join_next().await {
        Some(Ok(Err(failure))) => Err(failure.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Hands on what is new, until the server says that this phone is none of its own.
async fn poll(phone: Arc<Phone>, arrivals: mpsc::Sender<Arrival>, say: Say) -> Result<(), Failure> {
    let mut seen: HashSet<ChallengeId> = HashSet::new();
    let mut pause = PAUSE;
    loop {
        match phone.waiting(WAIT).await {
            Ok(items) => {
                pause = PAUSE;
                let ids: HashSet<_> = items.iter().map(|item| item.id).collect();
                seen.retain(|id| ids.contains(id));
                if !items.is_empty() && ids == seen {
                    tokio::time::sleep(PAUSE).await;
                }
                for item in items.into_iter().filter(|item| seen.insert(item.id)) {
                    let arrival = Arrival { phone: Arc::clone(&phone), what: What::SignIn(item) };
                    if arrivals.send(arrival).await.is_err() {
                        return Ok(());
                    }
                }
            }
            Err(failure) if is_final(&failure) => return Err(failure),
            Err(failure) => {
                say.note(&format!("{failure}; trying again in {} s", pause.as_secs()));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// The server says that it has nothing for this phone, and will not have later.
fn is_final(failure: &Failure) -> bool {
    failure.status().is_some_and(|status| (400..429).contains(&status))
}

/// Tells what has come. Says whether to go on asking.
async fn heard(arrival: &Arrival, uv: UserVerification, prompting: bool, say: &Say) -> Result<bool, Fault> {
    let issuer = arrival.phone.issuer();
    match &arrival.what {
        What::SignIn(item) => return shown(&arrival.phone, item, uv, prompting, say).await,
        What::CalledOff(id) => {
            say.value(&json!({"id": id, "issuer": issuer, "called_off": true}))?;
            say.line(&say.toned(Tone::Quiet, &format!("The sign-in {} was called off.", short(&id.to_string()))))?;
        }
        What::Notice(claims) => {
            say.value(&json!({"issuer": issuer, "notice": claims}))?;
            let gateway =
                claims.gateway.as_deref().map(|gateway| format!(" at {}", plain(gateway))).unwrap_or_default();
            let text = match claims.kind.as_str() {
                "no-page" => format!("A sign-in{gateway} was refused: the connect page was not open."),
                _ => format!("Something happened to your account{gateway}."),
            };
            say.line(&say.toned(Tone::Bold, &text))?;
        }
    }
    Ok(prompting)
}

/// Shows a sign-in, and asks for the number where somebody is there to type it. Says whether to go on asking.
async fn shown(
    phone: &Phone,
    item: &WaitingChallenge,
    uv: UserVerification,
    prompting: bool,
    say: &Say,
) -> Result<bool, Fault> {
    let claims = match phone.read(&item.challenge).await {
        Ok(claims) => claims,
        Err(failure) => {
            say.fault(&failure.into());
            return Ok(prompting);
        }
    };
    say.value(&json!({"id": item.id, "issuer": phone.issuer(), "claims": claims}))?;
    say.line("")?;
    say.line(&say.toned(Tone::Bold, &sentence(&claims)))?;
    let id = item.id.to_string();
    say.line(
        &say.toned(Tone::Quiet, &format!("{}, {} s left", short(&id), claims.exp.saturating_sub(phone.now()).max(0))),
    )?;
    if !prompting {
        return Ok(false);
    }
    let Some(typed) = ask(&claims, say).await? else {
        return Ok(false);
    };
    let (decision, number) = match typed {
        Typed::Number(number) => (Decision::Approve, Some(number)),
        Typed::Approve => (Decision::Approve, None),
        Typed::Deny => (Decision::Deny, None),
        Typed::Report => (Decision::Report, None),
        Typed::Skip | Typed::Unclear => return Ok(true),
    };
    match phone.respond(&item.challenge, decision, number.as_deref(), Some(uv)).await {
        Ok(outcome) => told(decision, &outcome, say).map(|_| true),
        Err(failure) => {
            say.fault(&failure.into());
            Ok(true)
        }
    }
}

/// What the person wants; `None` once nobody types any more.
async fn ask(claims: &ChallengeClaims, say: &Say) -> Result<Option<Typed>, Fault> {
    let digits = claims.matching.map(|matching| matching.digits);
    loop {
        match digits {
            Some(_) => say.ask("Type the number you see; d to deny; r if it was not you; Enter to leave it:")?,
            None => say.ask("a to approve; d to deny; r if it was not you; Enter to leave it:")?,
        }
        let Some(line) = listen::line().await? else {
            return Ok(None);
        };
        match (typed(&line, digits), digits) {
            (Typed::Unclear, Some(digits)) => say.line(&format!("The number has {digits} digits."))?,
            (Typed::Unclear, None) => {}
            (clear, _) => return Ok(Some(clear)),
        }
    }
}

fn typed(line: &str, digits: Option<u8>) -> Typed {
    let word: String = line.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let is_number = |digits: u8| word.len() == usize::from(digits) && word.bytes().all(|byte| byte.is_ascii_digit());
    match (word.as_str(), digits) {
        ("", _) => Typed::Skip,
        ("d" | "deny", _) => Typed::Deny,
        ("r" | "report", _) => Typed::Report,
        ("a" | "approve", None) => Typed::Approve,
        (_, Some(digits)) if is_number(digits) => Typed::Number(word),
        _ => Typed::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approval_needs_the_whole_number() {
        for (line, digits, meant) in [
            ("047\n", Some(3), Typed::Number("047".to_owned())),
            ("047 123\n", Some(6), Typed::Number("047123".to_owned())),
            ("47\n", Some(3), Typed::Unclear),
            ("a\n", Some(3), Typed::Unclear),
            ("a\n", None, Typed::Approve),
            ("047\n", None, Typed::Unclear),
            ("D\n", Some(3), Typed::Deny),
            ("r\n", None, Typed::Report),
            ("\n", Some(3), Typed::Skip),
        ] {
            assert_eq!(typed(line, digits), meant, "{line:?}");
        }
    }
}
