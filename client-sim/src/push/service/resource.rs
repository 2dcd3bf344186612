//! `POST /push/{id}`: the push resource (RFC 8030, section 5), sound or misbehaving.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, Response, StatusCode};
use futures_util::stream;
use tokio::time::Instant;

use super::attempt::{Attempt, Outcome, remembered};
use super::line::Conduct;
use super::subscription::{Delivery, Found, Message};
use super::{Inner, Misbehaviour};
use crate::push::open::MAX_SEALED_BYTES;
use crate::push::vapid;

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// How long a sender may take over a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_TOPIC_BYTES: usize = 32;
/// How much of an id is remembered.
const MAX_ID_CHARACTERS: usize = 64;
/// 1 GiB in pieces of 64 KiB, which are one piece of memory.
const HUGE_BYTES: usize = 1 << 30;
const PIECE: &[u8] = &[b'x'; 64 * 1024];
/// So that dripping takes a while.
const DRIP_PADDING: &str =
    "................................................................................................";

/// Why a message is refused, with the status.
struct Refusal(u16, String);

impl Refusal {
    fn new(status: u16, why: impl Into<String>) -> Self {
        Self(status, why.into())
    }
}

/// The body of a push.
enum Sealed {
    Read(Bytes),
    /// Over [`MAX_SEALED_BYTES`], or broken off.
    TooLong,
}

/// Takes a message.
pub(super) async fn push(
    State(inner): State<Arc<Inner>>,
    ConnectInfo(conduct): ConnectInfo<Conduct>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let read = tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, MAX_SEALED_BYTES)).await;
    let sealed = match read {
        Ok(Ok(bytes)) => Sealed::Read(bytes),
        Ok(Err(_)) => Sealed::TooLong,
        Err(_) => return answer(408, &[], Body::empty()),
    };
    let misbehaviour = inner.misbehaviour();
    match misbehaviour {
        None | Some(Misbehaviour::Duplicate | Misbehaviour::Late { .. } | Misbehaviour::Reorder) => {
            inner.take(&id, &headers, &sealed, misbehaviour.as_ref())
        }
        Some(misbehaviour) => {
            inner.note(&id, &headers, &sealed, Outcome::Misbehaved(misbehaviour.to_string()));
            inner.misbehaved(misbehaviour, &conduct).await
        }
    }
}

fn answer(status: u16, headers: &[(HeaderName, String)], body: Body) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    // Every value was checked before: none has a character that a header cannot have.
    builder.body(body).unwrap_or_else(|_| Response::new(Body::empty()))
}

impl Inner {
    /// Takes or refuses a message as RFC 8030 says.
    fn take(
        &self,
        id: &str,
        headers: &HeaderMap,
        sealed: &Sealed,
        misbehaviour: Option<&Misbehaviour>,
    ) -> Response<Body> {
        match self.taken(id, headers, sealed, misbehaviour) {
            Ok(location) => {
                let outcome = misbehaviour.map_or(Outcome::Accepted, |wrong| Outcome::Misbehaved(wrong.to_string()));
                self.note(id, headers, sealed, outcome);
                answer(StatusCode::CREATED.as_u16(), &[(LOCATION, location)], Body::empty())
            }
            Err(Refusal(status, why)) => {
                self.note(id, headers, sealed, Outcome::Refused(status, why.clone()));
                answer(status, &[], Body::from(why))
            }
        }
    }

    /// Hands a message on, and gives its address (RFC 8030, section 5).
    fn taken(
        &self,
        id: &str,
        headers: &HeaderMap,
        sealed: &Sealed,
        misbehaviour: Option<&Misbehaviour>,
    ) -> Result<String, Refusal> {
        let now = self.now();
        let mut subscriptions = self.subscriptions();
        let subscription = match subscriptions.find(id) {
            Found::There(subscription) => subscription,
            Found::Gone => return Err(Refusal::new(410, "the subscription is gone")),
            Found::Unknown => return Err(Refusal::new(404, "there is no such subscription")),
        };
        let authorization = one(headers, &AUTHORIZATION)?.unwrap_or_default();
        let expected = vapid::Expected { origin: &self.origin, key: subscription.vapid.as_deref(), now };
        vapid::check(authorization, expected).map_err(|fault| Refusal::new(fault.status(), fault.to_string()))?;
        let Sealed::Read(sealed) = sealed else {
            return Err(Refusal::new(413, format!("a message has at most {MAX_SEALED_BYTES} bytes")));
        };
        let message = message(headers, sealed, now, subscription.keys.open(sealed).ok())?;
        let delivery = match misbehaviour {
            Some(Misbehaviour::Duplicate) => Delivery::Twice,
            Some(Misbehaviour::Late { seconds }) => {
                Delivery::Late(Instant::now() + Duration::from_secs(u64::from(*seconds)))
            }
            Some(Misbehaviour::Reorder) => Delivery::Swapped,
            _ => Delivery::AtOnce,
        };
        subscription.take(message, delivery);
        Ok(format!("{}/message/{}", self.origin, gatematch_protocol::base64url::encode(crate::edge::random::<16>())))
    }

    /// Remembers what was tried.
    fn note(&self, id: &str, headers: &HeaderMap, sealed: &Sealed, outcome: Outcome) {
        let bytes: &[u8] = match sealed {
            Sealed::Read(bytes) => bytes,
            Sealed::TooLong => &[],
        };
        let plaintext = match self.subscriptions().find(id) {
            Found::There(subscription) => subscription.keys.open(bytes).ok(),
            Found::Gone | Found::Unknown => None,
        };
        self.remember(Attempt {
            seq: 0,
            at: self.now(),
            subscription: id.chars().take(MAX_ID_CHARACTERS).collect(),
            headers: remembered(headers),
            sealed_bytes: bytes.len(),
            plaintext,
            outcome,
        });
    }

    /// Answers as it should not.
    async fn misbehaved(&self, misbehaviour: Misbehaviour, conduct: &Conduct) -> Response<Body> {
        match misbehaviour {
            Misbehaviour::Hang => {
                // A client that gives up ends this too: the connection's task drops it.
                let mut closed = self.closed.subscribe();
                let _ = closed.wait_for(|closed| *closed).await;
                conduct.cut();
                answer(503, &[], Body::empty())
            }
            Misbehaviour::Drip => {
                conduct.drip();
                let padding = (HeaderName::from_static("x-padding"), DRIP_PADDING.to_owned());
                answer(201, &[padding, (CONNECTION, "close".to_owned())], Body::empty())
            }
            Misbehaviour::Close => {
                conduct.cut();
                answer(201, &[], Body::empty())
            }
            Misbehaviour::Huge => {
                let pieces = HUGE_BYTES / PIECE.len();
                let pieces = std::iter::repeat_n(Ok::<_, Infallible>(Bytes::from_static(PIECE)), pieces);
                let length = (CONTENT_LENGTH, HUGE_BYTES.to_string());
                answer(201, &[length], Body::from_stream(stream::iter(pieces)))
            }
            Misbehaviour::Refuse { status, retry_after } => {
                let after = retry_after.map(|after| (RETRY_AFTER, after.header(self.now())));
                answer(status, after.as_slice(), Body::from("this push service misbehaves on purpose"))
            }
            Misbehaviour::Redirect(to) => answer(307, &[(LOCATION, to)], Body::empty()),
            // These are delivered, and were dealt with before.
            Misbehaviour::Duplicate | Misbehaviour::Late { .. } | Misbehaviour::Reorder => {
                answer(201, &[], Body::empty())
            }
        }
    }
}

/// The message in a request (RFC 8030, sections 5.2 to 5.4; RFC 8291, section 4).
fn message(headers: &HeaderMap, sealed: &Bytes, now: i64, plaintext: Option<Vec<u8>>) -> Result<Message, Refusal> {
    let wrong = |what: &str| Refusal::new(400, what);
    let ttl = one(headers, &TTL)?.ok_or_else(|| wrong("TTL is missing"))?;
    let is_number = !ttl.is_empty() && ttl.bytes().all(|byte| byte.is_ascii_digit());
    let ttl = ttl.parse().ok().filter(|_| is_number).ok_or_else(|| wrong("TTL is not a count of seconds"))?;
    let urgency = one(headers, &URGENCY)?.unwrap_or("normal");
    if !["very-low", "low", "normal", "high"].contains(&urgency) {
        return Err(wrong("Urgency is not one of the four words"));
    }
    let topic = one(headers, &TOPIC)?;
    if !topic.is_none_or(is_topic) {
        return Err(wrong("Topic is not 1 to 32 characters of base64url"));
    }
    if one(headers, &CONTENT_ENCODING)? != Some("aes128gcm") {
        return Err(Refusal::new(415, "Content-Encoding is not aes128gcm"));
    }
    if sealed.is_empty() {
        return Err(wrong("there is no message"));
    }
    let (urgency, topic) = (urgency.to_owned(), topic.map(str::to_owned));
    let sealed = sealed.to_vec();
    Ok(Message { seq: 0, at: now, ttl, urgency, topic, sealed, plaintext, stubborn: false, fetched: false })
}

/// A header that stands once, as text; `None` where it is absent.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().map(|value| value.to_str());
    match (first.transpose(), values.next()) {
        (Ok(value), None) => Ok(value),
        _ => Err(Refusal::new(400, format!("{name} stands twice, or is no text"))),
    }
}

fn is_topic(text: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_TOPIC_BYTES).contains(&text.len()) && text.bytes().all(sound)
}
