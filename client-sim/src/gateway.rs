//! The gateway: asks for a challenge, shows the number, redeems, and checks what it is told.

use std::sync::{PoisonError, RwLock};

use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, Passcode, Redeem};
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::id::{ChallengeId, GatewayId};
use gatematch_protocol::jwk::JwkSet;
use gatematch_protocol::jws::Jws;
use gatematch_protocol::result::{self, Login, ResultClaims, ResultFault};
use gatematch_protocol::secret::Secret;
use serde_json::Value;

use crate::crypto::Checker;
use crate::edge::Clock;
use crate::failure::Failure;
use crate::http::{Answer, Api, body};
use crate::phone::with_wait;

/// The gateway in code. Shared by reference: all its methods take `&self`.
pub struct Gateway {
    /// The connection.
    pub api: Api,
    /// The server that it trusts, without trailing slash.
    pub issuer: String,
    /// Its own id. `None` where nobody told it: then a result for any gateway is believed, as long as it came
    /// over this connection for this key.
    pub id: Option<GatewayId>,
    /// Its credential.
    pub key: Secret,
    /// Tells the time.
    pub clock: Clock,
    keys: RwLock<JwkSet>,
    checker: Checker,
}

impl Gateway {
    /// A gateway with its key.
    #[must_use]
    pub fn new(api: Api, issuer: &str, id: Option<GatewayId>, key: Secret, clock: Clock) -> Self {
        let issuer = issuer.trim_end_matches('/').to_owned();
        Self { api, issuer, id, key, clock, keys: RwLock::default(), checker: Checker::P256 }
    }

    /// The gateway that an administrator has just made.
    #[must_use]
    pub fn created(api: Api, issuer: &str, created: &GatewayCreated, clock: Clock) -> Self {
        Self::new(api, issuer, Some(created.gateway.id), created.key.clone(), clock)
    }

    /// The same gateway where its server has moved.
    #[must_use]
    pub fn moved_to(self, api: Api) -> Self {
        Self { api, ..self }
    }

    /// The same gateway, which checks signatures by this code.
    #[must_use]
    pub fn checking_by(self, checker: Checker) -> Self {
        Self { checker, ..self }
    }

    /// The value of its `Authorization` header.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.key.reveal())
    }

    /// Sends a request with its key.
    ///
    /// # Errors
    /// [`Failure::Transport`]; a refusal is an [`Answer`].
    pub async fn call(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Result<Answer, Failure> {
        self.api.call(method, path, &[("authorization", &self.authorization())], body).await
    }

    /// Asks for a challenge.
    ///
    /// # Errors
    /// [`Failure`]; an unknown user is none, but a view with `denied`.
    pub async fn create(
        &self,
        challenge: &CreateChallenge,
        idempotency_key: Option<&str>,
    ) -> Result<ChallengeView, Failure> {
        let authorization = self.authorization();
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(idempotency_key.map(|key| ("idempotency-key", key)));
        self.api.call("POST", "/v1/challenges", &headers, Some(body(challenge)?)).await?.json()
    }

    /// The challenge now; while it is pending, after its next change or `wait` seconds (0 to 60).
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn get(&self, id: ChallengeId, wait: u32) -> Result<ChallengeView, Failure> {
        self.call("GET", &with_wait(&format!("/v1/challenges/{id}"), wait), None).await?.json()
    }

    /// Waits up to `wait` seconds for a decision and spends an approval.
    ///
    /// # Errors
    /// [`Failure`]; what is not approved is none, but a view with its state.
    pub async fn redeem(&self, id: ChallengeId, redemption_id: &str, wait: u32) -> Result<ChallengeView, Failure> {
        let message = Redeem { redemption_id: redemption_id.to_owned() };
        let path = with_wait(&format!("/v1/challenges/{id}/redeem"), wait);
        self.call("POST", &path, Some(body(&message)?)).await?.json()
    }

    /// Ends the challenge.
    ///
    /// # Errors
    /// [`Failure`], of which a 409 says that it was over already.
    pub async fn cancel(&self, id: ChallengeId) -> Result<(), Failure> {
        self.call("DELETE", &format!("/v1/challenges/{id}"), None).await?.success()
    }

    /// Tries a backup code in place of the phone.
    ///
    /// # Errors
    /// [`Failure`]; a wrong code is none, but a view with its state.
    pub async fn passcode(&self, id: ChallengeId, code: &str) -> Result<ChallengeView, Failure> {
        let message = Passcode { passcode: Secret::new(code) };
        self.call("POST", &format!("/v1/challenges/{id}/passcode"), Some(body(&message)?)).await?.json()
    }

    /// Checks the result in a redeemed view: whoever calls this lets in only on `Ok`. The server's keys are
    /// fetched at first, and once more at an unknown `kid`.
    ///
    /// # Errors
    /// [`Failure::Missing`] where the view has no result; [`Failure::Result`] for one that is not to be believed.
    pub async fn check_result(&self, view: &ChallengeView) -> Result<ResultClaims, Failure> {
        let text =
            view.result.as_deref().ok_or(Failure::Missing("the answer has no result in it: nobody is let in"))?;
        match self.check(view, text) {
            Err(ResultFault::UnknownKey) => {
                let keys = self.api.get("/.well-known/jwks.json").await?;
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
                Ok(self.check(view, text)?)
            }
            checked => Ok(checked?),
        }
    }

    fn check(&self, view: &ChallengeView, text: &str) -> Result<ResultClaims, ResultFault> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let login = Login {
            issuer: &self.issuer,
            gateway: self.id.or_else(|| audience(text)).ok_or(ResultFault::Malformed)?,
            challenge: view.id,
            user: &view.user,
            keys: &keys,
            now: (self.clock)(),
        };
        result::check(text, login, &self.checker)
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("issuer", &self.issuer).field("id", &self.id).finish_non_exhaustive()
    }
}

fn audience(result: &str) -> Option<GatewayId> {
    let jws = Jws::parse(result).ok()?;
    jws.claims().get("aud").and_then(Value::as_str)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gatematch_protocol::jwk::ServerJwk;
    use gatematch_protocol::jws::{Header, sign, typ};
    use gatematch_protocol::time::Timestamp;

    use super::*;
    use crate::crypto::P256Key;

    const NOW: i64 = 1_800_000_000;

    fn at() -> Timestamp {
        Timestamp::from_numeric_date(NOW)
    }

    fn redeemed(server: &P256Key, gateway: GatewayId, challenge: ChallengeId) -> ChallengeView {
        let claims = ResultClaims {
            iss: "https://mfa.example.com".to_owned(),
            aud: gateway,
            sub: "alice".to_owned(),
            jti: challenge,
            iat: NOW,
            exp: NOW + result::LIFETIME_SECONDS,
            method: "push".to_owned(),
            amr: vec!["swk".to_owned()],
            number_match: true,
            display: "gateway".to_owned(),
            device: None,
        };
        ChallengeView {
            id: challenge,
            status: "redeemed".to_owned(),
            reason: None,
            user: "alice".to_owned(),
            number: Some("047".to_owned()),
            methods: vec!["push".to_owned()],
            expires_at: at(),
            result: Some(sign(&Header::with_kid(typ::RESULT, "one"), &claims, server).unwrap()),
        }
    }

    #[tokio::test]
    async fn only_the_result_of_this_very_login_lets_in() {
        let server = P256Key::from_secret(&[8; 32]).unwrap();
        let (ours, theirs) = (GatewayId::new(at(), [1; 10]), GatewayId::new(at(), [2; 10]));
        let challenge = ChallengeId::new(at(), [3; 10]);
        let gateway = |id, now| {
            let api = Api::new("http://127.0.0.1:9").unwrap();
            let gateway =
                Gateway::new(api, "https://mfa.example.com/", id, Secret::new("gmg_x"), Arc::new(move || now));
            *gateway.keys.write().unwrap() = JwkSet { keys: vec![ServerJwk::new(&server.public(), "one")] };
            gateway
        };
        let view = redeemed(&server, ours, challenge);
        for id in [Some(ours), None] {
            assert_eq!(gateway(id, NOW).check_result(&view).await.unwrap().aud, ours);
        }
        let other_user = ChallengeView { user: "bob".to_owned(), ..view.clone() };
        let other_login = ChallengeView { id: ChallengeId::new(at(), [4; 10]), ..view.clone() };
        let nothing = ChallengeView { result: None, ..view.clone() };
        assert!(gateway(Some(theirs), NOW).check_result(&view).await.is_err());
        assert!(gateway(Some(ours), NOW + 60).check_result(&view).await.is_err());
        for wrong in [other_user, other_login, nothing] {
            assert!(gateway(Some(ours), NOW).check_result(&wrong).await.is_err());
        }
    }
}
