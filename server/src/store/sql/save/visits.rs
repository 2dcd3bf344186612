//! Visits to the console and the portal, and invitations there.

use gatematch_domain::visit::{By, Invitation, Stage, Visit};
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::super::conn::Write;
use super::Pen;
use crate::store::StoreError;
use crate::store::world::{Difference, World};

const INSERT_VISITS: Write<'_> = Write {
    sql: "
    INSERT INTO visits (id, token_digest, challenge_id, let_in_by, authenticator_id, proven_at, seen_at, expires_at, place, name,
                        user_id, address, created_at)
    {rows}",
    kinds: "tttttnnnttttn",
};

// Another cookie takes the place of the one that was read: whoever was first has it.
const UPDATE_VISITS: Write<'_> = Write {
    sql: "
    WITH v (was, id, token_digest, challenge_id, let_in_by, authenticator_id, proven_at, seen_at, expires_at) AS ({rows})
    UPDATE visits
    SET token_digest = v.token_digest, challenge_id = v.challenge_id, let_in_by = v.let_in_by, authenticator_id = v.authenticator_id,
        proven_at = v.proven_at, seen_at = v.seen_at, expires_at = v.expires_at
    FROM v WHERE visits.id = v.id AND visits.token_digest = v.was",
    kinds: "ttttttnnn",
};

const DELETE_VISITS: Write<'_> = Write { sql: "DELETE FROM visits WHERE id IN ({rows})", kinds: "t" };

const INSERT_INVITATIONS: Write<'_> = Write {
    sql: "
    INSERT INTO invitations (id, user_id, place, token_digest, by_admin, created_at, expires_at) {rows}",
    kinds: "ttttfnn",
};

const DELETE_INVITATIONS: Write<'_> = Write { sql: "DELETE FROM invitations WHERE id IN ({rows})", kinds: "t" };

impl Pen<'_> {
    pub(super) async fn save_visits(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        let (was, is) = (before.visits.iter(), after.visits.iter());
        let (was, is) = (was.map(|(id, visit)| (*id, visit)).collect(), is.map(|(id, visit)| (*id, visit)).collect());
        let visits = Difference::between(&was, &is);
        // Those of a deleted user went with him.
        self.run(&DELETE_VISITS, visits.removed.iter().map(|id| json!([id])).collect()).await?;
        let rows = visits.added.iter().map(|visit| visit_row(visit)).collect();
        self.run(&INSERT_VISITS, rows).await?;
        let rows = visits.changed.iter().map(|(was, is)| {
            let mut row = vec![json!(was.token_digest)];
            row.extend(changing_columns(is));
            Value::from(row)
        });
        self.run_guarded(&UPDATE_VISITS, rows.collect()).await?;
        let (was, is) = (before.invitations.iter(), after.invitations.iter());
        let (was, is) = (was.map(|(id, one)| (*id, one)).collect(), is.map(|(id, one)| (*id, one)).collect());
        let invitations = Difference::between(&was, &is);
        self.run(&DELETE_INVITATIONS, invitations.removed.iter().map(|id| json!([id])).collect()).await?;
        let rows = invitations.added.iter().map(|invitation| invitation_row(invitation)).collect();
        self.run(&INSERT_INVITATIONS, rows).await?;
        Ok(())
    }
}

/// The columns from `id` to `expires_at`.
fn changing_columns(visit: &Visit) -> [Value; 8] {
    let (by, which, proven_at) = match visit.stage {
        Stage::Knocking => (None, None, None),
        Stage::Inside { by, proven_at } => {
            let which = match by {
                By::Phone(id) => Some(id.to_string()),
                By::AccessPass(id) => Some(id.to_string()),
                By::Invitation | By::RecoveryCode => None,
            };
            (Some(by.as_str()), which, Some(proven_at))
        }
    };
    [
        json!(visit.id),
        json!(visit.token_digest),
        json!(visit.challenge),
        json!(by),
        json!(which),
        json!(proven_at.map(Timestamp::micros)),
        json!(visit.seen_at.micros()),
        json!(visit.expires_at.micros()),
    ]
}

fn visit_row(visit: &Visit) -> Value {
    let mut row = changing_columns(visit).to_vec();
    row.extend([
        json!(visit.place.as_str()),
        json!(visit.name),
        json!(visit.user),
        json!(visit.address.to_string()),
        json!(visit.created_at.micros()),
    ]);
    Value::from(row)
}

fn invitation_row(invitation: &Invitation) -> Value {
    json!([
        invitation.id,
        invitation.user,
        invitation.place.as_str(),
        invitation.token_digest,
        invitation.by_admin,
        invitation.created_at.micros(),
        invitation.expires_at.micros(),
    ])
}
