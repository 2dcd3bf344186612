//! BF-06: a dump of the database and of the log at TRACE holds no code, seed, key or subscription in clear.

use std::path::Path;

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::radius::AccessRequest;
use gatematch_client_sim::totp::App;
use gatematch_protocol::base64url;
use gatematch_protocol::device::{PushKeys, PushSubscription};
use gatematch_protocol::secret::Secret;
use gatematch_tests::Site;
use gatematch_tests::captured::capture;
use gatematch_tests::front::{FrontDoor, ask};

use super::{login, wrong};

/// What must be nowhere, and what it is.
type Planted = Vec<(&'static str, Vec<u8>)>;

fn plant(planted: &mut Planted, what: &'static str, text: &str) {
    planted.push((what, text.as_bytes().to_vec()));
}

/// A code as it is shown and as it is read.
fn plant_code(planted: &mut Planted, what: &'static str, code: &Secret) {
    plant(planted, what, code.reveal());
    plant(planted, what, &code.reveal().replace('-', ""));
}

/// A seed as text, as bytes, and as it would be kept.
fn plant_seed(planted: &mut Planted, secret: &Secret) {
    plant(planted, "a seed", secret.reveal());
    let bytes = data_of_base32(secret.reveal());
    plant(planted, "a seed", &base64url::encode(&bytes));
    planted.push(("a seed", bytes));
}

fn data_of_base32(text: &str) -> Vec<u8> {
    let value = |c: u8| u32::from(if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'A' });
    let (mut held, mut bits, mut bytes) = (0_u32, 0, Vec::new());
    for symbol in text.bytes() {
        held = held << 5 | value(symbol);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

/// Everything in the data directory but the master key.
fn dump(directory: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file() && !path.ends_with("master.key"));
    files.flat_map(|path| std::fs::read(path).unwrap()).collect()
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// Six digits stand in clear where they stand alone, and not in the middle of a time.
fn tells_digits(text: &str, digits: &str) -> bool {
    text.match_indices(digits).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + digits.len()..].chars().next();
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.');
        !joins(before) && !joins(after)
    })
}

#[tokio::test]
async fn bf_06_database_and_log_hold_no_code_seed_key_or_subscription_in_clear() {
    let log = capture();
    let site = Site::start_with(|settings| settings.require_device_confirmation = true).await;
    site.user("alice").await;
    let gateway = site.gateway().await;
    let mut planted = Planted::new();
    let mut digits = Vec::new();
    plant(&mut planted, "a gateway's key", gateway.key.reveal());
    plant(&mut planted, "an administrator's key", site.admin.authorization().strip_prefix("Bearer ").unwrap());

    let token = site.token("alice").await;
    plant(&mut planted, "an enrollment token", token.reveal());
    let phone = site.blank_phone();
    let registered = phone.enroll(token.reveal(), "Pixel").await.unwrap();
    let code = registered.code.unwrap();
    site.admin.confirm_device(phone.device_id().unwrap(), &code).await.unwrap();
    digits.push(("the code of a new phone", code));
    let p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    let keys = PushKeys { p256dh: p256dh.to_owned(), auth: Secret::new("AAECAwQFBgcICQoLDA0ODw") };
    let endpoint = "https://fcm.googleapis.com/fcm/send/planted-subscription";
    phone.set_push(Some(&PushSubscription { endpoint: Secret::new(endpoint), keys })).await.unwrap();
    plant(&mut planted, "a subscription", "planted-subscription");
    plant(&mut planted, "a subscription", "AAECAwQFBgcICQoLDA0ODw");

    let created = site.admin.add_totp("alice", &Default::default()).await.unwrap();
    plant_seed(&mut planted, &created.secret);
    let app = App::from_uri(created.otpauth_uri.reveal()).unwrap();
    let before = site.code(&app, -30);
    site.admin.confirm_totp("alice", created.id, before.reveal()).await.unwrap();
    let own = phone.add_totp(None).await.unwrap();
    plant_seed(&mut planted, &own.secret);
    let codes = site.recovery_codes_of("alice").await;
    codes.iter().for_each(|code| plant_code(&mut planted, "a recovery code", code));
    let pass = site.pass_of("alice", 2).await;
    plant_code(&mut planted, "an access pass", &pass.pass);

    // Right and wrong ones, by every way.
    let door = FrontDoor::of(&site, &gateway, "style = \"passcode\"\nfirst_factor = \"none\"\n").await;
    let nps = door.nps().await;
    let totp = site.code(&app, 0);
    for code in [totp.reveal(), codes[0].reveal(), pass.pass.reveal(), &wrong(codes[0].reveal())] {
        let asked = gateway.create(&login("alice"), None).await.unwrap();
        gateway.passcode(asked.id, code).await.unwrap();
    }
    for code in [codes[1].reveal(), &wrong(codes[1].reveal())] {
        ask(&nps, &nps.request(AccessRequest::plain("alice").password(code))).await;
    }
    let page = Browser::new(site.api());
    page.arm("alice").await.unwrap();
    page.passcode(&wrong(codes[2].reveal())).await.unwrap_err();
    page.passcode(codes[2].reveal()).await.unwrap();
    plant(&mut planted, "a cookie", page.cookies()[0].value.reveal());
    plant(&mut planted, "a wrong code", &wrong(codes[0].reveal()));
    digits.extend([("a code of an app", totp.reveal().to_owned()), ("a code of an app", before.reveal().to_owned())]);

    let metrics = site.api().raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text();
    let audit = site.admin.call("GET", "/v1/audit?limit=1000", None).await.unwrap().text();
    let log = log.text();
    assert!(log.contains("TRACE") && log.contains("answered"), "the log was not captured");
    let data = dump(&site.settings().data_dir);
    assert!(holds(&data, b"alice") && data.len() > 50_000, "the database was not read");
    for (what, value) in &planted {
        assert!(!holds(&data, value), "{what} is in the database");
        for (place, text) in [("log", &log), ("metrics", &metrics), ("audit log", &audit)] {
            assert!(!holds(text.as_bytes(), value), "{what} is in the {place}");
        }
    }
    for (what, value) in &digits {
        for (place, text) in [("log", &log), ("metrics", &metrics), ("audit log", &audit)] {
            assert!(!tells_digits(text, value), "{what} is in the {place}");
        }
    }
}

#[test]
fn what_would_tell_is_found() {
    assert!(tells_digits("code=123456 x", "123456") && tells_digits("\"123456\"", "123456"));
    assert!(!tells_digits("12:00:01.123456Z", "123456") && !tells_digits("ab123456", "123456"));
    assert_eq!(data_of_base32("MZXW6YTB"), b"fooba");
}
