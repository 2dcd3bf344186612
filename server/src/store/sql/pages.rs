//! The connect page in the database: what is loaded of it, and what is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use gatematch_domain::challenge::{Approval, CLOCK_STEP_SECONDS};
use gatematch_domain::connect::{Browser, COUNTED_SECONDS, Opened, Pages, Session, Stage};
use gatematch_domain::policy::Method;
use gatematch_protocol::id::{AuthenticatorId, ChallengeId, UserId};
use gatematch_protocol::response::UserVerification;
use gatematch_protocol::time::Timestamp;
use serde_json::{Value, json};

use super::conn::Conn;
use super::load::{list, select};
use super::reads::Reads;
use super::row::{Row, args};
use super::rows::{flag, json, optional_parsed, parsed, small, text, time};
use crate::store::world::{Needs, World};
use crate::store::{Page, StoreError};

/// What sessions serve, where the verbs need it.
#[derive(Default)]
pub(super) struct Served {
    pub(super) names: BTreeSet<String>,
    pub(super) challenges: BTreeSet<ChallengeId>,
}

/// Loads the pages of the names and sessions that are needed. For a name that nobody has, the same is done as for
/// any other.
pub(super) async fn load_pages(conn: &mut Conn, needs: &Needs, world: &mut World) -> Result<Served, StoreError> {
    let mut served = Served::default();
    let mut names = needs.pages.clone();
    let tokens: BTreeSet<&String> = needs.sessions.union(&needs.served).collect();
    let mut sessions = Vec::new();
    if !tokens.is_empty() {
        let sql = "SELECT * FROM connect_sessions WHERE token_digest {in ?}";
        for row in select(conn, sql, list(tokens)).await? {
            let session = session(&row)?;
            if needs.served.contains(&session.token_digest) {
                served.names.insert(session.name.clone());
                served.challenges.extend(session.challenge());
            }
            names.insert(session.name.clone());
            sessions.push(session);
        }
    }
    if !names.is_empty() {
        let sql = "SELECT * FROM connect_sessions WHERE hears AND name {in ?} ORDER BY id";
        for row in select(conn, sql, list(&names)).await? {
            sessions.push(session(&row)?);
        }
        let sql = "SELECT b.*, u.username FROM users AS u JOIN browsers AS b ON b.user_id = u.id
                   WHERE u.username {in ?} ORDER BY b.id";
        for row in select(conn, sql, list(&names)).await? {
            world.pages.entry(text(&row, "username")?).or_default().browsers.push(browser(&row)?);
        }
    }
    for session in sessions {
        let pages = world.pages.entry(session.name.clone()).or_default();
        if pages.session(session.id).is_none() {
            pages.sessions.push(session);
        }
    }
    world.counted = counted(conn, &needs.counted).await?;
    Ok(served)
}

async fn counted(conn: &mut Conn, needed: &BTreeMap<IpAddr, Timestamp>) -> Result<BTreeMap<IpAddr, usize>, StoreError> {
    let mut counted = BTreeMap::new();
    if needed.is_empty() {
        return Ok(counted);
    }
    let row = |(block, now): (&IpAddr, &Timestamp)| {
        let (since, ahead) = (now.plus_seconds(-COUNTED_SECONDS), now.plus_seconds(CLOCK_STEP_SECONDS));
        json!([block, since.micros(), now.micros(), ahead.micros()])
    };
    let blocks: Vec<Value> = needed.iter().map(row).collect();
    // As `Session::is_counted` says it.
    let sql = "SELECT j.value ->> 0 AS block, count(s.id) AS sessions FROM {each ? AS j}
               LEFT JOIN connect_sessions AS s ON s.block = j.value ->> 0 AND s.hears AND s.browser_id IS NULL
                    AND ((s.counted_at > CAST(j.value ->> 1 AS BIGINT) AND s.counted_at < CAST(j.value ->> 3 AS BIGINT))
                         OR (s.stage = 'armed' AND s.armed_at <= CAST(j.value ->> 2 AS BIGINT)
                             AND s.expires_at > CAST(j.value ->> 2 AS BIGINT)))
               GROUP BY 1";
    for row in select(conn, sql, Value::from(blocks).to_string()).await? {
        let sessions: i64 = row.get("sessions")?;
        counted.insert(parsed(&row, "block")?, usize::try_from(sessions).unwrap_or(usize::MAX));
    }
    Ok(counted)
}

/// The session with this cookie, and whether a bound browser eclipses it.
pub(super) async fn page(reads: &Reads, token_digest: String, now: Timestamp) -> Result<Option<Page>, StoreError> {
    let sql = "SELECT * FROM connect_sessions WHERE token_digest = ?";
    let Some(row) = reads.first(sql, args![token_digest]).await? else { return Ok(None) };
    let session = session(&row)?;
    let (pages, live) = pages_of(reads, &session.name).await?;
    let is_eclipsed = pages.is_eclipsed(&session, &live, now);
    Ok(Some(Page { session, is_eclipsed }))
}

async fn pages_of(reads: &Reads, name: &str) -> Result<(Pages, Vec<ChallengeId>), StoreError> {
    let mut pages = Pages::default();
    let mut live = Vec::new();
    let sql = "SELECT s.*, c.state IN ('pending', 'approved') AS is_live FROM connect_sessions AS s
               LEFT JOIN challenges AS c ON c.id = s.challenge_id WHERE s.hears AND s.name = ? ORDER BY s.id";
    for row in reads.all(sql, args![name]).await? {
        let session = session(&row)?;
        if row.get::<Option<bool>>("is_live")? == Some(true) {
            live.extend(session.challenge());
        }
        pages.sessions.push(session);
    }
    let sql = "SELECT b.* FROM users AS u JOIN browsers AS b ON b.user_id = u.id WHERE u.username = ? ORDER BY b.id";
    let found = reads.all(sql, args![name]).await?;
    pages.browsers = found.iter().map(browser).collect::<Result<_, _>>()?;
    Ok((pages, live))
}

/// Whether a browser with this cookie is bound to somebody.
pub(super) async fn is_bound(reads: &Reads, token_digest: String, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM browsers WHERE token_digest = ? AND expires_at > ?";
    Ok(reads.first(sql, args![token_digest, now.micros()]).await?.is_some())
}

/// The browsers bound to a user.
pub(super) async fn browsers(reads: &Reads, user: UserId) -> Result<Vec<Browser>, StoreError> {
    let sql = "SELECT * FROM browsers WHERE user_id = ? ORDER BY id";
    reads.all(sql, args![user.to_string()]).await?.iter().map(browser).collect()
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let serving = || -> Result<Stage, StoreError> {
        Ok(Stage::Serving {
            challenge: parsed(row, "challenge_id")?,
            confirmed: flag(row, "confirmed")?,
            told: flag(row, "told")?,
        })
    };
    Ok(Session {
        id: parsed(row, "id")?,
        name: text(row, "name")?,
        token_digest: text(row, "token_digest")?,
        browser: optional_parsed(row, "browser_id")?,
        address: parsed(row, "address")?,
        block: parsed(row, "block")?,
        hears: flag(row, "hears")?,
        counted_at: time(row, "counted_at")?,
        armed_at: time(row, "armed_at")?,
        expires_at: time(row, "expires_at")?,
        stage: match text(row, "stage")?.as_str() {
            "armed" => Stage::Armed,
            "serving" => serving()?,
            "collided" => Stage::Collided,
            "replaced" => Stage::Replaced,
            _ => return Err(StoreError::Corrupt("stage")),
        },
        opened: opened(row)?,
        wrong_passcodes: small(row, "wrong_passcodes")?,
    })
}

/// The column `opened`.
fn opened(row: &Row) -> Result<Option<Opened>, StoreError> {
    #[derive(serde::Deserialize)]
    struct Stored {
        method: String,
        authenticator: Option<AuthenticatorId>,
        at: i64,
        until: i64,
    }
    let Some(text) = row.get::<Option<String>>("opened")? else { return Ok(None) };
    let corrupt = || StoreError::Corrupt("opened");
    let Stored { method, authenticator, at, until } = serde_json::from_str(&text).map_err(|_| corrupt())?;
    let method = Method::from_word(&method).ok_or_else(corrupt)?;
    let approval = Approval { method, device: None, authenticator, uv: UserVerification::None };
    Ok(Some(Opened { approval, at: Timestamp::from_micros(at), until: Timestamp::from_micros(until) }))
}

fn browser(row: &Row) -> Result<Browser, StoreError> {
    Ok(Browser {
        id: parsed(row, "id")?,
        user: parsed(row, "user_id")?,
        token_digest: text(row, "token_digest")?,
        client_names: json(row, "client_names")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        last_used_at: time(row, "last_used_at")?,
    })
}
