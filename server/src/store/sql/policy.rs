//! The policy in the database, and what is asked of it.

use std::sync::{Arc, Mutex, PoisonError};

use gatematch_domain::challenge::Display;
use gatematch_domain::course::{Foreseen, Rules};
use gatematch_domain::login::Login;
use gatematch_domain::place::Atlas;
use gatematch_domain::policy::{Checked, Policy, Profile};
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::EventId;
use gatematch_protocol::policy::{PolicyVersion, Rule};
use gatematch_protocol::time::Timestamp;

use super::conn::Conn;
use super::load::load;
use super::reads::on_one;
use super::row::{Row, args};
use super::rows::{audit_event, json, small, text, time};
use super::{SqlStore, latest};
use crate::store::world::Needs;
use crate::store::{LetIn, Policies, PutPolicy, PutRefusal, Reply, Reports, StoreError};

/// The policy as it was last read: rules are read once, and not for every login.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Option<Arc<Policy>>>);

/// The number of the policy that holds; nothing for the one that ships.
pub(super) const LATEST: &str = "SELECT max(version) AS version FROM policies";

impl Shelf {
    /// The policy that holds. Another process may have replaced it: its number is looked at each time.
    pub(super) async fn current(&self, conn: &mut Conn) -> Result<Arc<Policy>, StoreError> {
        let latest = number(&conn.all(LATEST, &[]).await?)?;
        self.latest(conn, latest).await
    }

    /// The policy that holds, where its number is known.
    pub(super) async fn latest(&self, conn: &mut Conn, latest: Option<i64>) -> Result<Arc<Policy>, StoreError> {
        let version = match latest {
            None => Policy::SHIPPED,
            Some(version) => u64::try_from(version).map_err(|_| StoreError::Corrupt("version"))?,
        };
        if let Some(held) = self.held(version) {
            return Ok(held);
        }
        let policy = match of(conn, version).await {
            Ok(Some(policy)) => policy,
            Err(StoreError::Corrupt(what)) => {
                // Whoever puts this right must be able to: the rest of the server goes on.
                tracing::error!(version, what, "the policy cannot be read: nobody is let in before another one holds");
                Policy::closed(version)
            }
            Ok(None) => Policy::closed(version),
            Err(error) => return Err(error),
        };
        let policy = Arc::new(policy);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&policy));
        Ok(policy)
    }

    fn held(&self, version: u64) -> Option<Arc<Policy>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|policy| policy.version == version).map(Arc::clone)
    }
}

/// What [`LATEST`] answers.
pub(super) fn number(answer: &[Row]) -> Result<Option<i64>, StoreError> {
    Ok(answer.first().map(|row| row.get("version")).transpose()?.flatten())
}

impl SqlStore {
    /// The policy that holds.
    pub(super) async fn policy_now(&self) -> Result<Arc<Policy>, StoreError> {
        on_one!(self.reads, conn => self.shelf.current(conn))
    }
}

async fn of(conn: &mut Conn, version: u64) -> Result<Option<Policy>, StoreError> {
    if version == Policy::SHIPPED {
        return Ok(Some(Policy::shipped()));
    }
    let number = i64::try_from(version).unwrap_or(i64::MAX);
    let sql = "SELECT profile, rules FROM policies WHERE version = ?";
    let Some(row) = conn.first(sql, args![number]).await? else { return Ok(None) };
    let profile = Profile::from_word(&text(&row, "profile")?).ok_or(StoreError::Corrupt("profile"))?;
    let rules: Vec<Rule> = json(&row, "rules")?;
    Policy::from_stored(version, profile, &rules).map(Some).map_err(|_| StoreError::Corrupt("rules"))
}

fn told(row: &Row) -> Result<PolicyVersion, StoreError> {
    Ok(PolicyVersion {
        version: small(row, "version")?,
        at: Some(time(row, "created_at")?),
        actor: Some(text(row, "actor")?),
        comment: row.get("comment")?,
        changes: json(row, "changes")?,
    })
}

impl Policies for SqlStore {
    fn policy(&self) -> Reply<'_, Arc<Policy>> {
        Box::pin(async move { self.policy_now().await })
    }

    fn policy_of(&self, version: u64) -> Reply<'_, Option<Policy>> {
        Box::pin(async move { on_one!(self.reads, conn => of(conn, version)) })
    }

    fn policy_versions(&self, before: u64, limit: u32) -> Reply<'_, Vec<PolicyVersion>> {
        Box::pin(async move {
            let sql = "SELECT version, created_at, actor, comment, changes FROM policies WHERE version < ? ORDER BY version DESC LIMIT ?";
            let found = self.reads.all(sql, args![before, limit]).await?;
            found.iter().map(told).collect()
        })
    }

    fn put_policy(&self, put: PutPolicy) -> Reply<'_, Result<Checked, PutRefusal>> {
        self.write(put)
    }

    fn foresee(&self, login: Login, atlas: Arc<dyn Atlas>) -> Reply<'_, Foreseen> {
        Box::pin(async move {
            let Some(name) = login.username.clone() else { return Ok(Foreseen::default()) };
            let mut needs = Needs { policy: true, ..Needs::default() };
            needs.usernames.insert(name.to_string());
            if login.display != Display::Gateway {
                needs.pages.insert(name.to_string());
            }
            let look = || async {
                on_one!(self.reads, conn => async {
                    conn.begin_reads()?;
                    let world = load(conn, &needs, &self.vault, &self.shelf).await;
                    let ended = conn.end_reads();
                    world.and_then(|world| ended.map(|()| world))
                })
            };
            let mut world = self.with_keys(look).await?;
            let policy = world.policy();
            let Some((account, pages)) = world.account_and_pages(name.as_str()) else { return Ok(Foreseen::default()) };
            Ok(account.foresee(&login, Rules { policy: &policy, atlas: atlas.as_ref() }, pages))
        })
    }

    fn audit_event(&self, id: EventId) -> Reply<'_, Option<AuditEvent>> {
        Box::pin(self.one("SELECT * FROM audit_events WHERE id = ?", id.to_string(), audit_event))
    }

    fn reports(&self, since: Timestamp, most: u32) -> Reply<'_, Reports> {
        Box::pin(latest::reports(&self.reads, since, most))
    }

    fn let_in(&self, since: Timestamp, most: u32) -> Reply<'_, LetIn> {
        Box::pin(latest::let_in(&self.reads, since, most))
    }
}
