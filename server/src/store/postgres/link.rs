//! A connection to the server.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _, TypeInfo as _};
use tokio::sync::OwnedSemaphorePermit;

use super::bundle::{bundled, unpacked};
use crate::store::StoreError;
use crate::store::sql::conn::Write;
use crate::store::sql::row::{Arg, Cell, Cells, NameBook, Row};
use crate::store::sql::words::{Word, spell};

/// The channel on which nodes tell each other what has changed.
pub(super) const CHANNEL: &str = "gatematch";
/// The most bytes of one notification (the server takes less than 8,000).
const MOST_TOLD: usize = 7_900;

/// A connection to the server.
pub(crate) struct Link {
    conn: PgConnection,
    names: NameBook,
    /// Whether it is for those who look at many rows.
    pub(super) is_long: bool,
    /// Its room in the pool, where it is lent from there: let go with it.
    #[expect(dead_code, reason = "it is held, and let go")]
    place: Option<OwnedSemaphorePermit>,
}

impl Link {
    pub(super) fn new(conn: PgConnection) -> Self {
        Self { conn, names: NameBook::default(), is_long: false, place: None }
    }

    pub(super) fn at_length(self, is_long: bool) -> Self {
        Self { is_long, ..self }
    }

    pub(super) fn in_place(self, place: OwnedSemaphorePermit) -> Self {
        Self { place: Some(place), ..self }
    }

    pub(super) fn without_place(self) -> Self {
        Self { place: None, ..self }
    }

    pub(crate) async fn all(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        let found = self.fetch(spelt(sql), args).await?;
        let Some(first) = found.first() else { return Ok(Vec::new()) };
        let names = self.names.of(sql, first.columns().iter().map(|column| column.name()));
        found.iter().map(|row| Ok(Row::new(Arc::clone(&names), cells(row)?))).collect()
    }

    /// The answers to all of `questions`, asked in one statement.
    pub(crate) async fn several<const N: usize>(
        &mut self,
        questions: [&'static str; N],
        args: &[Arg<'_>],
    ) -> Result<[Vec<Row>; N], StoreError> {
        let mut answers = [const { Vec::new() }; N];
        for row in self.fetch(spelt(&bundled(&questions)), args).await? {
            let part = usize::try_from(row.try_get::<i32, _>(0)?).ok();
            let (names, cells) = unpacked(row.try_get(1)?)?;
            let at = part.and_then(|part| Some((questions.get(part)?, answers.get_mut(part)?)));
            let (question, answer) = at.ok_or(StoreError::Corrupt("bundled row"))?;
            answer.push(Row::new(self.names.of(question, names.into_iter()), cells));
        }
        Ok(answers)
    }

    async fn fetch(&mut self, text: Arc<str>, args: &[Arg<'_>]) -> Result<Vec<PgRow>, StoreError> {
        let mut query = sqlx::query(AssertSqlSafe(text));
        for arg in args {
            query = match *arg {
                Arg::Text(text) => query.bind(text),
                Arg::Int(number) => query.bind(number),
                Arg::Texts(texts) => query.bind(texts),
            };
        }
        Ok(query.fetch_all(&mut self.conn).await?)
    }

    pub(crate) async fn run(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        let mut query = sqlx::query(AssertSqlSafe(spelt(sql)));
        for arg in args {
            query = match *arg {
                Arg::Text(text) => query.bind(text),
                Arg::Int(number) => query.bind(number),
                Arg::Texts(texts) => query.bind(texts),
            };
        }
        Ok(query.execute(&mut self.conn).await?.rows_affected())
    }

    pub(crate) async fn write(&mut self, write: &Write<'_>, rows: &[Value]) -> Result<u64, StoreError> {
        let mut query = sqlx::query(AssertSqlSafe(spelt_write(write)));
        for (index, kind) in write.kinds.bytes().enumerate() {
            let values = || rows.iter().map(move |row| row.get(index).unwrap_or(&Value::Null));
            query = match kind {
                b't' => query.bind(column(values(), Value::as_str)?),
                b'n' => query.bind(column(values(), Value::as_i64)?),
                _ => query.bind(column(values(), Value::as_bool)?),
            };
        }
        Ok(query.execute(&mut self.conn).await?.rows_affected())
    }

    /// One writes at a time, on whichever node: whoever has locked the row `writer`.
    pub(crate) async fn begin(&mut self) -> Result<i64, StoreError> {
        // Both in one message, and no snapshot before the lock is held.
        // What takes longer than its node waits must not go on without it, and keep the others from writing.
        let sql = "BEGIN; SET LOCAL statement_timeout = '5s'; SELECT keys_turn FROM writer WHERE id = 1 FOR UPDATE";
        let row = sqlx::raw_sql(sql).fetch_optional(&mut self.conn).await?;
        let row = row.ok_or_else(|| StoreError::Database("the row of the writer is gone".into()))?;
        Ok(row.try_get("keys_turn")?)
    }

    pub(crate) async fn tell(&mut self, name: Option<&str>, words: &[String]) -> Result<(), StoreError> {
        let begun = name.map(|name| format!("{name} ")).unwrap_or_default();
        let mut message = begun.clone();
        for word in words {
            if message.len() + word.len() + 1 > MOST_TOLD {
                self.notify(&message).await?;
                message.clone_from(&begun);
            }
            let _ = write!(message, "{word} ");
        }
        if words.is_empty() { Ok(()) } else { self.notify(&message).await }
    }

    async fn notify(&mut self, message: &str) -> Result<(), StoreError> {
        sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(message).execute(&mut self.conn).await?;
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<(), StoreError> {
        Ok(self.conn.close().await?)
    }
}

/// A column of the rows that are written.
fn column<'a, T>(
    values: impl Iterator<Item = &'a Value>,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<Vec<Option<T>>, StoreError> {
    let value = |value: &'a Value| match value {
        Value::Null => Ok(None),
        value => read(value).map(Some).ok_or(StoreError::Corrupt("row to be written")),
    };
    values.map(value).collect()
}

fn cells(row: &PgRow) -> Result<Cells, StoreError> {
    let columns = row.columns();
    let mut cells = Cells::room_for(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let int = |number: Option<i64>| number.map_or(Cell::Null, Cell::Int);
        cells.push(match column.type_info().name() {
            "INT8" => int(row.try_get(index)?),
            "INT4" => int(row.try_get::<Option<i32>, _>(index)?.map(i64::from)),
            "BOOL" => int(row.try_get::<Option<bool>, _>(index)?.map(i64::from)),
            "TEXT" | "VARCHAR" | "NAME" => row.try_get::<Option<&str>, _>(index)?.map_or(Cell::Null, Cell::Text),
            _ => return Err(StoreError::Corrupt("column")),
        });
    }
    Ok(cells)
}

/// Statements in the words of PostgreSQL, by what they are written as.
fn spelt(sql: &str) -> Arc<str> {
    static TEXTS: OnceLock<RwLock<HashMap<Box<str>, Arc<str>>>> = OnceLock::new();
    let texts = TEXTS.get_or_init(RwLock::default);
    if let Some(text) = texts.read().unwrap_or_else(PoisonError::into_inner).get(sql) {
        return Arc::clone(text);
    }
    let text: Arc<str> = translated(sql).into();
    texts.write().unwrap_or_else(PoisonError::into_inner).insert(sql.into(), Arc::clone(&text));
    text
}

fn spelt_write(write: &Write<'_>) -> Arc<str> {
    // Each statement has its own text, so its kinds need not be told apart.
    if write.sql.contains("{rows}") {
        let array = |(index, kind): (usize, char)| {
            let kind = match kind {
                't' => "text",
                'n' => "bigint",
                _ => "boolean",
            };
            format!("CAST(${} AS {kind}[])", index + 1)
        };
        let arrays: Vec<String> = write.kinds.chars().enumerate().map(array).collect();
        return spelt(&write.sql.replace("{rows}", &format!("SELECT * FROM unnest({})", arrays.join(", "))));
    }
    spelt(write.sql)
}

fn translated(sql: &str) -> String {
    let text = spell(sql, |word| match word {
        Word::In(list) => format!("= ANY ({list})"),
        Word::Among => "= ANY (ARRAY(".to_owned(),
        Word::End => "))".to_owned(),
        Word::InNumbers(list) => {
            format!("= ANY (ARRAY(SELECT CAST(json_array_elements_text(CAST({list} AS json)) AS bigint)))")
        }
        Word::Each(list, name) => format!("json_array_elements(CAST({list} AS json)) AS {name}(value)"),
    });
    numbered(&text.replace("instr(", "strpos("))
}

/// Question marks as PostgreSQL numbers them.
fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 16);
    let mut count = 0;
    let mut marks = sql.split('?');
    text.extend(marks.next());
    for after in marks {
        text.push('$');
        if !after.starts_with(|first: char| first.is_ascii_digit()) {
            count += 1;
            text.push_str(&count.to_string());
        }
        text.push_str(after);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_spelt_for_the_server() {
        let sql = "SELECT instr(a, ?1) FROM {each ?2 AS j} WHERE a {in ?1} AND b {in_numbers ?3}";
        let list = "= ANY ($1)";
        let numbers = "= ANY (ARRAY(SELECT CAST(json_array_elements_text(CAST($3 AS json)) AS bigint)))";
        let each = "json_array_elements(CAST($2 AS json)) AS j(value)";
        assert_eq!(*spelt(sql), *format!("SELECT strpos(a, $1) FROM {each} WHERE a {list} AND b {numbers}"));
        let among = "= ANY (ARRAY( SELECT b FROM u WHERE c = ANY ($1) ))";
        assert_eq!(*spelt("a {among} SELECT b FROM u WHERE c {in ?1} {end}"), *format!("a {among}"));
        assert_eq!(*spelt("a = ? AND b = ? LIMIT ?"), *"a = $1 AND b = $2 LIMIT $3");
        let write = Write { sql: "INSERT INTO t (a, b, c) {rows}", kinds: "tnf" };
        let arrays = "CAST($1 AS text[]), CAST($2 AS bigint[]), CAST($3 AS boolean[])";
        assert_eq!(*spelt_write(&write), *format!("INSERT INTO t (a, b, c) SELECT * FROM unnest({arrays})"));
    }
}
