//! `gatematch-sim radius login`: plays RD Gateway's NPS.

use std::process::ExitCode;
use std::time::Instant;

use gatematch_client_sim::radius::packet::MAX_VALUE;
use gatematch_client_sim::radius::{AccessRequest, Answer, RadiusClient, Silence, Unsound};
use gatematch_protocol::secret::Secret;
use serde_json::json;

use super::super::REFUSED;
use super::super::arguments::{RadiusLogin, Style};
use super::super::fault::Fault;
use super::super::listen;
use super::super::say::{Say, Tone, plain};

pub(super) async fn run(arguments: &RadiusLogin, say: &Say) -> Result<ExitCode, Fault> {
    check(arguments, say)?;
    let client = arguments.front_door.client().await?;
    let request = match (&arguments.password, code(arguments)?) {
        (Some(password), Some(code)) => asked(arguments).password_and_code(password, code.reveal()),
        (None, Some(code)) => asked(arguments).password(code.reveal()),
        (Some(password), None) => asked(arguments).password(password),
        (None, None) => asked(arguments),
    };
    let mut answer = exchange(arguments, &client, &request, say).await?;
    while let Ok(challenge) = &answer {
        if !challenge.is_challenge() || arguments.style != Style::Challenge {
            break;
        }
        answer = again(arguments, &client, challenge, say).await?;
        // What was given beforehand is given once; whoever types may try again.
        if arguments.in_place.is_given() || arguments.answer.is_some() {
            break;
        }
    }
    told(arguments, &answer, say)
}

/// What goes into the password field at once, beside the password.
fn code(arguments: &RadiusLogin) -> Result<Option<Secret>, Fault> {
    if arguments.style == Style::Passcode { arguments.in_place.code() } else { Ok(None) }
}

/// Nothing is cut off in silence, and a script is not asked for Enter.
fn check(arguments: &RadiusLogin, say: &Say) -> Result<(), Fault> {
    let long = [&arguments.user, &arguments.machine].into_iter().find(|text| text.len() > MAX_VALUE - 6);
    if let Some(long) = long {
        let what = format!("RADIUS cannot carry a name of {} bytes.", long.len());
        return Err(Fault::usage(what, format!("The longest has {} bytes.", MAX_VALUE - 6)));
    }
    let has_code = arguments.in_place.is_given();
    if has_code && arguments.style == Style::Hold {
        let todo = "Say what the client can do: --style challenge, or --style passcode.";
        return Err(Fault::usage("With --style hold, there is no place for a code.", todo));
    }
    if !has_code && arguments.style == Style::Passcode {
        return Err(Fault::usage("With --style passcode, there must be a code.", "Give --passcode CODE."));
    }
    if say.is_json() && arguments.style == Style::Challenge && arguments.answer.is_none() && !has_code {
        return Err(Fault::usage(
            "With --json, nobody can press Enter.",
            "Give --answer TEXT, which may be empty, or --passcode CODE.",
        ));
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
    let given = arguments.in_place.code()?.or_else(|| arguments.answer.as_deref().map(Secret::new));
    let typed = match given {
        Some(given) => given,
        None => {
            say.ask("           Press Enter when it is done (or type a code, then Enter):")?;
            let line = listen::line().await?.unwrap_or_default();
            Secret::new(line.trim_end_matches(['\r', '\n']))
        }
    };
    exchange(arguments, client, &asked(arguments).answering(challenge, typed.reveal()), say).await
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
        Ok(answer) if answer.is_challenge() && arguments.style == Style::Challenge => {
            bad("Not let in: that was not what the server waits for, and it asks once more.")?;
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
