//! What phones are to be told by push of what a group of verbs changed.

use std::collections::BTreeMap;

use gatematch_domain::audit::{Actor, Event};
use gatematch_domain::challenge::{Challenge, State};
use gatematch_domain::device::Device;
use gatematch_domain::notice::{Kind, News, Notice};
use gatematch_domain::user::User;
use gatematch_protocol::id::{ChallengeId, DeviceId, NoticeId, UserId};
use gatematch_protocol::time::Timestamp;

use super::world::{Difference, World};
use crate::edge::Edge;
use crate::push::letter::NOTICE_SECONDS;
use crate::push::{Letter, Message};

impl World {
    /// The letters about how `challenges` changed from the world `before` until this one, and about its notices; it was
    /// committed just now.
    ///
    /// A phone that is no longer there, or not confirmed, is told nothing; but one that somebody else removed is told that.
    pub(crate) fn letters(
        &self,
        before: &Self,
        challenges: &Difference<'_, ChallengeId, Challenge>,
        edge: &Edge,
    ) -> Vec<Letter> {
        let at = edge.now();
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
            let Some(account) = self.account_of(notice.news.user) else { continue };
            for device in account.active_devices().filter(|device| notice.news.but != Some(device.id)) {
                let message = || Message::Notice { notice: notice.clone() };
                letters.extend(letter(&account.user, device, at.plus_seconds(NOTICE_SECONDS), at, message));
            }
        }
        let removals = self.events.iter().filter(|event| event.kind == "device.deleted");
        letters.extend(removals.filter_map(|removal| self.farewell(before, removal, at, edge)));
        letters
    }

    /// The last letter to a phone that somebody else removed. Where a thief's phone removes all others, there is no phone
    /// left to tell: so it goes by what happened, since there may be no notice. Best effort: without randomness there is
    /// none.
    fn farewell(&self, before: &Self, removal: &Event, at: Timestamp, edge: &Edge) -> Option<Letter> {
        let id = removal.device.filter(|id| removal.actor != Actor::Device(*id))?;
        let device = before.devices().get(&id).copied().filter(|device| device.is_active())?;
        // The phones of an account that goes as a whole are told nothing.
        let user = &self.account_of(device.user)?.user;
        let (kind, at_removal) = (Kind::PhoneRemoved, removal.at);
        let news = News { user: user.id, kind, gateway: None, client: None, but: None, at: at_removal };
        let notice = Notice { id: NoticeId::new(at_removal, edge.random().ok()?), news };
        letter(user, device, at.plus_seconds(NOTICE_SECONDS), at, || Message::Farewell { notice })
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
