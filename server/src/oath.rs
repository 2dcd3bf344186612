//! What makers of hardware tokens deliver: comma-separated values (RFC 4180) in the columns that Microsoft Entra reads;
//! with semicolons or tabs too, as spreadsheets write them where a comma stands in numbers.
//!
//! No fault tells what stands in the file: where two columns are mixed up, that could be a seed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use gatematch_domain::text::{MAX_BYTES, MAX_CHARS, disarm, steers};
use gatematch_domain::totp::Seed;
use serde::Serialize;

use crate::base32;

/// The columns as vendors name them; the order is free, and others are left alone.
pub(crate) const HEADER: &str = "upn,serial number,secret key,time interval,manufacturer,model";
/// What can stand between two values, the usual one first.
const SEPARATORS: [char; 3] = [',', ';', '\t'];
/// The most tokens in one file.
pub(crate) const MAX_TOKENS: usize = 10_000;
/// How many bytes a seed may have: 128 bits at least (RFC 4226 section 4, R6), a block of SHA-1 at most.
const SEED_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// A token as its line tells it.
pub(crate) struct Token {
    /// The line, the first one being 1.
    pub(crate) line: usize,
    /// Whose it is to be.
    pub(crate) upn: String,
    /// The serial number, without blanks.
    pub(crate) serial: String,
    /// Which model it is; empty where nobody says.
    pub(crate) model: String,
    /// What its codes are made of.
    pub(crate) seed: Seed,
    /// How long a code is shown, in seconds: 30 or 60.
    pub(crate) period: u32,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LineFault {
    /// The line, the first one being 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) what: String,
}

impl LineFault {
    /// This is wrong with that line.
    pub(crate) fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// What a file says.
#[derive(Default)]
pub(crate) struct Tokens {
    /// The lines that are sound by themselves.
    pub(crate) sound: Vec<Token>,
    /// What is wrong with the others.
    pub(crate) faults: Vec<LineFault>,
}

/// Reads a whole file.
pub(crate) fn read(bytes: &[u8]) -> Tokens {
    let mut tokens = Tokens::default();
    if let Err(fault) = tokens.fill(bytes) {
        tokens.faults.push(fault);
    }
    tokens
}

impl Tokens {
    fn fill(&mut self, bytes: &[u8]) -> Result<(), LineFault> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            LineFault::new(line, "this is not UTF-8; save the file as \"CSV UTF-8\"")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.split('\n').next().unwrap_or_default();
        if first.trim_end_matches('\r').contains('\r') {
            let what = "the lines end with a carriage return alone; save the file as \"CSV UTF-8\", with line feeds";
            return Err(LineFault::new(1, what));
        }
        let (header, columns, rows) = heads(text)?;
        for row in rows {
            let row = row?;
            if self.sound.len() + self.faults.len() >= MAX_TOKENS {
                return Err(LineFault::new(row.line, "one file may hold 10,000 tokens; split it"));
            }
            match columns.token(&row) {
                Ok(token) => self.sound.push(token),
                Err(what) => self.faults.push(LineFault::new(row.line, what)),
            }
        }
        if self.sound.is_empty() && self.faults.is_empty() {
            return Err(LineFault::new(header, "no token follows the names of the columns"));
        }
        self.find_doubles();
        Ok(())
    }

    fn find_doubles(&mut self) {
        let (mut serials, mut seeds) = (HashMap::new(), HashMap::new());
        for token in &self.sound {
            let line = token.line;
            let serial = *serials.entry(same_serial(&token.serial)).or_insert(line);
            let seed = *seeds.entry(token.seed.reveal()).or_insert(line);
            if serial != line {
                self.faults.push(LineFault::new(line, format!("the serial number stands on line {serial} as well")));
            } else if seed != line {
                // Whoever holds one of the two could sign in as the other.
                self.faults.push(LineFault::new(line, format!("the secret key stands on line {seed} as well")));
            }
        }
    }
}

/// What two spellings of one serial number have in common.
pub(crate) fn same_serial(serial: &str) -> String {
    serial.to_lowercase()
}

/// The serial number in the name of a token, as [`Token::name`] writes it.
pub(crate) fn serial_in(name: &str) -> &str {
    name.rsplit(' ').next().unwrap_or(name)
}

impl Token {
    /// What the authenticator is called: the serial number, after as much of the model as there is room for.
    pub(crate) fn name(&self) -> String {
        let mut model = String::new();
        let mut chars = self.serial.chars().count() + 1;
        for c in disarm(&self.model).chars() {
            chars += 1;
            if chars > MAX_CHARS || model.len() + c.len_utf8() + 1 + self.serial.len() > MAX_BYTES {
                break;
            }
            model.push(c);
        }
        match model.trim() {
            "" => self.serial.clone(),
            model => format!("{model} {}", self.serial),
        }
    }
}

/// The line with the names of the columns, the columns, and what follows them: with the separator by which all that are
/// needed appear. Where none does that, the fault is told as the separator finds it that makes the most columns.
fn heads(text: &str) -> Result<(usize, Columns, Rows<'_>), LineFault> {
    let mut nearest = (0, LineFault::new(1, "the file is empty"));
    for separator in SEPARATORS {
        let mut rows = Rows { rest: text, line: 1, separator };
        let (count, fault) = match rows.next() {
            None => continue,
            // A quote that is out of place: of that, the usual separator tells.
            Some(Err(fault)) => (usize::from(separator == ','), fault),
            Some(Ok(header)) => match Columns::of(&header) {
                Ok(columns) => return Ok((header.line, columns, rows)),
                Err(what) => (header.fields.len(), LineFault::new(header.line, what)),
            },
        };
        if count > nearest.0 {
            nearest = (count, fault);
        }
    }
    Err(nearest.1)
}

/// Where each column is.
struct Columns {
    count: usize,
    upn: usize,
    serial: usize,
    secret: usize,
    interval: usize,
    model: Option<usize>,
}

impl Columns {
    fn of(header: &Row<'_>) -> Result<Self, String> {
        let bare = |name: &str| name.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
        let names: Vec<String> = header.fields.iter().map(|field| bare(field)).collect();
        let find = |name: &str| {
            let mut places = names.iter().enumerate().filter(|(_, given)| **given == bare(name)).map(|(at, _)| at);
            match (places.next(), places.next()) {
                (place, None) => Ok(place),
                _ => Err(format!("two columns are called \"{name}\"")),
            }
        };
        let needed = |name: &str| find(name)?.ok_or_else(|| format!("no column is called \"{name}\""));
        Ok(Self {
            count: names.len(),
            upn: needed("upn")?,
            serial: needed("serial number")?,
            secret: needed("secret key")?,
            interval: needed("time interval")?,
            model: find("model")?,
        })
    }

    fn token(&self, row: &Row<'_>) -> Result<Token, String> {
        if row.fields.len() != self.count {
            return Err(format!("{} values stand under {} columns", row.fields.len(), self.count));
        }
        let field = |at: usize| row.fields.get(at).map_or("", |field| field.trim());
        let (upn, serial) = (field(self.upn), field(self.serial));
        if upn.is_empty() {
            return Err("there is no upn".to_owned());
        }
        if serial.is_empty() {
            return Err("there is no serial number".to_owned());
        }
        if serial.len() > MAX_BYTES || serial.chars().count() > MAX_CHARS {
            return Err(format!("the serial number is longer than {MAX_CHARS} characters or {MAX_BYTES} bytes"));
        }
        if serial.chars().any(|c| c.is_whitespace() || steers(c)) {
            return Err("the serial number has a blank or a control character in it".to_owned());
        }
        let seed = base32::decode(field(self.secret)).ok_or("the secret key is not base32")?;
        if !SEED_BYTES.contains(&seed.len()) {
            return Err(format!("the secret key has {} bytes; from 16 to 64 are taken", seed.len()));
        }
        let period = match field(self.interval) {
            "30" => 30,
            "60" => 60,
            _ => return Err("the time interval is neither 30 nor 60".to_owned()),
        };
        let model = self.model.map_or("", field).to_owned();
        let (upn, serial) = (upn.to_owned(), serial.to_owned());
        Ok(Token { line: row.line, upn, serial, model, seed: Seed::new(&seed), period })
    }
}

/// A record of RFC 4180.
struct Row<'a> {
    /// The line that it begins on.
    line: usize,
    /// Parts of the text itself where they can be, so that no copy of a seed is left behind: only what has a quote in
    /// it is copied, and that is no seed.
    fields: Vec<Cow<'a, str>>,
}

/// The records of a text; those without a value are left out, and after a fault there is no more.
struct Rows<'a> {
    rest: &'a str,
    line: usize,
    separator: char,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, LineFault>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let line = self.line;
            match self.row() {
                Ok(fields) if fields.iter().all(|field| field.trim().is_empty()) => {}
                Ok(fields) => return Some(Ok(Row { line, fields })),
                Err(what) => {
                    self.rest = "";
                    return Some(Err(LineFault::new(line, what)));
                }
            }
        }
        None
    }
}

impl<'a> Rows<'a> {
    fn row(&mut self) -> Result<Vec<Cow<'a, str>>, &'static str> {
        let mut fields = Vec::new();
        loop {
            let (field, after) = field(self.rest, self.separator)?;
            self.line += field.matches('\n').count();
            fields.push(field);
            if let Some(next) = after.strip_prefix(self.separator) {
                self.rest = next;
                continue;
            }
            self.rest = match after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')) {
                Some(next) => next,
                None if after.is_empty() => after,
                None => return Err("something follows a closing quote"),
            };
            self.line += 1;
            return Ok(fields);
        }
    }
}

/// The first field of `rest`, and what comes after it.
fn field(rest: &str, separator: char) -> Result<(Cow<'_, str>, &str), &'static str> {
    let Some(quoted) = rest.strip_prefix('"') else {
        let (field, after) = rest.split_at(rest.find([separator, '\n']).unwrap_or(rest.len()));
        if field.contains('"') {
            return Err("a quote stands in the middle of a value");
        }
        let is_line = after.starts_with('\n');
        return Ok((Cow::Borrowed(field.strip_suffix('\r').filter(|_| is_line).unwrap_or(field)), after));
    };
    let mut from = 0;
    while let Some(at) = quoted.get(from..).and_then(|rest| rest.find('"')) {
        let (field, after) = quoted.split_at(from + at);
        let after = after.strip_prefix('"').unwrap_or(after);
        if after.starts_with('"') {
            from += at + 2;
            continue;
        }
        let is_plain = !field.contains('"');
        return Ok((if is_plain { Cow::Borrowed(field) } else { field.replace("\"\"", "\"").into() }, after));
    }
    Err("a quote is opened and never closed")
}

#[cfg(test)]
mod tests;
