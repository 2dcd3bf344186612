//! From rows to what they mean.

use std::str::FromStr;

use gatematch_domain::challenge::{Approval, Challenge, Client, Display, Reason, State};
use gatematch_domain::device::{Device, DeviceStatus};
use gatematch_domain::enrollment::Enrollment;
use gatematch_domain::gateway::{ClientAddress, Gateway};
use gatematch_domain::notice::{Kind, News, Notice};
use gatematch_domain::number::Number;
use gatematch_domain::policy::Method;
use gatematch_domain::role::AdminKey;
use gatematch_domain::user::{Status, User};
use gatematch_domain::username::Username;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::base64url;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::response::UserVerification;
use gatematch_protocol::time::Timestamp;
use serde::de::DeserializeOwned;

use super::row::Row;
use crate::store::{StoreError, StoredKey};
use crate::vault::{DoesNotOpen, Vault};

type Read<T> = Result<T, StoreError>;

/// What a sealed column is sealed under.
pub(super) mod label {
    use gatematch_protocol::id::{AuthenticatorId, ChallengeId, DeviceId};

    pub(in super::super) fn number(id: ChallengeId) -> String {
        format!("number:{id}")
    }

    pub(in super::super) fn code(id: DeviceId) -> String {
        format!("code:{id}")
    }

    pub(in super::super) fn factor(id: AuthenticatorId) -> String {
        format!("factor:{id}")
    }

    pub(in super::super) fn push(id: DeviceId) -> String {
        format!("push:{id}")
    }
}

pub(super) fn text(row: &Row, column: &str) -> Read<String> {
    row.get(column)
}

fn optional(row: &Row, column: &str) -> Read<Option<String>> {
    row.get(column)
}

pub(super) fn time(row: &Row, column: &str) -> Read<Timestamp> {
    Ok(Timestamp::from_micros(row.get(column)?))
}

pub(super) fn parsed<T: FromStr>(row: &Row, column: &'static str) -> Read<T> {
    row.get::<&str>(column)?.parse().map_err(|_| StoreError::Corrupt(column))
}

pub(super) fn optional_parsed<T: FromStr>(row: &Row, column: &'static str) -> Read<Option<T>> {
    row.get::<Option<&str>>(column)?.map(|text| text.parse().map_err(|_| StoreError::Corrupt(column))).transpose()
}

pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Read<T> {
    serde_json::from_str(row.get(column)?).map_err(|_| StoreError::Corrupt(column))
}

/// What is of use and of no consequence: where it cannot be read, nothing is remembered, and everything is new.
fn remembered<T: DeserializeOwned + Default>(row: &Row, column: &'static str) -> Read<T> {
    Ok(serde_json::from_str(row.get(column)?).unwrap_or_else(|_| {
        tracing::error!(column, "what is remembered of a user cannot be read, and is forgotten");
        T::default()
    }))
}

fn optional_json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Read<Option<T>> {
    row.get::<Option<&str>>(column)?
        .map(|text| serde_json::from_str(text).map_err(|_| StoreError::Corrupt(column)))
        .transpose()
}

pub(super) fn flag(row: &Row, column: &str) -> Read<bool> {
    row.get(column)
}

pub(super) fn small<T: TryFrom<i64>>(row: &Row, column: &'static str) -> Read<T> {
    T::try_from(row.get::<i64>(column)?).map_err(|_| StoreError::Corrupt(column))
}

pub(super) fn opened(row: &Row, column: &'static str, label: &str, vault: &Vault) -> Read<Option<String>> {
    let Some(sealed) = row.get::<Option<&str>>(column)? else { return Ok(None) };
    let opened = vault.open(label, sealed).map_err(|fault| match fault {
        DoesNotOpen::UnknownKey(_) => StoreError::UnknownKey,
        DoesNotOpen::Spoilt => StoreError::Corrupt(column),
    })?;
    let text = std::str::from_utf8(&opened).map_err(|_| StoreError::Corrupt(column))?;
    Ok(Some(text.to_owned()))
}

pub(super) fn user(row: &Row) -> Read<User> {
    Ok(User {
        id: parsed(row, "id")?,
        username: Username::from_stored(text(row, "username")?),
        display_name: optional(row, "display_name")?,
        email: optional(row, "email")?,
        groups: json(row, "group_names")?,
        status: match row.get::<&str>("status")? {
            "active" => Status::Active,
            "disabled" => Status::Disabled,
            _ => return Err(StoreError::Corrupt("status")),
        },
        role: optional_parsed(row, "role")?,
        locked: optional(row, "locked")?,
        limits: json(row, "counters")?,
        habits: remembered(row, "habits")?,
        grants: remembered(row, "grants")?,
        last_sign_in_at: row.get::<Option<i64>>("last_sign_in_at")?.map(Timestamp::from_micros),
        created_at: time(row, "created_at")?,
    })
}

pub(super) fn revision(row: &Row) -> Read<i64> {
    row.get("revision")
}

pub(super) fn device(row: &Row, vault: &Vault) -> Read<Device> {
    let id: DeviceId = parsed(row, "id")?;
    let point = base64url::decode(row.get::<&str>("public_key")?).map_err(|_| StoreError::Corrupt("public_key"))?;
    // A phone whose subscription does not open fetches, and brings a new one.
    let push = opened(row, "push", &label::push(id), vault).or_else(|error| match error {
        StoreError::Corrupt(_) => {
            tracing::error!(device = %id, "a push subscription does not open");
            Ok(None)
        }
        error => Err(error),
    })?;
    Ok(Device {
        id,
        user: parsed(row, "user_id")?,
        key: PublicKey::from_sec1(&point).ok_or(StoreError::Corrupt("public_key"))?,
        name: text(row, "name")?,
        platform: optional(row, "platform")?,
        status: match row.get::<&str>("status")? {
            "active" => DeviceStatus::Active,
            "unconfirmed" => DeviceStatus::Unconfirmed {
                code: opened(row, "code", &label::code(id), vault)?.ok_or(StoreError::Corrupt("code"))?,
                wrong_tries: small(row, "wrong_tries")?,
            },
            _ => return Err(StoreError::Corrupt("status")),
        },
        push: push.map(|text| serde_json::from_str(&text).map_err(|_| StoreError::Corrupt("push"))).transpose()?,
        created_at: time(row, "created_at")?,
        active_since: row.get::<Option<i64>>("active_since")?.map(Timestamp::from_micros),
        last_used_at: row.get::<Option<i64>>("last_used_at")?.map(Timestamp::from_micros),
    })
}

pub(super) fn gateway(row: &Row) -> Read<Gateway> {
    Ok(Gateway {
        id: parsed(row, "id")?,
        name: text(row, "name")?,
        application: text(row, "application")?,
        can_display: row.get("can_display")?,
        client_address: match row.get::<&str>("client_address")? {
            "trusted" => ClientAddress::Trusted,
            "shown" => ClientAddress::Shown,
            _ => return Err(StoreError::Corrupt("client_address")),
        },
        created_at: time(row, "created_at")?,
    })
}

pub(super) fn admin_key(row: &Row) -> Read<AdminKey> {
    Ok(AdminKey {
        id: parsed(row, "id")?,
        name: text(row, "name")?,
        role: parsed(row, "role")?,
        user: optional(row, "username")?,
        created_at: time(row, "created_at")?,
    })
}

pub(super) fn enrollment(row: &Row) -> Read<Enrollment> {
    Ok(Enrollment {
        id: parsed(row, "id")?,
        user: parsed(row, "user_id")?,
        token_digest: text(row, "token_digest")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        used_at: row.get::<Option<i64>>("used_at")?.map(Timestamp::from_micros),
        by_admin: row.get("by_admin")?,
        by_device: optional_parsed(row, "by_device")?,
    })
}

pub(super) fn signing_key(row: &Row) -> Read<StoredKey> {
    Ok(StoredKey {
        id: parsed(row, "id")?,
        purpose: text(row, "purpose")?,
        public: text(row, "public_key")?,
        private: text(row, "private_key")?,
        status: text(row, "status")?,
        created_at: time(row, "created_at")?,
    })
}

pub(super) fn challenge(row: &Row, vault: &Vault) -> Read<Challenge> {
    let id = parsed(row, "id")?;
    let methods: Vec<String> = json(row, "methods")?;
    let methods = methods.iter().map(|word| Method::from_word(word).ok_or(StoreError::Corrupt("methods")));
    Ok(Challenge {
        id,
        user: optional_parsed(row, "user_id")?,
        username: text(row, "username")?,
        gateway: parsed(row, "gateway_id")?,
        client: Client { ip: optional_parsed(row, "client_ip")?, name: optional(row, "client_name")? },
        origin: optional_json(row, "origin")?,
        display: Display::from_word(row.get("display")?).ok_or(StoreError::Corrupt("display"))?,
        number: opened(row, "number", &label::number(id), vault)?.map(Number::from_stored),
        methods: methods.collect::<Read<_>>()?,
        uv_required: row.get("uv_required")?,
        rule: optional(row, "rule")?,
        sent_to: json(row, "sent_to")?,
        wrong_passcodes: small(row, "wrong_passcodes")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        state: state(row)?,
    })
}

pub(super) fn notice(row: &Row) -> Read<Notice> {
    let client = Client { ip: optional_parsed(row, "client_ip")?, name: optional(row, "client_name")? };
    let news = News {
        user: parsed(row, "user_id")?,
        kind: Kind::from_word(row.get("kind")?).ok_or(StoreError::Corrupt("kind"))?,
        gateway: optional_parsed(row, "gateway_id")?,
        client: flag(row, "has_client")?.then_some(client),
        but: optional_parsed(row, "but_device")?,
        at: time(row, "created_at")?,
    };
    Ok(Notice { id: parsed(row, "id")?, news })
}

fn state(row: &Row) -> Read<State> {
    let at = time(row, "state_at")?;
    let reason = || -> Read<Option<Reason>> {
        let word = optional(row, "reason")?;
        word.map(|word| Reason::from_word(&word).ok_or(StoreError::Corrupt("reason"))).transpose()
    };
    let approval = || -> Read<Approval> {
        Ok(Approval {
            method: Method::from_word(row.get("method")?).ok_or(StoreError::Corrupt("method"))?,
            device: optional_parsed(row, "device_id")?,
            authenticator: optional_parsed(row, "authenticator_id")?,
            uv: UserVerification::from_word(row.get("uv")?).ok_or(StoreError::Corrupt("uv"))?,
        })
    };
    Ok(match row.get::<&str>("state")? {
        "pending" => State::Pending,
        "approved" => State::Approved { at, approval: approval()? },
        "redeemed" => State::Redeemed {
            at,
            approval: approval()?,
            redemption_id: text(row, "redemption_id")?,
            result: text(row, "result")?,
        },
        "denied" => State::Denied {
            at,
            reason: reason()?.ok_or(StoreError::Corrupt("reason"))?,
            device: optional_parsed(row, "device_id")?,
        },
        "expired" => State::Expired { at },
        "cancelled" => State::Cancelled { at, reason: reason()? },
        _ => return Err(StoreError::Corrupt("state")),
    })
}

pub(super) fn audit_event(row: &Row) -> Read<AuditEvent> {
    let object = |column: &'static str| -> Read<Option<_>> {
        let text = optional(row, column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| StoreError::Corrupt(column))).transpose()
    };
    Ok(AuditEvent {
        seq: small(row, "seq")?,
        id: parsed(row, "id")?,
        at: time(row, "at")?,
        kind: text(row, "type")?,
        actor: optional(row, "actor")?,
        user: optional(row, "username")?,
        device: optional(row, "device")?,
        gateway: optional(row, "gateway")?,
        client: object("client")?,
        outcome: optional(row, "outcome")?,
        reason: optional(row, "reason")?,
        number_match: row.get("number_match")?,
        policy: optional(row, "policy")?,
        detail: object("detail")?,
        prev_hash: optional(row, "prev_hash")?,
        hash: optional(row, "hash")?,
    })
}
