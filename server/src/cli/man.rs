//! `gatematch man`: the manual pages, made from the same types as the command line.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};

use super::fault::Fault;
use super::terminal::Terminal;
use crate::settings::{self, DEFAULT_DATA_DIR, DEFAULT_FILE, TEMPLATE};

/// What the foot of each page names as the book that it is of.
const BOOK: &str = "Gatematch";
/// No hyphens in names, and no blanks spread over a line: what is read here is typed elsewhere.
const AS_WRITTEN: &str = ".nh\n.ad l\n";

const ENVIRONMENT: [(&str, &str); 5] = [
    ("GATEMATCH_CONFIG", "The settings file, unless --config names one."),
    (
        "GATEMATCH_MASTER_KEY",
        "The master key, 32 bytes in base64url, in place of the file master.key in the data directory.",
    ),
    ("GATEMATCH_RADIUS_LISTEN", "Overrules listen in the table [radius]."),
    ("GATEMATCH_RADIUS_SERVER_URL", "Overrules server_url in the table [radius]."),
    ("NO_COLOR", "Anything but nothing: no colours, on a terminal either."),
];

const FILES: [(&str, &str); 4] = [
    ("gatematch.db", "In the data directory: the database, with gatematch.db-wal and gatematch.db-shm beside it."),
    (
        "master.key",
        "In the data directory: what opens the database's keys. Keep a copy elsewhere, apart from the database.",
    ),
    ("master.key.old-TIME", "In the data directory: an earlier master key. Backups of its time need it."),
    ("serve.lock", "In the data directory: held by the server that runs, so that there is one alone."),
];

const EXIT_STATUS: [(&str, &str); 4] = [
    ("0", "Done."),
    ("1", "Refused: it cannot be done as things are."),
    ("2", "Wrong usage, or wrong settings."),
    ("3", "Trouble with this machine or the database."),
];

/// `gatematch man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The directory to write the pages to; it is made where it is missing
    directory: PathBuf,
}

impl Man {
    /// Writes every page. `command` is the whole command line of the program.
    ///
    /// # Errors
    /// [`Fault`] where the directory cannot be written to.
    pub fn run(&self, command: Command, terminal: &mut Terminal) -> Result<(), Fault> {
        let shown = self.directory.display();
        let write = || {
            fs::create_dir_all(&self.directory)?;
            let pages = pages(command)?;
            pages.iter().try_for_each(|(name, text)| fs::write(self.directory.join(name), text))?;
            Ok(pages.len())
        };
        let count = write().map_err(|error: io::Error| {
            Fault::broken(format!("{shown} cannot be written to: {error}."), "", "Name another directory.")
        })?;
        terminal.line(&format!("Wrote {count} pages to {shown}."))
    }
}

/// Every page with the name of its file: one for the program, for each command that is shown, and for the settings.
///
/// # Errors
/// [`io::Error`], which memory does not make.
pub fn pages(command: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let source = format!("{} {}", command.get_name(), command.get_version().unwrap_or_default());
    let mut pages = vec![
        (format!("{}.1", command.get_name()), whole(&command, &source)?),
        ("gatematch.toml.5".to_owned(), settings_page(&source)?),
    ];
    let mut left: Vec<Command> = shown(&command).cloned().collect();
    while let Some(command) = left.pop() {
        left.extend(shown(&command).cloned());
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        pages.push((format!("{name}.1"), part(&command, &source)?));
    }
    Ok(pages)
}

/// The commands that help shows.
fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

/// What every page of a command has, from its name to its subcommands. `more` stands below the description.
fn body(command: &Command, source: &str, more: &Roff) -> io::Result<Vec<u8>> {
    let page = Page::new(command.clone()).source(source).manual(BOOK);
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    text.extend_from_slice(AS_WRITTEN.as_bytes());
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    text.extend_from_slice(more.render().as_bytes());
    page.render_options_section(&mut text)?;
    if shown(command).next().is_some() {
        page.render_subcommands_section(&mut text)?;
    }
    Ok(text)
}

/// The page of a command.
fn part(command: &Command, source: &str) -> io::Result<Vec<u8>> {
    let mut text = body(command, source, &Roff::default())?;
    let mut more = Roff::default();
    more.control("SH", ["EXIT STATUS"]).text([roman("As of gatematch(1).")]);
    more.control("SH", ["SEE ALSO"]).text([bold("gatematch"), roman("(1), "), bold("gatematch.toml"), roman("(5)")]);
    text.extend_from_slice(more.render().as_bytes());
    Ok(text)
}

/// The page of the program.
fn whole(command: &Command, source: &str) -> io::Result<Vec<u8>> {
    let mut more = Roff::default();
    more.control("PP", []).text([roman(
        "Every command but demo works beside a running server, on the same settings. It must run as the account that \
         owns the data directory, and says so otherwise:",
    )]);
    more.control("PP", []).control("RS", ["4"]).control("nf", []);
    more.text([roman("runuser -u gatematch -- gatematch user list")]);
    more.control("fi", []).control("RE", []);
    let mut text = body(command, source, &more)?;
    text.extend_from_slice(around().render().as_bytes());
    Ok(text)
}

/// What no argument tells: where settings come from, which files there are, how a command ends.
fn around() -> Roff {
    let mut roff = Roff::default();
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman(
        "A setting comes from a flag, else from the environment, else from the file, else it has a default.",
    )]);
    terms(&mut roff, ENVIRONMENT);
    let keys: Vec<String> = settings::variables().collect();
    let rest = format!("As the key of the same name in the settings file: {}.", keys.join(", "));
    terms(&mut roff, [("GATEMATCH_KEY", rest.as_str())]);
    roff.control("SH", ["FILES"]);
    terms(
        &mut roff,
        [(DEFAULT_FILE, "The settings: gatematch.toml(5). Every key may be missing, and so may the file.")],
    );
    terms(&mut roff, [(DEFAULT_DATA_DIR, "The data directory, which belongs to the account that runs the server.")]);
    terms(&mut roff, FILES);
    roff.control("SH", ["EXIT STATUS"]);
    terms(&mut roff, EXIT_STATUS);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("gatematch.toml"), roman("(5), "), bold("gatematch-radius"), roman("(1)")]);
    roff
}

fn terms<'a>(roff: &mut Roff, terms: impl IntoIterator<Item = (&'a str, &'a str)>) {
    for (term, text) in terms {
        roff.control("TP", []).text([bold(term)]).text([roman(text)]);
    }
}

/// The page of the settings file: the file that `gatematch init` writes.
fn settings_page(source: &str) -> io::Result<Vec<u8>> {
    let mut roff = Roff::default();
    roff.control("TH", ["gatematch.toml", "5", "", source, BOOK]).control("nh", []);
    roff.control("SH", ["NAME"]).text([roman("gatematch.toml - the settings of a Gatematch server")]);
    roff.control("SH", ["DESCRIPTION"]).text([roman(
        "TOML. This is the file that gatematch init writes: every key at its default, commented out and explained.",
    )]);
    roff.control("PP", []).control("nf", []);
    for line in TEMPLATE.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.control("SH", ["FILES"]);
    terms(&mut roff, [(DEFAULT_FILE, "Where it is looked for, unless --config or GATEMATCH_CONFIG names another.")]);
    roff.control("SH", ["SEE ALSO"]).text([bold("gatematch"), roman("(1)")]);
    let mut text = Vec::new();
    roff.to_writer(&mut text)?;
    Ok(text)
}
