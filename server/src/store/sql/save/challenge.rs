//! Challenges and what was signed for phones.

use gatematch_domain::challenge::{Challenge, State};
use serde_json::{Value, json};

use super::super::conn::Write;
use super::Pen;
use crate::store::StoreError;
use crate::store::sql::rows::label;
use crate::store::world::{Difference, World};

const INSERT_CHALLENGES: Write<'_> = Write {
    sql: "
    INSERT INTO challenges (id, user_id, username, gateway_id, client_ip, client_name, display, number, methods,
                            uv_required, rule, sent_to, wrong_passcodes, created_at, expires_at, state, state_at,
                            reason, method, device_id, uv, redemption_id, result, authenticator_id, origin)
    {rows}",
    kinds: "tttttttttfttnnntntttttttt",
};

const UPDATE_CHALLENGES: Write<'_> = Write {
    sql: "
    WITH v (id, was, wrong_passcodes, state, state_at, reason, method, device_id, uv, redemption_id, result,
            authenticator_id)
        AS ({rows})
    UPDATE challenges
    SET wrong_passcodes = v.wrong_passcodes, state = v.state, state_at = v.state_at, reason = v.reason,
        method = v.method, device_id = v.device_id, uv = v.uv, redemption_id = v.redemption_id, result = v.result,
        authenticator_id = v.authenticator_id
    FROM v WHERE challenges.id = v.id AND challenges.state = v.was",
    kinds: "ttntnttttttt",
};

const INSERT_DELIVERIES: Write<'_> =
    Write { sql: "INSERT INTO deliveries (challenge_id, device_id, signed) {rows}", kinds: "ttt" };

impl Pen<'_> {
    pub(super) async fn save_challenges(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let (was, is) = (before.challenges(), after.challenges());
        let challenges = Difference::between(&was, &is);
        let rows = challenges.added.iter().map(|challenge| self.challenge_row(challenge)).collect::<Result<_, _>>()?;
        self.run(&INSERT_CHALLENGES, rows).await?;
        let rows = challenges.changed.iter().map(|(was, is)| changed_challenge_row(was, is)).collect();
        self.run_guarded(&UPDATE_CHALLENGES, rows).await?;
        let rows = after.deliveries.iter().map(|(challenge, device, signed)| json!([challenge, device, signed]));
        self.run(&INSERT_DELIVERIES, rows.collect()).await?;
        Ok(())
    }

    fn challenge_row(&self, challenge: &Challenge) -> Result<Value, StoreError> {
        let number = challenge
            .number
            .as_ref()
            .map(|number| self.seal(&label::number(challenge.id), number.reveal()))
            .transpose()?;
        let methods: Vec<&str> = challenge.methods.iter().map(|method| method.as_str()).collect();
        let [state, at, reason, method, device, uv, redemption, result, authenticator] = state_columns(challenge);
        Ok(json!([
            challenge.id,
            challenge.user,
            challenge.username,
            challenge.gateway,
            challenge.client.ip,
            challenge.client.name,
            challenge.display.as_str(),
            number,
            json!(methods).to_string(),
            challenge.uv_required,
            challenge.rule,
            json!(challenge.sent_to).to_string(),
            challenge.wrong_passcodes,
            challenge.created_at.micros(),
            challenge.expires_at.micros(),
            state,
            at,
            reason,
            method,
            device,
            uv,
            redemption,
            result,
            authenticator,
            challenge.origin.map(|origin| json!(origin).to_string()),
        ]))
    }
}

fn changed_challenge_row(was: &Challenge, is: &Challenge) -> Value {
    let mut row = vec![json!(is.id), json!(was.state.as_str()), json!(is.wrong_passcodes)];
    row.extend(state_columns(is));
    Value::from(row)
}

/// The columns `state`, `state_at`, `reason`, `method`, `device_id`, `uv`, `redemption_id`, `result` and
/// `authenticator_id`.
fn state_columns(challenge: &Challenge) -> [Value; 9] {
    let state = &challenge.state;
    let reason = match state {
        State::Denied { reason, .. } => json!(reason.as_str()),
        State::Cancelled { reason: Some(reason), .. } => json!(reason.as_str()),
        _ => Value::Null,
    };
    let at = match state {
        State::Pending => challenge.created_at,
        State::Approved { at, .. }
        | State::Redeemed { at, .. }
        | State::Denied { at, .. }
        | State::Expired { at }
        | State::Cancelled { at, .. } => *at,
    };
    let approval = match state {
        State::Approved { approval, .. } | State::Redeemed { approval, .. } => Some(approval),
        _ => None,
    };
    let (redemption, result) = match state {
        State::Redeemed { redemption_id, result, .. } => (json!(redemption_id), json!(result)),
        _ => (Value::Null, Value::Null),
    };
    [
        json!(state.as_str()),
        json!(at.micros()),
        reason,
        json!(approval.map(|approval| approval.method.as_str())),
        json!(state.decided_by()),
        json!(approval.map(|approval| approval.uv.as_str())),
        redemption,
        result,
        json!(approval.and_then(|approval| approval.authenticator)),
    ]
}
