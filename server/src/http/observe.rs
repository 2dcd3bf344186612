//! Around every request: an id, a line in the log, the metrics, and the headers that every answer has.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use gatematch_protocol::id::EventId;
use gatematch_protocol::problem::Code;
use tracing::Instrument as _;

use super::app::App;
use super::guard::source_of;
use super::problem::{Problem, Refused};

/// The route of what has none, in the log and in the metrics.
const UNMATCHED: &str = "unmatched";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Marks a request that came when as many were under way as there may be: nothing is done for it.
#[derive(Clone, Copy)]
pub(crate) struct NoPlace;

/// Runs the request inside a span with its id.
pub(super) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = EventId::new(app.now(), app.edge.random().unwrap_or_default()).to_string();
    let method = known_method(request.method()).unwrap_or("other");
    let route = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let path = request.uri().path();
    let no_store = path.starts_with("/v1") || path.starts_with("/connect");
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let source = peer.map(|peer| source_of(peer, request.headers(), &app.settings.trusted_proxies));
    let source = source.map(tracing::field::display);
    let span = tracing::info_span!("request", id = %id, %method, route = %route, source);
    let started = Instant::now();
    let has_place = request.extensions().get::<NoPlace>().is_none();
    let mut response = if has_place {
        next.run(request).instrument(span.clone()).await
    } else {
        Problem::new(Code::Overloaded, "Too much is under way here at the moment.").into_response()
    };
    let took = started.elapsed();
    span.in_scope(|| log(&response, route != UNMATCHED, took.as_micros()));
    let status = response.status();
    app.metrics.requests.with_label_values(&[method, route.as_str(), status.as_str()]).inc();
    app.metrics.seconds.with_label_values(&[method, route.as_str()]).observe(took.as_secs_f64());
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if no_store {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// The name of a method that some route takes. All else is chosen by the caller, and neither told nor counted by name.
pub(super) fn known_method(method: &Method) -> Option<&'static str> {
    ["GET", "HEAD", "POST", "PUT", "DELETE"].into_iter().find(|known| *known == method.as_str())
}

/// Scanners ask for paths that are not there, all day long; those are no news.
fn log(response: &Response, is_route: bool, micros: u128) {
    let status = response.status().as_u16();
    let refused = response.extensions().get::<Refused>();
    let code = refused.map(|refused| refused.code.as_str());
    let cause = refused.and_then(|refused| refused.cause.as_deref());
    if status >= 500 {
        tracing::error!(status, micros, code, cause, "answered");
    } else if !is_route {
        tracing::debug!(status, micros, code, cause, "answered");
    } else {
        tracing::info!(status, micros, code, cause, "answered");
    }
}
