//! How an RD Gateway is led to the RADIUS front door: the lines for the settings file and for Windows, as
//! docs/rd-gateway.md has them. Nothing but addresses, our own secrets and a plain name is ever put into a line.

use std::net::IpAddr;

use gatematch_domain::gateway::Gateway;
use gatematch_protocol::secret::Secret;

use super::radius::Front;
use crate::words::rules::front_door::FrontDoor;
use crate::words::{Language, with};

/// Where an address is missing.
const NO_GATEWAY: &str = "ADDRESS-OF-THE-GATEWAY";
const NO_SERVER: &str = "ADDRESS-OF-GATEMATCH";
/// Where secrets are kept.
const SECRETS: &str = "/etc/gatematch/secrets";
/// The longest name of a client in lines.
const MAX_LABEL: usize = 32;

/// The addresses that stand in the lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Addresses {
    /// From which the gateway's requests come.
    pub(super) gateway: Option<IpAddr>,
    /// At which the gateway reaches this server.
    pub(super) server: Option<IpAddr>,
}

/// Lines to be copied.
pub(super) struct Block {
    /// Names it in the page.
    pub(super) id: &'static str,
    /// The lines.
    pub(super) lines: String,
}

/// One step: what to do, why, and the lines.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) why: String,
    pub(super) blocks: Vec<Block>,
}

/// The panel.
pub(super) struct Panel {
    pub(super) words: &'static FrontDoor,
    /// What is still to be filled in.
    pub(super) fill_in: Option<String>,
    /// That no gateway reaches the front door as it listens now.
    pub(super) alone: Option<String>,
    /// Whether the settings that hold know this gateway, in words.
    pub(super) known: (bool, String),
    /// On this server.
    pub(super) here: Vec<Step>,
    /// On the gateway.
    pub(super) there: Vec<Step>,
    /// How to see that it worked.
    pub(super) checks: [&'static str; 4],
}

/// What is shown once, and then never again.
pub(super) struct Fresh<'a> {
    /// The gateway's key.
    pub(super) key: &'a Secret,
    /// What the gateway's NPS and the front door share.
    pub(super) shared: &'a Secret,
}

/// The name of a gateway as clients, files and lines may have it.
pub(super) fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = name.trim().to_lowercase().chars().map(plain).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    let joined: String = parts.join("-").chars().take(MAX_LABEL).collect();
    let label = joined.trim_matches(['.', '-', '_']);
    if label.is_empty() { "gateway".to_owned() } else { label.to_owned() }
}

/// An address with the front door's port.
fn with_port(server: Option<IpAddr>) -> String {
    match server {
        Some(IpAddr::V6(address)) => format!("[{address}]:1812"),
        Some(address) => format!("{address}:1812"),
        None => format!("{NO_SERVER}:1812"),
    }
}

/// One address as a network.
fn network(gateway: Option<IpAddr>) -> String {
    match gateway {
        Some(address) => format!("{address}/{}", if address.is_ipv6() { 128 } else { 32 }),
        None => format!("{NO_GATEWAY}/32"),
    }
}

/// The part of the settings file.
fn section(label: &str, addresses: Addresses, front: &Front) -> String {
    let head = format!("[radius]\nlisten = \"{}\"\n\n", with_port(addresses.server));
    let head = if front.is_there { String::new() } else { head };
    let network = network(addresses.gateway);
    format!(
        "{head}[[radius.client]]\nname = \"{label}\"\nnetwork = \"{network}\"\n\
         secret_file = \"{SECRETS}/{label}.secret\"\n\
         gateway_key_file = \"{SECRETS}/{label}.key\"\nfirst_factor = \"gateway\"\nstyle = \"hold\"\ntime_limit = 50\n\
         require_message_authenticator = true\nno_display = \"refuse\"\n"
    )
}

fn files(label: &str, fresh: Option<&Fresh<'_>>) -> String {
    let Some(Fresh { key, shared }) = fresh else {
        return format!("ls -l {SECRETS}/{label}.key {SECRETS}/{label}.secret\n");
    };
    format!(
        "install -d -o gatematch -g gatematch -m 0700 {SECRETS}\ncd {SECRETS} && umask 077\n\
         printf %s '{}' > {label}.key\nprintf %s '{}' > {label}.secret\nchown gatematch: {label}.*\n",
        key.reveal(),
        shared.reveal()
    )
}

/// What is to be done on this server.
fn here(
    label: &str,
    (addresses, front): (Addresses, &Front),
    fresh: Option<&Fresh<'_>>,
    words: &'static FrontDoor,
) -> Vec<Step> {
    let step = |title, why: &str, id, lines| Step { title, why: why.to_owned(), blocks: vec![Block { id, lines }] };
    let files_why = if fresh.is_some() { words.files_why } else { words.files_again };
    let mut files = step(words.files, files_why, "files", files(label, fresh));
    if let Some(Fresh { shared, .. }) = fresh {
        files.blocks.push(Block { id: "shared", lines: shared.reveal().to_owned() });
    }
    let section_why = if front.is_there { words.section_there } else { words.section_new };
    let restart = "gatematch-radius --config /etc/gatematch/gatematch.toml --check\nsystemctl restart gatematch\n\
                   journalctl -u gatematch -n 20\n";
    vec![
        files,
        step(words.section, section_why, "section", section(label, addresses, front)),
        step(words.restart, words.restart_why, "restart", restart.to_owned()),
    ]
}

/// What is to be done on the gateway.
fn there(label: &str, addresses: Addresses, words: &'static FrontDoor) -> Vec<Step> {
    let server = addresses.server.map_or_else(|| NO_SERVER.to_owned(), |address| address.to_string());
    let step = |title, why: &str, id, lines: &str| Step {
        title,
        why: why.to_owned(),
        blocks: vec![Block { id, lines: lines.to_owned() }],
    };
    let ask = "Import-Module RemoteDesktopServices\n$secret = Read-Host 'Shared secret'\n";
    let name = format!(
        "New-Item -Path 'RDS:\\GatewayServer\\NPSServers' -Name '{server}' -SharedSecret $secret\n\
         Set-Item -Path 'RDS:\\GatewayServer\\CentralCAPEnabled' -Value 1\nRestart-Service -Name TSGateway\n"
    );
    let central_secret = with(words.central_secret, &[&format!("{label}.secret")]);
    let mut central = step(words.central, &format!("{} {central_secret}", words.central_why), "central", ask);
    central.blocks.push(Block { id: "central-then", lines: name });
    let times = format!(
        "netsh nps set remoteserver remoteservergroup = \"TS GATEWAY SERVER GROUP\" address = {server} timeout = 60 \
         blackout = 60 requireauthattrib = Yes\nnetsh nps show remoteserver \"TS GATEWAY SERVER GROUP\"\n"
    );
    let answers = "netsh nps set requiremsgauth all = \"enable\"\nnetsh nps set limitproxystate all = \"enable\"\n";
    let audit = "auditpol /set /subcategory:\"Network Policy Server\" /success:enable /failure:enable\n";
    let save = "Export-NpsConfiguration -Path C:\\Secure\\nps-before.xml\n";
    vec![
        step(words.save, words.save_why, "save", save),
        central,
        step(words.times, words.times_why, "times", &times),
        step(words.answers, words.answers_why, "answers", answers),
        step(words.audit, words.audit_why, "audit", audit),
    ]
}

impl Panel {
    /// The panel for `gateway`.
    pub(super) fn of(
        gateway: &Gateway,
        addresses: Addresses,
        front: &Front,
        fresh: Option<&Fresh<'_>>,
        language: Language,
    ) -> Self {
        let words = FrontDoor::of(language);
        let label = label(&gateway.name);
        let addresses = Addresses { server: addresses.server.or(front.address), ..addresses };
        let misses = addresses.gateway.is_none() || addresses.server.is_none();
        let known = match front.network_of(&label) {
            Some(network) => (true, with(words.is_set, &[&label, network])),
            None => (false, with(words.is_not_set, &[&label])),
        };
        Self {
            words,
            fill_in: misses.then(|| with(words.fill_in, &[NO_GATEWAY, NO_SERVER])),
            alone: front.alone_at.map(|address| with(words.alone, &[&address.to_string()])),
            known,
            here: here(&label, (addresses, front), fresh, words),
            there: there(&label, addresses, words),
            checks: [words.try_in, words.try_no_page, words.try_deny, words.try_stopped],
        }
    }
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::gateway::CreateGateway;
    use gatematch_protocol::id::GatewayId;
    use gatematch_protocol::time::Timestamp;

    use super::*;

    fn gateway(name: &str) -> Gateway {
        let now = Timestamp::from_micros(0);
        let (name, application) = (name.to_owned(), "Remote Desktop".to_owned());
        let body = CreateGateway { name, application, can_display: false, client_address: None };
        Gateway::from_body(&body, GatewayId::new(now, [7; 10]), now).unwrap()
    }

    fn lines(panel: &Panel) -> String {
        let steps = panel.here.iter().chain(&panel.there);
        steps.flat_map(|step| &step.blocks).map(|block| block.lines.as_str()).collect()
    }

    #[test]
    fn labels_are_what_a_client_may_be_called_and_nothing_else() {
        for (name, plain) in [
            ("rdg01", "rdg01"),
            ("Oslo gateway", "oslo-gateway"),
            ("'; rm -rf / #", "rm-rf"),
            ("..", "gateway"),
            ("Zürich \u{202e}x", "z-rich-x"),
            ("\"]\n[radius]", "radius"),
        ] {
            assert_eq!(label(name), plain, "{name}");
        }
        assert!(label(&"x".repeat(64)).len() <= MAX_LABEL);
    }

    #[test]
    fn the_lines_are_whole_where_the_addresses_are_known() {
        let addresses = Addresses { gateway: "10.0.0.10".parse().ok(), server: "10.0.0.20".parse().ok() };
        let (key, shared) = (Secret::new("gmg_key"), Secret::new("5ec7e7"));
        let fresh = Fresh { key: &key, shared: &shared };
        let panel = Panel::of(&gateway("rdg01"), addresses, &Front::default(), Some(&fresh), Language::English);
        let text = lines(&panel);
        for part in [
            "[radius]\nlisten = \"10.0.0.20:1812\"\n",
            "network = \"10.0.0.10/32\"\n",
            "printf %s 'gmg_key' > rdg01.key\n",
            "printf %s '5ec7e7' > rdg01.secret\n",
            "address = 10.0.0.20 timeout = 60 blackout = 60 requireauthattrib = Yes\n",
            "-Name '10.0.0.20' -SharedSecret $secret\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("ADDRESS-OF") && panel.fill_in.is_none());
        let again = Panel::of(&gateway("rdg01"), Addresses::default(), &Front::default(), None, Language::German);
        assert!(again.fill_in.is_some() && !lines(&again).contains("printf"));
    }

    #[test]
    fn the_section_is_one_that_the_front_door_takes() {
        let addresses = Addresses { gateway: "2001:db8::1".parse().ok(), server: "2001:db8::2".parse().ok() };
        let table: toml::Table = section("rdg01", addresses, &Front::default()).parse().unwrap();
        let radius = table["radius"].as_table().unwrap();
        assert_eq!(radius["listen"].as_str(), Some("[2001:db8::2]:1812"));
        let client = radius["client"].as_array().unwrap()[0].as_table().unwrap();
        assert_eq!(client["network"].as_str(), Some("2001:db8::1/128"));
        assert_eq!(client["time_limit"].as_integer(), Some(50));
    }
}
