//! A challenge, as its gateway lives it: create, wait, redeem, or take back.

use std::sync::Arc;

use axum::Json as Answered;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use gatematch_domain::audit::Actor;
use gatematch_domain::challenge::{Challenge, Display, State as Life};
use gatematch_domain::course::Foreseen;
use gatematch_domain::gateway::Gateway;
use gatematch_domain::login::Login;
use gatematch_domain::place::Atlas;
use gatematch_domain::redemption::{RedeemRefusal, result_claims};
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, MAX_SIGNED_BYTES, Redeem};
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::sha256;

use super::app::{App, Inner};
use super::body::Json;
use super::guard::Caller;
use super::params::{Query, Segment, TheGateway, idempotency_key, is_visible_ascii};
use super::problem::{Answer, Problem};
use super::waiting::{self, Then};
use crate::store::{FirstAnswer, OpenChallenge, Opened, REPEAT_SECONDS, Redemption};

/// How often a challenge is signed again because the user's phones changed meanwhile.
const MAX_SIGNINGS: usize = 8;

pub(super) async fn create(
    State(app): State<App>,
    TheGateway(gateway): TheGateway,
    headers: HeaderMap,
    Json(body): Json<CreateChallenge>,
) -> Answer<(StatusCode, Answered<ChallengeView>)> {
    let repeat = match idempotency_key(&headers)? {
        None => None,
        Some(key) => Some((key, body_digest(&body)?)),
    };
    let id = ChallengeId::new(app.now(), app.edge.random()?);
    let login = Login::from_body(&body, id, &gateway, &app.settings.domains, app.now())?;
    let view = match app.first_answer(&gateway, repeat.as_ref()).await? {
        Some(first) => first,
        None => {
            // Whoever finished in between is found by the store, in the write itself.
            let held = repeat.as_ref().map(|(key, _)| app.in_progress.hold(gateway.id, key).ok_or_else(in_progress));
            let _held = held.transpose()?;
            app.open(&gateway, login, repeat).await?
        }
    };
    Ok((StatusCode::CREATED, Answered(view)))
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    id: Segment,
    query: Query,
) -> Answer<Answered<ChallengeView>> {
    let wait = query.wait()?;
    let id = id.id()?;
    let made_by_caller = |challenge: &Challenge| match &caller {
        Caller::Gateway(gateway) => challenge.gateway == gateway.id,
        _ => true,
    };
    // Somebody else's challenge must not be waited for, either.
    let challenge =
        waiting::until(&app, id, wait, made_by_caller, |challenge| challenge.state != Life::Pending, Then::Shown)
            .await?;
    let mut view = view(&challenge);
    if !matches!(caller, Caller::Gateway(_)) {
        view.number = None;
    }
    Ok(Answered(view))
}

pub(super) async fn redeem(
    State(app): State<App>,
    TheGateway(gateway): TheGateway,
    id: Segment,
    query: Query,
    Json(body): Json<Redeem>,
) -> Answer<Answered<ChallengeView>> {
    let wait = query.wait()?;
    if !is_visible_ascii(&body.redemption_id) {
        // That it is not there goes before what is wrong with the question.
        app.own(&gateway, &id).await?;
        return Err(Problem::new(Code::InvalidValue, "redemption_id must be 1 to 128 visible ASCII characters."));
    }
    let id = id.id()?;
    let own = |challenge: &Challenge| challenge.gateway == gateway.id;
    let decided = |challenge: &Challenge| challenge.state != Life::Pending;
    let challenge = waiting::until(&app, id, wait, own, decided, Then::Guarded).await?;
    let now = app.now();
    let result = match result_claims(&challenge, &app.issuer, now) {
        Some(claims) => app.keys.sign_result(&claims)?,
        None if matches!(challenge.state, Life::Redeemed { .. }) => String::new(),
        None => return Ok(Answered(view(&challenge))),
    };
    let act = app.act(Actor::Gateway(gateway.id));
    let redemption = Redemption { act, id, gateway: gateway.id, redemption_id: body.redemption_id, result };
    let challenge = app.store.redeem(redemption).await??;
    let mut view = view(&challenge);
    if let Life::Redeemed { result, .. } = challenge.state {
        view.result = Some(result);
    }
    Ok(Answered(view))
}

pub(super) async fn cancel(State(app): State<App>, TheGateway(gateway): TheGateway, id: Segment) -> Answer<StatusCode> {
    let id = app.own(&gateway, &id).await?.id;
    app.store.cancel_challenge(app.act(Actor::Gateway(gateway.id)), id, gateway.id).await??;
    Ok(StatusCode::NO_CONTENT)
}

impl Inner {
    async fn first_answer(
        &self,
        gateway: &Gateway,
        repeat: Option<&(String, String)>,
    ) -> Answer<Option<ChallengeView>> {
        let Some((key, digest)) = repeat else { return Ok(None) };
        let since = self.now().plus_seconds(-REPEAT_SECONDS);
        let first = self.store.first_answer(gateway.id, key.clone(), since).await?;
        match first {
            Some(first) if first.body_digest != *digest => Err(key_reused()),
            first => Ok(first.as_ref().map(as_first_answered)),
        }
    }

    pub(super) async fn open(
        &self,
        gateway: &Gateway,
        login: Login,
        repeat: Option<(String, String)>,
    ) -> Answer<ChallengeView> {
        let mut foreseen = self.store.foresee(login.clone(), self.atlas()).await?;
        for _ in 0..MAX_SIGNINGS {
            let open = OpenChallenge {
                act: crate::store::Act::new(Actor::Gateway(gateway.id), login.now),
                signed: self.sign_for_phones(gateway, &login, &foreseen)?,
                foreseen: foreseen.clone(),
                login: login.clone(),
                atlas: self.atlas(),
                draw: u64::from_be_bytes(self.edge.random()?),
                dormant_after: self.settings.dormant_after,
                repeat: repeat.clone(),
            };
            match self.store.open_challenge(open).await? {
                Opened::New(challenge) => {
                    self.metrics.step(&challenge);
                    return Ok(view(&challenge));
                }
                Opened::Repeated(first) => return Ok(as_first_answered(&first)),
                Opened::KeyReused => return Err(key_reused()),
                Opened::Stale(now) => foreseen = *now,
            }
        }
        Err(Problem::new(Code::Unavailable, "What decides about this login keeps changing. Try again in a moment."))
    }

    /// The signed challenge of each phone that would be asked.
    fn sign_for_phones(&self, gateway: &Gateway, login: &Login, foreseen: &Foreseen) -> Answer<Vec<String>> {
        let mut signed = Vec::with_capacity(foreseen.phones.len());
        for device in &foreseen.phones {
            let nonce = base64url::encode(self.edge.random::<16>()?);
            let mut claims = login.claims(&self.issuer, gateway, &foreseen.prompt, *device, nonce);
            let mut token = self.keys.sign_challenge(&claims)?;
            if token.len() > MAX_SIGNED_BYTES {
                claims.context.clear();
                token = self.keys.sign_challenge(&claims)?;
            }
            signed.push(token);
        }
        Ok(signed)
    }

    /// Who knows where addresses are.
    pub(super) fn atlas(&self) -> Arc<dyn Atlas> {
        Arc::clone(&self.places) as Arc<dyn Atlas>
    }

    /// A challenge that `gateway` made.
    pub(super) async fn own(&self, gateway: &Gateway, id: &Segment) -> Answer<Challenge> {
        let id = id.id()?;
        let challenge = self.store.challenge(id).await?.filter(|challenge| challenge.gateway == gateway.id);
        challenge.ok_or_else(|| Problem::from(RedeemRefusal::Unknown))
    }
}

/// A challenge as its gateway sees it.
pub(super) fn view(challenge: &Challenge) -> ChallengeView {
    ChallengeView {
        id: challenge.id,
        status: challenge.state.as_str().to_owned(),
        reason: challenge.state.reason().map(|reason| reason.as_str().to_owned()),
        user: challenge.username.clone(),
        // What a page shows, only the page shows.
        number: challenge
            .number
            .as_ref()
            .filter(|_| challenge.display == Display::Gateway)
            .map(|number| number.reveal().to_owned()),
        methods: challenge.methods.iter().map(|method| method.as_str().to_owned()).collect(),
        expires_at: challenge.expires_at,
        result: None,
    }
}

fn as_first_answered(first: &FirstAnswer) -> ChallengeView {
    ChallengeView { status: first.status.clone(), reason: first.reason.clone(), ..view(&first.challenge) }
}

fn body_digest(body: &CreateChallenge) -> Answer<String> {
    Ok(sha256(serde_json::to_vec(body).map_err(Problem::internal)?))
}

fn in_progress() -> Problem {
    Problem::new(Code::IdempotencyInProgress, "Wait for the answer to the first request with this Idempotency-Key.")
}

fn key_reused() -> Problem {
    Problem::new(Code::IdempotencyKeyReused, "Take a new Idempotency-Key for another login.")
}
