//! The commands of `gatematch`, as an administrator or a script runs them: as a process, beside a running server.

use std::fs;
use std::os::unix::fs::chown;
use std::time::{Duration, Instant};

use gatematch_client_sim::edge::system_clock;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge};
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use serde_json::Value;

use crate::machine::{ISSUER, Machine, Serving, Sim, audit_after, challenge_of, until_metric};

/// How soon a running server must know what a command did. It looks for itself every two seconds.
const SOON: Duration = Duration::from_secs(6);

/// A running server that was set up by commands alone.
struct Office {
    machine: Machine,
    serving: Serving,
    admin: Secret,
    gateway: Value,
}

impl Office {
    async fn new() -> Self {
        let machine = Machine::new();
        // The first commands come before the first start.
        let admin = machine.admin_key("admin").await;
        let serving = machine.serve().await;
        // The others come beside a running server.
        let gateway = machine.json("gateway add rdg01 --application Desktop --can-display").await;
        Self { machine, serving, admin, gateway }
    }

    fn gateway(&self) -> Gateway {
        gateway(&self.serving, &self.gateway)
    }

    /// A person with a phone, by commands alone.
    async fn person(&self, name: &str) -> Sim {
        self.machine.json(&format!("user add {name}")).await;
        let enrollment = self.machine.json(&format!("enroll {name}")).await;
        let phone = self.serving.blank_phone();
        phone.enroll(enrollment["link"].as_str().unwrap(), "Pixel").await.unwrap();
        Sim::of(&phone)
    }

    async fn login(&self, name: &str) -> ChallengeView {
        let login = CreateChallenge { user: name.to_owned(), ..CreateChallenge::default() };
        self.gateway().create(&login, None).await.unwrap()
    }
}

fn gateway(serving: &Serving, made: &Value) -> Gateway {
    let id = made["id"].as_str().unwrap().parse().unwrap();
    Gateway::new(serving.api(), ISSUER, Some(id), Secret::new(made["key"].as_str().unwrap()), system_clock())
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn code(refused: &Failure) -> Option<Code> {
    refused.code()
}

#[tokio::test]
async fn cli_keys_hold_at_once_on_a_running_server_and_so_does_their_end() {
    let office = Office::new().await;
    let machine = &office.machine;
    assert_eq!(members(&office.gateway), ["id", "key"]);
    office.person("alice").await;
    assert_eq!(office.login("alice").await.status, "pending");

    // A gateway that was added this moment, and is gone the next.
    let second = machine.json("gateway add rdg02 --application Desktop").await;
    let there = gateway(&office.serving, &second);
    let login = CreateChallenge { user: "nobody".to_owned(), ..CreateChallenge::default() };
    assert_eq!(there.create(&login, None).await.unwrap().reason.as_deref(), Some("not-enrolled"));
    machine.done(&format!("gateway remove {}", second["id"].as_str().unwrap())).await;
    assert_eq!(code(&there.create(&login, None).await.unwrap_err()), Some(Code::CredentialInvalid));

    // An administrator's key, of each role.
    for role in ["admin", "helpdesk", "auditor"] {
        let made = machine.json(&format!("admin-key create --role {role} --name Tool")).await;
        assert_eq!(members(&made), ["id", "key"]);
        let admin = office.serving.admin(&Secret::new(made["key"].as_str().unwrap()));
        let read = admin.audit(0, Some(1), None, None).await;
        assert_eq!(read.is_ok(), role != "helpdesk", "{role}: {read:?}");
        machine.done(&format!("admin-key revoke {}", made["id"].as_str().unwrap())).await;
        assert_eq!(code(&admin.audit(0, Some(1), None, None).await.unwrap_err()), Some(Code::CredentialInvalid));
    }
    let listed =
        machine.done("admin-key list").await + &machine.done("gateway list").await + &machine.done("audit tail").await;
    assert!(!listed.contains("gma_") && !listed.contains("gmg_"), "a key is shown once: {listed}");
    office.serving.stop().await;
}

#[tokio::test]
async fn cli_a_link_enrolls_a_phone_and_a_revoked_phone_is_refused_at_once() {
    let office = Office::new().await;
    let machine = &office.machine;
    machine.done("user add alice").await;
    let enrollment = machine.json("enroll alice --expires-in 60").await;
    let (token, link) = (enrollment["token"].as_str().unwrap(), enrollment["link"].as_str().unwrap());
    assert_eq!(link, format!("{ISSUER}/app/#enroll={token}"));
    let phone = office.serving.blank_phone();
    phone.enroll(link, "Pixel").await.unwrap();
    let again = office.serving.blank_phone().enroll(token, "Pixel").await.unwrap_err();
    assert_eq!(code(&again), Some(Code::EnrollmentGone));

    let shown = machine.done("enroll alice").await;
    assert!(shown.contains(&format!("{ISSUER}/app/#enroll=gme_")) && shown.contains('\u{2588}'), "{shown}");
    let listed = machine.json("device list alice").await;
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(id, phone.device_id().unwrap().to_string());
    assert_eq!(office.login("alice").await.status, "pending");

    machine.done(&format!("device revoke {id}")).await;
    assert_eq!(code(&phone.waiting(0).await.unwrap_err()), Some(Code::CredentialInvalid));
    assert_eq!(office.login("alice").await.reason.as_deref(), Some("not-enrolled"));
    assert_eq!(machine.refused(&format!("device revoke {id}")).await.0, 1);
    assert!(!machine.done("audit tail -n 1000 --json").await.contains("gme_"), "a token is in no log");
    office.serving.stop().await;
}

/// What a command does to a login that is waited for, in this very moment, by another process.
async fn ends_a_wait(command: &str, reason: &str) {
    let office = Office::new().await;
    office.person("alice").await;
    let challenge = office.login("alice").await;
    assert_eq!(challenge.status, "pending");
    let (gateway, id) = (office.gateway(), challenge.id);
    let waiting = tokio::spawn(async move { gateway.get(id, 30).await });
    until_metric(&office.serving.api(), "gatematch_waiting 1").await;

    office.machine.done(command).await;
    let asked = Instant::now();
    let ended = waiting.await.unwrap().unwrap();
    assert!(asked.elapsed() < SOON, "{command}: {:?}", asked.elapsed());
    assert_eq!((ended.status.as_str(), ended.reason.as_deref()), ("denied", Some(reason)), "{command}");

    let admin = office.serving.admin(&office.admin);
    let events = audit_after(&admin, 0).await;
    let of_it: Vec<_> = events.iter().filter(|event| challenge_of(event) == Some(&id.to_string())).collect();
    let kinds: Vec<_> = of_it.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["challenge.created", "challenge.denied"], "{command}");
    assert!(of_it[1].actor.as_deref().is_some_and(|actor| actor.starts_with("cli:")), "{command}: {:?}", of_it[1]);
    office.serving.stop().await;
}

#[tokio::test]
async fn cli_locking_a_person_ends_his_login_and_wakes_who_waits() {
    ends_a_wait("user lock alice --reason lost", "locked").await;
}

#[tokio::test]
async fn cli_disabling_a_person_ends_his_login_and_wakes_who_waits() {
    ends_a_wait("user disable alice", "locked").await;
}

#[tokio::test]
async fn cli_deleting_a_person_ends_his_login_and_wakes_who_waits() {
    ends_a_wait("user delete alice", "revoked").await;
}

#[tokio::test]
async fn cli_after_a_lock_nothing_is_approved_or_redeemed() {
    let office = Office::new().await;
    let sim = office.person("alice").await;
    let phone = office.serving.phone(&sim);
    let approved = office.login("alice").await;
    let signed = phone.waiting(0).await.unwrap().remove(0).challenge;
    phone.respond(&signed, Decision::Approve, approved.number.as_deref(), None).await.unwrap();
    office.machine.done("user lock alice --reason lost").await;
    let redeemed = office.gateway().redeem(approved.id, "login-1", 0).await.unwrap();
    assert_eq!((redeemed.status.as_str(), redeemed.reason.as_deref()), ("denied", Some("locked")));
    let refused = office.login("alice").await;
    assert_eq!((refused.status.as_str(), refused.reason.as_deref()), ("denied", Some("locked")));

    office.machine.done("user unlock alice --reason found").await;
    let pending = office.login("alice").await;
    assert_eq!(pending.status, "pending");
    let signed = phone.waiting(0).await.unwrap().remove(0).challenge;
    let late = phone.respond(&signed, Decision::Approve, pending.number.as_deref(), None).await.unwrap();
    assert_eq!(late.status, "approved", "an unlocked person signs in again");
    office.serving.stop().await;
}

#[tokio::test]
async fn cli_people_are_kept_as_the_api_keeps_them() {
    let office = Office::new().await;
    let (machine, admin) = (&office.machine, office.serving.admin(&office.admin));
    let made =
        machine.json("user add CONTOSO\\Alice --display-name Alice --email alice@contoso.example --group Staff").await;
    assert_eq!(made, serde_json::to_value(admin.get_user("alice").await.unwrap()).unwrap());
    machine.json("user add bob").await;
    let listed = machine.json("user list").await;
    let served = admin.list_users(None, None, None).await.unwrap().items;
    assert_eq!(listed["items"], serde_json::to_value(served).unwrap());
    assert_eq!(machine.json("user list --query ALI").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(machine.json("user show alice").await["user"]["groups"], serde_json::json!(["Staff"]));
    for (line, status, locked) in [
        ("user lock alice --reason lost", "active", true),
        ("user unlock alice --reason found", "active", false),
        ("user disable alice", "disabled", false),
        ("user enable alice", "active", false),
    ] {
        let told = machine.json(line).await;
        assert_eq!((&told["status"], &told["locked"]), (&status.into(), &locked.into()), "{line}");
        assert_eq!(told, serde_json::to_value(admin.get_user("alice").await.unwrap()).unwrap(), "{line}");
    }
    machine.json("user delete alice").await;
    assert_eq!(code(&admin.get_user("alice").await.unwrap_err()), Some(Code::NotFound));
    for line in
        ["user show alice", "user lock alice --reason x", "user delete alice", "enroll alice", "device list alice"]
    {
        let (exit, told) = machine.refused(line).await;
        assert!(exit == 1 && told.contains("no user alice"), "{line}: {told}");
    }
    let events = audit_after(&admin, 0).await;
    let kinds: Vec<_> =
        events.iter().filter(|event| event.user.as_deref() == Some("alice")).map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["user.created", "user.locked", "user.unlocked", "user.disabled", "user.enabled", "user.deleted"]
    );
    office.serving.stop().await;
}

#[tokio::test]
async fn cli_json_is_all_that_stdout_has_for_scripts() {
    let mut office = Office::new().await;
    office.person("alice").await;
    // Even where there is something to say beside it.
    office.machine.set("GATEMATCH_LISEN", "127.0.0.1:1");
    office.machine.set("GATEMATCH_GATEWAY_KEY", "for the simulator");
    for line in [
        "user list",
        "user show alice",
        "user add bob",
        "user disable bob",
        "user delete bob",
        "device list alice",
        "gateway list",
        "gateway add rdg03 --application Desktop",
        "admin-key list",
        "admin-key create --role auditor --name Auditor",
        "enroll alice",
    ] {
        let words: Vec<_> = line.split(' ').chain(["--json"]).collect();
        let ended = office.machine.run(&words).await;
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.err);
        assert!(
            serde_json::from_str::<Value>(&ended.out).is_ok_and(|value| value.is_object()),
            "{line}: {}",
            ended.out
        );
        assert_eq!(ended.out.lines().count(), 1, "{line}");
        let warned: Vec<_> = ended.err.lines().collect();
        assert!(
            matches!(warned.as_slice(), [one] if one.starts_with("GATEMATCH_LISEN is not a setting")),
            "{line}: {warned:?}"
        );
    }
    let ended = office.machine.run(&["user", "show", "carol", "--json"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "a refusal says nothing on stdout");
    office.serving.stop().await;
}

#[tokio::test]
async fn cli_the_tail_of_the_audit_log_is_what_the_api_tells() {
    let office = Office::new().await;
    office.person("alice").await;
    let admin = office.serving.admin(&office.admin);
    let served = audit_after(&admin, 0).await;
    let lines =
        |text: String| text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>();
    let told = lines(office.machine.done("audit tail -n 1000 --json").await);
    assert_eq!(Value::from(told.clone()), serde_json::to_value(&served).unwrap());
    let last = lines(office.machine.done("audit tail -n 2 --json").await);
    assert_eq!(last, told[told.len() - 2..]);
    let of_alice = lines(office.machine.done("audit tail --user ALICE --json").await);
    assert!(of_alice.iter().all(|event| event["user"] == "alice") && of_alice.len() == 3, "{of_alice:?}");
    let text = office.machine.done("audit tail").await;
    assert!(text.contains("device.registered") && text.contains("cli:"), "{text}");
    office.serving.stop().await;
}

#[tokio::test]
async fn cli_init_writes_a_file_that_works_and_never_overwrites() {
    let mut machine = Machine::new();
    machine.done("init mine.toml").await;
    let file = machine.path().join("mine.toml");
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.lines().all(|line| line.is_empty() || line.starts_with('#')), "every setting is a comment");
    let (exit, told) = machine.refused("init mine.toml").await;
    assert!(exit == 1 && told.contains("mine.toml"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), written);
    fs::write(&file, "name = \"Contoso\"\n").unwrap();
    assert_eq!(machine.refused("init mine.toml").await.0, 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), "name = \"Contoso\"\n");

    machine.set("GATEMATCH_CONFIG", file.to_str().unwrap());
    let serving = machine.serve().await;
    let discovered: Value = serving.api().get("/.well-known/gatematch").await.unwrap();
    assert_eq!((&discovered["name"], &discovered["issuer"]), (&"Contoso".into(), &ISSUER.into()));
    serving.stop().await;
}

#[tokio::test]
async fn cli_settings_that_make_no_sense_are_refused_by_name_before_anything_is_made() {
    let mut machine = Machine::new();
    let file = machine.path().join("gatematch.toml");
    for (text, names) in [
        ("lisen = \"127.0.0.1:1\"", vec!["lisen"]),
        ("colour = 1\n[radar]\nlisten = \"127.0.0.1:1812\"", vec!["colour", "[radar]"]),
        ("listen = 8080", vec!["line 1"]),
        ("listen = \"0.0.0.0:8080\"", vec!["listen in ", "0.0.0.0:8080"]),
        ("name = ", vec!["line 1"]),
    ] {
        fs::write(&file, text).unwrap();
        if text.starts_with("listen = \"0") {
            machine.set("GATEMATCH_LISTEN", "");
        }
        for line in ["serve", "user list", "admin-key create --role admin --name x --json"] {
            let (exit, told) = machine.refused(line).await;
            assert_eq!(exit, 2, "{text}: {told}");
            assert!(told.contains("gatematch.toml"), "{text}: {told}");
            assert!(names.iter().all(|name| told.contains(name)), "{text}: {told}");
        }
    }
    assert!(!machine.data().exists(), "nothing was made");
    fs::write(&file, "").unwrap();
    for line in ["user list", "audit tail", "enroll alice", "device list alice", "gateway list", "admin-key list"] {
        let (exit, told) = machine.refused(line).await;
        assert!(exit == 1 && told.contains("gatematch.db"), "{line}: {told}");
    }
    assert!(!machine.data().exists(), "nothing was made where nothing is");
    for line in [
        "",
        "user",
        "user lock alice",
        "enroll alice --expires-in 601",
        "admin-key create --role root --name x",
        "nonsense",
    ] {
        assert_eq!(machine.refused(line).await.0, 2, "{line}");
    }
}

#[tokio::test]
async fn cli_another_account_than_the_owner_is_refused_with_the_line_that_works() {
    let machine = Machine::new();
    machine.admin_key("admin").await;
    let before = fs::read(machine.database()).unwrap();
    let names = || {
        let entries = fs::read_dir(machine.data()).unwrap().map(|entry| entry.unwrap().file_name());
        entries.collect::<std::collections::BTreeSet<_>>()
    };
    let files = names();
    if chown(machine.data(), Some(65_534), None).is_err() {
        // Only root can give something away.
        return;
    }
    for line in ["user list", "user add alice", "serve", "enroll alice"] {
        let (exit, told) = machine.refused(line).await;
        assert_eq!(exit, 1, "{line}: {told}");
        assert!(told.contains("Run: ") && told.contains(line), "{line}: {told}");
    }
    assert_eq!((fs::read(machine.database()).unwrap(), names()), (before, files));
}
