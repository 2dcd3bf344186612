//! Settings that make no sense are refused by the name of the key, with exit code 2, by both programs.

use std::net::UdpSocket;

use gatematch_tests::front::{PATIENCE, SECRET};
use tokio::time::timeout;

use super::{Town, gatematch_radius};
use crate::machine::Machine;

/// What `gatematch-radius` answers to a command line that must end by itself: exit code, stdout, stderr.
async fn ended(machine: &Machine, words: &[&str]) -> (Option<i32>, String, String) {
    let output = timeout(PATIENCE, gatematch_radius(machine, words, &[("EMPTY", "")]).output()).await;
    let output = output.unwrap_or_else(|_| panic!("{words:?} does not end")).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn standalone_wrong_settings_are_refused_by_the_name_of_the_key() {
    let town = Town::new().await;
    let whole = town.table("");
    let key = format!("gateway_key = \"{}\"", town.key);
    let secret = format!("secret = \"{SECRET}\"");
    let mut wrong = vec![(whole.replace("127.0.0.1:0", "1812"), "listen")];
    for (keys, named) in [
        ("time_limit = 1", "time_limit"),
        ("style = \"wait\"", "style"),
        ("colour = 1", "colour"),
        ("first_factor = \"radius\"", "first_factor"),
        ("require_message_authenticator = \"yes\"", "require_message_authenticator"),
        ("accept = { Nonsense = 1 }", "Nonsense"),
        ("accept = { \"User-Password\" = \"x\" }", "User-Password"),
        ("secret_env = \"EMPTY\"", "secret is given more than once"),
        ("first_factor = \"radius\"\n[[radius.upstream]]\nname = \"nps\"\naddress = \"10.0.0.5\"", "address"),
        ("[[radius.client]]\nname = \"rdg01\"", "radius.client.rdg01"),
    ] {
        wrong.push((format!("{whole}{keys}\n"), named));
    }
    for (from, to, named) in [
        (secret.as_str(), "secret_env = \"EMPTY\"", "secret_env names EMPTY"),
        (&secret, "secret_file = \"not-there\"", "not-there"),
        (&secret, "", "secret is missing"),
        (&key, "gateway_key_env = \"NOT_THERE\"", "gateway_key_env names NOT_THERE"),
        (&key, "gateway_key = \"gma_hush\"", "gateway_key"),
        ("network = \"127.0.0.1\"", "network = \"everybody\"", "network"),
        ("name = \"rdg01\"", "name = 'rd\"g'", "name"),
        ("[radius]\n", "[radius]\nserver_url = \"ftp://127.0.0.1\"\n", "server_url"),
    ] {
        wrong.push((whole.replace(from, to), named));
    }
    for (text, named) in wrong {
        let file = town.write(&text);
        let (code, out, told) = ended(&town.machine, &["--config", file.to_str().unwrap()]).await;
        let (served, told_by_serve) = town.machine.refused("serve").await;
        assert_eq!((code, out.as_str(), served), (Some(2), "", 2), "{named}: {told}{told_by_serve}");
        for told in [told, told_by_serve] {
            assert!(told.contains(named), "{named}: {told}");
            assert!(told.lines().count() >= 2, "what to write stands under it: {told}");
            assert!(![SECRET, &town.key, "gma_hush"].iter().any(|secret| told.contains(secret)), "{told}");
        }
    }
}

#[tokio::test]
async fn standalone_a_file_that_cannot_be_used_is_named_and_no_secret_with_it() {
    let town = Town::new().await;
    let file = town.write("[radius]\nsecret = \"hush\n");
    let path = file.to_str().unwrap();
    for (text, code, named) in [
        ("[radius]\nsecret = \"hush\n", 2, "line 2"),
        ("listen = \"127.0.0.1:8080\"\n", 2, "[radius]"),
        ("[radius]\n", 2, "[[radius.client]]"),
    ] {
        town.write(text);
        let (ended, _, told) = ended(&town.machine, &["--config", path]).await;
        assert_eq!(ended, Some(code), "{told}");
        assert!(told.contains(named) && !told.contains("hush"), "{named}: {told}");
    }
    let (code, _, told) = ended(&town.machine, &["--config", "not-there.toml"]).await;
    assert!(code == Some(2) && told.contains("not-there.toml"), "{told}");

    // Somebody else has the port.
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    town.write(&town.table("").replace("127.0.0.1:0", &address));
    let (code, _, told) = ended(&town.machine, &["--config", path]).await;
    assert!(code == Some(3) && told.contains(&address), "{told}");
    let (code, told) = town.machine.refused("serve").await;
    assert!(code == 3 && told.contains(&address), "{code}: {told}");
}

#[tokio::test]
async fn standalone_check_looks_at_the_settings_and_warns() {
    let town = Town::new().await;
    let file = town.write(&town.table("require_message_authenticator = false\n"));
    let (code, out, told) = ended(&town.machine, &["--check", "--config", file.to_str().unwrap()]).await;
    assert_eq!((code, out), (Some(0), format!("{} is sound\n", file.display())));
    assert!(told.starts_with("warning: radius.client.rdg01") && told.contains("CVE-2024-3596"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}
