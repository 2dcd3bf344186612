//! What happens by itself: time runs out, counts are told, and what nobody needs is forgotten.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use gatematch_protocol::audit::Checkpoint;
use tokio::task::JoinHandle;

use crate::http::app::App;

/// How long the expiry waits before it tries again what failed, in seconds.
const RETRY_SECONDS: i64 = 1;
/// The longest it sleeps without looking, in seconds: for challenges that another process opened.
const LOOK_SECONDS: i64 = 30;
/// How often counts of refusals are told, in seconds.
const TELL_SECONDS: i64 = 60;
/// How often the store is purged, in seconds.
const PURGE_SECONDS: i64 = 60;

/// Starts them all.
pub(crate) fn start(app: &App) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(expire(Arc::clone(app))),
        tokio::spawn(tell_of_strangers(Arc::clone(app))),
        tokio::spawn(purge(Arc::clone(app))),
        tokio::spawn(sign_the_log(Arc::clone(app))),
    ]
}

/// Writes down whose time has run out, when it has.
async fn expire(app: App) {
    loop {
        // What is noted from here on is newer than what the store will answer.
        app.hub.take_deadline();
        let now = app.now();
        let next = match app.store.settle(now).await {
            Ok(next) => next.unwrap_or_else(|| now.plus_seconds(LOOK_SECONDS)).min(now.plus_seconds(LOOK_SECONDS)),
            Err(error) => {
                tracing::error!(%error, "challenges whose time ran out could not be written down");
                now.plus_seconds(RETRY_SECONDS)
            }
        };
        loop {
            let next = app.hub.deadline().map_or(next, |noted| noted.min(next));
            if app.now() >= next {
                break;
            }
            tokio::select! {
                () = app.edge.clock.sleep_until(next) => break,
                () = app.hub.earlier_deadline() => {}
            }
        }
    }
}

async fn tell_of_strangers(app: App) {
    loop {
        let now = app.now();
        app.edge.clock.sleep_until(now.plus_seconds(TELL_SECONDS)).await;
        let events = app.strangers.ended(app.now(), false);
        if events.is_empty() {
            continue;
        }
        if let Err(error) = app.store.record_events(events).await {
            tracing::error!(%error, "refusals of strangers could not be recorded");
        }
    }
}

/// Signs what the audit log ends in, from time to time, and writes that to a file where one is set: whoever cuts the log
/// off later is found out by it.
async fn sign_the_log(app: App) {
    let Some(every) = app.settings.audit_checkpoint_seconds else { return };
    loop {
        app.edge.clock.sleep_until(app.now().plus_seconds(every)).await;
        let before = app.store.last_checkpoint().await.ok().flatten();
        let made = match app.checkpoint().await {
            Ok(made) if before.as_ref() == Some(&made) => continue,
            Ok(made) => made,
            Err(error) => {
                tracing::error!(%error, "what the audit log ends in could not be signed");
                continue;
            }
        };
        let Some(file) = app.settings.audit_checkpoint_file.clone() else { continue };
        let written = tokio::task::spawn_blocking(move || append(&file, &made)).await;
        if let Ok(Err(error)) = written {
            tracing::error!(%error, "audit_checkpoint_file cannot be written");
        }
    }
}

/// Adds a checkpoint to a file, as a line of JSON, durably.
fn append(path: &Path, checkpoint: &Checkpoint) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let mut line = serde_json::to_vec(checkpoint)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()
}

async fn purge(app: App) {
    loop {
        if let Err(error) = app.store.purge(app.now()).await {
            tracing::error!(%error, "the store could not be purged");
        }
        app.edge.clock.sleep_until(app.now().plus_seconds(PURGE_SECONDS)).await;
    }
}
