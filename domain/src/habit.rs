//! From where somebody signs in as a rule, so that what is new stands out.

use std::net::IpAddr;

use gatematch_protocol::time::Timestamp;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::challenge::Challenge;
use crate::device::Device;
use crate::place::Atlas;
use crate::policy::{Country, Method, Whence};

/// After how many seconds a place is new again: 90 days.
pub const KNOWN_SECONDS: i64 = 90 * 86_400;
/// For how many seconds a phone is new.
pub const NEW_PHONE_SECONDS: i64 = 86_400;
/// The bits of an IPv4 address that are one network.
const NETWORK_BITS_V4: u8 = 24;
/// The bits of an IPv6 address that are one network: those of a site.
const NETWORK_BITS_V6: u8 = 48;
/// The most networks that are remembered; the one that was longest not used goes first.
const MAX_NETWORKS: usize = 32;
/// The most countries that are remembered.
const MAX_COUNTRIES: usize = 16;

/// Where the client of a login is, to be remembered once its person is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The address.
    pub address: IpAddr,
    /// Its country, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Whether it is that of the connect page, which proves nothing.
    pub by_page: bool,
}

/// From where somebody has signed in of late.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Habits {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    networks: Vec<Known>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    countries: Vec<Known>,
}

/// A network or a country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    what: String,
    /// When somebody last signed in from there, as somebody told whose word counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told_at: Option<Timestamp>,
    /// The same, as the connect page's address says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page_at: Option<Timestamp>,
}

impl Known {
    fn last_at(&self) -> Option<Timestamp> {
        self.told_at.max(self.page_at)
    }
}

/// The network of an address, as habits go.
fn network(address: IpAddr) -> String {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { NETWORK_BITS_V4 } else { NETWORK_BITS_V6 };
    IpNet::new(address, bits).map_or_else(|_| address.to_string(), |network| network.trunc().to_string())
}

fn is_lately(at: Option<Timestamp>, now: Timestamp) -> bool {
    at.is_some_and(|at| now < at.plus_seconds(KNOWN_SECONDS))
}

// What a page has shown is known to pages alone: whoever opens one chooses where.
fn knows(all: &[Known], what: &str, by_page: bool, now: Timestamp) -> bool {
    let known = all.iter().find(|known| known.what == what);
    known.is_some_and(|known| is_lately(known.told_at, now) || (by_page && is_lately(known.page_at, now)))
}

fn learn(all: &mut Vec<Known>, what: String, most: usize, by_page: bool, now: Timestamp) {
    all.retain(|known| is_lately(known.last_at(), now));
    let index = all.iter().position(|known| known.what == what);
    let mut known = index.map_or(Known { what, told_at: None, page_at: None }, |index| all.remove(index));
    if by_page {
        known.page_at = Some(now);
    } else {
        known.told_at = Some(now);
    }
    if all.len() >= most
        && let Some(oldest) = (0..all.len()).min_by_key(|index| all.get(*index).and_then(Known::last_at))
    {
        all.remove(oldest);
    }
    all.push(known);
}

impl Habits {
    /// Remembers that the person has signed in from there.
    pub fn learn(&mut self, origin: &Origin, now: Timestamp) {
        learn(&mut self.networks, network(origin.address), MAX_NETWORKS, origin.by_page, now);
        if let Some(country) = origin.country {
            learn(&mut self.countries, country.to_string(), MAX_COUNTRIES, origin.by_page, now);
        }
    }

    /// What is known of where `origin` is; without one, nothing.
    #[must_use]
    pub fn whence(&self, origin: Option<&Origin>, now: Timestamp) -> Whence {
        let Some(origin) = origin else { return Whence::default() };
        let country = |country: Country| !knows(&self.countries, &country.to_string(), origin.by_page, now);
        Whence {
            address: Some(origin.address),
            country: origin.country,
            new_network: Some(!knows(&self.networks, &network(origin.address), origin.by_page, now)),
            new_country: origin.country.map(country),
        }
    }
}

impl Origin {
    /// Where `address` is.
    #[must_use]
    pub fn of(address: IpAddr, by_page: bool, atlas: &dyn Atlas) -> Self {
        let address = address.to_canonical();
        Self { address, country: atlas.find(address).and_then(|place| place.country), by_page }
    }
}

impl Account {
    /// Whether a phone of his may be asked since less than a day.
    #[must_use]
    pub fn has_new_phone(&self, now: Timestamp) -> bool {
        let since = |device: &Device| device.active_since.unwrap_or(device.created_at);
        self.active_devices().any(|device| now < since(device).plus_seconds(NEW_PHONE_SECONDS))
    }

    /// Remembers from where he was let in, where he has approved that himself, and that he was.
    pub(crate) fn let_in_from(&mut self, challenge: &Challenge, method: Method, now: Timestamp) {
        if let Some(origin) = challenge.origin.filter(|_| Method::FACTORS.contains(&method)) {
            self.user.habits.learn(&origin, now);
        }
        // An account of which policy asks nothing is used all the same, and must not fall asleep over it.
        if method == Method::Policy {
            self.user.last_sign_in_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_numeric_date(second)
    }

    fn origin(address: &str, country: &str, by_page: bool) -> Origin {
        Origin { address: address.parse().unwrap(), country: country.parse().ok(), by_page }
    }

    fn news(habits: &Habits, of: &Origin, second: i64) -> (Option<bool>, Option<bool>) {
        let whence = habits.whence(Some(of), at(second));
        (whence.new_network, whence.new_country)
    }

    #[test]
    fn a_network_is_known_for_ninety_days() {
        let mut habits = Habits::default();
        let oslo = origin("203.0.113.7", "NO", false);
        assert_eq!(news(&habits, &oslo, 0), (Some(true), Some(true)));
        habits.learn(&oslo, at(0));
        assert_eq!(news(&habits, &origin("203.0.113.99", "NO", false), 5), (Some(false), Some(false)));
        assert_eq!(news(&habits, &origin("::ffff:203.0.113.99", "NO", false), 5), (Some(false), Some(false)));
        assert_eq!(news(&habits, &origin("203.0.114.7", "NO", false), 5), (Some(true), Some(false)));
        assert_eq!(news(&habits, &origin("203.0.113.7", "", false), 5), (Some(false), None));
        assert_eq!(news(&habits, &oslo, KNOWN_SECONDS - 1), (Some(false), Some(false)));
        assert_eq!(news(&habits, &oslo, KNOWN_SECONDS), (Some(true), Some(true)));
        assert_eq!(habits.whence(None, at(5)), Whence::default());
        habits.learn(&origin("2001:db8:1:2::3", "NO", false), at(0));
        assert_eq!(news(&habits, &origin("2001:db8:1:ff::1", "NO", false), 5).0, Some(false));
        assert_eq!(news(&habits, &origin("2001:db8:2::1", "NO", false), 5).0, Some(true));
    }

    #[test]
    fn what_a_page_has_shown_is_known_to_pages_alone() {
        let mut habits = Habits::default();
        habits.learn(&origin("203.0.113.7", "NO", true), at(0));
        assert_eq!(news(&habits, &origin("203.0.113.7", "NO", false), 1), (Some(true), Some(true)));
        assert_eq!(news(&habits, &origin("203.0.113.7", "NO", true), 1), (Some(false), Some(false)));
        habits.learn(&origin("198.51.100.7", "SE", false), at(0));
        assert_eq!(news(&habits, &origin("198.51.100.7", "SE", true), 1), (Some(false), Some(false)));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut habits = Habits::default();
        for third in 0..=32 {
            habits.learn(&origin(&format!("10.0.{third}.1"), "NO", false), at(third));
        }
        assert_eq!((habits.networks.len(), habits.countries.len()), (MAX_NETWORKS, 1));
        assert_eq!(news(&habits, &origin("10.0.0.1", "NO", false), 40).0, Some(true));
        assert_eq!(news(&habits, &origin("10.0.1.1", "NO", false), 40).0, Some(false));
    }
}
