//! The sealed columns of the database, and what is done to all of them.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};

use crate::keys;
use crate::store::StoreError;
use crate::store::sqlite::rows::{label, text};
use crate::vault;

/// A column that holds sealed texts.
#[derive(Clone, Copy)]
pub(super) struct Column {
    table: &'static str,
    name: &'static str,
    /// What the secret in the row with this id is sealed under.
    pub(super) label: fn(&str) -> Option<String>,
}

/// All of them. Each has its key in the column `id`.
pub(super) const SEALED: &[Column] = &[
    Column { table: "signing_keys", name: "private_key", label: |id| Some(keys::label(id.parse().ok()?)) },
    Column { table: "devices", name: "code", label: |id| Some(label::code(id.parse().ok()?)) },
    Column { table: "devices", name: "push", label: |id| Some(label::push(id.parse().ok()?)) },
    Column { table: "factors", name: "secret", label: |id| Some(label::factor(id.parse().ok()?)) },
    Column { table: "challenges", name: "number", label: |id| Some(label::number(id.parse().ok()?)) },
];

/// A sealed text, and the row that it is in.
pub(super) struct Sealed {
    pub(super) id: String,
    pub(super) text: String,
}

impl Column {
    /// The next rows after `after` that are not sealed under the data key `number`, by id.
    pub(super) async fn not_under(
        self,
        conn: &mut SqliteConnection,
        number: u32,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Sealed>, StoreError> {
        let Self { table, name, .. } = self;
        // Nothing but names of our own was put in, here and below.
        let sql = format!(
            "SELECT id, {name} AS sealed FROM {table}
             WHERE id > ?1 AND {name} IS NOT NULL AND substr({name}, 1, ?2) <> ?3 ORDER BY id LIMIT ?4"
        );
        let prefix = vault::prefix(number);
        let length = i64::try_from(prefix.len()).unwrap_or(i64::MAX);
        let found = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(length).bind(prefix).bind(limit);
        let found = found.fetch_all(conn).await?;
        found.iter().map(|row| Ok(Sealed { id: text(row, "id")?, text: text(row, "sealed")? })).collect()
    }

    /// Puts each text in place of the one that was read; yields how many were still there.
    pub(super) async fn replace(
        self,
        conn: &mut SqliteConnection,
        renewed: &[(Sealed, String)],
    ) -> Result<u64, StoreError> {
        let Self { table, name, .. } = self;
        let rows = vec!["(?,?,?)"; renewed.len()].join(",");
        let sql = format!(
            "WITH v (id, was, fresh) AS (VALUES {rows})
             UPDATE {table} SET {name} = v.fresh FROM v WHERE {table}.id = v.id AND {table}.{name} = v.was"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (was, fresh) in renewed {
            query = query.bind(was.id.as_str()).bind(was.text.as_str()).bind(fresh.as_str());
        }
        Ok(query.execute(conn).await?.rows_affected())
    }
}

/// How many texts are sealed under each key; `None` is the master key itself.
pub(super) async fn counts(conn: &mut SqliteConnection) -> Result<BTreeMap<Option<u32>, u64>, StoreError> {
    let mut counts = BTreeMap::new();
    for Column { table, name, .. } in SEALED {
        // Up to the second dot, or up to the first where there is but one.
        let sql = format!(
            "SELECT substr({name}, 1, 3 + instr(substr({name}, 4), '.')) AS prefix, count(*) AS amount
             FROM {table} WHERE {name} IS NOT NULL GROUP BY prefix"
        );
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *conn).await? {
            let amount: i64 = row.try_get("amount")?;
            if let Some(key) = vault::key_of(&text(&row, "prefix")?) {
                *counts.entry(key).or_default() += u64::try_from(amount).unwrap_or_default();
            }
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    async fn phones(conn: &mut SqliteConnection) -> Vec<(String, Option<String>)> {
        sqlx::query_as("SELECT id, code FROM devices ORDER BY id").fetch_all(conn).await.unwrap()
    }

    #[tokio::test]
    async fn what_somebody_else_has_changed_since_is_left_to_him() {
        let mut conn = SqliteConnectOptions::new().filename(":memory:").connect().await.unwrap();
        let sql =
            "CREATE TABLE devices (id TEXT, code TEXT, push TEXT); CREATE TABLE challenges (id TEXT, number TEXT);
                   CREATE TABLE signing_keys (id TEXT, private_key TEXT); CREATE TABLE factors (id TEXT, secret TEXT);
                   INSERT INTO devices (id, code) VALUES ('a', 'v1.A'), ('b', 'v2.1.B'), ('c', 'v2.12.C'), ('d', NULL),
                                                         ('e', 'v2.2.E'), ('f', 'v2.1.F'), ('g', 'rubbish')";
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
        let expected = BTreeMap::from([(None, 1), (Some(1), 2), (Some(2), 1), (Some(12), 1)]);
        assert_eq!(counts(&mut conn).await.unwrap(), expected);

        let codes = SEALED.iter().find(|column| column.name == "code").unwrap();
        let ids = |found: &[Sealed]| found.iter().map(|sealed| sealed.id.clone()).collect::<Vec<_>>();
        let first = codes.not_under(&mut conn, 2, "", 4).await.unwrap();
        assert_eq!(ids(&first), ["a", "b", "c", "f"]);
        assert_eq!(ids(&codes.not_under(&mut conn, 2, "f", 4).await.unwrap()), ["g"]);

        sqlx::query("UPDATE devices SET code = 'v2.2.X' WHERE id = 'b'").execute(&mut conn).await.unwrap();
        sqlx::query("UPDATE devices SET code = NULL WHERE id = 'c'").execute(&mut conn).await.unwrap();
        sqlx::query("DELETE FROM devices WHERE id = 'f'").execute(&mut conn).await.unwrap();
        let renewed: Vec<_> = first.into_iter().map(|sealed| (sealed, "v2.2.NEW".to_owned())).collect();
        assert_eq!(codes.replace(&mut conn, &renewed).await.unwrap(), 1);
        let now = [("a", Some("v2.2.NEW")), ("b", Some("v2.2.X")), ("c", None), ("d", None), ("e", Some("v2.2.E"))];
        let rows = phones(&mut conn).await;
        let rows: Vec<_> = rows.iter().map(|(id, code)| (id.as_str(), code.as_deref())).collect();
        assert_eq!(rows[..5], now);
    }
}
