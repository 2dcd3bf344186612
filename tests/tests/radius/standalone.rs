//! The programs: `gatematch-radius` beside a running server, and `gatematch serve` with a table `[radius]`.

mod wrong;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use gatematch_client_sim::phone::Phone;
use gatematch_client_sim::radius::{Answer, Prepared, RadiusClient, Timing};
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::PutUser;
use gatematch_tests::freeradius::{FreeRadius, Radclient, rd_gateway_asks};
use gatematch_tests::front::{PATIENCE, SECRET, ask, rd_gateway};
use gatematch_tests::moves::count;
use gatematch_tests::program;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::machine::{Machine, Serving, Sim, audit_after};

/// How soon a program must have ended after SIGTERM.
const SOON: Duration = Duration::from_secs(5);

/// A machine with an administrator and a gateway that cannot display anything.
struct Town {
    machine: Machine,
    admin: Secret,
    /// The gateway's key.
    key: String,
}

impl Town {
    async fn new() -> Self {
        let machine = Machine::new();
        let admin = machine.admin_key("admin").await;
        let made = machine.json("gateway add rdg01 --application Desktop").await;
        Self { machine, admin, key: made["key"].as_str().unwrap().to_owned() }
    }

    /// Writes the server's own settings file.
    fn write(&self, text: &str) -> PathBuf {
        let path = self.machine.path().join("gatematch.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A table `[radius]` with one client, secrets and all.
    fn table(&self, keys: &str) -> String {
        format!(
            "[radius]\nlisten = \"127.0.0.1:0\"\n\n[[radius.client]]\nname = \"rdg01\"\nnetwork = \"127.0.0.1\"\n\
             secret = \"{SECRET}\"\ngateway_key = \"{}\"\nno_display = \"approve_only\"\n{keys}",
            self.key
        )
    }

    async fn alice(&self, serving: &Serving) -> Sim {
        let admin = serving.admin(&self.admin);
        admin.put_user("alice", &PutUser::default()).await.unwrap();
        serving.enroll(&admin, "alice").await
    }

    async fn events(&self, serving: &Serving, kind: &str) -> usize {
        count(&audit_after(&serving.admin(&self.admin), 0).await, kind)
    }
}

/// `gatematch-radius` on its own.
struct Standalone {
    child: Child,
    address: SocketAddr,
    out: Lines<BufReader<ChildStdout>>,
}

/// A command line of `gatematch-radius` that sees these variables alone.
fn gatematch_radius(machine: &Machine, words: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program("gatematch-radius"));
    command.args(words).env_clear().envs(variables.iter().copied()).current_dir(machine.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl Standalone {
    /// Starts it, and returns when it listens.
    async fn start(machine: &Machine, config: &str, variables: &[(&str, &str)]) -> Self {
        std::fs::write(machine.path().join("radius.toml"), config).unwrap();
        let log = std::fs::File::create(machine.path().join("radius.log")).unwrap();
        let mut command = gatematch_radius(machine, &["--config", "radius.toml"], variables);
        let mut child = command.stderr(log).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = timeout(PATIENCE, out.next_line()).await.expect("it says nothing").unwrap();
        let told = told.unwrap_or_else(|| panic!("it has ended: {}", log_of(machine)));
        let address = told.strip_prefix("Gatematch RADIUS listens on ").and_then(|rest| rest.split(' ').next());
        let address = address.unwrap_or_else(|| panic!("{told}")).parse().unwrap();
        Self { child, address, out }
    }

    /// Ends it politely, in time, without another word on stdout.
    async fn stop(mut self) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert!(timeout(SOON, self.child.wait()).await.expect("it does not end").unwrap().success());
        assert_eq!(self.out.next_line().await.unwrap(), None);
    }
}

fn log_of(machine: &Machine) -> String {
    std::fs::read_to_string(machine.path().join("radius.log")).unwrap_or_default()
}

async fn nps(address: SocketAddr) -> RadiusClient {
    RadiusClient::connect(address, Secret::new(SECRET)).await.unwrap()
}

/// The person taps Approve as soon as something waits.
async fn approve(phone: &Phone) {
    let waiting = phone.waiting(20).await.unwrap();
    phone.respond(&waiting[0].challenge, Decision::Approve, None, None).await.unwrap();
}

/// A login, and `then` as soon as its challenge is on the phone.
async fn while_it_waits(
    nps: &RadiusClient,
    request: &Prepared,
    phone: &Phone,
    then: impl Future<Output = ()>,
) -> Answer {
    let rings = async {
        assert_eq!(phone.waiting(20).await.unwrap().len(), 1);
        then.await;
    };
    tokio::join!(ask(nps, request), rings).0
}

#[tokio::test]
async fn standalone_a_person_is_let_in_and_sigterm_answers_who_waits() {
    let town = Town::new().await;
    let serving = town.machine.serve().await;
    let phone = serving.phone(&town.alice(&serving).await);
    let config = format!(
        "colour = \"the server's own keys are no business of this program\"\n[radius]\nlisten = \"127.0.0.1:0\"\n\
         server_url = \"{}\"\n[[radius.client]]\nname = \"rdg01\"\nnetwork = \"127.0.0.1\"\n\
         secret_env = \"RDG01_SECRET\"\ngateway_key_env = \"RDG01_KEY\"\nno_display = \"approve_only\"\n",
        serving.api().base()
    );
    let variables = [("RDG01_SECRET", SECRET), ("RDG01_KEY", town.key.as_str())];
    let front = Standalone::start(&town.machine, &config, &variables).await;
    let nps = nps(front.address).await;
    assert!(ask(&nps, &nps.status_server()).await.is_accept());
    let request = nps.request(rd_gateway("CONTOSO\\alice"));
    let (answer, ()) = tokio::join!(ask(&nps, &request), approve(&phone));
    assert!(answer.is_accept());
    assert!(ask(&nps, &nps.request(rd_gateway("nobody"))).await.is_reject());

    let request = nps.request(rd_gateway("alice"));
    assert!(while_it_waits(&nps, &request, &phone, front.stop()).await.is_reject());
    let ended = (town.events(&serving, "challenge.redeemed").await, town.events(&serving, "challenge.cancelled").await);
    assert_eq!(ended, (1, 1));
    let log = log_of(&town.machine);
    assert!(log.contains("stopping"), "{log}");
    assert!(!log.contains(SECRET) && !log.contains("gmg_"), "{log}");
    serving.stop().await;
}

#[tokio::test]
async fn standalone_it_may_start_before_the_server_and_outlives_it() {
    let mut town = Town::new().await;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    town.machine.set("GATEMATCH_LISTEN", &port.to_string());
    let config = town.table("").replace("[radius]\n", &format!("[radius]\nserver_url = \"http://{port}\"\n"));
    let front = Standalone::start(&town.machine, &config, &[("GATEMATCH_LOG", "warn")]).await;
    let nps = nps(front.address).await;
    let short = Timing::once(Duration::from_millis(300));
    assert!(nps.exchange(&nps.status_server(), short).await.is_err(), "nobody could decide");

    for times in 1..=2 {
        let serving = town.machine.serve().await;
        let phone = serving.phone(&town.alice(&serving).await);
        let mut tries = 0;
        while nps.exchange(&nps.status_server(), short).await.is_err() {
            tries += 1;
            assert!(tries < 60, "it does not find the server: {}", log_of(&town.machine));
        }
        let request = nps.request(rd_gateway("alice"));
        let (answer, ()) = tokio::join!(ask(&nps, &request), approve(&phone));
        assert!(answer.is_accept());
        assert_eq!(town.events(&serving, "challenge.redeemed").await, times);
        serving.kill().await;
    }
    front.stop().await;
    let log = log_of(&town.machine);
    assert!(log.contains("rdg01") && log.contains("server-unavailable"), "the administrator hears of it: {log}");
}

#[tokio::test]
async fn serve_with_a_table_radius_tells_where_lets_in_counts_and_ends_in_time() {
    let town = Town::new().await;
    town.write(&town.table("accept = { \"Session-Timeout\" = 3600 }\n"));
    let serving = town.machine.serve().await;
    let nps = nps(serving.radius.expect("radius_listen is told")).await;
    let phone = serving.phone(&town.alice(&serving).await);
    assert!(ask(&nps, &nps.status_server()).await.is_accept());
    let request = nps.request(rd_gateway("alice"));
    let (answer, ()) = tokio::join!(ask(&nps, &request), approve(&phone));
    assert!(answer.is_accept());
    assert_eq!(answer.first(27), Some(&3_600_u32.to_be_bytes()[..]));
    assert_eq!(ask(&nps, &request).await.bytes, answer.bytes, "a retransmission");

    let metrics = serving.api().call("GET", "/metrics", &[], None).await.unwrap().text();
    for line in [
        "gatematch_radius_requests_total{client=\"rdg01\"} 2",
        "gatematch_radius_answers_total{client=\"rdg01\",answer=\"accept\"} 2",
        "gatematch_radius_duplicates_total{client=\"rdg01\"} 1",
        "gatematch_radius_waiting 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    let request = nps.request(rd_gateway("alice"));
    let asked = Instant::now();
    let answer = while_it_waits(&nps, &request, &phone, serving.stop()).await;
    assert!(answer.is_reject() && asked.elapsed() < SOON, "{:?}", asked.elapsed());

    let serving = town.machine.serve().await;
    assert_eq!(town.events(&serving, "challenge.cancelled").await, 1, "it was ended before the answer left");
    let log = town.machine.log();
    assert!(!log.contains(SECRET) && !log.contains("gmg_") && !log.contains("ERROR"), "{log}");
    serving.stop().await;
}

#[tokio::test]
async fn serve_takes_secrets_and_the_address_of_radius_from_its_environment() {
    let mut town = Town::new().await;
    let key = format!("gateway_key = \"{}\"", town.key);
    let table = town.table("").replace(&key, "gateway_key_env = \"GATEMATCH_RDG01_KEY\"");
    let table = table.replace(&format!("secret = \"{SECRET}\""), "secret_env = \"RDG01_SECRET\"");
    town.write(&table.replace("127.0.0.1:0", "192.0.2.1:1812"));
    let key = town.key.clone();
    for (name, value) in
        [("GATEMATCH_RDG01_KEY", key.as_str()), ("RDG01_SECRET", SECRET), ("GATEMATCH_RADIUS_LISTEN", "127.0.0.1:0")]
    {
        town.machine.set(name, value);
    }
    let serving = town.machine.serve().await;
    let nps = nps(serving.radius.unwrap()).await;
    let phone = serving.phone(&town.alice(&serving).await);
    let request = nps.request(rd_gateway("alice"));
    let (answer, ()) = tokio::join!(ask(&nps, &request), approve(&phone));
    assert!(answer.is_accept());
    town.machine.done("user list").await;
    serving.stop().await;
    assert_eq!(town.machine.log(), "", "nothing to warn of");
}

/// FreeRADIUS' window, in seconds; a real RD Gateway's is 60. `RADIUS_TEST_WINDOW` makes it another.
fn window() -> u16 {
    std::env::var("RADIUS_TEST_WINDOW").map_or(6, |text| text.parse().expect("a number of seconds"))
}

#[tokio::test]
async fn serve_answers_before_the_window_of_freeradius_is_over_by_the_clock_on_the_wall() {
    let (town, window) = (Town::new().await, window());
    // 50 of 60, as docs/rd-gateway.md has it.
    let limit = window - window / 6;
    town.write(&town.table(&format!("time_limit = {limit}\n")));
    let serving = town.machine.serve().await;
    let sim = town.alice(&serving).await;
    let mut nps = FreeRadius::before(&[(serving.radius.unwrap(), window)]).await;
    let (asks, radclient) = (rd_gateway_asks("alice"), Radclient::of(nps.address).patient());
    let began = Instant::now();
    // Nobody touches the phone. FreeRADIUS' own Access-Reject would have no Reply-Message.
    let heard = radclient.login(&asks).await;
    let took = began.elapsed();
    assert_eq!(heard.values("Reply-Message"), ["\"The sign-in was not approved.\""], "{}", heard.text);
    assert!(took > Duration::from_secs(limit.into()).mul_f32(0.7), "{took:?}");
    assert!(!nps.said().iter().any(|line| line.contains("as zombie")), "FreeRADIUS has not given up");
    let (phone, answer) = (serving.phone(&sim), radclient.login(&asks));
    let (heard, ()) = tokio::join!(answer, approve(&phone));
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    serving.stop().await;
}
