//! `gatematch-sim code`: an authenticator app in the terminal; and codes that other commands give in place of the phone.

use std::process::ExitCode;

use gatematch_client_sim::edge;
use gatematch_client_sim::totp::{App, NotForAnApp};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::arguments::{Code, InPlace};
use super::fault::Fault;
use super::say::{Say, Tone, plain};

/// Where the link may stand that others on this machine must not see.
const VARIABLE: &str = "GATEMATCH_TOTP_URI";

impl InPlace {
    /// Whether there is a code to give.
    pub(crate) const fn is_given(&self) -> bool {
        self.passcode.is_some() || self.totp_uri.is_some()
    }

    /// The code to give now; `None` where the phone is to be asked.
    pub(crate) fn code(&self) -> Result<Option<Secret>, Fault> {
        match (&self.passcode, &self.totp_uri) {
            (Some(code), _) => Ok(Some(Secret::new(code))),
            (None, Some(uri)) => Ok(Some(App::from_uri(uri).map_err(unfit)?.code(now()))),
            (None, None) => Ok(None),
        }
    }
}

pub(crate) fn run(arguments: &Code, say: &Say) -> Result<ExitCode, Fault> {
    let app = app(arguments)?;
    let now = now();
    let (code, left) = (app.code(now), app.seconds_left(now));
    say.value(&json!({
        "code": code.reveal(), "seconds_left": left, "period": app.period(),
        "issuer": app.issuer(), "account": app.account(),
    }))?;
    say.line(&say.toned(Tone::Bold, code.reveal()))?;
    let whose = match (app.issuer(), app.account()) {
        (Some(issuer), Some(account)) => format!(" {} at {}.", plain(account), plain(issuer)),
        _ => String::new(),
    };
    say.note(format!("{whose} For {left} more seconds.").trim_start());
    Ok(ExitCode::SUCCESS)
}

fn app(arguments: &Code) -> Result<App, Fault> {
    if let Some(secret) = &arguments.secret {
        return App::from_secret(secret, arguments.period).map_err(unfit);
    }
    let from_env = || std::env::var(VARIABLE).ok().filter(|uri| !uri.is_empty());
    let missing =
        || Fault::usage("There is no app to look at.", format!("Give --uri, or --secret, or set {VARIABLE}."));
    App::from_uri(&arguments.uri.clone().or_else(from_env).ok_or_else(missing)?).map_err(unfit)
}

pub(crate) fn unfit(fault: NotForAnApp) -> Fault {
    Fault::usage(
        format!("This is nothing for an authenticator app: {}.", fault.why()),
        "Copy the whole link, in quotes, since the shell would cut it at the &.",
    )
}

/// The time of this machine.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_numeric_date(edge::system_clock()())
}
