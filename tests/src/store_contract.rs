//! What every store must hold, whatever database is behind it. Each function is one clause; `store_contract!` makes
//! a test of each for a database.

mod factors;
mod people;
mod visits;
mod watch;

use std::sync::Arc;

use futures_util::future::join_all;
use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::challenge::{Reason, State};
use gatematch_domain::enrollment::{RegisterRefusal, Registration};
use gatematch_domain::redemption::RedeemRefusal;
use gatematch_domain::response::ResponseRefusal;
use gatematch_domain::role::Role;
use gatematch_domain::user::UserChange;
use gatematch_domain::username::{Domains, Username};
use gatematch_protocol::id::{AdminKeyId, DeviceId, EnrollmentId, UserId};
use gatematch_protocol::secret::sha256;
use gatematch_server::store::{
    AuditQuery, KeyRevoked, Opened, PutUser, RegisterDevice, StoreError, UserDeleted, UserPut, UserQuery, admin_key,
    enrollment,
};

pub use self::factors::{
    a_pass_and_a_bypass_are_used_as_often_as_they_may, a_recovery_code_is_spent_once, a_step_is_spent_once,
    passes_and_bypasses_that_are_over_are_forgotten,
};
pub use self::people::people_are_found_by_their_state;
pub use self::visits::{a_knock_becomes_one_visit, a_role_goes_with_its_account, an_invitation_lets_in_once};
pub use self::watch::{what_is_looked_for_is_found, what_stands_is_told};
use crate::shelf::Shelf;

/// How many do the same thing at the same time.
const CROWD: usize = 100;

/// Makes a test of each clause; `$shelf` is an async function from a count of people to a [`Shelf`].
#[macro_export]
macro_rules! store_contract {
    ($shelf:path: $($clause:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $clause() {
            $crate::store_contract::$clause($shelf($crate::store_contract::PEOPLE).await).await;
        }
    )+};
    ($shelf:path) => {
        $crate::store_contract!($shelf:
            what_is_written_is_read_back a_login_goes_through a_challenge_is_decided_once an_approval_is_redeemed_once
            a_token_makes_one_phone a_key_belongs_to_one_phone a_proof_is_spent_once an_idempotency_key_makes_one_challenge
            a_new_name_makes_one_user a_lock_holds_from_its_answer a_deletion_takes_everything_along
            a_gateway_that_goes_ends_what_it_opened what_is_overdue_is_settled_once what_lives_is_not_purged
            a_stale_signature_opens_nothing a_refusal_writes_nothing the_log_has_no_gaps
            a_recovery_code_is_spent_once a_step_is_spent_once a_pass_and_a_bypass_are_used_as_often_as_they_may
            passes_and_bypasses_that_are_over_are_forgotten an_invitation_lets_in_once a_knock_becomes_one_visit
            a_role_goes_with_its_account people_are_found_by_their_state what_is_looked_for_is_found what_stands_is_told);
    };
}

/// How many people the clauses need.
pub const PEOPLE: usize = 2;

fn name(text: &str) -> Username {
    Domains::default().canonical(text).unwrap()
}

async fn log(shelf: &Shelf) -> Vec<(String, Option<String>)> {
    let query = AuditQuery { limit: 1_000, ..AuditQuery::default() };
    shelf.store.audit(query).await.unwrap().into_iter().map(|event| (event.kind, event.reason)).collect()
}

async fn count(shelf: &Shelf, kind: &str) -> usize {
    log(shelf).await.iter().filter(|(name, _)| name == kind).count()
}

/// Whatever is written is read back as it was, at once.
pub async fn what_is_written_is_read_back(shelf: Shelf) {
    let store = &shelf.store;
    store.ready().await.unwrap();
    assert_eq!(store.gateways().await.unwrap(), std::slice::from_ref(&shelf.gateway));
    assert_eq!(store.gateway_by_key(sha256("key")).await.unwrap(), Some(shelf.gateway.clone()));
    assert_eq!(store.gateway_by_key(sha256("other")).await.unwrap(), None);
    let key = admin_key(AdminKeyId::new(shelf.now(), [1; 10]), "anna".to_owned(), Role::Helpdesk, shelf.now());
    store.create_admin_key(shelf.act(), key.clone(), sha256("gma")).await.unwrap();
    assert_eq!(store.admin_by_key(sha256("gma")).await.unwrap(), Some(key.clone()));
    assert_eq!(store.revoke_admin_key(shelf.act(), key.id).await.unwrap(), KeyRevoked::Done);
    assert_eq!(store.revoke_admin_key(shelf.act(), key.id).await.unwrap(), KeyRevoked::Unknown);
    assert_eq!(store.admin_by_key(sha256("gma")).await.unwrap(), None);
    let account = store.account(name("user0")).await.unwrap().unwrap();
    let (device, user) = store.device(shelf.people[0].device).await.unwrap().unwrap();
    assert_eq!((&account.user, account.devices.as_slice()), (&user, [device.clone()].as_slice()));
    assert_eq!(store.device_by_key(device.key.thumbprint()).await.unwrap(), Some((device, user)));
    let query = |text: &str, after: Option<&str>| UserQuery {
        text: text.to_owned(),
        after: after.map(str::to_owned),
        limit: 10,
        ..UserQuery::default()
    };
    let users = store.users(query("SER", None)).await.unwrap();
    assert_eq!(users.len(), PEOPLE, "a part of the name finds him, without case");
    assert!(store.users(query("%", None)).await.unwrap().is_empty(), "nothing in a query is a wildcard");
    assert_eq!(store.users(query("", Some("user0"))).await.unwrap().len(), PEOPLE - 1);
}

/// Open, wait, respond and redeem, each visible at once.
pub async fn a_login_goes_through(shelf: Shelf) {
    let alice = &shelf.people[0];
    let challenge = shelf.open(alice).await;
    assert_eq!(shelf.store.challenge(challenge.id).await.unwrap(), Some(challenge.clone()));
    let waiting = shelf.store.waiting(alice.device, shelf.now()).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let answering = shelf.store.answering(alice.device, Some(challenge.id)).await.unwrap().unwrap();
    assert_eq!((answering.device.id, Some(answering.user.id)), (alice.device, challenge.user));
    assert_eq!((answering.asked, answering.signed.as_ref()), (challenge.user, Some(&waiting[0].1)));
    let elsewhere = shelf.store.answering(shelf.people[1].device, Some(challenge.id)).await.unwrap().unwrap();
    assert_eq!((elsewhere.asked, elsewhere.signed), (challenge.user, None), "he was not asked");
    let nowhere = shelf.store.answering(alice.device, None).await.unwrap().unwrap();
    assert_eq!((nowhere.asked, nowhere.signed), (None, None), "there is no such challenge");
    shelf.respond(alice, &challenge).await;
    assert!(shelf.store.waiting(alice.device, shelf.now()).await.unwrap().is_empty());
    shelf.redeem(&challenge).await;
    let found = shelf.store.challenge(challenge.id).await.unwrap().unwrap();
    assert!(matches!(found.state, State::Redeemed { ref redemption_id, .. } if redemption_id == "login"));
    assert_eq!((found.number, found.sent_to), (challenge.number, challenge.sent_to));
}

/// A hundred right answers at the same time: one decides, the others find it decided.
pub async fn a_challenge_is_decided_once(shelf: Shelf) {
    let alice = &shelf.people[0];
    let challenge = shelf.open(alice).await;
    let answers =
        (0..CROWD).map(|_| shelf.store.record_response(shelf.now(), challenge.id, shelf.approval(alice, &challenge)));
    let outcomes = join_all(answers).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.as_ref().unwrap().is_ok()).count(), 1);
    let late = |outcome: &ResponseRefusal| matches!(outcome, ResponseRefusal::NotPending { state: "approved", .. });
    assert!(outcomes.into_iter().filter_map(|outcome| outcome.unwrap().err()).all(|refusal| late(&refusal)));
    assert_eq!(count(&shelf, "challenge.approved").await, 1);
}

/// A hundred redemptions under as many ids: one spends the approval.
pub async fn an_approval_is_redeemed_once(shelf: Shelf) {
    let alice = &shelf.people[0];
    let challenge = shelf.open(alice).await;
    shelf.respond(alice, &challenge).await;
    let redemptions = (0..CROWD).map(|turn| shelf.store.redeem(shelf.redemption(&challenge, &format!("login-{turn}"))));
    let outcomes: Vec<_> = join_all(redemptions).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().err())
            .all(|refusal| *refusal == RedeemRefusal::AlreadyRedeemed)
    );
    assert_eq!(count(&shelf, "challenge.redeemed").await, 1);
}

fn registration(shelf: &Shelf, token: &str, key: u8) -> RegisterDevice {
    let key = gatematch_client_sim::crypto::P256Key::from_secret(&[key; 32]).unwrap();
    use gatematch_protocol::jwk::PublicKey;
    let key: PublicKey = key.public();
    let id = DeviceId::new(shelf.now(), shelf.edge.random().unwrap());
    let phone = Registration {
        id,
        key,
        name: "phone".to_owned(),
        platform: None,
        push: None,
        code: None,
        max_devices: 5,
        protected_groups: Vec::new(),
    };
    RegisterDevice { now: shelf.now(), token_digest: sha256(token), phone }
}

async fn token(shelf: &Shelf, user: &str, token: &str) {
    let user = shelf.store.account(name(user)).await.unwrap().unwrap().user.id;
    let id = EnrollmentId::new(shelf.now(), shelf.edge.random().unwrap());
    let open = enrollment(id, user, sha256(token), shelf.now(), 600);
    shelf.store.create_enrollment(shelf.act(), open).await.unwrap().unwrap();
}

/// A hundred phones with one token: one is registered, and only that spends it.
pub async fn a_token_makes_one_phone(shelf: Shelf) {
    token(&shelf, "user0", "once").await;
    let phones = (0..CROWD).map(|turn| shelf.store.register_device(registration(&shelf, "once", turn as u8 + 1)));
    let outcomes: Vec<_> = join_all(phones).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(|refusal| *refusal == RegisterRefusal::Gone)
    );
    assert_eq!(shelf.store.account(name("user0")).await.unwrap().unwrap().devices.len(), 2);
}

/// One key with the tokens of two users, at the same time: one of them has it.
pub async fn a_key_belongs_to_one_phone(shelf: Shelf) {
    token(&shelf, "user0", "first").await;
    token(&shelf, "user1", "second").await;
    let both = ["first", "second"].map(|token| shelf.store.register_device(registration(&shelf, token, 200)));
    let outcomes: Vec<_> = join_all(both).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.contains(&Err(RegisterRefusal::KeyTaken)));
}

/// A hundred uses of one proof: one counts.
pub async fn a_proof_is_spent_once(shelf: Shelf) {
    let uses = (0..CROWD).map(|_| shelf.store.spend_proof(shelf.now(), "key".to_owned(), "jti".to_owned()));
    let fresh = join_all(uses).await.into_iter().filter(|fresh| *fresh.as_ref().unwrap()).count();
    assert_eq!(fresh, 1);
    assert!(shelf.store.spend_proof(shelf.now(), "other".to_owned(), "jti".to_owned()).await.unwrap());
    // Any character may be in it, those that a database does not keep as well.
    for is_first in [true, false] {
        let odd = "${jndi:ldap://x}\u{0}\u{10348}".to_owned();
        assert_eq!(shelf.store.spend_proof(shelf.now(), "key".to_owned(), odd).await.unwrap(), is_first);
    }
}

/// A hundred creates under one Idempotency-Key: one challenge, and everybody hears of it.
pub async fn an_idempotency_key_makes_one_challenge(shelf: Shelf) {
    let alice = &shelf.people[0];
    let opening = |body: &str| {
        let mut opening = shelf.opening(alice);
        opening.repeat = Some(("key".to_owned(), body.to_owned()));
        opening
    };
    let opened = join_all((0..CROWD).map(|_| shelf.store.open_challenge(opening("body")))).await;
    let mut ids: Vec<_> = opened
        .into_iter()
        .map(|opened| match opened.unwrap() {
            Opened::New(challenge) => challenge.id,
            Opened::Repeated(first) => first.challenge.id,
            other => panic!("{other:?}"),
        })
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(count(&shelf, "challenge.created").await, 1);
    assert_eq!(shelf.store.open_challenge(opening("another")).await.unwrap(), Opened::KeyReused);
    let first =
        shelf.store.first_answer(shelf.gateway.id, "key".to_owned(), shelf.now().plus_seconds(-600)).await.unwrap();
    assert_eq!(first.map(|first| (first.challenge.id, first.status)), Some((ids[0], "pending".to_owned())));
}

fn put(shelf: &Shelf, user: &str) -> PutUser {
    let id = UserId::new(shelf.now(), shelf.edge.random().unwrap());
    let (change, protected_groups) = (UserChange::default(), Vec::new());
    PutUser { act: shelf.act(), id, username: name(user), change, protected_groups, as_admin: true }
}

/// A hundred writes of one new name: one user.
pub async fn a_new_name_makes_one_user(shelf: Shelf) {
    let puts = join_all((0..CROWD).map(|_| shelf.store.put_user(put(&shelf, "carol")))).await;
    let created = puts.iter().filter(|put| matches!(put, Ok(UserPut::Created(_)))).count();
    assert_eq!((created, count(&shelf, "user.created").await), (1, PEOPLE + 1));
}

/// A lock races right answers: after its answer nothing is approved or redeemed.
pub async fn a_lock_holds_from_its_answer(shelf: Shelf) {
    let alice = &shelf.people[0];
    for _ in 0..CROWD {
        let challenge = shelf.open(alice).await;
        let answer = shelf.store.record_response(shelf.now(), challenge.id, shelf.approval(alice, &challenge));
        let lock = shelf.store.lock_user(shelf.act(), alice.name.clone(), "lost".to_owned());
        let (_, locked) = tokio::join!(answer, lock);
        assert_eq!(locked.unwrap(), Some(true));
        let found = shelf.store.challenge(challenge.id).await.unwrap().unwrap();
        assert_eq!(found.state.reason(), Some(Reason::Locked), "{:?}", found.state);
        let redeemed = shelf.store.redeem(shelf.redemption(&challenge, "late")).await.unwrap().unwrap();
        assert_eq!(redeemed.state.as_str(), "denied");
        assert_eq!(
            shelf.store.unlock_user(shelf.act(), alice.name.clone(), "found".to_owned()).await.unwrap(),
            Some(true)
        );
    }
}

/// With the user go his phones, his enrollments and his open challenges; a new one of that name has none of it.
pub async fn a_deletion_takes_everything_along(shelf: Shelf) {
    let alice = &shelf.people[0];
    let challenge = shelf.open(alice).await;
    token(&shelf, "user0", "left").await;
    let id = shelf.store.account(alice.name.clone()).await.unwrap().unwrap().user.id;
    let answer = shelf.store.record_response(shelf.now(), challenge.id, shelf.approval(alice, &challenge));
    let delete = shelf.store.delete_user(shelf.act(), id, true);
    let (_, deleted) = tokio::join!(answer, delete);
    assert_eq!(deleted.unwrap(), UserDeleted::Done);
    let found = shelf.store.challenge(challenge.id).await.unwrap().unwrap();
    assert_eq!(found.state.reason(), Some(Reason::Revoked), "{:?}", found.state);
    assert_eq!(shelf.store.device(alice.device).await.unwrap(), None);
    assert_eq!(shelf.store.enrollment(sha256("left")).await.unwrap(), None);
    assert!(
        matches!(shelf.store.put_user(put(&shelf, "user0")).await.unwrap(), UserPut::Created(user) if user.id != id)
    );
    let again = shelf.store.account(alice.name.clone()).await.unwrap().unwrap();
    assert!(again.devices.is_empty());
}

/// Deleting a gateway ends what it opened, for whomever.
pub async fn a_gateway_that_goes_ends_what_it_opened(shelf: Shelf) {
    let open = join_all(shelf.people.iter().map(|person| shelf.open(person))).await;
    shelf.respond(&shelf.people[0], &open[0]).await;
    assert!(shelf.store.delete_gateway(shelf.act(), shelf.gateway.id).await.unwrap());
    for challenge in &open {
        let found = shelf.store.challenge(challenge.id).await.unwrap().unwrap();
        assert_eq!(found.state.reason(), Some(Reason::Revoked), "{:?}", found.state);
    }
    let late = shelf.store.open_challenge(shelf.opening(&shelf.people[0])).await;
    assert!(matches!(late, Err(StoreError::ActorGone)), "its requests under way come too late: {late:?}");
}

/// Time runs out once, for pending and for approved ones, and the next deadline is told.
pub async fn what_is_overdue_is_settled_once(shelf: Shelf) {
    let open = join_all(shelf.people.iter().map(|person| shelf.open(person))).await;
    shelf.respond(&shelf.people[0], &open[0]).await;
    let end = open[0].expires_at.max(open[1].expires_at);
    let next = shelf.store.settle(shelf.now()).await.unwrap();
    assert_eq!(next, Some(open[1].expires_at), "the pending one is next");
    let next = shelf.store.settle(end).await.unwrap();
    assert_eq!(next, Some(open[0].expires_at.plus_seconds(5)), "the approval has its grace");
    join_all((0..CROWD).map(|_| shelf.store.settle(end.plus_seconds(5)))).await;
    assert_eq!(count(&shelf, "challenge.expired").await, 2);
    assert_eq!(shelf.store.settle(end.plus_seconds(5)).await.unwrap(), None);
}

/// Forgetting takes what ended a day ago, and nothing that lives.
pub async fn what_lives_is_not_purged(shelf: Shelf) {
    let [alice, bob] = [&shelf.people[0], &shelf.people[1]];
    let ended = shelf.open(alice).await;
    shelf.respond(alice, &ended).await;
    shelf.redeem(&ended).await;
    let open = shelf.open(bob).await;
    shelf.store.purge(shelf.now().plus_seconds(86_000)).await.unwrap();
    assert!(shelf.store.challenge(ended.id).await.unwrap().is_some(), "it is not a day old");
    shelf.store.purge(shelf.now().plus_seconds(90_000)).await.unwrap();
    assert_eq!(shelf.store.challenge(ended.id).await.unwrap(), None);
    let forgotten = shelf.store.answering(alice.device, Some(ended.id)).await.unwrap().unwrap();
    assert_eq!((forgotten.asked, forgotten.signed), (None, None));
    assert_eq!(shelf.store.challenge(open.id).await.unwrap(), Some(open.clone()));
    assert!(shelf.store.answering(bob.device, Some(open.id)).await.unwrap().unwrap().signed.is_some());
}

/// A challenge that was signed for other phones than the user has now is not opened.
pub async fn a_stale_signature_opens_nothing(shelf: Shelf) {
    let opening = shelf.opening(&shelf.people[0]);
    token(&shelf, "user0", "second").await;
    shelf.store.register_device(registration(&shelf, "second", 9)).await.unwrap().unwrap();
    let before = log(&shelf).await;
    assert!(matches!(shelf.store.open_challenge(opening).await.unwrap(), Opened::Stale(now) if now.phones.len() == 2));
    assert_eq!(log(&shelf).await, before);
}

/// A step that is refused leaves no trace, also beside others that are made in the same moment.
pub async fn a_refusal_writes_nothing(shelf: Shelf) {
    let alice = &shelf.people[0];
    let challenge = shelf.open(alice).await;
    let before = shelf.store.account(alice.name.clone()).await.unwrap();
    let stranger =
        gatematch_domain::response::Answer { device: shelf.people[1].device, ..shelf.approval(alice, &challenge) };
    let refused =
        join_all((0..CROWD).map(|_| shelf.store.record_response(shelf.now(), challenge.id, stranger.clone()))).await;
    assert!(refused.iter().all(|refused| refused.as_ref().unwrap().is_err()));
    assert_eq!(shelf.store.account(alice.name.clone()).await.unwrap(), before);
    assert_eq!(shelf.store.challenge(challenge.id).await.unwrap().unwrap().state, State::Pending);
    assert_eq!(count(&shelf, "challenge.created").await + count(&shelf, "challenge.approved").await, 1);
}

/// Events of many at the same time are numbered 1, 2, 3, ..., and carry what they were given.
pub async fn the_log_has_no_gaps(shelf: Shelf) {
    let store = Arc::clone(&shelf.store);
    let event = |turn: usize| Event::new("audit.read", Actor::System, shelf.now()).with("turn", turn).user("user0");
    join_all((0..CROWD).map(|turn| store.record_events(vec![event(turn), event(turn)]))).await;
    let events = store.audit(AuditQuery { limit: 1_000, ..AuditQuery::default() }).await.unwrap();
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
    let own = |kinds: &[&str]| AuditQuery {
        limit: 1_000,
        user: Some("user0".to_owned()),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        ..AuditQuery::default()
    };
    for (kinds, found) in
        [(&["audit.read"][..], 2 * CROWD), (&["audit.read", "no.such"], 2 * CROWD), (&["no", "such"], 0)]
    {
        assert_eq!(store.audit(own(kinds)).await.unwrap().len(), found, "{kinds:?}");
    }
    let somewhere = AuditQuery { gateways: vec!["elsewhere".to_owned()], ..own(&[]) };
    assert_eq!(store.audit(somewhere).await.unwrap().len(), 0);
    let query = AuditQuery { limit: 5, after: numbers.len() as u64 - 3, ..AuditQuery::default() };
    assert_eq!(store.audit(query).await.unwrap().len(), 3);
}
