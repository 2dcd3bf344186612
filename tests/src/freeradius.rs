//! Debian's FreeRADIUS as the NPS before or behind the front door, and its `radclient` as a plain client.
//!
//! Each instance has a directory, a configuration and a port of its own, leaves alone what the machine has in
//! `/etc/freeradius`, and ends with the test. It needs no rights.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::front::{PATIENCE, SECRET};

/// What the front door shares with the NPS behind it.
pub const BEHIND: &str = "another secret, behind";
/// Not in the search path of an ordinary user.
const SERVER: &str = "/usr/sbin/freeradius";
const CLIENT: &str = "/usr/bin/radclient";
/// How often a start is tried where somebody else takes the port in the same moment.
const TRIES: u32 = 20;

/// A FreeRADIUS that runs.
pub struct FreeRadius {
    /// Where it listens.
    pub address: SocketAddr,
    told: UnboundedReceiver<String>,
    _child: Child,
    _dir: TempDir,
}

/// Whether an NPS puts Message-Authenticator into its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// As each NPS since July 2024 can, and as FreeRADIUS does since 3.2.5.
    Signed,
    /// As Debian's FreeRADIUS 3.2.1 does by itself.
    Bare,
}

/// Its files, but for what depends on the port.
struct Files {
    server: String,
    secret: &'static str,
    users: String,
}

impl FreeRadius {
    /// The NPS of an RD Gateway: passes each login on to the first of `homes` that lives, waits as many seconds as stand
    /// beside it, and looks by Status-Server after one that did not answer.
    pub async fn before(homes: &[(SocketAddr, u16)]) -> Self {
        let (mut servers, mut pool) = (String::new(), String::new());
        for (index, (home, window)) in homes.iter().enumerate() {
            let (ip, port) = (home.ip(), home.port());
            let _ = writeln!(
                servers,
                "home_server home{index} {{\n type = auth\n ipaddr = {ip}\n port = {port}\n secret = \"{SECRET}\"\n \
                 response_window = {window}\n zombie_period = 90\n status_check = status-server\n check_interval = 6\n}}"
            );
            let _ = writeln!(pool, " home_server = home{index}");
        }
        let server = format!(
            "{servers}home_server_pool pool {{\n type = fail-over\n{pool}}}\nrealm MFA {{\n auth_pool = pool\n nostrip\n}}\n\
             server default {{\nLISTEN\n authorize {{\n  update control {{\n   Proxy-To-Realm := \"MFA\"\n  }}\n }}\n}}\n"
        );
        Self::start(&Files { server, secret: SECRET, users: String::new() }, None).await
    }

    /// The central NPS, behind the front door: checks passwords (PAP) against `users`, written as its file `users` is.
    pub async fn behind(users: &str, answers: Answers) -> Self {
        Self::behind_at(users, answers, None).await
    }

    /// The same, where one was before.
    pub async fn behind_at(users: &str, answers: Answers, address: Option<SocketAddr>) -> Self {
        let sign = match answers {
            Answers::Signed => "  update reply {\n   Message-Authenticator := 0x00\n  }\n",
            Answers::Bare => "",
        };
        let server = format!(
            "server default {{\nLISTEN\n authorize {{\n  Autz-Type Status-Server {{\n{sign}   ok\n  }}\n{sign}  files\n  pap\n }}\n \
             authenticate {{\n  Auth-Type PAP {{\n   pap\n  }}\n }}\n}}\n"
        );
        Self::start(&Files { server, secret: BEHIND, users: users.to_owned() }, address).await
    }

    async fn start(files: &Files, address: Option<SocketAddr>) -> Self {
        let mut why = String::new();
        for _ in 0..TRIES {
            match Self::started(files, address.unwrap_or_else(free_address)).await {
                Ok(started) => return started,
                Err(text) => why = text,
            }
            // A port that is taken may be free in a moment; anything else stays as it is.
            assert!(why.contains("Address already in use"), "FreeRADIUS does not start:\n{why}");
        }
        panic!("FreeRADIUS finds no port:\n{why}");
    }

    async fn started(files: &Files, address: SocketAddr) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        files.write(dir.path(), address);
        let mut command = Command::new(SERVER);
        command.args(["-fxx", "-l", "stdout", "-n", "radiusd", "-d"]).arg(dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| missing(SERVER, &error));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut it = Self { address, told: listen(lines), _child: child, _dir: dir };
        let mut said = String::new();
        loop {
            let line = timeout(PATIENCE, it.told.recv()).await.expect("FreeRADIUS says nothing");
            let Some(line) = line else { return Err(said) };
            if line.contains("Ready to process requests") {
                return Ok(it);
            }
            let _ = writeln!(said, "{line}");
        }
    }

    /// Reads on in what it says until a line has these words; that line.
    pub async fn tells(&mut self, words: &str) -> String {
        let mut said = String::new();
        loop {
            let Ok(Some(line)) = timeout(PATIENCE, self.told.recv()).await else {
                panic!("FreeRADIUS does not say {words:?}, but:\n{said}");
            };
            if line.contains(words) {
                return line;
            }
            let _ = writeln!(said, "{line}");
        }
    }

    /// The lines that it has said and nobody has read.
    pub fn said(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }
}

impl Files {
    fn write(&self, dir: &Path, address: SocketAddr) {
        let (path, secret) = (dir.display(), self.secret);
        let (ip, port) = (address.ip(), address.port());
        let listen = format!(" listen {{\n  type = auth\n  ipaddr = {ip}\n  port = {port}\n }}");
        let server = self.server.replace("LISTEN", &listen);
        // The longest wait is below `max_request_time`; its default of 30 s would end logins that wait for a phone.
        let text = format!(
            "name = radiusd\nlogdir = {path}\nraddbdir = {path}\nrun_dir = {path}\nlibdir = /usr/lib/freeradius\n\
             max_request_time = 100\nlog {{\n destination = stdout\n}}\n\
             security {{\n reject_delay = 0\n status_server = yes\n max_attributes = 200\n}}\n\
             client local {{\n ipaddr = {ip}\n secret = \"{secret}\"\n}}\n\
             modules {{\n always ok {{\n  rcode = ok\n }}\n pap {{\n }}\n files {{\n  usersfile = {path}/users\n }}\n}}\n{server}"
        );
        std::fs::write(dir.join("radiusd.conf"), text).unwrap();
        std::fs::write(dir.join("users"), &self.users).unwrap();
    }
}

/// Reads as it writes, so that it never waits for a reader.
fn listen(mut lines: Lines<BufReader<ChildStdout>>) -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A port that nobody has at this moment.
pub fn free_address() -> SocketAddr {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn missing(program: &str, error: &std::io::Error) -> ! {
    assert_eq!(error.kind(), ErrorKind::NotFound, "{program}: {error}");
    panic!("{program} is not installed: run ./test.sh, which installs the packages freeradius and freeradius-utils");
}

/// `radclient`, from FreeRADIUS.
#[derive(Clone, Copy, Debug)]
pub struct Radclient {
    server: SocketAddr,
    /// Seconds between two copies, and how many it sends.
    retry: (&'static str, &'static str),
}

/// What `radclient -x` says.
#[derive(Debug)]
pub struct Heard {
    /// All of it.
    pub text: String,
}

impl Radclient {
    /// Asks there, once.
    pub const fn of(server: SocketAddr) -> Self {
        Self { server, retry: ("20", "1") }
    }

    /// Sends again every tenth of a second, up to 200 times.
    pub const fn impatient(self) -> Self {
        Self { retry: ("0.1", "200"), ..self }
    }

    /// Waits for longer than any window is.
    pub const fn patient(self) -> Self {
        Self { retry: ("90", "1"), ..self }
    }

    /// Sends an Access-Request with these attributes, one a line.
    pub async fn login(self, attributes: &str) -> Heard {
        self.send("auth", attributes, SECRET).await
    }

    /// The same under another secret, and for a moment only.
    pub async fn stranger(self, attributes: &str) -> Heard {
        Self { retry: ("0.2", "1"), ..self }.send("auth", attributes, "not the secret").await
    }

    /// Sends a Status-Server.
    pub async fn status(self) -> Heard {
        self.send("status", "Message-Authenticator = 0x00\n", SECRET).await
    }

    async fn send(self, kind: &str, attributes: &str, secret: &str) -> Heard {
        let (wait, copies) = self.retry;
        let mut command = Command::new(CLIENT);
        command.args(["-x", "-t", wait, "-r", copies, &self.server.to_string(), kind, secret]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| missing(CLIENT, &error));
        let mut request = child.stdin.take().unwrap();
        request.write_all(attributes.as_bytes()).await.unwrap();
        drop(request);
        let output = child.wait_with_output().await.unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        Heard { text }
    }
}

impl Heard {
    /// The lines about what came back.
    fn answer(&self) -> impl Iterator<Item = &str> {
        self.text.lines().skip_while(|line| !line.starts_with("Received "))
    }

    /// The kind of the answer, such as `Access-Accept`; nothing where none came that it believes.
    pub fn code(&self) -> Option<&str> {
        self.answer().next()?.split(' ').nth(1)
    }

    /// The values of an attribute of the answer, as FreeRADIUS writes them.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let attributes = self.answer().skip(1).map_while(|line| line.strip_prefix('\t'));
        attributes
            .filter_map(|line| line.split_once(" = ").filter(|(known, _)| *known == name))
            .map(|(_, v)| v)
            .collect()
    }

    /// The names of the attributes of the answer, in order.
    pub fn names(&self) -> Vec<&str> {
        let attributes = self.answer().skip(1).map_while(|line| line.strip_prefix('\t'));
        attributes.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect()
    }
}

/// What RD Gateway asks its NPS for this user, as `radclient` reads it.
pub fn rd_gateway_asks(user: &str) -> String {
    let user = user.replace('\\', "\\\\");
    format!(
        "User-Name = \"{user}\"\nCalled-Station-Id = \"UserAuthType:PW\"\nNAS-Port-Type = Virtual\n\
         MS-Machine-Name = \"CLIENT-PC\"\nMS-Network-Access-Server-Type = Terminal-Server-Gateway\n"
    )
}
