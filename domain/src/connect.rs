//! The connect page: where a gateway has no screen, the number is shown by a browser that the person has opened
//! before (contract section 9).
//!
//! A [`Session`] is one browser that says "I am about to sign in as alice"; that proves nothing, so it only ever
//! *shows* something, and never to more than one browser at a time. A [`Browser`] is one that had a part in an
//! approved login before, and is known by a cookie. Sessions belong to a name and not to an account: one for a name
//! that nobody has is kept, lives and ends like any other.

use std::net::IpAddr;

use gatematch_protocol::id::{BrowserId, ChallengeId, SessionId, UserId};
use gatematch_protocol::time::Timestamp;

use crate::account::{Account, about, ended_event};
use crate::audit::{Event, Journal};
use crate::challenge::{Challenge, Reason, State, Step};
use crate::number::Number;
use crate::open::Login;

/// How long a session is armed without a sign of life of its page, in seconds.
pub const ARMED_SECONDS: i64 = 120;
/// How long a session is armed at most, in seconds.
pub const LONGEST_SECONDS: i64 = 600;
/// The time over which sessions of unknown browsers are counted, in seconds.
pub const COUNTED_SECONDS: i64 = 600;
/// The most sessions of unknown browsers for one name in [`COUNTED_SECONDS`]; further ones are deaf.
pub const MAX_UNBOUND_PER_NAME: usize = 3;
/// The most sessions of unknown browsers from one address in [`COUNTED_SECONDS`]; further ones are deaf.
pub const MAX_UNBOUND_PER_ADDRESS: usize = 20;
/// How long a browser stays bound to its user, in seconds: 180 days.
pub const BOUND_SECONDS: i64 = 180 * 86_400;
/// The most browsers bound to one user; the one used longest ago gives way.
pub const MAX_BROWSERS: usize = 20;
/// The most client names that a browser remembers to have approved; the oldest gives way.
pub const MAX_CLIENT_NAMES: usize = 32;

/// A browser that is bound to a user because a login was approved by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browser {
    /// Names it.
    pub id: BrowserId,
    /// Whose it is.
    pub user: UserId,
    /// base64url(SHA-256(its cookie)).
    pub token_digest: String,
    /// The client names that were approved by it, in lower case, oldest first.
    pub client_names: Vec<String>,
    /// When it was bound.
    pub created_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// When a login was last approved by it.
    pub last_used_at: Timestamp,
}

impl Browser {
    /// Whether its cookie is still good.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether a login from the client `name` was approved by it before. A login without a name never was.
    #[must_use]
    pub fn knows(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.client_names.contains(&name.to_lowercase()))
    }

    /// Remembers that a login from the client `name` was approved by it.
    pub fn approved(&mut self, name: Option<&str>, now: Timestamp) {
        self.last_used_at = now;
        let Some(name) = name.map(str::to_lowercase) else { return };
        self.client_names.retain(|known| *known != name);
        if self.client_names.len() >= MAX_CLIENT_NAMES {
            self.client_names.remove(0);
        }
        self.client_names.push(name);
    }
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a login.
    Armed,
    /// It serves a login, and never another one.
    Serving {
        /// The login's challenge.
        challenge: ChallengeId,
        /// Whether the person said that the login is his, or need not be asked.
        confirmed: bool,
        /// Whether the approval was told to this browser, which binds it.
        told: bool,
    },
    /// Two logins, or two browsers, stood against each other.
    Collided,
    /// The browser armed another session in its place.
    Replaced,
}

impl Stage {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Serving { .. } => "serving",
            Self::Collided => "collided",
            Self::Replaced => "replaced",
        }
    }
}

/// One browser that has the page open for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it.
    pub id: SessionId,
    /// The name that was typed: canonical, where it can have an account.
    pub name: String,
    /// base64url(SHA-256(its cookie)).
    pub token_digest: String,
    /// The bound browser that it is, where it is one.
    pub browser: Option<BrowserId>,
    /// The address that it came from, which proves nothing.
    pub address: IpAddr,
    /// What is counted together with this address: itself, or its IPv6 /64.
    pub block: IpAddr,
    /// Whether it can ever show anything. One beyond the limits is deaf, and is not told so.
    pub hears: bool,
    /// When it took its place among those that are counted.
    pub counted_at: Timestamp,
    /// When it was armed.
    pub armed_at: Timestamp,
    /// When it ends unless its page gives a sign of life.
    pub expires_at: Timestamp,
    /// What it is doing.
    pub stage: Stage,
}

/// What a session's page shows. `Debug` does not tell the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It waits for a login.
    Armed,
    /// A login began: is it this person's?
    Confirm,
    /// The number to type on the phone.
    Number(Number),
    /// The login was approved.
    Approved,
    /// The login was refused or taken back.
    Refused,
    /// Two stood against each other; both were refused.
    Collision,
    /// Time ran out.
    Expired,
}

impl Shown {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Armed => "armed",
            Self::Confirm => "confirm",
            Self::Number(_) => "number",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Collision => "collision",
            Self::Expired => "expired",
        }
    }
}

impl Session {
    /// The challenge of the login that it serves or served.
    #[must_use]
    pub const fn challenge(&self) -> Option<ChallengeId> {
        match self.stage {
            Stage::Serving { challenge, .. } => Some(challenge),
            Stage::Armed | Stage::Collided | Stage::Replaced => None,
        }
    }

    /// Whether it waits for a login at `now`.
    #[must_use]
    pub fn is_armed(&self, now: Timestamp) -> bool {
        // One armed in the future was armed before the clock was set back.
        self.stage == Stage::Armed && self.armed_at <= now && now < self.expires_at
    }

    /// A sign of life of its page: it stays armed for another [`ARMED_SECONDS`], within [`LONGEST_SECONDS`] in all.
    pub fn renew(&mut self, now: Timestamp) {
        if self.is_armed(now) {
            let longest = self.armed_at.plus_seconds(LONGEST_SECONDS);
            self.expires_at = now.plus_seconds(ARMED_SECONDS).min(longest).max(self.expires_at);
        }
    }

    /// Its browser armed another one. A login that it serves is still there, and still stands against any other.
    fn replace(&mut self) {
        if self.stage == Stage::Armed {
            self.stage = Stage::Replaced;
        }
    }

    /// Whether a sign of life at `now` is worth a write.
    #[must_use]
    pub fn wants_renewal(&self, now: Timestamp) -> bool {
        let mut renewed = self.clone();
        renewed.renew(now);
        renewed.expires_at.since(self.expires_at).as_secs() >= 30
    }

    /// What its page shows at `now`. `challenge` is that of the login that it serves, settled; `is_eclipsed` tells
    /// whether a bound browser waits or shows beside it, so that it sees nothing.
    #[must_use]
    pub fn shown(&self, challenge: Option<&Challenge>, is_eclipsed: bool, now: Timestamp) -> Shown {
        let waits = if now < self.expires_at { Shown::Armed } else { Shown::Expired };
        if is_eclipsed && self.stage != Stage::Collided {
            return waits;
        }
        match (self.stage, challenge) {
            (Stage::Armed, _) => waits,
            (Stage::Collided, _) => Shown::Collision,
            (Stage::Replaced, _) | (Stage::Serving { .. }, None) => Shown::Expired,
            (Stage::Serving { confirmed, .. }, Some(challenge)) => match (&challenge.state, &challenge.number) {
                (State::Pending, Some(number)) if confirmed => Shown::Number(number.clone()),
                (State::Pending, Some(_)) => Shown::Confirm,
                (State::Approved { .. } | State::Redeemed { .. }, _) => Shown::Approved,
                (State::Expired { .. }, _) => Shown::Expired,
                (State::Pending | State::Denied { .. } | State::Cancelled { .. }, _) => Shown::Refused,
            },
        }
    }
}

/// Everything about the page for one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// The sessions that can show something, or did, oldest first.
    pub sessions: Vec<Session>,
    /// The browsers bound to the account of that name.
    pub browsers: Vec<Browser>,
}

/// Where the number of a login goes that its gateway cannot display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nobody has the page open.
    Nowhere,
    /// This session shows it.
    On(SessionId),
    /// Whoever shows it, it could be the wrong one: everything ends.
    Collision,
}

impl Pages {
    /// The session `id`.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// The bound browser that `session` is, as long as it is bound.
    #[must_use]
    pub fn browser_of(&self, session: &Session, now: Timestamp) -> Option<&Browser> {
        let id = session.browser?;
        self.browsers.iter().find(|browser| browser.id == id && browser.is_good(now))
    }

    /// Whether `session` counts at all: it hears, and if it began as a bound browser, it still is one.
    fn counts(&self, session: &Session, now: Timestamp) -> bool {
        session.hears && (session.browser.is_none() || self.browser_of(session, now).is_some())
    }

    /// The sessions that wait for a login or serve a live one, without those that a bound browser eclipses.
    fn taking_part<'a>(&'a self, is_live: &dyn Fn(ChallengeId) -> bool, now: Timestamp) -> Vec<&'a Session> {
        let takes_part = |session: &&Session| {
            self.counts(session, now) && (session.is_armed(now) || session.challenge().is_some_and(is_live))
        };
        let all: Vec<&Session> = self.sessions.iter().filter(takes_part).collect();
        if all.iter().any(|session| session.browser.is_some()) {
            return all.into_iter().filter(|session| session.browser.is_some()).collect();
        }
        all
    }

    /// Whether a bound browser waits or shows beside the session, so that it sees nothing.
    #[must_use]
    pub fn is_eclipsed(&self, session: &Session, is_live: &dyn Fn(ChallengeId) -> bool, now: Timestamp) -> bool {
        if session.browser.is_some() {
            return !self.counts(session, now);
        }
        self.taking_part(is_live, now).iter().any(|other| other.browser.is_some())
    }

    /// Where the number of `login` goes, which its gateway cannot display. `is_live` tells whether a challenge of
    /// the account can still lead to somebody being let in.
    #[must_use]
    pub fn place(&self, login: &Login, is_live: &dyn Fn(ChallengeId) -> bool) -> Place {
        let taking_part = self.taking_part(is_live, login.now);
        match taking_part.as_slice() {
            [] => Place::Nowhere,
            // A session serves one login; until that one is over, any other stands against it.
            [only] if only.stage == Stage::Armed => Place::On(only.id),
            _ => Place::Collision,
        }
    }

    /// Gives the login with this challenge to the session `id`; a bound browser that knows the client need not ask.
    pub(crate) fn serve(&mut self, id: SessionId, challenge: ChallengeId, login: &Login) {
        let known = self
            .session(id)
            .and_then(|session| self.browser_of(session, login.now))
            .is_some_and(|browser| browser.knows(login.client.name.as_deref()));
        if let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) {
            session.stage = Stage::Serving { challenge, confirmed: known, told: false };
        }
    }

    /// Ends every session that takes part, as a collision.
    pub(crate) fn collide(&mut self, is_live: &dyn Fn(ChallengeId) -> bool, now: Timestamp) -> usize {
        let ended: Vec<SessionId> = self.taking_part(is_live, now).iter().map(|session| session.id).collect();
        for session in self.sessions.iter_mut().filter(|session| ended.contains(&session.id)) {
            session.stage = Stage::Collided;
        }
        ended.len()
    }

    /// The bound browser with this cookie.
    #[must_use]
    pub fn browser_with(&self, token_digest: Option<&str>, now: Timestamp) -> Option<&Browser> {
        let token_digest = token_digest?;
        self.browsers.iter().find(|browser| browser.token_digest == token_digest && browser.is_good(now))
    }

    /// The browser of the session `id` armed one for another name.
    pub fn replace(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) {
            session.replace();
        }
    }

    /// How many sessions of unknown browsers are counted for this name at `now`.
    #[must_use]
    pub fn counted(&self, now: Timestamp) -> usize {
        self.sessions.iter().filter(|session| is_counted(session, now)).count()
    }

    /// Arms `session`, in place of the one in `replaced` and, for a bound browser, of all its others.
    /// `from_address` tells how many sessions of unknown browsers are counted for its address.
    pub fn arm(&mut self, mut session: Session, replaced: Option<&Session>, from_address: usize) -> SessionId {
        let now = session.armed_at;
        let bound = self.browser_of(&session, now).is_some();
        if !bound {
            session.browser = None;
        }
        // Who only opens the page again keeps his place and takes no other one.
        let kept = replaced.filter(|old| old.name == session.name && is_counted(old, now) && !bound);
        if let Some(old) = kept {
            session.counted_at = old.counted_at;
        }
        session.hears = bound
            || kept.is_some()
            || (self.counted(now) < MAX_UNBOUND_PER_NAME && from_address < MAX_UNBOUND_PER_ADDRESS);
        let (id, browser) = (session.id, session.browser);
        for other in &mut self.sessions {
            let same_browser = browser.is_some() && other.browser == browser;
            if same_browser || replaced.is_some_and(|old| old.id == other.id) {
                other.replace();
                if kept.is_some_and(|old| old.id == other.id) {
                    other.counted_at = Timestamp::from_micros(0);
                }
            }
        }
        self.sessions.push(session);
        id
    }
}

/// Whether the session takes a place among those of unknown browsers that are counted.
fn is_counted(session: &Session, now: Timestamp) -> bool {
    session.hears && session.browser.is_none() && now < session.counted_at.plus_seconds(COUNTED_SECONDS)
}

/// There is nothing to confirm on this page now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NothingToConfirm {
    /// What the page shows.
    pub shown: &'static str,
}

/// What became of a browser to which an approval was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It is bound from now on.
    New,
    /// It was bound before, or was told before, or was not the one to be told.
    No,
}

impl Account {
    /// Which challenges of this account can still lead to somebody being let in.
    #[must_use]
    pub fn live_challenges(&self) -> Vec<ChallengeId> {
        self.challenges.iter().filter(|challenge| challenge.state.is_live()).map(|challenge| challenge.id).collect()
    }

    /// What the page of the session `id` shows.
    fn shows(&self, pages: &Pages, id: SessionId, now: Timestamp) -> Option<(Session, Shown)> {
        let live = self.live_challenges();
        let session = pages.session(id)?;
        let eclipsed = pages.is_eclipsed(session, &|id| live.contains(&id), now);
        let challenge = session.challenge().and_then(|id| self.challenge(id));
        Some((session.clone(), session.shown(challenge, eclipsed, now)))
    }

    /// The person at the page of the session `id` says whether the login that began is his. If it is not, the login
    /// is reported.
    ///
    /// # Errors
    /// [`NothingToConfirm`] unless the page asks just that.
    pub fn confirm_login(
        &mut self,
        pages: &mut Pages,
        id: SessionId,
        mine: bool,
        journal: &mut Journal,
    ) -> Result<(), NothingToConfirm> {
        self.settle(journal);
        let nothing = |shown: &Shown| NothingToConfirm { shown: shown.as_str() };
        let (session, shown) = self.shows(pages, id, journal.now).ok_or_else(|| nothing(&Shown::Expired))?;
        let served = session.challenge().filter(|_| shown == Shown::Confirm);
        let challenge = served.and_then(|id| self.challenges.iter_mut().find(|challenge| challenge.id == id));
        let challenge = challenge.ok_or_else(|| nothing(&shown))?;
        let with_page =
            |event: Event| event.with("session", id.to_string()).with("page_ip", session.address.to_string());
        if mine {
            journal.record(with_page(about(challenge, "connect.confirmed", journal)));
            if let Some(session) = pages.sessions.iter_mut().find(|session| session.id == id)
                && let Stage::Serving { confirmed, .. } = &mut session.stage
            {
                *confirmed = true;
            }
            return Ok(());
        }
        if challenge.take(Step::Deny { reason: Reason::Reported, device: None }, journal.now) {
            journal.record(with_page(ended_event(challenge, journal)));
            let (gateway, name) = (challenge.gateway, challenge.client.name.clone());
            self.user.limits.reported(gateway, name.as_deref(), journal.now);
        }
        Ok(())
    }

    /// The approval of its login is told to the browser with the session `id`, once: that binds it to the user under
    /// the cookie with this digest, or, where it was bound, makes it know the client.
    pub fn tell_approval(
        &mut self,
        pages: &mut Pages,
        id: SessionId,
        (browser, token_digest): (BrowserId, String),
        journal: &mut Journal,
    ) -> Bound {
        self.settle(journal);
        let now = journal.now;
        let Some((session, Shown::Approved)) = self.shows(pages, id, now) else { return Bound::No };
        let Stage::Serving { challenge, confirmed, told: false } = session.stage else { return Bound::No };
        if let Some(session) = pages.sessions.iter_mut().find(|session| session.id == id) {
            session.stage = Stage::Serving { challenge, confirmed, told: true };
        }
        let client = self.challenge(challenge).and_then(|challenge| challenge.client.name.clone());
        if let Some(known) = pages.browsers.iter_mut().find(|browser| Some(browser.id) == session.browser) {
            known.approved(client.as_deref(), now);
            return Bound::No;
        }
        if pages.browsers.len() >= MAX_BROWSERS
            && let Some(oldest) =
                pages.browsers.iter().min_by_key(|browser| browser.last_used_at).map(|oldest| oldest.id)
        {
            pages.browsers.retain(|browser| browser.id != oldest);
        }
        let mut new = Browser {
            id: browser,
            user: self.user.id,
            token_digest,
            client_names: Vec::new(),
            created_at: now,
            expires_at: now.plus_seconds(BOUND_SECONDS),
            last_used_at: now,
        };
        new.approved(client.as_deref(), now);
        pages.browsers.push(new);
        let event = journal.event("browser.bound").user(&self.user.username).with("browser", browser.to_string());
        let event = event.with("challenge", challenge.to_string()).with("session", id.to_string());
        journal.record(event.with("page_ip", session.address.to_string()));
        Bound::New
    }

    /// Forgets the browser `id`, and what its pages waited for; false if there is none.
    pub fn forget_browser(&mut self, pages: &mut Pages, id: BrowserId, journal: &mut Journal) -> bool {
        let before = pages.browsers.len();
        pages.browsers.retain(|browser| browser.id != id);
        if pages.browsers.len() == before {
            return false;
        }
        let event = journal.event("browser.revoked").user(&self.user.username).with("browser", id.to_string());
        journal.record(event);
        true
    }
}
