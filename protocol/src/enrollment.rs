//! Enrollment: a phone becomes an authenticator of a user (contract section 4).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::device::PushSubscription;
use crate::id::{DeviceId, EnrollmentId};
use crate::jwk::JwkSet;
use crate::secret::Secret;
use crate::time::Timestamp;

/// `POST /v1/enrollments`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateEnrollment {
    /// For whom.
    pub user: String,
    /// Seconds, 1 to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
}

/// What the administrator hands to the person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnrollmentCreated {
    /// Names the enrollment.
    pub id: EnrollmentId,
    /// The canonical name.
    pub user: String,
    /// Works once.
    pub token: Secret,
    /// `<issuer>/app/#enroll=<token>`.
    pub link: Secret,
    /// The link as a QR code, in SVG.
    pub qr_svg: Secret,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// What stands between the issuer and the token in an enrollment link.
pub const LINK_PATH: &str = "/app/#enroll=";

/// `POST /v1/devices`. `public_key` is read with care by [`crate::jwk::PublicKey::from_value`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterDevice {
    /// From the enrollment.
    pub enrollment_token: Secret,
    /// A JWK with just `kty`, `crv`, `x` and `y`.
    pub public_key: Value,
    /// What the person calls the phone.
    pub name: String,
    /// Such as `Android`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Where Web Push reaches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushSubscription>,
}

/// What the phone keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRegistered {
    /// Its name from now on.
    pub device_id: DeviceId,
    /// Whose phone it is.
    pub user: String,
    /// The server that it answers to.
    pub issuer: String,
    /// `active`, or `unconfirmed` until the code is confirmed.
    pub status: String,
    /// The server's keys, to be pinned.
    pub server_keys: JwkSet,
    /// Six digits to compare, where confirmation is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}
