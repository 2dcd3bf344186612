//! The rows that a group of verbs needs, in memory, for the time of one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use gatematch_domain::account::Account;
use gatematch_domain::audit::Event;
use gatematch_domain::challenge::Challenge;
use gatematch_domain::connect::{Browser, Pages, Session};
use gatematch_domain::device::Device;
use gatematch_domain::enrollment::Enrollment;
use gatematch_domain::factor::Factor;
use gatematch_domain::gateway::Gateway;
use gatematch_domain::notice::{News, Notice};
use gatematch_domain::policy::Policy;
use gatematch_domain::role::AdminKey;
use gatematch_domain::user::User;
use gatematch_domain::username::Username;
use gatematch_domain::visit::{Invitation, Visit};
use gatematch_protocol::audit::Checkpoint;
use gatematch_protocol::id::{
    AdminKeyId, AuthenticatorId, BrowserId, ChallengeId, DeviceId, EnrollmentId, GatewayId, InvitationId, NoticeId,
    SessionId, UserId, VisitId,
};
use gatematch_protocol::time::Timestamp;

use super::{LogBeginning, StoredKey};
use crate::edge::{Edge, NoEntropy};

/// Which rows a group of verbs needs. An account comes whole: the user, his phones, his live challenges, and
/// those others that are named.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) users: BTreeSet<UserId>,
    pub(crate) usernames: BTreeSet<String>,
    pub(crate) devices: BTreeSet<DeviceId>,
    pub(crate) keys: BTreeSet<String>,
    pub(crate) challenges: BTreeSet<ChallengeId>,
    pub(crate) tokens: BTreeSet<String>,
    pub(crate) gateways: BTreeSet<GatewayId>,
    pub(crate) open_at_gateways: BTreeSet<GatewayId>,
    pub(crate) admin_keys: BTreeSet<AdminKeyId>,
    /// All keys with the role `admin`.
    pub(crate) every_admin: bool,
    pub(crate) repeats: BTreeSet<(GatewayId, String)>,
    pub(crate) proofs: BTreeSet<(String, String)>,
    pub(crate) overdue: Option<Timestamp>,
    pub(crate) signing_keys: bool,
    /// The policy that holds.
    pub(crate) policy: bool,
    /// Events, of which the hash is needed.
    pub(crate) log: BTreeSet<u64>,
    /// Names whose pages are needed: sessions that hear, and bound browsers.
    pub(crate) pages: BTreeSet<String>,
    /// Sessions by the digests of their cookies, each with the pages of its name.
    pub(crate) sessions: BTreeSet<String>,
    /// Sessions whose account and login are needed as well.
    pub(crate) served: BTreeSet<String>,
    /// Visits by the digests of their cookies, each with its account and the challenge that it waits for.
    pub(crate) visits: BTreeSet<String>,
    /// Invitations by the digests of their tokens, each with its account.
    pub(crate) invitations: BTreeSet<String>,
    /// Users whose invitations are needed.
    pub(crate) invited: BTreeSet<UserId>,
    /// Addresses whose sessions of unknown browsers are counted, and when.
    pub(crate) counted: BTreeMap<IpAddr, Timestamp>,
}

/// A first answer, by the challenge that it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    pub(crate) body_digest: String,
    pub(crate) challenge: ChallengeId,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: Timestamp,
}

/// A version of the policy that was made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MadePolicy {
    pub(crate) policy: Policy,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) comment: Option<String>,
    pub(crate) changes: Vec<String>,
}

/// What was loaded, as the verbs change it.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    accounts: BTreeMap<UserId, Account>,
    /// The revision of each account as it was read.
    pub(crate) revisions: BTreeMap<UserId, i64>,
    /// Challenges that belong to no account.
    pub(crate) loose: BTreeMap<ChallengeId, Challenge>,
    pub(crate) enrollments: BTreeMap<EnrollmentId, Enrollment>,
    pub(crate) gateways: BTreeMap<GatewayId, (Gateway, String)>,
    pub(crate) admin_keys: BTreeMap<AdminKeyId, (AdminKey, String)>,
    pub(crate) repeats: BTreeMap<(GatewayId, String), Repeat>,
    pub(crate) proofs: BTreeMap<(String, String), Timestamp>,
    pub(crate) signing_keys: Vec<StoredKey>,
    /// The policy that holds, where it was needed.
    policy: Option<Arc<Policy>>,
    /// New versions of the policy, in order.
    pub(crate) policies: Vec<MadePolicy>,
    /// The hashes of the events that were needed, by `seq`.
    pub(crate) log: BTreeMap<u64, String>,
    /// Checkpoints to keep: each with the key that has signed it, and when.
    pub(crate) checkpoints: Vec<(Checkpoint, String, Timestamp)>,
    /// Beginnings of the log to remove, and when.
    pub(crate) removed: Vec<(LogBeginning, Timestamp)>,
    /// Up to which event somebody has the log.
    pub(crate) cursors: BTreeMap<String, u64>,
    /// What there is of the connect page, by name.
    pub(crate) pages: BTreeMap<String, Pages>,
    /// Who is signed in at the console or the portal, or knocks there.
    pub(crate) visits: BTreeMap<VisitId, Visit>,
    /// Who is invited there.
    pub(crate) invitations: BTreeMap<InvitationId, Invitation>,
    /// How many sessions of unknown browsers count for an address.
    pub(crate) counted: BTreeMap<IpAddr, usize>,
    /// Signed challenges to keep.
    pub(crate) deliveries: Vec<(ChallengeId, DeviceId, String)>,
    /// What phones are told, before it has names.
    pub(crate) news: Vec<News>,
    /// What phones are told.
    pub(crate) notices: Vec<Notice>,
    /// What happened, in order.
    pub(crate) events: Vec<Event>,
    /// Forget what ended before this.
    pub(crate) purge_before: Option<Timestamp>,
    /// The earliest deadline that is left in the database, where that was asked for.
    pub(crate) next_deadline: Option<Timestamp>,
}

impl World {
    /// The policy that holds. Whoever asks has named it among his needs; without it, nobody is let in.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        self.policy.clone().unwrap_or_else(|| Arc::new(Policy::closed(0)))
    }

    /// This policy holds.
    pub(crate) fn hold(&mut self, policy: Arc<Policy>) {
        self.policy = Some(policy);
    }

    pub(crate) fn insert_account(&mut self, account: Account) {
        self.accounts.insert(account.user.id, account);
    }

    pub(crate) fn remove_account(&mut self, id: UserId) -> Option<Account> {
        let account = self.accounts.remove(&id)?;
        self.enrollments.retain(|_, enrollment| enrollment.user != id);
        // In the database they go with him.
        self.visits.retain(|_, visit| visit.user != Some(id));
        self.invitations.retain(|_, invitation| invitation.user != id);
        // They outlive the account for those who still ask how they ended.
        self.loose.extend(account.challenges.iter().map(|challenge| (challenge.id, challenge.clone())));
        Some(account)
    }

    pub(crate) fn account(&mut self, id: UserId) -> Option<&mut Account> {
        self.accounts.get_mut(&id)
    }

    pub(crate) fn account_named(&mut self, name: &Username) -> Option<&mut Account> {
        self.accounts.values_mut().find(|account| account.user.username == *name)
    }

    /// The account of that name, and the pages of that name.
    pub(crate) fn account_and_pages(&mut self, name: &str) -> Option<(&mut Account, &mut Pages)> {
        let account = self.accounts.values_mut().find(|account| account.user.username.as_str() == name)?;
        Some((account, self.pages.entry(name.to_owned()).or_default()))
    }

    /// The session with this cookie.
    pub(crate) fn session_by_token(&self, token_digest: &str) -> Option<&Session> {
        self.pages.values().flat_map(|pages| &pages.sessions).find(|session| session.token_digest == token_digest)
    }

    /// The visit with this cookie.
    pub(crate) fn visit_by_token(&self, token_digest: &str) -> Option<&Visit> {
        self.visits.values().find(|visit| visit.token_digest == token_digest)
    }

    pub(crate) fn sessions(&self) -> BTreeMap<SessionId, &Session> {
        self.pages.values().flat_map(|pages| &pages.sessions).map(|session| (session.id, session)).collect()
    }

    pub(crate) fn browsers(&self) -> BTreeMap<BrowserId, &Browser> {
        self.pages.values().flat_map(|pages| &pages.browsers).map(|browser| (browser.id, browser)).collect()
    }

    pub(crate) fn account_of_device(&mut self, id: DeviceId) -> Option<&mut Account> {
        self.accounts.values_mut().find(|account| account.devices.iter().any(|device| device.id == id))
    }

    pub(crate) fn account_of_challenge(&mut self, id: ChallengeId) -> Option<&mut Account> {
        self.accounts.values_mut().find(|account| account.challenge(id).is_some())
    }

    pub(crate) fn accounts_mut(&mut self) -> impl Iterator<Item = &mut Account> {
        self.accounts.values_mut()
    }

    pub(crate) fn challenge(&self, id: ChallengeId) -> Option<&Challenge> {
        let of_account = |account: &'_ Account| account.challenges.iter().position(|challenge| challenge.id == id);
        let found = self.accounts.values().find_map(|account| account.challenges.get(of_account(account)?));
        found.or_else(|| self.loose.get(&id))
    }

    /// The account, where it is still there.
    pub(crate) fn account_of(&self, id: UserId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    pub(crate) fn key_is_taken(&self, thumbprint: &str) -> bool {
        self.devices().values().any(|device| device.key.thumbprint() == thumbprint)
    }

    pub(crate) fn users(&self) -> BTreeMap<UserId, &User> {
        self.accounts.iter().map(|(id, account)| (*id, &account.user)).collect()
    }

    pub(crate) fn devices(&self) -> BTreeMap<DeviceId, &Device> {
        self.accounts.values().flat_map(|account| &account.devices).map(|device| (device.id, device)).collect()
    }

    pub(crate) fn factors(&self) -> BTreeMap<AuthenticatorId, &Factor> {
        self.accounts.values().flat_map(|account| &account.factors).map(|factor| (factor.id, factor)).collect()
    }

    /// Gives each news a name, so that it can be kept and told.
    pub(crate) fn name_news(&mut self, edge: &Edge) -> Result<(), NoEntropy> {
        for news in std::mem::take(&mut self.news) {
            self.notices.push(Notice { id: NoticeId::new(news.at, edge.random()?), news });
        }
        Ok(())
    }

    pub(crate) fn challenges(&self) -> BTreeMap<ChallengeId, &Challenge> {
        let of_accounts = self.accounts.values().flat_map(|account| &account.challenges);
        of_accounts.chain(self.loose.values()).map(|challenge| (challenge.id, challenge)).collect()
    }
}

/// How one kind of row changed between two worlds.
#[derive(Debug)]
pub(crate) struct Difference<'a, K, V> {
    pub(crate) added: Vec<&'a V>,
    pub(crate) changed: Vec<(&'a V, &'a V)>,
    pub(crate) removed: Vec<K>,
}

impl<'a, K: Ord + Clone, V: PartialEq> Difference<'a, K, V> {
    pub(crate) fn between(before: &BTreeMap<K, &'a V>, after: &BTreeMap<K, &'a V>) -> Self {
        let mut difference = Self { added: Vec::new(), changed: Vec::new(), removed: Vec::new() };
        for (key, now) in after {
            match before.get(key) {
                None => difference.added.push(now),
                Some(was) if was != now => difference.changed.push((was, now)),
                Some(_) => {}
            }
        }
        difference.removed.extend(before.keys().filter(|key| !after.contains_key(key)).cloned());
        difference
    }
}
