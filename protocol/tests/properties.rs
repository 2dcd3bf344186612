//! What holds for every input: nothing panics, what is written is read back, and no signed text can be changed.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

mod keypair;

use gatematch_protocol::challenge::{self, Reader};
use gatematch_protocol::id::{ChallengeId, DeviceId, EventId, GatewayId, KeyId};
use gatematch_protocol::jwk::{JwkSet, PublicKey, ServerJwk};
use gatematch_protocol::jws::{Header, Jws, sign, typ};
use gatematch_protocol::proof::{self, ProofClaims, Target};
use gatematch_protocol::response::{Decision, ResponseClaims, UnverifiedResponse, UserVerification, challenge_digest};
use gatematch_protocol::result::{self, Login};
use gatematch_protocol::time::Timestamp;
use gatematch_protocol::{base64url, json};
use keypair::{P256, Pair};
use proptest::prelude::*;
use serde_json::{Map, Value};

const ISSUER: &str = "https://mfa.example.com";
const PATH: &str = "/v1/devices";
const NOW: i64 = 1_767_225_600;

fn pair() -> Pair {
    Pair::from_private(&base64url::encode([7; 32])).unwrap()
}

fn device() -> DeviceId {
    DeviceId::new(Timestamp::from_numeric_date(NOW), [1; 10])
}

/// Gives `text` to everything that reads tokens; only panics count.
fn read_by_all(text: &str) {
    let keys = JwkSet { keys: vec![ServerJwk::new(&pair().public().unwrap(), "k")] };
    let at = Timestamp::from_numeric_date(NOW);
    let (gateway, id) = (GatewayId::new(at, [2; 10]), ChallengeId::new(at, [3; 10]));
    let _ = Jws::parse(text).map(|jws| jws.kid().map(str::to_owned));
    let _ = proof::check(text, Target { method: "GET", issuer: ISSUER, path: PATH, now: NOW }, &P256);
    let _ = challenge::check(text, Reader { issuer: ISSUER, device: device(), keys: &keys, now: NOW }, &P256);
    let _ = result::check(
        text,
        Login { issuer: ISSUER, gateway, challenge: id, user: "ada", keys: &keys, now: NOW },
        &P256,
    );
    if let Ok(response) = UnverifiedResponse::parse(text) {
        let _ = response.signer();
        if let Ok(claims) = response.verify(&pair().public().unwrap(), &P256) {
            let _ = Timestamp::from_numeric_date(claims.iat).to_string();
        }
    }
}

/// Any JSON, with names and values that the readers look for among it.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "ES256",
            "none",
            typ::RESPONSE,
            typ::RESULT,
            typ::PROOF,
            typ::CHALLENGE,
            "approve",
            "k",
            "number",
            "P-256",
            "EC"
        ])
        .prop_map(str::to_owned),
        Just(device().to_string()),
        ".{0,12}",
    ];
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "alg",
            "typ",
            "kid",
            "jwk",
            "crit",
            "kty",
            "crv",
            "x",
            "y",
            "d",
            "iss",
            "aud",
            "sub",
            "jti",
            "iat",
            "exp",
            "htm",
            "htu",
            "decision",
            "challenge",
            "number",
            "uv",
            "client",
            "match",
            "context",
            "amr",
            "device",
            "keys",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    scalar.prop_recursive(4, 48, 10, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..10)
                .prop_map(|members| { Value::Object(members.into_iter().collect::<Map<String, Value>>()) }),
        ]
    })
}

fn any_response() -> impl Strategy<Value = ResponseClaims> {
    let decision = prop::sample::select(vec![Decision::Approve, Decision::Deny, Decision::Report]);
    let uv = prop::sample::select(vec![
        None,
        Some(UserVerification::Biometric),
        Some(UserVerification::Pin),
        Some(UserVerification::None),
    ]);
    let number = prop::option::of("[0-9]{2,6}");
    (decision, uv, number, any::<[u8; 10]>(), any::<i64>(), ".{0,20}").prop_map(
        |(decision, uv, number, random, iat, text)| ResponseClaims {
            iss: device().to_string(),
            aud: ISSUER.to_owned(),
            jti: ChallengeId::new(Timestamp::from_numeric_date(NOW), random).to_string(),
            iat,
            challenge: challenge_digest(&text),
            decision,
            number,
            uv,
        },
    )
}

fn signed(claims: &ResponseClaims) -> String {
    sign(&Header::with_kid(typ::RESPONSE, device().to_string()), claims, &pair()).unwrap()
}

/// What a server believes of `text`, if anything.
fn believed(text: &str) -> Option<ResponseClaims> {
    let response = UnverifiedResponse::parse(text).ok()?;
    (response.signer() == Ok(device())).then(|| response.verify(&pair().public().unwrap(), &P256).ok())?
}

proptest! {
    #[test]
    fn no_bytes_panic_a_parser(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        read_by_all(&text);
        let _ = json::parse(&bytes).map(|value| PublicKey::from_value(&value));
        let _ = (text.parse::<ChallengeId>(), text.parse::<Timestamp>());
        let _ = (PublicKey::from_sec1(&bytes), base64url::decode(&bytes), base64url::decode_array::<32>(&bytes));
    }

    #[test]
    fn no_two_json_texts_panic_a_parser(header in any_json(), payload in any_json(), signature in prop::collection::vec(any::<u8>(), 0..70)) {
        let part = |value: &Value| base64url::encode(value.to_string());
        read_by_all(&format!("{}.{}.{}", part(&header), part(&payload), base64url::encode(signature)));
        let _ = PublicKey::from_value(&header).map(|key| (key.is_on_curve(), key.thumbprint()));
        let _ = json::from_value::<JwkSet>(payload).map(|set| set.find("k"));
    }

    #[test]
    fn no_signed_claims_panic_a_reader(claims in any_json(), typ in prop::sample::select(vec![typ::RESPONSE, typ::CHALLENGE, typ::RESULT])) {
        let kid = if typ == typ::RESPONSE { device().to_string() } else { "k".to_owned() };
        read_by_all(&sign(&Header::with_kid(typ, kid), &claims, &pair()).unwrap());
        let own = pair().public().unwrap().to_jwk();
        read_by_all(&sign(&Header::with_jwk(typ::PROOF, own), &claims, &pair()).unwrap());
    }

    #[test]
    fn no_time_of_a_response_or_a_proof_panics_its_reader(iat in any::<f64>(), whole in any::<i64>()) {
        let (mut claims, mut proof) = (Map::new(), Map::new());
        for (name, value) in [("iss", device().to_string()), ("aud", ISSUER.into()), ("jti", "x".into()), ("challenge", "x".into()), ("decision", "deny".into())] {
            claims.insert(name.to_owned(), value.into());
        }
        for (name, value) in [("jti", "x".to_owned()), ("htm", "GET".into()), ("htu", format!("{ISSUER}{PATH}"))] {
            proof.insert(name.to_owned(), value.into());
        }
        for iat in [Value::from(iat), Value::from(whole)] {
            claims.insert("iat".to_owned(), iat.clone());
            proof.insert("iat".to_owned(), iat);
            read_by_all(&sign(&Header::with_kid(typ::RESPONSE, device().to_string()), &claims, &pair()).unwrap());
            read_by_all(&sign(&Header::with_jwk(typ::PROOF, pair().public().unwrap().to_jwk()), &proof, &pair()).unwrap());
        }
    }

    #[test]
    fn what_sign_writes_is_read_back(claims in any_response()) {
        let text = signed(&claims);
        prop_assert!(text.is_ascii());
        prop_assert_eq!(believed(&text), Some(claims));
    }

    #[test]
    fn a_made_proof_holds_for_its_target_only(
        jti in "[ -~]{1,128}",
        method in "[A-Z]{3,7}",
        path in "/[a-z0-9/%._-]{0,40}",
        skew in -200_i64..200,
        other in "[ -~]{0,40}",
    ) {
        let key = pair().public().unwrap();
        let claims = ProofClaims { jti: jti.clone(), htm: method.clone(), htu: format!("{ISSUER}{path}"), iat: NOW + skew };
        let text = proof::make(&claims, &key, &pair()).unwrap();
        let check = |method: &str, path: &str| proof::check(&text, Target { method, issuer: ISSUER, path, now: NOW }, &P256);
        prop_assert_eq!(check(&method, &path).is_ok(), skew.abs() <= 60);
        prop_assert!(other == path || check(&method, &other).is_err());
        prop_assert!(other == method || check(&other, &path).is_err());
        if let Ok(proof) = check(&method, &path) {
            prop_assert_eq!((proof.key, proof.jti), (key, jti));
        }
    }

    #[test]
    fn a_response_with_one_character_changed_is_not_believed(claims in any_response(), at in any::<prop::sample::Index>(), with in any::<char>(), near in "[A-Za-z0-9_.=-]") {
        let text = signed(&claims);
        let at = at.index(text.len());
        let (before, rest) = text.split_at(at);
        let (old, after) = rest.split_at(1);
        for new in [with.to_string(), near, String::new()] {
            let changed = format!("{before}{new}{after}");
            prop_assert!(new == old || changed == text || believed(&changed).is_none(), "{}", changed);
        }
        let longer = format!("{before}{with}{rest}");
        prop_assert!(believed(&longer).is_none(), "{}", longer);
    }

    #[test]
    fn a_cut_response_is_not_believed(claims in any_response(), at in any::<prop::sample::Index>()) {
        let text = signed(&claims);
        let at = at.index(text.len());
        prop_assert!(believed(&text[..at]).is_none());
        prop_assert!(at == 0 || believed(&text[at..]).is_none());
    }

    #[test]
    fn an_id_has_one_text(micros in any::<i64>(), random in any::<[u8; 10]>(), text in "[0-9a-fA-F-]{30,40}") {
        let id = EventId::new(Timestamp::from_micros(micros), random);
        let written = id.to_string();
        prop_assert_eq!(written.parse::<EventId>(), Ok(id));
        prop_assert_eq!((written.len(), &written[14..15]), (36, "7"));
        prop_assert!(text.parse::<KeyId>().map_or(true, |id| id.to_string() == text));
    }

    #[test]
    fn ids_sort_by_time(early in 0_i64..1_i64 << 50, later in 1_000_i64..1_000_000_000, a in any::<[u8; 10]>(), b in any::<[u8; 10]>()) {
        let (first, second) = (Timestamp::from_micros(early), Timestamp::from_micros(early + later));
        prop_assert!(EventId::new(first, a) < EventId::new(second, b));
        prop_assert!(EventId::new(first, a).to_string() < EventId::new(second, b).to_string());
    }

    #[test]
    fn a_time_is_read_back(micros in -62_167_219_200_000_000_i64..253_402_207_200_000_000) {
        let at = Timestamp::from_micros(micros);
        let text = at.to_string();
        prop_assert_eq!(text.len(), 27);
        prop_assert_eq!(text.parse::<Timestamp>().ok(), Some(at));
        prop_assert_eq!(serde_json::from_value::<Timestamp>(serde_json::to_value(at).unwrap()).ok(), Some(at));
    }

    #[test]
    fn any_time_can_be_written(micros in any::<i64>(), seconds in any::<i64>()) {
        for at in [Timestamp::from_micros(micros), Timestamp::from_numeric_date(seconds), Timestamp::from_micros(micros).plus_seconds(seconds)] {
            prop_assert_eq!(at.to_string().len(), 27);
            let _ = (at.numeric_date(), at.millis(), at.since(Timestamp::from_micros(seconds)));
        }
    }

    #[test]
    fn a_key_is_read_back(x in any::<[u8; 32]>(), y in any::<[u8; 32]>()) {
        let key = PublicKey::from_coordinates(x, y);
        prop_assert_eq!(PublicKey::from_value(&serde_json::to_value(key.to_jwk()).unwrap()), Ok(key));
        prop_assert_eq!(PublicKey::from_sec1(&key.to_sec1()), Some(key));
        prop_assert_eq!(key.thumbprint().len(), 43);
    }
}
