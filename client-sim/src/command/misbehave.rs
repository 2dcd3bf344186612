//! `--misbehave` and `--list-misbehaviours`.

use std::process::ExitCode;

use gatematch_client_sim::misbehave::{self, ALL, Misbehaviour, Needs, Scene, radius};
use gatematch_client_sim::push::service::{self as push, WORDS};
use serde_json::{Value, json};

use super::REFUSED;
use super::fault::Fault;
use super::say::{Say, Tone, plain, table};

/// Where the words of the push service go.
const PUSH_COMMAND: &str = "push serve";
/// The server answers nothing to a push service; the phone fetches.
const PUSH_EXPECT: &str = "the login goes on";
/// How much of an answer is shown.
const SHOWN_CHARACTERS: usize = 2_000;

pub(crate) fn find(name: &str) -> Result<&'static Misbehaviour, Fault> {
    misbehave::find(name).ok_or_else(|| match radius::find(name) {
        Some(misbehaviour) => only_at_radius_login(misbehaviour),
        None => unknown(name),
    })
}

/// The misbehaviour over RADIUS with this name.
pub(crate) fn find_radius(name: &str) -> Result<&'static radius::Misbehaviour, Fault> {
    radius::find(name).ok_or_else(|| match misbehave::find(name) {
        Some(misbehaviour) => elsewhere(misbehaviour.name, command(misbehaviour.needs)),
        None => unknown(name),
    })
}

/// What the push service does wrong at this word.
pub(crate) fn find_push(word: &str) -> Result<push::Misbehaviour, Fault> {
    word.parse().map_err(|unknown: push::UnknownWord| {
        Fault::usage(format!("{unknown}."), "The words are in: gatematch-sim push serve --help")
    })
}

/// A misbehaviour over RADIUS that was asked of another command.
pub(crate) fn only_at_radius_login(misbehaviour: &radius::Misbehaviour) -> Fault {
    elsewhere(misbehaviour.name, radius_command(misbehaviour.needs))
}

fn unknown(name: &str) -> Fault {
    if name.parse::<push::Misbehaviour>().is_ok() {
        return elsewhere(name, PUSH_COMMAND);
    }
    Fault::usage(format!("There is no misbehaviour {name:?}."), "See: gatematch-sim --list-misbehaviours")
}

fn elsewhere(name: &str, command: &str) -> Fault {
    Fault::usage(
        format!("The misbehaviour {name} does not go with this command."),
        format!("Use: gatematch-sim {command} --misbehave {name}"),
    )
}

/// Refuses `--misbehave` where there is nothing to do wrong.
pub(crate) fn none(misbehaviour: Option<&Misbehaviour>) -> Result<(), Fault> {
    match misbehaviour {
        None => Ok(()),
        Some(misbehaviour) => must_need(misbehaviour, &[]),
    }
}

/// Refuses a misbehaviour that goes with another command.
pub(crate) fn must_need(misbehaviour: &Misbehaviour, needs: &[Needs]) -> Result<(), Fault> {
    if needs.contains(&misbehaviour.needs) {
        return Ok(());
    }
    Err(elsewhere(misbehaviour.name, command(misbehaviour.needs)))
}

const fn command(needs: Needs) -> &'static str {
    match needs {
        Needs::Phone => "list",
        Needs::Challenge => "approve ID --number N",
        Needs::Enrollment | Needs::SecondEnrollment => "enroll LINK",
        Needs::Gateway | Needs::Login => "gateway login ...",
        Needs::OtherGateway => "gateway login --other-key KEY ...",
        Needs::Confirming => "phones app",
        Needs::Helpdesk => "helpdesk --user NAME ...",
    }
}

const fn radius_command(needs: radius::Needs) -> &'static str {
    match needs {
        radius::Needs::FrontDoor | radius::Needs::Decision => "radius login ...",
        radius::Needs::Challenge => "radius login --style challenge ...",
    }
}

pub(crate) fn list(say: &Say) -> Result<ExitCode, Fault> {
    let mut rows =
        vec![["NAME", "CASE", "THE SERVER ANSWERS", "GOES WITH", "WHAT IS DONE"].map(str::to_owned).to_vec()];
    let over_http =
        ALL.iter().map(|entry| (entry.name, entry.case, entry.expect.to_string(), command(entry.needs), entry.what));
    let over_radius = radius::ALL
        .iter()
        .map(|entry| (entry.name, entry.case, entry.expect.to_string(), radius_command(entry.needs), entry.what));
    let of_push =
        WORDS.iter().map(|(word, what)| (*word, push_case(word), PUSH_EXPECT.to_owned(), PUSH_COMMAND, *what));
    for (name, case, expect, command, what) in over_http.chain(over_radius).chain(of_push) {
        say.value(&json!({"name": name, "case": case, "expect": expect, "command": command, "what": what}))?;
        rows.push([name, case, &expect, command, what].map(str::to_owned).to_vec());
    }
    for line in table(&rows) {
        say.line(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The security case that a word of the push service belongs to.
fn push_case(word: &str) -> &'static str {
    match word {
        "redirect:URL" => "PU-01",
        "duplicate" | "late" | "reorder" => "PU-04",
        _ => "PU-02",
    }
}

/// Does it, and says whether the server took it as the contract says.
pub(crate) async fn carry_out(misbehaviour: &Misbehaviour, scene: &Scene<'_>, say: &Say) -> Result<ExitCode, Fault> {
    say.line(&format!("Sending: {} ({}).", misbehaviour.what, misbehaviour.case))?;
    let answer = misbehaviour.carry_out(scene).await?;
    let met = misbehaviour.expect.is_met_by(&answer);
    let body: String = answer.text().chars().take(SHOWN_CHARACTERS).collect();
    say.value(&json!({
        "misbehaviour": misbehaviour.name, "case": misbehaviour.case, "status": answer.status,
        "body": serde_json::from_str(&body).unwrap_or(Value::String(body.clone())),
        "expected": misbehaviour.expect.to_string(), "as_expected": met,
    }))?;
    say.line(&format!("The server answered {}: {}", answer.status, plain(&body)))?;
    if met {
        say.line(&say.toned(Tone::Good, "That is what the contract says."))?;
        return Ok(ExitCode::SUCCESS);
    }
    let wrong = format!("That is not what the contract says: {}.", misbehaviour.expect);
    say.line(&say.toned(Tone::Bad, &wrong))?;
    Ok(ExitCode::from(REFUSED))
}
