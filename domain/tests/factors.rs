//! Codes, passes and bypasses in one account: spent once, by the ways that a challenge has (contract section 10).

mod support;

use gatematch_domain::challenge::{Challenge, Display};
use gatematch_domain::factor::{AccessPass, Bypass, Factor, Hash, Hashing, Kind, RecoveryCodes};
use gatematch_domain::factors::{FactorChange, FactorRefusal};
use gatematch_domain::login::Login;
use gatematch_domain::passcode::{Passcode, StaleCode, Typed};
use gatematch_domain::policy::Method;
use gatematch_domain::totp::{Seed, Totp, TotpStatus};
use gatematch_protocol::id::{AuthenticatorId, KeyId};
use gatematch_protocol::secret::Secret;
use serde_json::json;
use support::{Scene, at, gateway_id, user_id};

const SEED: &[u8] = b"12345678901234567890";

fn id(n: u8) -> AuthenticatorId {
    AuthenticatorId::new(at(0), [n; 10])
}

fn hashing() -> Hashing {
    Hashing { salt: "salt".to_owned(), pepper: KeyId::new(at(0), [1; 10]) }
}

fn factor(n: u8, kind: Kind) -> Factor {
    Factor { id: id(n), user: user_id(1), kind, created_at: at(0), last_used_at: None }
}

fn app(n: u8, status: TotpStatus) -> Factor {
    // The first one has the seed of RFC 6238, and every other one its own.
    let seed = if n == 1 { Seed::new(SEED) } else { Seed::new(&[n; 20]) };
    factor(n, Kind::Totp(Totp { name: None, seed, period: 30, status, last_step: None }))
}

fn codes(n: u8, hashes: &[&str]) -> Factor {
    let hashes = hashes.iter().map(|hash| Hash::new((*hash).to_owned())).collect();
    factor(n, Kind::RecoveryCodes(RecoveryCodes { hashing: hashing(), hashes }))
}

fn pass(n: u8, max_uses: u32) -> Factor {
    let hash = Hash::new("pass".to_owned());
    let (starts_at, expires_at) = (at(0), at(600));
    factor(n, Kind::AccessPass(AccessPass { hashing: hashing(), hash, starts_at, expires_at, max_uses, uses: 0 }))
}

fn bypass(n: u8, max_uses: Option<u32>) -> Factor {
    let (reason, made_by) = ("outage".to_owned(), "admin:anna".to_owned());
    factor(n, Kind::Bypass(Bypass { reason, made_by, expires_at: at(600), max_uses, uses: 0 }))
}

fn add(scene: &mut Scene, factor: Factor) -> Result<(), FactorRefusal> {
    let change = FactorChange::Add { factor: Box::new(factor), reason: None };
    scene.act(|account, journal| account.change_factors(&change, journal))
}

/// The six digits of now.
fn totp_code(scene: &Scene) -> Passcode {
    let step = u64::try_from(scene.now.numeric_date() / 30).unwrap_or(0);
    Typed::new(&Secret::new(Seed::new(SEED).code(step).as_str())).ready(None)
}

/// A code of this shape, whose hash was made for that factor.
fn hashed(shape: &str, n: u8, hash: &str) -> Passcode {
    Typed::new(&Secret::new(shape)).ready(Some((id(n), Hash::new(hash.to_owned()))))
}

const RECOVERY: &str = "0000-0000-0000-0000";
const PASS: &str = "00000-00000";

fn spend(scene: &mut Scene, challenge: &Challenge, passcode: &Passcode) -> Result<Challenge, StaleCode> {
    let spent = scene.act(|account, journal| account.spend_passcode(challenge.id, gateway_id(1), passcode, journal));
    spent.map(|outcome| outcome.unwrap_or_else(|_| challenge.clone()))
}

fn method(challenge: &Challenge) -> Option<Method> {
    use gatematch_domain::challenge::State::{Approved, Redeemed};
    match &challenge.state {
        Approved { approval, .. } | Redeemed { approval, .. } => Some(approval.method),
        _ => None,
    }
}

#[test]
fn each_factor_approves_once() {
    let mut scene = Scene::new(0);
    add(&mut scene, app(1, TotpStatus::Active)).unwrap();
    add(&mut scene, codes(2, &["one", "two"])).unwrap();
    add(&mut scene, pass(3, 1)).unwrap();
    for (passcode, expected) in [
        (totp_code(&scene), Method::Totp),
        (hashed(RECOVERY, 2, "two"), Method::RecoveryCode),
        (hashed(PASS, 3, "pass"), Method::AccessPass),
    ] {
        let challenge = scene.ask();
        let approved = spend(&mut scene, &challenge, &passcode).unwrap();
        assert_eq!(method(&approved), Some(expected));
        let again = scene.ask();
        let refused = spend(&mut scene, &again, &passcode).unwrap();
        assert_eq!((method(&refused), refused.wrong_passcodes), (None, 1), "{expected:?} twice");
        scene.cancel(again.id).unwrap();
        scene.wait(1);
    }
}

#[test]
fn a_hash_of_another_set_judges_and_counts_nothing() {
    let mut scene = Scene::new(0);
    add(&mut scene, codes(2, &["one"])).unwrap();
    let challenge = scene.ask();
    let stale = hashed(RECOVERY, 9, "one");
    let before = scene.account.clone();
    assert_eq!(spend(&mut scene, &challenge, &stale).err(), Some(StaleCode));
    assert_eq!(spend(&mut scene, &challenge, &Typed::new(&Secret::new(RECOVERY)).ready(None)).err(), Some(StaleCode));
    assert_eq!(scene.account, before);
    // In the cool-down nothing needs to be hashed at all.
    scene.fail_codes(5, &challenge);
    assert_eq!(scene.state(challenge.id), ("denied", Some("passcode")));
}

#[test]
fn a_new_set_ends_what_the_old_one_let_in() {
    let mut scene = Scene::new(0);
    add(&mut scene, codes(2, &["one", "two"])).unwrap();
    let challenge = scene.ask();
    spend(&mut scene, &challenge, &hashed(RECOVERY, 2, "one")).unwrap();
    add(&mut scene, codes(4, &["three"])).unwrap();
    assert_eq!(scene.state(challenge.id), ("denied", Some("revoked")));
    assert_eq!(scene.account.factors.len(), 1);
}

#[test]
fn what_cannot_be_met_any_more_ends() {
    let mut scene = Scene::new(1);
    add(&mut scene, app(1, TotpStatus::Active)).unwrap();
    let both = scene.ask();
    assert_eq!(both.methods, [Method::Push, Method::Totp]);
    scene.revoke(1);
    assert_eq!(scene.state(both.id), ("pending", None), "the app remains");
    let remove = FactorChange::Remove { id: id(1), reason: None, bypass: false };
    scene.act(|account, journal| account.change_factors(&remove, journal)).unwrap();
    assert_eq!(scene.state(both.id), ("denied", Some("revoked")));
}

#[test]
fn a_bypass_is_used_before_anybody_is_asked_and_ends_with_its_removal() {
    let mut scene = Scene::new(1);
    add(&mut scene, bypass(5, Some(1))).unwrap();
    let login = scene.login();
    let passed = scene.open(&login);
    assert_eq!((method(&passed), passed.sent_to.len(), passed.number.clone()), (Some(Method::Bypass), 0, None));
    let remove = |bypass| FactorChange::Remove { id: id(5), reason: None, bypass };
    let wrong = scene.act(|account, journal| account.change_factors(&remove(false), journal));
    assert_eq!(wrong, Err(FactorRefusal::Unknown), "a bypass is no authenticator");
    scene.act(|account, journal| account.change_factors(&remove(true), journal)).unwrap();
    assert_eq!(scene.state(passed.id), ("denied", Some("revoked")));
    assert_eq!(scene.ask().methods, [Method::Push]);
}

#[test]
fn a_gateway_narrows_and_never_widens() {
    let mut scene = Scene::new(1);
    add(&mut scene, app(1, TotpStatus::Active)).unwrap();
    let narrowed = |scene: &mut Scene, methods: &[Method]| Login { methods: Some(methods.to_vec()), ..scene.login() };
    let login = narrowed(&mut scene, &[Method::Totp]);
    let codes_alone = scene.open_for(&login, &[]).unwrap();
    assert_eq!((codes_alone.methods.as_slice(), codes_alone.number.clone()), ([Method::Totp].as_slice(), None));
    let login = Login { display: Display::None, ..narrowed(&mut scene, &[Method::Totp]) };
    assert_eq!(scene.open_for(&login, &[]).unwrap().state.as_str(), "pending", "a code needs no display");
    let login = narrowed(&mut scene, &[Method::AccessPass]);
    assert_eq!(scene.open(&login).state.reason().map(|reason| reason.as_str()), Some("not-enrolled"));
    scene.ask_for(json!({"methods": ["push"]}));
    let login = narrowed(&mut scene, &[Method::Totp]);
    assert_eq!(scene.open(&login).state.reason().map(|reason| reason.as_str()), Some("not-enrolled"));
}

#[test]
fn an_app_is_confirmed_by_its_code_and_five_wrong_ones_end_it() {
    let mut scene = Scene::new(1);
    let unconfirmed = TotpStatus::Unconfirmed { wrong_tries: 0 };
    add(&mut scene, app(1, unconfirmed)).unwrap();
    add(&mut scene, app(2, unconfirmed)).unwrap();
    assert_eq!(scene.account.factors.len(), 1, "the later one takes the place");
    let confirm = |code: &str| FactorChange::Confirm { id: id(2), code: Secret::new(code) };
    for _ in 0..5 {
        let wrong = scene.act(|account, journal| account.change_factors(&confirm("no code"), journal));
        assert_eq!(wrong, Err(FactorRefusal::WrongCode));
    }
    let gone = scene.act(|account, journal| account.change_factors(&confirm("000000"), journal));
    assert_eq!((gone, scene.account.user.limits.failures()), (Err(FactorRefusal::Unknown), 0));
    for n in 10..15 {
        add(&mut scene, app(n, TotpStatus::Active)).unwrap();
    }
    assert_eq!(add(&mut scene, app(20, TotpStatus::Active)), Err(FactorRefusal::TooMany));
    assert_eq!(add(&mut scene, app(21, unconfirmed)), Err(FactorRefusal::TooMany));
    let again = Factor { id: id(30), ..app(12, TotpStatus::Active) };
    assert_eq!(add(&mut scene, again), Err(FactorRefusal::SeedHeld), "each of its codes would let in twice");
}

#[test]
fn the_code_that_confirms_an_app_signs_nobody_in() {
    let mut scene = Scene::new(1);
    add(&mut scene, app(1, TotpStatus::Unconfirmed { wrong_tries: 0 })).unwrap();
    let step = u64::try_from(scene.now.numeric_date() / 30).unwrap_or(0);
    let confirm = FactorChange::Confirm { id: id(1), code: Secret::new(Seed::new(SEED).code(step).as_str()) };
    scene.act(|account, journal| account.change_factors(&confirm, journal)).unwrap();
    let challenge = scene.ask();
    let code = totp_code(&scene);
    let refused = spend(&mut scene, &challenge, &code).unwrap();
    assert_eq!((method(&refused), refused.wrong_passcodes), (None, 1));
    scene.wait(30);
    let code = totp_code(&scene);
    let approved = spend(&mut scene, &challenge, &code).unwrap();
    assert_eq!(method(&approved), Some(Method::Totp));
}

#[test]
fn what_was_made_in_the_future_does_not_work() {
    let mut scene = Scene::new(0);
    add(&mut scene, bypass(5, None)).unwrap();
    scene.wait(-61);
    let login = scene.login();
    assert_eq!(scene.open(&login).state.reason().map(|reason| reason.as_str()), Some("not-enrolled"));
    scene.wait(1);
    let login = scene.login();
    assert_eq!(method(&scene.open(&login)), Some(Method::Bypass));
}

#[test]
fn an_account_sleeps_after_long_and_is_woken_by_hand() {
    let mut scene = Scene::new(1);
    scene.dormant_after = Some(86_400);
    scene.wait(86_399);
    let challenge = scene.ask_and_approve();
    assert_eq!(challenge.state.as_str(), "approved");
    scene.wait(86_400);
    assert_eq!(scene.refusal_from("PC").map(|reason| reason.as_str()), Some("locked"));
    assert_eq!(scene.account.user.locked.as_deref(), Some("dormant: no sign-in for 1 days"));
    scene.act(|account, journal| account.unlock("he is back", journal));
    scene.ask();
    scene.wait(86_400);
    // Before it is locked, it can be woken as well.
    scene.act(|account, journal| account.unlock("he comes back tomorrow", journal));
    scene.ask();
}
