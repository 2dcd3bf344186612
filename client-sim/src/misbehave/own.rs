//! A phone that manages more than its own person's phones and codes, or in another way than it may (AD-01, AD-02,
//! BF-03, EN-06, EN-08).

use gatematch_protocol::id::{AuthenticatorId, DeviceId};
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::gateway::with_key;
use super::{Expect, Misbehaviour, Needs, Request, Scene};
use crate::edge;
use crate::failure::Failure;
use crate::http::segment;

const ENROLL: &str = "/v1/self/enrollments";
const APP: &str = "/v1/self/totp";
const CODES: &str = "/v1/self/recovery-codes";
const MALFORMED: Expect = Expect::Problem(Code::MalformedBody);
const OUT_OF_RANGE: Expect = Expect::Problem(Code::InvalidValue);
const NOT_FOUND: Expect = Expect::Problem(Code::NotFound);
const WRONG_PARTY: Expect = Expect::Problem(Code::WrongParty);
const WRONG_CODE: Expect = Expect::Problem(Code::WrongCode);

pub(super) const TABLE: &[Misbehaviour] = &[
    entry("own-enroll-for-other", "AD-02", "a link for another user", MALFORMED, |scene| {
        post(scene, ENROLL, &json!({"user": "administrator"}))
    }),
    entry("own-enroll-as-text", "AD-02", "a link whose expires_in is a string", MALFORMED, |scene| {
        post(scene, ENROLL, &json!({"expires_in": "600"}))
    }),
    entry("own-enroll-long", "AD-02", "a link of 601 seconds", OUT_OF_RANGE, |scene| {
        post(scene, ENROLL, &json!({"expires_in": 601}))
    }),
    entry("own-enroll-negative", "AD-02", "a link of -1 seconds", OUT_OF_RANGE, |scene| {
        post(scene, ENROLL, &json!({"expires_in": -1}))
    }),
    entry("own-app-seed", "AD-02", "a seed of one's own choice", MALFORMED, |scene| {
        post(scene, APP, &json!({"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}))
    }),
    entry(
        "own-app-active",
        "AD-02",
        "an authenticator app that says itself that it is confirmed",
        MALFORMED,
        |scene| post(scene, APP, &json!({"status": "active"})),
    ),
    entry("own-codes-for-other", "AD-02", "recovery codes for another user", MALFORMED, |scene| {
        post(scene, CODES, &json!({"user": "administrator"}))
    }),
    entry("own-codes-chosen", "AD-02", "recovery codes of one's own choice", MALFORMED, |scene| {
        post(scene, CODES, &json!({"codes": ["0000-0000-0000-0000"]}))
    }),
    entry("own-name-empty", "EN-08", "an empty name for the phone", OUT_OF_RANGE, |scene| {
        rename(scene, scene.phone()?.device_id()?, &json!({"name": ""}))
    }),
    entry("own-name-long", "EN-08", "a name of 65 characters for the phone", OUT_OF_RANGE, |scene| {
        rename(scene, scene.phone()?.device_id()?, &json!({"name": "n".repeat(65)}))
    }),
    entry("own-name-and-user", "AD-02", "a new owner beside the phone's new name", MALFORMED, |scene| {
        rename(scene, scene.phone()?.device_id()?, &json!({"name": "Pixel", "user": "administrator"}))
    }),
    entry("own-rename-other", "AD-02", "a new name for somebody else's phone", NOT_FOUND, |scene| {
        rename(scene, other_device(scene)?, &json!({"name": "Mine"}))
    }),
    entry("own-remove-other", "AD-02", "somebody else's phone is removed", NOT_FOUND, |scene| {
        proven(scene, "DELETE", &device_path(other_device(scene)?), None)
    }),
    entry(
        "own-remove-other-factor",
        "AD-02",
        "somebody else's phone is removed as one of the factors",
        NOT_FOUND,
        |scene| proven(scene, "DELETE", &format!("/v1/self/authenticators/{}", other_device(scene)?), None),
    ),
    entry(
        "own-confirm-other",
        "AD-02",
        "an authenticator app that is not one's own is confirmed",
        NOT_FOUND,
        |scene| post(scene, &confirm_path(unknown(scene)?), &json!({"code": "000000"})),
    ),
    entry(
        "own-no-proof",
        "EN-06",
        "a link for another phone, without a proof",
        Expect::Problem(Code::CredentialMissing),
        |scene| {
            scene.phone()?;
            Ok(vec![Request::new("POST", ENROLL).json("{}")])
        },
    ),
    entry(
        "own-proof-other-path",
        "EN-06",
        "a link for another phone, with a proof for reading",
        Expect::Problem(Code::CredentialInvalid),
        |scene| {
            let proof = scene.phone()?.proof("GET", "/v1/self/authenticators")?;
            Ok(vec![Request::new("POST", ENROLL).header("dpop", proof).json("{}")])
        },
    ),
    entry("phone-makes-pass", "AD-01", "a phone makes its person an access pass", WRONG_PARTY, |scene| {
        post(scene, &user_path(scene, "access-passes")?, &json!({"expires_in": 3_600}))
    }),
    entry("phone-makes-bypass", "AD-01", "a phone makes its person a bypass", WRONG_PARTY, |scene| {
        post(scene, &user_path(scene, "bypasses")?, &json!({"reason": "in a hurry", "expires_in": 3_600}))
    }),
    entry("phone-unlocks", "AD-01", "a phone unlocks its person's account", WRONG_PARTY, |scene| {
        post(scene, &user_path(scene, "unlock")?, &json!({"reason": "it is me"}))
    }),
    entry("phone-brings-passcode", "AD-01", "a phone brings a code in place of the gateway", WRONG_PARTY, |scene| {
        post(scene, &format!("/v1/challenges/{}/passcode", unknown(scene)?), &json!({"passcode": "000000"}))
    }),
    confirming("app-code-letters", "BF-03", "letters for the code of the app", WRONG_CODE, |scene| {
        confirm(scene, &json!({"code": "abcdef"}))
    }),
    confirming("app-code-wide", "BF-03", "full-width digits for the code of the app", WRONG_CODE, |scene| {
        confirm(scene, &json!({"code": "１２３４５６"}))
    }),
    confirming("app-code-empty", "BF-03", "nothing for the code of the app", WRONG_CODE, |scene| {
        confirm(scene, &json!({"code": ""}))
    }),
    confirming("app-code-long", "BF-03", "a thousand digits for the code of the app", WRONG_CODE, |scene| {
        confirm(scene, &json!({"code": "0".repeat(1_000)}))
    }),
    confirming("app-code-as-number", "AD-02", "the code of the app is a JSON number", MALFORMED, |scene| {
        confirm(scene, &json!({"code": 123_456}))
    }),
    confirming("app-code-and-status", "AD-02", "a state smuggled in beside the code", MALFORMED, |scene| {
        confirm(scene, &json!({"code": "000000", "status": "active"}))
    }),
    Misbehaviour::requests_of(
        Needs::Gateway,
        "gateway-as-owner",
        "AD-01",
        "a gateway asks what its user signs in with",
        WRONG_PARTY,
        |scene| Ok(vec![with_key(Request::new("GET", "/v1/self/authenticators"), scene.gateway()?)]),
    ),
];

type Requests = fn(&Scene<'_>) -> Result<Vec<Request>, Failure>;

const fn entry(
    name: &'static str,
    case: &'static str,
    what: &'static str,
    expect: Expect,
    make: Requests,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Phone, name, case, what, expect, make)
}

const fn confirming(
    name: &'static str,
    case: &'static str,
    what: &'static str,
    expect: Expect,
    make: Requests,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Confirming, name, case, what, expect, make)
}

/// A request with a sound proof.
fn proven(scene: &Scene<'_>, method: &'static str, path: &str, body: Option<&Value>) -> Result<Vec<Request>, Failure> {
    let request = Request::new(method, path).header("dpop", scene.phone()?.proof(method, path)?);
    Ok(vec![match body {
        Some(body) => request.json(body.to_string()),
        None => request,
    }])
}

fn post(scene: &Scene<'_>, path: &str, body: &Value) -> Result<Vec<Request>, Failure> {
    proven(scene, "POST", path, Some(body))
}

fn rename(scene: &Scene<'_>, device: DeviceId, body: &Value) -> Result<Vec<Request>, Failure> {
    proven(scene, "PUT", &device_path(device), Some(body))
}

fn confirm(scene: &Scene<'_>, body: &Value) -> Result<Vec<Request>, Failure> {
    let app = scene.app.ok_or(Failure::Missing("this misbehaviour needs an authenticator app to be confirmed"))?;
    post(scene, &confirm_path(app), body)
}

fn device_path(device: DeviceId) -> String {
    format!("/v1/self/devices/{device}")
}

fn confirm_path(app: AuthenticatorId) -> String {
    format!("{APP}/{app}/confirm")
}

/// Where administrators change the phone's own person.
fn user_path(scene: &Scene<'_>, what: &str) -> Result<String, Failure> {
    let account = scene.phone()?.account().ok_or(Failure::NotEnrolled)?;
    Ok(format!("/v1/users/{}/{what}", segment(&account.user)))
}

fn now(scene: &Scene<'_>) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_numeric_date(scene.phone()?.now()))
}

fn other_device(scene: &Scene<'_>) -> Result<DeviceId, Failure> {
    let invented = DeviceId::new(now(scene)?, edge::random());
    Ok(scene.other_device.unwrap_or(invented))
}

/// An id that nothing has.
fn unknown(scene: &Scene<'_>) -> Result<AuthenticatorId, Failure> {
    Ok(AuthenticatorId::new(now(scene)?, edge::random()))
}
