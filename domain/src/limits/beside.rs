//! What is counted beside logins, and takes nothing from them: knocks by strangers, notices, and changes by the person.

use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId};
use gatematch_protocol::time::Timestamp;

use super::{
    Disowned, KNOCK_DAY_SECONDS, KNOCK_WINDOW_SECONDS, Limited, Limits, MAX_DISOWNED, MAX_KNOCKS, MAX_KNOCKS_A_DAY,
    MAX_NOTICES, MAX_OWN_CHANGES, MAX_PENDING, MAX_PUSH_CHANGES, NOTICE_WINDOW_SECONDS, OWN_CHANGE_WINDOW_SECONDS,
    PUSH_CHANGE_WINDOW_SECONDS, PushChange, Told,
};
use crate::disown::{DISOWN_SECONDS, DisownRefusal};

impl Limits {
    /// Whether a stranger may ring who has shown no password; `waiting` such knocks wait already. It is counted beside the
    /// prompts of logins, and neither stands against the other.
    ///
    /// # Errors
    /// [`Limited`].
    pub fn may_knock(
        &self,
        gateway: GatewayId,
        client_name: Option<&str>,
        waiting: usize,
        now: Timestamp,
    ) -> Result<(), Limited> {
        if self.cools_down(now) {
            return Err(Limited::Cooldown);
        }
        if self.is_reported(gateway, client_name.map(str::to_lowercase).as_deref(), now) {
            return Err(Limited::Reported);
        }
        let since = |seconds: i64| self.knocks.iter().filter(|at| now < at.plus_seconds(seconds)).count();
        if since(KNOCK_WINDOW_SECONDS) >= MAX_KNOCKS || since(KNOCK_DAY_SECONDS) >= MAX_KNOCKS_A_DAY {
            return Err(Limited::Prompts);
        }
        if waiting >= MAX_PENDING { Err(Limited::Pending) } else { Ok(()) }
    }

    /// A stranger rang.
    pub fn knocked(&mut self, now: Timestamp) {
        self.knocks.retain(|at| now < at.plus_seconds(KNOCK_DAY_SECONDS));
        self.knocks.push(now);
    }

    /// What a stranger rang for was denied or reported: none rings again for [`KNOCK_WINDOW_SECONDS`].
    pub fn turned_away(&mut self, now: Timestamp) {
        let of_late = self.knocks.iter().filter(|at| now < at.plus_seconds(KNOCK_WINDOW_SECONDS)).count();
        self.knocks.extend(std::iter::repeat_n(now, MAX_KNOCKS.saturating_sub(of_late)));
    }

    /// Whether his phones are told of a login by this gateway and client; if so, it is counted.
    #[must_use]
    pub fn may_tell(&mut self, gateway: GatewayId, client_name: Option<&str>, now: Timestamp) -> bool {
        let client_name = client_name.map(str::to_lowercase);
        self.notices.retain(|told| now < told.at.plus_seconds(NOTICE_WINDOW_SECONDS));
        let was_told = self.notices.iter().any(|told| told.gateway == gateway && told.client_name == client_name);
        if was_told || self.notices.len() >= MAX_NOTICES || self.is_reported(gateway, client_name.as_deref(), now) {
            return false;
        }
        self.notices.push(Told { gateway, client_name, at: now });
        true
    }

    /// Counts a change of where push reaches the phone `device`; `phones` are all that he has.
    ///
    /// # Errors
    /// After how many seconds another change is taken. Nothing was counted then.
    pub fn push_changed(&mut self, device: DeviceId, phones: &[DeviceId], now: Timestamp) -> Result<(), i64> {
        let end = |change: &PushChange| change.at.plus_seconds(PUSH_CHANGE_WINDOW_SECONDS);
        let ends = self.push_changes.iter().filter(|change| change.device == device).map(end).filter(|end| now < *end);
        let ends: Vec<Timestamp> = ends.collect();
        if ends.len() >= MAX_PUSH_CHANGES {
            let whole = ends.iter().min().map_or(0, |end| i64::try_from(end.since(now).as_secs()).unwrap_or(0));
            // A part of a second is waited for whole. A clock that was set back makes nobody wait for longer than this.
            return Err(whole.saturating_add(1).min(PUSH_CHANGE_WINDOW_SECONDS));
        }
        self.push_changes.retain(|change| now < end(change) && phones.contains(&change.device));
        self.push_changes.push(PushChange { device, at: now });
        Ok(())
    }

    /// Counts a change that he makes with the phone `device`. Each phone has its own count: whoever has stolen one must
    /// not be able to keep the others from anything.
    ///
    /// # Errors
    /// After how many seconds another change is taken. Nothing was counted then.
    pub fn own_change(&mut self, device: DeviceId, now: Timestamp) -> Result<(), i64> {
        let end = |change: &PushChange| change.at.plus_seconds(OWN_CHANGE_WINDOW_SECONDS);
        self.own_changes.retain(|change| now < end(change));
        let by_it = self.own_changes.iter().filter(|change| change.device == device);
        let ends: Vec<Timestamp> = by_it.map(end).collect();
        if ends.len() >= MAX_OWN_CHANGES {
            let whole = ends.iter().min().map_or(0, |end| i64::try_from(end.since(now).as_secs()).unwrap_or(0));
            return Err(whole.saturating_add(1).min(OWN_CHANGE_WINDOW_SECONDS));
        }
        self.own_changes.push(PushChange { device, at: now });
        Ok(())
    }

    /// He disowns the login with this challenge, which is of late; once.
    ///
    /// # Errors
    /// [`DisownRefusal`]. Nothing was counted then.
    pub fn disown(&mut self, challenge: ChallengeId, now: Timestamp) -> Result<(), DisownRefusal> {
        // One is kept for as long as it could be disowned again.
        self.disowned.retain(|disowned| now < disowned.at.plus_seconds(DISOWN_SECONDS));
        if self.disowned.iter().any(|disowned| disowned.challenge == challenge) {
            return Err(DisownRefusal::Again);
        }
        if self.disowned.len() >= MAX_DISOWNED {
            return Err(DisownRefusal::TooMany);
        }
        self.disowned.push(Disowned { challenge, at: now });
        Ok(())
    }
}
