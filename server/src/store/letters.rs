//! What phones are to be told by push of what a group of verbs changed.

use std::collections::BTreeMap;

use gatematch_domain::challenge::{Challenge, State};
use gatematch_domain::device::Device;
use gatematch_domain::user::User;
use gatematch_protocol::id::{ChallengeId, DeviceId, UserId};
use gatematch_protocol::time::Timestamp;

use super::world::{Difference, World};
use crate::push::letter::NOTICE_SECONDS;
use crate::push::{Letter, Message};

impl World {
    /// The letters about how `challenges` changed until this world, and about its notices; they were committed at `at`.
    ///
    /// A phone that is no longer there, or not confirmed, is told nothing.
    pub(crate) fn letters(&self, challenges: &Difference<'_, ChallengeId, Challenge>, at: Timestamp) -> Vec<Letter> {
        let mut letters = Vec::new();
        let pending = challenges.added.iter().filter(|challenge| challenge.state == State::Pending);
        let pending: BTreeMap<ChallengeId, &Challenge> = pending.map(|challenge| (challenge.id, *challenge)).collect();
        for (id, device, signed) in &self.deliveries {
            let Some(challenge) = pending.get(id) else { continue };
            let message = || Message::Challenge { id: *id, signed: signed.clone() };
            letters.extend(self.letter(challenge.user, *device, challenge.expires_at, at, message));
        }
        let left = challenges.changed.iter().filter(|(was, is)| was.state == State::Pending && was.state != is.state);
        // Nobody needs to be told that time has run out: the phone sees it itself.
        for (_, is) in left.filter(|(_, is)| !matches!(is.state, State::Expired { .. })) {
            for device in is.sent_to.iter().filter(|device| is.state.decided_by() != Some(**device)) {
                let message = || Message::Cancelled { id: is.id };
                letters.extend(self.letter(is.user, *device, is.expires_at, at, message));
            }
        }
        for notice in &self.notices {
            let Some(account) = self.account_of(notice.user) else { continue };
            for device in account.active_devices() {
                let message = || Message::Notice { notice: notice.clone() };
                letters.extend(letter(&account.user, device, at.plus_seconds(NOTICE_SECONDS), at, message));
            }
        }
        letters
    }

    fn letter(
        &self,
        user: Option<UserId>,
        device: DeviceId,
        good_until: Timestamp,
        at: Timestamp,
        message: impl FnOnce() -> Message,
    ) -> Option<Letter> {
        let account = self.account_of(user?)?;
        letter(&account.user, account.active_device(device)?, good_until, at, message)
    }
}

/// A letter to `device` of `user`, where push reaches it.
fn letter(
    user: &User,
    device: &Device,
    good_until: Timestamp,
    at: Timestamp,
    message: impl FnOnce() -> Message,
) -> Option<Letter> {
    let (to, username) = (device.push.clone()?, user.username.to_string());
    Some(Letter { device: device.id, user: user.id, username, to, message: message(), good_until, at })
}
