//! Writes what a group of verbs changed. Each kind of change is one statement for the whole group, guarded by
//! what was read: an account by its revision, a challenge by its state.
//!
//! Statements stand as constants beside the code that fills them; `{rows}` is where the values go.

mod account;
mod chain;
mod challenge;
mod factor;
mod log;
mod pages;
mod policy;
mod registry;
mod visits;

use serde_json::Value;

pub(super) use self::log::{INSERT_EVENTS, event_row};
use super::conn::{Conn, Write};
use crate::edge::Edge;
use crate::store::StoreError;
use crate::store::world::World;
use crate::vault::Vault;

/// What writing needs beside the rows.
pub(super) struct Pen<'a> {
    pub(super) conn: &'a mut Conn,
    pub(super) vault: &'a Vault,
    pub(super) edge: &'a Edge,
}

impl Pen<'_> {
    /// Writes the difference between what was read and what is now.
    pub(super) async fn save(&mut self, before: &World, after: &World) -> Result<(), StoreError> {
        self.save_users(before, after).await?;
        self.save_devices(before, after).await?;
        self.save_factors(before, after).await?;
        self.save_challenges(before, after).await?;
        self.save_gateways(before, after).await?;
        self.save_admin_keys(before, after).await?;
        self.save_enrollments(before, after).await?;
        self.save_once_only(before, after).await?;
        self.save_pages(before, after).await?;
        self.save_visits(before, after).await?;
        self.save_policies(after).await?;
        self.save_notices(&after.notices).await?;
        self.save_events(&after.events).await?;
        self.save_chain(after).await?;
        match after.purge_before {
            Some(now) => self.purge(now).await,
            None => Ok(()),
        }
    }

    /// Writes `rows`; yields how many were touched.
    async fn run(&mut self, write: &Write<'_>, rows: Vec<Value>) -> Result<u64, StoreError> {
        self.conn.write(write, &rows).await
    }

    /// Like [`Pen::run`], for statements that must touch each of their rows: if one is not as it was read,
    /// somebody else was first, and nothing of the group is written.
    async fn run_guarded(&mut self, write: &Write<'_>, rows: Vec<Value>) -> Result<(), StoreError> {
        let expected = rows.len() as u64;
        let touched = self.run(write, rows).await?;
        if touched == expected { Ok(()) } else { Err(StoreError::Database("somebody else was first".into())) }
    }

    fn seal(&self, label: &str, text: &str) -> Result<String, StoreError> {
        self.vault.seal(label, text.as_bytes()).map_err(|fault| StoreError::Database(fault.to_string().into()))
    }
    /// What was sealed before this transaction began, under the key that is active in it: the other may be gone.
    fn sealed_now(&self, label: &str, sealed: &str) -> Result<String, StoreError> {
        if self.vault.is_current(sealed) {
            return Ok(sealed.to_owned());
        }
        let opened = self.vault.open(label, sealed).map_err(|_| StoreError::UnknownKey)?;
        self.vault.seal(label, &opened).map_err(|fault| StoreError::Database(fault.to_string().into()))
    }
}
