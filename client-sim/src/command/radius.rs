//! `gatematch-sim radius`.

mod flood;
mod load;
mod login;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gatematch_client_sim::misbehave::radius::{Misbehaviour, Scene};
use gatematch_client_sim::radius::{Demand, RadiusClient, Timing};
use gatematch_protocol::secret::Secret;
use serde_json::json;

use super::arguments::{FrontDoor, Patience, RadiusCommand, RadiusLogin};
use super::fault::Fault;
use super::login::key_or_env;
use super::say::{Say, Tone};
use super::{REFUSED, misbehave};

/// How long silence must last to be believed.
const QUIET: Duration = Duration::from_secs(2);

pub(crate) async fn run(command: &RadiusCommand, wrong: Option<&str>, say: &Say) -> Result<ExitCode, Fault> {
    let wrong = wrong.map(misbehave::find_radius).transpose()?;
    match (command, wrong) {
        (RadiusCommand::Login(arguments), Some(wrong)) => carry_out(arguments, wrong, say).await,
        (RadiusCommand::Login(arguments), None) => login::run(arguments, say).await,
        (_, Some(wrong)) => Err(misbehave::only_at_radius_login(wrong)),
        (RadiusCommand::Status(front_door), None) => status(front_door, say).await,
        (RadiusCommand::Load(arguments), None) => load::run(arguments, say).await,
        (RadiusCommand::Flood(arguments), None) => flood::run(arguments, say).await,
    }
}

impl FrontDoor {
    async fn address(&self) -> Result<SocketAddr, Fault> {
        let unknown = |cause: String| {
            Fault::usage(
                format!("The RADIUS server {} is not found{cause}.", self.server),
                "It looks like 127.0.0.1:1812, or mfa.example.com:1812",
            )
        };
        let mut found = tokio::net::lookup_host(&self.server).await.map_err(|fault| unknown(format!(": {fault}")))?;
        found.next().ok_or_else(|| unknown(String::new()))
    }

    fn secret(&self) -> Result<Secret, Fault> {
        secret(self.secret.as_deref())
    }

    const fn demand(&self) -> Demand {
        if self.allow_unsigned { Demand::SignedOrBare } else { Demand::Signed }
    }

    async fn client(&self) -> Result<RadiusClient, Fault> {
        Ok(RadiusClient::connect_with(self.address().await?, self.secret()?, self.demand()).await?)
    }
}

/// Where a front door is, and the secret that it shares.
pub(super) async fn place(front_door: &FrontDoor) -> Result<(SocketAddr, Secret), Fault> {
    Ok((front_door.address().await?, front_door.secret()?))
}

fn secret(given: Option<&str>) -> Result<Secret, Fault> {
    key_or_env(given, "GATEMATCH_RADIUS_SECRET", "--secret SECRET")
}

impl Patience {
    pub(super) const fn timing(self) -> Timing {
        let timeout = Duration::from_secs(self.timeout);
        if self.retransmit == 0 {
            return Timing::once(timeout);
        }
        Timing::every(Duration::from_secs(self.retransmit), timeout)
    }
}

async fn status(front_door: &FrontDoor, say: &Say) -> Result<ExitCode, Fault> {
    let client = front_door.client().await?;
    let began = Instant::now();
    let timing = Timing::every(Duration::from_secs(1), Duration::from_secs(5));
    let answer = client.exchange(&client.status_server(), timing).await;
    let milliseconds = began.elapsed().as_secs_f64() * 1_000.0;
    let server = &front_door.server;
    match answer {
        Ok(answer) => {
            say.value(&json!({"event": "status", "answer": answer.name(), "milliseconds": milliseconds}))?;
            let there = say.toned(Tone::Good, "is there");
            say.line(&format!("{server} {there}: {} after {milliseconds:.1} ms.", answer.name()))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(silence) => {
            say.value(&json!({"event": "status", "answer": null, "cause": silence.to_string()}))?;
            say.line(&format!("{server} {}: {silence}.", say.toned(Tone::Bad, "does not answer")))?;
            say.line("Check the address, the secret, and that the server knows this client's address.")?;
            Ok(ExitCode::from(REFUSED))
        }
    }
}

/// Does the wrong thing, and says whether the server took it as it must.
async fn carry_out(arguments: &RadiusLogin, wrong: &Misbehaviour, say: &Say) -> Result<ExitCode, Fault> {
    let client = arguments.front_door.client().await?;
    let patience = Duration::from_secs(arguments.patience.timeout);
    let scene = Scene { client: &client, user: &arguments.user, machine: &arguments.machine, quiet: QUIET, patience };
    say.line(&format!("Sending: {} ({}).", wrong.what, wrong.case))?;
    let heard = wrong.carry_out(&scene).await;
    let met = wrong.expect.is_met_by(&heard);
    say.value(&json!({
        "misbehaviour": wrong.name, "case": wrong.case, "heard": heard.to_string(),
        "expected": wrong.expect.to_string(), "as_expected": met,
    }))?;
    say.line(&format!("What came back: {heard}."))?;
    if met {
        say.line(&say.toned(Tone::Good, "That is as it must be."))?;
        return Ok(ExitCode::SUCCESS);
    }
    say.line(&say.toned(Tone::Bad, &format!("That is not as it must be: {}.", wrong.expect)))?;
    Ok(ExitCode::from(REFUSED))
}
