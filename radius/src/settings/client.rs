//! `[[radius.client]]`: a RADIUS client, such as the NPS of an RD Gateway.

use std::time::Duration;

use gatematch_protocol::secret::{Secret, prefix};

use toml::Value;

use super::section::{Section, shown};
use super::{SettingsFault, Sources};
use crate::attribute::{self, Setting};
use crate::client::Network;
use crate::upstream::Granted;

/// How long a client waits, unless it is told, in seconds: less than the 60 of an NPS set up as it should be.
const DEFAULT_TIME_LIMIT: u16 = 50;
/// How long a challenge of the style `challenge` lives, unless it is told, in seconds: time enough to find the paper with
/// the codes.
const DEFAULT_CHALLENGE_LIFE: u16 = 120;
/// How many logins of a client may wait at the same time, unless it is told.
const DEFAULT_MAX_WAITING: u16 = 4_096;

const KEYS: [&str; 18] = [
    "name",
    "network",
    "secret",
    "secret_file",
    "secret_env",
    "gateway_key",
    "gateway_key_file",
    "gateway_key_env",
    "first_factor",
    "style",
    "time_limit",
    "challenge_life",
    "require_message_authenticator",
    "no_display",
    "trust_calling_station_id",
    "upstream",
    "accept",
    "max_waiting",
];

/// Who checks the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstFactor {
    /// The client has checked it before it asks, as RD Gateway does.
    Gateway,
    /// The upstream servers, before any phone rings.
    Radius,
    /// Nobody: then only a person with a factor in hand is let in, and that factor is the only one.
    None,
}

/// How the client is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The answer waits for the decision.
    Hold,
    /// Access-Challenge with the number, or for a code; the next request waits for the decision, or brings the code.
    Challenge,
    /// The password field carries a code, alone or as `password,code`: no phone is asked.
    Passcode,
}

/// What happens where nothing can show the number (contract section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDisplay {
    /// The login is refused.
    Refuse,
    /// The phone asks without number.
    ApproveOnly,
}

impl NoDisplay {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::ApproveOnly => "approve_only",
        }
    }
}

/// A RADIUS client, such as the NPS of an RD Gateway.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// What logs, metrics and faults call it.
    pub name: String,
    /// Where its datagrams come from; the longest prefix around an address decides.
    pub network: Network,
    /// The secret shared with it.
    pub secret: Secret,
    /// The key of its gateway (`gmg_...`).
    pub gateway_key: Secret,
    /// Who checks the password.
    pub first_factor: FirstFactor,
    /// How it is answered.
    pub style: Style,
    /// How long it waits for an answer.
    pub time_limit: Duration,
    /// How long a challenge for it lives. In the style `challenge` several requests belong to one challenge, and between
    /// them nobody waits but the person; otherwise as long as the client waits.
    pub challenge_life: Duration,
    /// Whether its requests must carry a Message-Authenticator.
    pub require_message_authenticator: bool,
    /// What happens where nothing can show the number.
    pub no_display: NoDisplay,
    /// Whether its Calling-Station-Id is believed to be the address of the person's computer.
    pub trust_calling_station_id: bool,
    /// The upstream servers that check its first factor, by their places in the settings, first choice first.
    pub upstreams: Vec<usize>,
    /// What each Access-Accept for it carries; instead of what an upstream server grants of the same type.
    pub accept: Vec<Granted>,
    /// How many of its logins may wait at the same time.
    pub max_waiting: usize,
}

impl Sources<'_> {
    /// `upstreams`: the names that may be chosen from.
    pub(super) fn client(
        &mut self,
        section: &Section<'_>,
        upstreams: &[&str],
    ) -> Result<ClientSettings, SettingsFault> {
        section.only(&KEYS)?;
        let name = section.own_name()?;
        let network = network(section)?;
        let secret = self.secret(section, "secret")?;
        self.warn_of_short(section, &secret);
        let gateway_key = self.gateway_key(section)?;
        let factors = [("gateway", FirstFactor::Gateway), ("radius", FirstFactor::Radius), ("none", FirstFactor::None)];
        let first_factor = section.word("first_factor", FirstFactor::Gateway, &factors)?;
        let displays = [("refuse", NoDisplay::Refuse), ("approve_only", NoDisplay::ApproveOnly)];
        let upstreams = self.chosen(section, first_factor, upstreams)?;
        let require_message_authenticator = section.switch("require_message_authenticator", true)?;
        if !require_message_authenticator {
            self.warnings.push(format!(
                "{}: requests without Message-Authenticator can be forged by whoever can write the client's address (CVE-2024-3596); switch it on at the client and set require_message_authenticator = true.",
                section.name()
            ));
        }
        let no_display = section.word("no_display", NoDisplay::Refuse, &displays)?;
        let styles = [("hold", Style::Hold), ("challenge", Style::Challenge), ("passcode", Style::Passcode)];
        let style = section.word("style", Style::Hold, &styles)?;
        // In the style `passcode` no phone rings.
        let rings = style != Style::Passcode;
        if rings && first_factor == FirstFactor::None && no_display == NoDisplay::ApproveOnly {
            self.warnings.push(format!(
                "{}: with first_factor = \"none\" and no_display = \"approve_only\" whoever knows a user name makes that phone ring, and one careless tap lets him in; write no_display = \"refuse\", or have the password checked.",
                section.name()
            ));
        }
        let time_limit = section.number("time_limit", DEFAULT_TIME_LIMIT, 2, 300)?;
        let challenge_life = self.challenge_life(section, style, time_limit)?;
        Ok(ClientSettings {
            name,
            network,
            secret,
            gateway_key,
            first_factor,
            style,
            time_limit: Duration::from_secs(time_limit.into()),
            challenge_life: Duration::from_secs(challenge_life.into()),
            require_message_authenticator,
            no_display,
            trust_calling_station_id: section.switch("trust_calling_station_id", false)?,
            upstreams,
            accept: accept(section)?,
            max_waiting: section.number("max_waiting", DEFAULT_MAX_WAITING, 1, u16::MAX)?.into(),
        })
    }

    /// In seconds. Unless it is told, a challenge does not die while its client still waits.
    fn challenge_life(&mut self, section: &Section<'_>, style: Style, time_limit: u16) -> Result<u16, SettingsFault> {
        let key = "challenge_life";
        let life = section.number(key, DEFAULT_CHALLENGE_LIFE.max(time_limit), 10, 600)?;
        if style == Style::Challenge {
            return Ok(life);
        }
        if section.has(key) {
            self.warnings.push(format!("{}: {key} counts only with style = \"challenge\".", section.name()));
        }
        Ok(time_limit)
    }

    fn gateway_key(&mut self, section: &Section<'_>) -> Result<Secret, SettingsFault> {
        let key = self.secret(section, "gateway_key")?;
        if key.reveal().starts_with(prefix::GATEWAY) && key.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(key);
        }
        Err(section.fault(
            format!("gateway_key does not begin with {}, or has a character that no key has", prefix::GATEWAY),
            "Make one with: gatematch gateway add NAME --application APP --json",
        ))
    }

    fn chosen(
        &mut self,
        section: &Section<'_>,
        first_factor: FirstFactor,
        names: &[&str],
    ) -> Result<Vec<usize>, SettingsFault> {
        let given = section.texts("upstream")?;
        if first_factor != FirstFactor::Radius {
            if given.is_some() {
                self.warnings.push(format!("{}: upstream counts only with first_factor = \"radius\".", section.name()));
            }
            return Ok(Vec::new());
        }
        let place = |name: &str| {
            let found = names.iter().position(|other| *other == name);
            found.ok_or_else(|| {
                section.fault(
                    format!("upstream names {name:?}, which is none"),
                    format!("The names under [[radius.upstream]] are: {}.", names.join(", ")),
                )
            })
        };
        let chosen = match given {
            Some(given) => given.into_iter().map(place).collect::<Result<Vec<_>, _>>()?,
            None => (0..names.len()).collect(),
        };
        if chosen.is_empty() {
            let todo = "Write [[radius.upstream]] with name, address and secret, or another first_factor.";
            return Err(section.fault("first_factor is \"radius\", and there is no upstream server to ask", todo));
        }
        Ok(chosen)
    }
}

fn network(section: &Section<'_>) -> Result<Network, SettingsFault> {
    let todo = "Write network = \"192.0.2.7\" for one machine, or \"192.0.2.0/24\" for a network.";
    let text = section.text("network")?.ok_or_else(|| section.fault("network is missing", todo))?;
    text.parse().map_err(|fault| section.fault(format!("network: {fault}"), todo))
}

fn accept(section: &Section<'_>) -> Result<Vec<Granted>, SettingsFault> {
    let Some(entries) = section.entries("accept")? else { return Ok(Vec::new()) };
    let mut granted = Vec::new();
    for (name, value) in entries {
        let setting = setting(value).ok_or_else(|| {
            let todo = "Write a text, a whole number, or a list of texts.";
            section.fault(format!("accept: {name} is {}", shown(value)), todo)
        })?;
        let made = attribute::from_setting(name, &setting)
            .map_err(|fault| section.fault(format!("accept: {name}: {fault}"), "Correct the name or the value."))?;
        granted.extend(made.iter().map(|(kind, value)| Granted::open(*kind, value)));
    }
    Ok(granted)
}

fn setting(value: &Value) -> Option<Setting> {
    match value {
        Value::String(text) => Some(Setting::Text(text.clone())),
        Value::Integer(number) => Some(Setting::Integer(*number)),
        Value::Array(values) => {
            let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map(Setting::List)
        }
        _ => None,
    }
}
