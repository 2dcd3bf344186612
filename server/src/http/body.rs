//! Request bodies: strict JSON of at most 64 KiB.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use gatematch_protocol::json;
use gatematch_protocol::problem::Code;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The most bytes of a body.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message whose members are all known. An empty body is the same as `{}`.
pub(super) struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let whole = tokio::time::timeout(PATIENCE, Limited::new(body, MAX_BYTES).collect()).await;
        let too_slow = || Problem::new(Code::MalformedBody, "The body did not arrive in time.");
        let body = whole.map_err(|_| too_slow())?.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Problem::new(Code::BodyTooLarge, "Send at most 65,536 bytes.")
            } else {
                Problem::new(Code::MalformedBody, "The body ended before its time.")
            }
        });
        let body: Bytes = body?.to_bytes();
        if body.is_empty() {
            return Ok(Self(json::parse_into(b"{}")?));
        }
        if !is_json(&parts.headers) {
            return Err(Problem::new(Code::UnsupportedMediaType, "Send the body with Content-Type: application/json."));
        }
        Ok(Self(json::parse_into(&body)?))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return false };
    let essence = only.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
