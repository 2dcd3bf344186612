//! The connection: HTTP on this machine, HTTPS to any other; no proxy, no redirects, short answers.

use std::net::IpAddr;
use std::time::Duration;

use gatematch_protocol::secret::Secret;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect;

use super::Failure;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that nobody uses is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How many such connections are kept.
const MAX_IDLE: usize = 256;
/// An answer that is longer is not read on, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// Why there is no connection to a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiFault {
    /// The address is none of a server.
    #[error("{0:?} is not the address of a server")]
    Address(String),
    /// Keys and numbers would cross the network in the clear.
    #[error("{0:?} is plain http to another machine: keys and numbers would cross the network in the clear")]
    Plain(String),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl ApiFault {
    /// What to do about it, in a sentence.
    #[must_use]
    pub const fn todo(&self) -> &'static str {
        match self {
            Self::Address(_) => {
                "Write it as https://mfa.example.com, or http://127.0.0.1:8080 for a server on this machine."
            }
            Self::Plain(_) => "Write the https address of the reverse proxy before the server.",
            Self::Tls(_) => "Check that the certificates of public authorities are installed (ca-certificates).",
        }
    }
}

/// The address of a server, checked, without slash at the end.
///
/// # Errors
/// [`ApiFault::Address`] and [`ApiFault::Plain`].
pub fn base(text: &str) -> Result<String, ApiFault> {
    let not_one = || ApiFault::Address(text.to_owned());
    let url = reqwest::Url::parse(text).map_err(|_| not_one())?;
    let host = url.host_str().ok_or_else(not_one)?;
    let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !bare || url.fragment().is_some() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(not_one());
    }
    match url.scheme() {
        "https" => {}
        "http" if is_here(host) => {}
        "http" => return Err(ApiFault::Plain(text.to_owned())),
        _ => return Err(not_one()),
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// A connection to one server. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    client: reqwest::Client,
}

/// What goes with a method and a path.
#[derive(Default)]
pub(super) struct Call<'a> {
    pub(super) key: Option<&'a Secret>,
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) body: Option<Vec<u8>>,
}

/// An answer as it came.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Api {
    /// A connection to the server at `address`; nothing is connected yet.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub fn new(address: &str) -> Result<Self, ApiFault> {
        let base = base(address)?;
        let builder = reqwest::Client::builder()
            .user_agent(concat!("gatematch-radius/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            // What a program is made with must not change what it speaks.
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE)
            .tcp_nodelay(true);
        // Without TLS the system's certificates need not be there, nor be read.
        let builder = if base.starts_with("https:") { builder.https_only(true) } else { builder.tls_certs_only([]) };
        let client = builder.build().map_err(|fault| ApiFault::Tls(told(&fault)))?;
        Ok(Self { base, client })
    }

    /// The address that calls go to, without slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn send(
        &self,
        method: &'static str,
        path: &str,
        call: Call<'_>,
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let unavailable = |fault: reqwest::Error| Failure::Unavailable(told(&fault));
        let method = reqwest::Method::from_bytes(method.as_bytes())
            .map_err(|_| Failure::Unavailable(format!("{method} is no method")))?;
        let mut request = self.client.request(method, format!("{}{path}", self.base)).timeout(patience);
        if let Some(key) = call.key {
            request = request.header(AUTHORIZATION, authorization(key)?);
        }
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let mut response = request.send().await.map_err(unavailable)?;
        let mut answer = Answer { status: response.status().as_u16(), body: Vec::new() };
        while let Some(chunk) = response.chunk().await.map_err(unavailable)? {
            if answer.body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::Unavailable("the answer is far too long".to_owned()));
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

fn authorization(key: &Secret) -> Result<HeaderValue, Failure> {
    let text = zeroize::Zeroizing::new(format!("Bearer {}", key.reveal()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| Failure::KeyRefused)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The whole chain of causes: the outermost says only that a request failed. The address stays out of it.
fn told(fault: &reqwest::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for address in [
            "http://127.0.0.1:8080",
            "http://127.8.8.8",
            "http://[::1]:8080/",
            "http://localhost:8080",
            "http://[::ffff:127.0.0.1]",
            "https://mfa.example.com/",
            "https://mfa.example.com/sub",
            "https://10.0.0.1:8443",
        ] {
            assert!(base(address).is_ok_and(|base| !base.ends_with('/')), "{address}");
        }
        for address in [
            "http://10.0.0.1:8080",
            "http://mfa.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://[::2]",
        ] {
            assert!(matches!(base(address), Err(ApiFault::Plain(_))), "{address}");
        }
    }

    #[test]
    fn other_texts_are_no_addresses() {
        for address in [
            "",
            "127.0.0.1:8080",
            "ftp://127.0.0.1",
            "https://u:p@example.com",
            "http://127.0.0.1@example.com",
            "https://example.com?x",
            "https://example.com#x",
            " http://127.0.0.1",
            "https://",
        ] {
            assert!(matches!(base(address), Err(ApiFault::Address(_))), "{address}");
        }
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused() {
        assert_eq!(authorization(&Secret::new("gmg_\n")), Err(Failure::KeyRefused));
        assert!(authorization(&Secret::new("gmg_x")).is_ok_and(|value| value.is_sensitive()));
    }
}
