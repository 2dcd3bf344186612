//! Codes, passes and bypasses: each is spent as often as it may be, whoever comes at the same moment.

use futures_util::future::join_all;
use gatematch_domain::audit::Actor;
use gatematch_domain::challenge::State;
use gatematch_domain::factor::{AccessPass, Bypass, Factor, Hash, Hashing, Kind, RecoveryCodes};
use gatematch_domain::factors::FactorChange;
use gatematch_domain::passcode::{Passcode, Typed};
use gatematch_domain::policy::Method;
use gatematch_domain::totp::{Seed, Totp, TotpStatus};
use gatematch_protocol::id::{AuthenticatorId, KeyId};
use gatematch_protocol::secret::Secret;
use gatematch_server::store::{Act, Opened};

use super::{CROWD, count};
use crate::shelf::Shelf;

const SEED: &[u8] = b"12345678901234567890";

async fn give(shelf: &Shelf, kind: Kind) -> Factor {
    let account = shelf.store.account(shelf.people[0].name.clone()).await.unwrap().unwrap();
    let id = AuthenticatorId::new(shelf.now(), shelf.edge.random().unwrap());
    let factor = Factor { id, user: account.user.id, kind, created_at: shelf.now(), last_used_at: None };
    let change = FactorChange::Add { factor: Box::new(factor.clone()), reason: Some("a test".to_owned()) };
    shelf.store.change_factors(shelf.act(), account.user.id, change).await.unwrap().unwrap();
    factor
}

fn hashing(shelf: &Shelf) -> Hashing {
    Hashing { salt: "salt".to_owned(), pepper: KeyId::new(shelf.now(), [1; 10]) }
}

fn hash(text: &str) -> Hash {
    Hash::new(text.to_owned())
}

/// How many of a crowd are let in by this code at the same moment; each has a challenge of its own in turn.
async fn crowd(shelf: &Shelf, passcode: &Passcode) -> usize {
    let challenge = shelf.open(&shelf.people[0]).await;
    let spend = |_| {
        let act = Act::new(Actor::Gateway(shelf.gateway.id), shelf.now());
        shelf.store.spend_passcode(act, challenge.id, shelf.gateway.id, passcode.clone())
    };
    let answers = join_all((0..CROWD).map(spend)).await;
    let let_in = |answer: &gatematch_domain::challenge::Challenge| matches!(answer.state, State::Approved { .. });
    let answers = answers.into_iter().filter_map(|answer| answer.unwrap().unwrap().ok());
    answers.filter(let_in).count()
}

/// A recovery code lets in once, and is gone (BF-01).
pub async fn a_recovery_code_is_spent_once(shelf: Shelf) {
    let hashes = vec![hash("one"), hash("two")];
    let codes = give(&shelf, Kind::RecoveryCodes(RecoveryCodes { hashing: hashing(&shelf), hashes })).await;
    let passcode = Typed::new(&Secret::new("0000-0000-0000-0000")).ready(Some((codes.id, hash("two"))));
    assert_eq!(crowd(&shelf, &passcode).await, 1);
    let account = shelf.store.account(shelf.people[0].name.clone()).await.unwrap().unwrap();
    let Kind::RecoveryCodes(left) = &account.factors[0].kind else { panic!("{account:?}") };
    assert_eq!(left.hashes, [hash("one")]);
    assert_eq!(crowd(&shelf, &passcode).await, 0);
    assert_eq!(count(&shelf, "challenge.approved").await, 1);
}

/// A time-based code lets in once, also after it was written and read back (BF-02).
pub async fn a_step_is_spent_once(shelf: Shelf) {
    let totp = Totp { name: None, seed: Seed::new(SEED), period: 30, status: TotpStatus::Active, last_step: None };
    let kept = give(&shelf, Kind::Totp(totp)).await;
    let account = shelf.store.account(shelf.people[0].name.clone()).await.unwrap().unwrap();
    assert_eq!(account.factors, [kept], "whatever is written is read back");
    let step = u64::try_from(shelf.now().numeric_date() / 30).unwrap();
    let passcode = Typed::new(&Secret::new(Seed::new(SEED).code(step).as_str())).ready(None);
    assert_eq!(crowd(&shelf, &passcode).await, 1);
    assert_eq!(crowd(&shelf, &passcode).await, 0);
}

/// A pass and a bypass let in as often as they may.
pub async fn a_pass_and_a_bypass_are_used_as_often_as_they_may(shelf: Shelf) {
    let (starts_at, expires_at) = (shelf.now(), shelf.now().plus_seconds(600));
    let pass = AccessPass { hashing: hashing(&shelf), hash: hash("pass"), starts_at, expires_at, max_uses: 2, uses: 0 };
    let pass = give(&shelf, Kind::AccessPass(pass)).await;
    let passcode = Typed::new(&Secret::new("00000-00000")).ready(Some((pass.id, hash("pass"))));
    for expected in [1, 1, 0] {
        assert_eq!(crowd(&shelf, &passcode).await, expected);
    }
    let (reason, made_by) = ("a test".to_owned(), "cli:tests".to_owned());
    give(&shelf, Kind::Bypass(Bypass { reason, made_by, expires_at, max_uses: Some(7), uses: 0 })).await;
    let opened = join_all((0..CROWD).map(|_| shelf.store.open_challenge(shelf.opening(&shelf.people[0])))).await;
    let by_bypass = |opened: &Opened| {
        let Opened::New(challenge) = opened else { return false };
        matches!(&challenge.state, State::Approved { approval, .. } if approval.method == Method::Bypass)
    };
    assert_eq!(opened.iter().filter(|opened| by_bypass(opened.as_ref().unwrap())).count(), 7);
}

/// What is over is forgotten a day later; what works stays.
pub async fn passes_and_bypasses_that_are_over_are_forgotten(shelf: Shelf) {
    let (reason, made_by) = ("a test".to_owned(), "cli:tests".to_owned());
    let expires_at = shelf.now().plus_seconds(600);
    give(&shelf, Kind::Bypass(Bypass { reason, made_by, expires_at, max_uses: None, uses: 0 })).await;
    let hashes = vec![hash("one")];
    give(&shelf, Kind::RecoveryCodes(RecoveryCodes { hashing: hashing(&shelf), hashes })).await;
    let kept = async || shelf.store.account(shelf.people[0].name.clone()).await.unwrap().unwrap().factors.len();
    shelf.store.purge(expires_at.plus_seconds(86_000)).await.unwrap();
    assert_eq!(kept().await, 2);
    shelf.store.purge(expires_at.plus_seconds(86_401)).await.unwrap();
    assert_eq!(kept().await, 1);
}
