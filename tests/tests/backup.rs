//! ST-06: an old backup brings back nothing that was used or revoked since; and a backup is all of a database at one
//! moment, whichever database it is.

mod estate;
mod moves;
mod refused;
mod visits;
mod whole;

use std::fs;

use gatematch_protocol::id::DeviceId;
use serde_json::{Value, json};

use self::estate::{Estate, File, Since};
use crate::machine::{Serving, audit_after};

/// After a restore with what is known of the time since: nobody and nothing that went comes back, and the rest works.
async fn is_as_it_should_be(estate: &Estate, since: &Since, serving: &Serving, codes_are_known: bool) {
    let admin = serving.admin(&estate.admin);
    // Phones: alice's works, bob's is gone, and frank, who is locked, and grace, who is deleted, get nobody in.
    estate.signs_in(serving, &estate.alice, "alice").await;
    serving.phone(&estate.bob).self_view().await.unwrap_err();
    assert!(admin.get_user("frank").await.unwrap().locked, "frank is locked");
    admin.get_user("grace").await.unwrap_err();
    assert_eq!(admin.get_user("henry").await.unwrap().status, "disabled");
    assert_eq!(admin.get_user("ivan").await.unwrap().groups, ["contractors"]);
    // Codes that were used.
    estate.refuses_code(serving, "carol", since.carols.reveal()).await;
    estate.refuses_code(serving, "dave", since.daves[0].reveal()).await;
    estate.refuses_code(serving, "erin", since.erins.reveal()).await;
    if codes_are_known {
        estate.takes_code(serving, "dave", since.daves[1].reveal()).await;
    } else {
        // It cannot be told which one was used.
        estate.refuses_code(serving, "dave", since.daves[1].reveal()).await;
    }
    // Requests and links.
    let gateway = serving.gateway(&estate.gateway);
    gateway.redeem(since.approved, "again", 0).await.unwrap_err();
    if let Ok(view) = gateway.get(since.pending, 0).await {
        assert_eq!(view.status, "denied", "what was open has ended");
    }
    serving.blank_phone().enroll(since.link.reveal(), "Pixel").await.unwrap_err();
    // Keys.
    serving.admin(&estate.desk).get_user("alice").await.unwrap_err();
    serving.gateway(&estate.second).create(&estate::login("alice"), None).await.unwrap_err();
}

/// The log goes on where it was, and tells of the restore.
async fn log_holds(estate: &Estate, serving: &Serving, checkpoint: &std::path::Path) -> Value {
    let told = estate.machine.json(&format!("audit verify --checkpoint {}", checkpoint.display())).await;
    assert_eq!(told["checkpoints"], 1, "{told}");
    let events = audit_after(&serving.admin(&estate.admin), 0).await;
    let restored = events.iter().rfind(|event| event.kind == "database.restored").expect("the restore is in the log");
    Value::Object(restored.detail.clone().unwrap())
}

async fn st_06_story(estate: Estate) {
    let mut estate = estate;
    let serving = estate.machine.serve().await;
    let (backup, since) = estate.live(&serving).await;
    let checkpoint = estate.machine.path().join("checkpoint.json");
    fs::write(&checkpoint, estate.machine.done("audit checkpoint").await).unwrap();
    let (code, told) = estate.machine.refused(&format!("restore {backup}")).await;
    assert!(code == 1 && told.contains("in use"), "{told}");
    serving.stop().await;

    // With the database that is there.
    let told = estate.machine.json(&format!("restore {backup}")).await;
    assert_eq!((&told["log_is_whole"], &told["taken_away"]["recovery_codes"]), (&json!(true), &json!(1)), "{told}");
    assert_eq!(told["taken_away"]["policy"], 2, "the policy that held holds: {told}");
    let kept = told["kept"].as_str().unwrap().to_owned();
    assert!(kept.contains("gatematch.db.before-restore-"), "{kept}");
    let serving = estate.machine.serve().await;
    is_as_it_should_be(&estate, &since, &serving, true).await;
    let detail = log_holds(&estate, &serving, &checkpoint).await;
    assert_eq!(detail["taken_away"]["phones"], 1);
    let exported = estate.machine.path().join("since.jsonl");
    estate.machine.done(&format!("audit export {}", exported.display())).await;
    serving.stop().await;

    // With a log, where the database is lost.
    estate.destroy().await;
    let (code, told) = estate.machine.refused(&format!("restore {backup}")).await;
    assert!(code == 1 && told.contains("--void"), "{told}");
    let ended = estate.machine.run(&["restore", &backup, "--log", exported.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("THE POLICY IS AN OLDER ONE: version 2"), "{}", ended.err);
    let serving = estate.machine.serve().await;
    is_as_it_should_be(&estate, &since, &serving, false).await;
    log_holds(&estate, &serving, &checkpoint).await;
    serving.stop().await;

    // With the database that was there at first, moved away.
    estate.destroy().await;
    let ended = estate.machine.run(&["restore", &backup, "--log", &kept, "--last", "--json"]).await;
    assert!(ended.code == Some(0) && ended.out.contains("\"log_is_whole\":true"), "{ended:?}");
    let serving = estate.machine.serve().await;
    is_as_it_should_be(&estate, &since, &serving, true).await;
    serving.stop().await;

    // The same, where nobody says that nothing happened after it: what may have been used then is void.
    estate.destroy().await;
    let ended = estate.machine.run(&["restore", &backup, "--log", &kept, "--json"]).await;
    assert!(ended.code == Some(0) && ended.out.contains("\"log_is_whole\":false"), "{ended:?}");
    assert!(ended.err.contains("nobody knows"), "{}", ended.err);
    let serving = estate.machine.serve().await;
    is_as_it_should_be(&estate, &since, &serving, false).await;
    serving.stop().await;

    // With nothing.
    estate.destroy().await;
    estate.machine.done(&format!("restore {backup} --void")).await;
    is_void(&estate, &since).await;

    // What was voided once is not back with the next restore, whoever tells of it.
    let voided = estate.machine.path().join("voided.jsonl");
    estate.machine.done(&format!("audit export {}", voided.display())).await;
    estate.brings_nobody_back(&["restore", &backup]).await;
    estate.destroy().await;
    estate.brings_nobody_back(&["restore", &backup, "--log", voided.to_str().unwrap()]).await;
}

impl Estate {
    /// Restores: none of those comes back who were there before everything was void, and what was made after that is told.
    async fn brings_nobody_back(&self, restore: &[&str]) {
        let ended = self.machine.run(restore).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(ended.err.contains("not there: 1 phone, 1 gateway, 1 administrator's key"), "{}", ended.err);
        let serving = self.machine.serve().await;
        serving.admin(&self.admin).get_user("alice").await.unwrap_err();
        serving.gateway(&self.gateway).create(&estate::login("alice"), None).await.unwrap_err();
        for phone in [&self.alice, &self.bob] {
            serving.phone(phone).self_view().await.unwrap_err();
        }
        serving.stop().await;
    }
}

/// Nobody gets in by anything that there was.
async fn is_void(estate: &Estate, since: &Since) {
    let serving = estate.machine.serve().await;
    serving.admin(&estate.admin).get_user("alice").await.unwrap_err();
    serving.gateway(&estate.gateway).create(&estate::login("alice"), None).await.unwrap_err();
    for phone in [&estate.alice, &estate.bob] {
        serving.phone(phone).self_view().await.unwrap_err();
    }
    serving.blank_phone().enroll(since.link.reveal(), "Pixel").await.unwrap_err();
    let key = estate.machine.admin_key("admin").await;
    let admin = serving.admin(&key);
    let gateway = serving.new_gateway(&admin, "New gateway").await;
    let estate_now = Estate { admin: key, gateway, ..estate.without_machine() };
    for (name, code) in [("carol", &since.carols), ("dave", &since.daves[1]), ("erin", &since.erins)] {
        assert!(admin.devices(name).await.unwrap().is_empty());
        estate_now.refuses_code(&serving, name, code.reveal()).await;
    }
    // People are there, and enroll anew.
    let alice = serving.enroll(&admin, "alice").await;
    estate_now.signs_in(&serving, &alice, "alice").await;
    let _: Vec<DeviceId> = admin.devices("alice").await.unwrap().into_iter().map(|device| device.id).collect();
    assert!(estate.machine.done("audit verify").await.contains("The log holds"));
    serving.stop().await;
}

#[tokio::test]
async fn st_06_an_old_backup_revives_nothing_on_sqlite() {
    st_06_story(Estate::new(File::Sqlite).await).await;
}

#[tokio::test]
async fn st_06_an_old_backup_revives_nothing_on_postgresql() {
    st_06_story(Estate::new(File::Server).await).await;
}
