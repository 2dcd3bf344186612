//! The load generator: what it says is what happened.

use std::process::Stdio;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use gatematch_client_sim::crypto::Checker;
use gatematch_client_sim::edge::Clock;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Speaks;
use gatematch_client_sim::load::bell::Bell;
use gatematch_client_sim::load::fleet::Fleet;
use gatematch_client_sim::load::hold::{self, Hall};
use gatematch_client_sim::load::meter::Meter;
use gatematch_client_sim::load::{self, Door, Origin, Pace, Plan, Report, Tally, Waits};
use gatematch_client_sim::radius::storm::Sockets;
use gatematch_client_sim::radius::{Demand, Timing};
use gatematch_domain::push::PushHosts;
use gatematch_protocol::secret::Secret;
use gatematch_tests::Site;
use gatematch_tests::front::{FrontDoor, PATIENCE, SECRET};
use gatematch_tests::program;
use serde_json::Value;
use tokio::process::Command;

use crate::machine::Machine;

/// A load on a site: people with phones, by some connection.
struct Stage {
    site: Site,
    fleet: Fleet,
    origin: Origin,
}

impl Stage {
    async fn new(speaks: Speaks) -> Self {
        Self::around(Site::start().await, speaks, None)
    }

    /// One whose phones are rung.
    async fn with_bell() -> Self {
        // The push service has the server's clock, but is there before the server.
        let later: Arc<OnceLock<Clock>> = Arc::default();
        let clock = Arc::clone(&later);
        let clock: Clock = Arc::new(move || clock.get().map_or(0, |clock| clock()));
        let bell = Bell::start("127.0.0.1:0".parse().unwrap(), clock).await.unwrap();
        let hosts = PushHosts::from_entries(&[bell.host()]).unwrap();
        let site = Site::start_with(|settings| settings.push_hosts = hosts).await;
        later.set(site.clock.seconds()).ok().unwrap();
        Self::around(site, Speaks::Http1, Some(bell))
    }

    fn around(site: Site, speaks: Speaks, bell: Option<Bell>) -> Self {
        // Twice the same server is as good as two, for whoever only asks.
        let bases = [site.api().base().to_owned(), site.api().base().to_owned()];
        let fleet = Fleet::new(&bases, None, speaks, 2).unwrap();
        let origin = Origin {
            fleet: Some(fleet.clone()),
            bell: bell.map(Arc::new),
            ..Origin::new(site.admin.clone(), site.issuer(), "load", site.clock.seconds())
        };
        Self { site, fleet, origin }
    }

    async fn gateway(&self, name: &str) -> Gateway {
        self.site.gateway_named(name, true).await.checking_by(Checker::Quick)
    }

    async fn http(&self, waits: Waits) -> Door {
        let mut gateways = Vec::new();
        for name in ["Oslo", "Bergen"] {
            gateways.push(vec![self.gateway(name).await]);
        }
        Door::Http { gateways, waits }
    }

    async fn run(&self, plan: Plan, people: u32, door: Door) -> Report {
        let people = self.origin.people(people, |_| ()).await.unwrap();
        let meter = Meter::start(self.fleet.each().take(1)).await;
        load::run(plan, door, people, Arc::default(), meter, std::future::pending()).await
    }
}

fn steps(report: &Report) -> Vec<&str> {
    report.steps.keys().copied().collect()
}

#[tokio::test]
async fn everybody_is_let_in_and_every_step_is_timed() {
    for speaks in [Speaks::Http1, Speaks::Http2] {
        let stage = Stage::new(speaks).await;
        let door = stage.http(Waits::First).await;
        let report = stage.run(Plan { logins: 12, pace: Pace::AtOnce(3) }, 4, door).await;
        assert_eq!((report.let_in, report.failed.len(), report.begun_late), (12, 0, 0), "{report:?}");
        assert_eq!(steps(&report), ["create", "fetch", "heard", "redeem", "respond"]);
        for (step, times) in &report.steps {
            assert!(times.p50 > 0.0 && times.p50 <= times.p95 && times.max <= report.whole.max, "{step}: {times:?}");
        }
        let [server] = report.servers.as_slice() else { panic!("{report:?}") };
        assert!(server.cpu_seconds > 0.0 && server.resident_peak_mib >= server.resident_before_mib.max(1.0));
        assert!(report.server_cpu_ms_per_login.unwrap() > 0.0 && report.own_cpu_share > 0.0);
        let redeemed = stage.site.audit().await.iter().filter(|event| event.kind == "challenge.redeemed").count();
        assert_eq!(redeemed, 12, "the audit log agrees");
        // Whoever is made is taken away again.
        stage.origin.forget(4).await.unwrap();
        assert!(stage.site.admin.get_user("load-3").await.is_err());
    }
}

#[tokio::test]
async fn phones_are_rung_at_a_rate() {
    let stage = Stage::with_bell().await;
    let door = stage.http(Waits::InRedeem).await;
    let report = stage.run(Plan { logins: 8, pace: Pace::EachSecond(1_000) }, 2, door).await;
    assert_eq!((report.let_in, report.failed.len()), (8, 0), "{report:?}");
    assert_eq!(steps(&report), ["create", "heard", "push", "respond"]);
    assert!(report.begun_late > 0, "two people are not eight at once");
    assert!(report.whole.max > report.steps["create"].max + report.steps["push"].p50, "waiting counts");
}

#[tokio::test]
async fn radius_is_loaded_too() {
    let stage = Stage::new(Speaks::Http1).await;
    let gateway = stage.site.gateway_named("rdg01", false).await;
    let front = FrontDoor::of(&stage.site, &gateway, "no_display = \"approve_only\"").await;
    let sockets = Sockets::open(front.address, &Secret::new(SECRET), Demand::Signed, 3).await.unwrap();
    let door = Door::Radius { sockets, timing: Timing::once(PATIENCE) };
    let report = stage.run(Plan { logins: 6, pace: Pace::AtOnce(3) }, 3, door).await;
    assert_eq!((report.let_in, report.failed.len()), (6, 0), "{report:?}");
    assert_eq!(steps(&report), ["fetch", "heard", "respond"]);
}

#[tokio::test]
async fn what_fails_is_named_and_an_end_is_one() {
    let stage = Stage::new(Speaks::Http1).await;
    let door = stage.http(Waits::First).await;
    let people = stage.origin.people(2, |_| ()).await.unwrap();
    stage.site.admin.delete_user("load-1").await.unwrap();
    let plan = Plan { logins: 10, pace: Pace::AtOnce(2) };
    let meter = Meter::start(std::iter::empty()).await;
    let tally = Arc::new(Tally::default());
    let report = load::run(plan, door, people, Arc::clone(&tally), meter, std::future::pending()).await;
    let failed: u64 = report.failed.values().sum();
    assert!(failed > 0 && failed + report.let_in == 10 && tally.done() == (report.let_in, failed));
    assert!(report.failed.keys().all(|reason| reason.contains("denied not-enrolled")), "{:?}", report.failed);
    assert!(report.servers.is_empty() && report.server_cpu_ms_per_login.is_none());

    let people = stage.origin.people(1, |_| ()).await.unwrap();
    let (door, meter) = (stage.http(Waits::First).await, Meter::start(std::iter::empty()).await);
    let endless = Plan { logins: u64::MAX, pace: Pace::AtOnce(1) };
    let tally = Arc::new(Tally::default());
    let seen = Arc::clone(&tally);
    let end = async move {
        while seen.done().0 < 3 {
            tokio::task::yield_now().await;
        }
    };
    let report = load::run(endless, door, people, tally, meter, end).await;
    assert!((3..=4).contains(&report.let_in), "{report:?}");
}

#[tokio::test]
async fn logins_wait_and_hear() {
    for (speaks, across) in [(Speaks::Http1, false), (Speaks::Http2, true)] {
        let stage = Stage::new(speaks).await;
        let people = stage.origin.people(hold::people(10), |_| ()).await.unwrap();
        assert_eq!(people.len(), 4);
        let made = stage.gateway("Oslo").await;
        let mut gateways = Vec::new();
        for (line, node) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let api = stage.fleet.line(node, line).clone();
            let gateway = Gateway::new(api, stage.site.issuer(), made.id, made.key.clone(), stage.site.clock.seconds());
            gateways.push(Arc::new(gateway));
        }
        let servers = stage.fleet.each().take(1).cloned().collect();
        let hall = Arc::new(Hall { gateways, servers, opened: AtomicU64::new(0), decided: AtomicU64::new(0) });
        let plan = hold::Plan { logins: 10, sample: 5, across };
        let report = hold::run(plan, hall, people, std::future::pending()).await;
        assert!(report.is_right(), "{report:?}");
        assert_eq!((report.opened, report.waiting, report.decided), (10, 10, 5));
        assert!(report.heard.max > 0.0 && report.servers[0].resident_mib > 0.0);
    }
}

#[tokio::test]
async fn the_program_says_what_came_of_it() {
    let machine = Machine::new();
    let admin = machine.admin_key("admin").await;
    let serving = machine.serve().await;
    let api = serving.api();
    let run = |words: &str| {
        let mut command = Command::new(program("gatematch-sim"));
        command.args(["load", "--server", api.base()]).args(words.split(' ')).env_clear();
        command.env("GATEMATCH_ADMIN_KEY", admin.reveal()).stdin(Stdio::null()).kill_on_drop(true);
        async move { command.output().await.unwrap() }
    };
    let done = run("--users 2 --concurrency 2 --logins 6 --http2 --json").await;
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((done.status.code(), &told["let_in"]), (Some(0), &6.into()), "{told}");
    assert!(told["steps"]["heard"]["p95"].as_f64().unwrap() > 0.0, "{told}");
    assert!(told["server_cpu_ms_per_login"].as_f64().unwrap() > 0.0, "{told}");
    assert!(!String::from_utf8(done.stderr).unwrap().contains("\u{1b}["), "nobody looks, so nothing moves");
    let done = run("--hold 4 --sample 2").await;
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && told.contains("4 opened within") && told.contains("2 were approved"), "{told}");
    let users = serving.admin(&admin).list_users(None, None, None).await.unwrap();
    assert!(users.items.is_empty(), "nobody is left");
    serving.stop().await;
}
