//! Enrollment under attack: EN-01 to EN-04 and EN-07; EN-05 and EN-06 are in `keys`, EN-08 in `phones`.

mod keys;
mod phones;

use std::collections::BTreeSet;
use std::sync::Arc;

use gatematch_client_sim::crypto::P256Key;
use gatematch_client_sim::edge::{random, random_key};
use gatematch_client_sim::http::Answer;
use gatematch_client_sim::misbehave::{ALL, Expect, Misbehaviour, Needs, Scene};
use gatematch_client_sim::phone::{Phone, public_key_value};
use gatematch_protocol::base64url;
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::{Secret, prefix};
use gatematch_protocol::user::PutUser;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, detail, only, race, refusal};
use gatematch_tests::wire::{json, refused};
use serde_json::{Value, json};

const PATH: &str = "/v1/devices";

fn disabled() -> PutUser {
    PutUser { status: Some("disabled".to_owned()), ..PutUser::default() }
}

fn enabled() -> PutUser {
    PutUser { status: Some("active".to_owned()), ..PutUser::default() }
}

fn guess() -> String {
    format!("{}{}", prefix::ENROLLMENT, base64url::encode(random::<32>()))
}

fn message(key: &P256Key, token: &str) -> Value {
    json!({"enrollment_token": token, "public_key": public_key_value(key), "name": "Pixel"})
}

async fn try_token(site: &Site, token: &str) -> Answer {
    let phone = site.blank_phone();
    phone.call("POST", PATH, json(&message(phone.key(), token))).await.unwrap()
}

async fn phones_of(site: &Site, user: &str) -> usize {
    site.admin.devices(user).await.unwrap().len()
}

/// Every entry of the catalogue for `case`, each with a user, a token and a phone of its own.
async fn misbehave(site: &Site, case: &str, needs: Needs) -> Vec<(&'static Misbehaviour, String, Secret)> {
    let mut tried = Vec::new();
    for (index, misbehaviour) in ALL.iter().filter(|it| it.case == case && it.needs == needs).enumerate() {
        let user = format!("{}-{index}", case.to_lowercase());
        site.user(&user).await;
        let (token, phone) = (site.token(&user).await, site.blank_phone());
        if matches!(needs, Needs::Phone | Needs::SecondEnrollment) {
            phone.enroll(site.token(&user).await.reveal(), "Pixel").await.unwrap();
        }
        let scene = Scene { phone: Some(&phone), token: Some(token.reveal()), ..Scene::default() };
        let answer = misbehaviour.carry_out(&scene).await.unwrap();
        let (name, expect) = (misbehaviour.name, &misbehaviour.expect);
        assert!(expect.is_met_by(&answer), "{name}: not {expect}, but {} {}", answer.status, answer.text());
        if let Expect::Problem(code) = expect {
            refused(&answer, *code);
        }
        tried.push((misbehaviour, user, token));
    }
    assert!(!tried.is_empty(), "the catalogue has nothing for {case}");
    tried
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn en_01_a_token_used_fifty_times_at_once_makes_one_phone() {
    let site = Site::start().await;
    site.user("alice").await;
    let token = site.token("alice").await;
    let phones: Vec<Arc<Phone>> = (0..50).map(|_| Arc::new(site.blank_phone())).collect();
    let answers = race(50, |index| {
        let (phone, token) = (Arc::clone(&phones[index]), token.clone());
        async move { phone.enroll(token.reveal(), "Pixel").await }
    })
    .await;
    let (winners, losers): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(winners.len(), 1);
    let winner = winners.into_iter().next().unwrap().unwrap();
    for loser in losers {
        assert_eq!(refusal(loser), Code::EnrollmentGone);
    }
    let devices = site.admin.devices("alice").await.unwrap();
    assert_eq!(devices.iter().map(|device| device.id).collect::<Vec<_>>(), [winner.device_id]);
    // Again, later, by the winner himself and by a stranger.
    for phone in [&phones[0], &phones[1]] {
        assert_eq!(refusal(phone.enroll(token.reveal(), "Pixel").await), Code::EnrollmentGone);
    }
    let events = site.audit().await;
    let registered = only(&events, "device.registered");
    assert_eq!(registered.device.as_deref(), Some(winner.device_id.to_string().as_str()));
    assert_eq!(registered.user.as_deref(), Some("alice"));
    assert_eq!(detail(registered, "enrollment"), detail(only(&events, "enrollment.created"), "enrollment"));
}

#[tokio::test]
async fn en_02_a_late_token_and_one_of_a_disabled_user_are_gone_and_look_alike() {
    let site = Site::start().await;
    for name in ["late", "short", "disabled", "deleted", "again", "used", "in-time"] {
        site.user(name).await;
    }
    let short = site.admin.create_enrollment("short", Some(1)).await.unwrap().token;
    let (late, in_time) = (site.token("late").await, site.token("in-time").await);
    site.clock.advance(1);
    let mut answers = vec![try_token(&site, short.reveal()).await];
    site.clock.advance(598);
    let last_second = try_token(&site, in_time.reveal()).await;
    assert_eq!(last_second.status, 201, "{}", last_second.text());
    site.clock.advance(1);
    answers.push(try_token(&site, late.reveal()).await);

    let disabled_token = site.token("disabled").await;
    site.admin.put_user("disabled", &disabled()).await.unwrap();
    answers.push(try_token(&site, disabled_token.reveal()).await);
    for name in ["deleted", "again"] {
        let token = site.token(name).await;
        site.admin.delete_user(name).await.unwrap();
        if name == "again" {
            site.user(name).await;
        }
        answers.push(try_token(&site, token.reveal()).await);
    }
    let used = site.token("used").await;
    assert_eq!(try_token(&site, used.reveal()).await.status, 201);
    answers.push(try_token(&site, used.reveal()).await);
    answers.push(try_token(&site, &guess()).await);
    for answer in &answers {
        refused(answer, Code::EnrollmentGone);
    }
    let bodies: BTreeSet<String> = answers.iter().map(Answer::text).collect();
    assert_eq!(bodies.len(), 1, "the refusals can be told apart: {bodies:?}");
    for name in ["late", "short", "disabled", "again"] {
        assert_eq!(phones_of(&site, name).await, 0);
    }
    // Nothing but a 201 spends a token.
    site.admin.put_user("disabled", &enabled()).await.unwrap();
    assert_eq!(try_token(&site, disabled_token.reveal()).await.status, 201);
    // Who presents them has proven nothing: one event, with the users whose tokens they were.
    site.clock.advance(60);
    let events = site.audit_when(|events| count(events, "credential.refused") == 3).await;
    assert_eq!((count(&events, "device.registered"), count(&events, "request.refused")), (3, 0));
    let spent: Vec<_> = events.iter().filter(|event| detail(event, "kind") == "spent-enrollment").collect();
    assert_eq!(spent.iter().map(|event| detail(event, "count")).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(spent[0].user.as_deref(), Some("short"));
    assert_eq!(detail(spent[1], "users"), r#"["disabled","late","used"]"#);
}

#[tokio::test]
async fn en_02_nobody_makes_a_token_that_lives_longer_than_ten_minutes() {
    let site = Site::start().await;
    site.user("alice").await;
    for (expires_in, code) in [
        (json!(601), Code::InvalidValue),
        (json!(0), Code::InvalidValue),
        (json!(-1), Code::InvalidValue),
        (json!(i64::MAX), Code::InvalidValue),
        (json!("60"), Code::MalformedBody),
        (json!(60.5), Code::MalformedBody),
    ] {
        let body = json!({"user": "alice", "expires_in": expires_in});
        refused(&site.admin.call("POST", "/v1/enrollments", json(&body)).await.unwrap(), code);
    }
    let created = site.admin.create_enrollment("alice", None).await.unwrap();
    let told = created.expires_at.since(gatematch_server::edge::Clock::now(&site.clock)).as_secs();
    assert_eq!(told, 600);
    assert_eq!(created.link.reveal(), format!("{}/app/#enroll={}", site.issuer(), created.token.reveal()));
    assert!(created.qr_svg.reveal().contains("<svg"));
    assert_eq!(count(&site.audit().await, "enrollment.created"), 1);
}

#[tokio::test]
async fn en_03_a_token_of_one_user_never_makes_a_phone_of_another() {
    let site = Site::start().await;
    site.user("alice").await;
    let bob = site.person("bob").await;
    let token = site.token("alice").await;
    let phone = site.blank_phone();
    for (member, value) in [
        ("user", json!("bob")),
        ("username", json!("bob")),
        ("user_id", json!("bob")),
        ("device_id", json!(bob.phone.device_id().unwrap())),
        ("id", json!(bob.phone.device_id().unwrap())),
        ("status", json!("active")),
        ("code", json!("123456")),
        ("expires_in", json!(6_000)),
    ] {
        let mut body = message(phone.key(), token.reveal());
        body[member] = value;
        refused(&phone.call("POST", PATH, json(&body)).await.unwrap(), Code::MalformedBody);
    }
    // Bob's key, proven by Bob, or by Alice for him.
    let bobs = json(&message(bob.phone.key(), token.reveal()));
    refused(&bob.phone.call("POST", PATH, bobs.clone()).await.unwrap(), Code::DeviceExists);
    refused(&phone.call("POST", PATH, bobs).await.unwrap(), Code::CredentialInvalid);
    let alices = json(&message(phone.key(), token.reveal()));
    refused(&bob.phone.call("POST", PATH, alices).await.unwrap(), Code::CredentialInvalid);

    let registered = phone.enroll(token.reveal(), "Pixel").await.unwrap();
    assert_eq!((registered.user.as_str(), registered.issuer.as_str()), ("alice", site.issuer()));
    assert_eq!((phones_of(&site, "alice").await, phones_of(&site, "bob").await), (1, 1));
    let of_alice = site.admin.audit(0, None, Some("alice"), Some("device.registered")).await.unwrap();
    assert_eq!(of_alice.items.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn en_04_guessing_tokens_trips_the_limiter_and_valid_ones_still_work() {
    let site = Site::start().await;
    site.user("alice").await;
    site.user("late").await;
    let (valid, late) = (site.token("alice").await, site.admin.create_enrollment("late", Some(5)).await.unwrap().token);
    let used = site.token("alice").await;
    assert_eq!(try_token(&site, used.reveal()).await.status, 201);
    site.clock.advance(10);
    let guesses = race(50, |_| {
        let phone = site.blank_phone();
        async move {
            let mut answers = Vec::new();
            for _ in 0..200 {
                let body = json(&message(phone.key(), &guess()));
                answers.push(phone.call("POST", PATH, body).await.unwrap());
            }
            answers
        }
    })
    .await
    .concat();
    let (gone, waiting): (Vec<_>, Vec<_>) = guesses.iter().partition(|answer| answer.status == 410);
    assert_eq!((gone.len(), waiting.len()), (300, 9_700));
    for answer in waiting {
        refused(answer, Code::TooManyFailures);
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    // What is used or late is told so, and is no guess; another kind of failure has a count of its own.
    for token in [&used, &late] {
        refused(&try_token(&site, token.reveal()).await, Code::EnrollmentGone);
    }
    refused(&site.api().call("GET", "/v1/users", &[], None).await.unwrap(), Code::CredentialMissing);
    assert_eq!(try_token(&site, valid.reveal()).await.status, 201);
    refused(&try_token(&site, &guess()).await, Code::TooManyFailures);
    site.clock.advance(60);
    refused(&try_token(&site, &guess()).await, Code::EnrollmentGone);

    let summed = |event: &&gatematch_protocol::audit::AuditEvent| {
        event.kind == "credential.refused" && detail(event, "kind") == "enrollment"
    };
    let events = site.audit_when(|events| events.iter().any(|event| summed(&event))).await;
    let told: Vec<_> = events.iter().filter(summed).collect();
    assert_eq!(told.len(), 1, "10,001 guesses are one event");
    assert_eq!((detail(told[0], "count"), detail(told[0], "source")), ("10001".to_owned(), "127.0.0.1".to_owned()));
    assert_eq!(count(&events, "device.registered"), 2);
}

#[tokio::test]
async fn en_04_used_tokens_are_no_guesses_and_do_not_flood_the_audit_log() {
    let site = Site::start().await;
    site.user("alice").await;
    let token = site.token("alice").await;
    assert_eq!(try_token(&site, token.reveal()).await.status, 201);
    for _ in 0..320 {
        refused(&try_token(&site, token.reveal()).await, Code::EnrollmentGone);
    }
    refused(&try_token(&site, &guess()).await, Code::EnrollmentGone);
    site.clock.advance(60);
    let told = |events: &[gatematch_protocol::audit::AuditEvent]| count(events, "credential.refused") > 0;
    let events = site.audit_when(told).await;
    assert!(events.len() < 30, "{} events for one used token", events.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn en_07_one_key_is_the_phone_of_one_user() {
    let site = Site::start().await;
    let key = random_key();
    let mut tokens = Vec::new();
    for index in 0..50 {
        let name = format!("user-{index}");
        site.user(&name).await;
        tokens.push(site.token(&name).await);
    }
    let answers = race(50, |index| {
        let (phone, token) = (site.phone_with(key.clone()), tokens[index].clone());
        async move { phone.enroll(token.reveal(), "Pixel").await }
    })
    .await;
    let winners: Vec<usize> = (0..50).filter(|index| answers[*index].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    for answer in answers.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(answer), Code::DeviceExists);
    }
    // The tokens of the others are not spent, and the owner does not get his key twice either.
    let (owner, loser) = (winners[0], (winners[0] + 1) % 50);
    assert_eq!(try_token(&site, tokens[loser].reveal()).await.status, 201);
    let again = site.token(&format!("user-{owner}")).await;
    let answer = site.phone_with(key.clone()).enroll(again.reveal(), "Pixel").await;
    assert_eq!(refusal(answer), Code::DeviceExists);
    let events = site.audit().await;
    assert_eq!(count(&events, "device.registered"), 2);
    let refused = events.iter().filter(|event| event.reason.as_deref() == Some("device-exists")).count();
    assert_eq!(refused, 50, "the holder of a good token is told on");
}
