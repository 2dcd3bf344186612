//! All rows of one database into another, whichever of the two each is. Both have the same tables: those that the
//! migrations make.

use serde_json::Value;

use super::conn::{Conn, Write};
use super::row::{AsArg as _, Cell, Row, args};
use crate::store::StoreError;

/// How many rows are read at a time.
const PAGE: i64 = 2_000;

/// A table.
pub(crate) struct Table {
    pub(crate) name: String,
    columns: Vec<Column>,
    /// What its rows are found by, which is never missing.
    key: Vec<String>,
}

struct Column {
    name: String,
    /// As in [`Write::kinds`].
    kind: char,
}

/// How many rows each table has.
pub(crate) type Counts = Vec<(String, u64)>;

/// The tables of a file, those that others refer to first. What migrations were made is not among them: each database
/// has its own.
pub(crate) async fn tables(file: &mut Conn) -> Result<Vec<Table>, StoreError> {
    let sql = "SELECT name, (SELECT count(*) FROM pragma_foreign_key_list(name)) AS refers FROM sqlite_master
               WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations' ORDER BY 2, 1";
    let mut found = Vec::new();
    for row in file.all(sql, &[]).await? {
        let name: String = row.get("name")?;
        let sql = "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid";
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        for row in file.all(sql, args![name]).await? {
            let (column, place): (String, i64) = (row.get("name")?, row.get("pk")?);
            let kind = match row.get::<String>("type")?.as_str() {
                "TEXT" => 't',
                "BIGINT" | "INTEGER" => 'n',
                "BOOLEAN" => 'f',
                _ => return Err(StoreError::Corrupt("type of a column")),
            };
            if place > 0 {
                key.push((place, column.clone()));
            }
            columns.push(Column { name: column, kind });
        }
        key.sort();
        found.push(Table { name, columns, key: key.into_iter().map(|(_, column)| column).collect() });
    }
    Ok(found)
}

/// Copies all rows of these tables, which are empty in `to`. Both are in transactions of their own.
pub(crate) async fn copy(tables: &[Table], from: &mut Conn, to: &mut Conn) -> Result<Counts, StoreError> {
    let mut counts = Vec::with_capacity(tables.len());
    for table in tables {
        counts.push((table.name.clone(), table.copy(from, to).await?));
    }
    Ok(counts)
}

/// Counts the rows of these tables.
pub(crate) async fn count(tables: &[Table], conn: &mut Conn) -> Result<Counts, StoreError> {
    let mut counts = Vec::with_capacity(tables.len());
    for Table { name, .. } in tables {
        // Nothing but names of our own was put in, here and below.
        let row = conn.first(&format!("SELECT count(*) AS amount FROM {name}"), &[]).await?;
        let amount: i64 = row.map(|row| row.get("amount")).transpose()?.unwrap_or_default();
        counts.push((name.clone(), u64::try_from(amount).unwrap_or_default()));
    }
    Ok(counts)
}

impl Table {
    async fn copy(&self, from: &mut Conn, to: &mut Conn) -> Result<u64, StoreError> {
        let (first, next) = self.pages();
        let columns: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let insert = format!("INSERT INTO {} ({}) {{rows}}", self.name, columns.join(", "));
        let kinds: String = self.columns.iter().map(|column| column.kind).collect();
        let mut copied = 0;
        let mut page = from.all(&first, args![PAGE]).await?;
        loop {
            let rows = page.iter().map(|row| self.values(row)).collect::<Vec<_>>();
            copied += to.write(&Write { sql: &insert, kinds: &kinds }, &rows).await?;
            let Some(last) = page.last().filter(|_| page.len() == usize::try_from(PAGE).unwrap_or_default()) else {
                return Ok(copied);
            };
            let mut after = self.key_of(last)?;
            after.push(Cell::Int(PAGE));
            let after: Vec<_> = after.iter().map(|cell| cell.arg()).collect();
            page = from.all(&next, &after).await?;
        }
    }

    /// The statements that read the first page, and the one after a row.
    fn pages(&self) -> (String, String) {
        let columns: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let (columns, key, name) = (columns.join(", "), self.key.join(", "), &self.name);
        let marks = vec!["?"; self.key.len()].join(", ");
        let first = format!("SELECT {columns} FROM {name} ORDER BY {key} LIMIT ?");
        let next = format!("SELECT {columns} FROM {name} WHERE ({key}) > ({marks}) ORDER BY {key} LIMIT ?");
        (first, next)
    }

    fn key_of<'a>(&self, row: &'a Row) -> Result<Vec<Cell<'a>>, StoreError> {
        let place = |name: &String| self.columns.iter().position(|column| column.name == *name);
        let cell = |name| place(name).and_then(|place| row.cells().nth(place));
        self.key.iter().map(|name| cell(name).ok_or(StoreError::Corrupt("key of a row"))).collect()
    }

    fn values(&self, row: &Row) -> Value {
        let values = self.columns.iter().zip(row.cells()).map(|(column, cell)| match cell {
            Cell::Null => Value::Null,
            Cell::Int(number) if column.kind == 'f' => Value::Bool(number != 0),
            Cell::Int(number) => Value::from(number),
            Cell::Text(text) => Value::from(text),
        });
        Value::Array(values.collect())
    }
}
