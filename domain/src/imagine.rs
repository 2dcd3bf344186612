//! A login as it could be, for whoever wants to know what would become of it.

use std::net::IpAddr;

use gatematch_protocol::policy::{Explain, Explained};
use gatematch_protocol::time::Timestamp;

use crate::account::Account;
use crate::challenge::Reason;
use crate::fault::Fault;
use crate::gateway::{ClientAddress, Gateway};
use crate::habit::{Habits, Origin};
use crate::place::Atlas;
use crate::policy::{AtGateway, Decision, Facts, Method, Policy, Signal, explained};
use crate::text::{cut_unknown_user, outside, outside_if_given};
use crate::username::{Domains, Username};

/// A login as it could be, checked.
#[derive(Clone, Debug)]
pub struct Imagined {
    /// The account's name, where the given one can have an account.
    pub username: Option<Username>,
    given: String,
    address: Option<IpAddr>,
    page: Option<IpAddr>,
    client_name: Option<String>,
    at: Timestamp,
    groups: Option<Vec<String>>,
    signals: Option<Vec<Signal>>,
    factor_required: bool,
}

impl Imagined {
    /// Whether `body` has what it must have.
    ///
    /// # Errors
    /// [`Fault::Type`].
    pub fn check_form(body: &Explain) -> Result<(), Fault> {
        let absent = || Fault::of_type("user", "must be there, unless event is");
        body.user.as_ref().map(drop).ok_or_else(absent)
    }

    /// The login that `body` describes; it begins `now` where it does not say.
    ///
    /// # Errors
    /// [`Fault`] for a value that is missing or out of range.
    pub fn from_body(body: &Explain, domains: &Domains, now: Timestamp) -> Result<Self, Fault> {
        Self::check_form(body)?;
        let user = body.user.as_deref().unwrap_or_default();
        let client = body.client.clone().unwrap_or_default();
        let address = |member: &str, text: Option<&String>| {
            let read = |text: &String| {
                let address: IpAddr = text.parse().map_err(|_| Fault::range(member, "must be an IP address"))?;
                Ok(address.to_canonical())
            };
            text.map(read).transpose()
        };
        let signal = |word: &String| {
            let words = Signal::ALL.map(Signal::as_str).join(", ");
            Signal::from_word(word).ok_or_else(|| Fault::range("signals", format!("must be of {words}")))
        };
        let groups = |groups: &Vec<String>| groups.iter().map(|group| outside("groups", group)).collect();
        Ok(Self {
            username: domains.canonical(user).ok(),
            given: cut_unknown_user(user),
            address: address("client.ip", client.ip.as_ref())?,
            page: address("client.page_ip", client.page_ip.as_ref())?,
            client_name: outside_if_given("client.name", client.name.as_deref())?,
            at: body.at.unwrap_or(now),
            groups: body.groups.as_ref().map(groups).transpose()?,
            factor_required: body.factor_required.unwrap_or(false),
            signals: body.signals.as_ref().map(|words| words.iter().map(signal).collect()).transpose()?,
        })
    }

    /// What `policy` makes of it. `account` is that of the name, where it has one; `gateway` the one that was named.
    #[must_use]
    pub fn explained(
        &self,
        policy: &Policy,
        version: Option<u64>,
        account: Option<&Account>,
        gateway: Option<&Gateway>,
        atlas: &dyn Atlas,
    ) -> Explained {
        let facts = self.facts(account, gateway, atlas);
        let mut told = explained(policy, &facts, version);
        if gateway.is_some_and(|gateway| gateway.client_address == ClientAddress::Shown) && self.address.is_some() {
            told.notes.push("The address that this gateway tells is only shown: no rule sees it.".to_owned());
        }
        match account {
            None if self.groups.is_some() => {
                told.notes.push(format!("There is no account {}: a real login would be refused.", self.name()));
            }
            None => {
                refuse(&mut told, Reason::NotEnrolled);
                told.notes.push(format!("There is no account {}.", self.name()));
            }
            Some(account) => self.stand(account, policy, &facts, &mut told),
        }
        told
    }

    /// What stands against it, or for it, beside policy.
    fn stand(&self, account: &Account, policy: &Policy, facts: &Facts, told: &mut Explained) {
        if !account.user.may_sign_in() {
            refuse(told, Reason::Locked);
            told.notes.push(format!("{} is locked or disabled: policy is not asked.", self.name()));
            return;
        }
        let ruling = policy.judge(facts).ruling;
        if ruling.decision != Decision::Ask {
            return;
        }
        if account.working(self.at).any(|(_, method)| method == Method::Bypass) {
            told.notes.push("A bypass is in force: nobody would be asked.".to_owned());
        } else if !ruling.methods.iter().any(|method| account.holds(*method, self.at)) {
            told.reason = Some(Reason::NotEnrolled.as_str().to_owned());
            told.notes.push(format!("{} has nothing of what is asked for: the login would be refused.", self.name()));
        }
    }

    fn name(&self) -> &str {
        self.username.as_ref().map_or(self.given.as_str(), Username::as_str)
    }

    fn facts(&self, account: Option<&Account>, gateway: Option<&Gateway>, atlas: &dyn Atlas) -> Facts {
        let no_habits = Habits::default();
        let habits = account.map_or(&no_habits, |account| &account.user.habits);
        let whence = |address: Option<IpAddr>, by_page| {
            let origin = address.map(|address| Origin::of(address, by_page, atlas));
            let mut whence = habits.whence(origin.as_ref(), self.at);
            if let Some(signals) = self.signals.as_ref().filter(|_| address.is_some()) {
                whence.new_network = Some(signals.contains(&Signal::NewNetwork));
                whence.new_country = Some(signals.contains(&Signal::NewCountry));
            }
            whence
        };
        let is_told = gateway.is_none_or(|gateway| gateway.client_address == ClientAddress::Trusted);
        let has = |signal: Signal, is: bool| self.signals.as_ref().map_or(is, |signals| signals.contains(&signal));
        let recent_failures = account.is_some_and(|account| account.user.limits.failed_lately(self.at));
        let new_phone = account.is_some_and(|account| account.has_new_phone(self.at));
        Facts {
            groups: match (&self.groups, account) {
                (Some(groups), _) => groups.clone(),
                (None, Some(account)) => account.user.groups.clone(),
                (None, None) => Vec::new(),
            },
            gateway: gateway.map(|gateway| AtGateway { id: gateway.id, name: gateway.name.clone() }),
            client_name: self.client_name.clone(),
            told: whence(self.address.filter(|_| is_told), false),
            page: self.page.map(|address| whence(Some(address), true)),
            recent_failures: has(Signal::RecentFailures, recent_failures),
            new_phone: has(Signal::NewPhone, new_phone),
            factor_required: self.factor_required,
            ..Facts::of(self.name().to_owned(), self.at)
        }
    }
}

fn refuse(told: &mut Explained, reason: Reason) {
    told.outcome = Decision::Deny.as_str().to_owned();
    told.rule = None;
    told.terms = None;
    told.reason = Some(reason.as_str().to_owned());
}
