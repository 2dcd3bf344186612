//! A machine with the real program on it: its data directory, its settings as environment variables, and processes
//! that end with the test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use crate::program;
use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::crypto::P256Key;
use gatematch_client_sim::edge::{random_key, system_clock};
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Api;
use gatematch_client_sim::phone::{Account, Phone};
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::gateway::{CreateGateway, GatewayCreated};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::PutUser;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{interval, timeout};

/// What every token names, whatever port the server has got this time.
pub const ISSUER: &str = "https://mfa.example.com";
/// What takes longer than this has failed.
const LONG: Duration = Duration::from_secs(20);
/// How often, and how many times, a server that is up is asked whether it is ready.
pub const LOOKS: (Duration, u32) = (Duration::from_millis(5), 2_000);

/// A machine.
pub struct Machine {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its stdout.
    pub out: String,
    /// Its stderr.
    pub err: String,
    /// Its exit code; none where it had to be ended.
    pub code: Option<i32>,
}

/// A server that runs on the machine.
pub struct Serving {
    child: Child,
    door: Door,
    /// Where it listens for RADIUS, if it does.
    pub radius: Option<SocketAddr>,
    /// Where it listens for phones and browsers alone, if it does.
    pub public: Option<SocketAddr>,
    out: Lines<BufReader<ChildStdout>>,
}

/// What a phone needs to be the same phone again after the server has moved to another port.
#[derive(Clone)]
pub struct Sim {
    /// Its key.
    pub key: P256Key,
    /// What it keeps of its enrollment.
    pub account: Account,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// One with an empty settings file and no data yet.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = dir.path().join("gatematch.toml");
        // Named, so that none of the machine's own is read.
        std::fs::write(&settings, "").unwrap();
        let data = dir.path().join("data");
        let variables = [
            ("GATEMATCH_CONFIG", settings.to_str().unwrap()),
            ("GATEMATCH_DATA_DIR", data.to_str().unwrap()),
            ("GATEMATCH_LISTEN", "127.0.0.1:0"),
            ("GATEMATCH_ISSUER", ISSUER),
            ("GATEMATCH_LOG", "warn"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { dir, variables }
    }

    /// Sets a variable, in place of an earlier value; the program sees no others than these.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Where everything of it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The database, where it is a file.
    pub fn database(&self) -> PathBuf {
        self.data().join("gatematch.db")
    }

    /// A command that was not started yet.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program("gatematch"));
        let variables = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        command.args(words).env_clear().envs(variables).current_dir(self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, words: &[&str]) -> Ended {
        let Ok(ran) = timeout(LONG, self.command(words).output()).await else {
            return Ended { out: String::new(), err: format!("{words:?} does not end"), code: None };
        };
        let (output, text) = (ran.unwrap(), |bytes| String::from_utf8(bytes).unwrap());
        Ended { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
    }

    /// Runs a command line, split at its spaces, that must succeed without a word on stderr; its stdout.
    pub async fn done(&self, line: &str) -> String {
        let ended = self.run(&line.split(' ').collect::<Vec<_>>()).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{line}");
        ended.out
    }

    /// The same with `--json`: stdout is one JSON value and nothing else.
    pub async fn json(&self, line: &str) -> Value {
        let out = self.done(&format!("{line} --json")).await;
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{line}: {error}: {out}"))
    }

    /// Runs a command line that must be refused without a word on stdout; its exit code (-1: it had to be ended) and
    /// stderr.
    pub async fn refused(&self, line: &str) -> (i32, String) {
        let ended = self.run(&line.split(' ').collect::<Vec<_>>()).await;
        assert_ne!(ended.code, Some(0), "{line}: {}", ended.out);
        assert_eq!(ended.out, "", "{line}");
        (ended.code.unwrap_or(-1), ended.err)
    }

    /// A new administrator's key, made on the command line.
    pub async fn admin_key(&self, role: &str) -> Secret {
        let made = self.json(&format!("admin-key create --role {role} --name {role}-tool")).await;
        Secret::new(made["key"].as_str().unwrap())
    }

    /// Starts the server, and returns when it is ready.
    pub async fn serve(&self) -> Serving {
        self.try_serve().await.unwrap_or_else(|told| panic!("{told}"))
    }

    /// The same, where it may be refused; then what there is to say about it.
    ///
    /// # Errors
    /// The log of this machine, where the server ends, or does not become ready.
    pub async fn try_serve(&self) -> Result<Serving, String> {
        let log = std::fs::File::options().create(true).append(true).open(self.path().join("serve.log")).unwrap();
        let mut child = self.command(&["serve", "--json"]).stderr(log).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = timeout(LONG, out.next_line()).await.expect("the server says nothing").unwrap();
        let told = told.ok_or_else(|| format!("the server ended: {}", self.log()))?;
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["issuer"], ISSUER);
        let door = Door::at(told["listen"].as_str().unwrap());
        let place = |name: &str| told.get(name).map(|address| address.as_str().unwrap().parse().unwrap());
        let (radius, public) = (place("radius_listen"), place("public_listen"));
        let serving = Serving { child, door, radius, public, out };
        if serving.ready().await {
            return Ok(serving);
        }
        Err(format!("the server does not become ready: {}", self.log()))
    }

    /// What the servers of this machine have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path().join("serve.log")).unwrap_or_default()
    }
}

impl Serving {
    async fn ready(&self) -> bool {
        let mut looks = interval(LOOKS.0);
        for _ in 0..LOOKS.1 {
            looks.tick().await;
            if self.api().call("GET", "/readyz", &[], None).await.is_ok_and(|answer| answer.status == 200) {
                return true;
            }
        }
        false
    }

    /// The process.
    pub fn pid(&self) -> rustix::process::Pid {
        let id = self.child.id().expect("it runs");
        rustix::process::Pid::from_raw(id.try_into().unwrap()).unwrap()
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the process to end.
    pub async fn ended(mut self) -> ExitStatus {
        timeout(LONG, self.child.wait()).await.expect("the server does not end").unwrap()
    }

    /// Ends the process as a power cut would: without a chance to say goodbye.
    pub async fn kill(self) {
        self.signal(rustix::process::Signal::KILL);
        assert!(!self.ended().await.success());
    }

    /// Ends the process politely.
    pub async fn stop(mut self) {
        self.signal(rustix::process::Signal::TERM);
        let mut rest = String::new();
        timeout(LONG, self.out.get_mut().read_to_string(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, "", "stdout has one line of JSON and nothing else");
        assert!(self.ended().await.success());
    }
}

/// Who talks to a server that is found here, whenever it runs. What they are outlives its process.
pub struct Door(String);

impl Door {
    /// A server's, at this address.
    pub fn at(address: impl std::fmt::Display) -> Self {
        Self(format!("http://{address}"))
    }

    /// Its base address.
    pub fn base(&self) -> &str {
        &self.0
    }

    /// A client of its API without credentials.
    pub fn api(&self) -> Api {
        Api::new(&self.0).unwrap()
    }

    /// An administrator with this key.
    pub fn admin(&self, key: &Secret) -> Admin {
        Admin::new(self.api(), key.clone())
    }

    /// A gateway that was made before.
    pub fn gateway(&self, created: &GatewayCreated) -> Gateway {
        Gateway::created(self.api(), ISSUER, created, system_clock())
    }

    /// Makes a gateway that can display a number.
    pub async fn new_gateway(&self, admin: &Admin, name: &str) -> GatewayCreated {
        new_gateway(admin, name).await
    }

    /// A phone that knows nobody yet.
    pub fn blank_phone(&self) -> Phone {
        Phone::new(self.api(), ISSUER, random_key(), system_clock())
    }

    /// A phone that was enrolled before.
    pub fn phone(&self, sim: &Sim) -> Phone {
        Phone::new(self.api(), ISSUER, sim.key.clone(), system_clock()).with_account(sim.account.clone())
    }

    /// Enrolls a new phone of a user who is there.
    pub async fn enroll(&self, admin: &Admin, name: &str) -> Sim {
        let token = admin.create_enrollment(name, None).await.unwrap().token;
        let phone = self.blank_phone();
        phone.enroll(token.reveal(), "Pixel").await.unwrap();
        Sim::of(&phone)
    }

    /// Makes a user with one phone.
    pub async fn person(&self, admin: &Admin, name: &str) -> Sim {
        admin.put_user(name, &PutUser::default()).await.unwrap();
        self.enroll(admin, name).await
    }
}

impl std::ops::Deref for Serving {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl Sim {
    /// What there is to keep of an enrolled phone.
    pub fn of(phone: &Phone) -> Self {
        Self { key: phone.key().clone(), account: phone.account().expect("it is enrolled") }
    }
}

/// Makes a gateway that can display a number.
pub async fn new_gateway(admin: &Admin, name: &str) -> GatewayCreated {
    let body = CreateGateway {
        name: name.to_owned(),
        application: "Remote Desktop".to_owned(),
        can_display: true,
        client_address: None,
    };
    admin.create_gateway(&body).await.unwrap()
}

/// The audit events after `seq`, which must be numbered without a gap.
pub async fn audit_after(admin: &Admin, seq: u64) -> Vec<AuditEvent> {
    let mut events: Vec<AuditEvent> = Vec::new();
    loop {
        let after = events.last().map_or(seq, |event| event.seq);
        let page = admin.audit(after, Some(1_000), None, None).await.unwrap();
        let more = page.next_cursor.is_some();
        events.extend(page.items);
        if !more {
            break;
        }
    }
    let expected = (seq + 1..).take(events.len());
    assert!(events.iter().map(|event| event.seq).eq(expected), "the audit log has no gaps");
    events
}

/// The challenge that an event is about.
pub fn challenge_of(event: &AuditEvent) -> Option<&str> {
    event.detail.as_ref()?.get("challenge")?.as_str()
}

/// Asks for `/metrics` until a figure is what it should be: for what nothing else tells.
pub async fn until_metric(api: &Api, line: &str) {
    let mut looks = interval(LOOKS.0);
    for _ in 0..LOOKS.1 {
        looks.tick().await;
        let metrics = api.call("GET", "/metrics", &[], None).await.unwrap().text();
        if metrics.lines().any(|found| found == line) {
            return;
        }
    }
    panic!("{line} is not to be seen in /metrics");
}
