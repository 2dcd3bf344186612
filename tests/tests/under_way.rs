//! Requests that are under way while something is withdrawn: the credential that let them in, the group of the user
//! that they are about. A withdrawal holds from the moment of its answer.

use gatematch_domain::role::Role;
use gatematch_protocol::enrollment::CreateEnrollment;
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::PutUser;
use gatematch_server::store::{Act, KeyRevoked};
use gatematch_tests::Site;
use gatematch_tests::moves::{count, race, refusal};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request whose headers the server has let in and whose body it waits for.
struct Held {
    connection: TcpStream,
    body: String,
}

impl Held {
    /// Sends the headers. The server asks for the body (RFC 9110, section 10.1.1) once the guard has let them in.
    async fn open(site: &Site, method: &str, path: &str, credential: &str, body: serde_json::Value) -> Self {
        let body = body.to_string();
        let mut connection = TcpStream::connect(site.api().base().trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n{credential}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        connection.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self { connection, body }
    }

    /// Sends the body, and yields the status and the text of the answer.
    async fn finish(mut self) -> (u16, String) {
        self.connection.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.connection.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        (status, answer)
    }
}

async fn revoke_key(site: &Site, name: &str) {
    let keys = site.store().admin_keys().await.unwrap();
    let key = keys.iter().find(|key| key.name == name).unwrap().id;
    let act = Act::new(gatematch_domain::audit::Actor::System, gatematch_server::edge::Clock::now(&site.clock));
    assert_eq!(site.store().revoke_admin_key(act, key).await.unwrap(), KeyRevoked::Done);
}

#[tokio::test]
async fn a_revoked_administrator_finishes_nothing() {
    let site = Site::start().await;
    site.user("alice").await;
    let desk = site.admin_with(Role::Helpdesk).await;
    let credential = format!("Authorization: Bearer {}", desk.key.reveal());
    let held = [
        Held::open(&site, "POST", "/v1/enrollments", &credential, json!({"user": "alice"})).await,
        Held::open(&site, "PUT", "/v1/users/mallory", &credential, json!({"display_name": "M"})).await,
    ];
    revoke_key(&site, "helpdesk-key").await;
    for held in held {
        let (status, answer) = held.finish().await;
        assert_eq!(status, 401, "{answer}");
        assert!(answer.contains("credential-invalid") && !answer.contains("gme_"), "{answer}");
    }
    let events = site.audit().await;
    assert_eq!((count(&events, "enrollment.created"), count(&events, "user.created")), (0, 1));
    assert_eq!(count(&events, "request.refused"), 2);
}

#[tokio::test]
async fn a_deleted_gateway_finishes_nothing() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let challenge = gateway.create(&alice.login(), None).await.unwrap();
    let credential = format!("Authorization: {}", gateway.authorization());
    let path = format!("/v1/challenges/{}/redeem", challenge.id);
    let held = [
        Held::open(&site, "POST", "/v1/challenges", &credential, json!({"user": "alice"})).await,
        Held::open(&site, "POST", &path, &credential, json!({"redemption_id": "x"})).await,
    ];
    site.admin.delete_gateway(gateway.id.unwrap()).await.unwrap();
    for (held, allowed) in held.into_iter().zip([[401, 401], [200, 401]]) {
        let (status, answer) = held.finish().await;
        assert!(allowed.contains(&status) && !answer.contains("redeemed") && !answer.contains("pending"), "{answer}");
    }
    assert_eq!(count(&site.audit().await, "challenge.created"), 1);
}

#[tokio::test]
async fn a_revoked_phone_confirms_no_other() {
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    site.user("alice").await;
    let enroll = async || {
        let phone = site.blank_phone();
        let token = site.token("alice").await;
        let registered = phone.enroll(token.reveal(), "Pixel").await.unwrap();
        (phone, registered)
    };
    let (first, registered) = enroll().await;
    site.admin.confirm_device(registered.device_id, &registered.code.unwrap()).await.unwrap();
    let (_, second) = enroll().await;
    let path = format!("/v1/devices/{}/confirm", second.device_id);
    let credential = format!("DPoP: {}", first.proof("POST", &path).unwrap());
    let held = Held::open(&site, "POST", &path, &credential, json!({"code": second.code})).await;
    site.admin.delete_device(registered.device_id).await.unwrap();
    let (status, answer) = held.finish().await;
    assert_eq!(status, 401, "{answer}");
    let devices = site.admin.devices("alice").await.unwrap();
    assert_eq!(devices.iter().map(|device| device.status.as_str()).collect::<Vec<_>>(), ["unconfirmed"]);
    assert_eq!(count(&site.audit().await, "device.confirmed"), 1);
}

#[tokio::test]
async fn a_helpdesk_token_enrolls_nobody_who_came_under_protection_meanwhile() {
    let site = Site::start_with(|settings| settings.protected_groups = vec!["Domain Admins".to_owned()]).await;
    let desk = site.admin_with(Role::Helpdesk).await;
    for group in ["Domain Admins", " domain ADMINS ", "Ｄｏｍａｉｎ Admins"] {
        site.user("bob").await;
        let body = CreateEnrollment { user: "bob".to_owned(), expires_in: None };
        let token = desk.create_enrollment(&body.user, None).await.unwrap().token;
        let groups = Some(vec![group.to_owned()]);
        site.admin.put_user("bob", &PutUser { groups, ..PutUser::default() }).await.unwrap();
        let phone = site.blank_phone();
        assert_eq!(refusal(phone.enroll(token.reveal(), "Pixel").await), Code::EnrollmentGone, "{group}");
        assert_eq!(refusal(desk.create_enrollment("bob", None).await), Code::RoleNotAllowed, "{group}");
        let token = site.token("bob").await;
        let phone = site.blank_phone();
        let registered = phone.enroll(token.reveal(), "Pixel").await.unwrap();
        assert_eq!(refusal(desk.delete_device(registered.device_id).await), Code::RoleNotAllowed, "{group}");
        assert_eq!(refusal(desk.delete_user("bob").await), Code::RoleNotAllowed, "{group}");
        site.admin.delete_user("bob").await.unwrap();
    }
    assert_eq!(count(&site.audit().await, "device.registered"), 3);
}

#[tokio::test]
async fn deleting_and_making_again_lifts_no_disabling() {
    let site = Site::start().await;
    site.user("fired").await;
    let desk = site.admin_with(Role::Helpdesk).await;
    let disabled = PutUser { status: Some("disabled".to_owned()), ..PutUser::default() };
    desk.put_user("fired", &disabled).await.unwrap();
    assert_eq!(refusal(desk.delete_user("fired").await), Code::RoleNotAllowed);
    let active = PutUser { status: Some("active".to_owned()), ..PutUser::default() };
    assert_eq!(refusal(desk.put_user("fired", &active).await), Code::RoleNotAllowed);
    assert_eq!(site.admin.get_user("fired").await.unwrap().status, "disabled");
    site.admin.delete_user("fired").await.unwrap();
    assert_eq!(count(&site.audit().await, "user.deleted"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_on_after_429_costs_no_durable_write() {
    let site = Site::start().await;
    let api = site.api();
    let guess = |_| {
        let api = api.clone();
        let phone = site.blank_phone();
        let proof = phone.proof("POST", "/v1/devices").unwrap();
        let key = gatematch_client_sim::phone::public_key_value(phone.key());
        let body = json!({"enrollment_token": "gme_guess", "public_key": key, "name": "x"}).to_string();
        async move {
            let headers = [("DPoP", proof.as_str()), ("Content-Type", "application/json")];
            api.raw("POST", "/v1/devices", &headers, body.into_bytes()).await.unwrap().status
        }
    };
    let path = format!("sqlite://{}", site.settings().database.display());
    let database = sqlx::SqlitePool::connect(&path).await.unwrap();
    let rows =
        async || -> i64 { sqlx::query_scalar("SELECT count(*) FROM spent_proofs").fetch_one(&database).await.unwrap() };
    assert_eq!(race(300, guess).await, vec![410; 300]);
    let before = rows().await;
    assert_eq!(race(200, guess).await, vec![429; 200]);
    assert_eq!(rows().await, before);
    // A phone whose clock is off still hears the server's time, from the same address.
    let alice = site.person("alice").await;
    let old = gatematch_client_sim::phone::ProofOverrides { iat: Some(1_700_000_000), ..Default::default() };
    let proof = alice.phone.proof_with("GET", "/v1/devices/self", old).unwrap();
    for _ in 0..400 {
        let answer = api.raw("GET", "/v1/devices/self", &[("DPoP", &proof)], Vec::new()).await.unwrap();
        assert_eq!(answer.problem().map(|problem| problem.code).as_deref(), Some("stale-proof"));
    }
}

#[tokio::test]
async fn a_challenge_whose_account_was_torn_out_ends_and_nobody_spins() {
    let site = Site::start().await;
    let (gateway, alice) = (site.gateway().await, site.person("alice").await);
    let challenge = gateway.create(&alice.login(), None).await.unwrap();
    let database =
        sqlx::SqlitePool::connect(&format!("sqlite://{}", site.settings().database.display())).await.unwrap();
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&database).await.unwrap();
    sqlx::query("DELETE FROM users").execute(&database).await.unwrap();
    site.clock.advance(61);
    let found = gateway.get(challenge.id, 0).await.unwrap();
    assert_eq!(found.status, "expired");
    assert_eq!(count(&site.audit().await, "challenge.expired"), 1);
}
