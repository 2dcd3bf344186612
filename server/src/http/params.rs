//! What stands in the path, the query and single headers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use gatematch_domain::username::{Domains, Username};
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;

use super::administrator::Administrator;
use super::guard::{Caller, PhoneCaller};
use super::problem::{Answer, Problem};

/// The one parameter of a path, not understood yet: what is wrong with it is answered after what is wrong with
/// the body.
pub(super) struct Segment(Result<String, PathRejection>);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(Path::<String>::from_request_parts(parts, state).await.map(|Path(text)| text)))
    }
}

impl Segment {
    /// The id; what is none names nothing.
    ///
    /// # Errors
    /// 404.
    pub(super) fn id<T: FromStr>(&self) -> Answer<T> {
        self.0.as_ref().ok().and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
    }

    /// The text itself.
    ///
    /// # Errors
    /// 404 where it is none.
    pub(super) fn text(&self) -> Answer<&str> {
        self.0.as_deref().map_err(|_| Problem::not_found())
    }

    /// The user; a name that no account can have names nobody.
    ///
    /// # Errors
    /// 404.
    pub(super) fn username(&self, domains: &Domains) -> Answer<Username> {
        self.new_username(domains).map_err(|_| Problem::not_found())
    }

    /// The user, who may not be there yet.
    ///
    /// # Errors
    /// 422 `invalid-username`.
    pub(super) fn new_username(&self, domains: &Domains) -> Answer<Username> {
        let text = self.0.as_deref().unwrap_or_default();
        domains.canonical(text).map_err(|fault| Problem::new(Code::InvalidUsername, fault.to_string()))
    }
}

/// The user and the id in a path, not understood yet.
pub(super) struct UserAndId(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for UserAndId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = Path::<(String, String)>::from_request_parts(parts, state).await;
        found.map(|Path((user, id))| Self(user, id)).map_err(|_| Problem::not_found())
    }
}

/// The parameters of a query.
pub(super) struct Query(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut query = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if query.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Problem::new(Code::MalformedQuery, "A parameter stands twice."));
            }
        }
        Ok(Self(query))
    }
}

impl Query {
    /// A parameter's text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that is a whole number.
    ///
    /// # Errors
    /// 400 outside `range`, or when it is no number.
    pub(super) fn number(&self, name: &str, default: u64, range: std::ops::RangeInclusive<u64>) -> Answer<u64> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (from, to) = (range.start(), range.end());
            Problem::new(Code::MalformedQuery, format!("{name} must be a whole number from {from} to {to}."))
        })
    }

    /// A parameter that is a time.
    ///
    /// # Errors
    /// 400 when it is none.
    pub(super) fn time(&self, name: &str) -> Answer<Option<Timestamp>> {
        let fault = |_| Problem::new(Code::MalformedQuery, format!("{name} must be a time, as 2031-01-31T08:00Z."));
        self.text(name).map(|text| text.parse().map_err(fault)).transpose()
    }

    /// All of it, with another value of one parameter.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let others = self.0.iter().filter(|(other, _)| *other != name);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others).append_pair(name, value).finish()
    }

    /// How long to wait, in seconds.
    ///
    /// # Errors
    /// 400.
    pub(super) fn wait(&self) -> Answer<i64> {
        Ok(i64::try_from(self.number("wait", 0, 0..=60)?).unwrap_or(0))
    }
}

/// 1 to 128 visible ASCII characters.
pub(super) fn is_visible_ascii(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The Idempotency-Key, where there is one.
///
/// # Errors
/// 400 unless it is one of 1 to 128 visible ASCII characters.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Answer<Option<String>> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|text| is_visible_ascii(text) && given.next().is_none());
    let fault =
        || Problem::new(Code::MalformedHeader, "Idempotency-Key must be 1 to 128 visible ASCII characters, once.");
    text.map(|text| Some(text.to_owned())).ok_or_else(fault)
}

macro_rules! callers {
    ($($(#[$doc:meta])+ $name:ident($inner:ty) from $variant:ident;)+) => {$(
        $(#[$doc])+
        pub(super) struct $name(pub(super) $inner);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                match parts.extensions.get::<Caller>() {
                    Some(Caller::$variant(caller)) => Ok(Self(caller.as_ref().clone())),
                    // The guard has let somebody through whom the handler does not expect: the table is wrong.
                    _ => Err(Problem::internal("the caller is of another kind than the route's table says")),
                }
            }
        }
    )+};
}

callers! {
    /// The gateway that calls.
    TheGateway(gatematch_domain::gateway::Gateway) from Gateway;
    /// The phone that calls.
    ThePhone(PhoneCaller) from Phone;
}

/// The administrator that calls, with his key.
pub(super) struct TheAdmin(pub(super) Administrator);

impl<S: Send + Sync> FromRequestParts<S> for TheAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Admin(key)) => Ok(Self(Administrator::from(key.as_ref()))),
            _ => Err(Problem::internal("the caller is of another kind than the route's table says")),
        }
    }
}
