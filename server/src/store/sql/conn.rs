//! A connection, whichever database is at its other end.
//!
//! Statements are written once, in the words that SQLite and PostgreSQL share, with question marks (`?`, or `?1` where
//! one is used twice) for arguments, and these words in braces where the two differ:
//!
//! | word | what stands there |
//! | --- | --- |
//! | `{in ?}` | is among texts ([`Arg::Texts`]) |
//! | `{among}` ... `{end}` | is among what the query between them yields, which is asked first |
//! | `{in_numbers ?}` | is among the numbers of a JSON array |
//! | `{each ? AS j}` | a table of the elements of a JSON array, in its column `value` |
//! | `{rows}` | the rows that are written, as a query |

use serde_json::Value;

use super::row::{Arg, Row};
use crate::store::{StoreError, postgres, sqlite};

/// A statement that writes rows, each of them an array of as many values.
pub(crate) struct Write<'a> {
    /// The statement; `{rows}` is where they go.
    pub(crate) sql: &'a str,
    /// What each of their values is: `t` a text, `n` a number, `f` a truth value. Any may be missing.
    pub(crate) kinds: &'a str,
}

/// A connection.
pub(crate) enum Conn {
    /// To a file on this machine.
    Sqlite(sqlite::Link),
    /// To a server.
    Postgres(Box<postgres::Link>),
}

impl Conn {
    /// All rows that `sql` yields.
    pub(crate) async fn all(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(link) => link.all(sql, args),
            Self::Postgres(link) => link.all(sql, args).await,
        }
    }

    /// The first row that `sql` yields.
    pub(crate) async fn first(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, args).await?.into_iter().next())
    }

    /// The answers to all of `questions`, which share their arguments (`?1`, `?2`); a server is asked once.
    pub(crate) async fn several<const N: usize>(
        &mut self,
        questions: [&'static str; N],
        args: &[Arg<'_>],
    ) -> Result<[Vec<Row>; N], StoreError> {
        match self {
            Self::Sqlite(link) => {
                let mut answers = [const { Vec::new() }; N];
                for (answer, question) in answers.iter_mut().zip(questions) {
                    *answer = link.all(question, link.used(question, args)?)?;
                }
                Ok(answers)
            }
            Self::Postgres(link) => link.several(questions, args).await,
        }
    }

    /// Runs `sql`; yields how many rows were touched.
    pub(crate) async fn run(&mut self, sql: &str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(link) => link.run(sql, args),
            Self::Postgres(link) => link.run(sql, args).await,
        }
    }

    /// Writes `rows`; yields how many were touched.
    pub(crate) async fn write(&mut self, write: &Write<'_>, rows: &[Value]) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Sqlite(link) => link.write(write, rows),
            Self::Postgres(link) => link.write(write, rows).await,
        }
    }

    /// Begins a transaction as the only one who writes, on this node and on every other. Yields a number that is
    /// another one when somebody else has changed the data keys since (or, on SQLite, anything).
    pub(crate) async fn begin(&mut self) -> Result<i64, StoreError> {
        match self {
            Self::Sqlite(link) => link.begin(),
            Self::Postgres(link) => link.begin().await,
        }
    }

    /// Begins to read what there is at this moment, whatever is written meanwhile.
    pub(crate) async fn begin_snapshot(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(link) => link.run("BEGIN", &[]).map(drop),
            Self::Postgres(link) => link.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", &[]).await.map(drop),
        }
    }

    /// Begins several reads. On SQLite they are one transaction, which takes less time than one for each; a server would
    /// have to be asked twice more for that.
    pub(crate) fn begin_reads(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(link) => link.run("BEGIN", &[]).map(drop),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Ends what [`Conn::begin_reads`] began.
    pub(crate) fn end_reads(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(link) => link.run("COMMIT", &[]).map(drop),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Makes what was written in the transaction last.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        self.run("COMMIT", &[]).await.map(drop)
    }

    /// Undoes what was written in the transaction.
    pub(crate) async fn roll_back(&mut self) -> Result<(), StoreError> {
        self.run("ROLLBACK", &[]).await.map(drop)
    }

    /// In a transaction that changes the data keys: others are told by [`Conn::begin`].
    pub(crate) async fn turn_keys(&mut self) -> Result<(), StoreError> {
        self.run("UPDATE writer SET keys_turn = keys_turn + 1", &[]).await.map(drop)
    }

    /// In a transaction: tells every node what it changes, once it has; `name` is the word by which a node knows its own.
    pub(crate) async fn tell(&mut self, name: Option<&str>, words: &[String]) -> Result<(), StoreError> {
        match self {
            // There is one node, and it knows.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(link) => link.tell(name, words).await,
        }
    }

    /// Whether it is in no transaction, as far as that can be told without asking.
    pub(crate) fn is_known_to_be_idle(&self) -> bool {
        match self {
            Self::Sqlite(link) => !link.is_in_transaction(),
            Self::Postgres(_) => false,
        }
    }

    /// Lets others have a turn at the processor.
    pub(crate) async fn rest(&mut self) {
        match self {
            // The writer has a thread of its own.
            Self::Sqlite(_) => std::thread::yield_now(),
            Self::Postgres(_) => tokio::task::yield_now().await,
        }
    }

    /// Ends the connection; what was committed is in its place.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(link) => link.close(),
            Self::Postgres(link) => link.close().await,
        }
    }
}
