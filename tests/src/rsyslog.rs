//! Debian's rsyslog as the receiver of the audit log.
//!
//! Each instance has a directory and a port of its own, leaves alone what the machine has in `/etc/rsyslog.conf`, and ends
//! with the test. It needs no rights.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::interval;

/// Not in the search path of an ordinary user.
const SERVER: &str = "/usr/sbin/rsyslogd";
/// How often, and how many times, its files are looked at.
const LOOKS: (Duration, u32) = (Duration::from_millis(10), 3_000);

/// What it writes of each message, separated by tabs.
const TEMPLATE: &str =
    "%pri%\\t%timereported:::date-rfc3339%\\t%hostname%\\t%app-name%\\t%msgid%\\t%structured-data%\\t%msg%\\n";

/// A message as rsyslog has understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Facility and severity.
    pub pri: u8,
    /// When the event was.
    pub time: String,
    /// The sender.
    pub host: String,
    /// The program.
    pub app: String,
    /// The kind of event.
    pub msgid: String,
    /// The structured data.
    pub data: String,
    /// The rest: the event.
    pub text: String,
}

/// An rsyslog that runs, or did.
pub struct Rsyslog {
    dir: TempDir,
    port: u16,
    is_tls: bool,
    child: Option<Child>,
}

impl Rsyslog {
    /// One that listens by plain TCP.
    pub async fn tcp() -> Self {
        Self::new(false).await
    }

    /// One that listens by TLS as `localhost`, with a certificate of its own making.
    pub async fn tls() -> Self {
        Self::new(true).await
    }

    async fn new(is_tls: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if is_tls {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
            let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
            fs::write(dir.path().join("key.pem"), key.serialize_pem()).unwrap();
            fs::write(dir.path().join("certificate.pem"), certificate.pem()).unwrap();
        }
        let mut it = Self { dir, port: 0, is_tls, child: None };
        it.start().await;
        it
    }

    /// Starts it, where it was before.
    pub async fn start(&mut self) {
        let path = |name: &str| self.dir.path().join(name).to_str().unwrap().to_owned();
        let driver = if self.is_tls {
            " streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\""
        } else {
            ""
        };
        let certificate = format!(
            "global(defaultNetstreamDriverCAFile=\"{0}\" defaultNetstreamDriverCertFile=\"{0}\" defaultNetstreamDriverKeyFile=\"{1}\")\n",
            path("certificate.pem"),
            path("key.pem")
        );
        let text = format!(
            "global(workDirectory=\"{}\" maxMessageSize=\"64k\" parser.escapeControlCharactersOnReceive=\"off\")\n{}\
             module(load=\"imtcp\"{driver})\ntemplate(name=\"told\" type=\"string\" string=\"{TEMPLATE}\")\n\
             input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{}\" listenPortFileName=\"{}\" ruleset=\"in\")\n\
             ruleset(name=\"in\") {{ action(type=\"omfile\" file=\"{}\" template=\"told\") }}\n",
            self.dir.path().display(),
            if self.is_tls { certificate.as_str() } else { "" },
            self.port,
            path("port"),
            path("received"),
        );
        fs::write(self.dir.path().join("rsyslog.conf"), text).unwrap();
        drop(fs::remove_file(self.dir.path().join("port")));
        let mut command = Command::new(SERVER);
        command.arg("-n").arg("-f").arg(path("rsyslog.conf")).arg("-i").arg(path("pid"));
        let log = fs::File::options().create(true).append(true).open(path("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        self.child = Some(command.spawn().unwrap_or_else(|error| panic!("{SERVER}: {error}: ./test.sh installs it")));
        let mut looks = interval(LOOKS.0);
        for _ in 0..LOOKS.1 {
            looks.tick().await;
            // It names the port only where it chose that itself.
            let told = fs::read_to_string(self.dir.path().join("port")).unwrap_or_default();
            self.port = told.trim().parse().unwrap_or(self.port);
            if self.port != 0 && TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
        }
        panic!("rsyslog does not listen: {}", fs::read_to_string(path("log")).unwrap_or_default());
    }

    /// Ends it: as the system does when it is restarted, or without giving it time for anything.
    pub async fn stop(&mut self, signal: Signal) {
        let mut child = self.child.take().expect("it runs");
        let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        child.wait().await.unwrap();
    }

    /// The setting `audit_syslog` that it is reached by.
    #[must_use]
    pub fn address(&self) -> String {
        if self.is_tls { format!("tls://localhost:{}", self.port) } else { format!("tcp://127.0.0.1:{}", self.port) }
    }

    /// The certificate that it has, by TLS.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join("certificate.pem")
    }

    /// What it has written until now.
    #[must_use]
    pub fn received(&self) -> Vec<Message> {
        let text = fs::read_to_string(self.dir.path().join("received")).unwrap_or_default();
        // A line that is being written has no end yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(message).collect()
    }

    /// Waits until what it has written is as it should be.
    pub async fn until(&self, what: &str, mut is_there: impl FnMut(&[Message]) -> bool) -> Vec<Message> {
        let mut looks = interval(LOOKS.0);
        for _ in 0..LOOKS.1 {
            looks.tick().await;
            let received = self.received();
            if is_there(&received) {
                return received;
            }
        }
        panic!("rsyslog has not received {what}, but {:#?}", self.received());
    }
}

fn message(line: &str) -> Message {
    let cells: Vec<&str> = line.splitn(7, '\t').collect();
    let [pri, time, host, app, msgid, data, text] = cells[..] else { panic!("not as the template has it: {line:?}") };
    Message {
        pri: pri.parse().unwrap(),
        time: time.to_owned(),
        host: host.to_owned(),
        app: app.to_owned(),
        msgid: msgid.to_owned(),
        data: data.to_owned(),
        text: text.to_owned(),
    }
}
