//! `gatematch-sim radius load`.

use std::process::ExitCode;
use std::sync::Arc;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::edge;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::load::{Origin, Percentiles, Person};
use gatematch_client_sim::radius::load::{self, HoldReport, Plan, Report};
use gatematch_client_sim::radius::storm::{self, Ask, Sockets};
use gatematch_protocol::secret::Secret;
use serde_json::json;

use super::super::REFUSED;
use super::super::arguments::RadiusLoad;
use super::super::fault::Fault;
use super::super::load::forget;
use super::super::login::{issuer, key_or_env};
use super::super::say::{Say, plain, table};

pub(super) async fn run(arguments: &RadiusLoad, say: &Say) -> Result<ExitCode, Fault> {
    if arguments.status {
        return storm(arguments, Ask::Status, say).await;
    }
    if arguments.refused {
        return storm(arguments, Ask::Refused, say).await;
    }
    if let Some(password) = &arguments.pap {
        let ask = Ask::Pap { user: arguments.user.clone(), password: Secret::new(password) };
        return storm(arguments, ask, say).await;
    }
    whole(arguments, say).await
}

async fn sockets(arguments: &RadiusLoad, concurrency: u32) -> Result<Arc<Sockets>, Fault> {
    let front_door = &arguments.front_door;
    let address = front_door.address().await?;
    Ok(Arc::new(Sockets::open(address, &front_door.secret()?, front_door.demand(), concurrency).await?))
}

async fn storm(arguments: &RadiusLoad, ask: Ask, say: &Say) -> Result<ExitCode, Fault> {
    let sockets = sockets(arguments, arguments.concurrency).await?;
    let plan = storm::Plan {
        count: arguments.logins.into(),
        concurrency: arguments.concurrency,
        rate: arguments.rate,
        timing: arguments.patience.timing(),
    };
    let (at_once, ports) = (arguments.concurrency, sockets.count());
    say.line(&format!("Asking {} times, {at_once} at once, from {ports} ports.", arguments.logins))?;
    let report = storm::run(plan, ask, sockets).await;
    say.value(&json!(report))?;
    told_storm(&report, say)?;
    Ok(if report.silent.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

/// What came of many small requests, in words.
pub(super) fn told_storm(report: &storm::Report, say: &Say) -> Result<(), Fault> {
    let storm::Report { asked, answered, again, seconds, per_second, .. } = report;
    say.line(&format!("{answered} of {asked} answered within {seconds:.2} s: {per_second:.0} a second."))?;
    times(&[("from request to answer", &report.latency)], say)?;
    for (name, count) in &report.answers {
        say.line(&format!("{count} times {name}"))?;
    }
    if *again > 0 {
        say.line(&format!("{again} only after they were sent again"))?;
    }
    for (cause, count) in &report.silent {
        say.line(&format!("{count} times {cause}"))?;
    }
    Ok(())
}

/// Whole sign-ins: people with phones are made for them, and taken away afterwards.
async fn whole(arguments: &RadiusLoad, say: &Say) -> Result<ExitCode, Fault> {
    let concurrency = arguments.hold.unwrap_or(arguments.concurrency);
    let sockets = sockets(arguments, concurrency).await?;
    let api = Api::new(&arguments.api)?;
    let key = key_or_env(arguments.admin_key.as_deref(), "GATEMATCH_ADMIN_KEY", "--admin-key gma_...")?;
    let admin = Admin::new(api.clone(), key);
    let issuer = issuer(&api, say).await?;
    let run: String = edge::random::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
    let prefix = format!("load-{run}");
    let users = arguments.hold.unwrap_or(arguments.users);
    say.line(&format!("Making {users} people with phones, named {prefix}-0 and on."))?;
    let origin = Origin::new(admin, &issuer, &prefix, edge::system_clock());
    let outcome = async {
        let people = origin.people(users, |_| ()).await?;
        Ok::<_, Failure>(sign_in(arguments, sockets, people, say).await)
    };
    let outcome = outcome.await;
    if !arguments.keep {
        forget(&origin, users, say).await;
    }
    outcome?
}

async fn sign_in(
    arguments: &RadiusLoad,
    sockets: Arc<Sockets>,
    people: Vec<Person>,
    say: &Say,
) -> Result<ExitCode, Fault> {
    let timing = arguments.patience.timing();
    if arguments.hold.is_some() {
        say.line(&format!("Opening {} sign-ins at once, from {} ports.", people.len(), sockets.count()))?;
        return told_hold(&load::hold(sockets, people, timing).await, say);
    }
    say.line(&format!("Signing in {} times, {} at once.", arguments.logins, arguments.concurrency))?;
    let RadiusLoad { logins, concurrency, rate, .. } = *arguments;
    told_logins(&load::run(Plan { logins, concurrency, rate, timing }, sockets, people).await, say)
}

fn told_logins(report: &Report, say: &Say) -> Result<ExitCode, Fault> {
    say.value(&json!(report))?;
    say.line(&format!("{} let in within {:.1} s: {:.0} a second.", report.let_in, report.seconds, report.per_second))?;
    times(&[("from approval to answer", &report.answer), ("whole sign-in", &report.whole)], say)?;
    for (reason, count) in &report.failed {
        say.line(&format!("{count} not let in: {}", plain(reason)))?;
    }
    Ok(if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

fn told_hold(report: &HoldReport, say: &Say) -> Result<ExitCode, Fault> {
    say.value(&json!({"right": report.is_right(), "report": report}))?;
    let HoldReport { opened, pending, accepted, rejected, seconds_to_pending, seconds_to_answers, .. } = report;
    say.line(&format!("{pending} of {opened} were held open at once, after {seconds_to_pending:.1} s."))?;
    say.line(&format!(
        "Then {accepted} were approved and let in, {rejected} denied and refused, within {seconds_to_answers:.1} s."
    ))?;
    times(&[("from phone to gateway", &report.answer)], say)?;
    for (what, count) in &report.wrong {
        say.line(&format!("{count} went wrong: {}", plain(what)))?;
    }
    Ok(if report.is_right() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

fn times(rows: &[(&str, &Percentiles)], say: &Say) -> Result<(), Fault> {
    let row = |(name, times): &(&str, &Percentiles)| {
        let figures = [times.p50, times.p90, times.p99, times.max].map(|figure| format!("{figure:>8.1}"));
        std::iter::once((*name).to_owned()).chain(figures).collect::<Vec<_>>()
    };
    let head = ["MILLISECONDS", "     p50", "     p90", "     p99", "     max"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(rows.iter().map(row)).collect();
    table(&rows).iter().try_for_each(|line| say.line(line))
}
