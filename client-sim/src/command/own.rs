//! `gatematch-sim phones`: what a person manages himself, by one of his phones.

use std::process::ExitCode;

use gatematch_client_sim::misbehave::{Misbehaviour, Needs, Scene};
use gatematch_client_sim::phone::Phone;
use gatematch_client_sim::totp::App;
use gatematch_protocol::authenticator::AuthenticatorView;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::arguments::OwnCommand;
use super::challenge::short;
use super::code::{now, unfit};
use super::fault::Fault;
use super::misbehave;
use super::phones::Phones;
use super::say::{Say, Tone, plain, table};

pub(crate) async fn run(
    phones: &Phones,
    command: &OwnCommand,
    misbehaviour: Option<&Misbehaviour>,
    say: &Say,
) -> Result<ExitCode, Fault> {
    let phone = phones.last()?;
    if let Some(misbehaviour) = misbehaviour {
        misbehave::must_need(misbehaviour, &[Needs::Confirming])?;
        let app = phone.add_totp(None).await?;
        let scene = Scene { phone: Some(&phone), app: Some(app.id), ..Scene::default() };
        return misbehave::carry_out(misbehaviour, &scene, say).await;
    }
    match command {
        OwnCommand::List => list(&phone, say).await,
        OwnCommand::Rename { id, name } => rename(&phone, id, name, say).await,
        OwnCommand::Remove { id } => remove(&phone, id, say).await,
        OwnCommand::Add { expires_in } => add(&phone, *expires_in, say).await,
        OwnCommand::App { name } => app(&phone, name.as_deref(), say).await,
        OwnCommand::Codes => codes(&phone, say).await,
    }
}

async fn list(phone: &Phone, say: &Say) -> Result<ExitCode, Fault> {
    let items = phone.authenticators().await?;
    show(&items, say)?;
    say.line(&say.toned(Tone::Quiet, "Remove: gatematch-sim phones remove ID."))?;
    Ok(ExitCode::SUCCESS)
}

/// What somebody signs in with, as a table.
pub(crate) fn show(items: &[AuthenticatorView], say: &Say) -> Result<(), Fault> {
    let mut rows = vec![["ID", "WHAT", "NAME", "STATE", "LEFT", "LAST USED"].map(str::to_owned).to_vec()];
    for item in items {
        say.value(&json!(item))?;
        rows.push(vec![
            short(&item.id).to_owned(),
            what(&item.kind).to_owned(),
            plain(item.name.as_deref().unwrap_or("-")),
            plain(&item.status),
            item.left.map_or_else(|| "-".to_owned(), |left| left.to_string()),
            item.last_used_at.map_or_else(|| "never".to_owned(), minute),
        ]);
    }
    if items.is_empty() {
        return say.line("There is nothing to sign in with.");
    }
    table(&rows).iter().try_for_each(|line| say.line(line))
}

/// What one of the kinds of the contract is called.
fn what(kind: &str) -> &str {
    match kind {
        "phone" => "phone",
        "totp" => "authenticator app",
        "recovery_codes" => "recovery codes",
        "access_pass" => "access pass",
        _ => "something else",
    }
}

/// `2027-01-15 08:00`, in UTC.
pub(crate) fn minute(at: Timestamp) -> String {
    at.to_string().get(..16).unwrap_or_default().replace('T', " ")
}

/// The one item that the person means: by its whole id, or by its end.
async fn meant(phone: &Phone, id: &str) -> Result<AuthenticatorView, Fault> {
    let items = phone.authenticators().await?;
    let mut meant = items.into_iter().filter(|item| item.id == id || (id.len() >= 4 && item.id.ends_with(id)));
    match (meant.next(), meant.next()) {
        (Some(item), None) => Ok(item),
        (None, _) => Err(Fault::usage("There is nothing with this id.", "See: gatematch-sim phones list")),
        (Some(_), Some(_)) => Err(Fault::usage("More than one has an id like this.", "Give more of it.")),
    }
}

async fn rename(phone: &Phone, id: &str, name: &str, say: &Say) -> Result<ExitCode, Fault> {
    let item = meant(phone, id).await?;
    let id: DeviceId =
        item.id.parse().ok().filter(|_| item.kind == "phone").ok_or_else(|| {
            Fault::usage("Only a phone can be called something else.", "See: gatematch-sim phones list")
        })?;
    let renamed = phone.rename(id, name).await?;
    say.value(&json!(renamed))?;
    say.line(&format!("The phone is called {} now.", plain(&renamed.name)))?;
    Ok(ExitCode::SUCCESS)
}

async fn remove(phone: &Phone, id: &str, say: &Say) -> Result<ExitCode, Fault> {
    let item = meant(phone, id).await?;
    phone.remove_authenticator(&item.id).await?;
    say.value(&json!({"removed": item.id, "kind": item.kind}))?;
    let name = item.name.as_deref().map(|name| format!(" {}", plain(name))).unwrap_or_default();
    say.line(&format!("Removed: {}{name}. It opens nothing any more.", what(&item.kind)))?;
    if phone.device_id().is_ok_and(|own| own.to_string() == item.id) {
        say.note("That was this very phone. The server does not know it any more.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(phone: &Phone, expires_in: Option<i64>, say: &Say) -> Result<ExitCode, Fault> {
    let created = phone.enroll_another(expires_in).await?;
    say.value(&json!({"id": created.id, "link": created.link, "expires_at": created.expires_at}))?;
    say.line("Open this link on the other phone:")?;
    say.line(&format!("    {}", say.toned(Tone::Bold, &plain(created.link.reveal()))))?;
    say.line(&format!(
        "It works once, until {} UTC, and only as long as this phone is yours.",
        minute(created.expires_at)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The simulator is the app: it takes the link over and shows the first code.
async fn app(phone: &Phone, name: Option<&str>, say: &Say) -> Result<ExitCode, Fault> {
    let created = phone.add_totp(name).await?;
    let app = App::from_uri(created.otpauth_uri.reveal()).map_err(unfit)?;
    let confirmed = phone.confirm_totp(created.id, app.code(now()).reveal()).await?;
    say.value(&json!({"id": confirmed.id, "otpauth_uri": created.otpauth_uri, "secret": created.secret}))?;
    say.line(&say.toned(Tone::Good, "The authenticator app is set up and confirmed."))?;
    say.line(&format!("Its link, shown this once: '{}'", plain(created.otpauth_uri.reveal())))?;
    say.line("The next code: gatematch-sim code --uri LINK.  The one of now is used.")?;
    Ok(ExitCode::SUCCESS)
}

async fn codes(phone: &Phone, say: &Say) -> Result<ExitCode, Fault> {
    let created = phone.recovery_codes().await?;
    say.value(&json!(created))?;
    say.line("Your recovery codes, shown this once. Each works once; the old ones are void.")?;
    for code in &created.codes {
        say.line(&format!("    {}", say.toned(Tone::Bold, &plain(code.reveal()))))?;
    }
    say.line("Keep them where your phone is not.")?;
    Ok(ExitCode::SUCCESS)
}
