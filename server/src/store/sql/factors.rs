//! What a login can pass with besides a phone, as it is read.

use gatematch_domain::factor::{Factor, Kind};
use gatematch_domain::totp::{Seed, Totp, TotpStatus};
use gatematch_protocol::base64url;
use gatematch_protocol::id::AuthenticatorId;
use gatematch_protocol::time::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::row::Row;
use super::rows::{json, label, opened, parsed, text, time};
use crate::store::StoreError;
use crate::vault::Vault;

/// The column `state` of an app or a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TotpState {
    name: Option<String>,
    period: u32,
    status: TotpStatus,
    last_step: Option<i64>,
}

fn seed(row: &Row, id: AuthenticatorId, vault: &Vault) -> Result<Seed, StoreError> {
    let sealed = opened(row, "secret", &label::factor(id), vault)?;
    let text = sealed.map(Zeroizing::new).ok_or(StoreError::Corrupt("secret"))?;
    let seed = base64url::decode(text.as_str()).map(Zeroizing::new).map_err(|_| StoreError::Corrupt("secret"))?;
    Ok(Seed::new(&seed))
}

pub(super) fn factor(row: &Row, vault: &Vault) -> Result<Factor, StoreError> {
    let id = parsed(row, "id")?;
    let kind = match text(row, "kind")?.as_str() {
        "totp" => {
            let TotpState { name, period, status, last_step } = json(row, "state")?;
            match seed(row, id, vault) {
                Ok(seed) => Kind::Totp(Totp { name, seed, period, status, last_step }),
                // Its person, and everything else that he has, must not be lost with it.
                Err(StoreError::Corrupt(_)) => {
                    tracing::error!(authenticator = %id, "a seed does not open; remove this authenticator");
                    Kind::Totp(Totp { name, seed: Seed::new(&[]), period, status: TotpStatus::Unreadable, last_step })
                }
                Err(error) => return Err(error),
            }
        }
        "recovery_codes" => Kind::RecoveryCodes(json(row, "state")?),
        "access_pass" => Kind::AccessPass(json(row, "state")?),
        "bypass" => Kind::Bypass(json(row, "state")?),
        _ => return Err(StoreError::Corrupt("kind")),
    };
    Ok(Factor {
        id,
        user: parsed(row, "user_id")?,
        kind,
        created_at: time(row, "created_at")?,
        last_used_at: row.get::<Option<i64>>("last_used_at")?.map(Timestamp::from_micros),
    })
}
