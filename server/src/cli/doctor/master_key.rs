//! The master key: whether it is there, and opens what the database is sealed under.

use super::database::Known;
use super::finding::{Finding, Row};
use crate::edge::Edge;
use crate::settings::Settings;
use crate::start::has_given_key;
use crate::vault::{KEY_FILE, MasterKey, MasterKeyFault, NEXT_FILE, SealedKey, Source, Vault};

const PART: &str = "master key";

pub(super) fn rows(settings: &Settings, known: Option<&Known>, edge: &Edge) -> Vec<Row> {
    let keys = known.map(|known| known.data_keys.as_slice()).unwrap_or_default();
    findings(settings, keys, edge).into_iter().map(|finding| Row::new(PART, finding)).collect()
}

fn findings(settings: &Settings, keys: &[SealedKey], edge: &Edge) -> Vec<Finding> {
    let file = settings.data_dir.join(KEY_FILE);
    let (key, place) = match held(settings) {
        Ok(Some(held)) => held,
        Ok(None) => return vec![missing(settings, keys)],
        Err(MasterKeyFault::Readable(file)) => {
            let shown = file.display();
            let todo = format!("Run: chmod 600 {shown}");
            return vec![Finding::fail(format!("The master key file {shown} can be read by others."), todo)];
        }
        Err(fault) => {
            return vec![Finding::fail(format!("{fault}."), "Put the right key there from its backup (docs/keys.md).")];
        }
    };
    let source = match settings.master_key {
        Some(_) => Source::Given,
        None => Source::Directory(settings.data_dir.clone()),
    };
    let Ok(vault) = Vault::new(&key, source, edge.clone()) else {
        return vec![Finding::fail(format!("The key in {place} cannot be used."), "")];
    };
    let opens = |key: &SealedKey| vault.check_master(std::slice::from_ref(key)).is_ok();
    let mut findings = vec![opened(&place, keys, opens)];
    if keys.iter().any(SealedKey::is_between_masters) {
        let what = "A new master key waits for the next start of the server.";
        findings.push(Finding::warn(what, "Restart the server; until then keep both keys (docs/keys.md)."));
    } else if settings.data_dir.join(NEXT_FILE).exists() {
        let what = format!("{NEXT_FILE} lies in the data directory: a change of the master key was cut off.");
        findings.push(Finding::warn(what, "Keep it. The next start of the server ends the change (docs/keys.md)."));
    }
    if settings.master_key.is_some() && file.exists() {
        let what = format!("GATEMATCH_MASTER_KEY gives the key, and {} is there as well, unused.", file.display());
        findings.push(Finding::warn(what, "Move the file to where your keys are kept."));
    }
    findings
}

/// The key that the server would take, and what it is called.
fn held(settings: &Settings) -> Result<Option<(MasterKey, String)>, MasterKeyFault> {
    let variable = "GATEMATCH_MASTER_KEY";
    if let Some(text) = &settings.master_key {
        return Ok(Some((MasterKey::from_text(text.reveal(), variable)?, variable.to_owned())));
    }
    let place = settings.data_dir.join(KEY_FILE).display().to_string();
    Ok(MasterKey::read(&settings.data_dir)?.map(|key| (key, place)))
}

fn missing(settings: &Settings, keys: &[SealedKey]) -> Finding {
    let file = settings.data_dir.join(KEY_FILE);
    if keys.is_empty() && (settings.database_server.is_some() || settings.database.exists()) {
        return Finding::warn(
            "There is none, and what the database is sealed under was not read.",
            "See the rows before.",
        );
    }
    if keys.is_empty() {
        return Finding::warn("There is none yet.", "The first command or start makes it. Then keep a copy elsewhere.");
    }
    if has_given_key(&settings.data_dir) {
        let what = "The server has it from its environment, and this command has not: it was not looked at.";
        return Finding::warn(what, "Run this with GATEMATCH_MASTER_KEY set as the server has it.");
    }
    let what = format!("{} is missing, and the database is sealed under it.", file.display());
    Finding::fail(what, "Restore it from its backup, or give it as GATEMATCH_MASTER_KEY (docs/keys.md).")
}

fn opened(place: &str, keys: &[SealedKey], opens: impl Fn(&SealedKey) -> bool) -> Finding {
    let Some(active) = crate::vault::active(keys) else {
        return Finding::ok(format!("A key is in {place}. Nothing was read that is sealed under it."));
    };
    if !opens(active) {
        let what = format!("The key in {place} is another one than the database is sealed under.");
        return Finding::fail(what, "Restore the two from one backup (docs/keys.md).");
    }
    let closed = keys.iter().filter(|key| !opens(key)).count();
    if closed > 0 {
        let what = format!("{closed} of {} data keys do not open: what is sealed under them is lost.", keys.len());
        return Finding::warn(what, "See: gatematch keys list. A backup may have them whole.");
    }
    Finding::ok(format!("The key in {place} opens the data keys of the database ({}).", keys.len()))
}
