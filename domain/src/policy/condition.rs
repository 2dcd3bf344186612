//! What must hold of a login for a rule to match.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Display;

use ipnet::IpNet;
use jiff::civil::DateTime;

use super::country::Country;
use super::facts::{Facts, Signal, Whence};
use super::hours::{Dates, Hours, Zone, shown};
use crate::username::{Username, fold};

/// How many entries of a list are told.
const TOLD: usize = 4;

/// One condition of a rule. Of a list, one entry is enough.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The user is in one of these.
    Groups(Vec<Word>),
    /// The user is one of these.
    Users(Vec<Username>),
    /// The login is at one of these: names or ids.
    Gateways(Vec<String>),
    /// The client's address is in one of these.
    Networks(Vec<IpNet>),
    /// The client's address is in one of these.
    Countries(Vec<Country>),
    /// The login begins in these hours.
    Hours(Hours),
    /// The login begins on these days.
    Dates(Dates),
    /// The client calls itself one of these.
    ClientNames(Vec<Word>),
    /// One of these is there.
    Signals(Vec<Signal>),
}

/// A word as it was written, and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it was written.
    pub written: String,
    compared: String,
}

impl Word {
    /// A group: case, width and blanks at the ends make no difference, as with protected groups.
    pub(super) fn group(written: String) -> Self {
        let compared = folded(&written);
        Self { written, compared }
    }

    /// The name of a client: case makes no difference.
    pub(super) fn client(written: String) -> Self {
        let compared = written.to_lowercase();
        Self { written, compared }
    }
}

fn folded(group: &str) -> String {
    fold(group).trim().to_owned()
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It asks for what the login does not have.
    Missing,
}

impl Held {
    const fn of(known: Option<bool>) -> Self {
        match known {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Missing,
        }
    }
}

/// Facts made ready to be compared with many rules.
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts,
    groups: HashSet<String>,
    gateway: Option<(&'a str, String)>,
    client_name: Option<String>,
    /// What clocks show, by the names of their zones, as far as somebody has asked.
    locals: RefCell<Vec<(String, Option<DateTime>)>>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        Self {
            facts,
            groups: facts.groups.iter().map(|group| folded(group)).collect(),
            gateway: facts.gateway.as_ref().map(|gateway| (gateway.name.as_str(), gateway.id.to_string())),
            client_name: facts.client_name.as_ref().map(|name| name.to_lowercase()),
            locals: RefCell::default(),
        }
    }

    fn local(&self, zone: &Zone) -> Option<DateTime> {
        let mut locals = self.locals.borrow_mut();
        if let Some((_, local)) = locals.iter().find(|(name, _)| name == zone.name()) {
            return *local;
        }
        let local = zone.local(self.facts.at);
        locals.push((zone.name().to_owned(), local));
        local
    }
}

impl Condition {
    /// Whether it can ask for what a login does not have.
    #[must_use]
    pub fn can_miss(&self) -> bool {
        match self {
            Self::Networks(_) | Self::Countries(_) | Self::ClientNames(_) => true,
            Self::Signals(signals) => signals.iter().any(|signal| signal.is_of_address()),
            Self::Groups(_) | Self::Users(_) | Self::Gateways(_) | Self::Hours(_) | Self::Dates(_) => false,
        }
    }

    /// How many entries it has.
    pub(super) fn entries(&self) -> usize {
        match self {
            Self::Groups(words) | Self::ClientNames(words) => words.len(),
            Self::Users(users) => users.len(),
            Self::Gateways(names) => names.len(),
            Self::Networks(networks) => networks.len(),
            Self::Countries(countries) => countries.len(),
            Self::Hours(_) | Self::Dates(_) => 1,
            Self::Signals(signals) => signals.len(),
        }
    }

    /// Whether it holds of every login, where what is missing counts as held: a whole week, or every address.
    pub(super) fn always_holds(&self, missing_matches: bool) -> bool {
        match self {
            Self::Networks(networks) => {
                let has_all = |is_v4: bool| {
                    networks.iter().any(|network| network.prefix_len() == 0 && network.addr().is_ipv4() == is_v4)
                };
                missing_matches && has_all(true) && has_all(false)
            }
            Self::Hours(hours) => hours.are_a_whole_week(),
            _ => false,
        }
    }

    /// Whether it asks where a login comes from.
    #[must_use]
    pub fn asks_for_address(&self) -> bool {
        self.can_miss() && !matches!(self, Self::ClientNames(_))
    }

    /// Whether it asks for a country.
    #[must_use]
    pub fn asks_for_a_place(&self) -> bool {
        match self {
            Self::Countries(_) => true,
            Self::Signals(signals) => signals.contains(&Signal::NewCountry),
            _ => false,
        }
    }

    /// Whether it holds of a login from `whence`.
    pub(super) fn held(&self, seen: &Seen<'_>, whence: &Whence) -> Held {
        let facts = seen.facts;
        match self {
            Self::Groups(groups) => Held::of(Some(groups.iter().any(|group| seen.groups.contains(&group.compared)))),
            Self::Users(users) => Held::of(Some(users.iter().any(|user| user.as_str() == facts.user))),
            Self::Gateways(names) => {
                let is_one = |(name, id): &(&str, String)| names.iter().any(|given| given == name || given == id);
                Held::of(seen.gateway.as_ref().map(is_one))
            }
            Self::Networks(networks) => {
                let address = whence.address.map(|address| address.to_canonical());
                Held::of(address.map(|address| networks.iter().any(|network| network.contains(&address))))
            }
            Self::Countries(countries) => Held::of(whence.country.map(|country| countries.contains(&country))),
            Self::Hours(hours) => Held::of(seen.local(&hours.zone).map(|local| hours.have(local))),
            Self::Dates(dates) => Held::of(seen.local(&dates.zone).map(|local| dates.have(local))),
            Self::ClientNames(names) => {
                let is_one = |name: &String| names.iter().any(|word| word.compared == *name);
                Held::of(seen.client_name.as_ref().map(is_one))
            }
            Self::Signals(signals) => {
                let is = |wanted: Option<bool>| signals.iter().any(|signal| facts.signal(*signal, whence) == wanted);
                // One that is there is enough; one that is not known might be there.
                match (is(Some(true)), is(None)) {
                    (true, _) => Held::Yes,
                    (false, true) => Held::Missing,
                    (false, false) => Held::No,
                }
            }
        }
    }

    /// Why it holds or does not, in words.
    pub(super) fn told(&self, seen: &Seen<'_>, whence: &Whence) -> String {
        let facts = seen.facts;
        let held = self.held(seen, whence);
        let is = if held == Held::Yes { "is" } else { "is not" };
        let address = whence.address.map_or_else(|| "no address that counts".to_owned(), |address| address.to_string());
        match self {
            Self::Groups(groups) => match groups.iter().find(|group| seen.groups.contains(&group.compared)) {
                Some(group) => format!("{} is in {}", facts.user, group.written),
                None => format!("{} is not in {}", facts.user, list(groups.iter().map(|group| &group.written))),
            },
            Self::Users(users) => format!("{} {is} among {}", facts.user, list(users)),
            Self::Gateways(names) => match &facts.gateway {
                None => "no gateway is named".to_owned(),
                Some(gateway) => format!("the gateway {} {is} among {}", gateway.name, list(names)),
            },
            Self::Networks(networks) => match whence.address.map(|address| address.to_canonical()) {
                None => "the login has no address that counts".to_owned(),
                Some(address) => match networks.iter().find(|network| network.contains(&address)) {
                    Some(network) => format!("{address} is in {network}"),
                    None => format!("{address} is not in {}", list(networks)),
                },
            },
            Self::Countries(countries) => match (whence.address, whence.country) {
                (None, _) => "the login has no address that counts".to_owned(),
                (Some(address), None) => format!("nobody knows in which country {address} is"),
                (Some(address), Some(country)) => {
                    format!("{address} is in {country}, which {is} among {}", list(countries))
                }
            },
            Self::Hours(hours) => told_local(seen.local(&hours.zone), is, hours),
            Self::Dates(dates) => told_local(seen.local(&dates.zone), is, dates),
            Self::ClientNames(names) => match &facts.client_name {
                None => "the client has no name".to_owned(),
                Some(name) => format!("the client {name} {is} among {}", list(names.iter().map(|name| &name.written))),
            },
            Self::Signals(signals) => {
                let there = signals.iter().find(|signal| facts.signal(**signal, whence) == Some(true));
                let words = list(signals.iter().map(|signal| signal.as_str()));
                match (there, held) {
                    (Some(signal), _) => format!("{} is there", signal.as_str()),
                    (None, Held::Missing) => format!("nobody can tell whether {words} is there ({address})"),
                    (None, _) => format!("no {words}"),
                }
            }
        }
    }

    /// Whether whatever `other` holds of, this one does as well. Where that is not seen at once, no.
    pub(super) fn covers(&self, other: &Self) -> bool {
        fn all<T: Eq + std::hash::Hash>(ours: &[T], theirs: &[T]) -> bool {
            let ours: HashSet<&T> = ours.iter().collect();
            theirs.iter().all(|one| ours.contains(one))
        }
        let compared = |words: &[Word]| words.iter().map(|word| word.compared.clone()).collect::<Vec<_>>();
        match (self, other) {
            (Self::Groups(ours), Self::Groups(theirs)) | (Self::ClientNames(ours), Self::ClientNames(theirs)) => {
                all(&compared(ours), &compared(theirs))
            }
            (Self::Users(ours), Self::Users(theirs)) => all(ours, theirs),
            (Self::Gateways(ours), Self::Gateways(theirs)) => all(ours, theirs),
            (Self::Networks(ours), Self::Networks(theirs)) => {
                theirs.iter().all(|one| ours.iter().any(|network| network.contains(one)))
            }
            (Self::Countries(ours), Self::Countries(theirs)) => all(ours, theirs),
            (Self::Signals(ours), Self::Signals(theirs)) => all(ours, theirs),
            (ours, theirs) => ours == theirs,
        }
    }
}

fn told_local(local: Option<DateTime>, is: &str, window: &impl Display) -> String {
    match local {
        None => "no calendar has this time".to_owned(),
        Some(local) => format!("{} {is} in {window}", shown(local)),
    }
}

/// The first entries of a list.
fn list<T: Display>(entries: impl IntoIterator<Item = T>) -> String {
    let mut words: Vec<String> = entries.into_iter().map(|entry| entry.to_string()).collect();
    let more = words.len().saturating_sub(TOLD);
    words.truncate(TOLD);
    let shown = words.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
