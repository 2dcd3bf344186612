//! Loads the world that a group of verbs needs. Each kind of row is one statement for the whole group.

use std::collections::BTreeSet;
use std::fmt::Display;

use gatematch_domain::account::Account;
use gatematch_domain::challenge::{CLOCK_STEP_SECONDS, Challenge, REDEEM_GRACE_SECONDS};
use gatematch_domain::device::Device;
use gatematch_protocol::id::{ChallengeId, UserId};
use gatematch_protocol::time::Timestamp;
use serde_json::Value;

use super::conn::Conn;
use super::pages::load_pages;
use super::policy::{self, LATEST, Shelf};
use super::row::{AsArg, Row, args};
use super::visits::load_visits;
use super::{factors, rows};
use crate::store::StoreError;
use crate::store::world::{Needs, Repeat, World};
use crate::vault::Vault;

/// How many overdue challenges are settled in one go.
const SETTLE_AT_ONCE: i64 = 500;

/// Texts, for `{in ?}`.
pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}

pub(super) async fn select(conn: &mut Conn, sql: &'static str, list: impl AsArg) -> Result<Vec<Row>, StoreError> {
    conn.all(sql, args![list]).await
}

pub(super) async fn load(conn: &mut Conn, needs: &Needs, vault: &Vault, shelf: &Shelf) -> Result<World, StoreError> {
    let mut world = World::default();
    let mut users = needs.users.clone();
    let mut served = load_pages(conn, needs, &mut world).await?;
    let beside = load_visits(conn, needs, &mut world).await?;
    served.names.extend(beside.names);
    served.challenges.extend(beside.challenges);
    users.extend(beside.users);
    let mut challenges = named_challenges(conn, needs, &served.challenges, vault).await?;
    if let Some(now) = needs.overdue {
        let (overdue, next) = overdue_challenges(conn, now, vault).await?;
        challenges.extend(overdue);
        world.next_deadline = next;
    }
    users.extend(challenges.iter().filter_map(|challenge| challenge.user));
    load_enrollments(conn, needs, &mut world).await?;
    users.extend(world.enrollments.values().map(|enrollment| enrollment.user));
    users.extend(users_of_devices(conn, needs).await?);
    let usernames = needs.usernames.union(&served.names).cloned().collect();
    load_accounts(conn, usernames, users, (vault, needs.policy.then_some(shelf)), &mut world).await?;
    let others: Vec<Challenge> =
        challenges.into_iter().filter(|challenge| world.challenge(challenge.id).is_none()).collect();
    for challenge in others {
        match challenge.user.and_then(|user| world.account(user)) {
            Some(account) => account.challenges.push(challenge),
            None => {
                world.loose.insert(challenge.id, challenge);
            }
        }
    }
    load_rest(conn, needs, &mut world).await?;
    Ok(world)
}

async fn named_challenges(
    conn: &mut Conn,
    needs: &Needs,
    served: &BTreeSet<ChallengeId>,
    vault: &Vault,
) -> Result<Vec<Challenge>, StoreError> {
    let mut found = Vec::new();
    let named: BTreeSet<&ChallengeId> = needs.challenges.union(served).collect();
    if !named.is_empty() {
        let sql = "SELECT * FROM challenges WHERE id {in ?}";
        found = select(conn, sql, list(named)).await?;
    }
    if !needs.repeats.is_empty() {
        let keys: Vec<Value> = needs.repeats.iter().map(|(gateway, key)| serde_json::json!([gateway, key])).collect();
        let sql = "SELECT c.* FROM {each ? AS j}
                   JOIN repeats AS r ON r.gateway_id = j.value ->> 0 AND r.repeat_key = j.value ->> 1
                   JOIN challenges AS c ON c.id = r.challenge_id";
        found.extend(select(conn, sql, Value::from(keys).to_string()).await?);
    }
    if !needs.open_at_gateways.is_empty() {
        let sql = "SELECT * FROM challenges WHERE state IN ('pending', 'approved')
                   AND gateway_id {in ?}";
        found.extend(select(conn, sql, list(&needs.open_at_gateways)).await?);
    }
    found.iter().map(|row| rows::challenge(row, vault)).collect()
}

async fn overdue_challenges(
    conn: &mut Conn,
    now: Timestamp,
    vault: &Vault,
) -> Result<(Vec<Challenge>, Option<Timestamp>), StoreError> {
    let grace = Timestamp::from_micros(0).plus_seconds(REDEEM_GRACE_SECONDS).micros();
    let future = now.plus_seconds(CLOCK_STEP_SECONDS).micros();
    let sql = "SELECT * FROM challenges WHERE state IN ('pending', 'approved') AND expires_at <= ?1
         AND (state = 'pending' OR expires_at + ?2 <= ?1)
         UNION SELECT * FROM challenges WHERE state IN ('pending', 'approved') AND created_at > ?4
         ORDER BY expires_at LIMIT ?3";
    let found = conn.all(sql, args![now.micros(), grace, SETTLE_AT_ONCE, future]).await?;
    let read = |row: &Row| {
        let challenge = rows::challenge(row, vault);
        // One that cannot be read must not keep the others alive.
        challenge.inspect_err(|error| tracing::error!(%error, "an overdue challenge cannot be read")).ok()
    };
    let overdue: Vec<Challenge> = found.iter().filter_map(read).collect();
    if i64::try_from(overdue.len()).unwrap_or(i64::MAX) >= SETTLE_AT_ONCE {
        return Ok((overdue, Some(now)));
    }
    let sql = "SELECT min(deadline) AS deadline FROM
         (SELECT CASE state WHEN 'pending' THEN expires_at ELSE expires_at + ?2 END AS deadline
          FROM challenges WHERE state IN ('pending', 'approved')) AS live
         WHERE deadline > ?1";
    let next = conn.first(sql, args![now.micros(), grace]).await?;
    let next: Option<i64> = next.map(|row| row.get("deadline")).transpose()?.flatten();
    Ok((overdue, next.map(Timestamp::from_micros)))
}

async fn load_enrollments(conn: &mut Conn, needs: &Needs, world: &mut World) -> Result<(), StoreError> {
    if needs.tokens.is_empty() {
        return Ok(());
    }
    let sql = "SELECT * FROM enrollments WHERE token_digest {in ?}";
    for row in select(conn, sql, list(&needs.tokens)).await? {
        let enrollment = rows::enrollment(&row)?;
        world.enrollments.insert(enrollment.id, enrollment);
    }
    Ok(())
}

async fn users_of_devices(conn: &mut Conn, needs: &Needs) -> Result<BTreeSet<UserId>, StoreError> {
    let mut found = Vec::new();
    if !needs.devices.is_empty() {
        let sql = "SELECT user_id FROM devices WHERE id {in ?}";
        found = select(conn, sql, list(&needs.devices)).await?;
    }
    if !needs.keys.is_empty() {
        let sql = "SELECT user_id FROM devices WHERE thumbprint {in ?}";
        found.extend(select(conn, sql, list(&needs.keys)).await?);
    }
    let user = |row: &Row| row.get::<String>("user_id")?.parse().map_err(|_| StoreError::Corrupt("user_id"));
    found.iter().map(user).collect()
}

/// The accounts with one of the ids `?1`: users, phones, other factors and open challenges; and the number of the policy
/// that holds.
const ACCOUNTS_BY_ID: [&str; 5] = [
    "SELECT * FROM users WHERE id {in ?1}",
    "SELECT * FROM devices WHERE user_id {in ?1}",
    "SELECT * FROM factors WHERE user_id {in ?1}",
    "SELECT * FROM challenges WHERE user_id {in ?1} AND state IN ('pending', 'approved')",
    LATEST,
];

/// The same, of those with one of the names `?1`. No joins, and in no order: a plan that was made for empty tables must not
/// begin at the wrong end later on.
const ACCOUNTS_BY_NAME: [&str; 5] = [
    "SELECT * FROM users WHERE username {in ?1}",
    "SELECT * FROM devices WHERE user_id {among} SELECT id FROM users WHERE username {in ?1} {end}",
    "SELECT * FROM factors WHERE user_id {among} SELECT id FROM users WHERE username {in ?1} {end}",
    "SELECT * FROM challenges WHERE user_id {among} SELECT id FROM users WHERE username {in ?1} {end}
     AND state IN ('pending', 'approved')",
    LATEST,
];

/// Loads accounts, and the policy where there is a `shelf` for it.
async fn load_accounts(
    conn: &mut Conn,
    usernames: BTreeSet<String>,
    users: BTreeSet<UserId>,
    (vault, shelf): (&Vault, Option<&Shelf>),
    world: &mut World,
) -> Result<(), StoreError> {
    let mut answers = Vec::new();
    if !users.is_empty() {
        answers.push(conn.several(ACCOUNTS_BY_ID, args![list(&users)]).await?);
    }
    if !usernames.is_empty() {
        answers.push(conn.several(ACCOUNTS_BY_NAME, args![list(&usernames)]).await?);
    }
    if let Some(shelf) = shelf {
        world.hold(match answers.last() {
            Some([.., latest]) => shelf.latest(conn, policy::number(latest)?).await?,
            None => shelf.current(conn).await?,
        });
    }
    for [users, devices, others, challenges, _] in answers {
        accounts(&[users, devices, others, challenges], vault, world)?;
    }
    Ok(())
}

/// Puts accounts into the world, each whole: one that is there already, since it was named in two ways, is the same again.
fn accounts(
    [users, devices, others, challenges]: &[Vec<Row>; 4],
    vault: &Vault,
    world: &mut World,
) -> Result<(), StoreError> {
    for row in users {
        let user = rows::user(row)?;
        world.revisions.insert(user.id, rows::revision(row)?);
        world.insert_account(Account::new(user));
    }
    for row in devices {
        let device: Device = rows::device(row, vault)?;
        if let Some(account) = world.account(device.user) {
            account.devices.push(device);
        }
    }
    for row in others {
        let factor = factors::factor(row, vault)?;
        if let Some(account) = world.account(factor.user) {
            account.factors.push(factor);
        }
    }
    for row in challenges {
        let challenge = rows::challenge(row, vault)?;
        if let Some(account) = challenge.user.and_then(|user| world.account(user)) {
            account.challenges.push(challenge);
        }
    }
    for account in world.accounts_mut() {
        account.devices.sort_by_key(|device| device.id);
        account.factors.sort_by_key(|factor| factor.id);
        account.challenges.sort_by_key(|challenge| challenge.id);
    }
    Ok(())
}

async fn load_rest(conn: &mut Conn, needs: &Needs, world: &mut World) -> Result<(), StoreError> {
    if !needs.gateways.is_empty() {
        let sql = "SELECT * FROM gateways WHERE id {in ?}";
        for row in select(conn, sql, list(&needs.gateways)).await? {
            let gateway = rows::gateway(&row)?;
            world.gateways.insert(gateway.id, (gateway, row.get("key_digest")?));
        }
    }
    if needs.every_admin {
        for row in conn.all("SELECT * FROM admin_keys WHERE role = 'admin'", &[]).await? {
            let key = rows::admin_key(&row)?;
            world.admin_keys.insert(key.id, (key, row.get("key_digest")?));
        }
    }
    if !needs.admin_keys.is_empty() {
        let sql = "SELECT * FROM admin_keys WHERE id {in ?}";
        for row in select(conn, sql, list(&needs.admin_keys)).await? {
            let key = rows::admin_key(&row)?;
            world.admin_keys.insert(key.id, (key, row.get("key_digest")?));
        }
    }
    if !needs.repeats.is_empty() {
        load_repeats(conn, needs, world).await?;
    }
    if !needs.log.is_empty() {
        let sql = "SELECT seq, hash FROM audit_events WHERE seq {in_numbers ?}";
        // Numbers as numbers: a text is never equal to one.
        let wanted = serde_json::json!(needs.log).to_string();
        for row in conn.all(sql, args![wanted]).await? {
            let seq: i64 = row.get("seq")?;
            let seq = u64::try_from(seq).map_err(|_| StoreError::Corrupt("seq"))?;
            world.log.extend(row.get::<Option<String>>("hash")?.map(|hash| (seq, hash)));
        }
    }
    if !needs.proofs.is_empty() {
        let proofs: Vec<Value> = needs.proofs.iter().map(|(key, jti)| serde_json::json!([key, jti])).collect();
        let sql = "SELECT p.* FROM {each ? AS j}
                   JOIN spent_proofs AS p ON p.thumbprint = j.value ->> 0 AND p.jti = j.value ->> 1";
        for row in select(conn, sql, Value::from(proofs).to_string()).await? {
            let at = Timestamp::from_micros(row.get("spent_at")?);
            world.proofs.insert((row.get("thumbprint")?, row.get("jti")?), at);
        }
    }
    if needs.signing_keys {
        let found = conn.all("SELECT * FROM signing_keys ORDER BY id", &[]).await?;
        world.signing_keys = found.iter().map(rows::signing_key).collect::<Result<_, _>>()?;
    }
    Ok(())
}

async fn load_repeats(conn: &mut Conn, needs: &Needs, world: &mut World) -> Result<(), StoreError> {
    let keys: Vec<Value> = needs.repeats.iter().map(|(gateway, key)| serde_json::json!([gateway, key])).collect();
    let sql = "SELECT r.* FROM {each ? AS j}
               JOIN repeats AS r ON r.gateway_id = j.value ->> 0 AND r.repeat_key = j.value ->> 1";
    for row in select(conn, sql, Value::from(keys).to_string()).await? {
        let gateway: String = row.get("gateway_id")?;
        let challenge: String = row.get("challenge_id")?;
        let repeat = Repeat {
            body_digest: row.get("body_digest")?,
            challenge: challenge.parse().map_err(|_| StoreError::Corrupt("challenge_id"))?,
            status: row.get("status")?,
            reason: row.get("reason")?,
            created_at: Timestamp::from_micros(row.get("created_at")?),
        };
        let gateway = gateway.parse().map_err(|_| StoreError::Corrupt("gateway_id"))?;
        world.repeats.insert((gateway, row.get("repeat_key")?), repeat);
    }
    Ok(())
}
