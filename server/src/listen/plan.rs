//! Which listeners there are, and how each is protected: decided from the settings alone, before anything is bound.

use std::net::{IpAddr, SocketAddr};

use crate::settings::Settings;

/// How a listener is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Plain HTTP, on an address that only this machine reaches.
    Plain,
    /// Plain HTTP that other machines reach: for these proxies, and this machine, alone.
    Named(Vec<IpAddr>),
    /// TLS, for everybody.
    Tls,
}

impl Way {
    /// Whether a connection from `peer` is served.
    #[must_use]
    pub fn admits(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        match self {
            Self::Plain | Self::Tls => true,
            Self::Named(proxies) => peer.is_loopback() || proxies.contains(&peer),
        }
    }

    /// Whether a connection from `peer` counts to the share of its address. One of a proxy is many people's, and
    /// this machine's own are nobody's.
    #[must_use]
    pub fn is_shared(&self, peer: IpAddr, proxies: &[IpAddr]) -> bool {
        let peer = peer.to_canonical();
        *self == Self::Tls && !peer.is_loopback() && !proxies.iter().any(|proxy| proxy.to_canonical() == peer)
    }

    /// The scheme of addresses there.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Plain | Self::Named(_) => "http",
            Self::Tls => "https",
        }
    }
}

/// The listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where everything is served.
    pub main: (SocketAddr, Way),
    /// Where only that is served which phones and browsers need.
    pub public: Option<(SocketAddr, Way)>,
}

/// A setting that a fault of the plan is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// `listen`.
    Listen,
    /// `public_listen`.
    PublicListen,
    /// `issuer`.
    Issuer,
}

impl About {
    /// As it stands in the settings file.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::PublicListen => "public_listen",
            Self::Issuer => "issuer",
        }
    }
}

/// Why the listeners cannot be as the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// Other machines would reach plain HTTP.
    #[error("{} is {address}, which other machines can reach, and there is neither TLS nor a proxy that may use it: keys and numbers would cross the network in the clear", .about.key())]
    Unprotected {
        /// The setting.
        about: About,
        /// Its value.
        address: SocketAddr,
    },
    /// Both listeners would be one.
    #[error("public_listen is {public}, and listen is {main}: both would take the same port")]
    Same {
        /// `public_listen`.
        public: SocketAddr,
        /// `listen`.
        main: SocketAddr,
    },
    /// Nobody can guess by which name the server is reached.
    #[error("issuer is not set, and {} is {address}: nobody can guess by which name phones reach this server", .about.key())]
    NoIssuer {
        /// The listener that needs it.
        about: About,
        /// Its address.
        address: SocketAddr,
    },
}

impl PlanFault {
    /// The setting that it is about.
    #[must_use]
    pub const fn about(&self) -> About {
        match self {
            Self::Unprotected { about, .. } => *about,
            Self::Same { .. } => About::PublicListen,
            Self::NoIssuer { .. } => About::Issuer,
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn todo(&self) -> &'static str {
        match self {
            Self::Unprotected { .. } => {
                "Set tls_certificate and tls_key; or listen on 127.0.0.1 or [::1], with a reverse proxy on this machine before it; or name a reverse proxy on another machine in trusted_proxies: nobody else is served then (docs/https.md)."
            }
            Self::Same { .. } => "Give each its own port, or leave public_listen out.",
            Self::NoIssuer { .. } => {
                "Set issuer to https:// and the name in the certificate, such as https://mfa.example.com: every token carries it."
            }
        }
    }
}

impl Plan {
    /// The listeners that the settings ask for.
    ///
    /// # Errors
    /// [`PlanFault`]: keys and numbers would cross the network in the clear, or phones would not find the server.
    pub fn of(settings: &Settings) -> Result<Self, PlanFault> {
        let main = (settings.listen, way(About::Listen, settings.listen, settings)?);
        let public = match settings.public_listen {
            None => None,
            Some(address) => Some((address, way(About::PublicListen, address, settings)?)),
        };
        if let Some(public) = settings.public_listen.filter(|public| is_same(*public, settings.listen)) {
            return Err(PlanFault::Same { public, main: settings.listen });
        }
        let plan = Self { main, public };
        if settings.issuer.is_none() {
            plan.needs_no_issuer()?;
        }
        Ok(plan)
    }

    /// Whether anything is served with TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.main.1 == Way::Tls || self.public.as_ref().is_some_and(|(_, way)| *way == Way::Tls)
    }

    /// A default issuer is the address of plain HTTP on this machine: right for a trial, and for nothing else.
    fn needs_no_issuer(&self) -> Result<(), PlanFault> {
        let named = |about, listener: &(SocketAddr, Way)| match listener {
            (_, Way::Plain) => Ok(()),
            (address, _) => Err(PlanFault::NoIssuer { about, address: *address }),
        };
        named(About::Listen, &self.main)?;
        self.public.as_ref().map_or(Ok(()), |public| named(About::PublicListen, public))
    }
}

/// Whether only this machine reaches an address.
pub(crate) fn is_near(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Whether the system refuses the one where it has the other. The address of all addresses takes the port of each, and
/// `[::]` that of IPv4 as well. Port 0 is another one each time.
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    let (first, second) = (one.ip().to_canonical(), other.ip().to_canonical());
    let takes = |all: IpAddr, single: IpAddr| all.is_unspecified() && (all.is_ipv6() || single.is_ipv4());
    one.port() != 0 && one.port() == other.port() && (first == second || takes(first, second) || takes(second, first))
}

fn way(about: About, address: SocketAddr, settings: &Settings) -> Result<Way, PlanFault> {
    let near = is_near(address);
    // What phones and browsers call is served with TLS wherever there is a certificate.
    if settings.tls.is_some() && (!near || about == About::PublicListen) {
        return Ok(Way::Tls);
    }
    if near {
        return Ok(Way::Plain);
    }
    let far = |proxy: &IpAddr| !proxy.is_loopback() && !proxy.is_unspecified() && !proxy.is_multicast();
    let proxies: Vec<_> = settings.trusted_proxies.iter().map(IpAddr::to_canonical).filter(far).collect();
    if proxies.is_empty() {
        return Err(PlanFault::Unprotected { about, address });
    }
    Ok(Way::Named(proxies))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::settings::TlsFiles;

    /// The settings of a plan: `listen`, `public_listen`, whether there is a certificate, proxies.
    fn settings(listen: &str, public: Option<&str>, tls: bool, proxies: &[&str]) -> Settings {
        let mut settings = Settings::for_data_dir(Path::new("/nowhere"));
        settings.listen = listen.parse().unwrap();
        settings.public_listen = public.map(|address| address.parse().unwrap());
        settings.tls = tls.then(|| TlsFiles { certificate: PathBuf::from("c"), key: PathBuf::from("k") });
        settings.trusted_proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        settings.issuer = Some("https://mfa.example.com".to_owned());
        settings
    }

    const NEAR: &str = "127.0.0.1:8080";
    const FAR: &str = "0.0.0.0:8443";

    #[test]
    fn a_listener_beyond_this_machine_needs_tls_or_a_named_proxy() {
        let named = Way::Named(vec!["192.0.2.9".parse().unwrap()]);
        for (tls, proxies, near, far) in [
            (false, &[][..], Way::Plain, None),
            (false, &["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "::ffff:127.0.0.1"], Way::Plain, None),
            (false, &["127.0.0.1", "192.0.2.9"], Way::Plain, Some(named.clone())),
            (false, &["::ffff:192.0.2.9"], Way::Plain, Some(named)),
            (true, &["192.0.2.9"], Way::Plain, Some(Way::Tls)),
            (true, &[], Way::Plain, Some(Way::Tls)),
        ] {
            let main = Plan::of(&settings(NEAR, None, tls, proxies)).unwrap();
            assert_eq!((main.main.1, main.public), (near.clone(), None));
            for address in [FAR, "192.0.2.1:1", "[::]:1", "[2001:db8::1]:1", "[::ffff:192.0.2.1]:1"] {
                let main = Plan::of(&settings(address, None, tls, proxies));
                assert_eq!(main.ok().map(|plan| plan.main.1), far, "{address} {tls} {proxies:?}");
                let public = Plan::of(&settings(NEAR, Some(address), tls, proxies));
                assert_eq!(public.ok().and_then(|plan| plan.public).map(|(_, way)| way), far);
            }
        }
        let fault = Plan::of(&settings(FAR, None, false, &[])).unwrap_err();
        assert_eq!((fault.about(), fault.to_string().contains("listen is 0.0.0.0:8443")), (About::Listen, true));
        assert!(fault.todo().contains("tls_certificate") && fault.todo().contains("trusted_proxies"));
    }

    #[test]
    fn the_public_listener_has_tls_wherever_there_is_a_certificate() {
        let near = "127.0.0.1:8443";
        let plan = |tls| Plan::of(&settings(NEAR, Some(near), tls, &[])).unwrap();
        assert_eq!(plan(false).public.unwrap().1, Way::Plain);
        assert_eq!((plan(true).main.1, plan(true).public.unwrap().1), (Way::Plain, Way::Tls));
        assert!(plan(true).has_tls() && !plan(false).has_tls());
    }

    #[test]
    fn two_listeners_are_two_unless_the_system_chooses() {
        let plan = |one: &str, other: &str| Plan::of(&settings(one, Some(other), true, &[]));
        let near = NEAR.parse().unwrap();
        assert_eq!(plan(NEAR, NEAR), Err(PlanFault::Same { public: near, main: near }));
        for (one, other, is_same) in [
            (NEAR, "[::ffff:127.0.0.1]:8080", true),
            ("0.0.0.0:443", "[::]:443", true),
            ("[::]:443", "192.0.2.1:443", true),
            ("[::]:443", "[2001:db8::1]:443", true),
            ("0.0.0.0:443", "192.0.2.1:443", true),
            ("0.0.0.0:443", "[2001:db8::1]:443", false),
            ("0.0.0.0:443", "[::]:444", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("0.0.0.0:0", "[::]:0", false),
            (NEAR, "127.0.0.2:8080", false),
        ] {
            assert_eq!(plan(one, other).is_err(), is_same, "{one} {other}");
            assert_eq!(plan(other, one).is_err(), is_same, "{other} {one}");
        }
    }

    #[test]
    fn the_issuer_must_be_told_where_nobody_can_guess_it() {
        let without = |mut settings: Settings| {
            settings.issuer = None;
            Plan::of(&settings).map(|_| ())
        };
        assert_eq!(without(settings(NEAR, None, true, &[])), Ok(()));
        assert_eq!(without(settings(NEAR, Some("127.0.0.1:8081"), false, &[])), Ok(()));
        for (settings, about, address) in [
            (settings(FAR, None, true, &[]), About::Listen, FAR),
            (settings(FAR, None, false, &["192.0.2.9"]), About::Listen, FAR),
            (settings(NEAR, Some("127.0.0.1:8443"), true, &[]), About::PublicListen, "127.0.0.1:8443"),
        ] {
            let expected = PlanFault::NoIssuer { about, address: address.parse().unwrap() };
            assert_eq!(without(settings), Err(expected));
            assert_eq!(expected.about(), About::Issuer);
        }
    }

    #[test]
    fn addresses_share_where_others_come_by_tls() {
        let proxies = ["192.0.2.9", "::ffff:192.0.2.10"].map(|proxy| proxy.parse().unwrap());
        for (peer, is_shared) in [
            ("203.0.113.1", true),
            ("::ffff:203.0.113.1", true),
            ("2001:db8::1", true),
            ("10.0.0.1", true),
            ("192.0.2.9", false),
            ("::ffff:192.0.2.9", false),
            ("192.0.2.10", false),
            ("127.0.0.1", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
        ] {
            let peer = peer.parse().unwrap();
            assert_eq!(Way::Tls.is_shared(peer, &proxies), is_shared, "{peer}");
            assert!(!Way::Plain.is_shared(peer, &proxies) && !Way::Named(proxies.to_vec()).is_shared(peer, &proxies));
        }
    }

    #[test]
    fn a_named_listener_serves_named_proxies_and_this_machine() {
        let named = Way::Named(vec!["192.0.2.9".parse().unwrap(), "2001:db8::9".parse().unwrap()]);
        for peer in
            ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8::9", "127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"]
        {
            assert!(named.admits(peer.parse().unwrap()), "{peer}");
        }
        for peer in ["192.0.2.8", "::ffff:192.0.2.8", "2001:db8::8", "0.0.0.0", "::", "10.0.0.1"] {
            assert!(!named.admits(peer.parse().unwrap()), "{peer}");
            assert!(Way::Tls.admits(peer.parse().unwrap()) && Way::Plain.admits(peer.parse().unwrap()));
        }
    }
}
