//! Who may ask: networks with their shared secrets, found by longest prefix.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use gatematch_protocol::secret::Secret;

/// In front of these 96 bits stands an IPv4 address written as IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// A network: an address and how many of its first bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongNetwork {
    /// It is not an address, alone or with a prefix length.
    #[error("{0:?} is no network: write an address such as 192.0.2.7, or a network such as 10.0.0.0/8 or fd00::/8")]
    Unreadable(String),
    /// The prefix is longer than the address.
    #[error("{text:?} has a prefix length above {longest}")]
    Prefix {
        /// What was written.
        text: String,
        /// 32 or 128.
        longest: u8,
    },
    /// The address has bits after the prefix: was the network meant, or the one host?
    #[error("{text:?} has bits set after its prefix: write {network} for the network, or {host} for the one address")]
    HostBits {
        /// What was written.
        text: String,
        /// The network around it.
        network: Network,
        /// The address alone.
        host: Network,
    },
}

impl Network {
    /// The network of the first `prefix` bits of `address`; bits after them are cleared. A prefix longer than the
    /// address counts as the whole address. An IPv4-mapped network counts as IPv4.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let (address, prefix) = unmapped(address, prefix);
        let prefix = prefix.min(longest_prefix(address));
        let address = match address {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask_of_32(prefix))),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask_of_128(prefix))),
        };
        Self { address, prefix }
    }

    /// Its first address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits count.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether `address` lies in it; an IPv4-mapped one counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                network.to_bits() == address.to_bits() & mask_of_32(self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                network.to_bits() == address.to_bits() & mask_of_128(self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = WrongNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || WrongNetwork::Unreadable(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) if !prefix.is_empty() && prefix.bytes().all(|octet| octet.is_ascii_digit()) => {
                (address, Some(prefix))
            }
            Some(_) => return Err(unreadable()),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| unreadable())?;
        let longest = longest_prefix(address);
        let prefix = match prefix {
            Some(prefix) => prefix
                .parse::<u8>()
                .ok()
                .filter(|prefix| *prefix <= longest)
                .ok_or_else(|| WrongNetwork::Prefix { text: text.to_owned(), longest })?,
            None => longest,
        };
        let network = Self::around(address, prefix);
        let host = Self::around(address, longest);
        if network.address != host.address {
            return Err(WrongNetwork::HostBits { text: text.to_owned(), network, host });
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A network that may ask.
#[derive(Clone, Debug)]
pub struct Client {
    /// What the administrator calls it.
    pub name: String,
    /// Where its datagrams come from.
    pub network: Network,
    /// What it and we know.
    pub secret: Secret,
    /// Whether a request without Message-Authenticator is dropped.
    pub require_message_authenticator: bool,
    /// How many of its logins may wait at the same time.
    pub limit_in_flight: usize,
}

/// Why clients cannot stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongClients {
    /// Two of them have the same network.
    #[error("the clients {first:?} and {second:?} have the same network {network}")]
    SameNetwork {
        /// The name of one.
        first: String,
        /// The name of the other.
        second: String,
        /// Their network.
        network: Network,
    },
    /// One has an empty secret, which RFC 2865, section 3, forbids.
    #[error("the client {name:?} has an empty secret")]
    EmptySecret {
        /// Its name.
        name: String,
    },
}

/// All clients.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    clients: Vec<Client>,
    /// Networks with the index of their client, longest prefix first.
    by_prefix: Vec<(Network, usize)>,
}

impl Clients {
    /// Takes the clients in the order of the settings file; that order gives each its index.
    ///
    /// # Errors
    /// [`WrongClients`].
    pub fn new(clients: Vec<Client>) -> Result<Self, WrongClients> {
        let mut by_prefix: Vec<(Network, usize)> = Vec::with_capacity(clients.len());
        let mut names: std::collections::HashMap<Network, &str> = std::collections::HashMap::new();
        for (index, client) in clients.iter().enumerate() {
            if client.secret.reveal().is_empty() {
                return Err(WrongClients::EmptySecret { name: client.name.clone() });
            }
            if let Some(first) = names.insert(client.network, &client.name) {
                return Err(WrongClients::SameNetwork {
                    first: first.to_owned(),
                    second: client.name.clone(),
                    network: client.network,
                });
            }
            by_prefix.push((client.network, index));
        }
        by_prefix.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix));
        Ok(Self { clients, by_prefix })
    }

    /// The index of the client with the longest prefix around `address`; an IPv4-mapped address counts as IPv4.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<usize> {
        let address = address.to_canonical();
        self.by_prefix.iter().find(|(network, _)| network.contains(address)).map(|(_, index)| *index)
    }

    /// The client with this index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Client> {
        self.clients.get(index)
    }

    /// The clients in the order of their indices.
    pub fn iter(&self) -> std::slice::Iter<'_, Client> {
        self.clients.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }
}

impl<'a> IntoIterator for &'a Clients {
    type Item = &'a Client;
    type IntoIter = std::slice::Iter<'a, Client>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// An IPv4-mapped network as the IPv4 network that it is.
fn unmapped(address: IpAddr, prefix: u8) -> (IpAddr, u8) {
    match (address.to_canonical(), prefix.checked_sub(MAPPED_PREFIX)) {
        (IpAddr::V4(v4), Some(prefix)) if address.is_ipv6() => (IpAddr::V4(v4), prefix),
        _ => (address, prefix),
    }
}

const fn longest_prefix(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask_of_32(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

fn mask_of_128(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client(name: &str, network: &str) -> Client {
        Client {
            name: name.to_owned(),
            network: network.parse().unwrap(),
            secret: Secret::new("secret"),
            require_message_authenticator: true,
            limit_in_flight: 1,
        }
    }

    #[test]
    fn a_network_is_read_as_it_is_written() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::1/128", "::1/128"),
            ("fd00::/8", "fd00::/8"),
            ("::/0", "::/0"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ] {
            assert_eq!(text.parse::<Network>().map(|network| network.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_network_says_what_to_write() {
        for text in
            ["", "/", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0/8", "host", "10.0.0.0/8/8", "1.2.3.4:5"]
        {
            assert_eq!(text.parse::<Network>(), Err(WrongNetwork::Unreadable(text.to_owned())), "{text}");
        }
        for text in ["10.0.0.0/33", "10.0.0.0/300", "::/129"] {
            assert!(matches!(text.parse::<Network>(), Err(WrongNetwork::Prefix { .. })), "{text}");
        }
        let said = "10.1.2.3/8".parse::<Network>().unwrap_err().to_string();
        assert!(said.ends_with("write 10.0.0.0/8 for the network, or 10.1.2.3/32 for the one address"), "{said}");
        let said = "fd00::1/64".parse::<Network>().unwrap_err().to_string();
        assert!(said.contains("fd00::/64") && said.contains("fd00::1/128"), "{said}");
    }

    #[test]
    fn the_longest_prefix_wins() {
        let networks = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "fd00::/8", "fd00::7"];
        let clients = Clients::new(networks.map(|network| client(network, network)).to_vec()).unwrap();
        for (address, expected) in [
            ("192.0.2.1", Some("0.0.0.0/0")),
            ("10.200.0.1", Some("10.0.0.0/8")),
            ("10.1.9.9", Some("10.1.0.0/16")),
            ("10.1.2.3", Some("10.1.2.3")),
            ("::ffff:10.1.2.3", Some("10.1.2.3")),
            ("fd00::8", Some("fd00::/8")),
            ("fd00::7", Some("fd00::7")),
            ("fe80::1", None),
            ("::1", None),
        ] {
            let found = clients.find(ip(address)).and_then(|index| clients.get(index)).map(|found| found.name.as_str());
            assert_eq!(found, expected, "{address}");
        }
    }

    #[test]
    fn all_of_ipv6_is_not_all_of_ipv4() {
        let clients = Clients::new(vec![client("six", "::/0")]).unwrap();
        assert_eq!(clients.find(ip("::ffff:192.0.2.1")), None);
        assert_eq!(clients.find(ip("2001:db8::1")), Some(0));
    }

    #[test]
    fn clients_that_cannot_be_told_apart_are_refused() {
        let same = Clients::new(vec![client("a", "10.0.0.0/8"), client("b", "::ffff:10.0.0.0/104")]);
        assert!(matches!(same, Err(WrongClients::SameNetwork { .. })));
        let silent = Client { secret: Secret::new(""), ..client("a", "10.0.0.0/8") };
        assert!(matches!(Clients::new(vec![silent]), Err(WrongClients::EmptySecret { .. })));
    }
}
