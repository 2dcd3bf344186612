//! Visits to the console and the portal in the database: what is loaded of them, and what is asked.

use std::collections::BTreeSet;

use gatematch_domain::user::User;
use gatematch_domain::visit::{By, Invitation, Place, Stage, Visit};
use gatematch_protocol::id::{ChallengeId, UserId};

use super::conn::Conn;
use super::load::{list, select};
use super::reads::Reads;
use super::row::{Row, args};
use super::rows::{self, flag, optional_parsed, parsed, text, time};
use crate::store::StoreError;
use crate::store::world::{Needs, World};

/// What visits and invitations need beside themselves.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) names: BTreeSet<String>,
    pub(super) users: BTreeSet<UserId>,
    pub(super) challenges: BTreeSet<ChallengeId>,
}

/// Loads the visits and invitations that are needed.
pub(super) async fn load_visits(conn: &mut Conn, needs: &Needs, world: &mut World) -> Result<Beside, StoreError> {
    let mut beside = Beside::default();
    if !needs.visits.is_empty() {
        let sql = "SELECT * FROM visits WHERE token_digest {in ?}";
        for row in select(conn, sql, list(&needs.visits)).await? {
            let visit = visit(&row)?;
            beside.challenges.extend(visit.challenge);
            match visit.user {
                Some(user) => drop(beside.users.insert(user)),
                None => drop(beside.names.insert(visit.name.clone())),
            }
            world.visits.insert(visit.id, visit);
        }
    }
    if !needs.invitations.is_empty() {
        let sql = "SELECT * FROM invitations WHERE token_digest {in ?}";
        for row in select(conn, sql, list(&needs.invitations)).await? {
            let invitation = invitation(&row)?;
            beside.users.insert(invitation.user);
            world.invitations.insert(invitation.id, invitation);
        }
    }
    if !needs.invited.is_empty() {
        let sql = "SELECT * FROM invitations WHERE user_id {in ?}";
        for row in select(conn, sql, list(&needs.invited)).await? {
            let invitation = invitation(&row)?;
            world.invitations.insert(invitation.id, invitation);
        }
    }
    Ok(beside)
}

/// The visit with this cookie.
pub(super) async fn visit_by(reads: &Reads, token_digest: String) -> Result<Option<Visit>, StoreError> {
    let sql = "SELECT * FROM visits WHERE token_digest = ?";
    reads.first(sql, args![token_digest]).await?.map(|row| visit(&row)).transpose()
}

/// Who has a role at the console, by name.
pub(super) async fn operators(reads: &Reads) -> Result<Vec<User>, StoreError> {
    let sql = "SELECT * FROM users WHERE role IS NOT NULL ORDER BY username";
    reads.all(sql, &[]).await?.iter().map(rows::user).collect()
}

fn visit(row: &Row) -> Result<Visit, StoreError> {
    let stage = match row.get::<Option<&str>>("let_in_by")? {
        None => Stage::Knocking,
        Some(word) => {
            let by = match word {
                "invitation" => By::Invitation,
                "phone" => By::Phone(parsed(row, "authenticator_id")?),
                "access_pass" => By::AccessPass(parsed(row, "authenticator_id")?),
                "recovery_code" => By::RecoveryCode,
                _ => return Err(StoreError::Corrupt("let_in_by")),
            };
            Stage::Inside { by, proven_at: time(row, "proven_at")? }
        }
    };
    Ok(Visit {
        id: parsed(row, "id")?,
        place: place(row)?,
        name: text(row, "name")?,
        user: optional_parsed(row, "user_id")?,
        token_digest: text(row, "token_digest")?,
        address: parsed(row, "address")?,
        challenge: optional_parsed(row, "challenge_id")?,
        stage,
        created_at: time(row, "created_at")?,
        seen_at: time(row, "seen_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

fn invitation(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: parsed(row, "id")?,
        user: parsed(row, "user_id")?,
        place: place(row)?,
        token_digest: text(row, "token_digest")?,
        by_admin: flag(row, "by_admin")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

fn place(row: &Row) -> Result<Place, StoreError> {
    Place::from_word(row.get::<&str>("place")?).ok_or(StoreError::Corrupt("place"))
}
