//! What a login can pass with besides a phone.

use gatematch_domain::factor::{Factor, Kind};
use gatematch_protocol::base64url;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::super::conn::Write;
use super::Pen;
use crate::store::StoreError;
use crate::store::sql::rows::label;
use crate::store::world::{Difference, World};

const INSERT_FACTORS: Write<'_> = Write {
    sql: "
    INSERT INTO factors (id, user_id, kind, state, secret, created_at, last_used_at, ends_at) {rows}",
    kinds: "tttttnnn",
};

// The seed of an authenticator never changes.
const UPDATE_FACTORS: Write<'_> = Write {
    sql: "
    WITH v (id, was, state, last_used_at) AS ({rows})
    UPDATE factors SET state = v.state, last_used_at = v.last_used_at
    FROM v WHERE factors.id = v.id AND factors.state = v.was",
    kinds: "tttn",
};

const DELETE_FACTORS: Write<'_> = Write { sql: "DELETE FROM factors WHERE id IN ({rows})", kinds: "t" };

impl Pen<'_> {
    pub(super) async fn save_factors(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let (was, is) = (before.factors(), after.factors());
        let factors = Difference::between(&was, &is);
        // Those of a deleted user went with him.
        self.run(&DELETE_FACTORS, factors.removed.iter().map(|id| json!([id])).collect()).await?;
        let rows = factors.added.iter().map(|factor| self.factor_row(factor)).collect::<Result<_, _>>()?;
        self.run(&INSERT_FACTORS, rows).await?;
        let rows = factors.changed.iter().map(|(was, is)| {
            let used = is.last_used_at.map(Timestamp::micros);
            Ok(json!([is.id, state(was)?, state(is)?, used]))
        });
        let rows = rows.collect::<Result<_, StoreError>>()?;
        self.run_guarded(&UPDATE_FACTORS, rows).await
    }

    fn factor_row(&self, factor: &Factor) -> Result<Value, StoreError> {
        let secret = match &factor.kind {
            Kind::Totp(totp) => {
                let text = Zeroizing::new(base64url::encode(totp.seed.reveal()));
                Some(self.seal(&label::factor(factor.id), &text)?)
            }
            Kind::RecoveryCodes(_) | Kind::AccessPass(_) | Kind::Bypass(_) => None,
        };
        let (made, used) = (factor.created_at.micros(), factor.last_used_at.map(Timestamp::micros));
        let ends = factor.ends_at().map(Timestamp::micros);
        Ok(json!([factor.id, factor.user, factor.word(), state(factor)?, secret, made, used, ends]))
    }
}

/// The column `state`.
fn state(factor: &Factor) -> Result<String, StoreError> {
    let text = match &factor.kind {
        Kind::Totp(totp) => {
            let (name, period) = (&totp.name, totp.period);
            Ok(json!({"name": name, "period": period, "status": totp.status, "last_step": totp.last_step}).to_string())
        }
        Kind::RecoveryCodes(codes) => serde_json::to_string(codes),
        Kind::AccessPass(pass) => serde_json::to_string(pass),
        Kind::Bypass(bypass) => serde_json::to_string(bypass),
    };
    text.map_err(|_| StoreError::Corrupt("factor to be written"))
}
