//! What came of a load, in words.

use std::process::ExitCode;

use gatematch_client_sim::load::{Percentiles, Report, hold};
use serde_json::json;

use super::super::REFUSED;
use super::super::fault::Fault;
use super::super::say::{Say, plain, table};

pub(super) fn logins(report: &Report, say: &Say) -> Result<ExitCode, Fault> {
    say.value(&json!(report))?;
    say.line(&format!("{} let in within {:.1} s: {:.0} a second.", report.let_in, report.seconds, report.per_second))?;
    say.line("")?;
    let steps = STEPS.iter().filter_map(|(step, name)| Some((*name, report.steps.get(step)?)));
    times(steps.chain([("the whole sign-in", &report.whole)]), say)?;
    say.line("")?;
    for server in &report.servers {
        let cpu = server.cpu_ms_per_login.map(|cpu| format!("{cpu:.2} ms CPU for each sign-in, ")).unwrap_or_default();
        let [before, peak, after] =
            [server.resident_before_mib, server.resident_peak_mib, server.resident_after_mib].map(mib);
        let memory = format!("{before} resident before, {peak} at most, {after} after");
        say.line(&format!("{}: {cpu}{memory}", plain(&server.server)))?;
    }
    if report.servers.is_empty() {
        say.note("No server told its CPU and memory: is /metrics there?");
    }
    let own = report.own_cpu_share * 100.0;
    say.line(&format!("This generator took {own:.0} % of this machine's processors."))?;
    if report.begun_late > 0 {
        say.line(&format!("{} began late: nobody was free. More --phones help.", report.begun_late))?;
    }
    for (reason, count) in &report.failed {
        say.line(&format!("{count} not let in: {}", plain(reason)))?;
    }
    Ok(if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

/// The steps, as people call them.
const STEPS: [(&str, &str); 6] = [
    ("create", "the gateway asks"),
    ("fetch", "the phone fetches"),
    ("push", "the phone rings"),
    ("respond", "the phone answers"),
    ("heard", "from phone to gateway"),
    ("redeem", "the gateway redeems"),
];

pub(super) fn held(report: &hold::Report, say: &Say) -> Result<ExitCode, Fault> {
    say.value(&json!({"right": report.is_right(), "report": report}))?;
    say.line(&format!("{} opened within {:.1} s; {} waited.", report.opened, report.seconds_to_open, report.waiting))?;
    for server in &report.servers {
        let each = server.kib_per_waiter.map(|each| format!(" ({each:.1} KiB for each)")).unwrap_or_default();
        let after = server.resident_after_mib.map(|after| format!(", {} after", mib(after))).unwrap_or_default();
        let [before, full] = [server.resident_before_mib, server.resident_mib].map(mib);
        let memory = format!("{before} resident before, {full} with {} waiting{each}{after}", server.waiting);
        say.line(&format!("{}: {memory}", plain(&server.server)))?;
    }
    say.line(&format!("Then {} were approved, one after the other.", report.decided))?;
    say.line("")?;
    times([("from phone to gateway", &report.heard), ("the phone's own answer", &report.responded)], say)?;
    if report.ended_early {
        say.line("It was ended early.")?;
    }
    for (what, count) in &report.wrong {
        say.line(&format!("{count} went wrong: {}", plain(what)))?;
    }
    Ok(if report.is_right() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

fn times<'a>(rows: impl IntoIterator<Item = (&'a str, &'a Percentiles)>, say: &Say) -> Result<(), Fault> {
    let row = |(name, times): (&str, &Percentiles)| {
        let figures = [times.p50, times.p95, times.p99, times.max].map(|figure| format!("{figure:>8.1}"));
        std::iter::once(name.to_owned()).chain(figures).collect::<Vec<_>>()
    };
    let head = ["MILLISECONDS", "     p50", "     p95", "     p99", "     max"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(rows.into_iter().map(row)).collect();
    table(&rows).iter().try_for_each(|line| say.line(line))
}

fn mib(figure: f64) -> String {
    format!("{figure:.1} MiB")
}
