//! Policy: who is asked for what, from where, when, and why (contract section 11).
//!
//! A [`Policy`] is a list of [`Rule`]s, read in order; the first that matches what is known of a login ([`Facts`])
//! decides, and its decision is a [`Ruling`]. Nothing here knows how a login goes on.
//!
//! What is not known is no silent pass: each rule says what a missing address, place or name counts as. An address that
//! proves nothing, that of the connect page, is read a second time beside the one that counts, and of the two rulings
//! the stricter holds ([`Policy::judge`]).

mod check;
mod condition;
mod country;
mod difference;
mod explain;
mod facts;
mod hours;
mod judge;
mod rule;

use std::collections::BTreeSet;

use gatematch_protocol::policy as wire;

pub use self::check::{Checked, PolicyFault};
pub use self::condition::{Condition, Held};
pub use self::country::Country;
pub use self::difference::changes;
pub use self::explain::explained;
pub use self::facts::{AtGateway, Facts, Signal, Whence};
pub use self::hours::{Dates, Hours};
pub use self::judge::{Judged, Report};
pub(crate) use self::rule::MAX_REUSE_SECONDS;
pub use self::rule::{Names, Rule};
use crate::username::Username;

/// The ways in which a login can be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// A signed response from a phone.
    Push,
    /// A time-based code.
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// An access pass.
    AccessPass,
    /// No factor: somebody decided beforehand that he passes for a time.
    Bypass,
    /// No factor: a rule lets such logins in.
    Policy,
    /// No factor now: the approval of a login a moment ago serves this one as well.
    Reuse,
}

impl Method {
    /// The ways in which a person himself can approve a login, the phone first.
    pub const FACTORS: [Self; 4] = [Self::Push, Self::Totp, Self::RecoveryCode, Self::AccessPass];
    /// The ways in which a login is approved without the person.
    pub const WITHOUT: [Self; 3] = [Self::Bypass, Self::Policy, Self::Reuse];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::AccessPass => "access_pass",
            Self::Bypass => "bypass",
            Self::Policy => "policy",
            Self::Reuse => "reuse",
        }
    }

    /// The method with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::FACTORS.into_iter().chain(Self::WITHOUT).find(|method| method.as_str() == word)
    }
}

/// What to do where policy asks for a number and nothing can show one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoDisplay {
    /// Refuse the login.
    #[default]
    Refuse,
    /// Ask for approval alone; the audit log says `number_match: false`.
    ApproveOnly,
}

impl NoDisplay {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::ApproveOnly => "approve_only",
        }
    }

    /// The one with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Refuse, Self::ApproveOnly].into_iter().find(|choice| choice.as_str() == word)
    }
}

/// What a rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// The login is let in without a second factor.
    Allow,
    /// The person is asked.
    Ask,
    /// The login is refused.
    Deny,
}

impl Decision {
    /// Every decision, the most lenient first.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Ask, Self::Deny];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// What is decided for a login, and, where it is asked, what it must bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The rule that decided.
    pub rule: String,
    /// What.
    pub decision: Decision,
    /// How many digits the number has, 2 to 6.
    pub digits: u8,
    /// Whether the phone must verify the person. The phone's own word: the audit log calls it `claimed`.
    pub uv_required: bool,
    /// The ways that are allowed.
    pub methods: Vec<Method>,
    /// Where the rule names it, the gateway's wish does not count.
    pub no_display: Option<NoDisplay>,
    /// For how long one approval serves one session, in seconds.
    pub reuse_seconds: i64,
}

/// What the whole policy holds to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// As the rules say.
    #[default]
    Standard,
    /// What NIST SP 800-63B-4 asks of an out-of-band authenticator: six digits, no approval without a number, and no
    /// reuse.
    NistAal2,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 2] = [Self::Standard, Self::NistAal2];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::NistAal2 => "nist-aal2",
        }
    }

    /// The profile with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == word)
    }

    /// How many digits a number has where the rule does not say.
    #[must_use]
    pub const fn digits(self) -> u8 {
        match self {
            Self::Standard => 3,
            Self::NistAal2 => 6,
        }
    }
}

/// The rules that hold, in order. The last one always matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Counts the changes; 1 is what ships.
    pub version: u64,
    /// What all rules hold to.
    pub profile: Profile,
    rules: Vec<Rule>,
}

impl Policy {
    /// The version that ships.
    pub const SHIPPED: u64 = 1;

    /// What ships: everybody is asked.
    #[must_use]
    pub fn shipped() -> Self {
        Self { version: Self::SHIPPED, profile: Profile::Standard, rules: vec![Rule::shipped()] }
    }

    /// What holds where the rules of `version` cannot be read: nobody is let in, and another version can be put in its
    /// place.
    #[must_use]
    pub fn closed(version: u64) -> Self {
        Self { version, profile: Profile::Standard, rules: Vec::new() }
    }

    /// Whether it is what holds where rules cannot be read.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules as they are written.
    #[must_use]
    pub fn written(&self) -> Vec<wire::Rule> {
        self.rules.iter().map(Rule::written).collect()
    }

    /// As administrators see it.
    #[must_use]
    pub fn view(&self, warnings: Vec<String>) -> wire::PolicyView {
        let profile = self.profile.as_str().to_owned();
        wire::PolicyView { version: self.version, profile, rules: self.written(), warnings }
    }

    /// Every way in which some login can be approved by its person.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        let asks = |rule: &&Rule| rule.decides() && rule.decision == Decision::Ask;
        let allows = |method: &Method| self.rules.iter().filter(asks).any(|rule| rule.methods().contains(method));
        Method::FACTORS.into_iter().filter(allows).collect()
    }

    /// For how long some rule lets an approval serve its session, at most, in seconds.
    #[must_use]
    pub fn longest_reuse(&self) -> i64 {
        let rules = self.rules.iter().filter(|rule| rule.decides());
        rules.map(|rule| rule.ruling(self.profile).reuse_seconds).max().unwrap_or(0)
    }

    /// Whether a rule asks for a country.
    #[must_use]
    pub fn asks_for_places(&self) -> bool {
        self.rules.iter().any(|rule| rule.enabled && rule.when.iter().any(Condition::asks_for_a_place))
    }

    /// The users that its rules name.
    #[must_use]
    pub fn named_users(&self) -> BTreeSet<&Username> {
        let named = self.rules.iter().flat_map(|rule| &rule.when).filter_map(|condition| match condition {
            Condition::Users(users) => Some(users),
            _ => None,
        });
        named.flatten().collect()
    }

    /// The names of gateways in its rules that none of `known`, each a name or an id, is.
    #[must_use]
    pub fn unknown_gateways<'a>(&'a self, known: &[AtGateway]) -> Vec<&'a str> {
        let named = self.rules.iter().flat_map(|rule| &rule.when).filter_map(|condition| match condition {
            Condition::Gateways(names) => Some(names),
            _ => None,
        });
        let unknown = |name: &&String| !known.iter().any(|gateway| gateway.is_called(name));
        let mut unknown: Vec<&str> = named.flatten().filter(unknown).map(String::as_str).collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }
}
