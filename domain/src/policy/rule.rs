//! One rule: read from what was written, and written again.

use std::net::IpAddr;

use gatematch_protocol::policy::{self as wire, DEFAULT_RULE};
use ipnet::{IpNet, Ipv4Net};

use super::condition::{Condition, Held, Seen, Word};
use super::country::Country;
use super::facts::{Signal, Whence};
use super::hours::{Dates, Hours};
use super::{Decision, Method, NoDisplay, Profile, Ruling};
use crate::text::{MAX_CHARS, outside};
use crate::username::{Domains, Username};

/// The most entries of one list.
const MAX_ENTRIES: usize = 256;
/// How long one approval may serve one session at most, in seconds.
pub(crate) const MAX_REUSE_SECONDS: i64 = 3_600;

/// What is wrong, in words.
pub(super) type Why = String;

/// What a rule's user names mean.
#[derive(Clone, Copy, Debug)]
pub enum Names<'a> {
    /// They are what people write.
    Written(&'a Domains),
    /// They were canonical when they were stored.
    Stored,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Names it.
    pub name: String,
    /// Whether it is read at all.
    pub enabled: bool,
    /// Whether what it would have decided is only audited.
    pub report_only: bool,
    /// What must hold: all of it.
    pub when: Vec<Condition>,
    /// Whether a condition that asks for what the login does not have counts as held.
    pub missing_matches: bool,
    /// What it decides.
    pub decision: Decision,
    digits: Option<u8>,
    uv_required: bool,
    methods: Option<Vec<Method>>,
    no_display: Option<NoDisplay>,
    reuse_seconds: Option<i64>,
}

/// The beginning of an outside text, for what is said about it.
pub(super) fn cut(text: &str) -> String {
    let shown: String = text.chars().take(MAX_CHARS).collect();
    if shown.len() < text.len() { format!("{shown}...") } else { shown }
}

impl Rule {
    /// The one rule that ships: everybody is asked, and whatever else it could say is left open.
    pub(super) fn shipped() -> Self {
        Self {
            name: DEFAULT_RULE.to_owned(),
            enabled: true,
            report_only: false,
            when: Vec::new(),
            missing_matches: false,
            decision: Decision::Ask,
            digits: None,
            uv_required: false,
            methods: None,
            no_display: None,
            reuse_seconds: None,
        }
    }

    /// Whether a rule has what it must have.
    pub(super) fn check_form(written: &wire::Rule) -> Result<(), Why> {
        if written.on_missing.is_some() || !written.when.can_miss() {
            return Ok(());
        }
        let why = "on_missing must be there: match or skip, for a login that has no such address, place or name";
        Err(why.to_owned())
    }

    pub(super) fn read(written: &wire::Rule, names: Names<'_>) -> Result<Self, Why> {
        let name = outside("name", &written.name).map_err(|fault| fault.to_string())?;
        let when = conditions(&written.when, names)?;
        let missing_matches = match written.on_missing.as_deref() {
            Some("match") => true,
            Some("skip") => false,
            Some(other) => return Err(format!("on_missing {:?} must be match or skip", cut(other))),
            None => false,
        };
        let rule = Self {
            name,
            enabled: written.enabled,
            report_only: written.report_only,
            when,
            missing_matches,
            ..Self::shipped()
        };
        rule.with(&written.then)
    }

    fn with(mut self, then: &wire::Then) -> Result<Self, Why> {
        let decision = Decision::ALL.into_iter().find(|decision| decision.as_str() == then.decision);
        self.decision =
            decision.ok_or_else(|| format!("decision {:?} must be ask, allow or deny", cut(&then.decision)))?;
        self.digits = then
            .digits
            .map(|digits| u8::try_from(digits).ok().filter(|digits| (2..=6).contains(digits)))
            .map(|digits| digits.ok_or("digits must be from 2 to 6"))
            .transpose()?;
        self.uv_required = match then.uv.as_deref() {
            None => false,
            Some("required") => true,
            Some(other) => return Err(format!("uv {:?} must be required, or absent", cut(other))),
        };
        self.methods = then.methods.as_deref().map(methods).transpose()?;
        let no_display = |word: &String| {
            NoDisplay::from_word(word)
                .ok_or_else(|| format!("no_display {:?} must be refuse or approve_only", cut(word)))
        };
        self.no_display = then.no_display.as_ref().map(no_display).transpose()?;
        let reuse = then.reuse_seconds.filter(|seconds| !(0..=MAX_REUSE_SECONDS).contains(seconds));
        if reuse.is_some() {
            return Err(format!("reuse_seconds must be from 0 to {MAX_REUSE_SECONDS}"));
        }
        self.reuse_seconds = then.reuse_seconds;
        let decision = then.decision.clone();
        let bare =
            wire::Then { decision, digits: None, uv: None, methods: None, no_display: None, reuse_seconds: None };
        if self.decision != Decision::Ask && *then != bare {
            let word = self.decision.as_str();
            return Err(format!(
                "digits, uv, methods, no_display and reuse_seconds are for ask; {word} takes none of them"
            ));
        }
        Ok(self)
    }

    /// As it is written.
    #[must_use]
    pub fn written(&self) -> wire::Rule {
        let methods = |methods: &Vec<Method>| methods.iter().map(|method| method.as_str().to_owned()).collect();
        wire::Rule {
            name: self.name.clone(),
            enabled: self.enabled,
            report_only: self.report_only,
            when: written_conditions(&self.when),
            on_missing: Some(if self.missing_matches { "match" } else { "skip" }.to_owned()),
            then: wire::Then {
                decision: self.decision.as_str().to_owned(),
                digits: self.digits.map(i64::from),
                uv: self.uv_required.then(|| "required".to_owned()),
                methods: self.methods.as_ref().map(methods),
                no_display: self.no_display.map(|choice| choice.as_str().to_owned()),
                reuse_seconds: self.reuse_seconds,
            },
        }
    }

    /// Whether it can decide anything.
    #[must_use]
    pub const fn decides(&self) -> bool {
        self.enabled && !self.report_only
    }

    /// The ways that it allows.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        self.methods.as_deref().unwrap_or(&Method::FACTORS)
    }

    /// The digits that it names.
    pub(super) const fn digits(&self) -> Option<u8> {
        self.digits
    }

    /// Whether it names a time for which one approval serves one session.
    pub(super) fn reuses(&self) -> bool {
        self.reuse_seconds.is_some_and(|seconds| seconds > 0)
    }

    /// What it says of logins that nothing can show a number for.
    pub(super) const fn no_display(&self) -> Option<NoDisplay> {
        self.no_display
    }

    /// Whether it matches a login from `whence`.
    pub(super) fn matches(&self, seen: &Seen<'_>, whence: &Whence) -> bool {
        self.when.iter().all(|condition| match condition.held(seen, whence) {
            Held::Yes => true,
            Held::No => false,
            Held::Missing => self.missing_matches,
        })
    }

    /// What it decides under `profile`.
    pub(super) fn ruling(&self, profile: Profile) -> Ruling {
        let is_strict = profile == Profile::NistAal2;
        Ruling {
            rule: self.name.clone(),
            decision: self.decision,
            digits: self.digits.filter(|_| !is_strict).unwrap_or_else(|| profile.digits()),
            uv_required: self.uv_required,
            methods: self.methods().to_vec(),
            no_display: if is_strict { Some(NoDisplay::Refuse) } else { self.no_display },
            reuse_seconds: if is_strict { 0 } else { self.reuse_seconds.unwrap_or(0) },
        }
    }
}

fn conditions(when: &wire::When, names: Names<'_>) -> Result<Vec<Condition>, Why> {
    let texts = |member: &'static str, given: &[String]| {
        entries(member, given, |text| outside(member, text).map_err(|fault| fault.to_string()))
    };
    let mut found = Vec::new();
    if let Some(given) = &when.groups {
        let groups = texts("groups", given)?;
        found.push(Condition::Groups(groups.into_iter().map(Word::group).collect()));
    }
    if let Some(given) = &when.users {
        found.push(Condition::Users(entries("users", given, |name| user(name, names))?));
    }
    if let Some(given) = &when.gateways {
        found.push(Condition::Gateways(texts("gateways", given)?));
    }
    if let Some(given) = &when.networks {
        found.push(Condition::Networks(entries("networks", given, network)?));
    }
    if let Some(given) = &when.countries {
        let country =
            |text: &str| text.parse::<Country>().map_err(|fault| format!("countries: {:?} {fault}", cut(text)));
        found.push(Condition::Countries(entries("countries", given, country)?));
    }
    if let Some(given) = &when.hours {
        found.push(Condition::Hours(Hours::read(given)?));
    }
    if let Some(given) = &when.dates {
        found.push(Condition::Dates(Dates::read(given)?));
    }
    if let Some(given) = &when.client_names {
        let client_names = texts("client_names", given)?;
        found.push(Condition::ClientNames(client_names.into_iter().map(Word::client).collect()));
    }
    if let Some(given) = &when.signals {
        let words = || Signal::ALL.map(Signal::as_str).join(", ");
        let signal = |text: &str| {
            Signal::from_word(text).ok_or_else(|| format!("signals: {:?} must be one of {}", cut(text), words()))
        };
        found.push(Condition::Signals(entries("signals", given, signal)?));
    }
    Ok(found)
}

fn written_conditions(when: &[Condition]) -> wire::When {
    fn texts<T: ToString>(entries: &[T]) -> Option<Vec<String>> {
        Some(entries.iter().map(ToString::to_string).collect())
    }
    let words = |words: &[Word]| Some(words.iter().map(|word| word.written.clone()).collect());
    let mut written = wire::When::default();
    for condition in when {
        match condition {
            Condition::Groups(groups) => written.groups = words(groups),
            Condition::Users(users) => written.users = texts(users),
            Condition::Gateways(names) => written.gateways = texts(names),
            Condition::Networks(networks) => written.networks = texts(networks),
            Condition::Countries(countries) => written.countries = texts(countries),
            Condition::Hours(hours) => written.hours = Some(hours.written()),
            Condition::Dates(dates) => written.dates = Some(dates.written()),
            Condition::ClientNames(names) => written.client_names = words(names),
            Condition::Signals(signals) => {
                written.signals = Some(signals.iter().map(|signal| signal.as_str().to_owned()).collect());
            }
        }
    }
    written
}

fn entries<T>(member: &str, given: &[String], read: impl Fn(&str) -> Result<T, Why>) -> Result<Vec<T>, Why> {
    if !(1..=MAX_ENTRIES).contains(&given.len()) {
        return Err(format!("{member} must have 1 to {MAX_ENTRIES} entries; leave it out where it does not matter"));
    }
    given.iter().map(|text| read(text)).collect()
}

fn user(name: &str, names: Names<'_>) -> Result<Username, Why> {
    match names {
        Names::Stored => Ok(Username::from_stored(name.to_owned())),
        Names::Written(domains) => {
            domains.canonical(name).map_err(|fault| format!("users: no account can be called {:?}: {fault}", cut(name)))
        }
    }
}

fn methods(given: &[String]) -> Result<Vec<Method>, Why> {
    let known = |word: &String| Method::from_word(word).filter(|method| Method::FACTORS.contains(method));
    let all = given.iter().all(|word| known(word).is_some()) && !given.is_empty();
    let named = |method: &Method| given.iter().any(|word| word == method.as_str());
    // In one order, each once.
    let methods = all.then(|| Method::FACTORS.into_iter().filter(named).collect());
    methods.ok_or_else(|| "methods must be one to four of push, totp, recovery_code and access_pass".to_owned())
}

/// A network (RFC 4632, RFC 4291 section 2.3). IPv4 in a form of IPv6 is IPv4, as it is in an address.
fn network(text: &str) -> Result<IpNet, Why> {
    let unsound = |why: &str| format!("networks: {:?} {why}", cut(text));
    let network: IpNet = match text.parse() {
        Ok(network) => network,
        Err(_) if text.parse::<IpAddr>().is_ok() => {
            let bits = if text.contains(':') { 128 } else { 32 };
            return Err(unsound(&format!("has no length: one address is {text}/{bits}")));
        }
        Err(_) => return Err(unsound("is no network: it is written as 192.0.2.0/24 or 2001:db8::/32")),
    };
    let network = match network {
        IpNet::V6(mapped) => match (mapped.addr().to_ipv4_mapped(), mapped.prefix_len().checked_sub(96)) {
            (Some(address), Some(bits)) => Ipv4Net::new(address, bits).map_or(network, IpNet::V4),
            _ => network,
        },
        IpNet::V4(_) => network,
    };
    if network.trunc() != network {
        return Err(unsound(&format!("has bits beyond its length: the network is {}", network.trunc())));
    }
    Ok(network)
}
