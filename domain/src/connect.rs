//! The connect page: where a gateway has no screen, the number is shown by a browser that the person has opened
//! before (contract section 9).
//!
//! A [`Session`] is one browser that says "I am about to sign in as alice"; that proves nothing, so it only ever
//! *shows* something, and never to more than one browser at a time. A [`Browser`] is one that had a part in an
//! approved login before, and is known by a cookie. Sessions belong to a name and not to an account: one for a name
//! that nobody has is kept, lives and ends like any other.

mod browser;
mod passcode;
mod session;

use gatematch_protocol::id::{BrowserId, ChallengeId, SessionId};
use gatematch_protocol::time::Timestamp;

pub use self::browser::{BOUND_SECONDS, Browser, MAX_BROWSERS, MAX_CLIENT_NAMES};
pub use self::passcode::{MAX_WRONG_ON_PAGE, OPEN_SECONDS, OnPage, count_unheard};
pub use self::session::{ARMED_SECONDS, COUNTED_SECONDS, LONGEST_SECONDS, Opened, Session, Shown, Stage};
use crate::account::{Account, about, ended_event};
use crate::audit::{Event, Journal};
use crate::challenge::{Reason, Step};
use crate::login::Login;
use crate::notice::Kind;

/// When a session was counted that has given its place to another one: never.
const NO_PLACE: Timestamp = Timestamp::from_micros(0);

/// The most sessions of unknown browsers for one name in [`COUNTED_SECONDS`]; further ones are deaf.
pub const MAX_UNBOUND_PER_NAME: usize = 3;
/// The most sessions of unknown browsers from one address in [`COUNTED_SECONDS`]; further ones are deaf.
pub const MAX_UNBOUND_PER_ADDRESS: usize = 20;

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

    pub(crate) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    /// The bound browser that `session` is, as long as it is bound.
    #[must_use]
    pub fn browser_of(&self, session: &Session, now: Timestamp) -> Option<&Browser> {
        let id = session.browser?;
        self.browsers.iter().find(|browser| browser.id == id && browser.is_good(now))
    }

    /// Whether `session` counts at all: it hears, and if it began as a bound browser, it still is one.
    pub(crate) fn counts(&self, session: &Session, now: Timestamp) -> bool {
        session.hears && (session.browser.is_none() || self.browser_of(session, now).is_some())
    }

    /// The sessions that wait for a login or serve a live one, without those that a bound browser eclipses.
    fn taking_part(&self, live: &[ChallengeId], now: Timestamp) -> Vec<&Session> {
        let takes_part = |session: &&Session| {
            self.counts(session, now)
                && (session.is_armed(now) || session.challenge().is_some_and(|id| live.contains(&id)))
        };
        let all: Vec<&Session> = self.sessions.iter().filter(takes_part).collect();
        if all.iter().any(|session| session.browser.is_some()) {
            return all.into_iter().filter(|session| session.browser.is_some()).collect();
        }
        all
    }

    /// Whether a bound browser waits or shows beside the session, so that it sees nothing.
    #[must_use]
    pub fn is_eclipsed(&self, session: &Session, live: &[ChallengeId], now: Timestamp) -> bool {
        if session.browser.is_some() {
            return !self.counts(session, now);
        }
        self.taking_part(live, now).iter().any(|other| other.browser.is_some())
    }

    /// Where the number of `login` goes, which its gateway cannot display. `live` are the challenges of
    /// the account that can still lead to somebody being let in.
    #[must_use]
    pub fn place(&self, login: &Login, live: &[ChallengeId]) -> Place {
        let taking_part = self.taking_part(live, login.now);
        match taking_part.as_slice() {
            [] => Place::Nowhere,
            // A session serves one login; until that one is over, any other stands against it.
            [only] if only.stage == Stage::Armed => Place::On(only.id),
            _ => Place::Collision,
        }
    }

    /// Gives the login with this challenge to the session `id`; a bound browser that knows the client need not ask, nor
    /// one on which the code was typed that has let it in.
    pub(crate) fn serve(&mut self, id: SessionId, challenge: ChallengeId, login: &Login, let_in: bool) {
        let known = self
            .session(id)
            .and_then(|session| self.browser_of(session, login.now))
            .is_some_and(|browser| browser.knows(login.client.name.as_deref()));
        if let Some(session) = self.session_mut(id) {
            session.stage = Stage::Serving { challenge, confirmed: known || let_in, told: false };
            // What has let it in stays for those who look later, and opens nothing more.
            session.opened = session.opened.take().filter(|_| let_in);
        }
    }

    /// The code that was typed on the session `id` opens nothing more.
    pub(crate) fn shut(&mut self, id: SessionId) {
        if let Some(session) = self.session_mut(id) {
            session.opened = None;
        }
    }

    /// Ends every session that takes part, as a collision.
    pub(crate) fn collide(&mut self, live: &[ChallengeId], now: Timestamp) -> usize {
        let ended: Vec<SessionId> = self.taking_part(live, now).iter().map(|session| session.id).collect();
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

    /// The browser of the session `id` armed another one. A login that it serves is still there, and still stands
    /// against any other; where it only waits, it goes, and leaves no more than its place among those that are
    /// counted.
    pub fn replace(&mut self, id: SessionId, now: Timestamp) {
        let Some(session) = self.session_mut(id) else { return };
        if session.stage != Stage::Armed {
            return;
        }
        if session.counted_at != NO_PLACE && session.is_counted(now) {
            session.stage = Stage::Replaced;
        } else {
            self.sessions.retain(|session| session.id != id);
        }
    }

    /// The place of `old` among those that are counted, for a session that its browser arms instead: of the same name
    /// and from the same address. It is given up there, so it moves once.
    fn take_place(&mut self, old: &Session, new: &Session) -> Option<Timestamp> {
        let now = new.armed_at;
        let same = |session: &&mut Session| {
            let (id, whose) = (session.id == old.id, (&session.name, session.block) == (&new.name, new.block));
            id && whose && session.stage != Stage::Replaced && session.is_counted(now)
        };
        let session = self.sessions.iter_mut().find(same)?;
        Some(std::mem::replace(&mut session.counted_at, NO_PLACE))
    }

    /// How many sessions of unknown browsers are counted for this name at `now`.
    #[must_use]
    pub fn counted(&self, now: Timestamp) -> usize {
        self.sessions.iter().filter(|session| session.is_counted(now)).count()
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
        let kept = replaced.filter(|_| !bound).and_then(|old| self.take_place(old, &session));
        session.counted_at = kept.unwrap_or(session.counted_at);
        session.hears = bound
            || kept.is_some()
            || (self.counted(now) < MAX_UNBOUND_PER_NAME && from_address < MAX_UNBOUND_PER_ADDRESS);
        let same_browser = |other: &&Session| session.browser.is_some() && other.browser == session.browser;
        let mut gone: Vec<SessionId> = self.sessions.iter().filter(same_browser).map(|other| other.id).collect();
        gone.extend(replaced.map(|old| old.id));
        gone.into_iter().for_each(|id| self.replace(id, now));
        let id = session.id;
        self.sessions.push(session);
        id
    }

    /// Whether the session `id` is that of a bound browser.
    #[must_use]
    pub fn is_bound(&self, id: SessionId) -> bool {
        self.session(id).is_some_and(|session| session.browser.is_some())
    }
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
    pub(crate) fn shows(&self, pages: &Pages, id: SessionId, now: Timestamp) -> Option<(Session, Shown)> {
        let live = self.live_challenges();
        let session = pages.session(id)?;
        let eclipsed = pages.is_eclipsed(session, &live, now);
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
            if let Some(session) = pages.session_mut(id)
                && let Stage::Serving { confirmed, .. } = &mut session.stage
            {
                *confirmed = true;
            }
            return Ok(());
        }
        if challenge.take(Step::Deny { reason: Reason::Reported, device: None }, journal.now) {
            journal.record(with_page(ended_event(challenge, journal)));
            let (gateway, name) = (challenge.gateway, challenge.client.name.clone());
            let reported = challenge.clone();
            self.user.limits.reported(gateway, name.as_deref(), journal.now);
            self.end_reuse(journal.now);
            // What a stranger says on his page is no failure of the person, for policy to see.
            if session.browser.is_some() {
                self.user.limits.went_wrong(journal.now);
            }
            self.tell_about(Kind::Reported, Some(&reported), None, journal);
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
        // A page on which nobody said "mine" had no part in it.
        let Stage::Serving { challenge, confirmed: true, told: false } = session.stage else { return Bound::No };
        if let Some(session) = pages.session_mut(id) {
            session.stage = Stage::Serving { challenge, confirmed: true, told: true };
        }
        // What a code let in that was typed before it began, nobody has seen: such a name is not known by it.
        let seen = self.challenge(challenge).filter(|_| session.opened.is_none());
        let client = seen.and_then(|challenge| challenge.client.name.clone());
        if let Some(known) = pages.browsers.iter_mut().find(|browser| Some(browser.id) == session.browser) {
            if client.is_some() && !known.knows(client.as_deref()) {
                let event = journal.event("browser.client_learned").user(&self.user.username);
                let event = event.with("browser", known.id.to_string());
                journal.record(event.with("challenge", challenge.to_string()));
            }
            known.approved(client.as_deref(), now);
            return Bound::No;
        }
        if pages.browsers.len() >= MAX_BROWSERS
            && let Some(oldest) = pages.browsers.iter().min_by_key(|known| known.last_used_at).map(|oldest| oldest.id)
        {
            self.forget_browser(pages, oldest, "another browser took its place", journal);
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

    /// Forgets the browser `id`, and ends what its pages serve; false if there is none.
    pub fn forget_browser(&mut self, pages: &mut Pages, id: BrowserId, why: &str, journal: &mut Journal) -> bool {
        self.settle(journal);
        let before = pages.browsers.len();
        pages.browsers.retain(|browser| browser.id != id);
        if pages.browsers.len() == before {
            return false;
        }
        let event = journal.event("browser.revoked").user(&self.user.username).with("browser", id.to_string());
        journal.record(event.with("why", why));
        let own = pages.sessions.iter().filter(|session| session.browser == Some(id));
        let served: Vec<ChallengeId> = own.filter_map(Session::challenge).collect();
        self.end(journal, |challenge| {
            served.contains(&challenge.id).then_some(Step::Deny { reason: Reason::Revoked, device: None })
        });
        true
    }
}
