//! `gatematch-sim radius flood`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use gatematch_client_sim::radius::flood::Flood;
use gatematch_client_sim::radius::storm::{self, Ask, Plan, Report, Sockets};
use gatematch_client_sim::radius::{Demand, Timing};
use serde_json::json;

use super::super::REFUSED;
use super::super::arguments::RadiusFlood;
use super::super::fault::Fault;
use super::super::say::{Say, Tone};
use super::load::told_storm;
use super::secret;

/// As long as a gateway waits before it asks again, and until it gives up.
const TIMING: Timing = Timing::every(Duration::from_secs(2), Duration::from_secs(10));

pub(super) async fn run(arguments: &RadiusFlood, say: &Say) -> Result<ExitCode, Fault> {
    let RadiusFlood { server, rate, seconds, good, .. } = *arguments;
    let flood = Flood::new(server, rate, Duration::from_secs(seconds)).map_err(|fault| {
        Fault::usage(format!("{fault}: junk is sent to this machine only."), "Give an address such as 127.0.0.1:1812.")
    })?;
    let asking = if good > 0 { Some(well(arguments).await?) } else { None };
    say.line(&format!("Sending {rate} datagrams of junk a second to {server} for {seconds} s."))?;
    let (sent, report) = tokio::join!(flood.run(), async {
        match asking {
            Some((plan, sockets)) => Some(storm::run(plan, Ask::StatusAndRefused, sockets).await),
            None => None,
        }
    });
    let sent = sent?;
    say.value(&json!({"junk": sent, "good": report}))?;
    let each = f64::from(u32::try_from(sent.datagrams).unwrap_or(u32::MAX)) / sent.seconds.max(0.001);
    say.line(&format!("{} datagrams of junk were sent, {each:.0} a second.", sent.datagrams))?;
    if sent.refused > 0 {
        say.line(&format!("{} could not be sent.", sent.refused))?;
    }
    let mut is_right = sent.answers == 0;
    if !is_right {
        say.line(&say.toned(Tone::Bad, &format!("{} of them were answered; none should be.", sent.answers)))?;
    }
    if let Some(report) = &report {
        say.line("The good requests beside it:")?;
        told_storm(report, say)?;
        is_right &= all_answered(report);
    }
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

/// Those who ask well beside the junk.
async fn well(arguments: &RadiusFlood) -> Result<(Plan, Arc<Sockets>), Fault> {
    let RadiusFlood { server, seconds, good, .. } = *arguments;
    let secret = secret(arguments.secret.as_deref())?;
    // Enough for all that could wait at once.
    let concurrency = good.saturating_mul(10).min(1_000);
    let sockets = Sockets::open(server, &secret, Demand::Signed, concurrency).await?;
    let count = u64::from(good).saturating_mul(seconds);
    Ok((Plan { count, concurrency, rate: Some(good), timing: TIMING }, Arc::new(sockets)))
}

fn all_answered(report: &Report) -> bool {
    report.silent.is_empty() && report.answered == report.asked
}
