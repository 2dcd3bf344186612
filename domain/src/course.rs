//! How a login goes on, as far as that follows from what is known: policy, bypass, reuse, and where a number can be
//! shown. Nothing changes here; [`Account::open`] takes the step.
//!
//! It is found twice for each login: before the write, so that the challenges of the phones can be signed, and in the
//! write, where it counts. Where the second differs from the first, they are signed again.

use std::net::IpAddr;

use gatematch_protocol::challenge::ShownClient;
use gatematch_protocol::id::{DeviceId, SessionId};
use serde_json::{Value, json};

use crate::account::Account;
use crate::audit::Event;
use crate::challenge::{Approval, Display};
use crate::connect::{Opened, Pages, Place};
use crate::factor::Kind;
use crate::habit::Origin;
use crate::login::Login;
use crate::open::Shows;
use crate::place::Atlas;
use crate::policy::{AtGateway, Decision, Facts, Judged, Method, NoDisplay, Policy, Ruling, Whence};

/// What decides about logins beside the account itself.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The policy that holds.
    pub policy: &'a Policy,
    /// Who knows where addresses are.
    pub atlas: &'a dyn Atlas,
}

/// What a phone is asked with: all in its signed challenge that is not known from the login itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// How many digits the number has; `None`: the phone asks for approval alone.
    pub digits: Option<u8>,
    /// Whether the phone must verify the person.
    pub uv_required: bool,
    /// Where the login comes from, as the person sees it.
    pub client: ShownClient,
}

/// Who will be asked, and with what, as it looks now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// The phones, in the order of the account; none where none is asked.
    pub phones: Vec<DeviceId>,
    /// With what.
    pub prompt: Prompt,
}

/// How a login goes on.
pub(crate) enum Way {
    /// Policy refuses it.
    Denied,
    /// A bypass lets it in.
    Bypassed,
    /// Policy lets it in.
    Allowed,
    /// An approval of a moment ago lets it in.
    Reused,
    /// The person has nothing that policy asks for.
    NotEnrolled,
    /// Two logins, or two browsers, stand against each other.
    Collision,
    /// Nothing can show a number, and policy or the gateway wants one.
    NoPage,
    /// The person is asked.
    Asked(Asked),
}

/// How the person is asked.
pub(crate) struct Asked {
    /// The ways that are allowed and held.
    pub(crate) methods: Vec<Method>,
    /// Where the number is shown.
    pub(crate) shows: Shows,
    /// The code that was typed on its page before.
    pub(crate) opened: Option<Approval>,
}

/// How a login goes on, and why.
pub(crate) struct Course {
    pub(crate) way: Way,
    pub(crate) judged: Judged,
    pub(crate) facts: Facts,
    pub(crate) origin: Option<Origin>,
    version: u64,
    page: Option<PageFor>,
}

/// The page that would show the number of a login.
#[derive(Clone, Copy)]
pub(crate) struct PageFor {
    pub(crate) session: SessionId,
    address: IpAddr,
    is_bound: bool,
}

impl Course {
    /// The ruling that holds.
    pub(crate) const fn ruling(&self) -> &Ruling {
        &self.judged.ruling
    }

    /// Adds what policy was asked, and what rules would have said that only report.
    pub(crate) fn recorded(&self, event: Event) -> Event {
        let facts = serde_json::to_value(&self.facts).unwrap_or(Value::Null);
        let mut event = event.with("facts", facts).with("policy_version", self.version);
        if !self.judged.reports.is_empty() {
            let reports = self.judged.reports.iter();
            let reports = reports.map(|report| json!({"rule": report.rule, "decision": report.decision.as_str()}));
            event = event.with("report_only", reports.collect::<Vec<_>>());
        }
        if self.judged.by_page {
            event = event.with("stricter_by_page", true);
        }
        event
    }

    /// What phones are asked with.
    pub(crate) fn prompt(&self, login: &Login, shows: Shows, atlas: &dyn Atlas) -> Prompt {
        let page_ip = self.page.map(|page| page.address).filter(|_| login.client.ip.is_none());
        let ip = login.client.ip.or(page_ip);
        let location = ip.and_then(|ip| atlas.find(ip)).and_then(|place| place.shown());
        Prompt {
            digits: shows.is_numbered().then_some(self.ruling().digits),
            uv_required: self.ruling().uv_required,
            client: ShownClient { ip: login.client.ip, name: login.client.name.clone(), location, page_ip },
        }
    }
}

impl Account {
    /// Who would be asked for `login`, and with what, as it looks now.
    #[must_use]
    pub fn foresee(&self, login: &Login, rules: Rules<'_>, pages: &Pages) -> Foreseen {
        let course = self.course(login, rules, pages);
        match &course.way {
            Way::Asked(asked) if self.user.may_sign_in() && asked.asks_phones() => Foreseen {
                phones: self.active_devices().map(|device| device.id).collect(),
                prompt: course.prompt(login, asked.shows, rules.atlas),
            },
            _ => Foreseen::default(),
        }
    }

    /// How `login` goes on.
    pub(crate) fn course(&self, login: &Login, rules: Rules<'_>, pages: &Pages) -> Course {
        let mut page = self.page_for(login, pages);
        // Whoever is not asked needs no page. One that a stranger has opened has no part in that, or anybody could keep
        // such people out.
        if page.is_some_and(|page| !page.is_bound) {
            let judged = rules.policy.judge(&self.facts(login, None, rules.atlas));
            if matches!(self.way(login, &judged.ruling, pages), Way::Allowed | Way::Bypassed | Way::Reused) {
                page = None;
            }
        }
        let facts = self.facts(login, page.map(|page| page.address), rules.atlas);
        let judged = rules.policy.judge(&facts);
        let way = self.way(login, &judged.ruling, pages);
        let told = facts.told.address.map(|address| Origin::of(address, false, rules.atlas));
        let origin = told.or_else(|| page.map(|page| Origin::of(page.address, true, rules.atlas)));
        Course { way, judged, facts, origin, version: rules.policy.version, page }
    }

    fn way(&self, login: &Login, ruling: &Ruling, pages: &Pages) -> Way {
        let is_bypassed = || self.factors.iter().any(|factor| factor.method(login.now) == Some(Method::Bypass));
        match ruling.decision {
            Decision::Deny => Way::Denied,
            // Whom a rule lets in after a password is asked all the same where there was none.
            Decision::Allow if login.knock.is_some() => self.asked(login, ruling, pages),
            Decision::Ask if !login.factor_required && is_bypassed() => Way::Bypassed,
            Decision::Allow if login.factor_required => Way::Denied,
            Decision::Allow => Way::Allowed,
            Decision::Ask if self.can_reuse(login, ruling) => Way::Reused,
            Decision::Ask => self.asked(login, ruling, pages),
        }
    }

    fn asked(&self, login: &Login, ruling: &Ruling, pages: &Pages) -> Way {
        let mut methods = self.methods(login, ruling);
        let shows = self.shows_number_of(login, (ruling, methods.contains(&Method::Push)), pages);
        // The code that was typed on its page may have been the last that he had.
        let opened = self.opened_on(shows, login, ruling, pages);
        let typed = opened.as_ref().map(|approval| approval.method);
        methods.extend(typed.filter(|method| !methods.contains(method)));
        match shows {
            _ if methods.is_empty() => Way::NotEnrolled,
            Shows::Collision => Way::Collision,
            Shows::Refused => Way::NoPage,
            Shows::AtGateway | Shows::OnPage(_) | Shows::Nowhere => Way::Asked(Asked { methods, shows, opened }),
        }
    }

    /// What is known of `login`, whose page was opened at `page`.
    pub(crate) fn facts(&self, login: &Login, page: Option<IpAddr>, atlas: &dyn Atlas) -> Facts {
        let whence = |address: Option<IpAddr>, by_page| -> Whence {
            let origin = address.map(|address| Origin::of(address, by_page, atlas));
            self.user.habits.whence(origin.as_ref(), login.now)
        };
        Facts {
            user: self.user.username.to_string(),
            groups: self.user.groups.clone(),
            gateway: Some(AtGateway { id: login.gateway, name: login.gateway_name.clone() }),
            client_name: login.client.name.clone(),
            at: login.now,
            told: whence(login.client.ip.filter(|_| login.address_counts), false),
            page: page.map(|address| whence(Some(address), true)),
            recent_failures: self.user.limits.failed_lately(login.now),
            new_phone: self.has_new_phone(login.now),
            // A rule that lets in holds for a visit as well: it is asked all the same (`way`).
            factor_required: login.factor_required && login.knock.is_none(),
        }
    }

    /// The page that would show the number of `login`.
    pub(crate) fn page_for(&self, login: &Login, pages: &Pages) -> Option<PageFor> {
        if login.display == Display::Gateway || login.takes_codes_alone() {
            return None;
        }
        match pages.place(login, &self.live_challenges()) {
            Place::On(id) => pages.session(id).map(|session| PageFor {
                session: id,
                address: session.address,
                is_bound: session.browser.is_some(),
            }),
            Place::Nowhere | Place::Collision => None,
        }
    }

    /// The ways that policy allows, that the gateway can take, and that the person has now.
    fn methods(&self, login: &Login, ruling: &Ruling) -> Vec<Method> {
        let allowed = |method: &Method| ruling.methods.contains(method) && login.takes(*method);
        Method::FACTORS.into_iter().filter(|method| allowed(method) && self.holds(*method, login.now)).collect()
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

    // A login on a page stands against any other that a gateway cannot display, also where its page is of no account
    // any more: because it was armed anew, or because a bound browser waits beside it. That one's login alone goes on,
    // and ends the other.
    fn shows_number_of(&self, login: &Login, (ruling, asks_phones): (&Ruling, bool), pages: &Pages) -> Shows {
        let is_served = self.challenges.iter().any(|other| other.state.is_live() && other.display == Display::Page);
        match login.shows(ruling, asks_phones, pages, &self.live_challenges()) {
            Shows::OnPage(session) if is_served && !pages.is_bound(session) => Shows::Collision,
            Shows::Nowhere | Shows::Refused if is_served && !login.takes_codes_alone() => Shows::Collision,
            shows => shows,
        }
    }

    /// Whether a bypass is in force: its index.
    pub(crate) fn bypass(&self, login: &Login) -> Option<usize> {
        let is_in_force = |factor: &crate::factor::Factor| {
            matches!(factor.kind, Kind::Bypass(_)) && factor.method(login.now) == Some(Method::Bypass)
        };
        self.factors.iter().position(is_in_force)
    }
}

impl Asked {
    /// Whether phones are asked.
    pub(crate) fn asks_phones(&self) -> bool {
        self.opened.is_none() && self.methods.contains(&Method::Push)
    }
}

impl Login {
    /// Where the number of this login is shown, or, where no phone is asked, where its code is typed. `live` are the
    /// challenges of the account that can still lead to somebody being let in.
    #[must_use]
    pub fn shows(
        &self,
        ruling: &Ruling,
        asks_phones: bool,
        pages: &Pages,
        live: &[gatematch_protocol::id::ChallengeId],
    ) -> Shows {
        if self.display == Display::Gateway {
            return Shows::AtGateway;
        }
        if self.takes_codes_alone() {
            return Shows::Nowhere;
        }
        let mut no_display = ruling.no_display.unwrap_or(self.no_display);
        // Where a name is all that the gateway has checked, nobody is asked for a mere tap who did not want that.
        if self.factor_required && self.no_display == NoDisplay::Refuse {
            no_display = NoDisplay::Refuse;
        }
        match (pages.place(self, live), no_display) {
            (Place::On(session), _) => Shows::OnPage(session),
            (Place::Collision, _) => Shows::Collision,
            (Place::Nowhere, NoDisplay::Refuse) if asks_phones => Shows::Refused,
            (Place::Nowhere, _) => Shows::Nowhere,
        }
    }
}
