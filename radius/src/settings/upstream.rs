//! `[[radius.upstream]]`: a RADIUS server that checks the first factor.

use std::net::SocketAddr;
use std::time::Duration;

use gatematch_protocol::secret::Secret;

use super::section::Section;
use super::{SettingsFault, Sources};

const KEYS: [&str; 10] = [
    "name",
    "address",
    "secret",
    "secret_file",
    "secret_env",
    "timeout",
    "tries",
    "status_server",
    "revive_after",
    "require_message_authenticator",
];

/// A RADIUS server that checks the first factor, such as the central NPS.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// What logs and clients call it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The secret shared with it.
    pub secret: Secret,
    /// How long one try waits.
    pub timeout: Duration,
    /// How often the same datagram is sent before the next server is asked.
    pub tries: u16,
    /// Whether it answers Status-Server (RFC 5997). NPS does not.
    pub status_server: bool,
    /// How long one that did not answer is left alone, where it does not answer Status-Server.
    pub revive_after: Duration,
    /// Whether its replies must carry a Message-Authenticator.
    pub require_message_authenticator: bool,
}

impl Sources<'_> {
    pub(super) fn upstream(&mut self, section: &Section<'_>) -> Result<UpstreamSettings, SettingsFault> {
        section.only(&KEYS)?;
        let name = section.own_name()?;
        let example = "10.0.0.5:1812";
        let address = section.text("address")?;
        let address =
            address.ok_or_else(|| section.fault("address is missing", format!("Write address = \"{example}\".")))?;
        let address = section.address("address", address, example)?;
        let secret = self.secret(section, "secret")?;
        self.warn_of_short(section, &secret);
        let require_message_authenticator = section.switch("require_message_authenticator", true)?;
        if !require_message_authenticator {
            self.warnings.push(format!(
                "{}: replies without Message-Authenticator can be forged on the way (CVE-2024-3596); update that server and set require_message_authenticator = true.",
                section.name()
            ));
        }
        Ok(UpstreamSettings {
            name,
            address,
            secret,
            timeout: seconds(section.number("timeout", 5, 1, 60)?),
            tries: section.number("tries", 2, 1, 5)?,
            status_server: section.switch("status_server", true)?,
            revive_after: seconds(section.number("revive_after", 30, 1, 3_600)?),
            require_message_authenticator,
        })
    }

    /// RFC 2865, section 3: a shared secret should be at least 16 octets.
    pub(super) fn warn_of_short(&mut self, section: &Section<'_>, secret: &Secret) {
        if secret.reveal().chars().count() < 16 {
            self.warnings.push(format!(
                "{}: the secret is shorter than 16 characters and can be guessed from one datagram; use 22 or more random ones.",
                section.name()
            ));
        }
    }
}

fn seconds(number: u16) -> Duration {
    Duration::from_secs(number.into())
}
