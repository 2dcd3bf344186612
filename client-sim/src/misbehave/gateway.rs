//! A gateway that asks for what it may not have (AP-04, AD-01, AD-02, contract sections 1, 2 and 6).

use gatematch_protocol::base64url;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::prefix;
use gatematch_protocol::time::Timestamp;
use serde_json::{Map, Value, json};

use super::{Expect, Misbehaviour, Needs, Request, Scene};
use crate::edge;
use crate::failure::Failure;
use crate::gateway::Gateway;

pub(super) const CREATE: &str = "/v1/challenges";
const MALFORMED: Expect = Expect::Problem(Code::MalformedBody);
const OUT_OF_RANGE: Expect = Expect::Problem(Code::InvalidValue);
const NOT_FOUND: Expect = Expect::Problem(Code::NotFound);
const WRONG_PARTY: Expect = Expect::Problem(Code::WrongParty);
const QUERY: Expect = Expect::Problem(Code::MalformedQuery);

pub(super) const TABLE: &[Misbehaviour] = &[
    login(
        "redeem-twice",
        "AP-04",
        "a second redemption with another id",
        Expect::Problem(Code::AlreadyRedeemed),
        |scene| {
            let gateway = scene.gateway()?;
            Ok(vec![redeem(gateway, scene.login()?, "first"), redeem(gateway, scene.login()?, "second")])
        },
    ),
    other("redeem-other-gateway", "AP-04", "another gateway redeems", NOT_FOUND, |scene| {
        Ok(vec![redeem(other_gateway(scene)?, scene.login()?, "theirs")])
    }),
    other("read-other-gateway", "CH-04", "another gateway reads the challenge", NOT_FOUND, |scene| {
        Ok(vec![with_key(Request::new("GET", format!("{CREATE}/{}", scene.login()?)), other_gateway(scene)?)])
    }),
    other("cancel-other-gateway", "CH-04", "another gateway cancels the challenge", NOT_FOUND, |scene| {
        Ok(vec![with_key(Request::new("DELETE", format!("{CREATE}/{}", scene.login()?)), other_gateway(scene)?)])
    }),
    login(
        "cancel-redeemed",
        "CH-06",
        "the gateway cancels what it has redeemed",
        Expect::Problem(Code::AlreadyDecided),
        |scene| {
            let gateway = scene.gateway()?;
            let cancel = with_key(Request::new("DELETE", format!("{CREATE}/{}", scene.login()?)), gateway);
            Ok(vec![redeem(gateway, scene.login()?, "first"), cancel])
        },
    ),
    login(
        "passcode-redeemed",
        "AP-04",
        "a passcode for what is redeemed",
        Expect::Problem(Code::AlreadyDecided),
        |scene| {
            let (gateway, login) = (scene.gateway()?, scene.login()?);
            let passcode = Request::new("POST", format!("{CREATE}/{login}/passcode")).json(r#"{"passcode":"000000"}"#);
            Ok(vec![redeem(gateway, login, "first"), with_key(passcode, gateway)])
        },
    ),
    login("redeem-empty-id", "AP-04", "an empty redemption_id", OUT_OF_RANGE, |scene| {
        Ok(vec![redeem(scene.gateway()?, scene.login()?, "")])
    }),
    login("redeem-odd-id", "AP-04", "a blank in the redemption_id", OUT_OF_RANGE, |scene| {
        Ok(vec![redeem(scene.gateway()?, scene.login()?, "a b")])
    }),
    login("redeem-long-id", "AP-04", "a redemption_id of 129 characters", OUT_OF_RANGE, |scene| {
        Ok(vec![redeem(scene.gateway()?, scene.login()?, &"r".repeat(129))])
    }),
    login("wait-too-long", "AP-04", "a wait of 61 seconds", QUERY, |scene| waiting(scene, "61")),
    login("wait-negative", "AP-04", "a wait of -1 seconds", QUERY, |scene| waiting(scene, "-1")),
    login("wait-as-text", "AP-04", "a wait that is no number", QUERY, |scene| waiting(scene, "soon")),
    entry("redeem-unknown", "CH-04", "a challenge that does not exist", NOT_FOUND, |scene| {
        let gateway = scene.gateway()?;
        let unknown = ChallengeId::new(Timestamp::from_numeric_date((gateway.clock)()), edge::random());
        Ok(vec![redeem(gateway, unknown, "first")])
    }),
    entry("gateway-no-key", "AD-01", "no credential", Expect::Problem(Code::CredentialMissing), |scene| {
        scene.gateway()?;
        Ok(vec![Request::new("POST", CREATE).json(asked(&json!({})))])
    }),
    entry("gateway-wrong-key", "AD-01", "a key that nobody made", Expect::Problem(Code::CredentialInvalid), |scene| {
        scene.gateway()?;
        let key = format!("Bearer {}{}", prefix::GATEWAY, base64url::encode(edge::random::<32>()));
        Ok(vec![Request::new("POST", CREATE).header("authorization", key).json(asked(&json!({})))])
    }),
    entry("gateway-as-phone", "AD-01", "a gateway fetches a phone's challenges", WRONG_PARTY, |scene| {
        Ok(vec![with_key(Request::new("GET", "/v1/devices/self/challenges"), scene.gateway()?)])
    }),
    entry("gateway-as-admin", "AD-01", "a gateway lists the users", WRONG_PARTY, |scene| {
        Ok(vec![with_key(Request::new("GET", "/v1/users"), scene.gateway()?)])
    }),
    entry("create-own-number", "AD-02", "a number smuggled into the create", MALFORMED, |scene| {
        create(scene, &json!({"number": "000"}))
    }),
    entry("create-approved", "AD-02", "a state smuggled into the create", MALFORMED, |scene| {
        create(scene, &json!({"status": "approved"}))
    }),
    entry("create-user-as-list", "AD-02", "two users in one create", MALFORMED, |scene| {
        create(scene, &json!({"user": ["alice", "bob"]}))
    }),
    entry("create-expiry-as-text", "AD-02", "expires_in is a string", MALFORMED, |scene| {
        create(scene, &json!({"expires_in": "60"}))
    }),
    entry("create-expiry-too-long", "AD-02", "a challenge of 601 seconds", OUT_OF_RANGE, |scene| {
        create(scene, &json!({"expires_in": 601}))
    }),
    entry("create-expiry-too-short", "AD-02", "a challenge of 9 seconds", OUT_OF_RANGE, |scene| {
        create(scene, &json!({"expires_in": 9}))
    }),
    entry("create-odd-display", "AD-02", "a display that is no word of the contract", OUT_OF_RANGE, |scene| {
        create(scene, &json!({"display": "phone"}))
    }),
    entry("create-odd-address", "AD-02", "a client address that is none", OUT_OF_RANGE, |scene| {
        create(scene, &json!({"client": {"ip": "127.0.0.1.evil"}}))
    }),
    entry("create-much-context", "AD-02", "nine members of context", OUT_OF_RANGE, |scene| {
        let context: Map<String, Value> = (0..9).map(|index| (format!("m{index}"), json!("x"))).collect();
        create(scene, &json!({"context": context}))
    }),
    entry(
        "idempotency-key-odd",
        "AP-04",
        "a blank in the Idempotency-Key",
        Expect::Problem(Code::MalformedHeader),
        |scene| Ok(vec![idempotent(scene.gateway()?, "a b", "nobody-1")]),
    ),
    entry(
        "idempotency-key-long",
        "AP-04",
        "an Idempotency-Key of 129 characters",
        Expect::Problem(Code::MalformedHeader),
        |scene| Ok(vec![idempotent(scene.gateway()?, &"k".repeat(129), "nobody-1")]),
    ),
    entry(
        "idempotency-key-reused",
        "AP-04",
        "the same Idempotency-Key for another user",
        Expect::Problem(Code::IdempotencyKeyReused),
        |scene| {
            let key = base64url::encode(edge::random::<16>());
            let gateway = scene.gateway()?;
            Ok(vec![idempotent(gateway, &key, "nobody-1"), idempotent(gateway, &key, "nobody-2")])
        },
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
    Misbehaviour::requests_of(Needs::Gateway, name, case, what, expect, make)
}

const fn login(
    name: &'static str,
    case: &'static str,
    what: &'static str,
    expect: Expect,
    make: Requests,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Login, name, case, what, expect, make)
}

const fn other(
    name: &'static str,
    case: &'static str,
    what: &'static str,
    expect: Expect,
    make: Requests,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::OtherGateway, name, case, what, expect, make)
}

pub(super) fn other_gateway<'a>(scene: &Scene<'a>) -> Result<&'a Gateway, Failure> {
    scene.gateway()?;
    scene.other_gateway.ok_or(Failure::Missing("this misbehaviour needs a second gateway"))
}

pub(super) fn with_key(request: Request, gateway: &Gateway) -> Request {
    request.header("authorization", gateway.authorization())
}

fn redeem(gateway: &Gateway, challenge: ChallengeId, redemption_id: &str) -> Request {
    let body = json!({"redemption_id": redemption_id}).to_string();
    with_key(Request::new("POST", format!("{CREATE}/{challenge}/redeem?wait=60")).json(body), gateway)
}

fn waiting(scene: &Scene<'_>, wait: &str) -> Result<Vec<Request>, Failure> {
    Ok(vec![with_key(Request::new("GET", format!("{CREATE}/{}?wait={wait}", scene.login()?)), scene.gateway()?)])
}

fn asked(more: &Value) -> String {
    let mut message = json!({"user": "nobody-1"});
    if let (Some(members), Some(more)) = (message.as_object_mut(), more.as_object()) {
        members.extend(more.clone());
    }
    message.to_string()
}

fn create(scene: &Scene<'_>, more: &Value) -> Result<Vec<Request>, Failure> {
    Ok(vec![with_key(Request::new("POST", CREATE).json(asked(more)), scene.gateway()?)])
}

fn idempotent(gateway: &Gateway, key: &str, user: &str) -> Request {
    let request = Request::new("POST", CREATE).header("idempotency-key", key);
    with_key(request.json(json!({"user": user}).to_string()), gateway)
}
