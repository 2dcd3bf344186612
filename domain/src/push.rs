//! Which push subscriptions are taken (contract section 7): a push endpoint is an address that we will call, so
//! whoever names it must not be able to aim us at the inside of the network.

use gatematch_protocol::base64url;
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::jwk::PublicKey;
use url::{Host, Url};

/// The public push services, which are always allowed.
const PUBLIC_HOSTS: [&str; 4] =
    ["fcm.googleapis.com", "updates.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com"];

/// Why a subscription is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushFault {
    /// Not a URL, not https, or with user information or a fragment.
    #[error("the endpoint must be an https address without user information")]
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

    fn check_endpoint(&self, endpoint: &str) -> Result<(), PushFault> {
        if endpoint.len() > 2_048 {
            return Err(PushFault::Endpoint);
        }
        let url = Url::parse(endpoint).map_err(|_| PushFault::Endpoint)?;
        let port = url.port_or_known_default().ok_or(PushFault::Endpoint)?;
        let host = url.host().ok_or(PushFault::Endpoint)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(PushFault::Endpoint);
        }
        let named = self.named.iter().any(|(name, at)| *name == host.to_string() && *at == port);
        if named && matches!(url.scheme(), "http" | "https") {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(PushFault::Endpoint);
        }
        match host {
            Host::Domain(name) if port == 443 && PUBLIC_HOSTS.iter().any(|allowed| is_covered(name, allowed)) => Ok(()),
            _ => Err(PushFault::Host),
        }
    }
}

fn is_covered(name: &str, allowed: &str) -> bool {
    match allowed.strip_prefix("*.") {
        Some(parent) => name.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => name == allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_push_services_and_named_hosts_are_called() {
        let hosts = PushHosts::from_entries(&["ntfy.contoso.com", "127.0.0.1:9090"]).unwrap();
        for endpoint in [
            "https://fcm.googleapis.com/fcm/send/x",
            "https://updates.push.services.mozilla.com/wpush/v2/x",
            "https://web.push.apple.com/x",
            "https://db5p.notify.windows.com/w/?token=x",
            "https://ntfy.contoso.com/up",
            "http://127.0.0.1:9090/push",
        ] {
            assert_eq!(hosts.check_endpoint(endpoint), Ok(()), "{endpoint}");
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
}
