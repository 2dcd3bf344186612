//! Takes away from a copy of a backup what must not come back with it. The copy is a file of its own that nobody else
//! knows, so what is said here in the words of SQLite is said to SQLite.

use std::collections::BTreeSet;

use gatematch_domain::account::end_unaccounted;
use gatematch_domain::audit::{Actor, Journal};
use gatematch_domain::factor::RecoveryCodes;
use gatematch_domain::totp::PERIOD_SECONDS;
use gatematch_protocol::secret::sha256;
use gatematch_protocol::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::conn::{Conn, Write};
use super::super::load::list;
use super::super::row::args;
use super::super::rows::{challenge, text};
use super::super::save::Pen;
use super::since::{Made, Since, Standing};
use crate::edge::Edge;
use crate::store::StoreError;
use crate::store::world::World;
use crate::vault::Vault;

/// How many rows are looked at at a time.
const AT_ONCE: i64 = 1_000;

/// What was done to a copy of a backup.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Taken {
    /// Users who were deleted since.
    pub(crate) users: u64,
    /// Users who were locked or disabled since, or got other groups.
    pub(crate) standing: u64,
    /// Phones that were removed.
    pub(crate) phones: u64,
    /// Authenticators and bypasses that were removed, or may be used up.
    pub(crate) factors: u64,
    /// Sets of recovery codes that lost those that were used.
    pub(crate) recovery_codes: u64,
    /// Gateways that were deleted.
    pub(crate) gateways: u64,
    /// Administrators' keys that were revoked.
    pub(crate) admin_keys: u64,
    /// Browsers of the connect page that are no longer known.
    pub(crate) browsers: u64,
    /// Enrollment links that were open.
    pub(crate) enrollments: u64,
    /// Requests that were open.
    pub(crate) challenges: u64,
    /// The version of the policy that holds, where it could be carried over.
    pub(crate) policy: Option<u64>,
    /// The version of the policy that should hold, and is not there.
    pub(crate) lost_policy: Option<u64>,
    /// Up to which event the log had been removed, where that is there again.
    pub(crate) lost_removal: Option<u64>,
    /// What was made since, and is not there.
    pub(crate) made: Made,
}

/// What is done to a copy, on its connection, in a transaction.
pub(crate) struct Knife<'a> {
    pub(crate) copy: &'a mut Conn,
    pub(crate) vault: &'a Vault,
    pub(crate) edge: &'a Edge,
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
}

impl Knife<'_> {
    /// Takes away what happened `since`, and what nobody knows of. `old` is the database that is replaced, where it was
    /// read to its end; `is_void` leaves nobody anything to sign in with.
    pub(crate) async fn apply(
        &mut self,
        since: &Since,
        mut old: Option<&mut Conn>,
        is_void: bool,
    ) -> Result<Taken, StoreError> {
        let mut taken = Taken { made: since.made, ..Taken::default() };
        taken.users = self.delete("users", "username", &since.users).await?;
        for (name, standing) in &since.standing {
            taken.standing += self.stand(name, standing).await?;
        }
        taken.phones = self.delete("devices", "id", &since.phones).await?;
        taken.factors = self.delete("factors", "id", &since.factors).await?;
        taken.gateways = self.delete("gateways", "id", &since.gateways).await?;
        taken.admin_keys = self.delete("admin_keys", "id", &since.admin_keys).await?;
        taken.browsers = self.delete("browsers", "id", &since.browsers).await?;
        if let Some(old) = old.as_deref_mut() {
            self.lose_what_is_gone(old, &mut taken).await?;
        } else {
            // Nobody knows whether the log tells everything.
            let sql = "DELETE FROM factors WHERE kind IN ('access_pass', 'bypass', 'recovery_codes')";
            taken.factors += self.copy.run(sql, &[]).await?;
            taken.browsers += self.copy.run("DELETE FROM browsers", &[]).await?;
        }
        self.spend(since, old.as_deref_mut(), &mut taken).await?;
        self.end_what_is_open(since, &mut taken).await?;
        match old {
            Some(old) => self.carry_over(since, old, &mut taken).await?,
            None => (taken.lost_policy, taken.lost_removal) = (self.lost_policy(since).await?, since.removed),
        }
        // What is in the backup is older than a restore that voided everything.
        if is_void || since.was_voided {
            taken.phones += self.copy.run("DELETE FROM devices", &[]).await?;
            taken.factors += self.copy.run("DELETE FROM factors", &[]).await?;
            taken.browsers += self.copy.run("DELETE FROM browsers", &[]).await?;
            taken.gateways += self.copy.run("DELETE FROM gateways", &[]).await?;
            taken.admin_keys += self.copy.run("DELETE FROM admin_keys", &[]).await?;
        }
        Ok(taken)
    }

    /// Takes away whatever the database from before does not have any more: not all that goes is an event of its own, such
    /// as what another restore has voided.
    async fn lose_what_is_gone(&mut self, old: &mut Conn, taken: &mut Taken) -> Result<(), StoreError> {
        let Taken { users, phones, factors, gateways, admin_keys, browsers, .. } = taken;
        for (table, count) in [
            ("users", users),
            ("devices", phones),
            ("factors", factors),
            ("gateways", gateways),
            ("admin_keys", admin_keys),
            ("browsers", browsers),
        ] {
            let mut after = String::new();
            loop {
                // Nothing but names of our own was put in.
                let sql = format!("SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT ?");
                let page = self.copy.all(&sql, args![after, AT_ONCE]).await?;
                let ids = page.iter().map(|row| text(row, "id")).collect::<Result<BTreeSet<_>, _>>()?;
                let Some(last) = ids.last() else { break };
                after.clone_from(last);
                let there = old.all(&format!("SELECT id FROM {table} WHERE id {{in ?}}"), args![list(&ids)]).await?;
                let there = there.iter().map(|row| text(row, "id")).collect::<Result<BTreeSet<_>, _>>()?;
                *count += self.delete(table, "id", &ids.difference(&there).cloned().collect()).await?;
            }
        }
        Ok(())
    }

    async fn delete(&mut self, table: &str, column: &str, which: &BTreeSet<String>) -> Result<u64, StoreError> {
        // Nothing but names of our own was put in.
        self.copy.run(&format!("DELETE FROM {table} WHERE {column} {{in ?}}"), args![list(which)]).await
    }

    async fn stand(&mut self, name: &str, standing: &Standing) -> Result<u64, StoreError> {
        let Standing { locked, disabled, groups, role } = standing;
        let why = locked.as_ref().map(|why| why.clone().unwrap_or_else(|| "locked before the restore".to_owned()));
        let status = disabled.filter(|disabled| *disabled).map(|_| "disabled".to_owned());
        let groups = groups.as_ref().map(Value::to_string);
        let mut changed = 0;
        // Whoever has become an administrator since is what he was; whoever is none any more is none.
        if let Some(role) = role.as_deref().filter(|role| *role != "admin") {
            let sql = "UPDATE users SET role = nullif(?1, 'none'), revision = revision + 1
                       WHERE username = ?2 AND role IS NOT NULL AND role <> ?1";
            changed = self.copy.run(sql, args![role.to_owned(), name]).await?;
        }
        if why.is_none() && status.is_none() && groups.is_none() {
            return Ok(changed);
        }
        let sql = "UPDATE users SET locked = coalesce(?, locked), status = coalesce(?, status),
                   group_names = coalesce(?, group_names), revision = revision + 1 WHERE username = ?";
        self.copy.run(sql, args![why, status, groups, name]).await
    }

    /// What may have been used does not work any more.
    async fn spend(&mut self, since: &Since, old: Option<&mut Conn>, taken: &mut Taken) -> Result<(), StoreError> {
        // Whatever an app has shown until now, and what a clock that is a step ahead has.
        let now = self.now.max(since.latest.unwrap_or(self.now)).numeric_date();
        let sql = "UPDATE factors SET state = json_set(state, '$.last_step', max(coalesce(state ->> '$.last_step', 0),
                       ?1 / max(coalesce(state ->> '$.period', ?2), 1) + 1)) WHERE kind = 'totp'";
        self.copy.run(sql, args![now, PERIOD_SECONDS]).await?;
        for (id, count) in &since.used {
            let sql = "UPDATE factors SET state = json_set(state, '$.uses', (state ->> '$.uses') + ?2)
                       WHERE id = ?1 AND kind IN ('access_pass', 'bypass')";
            self.copy.run(sql, args![id, count]).await?;
        }
        self.spend_recovery_codes(since, old, taken).await?;
        taken.enrollments = self.copy.run("DELETE FROM enrollments WHERE used_at IS NULL", &[]).await?;
        // A code may have been typed there already.
        self.copy.run("DELETE FROM connect_sessions", &[]).await?;
        // Whoever was signed out since comes back with no old cookie, and no invitation works twice.
        self.copy.run("DELETE FROM visits", &[]).await?;
        self.copy.run("DELETE FROM invitations", &[]).await?;
        let sql = "UPDATE users SET grants = json_object('ended_at', ?), revision = revision + 1 WHERE grants <> '{}'";
        self.copy.run(sql, args![self.now.to_string()]).await?;
        Ok(())
    }

    /// A set of which a code was used loses that, where it can be told which it was, and goes otherwise.
    async fn spend_recovery_codes(
        &mut self,
        since: &Since,
        mut old: Option<&mut Conn>,
        taken: &mut Taken,
    ) -> Result<(), StoreError> {
        let sql = "SELECT state FROM factors WHERE id = ? AND kind = 'recovery_codes'";
        for id in since.used.keys() {
            let Some(held) = self.copy.first(sql, args![id]).await? else { continue };
            let is_left = match old.as_deref_mut() {
                Some(old) => old.first(sql, args![id]).await?,
                None => None,
            };
            let read = |state: String| serde_json::from_str::<RecoveryCodes>(&state).ok();
            let held = read(text(&held, "state")?);
            let left = is_left.map(|row| text(&row, "state")).transpose()?.and_then(read);
            let both = held.zip(left).filter(|(held, left)| held.hashing == left.hashing);
            let Some((mut held, left)) = both else {
                taken.factors += self.copy.run("DELETE FROM factors WHERE id = ?", args![id]).await?;
                continue;
            };
            held.hashes.retain(|hash| left.hashes.iter().any(|kept| kept.is(hash)));
            let state = serde_json::to_string(&held).map_err(|_| StoreError::Corrupt("recovery codes"))?;
            taken.recovery_codes +=
                self.copy.run("UPDATE factors SET state = ? WHERE id = ?", args![state, id]).await?;
        }
        Ok(())
    }

    /// Requests end; of those that the log ends, nothing stays but that.
    async fn end_what_is_open(&mut self, since: &Since, taken: &mut Taken) -> Result<(), StoreError> {
        taken.challenges += self.delete("challenges", "id", &since.ended).await?;
        let found = self.copy.all("SELECT * FROM challenges WHERE state IN ('pending', 'approved')", &[]).await?;
        let mut before = World::default();
        for row in &found {
            match challenge(row, self.vault) {
                Ok(challenge) => drop(before.loose.insert(challenge.id, challenge)),
                Err(StoreError::Corrupt(_) | StoreError::UnknownKey) => {
                    let id = BTreeSet::from([text(row, "id")?]);
                    taken.challenges += self.delete("challenges", "id", &id).await?;
                }
                Err(error) => return Err(error),
            }
        }
        let mut after = before.clone();
        let mut journal = Journal::new(self.actor.clone(), self.now);
        for challenge in after.loose.values_mut() {
            end_unaccounted(challenge, &mut journal);
        }
        after.events = journal.events;
        taken.challenges += before.loose.len() as u64;
        Pen { conn: self.copy, vault: self.vault, edge: self.edge }.save(&before, &after).await?;
        self.copy.run("DELETE FROM deliveries WHERE challenge_id NOT IN (SELECT id FROM challenges)", &[]).await?;
        Ok(())
    }

    /// The version that should hold, unless it does.
    async fn lost_policy(&mut self, since: &Since) -> Result<Option<u64>, StoreError> {
        let Some((version, digest)) = since.policies.last_key_value() else { return Ok(None) };
        let sql = "SELECT profile, rules FROM policies WHERE version = ?";
        let held = self.copy.first(sql, args![version]).await?;
        let held = held.map(|row| Ok::<_, StoreError>(digest_of(&text(&row, "profile")?, &text(&row, "rules")?)));
        Ok((held.transpose()?.as_ref() != Some(digest)).then_some(*version))
    }

    /// What the database that is replaced has, and the log proves or nobody gets in by.
    async fn carry_over(&mut self, since: &Since, old: &mut Conn, taken: &mut Taken) -> Result<(), StoreError> {
        for (version, digest) in &since.policies {
            let sql = "SELECT * FROM policies WHERE version = ?";
            let Some(row) = old.first(sql, args![version]).await? else { continue };
            let (profile, rules) = (text(&row, "profile")?, text(&row, "rules")?);
            if digest_of(&profile, &rules) != *digest {
                continue;
            }
            let (at, comment): (i64, Option<String>) = (row.get("created_at")?, row.get("comment")?);
            let (actor, changes) = (text(&row, "actor")?, text(&row, "changes")?);
            let insert = Write {
                sql: "INSERT INTO policies (version, profile, rules, created_at, actor, comment, changes) {rows}",
                kinds: "nttnttt",
            };
            self.copy.run("DELETE FROM policies WHERE version = ?", args![version]).await?;
            self.copy.write(&insert, &[json!([version, profile, rules, at, actor, comment, changes])]).await?;
            taken.policy = Some(*version);
        }
        taken.lost_policy = self.lost_policy(since).await?;
        for row in old.all("SELECT * FROM audit_cursors", &[]).await? {
            let (name, seq): (String, i64) = (row.get("name")?, row.get("seq")?);
            let sql = "INSERT INTO audit_cursors (name, seq) VALUES (?1, ?2)
                       ON CONFLICT (name) DO UPDATE SET seq = max(seq, ?2)";
            self.copy.run(sql, args![name, seq]).await?;
        }
        // What a phone has signed once, nobody sends again.
        let insert =
            Write { sql: "INSERT OR IGNORE INTO spent_proofs (thumbprint, jti, spent_at) {rows}", kinds: "ttn" };
        let mut proofs = Vec::new();
        for row in old.all("SELECT * FROM spent_proofs", &[]).await? {
            proofs.push(json!([text(&row, "thumbprint")?, text(&row, "jti")?, row.get::<i64>("spent_at")?]));
        }
        self.copy.write(&insert, &proofs).await?;
        self.remove_beginning(since, old, taken).await
    }

    /// What was removed of the log is removed again.
    async fn remove_beginning(&mut self, since: &Since, old: &mut Conn, taken: &mut Taken) -> Result<(), StoreError> {
        let Some(removed) = since.removed else { return Ok(()) };
        let found = old.first("SELECT * FROM audit_beginnings WHERE size = ?", args![removed]).await?;
        let Some(row) = found else {
            taken.lost_removal = Some(removed);
            return Ok(());
        };
        let head = self.copy.first("SELECT hash FROM audit_events WHERE seq = ?", args![removed]).await?;
        let head: Option<String> = head.map(|row| row.get("hash")).transpose()?.flatten();
        if head.as_ref() != Some(&text(&row, "head")?) {
            taken.lost_removal = Some(removed);
            return Ok(());
        }
        let (signed, at) = (text(&row, "signed")?, row.get::<i64>("removed_at")?);
        let sql = "INSERT INTO audit_beginnings (size, head, signed, removed_at) VALUES (?, ?, ?, ?)";
        self.copy.run(sql, args![removed, head, signed, at]).await?;
        self.copy.run("DELETE FROM audit_events WHERE seq <= ?", args![removed]).await?;
        Ok(())
    }
}

/// As `policy.changed` tells it.
fn digest_of(profile: &str, rules: &str) -> String {
    sha256(format!("{profile}\n{rules}"))
}
