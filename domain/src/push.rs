//! Which push subscriptions are taken (contract section 7): a push endpoint is an address that we will call, so
//! whoever names it must not be able to aim us at the inside of the network.

use gatematch_protocol::base64url;
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::jwk::PublicKey;
use url::{Host, Url};

/// The public push services, which are always allowed.
pub const PUBLIC_HOSTS: [&str; 4] =
    ["fcm.googleapis.com", "updates.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com"];

/// The longest endpoint, in bytes.
const MOST_ENDPOINT_BYTES: usize = 2_048;

/// Why a subscription is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushFault {
    /// Not a URL, not https, with user information or a fragment, or not spelled as what it means.
    #[error("the endpoint must be an https address without user information, its host in plain ASCII")]
    Endpoint,
    /// Its host is not allowed.
    #[error("the endpoint's host is not an allowed push service")]
    Host,
    /// `p256dh` is not a point of P-256 in 65 bytes, or `auth` not 16 bytes.
    #[error("p256dh must be a P-256 point of 65 bytes and auth 16 bytes, in base64url without padding")]
    Keys,
}

/// An entry of the configuration that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host or host:port")]
pub struct HostFault(String);

/// The hosts that push may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushHosts {
    // Hosts that the configuration names, which may be `http` and private.
    named: Vec<(String, u16)>,
}

/// An endpoint that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The address that was checked.
    pub url: Url,
    /// The entry of the list that allows it, such as `*.push.apple.com` or `push.contoso.example:8443`. What is counted
    /// or bounded for a push service goes by this: a phone can make up names below a wildcard, but no entries.
    pub service: String,
}

impl PushHosts {
    /// Reads entries of the form `host` (port 443) or `host:port`.
    ///
    /// # Errors
    /// [`HostFault`] names the entry.
    pub fn from_entries<S: AsRef<str>>(entries: &[S]) -> Result<Self, HostFault> {
        let read = |entry: &str| {
            let url = Url::parse(&format!("https://{entry}/")).map_err(|_| HostFault(entry.to_owned()))?;
            let bare = url.username().is_empty()
                && url.password().is_none()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none();
            match url.host_str() {
                Some(host) if bare && !entry.contains('/') => Ok((host.to_owned(), url.port().unwrap_or(443))),
                _ => Err(HostFault(entry.to_owned())),
            }
        };
        Ok(Self { named: entries.iter().map(|entry| read(entry.as_ref())).collect::<Result<_, _>>()? })
    }

    /// Checks a subscription.
    ///
    /// # Errors
    /// [`PushFault`].
    pub fn check(&self, push: &PushSubscription) -> Result<(), PushFault> {
        self.check_endpoint(push.endpoint.reveal())?;
        let point: [u8; 65] = base64url::decode_array(&push.keys.p256dh).map_err(|_| PushFault::Keys)?;
        let on_curve = PublicKey::from_sec1(&point).is_some_and(|key| key.is_on_curve());
        let auth = base64url::decode_array::<16>(push.keys.auth.reveal());
        if on_curve && auth.is_ok() { Ok(()) } else { Err(PushFault::Keys) }
    }

    /// The hosts that the configuration names, with their ports.
    pub fn named(&self) -> impl Iterator<Item = (&str, u16)> {
        self.named.iter().map(|(name, port)| (name.as_str(), *port))
    }

    /// Whether the configuration names this host, whatever the port: it may be private then.
    #[must_use]
    pub fn names(&self, host: &str) -> bool {
        self.named.iter().any(|(name, _)| name == host)
    }

    /// The entry of the list that covers this host, whatever the port: one of as many as the list has.
    #[must_use]
    pub fn entry_of_host(&self, host: &str) -> Option<&str> {
        let named = self.named.iter().map(|(name, _)| name.as_str()).find(|name| *name == host);
        named.or_else(|| PUBLIC_HOSTS.into_iter().find(|entry| is_covered(host, entry)))
    }

    /// Checks an endpoint, at registration and again before each call (the configuration may have changed since);
    /// yields the address that was checked, so that no other is called, and the entry that allows it.
    ///
    /// # Errors
    /// [`PushFault::Endpoint`] and [`PushFault::Host`].
    pub fn check_endpoint(&self, endpoint: &str) -> Result<Allowed, PushFault> {
        if endpoint.len() > MOST_ENDPOINT_BYTES {
            return Err(PushFault::Endpoint);
        }
        let url = Url::parse(endpoint).map_err(|_| PushFault::Endpoint)?;
        let port = url.port_or_known_default().ok_or(PushFault::Endpoint)?;
        let host = url.host().ok_or(PushFault::Endpoint)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(PushFault::Endpoint);
        }
        if !is_plain(endpoint, url.scheme(), &host.to_string(), port) {
            return Err(PushFault::Endpoint);
        }
        let named = self.named.iter().find(|(name, at)| *name == host.to_string() && *at == port);
        if let Some((name, at)) = named.filter(|_| matches!(url.scheme(), "http" | "https")) {
            let service = format!("{name}:{at}");
            return Ok(Allowed { url, service });
        }
        if url.scheme() != "https" {
            return Err(PushFault::Endpoint);
        }
        let entry = match host {
            Host::Domain(name) if port == 443 => PUBLIC_HOSTS.into_iter().find(|entry| is_covered(name, entry)),
            _ => None,
        };
        let service = entry.ok_or(PushFault::Host)?.to_owned();
        Ok(Allowed { url, service })
    }
}

/// Whether `endpoint` says what it means: others who read it (a proxy, a person) must not see another host in it than
/// we do. So no backslash, no blank, no other script, no escape in the host, no number that is an address.
fn is_plain(endpoint: &str, scheme: &str, host: &str, port: u16) -> bool {
    let Some((given, rest)) = endpoint.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let ascii = endpoint.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let same = authority.eq_ignore_ascii_case(host) || authority.eq_ignore_ascii_case(&format!("{host}:{port}"));
    ascii && same && given.eq_ignore_ascii_case(scheme)
}

fn is_covered(name: &str, allowed: &str) -> bool {
    match allowed.strip_prefix('*') {
        Some(parent) => name.strip_suffix(parent).is_some_and(|rest| rest.split('.').all(|label| !label.is_empty())),
        None => name == allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_push_services_and_named_hosts_are_called() {
        let hosts = PushHosts::from_entries(&["ntfy.contoso.com", "127.0.0.1:9090"]).unwrap();
        for (endpoint, service) in [
            ("https://fcm.googleapis.com/fcm/send/x", "fcm.googleapis.com"),
            ("https://updates.push.services.mozilla.com/wpush/v2/x", "updates.push.services.mozilla.com"),
            ("https://web.push.apple.com/x", "*.push.apple.com"),
            ("https://made.up.push.apple.com/x", "*.push.apple.com"),
            ("https://db5p.notify.windows.com/w/?token=x", "*.notify.windows.com"),
            ("https://ntfy.contoso.com/up", "ntfy.contoso.com:443"),
            ("http://127.0.0.1:9090/push", "127.0.0.1:9090"),
        ] {
            let allowed = hosts.check_endpoint(endpoint).unwrap();
            assert_eq!((allowed.url.as_str(), allowed.service.as_str()), (endpoint, service));
        }
        for (host, entry) in [
            ("fcm.googleapis.com", Some("fcm.googleapis.com")),
            ("made.up.push.apple.com", Some("*.push.apple.com")),
            ("ntfy.contoso.com", Some("ntfy.contoso.com")),
            ("push.apple.com", None),
        ] {
            assert_eq!(hosts.entry_of_host(host), entry);
        }
        for endpoint in [
            "http://fcm.googleapis.com/x",
            "https://fcm.googleapis.com:8443/x",
            "https://evil@fcm.googleapis.com/x",
            "https://fcm.googleapis.com.evil.example/x",
            "https://push.apple.com/x",
            "https://.push.apple.com/x",
            "https://evilpush.apple.com.example/x",
            "https://127.0.0.1/x",
            "https://2130706433/x",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://169.254.169.254/latest",
            "http://127.0.0.1:9091/push",
            "ftp://127.0.0.1:9090/push",
            "file:///etc/passwd",
            "fcm.googleapis.com",
            "",
        ] {
            assert!(hosts.check_endpoint(endpoint).is_err(), "{endpoint}");
        }
        for entry in ["", "a b", "https://x", "x/y", "u@x"] {
            assert!(PushHosts::from_entries(&[entry]).is_err(), "{entry}");
        }
    }

    #[test]
    fn an_endpoint_that_reads_otherwise_than_it_is_called_is_refused() {
        let hosts = PushHosts::from_entries(&["ntfy.contoso.com", "127.0.0.1:9090", "[::1]:9090"]).unwrap();
        for endpoint in [
            "https://fcm.googleapis.com./x",
            "https://web.push.apple.com./x",
            "https://ntfy.contoso.com./x",
            "https://a..push.apple.com/x",
            "https://.notify.windows.com/x",
            "https://fcm%2egoogleapis.com/x",
            "https://%66cm.googleapis.com/x",
            "https://\u{ff46}cm.googleapis.com/x",
            "https://fcm\u{3002}googleapis.com/x",
            "https://f\u{441}m.googleapis.com/x",
            "https://xn--fm-8lc.googleapis.com/x",
            "https://fcm.googleapis.com\\@evil.example/x",
            "https:\\\\fcm.googleapis.com\\x",
            "https://evil.example\\.push.apple.com/x",
            "https://evil.example%5c.push.apple.com/x",
            "https://evil.example/.push.apple.com",
            "https://evil.example?.push.apple.com",
            "https://evil.example#.push.apple.com",
            "https://evil.example:443.push.apple.com/x",
            "https:fcm.googleapis.com/x",
            "https:/fcm.googleapis.com/x",
            "https:///fcm.googleapis.com/x",
            "https://@fcm.googleapis.com/x",
            "https://:@fcm.googleapis.com/x",
            " https://fcm.googleapis.com/x",
            "https://fcm.googleapis.com/x ",
            "https://fcm.google\tapis.com/x",
            "https://fcm.googleapis.com/\nx",
            "https://fcm.googleapis.com/x#",
            "http://2130706433:9090/x",
            "http://0x7f.1:9090/x",
            "http://127.1:9090/x",
            "http://0177.0.0.1:9090/x",
            "http://[::ffff:127.0.0.1]:9090/x",
            "http://[0:0:0:0:0:0:0:1]:9090/x",
            "http://127.0.0.1.:9090/x",
        ] {
            assert!(hosts.check_endpoint(endpoint).is_err(), "{endpoint}");
        }
        for endpoint in [
            "https://FCM.googleapis.com/x",
            "https://ntfy.contoso.com:443/x",
            "http://[::1]:9090",
            "HTTPS://web.push.apple.com/x",
        ] {
            assert!(hosts.check_endpoint(endpoint).is_ok(), "{endpoint}");
        }
        assert!(hosts.names("127.0.0.1") && hosts.names("ntfy.contoso.com") && !hosts.names("fcm.googleapis.com"));
    }
}
