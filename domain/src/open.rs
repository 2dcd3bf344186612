//! The beginning of a login: whether it is asked, and if so, in which shape (contract section 6).

use gatematch_protocol::id::{DeviceId, SessionId};

use crate::account::{Account, ended_event};
use crate::audit::{Event, Journal};
use crate::challenge::{Approval, Challenge, Display, Reason, State, Step};
use crate::connect::{Pages, Session};
use crate::course::{Course, Foreseen, Rules, Way};
use crate::factor::Kind as FactorKind;
use crate::limits::Limited;
use crate::login::Login;
use crate::notice::Kind;
use crate::number::Number;
use crate::policy::Method;
use crate::visit::Knock;

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

/// What a login is opened with.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// What decides about it.
    pub rules: Rules<'a>,
    /// Whom challenges were signed for, and what stands in them.
    pub foreseen: &'a Foreseen,
    /// 64 uniform random bits, for the number.
    pub draw: u64,
    /// After how many seconds without a sign-in an account sleeps; `None`: never.
    pub dormant_after: Option<i64>,
}

/// The challenges were signed for others, or say something else than what is to be asked: sign again, for this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale(pub Box<Foreseen>);

impl Account {
    /// Opens `login`: asks the phones that a challenge was signed for, lets in, or refuses, as policy says.
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
        if !self.user.may_sign_in() {
            let denied = State::Denied { at: login.now, reason: Reason::Locked, device: None };
            return Ok(self.keep(login.challenge(Some(self), None, denied), |event| event, journal));
        }
        self.user.grants.forget(login.now);
        let course = self.course(login, opening.rules, pages);
        // A code that was typed on the page opens one login: this one, also where it goes on without.
        if !matches!(course.way, Way::Asked(_) | Way::Collision)
            && let Some(page) = self.page_for(login, pages)
        {
            pages.shut(page.session);
        }
        Ok(match &course.way {
            Way::Denied => self.refuse(login, &course, Reason::Policy, journal),
            Way::NotEnrolled => self.refuse(login, &course, Reason::NotEnrolled, journal),
            Way::Bypassed => match self.take_bypass(login, journal) {
                Some(approval) => self.let_pass(login, &course, approval, journal),
                None => self.refuse(login, &course, Reason::Policy, journal),
            },
            Way::Allowed => self.let_pass(login, &course, Approval::without(Method::Policy), journal),
            Way::Reused => self.serve_again(login, &course, journal),
            Way::Collision => {
                self.collide_on_pages(login, pages, journal);
                self.refuse(login, &course, Reason::Superseded, journal)
            }
            Way::NoPage => {
                self.tell_of(login, Kind::NoPage, journal);
                self.refuse(login, &course, Reason::Policy, journal)
            }
            Way::Asked(asked) => {
                let mut challenge = login.challenge(Some(self), Some(&course), State::Pending);
                challenge.methods.clone_from(&asked.methods);
                if let Some(approval) = &asked.opened {
                    challenge.state = State::Approved { at: login.now, approval: approval.clone() };
                }
                if asked.asks_phones() {
                    challenge.sent_to = self.phones_for(login, &course, asked.shows, opening)?;
                }
                self.ask(login, challenge, (&course, asked.shows, opening.draw), pages, journal)
            }
        })
    }

    /// Refuses the login, for this reason.
    fn refuse(&mut self, login: &Login, course: &Course, reason: Reason, journal: &mut Journal) -> Challenge {
        let denied = State::Denied { at: login.now, reason, device: None };
        let challenge = login.challenge(Some(self), Some(course), denied);
        self.keep(challenge, |event| course.recorded(event), journal)
    }

    /// Lets the login in without a factor of the person.
    fn let_pass(&mut self, login: &Login, course: &Course, approval: Approval, journal: &mut Journal) -> Challenge {
        let challenge = login.challenge(Some(self), Some(course), State::Approved { at: login.now, approval });
        self.keep(challenge, |event| course.recorded(event), journal)
    }

    /// Lets the login in by an approval of a moment ago, and tells the phones.
    fn serve_again(&mut self, login: &Login, course: &Course, journal: &mut Journal) -> Challenge {
        let Some(served) = self.reuse(login, course.ruling()) else {
            return self.refuse(login, course, Reason::Policy, journal);
        };
        let approval = Approval { device: Some(served.device), uv: served.uv, ..Approval::without(Method::Reuse) };
        let challenge = login.challenge(Some(self), Some(course), State::Approved { at: login.now, approval });
        self.tell_about(Kind::LoginReused, Some(&challenge), None, journal);
        let recorded = |event: Event| {
            let event = event.with("original", served.original.to_string()).with("uses", served.uses);
            course.recorded(event)
        };
        self.keep(challenge, recorded, journal)
    }

    /// Makes room for `challenge` among the others of this person, and keeps it, where no limit stands against it.
    fn ask(
        &mut self,
        login: &Login,
        mut challenge: Challenge,
        (course, shows, draw): (&Course, Shows, u64),
        pages: &mut Pages,
        journal: &mut Journal,
    ) -> Challenge {
        if let Shows::OnPage(_) = shows {
            // Nor does the phone ask for a bare approval beside the number that the person is about to type.
            self.end(journal, |other| stands_beside(other).then(|| against_each_other(other)));
        }
        self.end(journal, |other| {
            let superseded = other.is_retried_by(login.gateway, &login.client) && !other.state.is_approved_without();
            superseded.then_some(Step::Cancel { reason: Some(Reason::Superseded) })
        });
        let asks_phones = !challenge.sent_to.is_empty();
        if asks_phones && !shows.is_numbered() && self.collides(login, journal) {
            return self.refuse(login, course, Reason::Superseded, journal);
        }
        if let Err(limited) = self.may_ask(login) {
            let denied = State::Denied { at: login.now, reason: Reason::RateLimited, device: None };
            let challenge = login.challenge(Some(self), Some(course), denied);
            return self.keep(challenge, |event| course.recorded(event.with("limit", limited.as_str())), journal);
        }
        match login.knock {
            Some(Knock::Stranger) => self.user.limits.knocked(login.now),
            _ if challenge.state == State::Pending => self.user.limits.prompted(login.now),
            _ => {}
        }
        if asks_phones && shows.is_numbered() {
            challenge.number = Some(Number::draw(course.ruling().digits, &self.live_numbers(), draw));
        }
        let mut page = None;
        if let Shows::OnPage(session) = shows {
            challenge.display = Display::Page;
            pages.serve(session, challenge.id, login, challenge.state != State::Pending);
            page = pages.session(session);
        }
        self.keep(challenge, |event| course.recorded(with_page(event, page)), journal)
    }

    /// Whether no limit stands against asking for `login`. What strangers do at the console and the portal is counted apart.
    fn may_ask(&self, login: &Login) -> Result<(), Limited> {
        let is_stranger = |other: &&Challenge| Knock::of(other) == Some(Knock::Stranger);
        let pending = self.challenges.iter().filter(|other| other.state == State::Pending);
        let (strangers, logins): (Vec<_>, Vec<_>) = pending.partition(is_stranger);
        let (limits, client) = (&self.user.limits, login.client.name.as_deref());
        match login.knock {
            Some(Knock::Stranger) => limits.may_knock(login.gateway, client, strangers.len(), login.now),
            Some(Knock::Known) | None => limits.may_prompt(login.gateway, client, logins.len(), login.now),
        }
    }

    /// The phones that are asked.
    fn phones_for(
        &self,
        login: &Login,
        course: &Course,
        shows: Shows,
        opening: &Opening<'_>,
    ) -> Result<Vec<DeviceId>, Stale> {
        let phones: Vec<DeviceId> = self.active_devices().map(|device| device.id).collect();
        let now = Foreseen { phones, prompt: course.prompt(login, shows, opening.rules.atlas) };
        if now != *opening.foreseen {
            return Err(Stale(Box::new(now)));
        }
        Ok(now.phones)
    }

    /// Spends a use of a bypass that is in force.
    fn take_bypass(&mut self, login: &Login, journal: &Journal) -> Option<Approval> {
        let index = self.bypass(login)?;
        let factor = self.factors.get_mut(index)?;
        let FactorKind::Bypass(bypass) = &mut factor.kind else { return None };
        bypass.uses = bypass.uses.saturating_add(1);
        factor.last_used_at = Some(journal.now);
        Some(Approval { authenticator: Some(factor.id), ..Approval::without(Method::Bypass) })
    }

    /// Locks an account with which nobody has signed in for long: whoever has its password by now may be anybody.
    pub(crate) fn send_to_sleep(&mut self, after: Option<i64>, journal: &mut Journal) {
        let Some(seconds) = after else { return };
        if self.user.may_sign_in() && self.user.is_dormant(seconds, journal.now) {
            let days = seconds / 86_400;
            self.lock(&format!("dormant: no sign-in for {days} days"), journal);
        }
    }

    // A page serves one login. Whoever started another one meanwhile, or has a page open beside it, could be
    // somebody else with the person's password: nobody is let in.
    fn collide_on_pages(&mut self, login: &Login, pages: &mut Pages, journal: &mut Journal) {
        let live = self.live_challenges();
        let sessions = pages.collide(&live, login.now);
        let ended = self.end(journal, |other| stands_beside(other).then(|| against_each_other(other)));
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

    fn keep(
        &mut self,
        challenge: Challenge,
        recorded: impl FnOnce(Event) -> Event,
        journal: &mut Journal,
    ) -> Challenge {
        let mut event = ended_event(&challenge, journal);
        if challenge.state == State::Pending {
            event = event.with("devices", challenge.sent_to.len()).with("display", challenge.display.as_str());
            event.number_match = Some(challenge.number.is_some());
        }
        journal.record(recorded(event));
        self.challenges.push(challenge.clone());
        challenge
    }
}

/// Adds the page that shows the number.
fn with_page(event: Event, page: Option<&Session>) -> Event {
    let Some(page) = page else { return event };
    let event = event.with("session", page.id.to_string()).with("page_ip", page.address.to_string());
    event.with("bound_browser", page.browser.is_some())
}

/// Whether a challenge stands against a login on a page: its gateway has no screen, and its person is or was asked.
fn stands_beside(other: &Challenge) -> bool {
    other.display != Display::Gateway && !other.state.is_approved_without()
}

/// How a live challenge ends that stands against another one.
fn against_each_other(other: &Challenge) -> Step {
    match other.state {
        State::Approved { .. } => Step::Cancel { reason: Some(Reason::Superseded) },
        _ => Step::Deny { reason: Reason::Superseded, device: None },
    }
}
