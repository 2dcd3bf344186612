//! `gatematch-sim helpdesk`: plays an administrator's tool, which shows what somebody can sign in with.

use std::process::ExitCode;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::misbehave::{Misbehaviour, Needs, Scene};
use serde_json::json;

use super::arguments::Helpdesk;
use super::fault::Fault;
use super::login::key_or_env;
use super::misbehave;
use super::own::{minute, show};
use super::say::{Say, Tone, plain};

pub(crate) async fn run(
    arguments: &Helpdesk,
    misbehaviour: Option<&Misbehaviour>,
    say: &Say,
) -> Result<ExitCode, Fault> {
    let key = key_or_env(arguments.admin_key.as_deref(), "GATEMATCH_ADMIN_KEY", "--admin-key gma_...")?;
    let admin = Admin::new(Api::new(&arguments.server)?, key);
    if let Some(misbehaviour) = misbehaviour {
        misbehave::must_need(misbehaviour, &[Needs::Helpdesk])?;
        let scene = Scene { admin: Some(&admin), user: Some(&arguments.user), ..Scene::default() };
        return misbehave::carry_out(misbehaviour, &scene, say).await;
    }
    let user = admin.get_user(&arguments.user).await?;
    say.value(&json!({"user": user}))?;
    let name = plain(&user.username);
    let state = match (user.locked, user.status.as_str()) {
        (true, _) => say.toned(Tone::Bad, "is locked"),
        (false, "active") => say.toned(Tone::Good, "may sign in"),
        (false, _) => say.toned(Tone::Bad, "is disabled"),
    };
    let last = user.last_sign_in_at.map_or_else(|| "never".to_owned(), |at| format!("{} UTC", minute(at)));
    say.line(&format!("{name} {state}. Last sign-in: {last}."))?;
    show(&admin.authenticators(&arguments.user).await?, say)?;
    for bypass in admin.bypasses(&arguments.user).await? {
        say.value(&json!({"bypass": bypass}))?;
        let (until, by) = (minute(bypass.expires_at), plain(&bypass.made_by));
        let line = format!("Let in without a code or phone until {until} UTC, by {by}: {}", plain(&bypass.reason));
        say.line(&say.toned(Tone::Bad, &line))?;
    }
    Ok(ExitCode::SUCCESS)
}
