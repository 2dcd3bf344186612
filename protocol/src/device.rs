//! Phones and how push reaches them (contract section 4).

use serde::{Deserialize, Serialize};

use crate::id::DeviceId;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A Web Push subscription (RFC 8030, RFC 8291).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushSubscription {
    /// The push resource; whoever knows it can try to push.
    pub endpoint: Secret,
    /// The phone's keys.
    pub keys: PushKeys,
}

/// The keys of a [`PushSubscription`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// An uncompressed P-256 point, 65 bytes, base64url.
    pub p256dh: String,
    /// 16 bytes, base64url.
    pub auth: Secret,
}

/// `POST /v1/devices/{id}/confirm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmDevice {
    /// The six digits that the new phone shows.
    pub code: Secret,
}

/// `GET /v1/devices/self/phones`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phones {
    /// The phones of the one user, oldest first.
    pub items: Vec<PhoneView>,
}

/// One of the [`Phones`], as another phone of the same user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneView {
    /// Names the phone.
    pub id: DeviceId,
    /// What the person calls it.
    pub name: String,
    /// Such as `Android`.
    pub platform: Option<String>,
    /// `active` or `unconfirmed`.
    pub status: String,
    /// Whether it has a push subscription.
    pub push: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last answered a challenge.
    pub last_used_at: Option<Timestamp>,
    /// Whether it is the phone that asks.
    pub this: bool,
}

/// A phone as administrators and itself see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Names the phone.
    pub id: DeviceId,
    /// Whose it is.
    pub user: String,
    /// What the person calls it.
    pub name: String,
    /// Such as `Android`.
    pub platform: Option<String>,
    /// `active` or `unconfirmed`.
    pub status: String,
    /// Whether it has a push subscription.
    pub push: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last answered a challenge.
    pub last_used_at: Option<Timestamp>,
}
