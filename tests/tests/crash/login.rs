//! A login as its gateway and its phone know it.

use std::time::Instant;

use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;

use super::worker::Trigger;

/// A login as far as its gateway and its phone were told.
pub(crate) struct Login {
    key: String,
    user: String,
    began: Instant,
    created: Option<ChallengeView>,
    /// The decision and the signed response that were sent.
    sent: Option<(Decision, String)>,
    /// The state that the phone was told.
    decided: Option<String>,
    /// The redemption that was sent.
    redeeming: Option<String>,
    result: Option<String>,
}

impl Login {
    /// A login of `user` that nobody has heard of yet; `turn` tells his logins apart.
    pub(crate) fn new(user: &str, turn: usize) -> Self {
        Self {
            key: format!("{user}-{turn}"),
            user: user.to_owned(),
            began: Instant::now(),
            created: None,
            sent: None,
            decided: None,
            redeeming: None,
            result: None,
        }
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Whether a limit stood against it from the beginning.
    pub(crate) fn is_limited(&self) -> bool {
        self.created.as_ref().is_some_and(|created| created.status == "denied")
    }

    /// The last state that somebody was told.
    pub(crate) fn state(&self) -> Option<&str> {
        let created = self.created.as_ref()?;
        let decided = self.decided.as_deref().unwrap_or(&created.status);
        Some(if self.result.is_some() { "redeemed" } else { decided })
    }

    pub(crate) fn id(&self) -> Option<ChallengeId> {
        self.created.as_ref().map(|created| created.id)
    }

    /// The events that the audit log must have of it.
    pub(crate) fn audited(&self) -> &'static [&'static str] {
        let opened = self.created.as_ref().map(|created| created.status.as_str());
        match (opened, self.decided.as_deref(), &self.result) {
            (Some("denied"), _, _) => &["challenge.denied"],
            (_, Some("denied"), _) => &["challenge.created", "challenge.denied"],
            (_, Some("approved"), Some(_)) => &["challenge.created", "challenge.approved", "challenge.redeemed"],
            (_, Some("approved"), None) => &["challenge.created", "challenge.approved"],
            _ => &["challenge.created"],
        }
    }

    fn body(&self) -> CreateChallenge {
        CreateChallenge {
            user: self.user.clone(),
            client: Some(CreateClient { ip: None, name: Some("CLIENT-PC".to_owned()) }),
            expires_in: Some(600),
            ..CreateChallenge::default()
        }
    }

    /// Goes through with it, from wherever it is.
    pub(crate) async fn go_on(
        &mut self,
        gateway: &Gateway,
        phone: &Phone,
        decision: Decision,
        trigger: Option<&Trigger>,
    ) -> Result<(), Failure> {
        let told = async || {
            if let Some(trigger) = trigger {
                trigger.step().await;
            }
        };
        if self.created.is_none() {
            self.created = Some(gateway.create(&self.body(), Some(&self.key)).await?);
            told().await;
        }
        let challenge = self.created.clone().unwrap();
        if challenge.status != "pending" {
            assert_eq!((challenge.status.as_str(), challenge.reason.as_deref()), ("denied", Some("rate-limited")));
            return Ok(());
        }
        if self.decided.is_none() {
            self.decide(&challenge, phone, decision).await?;
            told().await;
        }
        if self.decided.as_deref() == Some("approved") && self.result.is_none() {
            let redemption = self.redeeming.get_or_insert_with(|| format!("redeem-{}", self.key)).clone();
            let redeemed = gateway.redeem(challenge.id, &redemption, 0).await?;
            assert_eq!(redeemed.status, "redeemed", "{}", challenge.id);
            gateway.check_result(&redeemed).await?;
            self.result = redeemed.result;
            told().await;
        }
        Ok(())
    }

    async fn decide(&mut self, challenge: &ChallengeView, phone: &Phone, decision: Decision) -> Result<(), Failure> {
        let id = challenge.id.to_string();
        if self.sent.is_none() {
            let waiting = phone.waiting(0).await?;
            let found = waiting.iter().find(|waiting| waiting.id == challenge.id).expect("it waits on the phone");
            let response = phone.response(&found.challenge, decision, challenge.number.as_deref(), None)?;
            self.sent = Some((decision, response));
        }
        let (decision, response) = self.sent.clone().unwrap();
        let expected = if decision == Decision::Approve { "approved" } else { "denied" };
        let answer = phone.post_response(&id, &response).await?;
        match answer.success() {
            Ok(()) => {}
            // Only where the first answer to the same response was lost.
            Err(failure) if failure.code() == Some(Code::AlreadyDecided) => {
                assert_eq!(failure.problem().unwrap().more["state"], expected, "{id}");
            }
            Err(failure) => return Err(failure),
        }
        self.decided = Some(expected.to_owned());
        Ok(())
    }

    /// After a restart: the state is what was acknowledged, or what was under way has made of it; never less.
    pub(crate) async fn look(&mut self, gateway: &Gateway, phone: Option<&Phone>) {
        if let Some(created) = &self.created {
            let now = gateway.get(created.id, 0).await.unwrap();
            let decision = self
                .sent
                .as_ref()
                .map(|(decision, _)| if *decision == Decision::Approve { "approved" } else { "denied" });
            let under_way = match (&self.decided, &self.redeeming) {
                (None, _) => decision,
                (Some(_), Some(_)) => Some("redeemed"),
                (Some(_), None) => None,
            };
            let allowed: Vec<&str> = self.state().into_iter().chain(under_way).collect();
            assert!(allowed.contains(&now.status.as_str()), "{}: {} is not among {allowed:?}", created.id, now.status);
            assert_eq!(now.number, created.number);
        }
        // It can be gone on with, and what was under way is not done twice.
        if let Some(phone) = phone {
            self.go_on(gateway, phone, Decision::Approve, None).await.unwrap();
        }
        if let (Some(result), Some(created), Some(redemption)) = (&self.result, &self.created, &self.redeeming) {
            let again = gateway.redeem(created.id, redemption, 0).await.unwrap();
            assert_eq!(again.result.as_ref(), Some(result), "the same string");
            let other = gateway.redeem(created.id, "another", 0).await.unwrap_err();
            assert_eq!(other.code(), Some(Code::AlreadyRedeemed), "{other}");
        }
    }
}
