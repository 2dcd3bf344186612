//! The beginning of a login: whether it is asked, and if so, in which shape (contract section 6).

use gatematch_protocol::id::{ChallengeId, DeviceId, SessionId};

use crate::account::{Account, about, ended_event};
use crate::audit::{Event, Journal};
use crate::challenge::{Approval, Challenge, Display, Reason, State, Step};
use crate::connect::{Opened, Pages, Place, Session};
use crate::factor::Kind as FactorKind;
use crate::limits::Limited;
use crate::login::Login;
use crate::notice::Kind;
use crate::number::Number;
use crate::policy::{Method, NoDisplay, Ruling};

/// Where the number of a login is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// By the gateway itself.
    AtGateway,
    /// On the page of this session.
    OnPage(SessionId),
    /// Nowhere: the phone asks for approval alone.
    Nowhere,
    /// Nothing can show it, so the login is refused.
    Refused,
    /// Two logins or two browsers stand against each other.
    Collision,
}

impl Shows {
    /// Whether a number can be shown.
    #[must_use]
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::AtGateway | Self::OnPage(_))
    }
}

impl Login {
    /// Where the number of this login is shown, or, where no phone is asked, where its code is typed. `live` are the
    /// challenges of the account that can still lead to somebody being let in.
    #[must_use]
    pub fn shows(&self, ruling: &Ruling, asks_phones: bool, pages: &Pages, live: &[ChallengeId]) -> Shows {
        if self.display == Display::Gateway {
            return Shows::AtGateway;
        }
        if self.takes_codes_alone() {
            return Shows::Nowhere;
        }
        match (pages.place(self, live), ruling.no_display.unwrap_or(self.no_display)) {
            (Place::On(session), _) => Shows::OnPage(session),
            (Place::Collision, _) => Shows::Collision,
            (Place::Nowhere, NoDisplay::Refuse) if asks_phones => Shows::Refused,
            (Place::Nowhere, _) => Shows::Nowhere,
        }
    }
}

/// What a login is opened with.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// What it must bring.
    pub ruling: &'a Ruling,
    /// The phones that a challenge was signed for.
    pub devices: &'a [DeviceId],
    /// Whether those signed challenges ask for a number.
    pub numbered: bool,
    /// 64 uniform random bits, for the number.
    pub draw: u64,
    /// After how many seconds without a sign-in an account sleeps; `None`: never.
    pub dormant_after: Option<i64>,
}

/// The account is no longer as it was when the challenge was signed: sign again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Whether the phone must ask for a number, as it looks now.
    pub numbered: bool,
}

impl Account {
    /// Opens `login`: asks the phones that a challenge was signed for, or refuses.
    ///
    /// The new challenge is in the account afterwards, whatever its state. Where a page shows its number, that
    /// page serves it from now on.
    ///
    /// # Errors
    /// [`Stale`] when the phones that would be asked are not those that the challenge was signed for, or would be
    /// asked otherwise. Nothing has changed then.
    pub fn open(
        &mut self,
        login: &Login,
        opening: &Opening<'_>,
        pages: &mut Pages,
        journal: &mut Journal,
    ) -> Result<Challenge, Stale> {
        self.settle(journal);
        self.send_to_sleep(opening.dormant_after, journal);
        let ruling = opening.ruling;
        if !self.user.may_sign_in() {
            return Ok(self.keep(login.denied(Some(self), ruling, Reason::Locked), None, journal));
        }
        if !login.factor_required
            && let Some(approval) = self.take_bypass(journal)
        {
            let passed = State::Approved { at: login.now, approval };
            return Ok(self.keep(login.challenge(Some(self), ruling, passed), None, journal));
        }
        let mut methods = self.methods(login, ruling);
        let asks_phones = methods.contains(&Method::Push);
        let shows = self.shows_number_of(login, (ruling, asks_phones), pages);
        // The code that was typed on its page may have been the last that he had.
        let opened = self.opened_on(shows, login, ruling, pages);
        let typed = opened.as_ref().map(|approval| approval.method);
        methods.extend(typed.filter(|method| !methods.contains(method)));
        if methods.is_empty() {
            return Ok(self.keep(login.denied(Some(self), ruling, Reason::NotEnrolled), None, journal));
        }
        match shows {
            Shows::Collision => {
                self.collide_on_pages(login, pages, journal);
                return Ok(self.keep(login.denied(Some(self), ruling, Reason::Superseded), None, journal));
            }
            Shows::Refused => {
                self.tell_of(login, Kind::NoPage, journal);
                return Ok(self.keep(login.denied(Some(self), ruling, Reason::Policy), None, journal));
            }
            Shows::AtGateway | Shows::OnPage(_) | Shows::Nowhere => {}
        }
        let mut challenge = login.challenge(Some(self), ruling, State::Pending);
        challenge.methods = methods;
        match opened {
            Some(approval) => challenge.state = State::Approved { at: login.now, approval },
            None if asks_phones => challenge.sent_to = self.phones_for(opening, shows)?,
            None => {}
        }
        Ok(self.ask(login, challenge, (shows, opening), pages, journal))
    }

    /// Makes room for `challenge` among the others of this person, and keeps it, where no limit stands against it.
    fn ask(
        &mut self,
        login: &Login,
        mut challenge: Challenge,
        (shows, opening): (Shows, &Opening<'_>),
        pages: &mut Pages,
        journal: &mut Journal,
    ) -> Challenge {
        let ruling = opening.ruling;
        if let Shows::OnPage(_) = shows {
            // Nor does the phone ask for a bare approval beside the number that the person is about to type.
            self.end(journal, |other| (other.display != Display::Gateway).then(|| against_each_other(other)));
        }
        self.end(journal, |other| {
            let superseded = other.is_retried_by(login.gateway, &login.client);
            superseded.then_some(Step::Cancel { reason: Some(Reason::Superseded) })
        });
        let asks_phones = !challenge.sent_to.is_empty();
        if asks_phones && !shows.is_numbered() && self.collides(login, journal) {
            return self.keep(login.denied(Some(self), ruling, Reason::Superseded), None, journal);
        }
        let pending = self.challenges.iter().filter(|other| other.state == State::Pending).count();
        let limits = self.user.limits.may_prompt(login.gateway, login.client.name.as_deref(), pending, login.now);
        if let Err(limited) = limits {
            return self.keep_limited(login.denied(Some(self), ruling, Reason::RateLimited), limited, journal);
        }
        if challenge.state == State::Pending {
            self.user.limits.prompted(login.now);
        }
        if asks_phones && shows.is_numbered() {
            challenge.number = Some(Number::draw(ruling.digits, &self.live_numbers(), opening.draw));
        }
        let mut page = None;
        if let Shows::OnPage(session) = shows {
            challenge.display = Display::Page;
            pages.serve(session, challenge.id, login, challenge.state != State::Pending);
            page = pages.session(session);
        }
        self.keep(challenge, page, journal)
    }

    /// The ways that policy allows, that the gateway can take, and that the person has now.
    fn methods(&self, login: &Login, ruling: &Ruling) -> Vec<Method> {
        let allowed = |method: &Method| ruling.methods.contains(method) && login.takes(*method);
        Method::FACTORS.into_iter().filter(|method| allowed(method) && self.holds(*method, login.now)).collect()
    }

    /// The phones that are asked.
    fn phones_for(&self, opening: &Opening<'_>, shows: Shows) -> Result<Vec<DeviceId>, Stale> {
        let phones: Vec<DeviceId> = self.active_devices().map(|device| device.id).collect();
        if phones != opening.devices || opening.numbered != shows.is_numbered() {
            return Err(Stale { numbered: shows.is_numbered() });
        }
        Ok(phones)
    }

    /// Spends a use of a bypass that is in force.
    fn take_bypass(&mut self, journal: &mut Journal) -> Option<Approval> {
        let now = journal.now;
        let factor = self.factors.iter_mut().find(|factor| factor.method(now) == Some(Method::Bypass))?;
        let FactorKind::Bypass(bypass) = &mut factor.kind else { return None };
        bypass.uses = bypass.uses.saturating_add(1);
        factor.last_used_at = Some(now);
        let uv = gatematch_protocol::response::UserVerification::None;
        Some(Approval { method: Method::Bypass, device: None, authenticator: Some(factor.id), uv })
    }

    /// The approval by the code that was typed on the page which serves this login, where one was, of a factor that is
    /// still there and in a way that policy allows and the gateway takes.
    fn opened_on(&self, shows: Shows, login: &Login, ruling: &Ruling, pages: &Pages) -> Option<Approval> {
        let Shows::OnPage(session) = shows else { return None };
        let Opened { approval, at, .. } = pages.session(session)?.open_by(login.now)?;
        let is_there = self.factors.iter().any(|factor| Some(factor.id) == approval.authenticator);
        let is_allowed = ruling.methods.contains(&approval.method) && login.takes(approval.method);
        (is_there && is_allowed && self.user.limits.is_open_since(*at)).then(|| approval.clone())
    }

    /// Locks an account with which nobody has signed in for long: whoever has its password by now may be anybody.
    pub(crate) fn send_to_sleep(&mut self, after: Option<i64>, journal: &mut Journal) {
        let Some(seconds) = after else { return };
        if self.user.may_sign_in() && self.user.is_dormant(seconds, journal.now) {
            let days = seconds / 86_400;
            self.lock(&format!("dormant: no sign-in for {days} days"), journal);
        }
    }

    // A login on a page stands against any other that a gateway cannot display, also where its page is of no account
    // any more: because it was armed anew, or because a bound browser waits beside it. That one's login alone goes on,
    // and ends the other.
    fn shows_number_of(&self, login: &Login, (ruling, asks_phones): (&Ruling, bool), pages: &Pages) -> Shows {
        let on_page = |challenge: &Challenge| challenge.state.is_live() && challenge.display == Display::Page;
        let is_served = self.challenges.iter().any(on_page);
        match login.shows(ruling, asks_phones, pages, &self.live_challenges()) {
            Shows::OnPage(session) if is_served && !pages.is_bound(session) => Shows::Collision,
            Shows::Nowhere | Shows::Refused if is_served && !login.takes_codes_alone() => Shows::Collision,
            shows => shows,
        }
    }

    // A page serves one login. Whoever started another one meanwhile, or has a page open beside it, could be
    // somebody else with the person's password: nobody is let in.
    fn collide_on_pages(&mut self, login: &Login, pages: &mut Pages, journal: &mut Journal) {
        let live = self.live_challenges();
        let sessions = pages.collide(&live, login.now);
        let ended = self.end(journal, |other| (other.display != Display::Gateway).then(|| against_each_other(other)));
        let event = self.collision(login, journal).with("sessions", sessions);
        journal.record(event.with("ended", ended));
    }

    fn collision(&self, login: &Login, journal: &Journal) -> Event {
        let mut event = journal.event("challenge.collision").user(&self.user.username).gateway(login.gateway);
        event.client = Some(login.client.clone());
        event.with("challenge", login.id.to_string())
    }

    // Two logins without a number that differ in gateway or client: a person who approves one of them cannot
    // know which, so both end.
    fn collides(&mut self, login: &Login, journal: &mut Journal) -> bool {
        let ended = self.end(journal, |other| {
            let unnumbered =
                other.number.is_none() && other.asks_phones() && !other.is_retried_by(login.gateway, &login.client);
            unnumbered.then(|| against_each_other(other))
        });
        if ended > 0 {
            let event = self.collision(login, journal);
            journal.record(event.with("ended", ended));
        }
        ended > 0
    }

    fn live_numbers(&self) -> Vec<Number> {
        self.challenges.iter().filter(|other| other.state.is_live()).filter_map(|other| other.number.clone()).collect()
    }

    fn keep(&mut self, challenge: Challenge, page: Option<&Session>, journal: &mut Journal) -> Challenge {
        let mut event = ended_event(&challenge, journal);
        if challenge.state == State::Pending {
            event = event.with("devices", challenge.sent_to.len()).with("display", challenge.display.as_str());
            event.number_match = Some(challenge.number.is_some());
        }
        if let Some(page) = page {
            event = event.with("session", page.id.to_string()).with("page_ip", page.address.to_string());
            event = event.with("bound_browser", page.browser.is_some());
        }
        journal.record(event);
        self.challenges.push(challenge.clone());
        challenge
    }

    fn keep_limited(&mut self, challenge: Challenge, limited: Limited, journal: &mut Journal) -> Challenge {
        let mut event = about(&challenge, "challenge.denied", journal);
        event = event.ended(crate::audit::Outcome::Failure, Reason::RateLimited.as_str());
        journal.record(event.with("limit", limited.as_str()));
        self.challenges.push(challenge.clone());
        challenge
    }
}

/// How a live challenge ends that stands against another one.
fn against_each_other(other: &Challenge) -> Step {
    match other.state {
        State::Approved { .. } => Step::Cancel { reason: Some(Reason::Superseded) },
        _ => Step::Deny { reason: Reason::Superseded, device: None },
    }
}
