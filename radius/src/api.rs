//! The Gatematch server as a gateway sees it: its HTTP API (contract sections 3, 5 and 6).

mod body;
mod http;
mod trust;

use std::time::Duration;

use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, Passcode, Redeem};
use gatematch_protocol::gateway::{GatewayView, ReportDrops};
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::result::ResultFault;
use gatematch_protocol::secret::Secret;
use serde::Serialize;

pub use self::body::client_of;
use self::http::{Answer, Call};
pub use self::http::{Api, ApiFault, base};
pub use self::trust::{Expected, Trust};

/// The longest wait that the server offers, in seconds.
pub const LONGEST_WAIT: u64 = 60;
/// How long an answer that waits for nobody may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Room for a message with a code, in bytes.
const PASSCODE_BYTES: usize = 128;

/// Why the server did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It cannot be reached, or cannot decide now: the same call may be tried again.
    #[error("the server did not answer: {0}")]
    Unavailable(String),
    /// It does not know the gateway key (401), or the key is not a gateway's (403).
    #[error("the server refuses the gateway key")]
    KeyRefused,
    /// It refused the call, with this HTTP status.
    #[error("the server refused the call with {0}")]
    Refused(u16),
    /// Its result is not to be believed.
    #[error("the result is not to be believed: {0}")]
    Unbelievable(#[from] ResultFault),
}

impl Failure {
    /// Whether the same call may be answered later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Api {
    /// Asks for a challenge. The same `idempotency_key` gives the same challenge for ten minutes.
    ///
    /// # Errors
    /// [`Failure`]; an unknown user is none, but a view with `denied`.
    pub async fn create(
        &self,
        key: &Secret,
        idempotency_key: &str,
        challenge: &CreateChallenge,
    ) -> Result<ChallengeView, Failure> {
        let call = Call { key: Some(key), idempotency_key: Some(idempotency_key), body: Some(json(challenge)?) };
        let answer = self.send("POST", "/v1/challenges", call, PATIENCE).await?;
        // 409: the first call with this key is still under way, and its answer will be ours.
        if answer.status == 409 {
            return Err(Failure::Unavailable("the first call is still under way".to_owned()));
        }
        answer.message()
    }

    /// Waits up to `wait` seconds (0 to 60) for a decision and spends an approval. The same `redemption_id` gives the
    /// same result for ten minutes.
    ///
    /// # Errors
    /// [`Failure`]; what is not approved is none, but a view with its state.
    pub async fn redeem(
        &self,
        key: &Secret,
        id: ChallengeId,
        redemption_id: &str,
        wait: u64,
    ) -> Result<ChallengeView, Failure> {
        let wait = wait.min(LONGEST_WAIT);
        let body = json(&Redeem { redemption_id: redemption_id.to_owned() })?;
        let path = format!("/v1/challenges/{id}/redeem?wait={wait}");
        let call = Call { key: Some(key), body: Some(body), ..Call::default() };
        self.send("POST", &path, call, Duration::from_secs(wait) + PATIENCE).await?.message()
    }

    /// Gives a code in place of the phone. **Not to be tried again**: the first call may have been counted, or the code
    /// spent, though its answer was lost.
    ///
    /// # Errors
    /// [`Failure`]; a wrong code is none, but a view that is still pending. 409: the challenge is decided already.
    pub async fn passcode(&self, key: &Secret, id: ChallengeId, passcode: Secret) -> Result<ChallengeView, Failure> {
        // Room from the start: a Vec that grows leaves copies behind.
        let mut body = Vec::with_capacity(PASSCODE_BYTES);
        serde_json::to_writer(&mut body, &Passcode { passcode }).map_err(|fault| unsayable(&fault))?;
        let call = Call { key: Some(key), body: Some(body), ..Call::default() };
        self.send("POST", &format!("/v1/challenges/{id}/passcode"), call, PATIENCE).await?.message()
    }

    /// Ends a challenge; one that is over already (409) or gone (404) counts as ended.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn cancel(&self, key: &Secret, id: ChallengeId) -> Result<(), Failure> {
        let call = Call { key: Some(key), ..Call::default() };
        match self.send("DELETE", &format!("/v1/challenges/{id}"), call, PATIENCE).await?.success() {
            Err(Failure::Refused(404 | 409)) => Ok(()),
            ended => ended,
        }
    }

    /// The gateway that `key` belongs to.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn gateway(&self, key: &Secret) -> Result<GatewayView, Failure> {
        let call = Call { key: Some(key), ..Call::default() };
        self.send("GET", "/v1/gateways/self", call, PATIENCE).await?.message()
    }

    /// Tells the server what was met with silence.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn report_drops(&self, key: &Secret, report: &ReportDrops) -> Result<(), Failure> {
        let call = Call { key: Some(key), body: Some(json(report)?), ..Call::default() };
        self.send("POST", "/v1/gateways/self/drops", call, PATIENCE).await?.success()
    }

    /// Whether the server can decide.
    pub async fn is_ready(&self, patience: Duration) -> bool {
        let answer = self.send("GET", "/readyz", Call::default(), patience).await;
        answer.is_ok_and(|answer| answer.success().is_ok())
    }

    async fn document<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send("GET", path, Call::default(), PATIENCE).await?.message()
    }
}

/// A body; no message of the contract is one that JSON cannot say.
fn json(message: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(message).map_err(|fault| unsayable(&fault))
}

fn unsayable(fault: &serde_json::Error) -> Failure {
    Failure::Unavailable(fault.to_string())
}

impl Answer {
    fn success(&self) -> Result<(), Failure> {
        match self.status {
            200..=299 => Ok(()),
            401 | 403 => Err(Failure::KeyRefused),
            429 | 500..=599 => Err(Failure::Unavailable(format!("it said {}", self.status))),
            other => Err(Failure::Refused(other)),
        }
    }

    fn message<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        self.success()?;
        gatematch_protocol::json::parse_into(&self.body)
            .map_err(|fault| Failure::Unavailable(format!("it said what cannot be understood: {fault}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16) -> Result<(), Failure> {
        Answer { status, body: Vec::new() }.success()
    }

    #[test]
    fn an_answer_is_a_success_only_by_its_status() {
        assert_eq!(said(204), Ok(()));
        for status in [429, 500, 502, 503] {
            assert!(said(status).unwrap_err().is_passing(), "{status}");
        }
        for status in [401, 403] {
            assert_eq!(said(status), Err(Failure::KeyRefused), "{status}");
        }
        for status in [100, 301, 400, 404, 409, 422] {
            assert_eq!(said(status), Err(Failure::Refused(status)), "{status}");
        }
    }

    #[test]
    fn what_is_no_view_is_no_answer() {
        let answer = Answer { status: 200, body: b"{\"status\":\"approved\"}".to_vec() };
        assert!(answer.message::<ChallengeView>().unwrap_err().is_passing());
    }
}
