//! `gatematch demo --web`: the phone is the web app in a real browser, and sign-ins begin in the terminal.

use std::path::Path;

use gatematch_client_sim::display;
use gatematch_client_sim::radius::{AccessRequest, RadiusClient};
use gatematch_domain::text::disarm;
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::secret::Secret;
use gatematch_radius::shell::Front;
use gatematch_server::cli::fault::Fault;
use gatematch_server::cli::terminal::{Terminal, Tone};
use gatematch_server::start::Running;

use super::person::read_line;
use super::setting::{GATEWAY, Parties, USER};
use super::{CLIENT, WAIT, capitalized, failed, radius, setting, sim};

/// What runs until Ctrl-C.
pub(super) struct Web {
    pub(super) running: Running,
    pub(super) front: Front,
    parties: Parties,
}

/// What whoever runs the demo wants next.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    /// A sign-in at a gateway that shows the number itself.
    Number,
    /// A sign-in through RD Gateway, with the number on the connect page.
    Page,
    /// Another link for a phone.
    Link,
    /// To know what there is to wish for.
    Help,
    /// The end.
    End,
}

/// Starts everything.
pub(super) async fn start(directory: &Path) -> Result<Web, Fault> {
    let running = setting::server(&directory.join("data")).await?;
    let parties = setting::parties(&running).await?;
    let front = radius::front_door(&running, &parties).await?;
    Ok(Web { running, front, parties })
}

/// Does what is asked for at the keyboard, until that ends.
pub(super) async fn play(web: &Web, terminal: &mut Terminal) -> Result<(), Fault> {
    let title = terminal.toned(Tone::Bold, "Gatematch: your browser is the phone");
    terminal.line(&format!("\n{title}\n"))?;
    terminal
        .line(&format!("The server runs on {}, with the user {USER} and \"{GATEWAY}\".\n", web.running.issuer()))?;
    terminal.line("1  Open the phone in a browser on this computer, and add it:")?;
    link(web, terminal).await?;
    terminal.line("2  Come back here and press Enter: a sign-in begins, and its number appears here.")?;
    help(web, terminal)?;
    loop {
        terminal.ask("\nEnter, rdp, link or end >")?;
        match wish(read_line().await?.as_deref()) {
            Wish::Number => at_a_screen(web, terminal).await?,
            Wish::Page => through_rd_gateway(web, terminal).await?,
            Wish::Link => link(web, terminal).await?,
            Wish::Help => help(web, terminal)?,
            Wish::End => return Ok(()),
        }
    }
}

fn wish(line: Option<&str>) -> Wish {
    match line.map(|line| line.trim().to_ascii_lowercase()).as_deref() {
        Some("") => Wish::Number,
        Some("rdp") => Wish::Page,
        Some("link") => Wish::Link,
        None | Some("end" | "quit" | "exit") => Wish::End,
        Some(_) => Wish::Help,
    }
}

fn help(web: &Web, terminal: &mut Terminal) -> Result<(), Fault> {
    [
        String::new(),
        "   rdp    a sign-in as RD Gateway makes it, over RADIUS. RD Gateway has no screen, so first open".to_owned(),
        format!("          {}/connect and be {USER}: that page shows the number", web.running.issuer()),
        "   link   a new link, for another phone or when the first was too slow".to_owned(),
        "   end    stops, and removes everything; so does Ctrl-C".to_owned(),
    ]
    .iter()
    .try_for_each(|line| terminal.line(line))
}

/// A link that adds a phone.
async fn link(web: &Web, terminal: &mut Terminal) -> Result<(), Fault> {
    let made = web.parties.admin.create_enrollment(USER, None).await.map_err(failed)?;
    let shown = terminal.toned(Tone::Bold, made.link.reveal());
    terminal.line(&format!("   {shown}"))?;
    terminal.line("   It works once, within 10 minutes.\n")
}

async fn at_a_screen(web: &Web, terminal: &mut Terminal) -> Result<(), Fault> {
    let client = CreateClient { ip: Some(CLIENT.1.to_owned()), name: Some(CLIENT.0.to_owned()) };
    let asked = CreateChallenge { user: USER.to_owned(), client: Some(client), ..CreateChallenge::default() };
    let gateway = &web.parties.gateway;
    let view = gateway.create(&asked, None).await.map_err(failed)?;
    if let Some(number) = view.number.as_ref().filter(|_| view.status == "pending") {
        terminal.line(&format!(
            "\n   {} at {} has given the password. Type on the phone:\n",
            capitalized(USER),
            CLIENT.0
        ))?;
        for row in display::large(number) {
            let row = terminal.toned(Tone::Bold, &row);
            terminal.line(&format!("      {row}"))?;
        }
        terminal.line("")?;
    }
    let redemption_id = base64url::encode(sim::random::<16>());
    let ended = loop {
        let view = gateway.redeem(view.id, &redemption_id, WAIT).await.map_err(failed)?;
        if view.status != "pending" {
            break view;
        }
    };
    let (tone, text) = told(&ended);
    let text = terminal.toned(tone, &text);
    terminal.line(&format!("   {text}"))
}

/// How a sign-in ended, for whoever runs the demo: a real gateway tells the person less.
fn told(view: &ChallengeView) -> (Tone, String) {
    let text = match (view.status.as_str(), view.reason.as_deref()) {
        ("redeemed", _) => return (Tone::Good, format!("Approved: {} is let in.", capitalized(USER))),
        ("denied", Some("not-enrolled")) => {
            format!("{} has no phone yet: open the link above first.", capitalized(USER))
        }
        ("denied", Some("user")) => "Denied on the phone. Nothing was opened.".to_owned(),
        ("denied", Some("reported")) => {
            "Reported: \"It wasn't me\". Sign-ins from this computer rest for 15 minutes.".to_owned()
        }
        ("denied", Some("wrong-number")) => "The number was wrong, and that ends it. Nothing was opened.".to_owned(),
        ("denied", Some("rate-limited")) => {
            "Refused: there were too many sign-ins, or a report. Wait a little.".to_owned()
        }
        ("expired", _) => "Nobody answered in time. Nothing was opened.".to_owned(),
        (status, reason) => format!("Ended: {} {}", disarm(status), disarm(reason.unwrap_or_default())),
    };
    (Tone::Bad, text)
}

async fn through_rd_gateway(web: &Web, terminal: &mut Terminal) -> Result<(), Fault> {
    let nps = RadiusClient::connect(web.front.address(), Secret::new(radius::SECRET)).await?;
    let asked = nps.request(AccessRequest::rd_gateway("CONTOSO\\alice").machine(CLIENT.0));
    terminal.line("\n   RD Gateway has checked the password and asks by RADIUS. Look at the connect page.")?;
    let (tone, text) = match nps.exchange(&asked, radius::TIMING).await {
        Ok(reply) if reply.is_accept() => {
            (Tone::Good, format!("Access-Accept: {} is let in. The page says so too.", capitalized(USER)))
        }
        Ok(reply) => (
            Tone::Bad,
            format!(
                "{}: nothing was opened. Was {}/connect open, with the name {USER}?",
                reply.name(),
                web.running.issuer()
            ),
        ),
        Err(silence) => (Tone::Bad, format!("No answer: {silence}.")),
    };
    let text = terminal.toned(tone, &text);
    terminal.line(&format!("   {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_begins_a_sign_in_and_a_closed_keyboard_ends_the_demo() {
        assert_eq!(wish(Some("\n")), Wish::Number);
        assert_eq!(wish(Some(" RDP \n")), Wish::Page);
        assert_eq!(wish(Some("link\n")), Wish::Link);
        assert_eq!(wish(Some("what\n")), Wish::Help);
        assert_eq!((wish(None), wish(Some("end"))), (Wish::End, Wish::End));
    }
}
