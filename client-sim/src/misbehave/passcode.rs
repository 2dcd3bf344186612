//! Codes in place of the phone that a gateway brings in the wrong way (AD-02, CH-04, CH-06).

use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;

use super::gateway::{CREATE, other_gateway, with_key};
use super::{Expect, Misbehaviour, Needs, Request, Scene};
use crate::edge;
use crate::failure::Failure;

const MALFORMED: Expect = Expect::Problem(Code::MalformedBody);
const NOT_FOUND: Expect = Expect::Problem(Code::NotFound);
const SOUND: &str = r#"{"passcode":"000000"}"#;

pub(super) const TABLE: &[Misbehaviour] = &[
    entry("passcode-as-number", "AD-02", "the code is a JSON number", MALFORMED, |scene| {
        sent(scene, r#"{"passcode":123456}"#)
    }),
    entry("passcode-as-list", "AD-02", "the code is a list of guesses", MALFORMED, |scene| {
        sent(scene, r#"{"passcode":["000000","000001"]}"#)
    }),
    entry("passcode-null", "AD-02", "the code is null", MALFORMED, |scene| sent(scene, r#"{"passcode":null}"#)),
    entry("passcode-missing", "AD-02", "no code", MALFORMED, |scene| sent(scene, "{}")),
    entry("passcode-not-json", "AD-02", "not JSON", MALFORMED, |scene| sent(scene, "passcode=000000")),
    entry("passcode-twice", "AD-02", "two codes in one body", MALFORMED, |scene| {
        sent(scene, r#"{"passcode":"000000","passcode":"000001"}"#)
    }),
    entry("passcode-for-user", "AD-02", "another user's name beside the code", MALFORMED, |scene| {
        sent(scene, r#"{"passcode":"000000","user":"administrator"}"#)
    }),
    entry("passcode-huge", "AD-02", "a code of 70,000 digits", Expect::Problem(Code::BodyTooLarge), |scene| {
        sent(scene, &format!(r#"{{"passcode":"{}"}}"#, "0".repeat(70_000)))
    }),
    entry("passcode-cancelled", "CH-06", "a code for what was called off", Expect::Problem(Code::Cancelled), |scene| {
        let gateway = scene.gateway()?;
        let cancel = with_key(Request::new("DELETE", format!("{CREATE}/{}", scene.login()?)), gateway);
        let mut requests = vec![cancel];
        requests.extend(sent(scene, SOUND)?);
        Ok(requests)
    }),
    Misbehaviour::requests_of(
        Needs::OtherGateway,
        "passcode-other-gateway",
        "CH-04",
        "a code for another gateway's challenge",
        NOT_FOUND,
        |scene| Ok(vec![with_key(request(scene.login()?, SOUND), other_gateway(scene)?)]),
    ),
    Misbehaviour::requests_of(
        Needs::Gateway,
        "passcode-unknown",
        "CH-04",
        "a code for a challenge that does not exist",
        NOT_FOUND,
        |scene| {
            let gateway = scene.gateway()?;
            let unknown = ChallengeId::new(Timestamp::from_numeric_date((gateway.clock)()), edge::random());
            Ok(vec![with_key(request(unknown, SOUND), gateway)])
        },
    ),
];

const fn entry(
    name: &'static str,
    case: &'static str,
    what: &'static str,
    expect: Expect,
    make: fn(&Scene<'_>) -> Result<Vec<Request>, Failure>,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Login, name, case, what, expect, make)
}

fn request(challenge: ChallengeId, body: &str) -> Request {
    Request::new("POST", format!("{CREATE}/{challenge}/passcode")).json(body)
}

fn sent(scene: &Scene<'_>, body: &str) -> Result<Vec<Request>, Failure> {
    Ok(vec![with_key(request(scene.login()?, body), scene.gateway()?)])
}
