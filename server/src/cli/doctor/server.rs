//! The database, where it is on a server: whether it answers, and whether what it acknowledges is kept. It is read, and
//! nothing else.

use gatematch_protocol::time::Timestamp;

use super::database::Known;
use super::finding::Finding;
use crate::store::StoreError;
use crate::store::postgres::{Found, OpenFault, Server};
use crate::store::sql::{Conn, newest_migration};
use crate::vault::SealedKey;

/// How many connections a node may need: those that read, the writer, the listener, and a command beside it.
const NEEDED: i64 = 16;

/// Looks at it; what there is to say, and what it holds where it can be read.
pub(super) async fn look(server: &Server) -> (Vec<Finding>, Option<Known>) {
    let Found { mut conn, version, unsafe_setting, newest } = match server.look().await {
        Ok(found) => found,
        Err(fault) => return (vec![Finding::fail(format!("{fault}."), todo(&fault))], None),
    };
    let mut findings = vec![Finding::ok(format!("{server} answers: {version}."))];
    findings.extend(unsafe_setting.map(|setting| {
        let what = format!("The server runs with {setting}: what it acknowledges may be lost.");
        Finding::warn(what, "Change that there, and take database_unsafe_fsync_off away.")
    }));
    findings.push(schema(newest));
    findings.extend(health(server, &mut conn).await.unwrap_or_else(|error| {
        vec![Finding::warn(format!("It does not tell how it is: {error}."), "Look at the server's log.")]
    }));
    let known = if newest > 0 { read(&mut conn).await.ok() } else { None };
    (findings, known)
}

/// What it holds, where it can be read.
pub(super) async fn known(server: &Server) -> Option<Known> {
    let mut found = server.look().await.ok()?;
    read(&mut found.conn).await.ok()
}

fn todo(fault: &OpenFault) -> &'static str {
    match fault {
        OpenFault::Unreachable { .. } => {
            "Look whether the server runs and lets this machine and account in (pg_hba.conf), and at database_url."
        }
        OpenFault::Schema { .. } => "See docs/upgrade.md.",
        OpenFault::Unsafe { .. } | OpenFault::Unknown { .. } => "See docs/scaling.md.",
    }
}

fn schema(newest: i64) -> Finding {
    let ours = newest_migration();
    if newest == 0 {
        return Finding::warn("It is empty.", "The first command or start fills it, unless database_url is wrong.");
    }
    if newest < ours {
        let what =
            format!("Its schema is {newest}, and this program's is {ours}: the next start brings it up to date.");
        return Finding::warn(what, "Make a backup first (docs/upgrade.md).");
    }
    Finding::ok(format!("Its schema is this program's ({ours})."))
}

async fn health(server: &Server, conn: &mut Conn) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let sql =
        "SELECT pg_is_in_recovery() AS standby, coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()),
                      FALSE) AS ssl,
                      CAST(current_setting('max_connections') AS bigint)
                          - CAST(current_setting('superuser_reserved_connections') AS bigint)
                          - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS left_over";
    let Some(row) = conn.first(sql, &[]).await? else { return Ok(findings) };
    if row.get("standby")? {
        let todo =
            "Name the one that takes writes in database_url; with several hosts, what stands before them must know.";
        findings.push(Finding::fail("It is a standby, and takes no writes.", todo));
    }
    let left: i64 = row.get("left_over")?;
    if left < NEEDED {
        let what = format!("{left} connections are left there, and a node may need {NEEDED}.");
        findings.push(Finding::warn(what, "Raise max_connections."));
    }
    let is_here = server.host().starts_with('/') || ["localhost", "127.0.0.1", "::1"].contains(&server.host().as_str());
    let todo = "Set sslmode=verify-full in database_url, with sslrootcert where its authority is the company's own.";
    if !is_here && !row.get::<bool>("ssl")? {
        findings.push(Finding::warn("Whoever is on the way reads along: the connection has no TLS.", todo));
    } else if !is_here && !server.is_verified() {
        let what = "The connection has TLS, but nobody looks whose certificate it is.";
        findings.push(Finding::warn(what, todo));
    }
    Ok(findings)
}

async fn read(conn: &mut Conn) -> Result<Known, StoreError> {
    let newest = "SELECT at FROM audit_events ORDER BY seq DESC LIMIT 1";
    let newest = conn.first(newest, &[]).await?.map(|row| row.get("at")).transpose()?;
    let keys = conn.all("SELECT number, sealed, status, created_at FROM vault_keys ORDER BY number", &[]).await?;
    let mut data_keys = Vec::with_capacity(keys.len());
    for row in keys {
        data_keys.push(SealedKey {
            number: u32::try_from(row.get::<i64>("number")?).map_err(|_| StoreError::Corrupt("number"))?,
            sealed: row.get("sealed")?,
            status: row.get("status")?,
            created_at: Timestamp::from_micros(row.get("created_at")?),
        });
    }
    let token_keys = conn.all("SELECT id FROM signing_keys WHERE purpose = 'tokens' ORDER BY id", &[]).await?;
    let gateways = conn.all("SELECT key_digest FROM gateways", &[]).await?;
    Ok(Known {
        newest_event: newest.map(Timestamp::from_micros),
        data_keys,
        token_keys: token_keys.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?,
        gateways: gateways.iter().map(|row| row.get("key_digest")).collect::<Result<_, _>>()?,
    })
}
