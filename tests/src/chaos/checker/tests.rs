//! Each violation, made on purpose from a history that is true.

use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::{ChallengeId, DeviceId, EventId};
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::super::history::{Answering, Asked, Entry, Told};
use super::{Violation, check};

fn at() -> Timestamp {
    Timestamp::from_numeric_date(1_800_000_000)
}

fn id(number: u8) -> ChallengeId {
    ChallengeId::new(at(), [number; 10])
}

fn phone(number: u8) -> DeviceId {
    DeviceId::new(at(), [number; 10])
}

/// A history and a log that grow.
#[derive(Clone, Default)]
struct Tale {
    entries: Vec<Entry>,
    events: Vec<AuditEvent>,
}

impl Tale {
    /// Somebody asks, and is told before anybody asks again.
    fn asks(mut self, asked: Asked, told: Told) -> Self {
        let time = 2 * self.entries.len() as u64;
        self.entries.push(Entry { node: 0, asked_at: time, told_at: time + 1, asked, told });
        self
    }

    /// The log gets a step.
    fn logs(mut self, number: u8, step: &str, device: Option<DeviceId>) -> Self {
        let detail = json!({"challenge": id(number).to_string()}).as_object().cloned();
        let seq = self.events.len() as u64 + 1;
        self.events.push(AuditEvent {
            seq,
            id: EventId::new(at(), [0; 10]),
            at: at(),
            kind: format!("challenge.{step}"),
            actor: None,
            user: None,
            device: device.map(|device| device.to_string()),
            gateway: None,
            client: None,
            outcome: None,
            reason: None,
            number_match: None,
            policy: None,
            detail,
            prev_hash: Some(format!("{}", seq - 1)),
            hash: Some(format!("{seq}")),
        });
        self
    }

    fn creates(self, number: u8, status: &str) -> Self {
        self.asks(create(number), state(number, status)).logs(
            number,
            if status == "pending" { "created" } else { status },
            None,
        )
    }

    fn approves(self, number: u8) -> Self {
        let told = state(number, "approved");
        self.asks(respond(number, Answering::Approves), told).logs(number, "approved", Some(phone(1)))
    }

    fn redeems(self, number: u8) -> Self {
        self.asks(redeem(number, "r"), redeemed(number, "once")).logs(number, "redeemed", None)
    }

    fn finds(&self, expected: &[Violation]) {
        assert_eq!(check(&self.entries, &self.events), expected);
    }

    /// The numbers and hashes as they are without what was taken out.
    fn closed_up(mut self) -> Self {
        for (number, event) in (1..).zip(&mut self.events) {
            event.seq = number;
            event.prev_hash = Some(format!("{}", number - 1));
            event.hash = Some(format!("{number}"));
        }
        self
    }

    fn without(mut self, step: &str) -> Self {
        self.events.retain(|event| event.kind != format!("challenge.{step}"));
        self.closed_up()
    }
}

fn create(number: u8) -> Asked {
    Asked::Create { key: format!("key-{number}"), user: "alice".to_owned(), lifetime: 600 }
}

fn respond(number: u8, answering: Answering) -> Asked {
    let device = phone(if answering == Answering::Denies { 2 } else { 1 });
    Asked::Respond { id: id(number), device, answering, response: String::new() }
}

fn redeem(number: u8, redemption: &str) -> Asked {
    Asked::Redeem { id: id(number), redemption: redemption.to_owned(), wait: 0 }
}

fn state(number: u8, status: &str) -> Told {
    Told::State { id: id(number), status: status.to_owned(), number: Some("047".to_owned()), result: None }
}

fn redeemed(number: u8, result: &str) -> Told {
    Told::State { id: id(number), status: "redeemed".to_owned(), number: None, result: Some(result.to_owned()) }
}

fn refused(code: Code, state: &str) -> Told {
    Told::Refused { code, state: Some(state.to_owned()) }
}

fn nothing() -> Told {
    Told::Nothing("the connection ended".to_owned())
}

/// A whole login.
fn login(number: u8) -> Tale {
    Tale::default().creates(number, "pending").approves(number).redeems(number)
}

#[test]
fn what_is_true_is_found_true() {
    login(1).finds(&[]);
    // An answer is lost, and the same is asked again.
    let lost = Tale::default()
        .asks(create(1), nothing())
        .creates(1, "pending")
        .asks(respond(1, Answering::Approves), nothing())
        .logs(1, "approved", Some(phone(1)))
        .asks(respond(1, Answering::Approves), refused(Code::AlreadyDecided, "approved"))
        .asks(redeem(1, "r"), nothing())
        .redeems(1)
        .asks(redeem(1, "r"), redeemed(1, "once"))
        .asks(redeem(1, "s"), Told::Refused { code: Code::AlreadyRedeemed, state: None })
        .asks(Asked::Look { id: id(1) }, redeemed(1, "once"));
    lost.finds(&[]);
    let denied = Tale::default()
        .creates(1, "denied")
        .creates(2, "pending")
        .asks(respond(2, Answering::Denies), state(2, "denied"))
        .logs(2, "denied", Some(phone(2)))
        .asks(respond(2, Answering::Approves), refused(Code::AlreadyDecided, "denied"));
    denied.finds(&[]);
    let cancelled = Tale::default()
        .creates(1, "pending")
        .approves(1)
        .asks(Asked::Cancel { id: id(1) }, state(1, "cancelled"))
        .logs(1, "cancelled", None);
    cancelled.finds(&[]);
}

#[test]
fn an_approval_that_was_spent_twice_is_found() {
    login(1).asks(redeem(1, "s"), redeemed(1, "once")).finds(&[Violation::RedeemedTwice(id(1))]);
    login(1).asks(redeem(1, "r"), redeemed(1, "twice")).finds(&[Violation::RedeemedTwice(id(1))]);
    let steps = ["created", "approved", "redeemed", "redeemed"].map(str::to_owned).to_vec();
    login(1).logs(1, "redeemed", None).finds(&[
        Violation::RedeemedTwice(id(1)),
        Violation::RedeemedUnapproved(id(1)),
        Violation::Disorder(id(1), steps),
    ]);
}

#[test]
fn a_redemption_without_an_approval_before_it_is_found() {
    // Nobody approved.
    let found = check(&Tale::default().creates(1, "pending").redeems(1).entries, &login(1).events);
    assert!(found.contains(&Violation::RedeemedUnapproved(id(1))), "{found:?}");
    assert!(found.contains(&Violation::NobodyDid(id(1), "approved".to_owned())), "{found:?}");
    // The approval came when it was spent already.
    let late = Tale::default().creates(1, "pending").redeems(1).approves(1);
    let found = check(&late.entries, &login(1).events);
    assert!(found.contains(&Violation::RedeemedUnapproved(id(1))), "{found:?}");
    // One phone was told that it has denied.
    let denied = Tale::default()
        .creates(1, "pending")
        .asks(respond(1, Answering::Denies), state(1, "denied"))
        .approves(1)
        .redeems(1);
    let found = check(&denied.entries, &login(1).events);
    assert!(found.contains(&Violation::RedeemedUnapproved(id(1))), "{found:?}");
    assert!(found.contains(&Violation::Lost(id(1), "denied".to_owned())), "{found:?}");
    // The number was wrong.
    let mistyped =
        Tale::default().creates(1, "pending").asks(respond(1, Answering::Mistypes), state(1, "approved")).redeems(1);
    let found = check(&mistyped.entries, &login(1).events);
    assert!(found.contains(&Violation::RedeemedUnapproved(id(1))), "{found:?}");
}

#[test]
fn a_step_that_was_acknowledged_and_is_gone_is_found() {
    let lost = |step: &str| Violation::Lost(id(1), step.to_owned());
    for step in ["created", "approved", "redeemed"] {
        let tale = login(1).without(step);
        let found = check(&tale.entries, &tale.events);
        assert!(found.contains(&lost(step)), "{step}: {found:?}");
    }
    Tale::default().creates(1, "denied").without("denied").finds(&[lost("denied")]);
    let cancelled = Tale::default().creates(1, "pending").asks(Asked::Cancel { id: id(1) }, state(1, "cancelled"));
    cancelled.finds(&[lost("cancelled")]);
    // A refusal says how it stands, too.
    let told = refused(Code::AlreadyDecided, "approved");
    Tale::default().creates(1, "pending").asks(respond(1, Answering::Approves), told).finds(&[lost("approved")]);
}

#[test]
fn a_step_that_is_there_twice_or_out_of_order_is_found() {
    let found = check(&login(1).entries, &login(1).logs(1, "approved", Some(phone(1))).events);
    assert!(found.contains(&Violation::Twice(id(1), "approved".to_owned())), "{found:?}");
    let both = Tale::default().creates(1, "pending").approves(1).asks(respond(1, Answering::Denies), nothing()).logs(
        1,
        "denied",
        Some(phone(2)),
    );
    both.finds(&[Violation::Disorder(id(1), ["created", "approved", "denied"].map(str::to_owned).to_vec())]);
}

#[test]
fn what_nobody_asked_for_is_found() {
    let nobody = |step: &str| Violation::NobodyDid(id(1), step.to_owned());
    let tale = Tale::default().creates(1, "pending");
    tale.clone().logs(1, "cancelled", None).finds(&[nobody("cancelled")]);
    tale.clone().logs(1, "denied", Some(phone(2))).finds(&[nobody("denied")]);
    tale.clone().logs(1, "expired", None).finds(&[nobody("expired")]);
    // Another phone than the one that approved.
    let asked = tale.clone().asks(respond(1, Answering::Approves), nothing());
    asked.clone().logs(1, "approved", Some(phone(1))).finds(&[]);
    asked.logs(1, "approved", Some(phone(2))).finds(&[nobody("approved")]);
    tale.logs(2, "created", None).finds(&[Violation::Unasked(id(2).to_string())]);
}

#[test]
fn an_answer_that_takes_back_an_earlier_one_is_found() {
    let look = || Asked::Look { id: id(1) };
    let back = |before: &str, after: &str| Violation::WentBack(id(1), before.to_owned(), after.to_owned());
    login(1).asks(look(), state(1, "approved")).finds(&[back("redeemed", "approved")]);
    login(1).asks(look(), state(1, "pending")).finds(&[back("approved", "pending"), back("redeemed", "pending")]);
    // Asked before the other was told, it may be answered later.
    let mut beside = login(1).asks(look(), state(1, "pending"));
    beside.entries.last_mut().unwrap().asked_at = 1;
    beside.finds(&[]);
}

#[test]
fn a_key_that_has_got_two_answers_is_found() {
    let again = login(1).asks(create(1), state(1, "pending"));
    again.finds(&[]);
    let other = Tale::default().creates(1, "pending").asks(create(1), state(2, "pending")).logs(2, "created", None);
    other.finds(&[Violation::TwoAnswers("key-1".to_owned())]);
    let number = Told::State { id: id(1), status: "pending".to_owned(), number: Some("048".to_owned()), result: None };
    login(1).asks(create(1), number).finds(&[Violation::TwoAnswers("key-1".to_owned())]);
    login(1).asks(create(2), state(1, "pending")).finds(&[Violation::Shared(id(1))]);
    login(1).asks(create(2), nothing()).finds(&[Violation::Unanswered("key-2".to_owned())]);
}

#[test]
fn an_answer_to_another_question_is_found() {
    let is_strange = |asked: Asked, told: Told| {
        let tale = login(1).asks(asked, told);
        let found = check(&tale.entries, &tale.events);
        assert!(matches!(found.as_slice(), [Violation::Strange(_)]), "{found:?}");
    };
    is_strange(redeem(1, "r"), Told::Strange("the result is not to be believed".to_owned()));
    is_strange(Asked::Look { id: id(1) }, redeemed(2, "once"));
    is_strange(Asked::Look { id: id(1) }, refused(Code::NotFound, "redeemed"));
    is_strange(respond(1, Answering::Approves), refused(Code::WrongChallenge, "redeemed"));
}

#[test]
fn a_chain_with_a_gap_or_a_wrong_link_is_found() {
    let mut gap = login(1);
    gap.events[2].seq = 4;
    gap.finds(&[Violation::Broken(4)]);
    let mut link = login(1);
    link.events[1].prev_hash = Some("another".to_owned());
    link.finds(&[Violation::Broken(2)]);
    let mut bare = login(1);
    bare.events[2].hash = None;
    bare.finds(&[Violation::Broken(3)]);
}
