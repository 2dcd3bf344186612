//! Policy as it is written (contract section 11): in requests, in answers, and in the file of `gatematch policy`.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The most rules of a policy.
pub const MAX_RULES: usize = 500;
/// The name of the last rule, which always matches.
pub const DEFAULT_RULE: &str = "default";

const fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_no(flag: &bool) -> bool {
    !*flag
}

/// One rule. Rules are read in order; the first that matches decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Names it: in answers, and in the audit log.
    pub name: String,
    /// Whether it is read at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whether what it would have decided is only written into the audit log.
    #[serde(default, skip_serializing_if = "is_no")]
    pub report_only: bool,
    /// What must hold: all of it.
    #[serde(default)]
    pub when: When,
    /// `match` or `skip`: what a condition counts as that asks for what the login does not have. It may be absent where
    /// no condition can ask for such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_missing: Option<String>,
    /// What it decides.
    pub then: Then,
}

/// The conditions of a [`Rule`]. Each that is there must hold; of a list, one is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The user is in one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// The user is one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<String>>,
    /// The login is at one of these: names, or ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Vec<String>>,
    /// The client's address is in one of these: CIDR (RFC 4632, RFC 4291 section 2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<String>>,
    /// The client's address is in one of these: ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countries: Option<Vec<String>>,
    /// The login begins in these hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// The login begins on these days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<Dates>,
    /// The client calls itself one of these. It says so itself: this proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_names: Option<Vec<String>>,
    /// `new-network`, `new-country`, `recent-failures`, `new-phone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<Vec<String>>,
}

impl When {
    /// Whether a condition can ask for what a login does not have.
    #[must_use]
    pub fn can_miss(&self) -> bool {
        let of_address = |words: &Vec<String>| words.iter().any(|word| word == "new-network" || word == "new-country");
        let signals = self.signals.as_ref().is_some_and(of_address);
        self.networks.is_some() || self.countries.is_some() || self.client_names.is_some() || signals
    }
}

/// The condition `hours`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// `mon` to `sun`.
    pub days: Vec<String>,
    /// `HH:MM`, inclusive.
    pub from: String,
    /// `HH:MM`, exclusive. Not after `from`: it runs over midnight, and belongs to the day on which it begins.
    pub to: String,
    /// A time zone of the IANA database.
    pub zone: String,
}

/// The condition `dates`: at least one of `from` and `before`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    /// `YYYY-MM-DD`: from the beginning of this day on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `YYYY-MM-DD`: until this day begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// A time zone of the IANA database.
    pub zone: String,
}

/// What a [`Rule`] decides. All but `decision` is for `ask` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// `ask`, `allow` or `deny`.
    pub decision: String,
    /// How many digits the number has, 2 to 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<i64>,
    /// `required`: the phone must say that it has verified the person. Its own word, and audited as `claimed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uv: Option<String>,
    /// Of `push`, `totp`, `recovery_code` and `access_pass`; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// `refuse` or `approve_only`; absent: as the gateway asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_display: Option<String>,
    /// For how long one approval serves one session, 0 to 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_seconds: Option<i64>,
}

/// `PUT /v1/policy`, and the file of `gatematch policy apply`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutPolicy {
    /// Ignored: which version is replaced is said by `If-Match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// `standard` or `nist-aal2`; absent: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Why, for those who read the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

/// `GET /v1/policy`, and the answer to [`PutPolicy`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// Counts the changes; 1 is what ships.
    pub version: u64,
    /// `standard` or `nist-aal2`.
    pub profile: String,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// What is allowed and yet looks like a mistake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// `POST /v1/policy/rollback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// The version whose rules and profile are to hold again, as a new version.
    pub version: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// One of the versions that there were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Which.
    pub version: u64,
    /// When it came; `null` for what ships.
    pub at: Option<Timestamp>,
    /// Who made it; `null` for what ships.
    pub actor: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// What it changed, in words, one change each.
    pub changes: Vec<String>,
}

/// `GET /v1/policy/versions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersions {
    /// The latest first.
    pub items: Vec<PolicyVersion>,
    /// Give it back as `cursor`; `null` when there are no more.
    pub next_cursor: Option<String>,
}

/// `POST /v1/policy/explain`: a login as it could be, or, by `event`, as it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// Who signs in; needed unless `event` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where: the gateway's name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ExplainClient>,
    /// When; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// As if he were in these groups, and in no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// As if these signals were there, and no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<Vec<String>>,
    /// As if the gateway had checked no password: nothing but a factor of the person will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor_required: Option<bool>,
    /// The id of an audit event with which a login began: that login, under the policy of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// As if these were the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<Rule>>,
    /// As if this were the profile; with `rules` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// The member `client` of [`Explain`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainClient {
    /// The client's address, as a gateway tells it whose word counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The client computer's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of the connect page's browser, which proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_ip: Option<String>,
}

/// The answer to [`Explain`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// `ask`, `allow` or `deny`.
    pub outcome: String,
    /// The rule that decides; `null` where none is asked.
    pub rule: Option<String>,
    /// Why the login is refused, where it is: as a challenge says it.
    pub reason: Option<String>,
    /// What a login that is asked must bring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// The version that decides; `null` for rules that were only tried.
    pub version: Option<u64>,
    /// Each rule that was read, in order.
    pub trace: Vec<Traced>,
    /// What else there is to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a login that is asked must bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How many digits the number has.
    pub digits: u8,
    /// `required`, or `null`.
    pub uv: Option<String>,
    /// The ways that are allowed.
    pub methods: Vec<String>,
    /// `refuse`, `approve_only`, or `null`: as the gateway asks.
    pub no_display: Option<String>,
    /// For how long one approval serves one session.
    pub reuse_seconds: i64,
}

/// One rule that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    /// Its name.
    pub rule: String,
    /// Whether all its conditions hold.
    pub matched: bool,
    /// Why, in words.
    pub why: String,
}
