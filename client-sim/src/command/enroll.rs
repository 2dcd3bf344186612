//! `gatematch-sim enroll`.

use std::process::ExitCode;

use gatematch_client_sim::edge;
use gatematch_client_sim::enrollment::Link;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::misbehave::{Misbehaviour, Needs, Scene};
use gatematch_client_sim::phone::Phone;
use gatematch_client_sim::push::subscriber::Subscriber;
use serde_json::json;

use super::arguments::Enroll;
use super::fault::Fault;
use super::phones::Phones;
use super::say::{Say, Tone, plain};
use super::{misbehave, push};

pub(crate) async fn run(
    mut phones: Phones,
    arguments: &Enroll,
    misbehaviour: Option<&Misbehaviour>,
    say: &Say,
) -> Result<ExitCode, Fault> {
    let Enroll { link, name, push } = arguments;
    let parsed = Link::parse(link).map_err(Failure::from)?;
    let api = Api::new(&parsed.issuer)?;
    let phone = Phone::new(api, &parsed.issuer, edge::random_key(), edge::system_clock());
    if let Some(misbehaviour) = misbehaviour {
        misbehave::must_need(misbehaviour, &[Needs::Enrollment, Needs::SecondEnrollment])?;
        let phone = if misbehaviour.needs == Needs::Enrollment { phone } else { phones.last()? };
        let scene = Scene { phone: Some(&phone), token: Some(parsed.token.reveal()), ..Scene::default() };
        return misbehave::carry_out(misbehaviour, &scene, say).await;
    }
    phones.check_writable()?;
    let registered = match push {
        Some(service) => {
            let subscribed = push::subscribe(&Subscriber::new(Api::new(service)?), phone.api()).await?;
            phone.enroll_with_push(link, name, &subscribed.subscription).await?
        }
        None => phone.enroll(link, name).await?,
    };
    phones.keep(name, &phone)?;
    say.value(&json!({
        "device_id": registered.device_id, "user": registered.user, "issuer": registered.issuer,
        "status": registered.status, "code": registered.code,
    }))?;
    let user = plain(&registered.user);
    match registered.code {
        Some(code) => {
            say.line(&format!("This phone is enrolled for {user}, and waits to be confirmed."))?;
            say.line(&format!("Tell the helpdesk this code: {}", say.toned(Tone::Bold, &plain(&code))))?;
        }
        None => {
            let done = format!("This phone is enrolled for {user} at {}.", plain(&registered.issuer));
            say.line(&say.toned(Tone::Good, &done))?;
            let by = push.as_ref().map(|service| format!(" --push {}", plain(service))).unwrap_or_default();
            say.line(&format!("Sign-ins arrive with: gatematch-sim watch{by}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
