//! What a phone does with a challenge: fetch it, check it, answer it.

use std::sync::PoisonError;

use gatematch_protocol::challenge::{
    self, ChallengeClaims, ChallengeFault, Reader, WaitingChallenge, WaitingChallenges,
};
use gatematch_protocol::jws::{Header, Jws, sign, typ};
use gatematch_protocol::notice::{self, NoticeClaims, Notices, SignedNotice};
use gatematch_protocol::response::{
    Decision, PostResponse, ResponseClaims, ResponseOutcome, UserVerification, challenge_digest,
};
use serde_json::Value;

use super::{Account, Phone, with_wait};
use crate::failure::Failure;
use crate::http::{Answer, body};

impl Phone {
    /// The challenges that wait for this phone; where there is none, for up to `wait` seconds (0 to 60).
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn waiting(&self, wait: u32) -> Result<Vec<WaitingChallenge>, Failure> {
        let answer = self.call("GET", &with_wait("/v1/devices/self/challenges", wait), None).await?;
        Ok(answer.json::<WaitingChallenges>()?.items)
    }

    /// Reads and checks a signed challenge: signature, `iss`, `aud`, `exp`. At an unknown `kid` the server's
    /// keys are fetched once.
    ///
    /// # Errors
    /// [`Failure::Challenge`] for a challenge that may not be shown.
    pub async fn read(&self, jws: &str) -> Result<ChallengeClaims, Failure> {
        match self.check(jws) {
            Err(Failure::Challenge(ChallengeFault::UnknownKey)) => {
                let server_keys = self.api.get("/.well-known/jwks.json").await?;
                let account = self.account().ok_or(Failure::NotEnrolled)?;
                self.keep(Account { server_keys, ..account });
                self.check(jws)
            }
            checked => checked,
        }
    }

    fn check(&self, jws: &str) -> Result<ChallengeClaims, Failure> {
        let account = self.account.read().unwrap_or_else(PoisonError::into_inner);
        let account = account.as_ref().ok_or(Failure::NotEnrolled)?;
        let reader =
            Reader { issuer: &account.issuer, device: account.device_id, keys: &account.server_keys, now: self.now() };
        Ok(challenge::check(jws, reader, &self.checker())?)
    }

    /// What the server has told this phone that needs no answer, checked; what is not to be believed is left out.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn notices(&self) -> Result<Vec<NoticeClaims>, Failure> {
        let notices: Notices = self.call("GET", "/v1/devices/self/notices", None).await?.json()?;
        let account = self.account().ok_or(Failure::NotEnrolled)?;
        let read = |signed: &SignedNotice| {
            let (issuer, device, keys) = (&account.issuer, account.device_id, &account.server_keys);
            notice::check(&signed.notice, issuer, device, keys, &self.checker())
                .filter(|claims| claims.jti == signed.id)
        };
        Ok(notices.items.iter().filter_map(read).collect())
    }

    /// The signed response to a challenge, which is not checked: [`Phone::read`] is for that.
    ///
    /// # Errors
    /// [`Failure::NotEnrolled`], or [`Failure::Challenge`] where the text is no challenge at all.
    pub fn response(
        &self,
        challenge: &str,
        decision: Decision,
        number: Option<&str>,
        uv: Option<UserVerification>,
    ) -> Result<String, Failure> {
        self.device_id()?;
        self.response_to(challenge_id(challenge)?, challenge, decision, number, uv)
    }

    /// [`Phone::response`], where the id of the challenge is known.
    ///
    /// # Errors
    /// [`Failure::NotEnrolled`].
    pub fn response_to(
        &self,
        id: String,
        challenge: &str,
        decision: Decision,
        number: Option<&str>,
        uv: Option<UserVerification>,
    ) -> Result<String, Failure> {
        let claims = ResponseClaims {
            iss: self.device_id()?.to_string(),
            aud: self.issuer.clone(),
            jti: id,
            iat: self.now(),
            challenge: challenge_digest(challenge),
            decision,
            number: number.map(str::to_owned),
            uv,
        };
        Ok(sign(&Header::with_kid(typ::RESPONSE, claims.iss.clone()), &claims, self.signer())?)
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// [`Failure`]; a wrong number is none, but an outcome with `denied` and `wrong-number`.
    pub async fn respond(
        &self,
        challenge: &str,
        decision: Decision,
        number: Option<&str>,
        uv: Option<UserVerification>,
    ) -> Result<ResponseOutcome, Failure> {
        let response = self.response(challenge, decision, number, uv)?;
        self.post_response(&challenge_id(challenge)?, &response).await?.json()
    }

    /// Posts a signed response, sound or not, to the challenge `id`.
    ///
    /// # Errors
    /// [`Failure::Transport`]; a refusal is an [`Answer`].
    pub async fn post_response(&self, id: &str, response: &str) -> Result<Answer, Failure> {
        let message = PostResponse { response: response.to_owned() };
        self.api.call("POST", &response_path(id), &[], Some(body(&message)?)).await
    }
}

/// The id of the challenge in a signed challenge, which is not checked.
///
/// # Errors
/// [`Failure::Challenge`] where the text is no challenge at all.
pub fn challenge_id(challenge: &str) -> Result<String, Failure> {
    let jws = Jws::parse(challenge).map_err(|_| ChallengeFault::Malformed)?;
    let id = jws.claims().get("jti").and_then(Value::as_str).ok_or(ChallengeFault::Malformed)?;
    Ok(id.to_owned())
}

/// Where the responses to the challenge `id` go.
#[must_use]
pub fn response_path(id: &str) -> String {
    format!("/v1/challenges/{id}/response")
}
