//! `gatematch pass`.

use clap::Args;
use gatematch_domain::account::Account;
use gatematch_domain::factor::{Factor, Kind, MAX_PASS_SECONDS, MAX_USES};
use gatematch_domain::factors::FactorChange;
use gatematch_domain::fault::Fault as DomainFault;
use gatematch_domain::terms::PassTerms;
use gatematch_domain::text::reason;
use gatematch_protocol::authenticator::{AccessPassCreated, CreateAccessPass};
use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::duration::{self, time};
use super::fault::Fault;
use super::operator::Operator;
use super::standing;
use super::terminal::{Terminal, Tone, shown_time};
use crate::spelling::{apart, spelled};

/// `gatematch pass`.
#[derive(Debug, Args)]
pub struct Pass {
    /// For whom
    name: String,
    /// For how long: 30m, 8h, 2d; 30d at most
    #[arg(long = "for", value_name = "TIME", value_parser = life, required_unless_present = "end")]
    life: Option<i64>,
    /// From when on, as 2031-01-31T08:00Z or 2031-01-31T08:00+01:00 [default: from now on]
    #[arg(long, value_name = "TIME", value_parser = time)]
    starts: Option<Timestamp>,
    /// For how many sign-ins
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..=MAX_USES))]
    uses: i64,
    /// Take the pass away that there is
    #[arg(long, conflicts_with_all = ["life", "starts", "uses"])]
    end: bool,
    /// Why; the audit log keeps it
    #[arg(long)]
    reason: String,
}

fn life(text: &str) -> Result<i64, String> {
    duration::seconds(text, MAX_PASS_SECONDS)
}

fn is_pass(factor: &&Factor) -> bool {
    matches!(factor.kind, Kind::AccessPass(_))
}

pub(super) async fn run(pass: &Pass, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let account = operator.account(&pass.name).await?;
    let reason = reason(&pass.reason)?;
    match pass.life {
        Some(life) => make(pass, life, (&account, reason), operator, terminal).await,
        None => end((&account, reason), operator, terminal).await,
    }
}

async fn make(
    pass: &Pass,
    life: i64,
    (account, reason): (&Account, String),
    operator: &Operator,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    let body = CreateAccessPass {
        expires_in: life,
        starts_at: pass.starts,
        max_uses: Some(pass.uses),
        // It goes to the log with the change.
        reason: None,
    };
    let now = operator.edge.now();
    let terms = PassTerms::from_body(&body, now).map_err(by_option)?;
    let keys = operator.keys().await?;
    let (factor, secret) = operator.maker(&keys, account.user.id).access_pass(terms).await?;
    let id = factor.id;
    operator.add(account, factor, Some(reason)).await?;
    standing::note_shut(account, operator, terminal);
    let PassTerms { starts_at, expires_at, max_uses } = terms;
    if terminal.is_json() {
        return terminal.json(&AccessPassCreated { id, pass: secret, starts_at, expires_at });
    }
    let name = &account.user.username;
    terminal.line(&format!("The access pass of {name}. It is shown only now:"))?;
    let wide = terminal.toned(Tone::Bold, apart(&secret).reveal());
    terminal.line(&format!("\n  {wide}\n"))?;
    let spelled = terminal.toned(Tone::Quiet, spelled(&secret).reveal());
    terminal.line(&format!("  {spelled}\n"))?;
    let often = if max_uses == 1 { "for one sign-in".to_owned() } else { format!("for {max_uses} sign-ins") };
    let from = if starts_at > now { format!("from {} ", shown_time(starts_at)) } else { String::new() };
    terminal.line(&format!("It works {from}until {}, {often}.", shown_time(expires_at)))?;
    if account.factors.iter().any(|factor| is_pass(&factor)) {
        terminal.line("The earlier pass is void.")?;
    }
    terminal.line(&format!("Tell it to nobody but {name}. To end it before: gatematch pass {name} --end --reason TEXT"))
}

async fn end((account, reason): (&Account, String), operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let name = &account.user.username;
    let Some(pass) = account.factors.iter().find(is_pass) else {
        let todo = format!("To make one: gatematch pass {name} --for 8h --reason TEXT");
        return Err(Fault::refused(format!("{name} has no access pass."), "Nothing was changed.", todo));
    };
    let change = FactorChange::Remove { id: pass.id, reason: Some(reason), bypass: false };
    operator.change(account, change).await?;
    if terminal.is_json() {
        return terminal.json(&json!({"id": pass.id, "user": name.as_str()}));
    }
    terminal.line(&format!("The access pass of {name} is gone: it is refused from now on."))
}

/// The fault under the name of the option that the member comes from.
fn by_option(fault: DomainFault) -> DomainFault {
    let option = |member: String| match member.as_str() {
        "starts_at" => "--starts".to_owned(),
        "expires_in" => "--for".to_owned(),
        "max_uses" => "--uses".to_owned(),
        _ => member,
    };
    match fault {
        DomainFault::Range { member, why } => DomainFault::Range { member: option(member), why },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_zone() {
        for text in ["2031-01-31T08:00Z", "2031-01-31T09:00+01:00", "2031-01-31T08:00:00.000000Z"] {
            assert_eq!(time(text).unwrap().to_string(), "2031-01-31T08:00:00.000000Z", "{text}");
        }
        for text in ["", "tomorrow", "2031-01-31", "2031-01-31T08:00", "08:00Z"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
