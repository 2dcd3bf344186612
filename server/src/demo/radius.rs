//! The story of RD Gateway: it shows the person nothing, so the number is on a page that he has opened first.

use std::time::Duration;

use gatematch_client_sim::connect::Browser;
use gatematch_client_sim::display;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::phone::Phone;
use gatematch_client_sim::radius::{AccessRequest, Answer as Reply, RadiusClient, Timing};
use gatematch_protocol::connect::SessionView;
use gatematch_protocol::secret::Secret;
use gatematch_radius::settings::Settings;
use gatematch_radius::shell::Front;
use gatematch_server::cli::fault::Fault;
use gatematch_server::cli::terminal::Tone;
use gatematch_server::edge::Edge;
use gatematch_server::start::Running;

use super::setting::{Parties, USER};
use super::story::Story;
use super::{CLIENT, Demo, capitalized, failed, on_the_phone};

/// What RD Gateway's NPS and the front door share.
pub(super) const SECRET: &str = "demo-secret-of-the-two";
/// How long RD Gateway's NPS waits, and after how long it sends the same again.
pub(super) const TIMING: Timing = Timing::every(Duration::from_secs(5), Duration::from_secs(60));

/// The front door for the story, beside the server.
pub(super) async fn front_door(running: &Running, parties: &Parties) -> Result<Front, Fault> {
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[[client]]\nname = \"rdg01\"\nnetwork = \"127.0.0.1/32\"\n\
         secret = \"{SECRET}\"\ngateway_key = \"{}\"\n",
        parties.gateway.key.reveal()
    );
    let broken = |what: String| Fault::broken(what, "", "");
    let table: toml::Table = toml::from_str(&text).map_err(|fault| broken(fault.to_string()))?;
    let loaded =
        Settings::read(&table, &|_| None, std::path::Path::new("")).map_err(|fault| broken(fault.to_string()))?;
    let server = format!("http://{}", running.address());
    Front::start(loaded.settings, Edge::system(), &server).await.map_err(|fault| broken(fault.to_string()))
}

/// How to play on with the front door.
pub(super) fn playground(front: &Front, issuer: &str) -> [String; 5] {
    [
        String::new(),
        format!(
            "The RADIUS front door listens on {}. Open the page first: {issuer}/connect, or in a terminal",
            front.address()
        ),
        format!("  gatematch-sim connect --user {USER} --server {issuer}"),
        "and then be RD Gateway's NPS:".to_owned(),
        format!(
            "  gatematch-sim radius login --user 'CONTOSO\\alice' --machine {} --server {} --secret {SECRET}",
            CLIENT.0,
            front.address()
        ),
    ]
}

/// A login through RD Gateway.
pub(super) async fn login(
    demo: &Demo,
    front: &Front,
    parties: &Parties,
    phone: &Phone,
    story: &mut Story<'_>,
) -> Result<(), Fault> {
    let browser = Browser::new(parties.api.clone());
    browser.arm(USER).await.map_err(failed)?;
    story.step("browser", &format!("opens the connect page first, as {USER}"), "POST /connect/sessions")?;
    story.step("mstsc", "starts the desktop; RD Gateway has checked the password", "")?;
    let nps = RadiusClient::connect(front.address(), Secret::new(SECRET)).await?;
    let asked = nps.request(AccessRequest::rd_gateway("CONTOSO\\alice").machine(CLIENT.0));
    let told = format!("RADIUS Access-Request, {} octets: no password, no address, no screen", asked.bytes.len());
    story.step("NPS", "asks the front door, and waits", &told)?;
    let answer = async {
        let answered = nps.exchange(&asked, TIMING).await;
        answered.map_err(|silence| failed(Failure::Transport(silence.to_string())))
    };
    let (reply, ()) = tokio::try_join!(answer, at_the_page(demo, &browser, phone, story))?;
    let view = browser.current().await.map_err(failed)?;
    at_the_gateway(&reply, &view, &browser, story)
}

async fn at_the_page(demo: &Demo, browser: &Browser, phone: &Phone, story: &mut Story<'_>) -> Result<(), Fault> {
    browser.wait_for(|view| view.state == "confirm").await.map_err(failed)?;
    story.step("browser", "\"A sign-in began just now. Is this you?\"", "GET /connect/sessions/current/events")?;
    let view = browser.confirm(true).await.map_err(failed)?;
    let number = view.number.ok_or_else(|| failed(Failure::Missing("the page has no number")))?;
    story.step(
        "browser",
        "\"Yes, that's mine.\" Now it shows the number:",
        "POST /connect/sessions/current/confirm",
    )?;
    story.terminal.line("")?;
    for row in display::large(&number) {
        story.aside(Tone::Bold, &format!("   {row}"))?;
    }
    story.terminal.line("")?;
    story.begin();
    on_the_phone(demo, phone, &number, story).await
}

fn at_the_gateway(reply: &Reply, view: &SessionView, browser: &Browser, story: &mut Story<'_>) -> Result<(), Fault> {
    story.step(
        "NPS",
        &format!("was waiting, and hears: {}", reply.name()),
        "checked: both authenticators, Proxy-State",
    )?;
    if !reply.is_accept() {
        return story.aside(Tone::Bad, "Not let in. Nothing was opened.");
    }
    let bound = browser.cookies().len() > 1;
    let remembered = if bound { "; the next time it need not ask" } else { "" };
    story.step("browser", &format!("shows: {}{remembered}", view.state), "GET /connect/sessions/current")?;
    story.aside(Tone::Good, &format!("{} is let in. Page and phone can be put away.", capitalized(USER)))
}
