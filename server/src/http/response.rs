//! A phone's signed response: checked in the order of the contract (section 6.2), decided in one write.

use axum::Json as Answered;
use axum::extract::State;
use gatematch_domain::audit::Actor;
use gatematch_domain::response::Answer as Given;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::jws::Refused;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::{
    PostResponse, ResponseClaims, ResponseOutcome, UnverifiedResponse, challenge_digest,
};

use super::app::{App, Inner};
use super::body::Json;
use super::params::Segment;
use super::problem::{Answer, Problem};
use crate::crypto::AwsLc;
use crate::store::Answering;

pub(super) async fn respond(
    State(app): State<App>,
    id: Segment,
    Json(body): Json<PostResponse>,
) -> Answer<Answered<ResponseOutcome>> {
    let path = id.id().ok();
    let (phone, claims) = app.authentic_response(&body, path).await?;
    let actor = Actor::Device(phone.device.id);
    let outcome = app.decide(&phone, claims, path).await;
    outcome.map(Answered).map_err(|problem| problem.by(actor).about(Some(phone.user.username.to_string())))
}

impl Inner {
    /// The claims of a response whose signature holds, and the phone that signed it.
    async fn authentic_response(
        &self,
        body: &PostResponse,
        path: Option<ChallengeId>,
    ) -> Answer<(Answering, ResponseClaims)> {
        let response = UnverifiedResponse::parse(&body.response)
            .map_err(|fault| Problem::new(Code::MalformedResponse, format!("{fault}.")))?;
        let signer = response.signer().map_err(not_authentic)?;
        let found = self.store.answering(signer, path).await?.filter(|phone| phone.device.is_active());
        let phone = found.ok_or_else(|| not_authentic(Refused::Key))?;
        let claims = response.verify(&phone.device.key, &AwsLc).map_err(not_authentic)?;
        Ok((phone, claims))
    }

    async fn decide(
        &self,
        phone: &Answering,
        claims: ResponseClaims,
        path: Option<ChallengeId>,
    ) -> Answer<ResponseOutcome> {
        let device = &phone.device;
        let id = path.ok_or_else(|| wrong_challenge("jti"))?;
        if !claims.is_for(&self.issuer, id) {
            return Err(wrong_challenge("aud or jti"));
        }
        if phone.asked != Some(device.user) {
            return Err(Problem::not_found());
        }
        // What was signed never changes, so it can be compared outside the write.
        if phone.signed.as_ref().is_none_or(|signed| challenge_digest(signed) != claims.challenge) {
            return Err(wrong_challenge("hash"));
        }
        let answer = Given {
            device: device.id,
            decision: claims.decision,
            number: claims.number,
            uv: claims.uv,
            iat: claims.iat,
        };
        let challenge = self.store.record_response(self.now(), id, answer).await??;
        self.metrics.step(&challenge);
        Ok(ResponseOutcome {
            status: challenge.state.as_str().to_owned(),
            reason: challenge.state.reason().map(|reason| reason.as_str().to_owned()),
        })
    }
}

fn not_authentic(cause: Refused) -> Problem {
    Problem::new(Code::ResponseNotAuthentic, "The response was not believed.").because(cause)
}

fn wrong_challenge(cause: &str) -> Problem {
    Problem::new(Code::WrongChallenge, "The response was signed for another challenge than this one.").because(cause)
}
