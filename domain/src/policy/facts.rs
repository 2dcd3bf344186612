//! What is known of a login when policy is asked: enough to judge it, and to judge it again a year later.

use std::net::IpAddr;

use gatematch_protocol::id::GatewayId;
use gatematch_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::country::Country;

/// What is known of a login. It is kept with the audit event of the login's beginning, so that it can be explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The canonical name.
    pub user: String,
    /// His groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Where he signs in; absent only where a login is imagined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<AtGateway>,
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Where from, as somebody tells whose word counts.
    #[serde(default, skip_serializing_if = "Whence::is_nowhere")]
    pub told: Whence,
    /// Where the connect page's browser is, which proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Whence>,
    /// [`Signal::RecentFailures`].
    pub recent_failures: bool,
    /// [`Signal::NewPhone`].
    pub new_phone: bool,
    /// Whether nothing but a factor of the person will do: the gateway has checked no password.
    pub factor_required: bool,
}

/// The gateway of a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtGateway {
    /// Names it.
    pub id: GatewayId,
    /// As people know it.
    pub name: String,
}

impl AtGateway {
    /// Whether it is meant by `name`: its name, or its id.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.id.to_string() == name
    }
}

/// Where a login comes from, by one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whence {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The country that it is in, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// [`Signal::NewNetwork`]; `None` without an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_network: Option<bool>,
    /// [`Signal::NewCountry`]; `None` without a country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_country: Option<bool>,
}

impl Whence {
    fn is_nowhere(&self) -> bool {
        *self == Self::default()
    }
}

/// What makes a login stand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// He has not signed in from this network of late.
    NewNetwork,
    /// He has not signed in from this country of late.
    NewCountry,
    /// A number or code of his was wrong, or he denied or reported a login, in the last hour.
    RecentFailures,
    /// A phone of his was registered, or confirmed, in the last day.
    NewPhone,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 4] = [Self::NewNetwork, Self::NewCountry, Self::RecentFailures, Self::NewPhone];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewNetwork => "new-network",
            Self::NewCountry => "new-country",
            Self::RecentFailures => "recent-failures",
            Self::NewPhone => "new-phone",
        }
    }

    /// The signal with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.as_str() == word)
    }

    /// Whether it asks where a login comes from.
    #[must_use]
    pub const fn is_of_address(self) -> bool {
        matches!(self, Self::NewNetwork | Self::NewCountry)
    }
}

impl Facts {
    /// A login of `user` at `at` of which nothing else is known.
    #[must_use]
    pub fn of(user: String, at: Timestamp) -> Self {
        Self {
            user,
            groups: Vec::new(),
            gateway: None,
            client_name: None,
            at,
            told: Whence::default(),
            page: None,
            recent_failures: false,
            new_phone: false,
            factor_required: false,
        }
    }

    /// Whether a signal is there, from `whence`; `None` where that is not known.
    #[must_use]
    pub const fn signal(&self, signal: Signal, whence: &Whence) -> Option<bool> {
        match signal {
            Signal::NewNetwork => whence.new_network,
            Signal::NewCountry => whence.new_country,
            Signal::RecentFailures => Some(self.recent_failures),
            Signal::NewPhone => Some(self.new_phone),
        }
    }
}
