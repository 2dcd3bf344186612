use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::umask;
use serde_json::Value;

use crate::cli::tests::Shell;
use crate::edge::Edge;
use crate::settings::Settings;
use crate::start;
use crate::vault::KEY_FILE;

/// Everything in a directory.
fn contents(directory: &Path) -> BTreeMap<std::ffi::OsString, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
}

/// The first result of each part.
fn results(report: &Value) -> BTreeMap<&str, &str> {
    let mut results = BTreeMap::new();
    for check in report["checks"].as_array().unwrap() {
        results.entry(check["part"].as_str().unwrap()).or_insert(check["result"].as_str().unwrap());
    }
    results
}

/// Settings that listen where nobody else does: the default port may be taken.
fn settled(shell: &mut Shell) {
    shell.variables.push(("GATEMATCH_LISTEN", "127.0.0.1:0"));
}

#[tokio::test]
async fn before_the_first_start_nothing_fails_and_nothing_is_made() {
    let mut shell = Shell::new();
    settled(&mut shell);
    let report = shell.json("doctor").await;
    assert_eq!((&report["failed"], results(&report)["data directory"]), (&Value::from(0), "warn"));
    assert!(!shell.data().exists());
}

#[tokio::test]
async fn a_sound_server_is_found_sound_and_left_as_it_is() {
    let mut shell = Shell::new();
    settled(&mut shell);
    shell.done("user add alice").await;
    let before = contents(&shell.data());
    let report = shell.json("doctor").await;
    let found = results(&report);
    for part in ["settings", "data directory", "database", "master key", "clock", "certificate", "ports"] {
        assert_eq!(found.get(part), Some(&"ok"), "{part}: {report}");
    }
    assert_eq!(contents(&shell.data()), before);
    let text = shell.run("doctor").await;
    assert_eq!(text.code, 0, "{}", text.err);
    assert!(text.out.contains("OK    database") && text.out.ends_with(" 0 failing.\n"), "{}", text.out);
    let key = fs::read_to_string(shell.data().join(KEY_FILE)).unwrap();
    assert!(!text.out.contains(key.trim()));
}

#[tokio::test]
async fn it_works_beside_a_running_server() {
    let mut shell = Shell::new();
    // As the program begins.
    umask(Mode::RWXG | Mode::RWXO);
    let running = start::serve(Settings::for_data_dir(&shell.data()), Edge::system()).await.unwrap();
    let listen: &'static str = running.address().to_string().leak();
    shell.variables.push(("GATEMATCH_LISTEN", listen));
    let report = shell.json("doctor").await;
    assert_eq!((results(&report)["database"], results(&report)["ports"]), ("ok", "ok"), "{report}");
    assert!(report.to_string().contains("is held by a Gatematch that runs"), "{report}");
    running.stop().await;
}

#[tokio::test]
async fn what_fails_is_told_and_the_command_fails() {
    let mut shell = Shell::new();
    settled(&mut shell);
    shell.done("user add alice").await;
    let key = shell.data().join(KEY_FILE);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let ended = shell.run("doctor").await;
    assert_eq!((ended.code, ended.err.as_str()), (1, "error: One check fails.\n"));
    assert!(ended.out.contains("FAIL  master key") && ended.out.contains("chmod 600"), "{}", ended.out);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n").unwrap();
    let ended = shell.run("doctor").await;
    assert!(ended.code == 1 && masked(&ended.out).contains("is another one than the database"), "{}", ended.out);
    fs::remove_file(&key).unwrap();
    let ended = shell.run("doctor").await;
    assert!(
        ended.code == 1 && masked(&ended.out).contains("is missing, and the database is sealed under it"),
        "{}",
        ended.out
    );
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_a_finding() {
    let mut shell = Shell::new();
    shell.variables.push(("GATEMATCH_LISTEN", "nonsense"));
    let ended = shell.run("doctor").await;
    assert!(ended.code == 1 && ended.out.starts_with("FAIL  settings  GATEMATCH_LISTEN"), "{}{}", ended.out, ended.err);
    assert_eq!(shell.run("doctor --network").await.code, 2);
}

#[tokio::test]
async fn another_account_is_told_how_to_run_it() {
    let mut shell = Shell::new();
    settled(&mut shell);
    shell.done("user add alice").await;
    let stranger = rustix::process::geteuid().as_raw() + 1;
    let ended = shell.run_as(stranger, "doctor").await;
    assert!(
        ended.code == 1 && ended.out.contains("FAIL  data directory") && ended.out.contains("Run: "),
        "{}",
        ended.out
    );
}

/// What a document shows below a command.
pub(super) fn shown_in(document: &str, command: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs").join(document);
    let text = fs::read_to_string(path).unwrap();
    let (_, shown) = text.split_once(&format!("$ {command}\n")).unwrap_or_else(|| panic!("{document}: {command}"));
    shown.split("```").next().unwrap().to_owned()
}

/// What stays of a text on every machine: no numbers, and one blank between words.
pub(super) fn masked(text: &str) -> String {
    let mut masked = String::new();
    for c in text.chars().map(|c| if c.is_ascii_digit() { 'N' } else { c }) {
        if !(c == 'N' && masked.ends_with('N')) {
            masked.push(c);
        }
    }
    masked.split_whitespace().collect::<Vec<_>>().join(" ").replace("MiB", "GiB")
}

#[tokio::test]
async fn the_document_shows_what_is_printed() {
    let mut shell = Shell::new();
    let own = shell.data().parent().unwrap().to_owned();
    let file = own.join("gatematch.toml");
    let text = "issuer = \"https://mfa.example.com\"\ntrusted_proxies = [\"127.0.0.1\"]\ndomains = [\"CONTOSO\"]\n\
                places_file = \"places.mmdb\"\naudit_file = \"audit.jsonl\"\nlisten = \"127.0.0.1:PORT\"\n";
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    fs::write(&file, text.replace("PORT", &port.to_string())).unwrap();
    shell.variables.push(("GATEMATCH_CONFIG", file.to_str().unwrap().to_owned().leak()));
    shell.done("user add alice").await;
    fs::set_permissions(shell.data().join(KEY_FILE), fs::Permissions::from_mode(0o640)).unwrap();
    let ended = shell.run("doctor").await;
    let printed = ended.out + &ended.err;
    let printed = printed.replace(shell.data().to_str().unwrap(), "/var/lib/gatematch");
    let printed = printed.replace(own.to_str().unwrap(), "/etc/gatematch");
    assert_eq!(masked(&printed), masked(&shown_in("operations.md", "gatematch doctor")), "{printed}");
}
