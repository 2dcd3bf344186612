//! New versions of the policy.

use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::super::conn::Write;
use super::Pen;
use crate::store::StoreError;
use crate::store::world::{MadePolicy, World};

// The number is the guard: whoever else has made this version was first.
const INSERT_POLICIES: Write<'_> = Write {
    sql: "INSERT INTO policies (version, profile, rules, created_at, actor, comment, changes) {rows}",
    kinds: "nttnttt",
};

impl Pen<'_> {
    pub(super) async fn save_policies(&mut self, after: &World) -> Result<(), StoreError> {
        let row = |made: &MadePolicy| {
            let MadePolicy { policy, at, actor, comment, changes } = made;
            let (rules, changes) = (json!(policy.written()).to_string(), json!(changes).to_string());
            json!([policy.version, policy.profile.as_str(), rules, Timestamp::micros(*at), actor, comment, changes])
        };
        self.run(&INSERT_POLICIES, after.policies.iter().map(row).collect()).await?;
        Ok(())
    }
}
