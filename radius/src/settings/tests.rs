use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::*;

const CLIENT: &str = r#"
[[client]]
name = "rdg01"
network = "127.0.0.1/32"
secret = "a secret of more than 16"
gateway_key = "gmg_key"
"#;
const UPSTREAM: &str = r#"
[[upstream]]
name = "nps01"
address = "10.0.0.5:1812"
secret = "a secret of more than 16"
"#;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, SettingsFault> {
    read_in(text, variables, Path::new("/nowhere"))
}

fn read_in(text: &str, variables: &[(&str, &str)], directory: &Path) -> Result<Loaded, SettingsFault> {
    let table: toml::Table = toml::from_str(text).unwrap();
    let look_up = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Settings::read(&table, &look_up, directory)
}

fn told(text: &str) -> String {
    let fault = read(text, &[]).unwrap_err();
    assert!(fault.todo().ends_with(['.', 'n']), "{fault}: {}", fault.todo());
    fault.to_string()
}

fn client_with(line: &str) -> String {
    format!("{CLIENT}{line}\n")
}

#[test]
fn a_client_needs_four_keys_and_has_the_defaults_of_the_contract() {
    let loaded = read(CLIENT, &[]).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let settings = loaded.settings;
    assert_eq!((settings.listen.to_string().as_str(), settings.server_url), ("127.0.0.1:1812", None));
    let client = &settings.clients[0];
    assert_eq!((client.name.as_str(), client.network.to_string().as_str()), ("rdg01", "127.0.0.1/32"));
    assert_eq!((client.first_factor, client.style), (FirstFactor::Gateway, Style::Hold));
    assert_eq!((client.no_display, client.time_limit), (NoDisplay::Refuse, Duration::from_secs(50)));
    assert_eq!(client.challenge_life, client.time_limit);
    assert!(client.require_message_authenticator && !client.trust_calling_station_id);
    assert!(client.upstreams.is_empty() && client.accept.is_empty());
    assert_eq!((client.max_waiting, client.gateway_key.reveal()), (4_096, "gmg_key"));
}

#[test]
fn every_key_is_read() {
    let text = format!(
        r#"
        listen = "[::1]:1645"
        server_url = "https://mfa.example.com"
        {UPSTREAM}
        timeout = 3
        tries = 4
        status_server = false
        revive_after = 60
        require_message_authenticator = false
        {CLIENT}
        first_factor = "radius"
        style = "challenge"
        time_limit = 120
        challenge_life = 240
        require_message_authenticator = false
        no_display = "approve_only"
        trust_calling_station_id = true
        upstream = ["nps01"]
        accept = {{ "MS-RDG-Device-Redirection" = ["drives"], "Session-Timeout" = 3600 }}
        max_waiting = 9
        "#
    );
    let loaded = read(&text, &[]).unwrap();
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
    let settings = loaded.settings;
    assert_eq!((settings.listen.port(), settings.server_url.as_deref()), (1645, Some("https://mfa.example.com")));
    let upstream = &settings.upstreams[0];
    assert_eq!((upstream.address.port(), upstream.timeout.as_secs(), upstream.tries), (1812, 3, 4));
    assert_eq!((upstream.status_server, upstream.revive_after.as_secs()), (false, 60));
    let client = &settings.clients[0];
    assert_eq!((client.first_factor, client.style), (FirstFactor::Radius, Style::Challenge));
    assert_eq!((client.no_display, client.time_limit.as_secs()), (NoDisplay::ApproveOnly, 120));
    assert_eq!(client.challenge_life.as_secs(), 240);
    assert!(!client.require_message_authenticator && client.trust_calling_station_id);
    assert_eq!((client.upstreams.as_slice(), client.accept.len(), client.max_waiting), (&[0][..], 2, 9));
}

#[test]
fn a_name_is_any_label_that_can_be_shown() {
    let long = "\u{65e5}".repeat(42);
    for name in ["Oslo gateway", "a/b:c,(d)", "caf\u{e9} {1}", long.as_str()] {
        let loaded = read(&CLIENT.replace("rdg01", name), &[]).unwrap();
        assert_eq!(loaded.settings.clients[0].name, name);
        let upstream = UPSTREAM.replace("nps01", name);
        assert_eq!(read(&format!("{upstream}{CLIENT}"), &[]).unwrap().settings.upstreams[0].name, name);
    }
    let (many, wide) = ("x".repeat(65), "\u{65e5}".repeat(43));
    for name in ["", "a'b", "a`b", "a\u{201c}b", "a\\\"b", "a\\nb", "a\\u202eb", "a\u{a0}b", "a\u{200b}b", &many, &wide]
    {
        assert!(told(&CLIENT.replace("rdg01", name)).starts_with("radius.client number 1: name is "), "{name:?}");
    }
}

#[test]
fn a_server_that_is_not_reached_is_met_with_reject_or_silence() {
    let with = |word: &str| read(&format!("when_unreachable = \"{word}\"\n{CLIENT}"), &[]);
    assert_eq!(read(CLIENT, &[]).unwrap().settings.when_unreachable, WhenUnreachable::Reject);
    assert_eq!(with("reject").unwrap().settings.when_unreachable, WhenUnreachable::Reject);
    assert_eq!(with("silence").unwrap().settings.when_unreachable, WhenUnreachable::Silence);
    assert_eq!(with("accept").unwrap_err().to_string(), "radius: when_unreachable is \"accept\"");
}

#[test]
fn what_is_unwise_is_warned_about() {
    let other = CLIENT.replace("rdg01", "rdg02").replace("127.0.0.1/32", "127.0.0.2");
    for (text, said) in [
        (
            client_with("first_factor = \"none\"\nno_display = \"approve_only\""),
            "radius.client.rdg01: with first_factor",
        ),
        (format!("{CLIENT}{other}"), "radius.client.rdg02: the gateway key is that of rdg01 as well"),
        (format!("listen = \"0.0.0.0:1812\"\n{CLIENT}"), "radius: listen = \"0.0.0.0:1812\" is every address"),
        (format!("listen = \"[::]:1812\"\n{CLIENT}"), "radius: listen = \"[::]:1812\" is every address"),
    ] {
        let warnings = read(&text, &[]).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].starts_with(said), "{warnings:?}");
        assert!(!warnings[0].contains("gmg_"));
    }
    let single = client_with("first_factor = \"none\"");
    assert_eq!(read(&single, &[]).unwrap().warnings, Vec::<String>::new());
    let own_key = format!("{CLIENT}{}", other.replace("gmg_key", "gmg_other"));
    assert_eq!(read(&own_key, &[]).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn a_code_alone_is_a_factor_and_no_phone_rings_for_it() {
    let text = client_with("style = \"passcode\"\nfirst_factor = \"none\"\nno_display = \"approve_only\"");
    let loaded = read(&text, &[]).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let client = &loaded.settings.clients[0];
    assert_eq!((client.first_factor, client.style), (FirstFactor::None, Style::Passcode));
    let text = format!("{UPSTREAM}{}", client_with("style = \"passcode\"\nfirst_factor = \"radius\""));
    assert_eq!(read(&text, &[]).unwrap().settings.clients[0].upstreams, [0]);
}

#[test]
fn a_challenge_that_is_answered_in_a_second_request_has_a_life_of_its_own() {
    for (lines, life) in [
        ("style = \"challenge\"", 120),
        ("style = \"challenge\"\ntime_limit = 2", 120),
        ("style = \"challenge\"\ntime_limit = 300", 300),
        ("style = \"challenge\"\nchallenge_life = 10", 10),
        ("style = \"challenge\"\nchallenge_life = 600", 600),
        ("style = \"hold\"\ntime_limit = 40", 40),
        ("style = \"passcode\"\ntime_limit = 2", 2),
    ] {
        let loaded = read(&client_with(lines), &[]).unwrap();
        assert_eq!(loaded.warnings, Vec::<String>::new());
        assert_eq!(loaded.settings.clients[0].challenge_life.as_secs(), life, "{lines}");
    }
    for style in ["hold", "passcode"] {
        let loaded = read(&client_with(&format!("style = \"{style}\"\nchallenge_life = 240")), &[]).unwrap();
        assert_eq!(loaded.settings.clients[0].challenge_life.as_secs(), 50);
        assert_eq!(loaded.warnings, ["radius.client.rdg01: challenge_life counts only with style = \"challenge\"."]);
    }
}

#[test]
fn variables_overrule_the_file() {
    let text = format!("listen = \"127.0.0.1:1\"\nserver_url = \"http://127.0.0.1:1\"\n{CLIENT}");
    let variables = [(LISTEN_VARIABLE, "127.0.0.1:0"), (SERVER_URL_VARIABLE, "http://127.0.0.1:2")];
    let settings = read(&text, &variables).unwrap().settings;
    assert_eq!((settings.listen.port(), settings.server_url.as_deref()), (0, Some("http://127.0.0.1:2")));
    let settings = read(&text, &[(LISTEN_VARIABLE, "")]).unwrap().settings;
    assert_eq!(settings.listen.port(), 1, "an empty variable is not set");
    assert!(read(CLIENT, &[(LISTEN_VARIABLE, "1812")]).unwrap_err().to_string().contains(LISTEN_VARIABLE));
}

#[test]
fn unknown_keys_are_refused_by_full_name() {
    assert_eq!(told(&client_with("secert = \"x\"")), "radius.client.rdg01: unknown key \"secert\"");
    assert_eq!(told(&format!("lisen = \"x\"\n{CLIENT}")), "radius: unknown key \"lisen\"");
    assert_eq!(told(&format!("{UPSTREAM}port = 1\n{CLIENT}")), "radius.upstream.nps01: unknown key \"port\"");
    assert_eq!(told("[[client]]\nname = \"a'b\"\n"), "radius.client number 1: name is \"a'b\"");
    assert!(told("[client]\nname = \"a\"\n").contains("client is not a list of tables"));
}

#[test]
fn what_cannot_work_names_its_client_and_its_key() {
    for (line, said) in [
        ("time_limit = 1", "time_limit is 1"),
        ("time_limit = 301", "time_limit is 301"),
        ("time_limit = \"50\"", "time_limit is \"50\""),
        ("challenge_life = 9", "challenge_life is 9"),
        ("challenge_life = 601", "challenge_life is 601"),
        ("first_factor = \"ldap\"", "first_factor is \"ldap\""),
        ("style = \"push\"", "style is \"push\""),
        ("no_display = \"allow\"", "no_display is \"allow\""),
        ("trust_calling_station_id = 1", "trust_calling_station_id is neither"),
        ("max_waiting = 0", "max_waiting is 0"),
        ("first_factor = \"radius\"", "there is no upstream server to ask"),
        ("accept = [\"x\"]", "accept is not a table"),
        ("accept = { Nonsense = 1 }", "Nonsense"),
        ("accept = { Session-Timeout = 1.5 }", "Session-Timeout is of the type float"),
        ("secret_file = \"x\"", "secret is given more than once"),
    ] {
        let text = told(&client_with(line));
        assert!(text.starts_with("radius.client.rdg01: ") && text.contains(said), "{text}");
    }
    for (key, said) in
        [("network", "network is missing"), ("secret", "secret is missing"), ("gateway_key", "gateway_key")]
    {
        let text: String =
            CLIENT.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        assert!(told(&text).contains(said), "{key}");
    }
    assert!(told(&CLIENT.replace("127.0.0.1/32", "127.0.0.0.1")).contains("network: "));
    assert!(told(&CLIENT.replace("gmg_key", "gma_key")).contains("gateway_key does not begin with gmg_"));
    assert!(told(&CLIENT.replace("a secret of more than 16", "")).contains("secret is empty"));
}

#[test]
fn what_cannot_stand_side_by_side_is_refused() {
    assert!(told("").contains("there is no client"));
    assert!(told(&format!("{CLIENT}{CLIENT}")).contains("the name rdg01"));
    assert!(told(&format!("{CLIENT}{}", CLIENT.replace("rdg01", "rdg02"))).contains("the network 127.0.0.1/32"));
    assert!(told(&format!("{UPSTREAM}{UPSTREAM}{CLIENT}")).contains("the name nps01"));
    let text = format!("{UPSTREAM}{}", client_with("first_factor = \"radius\"\nupstream = [\"nps02\"]"));
    assert!(told(&text).contains("upstream names \"nps02\""));
    assert!(told(&format!("{}{CLIENT}", UPSTREAM.replace("10.0.0.5:1812", "nps"))).contains("address is not an IP"));
}

#[test]
fn keys_do_not_cross_the_network_in_the_clear() {
    let text = told(&format!("server_url = \"http://10.0.0.1:8080\"\n{CLIENT}"));
    assert!(text.starts_with("radius: server_url: ") && text.contains("in the clear"), "{text}");
}

#[test]
fn a_short_secret_is_warned_about_and_not_told() {
    let loaded = read(&CLIENT.replace("a secret of more than 16", "hunter2"), &[]).unwrap();
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].starts_with("radius.client.rdg01: ") && !loaded.warnings[0].contains("hunter2"));
    assert!(!format!("{:?}", loaded.settings).contains("hunter2"));
    assert!(!format!("{:?}", loaded.settings).contains("gmg_key"));
}

#[test]
fn secrets_come_from_files_and_variables() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "from a file, long enough\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = CLIENT
        .replace("secret = \"a secret of more than 16\"", "secret_file = \"secret\"")
        .replace("gateway_key = \"gmg_key\"", "gateway_key_env = \"RDG01_KEY\"");
    let variables = [("RDG01_KEY", "gmg_from_a_variable")];
    let loaded = read_in(&text, &variables, directory.path()).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(loaded.settings.clients[0].secret.reveal(), "from a file, long enough");
    assert_eq!(loaded.settings.clients[0].gateway_key.reveal(), "gmg_from_a_variable");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = read_in(&text, &variables, directory.path()).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("chmod 600"), "{warnings:?}");
    let fault = read_in(&text, &[], directory.path()).unwrap_err().to_string();
    assert!(fault.contains("gateway_key_env names RDG01_KEY, which is not set"), "{fault}");
    assert!(read(&text, &variables).unwrap_err().to_string().contains("/nowhere/secret cannot be read"));
    for (content, said) in [
        (String::new(), "secret is empty"),
        ("\n".to_owned(), "secret is empty"),
        ("x".repeat(5_000), "is longer than 4096"),
    ] {
        std::fs::write(&path, content).unwrap();
        assert!(read_in(&text, &variables, directory.path()).unwrap_err().to_string().contains(said), "{said}");
    }
}
