//! Tells the server what was not served.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Shared;
use crate::api::Failure;
use crate::deadline::{Pause, later};
use crate::drops::Report;

/// How often the hours that are over are looked for, in seconds.
const LOOK_EVERY: i64 = 60;
/// How often one report is tried.
const TRIES: usize = 4;

/// Sends reports one after the other, until the front door ends it.
pub(super) async fn run(shared: Arc<Shared>, mut reports: mpsc::Receiver<Report>) {
    let mut next = shared.edge.now().plus_seconds(LOOK_EVERY);
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                Some(report) => send(&shared, report).await,
                None => return,
            },
            () = shared.edge.clock.sleep_until(next) => {
                let now = shared.edge.now();
                shared.drops.tell_due(now);
                next = now.plus_seconds(LOOK_EVERY);
            }
        }
    }
}

async fn send(shared: &Shared, report: Report) {
    // An address that is no client's is told with the key of the first client.
    let Some(client) = shared.clients.get(report.client.unwrap_or(0)) else { return };
    let message = shared.drops.message(report);
    let mut pause = Pause::new();
    for _ in 0..TRIES {
        match shared.api.report_drops(&client.gateway_key, &message).await {
            Ok(()) => return,
            Err(Failure::Unavailable(_)) => {}
            Err(failure) => {
                // The log has it; the server does not want it.
                tracing::debug!(client = %client.name, %failure, "a report of drops was refused");
                return;
            }
        }
        shared.edge.clock.sleep_until(later(shared.edge.now(), pause.take())).await;
    }
    shared.drops.take_back(shared.edge.now(), report);
}
