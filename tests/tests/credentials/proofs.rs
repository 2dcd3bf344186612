//! A phone's proof of possession: fresh, for this very request, and heard once.

use std::sync::Arc;

use gatematch_client_sim::http::Api;
use gatematch_client_sim::phone::{Phone, ProofOverrides, public_key_value};
use gatematch_protocol::problem::Code;
use gatematch_server::edge::Clock as _;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, detail, race};
use gatematch_tests::wire::{json, refused, spoken};
use serde_json::json;

use super::{PUSH, SELF, concrete};

#[tokio::test]
async fn a_stale_proof_is_told_the_servers_time_and_the_phone_recovers() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    for (age, stale) in [(60, false), (-60, false), (61, true), (-61, true), (i64::from(i32::MAX), true)] {
        let iat = Some(site.clock.now().numeric_date() - age);
        let proof = alice.phone.proof_with("GET", SELF, ProofOverrides { iat, ..ProofOverrides::default() }).unwrap();
        let answer = site.api().call("GET", SELF, &[("dpop", &proof)], None).await.unwrap();
        if stale {
            let problem = refused(&answer, Code::StaleProof);
            assert_eq!(problem.more["server_time"], json!(site.clock.now().to_string()));
            // Once the clock is there it holds: a stale proof was not spent.
            if age == -61 {
                site.clock.advance(61);
                assert_eq!(site.api().call("GET", SELF, &[("dpop", &proof)], None).await.unwrap().status, 200);
            }
        } else {
            assert_eq!(answer.status, 200, "{age}: {}", answer.text());
        }
    }
    let (account, clock) = (alice.phone.account().unwrap(), site.clock.seconds());
    let slow = Phone::new(site.api(), site.issuer(), alice.phone.key().clone(), Arc::new(move || clock() - 86_400));
    let slow = slow.with_account(account);
    slow.self_view().await.unwrap();
    assert_eq!(slow.now(), site.clock.now().numeric_date());
    // Only who has a phone's key hears the time: to a wrong signature a stale proof is just wrong.
    let mut forged =
        alice.phone.proof_with("GET", SELF, ProofOverrides { iat: Some(0), ..Default::default() }).unwrap();
    let last = if forged.pop() == Some('A') { 'Q' } else { 'A' };
    forged.push(last);
    let answer = site.api().call("GET", SELF, &[("dpop", &forged)], None).await.unwrap();
    assert!(refused(&answer, Code::CredentialInvalid).more.is_empty());
    site.clock.advance(60);
    let events = site.audit_when(|events| count(events, "credential.refused") > 0).await;
    assert!(events.iter().any(|event| detail(event, "kind") == "proof"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_is_heard_once_even_two_hundred_times_at_once() {
    let site = Site::start().await;
    let alice = Arc::new(site.person("alice").await);
    for (method, path, body) in [("GET", SELF, None), ("HEAD", SELF, None), ("PUT", PUSH, Some(b"null".to_vec()))] {
        let proof = alice.phone.proof(method, path).unwrap();
        let answers = race(200, |_| {
            let (alice, proof, body) = (Arc::clone(&alice), proof.clone(), body.clone());
            async move { alice.phone.api().call(method, path, &[("dpop", &proof)], body).await.unwrap().status }
        })
        .await;
        let heard = answers.iter().filter(|status| matches!(status, 200 | 204)).count();
        assert_eq!(heard, 1, "{method}");
        assert!(answers.iter().all(|status| matches!(status, 200 | 204 | 401 | 429)), "{method}");
    }
    site.clock.advance(60);
    // A jti belongs to its key: others may have the same one.
    let bob = site.person("bob").await;
    let jti = Some("the same".to_owned());
    for phone in [&alice.phone, &bob.phone] {
        let proof = phone.proof_with("GET", SELF, ProofOverrides { jti: jti.clone(), ..Default::default() }).unwrap();
        assert_eq!(site.api().call("GET", SELF, &[("dpop", &proof)], None).await.unwrap().status, 200);
    }
    // And to one request, whatever its method.
    for (method, path) in [("PUT", PUSH), ("GET", SELF)] {
        let overrides = ProofOverrides { jti: jti.clone(), ..Default::default() };
        let proof = bob.phone.proof_with(method, path, overrides).unwrap();
        let body = (method == "PUT").then(|| b"null".to_vec());
        let answer = site.api().call(method, path, &[("dpop", &proof)], body).await.unwrap();
        assert_eq!(answer.status, 401, "{method} with a jti that was used: {}", answer.text());
    }
    site.clock.advance(60);
    site.audit_when(|events| count(events, "credential.refused") > 0).await;
}

#[tokio::test]
async fn a_spent_proof_stays_spent_after_a_restart() {
    let site = Site::start_with(|settings| settings.issuer = Some("https://mfa.example.com".to_owned())).await;
    assert_eq!(site.issuer(), "https://mfa.example.com");
    let alice = site.person("alice").await;
    site.user("bob").await;
    let used = site.token("bob").await;
    let first = site.blank_phone();
    first.enroll(used.reveal(), "Pixel").await.unwrap();
    // Each as far ahead as may be: it lives longest.
    let now = site.clock.now().numeric_date();
    let ahead = || ProofOverrides { iat: Some(now + 60), ..ProofOverrides::default() };
    let put = alice.phone.proof_with("PUT", PUSH, ahead()).unwrap();
    let other = concrete("/v1/devices/{id}");
    let delete = alice.phone.proof_with("DELETE", &other, ahead()).unwrap();
    let blank = site.blank_phone();
    let post = blank.proof_with("POST", "/v1/devices", ahead()).unwrap();
    let enroll = |token: &str| {
        json(&json!({"enrollment_token": token, "public_key": public_key_value(blank.key()), "name": "Pixel"}))
    };
    let send = async |api: Api, method: &str, path: &str, proof: &str, body: Option<Vec<u8>>| {
        api.call(method, path, &[("dpop", proof)], body).await.unwrap()
    };
    let null = || Some(b"null".to_vec());
    assert_eq!(send(site.api(), "PUT", PUSH, &put, null()).await.status, 204);
    refused(&send(site.api(), "DELETE", &other, &delete, None).await, Code::WrongParty);
    refused(&send(site.api(), "POST", "/v1/devices", &post, enroll(used.reveal())).await, Code::EnrollmentGone);
    let site = site.restart().await;
    for seconds in [0, 100, 20] {
        // What is spent is forgotten by and by, but not before its time.
        site.clock.advance(seconds);
        site.store().purge(site.clock.now()).await.unwrap();
        let token = site.token("bob").await;
        refused(&send(site.api(), "PUT", PUSH, &put, null()).await, Code::ProofReplayed);
        refused(&send(site.api(), "DELETE", &other, &delete, None).await, Code::ProofReplayed);
        refused(&send(site.api(), "POST", "/v1/devices", &post, enroll(token.reveal())).await, Code::ProofReplayed);
    }
    site.clock.advance(1);
    refused(&send(site.api(), "PUT", PUSH, &put, null()).await, Code::StaleProof);
    let again = site.phone_again(&alice.phone);
    assert_eq!(again.self_view().await.unwrap().user, "alice");
    assert_eq!(site.admin.devices("bob").await.unwrap().len(), 1);
    let events = site.audit().await;
    let stopped =
        events.iter().find(|event| event.kind == "credential.refused").expect("what was counted is told at a stop");
    assert_eq!((detail(stopped, "kind").as_str(), detail(stopped, "count").as_str()), ("spent-enrollment", "1"));
}

#[tokio::test]
async fn a_proof_tried_with_an_unknown_token_stays_spent_after_a_restart() {
    // Contract, section 2: a jti is spent by any proof that verifies; but for GET, across restarts.
    let site = Site::start_with(|settings| settings.issuer = Some("https://mfa.example.com".to_owned())).await;
    site.user("bob").await;
    let blank = site.blank_phone();
    let proof = blank.proof("POST", "/v1/devices").unwrap();
    let enroll = async |api: Api, token: &str| {
        let key = public_key_value(blank.key());
        let body = json(&json!({"enrollment_token": token, "public_key": key, "name": "Pixel"}));
        api.call("POST", "/v1/devices", &[("dpop", &proof)], body).await.unwrap()
    };
    refused(&enroll(site.api(), "gme_unknown").await, Code::EnrollmentGone);
    let token = site.token("bob").await;
    refused(&enroll(site.api(), token.reveal()).await, Code::ProofReplayed);
    let site = site.restart().await;
    refused(&enroll(site.api(), token.reveal()).await, Code::ProofReplayed);
    assert_eq!(count(&site.audit().await, "device.registered"), 0);
}

#[tokio::test]
async fn a_proof_is_for_the_issuer_and_the_path_as_sent_and_nothing_else() {
    let site = Site::start_with(|settings| settings.issuer = Some("https://mfa.example.com".to_owned())).await;
    let alice = site.person("alice").await;
    let listening = site.api().base().to_owned();
    let send = async |proof: String, path: &str, headers: &[(&str, &str)]| {
        let mut headers = headers.to_vec();
        headers.push(("dpop", &proof));
        site.api().call("GET", path, &headers, None).await.unwrap()
    };
    for htu in [
        "https://mfa.example.com/v1/devices/self/".to_owned(),
        "https://mfa.example.com//v1/devices/self".to_owned(),
        "https://mfa.example.com:443/v1/devices/self".to_owned(),
        "https://MFA.example.com/v1/devices/self".to_owned(),
        "HTTPS://mfa.example.com/v1/devices/self".to_owned(),
        "http://mfa.example.com/v1/devices/self".to_owned(),
        "https://mfa.example.com/v1/devices/self?".to_owned(),
        "https://mfa.example.com/v1/devices/self#".to_owned(),
        "https://mfa.example.com/v1/devices/%73elf".to_owned(),
        "https://mfa.example.com/V1/devices/self".to_owned(),
        "https://mfa.example.com.evil.example/v1/devices/self".to_owned(),
        "https://mfa.example.com@evil.example/v1/devices/self".to_owned(),
        "mfa.example.com/v1/devices/self".to_owned(),
        "/v1/devices/self".to_owned(),
        String::new(),
        format!("{listening}/v1/devices/self"),
    ] {
        let overrides = ProofOverrides { htu: Some(htu), ..ProofOverrides::default() };
        let proof = alice.phone.proof_with("GET", SELF, overrides).unwrap();
        let address = listening.trim_start_matches("http://");
        let headers = [("host", address), ("x-forwarded-proto", "http"), ("x-forwarded-host", address)];
        refused(&send(proof, SELF, &headers).await, Code::CredentialInvalid);
    }
    for htm in ["get", "HEAD", "POST", "", "GET "] {
        let overrides = ProofOverrides { htm: Some(htm.to_owned()), ..ProofOverrides::default() };
        refused(
            &send(alice.phone.proof_with("GET", SELF, overrides).unwrap(), SELF, &[]).await,
            Code::CredentialInvalid,
        );
    }
    // The query, and who the request says that it is for, play no part.
    let sound = || alice.phone.proof("GET", SELF).unwrap();
    for headers in [
        &[("host", "evil.example")][..],
        &[("forwarded", "host=evil.example;proto=http")],
        &[("x-forwarded-host", "evil.example"), ("x-forwarded-for", "192.0.2.1")],
    ] {
        assert_eq!(send(sound(), SELF, headers).await.status, 200);
    }
    assert_eq!(send(sound(), "/v1/devices/self?any=thing", &[]).await.status, 200);
    let request = format!(
        "GET http://evil.example{SELF} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nDPoP: {}\r\n\r\n",
        sound()
    );
    assert!(spoken(&site, request.as_bytes()).await.starts_with("HTTP/1.1 200 "), "a request in absolute form");
    // As sent: an escape in the path stands in the proof, too.
    let id = alice.phone.device_id().unwrap().to_string();
    let (sent, decoded) = (format!("/v1/devices/%30{}/confirm", &id[1..]), format!("/v1/devices/{id}/confirm"));
    let body = json(&json!({"code": "000000"}));
    for (htu, code) in [(&decoded, Code::CredentialInvalid), (&sent, Code::DeviceConfirmed)] {
        let proof = alice.phone.proof("POST", htu).unwrap();
        let answer = site.api().call("POST", &sent, &[("dpop", &proof)], body.clone()).await.unwrap();
        refused(&answer, code);
    }
    let events = site.audit().await;
    assert_eq!(events.iter().filter(|event| event.kind == "request.refused").count(), 1);
}

#[tokio::test]
async fn more_than_one_proof_and_what_is_no_proof() {
    let site = Site::start().await;
    let alice = site.person("alice").await;
    let sound = || alice.phone.proof("GET", SELF).unwrap();
    let api = site.api();
    let send = async |headers: &[(&str, &str)]| api.call("GET", SELF, headers, None).await.unwrap();
    let (one, two) = (sound(), sound());
    refused(&send(&[("dpop", &one), ("dpop", &two)]).await, Code::CredentialInvalid);
    refused(&send(&[("dpop", &one), ("DPoP", &one)]).await, Code::CredentialInvalid);
    refused(&send(&[("dpop", &one), ("dpop", "")]).await, Code::CredentialInvalid);
    // None of them was spent.
    assert_eq!(send(&[("dpop", &one)]).await.status, 200);
    let joined = format!("{two},{}", sound());
    let padded = format!("{two}=");
    let long = format!("{two}{}", "A".repeat(10_000));
    for text in ["", "a.b.c", "..", "\u{e9}", &joined, &padded, &long] {
        refused(&send(&[("dpop", text)]).await, Code::CredentialInvalid);
    }
    refused(&send(&[("authorization", &format!("DPoP {two}"))]).await, Code::CredentialInvalid);
    for jti in [String::new(), "j".repeat(129)] {
        let proof =
            alice.phone.proof_with("GET", SELF, ProofOverrides { jti: Some(jti), ..Default::default() }).unwrap();
        refused(&send(&[("dpop", &proof)]).await, Code::CredentialInvalid);
    }
    for jti in ["j".to_owned(), "\u{10348}".repeat(128), "${jndi:ldap://x}\u{0}".to_owned()] {
        let proof =
            alice.phone.proof_with("GET", SELF, ProofOverrides { jti: Some(jti), ..Default::default() }).unwrap();
        assert_eq!(send(&[("dpop", &proof)]).await.status, 200);
    }
    assert_eq!(send(&[("dpop", &two)]).await.status, 200);
    site.clock.advance(60);
    let events = site.audit_when(|events| count(events, "credential.refused") > 0).await;
    assert_eq!(count(&events, "request.refused"), 0);
}
