//! What the accounts tell: what people sign in with, and what keeps them out or lets them pass.

use gatematch_domain::account::Account;
use gatematch_domain::factor::{Factor, Kind};
use gatematch_domain::limits::Limited;
use gatematch_domain::policy::Method;
use gatematch_domain::user::User;
use gatematch_domain::username::Domains;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::time::Timestamp;

use super::{Asked, Cell, Name, STALE_DAYS};
use crate::store::{AuditQuery, Store, StoreError, UserQuery};

/// The columns of an account.
pub(super) const ENROLLMENT: [&str; 13] = [
    "user",
    "display_name",
    "state",
    "groups",
    "phones",
    "totp",
    "recovery_codes",
    "access_passes",
    "bypasses",
    "enrolled",
    "last_used",
    "last_sign_in",
    "created",
];
/// The columns of a stale phone.
pub(super) const STALE_DEVICES: [&str; 8] =
    ["user", "name", "platform", "status", "created", "last_used", "days", "device"];
/// The columns of a lock.
pub(super) const LOCKS: [&str; 5] = ["user", "state", "reason", "since", "by"];
/// The columns of a bypass.
pub(super) const BYPASSES: [&str; 9] =
    ["user", "state", "reason", "made_by", "created", "expires", "uses", "max_uses", "bypass"];

/// How many users are read at a time.
const PAGE: u32 = 500;
const DAY_SECONDS: u64 = 86_400;

/// The rows of the report `name`.
pub(super) async fn rows(
    name: Name,
    store: &dyn Store,
    asked: &Asked,
    domains: &Domains,
    now: Timestamp,
) -> Result<Vec<Vec<Cell>>, StoreError> {
    let mut rows = Vec::new();
    let days = asked.days.unwrap_or(STALE_DAYS);
    let mut query = UserQuery { limit: PAGE, ..UserQuery::default() };
    let only = asked.user.as_ref().map(|name| domains.canonical(name));
    loop {
        // One person is one account, or nobody.
        let (names, is_last) = match &only {
            Some(name) => (name.iter().cloned().collect(), true),
            None => {
                let page = store.users(query.clone()).await?;
                let is_last = page.len() < PAGE as usize;
                (page.into_iter().map(|(user, _)| user.username).collect::<Vec<_>>(), is_last)
            }
        };
        query.after = names.last().map(ToString::to_string);
        for username in names {
            // Whoever was deleted meanwhile has nothing.
            let Some(account) = store.account(username).await? else { continue };
            match name {
                Name::StaleDevices => rows.extend(stale_devices(&account, days, now)),
                Name::Locks => rows.extend(lock(store, &account, now).await?),
                Name::Bypasses => rows.extend(bypasses(&account, now)),
                _ => rows.push(enrollment(&account, now)),
            }
        }
        if is_last {
            return Ok(rows);
        }
    }
}

fn enrollment(account: &Account, now: Timestamp) -> Vec<Cell> {
    let user = &account.user;
    let works = |method| account.working(now).filter(|(_, held)| *held == method).count();
    let codes = account.factors.iter().map(|factor| match &factor.kind {
        Kind::RecoveryCodes(codes) => codes.hashes.len(),
        _ => 0,
    });
    let used = account.factors.iter().map(|factor| factor.last_used_at);
    let last_used = used.chain(account.devices.iter().map(|device| device.last_used_at)).max().flatten();
    let is_enrolled = Method::FACTORS.into_iter().any(|method| account.holds(method, now));
    vec![
        user.username.to_string().into(),
        user.display_name.clone().into(),
        user.state().into(),
        Cell::List(user.groups.clone()),
        account.active_devices().count().into(),
        works(Method::Totp).into(),
        codes.sum::<usize>().into(),
        works(Method::AccessPass).into(),
        works(Method::Bypass).into(),
        is_enrolled.into(),
        last_used.into(),
        user.last_sign_in_at.into(),
        user.created_at.into(),
    ]
}

fn stale_devices(account: &Account, days: u32, now: Timestamp) -> impl Iterator<Item = Vec<Cell>> {
    let name = account.user.username.to_string();
    account.devices.iter().filter_map(move |device| {
        let idle = now.since(device.last_used_at.unwrap_or(device.created_at)).as_secs() / DAY_SECONDS;
        let row = || {
            vec![
                name.clone().into(),
                device.name.clone().into(),
                device.platform.clone().into(),
                device.status.as_str().into(),
                device.created_at.into(),
                device.last_used_at.into(),
                Cell::Number(idle),
                device.id.to_string().into(),
            ]
        };
        (idle >= u64::from(days)).then(row)
    })
}

/// Why the account lets nobody in or is not asked for now, since when, and who did that, where there is such a reason.
async fn lock(store: &dyn Store, account: &Account, now: Timestamp) -> Result<Option<Vec<Cell>>, StoreError> {
    let user = &account.user;
    let (state, reason, kind) = match (user.state(), user.limits.against_all(now)) {
        ("disabled", _) => ("disabled", None, Some("user.disabled")),
        ("locked", _) => ("locked", user.locked.clone(), Some("user.locked")),
        (_, Some(Limited::Cooldown)) => {
            (Limited::Cooldown.as_str(), Some("failures".to_owned()), Some("user.cooled_down"))
        }
        (_, Some(limited @ Limited::Backoff)) => (limited.as_str(), Some("denials in a row".to_owned()), None),
        (_, Some(limited @ Limited::Prompts)) => (limited.as_str(), Some("asked too often".to_owned()), None),
        _ => return Ok(None),
    };
    let event = match kind {
        Some(kind) => last_event(store, user, kind).await?,
        None => None,
    };
    let (since, by) = event.map_or((None, None), |event| (Some(event.at), event.actor));
    Ok(Some(vec![user.username.to_string().into(), state.into(), reason.into(), since.into(), by.into()]))
}

/// The last event of this type about this account; not about an earlier one of the same name.
async fn last_event(store: &dyn Store, user: &User, kind: &str) -> Result<Option<AuditEvent>, StoreError> {
    let name = Some(user.username.to_string());
    let mut query = AuditQuery { limit: PAGE, user: name, kinds: vec![kind.to_owned()], ..AuditQuery::default() };
    let mut last = None;
    loop {
        let page = store.audit(query.clone()).await?;
        let is_last = page.len() < PAGE as usize;
        query.after = page.last().map_or(query.after, |event| event.seq);
        last = page.into_iter().rfind(|event| event.at >= user.created_at).or(last);
        if is_last {
            return Ok(last);
        }
    }
}

fn bypasses(account: &Account, now: Timestamp) -> impl Iterator<Item = Vec<Cell>> {
    let row = move |(factor, _): (&Factor, _)| {
        let bypass = factor.bypass_view()?;
        Some(vec![
            account.user.username.to_string().into(),
            account.user.state().into(),
            bypass.reason.into(),
            bypass.made_by.into(),
            bypass.created_at.into(),
            bypass.expires_at.into(),
            bypass.uses.into(),
            bypass.max_uses.into(),
            bypass.id.to_string().into(),
        ])
    };
    account.working(now).filter_map(row)
}
