//! `gatematch-sim load`.

use std::process::ExitCode;
use std::sync::Arc;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::edge;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::load::{self, Percentiles, Plan, Report};
use gatematch_protocol::gateway::CreateGateway;
use serde_json::json;

use super::REFUSED;
use super::arguments::Load;
use super::fault::Fault;
use super::login::{issuer, key_or_env};
use super::say::{Say, table};

pub(crate) async fn run(arguments: &Load, say: &Say) -> Result<ExitCode, Fault> {
    let api = Api::new(&arguments.server)?;
    let admin = Admin::new(
        api.clone(),
        key_or_env(arguments.admin_key.as_deref(), "GATEMATCH_ADMIN_KEY", "--admin-key gma_...")?,
    );
    let issuer = issuer(&api, say).await?;
    let clock = edge::system_clock();
    let run: String = edge::random::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
    let prefix = format!("load-{run}");
    let made = admin.create_gateway(&gateway(&prefix)).await?;
    say.line(&format!("Making {} people with phones, named {prefix}-0 and on.", arguments.users))?;
    let outcome = async {
        let people = load::people(&admin, &issuer, &prefix, arguments.users, &clock).await?;
        say.line(&format!("Signing in {} times, {} at once.", arguments.logins, arguments.concurrency)).ok();
        let gateway = Arc::new(Gateway::created(api, &issuer, &made, Arc::clone(&clock)));
        let plan = Plan { logins: arguments.logins, concurrency: arguments.concurrency };
        Ok::<_, Failure>(load::run(plan, gateway, people).await)
    };
    let outcome = outcome.await;
    if !arguments.keep {
        if let Err(failure) = admin.delete_gateway(made.gateway.id).await {
            say.note(&format!("The gateway {prefix} is left: {failure}"));
        }
        forget(&admin, &prefix, arguments.users, say).await;
    }
    told(&outcome?, say)
}

fn gateway(name: &str) -> CreateGateway {
    CreateGateway {
        name: name.to_owned(),
        application: "Load test".to_owned(),
        can_display: true,
        client_address: None,
    }
}

/// Takes the people away that were made. Who cannot be is named and left; users that were never made are no fault.
pub(crate) async fn forget(admin: &Admin, prefix: &str, users: u32, say: &Say) {
    for index in 0..users {
        match admin.delete_user(&format!("{prefix}-{index}")).await {
            Ok(()) => {}
            Err(failure) if failure.status() == Some(404) => {}
            Err(failure) => {
                say.note(&format!("The users from {prefix}-{index} on are left: {failure}"));
                return;
            }
        }
    }
}

fn told(report: &Report, say: &Say) -> Result<ExitCode, Fault> {
    say.value(&json!(report))?;
    say.line(&format!("{} let in within {:.1} s: {:.0} a second.", report.let_in, report.seconds, report.per_second))?;
    let row = |name: &str, times: &Percentiles| {
        let figures = [times.p50, times.p90, times.p99, times.max].map(|figure| format!("{figure:>8.1}"));
        std::iter::once(name.to_owned()).chain(figures).collect::<Vec<_>>()
    };
    let head = ["MILLISECONDS", "     p50", "     p90", "     p99", "     max"].map(str::to_owned).to_vec();
    let rows = [
        head,
        row("create", &report.steps.create),
        row("fetch", &report.steps.fetch),
        row("respond", &report.steps.respond),
        row("redeem", &report.steps.redeem),
        row("whole login", &report.whole),
    ];
    for line in table(&rows) {
        say.line(&line)?;
    }
    for (reason, count) in &report.failed {
        say.line(&format!("{count} not let in: {reason}"))?;
    }
    Ok(if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}
