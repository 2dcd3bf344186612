//! `gatematch-sim connect`: plays the connect page in the terminal.

use std::process::ExitCode;

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::display;
use gatematch_client_sim::http::Api;
use gatematch_protocol::connect::SessionView;
use gatematch_protocol::problem::Code;
use gatematch_protocol::time::Timestamp;
use serde_json::json;

use super::arguments::Connect;
use super::fault::Fault;
use super::phones::Browsers;
use super::say::{Say, Tone, plain};
use super::{REFUSED, listen};

/// Ended by Ctrl-C, as shells count it.
const INTERRUPTED: u8 = 130;
const WRONG_CODE: &str = "The code was not right, or nobody can use one now. Nothing was opened.";

pub(crate) async fn run(arguments: &Connect, browsers: Option<Browsers>, say: &Say) -> Result<ExitCode, Fault> {
    if say.is_json() && !arguments.yes {
        return Err(Fault::usage("With --json, nobody can be asked.", "Give --yes."));
    }
    let api = Api::new(&arguments.server)?;
    let kept = browsers.as_ref().map(|browsers| browsers.cookies(api.base())).transpose()?.unwrap_or_default();
    let browser = Browser::with_cookies(api, kept);
    let code = arguments.in_place.code()?;
    let armed = browser.arm(&arguments.user).await?;
    say.value(&json!({"event": "armed", "session": armed}))?;
    say.line(&format!("You are {}.", plain(&arguments.user)))?;
    match code {
        Some(code) if !opened(&browser, code.reveal(), say).await? => return Ok(ExitCode::from(REFUSED)),
        Some(_) => {}
        None => {
            say.line(&say.toned(Tone::Bold, "Start your desktop now."))?;
            say.line("The number appears here. Type it on your phone.")?;
        }
    }
    let end = tokio::select! {
        end = play(arguments, &browser, say) => end?,
        _ = tokio::signal::ctrl_c() => {
            say.line("The page is closed. A sign-in that begins now gets no number from it.")?;
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    if let Some(browsers) = browsers {
        let browser = browser.reopened();
        browsers.keep(browser.api.base(), browser.cookies())?;
    }
    told(&end, say)
}

/// From the first state to the last.
async fn play(arguments: &Connect, browser: &Browser, say: &Say) -> Result<SessionView, Fault> {
    let mut shown = "armed".to_owned();
    loop {
        let view = match browser.wait_for(|view| view.state != shown).await {
            Ok(view) => view,
            // The server has forgotten the session: its time is over.
            Err(failure) if failure.status() == Some(401) => over(),
            Err(failure) => return Err(failure.into()),
        };
        shown.clone_from(&view.state);
        say.value(&json!({"event": "state", "session": view}))?;
        match view.state.as_str() {
            "armed" => {}
            "confirm" => {
                let mine = is_mine(arguments, &view, say).await?;
                match browser.confirm(mine).await {
                    // The login may have ended while the person thought: what follows is an event like any other.
                    Err(failure) if failure.status() != Some(409) => return Err(failure.into()),
                    _ => {}
                }
            }
            "number" if view.number.is_none() => ask_for_code(browser, say).await?,
            "number" => show(&view, say)?,
            _ => return Ok(view),
        }
    }
}

fn over() -> SessionView {
    SessionView {
        state: "expired".to_owned(),
        number: None,
        gateway: None,
        client_name: None,
        requested_at: None,
        open_until: None,
    }
}

/// Gives a code before the desktop is started, and says whether it was right.
async fn opened(browser: &Browser, code: &str, say: &Say) -> Result<bool, Fault> {
    match browser.passcode(code).await {
        Ok(view) => {
            say.value(&json!({"event": "open", "session": view}))?;
            let until = view.open_until.and_then(time_of_day).map(|time| format!(" until {time}")).unwrap_or_default();
            let start = format!("Start your desktop now: one sign-in is let in{until}.");
            say.line(&format!("{} {}", say.toned(Tone::Good, "The code was right."), say.toned(Tone::Bold, &start)))?;
            Ok(true)
        }
        Err(failure) if failure.code() == Some(Code::WrongCode) => {
            say.value(&json!({"event": "wrong-code"}))?;
            say.line(&say.toned(Tone::Bad, WRONG_CODE))?;
            Ok(false)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The sign-in waits for a code alone: its person has no phone. Scripts are told so by the state; nobody there types.
async fn ask_for_code(browser: &Browser, say: &Say) -> Result<(), Fault> {
    while !say.is_json() {
        say.ask("This sign-in waits for a backup code. Type it here:")?;
        let Some(line) = listen::line().await? else { return Ok(()) };
        match browser.passcode(line.trim()).await {
            Err(failure) if failure.code() == Some(Code::WrongCode) => say.line(&say.toned(Tone::Bad, WRONG_CODE))?,
            // The sign-in may have ended meanwhile: what follows is an event like any other.
            Err(failure) if !matches!(failure.status(), Some(401 | 409)) => return Err(failure.into()),
            _ => return Ok(()),
        }
    }
    Ok(())
}

async fn is_mine(arguments: &Connect, view: &SessionView, say: &Say) -> Result<bool, Fault> {
    say.line("")?;
    say.line(&question(view))?;
    if arguments.yes {
        say.line("Yes, that's mine.")?;
        return Ok(true);
    }
    say.ask("Is this you? [y/N]")?;
    let line = listen::line().await?.unwrap_or_default();
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// What began, as far as this browser may know.
fn question(view: &SessionView) -> String {
    let when = view.requested_at.and_then(time_of_day).map(|time| format!(" ({time})")).unwrap_or_default();
    match (&view.client_name, &view.gateway) {
        (Some(client), Some(gateway)) => {
            format!("{} wants to open a desktop at the gateway {}, just now{when}.", plain(client), plain(gateway))
        }
        (Some(client), None) => format!("{}, just now{when}.", plain(client)),
        (None, Some(gateway)) => format!("A sign-in began at the gateway {} just now{when}.", plain(gateway)),
        (None, None) => format!("A sign-in began just now{when}."),
    }
}

/// The time of day, as the server's clock has it: `15:55:44 UTC`.
fn time_of_day(at: Timestamp) -> Option<String> {
    let text = at.to_string();
    let time = text.split_once('T')?.1.get(..8)?;
    Some(format!("{time} UTC"))
}

fn show(view: &SessionView, say: &Say) -> Result<(), Fault> {
    let number = plain(view.number.as_deref().unwrap_or_default());
    say.line("")?;
    for row in display::large(&number) {
        say.line(&say.toned(Tone::Bold, &format!("    {row}")))?;
    }
    say.line("")?;
    say.line(&format!("    {}  Type this on your phone.", display::small(&number)))
}

fn told(view: &SessionView, say: &Say) -> Result<ExitCode, Fault> {
    let (tone, word, next) = match view.state.as_str() {
        "approved" => (Tone::Good, "Let in.", "You can put the phone away."),
        "refused" => (Tone::Bad, "Refused.", "Nothing was opened. Tell the helpdesk if you did not start this."),
        "collision" => {
            (Tone::Bad, "Two sign-ins at once.", "Somebody else may be using your password. Both were refused.")
        }
        "expired" => {
            (Tone::Bad, "The time is over.", "Nothing was opened. Open the page again, then start your desktop.")
        }
        _ => (Tone::Bad, "The page ended in a way that this version does not know.", "Nothing is known to be opened."),
    };
    say.line(&format!("{} {next}", say.toned(tone, word)))?;
    Ok(if view.state == "approved" { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_what_this_browser_may_know() {
        let view = SessionView {
            client_name: Some("CLIENT-PC\u{1b}".to_owned()),
            gateway: Some("Oslo".to_owned()),
            requested_at: Some("2026-11-25T15:55:44.180752Z".parse().unwrap()),
            ..over()
        };
        let known = "CLIENT-PC\u{fffd} wants to open a desktop at the gateway Oslo, just now (15:55:44 UTC).";
        assert_eq!(question(&view), known);
        assert_eq!(question(&over()), "A sign-in began just now.");
    }
}
