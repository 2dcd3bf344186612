//! Carries events from the audit log to whoever is sent it: each at least once, in order, from where he has it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use gatematch_protocol::audit::{AuditEvent, Checkpoint};
use prometheus::{IntCounterVec, IntGaugeVec, Opts};

use super::record::{self, About};
use super::stream::Stream;
use super::{SiemFault, checkpoints_of, file, syslog};
use crate::http::Metrics;
use crate::http::app::App;
use crate::settings::{AuditFormat, Settings};
use crate::store::{AuditQuery, Store, StoreError};

/// How many events go in one batch.
const BATCH: u32 = 1_000;
/// How often the log is looked at, in seconds.
const LOOK_SECONDS: i64 = 1;
/// How long a batch may take, in seconds.
const PATIENCE_SECONDS: i64 = 60;
/// The longest pause between two attempts, in seconds.
const LONGEST_PAUSE_SECONDS: i64 = 60;

/// Somebody who is sent the log.
pub(crate) struct Sink {
    /// His name, by which it is remembered what he has.
    name: &'static str,
    format: AuditFormat,
    about: About,
    way: Way,
}

/// How he is reached.
enum Way {
    Syslog(Stream),
    File(PathBuf),
}

/// Why a batch was not delivered.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error(
        "nobody knows what was read: the receiver has not closed its side {PATIENCE_SECONDS} seconds after we began"
    )]
    Silence,
    #[error(
        "event {seq} was delivered, and the log ends with {end}: its end was cut off, or a backup was restored; verify it"
    )]
    CutOff { seq: u64, end: u64 },
}

/// Those whom `settings` names.
///
/// # Errors
/// [`SiemFault`].
pub(crate) fn sinks(settings: &Settings, issuer: &str) -> Result<Vec<Sink>, SiemFault> {
    let host = url::Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let about = || About { host: host.clone(), version: env!("CARGO_PKG_VERSION") };
    let mut sinks = Vec::new();
    if let Some(receiver) = &settings.audit_syslog {
        let way = Way::Syslog(Stream::to(receiver)?);
        sinks.push(Sink { name: super::SYSLOG, format: receiver.format, about: about(), way });
    }
    if let Some(file) = &settings.audit_file {
        let way = Way::File(file.path.clone());
        sinks.push(Sink { name: super::FILE, format: file.format, about: about(), way });
    }
    Ok(sinks)
}

/// What is told of all of them.
#[derive(Clone)]
pub(crate) struct Told {
    sent: IntCounterVec,
    failed: IntCounterVec,
    behind: IntGaugeVec,
}

impl Told {
    /// At zero.
    ///
    /// # Errors
    /// [`prometheus::Error`] if two metrics had one name.
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &["to"])?;
            metrics.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let help = "Audit events that are not delivered yet.";
        let behind = IntGaugeVec::new(Opts::new("gatematch_audit_undelivered", help), &["to"])?;
        metrics.register(Box::new(behind.clone()))?;
        Ok(Self {
            sent: counter("gatematch_audit_delivered_total", "Audit events delivered, repeats included.")?,
            failed: counter("gatematch_audit_delivery_failures_total", "Batches that were not delivered.")?,
            behind,
        })
    }
}

/// Carries the log to `sink`, as long as the server runs. It reads beside the writer: whoever is slow, or away, keeps
/// nobody from signing in.
pub(crate) async fn carry(app: App, sink: Arc<Sink>, told: Told) {
    let mut pause = 0;
    loop {
        // One node sends for all.
        if !app.store.leads() {
            app.edge.clock.sleep_until(app.now().plus_seconds(LOOK_SECONDS)).await;
            continue;
        }
        let batch = next(app.store.as_ref(), &sink, &told).await;
        let done = match batch {
            Ok(Some(batch)) => deliver(&app, &sink, &told, batch).await.map(|is_full| (true, is_full)),
            Ok(None) => Ok((false, false)),
            Err(error) => Err(error),
        };
        let wait = match done {
            Ok((was_sent, is_full)) => {
                if was_sent && pause > 0 {
                    tracing::info!(to = sink.name, "the audit log is delivered again");
                    pause = 0;
                }
                // Whoever fell behind is not made to wait.
                if is_full { 0 } else { LOOK_SECONDS.max(pause) }
            }
            Err(error) => {
                told.failed.with_label_values(&[sink.name]).inc();
                if pause == 0 {
                    tracing::error!(to = sink.name, %error, "the audit log is not delivered; it is kept, and tried again");
                } else {
                    tracing::debug!(to = sink.name, %error, "the audit log is still not delivered");
                }
                pause = (pause * 2).clamp(LOOK_SECONDS, LONGEST_PAUSE_SECONDS);
                pause
            }
        };
        if wait > 0 {
            app.edge.clock.sleep_until(app.now().plus_seconds(wait)).await;
        }
    }
}

/// What is delivered together.
struct Batch {
    events: Vec<AuditEvent>,
    /// What was signed, if he does not have that yet.
    checkpoint: Option<Checkpoint>,
    /// Up to which event he has the log when he has this.
    seq: u64,
}

/// What `sink` does not have yet; `None` where that is nothing.
async fn next(store: &dyn Store, sink: &Sink, told: &Told) -> Result<Option<Batch>, Undelivered> {
    let seq = store.cursor(sink.name.to_owned()).await?;
    let end = store.log_end().await?.size;
    let behind = i64::try_from(end.saturating_sub(seq)).unwrap_or(i64::MAX);
    told.behind.with_label_values(&[sink.name]).set(behind);
    if seq > end {
        return Err(Undelivered::CutOff { seq, end });
    }
    let events = store.audit(AuditQuery { after: seq, limit: BATCH, ..AuditQuery::default() }).await?;
    if let Some(first) = events.first().filter(|first| first.seq != seq + 1) {
        tracing::error!(
            to = sink.name,
            from = seq + 1,
            until = first.seq - 1,
            "events are gone that were not delivered"
        );
    }
    let seq = events.last().map_or(seq, |event| event.seq);
    let known = store.cursor(checkpoints_of(sink.name)).await?;
    // It follows what it is about.
    let checkpoint = store.last_checkpoint().await?.filter(|made| known < made.size && made.size <= seq);
    Ok((!events.is_empty() || checkpoint.is_some()).then_some(Batch { events, checkpoint, seq }))
}

/// Delivers a batch, and remembers that; whether there may be more at once.
async fn deliver(app: &App, sink: &Sink, told: &Told, batch: Batch) -> Result<bool, Undelivered> {
    let sent = send(app, sink, &batch);
    match &sink.way {
        // Somebody who hangs holds one thread, and not one more at each attempt.
        Way::File(_) => sent.await?,
        Way::Syslog(_) => tokio::select! {
            sent = sent => sent?,
            () = app.edge.clock.sleep_until(app.now().plus_seconds(PATIENCE_SECONDS)) => return Err(Undelivered::Silence),
        },
    }
    app.store.move_cursor(sink.name.to_owned(), batch.seq).await?;
    if let Some(checkpoint) = &batch.checkpoint {
        app.store.move_cursor(checkpoints_of(sink.name), checkpoint.size).await?;
    }
    told.sent.with_label_values(&[sink.name]).inc_by(batch.events.len() as u64);
    Ok(batch.events.len() >= BATCH as usize)
}

async fn send(app: &App, sink: &Sink, batch: &Batch) -> io::Result<()> {
    match &sink.way {
        Way::Syslog(stream) => {
            let mut bytes = Vec::new();
            for event in &batch.events {
                bytes.extend(syslog::frame(event, sink.format, &sink.about));
            }
            if let Some(checkpoint) = &batch.checkpoint {
                bytes.extend(syslog::checkpoint(checkpoint, app.now(), &sink.about));
            }
            stream.deliver(&bytes, app.edge.clock.as_ref()).await
        }
        Way::File(path) => {
            let mut text = String::new();
            for event in &batch.events {
                text.push_str(&record::line(event, sink.format, &sink.about));
                text.push('\n');
            }
            if let Some(checkpoint) = &batch.checkpoint {
                text.push_str(&record::checkpoint(checkpoint));
                text.push('\n');
            }
            let path = path.clone();
            tokio::task::spawn_blocking(move || file::append(&path, &text)).await.map_err(io::Error::other)?
        }
    }
}
