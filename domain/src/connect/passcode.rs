//! A backup code on the page: it lets in the login that waits there, or the one that begins next.

use gatematch_protocol::id::SessionId;

use super::{Pages, Shown};
use crate::account::{Account, about, ended_event};
use crate::audit::{Event, Journal, Outcome};
use crate::challenge::{Challenge, Step};
use crate::connect::session::{LONGEST_SECONDS, Opened, Session};
use crate::factor::Factor;
use crate::passcode::{Opens, Passcode, StaleCode};
use crate::policy::Method;

/// How long a code opens a page for the login that begins next, in seconds.
pub const OPEN_SECONDS: i64 = 60;
/// How many wrong codes a page takes; further ones are not looked at.
pub const MAX_WRONG_ON_PAGE: u8 = 3;

/// What became of a code on a page. That it was wrong and that it was not looked at is told alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPage {
    /// It was right.
    Right,
    /// It was wrong, or nobody looked at it.
    Wrong,
    /// The page takes no code now: what it shows.
    NotNow(&'static str),
}

/// Counts a code on a page of a name that nobody has: what is written is the same.
pub fn count_unheard(pages: &mut Pages, id: SessionId) {
    if let Some(session) = pages.session_mut(id) {
        session.wrong_passcodes = session.wrong_passcodes.saturating_add(1);
    }
}

impl Account {
    /// Judges a code that was typed on the page of the session `id`. Before a login begins, `allowed` are the ways that
    /// it may take; one that waits there has its own. `dormant_after` as in [`crate::open::Opening`].
    ///
    /// # Errors
    /// [`StaleCode`], where it must be hashed again; nothing is judged or counted then.
    pub fn passcode_on_page(
        &mut self,
        pages: &mut Pages,
        id: SessionId,
        (passcode, allowed, dormant_after): (&Passcode, &[Method], Option<i64>),
        journal: &mut Journal,
    ) -> Result<OnPage, StaleCode> {
        self.settle(journal);
        self.send_to_sleep(dormant_after, journal);
        let Some((session, shown)) = self.shows(pages, id, journal.now) else { return Ok(OnPage::NotNow("expired")) };
        let waiting = match shown {
            Shown::Armed => None,
            Shown::Number(_) => session.challenge().and_then(|id| self.challenge(id)).cloned(),
            other => return Ok(OnPage::NotNow(other.as_str())),
        };
        if !self.hears(pages, &session, journal) {
            count_unheard(pages, id);
            return Ok(OnPage::Wrong);
        }
        let methods = waiting.as_ref().map_or(allowed, |challenge| &challenge.methods);
        let Some(opens) = self.judge(passcode, methods, journal.now)? else {
            self.wrong_on_page(pages, &session, waiting.as_ref(), journal);
            return Ok(OnPage::Wrong);
        };
        self.spend(&opens, waiting.as_ref(), journal);
        match waiting {
            Some(challenge) => self.let_in(&challenge, &session, &opens, journal),
            None => self.open_page(pages, &session, &opens, journal),
        }
        Ok(OnPage::Right)
    }

    // Whether a code on this page is judged at all. The page of a stranger that nobody hears, or that a bound browser
    // eclipses, opens nothing; and a stranger cannot use up what the person himself may get wrong.
    fn hears(&self, pages: &Pages, session: &Session, journal: &Journal) -> bool {
        let live = self.live_challenges();
        let is_heard = pages.counts(session, journal.now) && !pages.is_eclipsed(session, &live, journal.now);
        let has_tries = session.wrong_passcodes < MAX_WRONG_ON_PAGE;
        let is_known = session.browser.is_some();
        let is_judged = self.may_be_judged(journal.now).is_ok();
        is_heard && has_tries && is_judged && (is_known || self.user.limits.hears_strangers(journal.now))
    }

    fn wrong_on_page(
        &mut self,
        pages: &mut Pages,
        session: &Session,
        waiting: Option<&Challenge>,
        journal: &mut Journal,
    ) {
        count_unheard(pages, session.id);
        let tries = session.wrong_passcodes.saturating_add(1);
        let event = self.on_page("connect.passcode_failed", session, waiting, journal);
        journal.record(event.ended(Outcome::Failure, "wrong-passcode").with("tries", tries));
        match session.browser {
            None => self.user.limits.stranger_failed(journal.now),
            Some(_) => {
                self.user.limits.went_wrong(journal.now);
                self.end_reuse(journal.now);
            }
        }
        let _ = self.fail(waiting, None, journal);
    }

    fn let_in(&mut self, waiting: &Challenge, session: &Session, opens: &Opens, journal: &mut Journal) {
        let Some(challenge) = self.challenges.iter_mut().find(|challenge| challenge.id == waiting.id) else { return };
        if challenge.take(Step::Approve(opens.approval()), journal.now) {
            let event = ended_event(challenge, journal).with("session", session.id.to_string());
            journal.record(event.with("page_ip", session.address.to_string()));
        }
    }

    fn open_page(&self, pages: &mut Pages, session: &Session, opens: &Opens, journal: &mut Journal) {
        // No page lives for longer than pages live, and no pass lets in after its end.
        let until = journal.now.plus_seconds(OPEN_SECONDS).min(session.armed_at.plus_seconds(LONGEST_SECONDS));
        let ends_at = self.factors.iter().find(|factor| factor.id == opens.factor).and_then(Factor::ends_at);
        let until = ends_at.map_or(until, |ends_at| until.min(ends_at));
        let event = self.on_page("connect.opened", session, None, journal);
        let event = event.with("method", opens.method.as_str()).with("authenticator", opens.factor.to_string());
        journal.record(event.with("until", until.to_string()));
        if let Some(session) = pages.session_mut(session.id) {
            session.opened = Some(Opened { approval: opens.approval(), at: journal.now, until });
            session.expires_at = session.expires_at.max(until);
        }
    }

    fn on_page(&self, kind: &'static str, session: &Session, waiting: Option<&Challenge>, journal: &Journal) -> Event {
        let event = match waiting {
            Some(challenge) => about(challenge, kind, journal),
            None => journal.event(kind).user(&self.user.username),
        };
        event.with("session", session.id.to_string()).with("page_ip", session.address.to_string())
    }
}
