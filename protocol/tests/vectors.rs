//! Every case of `vectors/*.json` through the functions that servers, phones and gateways call.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first thing that is not as it should be")]

#[path = "../examples/make-vectors/files/mod.rs"]
mod files;
mod keypair;

use std::collections::BTreeMap;

use gatematch_protocol::challenge::{self, ChallengeFault};
use gatematch_protocol::id::{ChallengeId, DeviceId};
use gatematch_protocol::jwk::{JwkFault, JwkSet, PublicKey};
use gatematch_protocol::jws::Jws;
use gatematch_protocol::proof::{self, ProofFault};
use gatematch_protocol::response::{UnverifiedResponse, challenge_digest};
use gatematch_protocol::result::{self, ResultFault};
use gatematch_protocol::{base64url, json};
use keypair::{P256, Pair};
use serde_json::Value;

/// A file as its readers see it.
struct Vectors(Value);

impl Vectors {
    fn read(name: &str) -> Self {
        let path = format!("{}/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"));
        Self(json::parse(&text).unwrap())
    }

    fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        self.0.get("cases").and_then(Value::as_array).unwrap().iter().map(|own| Case { own, shared: &self.0 })
    }

    /// Runs every case; the check tells the verdict, which must be the expected one.
    fn run(name: &str, check: impl Fn(&Case<'_>) -> &'static str) {
        let file = Self::read(name);
        let wrong: Vec<String> = file
            .cases()
            .map(|case| (case.text("name"), case.text("verdict"), check(&case)))
            .filter(|(_, expected, found)| expected != found)
            .map(|(case, expected, found)| format!("{case}: {found}, but should be {expected}"))
            .collect();
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}

/// A case; a member of its own goes before one of the file.
struct Case<'a> {
    own: &'a Value,
    shared: &'a Value,
}

impl<'a> Case<'a> {
    fn member(&self, name: &str) -> &'a Value {
        self.own
            .get(name)
            .or_else(|| self.shared.get(name))
            .unwrap_or_else(|| panic!("{name} is missing in {}", self.own))
    }

    fn text(&self, name: &str) -> &'a str {
        self.member(name).as_str().unwrap()
    }

    fn now(&self) -> i64 {
        self.member("now").as_i64().unwrap()
    }

    fn server_keys(&self) -> JwkSet {
        serde_json::from_value(self.member("server_keys").clone()).unwrap()
    }

    fn hex(&self) -> Vec<u8> {
        let hex = self.text("hex");
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }
}

#[test]
fn base64url_texts() {
    Vectors::run("base64url.json", |case| match base64url::decode(case.text("text")) {
        Ok(bytes) => {
            assert_eq!(
                (bytes.as_slice(), base64url::encode(&bytes).as_str()),
                (case.hex().as_slice(), case.text("text"))
            );
            "accept"
        }
        Err(_) => "malformed",
    });
}

#[test]
fn json_texts() {
    Vectors::run("json.json", |case| {
        if let Some(text) = case.own.get("text") {
            assert_eq!(text.as_str().unwrap().as_bytes(), case.hex());
        }
        if json::parse(&case.hex()).is_ok() { "accept" } else { "malformed" }
    });
}

#[test]
fn ids() {
    Vectors::run("id.json", |case| match case.text("text").parse::<ChallengeId>() {
        Ok(id) => {
            assert_eq!(id.to_string(), case.text("text"));
            "accept"
        }
        Err(_) => "malformed",
    });
}

#[test]
fn public_keys() {
    Vectors::run("jwk.json", |case| match PublicKey::from_value(case.member("jwk")) {
        Ok(key) if key.is_on_curve() => {
            let sec1: String = key.to_sec1().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(sec1, case.text("sec1"));
            "accept"
        }
        Ok(_) => "refuse",
        Err(JwkFault::Members) => "malformed",
        Err(JwkFault::Coordinates) => "invalid-key",
    });
}

#[test]
fn thumbprints() {
    Vectors::run("thumbprint.json", |case| {
        let key = PublicKey::from_value(case.member("jwk")).unwrap();
        if key.thumbprint() == case.text("thumbprint") { "accept" } else { "refuse" }
    });
}

#[test]
fn signatures() {
    Vectors::run("signature.json", |case| {
        let key = PublicKey::from_value(case.member("jwk")).unwrap();
        match Jws::parse(case.text("jws")) {
            Ok(jws) if jws.check_signature(&key, &P256).is_ok() => "accept",
            Ok(_) => "refuse",
            Err(_) => "malformed",
        }
    });
}

#[test]
fn proofs() {
    Vectors::run("proof.json", |case| {
        let (method, issuer, path) = (case.text("method"), case.text("issuer"), case.text("path"));
        match proof::check(case.text("proof"), proof::Target { method, issuer, path, now: case.now() }, &P256) {
            Ok(proof) => {
                assert_eq!(proof.key.thumbprint(), case.text("thumbprint"));
                "accept"
            }
            Err(ProofFault::Malformed) => "malformed",
            Err(ProofFault::Stale) => "stale",
            Err(ProofFault::Refused(_) | ProofFault::Target) => "refuse",
        }
    });
}

// What the server does up to the point where the state of the challenge decides.
fn respond(case: &Case<'_>) -> &'static str {
    let Ok(response) = UnverifiedResponse::parse(case.text("response")) else {
        return "malformed";
    };
    let device: DeviceId = case.text("device_id").parse().unwrap();
    let key = PublicKey::from_value(case.member("device_jwk")).unwrap();
    if response.signer() != Ok(device) {
        return "refuse";
    }
    let Ok(claims) = response.verify(&key, &P256) else {
        return "refuse";
    };
    let for_this = claims.is_for(case.text("issuer"), case.text("challenge_id").parse().unwrap());
    if !for_this || claims.challenge != challenge_digest(case.text("challenge")) {
        return "wrong-challenge";
    }
    let says = serde_json::json!([claims.decision, claims.number, claims.uv]);
    assert_eq!(says, serde_json::json!([case.own["decision"], case.own["number"], case.own["uv"]]), "{}", case.own);
    "accept"
}

#[test]
fn responses() {
    Vectors::run("response.json", respond);
}

#[test]
fn challenges() {
    Vectors::run("challenge.json", |case| {
        let device = case.text("device_id").parse().unwrap();
        let reader =
            challenge::Reader { issuer: case.text("issuer"), device, keys: &case.server_keys(), now: case.now() };
        match challenge::check(case.text("challenge"), reader, &P256) {
            Ok(claims) => {
                assert_eq!(&serde_json::to_value(claims).unwrap(), case.member("claims"));
                "accept"
            }
            Err(ChallengeFault::Malformed) => "malformed",
            Err(ChallengeFault::UnknownKey) => "unknown-key",
            Err(ChallengeFault::Refused(_) | ChallengeFault::NotForThisPhone) => "refuse",
        }
    });
}

#[test]
fn results() {
    Vectors::run("result.json", |case| {
        let login = result::Login {
            issuer: case.text("issuer"),
            gateway: case.text("gateway_id").parse().unwrap(),
            challenge: case.text("challenge_id").parse().unwrap(),
            user: case.text("user"),
            keys: &case.server_keys(),
            now: case.now(),
        };
        match result::check(case.text("result"), login, &P256) {
            Ok(claims) => {
                assert_eq!(&serde_json::to_value(claims).unwrap(), case.member("claims"));
                "accept"
            }
            Err(ResultFault::Malformed) => "malformed",
            Err(ResultFault::UnknownKey) => "unknown-key",
            Err(ResultFault::Refused(_) | ResultFault::NotForThisLogin) => "refuse",
        }
    });
}

#[test]
fn there_are_enough_cases_of_both_kinds_and_each_has_its_own_name() {
    let mut total = 0;
    for file in files::all() {
        let vectors = Vectors::read(file.name);
        let mut names = BTreeMap::new();
        let mut accepted = 0;
        for case in vectors.cases() {
            assert_eq!(
                names.insert(case.text("name"), ()),
                None,
                "{}: {:?} stands twice",
                file.name,
                case.text("name")
            );
            assert!(!case.text("why").is_empty() && !case.text("name").is_empty());
            accepted += usize::from(case.text("verdict") == "accept");
        }
        assert!(accepted > 0 && accepted < names.len(), "{} accepts {accepted} of {}", file.name, names.len());
        total += names.len();
    }
    assert!(total >= 60, "{total} cases");
}

#[test]
fn the_committed_files_are_what_the_generator_writes() {
    for file in files::all() {
        let path = format!("{}/vectors/{}", env!("CARGO_MANIFEST_DIR"), file.name);
        let committed = std::fs::read_to_string(&path).unwrap();
        let same = committed == file.to_text().unwrap();
        assert!(same, "{path} differs: cargo run -p gatematch-protocol --example make-vectors");
    }
}

#[test]
fn the_private_keys_belong_to_the_public_ones() {
    for file in files::all() {
        let Vectors(vectors) = Vectors::read(file.name);
        for (name, jwk) in vectors.get("keys").and_then(Value::as_object).into_iter().flatten() {
            let mut public = jwk.as_object().unwrap().clone();
            let d = public.remove("d").unwrap();
            let pair = Pair::from_private(d.as_str().unwrap()).unwrap();
            assert_eq!(PublicKey::from_value(&Value::Object(public)).ok(), pair.public(), "{}: {name}", file.name);
        }
    }
}
