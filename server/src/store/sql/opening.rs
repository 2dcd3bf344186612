//! Where the database is, and what is done with it before it is served.

use super::chain;
use super::conn::Conn;
use crate::store::{StoreError, postgres, sqlite};

/// Where the database is, for whoever needs a connection of his own.
#[derive(Clone)]
pub(crate) enum Place {
    /// On this machine.
    Sqlite(sqlite::File),
    /// On a server.
    Postgres(postgres::Server),
}

impl Place {
    /// A connection that writes.
    pub(crate) async fn connect(&self) -> Result<Conn, StoreError> {
        Ok(match self {
            Self::Sqlite(file) => Conn::Sqlite(file.connect()?),
            Self::Postgres(server) => Conn::Postgres(Box::new(server.connect_to_write().await?)),
        })
    }
}

/// A database that is opened, on the connection that will be the writer's.
pub(crate) struct Opening<'a> {
    pub(super) conn: &'a mut Conn,
}

impl<'a> Opening<'a> {
    pub(crate) const fn on(conn: &'a mut Conn) -> Self {
        Self { conn }
    }

    /// Whether keys are in it already: something was sealed.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub(crate) async fn has_keys(&mut self) -> Result<bool, StoreError> {
        let sql = "SELECT 1 AS one FROM signing_keys UNION SELECT 1 FROM vault_keys";
        Ok(self.conn.first(sql, &[]).await?.is_some())
    }

    /// Gives the events of versions that did not chain them their places in the chain.
    pub(crate) async fn chain_events(&mut self) -> Result<(), StoreError> {
        chain::catch_up(self.conn).await
    }
}
