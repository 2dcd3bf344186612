//! Why a command did not do what it was asked: what happened, what it means, what to do.

use std::io;

use gatematch_domain::fault::Fault as DomainFault;

use crate::edge::NoEntropy;
use crate::settings::SettingsFault;
use crate::store::StoreError;

/// Why a command did not do what it was asked. Texts that are empty are not told.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    kind: Kind,
    what: String,
    means: String,
    todo: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Refused,
    Usage,
    Broken,
    /// Whoever read our output has left: no fault of ours, and nobody to tell.
    NobodyListens,
}

impl Fault {
    /// It cannot be done as things are: exit code 1.
    #[must_use]
    pub fn refused(what: impl Into<String>, means: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, what: what.into(), means: means.into(), todo: todo.into() }
    }

    /// It was asked for in a way that makes no sense: exit code 2.
    #[must_use]
    pub fn usage(what: impl Into<String>, means: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, ..Self::refused(what, means, todo) }
    }

    /// This machine or the database said no: exit code 3.
    #[must_use]
    pub fn broken(what: impl Into<String>, means: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { kind: Kind::Broken, ..Self::refused(what, means, todo) }
    }

    /// What the process ends with.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::NobodyListens => 0,
            Kind::Refused => 1,
            Kind::Usage => 2,
            Kind::Broken => 3,
        }
    }

    /// The sentences to tell, the first one being what happened.
    #[must_use]
    pub fn told(&self) -> Vec<&str> {
        if self.kind == Kind::NobodyListens {
            return Vec::new();
        }
        [&*self.what, &*self.means, &*self.todo].into_iter().filter(|text| !text.is_empty()).collect()
    }
}

impl From<SettingsFault> for Fault {
    fn from(fault: SettingsFault) -> Self {
        Self::usage(format!("{fault}."), "Nothing was done.", fault.todo())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::broken(
            format!("No answer from the database: {error}."),
            "It is not certain whether the change was made.",
            "Look at it (list, show), and try again.",
        )
    }
}

impl From<DomainFault> for Fault {
    fn from(fault: DomainFault) -> Self {
        Self::usage(format!("{fault}."), "Nothing was changed.", "")
    }
}

impl From<NoEntropy> for Fault {
    fn from(fault: NoEntropy) -> Self {
        Self::broken(format!("There is no key to give: {fault}."), "Nothing was changed.", "Try again in a moment.")
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe { Kind::NobodyListens } else { Kind::Broken };
        Self { kind, ..Self::broken(format!("{error}."), "", "") }
    }
}
