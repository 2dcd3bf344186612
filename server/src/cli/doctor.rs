//! `gatematch doctor`: looks at everything that a server needs, beside a running one or without, and changes nothing.

mod certificate;
mod client;
mod clock;
mod database;
mod directory;
mod files;
mod finding;
pub mod front_door;
mod master_key;
mod network;
mod ports;
mod server;
mod settings;
mod show;
#[cfg(test)]
mod tests;

use clap::Args;

use self::finding::{Finding, Row, Tally};
use self::network::Reach;
use super::Globals;
use super::fault::Fault;
use super::owner::Caller;
use super::serve::Companion;
use super::terminal::Terminal;
use crate::edge::Edge;
use crate::settings::{Environment, Flags, Loaded, Settings};

/// `gatematch doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Check the network in place of this machine: what must be open from where to where, and whether it is
    #[arg(long)]
    network: bool,
}

pub(super) async fn run(
    doctor: &Doctor,
    caller: &Caller,
    globals: &Globals,
    environment: &Environment,
    companion: Companion,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    let flags = Flags { config: globals.config.clone(), data_dir: globals.data_dir.clone(), listen: None };
    let loaded = Settings::load(&flags, environment);
    if doctor.network {
        // Without settings nobody knows whom to call.
        let Loaded { settings, warnings, .. } = loaded?;
        warnings.iter().for_each(|warning| terminal.note(warning));
        let door = (companion.door)(&settings, environment)?;
        let ways = network::ways(&settings, door.as_ref(), &Reach::system()).await;
        show::ways(&ways, terminal)?;
        return Tally::of(ways.iter().map(|way| &way.finding)).end();
    }
    let rows = match loaded {
        Err(fault) => vec![settings::unreadable(&fault)],
        Ok(loaded) => rows(&loaded, caller, environment, companion).await,
    };
    show::rows(&rows, terminal)?;
    Tally::of(rows.iter().map(|row| &row.finding)).end()
}

/// What there is to say about this machine.
async fn rows(loaded: &Loaded, caller: &Caller, environment: &Environment, companion: Companion) -> Vec<Row> {
    let settings = &loaded.settings;
    let mut rows = settings::rows(loaded);
    // Another account sees other rights, and its word would count for nothing.
    if let Err(fault) = caller.check_owner(&settings.data_dir, environment) {
        rows.push(Row::new("data directory", refused(&fault)));
        return rows;
    }
    let edge = Edge::system();
    rows.extend(directory::rows(&settings.data_dir));
    let (found, known) = database::look(settings).await;
    rows.extend(found);
    rows.extend(master_key::rows(settings, known.as_ref(), &edge));
    rows.push(clock::row(edge.now(), known.as_ref().and_then(|known| known.newest_event)));
    let (certificate, served) = certificate::rows(settings, edge.now());
    rows.extend(certificate);
    rows.extend(files::rows(settings, edge.now()));
    let door = (companion.door)(settings, environment);
    rows.extend(ports::rows(settings, door.as_ref().ok().and_then(Option::as_ref), served.as_ref(), &edge).await);
    match door {
        Ok(None) => {}
        Ok(Some(door)) => rows.extend(front_door::rows(&door, known.as_ref())),
        Err(fault) => rows.push(Row::new(front_door::PART, refused(&fault))),
    }
    rows
}

/// What a command would be refused with.
fn refused(fault: &Fault) -> Finding {
    let told = fault.told();
    let todo = if told.len() > 1 { told.last().copied() } else { None };
    Finding::fail(told.first().copied().unwrap_or_default(), todo.unwrap_or_default())
}
