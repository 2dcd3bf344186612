//! `gatematch demo`: a whole sign-in, told as a story, with a simulated phone and gateway.
//!
//! Only the people are simulated. The server is the one that `gatematch serve` runs, and every message goes
//! over HTTP; the phone and the gateway sign and check with another library than the server.

mod person;
mod radius;
mod setting;
mod story;
mod web;

use std::path::Path;
use std::time::Instant;

use clap::Args;
use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::display;
use gatematch_client_sim::edge as sim;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::phone::Phone;
use gatematch_client_sim::store::{State, StoredPhone};
use gatematch_domain::text::disarm;
use gatematch_protocol::base64url;
use gatematch_protocol::challenge::{ChallengeClaims, ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::response::{Decision, ResponseOutcome, UserVerification};
use gatematch_radius::shell::Front;
use gatematch_server::cli::audit_table;
use gatematch_server::cli::end::End;
use gatematch_server::cli::fault::Fault;
use gatematch_server::cli::terminal::{Terminal, Tone};
use gatematch_server::start::Running;

use self::person::Answer;
use self::setting::{GATEWAY, Parties, USER};
use self::story::Story;

/// The computer that the person sits at, and an address for examples (RFC 5737).
const CLIENT: (&str, &str) = ("CLIENT-PC", "203.0.113.7");
/// How long a request waits for something to happen, in seconds.
const WAIT: u32 = 60;
/// How long the sign-in may take, in seconds: a newcomer reads first.
const EXPIRES_IN: i64 = 300;

/// `gatematch demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Type the number yourself, in the place of the person with the phone
    #[arg(long)]
    interactive: bool,
    /// Sign in through RD Gateway: over RADIUS, with the number on the connect page
    #[arg(long)]
    radius: bool,
    /// Be the phone yourself, in a browser on this computer, and start sign-ins from here
    #[arg(long, conflicts_with_all = ["interactive", "radius", "keep"])]
    web: bool,
    /// Leave the server running, and say how to play on; Ctrl-C ends it
    #[arg(long)]
    keep: bool,
}

/// Tells the story.
pub(crate) async fn run(demo: &Demo, terminal: &mut Terminal) -> Result<(), Fault> {
    if terminal.is_json() {
        return Err(Fault::usage("The demo is told to people.", "It has nothing to say in JSON.", "Leave --json out."));
    }
    let mut end = End::new()?;
    let directory = tempfile::Builder::new().prefix("gatematch-demo-").tempdir()?;
    if demo.web {
        let web = web::start(directory.path()).await?;
        let played = tokio::select! {
            played = web::play(&web, terminal) => played,
            () = end.come() => Ok(()),
        };
        web.front.stop().await;
        web.running.stop().await;
        played?;
        return terminal.line("\nStopped, and everything of it is removed.");
    }
    let mut story = Story::new(terminal);
    let told = tokio::select! {
        told = tell(demo, directory.path(), &mut story) => told,
        () = end.come() => return Ok(()),
    };
    let Stage { running, parties, front } = told?;
    if demo.keep {
        playground(&parties, &running, front.as_ref(), directory.path(), story.terminal)?;
        end.come().await;
        story.terminal.line("\nStopped, and everything of it is removed.")?;
    }
    if let Some(front) = front {
        front.stop().await;
    }
    running.stop().await;
    Ok(())
}

/// What the story leaves running.
struct Stage {
    running: Running,
    parties: Parties,
    front: Option<Front>,
}

async fn tell(demo: &Demo, directory: &Path, story: &mut Story<'_>) -> Result<Stage, Fault> {
    let began = Instant::now();
    story.head("Gatematch: a sign-in to Remote Desktop, approved on a phone by number")?;
    let running = setting::server(&directory.join("data")).await?;
    story.step("server", &format!("starts on a fresh database: {}", running.issuer()), "")?;
    let parties = setting::parties(&running).await?;
    story.step("admin", &format!("makes the user {USER}, the gateway \"{GATEWAY}\", and keys"), "")?;
    let phone = enroll(&parties, running.issuer(), story).await?;
    keep_phone(&phone, directory)?;
    story.head(&format!("{} at {} opens Remote Desktop", capitalized(USER), CLIENT.0))?;
    let front = if demo.radius { Some(radius::front_door(&running, &parties).await?) } else { None };
    match &front {
        Some(front) => radius::login(demo, front, &parties, &phone, story).await?,
        None => login(demo, &parties.gateway, &phone, story).await?,
    }
    story.head("What the audit log remembers")?;
    audit(&parties.admin, story.terminal).await?;
    if !demo.interactive {
        story.terminal.line(&format!("\nAll of this took {:.1} s.", began.elapsed().as_secs_f64()))?;
    }
    if !demo.keep {
        next(demo, story.terminal)?;
    }
    Ok(Stage { running, parties, front })
}

async fn enroll(parties: &Parties, issuer: &str, story: &mut Story<'_>) -> Result<Phone, Fault> {
    let link = parties.admin.create_enrollment(USER, None).await.map_err(failed)?;
    story.step("admin", &format!("makes a link for {USER}'s phone; it works once"), "POST /v1/enrollments")?;
    let phone = Phone::new(parties.api.clone(), issuer, sim::random_key(), sim::system_clock());
    phone.enroll(link.link.reveal(), "Simulated phone").await.map_err(failed)?;
    story.step("phone", &format!("makes a key, proves that it has it: {USER}'s phone now"), "POST /v1/devices")?;
    Ok(phone)
}

async fn login(demo: &Demo, gateway: &Gateway, phone: &Phone, story: &mut Story<'_>) -> Result<(), Fault> {
    let client = CreateClient { ip: Some(CLIENT.1.to_owned()), name: Some(CLIENT.0.to_owned()) };
    let asked = CreateChallenge {
        user: USER.to_owned(),
        client: Some(client),
        expires_in: Some(EXPIRES_IN),
        ..CreateChallenge::default()
    };
    let view = gateway.create(&asked, None).await.map_err(failed)?;
    let number = view.number.clone().ok_or_else(|| failed(Failure::Missing("the answer has no number in it")))?;
    story.step("gateway", "password right; asks Gatematch, and shows a number:", "POST /v1/challenges")?;
    story.terminal.line("")?;
    for row in display::large(&number) {
        story.aside(Tone::Bold, &format!("   {row}"))?;
    }
    story.terminal.line("")?;
    story.begin();
    let redemption_id = base64url::encode(sim::random::<16>());
    // The gateway waits while the phone is asked: the approval wakes it up.
    let waits = async {
        loop {
            match gateway.redeem(view.id, &redemption_id, WAIT).await {
                Ok(view) if view.status == "pending" => {}
                ended => return ended.map_err(failed),
            }
        }
    };
    let (redeemed, ()) = tokio::try_join!(waits, on_the_phone(demo, phone, &number, story))?;
    at_the_gateway(gateway, &redeemed, story).await
}

async fn on_the_phone(demo: &Demo, phone: &Phone, number: &str, story: &mut Story<'_>) -> Result<(), Fault> {
    let waiting = phone.waiting(WAIT).await.map_err(failed)?;
    let item = waiting.first().ok_or_else(|| failed(Failure::Missing("no sign-in waits for the phone")))?;
    let claims = phone.read(&item.challenge).await.map_err(failed)?;
    story.step("phone", "fetches the request, checks its signature, and shows:", "GET /v1/devices/self/challenges")?;
    for text in shown(&claims) {
        story.aside(Tone::Bold, &format!("| {text}"))?;
    }
    let answer = if demo.interactive {
        person::ask(number.len(), story.terminal).await?
    } else {
        Answer::approve(number.to_owned())
    };
    story.begin();
    let did = match (answer.decision, &answer.number) {
        (Decision::Approve, Some(number)) => format!("types {number} and taps Approve"),
        (Decision::Approve, None) => "taps Approve".to_owned(),
        (Decision::Deny, _) => "taps Deny".to_owned(),
        (Decision::Report, _) => "taps \"It wasn't me\"".to_owned(),
    };
    story.aside(Tone::Quiet, &format!("{} {did}.", capitalized(USER)))?;
    let outcome =
        phone.respond(&item.challenge, answer.decision, answer.number.as_deref(), Some(UserVerification::Pin)).await;
    let path = "POST /v1/challenges/{id}/response";
    match outcome {
        Ok(outcome) => story.step("phone", &format!("signs its answer; {}", heard(&outcome)), path),
        // Too late, say: the story goes on, and nobody is let in.
        Err(Failure::Problem(problem)) => {
            story.step("phone", &format!("is refused: {}", disarm(&problem.detail)), path)
        }
        Err(failure) => Err(failed(failure)),
    }
}

/// Who, where, when, in words, as a phone shows it.
fn shown(claims: &ChallengeClaims) -> [String; 3] {
    let name = claims.client.name.as_deref().unwrap_or("Somebody");
    let address = claims.client.ip.map(|ip| format!(", {ip}")).unwrap_or_default();
    let ask = match claims.matching {
        Some(matching) => format!("Type the {}-digit number that you see.", matching.digits),
        None => "Approve or deny?".to_owned(),
    };
    [disarm(&format!("{name} wants to open {}", claims.app)), disarm(&format!("{}, now{address}", claims.gateway)), ask]
}

fn heard(outcome: &ResponseOutcome) -> String {
    match (outcome.status.as_str(), outcome.reason.as_deref()) {
        ("approved", _) => "the server finds the number right".to_owned(),
        (_, Some("wrong-number")) => "the number is wrong, and that ends it".to_owned(),
        (status, _) => format!("the server takes it: {}", disarm(status)),
    }
}

async fn at_the_gateway(gateway: &Gateway, view: &ChallengeView, story: &mut Story<'_>) -> Result<(), Fault> {
    let path = "POST /v1/challenges/{id}/redeem";
    if view.status != "redeemed" {
        story.step("gateway", &format!("was waiting, and hears: {}", disarm(&view.status)), path)?;
        return story.aside(Tone::Bad, "Not let in. Nothing was opened.");
    }
    story.step("gateway", "was waiting, wakes up, spends the approval: it works once", path)?;
    let result = gateway.check_result(view).await.map_err(failed)?;
    let matched = if result.number_match { "with the right number" } else { "without a number" };
    story.step("gateway", &format!("checks the result: {}, this sign-in, {matched}", result.sub), "")?;
    story.aside(Tone::Good, &format!("{} is let in. The phone can be put away.", capitalized(&result.sub)))
}

async fn audit(admin: &Admin, terminal: &mut Terminal) -> Result<(), Fault> {
    let page = admin.audit(0, Some(100), None, None).await.map_err(failed)?;
    audit_table(&page.items, terminal)
}

/// So that `gatematch-sim` can play the phone.
fn keep_phone(phone: &Phone, directory: &Path) -> Result<(), Fault> {
    let account = phone.account().ok_or_else(|| failed(Failure::NotEnrolled))?;
    let mut state = State::default();
    state.phones.push(StoredPhone::new("Simulated phone", phone.key(), account));
    state.write(&directory.join("phone.json")).map_err(|fault| Fault::broken(format!("{fault}."), "", ""))
}

fn next(demo: &Demo, terminal: &mut Terminal) -> Result<(), Fault> {
    let program = program();
    terminal.line("\nNext:")?;
    if !demo.interactive {
        terminal.line(&format!("  {program} demo --interactive   type the number yourself, or a wrong one"))?;
    }
    if !demo.radius {
        terminal
            .line(&format!("  {program} demo --radius        sign in through RD Gateway, with the number on a page"))?;
    }
    terminal.line(&format!("  {program} demo --web           be the phone yourself, in your browser"))?;
    terminal.line(&format!("  {program} demo --keep          leave the server running, and play on"))?;
    terminal.line(&format!("  {program} init                 write a settings file, and begin in earnest"))
}

/// How this program was called.
fn program() -> String {
    std::env::args_os().next().map_or_else(|| "gatematch".to_owned(), |word| word.to_string_lossy().into_owned())
}

fn playground(
    parties: &Parties,
    running: &Running,
    front: Option<&Front>,
    directory: &Path,
    terminal: &mut Terminal,
) -> Result<(), Fault> {
    let (issuer, data, phone) = (running.issuer(), directory.join("data"), directory.join("phone.json"));
    let (data, phone) = (data.display(), phone.display());
    let (admin, gateway) = (parties.admin.key.reveal(), parties.gateway.key.reveal());
    let mut lines = vec![
        format!("The server runs on: {issuer}"),
        format!("  administrator's key  {admin}"),
        format!("  gateway's key        {gateway}"),
        String::new(),
        "In a second terminal, be the phone:".to_owned(),
        format!("  gatematch-sim --state {phone} watch"),
        "In a third one, be the gateway:".to_owned(),
        format!(
            "  gatematch-sim gateway login --user {USER} --server {issuer} --client-name {} --key {gateway}",
            CLIENT.0
        ),
        "Or be an attacker:".to_owned(),
        "  gatematch-sim --list-misbehaviours".to_owned(),
        "And be the administrator:".to_owned(),
        format!("  {} --data-dir {data} audit tail --follow", program()),
        format!("  curl -H 'Authorization: Bearer {admin}' {issuer}/v1/users"),
        String::new(),
        "In the source tree, gatematch-sim is: cargo run --release -p gatematch-client-sim --".to_owned(),
        "Ctrl-C ends it all.".to_owned(),
    ];
    if let Some(front) = front {
        lines.extend(radius::playground(front, running.issuer()));
    }
    terminal.line("")?;
    lines.iter().try_for_each(|line| terminal.line(line))
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The story breaks off.
#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn failed(failure: Failure) -> Fault {
    let todo = "This should not happen in the demo: please report it, with these lines.";
    Fault::broken(format!("The demo broke off: {failure}."), "", todo)
}
