//! A real PostgreSQL of the test's own: its own files, a unix socket and a TCP port of its own. It leaves alone what the
//! machine has otherwise, and ends with the test, also where the test panics or is killed.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{interval, timeout};

use crate::port::quiet_address;

/// Whose name stands in the database's own rights; everybody on this machine may be he, as the files are thrown away.
const USER: &str = "postgres";
/// PostgreSQL refuses to run as root. Debian makes this account for it.
const ACCOUNT: &str = "postgres";
/// Where Debian puts the programs, a directory for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// What is a directory in memory on every Linux, and how much must be free there, in bytes.
const MEMORY: &str = "/dev/shm";
const ROOM: u64 = 2 << 30;
/// How the names of the directories begin; the process follows that made it.
const NAME: &str = "gatematch-postgres-";
/// What takes longer than this has failed.
const LONG: Duration = Duration::from_secs(30);
/// How often, and how many times, a start is tried where the one before has not quite gone.
const TRIES: (Duration, u32) = (Duration::from_millis(20), 500);
/// Few and small: many of these run side by side. What it shares between its processes is in its own directory, so that
/// nothing is left elsewhere when it is killed. What makes writes durable is as it is by default.
const SETTINGS: [&str; 5] = [
    "shared_buffers=32MB",
    "max_connections=200",
    "dynamic_shared_memory_type=mmap",
    "log_line_prefix=%m [%p] ",
    "restart_after_crash=on",
];

/// A PostgreSQL that runs, or did.
pub struct Postgres {
    dir: TempDir,
    address: SocketAddr,
    settings: Vec<String>,
    server: Option<Server>,
    log: Arc<Mutex<String>>,
}

/// How a server is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As `systemctl restart` does: transactions are broken off, everything is written.
    Fast,
    /// Nothing is written any more; the next start recovers.
    Immediate,
    /// `kill -9` of the first process. The others notice, and end themselves.
    Killed,
}

/// The process; whoever forgets it ends it.
struct Server {
    child: Child,
    told: UnboundedReceiver<String>,
}

impl Postgres {
    /// One that is ready, with no database of ours in it.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// One with other settings, such as `fsync=off`.
    pub async fn start_with(settings: &[&str]) -> Self {
        let dir = directory();
        let mut made = as_account("initdb");
        made.arg("-D").arg(dir.path().join("data")).args(["--no-sync", "--no-instructions", "--auth=trust"]);
        made.args(["--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1", "--username", USER]).stdin(Stdio::null());
        done(made).await;
        let settings = SETTINGS.iter().chain(settings).map(|setting| (*setting).to_owned()).collect();
        let mut it = Self { dir, address: quiet_address(), settings, server: None, log: Arc::default() };
        it.again().await;
        it
    }

    /// A second server that follows this one. From now on, no commit is acknowledged here before it is there as well.
    pub async fn standby(&self) -> Self {
        let dir = directory();
        let mut copied = as_account("pg_basebackup");
        let from = format!("host={} port={} user={USER}", self.dir.path().display(), self.address.port());
        copied.arg("-D").arg(dir.path().join("data")).args([
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
            "-d",
            &from,
        ]);
        done(copied).await;
        let settings = self.settings.clone();
        let mut it = Self { dir, address: quiet_address(), settings, server: None, log: Arc::default() };
        it.again().await;
        self.query("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        self.query("postgres", "SELECT pg_reload_conf()").await;
        let mut looks = interval(TRIES.0);
        for _ in 0..TRIES.1 {
            looks.tick().await;
            if self.query("postgres", "SELECT sync_state FROM pg_stat_replication").await == "sync" {
                return it;
            }
        }
        panic!("the second server does not follow: {}", it.log());
    }

    /// Makes the server that follows the one that others write to.
    pub async fn promote(&self) {
        assert_eq!(self.query("postgres", "SELECT pg_promote()").await, "t");
    }

    /// Starts it again where it was, after it has ended.
    pub async fn again(&mut self) {
        assert!(self.server.is_none(), "it runs");
        let mut looks = interval(TRIES.0);
        for _ in 0..TRIES.1 {
            looks.tick().await;
            let mut server = self.spawn();
            match timeout(LONG, server.ready()).await.expect("PostgreSQL says nothing") {
                Ok(()) => {
                    self.server = Some(server);
                    return;
                }
                // Those whose first process was killed need a moment to notice.
                Err(told) if told.contains("shared memory block") || told.contains("postmaster.pid") => {}
                Err(told) => panic!("PostgreSQL does not start:\n{told}"),
            }
        }
        panic!("PostgreSQL does not start again:\n{}", self.log());
    }

    fn spawn(&self) -> Server {
        let mut command = as_account("postgres");
        command.arg("-D").arg(self.dir.path().join("data"));
        command.arg("-k").arg(self.dir.path()).arg("-p").arg(self.address.port().to_string());
        command.arg("-c").arg(format!("listen_addresses={}", self.address.ip()));
        command.args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, told) = unbounded_channel();
        let (lines, log) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&self.log));
        // It must never wait for a reader, so a thread reads on; it ends when the last of its processes does.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = writeln!(log.lock().unwrap(), "{line}");
                let _ = sender.send(line);
            }
        });
        Server { child, told }
    }

    /// Ends it.
    pub async fn stop(&mut self, ending: Ending) {
        let mut server = self.server.take().expect("it runs");
        server.signal(match ending {
            Ending::Fast => Signal::INT,
            Ending::Immediate => Signal::QUIT,
            Ending::Killed => Signal::KILL,
        });
        let ended = tokio::task::spawn_blocking(move || server.child.wait());
        timeout(LONG, ended).await.expect("PostgreSQL does not end").unwrap().unwrap();
    }

    /// Ends it and starts it again.
    pub async fn restart(&mut self, ending: Ending) {
        self.stop(ending).await;
        self.again().await;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `database_url` of one of its databases, by TCP.
    pub fn url(&self, database: &str) -> String {
        url(self.address, database)
    }

    /// `database_url` of one of its databases, by the unix socket.
    pub fn socket_url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user={USER}", self.dir.path().display(), self.address.port())
    }

    /// Makes an empty database; its name needs no quotes.
    pub async fn create_database(&self, name: &str) {
        self.query("postgres", &format!("CREATE DATABASE {name}")).await;
    }

    /// What `psql` answers: a line for each row, its cells separated by `|`.
    pub async fn query(&self, database: &str, sql: &str) -> String {
        let (host, port) = (self.dir.path().display().to_string(), self.address.port());
        psql(&host, port, database, sql).await.unwrap_or_else(|told| panic!("{sql}: {told}"))
    }

    /// All that is in a database, as `pg_dump` writes it.
    pub async fn dump(&self, database: &str) -> String {
        let mut command = tokio::process::Command::new(programs().join("pg_dump"));
        command.arg("-h").arg(self.dir.path()).args([
            "-p",
            &self.address.port().to_string(),
            "-U",
            USER,
            "-d",
            database,
        ]);
        let output = timeout(LONG, command.env_clear().output()).await.expect("pg_dump does not end").unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        // Two lines have a new random word each time.
        let lines = text.lines().filter(|line| !line.contains("restrict "));
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Server {
    /// Reads what it says until it takes connections; all that it has said, where it ends instead.
    async fn ready(&mut self) -> Result<(), String> {
        let mut said = String::new();
        while let Some(line) = self.told.recv().await {
            if line.contains("database system is ready to accept") {
                return Ok(());
            }
            let _ = writeln!(said, "{line}");
        }
        Err(said)
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Not SIGKILL: that would leave its shared memory behind.
            self.signal(Signal::QUIT);
            let _ = self.child.wait();
        }
    }
}

/// A new directory, in memory where there is room for it: many of these run side by side, and each flushes every file that
/// it has when it starts again after a crash. A process that is killed loses nothing of what the system was given, so
/// that tells as much here as on a disk.
fn directory() -> TempDir {
    let room = rustix::fs::statvfs(MEMORY).map_or(0, |space| space.f_bavail.saturating_mul(space.f_frsize));
    let place = if room >= ROOM { PathBuf::from(MEMORY) } else { std::env::temp_dir() };
    // Whoever was killed has left his behind.
    for entry in std::fs::read_dir(&place).unwrap().filter_map(Result::ok) {
        let owner =
            entry.file_name().to_str().and_then(|name| name.strip_prefix(NAME)?.split('-').next()?.parse().ok());
        if owner.is_some_and(|pid: u32| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let dir = tempfile::Builder::new().prefix(&format!("{NAME}{}-", std::process::id())).tempdir_in(place).unwrap();
    if is_root() {
        let (user, group) = account();
        chown(dir.path(), Some(user), Some(group)).unwrap();
    }
    dir
}

/// `database_url` of a database that is reached there.
pub fn url(address: SocketAddr, database: &str) -> String {
    format!("postgres://{USER}@{address}/{database}")
}

/// What `psql` answers, which finds the server there.
///
/// # Errors
/// What it says where it fails.
pub async fn psql(host: &str, port: u16, database: &str, sql: &str) -> Result<String, String> {
    let mut command = tokio::process::Command::new(programs().join("psql"));
    command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", USER, "-d", database, "-c", sql]);
    command.args(["-h", host, "-p", &port.to_string()]).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(LONG, command.output()).await.expect("psql does not end").unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// One of the programs, run by whom PostgreSQL lets run it. It ends when the thread does that starts it.
fn as_account(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    // Killing this test must not leave a server behind, and none of its shared memory.
    command.args(["--pdeathsig", "QUIT"]);
    if is_root() {
        command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--init-groups"]);
    }
    command.arg("--").arg(programs().join(program)).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    command.current_dir("/");
    command
}

/// Runs a program to its good end.
async fn done(program: Command) {
    let ended = tokio::process::Command::from(program).output().await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The ids of the account that it runs as instead of root.
fn account() -> (u32, u32) {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts.lines().find_map(|line| line.strip_prefix(ACCOUNT)?.strip_prefix(':'));
    let cells: Vec<&str> = line.expect("the account postgres is there: ./test.sh installs it").split(':').collect();
    (cells[1].parse().unwrap(), cells[2].parse().unwrap())
}

/// Where PostgreSQL's own programs are: where `initdb` in the search path really is, or the newest that Debian has. What
/// Debian puts into the search path as `psql` is a wrapper that looks for clusters of the machine.
fn programs() -> PathBuf {
    let is_there = |dir: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| dir.join(name).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let real = std::env::split_paths(&path).filter_map(|dir| std::fs::canonicalize(dir.join("initdb")).ok());
    let in_path = real.filter_map(|program| Some(program.parent()?.to_owned())).find(is_there);
    in_path.or_else(|| debian().into_iter().rfind(is_there)).unwrap_or_else(|| {
        panic!("PostgreSQL is not installed: run ./test.sh, which installs the package postgresql");
    })
}

/// Debian's directories of programs, the newest version last.
fn debian() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(DEBIAN).into_iter().flatten().filter_map(Result::ok);
    let mut versions: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable();
    versions.into_iter().map(|version| Path::new(DEBIAN).join(version.to_string()).join("bin")).collect()
}
