//! What `docs/policy.md` says: each file in it can hold, and each command in it answers as it says.

use std::fs;
use std::path::PathBuf;

use gatematch_tests::places::places;

use crate::machine::Machine;

fn guide() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/policy.md"))
}

/// A machine on which the commands of the guide can be run.
async fn machine() -> Machine {
    let mut machine = Machine::new();
    let file = machine.path().join("places.mmdb");
    fs::write(&file, places()).unwrap();
    machine.set("GATEMATCH_PLACES_FILE", file.to_str().unwrap());
    for entry in fs::read_dir(guide().with_file_name("policy")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, machine.path().join(path.file_name().unwrap())).unwrap();
    }
    for gateway in ["rdg01", "vpn01"] {
        machine.json(&format!("gateway add {gateway} --application Desktop --can-display")).await;
    }
    machine
}

/// The guide as it should be: after each command what that answers.
async fn answered(machine: &Machine, text: &str) -> (String, usize) {
    let (mut guide, mut commands) = (String::new(), 0);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        guide.push_str(line);
        guide.push('\n');
        if line != "```console" {
            continue;
        }
        let command = lines.next().unwrap();
        let words = command.strip_prefix("$ gatematch ").unwrap();
        commands += 1;
        guide.push_str(command);
        guide.push('\n');
        guide.push_str(&machine.done(words).await);
        guide.push_str("```\n");
        assert!(lines.any(|line| line == "```"), "{command} has no end");
    }
    (guide, commands)
}

#[tokio::test]
async fn the_commands_of_the_guide_answer_as_it_says() {
    let text = fs::read_to_string(guide()).unwrap();
    let (expected, commands) = answered(&machine().await, &text).await;
    assert!(commands >= 7, "{commands} commands");
    for (number, (is, should)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(is, should, "line {} of docs/policy.md", number + 1);
    }
    assert_eq!(text, expected);
}

#[tokio::test]
async fn the_files_of_the_guide_can_hold_and_stand_in_it_word_for_word() {
    let (machine, text) = (machine().await, fs::read_to_string(guide()).unwrap());
    let files = [
        ("pilot", "rule \"not-yet\" lets everybody in"),
        ("administrators", ""),
        ("office", ""),
        ("countries", ""),
        ("nights", ""),
        ("services", ""),
        ("contractors", ""),
    ];
    for (name, warning) in files {
        let file = format!("{name}.toml");
        let rules = fs::read_to_string(machine.path().join(&file)).unwrap();
        let quoted = format!("[policy/{file}](policy/{file})\n\n```toml\n{rules}```\n");
        assert!(text.contains(&quoted), "{file} is not in the guide as it is");
        let checked = machine.json(&format!("policy check {file}")).await;
        let warnings = checked["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), usize::from(!warning.is_empty()), "{file}: {warnings:?}");
        assert!(warnings.iter().all(|told| told.as_str().unwrap().starts_with(warning)), "{file}: {warnings:?}");
    }
    assert_eq!(fs::read_dir(guide().with_file_name("policy")).unwrap().count(), files.len());
}

/// Writes the answers into the guide, to be looked at: `cargo test -p gatematch-tests write_the_answers -- --ignored`
#[tokio::test]
#[ignore = "it writes into the source tree"]
async fn write_the_answers_into_the_guide() {
    let text = fs::read_to_string(guide()).unwrap();
    fs::write(guide(), answered(&machine().await, &text).await.0).unwrap();
}
