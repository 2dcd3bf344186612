//! The log goes where the company's logs are: to a real rsyslog, by TCP and TLS, and to a file.

use std::collections::BTreeSet;
use std::fs;

use gatematch_protocol::audit::{AuditEvent, Checkpoint};
use gatematch_protocol::challenge::CreateChallenge;
use gatematch_protocol::response::Decision;
use gatematch_tests::rsyslog::{Message, Rsyslog};
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::time::interval;

use crate::machine::{LOOKS, Machine, Serving, audit_after, until_metric};

/// What stands in names that come from outside.
const HOSTILE: &str = "x${jndi:ldap://e}\u{2028}\u{202e}<b>]\"\\\t";

async fn admin(machine: &Machine, serving: &Serving) -> gatematch_client_sim::admin::Admin {
    serving.admin(&machine.admin_key("admin").await)
}

/// How many batches were not delivered.
async fn failures(serving: &Serving) -> u64 {
    let metrics = serving.api().call("GET", "/metrics", &[], None).await.unwrap().text();
    let name = "gatematch_audit_delivery_failures_total{to=\"syslog\"} ";
    metrics.lines().find_map(|line| line.strip_prefix(name)).map_or(0, |count| count.parse().unwrap())
}

async fn until_more_failures(serving: &Serving, than: u64) {
    let mut looks = interval(LOOKS.0);
    for _ in 0..LOOKS.1 {
        looks.tick().await;
        if failures(serving).await > than {
            return;
        }
    }
    panic!("the receiver is not missed");
}

fn event(message: &Message) -> Option<AuditEvent> {
    serde_json::from_str(&message.text).ok()
}

/// Which events are there.
fn seqs(received: &[Message]) -> BTreeSet<u64> {
    received.iter().filter_map(event).map(|event| event.seq).collect()
}

#[tokio::test]
async fn rsyslog_receives_every_event_though_it_is_restarted_and_killed() {
    let mut rsyslog = Rsyslog::tcp().await;
    let mut machine = Machine::new();
    machine.set("GATEMATCH_AUDIT_SYSLOG", &rsyslog.address());
    let serving = machine.serve().await;
    let admin = admin(&machine, &serving).await;
    for (round, signal) in [Signal::TERM, Signal::KILL, Signal::TERM].into_iter().enumerate() {
        let failures = failures(&serving).await;
        for user in 0..20 {
            admin.put_user(&format!("user{round}-{user}"), &Default::default()).await.unwrap();
            if user == 10 {
                rsyslog.stop(signal).await;
            }
        }
        // It is missed, and not only away while nobody looks.
        until_more_failures(&serving, failures).await;
        rsyslog.start().await;
    }
    let all = audit_after(&admin, 0).await;
    let wanted: BTreeSet<u64> = all.iter().map(|event| event.seq).collect();
    let received = rsyslog.until("every event", |received| seqs(received).is_superset(&wanted)).await;
    for message in &received {
        let event = event(message).unwrap();
        let known = &all[usize::try_from(event.seq).unwrap() - 1];
        assert_eq!(&event, known, "as the log has it");
        assert_eq!((message.pri >> 3, message.app.as_str()), (10, "gatematch"));
        assert_eq!((&message.msgid, message.host.as_str()), (&event.kind, "mfa.example.com"));
        assert!(message.data.contains(&format!("sequenceId=\"{}\"", event.seq)), "{message:?}");
    }
    until_metric(&serving.api(), "gatematch_audit_undelivered{to=\"syslog\"} 0").await;
    serving.stop().await;
    // Whoever is started again goes on where it was, by the cursor in the database.
    let before = rsyslog.received().len();
    let serving = machine.serve().await;
    let user = serving.admin(&machine.admin_key("admin").await).put_user("later", &Default::default()).await;
    user.unwrap();
    let is_there = |received: &[Message]| received.iter().any(|message| message.text.contains("\"later\""));
    let received = rsyslog.until("the last one", is_there).await;
    assert!(received.len() < before + 10, "and does not begin anew: {before}, then {}", received.len());
}

#[tokio::test]
async fn by_tls_only_who_is_certified_receives_anything() {
    let rsyslog = Rsyslog::tls().await;
    let other = Rsyslog::tls().await;
    let mut machine = Machine::new();
    machine.set("GATEMATCH_AUDIT_SYSLOG", &rsyslog.address());
    machine.set("GATEMATCH_AUDIT_SYSLOG_FORMAT", "ocsf");
    machine.set("GATEMATCH_AUDIT_SYSLOG_CA_FILE", other.certificate().to_str().unwrap());
    let serving = machine.serve().await;
    admin(&machine, &serving).await.put_user("anna", &Default::default()).await.unwrap();
    until_metric(&serving.api(), "gatematch_audit_delivery_failures_total{to=\"syslog\"} 1").await;
    assert_eq!(rsyslog.received(), [], "it might be anybody");
    assert!(machine.log().contains("the audit log is not delivered"), "{}", machine.log());
    serving.stop().await;
    machine.set("GATEMATCH_AUDIT_SYSLOG_CA_FILE", rsyslog.certificate().to_str().unwrap());
    let serving = machine.serve().await;
    let all = audit_after(&admin(&machine, &serving).await, 0).await;
    let is_there = |received: &[Message]| received.len() >= all.len();
    for message in rsyslog.until("every event", is_there).await {
        let event: Value = serde_json::from_str(&message.text).unwrap();
        assert!(event["class_uid"].is_u64() && event["time"].is_u64() && event["metadata"].is_object(), "{event}");
    }
}

#[tokio::test]
async fn what_was_signed_goes_where_the_events_go() {
    let rsyslog = Rsyslog::tcp().await;
    let mut machine = Machine::new();
    let file = machine.path().join("audit.jsonl");
    machine.set("GATEMATCH_AUDIT_SYSLOG", &rsyslog.address());
    machine.set("GATEMATCH_AUDIT_FILE", file.to_str().unwrap());
    let serving = machine.serve().await;
    let made: Checkpoint = serde_json::from_str(&machine.done("audit checkpoint").await).unwrap();
    let is_signed = |received: &[Message]| received.iter().any(|message| message.msgid == "checkpoint");
    let received = rsyslog.until("the checkpoint", is_signed).await;
    let signed = received.iter().find(|message| message.msgid == "checkpoint").unwrap();
    let told: Value = serde_json::from_str(&signed.text).unwrap();
    assert_eq!(serde_json::from_value::<Checkpoint>(told["checkpoint"].clone()).unwrap(), made);
    until_metric(&serving.api(), &format!("gatematch_audit_delivered_total{{to=\"file\"}} {}", made.size)).await;
    let text = fs::read_to_string(&file).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let seqs: Vec<u64> =
        lines.by_ref().take_while(|line| line["seq"].is_u64()).map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=made.size).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_receiver_that_does_not_read_to_the_end_keeps_nobody_from_signing_in_and_nothing_from_being_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut machine = Machine::new();
    machine.set("GATEMATCH_AUDIT_SYSLOG", &format!("tcp://{}", listener.local_addr().unwrap()));
    let serving = machine.serve().await;
    let admin = admin(&machine, &serving).await;
    let gateway = serving.new_gateway(&admin, "rdgw").await;
    admin.put_user("anna", &Default::default()).await.unwrap();
    let phone = serving.enroll(&admin, "anna").await;
    // Somebody in between closes at once: nobody has read anything.
    drop(listener.accept().await.unwrap());
    until_metric(&serving.api(), "gatematch_audit_delivery_failures_total{to=\"syslog\"} 1").await;
    // It reads a little, and dies with the rest unread: the connection is reset.
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_exact(&mut [0; 20]).await.unwrap();
    drop(stream);
    until_metric(&serving.api(), "gatematch_audit_delivery_failures_total{to=\"syslog\"} 2").await;
    // Now it takes the connection and does nothing at all.
    let (held, _) = listener.accept().await.unwrap();
    let (at, phone) = (serving.gateway(&gateway), serving.phone(&phone));
    let login = CreateChallenge { user: "anna".to_owned(), ..CreateChallenge::default() };
    let first = at.create(&login, None).await.unwrap();
    let signed = phone.waiting(0).await.unwrap().remove(0).challenge;
    phone.respond(&signed, Decision::Approve, first.number.as_deref(), None).await.unwrap();
    assert_eq!(at.redeem(first.id, "login-1", 0).await.unwrap().status, "redeemed");
    let ended = machine.run(&["audit", "prune", "--before", "2999-01-01T00:00Z", "--reason", "old"]).await;
    assert!(ended.code == Some(1) && ended.err.contains("not delivered to audit_syslog yet"), "{ended:?}");
    drop(held);
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("\"seq\":1,") && text.contains("\"anna\""), "from the first one on: {text}");
    drop(stream);
}

#[tokio::test]
async fn au_05_whatever_comes_from_outside_is_one_line_that_can_be_parsed() {
    let rsyslog = Rsyslog::tcp().await;
    let mut machine = Machine::new();
    machine.set("GATEMATCH_AUDIT_SYSLOG", &rsyslog.address());
    let serving = machine.serve().await;
    let admin = admin(&machine, &serving).await;
    admin.put_user("anna", &Default::default()).await.unwrap();
    let body = serde_json::json!({"reason": HOSTILE}).to_string();
    let answer = admin.call("POST", "/v1/users/anna/lock", Some(body.into_bytes())).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let all = audit_after(&admin, 0).await;
    let wanted: BTreeSet<u64> = all.iter().map(|event| event.seq).collect();
    let received = rsyslog.until("every event", |received| seqs(received).is_superset(&wanted)).await;
    assert!(received.iter().any(|message| message.text.contains("${jndi:")), "{received:?}");
    for message in received {
        assert!(message.text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{message:?}");
        let event = event(&message).unwrap();
        assert_eq!(event, all[usize::try_from(event.seq).unwrap() - 1]);
    }
}
