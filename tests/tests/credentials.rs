//! Who may call what, and what a credential must look like: AD-01, contract sections 1 and 2.

mod failures;
mod proofs;

use std::collections::{BTreeMap, BTreeSet};

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::edge::random;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Answer;
use gatematch_client_sim::phone::public_key_value;
use gatematch_domain::role::Role;
use gatematch_protocol::base64url;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::secret::prefix;
use gatematch_server::http::guard::Who;
use gatematch_server::http::routes::table;
use gatematch_tests::Site;
use gatematch_tests::moves::{count, detail};
use gatematch_tests::wire::{json, refused};
use serde_json::json;

const SELF: &str = "/v1/devices/self";
const PUSH: &str = "/v1/devices/self/push";

/// Who may do what, from the contract's text: `g`ateway, `p`hone, `a`dmin, `h`elpdesk, a`u`ditor, everybody (`*`),
/// or whoever signs in the body itself (`s`).
const CONTRACT: [(&str, &str, &str); 75] = [
    ("GET", "/app", "*"),
    ("GET", "/app/", "*"),
    ("GET", "/app/{file}", "*"),
    ("GET", "/connect", "*"),
    ("GET", "/connect/connect.css", "*"),
    ("GET", "/connect/connect.js", "*"),
    ("GET", "/connect/logo.svg", "*"),
    ("GET", "/connect/desktop.rdp", "*"),
    ("POST", "/connect/sessions", "s"),
    ("GET", "/connect/sessions/current", "s"),
    ("GET", "/connect/sessions/current/events", "s"),
    ("POST", "/connect/sessions/current/confirm", "s"),
    ("POST", "/connect/sessions/current/passcode", "s"),
    ("GET", "/v1/users/{username}/browsers", "ah"),
    ("DELETE", "/v1/users/{username}/browsers/{id}", "ah"),
    ("GET", "/v1/devices/self/phones", "p"),
    ("GET", "/v1/devices/self/notices", "p"),
    ("GET", "/v1/gateways/self", "g"),
    ("POST", "/v1/gateways/self/drops", "g"),
    ("GET", "/v1/policy", "a"),
    ("PUT", "/v1/policy", "a"),
    ("POST", "/v1/policy/explain", "a"),
    ("POST", "/v1/policy/rollback", "a"),
    ("GET", "/v1/policy/versions", "a"),
    ("GET", "/v1/policy/versions/{version}", "a"),
    ("GET", "/.well-known/gatematch", "*"),
    ("GET", "/.well-known/jwks.json", "*"),
    ("GET", "/.well-known/jwks-audit.json", "*"),
    ("GET", "/healthz", "*"),
    ("GET", "/readyz", "*"),
    ("GET", "/metrics", "*"),
    ("PUT", "/v1/users/{username}", "ah"),
    ("GET", "/v1/users/{username}", "ah"),
    ("GET", "/v1/users", "ah"),
    ("DELETE", "/v1/users/{username}", "ah"),
    ("POST", "/v1/enrollments", "ah"),
    ("POST", "/v1/devices", "s"),
    ("POST", "/v1/devices/{id}/confirm", "ahp"),
    ("GET", "/v1/users/{username}/devices", "ah"),
    ("DELETE", "/v1/devices/{id}", "ah"),
    ("GET", "/v1/devices/self", "p"),
    ("PUT", "/v1/devices/self/push", "p"),
    ("DELETE", "/v1/devices/self", "p"),
    ("POST", "/v1/gateways", "a"),
    ("GET", "/v1/gateways", "a"),
    ("DELETE", "/v1/gateways/{id}", "a"),
    ("POST", "/v1/challenges", "g"),
    ("GET", "/v1/challenges/{id}", "gahu"),
    ("POST", "/v1/challenges/{id}/redeem", "g"),
    ("POST", "/v1/challenges/{id}/passcode", "g"),
    ("DELETE", "/v1/challenges/{id}", "g"),
    ("GET", "/v1/devices/self/challenges", "p"),
    ("POST", "/v1/challenges/{id}/response", "s"),
    ("GET", "/v1/audit", "au"),
    ("GET", "/v1/audit/checkpoint", "au"),
    ("GET", "/v1/reports/{name}", "au"),
    ("POST", "/v1/users/{username}/lock", "ah"),
    ("POST", "/v1/users/{username}/unlock", "ah"),
    ("GET", "/v1/users/{username}/authenticators", "ah"),
    ("DELETE", "/v1/users/{username}/authenticators/{id}", "ah"),
    ("POST", "/v1/users/{username}/totp", "ah"),
    ("POST", "/v1/users/{username}/totp/{id}/confirm", "ah"),
    ("POST", "/v1/users/{username}/recovery-codes", "ah"),
    ("POST", "/v1/users/{username}/access-passes", "ah"),
    ("POST", "/v1/users/{username}/bypasses", "ah"),
    ("GET", "/v1/users/{username}/bypasses", "ah"),
    ("DELETE", "/v1/users/{username}/bypasses/{id}", "ah"),
    ("GET", "/v1/self/authenticators", "p"),
    ("DELETE", "/v1/self/authenticators/{id}", "p"),
    ("PUT", "/v1/self/devices/{id}", "p"),
    ("DELETE", "/v1/self/devices/{id}", "p"),
    ("POST", "/v1/self/enrollments", "p"),
    ("POST", "/v1/self/totp", "p"),
    ("POST", "/v1/self/totp/{id}/confirm", "p"),
    ("POST", "/v1/self/recovery-codes", "p"),
];

/// Everybody there is.
struct Cast {
    site: Site,
    gateway: Gateway,
    admins: BTreeMap<char, Admin>,
}

impl Cast {
    async fn new() -> Self {
        let site = Site::start().await;
        let gateway = site.gateway().await;
        let mut admins = BTreeMap::new();
        for (letter, role) in [('a', Role::Admin), ('h', Role::Helpdesk), ('u', Role::Auditor)] {
            admins.insert(letter, site.admin_with(role).await);
        }
        site.user("alice").await;
        Self { site, gateway, admins }
    }

    async fn ask(&self, party: char, method: &str, path: &str) -> Answer {
        match party {
            'g' => self.gateway.call(method, path, None).await.unwrap(),
            'p' => {
                let phone = self.site.phone_of("alice").await;
                let answer = phone.call(method, path, None).await.unwrap();
                let _ = self.site.admin.delete_device(phone.device_id().unwrap()).await;
                answer
            }
            admin => self.admins[&admin].call(method, path, None).await.unwrap(),
        }
    }
}

fn concrete(path: &str) -> String {
    let id = ChallengeId::new(gatematch_protocol::time::Timestamp::from_micros(0), random());
    path.replace("{username}", "nobody")
        .replace("{id}", &id.to_string())
        .replace("{version}", "1")
        .replace("{name}", "outcomes")
}

#[test]
fn the_table_is_the_contract() {
    let letters = |who: Who| -> BTreeSet<char> {
        match who {
            Who::Public => BTreeSet::from(['*']),
            Who::NewPhone | Who::Signer | Who::Browser => BTreeSet::from(['s']),
            who => {
                let letter = |word: &str| match word {
                    "gateway" => 'g',
                    "phone" => 'p',
                    "admin" => 'a',
                    "helpdesk" => 'h',
                    "auditor" => 'u',
                    other => panic!("who is {other}?"),
                };
                who.words().into_iter().map(letter).collect()
            }
        }
    };
    let built: BTreeMap<_, _> =
        table().iter().map(|route| ((route.method.to_string(), route.path.to_owned()), letters(route.who))).collect();
    let written: BTreeMap<_, _> = CONTRACT
        .iter()
        .map(|(method, path, who)| (((*method).to_owned(), (*path).to_owned()), who.chars().collect()))
        .collect();
    assert_eq!(built, written);
    assert_eq!(table().len(), built.len(), "a route stands twice");
}

#[tokio::test]
async fn ad_01_every_route_with_every_party() {
    let cast = Cast::new().await;
    let mut refusals: BTreeMap<char, usize> = BTreeMap::new();
    for (method, path, allowed) in CONTRACT.iter().filter(|(_, _, allowed)| !matches!(*allowed, "*" | "s")) {
        let path = concrete(path);
        for party in ['g', 'p', 'a', 'h', 'u'] {
            let answer = cast.ask(party, method, &path).await;
            let (status, text) = (answer.status, answer.text());
            if allowed.contains(party) {
                assert!(!matches!(status, 401 | 403 | 405 | 429 | 500..), "{party} {method} {path}: {status} {text}");
            } else {
                let same_party = "ahu".contains(party) && allowed.contains(['a', 'h', 'u']);
                let code = if same_party { Code::RoleNotAllowed } else { Code::WrongParty };
                assert_eq!(status, 403, "{party} {method} {path}: {text}");
                refused(&answer, code);
                *refusals.entry(party).or_default() += 1;
            }
        }
        let api = cast.site.api();
        refused(&api.call(method, &path, &[], None).await.unwrap(), Code::CredentialMissing);
        for key in [prefix::GATEWAY, prefix::ADMIN, ""] {
            let key = format!("Bearer {key}{}", base64url::encode(random::<32>()));
            let answer = api.call(method, &path, &[("authorization", &key)], None).await.unwrap();
            refused(&answer, Code::CredentialInvalid);
        }
        let stranger = cast.site.blank_phone();
        refused(&stranger.call(method, &path, None).await.unwrap(), Code::CredentialInvalid);
    }
    let events = cast.site.audit().await;
    let told = |prefix: &str| {
        let of = |event: &&gatematch_protocol::audit::AuditEvent| {
            let reason = event.reason.as_deref().unwrap_or_default();
            let by = event.actor.as_deref().is_some_and(|actor| actor.starts_with(prefix));
            event.kind == "request.refused" && by && matches!(reason, "wrong-party" | "role-not-allowed")
        };
        events.iter().filter(of).count()
    };
    for (party, prefix) in
        [('g', "gateway:"), ('p', "device:"), ('a', "admin:admin"), ('h', "admin:helpdesk"), ('u', "admin:auditor")]
    {
        assert_eq!(told(prefix), refusals[&party], "{prefix}");
    }
}

#[tokio::test]
async fn ad_01_where_the_body_is_the_credential_no_key_opens() {
    let cast = Cast::new().await;
    let token = cast.site.token("alice").await;
    let blank = cast.site.blank_phone();
    let body = json(&json!({
        "enrollment_token": token.reveal(), "public_key": public_key_value(blank.key()), "name": "Pixel",
    }));
    for admin in cast.admins.values().chain([&cast.site.admin]) {
        refused(&admin.call("POST", "/v1/devices", body.clone()).await.unwrap(), Code::WrongParty);
        refused(&admin.call("POST", "/v1/devices", None).await.unwrap(), Code::WrongParty);
    }
    refused(&cast.gateway.call("POST", "/v1/devices", body.clone()).await.unwrap(), Code::WrongParty);
    for headers in [&[][..], &[("authorization", "Bearer gma_wrong")]] {
        let answer = cast.site.api().call("POST", "/v1/devices", headers, body.clone()).await.unwrap();
        refused(&answer, Code::CredentialMissing);
    }
    let challenge = concrete("/v1/challenges/{id}/response");
    let forged = json(&json!({"response": "e30.e30.AAAA"}));
    refused(&cast.gateway.call("POST", &challenge, forged.clone()).await.unwrap(), Code::MalformedResponse);
    refused(&cast.site.admin.call("POST", &challenge, forged).await.unwrap(), Code::MalformedResponse);
    // What is public needs no credential, and minds none.
    for (method, path, _) in CONTRACT.iter().filter(|(.., allowed)| *allowed == "*") {
        for headers in [&[][..], &[("authorization", "Bearer gmg_wrong")], &[("dpop", "wrong")]] {
            let expected = match *path {
                "/app" => 308,
                // Nothing starts the desktop here, and no file of the app has such a name.
                "/connect/desktop.rdp" | "/app/{file}" => 404,
                _ => 200,
            };
            assert_eq!(cast.site.api().call(method, path, headers, None).await.unwrap().status, expected, "{path}");
        }
    }
    assert_eq!(count(&cast.site.audit().await, "device.registered"), 0);
}

#[tokio::test]
async fn a_bearer_key_has_one_form() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let (key, other) = (site.admin.key.reveal().to_owned(), gateway.key.reveal().to_owned());
    let api = site.api();
    let with = async |headers: &[(&str, &str)]| api.call("GET", "/v1/users", headers, None).await.unwrap();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {key}");
        assert_eq!(with(&[("authorization", &value)]).await.status, 200, "{scheme}");
    }
    let swapped = format!("Bearer gmg_{}", &key[4..]);
    let bare = format!("Bearer {}", &key[4..]);
    let long = format!("Bearer {key}{}", "A".repeat(10_000));
    let padded = format!("Bearer {key}=");
    let cut = format!("Bearer {}", &key[..key.len() - 1]);
    for value in [
        &key,
        &format!("Bearer  {key}"),
        &format!("Bearer{key}"),
        &format!("Bearer\t{key}"),
        &format!("Basic {key}"),
        &format!("DPoP {key}"),
        &format!("Bearer {key} {key}"),
        &format!("Bearer {key}, Bearer {key}"),
        &format!("Bearer \"{key}\""),
        &format!("Bearer {}", key.to_uppercase()),
        &swapped,
        &bare,
        &long,
        &padded,
        &cut,
        "Bearer ",
        "Bearer",
        "",
        "\u{e9}",
    ] {
        refused(&with(&[("authorization", value)]).await, Code::CredentialInvalid);
    }
    let (sound, theirs) = (format!("Bearer {key}"), format!("Bearer {other}"));
    for second in [&sound, &theirs] {
        refused(&with(&[("authorization", &sound), ("authorization", second)]).await, Code::CredentialInvalid);
    }
    // A key anywhere else is none.
    for headers in [&[("cookie", key.as_str())][..], &[("x-api-key", &key)], &[("proxy-authorization", &sound)]] {
        refused(&with(headers).await, Code::CredentialMissing);
    }
    let query = format!("/v1/users?access_token={key}");
    refused(&api.call("GET", &query, &[], None).await.unwrap(), Code::CredentialMissing);
    // A wrong key is not made good by a sound proof, nor a wrong proof by a sound key.
    let alice = site.person("alice").await;
    let proof = || alice.phone.proof("GET", SELF).unwrap();
    let both = |key: &str, proof: &str| {
        let (key, proof) = (key.to_owned(), proof.to_owned());
        let api = site.api();
        async move { api.call("GET", SELF, &[("authorization", &key), ("dpop", &proof)], None).await.unwrap() }
    };
    refused(&both(&sound, "wrong").await, Code::CredentialInvalid);
    assert_eq!(both("Bearer gma_wrong", &proof()).await.status, 200, "a phone's route asks for the phone");
    site.clock.advance(60);
    let events = site.audit_when(|events| count(events, "credential.refused") >= 2).await;
    let kinds: BTreeSet<String> =
        events.iter().map(|event| detail(event, "kind")).filter(|kind| !kind.is_empty()).collect();
    assert_eq!(kinds, BTreeSet::from(["key".to_owned(), "proof".to_owned()]));
    assert!(!serde_json::to_string(&events).unwrap().contains(&key[4..]));
}
