//! Another master key: the data keys stay, and are sealed under it.

use super::super::row::args;
use super::columns::counts;
use super::ring;
use super::rotation::{Desk, Done};
use crate::store::{MasterChanged, RotateRefusal, StoreError};
use crate::vault::{DoesNotOpen, MasterKey, SealedKey, active};

/// The keys that change with what they are sealed as then, and whether another new master key waited.
type Moved = (Vec<(SealedKey, String)>, bool);

impl Desk {
    pub(super) async fn change_master(
        mut self,
        new: MasterKey,
        keep_old: bool,
    ) -> Done<Result<MasterChanged, RotateRefusal>> {
        // Before others are kept from writing: nobody seals under the master key itself any more.
        let under_master = counts(&mut self.conn).await?.get(&None).copied().unwrap_or_default();
        self.begin().await?;
        let (sealed, replaces) = match self.sealed_under(&new, keep_old, under_master).await? {
            Ok(found) => found,
            Err(refusal) => {
                self.roll_back().await?;
                return Ok((Err(refusal), self.conn));
            }
        };
        let numbers = self.store(&sealed).await?;
        let event = self.event("master_key.changed").with("data_keys", numbers.clone()).with("old_opens", keep_old);
        let event = if replaces { event.with("replaces_waiting", true) } else { event };
        self.commit(vec![event]).await?;
        Ok((Ok(MasterChanged { numbers, is_folded: false, replaces }), self.conn))
    }

    pub(super) async fn drop_old_master(mut self) -> Done<bool> {
        // Nobody is kept from writing where there is nothing to do.
        if !ring::stored(&mut self.conn).await?.iter().any(SealedKey::is_between_masters) {
            return Ok((false, self.conn));
        }
        self.begin().await?;
        let keys = ring::stored(&mut self.conn).await?;
        let new = |key: SealedKey| Some((self.vault.without_old(&key)?, key));
        let sealed: Vec<_> = keys.into_iter().filter_map(new).map(|(sealed, key)| (key, sealed)).collect();
        if sealed.is_empty() {
            self.roll_back().await?;
            return Ok((false, self.conn));
        }
        let numbers = self.store(&sealed).await?;
        let event = self.event("master_key.changed").with("data_keys", numbers);
        self.commit(vec![event.with("old_opens", false)]).await?;
        Ok((true, self.conn))
    }

    /// Every data key, with what it is under the new master key; and whether another new one waited.
    async fn sealed_under(
        &mut self,
        new: &MasterKey,
        keep_old: bool,
        under_master: u64,
    ) -> Result<Result<Moved, RotateRefusal>, StoreError> {
        let keys = ring::stored(&mut self.conn).await?;
        self.vault.check_master(&keys)?;
        let Some(active) = active(&keys).cloned() else { return Ok(Ok((Vec::new(), false))) };
        let waits = active.is_between_masters();
        // Who holds the new one that waits is no judge of whether it was lost.
        if waits && !(keep_old && self.vault.holds_old(&active)) {
            return Ok(Err(RotateRefusal::MasterWaits));
        }
        // The old master key will be gone, and with it whatever it alone opens.
        if under_master > 0 {
            return Ok(Err(RotateRefusal::UnderMaster(under_master)));
        }
        let mut sealed = Vec::with_capacity(keys.len());
        for key in keys {
            match self.vault.seal_anew(&key, new, keep_old) {
                Ok(Some(text)) => sealed.push((key, text)),
                Ok(None) if waits => return Ok(Err(RotateRefusal::MasterWaits)),
                Ok(None) => return Ok(Err(RotateRefusal::SameMaster)),
                Err(DoesNotOpen::Spoilt) if key.number != active.number => {
                    tracing::error!(data_key = key.number, "an older data key does not open, and stays as it is");
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(Ok((sealed, waits)))
    }

    /// Writes what the keys are sealed as, over what was read.
    async fn store(&mut self, sealed: &[(SealedKey, String)]) -> Result<Vec<u32>, StoreError> {
        let mut numbers = Vec::with_capacity(sealed.len());
        for (key, text) in sealed {
            let sql = "UPDATE vault_keys SET sealed = ? WHERE number = ? AND sealed = ?";
            if self.conn.run(sql, args![text, key.number, key.sealed]).await? != 1 {
                return Err(StoreError::Database("somebody else was first".into()));
            }
            numbers.push(key.number);
        }
        Ok(numbers)
    }
}
