//! The settings of the front door: the table `[radius]` of the settings file (contract section 13).
//!
//! ```toml
//! [radius]
//! listen = "127.0.0.1:1812"
//! server_url = "http://127.0.0.1:8080"
//! when_unreachable = "reject"
//!
//! [[radius.client]]
//! name = "rdg01"
//! network = "127.0.0.1/32"
//! secret_file = "rdg01.secret"
//! gateway_key_file = "rdg01.key"
//! accept = { "MS-RDG-Device-Redirection" = ["drives"], "Session-Timeout" = 3600 }
//!
//! [[radius.upstream]]
//! name = "nps01"
//! address = "10.0.0.5:1812"
//! secret_file = "nps01.secret"
//! status_server = false
//! ```

mod client;
mod fault;
mod secret;
mod section;
#[cfg(test)]
mod tests;
mod upstream;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

pub use self::client::{ClientSettings, FirstFactor, NoDisplay, Style};
pub use self::fault::SettingsFault;
use self::section::Section;
pub use self::upstream::UpstreamSettings;

/// Where RADIUS is listened for, unless it is told (RFC 2865, section 3: port 1812).
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1812);
/// The variable that overrules `listen`.
pub const LISTEN_VARIABLE: &str = "GATEMATCH_RADIUS_LISTEN";
/// The variable that overrules `server_url`.
pub const SERVER_URL_VARIABLE: &str = "GATEMATCH_RADIUS_SERVER_URL";

/// What the front door needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where RADIUS is listened for. On a machine with several addresses name one: an answer must leave from the
    /// address that was asked.
    pub listen: SocketAddr,
    /// The Gatematch server; `None`: the one in the same process, or on the same machine.
    pub server_url: Option<String>,
    /// How a login is met that could not be decided because the server did not answer.
    pub when_unreachable: WhenUnreachable,
    /// Who may ask; at least one.
    pub clients: Vec<ClientSettings>,
    /// The servers that check the first factor where a client's `first_factor` is `radius`.
    pub upstreams: Vec<UpstreamSettings>,
}

/// How a login is met that could not be decided because the server did not answer, and of which no challenge is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUnreachable {
    /// With Access-Reject.
    Reject,
    /// With silence, so that an NPS with several servers tries the next one.
    Silence,
}

/// Settings, and what there is to say about them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Sentences for the administrator.
    pub warnings: Vec<String>,
}

/// Where values come from beside the table.
struct Sources<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    directory: &'a Path,
    warnings: Vec<String>,
}

impl Settings {
    /// Reads the table `[radius]`. `environment` looks variables up; paths of secrets are meant from `directory`.
    ///
    /// # Errors
    /// [`SettingsFault`] names the first value that cannot be used, and what to write instead.
    pub fn read(
        table: &toml::Table,
        environment: &dyn Fn(&str) -> Option<String>,
        directory: &Path,
    ) -> Result<Loaded, SettingsFault> {
        let mut sources = Sources { environment, directory, warnings: Vec::new() };
        let settings = sources.settings(&Section::new("radius", table))?;
        Ok(Loaded { settings, warnings: sources.warnings })
    }
}

impl Sources<'_> {
    fn settings(&mut self, section: &Section<'_>) -> Result<Settings, SettingsFault> {
        section.only(&["listen", "server_url", "when_unreachable", "client", "upstream"])?;
        let (listen, server_url) = (self.listen(section)?, self.server_url(section)?);
        let words = [("reject", WhenUnreachable::Reject), ("silence", WhenUnreachable::Silence)];
        let when_unreachable = section.word("when_unreachable", WhenUnreachable::Reject, &words)?;
        let upstreams = section.tables("upstream")?;
        let upstreams = upstreams.iter().map(|each| self.upstream(each)).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<_> = upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
        unique(section, "upstream", "name", &names)?;
        let clients = section.tables("client")?;
        let clients = clients.iter().map(|each| self.client(each, &names)).collect::<Result<Vec<_>, _>>()?;
        unique(section, "client", "name", &clients.iter().map(|client| client.name.as_str()).collect::<Vec<_>>())?;
        let networks: Vec<_> = clients.iter().map(|client| client.network.to_string()).collect();
        unique(section, "client", "network", &networks.iter().map(String::as_str).collect::<Vec<_>>())?;
        if clients.is_empty() {
            let todo = "Write [[radius.client]] with name, network, secret and gateway_key.";
            return Err(section.fault("there is no client, so nobody would be answered", todo));
        }
        self.warn_of_shared_keys(&clients);
        if listen.ip().to_canonical().is_unspecified() {
            self.warnings.push(format!(
                "radius: listen = \"{listen}\" is every address of this machine, and an answer may leave from another one than was asked; name the one address that the gateways ask."
            ));
        }
        Ok(Settings { listen, server_url, when_unreachable, clients, upstreams })
    }

    fn warn_of_shared_keys(&mut self, clients: &[ClientSettings]) {
        for (index, client) in clients.iter().enumerate() {
            let twin = clients.iter().take(index).find(|other| other.gateway_key == client.gateway_key);
            if let Some(twin) = twin {
                self.warnings.push(format!(
                    "radius.client.{}: the gateway key is that of {} as well, so the audit log cannot tell them apart and one cannot be withdrawn without the other; make one for each: gatematch gateway add NAME --application APP --json",
                    client.name, twin.name
                ));
            }
        }
    }

    fn listen(&self, section: &Section<'_>) -> Result<SocketAddr, SettingsFault> {
        let example = "127.0.0.1:1812 or [::1]:1812";
        if let Some(text) = self.variable(LISTEN_VARIABLE) {
            return section.address(LISTEN_VARIABLE, &text, example);
        }
        let in_file = section.text("listen")?;
        in_file.map_or(Ok(DEFAULT_LISTEN), |text| section.address("listen", text, example))
    }

    fn server_url(&self, section: &Section<'_>) -> Result<Option<String>, SettingsFault> {
        let (key, text) = match self.variable(SERVER_URL_VARIABLE) {
            Some(text) => (SERVER_URL_VARIABLE, Some(text)),
            None => ("server_url", section.text("server_url")?.map(str::to_owned)),
        };
        let Some(text) = text else { return Ok(None) };
        match crate::api::base(&text) {
            Ok(_) => Ok(Some(text)),
            Err(fault) => Err(section.fault(format!("{key}: {fault}"), fault.todo())),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }
}

fn unique(section: &Section<'_>, kind: &str, key: &str, values: &[&str]) -> Result<(), SettingsFault> {
    let twice =
        values.iter().enumerate().find(|(index, value)| values.iter().take(*index).any(|other| other == *value));
    match twice {
        Some((_, value)) => Err(section
            .fault(format!("two of [[radius.{kind}]] have the {key} {value}"), format!("Give each its own {key}."))),
        None => Ok(()),
    }
}
