//! What people sign in with besides a phone.

use std::path::Path;

use gatematch_domain::totp::Seed;
use gatematch_protocol::passcode;

use super::*;
use crate::base32;
use crate::cli::terminal::shown_time;
use crate::edge::Edge;
use crate::oath::HEADER;

/// A phone's id that nobody has.
const NOBODYS: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const OTHER: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";

async fn with_alice() -> Shell {
    let shell = Shell::new();
    shell.done("user add alice").await;
    shell
}

/// The code that an app with this secret shows now, and one that it does not.
fn codes(secret: &str) -> (String, String) {
    let step = u64::try_from(Edge::system().now().numeric_date() / 30).unwrap();
    let seed = Seed::new(&base32::decode(secret).unwrap());
    let near: Vec<_> = (step - 2..step + 3).map(|step| seed.code(step).to_string()).collect();
    let wrong = (0..9).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap();
    (near[2].clone(), wrong)
}

#[test]
fn each_command_says_why_and_for_how_long() {
    Line::command().debug_assert();
    for line in [
        "pass alice --for 8h",
        "pass alice --reason x",
        "pass alice --for 31d --reason x",
        "pass alice --for 8h --uses 0 --reason x",
        "pass alice --for 8h --end --reason x",
        "pass alice --for 8h --starts tomorrow --reason x",
        "pass alice --end --starts 2031-01-31T08:00Z --reason x",
        "recovery-codes alice",
        "totp add alice",
        "bypass add alice --for 2h",
        "bypass add alice --for 25h --reason x",
        "bypass add alice --reason x",
        "bypass remove alice 01890a5d-ac96-774b-bcce-b302099a8057",
        "authenticator remove alice 01890a5d-ac96-774b-bcce-b302099a8057",
        "authenticator remove alice 1 --reason x",
    ] {
        assert!(Line::try_parse_from(["gatematch"].into_iter().chain(line.split(' '))).is_err(), "{line}");
    }
}

#[tokio::test]
async fn a_pass_is_shown_once_and_replaced_and_ended() {
    let shell = with_alice().await;
    let pass = shell.json("pass alice --for 8h --reason lost").await;
    assert_eq!(members(&pass), ["expires_at", "id", "pass", "starts_at"]);
    let (shape, _) = passcode::read(pass["pass"].as_str().unwrap()).unwrap();
    assert_eq!(shape, passcode::Shape::AccessPass);
    let starts = Edge::system().now().plus_seconds(3_600);
    let text = shell.done(&format!("pass alice --for 2d --uses 3 --starts {starts} --reason lost")).await;
    let (from, until) = (shown_time(starts), shown_time(starts.plus_seconds(172_800)));
    assert!(text.contains(&format!("from {from} until {until}, for 3 sign-ins")), "{text}");
    assert!(text.contains("The earlier pass is void.") && text.contains("shown only now"), "{text}");
    let spaced = text.lines().nth(2).unwrap();
    assert_eq!(passcode::read(spaced).unwrap().0, passcode::Shape::AccessPass, "{spaced}");
    let items = shell.json("authenticator list alice").await["items"].clone();
    let [item] = items.as_array().unwrap().as_slice() else { panic!("{items}") };
    assert_eq!((&item["kind"], &item["status"], &item["left"]), (&"access_pass".into(), &"not-yet".into(), &3.into()));
    let shown = shell.done("user show alice").await;
    assert!(shown.contains("no: no phone is enrolled, and there is no code or pass"), "{shown}");
    assert!(shell.done("authenticator list alice").await.contains(&format!("from {from}")));
    assert!(shell.done("pass alice --end --reason found").await.contains("is gone"));
    assert!(shell.refused("pass alice --end --reason found").await.contains("has no access pass"));
    let ended = shell.run(&format!("pass alice --for 8h --reason {}", "x".repeat(65))).await;
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
    let log = shell.done("audit tail --json --user alice").await;
    assert!(log.contains("\"reason\":\"lost\"") && !log.contains(pass["pass"].as_str().unwrap()), "{log}");
}

#[tokio::test]
async fn codes_can_be_printed_and_let_a_person_in_without_a_phone() {
    let shell = with_alice().await;
    let codes = shell.json("recovery-codes alice --reason new").await;
    assert_eq!((members(&codes), codes["codes"].as_array().unwrap().len()), (vec!["codes", "id"], 10));
    assert!(shell.done("user show alice").await.contains("yes: with recovery codes\n"));
    let text = shell.done("recovery-codes alice --reason again").await;
    assert!(text.contains("void") && text.contains("shown only now"), "{text}");
    let is_code = |word: &&str| passcode::read(word).is_some_and(|(shape, _)| shape == passcode::Shape::RecoveryCode);
    assert_eq!(text.split_whitespace().filter(is_code).count(), 10, "{text}");
    let listed = shell.done("authenticator list alice").await;
    assert!(listed.starts_with("KIND") && listed.contains("recovery codes") && listed.contains("  10  "), "{listed}");
    shell.done("user lock alice --reason x").await;
    let ended = shell.run("recovery-codes alice --reason again").await;
    assert!(ended.code == 0 && ended.err.contains("gatematch user unlock alice"), "{}", ended.err);
    let id = shell.json("authenticator list alice").await["items"][0]["id"].as_str().unwrap().to_owned();
    let text = shell.done(&format!("authenticator remove alice {id} --reason lost")).await;
    assert!(text.contains("recovery codes") && text.contains("gatematch enroll alice"), "{text}");
    let again = shell.refused(&format!("authenticator remove alice {id} --reason lost")).await;
    assert!(again.contains("gatematch authenticator list alice"), "{again}");
}

#[tokio::test]
async fn an_app_is_confirmed_by_its_code() {
    let shell = with_alice().await;
    let text = shell.done("totp add alice --label Tablet --reason new").await;
    assert!(text.contains('\u{2588}') && text.contains("gatematch totp confirm alice "), "{text}");
    let groups = text.lines().find(|line| line.matches(' ').count() > 7 && line.trim().len() == 39).unwrap();
    assert_eq!(base32::decode(groups).unwrap().len(), 20);
    let made = shell.json("totp add alice --reason new").await;
    assert_eq!(members(&made), ["id", "otpauth_uri", "secret"]);
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let (right, wrong) = codes(secret);
    for code in ["12345", "1234567", "12345x", "AAAA-AAAA-AAAA-AAAA", "AAAAA-AAAAA"] {
        let ended = shell.run(&format!("totp confirm alice {id} {code}")).await;
        assert!(ended.code == 2 && ended.err.contains("six digits") && !ended.err.contains(code), "{}", ended.err);
    }
    let told = shell.refused(&format!("totp confirm alice {id} {wrong}")).await;
    assert!(told.contains("4 more wrong ones end it"), "{told}");
    let confirmed = shell.done(&format!("totp confirm alice {id} {right}")).await;
    assert!(confirmed.contains("is confirmed"), "{confirmed}");
    assert!(shell.refused(&format!("totp confirm alice {id} {right}")).await.contains("confirmed before"));
    assert!(shell.refused(&format!("totp confirm alice {NOBODYS} {right}")).await.contains("with this id"));
    let shown = shell.json("user show alice").await;
    assert_eq!((&shown["can_sign_in"], &shown["why"]), (&true.into(), &"with app or token".into()));
    assert_eq!(shown["authenticators"][0]["id"], made["id"], "the first one gave way");
}

#[tokio::test]
async fn the_fifth_wrong_code_ends_an_app() {
    let shell = with_alice().await;
    let made = shell.json("totp add alice --reason new").await;
    let line =
        format!("totp confirm alice {} {}", made["id"].as_str().unwrap(), codes(made["secret"].as_str().unwrap()).1);
    for _ in 0..4 {
        assert!(shell.refused(&line).await.contains("more wrong ones end it"));
    }
    assert!(shell.refused(&line).await.contains("the app is gone"));
    assert!(shell.refused(&line).await.contains("with this id"));
}

#[tokio::test]
async fn bypasses_are_made_listed_and_ended() {
    let shell = with_alice().await;
    shell.done("user add bob").await;
    assert_eq!(shell.done("bypass list").await, "No bypass is in force.\n");
    let made = shell.json("bypass add alice --for 2h --uses 5 --reason outage").await;
    assert_eq!(members(&made), ["expires_at", "id"]);
    let text = shell.done("bypass add bob --for 30m --reason travel").await;
    assert!(text.contains("bob passes without a second factor until") && text.contains("any number"), "{text}");
    let all = shell.json("bypass list").await["items"].clone();
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!((&all[0]["user"], &all[0]["reason"]), (&"alice".into(), &"outage".into()));
    assert!(all[0]["made_by"].as_str().unwrap().starts_with("cli:"));
    let one = shell.done("bypass list alice").await;
    assert!(one.starts_with("USER") && one.contains("0 of 5") && !one.contains("bob"), "{one}");
    let shown = shell.done("user show alice").await;
    assert!(shown.contains("yes: without a second factor until") && shown.contains("Bypasses in force:"), "{shown}");
    let id = made["id"].as_str().unwrap();
    assert!(shell.refused(&format!("authenticator remove alice {id} --reason x")).await.contains("no authenticator"));
    assert!(shell.refused(&format!("bypass remove bob {id} --reason x")).await.contains("gatematch bypass list bob"));
    assert!(shell.done(&format!("bypass remove alice {id} --reason over")).await.contains("is asked"));
    assert_eq!(shell.done("bypass list alice").await, "No bypass of alice is in force.\n");
}

#[tokio::test]
async fn whoever_cannot_sign_in_passes_by_no_bypass() {
    let shell = with_alice().await;
    let line = "bypass add alice --for 2h --reason outage";
    for (shut, open) in [("user disable alice", "user enable alice"), ("user lock alice --reason x", "user list")] {
        shell.done(shut).await;
        let ended = shell.run(line).await;
        assert!(ended.code == 0 && ended.err.contains(" and cannot sign in before: gatematch user "), "{}", ended.err);
        assert!(ended.out.starts_with("The bypass of alice holds until "), "{}", ended.out);
        assert!(ended.out.contains("\nOnce he can sign in again, his password alone"), "{}", ended.out);
        let state = shut.split(' ').nth(1).unwrap();
        let listed = shell.done("bypass list").await;
        assert!(listed.starts_with("USER   STATE ") && listed.contains(&format!("alice  {state}")), "{listed}");
        let items = shell.json("bypass list").await["items"].clone();
        assert!(items[0]["user_state"].as_str().unwrap().starts_with(state), "{items}");
        shell.done(open).await;
    }
    shell.done("user unlock alice --reason x").await;
    assert_eq!(shell.json("bypass list").await["items"][0]["user_state"], "active");
    assert_eq!(shell.json("user show alice").await["why_code"], "ok");
    shell.done("user lock alice --reason x").await;
    assert_eq!(shell.json("user show alice").await["why_code"], "locked");
}

#[tokio::test]
async fn whoever_sleeps_is_woken_before_a_bypass_helps() {
    let shell = with_alice().await;
    let mut settings = Settings::for_data_dir(&shell.data());
    settings.dormant_after = Some(0);
    let operator = Operator::open(settings, "root".to_owned()).await.unwrap();
    let (out, err) = (Paper::default(), Paper::default());
    for line in ["bypass add alice --for 2h --reason outage", "bypass list"] {
        let line = Line::try_parse_from(["gatematch"].into_iter().chain(line.split(' '))).unwrap();
        carry_out(&line.command, &operator, &mut Terminal::plain(out.clone(), err.clone(), false)).await.unwrap();
    }
    let (out, err) = (out.take(), err.take());
    assert!(
        err.starts_with("alice is dormant: ") && err.contains("gatematch user unlock alice --reason TEXT"),
        "{err}"
    );
    assert!(out.contains("The bypass of alice holds until ") && out.contains("\nalice  dormant"), "{out}");
    operator.store.close().await;
}

#[tokio::test]
async fn a_reason_says_something() {
    let shell = with_alice().await;
    let rest = [
        "pass alice --for 8h",
        "pass alice --end",
        "recovery-codes alice",
        "totp add alice",
        "totp import x.csv",
        "bypass add alice --for 2h",
        &format!("bypass remove alice {NOBODYS}"),
        &format!("authenticator remove alice {NOBODYS}"),
        &format!("device revoke {NOBODYS}"),
        "user lock alice",
        "user unlock alice",
    ];
    for line in rest {
        let ended = shell.run(&format!("{line} --reason .-.")).await;
        let told = ended.err.as_str();
        assert!(ended.code == 2 && told.starts_with("error: reason must say something."), "{line}: {told}");
    }
    let ended = shell.run("pass alice --for 8h --starts 2999-01-31T08:00Z --reason x").await;
    assert!(ended.code == 2 && ended.err.contains("--starts must be at most 30 days ahead."), "{}", ended.err);
}

fn write(path: &Path, rows: &str) {
    std::fs::write(path, format!("{HEADER}\n{rows}")).unwrap();
}

#[tokio::test]
async fn tokens_are_imported_whole_or_not_at_all_and_never_twice() {
    let shell = with_alice().await;
    let path = shell.dir.path().join("tokens.csv");
    let import = format!("totp import {}", path.display());
    assert!(shell.refused(&import).await.contains("cannot be read"));
    let sound = format!("alice@contoso.com,0001,{SEED},30,Maker,C200\n");
    write(&path, &format!("{sound}bob,0002,{OTHER},60,,\nalice,0003,!,30,,\n"));
    let told = shell.refused(&import).await;
    assert!(told.contains("has 2 faults") && told.contains("  line 3: there is no user with this upn"), "{told}");
    assert!(told.contains("  line 4: the secret key is not base32") && !told.contains(SEED), "{told}");
    let json = shell.run(&format!("{import} --json")).await;
    let value: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &value["faults"][1]["line"]), (1, &4.into()));
    write(&path, &sound);
    let dry = shell.done(&format!("{import} --dry-run")).await;
    assert!(dry.contains("is sound") && dry.contains("1 token"), "{dry}");
    assert_eq!(shell.json("authenticator list alice").await["items"], Value::Array(vec![]));
    let text = shell.done(&import).await;
    assert!(text.contains("Imported: 1 token.") && text.contains("Delete "), "{text}");
    let listed = shell.json("authenticator list alice").await["items"].clone();
    assert_eq!((&listed[0]["name"], &listed[0]["status"]), (&"C200 0001".into(), &"active".into()));
    write(&path, &format!("{sound}alice,0002,{OTHER},60,,\n"));
    let again = shell.json(&import).await;
    let status = |at: usize| again["items"][at]["status"].as_str().unwrap().to_owned();
    assert_eq!(
        (members(&again), [status(0), status(1)].join(" ")),
        (vec!["dry_run", "faults", "items"], "already-there imported".to_owned())
    );
    let third = shell.done(&import).await;
    assert!(third.starts_with("Nothing in the file was new") && third.contains("as it is: lines 2 to 3."), "{third}");
    let dry = shell.done(&format!("{import} --dry-run")).await;
    assert!(dry.contains("is sound, and nothing in it is new."), "{dry}");
    shell.done("user add bob").await;
    let third = base32::encode(&[7; 20]);
    let rows = format!("{HEADER}\nbob,0001,{},30,,\n", third.reveal());
    std::fs::write(&path, rows.replace(',', ";")).unwrap();
    let ended = shell.run(&import).await;
    assert!(ended.code == 0 && ended.out.starts_with("Imported: 1 token. It works from its next code on."));
    assert!(ended.err.starts_with("line 2: alice has an app or a token with this serial number"), "{}", ended.err);
    write(&path, &format!("bob,0009,{SEED},30,,\n"));
    let told = shell.refused(&import).await;
    assert!(told.contains("  line 2: alice has an app or a token with this secret key"), "{told}");
    let log = shell.done("audit tail --json --user alice").await;
    assert!(log.contains("imported from tokens.csv") && !log.contains(SEED), "{log}");
}
