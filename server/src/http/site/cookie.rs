//! The cookies of the console and the portal.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use gatematch_domain::visit::{KNOWN_SECONDS, Place};
use gatematch_protocol::secret::{Secret, sha256};

use crate::http::problem::{Answer, Problem};

/// What a browser is told to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// Of a visit. It is kept after that: then it tells that the browser is known.
    Visit(Place),
    /// Of a knock.
    Knock(Place),
}

impl Cookie {
    /// `__Host-` (RFC 6265bis, section 4.1.3.2): this host alone, and only over TLS or on the machine itself.
    const fn name(self) -> &'static str {
        match self {
            Self::Visit(Place::Console) => "__Host-gatematch-console",
            Self::Visit(Place::Portal) => "__Host-gatematch-portal",
            Self::Knock(Place::Console) => "__Host-gatematch-console-knock",
            Self::Knock(Place::Portal) => "__Host-gatematch-portal-knock",
        }
    }

    /// What the browser has kept; of two, the first.
    pub(super) fn of(self, headers: &HeaderMap) -> Option<&str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, value)| *name == self.name() && value.len() <= 128).map(|(_, value)| value).next()
    }

    /// base64url(SHA-256(what the browser has kept)).
    pub(super) fn digest_of(self, headers: &HeaderMap) -> Option<String> {
        self.of(headers).map(sha256)
    }

    /// Tells the browser to keep `token`; what a knock is kept by goes with the browser's window.
    pub(super) fn set(self, token: &Secret) -> Answer<(HeaderName, HeaderValue)> {
        let age = match self {
            Self::Visit(_) => format!("; Max-Age={KNOWN_SECONDS}"),
            Self::Knock(_) => String::new(),
        };
        self.header(token.reveal(), &age)
    }

    /// Tells the browser to forget.
    pub(super) fn forget(self) -> Answer<(HeaderName, HeaderValue)> {
        self.header("", "; Max-Age=0")
    }

    fn header(self, value: &str, age: &str) -> Answer<(HeaderName, HeaderValue)> {
        let text = format!("{}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}", self.name());
        Ok((header::SET_COOKIE, HeaderValue::from_str(&text).map_err(Problem::internal)?))
    }
}
