//! Keys that are none and proofs that do not hold: EN-05 and EN-06.

use std::fs;
use std::sync::Arc;

use gatematch_client_sim::edge::random_key;
use gatematch_client_sim::misbehave::{Needs, PRIVATE_PART};
use gatematch_client_sim::phone::{Phone, ProofOverrides, public_key_value};
use gatematch_protocol::problem::Code;
use gatematch_protocol::proof;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, race};
use gatematch_tests::wire::{json, refused};
use serde_json::{Value, json};

use super::{PATH, guess, message, misbehave, phones_of, try_token};

#[tokio::test]
async fn en_05_keys_that_are_none_are_refused_and_a_private_part_is_kept_nowhere() {
    let site = Site::start().await;
    let tried = misbehave(&site, "EN-05", Needs::Enrollment).await;
    for (misbehaviour, user, token) in &tried {
        assert_eq!(phones_of(&site, user).await, 0, "{}", misbehaviour.name);
        assert_eq!(try_token(&site, token.reveal()).await.status, 201, "{}: the token is spent", misbehaviour.name);
    }
    for (misbehaviour, ..) in misbehave(&site, "EN-06", Needs::Phone).await {
        // Among these is a private part in the header of a proof.
        assert_eq!(misbehaviour.case, "EN-06");
    }
    for entry in fs::read_dir(&site.settings().data_dir).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(PRIVATE_PART.len()).any(|window| window == PRIVATE_PART.as_bytes());
        assert!(!found, "a private part is in {}", path.display());
    }
    let events = site.audit().await;
    assert_eq!(
        count(&events, "device.registered"),
        events.iter().filter(|it| it.outcome.as_deref() == Some("success") && it.kind == "device.registered").count()
    );
    assert!(!serde_json::to_string(&events).unwrap().contains(PRIVATE_PART));
}

#[tokio::test]
async fn en_05_further_keys_that_are_none() {
    let site = Site::start().await;
    site.user("alice").await;
    let token = site.token("alice").await;
    let phone = site.blank_phone();
    let sound = public_key_value(phone.key());
    let with = |name: &str, value: Value| {
        let mut key = sound.clone();
        key[name] = value;
        key
    };
    // 32 bytes leave two bits of the last character unused: here they are set.
    let x = sound["x"].as_str().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(x.chars().last().unwrap()).unwrap();
    let loose = format!("{}{}", &x[..x.len() - 1], alphabet.chars().nth(last | 1).unwrap());
    for (key, code) in [
        (with("x", json!(loose)), Code::InvalidKey),
        (with("x", json!(format!("+{}", &x[1..]))), Code::InvalidKey),
        (with("x", json!(format!("{x}\n"))), Code::InvalidKey),
        (with("y", json!(x)), Code::CredentialInvalid),
        (with("x", json!(7)), Code::MalformedBody),
        (with("x", json!([x])), Code::MalformedBody),
        (with("x", Value::Null), Code::MalformedBody),
        (with("kty", json!("ec")), Code::MalformedBody),
        (with("kty", json!("OKP")), Code::MalformedBody),
        (with("crv", json!("P-521")), Code::MalformedBody),
        (with("crv", json!("p-256")), Code::MalformedBody),
        (with("crv", json!("Ed25519")), Code::MalformedBody),
        (with("alg", json!("ES256")), Code::MalformedBody),
        (with("use", json!("sig")), Code::MalformedBody),
        (with("ext", json!(true)), Code::MalformedBody),
        (json!([sound["kty"], sound["crv"], sound["x"], sound["y"]]), Code::MalformedBody),
        (json!({}), Code::MalformedBody),
        (Value::Null, Code::MalformedBody),
    ] {
        // A key that is no key at all is told before anybody asks for a proof.
        let mut body = message(phone.key(), token.reveal());
        body["public_key"] = key.clone();
        let answer = phone.call("POST", PATH, json(&body)).await.unwrap();
        assert_eq!(answer.problem().map(|problem| problem.code).as_deref(), Some(code.as_str()), "{key}");
        refused(&answer, code);
        if code != Code::CredentialInvalid {
            refused(&site.api().call("POST", PATH, &[], json(&body)).await.unwrap(), code);
        }
    }
    phone.enroll(token.reveal(), "Pixel").await.unwrap();
    assert_eq!(count(&site.audit().await, "device.registered"), 1);
}

#[tokio::test]
async fn en_06_without_a_fresh_proof_of_the_very_key_nobody_is_enrolled() {
    let site = Site::start().await;
    let tried = misbehave(&site, "EN-06", Needs::Enrollment).await;
    for (misbehaviour, user, token) in &tried {
        assert_eq!(phones_of(&site, user).await, 0, "{}", misbehaviour.name);
        assert_eq!(try_token(&site, token.reveal()).await.status, 201, "{}: the token is spent", misbehaviour.name);
    }
    assert_eq!(count(&site.audit().await, "device.registered"), tried.len());
}

#[tokio::test]
async fn en_06_a_proof_is_good_for_sixty_seconds_either_way_and_for_one_request() {
    let site = Site::start().await;
    site.user("alice").await;
    for (age, code) in [(61, Some(Code::StaleProof)), (-61, Some(Code::StaleProof)), (60, None), (-60, None)] {
        let (phone, token) = (site.blank_phone(), site.token("alice").await);
        let overrides = ProofOverrides { iat: Some(phone.now() - age), ..ProofOverrides::default() };
        let proof = phone.proof_with("POST", PATH, overrides).unwrap();
        let body = json(&message(phone.key(), token.reveal()));
        let post = async || phone.api().call("POST", PATH, &[("dpop", &proof)], body.clone()).await;
        let answer = post().await.unwrap();
        match code {
            Some(code) => {
                let problem = refused(&answer, code);
                assert_eq!(problem.more["server_time"], "2027-01-15T08:00:00.000000Z");
                // The phone keeps the difference, and is heard.
                let off = Phone::new(site.api(), site.issuer(), random_key(), {
                    let clock = site.clock.seconds();
                    Arc::new(move || clock() - 7_200)
                });
                off.enroll(token.reveal(), "Pixel").await.unwrap();
                site.admin.delete_device(off.device_id().unwrap()).await.unwrap();
            }
            None => {
                assert_eq!(answer.status, 201, "{age}: {}", answer.text());
                // A success spends the proof as well.
                refused(&post().await.unwrap(), Code::ProofReplayed);
            }
        }
    }
    assert_eq!(count(&site.audit().await, "device.registered"), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn en_06_one_proof_a_hundred_times_at_once_is_heard_once() {
    let site = Site::start().await;
    site.user("alice").await;
    let phone = Arc::new(site.blank_phone());
    let proof = phone.proof("POST", PATH).unwrap();
    let mut bodies = vec![json(&message(phone.key(), site.token("alice").await.reveal()))];
    bodies.extend((1..100).map(|_| json(&message(phone.key(), &guess()))));
    let answers = race(100, |index| {
        let (phone, proof, body) = (Arc::clone(&phone), proof.clone(), bodies[index].clone());
        async move { phone.api().call("POST", PATH, &[("dpop", &proof)], body).await.unwrap() }
    })
    .await;
    let heard = answers.iter().filter(|answer| answer.status != 401).count();
    assert_eq!(heard, 1);
    for answer in answers.iter().filter(|answer| answer.status == 401) {
        refused(answer, Code::ProofReplayed);
    }
    assert!(count(&site.audit().await, "device.registered") <= 1);
}

#[tokio::test]
async fn a_proof_for_the_body_of_another_is_no_proof() {
    // The proof is not bound to the body; the key in the body is bound to the proof.
    let site = Site::start().await;
    site.user("alice").await;
    let token = site.token("alice").await;
    let (victim, thief) = (site.blank_phone(), random_key());
    let claims = victim.proof_claims("POST", PATH, ProofOverrides::default());
    let stolen = proof::make(&claims, &victim.key().public(), victim.key()).unwrap();
    let body = json(&message(&thief, token.reveal()));
    let answer = site.api().call("POST", PATH, &[("dpop", &stolen)], body).await.unwrap();
    refused(&answer, Code::CredentialInvalid);
    assert_eq!(phones_of(&site, "alice").await, 0);
    assert_eq!(count(&site.audit().await, "device.registered"), 0);
}
