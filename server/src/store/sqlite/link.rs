//! A connection to the file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{CachedStatement, Connection, Statement};
use serde_json::Value;

use crate::store::StoreError;
use crate::store::sql::conn::Write;
use crate::store::sql::row::{Arg, Cell, Cells, NameBook, Row};
use crate::store::sql::words::{Word, spell};

/// How many statements stay prepared: all that there are, in each of their sizes.
const PREPARED: usize = 512;
/// How long it is tried at a time to empty the log of writes.
const FOLDING: Duration = Duration::from_millis(300);
/// The most rows of one statement. Smaller ones have a power of two, so that few statements serve all groups and
/// each is prepared once.
const MOST_ROWS: usize = 64;

/// A connection to the file.
pub(crate) struct Link {
    conn: Connection,
    /// The texts of statements as SQLite reads them, by what they are written as and how many rows they have.
    texts: HashMap<Box<str>, HashMap<usize, Arc<str>>>,
    /// The same for those that have no rows to write.
    spelt: Box<RefCell<HashMap<Box<str>, String>>>,
    /// The names of the columns that they yield.
    names: Box<RefCell<NameBook>>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string().into())
    }
}

impl Link {
    pub(super) fn new(conn: Connection) -> Self {
        conn.set_prepared_statement_cache_capacity(PREPARED);
        Self { conn, texts: HashMap::new(), spelt: Box::default(), names: Box::default() }
    }

    /// A database of its own that nobody keeps.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        Self::new(Connection::open_in_memory().unwrap())
    }

    pub(crate) fn all(&self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, args)?;
        let width = statement.column_count();
        let (mut names, mut found) = (None, Vec::new());
        let mut cursor = statement.raw_query();
        while let Some(row) = cursor.next()? {
            let names = names
                .get_or_insert_with(|| self.names.borrow_mut().of(sql, row.as_ref().column_names().iter().copied()));
            found.push(Row::new(Arc::clone(names), cells(row, width)?));
        }
        Ok(found)
    }

    /// Those of `args` that `sql` uses: of several questions with the same arguments, not each uses all.
    pub(crate) fn used<'a, 'b>(&self, sql: &str, args: &'a [Arg<'b>]) -> Result<&'a [Arg<'b>], StoreError> {
        Ok(args.get(..self.prepare(sql)?.parameter_count()).unwrap_or(args))
    }

    pub(crate) fn run(&self, sql: &str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, args)?;
        Ok(statement.raw_execute()? as u64)
    }

    pub(crate) fn write(&mut self, write: &Write<'_>, rows: &[Value]) -> Result<u64, StoreError> {
        let mut touched = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let size = if rest.len() >= MOST_ROWS { MOST_ROWS } else { 1 << rest.len().ilog2() };
            let (chunk, more) = rest.split_at(size);
            touched += self.write_chunk(write, chunk)?;
            rest = more;
        }
        Ok(touched)
    }

    fn write_chunk(&mut self, write: &Write<'_>, rows: &[Value]) -> Result<u64, StoreError> {
        let text = self.text(write, rows.len());
        let mut statement = self.conn.prepare_cached(&text)?;
        let mut index = 0;
        for row in rows {
            for value in row.as_array().into_iter().flatten() {
                index += 1;
                let value = match value {
                    Value::Null => ValueRef::Null,
                    Value::Bool(flag) => ValueRef::Integer(i64::from(*flag)),
                    Value::Number(number) => {
                        ValueRef::Integer(number.as_i64().ok_or(StoreError::Corrupt("row to be written"))?)
                    }
                    Value::String(text) => ValueRef::Text(text.as_bytes()),
                    Value::Array(_) | Value::Object(_) => return Err(StoreError::Corrupt("row to be written")),
                };
                statement.raw_bind_parameter(index, ToSqlOutput::Borrowed(value))?;
            }
        }
        Ok(statement.raw_execute()? as u64)
    }

    fn text(&mut self, write: &Write<'_>, rows: usize) -> Arc<str> {
        if let Some(text) = self.texts.get(write.sql).and_then(|sizes| sizes.get(&rows)) {
            return Arc::clone(text);
        }
        let row = format!("({})", vec!["?"; write.kinds.len()].join(","));
        let text = write.sql.replace("{rows}", &format!("VALUES {}", vec![row; rows].join(",")));
        Arc::clone(self.texts.entry(write.sql.into()).or_default().entry(rows).or_insert(text.into()))
    }

    pub(crate) fn begin(&self) -> Result<i64, StoreError> {
        self.run("BEGIN IMMEDIATE", &[])?;
        // https://www.sqlite.org/pragma.html#pragma_data_version: another number when another connection committed.
        Ok(self.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
    }

    /// Whether a transaction was begun, and not ended.
    pub(crate) fn is_in_transaction(&self) -> bool {
        !self.conn.is_autocommit()
    }

    pub(crate) fn close(self) -> Result<(), StoreError> {
        self.conn.close().map_err(|(_, error)| error.into())
    }

    /// What is deleted from here on is overwritten, and not only forgotten.
    pub(crate) fn delete_securely(&self) -> Result<(), StoreError> {
        Ok(self.conn.execute_batch("PRAGMA secure_delete = ON")?)
    }

    /// Folds the log of writes into the file, and empties it; false where readers were at work.
    pub(crate) fn fold(&self) -> Result<bool, StoreError> {
        self.conn.busy_timeout(FOLDING)?;
        // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint: who is kept from it answers so in a row.
        let busy: i64 = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(busy == 0)
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        if !sql.contains('{') {
            return Ok(self.conn.prepare_cached(sql)?);
        }
        if let Some(text) = self.spelt.borrow().get(sql) {
            return Ok(self.conn.prepare_cached(text)?);
        }
        let text = spelt(sql);
        let statement = self.conn.prepare_cached(&text)?;
        self.spelt.borrow_mut().insert(sql.into(), text);
        Ok(statement)
    }
}

/// `sql` in the words of SQLite.
fn spelt(sql: &str) -> String {
    spell(sql, |word| match word {
        Word::In(list) | Word::InNumbers(list) => format!("IN (SELECT value FROM json_each({list}))"),
        Word::Among => "IN (".to_owned(),
        Word::End => ")".to_owned(),
        Word::Each(list, name) => format!("json_each({list}) AS {name}"),
    })
}

fn bind(statement: &mut Statement<'_>, args: &[Arg<'_>]) -> Result<(), StoreError> {
    for (index, arg) in args.iter().enumerate() {
        let value = match arg {
            Arg::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Arg::Int(Some(number)) => ToSqlOutput::Owned(Owned::Integer(*number)),
            Arg::Text(None) | Arg::Int(None) => ToSqlOutput::Owned(Owned::Null),
            Arg::Texts(texts) => ToSqlOutput::Owned(Owned::Text(Value::from(*texts).to_string())),
        };
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

fn cells(row: &rusqlite::Row<'_>, width: usize) -> Result<Cells, StoreError> {
    let mut cells = Cells::room_for(width);
    for index in 0..width {
        cells.push(match row.get_ref(index)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Int(number),
            ValueRef::Text(text) => Cell::Text(std::str::from_utf8(text).map_err(|_| StoreError::Corrupt("text"))?),
            ValueRef::Real(_) | ValueRef::Blob(_) => return Err(StoreError::Corrupt("column")),
        });
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_in_braces_are_spelt_out() {
        let sql = "SELECT 1 FROM {each ?2 AS j} WHERE a {in ?1} AND b {in_numbers ?}";
        let spelt = spelt(sql);
        assert_eq!(
            spelt,
            "SELECT 1 FROM json_each(?2) AS j WHERE a IN (SELECT value FROM json_each(?1)) \
             AND b IN (SELECT value FROM json_each(?))"
        );
    }
}
