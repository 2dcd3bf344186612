//! The verbs and the questions of the store.

use std::sync::PoisonError;

use gatematch_domain::account::Account;
use gatematch_domain::audit::Event;
use gatematch_domain::challenge::Challenge;
use gatematch_domain::connect::{Bound, Browser, NothingToConfirm, OnPage};
use gatematch_domain::device::{ConfirmRefusal, Device, PushSet};
use gatematch_domain::enrollment::{Enrollment, RegisterRefusal};
use gatematch_domain::factors::{FactorChange, FactorRefusal};
use gatematch_domain::gateway::Gateway;
use gatematch_domain::notice::Notice;
use gatematch_domain::passcode::{Passcode, StaleCode};
use gatematch_domain::redemption::RedeemRefusal;
use gatematch_domain::response::{Answer, ResponseRefusal};
use gatematch_domain::role::AdminKey;
use gatematch_domain::user::User;
use gatematch_domain::username::Username;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::device::PushSubscription;
use gatematch_protocol::id::{AdminKeyId, BrowserId, ChallengeId, DeviceId, GatewayId, UserId};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;

use super::row::{Row, args};
use super::{SqlStore, log, pages, people, rows};
use crate::edge::Pending;
use crate::store::verb::{
    CancelChallenge, ChangeFactors, ConfirmDevice, CreateAdminKey, CreateEnrollment, CreateGateway, CreateSigningKeys,
    DeleteGateway, DeleteUser, DropPush, LockUser, Purge, RecordEvents, RecordResponse, RenewSession, RevokeAdminKey,
    RevokeBrowser, RevokeDevice, SetPush, Settle, SpendPasscode, SpendProof,
};
use crate::store::{
    Act, Answering, ArmSession, Armed, AuditQuery, ConfirmSession, FirstAnswer, KeyRevoked, OpenChallenge, Opened,
    Page, PagePasscode, PutUser, Redemption, RegisterDevice, Reply, Store, StoreError, StoredKey, TellApproval,
    UserDeleted, UserPut, UserQuery, postgres,
};

impl Store for SqlStore {
    fn open_challenge(&self, open: OpenChallenge) -> Reply<'_, Opened> {
        self.write(open)
    }

    fn record_response(
        &self,
        now: Timestamp,
        id: ChallengeId,
        answer: Answer,
    ) -> Reply<'_, Result<Challenge, ResponseRefusal>> {
        self.write(RecordResponse { now, id, answer })
    }

    fn redeem(&self, redemption: Redemption) -> Reply<'_, Result<Challenge, RedeemRefusal>> {
        self.write(redemption)
    }

    fn spend_passcode(
        &self,
        act: Act,
        id: ChallengeId,
        gateway: GatewayId,
        passcode: Passcode,
    ) -> Reply<'_, Result<Result<Challenge, RedeemRefusal>, StaleCode>> {
        self.write(SpendPasscode { act, id, gateway, passcode })
    }

    fn cancel_challenge(
        &self,
        act: Act,
        id: ChallengeId,
        gateway: GatewayId,
    ) -> Reply<'_, Result<Challenge, RedeemRefusal>> {
        self.write(CancelChallenge { act, id, gateway })
    }

    fn arm_session(&self, arm: ArmSession) -> Reply<'_, Armed> {
        self.write(arm)
    }

    fn renew_session(&self, now: Timestamp, token_digest: String) -> Reply<'_, ()> {
        self.write(RenewSession { now, token_digest })
    }

    fn confirm_session(&self, confirm: ConfirmSession) -> Reply<'_, Option<Result<(), NothingToConfirm>>> {
        self.write(confirm)
    }

    fn passcode_on_page(&self, passcode: PagePasscode) -> Reply<'_, Result<OnPage, StaleCode>> {
        self.write(passcode)
    }

    fn tell_approval(&self, tell: TellApproval) -> Reply<'_, Bound> {
        self.write(tell)
    }

    fn revoke_browser(&self, act: Act, name: Username, id: BrowserId) -> Reply<'_, bool> {
        self.write(RevokeBrowser { act, name, id })
    }

    fn settle(&self, now: Timestamp) -> Reply<'_, Option<Timestamp>> {
        self.write(Settle { now })
    }

    fn put_user(&self, put: PutUser) -> Reply<'_, UserPut> {
        self.write(put)
    }

    fn lock_user(&self, act: Act, name: Username, reason: String) -> Reply<'_, Option<bool>> {
        self.write(LockUser { act, name, reason, lock: true })
    }

    fn unlock_user(&self, act: Act, name: Username, reason: String) -> Reply<'_, Option<bool>> {
        self.write(LockUser { act, name, reason, lock: false })
    }

    fn delete_user(&self, act: Act, id: UserId, as_admin: bool) -> Reply<'_, UserDeleted> {
        self.write(DeleteUser { act, id, as_admin })
    }

    fn create_enrollment(&self, act: Act, enrollment: Enrollment) -> Reply<'_, Result<(), FactorRefusal>> {
        self.write(CreateEnrollment { act, enrollment })
    }

    fn register_device(&self, registration: RegisterDevice) -> Reply<'_, Result<Device, RegisterRefusal>> {
        self.write(registration)
    }

    fn confirm_device(&self, act: Act, id: DeviceId, code: String) -> Reply<'_, Result<(), ConfirmRefusal>> {
        self.write(ConfirmDevice { act, id, code })
    }

    fn revoke_device(&self, act: Act, id: DeviceId, why: String) -> Reply<'_, bool> {
        self.write(RevokeDevice { act, id, why })
    }

    fn set_push(&self, act: Act, id: DeviceId, push: Option<PushSubscription>) -> Reply<'_, PushSet> {
        self.write(SetPush { act, id, push })
    }

    fn drop_push(&self, now: Timestamp, id: DeviceId, endpoint: Secret) -> Reply<'_, bool> {
        self.write(DropPush { now, id, endpoint })
    }

    fn change_factors(&self, act: Act, user: UserId, change: FactorChange) -> Reply<'_, Result<(), FactorRefusal>> {
        self.write(ChangeFactors { act, user, change })
    }

    fn create_gateway(&self, act: Act, gateway: Gateway, key_digest: String) -> Reply<'_, ()> {
        self.write(CreateGateway { act, gateway, key_digest })
    }

    fn delete_gateway(&self, act: Act, id: GatewayId) -> Reply<'_, bool> {
        self.write(DeleteGateway { act, id })
    }

    fn create_admin_key(&self, act: Act, key: AdminKey, key_digest: String) -> Reply<'_, ()> {
        self.write(CreateAdminKey { act, key, key_digest })
    }

    fn revoke_admin_key(&self, act: Act, id: AdminKeyId) -> Reply<'_, KeyRevoked> {
        self.write(RevokeAdminKey { act, id })
    }

    fn create_signing_keys(&self, act: Act, keys: Vec<StoredKey>) -> Reply<'_, Vec<StoredKey>> {
        self.write(CreateSigningKeys { act, keys })
    }

    fn spend_proof(&self, now: Timestamp, thumbprint: String, jti: String) -> Reply<'_, bool> {
        // PostgreSQL keeps no NUL. One that is like another but for that is taken for the same: a phone makes a new one.
        let jti = jti.replace('\0', "\u{fffd}");
        self.write(SpendProof { now, thumbprint, jti })
    }

    fn record_events(&self, events: Vec<Event>) -> Reply<'_, ()> {
        self.write(RecordEvents(events))
    }

    fn purge(&self, now: Timestamp) -> Reply<'_, ()> {
        self.write(Purge { now })
    }

    fn leads(&self) -> bool {
        self.listener.as_ref().is_none_or(postgres::Listener::leads)
    }

    fn look_around(&self) -> Reply<'_, ()> {
        // Whoever begins to write sees it. A server tells by itself.
        if self.listener.is_some() { Box::pin(async { Ok(()) }) } else { self.write(RecordEvents(Vec::new())) }
    }

    fn ready(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            // The writer must be able to begin and end a transaction, and a reader must see the schema.
            self.write(RecordEvents(Vec::new())).await?;
            self.reads.all("SELECT count(*) AS keys FROM signing_keys", &[]).await?;
            let policy = self.policy_now().await?;
            if policy.is_closed() { Err(StoreError::Database("the policy cannot be read".into())) } else { Ok(()) }
        })
    }

    fn challenge(&self, id: ChallengeId) -> Reply<'_, Option<Challenge>> {
        Box::pin(
            self.one("SELECT * FROM challenges WHERE id = ?", id.to_string(), |row| rows::challenge(row, &self.vault)),
        )
    }

    fn page(&self, token_digest: String, now: Timestamp) -> Reply<'_, Option<Page>> {
        Box::pin(pages::page(&self.reads, token_digest, now))
    }

    fn is_bound(&self, token_digest: String, now: Timestamp) -> Reply<'_, bool> {
        Box::pin(pages::is_bound(&self.reads, token_digest, now))
    }

    fn browsers(&self, user: UserId) -> Reply<'_, Vec<Browser>> {
        Box::pin(pages::browsers(&self.reads, user))
    }

    fn answering(&self, device: DeviceId, id: Option<ChallengeId>) -> Reply<'_, Option<Answering>> {
        let sql = "SELECT c.user_id AS asked, l.signed, d.*, 0 AS cut, u.*
                   FROM devices AS d JOIN users AS u ON u.id = d.user_id
                   LEFT JOIN challenges AS c ON c.id = ?2
                   LEFT JOIN deliveries AS l ON l.challenge_id = c.id AND l.device_id = d.id
                   WHERE d.id = ?1";
        Box::pin(async move {
            let (device, id) = (device.to_string(), id.map(|id| id.to_string()));
            self.with_keys(|| async {
                let Some(row) = self.reads.first(sql, args![device, id]).await? else { return Ok(None) };
                let (device, user) = self.device_and_user(&row)?;
                let (asked, signed) = (rows::optional_parsed(&row, "asked")?, row.get("signed")?);
                Ok(Some(Answering { device, user, asked, signed }))
            })
            .await
        })
    }

    fn waiting(&self, device: DeviceId, now: Timestamp) -> Reply<'_, Vec<(ChallengeId, String)>> {
        Box::pin(async move {
            let sql = "SELECT c.id, d.signed FROM devices AS p
                       JOIN challenges AS c ON c.user_id = p.user_id AND c.state IN ('pending', 'approved')
                       JOIN deliveries AS d ON d.challenge_id = c.id AND d.device_id = p.id
                       WHERE p.id = ? AND p.status = 'active' AND c.state = 'pending' AND c.expires_at > ? ORDER BY c.id";
            let found = self.reads.all(sql, args![device.to_string(), now.micros()]).await?;
            let read = |row: &Row| {
                let id: String = row.get("id")?;
                Ok((id.parse().map_err(|_| StoreError::Corrupt("id"))?, row.get("signed")?))
            };
            found.iter().map(read).collect()
        })
    }

    fn notices(&self, user: UserId, since: Timestamp) -> Reply<'_, Vec<Notice>> {
        Box::pin(log::notices(&self.reads, user, since))
    }

    fn first_answer(&self, gateway: GatewayId, key: String, since: Timestamp) -> Reply<'_, Option<FirstAnswer>> {
        Box::pin(async move {
            let sql = "SELECT r.body_digest, r.status AS first_status, r.reason AS first_reason, c.* FROM repeats AS r
                       JOIN challenges AS c ON c.id = r.challenge_id
                       WHERE r.gateway_id = ? AND r.repeat_key = ? AND r.created_at > ?";
            let (gateway, since) = (gateway.to_string(), since.micros());
            self.with_keys(|| async {
                let Some(row) = self.reads.first(sql, args![gateway, key, since]).await? else { return Ok(None) };
                Ok(Some(FirstAnswer {
                    body_digest: row.get("body_digest")?,
                    challenge: rows::challenge(&row, &self.vault)?,
                    status: row.get("first_status")?,
                    reason: row.get("first_reason")?,
                }))
            })
            .await
        })
    }

    fn account(&self, name: Username) -> Reply<'_, Option<Account>> {
        Box::pin(self.account_named(name))
    }

    fn user(&self, id: UserId) -> Reply<'_, Option<User>> {
        Box::pin(self.one("SELECT * FROM users WHERE id = ?", id.to_string(), rows::user))
    }

    fn users(&self, query: UserQuery) -> Reply<'_, Vec<(User, u32)>> {
        Box::pin(people::users(&self.reads, query))
    }

    fn device(&self, id: DeviceId) -> Reply<'_, Option<(Device, User)>> {
        let sql = "SELECT d.*, 0 AS cut, u.* FROM devices AS d JOIN users AS u ON u.id = d.user_id WHERE d.id = ?";
        Box::pin(self.device_with_user(sql, id.to_string()))
    }

    fn device_by_key(&self, thumbprint: String) -> Reply<'_, Option<(Device, User)>> {
        let sql =
            "SELECT d.*, 0 AS cut, u.* FROM devices AS d JOIN users AS u ON u.id = d.user_id WHERE d.thumbprint = ?";
        Box::pin(self.device_with_user(sql, thumbprint))
    }

    fn enrollment(&self, token_digest: String) -> Reply<'_, Option<Enrollment>> {
        Box::pin(self.one("SELECT * FROM enrollments WHERE token_digest = ?", token_digest, rows::enrollment))
    }

    fn gateway_by_key(&self, key_digest: String) -> Reply<'_, Option<Gateway>> {
        Box::pin(self.one("SELECT * FROM gateways WHERE key_digest = ?", key_digest, rows::gateway))
    }

    fn gateway(&self, id: GatewayId) -> Reply<'_, Option<Gateway>> {
        Box::pin(self.one("SELECT * FROM gateways WHERE id = ?", id.to_string(), rows::gateway))
    }

    fn gateways(&self) -> Reply<'_, Vec<Gateway>> {
        Box::pin(async move {
            let found = self.reads.all("SELECT * FROM gateways ORDER BY name, id", &[]).await?;
            found.iter().map(rows::gateway).collect()
        })
    }

    fn admin_by_key(&self, key_digest: String) -> Reply<'_, Option<AdminKey>> {
        Box::pin(self.one("SELECT * FROM admin_keys WHERE key_digest = ?", key_digest, rows::admin_key))
    }

    fn admin_keys(&self) -> Reply<'_, Vec<AdminKey>> {
        Box::pin(async move {
            let found = self.reads.all("SELECT * FROM admin_keys ORDER BY id", &[]).await?;
            found.iter().map(rows::admin_key).collect()
        })
    }

    fn audit(&self, query: AuditQuery) -> Reply<'_, Vec<AuditEvent>> {
        Box::pin(log::audit(&self.reads, query))
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
            let last = match writer {
                Some(writer) => writer.ended().await,
                None => None,
            };
            self.reads.close();
            // The writer goes last: only a connection that may write folds SQLite's log back into the database.
            if let Some(conn) = last
                && let Err(error) = conn.close().await
            {
                tracing::warn!(%error, "the database did not close cleanly; nothing acknowledged is lost");
            }
        })
    }
}
