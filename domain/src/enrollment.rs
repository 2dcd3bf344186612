//! Enrollment: a phone becomes an authenticator by a token that works once and a proof of its key.

use std::fmt;

use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::id::{DeviceId, EnrollmentId, UserId};
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::time::Timestamp;

use crate::account::Account;
use crate::audit::Journal;
use crate::challenge::CLOCK_STEP_SECONDS;
use crate::device::{Device, DeviceStatus};
use crate::notice::Kind;
use crate::user::Status;

/// The longest life of an enrollment token, in seconds (and the default).
pub const MAX_LIFE_SECONDS: i64 = 600;
/// How many phones a user may have, unless the configuration says otherwise.
pub const MAX_DEVICES: usize = 5;

/// An enrollment; of its token only the SHA-256 is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrollment {
    /// Names it.
    pub id: EnrollmentId,
    /// For whom.
    pub user: UserId,
    /// base64url(SHA-256(token)).
    pub token_digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// Whether somebody made it who may manage protected users.
    pub by_admin: bool,
    /// The phone of the same user that made it, where none of the administrators did: it must still be one of his.
    pub by_device: Option<DeviceId>,
}

impl Enrollment {
    /// Whether its token still works. One that was made in the future does not: the clock was set back.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let from_the_future = self.created_at > now.plus_seconds(CLOCK_STEP_SECONDS);
        self.used_at.is_none() && now < self.expires_at && !from_the_future
    }
}

/// A phone that asks to be registered; its proof of possession holds. `Debug` does not tell the code.
#[derive(Clone)]
pub struct Registration {
    /// What it will be called.
    pub id: DeviceId,
    /// What it signs with.
    pub key: PublicKey,
    /// What the person calls it.
    pub name: String,
    /// Such as `Android`.
    pub platform: Option<String>,
    /// Where Web Push reaches it.
    pub push: Option<PushSubscription>,
    /// Six digits, where somebody else must confirm.
    pub code: Option<String>,
    /// How many phones the user may have.
    pub max_devices: usize,
    /// Groups whose members need an enrollment by an `admin`.
    pub protected_groups: Vec<String>,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.as_ref().map(|_| "..");
        let mut shown = f.debug_struct("Registration");
        shown.field("id", &self.id).field("key", &self.key).field("name", &self.name);
        shown.field("platform", &self.platform).field("push", &self.push);
        shown.field("code", &code).field("max_devices", &self.max_devices).finish()
    }
}

/// Why a phone is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterRefusal {
    /// The token is unknown, used or expired, or the user disabled or gone: alike for the caller.
    Gone,
    /// The key is registered already, to whomever.
    KeyTaken,
    /// The user has as many phones as are allowed.
    TooMany,
}

impl Account {
    /// Registers a phone and spends the enrollment; `key_taken` says whether anybody has the key already.
    ///
    /// # Errors
    /// [`RegisterRefusal`]; the token then stays as it was.
    pub fn register(
        &mut self,
        enrollment: &mut Enrollment,
        key_taken: bool,
        phone: Registration,
        journal: &mut Journal,
    ) -> Result<Device, RegisterRefusal> {
        let now = journal.now;
        let open = enrollment.user == self.user.id && enrollment.is_open(now);
        // He may have come into the group, or to a role, after a helpdesk made the token. By his own hand it is no helpdesk's.
        let allowed = match (enrollment.by_admin, enrollment.by_device) {
            (true, _) => true,
            (false, Some(_)) => !self.user.is_protected(&phone.protected_groups),
            (false, None) => !self.user.is_reserved(&phone.protected_groups),
        };
        // A phone that is gone, or of an account that is locked or was since, lets in no other one; nor does a browser at the
        // portal.
        let is_there = |id: DeviceId| id == DeviceId::NIL || self.active_device(id).is_some();
        let is_open = self.user.may_sign_in() && self.user.limits.is_open_since(enrollment.created_at);
        let by_own = enrollment.by_device.is_none_or(|id| is_there(id) && is_open);
        if !open || !allowed || !by_own || self.user.status == Status::Disabled {
            return Err(RegisterRefusal::Gone);
        }
        if key_taken {
            return Err(RegisterRefusal::KeyTaken);
        }
        if self.devices.len() >= phone.max_devices {
            return Err(RegisterRefusal::TooMany);
        }
        enrollment.used_at = Some(now);
        let status = match phone.code {
            None => DeviceStatus::Active,
            Some(code) => DeviceStatus::Unconfirmed { code, wrong_tries: 0 },
        };
        let active_since = (status == DeviceStatus::Active).then_some(now);
        let device = Device {
            id: phone.id,
            user: self.user.id,
            key: phone.key,
            name: phone.name,
            platform: phone.platform,
            status,
            push: phone.push,
            created_at: now,
            active_since,
            last_used_at: None,
        };
        let event = journal.event("device.registered").user(&self.user.username).device(device.id);
        let event = event.with("enrollment", enrollment.id.to_string()).with("name", device.name.as_str());
        journal.record(event.with("status", device.status.as_str()).with("thumbprint", device.key.thumbprint()));
        self.devices.push(device.clone());
        self.end_reuse(now);
        self.tell_about(Kind::PhoneAdded, None, Some(device.id), journal);
        Ok(device)
    }
}
