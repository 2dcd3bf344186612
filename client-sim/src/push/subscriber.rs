//! A user agent at a [`PushService`](super::service::PushService), over HTTP: it subscribes, and waits for messages.

use gatematch_protocol::device::{PushKeys, PushSubscription};
use gatematch_protocol::secret::Secret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::http::{Api, body, segment};

/// The longest wait for a message, in seconds.
pub const MAX_WAIT: u32 = 60;

/// A push service, as user agents reach it.
#[derive(Clone, Debug)]
pub struct Subscriber {
    api: Api,
}

/// A subscription at the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// Names it there.
    pub id: String,
    /// What the application server is told.
    pub subscription: PushSubscription,
}

/// A message that was opened by the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pushed {
    /// Its number; the next call asks for what is behind it.
    pub seq: u64,
    /// What was in it; `null` where it was not opened or is no JSON.
    pub plaintext: Value,
}

#[derive(Deserialize)]
struct Made {
    id: String,
    endpoint: Secret,
    keys: PushKeys,
}

#[derive(Deserialize)]
struct Messages {
    items: Vec<Pushed>,
}

impl Subscriber {
    /// A user agent at the service that `api` reaches.
    #[must_use]
    pub const fn new(api: Api) -> Self {
        Self { api }
    }

    /// A new subscription, for the application server with this key (RFC 8292, section 4); `None`: for any.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn subscribe(&self, vapid_public_key: Option<&str>) -> Result<Subscribed, Failure> {
        let message = match vapid_public_key {
            Some(key) => json!({"vapid_public_key": key}),
            None => json!({}),
        };
        let made: Made = self.api.call("POST", "/subscriptions", &[], Some(body(&message)?)).await?.json()?;
        let subscription = PushSubscription { endpoint: made.endpoint, keys: made.keys };
        Ok(Subscribed { id: made.id, subscription })
    }

    /// The messages behind `after`; where there is none, waits for up to `wait` seconds (0 to [`MAX_WAIT`]).
    ///
    /// # Errors
    /// [`Failure`]; one with status 404 when the subscription is not there.
    pub async fn messages(&self, id: &str, after: u64, wait: u32) -> Result<Vec<Pushed>, Failure> {
        let path = format!("/subscriptions/{}/messages?after={after}&wait={wait}", segment(id));
        Ok(self.api.call("GET", &path, &[], None).await?.json::<Messages>()?.items)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn unsubscribe(&self, id: &str) -> Result<(), Failure> {
        self.api.call("DELETE", &format!("/subscriptions/{}", segment(id)), &[], None).await?.success()
    }
}
