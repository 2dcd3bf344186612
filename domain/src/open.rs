//! The beginning of a login: whether it is asked, and if so, in which shape (contract section 6).

use std::net::IpAddr;

use gatematch_protocol::challenge::{ChallengeClaims, CreateChallenge, ShownClient};
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId, SessionId};
use gatematch_protocol::time::Timestamp;
use serde_json::{Map, Value};

use crate::account::{Account, about, ended_event};
use crate::audit::{Event, Journal};
use crate::challenge::{Challenge, Client, Display, Reason, State, Step};
use crate::connect::{Pages, Place, Session};
use crate::fault::{Fault, seconds};
use crate::gateway::Gateway;
use crate::limits::Limited;
use crate::notice::Kind;
use crate::number::Number;
use crate::policy::{Method, NoDisplay, Ruling};
use crate::text::{cut_unknown_user, outside, outside_if_given};
use crate::username::{Domains, Username};

/// How long a challenge lives unless the gateway says otherwise, in seconds.
pub const DEFAULT_LIFE_SECONDS: i64 = 60;

/// What a gateway asks for, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// The challenge that it will be.
    pub id: ChallengeId,
    /// The account's name, where the given one can have an account.
    pub username: Option<Username>,
    /// The name as given, fit to be shown.
    pub given: String,
    /// Who asks.
    pub gateway: GatewayId,
    /// Where the login comes from.
    pub client: Client,
    /// Where the number is to be shown.
    pub display: Display,
    /// What to do where none can be shown.
    pub no_display: NoDisplay,
    /// When it is made.
    pub now: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// Shown to the person as given.
    pub context: Map<String, Value>,
}

impl Login {
    /// Checks the values of `body`.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn from_body(
        body: &CreateChallenge,
        id: ChallengeId,
        gateway: &Gateway,
        domains: &Domains,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        // Types come before ranges: the contract answers them with 400 and 422.
        let context = context_types(body.context.as_ref())?;
        let display = match body.display.as_deref() {
            Some("number") if !gateway.can_display => return Err(Fault::DisplayNotPossible),
            None if gateway.can_display => Display::Gateway,
            Some("number") => Display::Gateway,
            None | Some("none") => Display::None,
            Some(_) => return Err(Fault::range("display", "must be number or none")),
        };
        let no_display = match body.no_display.as_deref() {
            None | Some("refuse") => NoDisplay::Refuse,
            Some("approve_only") => NoDisplay::ApproveOnly,
            Some(_) => return Err(Fault::range("no_display", "must be refuse or approve_only")),
        };
        let life = seconds("expires_in", body.expires_in, DEFAULT_LIFE_SECONDS, 10..=600)?;
        Ok(Self {
            id,
            username: domains.canonical(&body.user).ok(),
            given: cut_unknown_user(&body.user),
            gateway: gateway.id,
            client: client(body)?,
            display,
            no_display,
            now,
            expires_at: now.plus_seconds(life),
            context: context_ranges(context)?,
        })
    }

    /// Where the number of this login is shown. `live` are the challenges of the account that can still lead to
    /// somebody being let in.
    #[must_use]
    pub fn shows(&self, ruling: &Ruling, pages: &Pages, live: &[ChallengeId]) -> Shows {
        if self.display == Display::Gateway {
            return Shows::AtGateway;
        }
        match (pages.place(self, live), ruling.no_display.unwrap_or(self.no_display)) {
            (Place::On(session), _) => Shows::OnPage(session),
            (Place::Collision, _) => Shows::Collision,
            (Place::Nowhere, NoDisplay::ApproveOnly) => Shows::Nowhere,
            (Place::Nowhere, NoDisplay::Refuse) => Shows::Refused,
        }
    }

    /// The claims of the signed challenge for the phone `device`; `numbered` tells whether it must ask for a number.
    #[must_use]
    pub fn claims(
        &self,
        issuer: &str,
        gateway: &Gateway,
        (ruling, numbered): (&Ruling, bool),
        device: DeviceId,
        nonce: String,
    ) -> ChallengeClaims {
        ChallengeClaims {
            iss: issuer.to_owned(),
            aud: device,
            sub: self.username.as_ref().map_or_else(|| self.given.clone(), ToString::to_string),
            jti: self.id,
            iat: self.now.numeric_date(),
            exp: self.expires_at.numeric_date(),
            nonce,
            app: gateway.application.clone(),
            gateway: gateway.name.clone(),
            client: ShownClient { ip: self.client.ip, name: self.client.name.clone(), location: None },
            matching: numbered.then(|| ruling.matching()),
            uv: ruling.uv_required.then(|| "required".to_owned()),
            context: self.context.clone(),
        }
    }

    /// The challenge of this login in the state `state`, without number and methods.
    fn challenge(&self, account: Option<&Account>, ruling: &Ruling, state: State) -> Challenge {
        Challenge {
            id: self.id,
            user: account.map(|account| account.user.id),
            // Where the name has no account it is still shown in its canonical form, if it has one.
            username: self.username.as_ref().map_or_else(|| self.given.clone(), ToString::to_string),
            gateway: self.gateway,
            client: self.client.clone(),
            display: self.display,
            number: None,
            methods: Vec::new(),
            uv_required: ruling.uv_required,
            rule: account.map(|_| ruling.rule.clone()),
            sent_to: Vec::new(),
            wrong_passcodes: 0,
            created_at: self.now,
            expires_at: self.expires_at,
            state,
        }
    }

    fn denied(&self, account: Option<&Account>, ruling: &Ruling, reason: Reason) -> Challenge {
        self.challenge(account, ruling, State::Denied { at: self.now, reason, device: None })
    }

    /// The refusal of a login that belongs to no account.
    #[must_use]
    pub fn refuse_unknown(&self, ruling: &Ruling, journal: &mut Journal) -> Challenge {
        let challenge = self.denied(None, ruling, Reason::NotEnrolled);
        let mut event = ended_event(&challenge, journal).with("unknown_user", true);
        if self.username.is_none() {
            event.user = None;
            event = event.with("given", self.given.as_str());
        }
        journal.record(event);
        challenge
    }
}

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
    /// Whether the phone must ask for a number.
    #[must_use]
    pub const fn is_numbered(self) -> bool {
        matches!(self, Self::AtGateway | Self::OnPage(_))
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
        let ruling = opening.ruling;
        if let Some(reason) = self.refuses_at_once(ruling) {
            return Ok(self.keep(login.denied(Some(self), ruling, reason), None, journal));
        }
        let shows = self.shows_number_of(login, ruling, pages);
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
        let phones: Vec<DeviceId> = self.active_devices().map(|device| device.id).collect();
        if phones != opening.devices || opening.numbered != shows.is_numbered() {
            return Err(Stale { numbered: shows.is_numbered() });
        }
        if let Shows::OnPage(_) = shows {
            // Nor does the phone ask for a bare approval beside the number that the person is about to type.
            self.end(journal, |other| (other.display != Display::Gateway).then(|| against_each_other(other)));
        }
        self.end(journal, |other| {
            let superseded = other.is_retried_by(login.gateway, &login.client);
            superseded.then_some(Step::Cancel { reason: Some(Reason::Superseded) })
        });
        if !shows.is_numbered() && self.collides(login, journal) {
            return Ok(self.keep(login.denied(Some(self), ruling, Reason::Superseded), None, journal));
        }
        let pending = self.challenges.iter().filter(|other| other.state == State::Pending).count();
        let limits = self.user.limits.may_prompt(login.gateway, login.client.name.as_deref(), pending, login.now);
        if let Err(limited) = limits {
            return Ok(self.keep_limited(login.denied(Some(self), ruling, Reason::RateLimited), limited, journal));
        }
        self.user.limits.prompted(login.now);
        let mut challenge = login.challenge(Some(self), ruling, State::Pending);
        challenge.methods = vec![Method::Push];
        challenge.sent_to = phones;
        challenge.number = shows.is_numbered().then(|| Number::draw(ruling.digits, &self.live_numbers(), opening.draw));
        let mut page = None;
        if let Shows::OnPage(session) = shows {
            challenge.display = Display::Page;
            pages.serve(session, challenge.id, login);
            page = pages.session(session);
        }
        Ok(self.keep(challenge, page, journal))
    }

    fn refuses_at_once(&self, ruling: &Ruling) -> Option<Reason> {
        if !self.user.may_sign_in() {
            return Some(Reason::Locked);
        }
        let held = ruling.methods.contains(&Method::Push) && self.active_devices().next().is_some();
        (!held).then_some(Reason::NotEnrolled)
    }

    // A login on a page stands against any other that a gateway cannot display, also where its page is of no account
    // any more: because it was armed anew, or because a bound browser waits beside it. That one's login alone goes on,
    // and ends the other.
    fn shows_number_of(&self, login: &Login, ruling: &Ruling, pages: &Pages) -> Shows {
        let on_page = |challenge: &Challenge| challenge.state.is_live() && challenge.display == Display::Page;
        let is_served = self.challenges.iter().any(on_page);
        match login.shows(ruling, pages, &self.live_challenges()) {
            Shows::OnPage(session) if is_served && !pages.is_bound(session) => Shows::Collision,
            Shows::Nowhere | Shows::Refused if is_served => Shows::Collision,
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
            let unnumbered = other.number.is_none() && !other.is_retried_by(login.gateway, &login.client);
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

fn client(body: &CreateChallenge) -> Result<Client, Fault> {
    let Some(client) = &body.client else { return Ok(Client::default()) };
    let ip = match client.ip.as_deref() {
        None => None,
        Some(text) => {
            let ip: IpAddr = text.parse().map_err(|_| Fault::range("client.ip", "must be an IP address"))?;
            Some(ip.to_canonical())
        }
    };
    Ok(Client { ip, name: outside_if_given("client.name", client.name.as_deref())? })
}

fn context_types(given: Option<&Map<String, Value>>) -> Result<Vec<(&str, &str)>, Fault> {
    let members = given.into_iter().flatten();
    members
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.as_str(), text.as_str())),
            _ => Err(Fault::of_type("context", "must have strings as values")),
        })
        .collect()
}

fn context_ranges(members: Vec<(&str, &str)>) -> Result<Map<String, Value>, Fault> {
    if members.len() > 8 {
        return Err(Fault::range("context", "must have at most 8 members"));
    }
    let mut context = Map::new();
    for (name, text) in members {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !(1..=32).contains(&name.len()) || !name.chars().all(allowed) {
            return Err(Fault::range("context", "must have names of 1 to 32 of a-z, 0-9 and _"));
        }
        context.insert(name.to_owned(), outside("context", text)?.into());
    }
    Ok(context)
}
