//! What people do at their phones, and many at once.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use gatematch_client_sim::failure::Failure;
use gatematch_domain::audit::Actor;
use gatematch_domain::username::Domains;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::{Decision, ResponseOutcome};
use gatematch_server::edge::Clock as _;
use gatematch_server::store::Act;
use tokio::sync::Barrier;

use crate::{Person, Site};

impl Person {
    /// Answers a challenge that waits on the phone.
    pub async fn answer(&self, challenge: &ChallengeView, decision: Decision, number: Option<&str>) -> ResponseOutcome {
        let signed = self.signed(challenge).await;
        self.phone.respond(&signed, decision, number, None).await.unwrap()
    }

    /// Approves a challenge with its right number.
    pub async fn approve(&self, challenge: &ChallengeView) -> ResponseOutcome {
        self.answer(challenge, Decision::Approve, challenge.number.as_deref()).await
    }

    /// Denies a challenge.
    pub async fn deny(&self, challenge: &ChallengeView) -> ResponseOutcome {
        self.answer(challenge, Decision::Deny, None).await
    }

    /// Says of a challenge that it was somebody else.
    pub async fn report(&self, challenge: &ChallengeView) -> ResponseOutcome {
        self.answer(challenge, Decision::Report, None).await
    }

    /// Approves a challenge with a wrong number.
    pub async fn mistype(&self, challenge: &ChallengeView) -> ResponseOutcome {
        let wrong = another_number(challenge.number.as_deref().unwrap());
        self.answer(challenge, Decision::Approve, Some(&wrong)).await
    }

    /// The sound approval of a challenge that waits on the phone, to be posted later.
    pub async fn signed_approval(&self, challenge: &ChallengeView) -> String {
        let signed = self.signed(challenge).await;
        self.phone.response(&signed, Decision::Approve, challenge.number.as_deref(), None).unwrap()
    }
}

impl Site {
    /// Locks a user, as the command line does.
    pub async fn lock(&self, name: &str) {
        let act = Act::new(Actor::CommandLine("tests".to_owned()), self.clock.now());
        let name = Domains::default().canonical(name).unwrap();
        assert!(self.store().lock_user(act, name, "a test".to_owned()).await.unwrap().is_some());
    }

    /// Unlocks a user, as the command line does.
    pub async fn unlock(&self, name: &str) {
        let act = Act::new(Actor::CommandLine("tests".to_owned()), self.clock.now());
        let name = Domains::default().canonical(name).unwrap();
        assert!(self.store().unlock_user(act, name, "a test".to_owned()).await.unwrap().is_some());
    }
}

/// A number of as many digits that is not this one.
pub fn another_number(number: &str) -> String {
    let mut digits = number.to_owned();
    let last = if digits.pop() == Some('0') { '1' } else { '0' };
    digits.push(last);
    digits
}

/// State and reason, to be compared.
pub fn state(challenge: &ChallengeView) -> (&str, Option<&str>) {
    (challenge.status.as_str(), challenge.reason.as_deref())
}

/// State and reason as the phone hears them.
pub fn heard(outcome: &ResponseOutcome) -> (&str, Option<&str>) {
    (outcome.status.as_str(), outcome.reason.as_deref())
}

/// The code of a refusal.
pub fn refusal<T: Debug>(answer: Result<T, Failure>) -> Code {
    let failure = answer.unwrap_err();
    failure.code().unwrap_or_else(|| panic!("no problem of the table: {failure}"))
}

/// How many events are of this type.
pub fn count(events: &[AuditEvent], kind: &str) -> usize {
    events.iter().filter(|event| event.kind == kind).count()
}

/// The one event of this type.
pub fn only<'a>(events: &'a [AuditEvent], kind: &str) -> &'a AuditEvent {
    assert_eq!(count(events, kind), 1, "{kind}");
    events.iter().find(|event| event.kind == kind).unwrap()
}

/// A member of an event's `detail`, as text.
pub fn detail(event: &AuditEvent, name: &str) -> String {
    let value = event.detail.as_ref().and_then(|detail| detail.get(name));
    value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Runs `tasks` tasks that begin at the same moment, and yields what they made, in order.
pub async fn race<F>(tasks: usize, make: impl Fn(usize) -> F) -> Vec<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let start = Arc::new(Barrier::new(tasks));
    let running: Vec<_> = (0..tasks)
        .map(|index| {
            let (start, work) = (Arc::clone(&start), make(index));
            tokio::spawn(async move {
                start.wait().await;
                work.await
            })
        })
        .collect();
    let mut made = Vec::with_capacity(tasks);
    for task in running {
        made.push(task.await.unwrap());
    }
    made
}
