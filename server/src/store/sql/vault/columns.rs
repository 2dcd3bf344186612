//! The sealed columns of the database, and what is done to all of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::keys;
use crate::store::StoreError;
use crate::store::sql::conn::{Conn, Write};
use crate::store::sql::row::args;
use crate::store::sql::rows::{label, text};
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
        conn: &mut Conn,
        number: u32,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Sealed>, StoreError> {
        let Self { table, name, .. } = self;
        // Nothing but names of our own was put in, here and below.
        let sql = format!(
            "SELECT id, {name} AS sealed FROM {table}
             WHERE id > ?1 AND {name} IS NOT NULL AND substr({name}, 1, CAST(?2 AS INTEGER)) <> ?3 ORDER BY id LIMIT ?4"
        );
        let prefix = vault::prefix(number);
        let length = i64::try_from(prefix.len()).unwrap_or(i64::MAX);
        let found = conn.all(&sql, args![after, length, prefix, limit]).await?;
        found.iter().map(|row| Ok(Sealed { id: text(row, "id")?, text: text(row, "sealed")? })).collect()
    }

    /// Puts each text in place of the one that was read; yields how many were still there.
    pub(super) async fn replace(self, conn: &mut Conn, renewed: &[(Sealed, String)]) -> Result<u64, StoreError> {
        let Self { table, name, .. } = self;
        let sql = format!(
            "WITH v (id, was, fresh) AS ({{rows}})
             UPDATE {table} SET {name} = v.fresh FROM v WHERE {table}.id = v.id AND {table}.{name} = v.was"
        );
        let rows: Vec<Value> = renewed.iter().map(|(was, fresh)| json!([was.id, was.text, fresh])).collect();
        conn.write(&Write { sql: &sql, kinds: "ttt" }, &rows).await
    }
}

/// How many texts are sealed under each key; `None` is the master key itself.
pub(super) async fn counts(conn: &mut Conn) -> Result<BTreeMap<Option<u32>, u64>, StoreError> {
    let mut counts = BTreeMap::new();
    for Column { table, name, .. } in SEALED {
        // Up to the second dot, or up to the first where there is but one.
        let sql = format!(
            "SELECT substr({name}, 1, 3 + instr(substr({name}, 4), '.')) AS prefix, count(*) AS amount
             FROM {table} WHERE {name} IS NOT NULL GROUP BY prefix"
        );
        for row in conn.all(&sql, &[]).await? {
            let amount: i64 = row.get("amount")?;
            if let Some(key) = vault::key_of(&text(&row, "prefix")?) {
                *counts.entry(key).or_default() += u64::try_from(amount).unwrap_or_default();
            }
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Link;

    async fn phones(conn: &mut Conn) -> Vec<(String, Option<String>)> {
        let rows = conn.all("SELECT id, code FROM devices ORDER BY id", &[]).await.unwrap();
        rows.iter().map(|row| (row.get("id").unwrap(), row.get("code").unwrap())).collect()
    }

    #[tokio::test]
    async fn what_somebody_else_has_changed_since_is_left_to_him() {
        let mut conn = Conn::Sqlite(Link::in_memory());
        let sql =
            "CREATE TABLE devices (id TEXT, code TEXT, push TEXT); CREATE TABLE challenges (id TEXT, number TEXT);
                   CREATE TABLE signing_keys (id TEXT, private_key TEXT); CREATE TABLE factors (id TEXT, secret TEXT);
                   INSERT INTO devices (id, code) VALUES ('a', 'v1.A'), ('b', 'v2.1.B'), ('c', 'v2.12.C'), ('d', NULL),
                                                         ('e', 'v2.2.E'), ('f', 'v2.1.F'), ('g', 'rubbish')";
        for sql in sql.split(';') {
            conn.run(sql, &[]).await.unwrap();
        }
        let expected = BTreeMap::from([(None, 1), (Some(1), 2), (Some(2), 1), (Some(12), 1)]);
        assert_eq!(counts(&mut conn).await.unwrap(), expected);

        let codes = SEALED.iter().find(|column| column.name == "code").unwrap();
        let ids = |found: &[Sealed]| found.iter().map(|sealed| sealed.id.clone()).collect::<Vec<_>>();
        let first = codes.not_under(&mut conn, 2, "", 4).await.unwrap();
        assert_eq!(ids(&first), ["a", "b", "c", "f"]);
        assert_eq!(ids(&codes.not_under(&mut conn, 2, "f", 4).await.unwrap()), ["g"]);

        conn.run("UPDATE devices SET code = 'v2.2.X' WHERE id = 'b'", &[]).await.unwrap();
        conn.run("UPDATE devices SET code = NULL WHERE id = 'c'", &[]).await.unwrap();
        conn.run("DELETE FROM devices WHERE id = 'f'", &[]).await.unwrap();
        let renewed: Vec<_> = first.into_iter().map(|sealed| (sealed, "v2.2.NEW".to_owned())).collect();
        assert_eq!(codes.replace(&mut conn, &renewed).await.unwrap(), 1);
        let now = [("a", Some("v2.2.NEW")), ("b", Some("v2.2.X")), ("c", None), ("d", None), ("e", Some("v2.2.E"))];
        let rows = phones(&mut conn).await;
        let rows: Vec<_> = rows.iter().map(|(id, code)| (id.as_str(), code.as_deref())).collect();
        assert_eq!(rows[..5], now);
    }
}
