//! `gatematch report`.

use clap::Args;
use clap::builder::PossibleValuesParser;
use gatematch_protocol::time::Timestamp;

use super::duration::time;
use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, shown_time};
use crate::report::{Asked, Cell, Name, Report, ReportFault, report};

/// `gatematch report NAME`.
#[derive(Debug, Args)]
pub struct Reporting {
    /// Which report
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(Name::ALL.map(Name::as_str)))]
    name: String,
    /// Sign-ins that began at this time or later, as 2031-01-31T08:00Z or 2031-01-31T08:00+01:00
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Sign-ins that began before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only this person
    #[arg(long)]
    user: Option<String>,
    /// Sign-ins at this gateway: its name or its id
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// Sign-ins that ended so: pending, approved, denied, expired, cancelled
    #[arg(long)]
    outcome: Option<String>,
    /// Sign-ins in this way: number, push, totp, recovery_code, access_pass, bypass, policy, reuse, none
    #[arg(long)]
    method: Option<String>,
    /// Phones that were not used for so many days [default: 90]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// Write CSV, for spreadsheets
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub(super) async fn run(asked: &Reporting, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let Some(name) = Name::from_word(&asked.name) else { return Ok(()) };
    let mut wanted = Asked {
        since: asked.since,
        until: asked.until,
        user: asked.user.clone(),
        gateway: asked.gateway.clone(),
        outcome: asked.outcome.clone(),
        method: asked.method.clone(),
        days: asked.days,
        ..Asked::default()
    };
    let (store, domains, now) = (operator.store.as_ref(), &operator.settings.domains, operator.edge.now());
    let mut all: Option<Report> = None;
    loop {
        let page = report(name, &wanted, store, domains, now).await?;
        let next = page.next;
        if asked.csv {
            // A page is written before the next one is read.
            terminal.text(&page.csv(wanted.after == 0))?;
        } else if let Some(all) = &mut all {
            all.rows.extend(page.rows);
        } else {
            all = Some(Report { next: None, ..page });
        }
        let Some(next) = next else { break };
        wanted.after = next;
    }
    let Some(all) = all else { return Ok(()) };
    if terminal.is_json() { terminal.json(&all) } else { table(&all, terminal) }
}

/// The columns that people are shown; there is more in CSV and in JSON.
const fn shown(name: Name) -> &'static [&'static str] {
    match name {
        Name::SignIns => &["time", "user", "gateway", "client_ip", "client_name", "outcome", "method", "reason"],
        Name::Enrollment => {
            &["user", "display_name", "state", "phones", "totp", "recovery_codes", "enrolled", "last_used"]
        }
        Name::StaleDevices => &["user", "name", "last_used", "days", "device"],
        Name::Bypasses => &["user", "state", "reason", "made_by", "expires", "uses", "max_uses"],
        Name::Outcomes | Name::Locks => name.columns(),
    }
}

fn table(report: &Report, terminal: &mut Terminal) -> Result<(), Fault> {
    if report.rows.is_empty() {
        return terminal.line("There is nothing to show.");
    }
    let shown = shown(report.name);
    let heads: Vec<String> = shown.iter().map(|column| column.to_uppercase().replace('_', " ")).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let row = |row: &Vec<Cell>| {
        let cells = report.name.columns().iter().zip(row).filter(|(column, _)| shown.contains(column));
        cells.map(|(_, cell)| told(cell)).collect()
    };
    terminal.table(&heads, &report.rows.iter().map(row).collect::<Vec<_>>())
}

fn told(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Cell::Time(at) => shown_time(*at),
        Cell::List(words) => words.join(", "),
    }
}

impl From<ReportFault> for Fault {
    fn from(fault: ReportFault) -> Self {
        match fault {
            ReportFault::Asked(why) => Self::usage(why, "", ""),
            ReportFault::Store(error) => error.into(),
        }
    }
}
