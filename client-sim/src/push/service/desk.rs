//! What scripts ask of the push service: subscriptions, their messages, and misbehaviour.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use gatematch_protocol::base64url;
use gatematch_protocol::json;
use gatematch_protocol::jwk::PublicKey;
use serde::Deserialize;
use serde_json::{Value, json};

use super::subscription::Found;
use super::{Inner, Message, Misbehaviour};

/// As long as the server itself lets anybody wait, in seconds.
const MAX_WAIT: u64 = 60;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    #[serde(default)]
    vapid_public_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Misbehave {
    word: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait: u64,
}

fn no(status: StatusCode, why: impl Into<String>) -> Response {
    (status, Json(json!({"error": why.into()}))).into_response()
}

/// `POST /subscriptions`.
pub(super) async fn subscribe(State(inner): State<Arc<Inner>>, body: Bytes) -> Response {
    let read = if body.is_empty() { Ok(Subscribe::default()) } else { json::parse_into(&body) };
    let Ok(Subscribe { vapid_public_key }) = read else {
        return no(StatusCode::BAD_REQUEST, "the body is {} or {\"vapid_public_key\": \"...\"}");
    };
    if !vapid_public_key.as_deref().is_none_or(is_key) {
        return no(StatusCode::BAD_REQUEST, "vapid_public_key is not a point of P-256, 65 bytes in base64url");
    }
    match inner.subscribe(vapid_public_key) {
        Ok((subscription, id)) => {
            let view = json!({"id": id.as_str(), "endpoint": subscription.endpoint, "keys": subscription.keys});
            (StatusCode::CREATED, Json(view)).into_response()
        }
        Err(full) => no(StatusCode::SERVICE_UNAVAILABLE, full.to_string()),
    }
}

fn is_key(text: &str) -> bool {
    let point = base64url::decode_array::<65>(text).ok();
    point.and_then(|point| PublicKey::from_sec1(&point)).is_some_and(|key| key.is_on_curve())
}

/// `DELETE /subscriptions/{id}`.
pub(super) async fn remove(State(inner): State<Arc<Inner>>, Path(id): Path<String>) -> Response {
    let removed = inner.subscriptions().remove(&id);
    if removed {
        StatusCode::NO_CONTENT.into_response()
    } else {
        no(StatusCode::NOT_FOUND, "there is no such subscription")
    }
}

/// `GET /subscriptions/{id}/messages`.
pub(super) async fn messages(
    State(inner): State<Arc<Inner>>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    if which.wait > MAX_WAIT {
        return no(StatusCode::BAD_REQUEST, format!("wait is at most {MAX_WAIT} seconds"));
    }
    let fetched = inner.wait(&id, Duration::from_secs(which.wait), |subscription, now| {
        Some(subscription.fetch(which.after, now)).filter(|messages| !messages.is_empty())
    });
    let fetched = fetched.await.unwrap_or_default();
    let is_there = matches!(inner.subscriptions().find(&id), Found::There(_));
    if !is_there {
        return no(StatusCode::NOT_FOUND, "there is no such subscription");
    }
    Json(json!({"items": fetched.iter().map(view).collect::<Vec<_>>()})).into_response()
}

fn view(message: &Message) -> Value {
    let plaintext = message.plaintext.as_deref().and_then(|text| json::parse(text).ok());
    json!({
        "seq": message.seq, "plaintext": plaintext, "ttl": message.ttl, "urgency": message.urgency,
        "topic": message.topic, "sealed_bytes": message.sealed.len(),
    })
}

/// `GET /misbehaviour`.
pub(super) async fn misbehaviour(State(inner): State<Arc<Inner>>) -> Response {
    Json(json!({"word": inner.misbehaviour().map(|misbehaviour| misbehaviour.to_string())})).into_response()
}

/// `PUT /misbehaviour`.
pub(super) async fn misbehave(State(inner): State<Arc<Inner>>, body: Bytes) -> Response {
    let Ok(Misbehave { word }) = json::parse_into(&body) else {
        return no(StatusCode::BAD_REQUEST, "the body is {\"word\": \"...\"} or {\"word\": null}");
    };
    match word.as_deref().map(str::parse::<Misbehaviour>).transpose() {
        Ok(misbehaviour) => {
            inner.misbehave(misbehaviour);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(unknown) => no(StatusCode::BAD_REQUEST, unknown.to_string()),
    }
}
