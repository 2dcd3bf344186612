//! Policy: what it is, what it was, and what it makes of a login.

use axum::Json as Answered;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use gatematch_domain::policy::{Policy, PolicyFault};
use gatematch_protocol::policy::{Explain, Explained, PolicyVersions, PolicyView, PutPolicy, RollBack};
use gatematch_protocol::problem::Code;

use super::app::{App, Inner};
use super::body::Json;
use super::params::{Query, Segment, TheAdmin};
use super::problem::{Answer, Problem};
use crate::policy::{self, PolicyRefusal};
use crate::store::{self, Expected, PutRefusal, Replacement};

pub(super) async fn show(State(app): State<App>) -> Answer<Response> {
    Ok(tagged(app.store.policy().await?.view(Vec::new())))
}

pub(super) async fn put(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    headers: HeaderMap,
    Json(body): Json<PutPolicy>,
) -> Answer<Response> {
    Policy::check_form(&body.rules)?;
    let expected = if_match(&headers)?;
    // Whoever replaces another version than he believes hears of that first.
    app.check_expected(&expected).await?;
    let comment = policy::comment(body.comment.as_deref())?;
    let replacement = policy::replacement(body, &app.settings.domains)?;
    app.put_policy(store::PutPolicy { act: app.act_of(&admin), expected, replacement, comment }).await
}

pub(super) async fn roll_back(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    headers: HeaderMap,
    Json(body): Json<RollBack>,
) -> Answer<Response> {
    let expected = if_match(&headers)?;
    let earlier = app.store.policy_of(body.version).await?.ok_or_else(Problem::not_found)?;
    app.check_expected(&expected).await?;
    let comment = policy::comment(body.comment.as_deref())?;
    let replacement = Replacement::Earlier(Box::new(earlier));
    app.put_policy(store::PutPolicy { act: app.act_of(&admin), expected, replacement, comment }).await
}

pub(super) async fn explain(State(app): State<App>, Json(body): Json<Explain>) -> Answer<Answered<Explained>> {
    let told =
        policy::explain(&body, app.store.as_ref(), &app.settings.domains, app.places.as_ref(), app.now()).await?;
    Ok(Answered(told))
}

pub(super) async fn versions(State(app): State<App>, query: Query) -> Answer<Answered<PolicyVersions>> {
    let limit = u32::try_from(query.number("limit", 100, 1..=1_000)?).unwrap_or(1_000);
    let before = query.number("cursor", u64::MAX, 1..=u64::MAX)?;
    let (items, more) = policy::history(app.store.as_ref(), before, limit).await?;
    let next_cursor = items.last().filter(|_| more).map(|last| last.version.to_string());
    Ok(Answered(PolicyVersions { items, next_cursor }))
}

pub(super) async fn version(State(app): State<App>, number: Segment) -> Answer<Answered<PolicyView>> {
    let text = number.text()?;
    let number = text.parse().ok().filter(|number: &u64| number.to_string() == text);
    let found = app.store.policy_of(number.ok_or_else(Problem::not_found)?).await?;
    Ok(Answered(found.ok_or_else(Problem::not_found)?.view(Vec::new())))
}

impl Inner {
    async fn check_expected(&self, expected: &Expected) -> Answer<()> {
        let version = self.store.policy().await?.version;
        if expected.is(version) { Ok(()) } else { Err(stale(version)) }
    }

    async fn put_policy(&self, put: store::PutPolicy) -> Answer<Response> {
        let checked = match self.store.put_policy(put).await? {
            Ok(checked) => checked,
            Err(PutRefusal::Stale(version)) => return Err(stale(version)),
            Err(PutRefusal::Fault(fault)) => return Err(fault.into()),
        };
        let mut warnings = checked.warnings;
        // It holds by now, whatever becomes of the advice.
        let local = policy::local_warnings(&checked.policy, self.store.as_ref(), self.places.are_known()).await;
        warnings.extend(local.unwrap_or_default());
        Ok(tagged(checked.policy.view(warnings)))
    }
}

/// The policy with its version as `ETag` (RFC 9110 section 8.8.3).
fn tagged(view: PolicyView) -> Response {
    let tag = HeaderValue::try_from(format!("\"{}\"", view.version));
    let mut response = Answered(view).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Which versions may be replaced (RFC 9110 section 13.1.1). A weak tag is like none: this comparison is strong.
///
/// # Errors
/// 428 where the header is absent, 400 where it is no list of entity tags.
fn if_match(headers: &HeaderMap) -> Answer<Expected> {
    let mut given = headers.get_all(header::IF_MATCH).iter().peekable();
    if given.peek().is_none() {
        let text = "Say in If-Match which version is to be replaced: the ETag of GET /v1/policy.";
        return Err(Problem::new(Code::PreconditionRequired, text));
    }
    let malformed = || Problem::new(Code::MalformedHeader, "If-Match must be *, or a list of entity tags as \"7\".");
    let mut versions = Vec::new();
    for value in given {
        let text = value.to_str().map_err(|_| malformed())?;
        if text.trim() == "*" {
            return Ok(Expected::Any);
        }
        for tag in text.split(',').map(str::trim) {
            let (weak, tag) = tag.strip_prefix("W/").map_or((false, tag), |tag| (true, tag));
            let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(malformed)?;
            versions.extend(inner.parse::<u64>().ok().filter(|version| !weak && version.to_string() == inner));
        }
    }
    Ok(Expected::OneOf(versions))
}

fn stale(version: u64) -> Problem {
    let text = format!("Version {version} holds by now. Read it, make your change to it, and send it with its ETag.");
    Problem::new(Code::PreconditionFailed, text).with("version", version)
}

impl From<PolicyFault> for Problem {
    fn from(fault: PolicyFault) -> Self {
        match fault {
            PolicyFault::Malformed(why) => Self::new(Code::MalformedBody, why),
            PolicyFault::Unsound(why) => Self::new(Code::InvalidPolicy, why),
        }
    }
}

impl From<PolicyRefusal> for Problem {
    fn from(refusal: PolicyRefusal) -> Self {
        match refusal {
            PolicyRefusal::Value(fault) => fault.into(),
            PolicyRefusal::Policy(fault) => fault.into(),
            PolicyRefusal::Unknown(what) => Self::new(Code::NotFound, what),
            PolicyRefusal::Store(error) => error.into(),
        }
    }
}
