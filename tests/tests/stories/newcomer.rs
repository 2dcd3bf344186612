//! The newcomer's path, from `gatematch init` to the first approved sign-in of a pilot user over RADIUS, with phones that are
//! apps in browsers. Commands and clicks are counted: docs/first-hour.md tells how many there are.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use gatematch_client_sim::radius::{AccessRequest, RadiusClient, Timing};
use gatematch_protocol::secret::Secret;
use gatematch_tests::machine::Machine;
use gatematch_tests::screen::Screen;
use gatematch_tests::web_phone::{WebPhone, node, started};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::types;

/// NPS waits a minute, and sends the same again every 5 seconds.
const TIMING: Timing = Timing::every(Duration::from_secs(5), Duration::from_secs(60));

/// A port that nobody has now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The server of `machine`, once it says that it listens; and where its RADIUS listens.
async fn serve(machine: &Machine) -> (Child, Value) {
    let mut child = machine.command(&["serve", "--json"]).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await.unwrap().unwrap().unwrap();
    (child, serde_json::from_str(&told).unwrap())
}

/// Makes a browser the phone that the link on the screen is for; how often it was touched.
async fn becomes_a_phone(phone: &mut WebPhone, screen: &mut Screen) -> u64 {
    let link = screen.text("#link").await;
    phone.open(&link).await;
    phone.comes_to("enroll").await;
    phone.tap("#enroll").await;
    phone.comes_to("ready").await;
    phone.tap("#done").await;
    phone.reaches("home", "idle").await;
    3
}

/// Alice opens the connect page, starts her desktop, and types on her phone the number that the page shows.
async fn lets_in(base: &str, radius: SocketAddr, shared: &str, phone: &mut WebPhone) {
    let mut command = node("connect.mjs");
    command.args([base, "alice"]);
    let mut page = started(command);
    let mut steps = BufReader::new(page.stdout.take().unwrap()).lines();
    let mut next = async || -> Value { serde_json::from_str(&steps.next_line().await.unwrap().unwrap()).unwrap() };
    assert_eq!(next().await["step"], "armed");
    let nps = RadiusClient::connect(radius, Secret::new(shared)).await.unwrap();
    let asked = nps.request(AccessRequest::rd_gateway("CONTOSO\\alice").machine("CLIENT-PC"));
    let waits = nps.exchange(&asked, TIMING);
    let on_the_screens = async {
        assert_eq!(next().await["step"], "confirm");
        let shown = next().await;
        assert_eq!(shown["step"], "number");
        phone.reaches("request", "asking").await;
        types(phone, shown["number"].as_str().unwrap()).await;
        assert_eq!(next().await["step"], "approved");
    };
    let (answer, ()) = tokio::join!(waits, on_the_screens);
    assert!(answer.unwrap().is_accept());
    assert!(page.wait().await.unwrap().success());
}

#[tokio::test]
async fn from_nothing_to_the_first_approved_sign_in_by_radius() {
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let mut machine = Machine::new();
    let settings = machine.path().join("gatematch.toml");
    std::fs::remove_file(&settings).unwrap();
    // 1. The settings, each at its default.
    machine.done(&format!("init {}", settings.display())).await;
    machine.set("GATEMATCH_LISTEN", &format!("127.0.0.1:{port}"));
    machine.set("GATEMATCH_ISSUER", &base);
    // 2. The server. 3. The first administrator.
    let (mut server, _) = serve(&machine).await;
    let link = machine.json("console-link ada").await["link"].as_str().unwrap().to_owned();
    let mut screen = Screen::start(&base, &[]).await;
    let mut taps = 0;
    screen.open(&link).await;
    screen.click("main button.primary").await;
    screen.reaches("/console").await;
    screen.click("main a[href='/console/me']").await;
    screen.click("main button[type=submit]").await;
    let mut ada = WebPhone::start_script("phone.mjs", &base, &[]).await;
    taps += becomes_a_phone(&mut ada, &mut screen).await;

    // The gateway, and what is to be pasted.
    screen.click(".rail a[href='/console/gateways']").await;
    screen.click("main a[href='/console/gateways/new']").await;
    for (field, text) in
        [("#name", "rdg01"), ("#application", "Remote Desktop"), ("#gateway", "127.0.0.1"), ("#server", "127.0.0.1")]
    {
        screen.fill(field, text).await;
    }
    screen.click("main button.primary").await;
    let (key, shared, lines) = (screen.text("#key").await, screen.text("#shared").await, screen.text("#section").await);

    // The pilot user, and his phone.
    screen.click(".rail a[href='/console/people']").await;
    screen.unfold("main details.panel").await;
    screen.fill("#name", "alice").await;
    screen.click("main details.panel form button").await;
    screen.reaches("/console/people/alice").await;
    screen.click("main form[action='/console/people/alice/enroll'] button").await;
    let mut phone = WebPhone::start_script("phone.mjs", &base, &[]).await;
    taps += becomes_a_phone(&mut phone, &mut screen).await;
    let clicks = screen.count().await;
    screen.closes().await;
    ada.closes().await;

    // 4. The files of the gateway, and the lines of the settings. 5. The server takes them up.
    for (name, text) in [("rdg01.key", &key), ("rdg01.secret", &shared)] {
        let file = machine.path().join(name);
        std::fs::write(&file, text.trim()).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    let here = machine.path().display().to_string();
    let lines = lines.replace("/etc/gatematch/secrets", &here).replace("127.0.0.1:1812", "127.0.0.1:0");
    let before = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{before}\n{lines}\n")).unwrap();
    // The phone looks again by itself; its browser complains meanwhile.
    phone.order("expect", json!({"text": "net::ERR_"})).await;
    server.kill().await.unwrap();
    let (mut server, told) = serve(&machine).await;
    let radius = told["radius_listen"].as_str().unwrap_or_else(|| panic!("{told}")).parse().unwrap();

    // Alice: the page, the desktop, the number.
    lets_in(&base, radius, shared.trim(), &mut phone).await;
    phone.order("expect", json!({"text": "net::ERR_"})).await;
    phone.closes().await;
    server.kill().await.unwrap();

    // What docs/first-hour.md says.
    let doc = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/first-hour.md");
    let doc = std::fs::read_to_string(doc).unwrap();
    let said = format!("5 commands, {clicks} clicks and fields in the browser, {taps} on phones");
    assert!(doc.contains(&said), "docs/first-hour.md should say: {said}");
    assert!(json!(clicks).as_u64().unwrap() <= 20, "{clicks}");
}
