//! Cookies, as far as the connect page needs them (RFC 6265, section 5.2; RFC 6265bis, section 4.1.3.2).

use gatematch_protocol::secret::Secret;
use serde::{Deserialize, Serialize};

/// What a name begins with whose cookie only this very host can have set, over TLS.
const HOST: &str = "__Host-";

/// A cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
    /// Whether it outlives the browser's window. How long exactly is the server's business: it forgets, too.
    pub is_lasting: bool,
}

/// What one `Set-Cookie` says.
enum Order {
    Keep(Cookie),
    Forget(String),
}

/// Does what a `Set-Cookie` header says. What a browser would not take is not kept.
pub(super) fn keep(jar: &mut Vec<Cookie>, header: &str) {
    match parse(header) {
        Some(Order::Keep(cookie)) => match jar.iter_mut().find(|old| old.name == cookie.name) {
            Some(old) => *old = cookie,
            None => jar.push(cookie),
        },
        Some(Order::Forget(name)) => jar.retain(|cookie| cookie.name != name),
        None => {}
    }
}

fn parse(header: &str) -> Option<Order> {
    let mut parts = header.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let attributes: Vec<_> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    let attribute = |wanted: &str| {
        let mut found = attributes.iter().filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        found.next_back().map(|(_, value)| value.trim())
    };
    let is_host = attribute("Secure").is_some() && attribute("Path") == Some("/") && attribute("Domain").is_none();
    if name.is_empty() || (name.starts_with(HOST) && !is_host) {
        return None;
    }
    let max_age = attribute("Max-Age").and_then(|seconds| seconds.parse::<i64>().ok());
    if max_age.is_some_and(|seconds| seconds <= 0) {
        return Some(Order::Forget(name.to_owned()));
    }
    let is_lasting = max_age.is_some() || attribute("Expires").is_some();
    Some(Order::Keep(Cookie { name: name.to_owned(), value: Secret::new(value), is_lasting }))
}
