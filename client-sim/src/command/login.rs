//! `gatematch-sim gateway login`: plays the gateway.

use std::process::ExitCode;
use std::sync::Arc;

use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::misbehave::{Misbehaviour, Needs, Scene};
use gatematch_client_sim::{display, edge};
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::discovery::Discovery;
use gatematch_protocol::result::ResultClaims;
use gatematch_protocol::secret::Secret;
use serde_json::json;

use super::arguments::Login;
use super::fault::Fault;
use super::say::{Say, Tone, plain};
use super::{REFUSED, misbehave};

/// How long the server holds an answer, in seconds.
const WAIT: u32 = 50;
/// The ways of signing in that are codes.
const CODES: [&str; 3] = ["totp", "recovery_code", "access_pass"];
/// Ended by Ctrl-C, as shells count it.
const INTERRUPTED: u8 = 130;

pub(crate) async fn run(login: &Login, misbehaviour: Option<&Misbehaviour>, say: &Say) -> Result<ExitCode, Fault> {
    let api = Api::new(&login.server)?;
    let key = key_or_env(login.key.as_deref(), "GATEMATCH_GATEWAY_KEY", "--key gmg_...")?;
    let issuer = issuer(&api, say).await?;
    let clock = edge::system_clock();
    let gateway = Gateway::new(api.clone(), &issuer, login.gateway_id, key, Arc::clone(&clock));
    let other = login.other_key.as_deref().map(|key| Gateway::new(api, &issuer, None, Secret::new(key), clock));
    let mut scene = Scene { gateway: Some(&gateway), other_gateway: other.as_ref(), ..Scene::default() };
    if let Some(misbehaviour) = misbehaviour {
        misbehave::must_need(misbehaviour, &[Needs::Gateway, Needs::Login, Needs::OtherGateway])?;
        if misbehaviour.needs == Needs::Gateway {
            return misbehave::carry_out(misbehaviour, &scene, say).await;
        }
    }
    let code = login.in_place.code()?;
    let view = gateway.create(&asked(login), None).await?;
    say.value(&json!({"event": "challenge", "challenge": view}))?;
    if code.is_none() {
        show(&view, say)?;
    }
    if let Some(misbehaviour) = misbehaviour {
        scene.login = Some(view.id);
        return misbehave::carry_out(misbehaviour, &scene, say).await;
    }
    if let Some(code) = code {
        return in_place(&gateway, view, code.reveal(), say).await;
    }
    tokio::select! {
        decided = redeem(&gateway, &view) => told(&gateway, &decided?, say).await,
        _ = tokio::signal::ctrl_c() => {
            // The person has gone: no approval may serve a later login.
            gateway.cancel(view.id).await?;
            say.line("Called off. Nothing was opened.")?;
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// What the server calls itself; said aloud where it is not the address that was given.
pub(crate) async fn issuer(api: &Api, say: &Say) -> Result<String, Failure> {
    let discovery: Discovery = api.get("/.well-known/gatematch").await?;
    if discovery.issuer != api.base() {
        say.note(&format!("The server calls itself {}.", plain(&discovery.issuer)));
    }
    Ok(discovery.issuer)
}

pub(crate) fn key_or_env(given: Option<&str>, variable: &str, option: &str) -> Result<Secret, Fault> {
    let key = given.map(str::to_owned).or_else(|| std::env::var(variable).ok()).filter(|key| !key.is_empty());
    let missing =
        || Fault::usage("There is no key to show to the server.", format!("Give {option}, or set {variable}."));
    key.map(Secret::new).ok_or_else(missing)
}

fn asked(login: &Login) -> CreateChallenge {
    let client = CreateClient { ip: login.client_ip.clone(), name: login.client_name.clone() };
    CreateChallenge {
        user: login.user.clone(),
        client: (client != CreateClient::default()).then_some(client),
        expires_in: login.expires_in,
        // No phone rings where a code is given in its place.
        methods: login.in_place.is_given().then(|| CODES.map(str::to_owned).to_vec()),
        ..CreateChallenge::default()
    }
}

fn show(view: &ChallengeView, say: &Say) -> Result<(), Fault> {
    if view.status != "pending" {
        return Ok(());
    }
    if !view.methods.iter().any(|method| method == "push") {
        return say.line("The sign-in waits for a code, on the connect page; or give it with --passcode.");
    }
    let Some(digits) = &view.number else {
        return say.line("Approve the sign-in on your phone.");
    };
    say.line(&format!("{}, type this number on your phone:", plain(&view.user)))?;
    say.line("")?;
    for row in display::large(digits) {
        say.line(&say.toned(Tone::Bold, &format!("    {row}")))?;
    }
    say.line("")?;
    say.line(&format!("Number: {}", display::small(&plain(digits))))
}

/// Gives a code in place of the phone. A wrong one ends the sign-in: nobody is here to type another.
async fn in_place(gateway: &Gateway, view: ChallengeView, code: &str, say: &Say) -> Result<ExitCode, Fault> {
    let view = if view.status == "pending" { gateway.passcode(view.id, code).await? } else { view };
    if view.status == "pending" {
        gateway.cancel(view.id).await?;
        say.value(&json!({"event": "wrong-code"}))?;
        say.line(&say.toned(Tone::Bad, "The code was not right. Nothing was opened."))?;
        return Ok(ExitCode::from(REFUSED));
    }
    told(gateway, &redeem(gateway, &view).await?, say).await
}

/// Waits for the decision, as long as there may be one, and spends an approval.
async fn redeem(gateway: &Gateway, view: &ChallengeView) -> Result<ChallengeView, Failure> {
    let redemption_id = base64url::encode(edge::random::<16>());
    loop {
        let view = gateway.redeem(view.id, &redemption_id, WAIT).await?;
        if view.status != "pending" {
            return Ok(view);
        }
    }
}

/// Says whether the person is in. Why not is for scripts only: the person at the gateway must not learn it.
async fn told(gateway: &Gateway, view: &ChallengeView, say: &Say) -> Result<ExitCode, Fault> {
    if view.status != "redeemed" {
        say.value(&json!({"event": "refused", "status": view.status, "reason": view.reason}))?;
        say.line(&say.toned(Tone::Bad, "Not let in. Nothing was opened. Tell the helpdesk if this goes on."))?;
        return Ok(ExitCode::from(REFUSED));
    }
    let result = gateway.check_result(view).await?;
    say.value(&json!({"event": "let-in", "result": result}))?;
    say.line(&format!("{} {}", say.toned(Tone::Good, "Let in."), how(&result)))?;
    if gateway.id.is_none() {
        say.note(&format!("The result is for the gateway {}; with --gateway-id this is checked.", result.aud));
    }
    Ok(ExitCode::SUCCESS)
}

fn how(result: &ResultClaims) -> String {
    let by = match result.method.as_str() {
        "push" => "approved on the phone",
        "policy" => "let in by policy",
        "reuse" => "let in by an approval of a moment ago",
        "bypass" => "let in by a bypass",
        "totp" => "let in by the code of an authenticator app",
        "recovery_code" => "let in by a recovery code",
        "access_pass" => "let in by an access pass",
        _ => "let in in a way that this version does not know",
    };
    let matched = if result.number_match { "with the right number" } else { "without a number" };
    format!("{} was {by}, {matched}. The result holds for this login.", plain(&result.sub))
}
