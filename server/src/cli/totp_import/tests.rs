use gatematch_domain::account::Account;
use gatematch_domain::factor::{Factor, Kind};
use gatematch_domain::totp::{Seed, Totp, TotpStatus};
use gatematch_domain::user::{User, UserChange};
use gatematch_domain::username::{Domains, Username};
use gatematch_protocol::id::{AuthenticatorId, UserId};
use gatematch_protocol::time::Timestamp;

use super::*;
use crate::cli::terminal::tests::Paper;
use crate::oath::Token;
use crate::settings::Settings;
use crate::store::PutUser;

const NOW: Timestamp = Timestamp::from_micros(0);

fn seed(n: usize) -> String {
    crate::base32::encode(format!("{n:020}").as_bytes()).reveal().to_owned()
}

/// Somebody with apps and tokens of these names; the seeds are numbered from `from` on.
fn person(name: &str, from: usize, names: &[&str]) -> Account {
    let user = UserId::new(NOW, [u8::try_from(name.len()).unwrap(); 10]);
    let mut account = Account::new(User::new(user, Username::from_stored(name.to_owned()), NOW));
    for (n, name) in (from..).zip(names) {
        let (name, seed) = (Some((*name).to_owned()), Seed::new(format!("{n:020}").as_bytes()));
        let totp = Totp { name, seed, period: 30, status: TotpStatus::Active, last_step: None };
        let id = AuthenticatorId::new(NOW, [u8::try_from(n).unwrap(); 10]);
        account.factors.push(Factor { id, user, kind: Kind::Totp(totp), created_at: NOW, last_used_at: None });
    }
    account
}

/// Who is there: alice, with two tokens and an app that she calls like one; bob, with apps; dora, who has confirmed
/// nothing.
fn checked(domains: &[&str], rows: &str) -> Checked {
    let mut people = People::default();
    people.know(&person("alice", 0, &["C200 A1", "A2", "SafeID S77"]));
    people.know(&person("bob", 20, &["Tablet", "x", "y", "z"]));
    let mut dora = person("dora", 30, &["A9"]);
    for factor in &mut dora.factors {
        let Kind::Totp(totp) = &mut factor.kind else { continue };
        totp.status = TotpStatus::Unconfirmed { wrong_tries: 0 };
    }
    people.know(&dora);
    people.check(oath::read(format!("{HEADER}\n{rows}").as_bytes()), &Domains::from_entries(domains).unwrap())
}

fn texts(faults: &[LineFault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

fn check(domains: &[&str], rows: &str) -> (Vec<(usize, &'static str)>, Vec<String>) {
    let Checked { lines, faults, .. } = checked(domains, rows);
    (lines.iter().map(|line| (line.token.line, line.state.as_str())).collect(), texts(&faults))
}

#[test]
fn faults_that_follow_from_who_has_what() {
    for (row, told) in [
        (format!("carol,1,{},30,,", seed(9)), "there is no user"),
        (format!("a/b,1,{},30,,", seed(9)), "no user can have this upn"),
        (format!("bob,a1,{},30,,", seed(0)), "alice has an app or a token with this secret key"),
        (format!("bob,B1,{},30,,", seed(0)), "alice has an app or a token with this secret key"),
        (format!("alice,B1,{},30,,", seed(0)), "alice has this secret key already, under the name \"C200 A1\""),
        (format!("alice,A1,{},60,,", seed(0)), "alice has this token already, with another time interval"),
        (format!("alice,A1,{},30,,C200", seed(9)), "alice has a token of this name already, with another secret key"),
        (format!("alice,S77,{},30,,SafeID", seed(9)), "alice has a token of this name already"),
        (format!("bob,A9,{},30,,", seed(30)), "dora has an app or a token with this secret key"),
        (format!("dora,A9,{},30,,", seed(30)), "dora has this secret key already"),
    ] {
        let (lines, faults) = check(&[], &row);
        assert!(lines.is_empty() && faults.len() == 1 && faults[0].contains(told), "{row}: {faults:?}");
        assert!(faults[0].starts_with("line 2: ") && !faults[0].contains("GAYDA"), "{faults:?}");
    }
    let (_, faults) = check(&["contoso.com"], &format!("alice@elsewhere,1,{},30,,", seed(9)));
    assert!(faults[0].contains("not among the configured domains"), "{faults:?}");
}

#[test]
fn what_somebody_calls_his_app_holds_no_import_up() {
    let rows = [
        format!("bob,S77,{},30,,SafeID", seed(10)),
        format!("alice,a1,{},30,,", seed(11)),
        format!("dora,A9,{},30,,", seed(12)),
    ];
    let Checked { lines, faults, doubts } = checked(&[], &rows.join("\n"));
    assert_eq!((lines.len(), texts(&faults)), (3, vec![]));
    assert!(lines.iter().all(|line| line.state == State::Sound));
    let what = "alice has an app or a token with this serial number in its name, and another secret key";
    assert_eq!(texts(&doubts), [format!("line 2: {what}")]);
    let doubts = vec![LineFault::new(2, "x"); 53];
    let (out, err) = (Paper::default(), Paper::default());
    note(&doubts, &mut Terminal::plain(out.clone(), err.clone(), true));
    let told = err.take();
    assert_eq!((out.take().as_str(), told.lines().count()), ("", 51));
    assert!(told.starts_with("line 2: x.\n") && told.ends_with("And 3 more lines like these.\n"), "{told}");
}

#[tokio::test]
async fn of_two_imports_at_once_the_second_finds_everything_there() {
    let dir = tempfile::tempdir().unwrap();
    let operator = Operator::open(Settings::for_data_dir(dir.path()), "root".to_owned()).await.unwrap();
    let change = UserChange::default();
    let (act, id) = (operator.act(), UserId::new(NOW, [1; 10]));
    let username = operator.username("alice").unwrap();
    let put = PutUser { act, id, username, change, protected_groups: Vec::new(), as_admin: true };
    operator.store.put_user(put).await.unwrap();
    let rows = format!("{HEADER}\nalice,1,{},30,,\nalice,2,{},60,,", seed(1), seed(2));
    let domains = Domains::default();
    let mut both = Vec::new();
    for _ in 0..2 {
        both.push(People::all(&operator).await.unwrap().check(oath::read(rows.as_bytes()), &domains).lines);
    }
    for (lines, expected) in both.iter_mut().zip([State::Imported, State::There]) {
        assert!(put_all(lines, "x", &operator).await.unwrap().is_none());
        assert!(lines.iter().all(|line| line.state == expected));
    }
    let account = operator.account("alice").await.unwrap();
    let now = operator.edge.now().numeric_date();
    for (factor, period) in account.factors.iter().zip([30, 60]) {
        let Kind::Totp(totp) = &factor.kind else { panic!("{factor:?}") };
        // A step may have passed since.
        let behind = now / period - totp.last_step.unwrap();
        assert!(totp.period == u32::try_from(period).unwrap() && (0..=1).contains(&behind), "{behind}");
    }
    assert_eq!(account.factors.len(), 2);
    operator.store.close().await;
}

#[test]
fn a_person_has_five_at_most_and_his_own_are_left_out() {
    let rows: Vec<_> = (10..13).map(|n| format!("bob@contoso.com,{n},{},30,,", seed(n))).collect();
    let own = format!("ALICE,a1,{},30,,Other", seed(0));
    let (lines, faults) = check(&["contoso.com"], &format!("{own}\n{}", rows.join("\n")));
    assert_eq!(lines, [(2, "already-there"), (3, "not-imported")]);
    let six = "line 4: bob would have 6 apps and tokens, and 5 are allowed";
    assert_eq!(faults, [six, "line 5: bob would have 7 apps and tokens, and 5 are allowed"]);
}

fn line(number: usize, state: State) -> Line {
    let (upn, serial, model) = (String::new(), number.to_string(), String::new());
    let token = Token { line: number, upn, serial, model, seed: Seed::new(&[]), period: 30 };
    Line { token, user: UserId::new(NOW, [1; 10]), name: Username::from_stored("alice".to_owned()), state }
}

#[test]
fn a_stop_in_the_middle_says_which_lines_are_in() {
    let states = [State::Imported, State::Imported, State::There, State::Imported, State::Unsure, State::Sound];
    let mut lines: Vec<_> = states.into_iter().enumerate().map(|(at, state)| line(at + 2, state)).collect();
    let fault = stopped(6, &Fault::broken("No answer from the database: x.", "", ""), &lines);
    assert_eq!(
        fault.told()[..2],
        [
            "The import stopped at line 6: No answer from the database: x.",
            "Imported: lines 2 to 3, 5. Not imported: line 7. There before: line 4. Not certain: line 6.",
        ]
    );
    assert_eq!(fault.exit_code(), 3);
    lines.truncate(1);
    assert_eq!(stopped(2, &Fault::refused("Full.", "", ""), &lines).exit_code(), 1);
    assert_eq!(ranges(&[]), "none");
}

#[test]
fn faults_are_told_up_to_a_number() {
    let faults: Vec<_> = (2..60).map(|n| LineFault::new(n, "x")).collect();
    let fault = refusal(Path::new("t.csv"), &faults);
    let told = fault.told();
    assert_eq!(told[0], "t.csv has 58 faults:");
    assert!(told[1].starts_with("line 2: x\nline 3: x\n") && told[1].contains("and 8 more"), "{told:?}");
    assert_eq!(refusal(Path::new("t.csv"), &faults[..1]).told()[0], "t.csv has a fault:");
}

#[test]
fn the_usual_reason_is_a_sound_one() {
    assert_eq!(usual_reason(Path::new("/a/tokens.csv")), "imported from tokens.csv");
    for name in ["x".repeat(99), "\u{10348}".repeat(60), "..".to_owned(), "\u{7}".repeat(70)] {
        let reason = usual_reason(Path::new(&name));
        assert_eq!(gatematch_domain::text::outside("reason", &reason), Ok(reason.clone()), "{name}");
    }
}
