//! Reports: what they tell of real sign-ins and accounts, to whom, and in which form.

use gatematch_client_sim::gateway::Gateway;
use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::role::Role;
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::problem::Code;
use gatematch_protocol::user::PutUser;
use gatematch_server::edge::Clock as _;
use gatematch_tests::codes::bypass;
use gatematch_tests::moves::{count, only};
use gatematch_tests::wire::refused;
use gatematch_tests::{Person, Site};
use serde_json::{Value, json};

use crate::machine::Machine;

/// A site on which people have signed in, or have not, in every way.
struct Cast {
    site: Site,
    oslo: Gateway,
    bergen: Gateway,
    alice: Person,
    bob: Person,
}

/// What becomes of the sign-ins of [`Cast::busy`], in order: user, gateway, outcome, method, reason, and whether he was
/// let in.
fn expected() -> Vec<Value> {
    vec![
        json!(["alice", "Oslo", "approved", "number", null, true]),
        json!(["alice", "Oslo", "denied", "number", "user", false]),
        json!(["bob", "Bergen", "approved", "totp", null, true]),
        json!(["bob", "Bergen", "approved", "bypass", null, true]),
        json!(["bob", "Bergen", "cancelled", "none", null, false]),
        json!(["alice", "Oslo", "expired", "number", "timeout", false]),
        json!(["nobody", "Oslo", "denied", "none", "not-enrolled", false]),
        json!(["alice", "Oslo", "denied", "none", "locked", false]),
        json!(["alice", "Oslo", "denied", "none", "locked", false]),
        json!(["bob", "Oslo", "pending", "none", null, false]),
    ]
}

impl Cast {
    async fn on(site: Site) -> Self {
        let (oslo, bergen) = (site.gateway_named("Oslo", true).await, site.gateway_named("Bergen", true).await);
        let (alice, bob) = (site.person("alice").await, site.person("bob").await);
        Self { site, oslo, bergen, alice, bob }
    }

    /// Ten sign-ins, of which the first five begin at one time and the others 100 seconds later.
    async fn busy(site: Site) -> Self {
        let cast = Self::on(site).await;
        let Self { site, oslo, bergen, alice, bob } = &cast;
        let login = oslo.create(&alice.login(), None).await.unwrap();
        alice.approve(&login).await;
        oslo.redeem(login.id, "r", 0).await.unwrap();
        let login = oslo.create(&alice.login(), None).await.unwrap();
        alice.deny(&login).await;
        let app = site.app_of("bob").await;
        let login = bergen.create(&bob.login(), None).await.unwrap();
        let login = bergen.passcode(login.id, site.code(&app, 0).reveal()).await.unwrap();
        bergen.redeem(login.id, "r", 0).await.unwrap();
        site.admin.bypass("bob", &bypass(Some(1))).await.unwrap();
        let login = bergen.create(&bob.login(), None).await.unwrap();
        bergen.redeem(login.id, "r", 0).await.unwrap();
        let login = bergen.create(&bob.login(), None).await.unwrap();
        bergen.cancel(login.id).await.unwrap();

        site.clock.advance(100);
        let login = oslo.create(&alice.login(), None).await.unwrap();
        alice.approve(&login).await;
        site.clock.advance(100);
        site.audit_when(|events| count(events, "challenge.expired") == 1).await;
        oslo.create(&CreateChallenge { user: "nobody".to_owned(), ..alice.login() }, None).await.unwrap();
        oslo.create(&alice.login(), None).await.unwrap();
        site.admin.lock("alice", "his laptop is stolen").await.unwrap();
        oslo.create(&alice.login(), None).await.unwrap();
        oslo.create(&bob.login(), None).await.unwrap();
        cast
    }

    async fn report(&self, asked: &str) -> Value {
        let answer = self.site.admin.call("GET", &format!("/v1/reports/{asked}"), None).await.unwrap();
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
        answer.json().unwrap()
    }

    async fn told(&self, asked: &str) -> Vec<Value> {
        told(&self.report(asked).await)
    }
}

fn told(report: &Value) -> Vec<Value> {
    let row =
        |item: &Value| json!(["user", "gateway", "outcome", "method", "reason", "let_in"].map(|name| &item[name]));
    report["items"].as_array().unwrap().iter().map(row).collect()
}

fn picked(which: impl Fn(&Value) -> bool) -> Vec<Value> {
    let picked: Vec<Value> = expected().into_iter().filter(|row| which(row)).collect();
    assert!(!picked.is_empty() && picked.len() < expected().len());
    picked
}

#[tokio::test]
async fn each_sign_in_is_one_row_that_tells_how_it_ended() {
    let cast = Cast::busy(Site::start().await).await;
    let report = cast.report("sign-ins").await;
    assert_eq!(told(&report), expected());
    assert_eq!((&report["report"], &report["next_cursor"]), (&"sign-ins".into(), &Value::Null));
    let first = &report["items"][0];
    let mut names: Vec<&str> = first.as_object().unwrap().keys().map(String::as_str).collect();
    let columns = report["columns"].as_array().unwrap();
    let mut columns: Vec<&str> = columns.iter().map(|column| column.as_str().unwrap()).collect();
    names.sort_unstable();
    columns.sort_unstable();
    assert_eq!(names, columns);
    let phone = cast.alice.phone.device_id().unwrap().to_string();
    for (name, value) in [
        ("time", "2027-01-15T08:00:00.000000Z"),
        ("ended", "2027-01-15T08:00:00.000000Z"),
        ("client_ip", "203.0.113.7"),
        ("client_name", "CLIENT-PC"),
        ("device", &phone),
        ("rule", "default"),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    let begun = cast.site.audit().await.into_iter().find(|event| event.kind == "challenge.created").unwrap();
    assert_eq!(first["challenge"], begun.detail.unwrap()["challenge"]);
    // Nobody asked the rules about who is locked, and nobody knows how the last one ends.
    assert_eq!((&report["items"][8]["rule"], &report["items"][9]["ended"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn sign_ins_are_filtered_and_paged() {
    let cast = Cast::busy(Site::start().await).await;
    assert_eq!(cast.told("sign-ins?user=CONTOSO%5CAlice").await, picked(|row| row[0] == "alice"));
    assert_eq!(cast.told("sign-ins?user=nobody").await, picked(|row| row[0] == "nobody"));
    assert_eq!(cast.told("sign-ins?gateway=Bergen").await, picked(|row| row[1] == "Bergen"));
    let id = cast.bergen.id.unwrap();
    assert_eq!(cast.told(&format!("sign-ins?gateway={id}")).await, picked(|row| row[1] == "Bergen"));
    assert_eq!(cast.told("sign-ins?gateway=Trondheim").await, Vec::<Value>::new());
    assert_eq!(cast.told("sign-ins?outcome=denied").await, picked(|row| row[2] == "denied"));
    assert_eq!(cast.told("sign-ins?method=none").await, picked(|row| row[3] == "none"));
    let both = picked(|row| row[0] == "alice" && row[2] == "approved");
    assert_eq!(cast.told("sign-ins?user=alice&outcome=approved").await, both);
    // A sign-in belongs to the time when it began, whenever it ended.
    let at = "2027-01-15T08:01:40Z";
    assert_eq!(cast.told(&format!("sign-ins?since={at}")).await, expected()[5..]);
    assert_eq!(cast.told(&format!("sign-ins?until={at}")).await, expected()[..5]);
    assert_eq!(cast.told(&format!("sign-ins?since={at}&until=2027-01-15T09:02:00%2B01:00")).await, expected()[5..6]);
    cast.site.clock.advance(20_000);
    cast.site.user("carol").await;
    cast.site.user("dave").await;
    assert_eq!(cast.told("sign-ins?since=2027-01-15T10:00:00Z").await, Vec::<Value>::new());

    for limit in [1, 2, 3, 10, 11] {
        let (mut all, mut after, mut pages) = (Vec::new(), "0".to_owned(), 0);
        loop {
            let page = cast.report(&format!("sign-ins?limit={limit}&after={after}")).await;
            assert!(told(&page).len() <= limit);
            all.extend(told(&page));
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            after = next.to_owned();
        }
        let all: Vec<Value> = all.into_iter().filter(|row| row[2] != "pending").collect();
        // The last one has run out of time meanwhile.
        assert_eq!(all[..9], expected()[..9], "{limit}");
        assert_eq!(pages, 10 / limit + 1);
    }
}

#[tokio::test]
async fn a_sign_in_may_end_long_after_it_began_in_the_log() {
    let cast = Cast::on(Site::start().await).await;
    let Cast { site, oslo, alice, .. } = &cast;
    let login = oslo.create(&alice.login(), None).await.unwrap();
    // More than are read at a time, between its beginning and its end.
    let stray = || Event::new("challenge.expired", Actor::System, site.clock.now()).with("challenge", "an earlier one");
    site.store().record_events((0..2_500).map(|_| stray()).collect()).await.unwrap();
    site.clock.advance(30);
    alice.approve(&login).await;
    oslo.redeem(login.id, "r", 0).await.unwrap();
    for asked in ["sign-ins", "sign-ins?limit=1", "sign-ins?until=2027-01-15T08:00:01Z", "sign-ins?user=alice"] {
        assert_eq!(cast.told(asked).await, expected()[..1], "{asked}");
    }
    assert_eq!(cast.report("sign-ins").await["items"][0]["ended"], site.clock.now().to_string());
    site.clock.advance(7_200);
    site.store().record_events((0..1_000).map(|_| stray()).collect()).await.unwrap();
    let login = oslo.create(&alice.login(), None).await.unwrap();
    alice.deny(&login).await;
    assert_eq!(cast.told("sign-ins?until=2027-01-15T09:00:00Z").await, expected()[..1]);
    assert_eq!(cast.told("sign-ins?since=2027-01-15T09:00:00Z").await, expected()[1..2]);
}

#[tokio::test]
async fn outcomes_are_counted() {
    let cast = Cast::busy(Site::start().await).await;
    let report = cast.report("outcomes").await;
    let counts = json!([
        {"outcome": "approved", "method": "bypass", "count": 1},
        {"outcome": "approved", "method": "number", "count": 1},
        {"outcome": "approved", "method": "totp", "count": 1},
        {"outcome": "cancelled", "method": "none", "count": 1},
        {"outcome": "denied", "method": "none", "count": 3},
        {"outcome": "denied", "method": "number", "count": 1},
        {"outcome": "expired", "method": "number", "count": 1},
        {"outcome": "pending", "method": "none", "count": 1},
    ]);
    assert_eq!(report["items"], counts);
    let denied = cast.report("outcomes?outcome=denied&user=alice").await;
    assert_eq!(denied["items"][0], json!({"outcome": "denied", "method": "none", "count": 2}));
}

#[tokio::test]
async fn accounts_tell_what_people_have_and_what_stands_against_them() {
    let cast = Cast::on(Site::start().await).await;
    let Cast { site, oslo, alice, bob, .. } = &cast;
    let named = PutUser {
        display_name: Some("=cmd()".to_owned()),
        groups: Some(vec!["staff".to_owned(), "Oslo, 2nd floor".to_owned()]),
        ..PutUser::default()
    };
    site.admin.put_user("carol", &named).await.unwrap();
    site.app_of("bob").await;
    site.recovery_codes_of("bob").await;
    site.clock.advance(91 * 86_400);
    let login = oslo.create(&alice.login(), None).await.unwrap();
    alice.approve(&login).await;
    site.admin.bypass("carol", &bypass(Some(5))).await.unwrap();
    site.admin.lock("bob", "his laptop is stolen").await.unwrap();

    let report = cast.report("enrollment").await;
    let items = report["items"].as_array().unwrap();
    let names = ["user", "state", "phones", "totp", "recovery_codes", "bypasses", "enrolled", "last_used"];
    let row = |item: &Value| json!(names.map(|name| &item[name]));
    let now = site.clock.now().to_string();
    assert_eq!(row(&items[0]), json!(["alice", "active", 1, 0, 0, 0, true, now]));
    assert_eq!(row(&items[1]), json!(["bob", "locked", 1, 1, 10, 0, true, null]));
    assert_eq!(row(&items[2]), json!(["carol", "active", 0, 0, 0, 1, false, null]));
    assert_eq!((&items[2]["display_name"], &items[2]["groups"][0]), (&"=cmd()".into(), &"Oslo, 2nd floor".into()));
    assert_eq!(cast.report("enrollment?user=BOB").await["items"], json!([items[1]]));
    assert_eq!(cast.report("enrollment?user=nobody").await["items"], json!([]));

    let stale = cast.report("stale-devices").await;
    let phone = bob.phone.device_id().unwrap().to_string();
    assert_eq!(stale["items"].as_array().unwrap().len(), 1);
    let item = &stale["items"][0];
    assert_eq!((&item["user"], &item["device"], &item["days"]), (&"bob".into(), &phone.into(), &91.into()));
    assert_eq!(cast.report("stale-devices?days=92").await["items"], json!([]));

    let locks = cast.report("locks").await;
    let locked = json!({"user": "bob", "state": "locked", "reason": "his laptop is stolen", "since": now, "by": "admin:admin-key"});
    assert_eq!(locks["items"], json!([locked]));
    for _ in 0..2 {
        let login = oslo.create(&alice.login(), None).await.unwrap();
        alice.deny(&login).await;
    }
    let locks = cast.report("locks?user=alice").await;
    assert_eq!(locks["items"][0]["state"], "backoff", "{locks}");

    let bypasses = cast.report("bypasses").await;
    let item = &bypasses["items"][0];
    assert_eq!(
        json!(["user", "reason", "made_by", "uses", "max_uses"].map(|name| &item[name])),
        json!(["carol", "the push service is down", "admin:admin-key", 0, 5])
    );
    site.clock.advance(3_600);
    assert_eq!(cast.report("bypasses").await["items"], json!([]));
}

#[tokio::test]
async fn csv_is_safe_in_a_spreadsheet() {
    let cast = Cast::on(Site::start().await).await;
    let Cast { site, oslo, alice, .. } = &cast;
    for (name, shown) in [("carol", "=cmd()"), ("dave", "Dave \"D\", 2nd")] {
        let named = PutUser { display_name: Some(shown.to_owned()), ..PutUser::default() };
        site.admin.put_user(name, &named).await.unwrap();
    }
    let answer = site.admin.call("GET", "/v1/reports/enrollment?format=csv", None).await.unwrap();
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"enrollment.csv\""));
    let text = answer.text();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(
        (lines.len(), lines[0].split(',').take(3).collect::<Vec<_>>()),
        (5, vec!["user", "display_name", "state"])
    );
    assert!(lines[3].starts_with("carol,'=cmd(),active,,0,"), "{text}");
    assert!(lines[4].starts_with("dave,\"Dave \"\"D\"\", 2nd\",active,"), "{text}");

    for client in ["+1+1", "@SUM(A1)", "-2"] {
        let login = oslo.create(&alice.login_from(client), None).await.unwrap();
        oslo.cancel(login.id).await.unwrap();
    }
    let path = "/v1/reports/sign-ins?format=csv&limit=2&user=alice";
    let answer = site.admin.call("GET", path, None).await.unwrap();
    assert!(answer.text().contains(",'+1+1,cancelled,") && answer.text().contains(",'@SUM(A1),cancelled,"));
    let link = answer.header("link").unwrap();
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
    let rest = site.admin.call("GET", next, None).await.unwrap();
    assert!(rest.text().contains(",'-2,cancelled,") && !rest.text().contains("SUM"), "{}", rest.text());
    assert_eq!((rest.text().lines().count(), rest.header("link")), (2, None));
}

#[tokio::test]
async fn reports_are_for_administrators_and_auditors_and_make_sense() {
    let site = Site::start().await;
    let gateway = site.gateway().await;
    let (auditor, helpdesk) = (site.admin_with(Role::Auditor).await, site.admin_with(Role::Helpdesk).await);
    for name in ["sign-ins", "outcomes", "enrollment", "stale-devices", "locks", "bypasses"] {
        let path = format!("/v1/reports/{name}");
        refused(&helpdesk.call("GET", &path, None).await.unwrap(), Code::RoleNotAllowed);
        refused(&gateway.call("GET", &path, None).await.unwrap(), Code::WrongParty);
        refused(&site.api().call("GET", &path, &[], None).await.unwrap(), Code::CredentialMissing);
    }
    for path in [
        "sign-ins?format=xml",
        "sign-ins?since=yesterday",
        "sign-ins?until=2027-01-15",
        "sign-ins?outcome=locked",
        "sign-ins?method=telepathy",
        "sign-ins?limit=1001",
        "sign-ins?after=x",
        "sign-ins?days=3",
        "stale-devices?days=0",
        "locks?days=3",
        "locks?gateway=Oslo",
        "enrollment?outcome=denied",
    ] {
        let answer = auditor.call("GET", &format!("/v1/reports/{path}"), None).await.unwrap();
        refused(&answer, Code::MalformedQuery);
    }
    refused(&auditor.call("GET", "/v1/reports/everything", None).await.unwrap(), Code::NotFound);
    let store = site.store();
    let query = gatematch_server::store::AuditQuery { limit: 1_000, ..Default::default() };
    assert_eq!(count(&store.audit(query.clone()).await.unwrap(), "audit.read"), 0, "what is refused is not read");
    for name in ["sign-ins", "locks", "locks?format=csv"] {
        assert_eq!(auditor.call("GET", &format!("/v1/reports/{name}"), None).await.unwrap().status, 200);
    }
    auditor.audit(0, Some(1), None, None).await.unwrap();
    let events = store.audit(query).await.unwrap();
    assert_eq!(only(&events, "audit.read").actor.as_deref(), Some("admin:auditor-key"));
}

#[tokio::test]
async fn the_command_tells_the_same() {
    let cast = Cast::busy(Site::start_today(|_| ()).await).await;
    let named = PutUser { display_name: Some("=cmd()".to_owned()), ..PutUser::default() };
    cast.site.admin.put_user("carol", &named).await.unwrap();
    let mut machine = Machine::new();
    machine.set("GATEMATCH_DATA_DIR", cast.site.settings().data_dir.to_str().unwrap());
    assert_eq!(told(&machine.json("report sign-ins").await), expected());
    for name in ["sign-ins", "outcomes", "enrollment", "locks"] {
        let over_http = cast.report(name).await;
        assert_eq!(machine.json(&format!("report {name}")).await, over_http, "{name}");
        let path = format!("/v1/reports/{name}?format=csv");
        let csv = cast.site.admin.call("GET", &path, None).await.unwrap().text();
        assert_eq!(machine.done(&format!("report {name} --csv")).await, csv, "{name}");
    }
    let filtered = machine.json("report sign-ins --user alice --gateway Oslo --outcome denied --method number").await;
    assert_eq!(told(&filtered), expected()[1..2]);

    let table = machine.done("report sign-ins --gateway Bergen").await;
    let heads: Vec<&str> = table.lines().next().unwrap().split("  ").filter(|head| !head.is_empty()).collect();
    let shown = ["TIME", "USER", "GATEWAY", "CLIENT IP", "CLIENT NAME", "OUTCOME", "METHOD", "REASON"];
    assert_eq!(heads.iter().map(|head| head.trim()).collect::<Vec<_>>(), shown);
    assert_eq!((table.lines().count(), table.matches("totp").count()), (4, 1), "{table}");
    assert!(machine.done("report enrollment --csv").await.contains("carol,'=cmd(),"));
    assert_eq!(machine.done("report stale-devices").await, "There is nothing to show.\n");
    let (code, told) = machine.refused("report locks --outcome denied").await;
    assert!(code == 2 && told.contains("outcome does not go with the report locks"), "{code} {told}");
    assert_eq!(machine.refused("report sign-ins --outcome locked").await.0, 2);
}
