//! Phones: the authenticators of a user.

use gatematch_protocol::device::{DeviceView, PushSubscription};
use gatematch_protocol::id::{DeviceId, UserId};
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::time::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::account::Account;
use crate::audit::{Journal, Outcome};

/// How many wrong tries at confirming end an unconfirmed phone.
pub const MAX_CONFIRM_TRIES: u8 = 3;

/// Whether a phone may be asked.
#[derive(Clone, PartialEq, Eq)]
pub enum DeviceStatus {
    /// It may.
    Active,
    /// Not before somebody else has compared the code.
    Unconfirmed {
        /// Six digits that only the phone shows.
        code: String,
        /// How many times they were given wrongly.
        wrong_tries: u8,
    },
}

impl DeviceStatus {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unconfirmed { .. } => "unconfirmed",
        }
    }
}

impl std::fmt::Debug for DeviceStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Names it.
    pub id: DeviceId,
    /// Whose it is.
    pub user: UserId,
    /// What it signs with.
    pub key: PublicKey,
    /// What the person calls it.
    pub name: String,
    /// Such as `Android`.
    pub platform: Option<String>,
    /// Whether it may be asked.
    pub status: DeviceStatus,
    /// Where Web Push reaches it.
    pub push: Option<PushSubscription>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last answered a challenge.
    pub last_used_at: Option<Timestamp>,
}

impl Device {
    /// Whether it may be asked.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == DeviceStatus::Active
    }

    /// As administrators and the phone itself see it.
    #[must_use]
    pub fn view(&self, username: &str) -> DeviceView {
        DeviceView {
            id: self.id,
            user: username.to_owned(),
            name: self.name.clone(),
            platform: self.platform.clone(),
            status: self.status.as_str().to_owned(),
            push: self.push.is_some(),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

/// Why a phone is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmRefusal {
    /// There is no such phone.
    Unknown,
    /// It was confirmed before.
    Confirmed,
    /// The code is wrong; the third time the phone is gone.
    WrongCode,
}

impl Account {
    /// Confirms the phone `id` by the code that it shows.
    ///
    /// # Errors
    /// [`ConfirmRefusal`]; a wrong code is counted even so, in the same write.
    pub fn confirm_device(&mut self, id: DeviceId, given: &str, journal: &mut Journal) -> Result<(), ConfirmRefusal> {
        let username = self.user.username.clone();
        let device = self.devices.iter_mut().find(|device| device.id == id).ok_or(ConfirmRefusal::Unknown)?;
        let DeviceStatus::Unconfirmed { code, wrong_tries } = &mut device.status else {
            return Err(ConfirmRefusal::Confirmed);
        };
        if bool::from(code.as_bytes().ct_eq(given.as_bytes())) {
            device.status = DeviceStatus::Active;
            journal.record(journal.event("device.confirmed").user(&username).device(id));
            return Ok(());
        }
        *wrong_tries += 1;
        let tries = *wrong_tries;
        let event = journal.event("device.confirm_failed").user(&username).device(id);
        journal.record(event.ended(Outcome::Failure, "wrong-code").with("tries", tries));
        if tries >= MAX_CONFIRM_TRIES {
            let _ = self.revoke_device(id, "too many wrong codes", journal);
        }
        Err(ConfirmRefusal::WrongCode)
    }

    /// Sets or drops where push reaches the phone `id`; false if there is no such phone.
    pub fn set_push(&mut self, id: DeviceId, push: Option<PushSubscription>, journal: &mut Journal) -> bool {
        let Some(device) = self.devices.iter_mut().find(|device| device.id == id) else { return false };
        let reachable = push.is_some();
        if device.push != push {
            device.push = push;
            journal.record(
                journal.event("device.push_changed").user(&self.user.username).device(id).with("reachable", reachable),
            );
        }
        true
    }
}
