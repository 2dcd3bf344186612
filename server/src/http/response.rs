//! A phone's signed response: checked in the order of the contract (section 6.2), decided in one write.

use axum::Json as Answered;
use axum::extract::State;
use gatematch_domain::audit::Actor;
use gatematch_domain::device::Device;
use gatematch_domain::response::Answer as Given;
use gatematch_domain::user::User;
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
use crate::store::Delivered;

pub(super) async fn respond(
    State(app): State<App>,
    id: Segment,
    Json(body): Json<PostResponse>,
) -> Answer<Answered<ResponseOutcome>> {
    let (device, user, claims) = app.authentic_response(&body).await?;
    let actor = Actor::Device(device.id);
    let outcome = app.decide(&device, claims, &id).await;
    outcome.map(Answered).map_err(|problem| problem.by(actor).about(Some(user.username.to_string())))
}

impl Inner {
    /// The claims of a response whose signature holds, the phone that signed it, and whose it is.
    async fn authentic_response(&self, body: &PostResponse) -> Answer<(Device, User, ResponseClaims)> {
        let response = UnverifiedResponse::parse(&body.response)
            .map_err(|fault| Problem::new(Code::MalformedResponse, format!("{fault}.")))?;
        let signer = response.signer().map_err(not_authentic)?;
        let found = self.store.device(signer).await?.filter(|(device, _)| device.is_active());
        let (device, user) = found.ok_or_else(|| not_authentic(Refused::Key))?;
        let claims = response.verify(&device.key, &AwsLc).map_err(not_authentic)?;
        Ok((device, user, claims))
    }

    async fn decide(&self, device: &Device, claims: ResponseClaims, path: &Segment) -> Answer<ResponseOutcome> {
        let id: ChallengeId = path.id().map_err(|_| wrong_challenge("jti"))?;
        if !claims.is_for(&self.issuer, id) {
            return Err(wrong_challenge("aud or jti"));
        }
        let found = self.store.delivery(id, device.id).await?.filter(|found| found.user == Some(device.user));
        let Delivered { signed, .. } = found.ok_or_else(Problem::not_found)?;
        // What was signed never changes, so it can be compared outside the write.
        if signed.is_none_or(|signed| challenge_digest(&signed) != claims.challenge) {
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
