//! Phones: the authenticators of a user.

use gatematch_protocol::authenticator::AuthenticatorView;
use gatematch_protocol::device::{DeviceView, PhoneView, PushSubscription};
use gatematch_protocol::id::{DeviceId, UserId};
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::account::Account;
use crate::audit::{Actor, Journal, Outcome};

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
    /// Since when it may be asked; `None` while it may not.
    pub active_since: Option<Timestamp>,
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

    /// As one of the things that its person signs in with.
    #[must_use]
    pub fn authenticator_view(&self) -> AuthenticatorView {
        AuthenticatorView {
            id: self.id.to_string(),
            kind: "phone".to_owned(),
            name: Some(self.name.clone()),
            status: self.status.as_str().to_owned(),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            starts_at: None,
            expires_at: None,
            left: None,
        }
    }

    /// As the phone `asks` of the same user sees it.
    #[must_use]
    pub fn view_by(&self, asks: DeviceId) -> PhoneView {
        PhoneView {
            id: self.id,
            name: self.name.clone(),
            platform: self.platform.clone(),
            status: self.status.as_str().to_owned(),
            push: self.push.is_some(),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            this: self.id == asks,
        }
    }
}

/// Why a phone is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmRefusal {
    /// There is no such phone, or it is not for the one that asks.
    Unknown,
    /// The account is locked or disabled: no phone of it changes anything.
    Locked,
    /// It was confirmed before.
    Confirmed,
    /// The code is wrong; the third time the phone is gone.
    WrongCode,
}

/// Why it is not changed where push reaches a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushRefusal {
    /// There is no such phone.
    Unknown,
    /// It was changed too often of late.
    TooOften {
        /// After how many seconds another change is taken.
        seconds: i64,
    },
}

/// Whether it was changed where push reaches a phone.
pub type PushSet = Result<(), PushRefusal>;

impl Account {
    /// Confirms the phone `id` by the code that it shows.
    ///
    /// # Errors
    /// [`ConfirmRefusal`]; a wrong code is counted even so, in the same write.
    pub fn confirm_device(&mut self, id: DeviceId, given: &str, journal: &mut Journal) -> Result<(), ConfirmRefusal> {
        match journal.actor {
            Actor::Device(by) => self.vouches(by)?,
            // Nobody but by a phone: [`Account::confirm_device_by`].
            Actor::Person { .. } => return Err(ConfirmRefusal::Unknown),
            _ => {}
        }
        self.compare_code(id, given, journal)
    }

    /// Somebody at the portal confirms the phone `id`, who was let in there by his phone `by`. By what else lets in there
    /// nobody confirms: it may have been stolen together with what adds phones.
    ///
    /// # Errors
    /// As [`Account::confirm_device`].
    pub fn confirm_device_by(
        &mut self,
        by: DeviceId,
        id: DeviceId,
        given: &str,
        journal: &mut Journal,
    ) -> Result<(), ConfirmRefusal> {
        self.vouches(by)?;
        self.compare_code(id, given, journal)
    }

    /// Whether another phone can be confirmed by the phone `by` now.
    fn vouches(&self, by: DeviceId) -> Result<(), ConfirmRefusal> {
        self.active_device(by).ok_or(ConfirmRefusal::Unknown)?;
        if self.user.may_sign_in() { Ok(()) } else { Err(ConfirmRefusal::Locked) }
    }

    fn compare_code(&mut self, id: DeviceId, given: &str, journal: &mut Journal) -> Result<(), ConfirmRefusal> {
        let username = self.user.username.clone();
        let device = self.devices.iter_mut().find(|device| device.id == id).ok_or(ConfirmRefusal::Unknown)?;
        let DeviceStatus::Unconfirmed { code, wrong_tries } = &mut device.status else {
            return Err(ConfirmRefusal::Confirmed);
        };
        if bool::from(code.as_bytes().ct_eq(given.as_bytes())) {
            device.status = DeviceStatus::Active;
            device.active_since = Some(journal.now);
            self.end_reuse(journal.now);
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

    /// Sets or drops where push reaches the phone `id`. The same again changes nothing and is not counted.
    ///
    /// # Errors
    /// [`PushRefusal`]; nothing changed then.
    pub fn set_push(&mut self, id: DeviceId, push: Option<PushSubscription>, journal: &mut Journal) -> PushSet {
        let phones: Vec<DeviceId> = self.devices.iter().map(|device| device.id).collect();
        let device = self.devices.iter_mut().find(|device| device.id == id).ok_or(PushRefusal::Unknown)?;
        if device.push == push {
            return Ok(());
        }
        let counted = self.user.limits.push_changed(id, &phones, journal.now);
        counted.map_err(|seconds| PushRefusal::TooOften { seconds })?;
        let event = journal.event("device.push_changed").user(&self.user.username).device(id);
        journal.record(event.with("reachable", push.is_some()));
        device.push = push;
        Ok(())
    }

    /// Drops where push reached the phone `id`, because its push service says that nothing is there any more. A
    /// subscription with another endpoint is a newer one and stays; false where nothing was dropped.
    pub fn drop_push(&mut self, id: DeviceId, endpoint: &Secret, journal: &mut Journal) -> bool {
        let gone = |device: &&mut Device| {
            device.id == id && device.push.as_ref().is_some_and(|push| push.endpoint == *endpoint)
        };
        let Some(device) = self.devices.iter_mut().find(gone) else { return false };
        device.push = None;
        let event = journal.event("device.push_changed").user(&self.user.username).device(id);
        journal.record(event.with("reachable", false).with("why", "gone"));
        true
    }
}
