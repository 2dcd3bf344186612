//! What is asked about people.

use gatematch_domain::account::Account;
use gatematch_domain::user::User;
use gatematch_domain::username::Username;
use gatematch_protocol::time::Timestamp;

use super::reads::Reads;
use super::row::args;
use super::{SqlStore, factors, rows};
use crate::store::{StoreError, UserQuery, UserState};

impl SqlStore {
    /// A user with his phones and other factors.
    pub(super) async fn account_named(&self, name: Username) -> Result<Option<Account>, StoreError> {
        let user = self.one("SELECT * FROM users WHERE username = ?", name.to_string(), rows::user).await?;
        let Some(user) = user else { return Ok(None) };
        let id = user.id.to_string();
        let held = self.with_keys(|| async {
            let sql = "SELECT * FROM devices WHERE user_id = ? ORDER BY id";
            let devices = self.reads.all(sql, args![id]).await?;
            let devices = devices.iter().map(|row| rows::device(row, &self.vault)).collect::<Result<_, _>>()?;
            let sql = "SELECT * FROM factors WHERE user_id = ? ORDER BY id";
            let factors = self.reads.all(sql, args![id]).await?;
            let factors = factors.iter().map(|row| factors::factor(row, &self.vault));
            Ok((devices, factors.collect::<Result<_, _>>()?))
        });
        let (devices, factors) = held.await?;
        Ok(Some(Account { devices, factors, ..Account::new(user) }))
    }
}

/// Users by name, with their count of phones.
pub(super) async fn users(reads: &Reads, query: UserQuery) -> Result<Vec<(User, u32)>, StoreError> {
    let UserQuery { text, after, limit, idle_since, state } = query;
    let state = state.map_or(String::new(), |state| format!("AND {}", condition(state)));
    let sql = format!(
        "SELECT u.*, (SELECT count(*) FROM devices AS d WHERE d.user_id = u.id) AS phones FROM users AS u
         WHERE (?1 = '' OR instr(u.username, ?1) > 0 OR instr(lower(coalesce(u.display_name, '')), ?1) > 0)
         AND u.username > ?2 AND (?4 IS NULL OR coalesce(u.last_sign_in_at, u.created_at) <= ?4) {state}
         ORDER BY u.username LIMIT ?3"
    );
    // Nobody has such a name, and a server does not take it.
    if text.contains('\0') || after.as_ref().is_some_and(|after| after.contains('\0')) {
        return Ok(Vec::new());
    }
    let (text, after) = (text.to_lowercase(), after.unwrap_or_default());
    let found = reads.scan(&sql, args![text, after, limit, idle_since.map(Timestamp::micros)]).await?;
    found.iter().map(|row| Ok((rows::user(row)?, rows::small(row, "phones")?))).collect()
}

/// Of which `users AS u` this holds.
pub(super) const fn condition(state: UserState) -> &'static str {
    match state {
        UserState::Locked => "u.status = 'active' AND u.locked IS NOT NULL",
        UserState::Disabled => "u.status = 'disabled'",
        UserState::Operator => "u.role IS NOT NULL",
        // What is over is forgotten soon, and a bypass is nothing that he has.
        UserState::NotEnrolled => {
            "NOT EXISTS (SELECT 1 FROM devices AS d WHERE d.user_id = u.id AND d.status = 'active')
             AND NOT EXISTS (SELECT 1 FROM factors AS f WHERE f.user_id = u.id AND f.kind <> 'bypass')"
        }
    }
}
