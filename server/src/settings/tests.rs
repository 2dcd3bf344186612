use std::path::{Path, PathBuf};

use super::file::{File, KEYS};
use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

fn load(variables: &[(&str, &str)]) -> Result<Settings, SettingsFault> {
    with_file("", variables)
}

fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsFault> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gatematch.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(&Flags { config: Some(path), ..Flags::default() }, &environment(variables))
        .map(|loaded| loaded.settings)
}

fn told(result: Result<Settings, SettingsFault>) -> String {
    let fault = result.unwrap_err();
    assert!(!fault.todo().is_empty(), "{fault}");
    fault.to_string()
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let settings = load(&[]).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.data_dir, Path::new(DEFAULT_DATA_DIR));
    assert_eq!(settings.database, Path::new(DEFAULT_DATA_DIR).join("gatematch.db"));
    assert_eq!((settings.issuer.as_deref(), settings.name.as_str()), (None, "Gatematch"));
    assert_eq!(settings.known_issuer().as_deref(), Some("http://127.0.0.1:8080"));
    assert!(
        settings.domains.is_empty() && settings.protected_groups.is_empty() && !settings.require_device_confirmation
    );
    assert_eq!((settings.max_devices, settings.log_format, settings.log.as_str()), (5, LogFormat::Text, "info"));
    assert!(settings.master_key.is_none());
}

#[test]
fn a_flag_beats_the_environment_and_that_beats_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gatematch.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:1\"\nname = \"File\"\ndata_dir = \"data\"\nmax_devices = 3\n").unwrap();
    let mut flags = Flags::default();
    let variables = environment(&[
        ("GATEMATCH_CONFIG", path.to_str().unwrap()),
        ("GATEMATCH_LISTEN", "127.0.0.1:2"),
        ("GATEMATCH_NAME", "Environment"),
        ("GATEMATCH_MAX_DEVICES", ""),
    ]);
    let loaded = Settings::load(&flags, &variables).unwrap();
    assert_eq!(loaded.file.as_deref(), Some(path.as_path()));
    assert_eq!((loaded.settings.listen.port(), loaded.settings.name.as_str()), (2, "Environment"));
    assert_eq!(loaded.settings.max_devices, 3, "an empty variable is not set");
    assert_eq!(loaded.settings.data_dir, directory.path().join("data"), "a path in the file is meant from the file");
    flags.listen = Some("[::1]:3".to_owned());
    flags.data_dir = Some(PathBuf::from("elsewhere"));
    let settings = Settings::load(&flags, &variables).unwrap().settings;
    assert_eq!(settings.listen.to_string(), "[::1]:3");
    assert_eq!(settings.database, Path::new("elsewhere/gatematch.db"));
}

#[test]
fn every_setting_has_a_variable() {
    let settings = load(&[
        ("GATEMATCH_LISTEN", "127.0.0.1:0"),
        ("GATEMATCH_PUBLIC_LISTEN", "[::]:443"),
        ("GATEMATCH_TLS_CERTIFICATE", "/tls/c.pem"),
        ("GATEMATCH_TLS_KEY", "/tls/k.pem"),
        ("GATEMATCH_DATA_DIR", "/data"),
        ("GATEMATCH_DATABASE_URL", "sqlite:///other/db"),
        ("GATEMATCH_ISSUER", "https://mfa.example.com/sub"),
        ("GATEMATCH_NAME", "Contoso"),
        ("GATEMATCH_DOMAINS", "contoso, contoso.com=contoso"),
        ("GATEMATCH_PROTECTED_GROUPS", "Domain Admins,Backup"),
        ("GATEMATCH_REQUIRE_DEVICE_CONFIRMATION", "true"),
        ("GATEMATCH_PUSH_ALLOWED_HOSTS", "127.0.0.1:9090,push.example.com"),
        ("GATEMATCH_MAX_DEVICES", "2"),
        ("GATEMATCH_MASTER_KEY", "secret"),
        ("GATEMATCH_LOG_FORMAT", "json"),
        ("GATEMATCH_LOG", "warn"),
        ("RUST_LOG", "trace"),
    ])
    .unwrap();
    assert_eq!(settings.public_listen.unwrap().to_string(), "[::]:443");
    assert_eq!(settings.tls.as_ref().unwrap().key, Path::new("/tls/k.pem"));
    assert_eq!(settings.database, Path::new("/other/db"));
    assert_eq!(settings.known_issuer().as_deref(), Some("https://mfa.example.com/sub"));
    assert_eq!(settings.domains.canonical("alice@contoso.com").unwrap().as_str(), "alice");
    assert_eq!(settings.protected_groups, ["Domain Admins", "Backup"]);
    assert!(settings.require_device_confirmation);
    assert_eq!(
        settings.push_hosts,
        gatematch_domain::push::PushHosts::from_entries(&["127.0.0.1:9090", "push.example.com"]).unwrap()
    );
    assert_eq!((settings.max_devices, settings.log_format, settings.log.as_str()), (2, LogFormat::Json, "warn"));
    assert_eq!(settings.master_key.unwrap().reveal(), "secret");
    assert_eq!(load(&[("GATEMATCH_LISTEN", "127.0.0.1:0")]).unwrap().known_issuer(), None);
    assert_eq!(load(&[("RUST_LOG", "debug")]).unwrap().log, "debug");
}

#[test]
fn unknown_keys_are_refused_by_name() {
    let text = told(with_file("lisen = \"x\"\ncolour = 1\n[radar]\nlisten = \"127.0.0.1:1812\"\n", &[]));
    for name in ["lisen", "colour", "[radar]", "gatematch.toml"] {
        assert!(text.contains(name), "{text}");
    }
    assert!(told(with_file("master_key = \"x\"", &[])).contains("master_key"));
    assert!(told(with_file("[[policy]]\nx = 1", &[])).contains("policy"));
}

#[test]
fn a_broken_file_is_told_with_its_line() {
    assert!(told(with_file("\nlisten = ", &[])).contains("line 2"));
    assert!(told(with_file("\n\nlisten = 5", &[])).contains("line 3"));
    assert!(told(with_file("name = \"a\"\nname = \"b\"", &[])).contains("gatematch.toml"));
    let flags = Flags { config: Some(PathBuf::from("/no/such/file")), ..Flags::default() };
    assert!(
        told(Settings::load(&flags, &Environment::default()).map(|loaded| loaded.settings)).contains("/no/such/file")
    );
}

#[test]
fn unknown_variables_are_warned_about() {
    let variables = environment(&[
        ("GATEMATCH_LISEN", "x"),
        ("GATEMATCH_PORTAL_LISTEN", ""),
        ("GATEMATCH_SIM_STATE", "x"),
        ("GATEMATCH_GATEWAY_KEY", "x"),
        ("GATEMATCH_LOG", "info"),
        ("PATH", "x"),
    ]);
    let warnings = Settings::load(&Flags::default(), &variables).unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("GATEMATCH_LISEN ") && warnings[1].starts_with("GATEMATCH_PORTAL_LISTEN "));
}

#[test]
fn plain_http_is_for_this_machine_or_for_named_proxies() {
    let issuer = ("GATEMATCH_ISSUER", "https://mfa.example.com");
    for address in ["127.0.0.1:0", "127.8.8.8:1", "[::1]:443", "[::ffff:127.0.0.1]:1"] {
        assert!(load(&[("GATEMATCH_LISTEN", address)]).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:8443", "[::]:8443", "192.0.2.1:8443", "[::ffff:192.0.2.1]:1"] {
        for name in ["GATEMATCH_LISTEN", "GATEMATCH_PUBLIC_LISTEN"] {
            let text = told(load(&[(name, address)]));
            assert!(text.starts_with(&format!("{name} is ")) && text.contains("neither TLS nor a proxy"), "{text}");
            let text = told(load(&[(name, address), issuer, ("GATEMATCH_TRUSTED_PROXIES", "127.0.0.1,::1")]));
            assert!(text.starts_with(&format!("{name} is ")), "{text}");
            let named = ("GATEMATCH_TRUSTED_PROXIES", "127.0.0.1,192.0.2.9");
            assert!(load(&[(name, address), issuer, named]).is_ok(), "{address}");
            assert!(told(load(&[(name, address), named])).starts_with("issuer is not set, and "));
            let tls = [("GATEMATCH_TLS_CERTIFICATE", "/c.pem"), ("GATEMATCH_TLS_KEY", "/k.pem")];
            assert!(load(&[(name, address), issuer, tls[0], tls[1]]).is_ok(), "{address}");
            assert!(told(load(&[(name, address), tls[0], tls[1]])).starts_with("issuer is not set, and "));
        }
    }
    let text = told(with_file("listen = \"0.0.0.0:1\"", &[]));
    assert!(text.starts_with("listen in ") && text.contains("gatematch.toml is 0.0.0.0:1"), "{text}");
    let twice = ("GATEMATCH_LISTEN", "127.0.0.1:1");
    let text = told(with_file("public_listen = \"127.0.0.1:1\"", &[twice]));
    assert!(text.starts_with("public_listen in ") && text.ends_with("both would take the same port"), "{text}");
    for address in ["8080", "localhost:8080", "127.0.0.1", "", " "] {
        let result = load(&[("GATEMATCH_LISTEN", address)]);
        assert_eq!(result.is_ok(), address.is_empty(), "{address}");
    }
}

#[test]
fn a_certificate_and_its_key_come_together_and_are_used() {
    for (only, other) in [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")] {
        let text = told(with_file(&format!("{only} = \"x\""), &[]));
        assert!(text.starts_with(&format!("{only} in ")) && text.ends_with(&format!("is set, and {other} is not")));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gatematch.toml");
    std::fs::write(&path, "tls_certificate = \"c.pem\"\ntls_key = \"/k.pem\"\n").unwrap();
    let flags = Flags { config: Some(path), ..Flags::default() };
    let loaded = Settings::load(&flags, &Environment::default()).unwrap();
    let files = TlsFiles { certificate: directory.path().join("c.pem"), key: PathBuf::from("/k.pem") };
    assert_eq!(loaded.settings.tls, Some(files));
    assert!(
        loaded.warnings.iter().any(|told| told.starts_with("tls_certificate is not used")),
        "{:?}",
        loaded.warnings
    );
    let public = environment(&[("GATEMATCH_PUBLIC_LISTEN", "127.0.0.1:0"), ("GATEMATCH_ISSUER", "https://localhost")]);
    assert_eq!(Settings::load(&flags, &public).unwrap().warnings, [""; 0]);
}

#[test]
fn a_database_on_a_server_is_named_without_its_password() {
    for address in
        ["postgres://u:hunter2@db.example.com/x", "postgresql://u:hunter2@db.example.com:5432/x?sslmode=disable"]
    {
        let settings = load(&[("GATEMATCH_DATABASE_URL", address)]).unwrap();
        assert_eq!(settings.database_server.as_ref().unwrap().to_string(), "x at db.example.com:5432");
        assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
    }
    let here = load(&[("GATEMATCH_DATABASE_URL", "postgres:///x?host=/run/postgresql")]).unwrap();
    assert_eq!(here.database_server.unwrap().host(), "/run/postgresql");
    for address in ["postgres://u:hunter2@db.example.com", "postgres://u:hunter2@db.example.com/x?sslmode=perhaps"] {
        let text = told(load(&[("GATEMATCH_DATABASE_URL", address)]));
        assert!(text.contains("GATEMATCH_DATABASE_URL") && !text.contains("hunter2"), "{text}");
    }
    for address in
        ["sqlite:", "sqlite://", "sqlite::memory:", "sqlite:///tmp/", "sqlite:///x?mode=ro", "/tmp/x.db", "mysql://x"]
    {
        assert!(load(&[("GATEMATCH_DATABASE_URL", address)]).is_err(), "{address}");
    }
}

#[test]
fn an_issuer_is_an_address_and_nothing_after_it() {
    for issuer in ["http://127.0.0.1:8080", "https://mfa.example.com", "https://example.com/mfa", "http://[::1]:8080"] {
        assert_eq!(load(&[("GATEMATCH_ISSUER", issuer)]).unwrap().issuer.as_deref(), Some(issuer));
    }
    for issuer in [
        "https://mfa.example.com/",
        "https://mfa.example.com?x",
        "https://mfa.example.com#x",
        "https://u@mfa.example.com",
        "ftp://mfa.example.com",
        "mfa.example.com",
        "https://",
        " https://mfa.example.com",
        "https:\\\\mfa.example.com",
    ] {
        assert!(told(load(&[("GATEMATCH_ISSUER", issuer)])).starts_with("GATEMATCH_ISSUER "), "{issuer}");
    }
}

#[test]
fn other_values_that_make_no_sense_are_refused_where_they_stand() {
    for (name, value) in [
        ("GATEMATCH_NAME", &*"x".repeat(65)),
        ("GATEMATCH_DOMAINS", "a,a"),
        ("GATEMATCH_PROTECTED_GROUPS", "a,,b"),
        ("GATEMATCH_REQUIRE_DEVICE_CONFIRMATION", "perhaps"),
        ("GATEMATCH_PUSH_ALLOWED_HOSTS", "https://x"),
        ("GATEMATCH_MAX_DEVICES", "0"),
        ("GATEMATCH_MAX_DEVICES", "51"),
        ("GATEMATCH_MAX_DEVICES", "many"),
        ("GATEMATCH_LOG_FORMAT", "xml"),
        ("GATEMATCH_LOG", "x=y=z"),
    ] {
        assert!(told(load(&[(name, value)])).starts_with(name), "{name}");
    }
    assert!(told(with_file("max_devices = -1", &[])).starts_with("max_devices in "));
}

#[test]
fn the_template_has_every_key_and_each_of_its_examples_works() {
    assert!(File::parse(TEMPLATE, Path::new("t")).is_ok());
    let (own, radius) = TEMPLATE.split_once("#[radius]").unwrap();
    let radius = radius.lines().filter_map(|line| line.strip_prefix('#')).take_while(|line| !line.starts_with(" The"));
    let radius: toml::Table = toml::from_str(&radius.collect::<Vec<_>>().join("\n").replace("radius.", "")).unwrap();
    assert!(radius.contains_key("listen") && radius.contains_key("client") && radius.contains_key("upstream"));
    let examples: Vec<_> = own
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .filter(|line| line.starts_with(char::is_lowercase))
        .collect();
    let keys: Vec<_> = examples.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(keys.len(), KEYS.len());
    assert!(KEYS.iter().all(|key| keys.contains(key)), "{keys:?}");
    // The file that this one names is not there.
    let works: Vec<_> = examples.iter().copied().filter(|line| !line.starts_with("desktop_rdp_file")).collect();
    let settings = with_file(&works.join("\n"), &[]).unwrap();
    assert_eq!(settings.database, Path::new(DEFAULT_DATA_DIR).join(DATABASE_FILE));
}
