//! `gatematch audit`.

mod file;
mod proof;

use std::collections::VecDeque;

use clap::{Args, Subcommand};
use gatematch_domain::text::disarm;
use gatematch_protocol::audit::AuditEvent;

pub(super) use self::proof::checkpoints;
use self::proof::{Export, Prune, Verify};
use super::end::End;
use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, Tone, short_id, shown_time};
use crate::store::{AuditQuery, Store};

/// How many events are read at a time.
const PAGE: u32 = 1_000;
/// How long `--follow` waits between two looks, in seconds.
const LOOK_EVERY: i64 = 1;

/// `gatematch audit ...`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Show the last events
    Tail(Tail),
    /// Check that nobody has changed, added or removed an event
    Verify(Verify),
    /// Write the whole log into a file that can be checked anywhere
    Export(Export),
    /// Sign what the log ends in now: whoever cuts it off later is found out by that
    Checkpoint,
    /// Remove the beginning of the log; a signed statement stands in its place, and the rest can still be checked
    Prune(Prune),
}

/// `gatematch audit tail`.
#[derive(Debug, Args)]
pub struct Tail {
    /// How many
    #[arg(short = 'n', long = "lines", value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    count: u32,
    /// Go on showing new events, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only what concerns this person
    #[arg(long)]
    user: Option<String>,
}

/// Does what needs no database and no settings; `None` where the command needs them.
pub(super) fn without_server(command: &AuditCommand, terminal: &mut Terminal) -> Option<Result<(), Fault>> {
    let AuditCommand::Verify(asked) = command else { return None };
    proof::verify_file(asked, terminal)
}

pub(super) async fn run(command: &AuditCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let tail = match command {
        AuditCommand::Tail(tail) => tail,
        AuditCommand::Verify(asked) => return proof::verify(asked, operator, terminal).await,
        AuditCommand::Export(asked) => return proof::export(asked, operator, terminal).await,
        AuditCommand::Checkpoint => return proof::checkpoint(operator, terminal).await,
        AuditCommand::Prune(asked) => return proof::prune(asked, operator, terminal).await,
    };
    let user = tail.user.as_ref().map(|name| operator.settings.domains.canonical_or_as_given(name));
    let store = operator.store.as_ref();
    let last = last_seq(store, user.as_ref()).await?;
    let events = last_events(store, user.as_ref(), last, tail.count).await?;
    if terminal.is_json() {
        events.iter().try_for_each(|event| terminal.json(event))?;
    } else if tail.follow {
        let head = terminal.toned(Tone::Quiet, &line(HEADS.map(str::to_owned)));
        terminal.line(&head)?;
        events.iter().try_for_each(|event| terminal.line(&line(cells(event))))?;
    } else if events.is_empty() {
        terminal.line("There is nothing to show.")?;
    } else {
        table(&events, terminal)?;
    }
    if tail.follow { follow(operator, user, last, terminal).await } else { Ok(()) }
}

async fn read(store: &dyn Store, user: Option<&String>, after: u64, limit: u32) -> Result<Vec<AuditEvent>, Fault> {
    Ok(store.audit(AuditQuery { after, limit, user: user.cloned(), ..AuditQuery::default() }).await?)
}

/// The highest `seq` of the user's events (of all, without one); 0 where there is none. Those of a user are found by
/// halving, since the store reads forward only and the log may be long.
async fn last_seq(store: &dyn Store, user: Option<&String>) -> Result<u64, Fault> {
    if user.is_none() {
        return Ok(store.log_end().await?.size);
    }
    // There is an event after `known`, or `known` is the last; there is none after `beyond`.
    let (mut known, mut step) = (0_u64, 1_u64);
    let mut beyond = loop {
        let probe = known.saturating_add(step);
        match read(store, user, probe, 1).await?.first() {
            Some(event) => known = event.seq,
            None => break probe,
        }
        step = step.saturating_mul(2);
    };
    while known < beyond {
        let middle = known + (beyond - known) / 2;
        match read(store, user, middle, 1).await?.first() {
            Some(event) => known = event.seq,
            None => beyond = middle,
        }
    }
    Ok(known)
}

/// The last `count` events up to `last`.
async fn last_events(
    store: &dyn Store,
    user: Option<&String>,
    last: u64,
    count: u32,
) -> Result<Vec<AuditEvent>, Fault> {
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    let mut window = u64::from(count);
    loop {
        let start = last.saturating_sub(window);
        let found = between(store, user, start, last, wanted).await?;
        if found.len() >= wanted || start == 0 {
            return Ok(found.into());
        }
        // The user's events lie further apart.
        window = window.saturating_mul(4);
    }
}

async fn between(
    store: &dyn Store,
    user: Option<&String>,
    after: u64,
    last: u64,
    wanted: usize,
) -> Result<VecDeque<AuditEvent>, Fault> {
    let mut found = VecDeque::new();
    let mut after = after;
    while after < last {
        let page = read(store, user, after, PAGE).await?;
        let Some(end) = page.last().map(|event| event.seq) else { break };
        found.extend(page.into_iter().filter(|event| event.seq <= last));
        let surplus = found.len().saturating_sub(wanted);
        found.drain(..surplus);
        after = end;
    }
    Ok(found)
}

async fn follow(operator: &Operator, user: Option<String>, last: u64, terminal: &mut Terminal) -> Result<(), Fault> {
    let mut end = End::new()?;
    let mut after = last;
    loop {
        let page = read(operator.store.as_ref(), user.as_ref(), after, PAGE).await?;
        for event in &page {
            if terminal.is_json() { terminal.json(event)? } else { terminal.line(&line(cells(event)))? }
        }
        after = page.last().map_or(after, |event| event.seq);
        if page.len() == PAGE as usize {
            continue;
        }
        tokio::select! {
            () = operator.edge.clock.sleep_until(operator.edge.now().plus_seconds(LOOK_EVERY)) => {}
            () = end.come() => return Ok(()),
        }
    }
}

const HEADS: [&str; 6] = ["SEQ", "TIME", "EVENT", "BY", "USER", "OUTCOME"];

/// Shows events to people, under heads, in columns that align.
///
/// # Errors
/// [`Fault`] when nobody reads it any more.
pub fn table(events: &[AuditEvent], terminal: &mut Terminal) -> Result<(), Fault> {
    let rows: Vec<_> = events.iter().map(|event| cells(event).to_vec()).collect();
    terminal.table(&HEADS, &rows)
}

fn cells(event: &AuditEvent) -> [String; 6] {
    let mut outcome = event.outcome.clone().unwrap_or_default();
    if let Some(reason) = &event.reason {
        outcome = format!("{outcome}: {reason}");
    }
    let actor = event.actor.as_deref().map(shown_actor).unwrap_or_default();
    [
        event.seq.to_string(),
        shown_time(event.at),
        event.kind.clone(),
        actor,
        event.user.clone().unwrap_or_default(),
        outcome,
    ]
}

/// Of an actor that is an id, its end.
fn shown_actor(actor: &str) -> String {
    match actor.split_once(':') {
        Some((party @ ("gateway" | "device" | "browser"), id)) => format!("{party}:{}", short_id(id)),
        _ => actor.to_owned(),
    }
}

/// In columns of fixed width: what comes later stands under the same heads.
fn line([seq, time, kind, actor, user, outcome]: [String; 6]) -> String {
    disarm(&format!("{seq:<5}  {time:<20}  {kind:<20}  {actor:<20}  {user:<12}  {outcome}"))
}
