//! `--misbehave` and `--list-misbehaviours`.

use std::process::ExitCode;

use gatematch_client_sim::misbehave::{self, ALL, Misbehaviour, Needs, Scene};
use serde_json::{Value, json};

use super::REFUSED;
use super::fault::Fault;
use super::say::{Say, Tone, plain, table};

/// How much of an answer is shown.
const SHOWN_CHARACTERS: usize = 2_000;

pub(crate) fn find(name: &str) -> Result<&'static Misbehaviour, Fault> {
    let unknown =
        || Fault::usage(format!("There is no misbehaviour {name:?}."), "See: gatematch-sim --list-misbehaviours");
    misbehave::find(name).ok_or_else(unknown)
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
    Err(Fault::usage(
        format!("The misbehaviour {} does not go with this command.", misbehaviour.name),
        format!("Use: gatematch-sim {} --misbehave {}", command(misbehaviour.needs), misbehaviour.name),
    ))
}

const fn command(needs: Needs) -> &'static str {
    match needs {
        Needs::Phone => "list",
        Needs::Challenge => "approve ID --number N",
        Needs::Enrollment | Needs::SecondEnrollment => "enroll LINK",
        Needs::Gateway | Needs::Login => "gateway login ...",
        Needs::OtherGateway => "gateway login --other-key KEY ...",
    }
}

pub(crate) fn list(say: &Say) -> Result<ExitCode, Fault> {
    let mut rows =
        vec![["NAME", "CASE", "THE SERVER ANSWERS", "GOES WITH", "WHAT IS DONE"].map(str::to_owned).to_vec()];
    for entry in ALL.iter() {
        let expected = entry.expect.to_string();
        say.value(&json!({
            "name": entry.name, "case": entry.case, "expect": expected,
            "command": command(entry.needs), "what": entry.what,
        }))?;
        rows.push([entry.name, entry.case, &expected, command(entry.needs), entry.what].map(str::to_owned).to_vec());
    }
    for line in table(&rows) {
        say.line(&line)?;
    }
    Ok(ExitCode::SUCCESS)
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
