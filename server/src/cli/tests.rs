mod factors;
mod phones;

use clap::{CommandFactory as _, Parser};
use serde_json::Value;

use super::terminal::tests::Paper;
use super::*;
use crate::cli::serve::{Beside, Companion};
use crate::edge::Pending;
use crate::start::Running;

const NOBODY: Companion = Companion { check: |_, _| Ok(Vec::new()), door: |_, _| Ok(None), start: nothing_beside };

fn nothing_beside<'a>(_: &'a Settings, _: &'a Environment, _: &'a Running) -> Pending<'a, Result<Beside, Fault>> {
    Box::pin(async { Ok(Beside { listens: Vec::new(), stop: Box::pin(async {}) }) })
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Somebody at the command line of a server that has its data in `dir`.
pub(super) struct Shell {
    dir: tempfile::TempDir,
    pub(super) variables: Vec<(&'static str, &'static str)>,
}

/// How a command ended.
pub(super) struct Ended {
    pub(super) out: String,
    pub(super) err: String,
    pub(super) code: u8,
}

impl Shell {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub(super) fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    pub(super) async fn run(&self, line: &str) -> Ended {
        self.run_as(rustix::process::geteuid().as_raw(), line).await
    }

    pub(super) async fn run_as(&self, uid: u32, line: &str) -> Ended {
        let words = ["gatematch", "--data-dir", self.data().to_str().unwrap()].map(str::to_owned);
        let words: Vec<_> = words.into_iter().chain(line.split(' ').map(str::to_owned)).collect();
        let caller = Caller { uid, words: words.iter().map(Into::into).collect() };
        let Line { globals, command } = Line::try_parse_from(words).unwrap();
        let (out, err) = (Paper::default(), Paper::default());
        let mut terminal = Terminal::plain(out.clone(), err.clone(), globals.json);
        let environment = self.variables.iter().copied().collect();
        let code = match run_as(&caller, &command, &globals, &environment, NOBODY, &mut terminal).await {
            Ok(()) => 0,
            Err(fault) => {
                terminal.fault(&fault);
                fault.exit_code()
            }
        };
        Ended { out: out.take(), err: err.take(), code }
    }

    pub(super) async fn done(&self, line: &str) -> String {
        let ended = self.run(line).await;
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{line}");
        ended.out
    }

    pub(super) async fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{line} --json")).await).unwrap()
    }

    async fn refused(&self, line: &str) -> String {
        let ended = self.run(line).await;
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{line}: {}", ended.err);
        ended.err
    }
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn keys_are_made_listed_and_taken_away() {
    let shell = Shell::new();
    let key = shell.json("admin-key create --role helpdesk --name Desk").await;
    assert_eq!(members(&key), ["id", "key"]);
    assert!(key["key"].as_str().unwrap().starts_with("gma_"));
    let id = key["id"].as_str().unwrap();
    let list = shell.done("admin-key list").await;
    assert!(list.contains(id) && list.contains("helpdesk") && !list.contains("gma_"), "{list}");
    shell.done(&format!("admin-key revoke {id}")).await;
    assert!(shell.refused(&format!("admin-key revoke {id}")).await.contains("gatematch admin-key list"));
    assert_eq!(shell.json("admin-key list").await["items"], Value::Array(vec![]));
}

#[tokio::test]
async fn a_key_is_somebodys_who_is_there() {
    let shell = Shell::new();
    let line = "admin-key create --role admin --name Desk --user";
    assert!(shell.refused(&format!("{line} alice")).await.contains("There is no database"));
    shell.done("user add alice").await;
    assert!(shell.refused(&format!("{line} nobody")).await.contains("There is no user nobody."));
    assert_eq!(shell.json("admin-key list").await["items"], Value::Array(vec![]));
    shell.done(&format!("{line} CONTOSO\\Alice")).await;
    shell.done("admin-key create --role auditor --name Log").await;
    let list = shell.done("admin-key list").await;
    assert!(list.lines().next().unwrap().contains("NAME  USER   MADE") && list.contains("Desk  alice  "), "{list}");
    let items = shell.json("admin-key list").await["items"].clone();
    assert_eq!((&items[0]["user"], &items[1]["user"]), (&"alice".into(), &Value::Null));
}

#[tokio::test]
async fn gateways_are_added_listed_and_removed() {
    let shell = Shell::new();
    let gateway = shell.json("gateway add rdg01 --application Desktop --can-display").await;
    assert_eq!(members(&gateway), ["id", "key"]);
    assert!(gateway["key"].as_str().unwrap().starts_with("gmg_"));
    let listed = &shell.json("gateway list").await["items"][0];
    assert_eq!(
        (&listed["id"], &listed["can_display"], &listed["client_address"]),
        (&gateway["id"], &true.into(), &"trusted".into())
    );
    let id = gateway["id"].as_str().unwrap();
    assert!(shell.done("gateway list").await.contains("shows it"));
    shell.done(&format!("gateway remove {id}")).await;
    assert!(shell.refused(&format!("gateway remove {id}")).await.contains("no gateway"));
    let ended = shell.run(&format!("gateway add {} --application x", "n".repeat(65))).await;
    assert_eq!((ended.code, ended.out.as_str()), (2, ""));
}

#[tokio::test]
async fn people_are_kept_locked_and_let_go() {
    let shell = Shell::new();
    let added = shell.done("user add CONTOSO\\Alice --display-name Alice --email a@b --group Staff").await;
    assert!(added.contains("alice is there") && added.contains("gatematch enroll alice"), "{added}");
    assert!(shell.done("user add alice --display-name Alicia").await.contains("was there already"));
    let alice = shell.json("user add alice").await;
    assert_eq!((&alice["display_name"], &alice["groups"][0]), (&"Alicia".into(), &"Staff".into()));
    assert!(shell.done("user show ALICE@contoso.com").await.contains("no: no phone is enrolled"));
    assert!(shell.done("user lock alice --reason lost").await.contains("is locked"));
    assert!(shell.done("user lock alice --reason lost").await.contains("already"));
    assert!(shell.done("user show alice").await.contains("no: locked (lost)"));
    assert!(shell.done("user unlock alice --reason found").await.contains("is unlocked"));
    assert_eq!(shell.json("user disable alice").await["status"], "disabled");
    assert!(shell.refused("enroll alice").await.contains("gatematch user enable alice"));
    assert!(shell.done("user list --query ALI").await.contains("disabled"));
    assert_eq!(shell.json("user enable alice").await["status"], "active");
    assert!(shell.done("user delete alice").await.contains("is deleted"));
    for line in [
        "user show alice",
        "user lock alice --reason x",
        "user disable alice",
        "user delete alice",
        "enroll alice",
        "device list alice",
        "authenticator list alice",
        "pass alice --for 8h --reason x",
        "pass alice --end --reason x",
        "recovery-codes alice --reason x",
        "totp add alice --reason x",
        "bypass add alice --for 2h --reason x",
        "bypass list alice",
    ] {
        assert!(shell.refused(line).await.contains("no user alice"), "{line}");
    }
    assert_eq!(shell.run("user add a/b").await.code, 2);
}

#[tokio::test]
async fn a_link_is_made_and_drawn() {
    let mut shell = Shell::new();
    shell.variables.push(("GATEMATCH_ISSUER", "https://mfa.example.com"));
    shell.done("user add alice").await;
    let enrollment = shell.json("enroll alice --expires-in 60").await;
    let (token, link) = (enrollment["token"].as_str().unwrap(), enrollment["link"].as_str().unwrap());
    assert_eq!(link, format!("https://mfa.example.com/app/#enroll={token}"));
    let shown = shell.done("enroll alice").await;
    assert!(shown.contains("https://mfa.example.com/app/#enroll=gme_") && shown.contains('\u{2588}'), "{shown}");
    assert!(shown.lines().filter(|line| line.contains('\u{2588}')).all(|line| line.chars().count() <= 80));
    assert!(shell.done("device list alice").await.contains("has no phone"));
    shell.variables = vec![("GATEMATCH_LISTEN", "127.0.0.1:0")];
    assert!(shell.refused("enroll alice").await.contains("GATEMATCH_ISSUER"));
    assert!(shell.refused("device revoke 01890a5d-ac96-774b-bcce-b302099a8057").await.contains("no phone"));
}

#[tokio::test]
async fn the_tail_of_the_audit_log_is_its_end() {
    let shell = Shell::new();
    for index in 0..7 {
        shell.done(&format!("user add user{}", index % 2)).await;
        shell.done(&format!("user lock user{} --reason r{index}", index % 2)).await;
        shell.done(&format!("user unlock user{} --reason r{index}", index % 2)).await;
    }
    let seqs = async |line: &str| -> Vec<u64> {
        let text = shell.done(line).await;
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()).collect()
    };
    let all = seqs("audit tail --json -n 1000").await;
    // The first one tells of the first data key.
    assert_eq!(all, (1..=17).collect::<Vec<_>>(), "gapless");
    assert_eq!(seqs("audit tail --json -n 3").await, [15, 16, 17]);
    assert!(seqs("audit tail --json -n 0").await.is_empty());
    let one = seqs("audit tail --json --user USER1 -n 4").await;
    let ones = seqs("audit tail --json --user user1 -n 1000").await;
    assert_eq!(one, ones[ones.len() - 4..]);
    assert!(seqs("audit tail --json --user nobody").await.is_empty());
    let text = shell.done("audit tail -n 2").await;
    assert!(text.starts_with("SEQ") && text.contains("user.locked") && text.contains("cli:"), "{text}");
}

#[tokio::test]
async fn another_account_is_refused_before_anything_is_made() {
    let shell = Shell::new();
    std::fs::create_dir(shell.data()).unwrap();
    let stranger = rustix::process::geteuid().as_raw() + 1;
    for line in ["user list", "admin-key create --role admin --name x", "serve", "audit tail"] {
        let ended = shell.run_as(stranger, line).await;
        assert_eq!(ended.code, 1, "{line}");
        assert!(ended.err.contains("Run: ") && ended.err.contains(line), "{}", ended.err);
    }
    assert_eq!(std::fs::read_dir(shell.data()).unwrap().count(), 0);
}

#[tokio::test]
async fn nothing_is_looked_for_where_no_database_is() {
    let mut shell = Shell::new();
    for line in ["user list", "admin-key list", "audit tail", "enroll alice", "user lock alice --reason x"] {
        assert!(shell.refused(line).await.contains("There is no database"), "{line}");
    }
    assert!(!shell.data().exists());
    shell.done("user add alice").await;
    std::fs::remove_file(shell.data().join("gatematch.db")).unwrap();
    let ended = shell.run("user list").await;
    assert_eq!(ended.code, 3);
    assert!(ended.err.contains("Restore it from a backup"), "{}", ended.err);
    shell.variables = vec![("GATEMATCH_LISTEN", "0.0.0.0:80")];
    let ended = shell.run("user list").await;
    assert_eq!(ended.code, 2);
    assert!(ended.err.starts_with("error: GATEMATCH_LISTEN is 0.0.0.0:80"), "{}", ended.err);
    shell.variables = vec![("GATEMATCH_LISEN", "x")];
    assert!(shell.run("user list").await.err.starts_with("GATEMATCH_LISEN is not a setting"));
}

#[tokio::test]
async fn a_settings_file_is_written_once() {
    let shell = Shell::new();
    let path = shell.dir.path().join("g.toml");
    let line = format!("init {}", path.display());
    assert!(shell.done(&line).await.contains("gatematch serve --config"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), crate::settings::TEMPLATE);
    std::fs::write(&path, "name = \"mine\"").unwrap();
    assert!(shell.refused(&line).await.contains("left as it is"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "name = \"mine\"");
}
