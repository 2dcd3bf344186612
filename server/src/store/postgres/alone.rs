//! Whether anybody else is at work on the database.

use super::Link;
use super::listen::LEADS;
use crate::store::StoreError;
use crate::store::sql::row::args;

impl Link {
    /// Whether a node runs on the database, or a command. From then on no node leads, as long as this connection lives.
    pub(crate) async fn others(&mut self) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) AS others FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                   AND application_name = current_setting('application_name')";
        let rows = self.all(sql, &[]).await?;
        let others: i64 = rows.first().map(|row| row.get("others")).transpose()?.unwrap_or_default();
        if others > 0 {
            return Ok(true);
        }
        // Nodes may call themselves otherwise; one of them leads.
        let rows = self.all("SELECT pg_try_advisory_lock(?) AS is_free", args![LEADS]).await?;
        Ok(!rows.first().map(|row| row.get::<bool>("is_free")).transpose()?.unwrap_or_default())
    }
}
