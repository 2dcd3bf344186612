//! Who is there and who has which token, and what of a file can be imported beside that.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use gatematch_domain::account::Account;
use gatematch_domain::factor::Kind;
use gatematch_domain::totp::{MAX_TOTPS, Seed, Totp, TotpStatus};
use gatematch_domain::username::{Domains, NoAccount, Username};
use gatematch_protocol::id::UserId;

use crate::cli::fault::Fault;
use crate::cli::operator::Operator;
use crate::oath::{self, LineFault, Token, Tokens};

/// A line of the file that can be imported.
pub(super) struct Line {
    pub(super) token: Token,
    pub(super) user: UserId,
    pub(super) name: Username,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is sound.
    Sound,
    /// He had this very token before.
    There,
    /// It was imported.
    Imported,
    /// The database gave no answer: it may be there or not.
    Unsure,
}

impl State {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "not-imported",
            Self::There => "already-there",
            Self::Imported => "imported",
            Self::Unsure => "unsure",
        }
    }
}

/// What was found in a file, each in the order of its lines.
pub(super) struct Checked {
    /// What can be imported.
    pub(super) lines: Vec<Line>,
    /// What is wrong with the file.
    pub(super) faults: Vec<LineFault>,
    /// What may be right or wrong: somebody should look.
    pub(super) doubts: Vec<LineFault>,
}

/// Everybody, and who has what.
#[derive(Default)]
pub(super) struct People {
    /// Of each, how many apps and tokens he has that count.
    known: HashMap<Username, (UserId, usize)>,
    by_seed: HashMap<Key, Vec<Arc<Held>>>,
    /// By what would be the serial number in the name, were it a token. It may be an app that somebody calls so.
    by_serial: HashMap<String, Vec<Arc<Held>>>,
}

/// A seed to look for.
#[derive(PartialEq, Eq)]
struct Key(Seed);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.reveal().hash(state);
    }
}

/// An app or a token that somebody has.
struct Held {
    by: Username,
    totp: Totp,
}

impl Held {
    fn is_active(&self) -> bool {
        self.totp.status == TotpStatus::Active
    }

    /// Whether its name could be one of a token with this serial number.
    fn has_serial(&self, serial: &str) -> bool {
        let name = self.totp.name.as_deref();
        name.is_some_and(|name| oath::same_serial(oath::serial_in(name)) == oath::same_serial(serial))
    }
}

impl People {
    pub(super) async fn all(operator: &Operator) -> Result<Self, Fault> {
        let mut people = Self::default();
        for (user, _) in operator.users("", None).await? {
            // Whoever was deleted meanwhile is nobody.
            if let Some(account) = operator.store.account(user.username).await? {
                people.know(&account);
            }
        }
        Ok(people)
    }

    pub(super) fn know(&mut self, account: &Account) {
        let name = &account.user.username;
        let mut count = 0;
        for factor in &account.factors {
            let Kind::Totp(totp) = &factor.kind else { continue };
            let held = Arc::new(Held { by: name.clone(), totp: totp.clone() });
            self.by_seed.entry(Key(totp.seed.clone())).or_default().push(Arc::clone(&held));
            if !held.is_active() {
                continue;
            }
            count += 1;
            if let Some(serial) = totp.name.as_deref().map(oath::serial_in) {
                self.by_serial.entry(oath::same_serial(serial)).or_default().push(held);
            }
        }
        self.known.insert(name.clone(), (account.user.id, count));
    }

    /// What can be imported, and everything that is wrong with the file.
    pub(super) fn check(mut self, tokens: Tokens, domains: &Domains) -> Checked {
        let Tokens { sound, mut faults } = tokens;
        let (mut lines, mut doubts) = (Vec::with_capacity(sound.len()), Vec::new());
        for token in sound {
            let at = token.line;
            match self.line(token, domains) {
                Ok(line) => {
                    doubts.extend(self.doubts(&line).map(|what| LineFault::new(at, what)));
                    lines.push(line);
                }
                Err(what) => faults.push(LineFault::new(at, what)),
            }
        }
        faults.sort_by_key(|fault| fault.line);
        Checked { lines, faults, doubts }
    }

    fn line(&mut self, token: Token, domains: &Domains) -> Result<Line, String> {
        let name = domains.canonical(&token.upn).map_err(|fault| match fault {
            NoAccount::Name => "no user can have this upn",
            NoAccount::Domain => "the domain of the upn is not among the configured domains",
        })?;
        let (user, count) = self.known.get(&name).copied().ok_or("there is no user with this upn")?;
        let state = self.state(&name, &token)?;
        if state == State::Sound {
            let count = count + 1;
            self.known.insert(name.clone(), (user, count));
            if count > MAX_TOTPS {
                return Err(format!("{name} would have {count} apps and tokens, and {MAX_TOTPS} are allowed"));
            }
        }
        Ok(Line { token, user, name, state })
    }

    /// Whether it is there. What decides is the seed: a serial number stands in a name, and people choose names.
    fn state(&self, name: &Username, token: &Token) -> Result<State, String> {
        let mut state = State::Sound;
        for held in self.by_seed.get(&Key(token.seed.clone())).into_iter().flatten() {
            if held.by != *name {
                return Err(format!("{} has an app or a token with this secret key", held.by));
            }
            if !held.is_active() || !held.has_serial(&token.serial) {
                let called = held.totp.name.as_deref().unwrap_or_default();
                return Err(format!("{name} has this secret key already, under the name \"{called}\""));
            }
            if held.totp.period != token.period {
                return Err(format!("{name} has this token already, with another time interval"));
            }
            state = State::There;
        }
        if state == State::Sound && self.alike(token).any(|held| is_import_of(held, name, token)) {
            return Err(format!("{name} has a token of this name already, with another secret key"));
        }
        Ok(state)
    }

    /// Whose authenticators have the serial number in their names, with other seeds.
    fn doubts<'a>(&'a self, line: &'a Line) -> impl Iterator<Item = String> + 'a {
        let token = &line.token;
        self.alike(token).filter(|held| held.by != line.name).map(|held| {
            format!("{} has an app or a token with this serial number in its name, and another secret key", held.by)
        })
    }

    /// What has the serial number in its name, and another seed.
    fn alike<'a>(&'a self, token: &'a Token) -> impl Iterator<Item = &'a Held> {
        let found = self.by_serial.get(&oath::same_serial(&token.serial)).into_iter().flatten();
        found.map(AsRef::as_ref).filter(|held: &&Held| held.totp.seed != token.seed)
    }
}

/// Whether an earlier import of this person's token would have made it, by its name.
fn is_import_of(held: &Held, name: &Username, token: &Token) -> bool {
    held.by == *name && held.totp.name.as_deref() == Some(token.name().as_str())
}
