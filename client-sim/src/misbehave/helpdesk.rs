//! An administrator who gives away more than he may: passes, bypasses and locks without end, reason or limit (AD-02,
//! AD-04, BF-05).

use gatematch_protocol::id::AuthenticatorId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::{Expect, Misbehaviour, Needs, Request, Scene};
use crate::admin::Admin;
use crate::edge;
use crate::failure::Failure;
use crate::http::segment;

const PASSES: &str = "access-passes";
const BYPASSES: &str = "bypasses";
const MALFORMED: Expect = Expect::Problem(Code::MalformedBody);
const OUT_OF_RANGE: Expect = Expect::Problem(Code::InvalidValue);
const NOT_FOUND: Expect = Expect::Problem(Code::NotFound);

pub(super) const TABLE: &[Misbehaviour] = &[
    entry("pass-expiry-as-text", "AD-02", "a pass whose expires_in is a string", MALFORMED, |scene| {
        post(scene, PASSES, &json!({"expires_in": "3600"}))
    }),
    entry("pass-expiry-missing", "AD-04", "a pass without an end", MALFORMED, |scene| post(scene, PASSES, &json!({}))),
    entry("pass-expiry-negative", "BF-05", "a pass of -1 seconds", OUT_OF_RANGE, |scene| {
        post(scene, PASSES, &json!({"expires_in": -1}))
    }),
    entry("pass-expiry-zero", "BF-05", "a pass of 0 seconds", OUT_OF_RANGE, |scene| {
        post(scene, PASSES, &json!({"expires_in": 0}))
    }),
    entry("pass-too-long", "BF-05", "a pass of 30 days and a second", OUT_OF_RANGE, |scene| {
        post(scene, PASSES, &json!({"expires_in": 2_592_001}))
    }),
    entry("pass-too-late", "BF-05", "a pass that begins in a thousand years", OUT_OF_RANGE, |scene| {
        post(scene, PASSES, &json!({"expires_in": 3_600, "starts_at": "3027-01-15T08:00:00Z"}))
    }),
    entry("pass-no-uses", "BF-05", "a pass for no sign-in at all", OUT_OF_RANGE, |scene| {
        post(scene, PASSES, &json!({"expires_in": 3_600, "max_uses": 0}))
    }),
    entry("pass-many-uses", "BF-05", "a pass for 1,001 sign-ins", OUT_OF_RANGE, |scene| {
        post(scene, PASSES, &json!({"expires_in": 3_600, "max_uses": 1_001}))
    }),
    entry("pass-with-role", "AD-02", "a role smuggled into a pass", MALFORMED, |scene| {
        post(scene, PASSES, &json!({"expires_in": 3_600, "role": "admin"}))
    }),
    entry("pass-chosen", "AD-02", "a pass of the administrator's own choice", MALFORMED, |scene| {
        post(scene, PASSES, &json!({"expires_in": 3_600, "pass": "00000-00000"}))
    }),
    entry("pass-for-nobody", "AD-02", "a pass for a user who does not exist", NOT_FOUND, |scene| {
        scene.user()?;
        sent(scene, "POST", "/v1/users/nobody-1/access-passes", Some(&json!({"expires_in": 3_600})))
    }),
    entry("bypass-no-reason", "AD-04", "a bypass without a reason", MALFORMED, |scene| {
        post(scene, BYPASSES, &json!({"expires_in": 3_600}))
    }),
    entry("bypass-empty-reason", "AD-04", "a bypass with an empty reason", OUT_OF_RANGE, |scene| {
        post(scene, BYPASSES, &json!({"expires_in": 3_600, "reason": ""}))
    }),
    entry("bypass-no-end", "AD-04", "a bypass without an end", MALFORMED, |scene| {
        post(scene, BYPASSES, &json!({"reason": "a lost phone"}))
    }),
    entry("bypass-null-end", "AD-04", "a bypass whose expires_in is null", MALFORMED, |scene| {
        post(scene, BYPASSES, &json!({"reason": "a lost phone", "expires_in": null}))
    }),
    entry("bypass-25-hours", "AD-04", "a bypass of 25 hours", OUT_OF_RANGE, |scene| {
        post(scene, BYPASSES, &json!({"reason": "a lost phone", "expires_in": 90_000}))
    }),
    entry("bypass-for-ever", "AD-04", "a bypass of 292 billion years", OUT_OF_RANGE, |scene| {
        post(scene, BYPASSES, &json!({"reason": "a lost phone", "expires_in": i64::MAX}))
    }),
    entry("bypass-by-other", "AD-02", "a bypass that says itself who made it", MALFORMED, |scene| {
        post(scene, BYPASSES, &json!({"reason": "a lost phone", "expires_in": 3_600, "made_by": "admin:ada"}))
    }),
    entry("lock-no-reason", "AD-04", "a lock without a reason", MALFORMED, |scene| post(scene, "lock", &json!({}))),
    entry("lock-empty-reason", "AD-04", "a lock with an empty reason", OUT_OF_RANGE, |scene| {
        post(scene, "lock", &json!({"reason": ""}))
    }),
    entry("lock-long-reason", "AD-04", "a lock with a reason of 65 characters", OUT_OF_RANGE, |scene| {
        post(scene, "lock", &json!({"reason": "r".repeat(65)}))
    }),
    entry("unlock-no-reason", "AD-04", "an unlock without a reason", MALFORMED, |scene| {
        post(scene, "unlock", &json!({}))
    }),
    entry("app-seed-chosen", "AD-02", "an authenticator app whose seed the administrator knows", MALFORMED, |scene| {
        post(scene, "totp", &json!({"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}))
    }),
    entry("codes-chosen", "AD-02", "recovery codes that the administrator knows", MALFORMED, |scene| {
        post(scene, "recovery-codes", &json!({"codes": ["0000-0000-0000-0000"]}))
    }),
    entry("remove-unknown", "AD-02", "something is removed that the user does not have", NOT_FOUND, |scene| {
        let unknown = AuthenticatorId::new(Timestamp::from_numeric_date(0), edge::random());
        sent(scene, "DELETE", &path(scene, &format!("authenticators/{unknown}"))?, None)
    }),
];

const fn entry(
    name: &'static str,
    case: &'static str,
    what: &'static str,
    expect: Expect,
    make: fn(&Scene<'_>) -> Result<Vec<Request>, Failure>,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Helpdesk, name, case, what, expect, make)
}

impl<'a> Scene<'a> {
    fn admin(&self) -> Result<&'a Admin, Failure> {
        self.admin.ok_or(Failure::Missing("this misbehaviour needs an administrator's key"))
    }

    fn user(&self) -> Result<&'a str, Failure> {
        self.user.ok_or(Failure::Missing("this misbehaviour needs a user"))
    }
}

fn path(scene: &Scene<'_>, what: &str) -> Result<String, Failure> {
    Ok(format!("/v1/users/{}/{what}", segment(scene.user()?)))
}

fn sent(scene: &Scene<'_>, method: &'static str, path: &str, body: Option<&Value>) -> Result<Vec<Request>, Failure> {
    let request = Request::new(method, path).header("authorization", scene.admin()?.authorization());
    Ok(vec![match body {
        Some(body) => request.json(body.to_string()),
        None => request,
    }])
}

fn post(scene: &Scene<'_>, what: &str, body: &Value) -> Result<Vec<Request>, Failure> {
    sent(scene, "POST", &path(scene, what)?, Some(body))
}
