//! What happens by itself: time runs out, counts are told, and what nobody needs is forgotten.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::http::app::App;
use crate::{siem, tally};

/// How long the expiry waits before it tries again what failed, in seconds.
const RETRY_SECONDS: i64 = 1;
/// The longest it sleeps without looking, in seconds: for challenges that another process opened.
const LOOK_SECONDS: i64 = 30;
/// How often it is looked whether somebody else has changed anything, where nobody tells.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How often counts of refusals are told, in seconds.
const TELL_SECONDS: i64 = 60;
/// How often the store is purged, in seconds: at most 2,000 rows of each kind at a time, so that nobody waits long for it.
const PURGE_SECONDS: i64 = 1;
/// How long after the start the log is signed first, in seconds.
const FIRST_SIGNING_SECONDS: i64 = 60;

/// Starts them all.
pub(crate) fn start(app: &App) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(expire(Arc::clone(app))),
        tokio::spawn(tell_of_strangers(Arc::clone(app))),
        tokio::spawn(purge(Arc::clone(app))),
        tokio::spawn(look_around(Arc::clone(app))),
        tokio::spawn(sign_the_log(Arc::clone(app))),
        tokio::spawn(tally::keep(Arc::clone(app))),
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
    // Whoever is started often signs as well.
    let (mut wait, mut written) = (every.min(FIRST_SIGNING_SECONDS), None);
    loop {
        app.edge.clock.sleep_until(app.now().plus_seconds(wait)).await;
        wait = every;
        // One node signs for all.
        if !app.store.leads() {
            continue;
        }
        let made = match app.checkpoint().await {
            Ok(made) => made,
            Err(error) => {
                tracing::error!(%error, "what the audit log ends in could not be signed");
                continue;
            }
        };
        let Some(file) = app.settings.audit_checkpoint_file.clone().filter(|_| written.as_ref() != Some(&made)) else {
            continue;
        };
        match tokio::task::spawn_blocking({
            let made = made.clone();
            move || siem::append_checkpoint(&file, &made)
        })
        .await
        {
            Ok(Ok(())) => written = Some(made),
            Ok(Err(error)) => tracing::error!(%error, "audit_checkpoint_file cannot be written"),
            Err(error) => tracing::error!(%error, "audit_checkpoint_file cannot be written"),
        }
    }
}

/// Looks whether a command beside the server has changed anything: those who wait are woken then, and need not look each
/// for himself.
async fn look_around(app: App) {
    loop {
        tokio::time::sleep(LOOK_AROUND).await;
        if let Err(error) = app.store.look_around().await {
            tracing::debug!(%error, "it is not known whether somebody else has changed anything");
        }
    }
}

async fn purge(app: App) {
    loop {
        if let Err(error) = app.store.purge(app.now()).await {
            tracing::error!(%error, "the store could not be purged");
        }
        app.edge.clock.sleep_until(app.now().plus_seconds(PURGE_SECONDS)).await;
    }
}
