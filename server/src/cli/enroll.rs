//! `gatematch enroll`.

use clap::Args;
use gatematch_domain::enrollment::MAX_LIFE_SECONDS;
use gatematch_domain::user::Status;
use gatematch_protocol::enrollment::LINK_PATH;
use gatematch_protocol::id::EnrollmentId;
use gatematch_protocol::secret::{Secret, prefix};
use serde_json::json;

use super::fault::Fault;
use super::operator::{Operator, no_user};
use super::qr;
use super::terminal::{Terminal, shown_time};
use crate::store;

/// `gatematch enroll`.
#[derive(Debug, Args)]
pub struct Enroll {
    /// Whose phone
    user: String,
    /// How long the link works, in seconds, at most 600
    #[arg(long, value_name = "SECONDS", default_value_t = MAX_LIFE_SECONDS, value_parser = clap::value_parser!(i64).range(1..=MAX_LIFE_SECONDS))]
    expires_in: i64,
}

pub(super) async fn run(enroll: &Enroll, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let account = operator.account(&enroll.user).await?;
    let name = &account.user.username;
    if account.user.status == Status::Disabled {
        let todo = format!("First: gatematch user enable {name}");
        return Err(Fault::refused(
            format!("{name} is disabled."),
            "A link for a disabled account does not work.",
            todo,
        ));
    }
    let issuer = operator.settings.known_issuer().ok_or_else(|| {
        Fault::refused(
            "The link must name the server, and these settings leave its port open.",
            "Only the running server knows its port.",
            "Set issuer in the file, or GATEMATCH_ISSUER, to the address that the server printed when it started.",
        )
    })?;
    let act = operator.act();
    let token = Secret::from_random(prefix::ENROLLMENT, &operator.edge.random()?);
    let id = EnrollmentId::new(act.now, operator.edge.random()?);
    let enrollment = store::enrollment(id, account.user.id, token.digest(), act.now, enroll.expires_in);
    let expires_at = enrollment.expires_at;
    if operator.store.create_enrollment(act, enrollment).await?.is_err() {
        return Err(no_user(name));
    }
    let link = Secret::new(format!("{issuer}{LINK_PATH}{}", token.reveal()));
    if terminal.is_json() {
        return terminal
            .json(&json!({"id": id, "user": name.as_str(), "token": token, "link": link, "expires_at": expires_at}));
    }
    terminal.line(&format!("{name} scans this with his phone, or opens the link on it:\n"))?;
    match qr::draw(link.reveal(), terminal.has_colours()) {
        Some(rows) => rows.iter().try_for_each(|row| terminal.line(row))?,
        None => terminal.note("The link is too long for a QR code of 80 columns."),
    }
    terminal.line(&format!("\n  {}\n", link.reveal()))?;
    terminal.line(&format!(
        "It works once, until {}. Whoever has it becomes {name}'s phone: hand it to nobody else.",
        shown_time(expires_at)
    ))
}
