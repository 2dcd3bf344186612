//! What goes wrong, in words: what happened, what it means, what to do.

use std::io;

use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::store::StoreFault;
use gatematch_protocol::problem::{Code, ProblemDocument};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("no command")]
    NoCommand,
    /// Wrong usage: what is wrong, and what to do.
    #[error("{0} {1}")]
    Usage(String, String),
}

/// A fault as people hear it. Empty texts are not said.
pub(crate) struct Told {
    pub(crate) what: String,
    pub(crate) means: String,
    pub(crate) todo: String,
    /// For the helpdesk.
    pub(crate) code: Option<String>,
}

impl Told {
    fn new(what: impl Into<String>, means: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what: what.into(), means: means.into(), todo: todo.into(), code: None }
    }
}

impl Fault {
    pub(crate) fn usage(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self::Usage(what.into(), todo.into())
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
    }

    /// See the help of the command line.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoCommand | Self::Usage(..) => 2,
            Self::Failure(Failure::Address(_) | Failure::Link(_) | Failure::Missing(_)) => 2,
            Self::Failure(Failure::Transport(_) | Failure::Unexpected { .. }) => 3,
            Self::Failure(Failure::NotEnrolled | Failure::Signing(_)) | Self::Store(_) | Self::Io(_) => 4,
            Self::Failure(Failure::Problem(_) | Failure::Challenge(_) | Failure::Result(_)) => super::REFUSED,
        }
    }

    pub(crate) fn told(&self) -> Told {
        match self {
            Self::NoCommand => Told::new("There is nothing to do.", "", "See: gatematch-sim --help"),
            Self::Usage(what, todo) => Told::new(what, "", todo),
            Self::Failure(failure) => told_failure(failure),
            Self::Store(StoreFault::Exposed(path)) => Told::new(
                format!("{} can be read by others.", path.display()),
                "The keys in it may be known to them, so it is not used.",
                format!("Enroll anew; or, if you are sure that nobody has read it: chmod 600 {}", path.display()),
            ),
            Self::Store(StoreFault::Damaged { path, what }) => Told::new(
                format!("{} is not a state file of this version: {what}.", path.display()),
                "Nothing was changed.",
                "Give another file with --state, or move this one away and enroll anew.",
            ),
            Self::Store(fault @ StoreFault::Io { .. }) => Told::new(
                fault.to_string(),
                "The phones' keys cannot be read or written.",
                "Give another file with --state.",
            ),
            Self::Io(cause) => Told::new(cause.to_string(), "", ""),
        }
    }
}

fn told_failure(failure: &Failure) -> Told {
    match failure {
        Failure::Problem(problem) => told_problem(problem),
        Failure::Address(cause) => Told::new(
            format!("This is not the address of a server: {cause}."),
            "",
            "It looks like https://mfa.example.com",
        ),
        Failure::Transport(cause) => Told::new(
            "The server did not answer.",
            format!("Nothing was decided. ({cause})"),
            "Check the address, and that the server runs: its /readyz tells.",
        ),
        Failure::Unexpected { status, what } => Told::new(
            format!("The answer cannot be understood: {what}."),
            "Something else than Gatematch may be listening there, or something stands between.",
            format!("Check the address. (HTTP {status})"),
        ),
        Failure::NotEnrolled => Told::new(
            "This phone is not enrolled.",
            "No server knows it.",
            "Ask the helpdesk for a link, then: gatematch-sim enroll LINK",
        ),
        Failure::Link(_) => Told::new(
            "This is not an enrollment link of the server.",
            "It looks like https://server/app/#enroll=gme_...",
            "Copy the whole link, in quotes, since the shell would cut it at the #.",
        ),
        Failure::Challenge(fault) => Told::new(
            format!("The sign-in request is not to be believed: {fault}."),
            "It was not shown, and nothing was approved.",
            "If this comes back, tell the helpdesk: somebody may stand between this phone and the server.",
        ),
        Failure::Result(fault) => Told::new(
            format!("The result is not to be believed: {fault}."),
            "Nobody was let in.",
            "Check --gateway-id and this machine's clock.",
        ),
        Failure::Signing(_) => Told::new("The phone's key did not sign.", "Nothing was sent.", "Enroll anew."),
        Failure::Missing(what) => Told::new(format!("{what}."), "", ""),
    }
}

fn told_problem(problem: &ProblemDocument) -> Told {
    let (what, means, todo) = match Code::from_code(&problem.code) {
        Some(Code::EnrollmentGone) => (
            "The enrollment link does not work.",
            "It was used, it has expired, or the account is disabled.",
            "Ask the helpdesk for a new link.",
        ),
        Some(Code::DeviceExists) => ("This phone is enrolled already.", "A key belongs to one account.", ""),
        Some(Code::TooManyDevices) => {
            ("The account has as many phones as are allowed.", "", "Ask the helpdesk to remove an old one.")
        }
        Some(Code::CredentialMissing | Code::CredentialInvalid) => (
            "The server does not know this key.",
            "It was mistyped or revoked, or this phone was removed.",
            "Phone: enroll anew. Gateway or administrator: check the key.",
        ),
        Some(Code::StaleProof) => (
            "This machine's clock is wrong.",
            "The server believes nothing that is over a minute off.",
            "Set the clock.",
        ),
        Some(Code::WrongParty) => {
            ("This key is for something else.", "A gateway's key begins with gmg_, an administrator's with gma_.", "")
        }
        Some(Code::RoleNotAllowed) => (
            "This key or phone may not do that.",
            problem.detail.as_str(),
            "Use an administrator's key with the role admin.",
        ),
        Some(Code::AlreadyDecided) => ("Too late: the sign-in was decided already.", "Nothing was changed.", ""),
        Some(Code::Expired) => {
            ("Too late: the time for this sign-in is over.", "Nothing was opened.", "Start the sign-in again.")
        }
        Some(Code::Cancelled) => ("The sign-in was called off where it began.", "Nothing was opened.", ""),
        Some(Code::InvalidPushSubscription) => (
            "The server does not push to this push service.",
            "It calls the public ones, and those that its configuration names.",
            "Start it with the host and port of this one, such as: GATEMATCH_PUSH_ALLOWED_HOSTS=127.0.0.1:9090",
        ),
        Some(Code::UvRequired) => (
            "The phone must make sure of the person first.",
            "Nothing was decided.",
            "Say how: --uv pin, or --uv biometric.",
        ),
        Some(Code::MalformedNumber) => (
            "The number has the wrong count of digits.",
            "Nothing was decided; you may try again.",
            "Type it as it is shown.",
        ),
        Some(Code::TooManyFailures) => ("Too many wrong keys came from this address.", "", "Wait a minute."),
        Some(Code::Unavailable | Code::Overloaded | Code::Internal) => (
            "The server cannot decide now.",
            "Nothing was opened.",
            "Try again in a moment; if it stays, tell the administrators.",
        ),
        Some(code) => of_account(code),
        None => ("", "", ""),
    };
    let told = if what.is_empty() {
        Told::new(problem.title.clone() + ".", problem.detail.clone(), "")
    } else {
        Told::new(what, means, todo)
    };
    Told { code: Some(problem.code.clone()), ..told }
}

/// What a person or an administrator may not change of an account.
const fn of_account(code: Code) -> (&'static str, &'static str, &'static str) {
    match code {
        Code::WrongCode => ("The code is not right.", "", "Give the one that is shown now."),
        Code::AccountLocked => {
            ("The account is locked or disabled.", "Nothing was changed.", "Ask the helpdesk to open it again.")
        }
        Code::OwnAccount => ("Nobody does this to his own account.", "Nothing was changed.", "Ask somebody else."),
        Code::TooManyAuthenticators => (
            "The account has as many of these as are allowed.",
            "Nothing was changed.",
            "Remove an old one: gatematch-sim phones remove ID",
        ),
        Code::AuthenticatorConfirmed => ("The authenticator app is confirmed already.", "", ""),
        _ => ("", "", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_with_its_code_and_ends_with_1() {
        for code in Code::ALL {
            let fault = Fault::from(Failure::Problem(Box::new(ProblemDocument::new(*code, "detail"))));
            let told = fault.told();
            assert!(told.what.ends_with('.'), "{code}");
            assert_eq!(told.code.as_deref(), Some(code.as_str()));
            assert_eq!(fault.exit_code(), 1);
        }
    }
}
