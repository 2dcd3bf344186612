//! Waiting: for a decision, to redeem, and for something new on the phone. Nobody polls, and nobody sleeps: the
//! clock stands still, so whoever is answered was woken by what happened.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::problem::Code;
use gatematch_tests::moves::{count, race, refusal, state};
use gatematch_tests::{Person, Site, audit_names};
use tokio::task::JoinHandle;

/// What must happen at once happens within this, on however slow a machine.
const AT_ONCE: Duration = Duration::from_secs(20);

async fn at_once<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_ONCE, work).await.expect("it happens at once")
}

/// Begins to wait in the background.
fn begin<F: Future<Output: Send + 'static> + Send + 'static>(work: F) -> JoinHandle<F::Output> {
    tokio::spawn(work)
}

/// Until the server says that so many wait.
async fn until_waiting(site: &Site, waiters: u64) {
    let api = site.api();
    at_once(async {
        loop {
            let metrics = api.raw("GET", "/metrics", &[], Vec::new()).await.unwrap().text();
            let line = metrics.lines().find_map(|line| line.strip_prefix("gatematch_waiting "));
            if line.unwrap().parse() == Ok(waiters) {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

struct Cast {
    site: Site,
    gateway: Arc<Gateway>,
    alice: Arc<Person>,
}

impl Cast {
    async fn new() -> Self {
        let site = Site::start().await;
        let gateway = Arc::new(site.gateway().await);
        let alice = Arc::new(site.person("alice").await);
        Self { site, gateway, alice }
    }
}

#[tokio::test]
async fn a_gateway_that_waits_is_woken_by_the_decision() {
    let Cast { site, gateway, alice } = Cast::new().await;
    for decision in ["approved", "denied", "reported", "wrong-number", "cancelled", "superseded", "locked"] {
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let waiting = {
            let gateway = Arc::clone(&gateway);
            begin(async move { gateway.get(login.id, 60).await.unwrap() })
        };
        until_waiting(&site, 1).await;
        let mut expected = ("denied", Some(decision));
        match decision {
            "approved" => {
                alice.approve(&login).await;
                expected = ("approved", None);
            }
            "denied" => {
                alice.deny(&login).await;
                expected = ("denied", Some("user"));
            }
            "reported" => {
                alice.report(&login).await;
                site.clock.advance(900);
            }
            "wrong-number" => {
                alice.mistype(&login).await;
            }
            "cancelled" => {
                gateway.cancel(login.id).await.unwrap();
                expected = ("cancelled", None);
            }
            "superseded" => {
                gateway.create(&alice.login(), None).await.unwrap();
                expected = ("cancelled", Some("superseded"));
            }
            _ => site.lock("alice").await,
        }
        let view = at_once(waiting).await.unwrap();
        assert_eq!(state(&view), expected);
        assert_eq!(view.number, login.number);
        until_waiting(&site, 0).await;
    }
    let ended = site.audit().await;
    assert_eq!((count(&ended, "challenge.cancelled"), count(&ended, "challenge.denied")), (4, 4));
}

#[tokio::test]
async fn redeeming_waits_for_the_decision_and_spends_it() {
    let Cast { site, gateway, alice } = Cast::new().await;
    for approved in [true, false] {
        let login = gateway.create(&alice.login(), None).await.unwrap();
        let waiting = {
            let gateway = Arc::clone(&gateway);
            begin(async move { gateway.redeem(login.id, "r", 60).await.unwrap() })
        };
        until_waiting(&site, 1).await;
        if approved {
            alice.approve(&login).await;
        } else {
            alice.deny(&login).await;
        }
        let view = at_once(waiting).await.unwrap();
        let expected = if approved { ("redeemed", None) } else { ("denied", Some("user")) };
        assert_eq!((state(&view), view.result.is_some()), (expected, approved));
        if approved {
            gateway.check_result(&view).await.unwrap();
            let events = site.audit_of(&login).await;
            assert_eq!(audit_names(&events), ["challenge.created", "challenge.approved", "challenge.redeemed"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_that_wait_to_redeem_one_does() {
    let Cast { site, gateway, alice } = Cast::new().await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let racing = {
        let gateway = Arc::clone(&gateway);
        begin(race(50, move |index| {
            let gateway = Arc::clone(&gateway);
            async move { gateway.redeem(login.id, &format!("r{index}"), 60).await }
        }))
    };
    until_waiting(&site, 50).await;
    alice.approve(&login).await;
    let outcomes = at_once(racing).await.unwrap();
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|refused| refusal(refused) == Code::AlreadyRedeemed));
    assert_eq!(count(&site.audit_of(&login).await, "challenge.redeemed"), 1);
}

#[tokio::test]
async fn waiting_ends_by_the_clock_alone() {
    let Cast { site, gateway, alice } = Cast::new().await;
    let mut body = alice.login();
    body.expires_in = Some(30);
    let login = gateway.create(&body, None).await.unwrap();
    let wait = |seconds| {
        let gateway = Arc::clone(&gateway);
        begin(async move { gateway.get(login.id, seconds).await.unwrap() })
    };
    // Not yet decided when the wait is over: the state as it is.
    let waiting = wait(20);
    until_waiting(&site, 1).await;
    site.clock.advance(19);
    until_waiting(&site, 1).await;
    assert!(!waiting.is_finished());
    site.clock.advance(1);
    assert_eq!(state(&at_once(waiting).await.unwrap()), ("pending", None));
    // Its time runs out while somebody waits longer.
    let waiting = wait(60);
    let redeeming = {
        let gateway = Arc::clone(&gateway);
        begin(async move { gateway.redeem(login.id, "r", 60).await.unwrap() })
    };
    until_waiting(&site, 2).await;
    site.clock.advance(10);
    for view in [at_once(waiting).await.unwrap(), at_once(redeeming).await.unwrap()] {
        assert_eq!((state(&view), &view.result), (("expired", Some("timeout")), &None));
    }
    // What is decided is not waited for.
    assert_eq!(at_once(wait(60)).await.unwrap().status, "expired");
    let events = site.audit_of(&login).await;
    assert_eq!(audit_names(&events), ["challenge.created", "challenge.expired"]);
}

#[tokio::test]
async fn a_phone_that_waits_is_woken_by_the_first_login() {
    let Cast { site, gateway, alice } = Cast::new().await;
    let bob = site.person("bob").await;
    let waiting = {
        let alice = Arc::clone(&alice);
        begin(async move { alice.phone.waiting(60).await.unwrap() })
    };
    until_waiting(&site, 1).await;
    // Somebody else's login does not wake her; her own does.
    gateway.create(&bob.login(), None).await.unwrap();
    assert!(!waiting.is_finished());
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let found = at_once(waiting).await.unwrap();
    assert_eq!(found.iter().map(|waiting| waiting.id).collect::<Vec<_>>(), [login.id]);
    // The same bytes as every other fetch, and at once while there is one.
    assert_eq!(at_once(alice.phone.waiting(60)).await.unwrap(), found);
    alice.approve(&login).await;
    // Nothing waits any more: the wait lasts as long as it was asked to.
    let waiting = {
        let alice = Arc::clone(&alice);
        begin(async move { alice.phone.waiting(60).await.unwrap() })
    };
    until_waiting(&site, 1).await;
    site.clock.advance(60);
    assert!(at_once(waiting).await.unwrap().is_empty());
    assert_eq!(count(&site.audit_of(&login).await, "challenge.approved"), 1);
}

#[tokio::test]
async fn a_server_that_stops_answers_those_who_wait_with_the_state_as_it_is() {
    let Cast { site, gateway, alice } = Cast::new().await;
    let bob: Arc<Person> = Arc::new(site.person("bob").await);
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let views =
        [true, false].map(|redeem| {
            let gateway = Arc::clone(&gateway);
            begin(async move {
                if redeem { gateway.redeem(login.id, "r", 60).await } else { gateway.get(login.id, 60).await }
            })
        });
    let phone = begin(async move { bob.phone.waiting(60).await });
    until_waiting(&site, 3).await;
    let store = site.store();
    let dir = at_once(site.stop()).await;
    for view in views {
        let view = at_once(view).await.unwrap().unwrap();
        assert_eq!((state(&view), &view.result), (("pending", None), &None));
    }
    assert!(at_once(phone).await.unwrap().unwrap().is_empty());
    assert!(store.challenge(login.id).await.is_err(), "the store is closed");
    drop(dir);
}

#[tokio::test]
async fn whoever_hangs_up_is_not_waited_for_any_more() {
    let Cast { site, gateway, alice } = Cast::new().await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let gateway = Arc::clone(&gateway);
            begin(async move { gateway.get(login.id, 60).await.map(drop) })
        })
        .collect();
    until_waiting(&site, 20).await;
    tasks.iter().for_each(JoinHandle::abort);
    until_waiting(&site, 0).await;
    alice.approve(&login).await;
    assert_eq!(gateway.redeem(login.id, "r", 0).await.unwrap().status, "redeemed");
    assert_eq!(count(&site.audit_of(&login).await, "challenge.redeemed"), 1);
}

#[tokio::test]
async fn how_long_to_wait_is_a_whole_number_from_0_to_60() {
    let Cast { site, gateway, alice } = Cast::new().await;
    let login = gateway.create(&alice.login(), None).await.unwrap();
    let phone: &Phone = &alice.phone;
    for wait in ["61", "-1", "1.5", "", "soon", "0x10", "99999999999999999999", "1&wait=2", "+1"] {
        let query = format!("?wait={wait}");
        let read = gateway.call("GET", &format!("/v1/challenges/{}{query}", login.id), None).await.unwrap();
        let body = Some(br#"{"redemption_id":"r"}"#.to_vec());
        let redeem = gateway.call("POST", &format!("/v1/challenges/{}/redeem{query}", login.id), body).await.unwrap();
        let fetch = phone.call("GET", &format!("/v1/devices/self/challenges{query}"), None).await.unwrap();
        for answer in [read, redeem, fetch] {
            assert_eq!(refusal(answer.success()), Code::MalformedQuery, "{wait:?}");
        }
    }
    assert_eq!(gateway.call("GET", &format!("/v1/challenges/{}?wait=0", login.id), None).await.unwrap().status, 200);
    assert_eq!(count(&site.audit().await, "request.refused"), 27);
}
