//! `gatematch policy explain`.

use std::path::PathBuf;

use clap::Args;
use gatematch_protocol::policy::{Explain, ExplainClient, Explained, Terms};
use gatematch_protocol::time::Timestamp;

use super::file;
use crate::cli::duration::time;
use crate::cli::fault::Fault;
use crate::cli::operator::Operator;
use crate::cli::terminal::{Terminal, Tone};
use crate::places::Places;
use crate::policy;

/// `gatematch policy explain`.
#[derive(Debug, Args)]
pub struct Explaining {
    /// Who signs in
    #[arg(required_unless_present = "event", conflicts_with = "event")]
    name: Option<String>,
    /// At which gateway: its name or its id
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// The client's address, as a gateway tells it
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// The address at which the connect page is open
    #[arg(long, value_name = "ADDRESS")]
    page_ip: Option<String>,
    /// What the client calls itself
    #[arg(long, value_name = "NAME")]
    client_name: Option<String>,
    /// When, as 2031-01-31T08:00Z or 2031-01-31T08:00+01:00 [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// As if he were in this group, and in no others; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// As if this signal were there, and no others: new-network, new-country, recent-failures, new-phone
    #[arg(long = "signal", value_name = "SIGNAL")]
    signals: Vec<String>,
    /// As if the gateway had checked no password (first_factor = "none")
    #[arg(long)]
    no_password: bool,
    /// A sign-in as it was: the id of the audit event with which it began
    #[arg(long, value_name = "ID", conflicts_with_all = ["gateway", "ip", "page_ip", "client_name", "at", "groups", "signals", "no_password"])]
    event: Option<String>,
    /// As if the rules of this file held
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Explaining {
    fn asked(&self) -> Result<Explain, Fault> {
        let client =
            ExplainClient { ip: self.ip.clone(), name: self.client_name.clone(), page_ip: self.page_ip.clone() };
        let given = |words: &Vec<String>| (!words.is_empty()).then(|| words.clone());
        let put = self.file.as_deref().map(file::read).transpose()?;
        let (rules, profile) = put.map_or((None, None), |put| (Some(put.rules), put.profile));
        Ok(Explain {
            user: self.name.clone(),
            gateway: self.gateway.clone(),
            client: (client != ExplainClient::default()).then_some(client),
            at: self.at,
            groups: given(&self.groups),
            signals: given(&self.signals),
            factor_required: self.no_password.then_some(true),
            event: self.event.clone(),
            rules,
            profile,
        })
    }
}

pub(super) async fn run(asked: &Explaining, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let (places, fault) = Places::of(operator.settings.places_file.as_deref());
    if let Some(fault) = fault {
        terminal.note(&format!("{fault}; nobody knows where addresses are."));
    }
    let (store, domains, now) = (operator.store.as_ref(), &operator.settings.domains, operator.edge.now());
    let told = policy::explain(&asked.asked()?, store, domains, &places, now).await?;
    if terminal.is_json() {
        return terminal.json(&told);
    }
    let outcome = match told.outcome.as_str() {
        "allow" => terminal.toned(Tone::Good, "allow: no second factor"),
        "deny" => terminal.toned(Tone::Bad, "deny"),
        _ => format!("ask{}", told.terms.as_ref().map(terms).unwrap_or_default()),
    };
    terminal.line(&outcome)?;
    terminal.line(&because(&told))?;
    let yes = |matched: bool| if matched { "yes" } else { "no" }.to_owned();
    let row = |rule: &gatematch_protocol::policy::Traced| vec![rule.rule.clone(), yes(rule.matched), rule.why.clone()];
    let rows: Vec<_> = told.trace.iter().map(row).collect();
    terminal.line("")?;
    terminal.table(&["RULE", "MATCHES", "WHY"], &rows)?;
    if !told.notes.is_empty() {
        terminal.line("")?;
    }
    told.notes.iter().try_for_each(|note| terminal.line(note))
}

fn because(told: &Explained) -> String {
    let reason = told.reason.as_ref().map(|reason| format!("; the sign-in would be refused ({reason})"));
    let reason = reason.unwrap_or_default();
    match (&told.rule, told.version) {
        (Some(rule), Some(version)) => format!("The rule {rule} of version {version} decides{reason}."),
        (Some(rule), None) => format!("The rule {rule} of the rules that are tried decides{reason}."),
        (None, _) => format!("No rule is asked{reason}."),
    }
}

/// What must be brought: `: 6 digits; push, totp; the phone verifies the person`.
fn terms(terms: &Terms) -> String {
    let mut told = vec![format!("{} digits", terms.digits), terms.methods.join(", ")];
    if terms.uv.is_some() {
        told.push("the phone says that it has verified the person".to_owned());
    }
    match terms.no_display.as_deref() {
        Some("refuse") => told.push("refused where no number can be shown".to_owned()),
        Some(_) => told.push("approval alone where no number can be shown".to_owned()),
        None => {}
    }
    if terms.reuse_seconds > 0 {
        told.push(format!("one approval serves its session for {} s", terms.reuse_seconds));
    }
    format!(": {}", told.join("; "))
}
