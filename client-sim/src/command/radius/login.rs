//! `gatematch-sim radius login`: plays RD Gateway's NPS.

use std::process::ExitCode;
use std::time::Instant;

use gatematch_client_sim::radius::packet::MAX_VALUE;
use gatematch_client_sim::radius::{AccessRequest, Answer, RadiusClient, Silence, Unsound};
use serde_json::json;

use super::super::REFUSED;
use super::super::arguments::{RadiusLogin, Style};
use super::super::fault::Fault;
use super::super::listen;
use super::super::say::{Say, Tone, plain};

pub(super) async fn run(arguments: &RadiusLogin, say: &Say) -> Result<ExitCode, Fault> {
    check(arguments, say)?;
    let client = arguments.front_door.client().await?;
    let request = asked(arguments);
    let request = match &arguments.password {
        Some(password) => request.password(password),
        None => request,
    };
    let answer = exchange(arguments, &client, &request, say).await?;
    let answer = match answer {
        Ok(challenge) if challenge.is_challenge() && arguments.style == Style::Challenge => {
            again(arguments, &client, &challenge, say).await?
        }
        other => other,
    };
    told(arguments, &answer, say)
}

/// Nothing is cut off in silence, and a script is not asked for Enter.
fn check(arguments: &RadiusLogin, say: &Say) -> Result<(), Fault> {
    let long = [&arguments.user, &arguments.machine].into_iter().find(|text| text.len() > MAX_VALUE - 6);
    if let Some(long) = long {
        let what = format!("RADIUS cannot carry a name of {} bytes.", long.len());
        return Err(Fault::usage(what, format!("The longest has {} bytes.", MAX_VALUE - 6)));
    }
    if say.is_json() && arguments.style == Style::Challenge && arguments.answer.is_none() {
        return Err(Fault::usage("With --json, nobody can press Enter.", "Give --answer TEXT, which may be empty."));
    }
    Ok(())
}

fn asked(arguments: &RadiusLogin) -> AccessRequest {
    let request = AccessRequest::rd_gateway(&arguments.user).machine(&arguments.machine);
    match &arguments.calling_station_id {
        Some(address) => request.calling_station_id(address),
        None => request,
    }
}

/// Sends a request and tells what happens on the way.
async fn exchange(
    arguments: &RadiusLogin,
    client: &RadiusClient,
    request: &AccessRequest,
    say: &Say,
) -> Result<Result<Answer, Silence>, Fault> {
    let prepared = client.request(request);
    let (user, machine) = (plain(&arguments.user), plain(&arguments.machine));
    let length = prepared.bytes.len();
    let began = Instant::now();
    let mut unsaid = Ok(());
    let answer = client.exchange_watched(&prepared, arguments.patience.timing(), |copy| {
        let seconds = began.elapsed().as_secs_f64();
        let line = if copy == 1 {
            let id = prepared.identifier;
            format!("{seconds:>7.1} s  The gateway asks for {user} at {machine}: Access-Request {id}, {length} bytes.")
        } else {
            format!("{seconds:>7.1} s  No answer yet: the gateway sends the same bytes again (copy {copy}).")
        };
        let value = json!({"event": "sent", "copy": copy, "identifier": prepared.identifier, "bytes": length});
        unsaid = say.value(&value).and(say.line(&line));
    });
    let answer = answer.await;
    unsaid?;
    let seconds = began.elapsed().as_secs_f64();
    match &answer {
        Ok(answer) => {
            say.value(&json!({
                "event": "answer", "code": answer.code, "name": answer.name(), "seconds": seconds,
                "reply_message": answer.reply_message(), "has_state": answer.state().is_some(),
            }))?;
            say.line(&format!(
                "{seconds:>7.1} s  The server answers: {}, {} bytes.",
                answer.name(),
                answer.bytes.len()
            ))?;
            if let Some(message) = answer.reply_message() {
                say.line(&format!("           It says: {}", say.toned(Tone::Bold, &plain(&message))))?;
            }
        }
        Err(silence) => {
            let cause = silence.to_string();
            say.value(&json!({"event": "silence", "copies": silence.copies, "seconds": seconds, "cause": cause}))?;
            say.line(&format!("{seconds:>7.1} s  The gateway gives up: {cause}."))?;
        }
    }
    Ok(answer)
}

/// Shows what the challenge says (that is done), waits for the person, and asks again with its State.
async fn again(
    arguments: &RadiusLogin,
    client: &RadiusClient,
    challenge: &Answer,
    say: &Say,
) -> Result<Result<Answer, Silence>, Fault> {
    let typed = match &arguments.answer {
        Some(answer) => answer.clone(),
        None => {
            say.ask("           Press Enter when it is done (or type a code, then Enter):")?;
            let line = listen::line().await?.unwrap_or_default();
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    let request = asked(arguments).password(&typed);
    let request = match challenge.state() {
        Some(state) => request.state(state),
        None => request,
    };
    exchange(arguments, client, &request, say).await
}

fn told(arguments: &RadiusLogin, answer: &Result<Answer, Silence>, say: &Say) -> Result<ExitCode, Fault> {
    let user = plain(&arguments.user);
    let bad = |text: &str| say.line(&say.toned(Tone::Bad, text));
    match answer {
        Ok(answer) if answer.is_accept() => {
            say.line(&format!("{} The gateway opens the desktop for {user}.", say.toned(Tone::Good, "Let in.")))?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(answer) if answer.is_challenge() && arguments.style == Style::Hold => {
            bad("Not let in: RD Gateway cannot answer an Access-Challenge. The client needs style = \"hold\".")?;
        }
        Ok(answer) if answer.is_reject() => bad("Not let in. Nothing was opened.")?,
        Ok(answer) => bad(&format!("Not let in: {} is no answer that the gateway can use.", answer.name()))?,
        Err(Silence { unsound: Some(Unsound::Unsigned), .. }) => {
            bad("Not let in: an answer that nobody has signed is not believed. --allow-unsigned believes it.")?;
        }
        Err(_) => {
            bad(
                "Not let in. Check the address, the secret, and that the server knows this client; its log says more.",
            )?;
        }
    }
    Ok(ExitCode::from(REFUSED))
}
