//! Signing, verifying and reading. `cargo bench -p gatematch-benches --bench protocol`

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin must stop")]

use divan::{Bencher, black_box};
use gatematch_client_sim::crypto::{P256Key, P256Verifier};
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::jws::{Header, Sign as _, Verify, sign, typ};
use gatematch_protocol::proof::{self, ProofClaims, Target};
use gatematch_protocol::response::{Decision, ResponseClaims, UnverifiedResponse};
use gatematch_protocol::time::Timestamp;
use gatematch_server::crypto::{AwsLc, SigningKey};

const MESSAGE: &[u8] = &[b'x'; 512];

fn main() {
    divan::main();
}

fn phone() -> P256Key {
    P256Key::from_secret(&[7; 32]).unwrap()
}

fn response() -> String {
    let device = DeviceId::new(Timestamp::from_numeric_date(1_800_000_000), [1; 10]).to_string();
    let claims = ResponseClaims {
        iss: device.clone(),
        aud: "https://mfa.contoso.com".to_owned(),
        jti: "01234567-89ab-7def-8123-456789abcdef".to_owned(),
        iat: 1_800_000_000,
        challenge: "x".repeat(43),
        decision: Decision::Approve,
        number: Some("047".to_owned()),
        uv: None,
    };
    sign(&Header::with_kid(typ::RESPONSE, device), &claims, &phone()).unwrap()
}

#[divan::bench]
fn sign_aws_lc(bencher: Bencher<'_, '_>) {
    let key = SigningKey::generate().unwrap();
    bencher.bench_local(|| key.sign(black_box(MESSAGE)).unwrap());
}

#[divan::bench]
fn sign_p256(bencher: Bencher<'_, '_>) {
    let key = phone();
    bencher.bench_local(|| key.sign(black_box(MESSAGE)).unwrap());
}

fn verify(bencher: Bencher<'_, '_>, verifier: &impl Verify) {
    let signature = phone().sign(MESSAGE).unwrap();
    let key: PublicKey = phone().public();
    bencher.bench_local(|| assert!(verifier.verify(black_box(&key), MESSAGE, &signature)));
}

/// The bare verification that reading a response is compared with.
#[divan::bench]
fn verify_aws_lc(bencher: Bencher<'_, '_>) {
    verify(bencher, &AwsLc);
}

#[divan::bench]
fn verify_p256(bencher: Bencher<'_, '_>) {
    verify(bencher, &P256Verifier);
}

/// Parsing, checking the header and verifying: at most 1.6 times `verify_aws_lc`.
#[divan::bench]
fn parse_and_verify_response(bencher: Bencher<'_, '_>) {
    let (token, key) = (response(), phone().public());
    bencher.bench_local(|| {
        let response = UnverifiedResponse::parse(black_box(&token)).unwrap();
        response.signer().unwrap();
        assert!(response.verify(&key, &AwsLc).is_ok());
    });
}

#[divan::bench]
fn parse_response(bencher: Bencher<'_, '_>) {
    let token = response();
    bencher.bench_local(|| UnverifiedResponse::parse(black_box(&token)).unwrap());
}

#[divan::bench]
fn check_proof(bencher: Bencher<'_, '_>) {
    let claims = ProofClaims {
        jti: "j".repeat(22),
        htm: "GET".to_owned(),
        htu: "https://mfa.contoso.com/v1/devices/self".to_owned(),
        iat: 1_800_000_000,
    };
    let token = proof::make(&claims, &phone().public(), &phone()).unwrap();
    let target =
        Target { method: "GET", issuer: "https://mfa.contoso.com", path: "/v1/devices/self", now: 1_800_000_000 };
    bencher.bench_local(|| proof::check(black_box(&token), target, &AwsLc).unwrap());
}
