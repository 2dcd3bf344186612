//! FreeRADIUS behind us: `first_factor = "radius"`.

use std::net::SocketAddr;

use gatematch_client_sim::gateway::Gateway;
use gatematch_protocol::response::Decision;
use gatematch_tests::freeradius::{Answers, FreeRadius, Radclient, rd_gateway_asks};
use gatematch_tests::front::{FrontDoor, PATIENCE, drops};
use gatematch_tests::moves::{another_number, count};
use gatematch_tests::{Person, Site};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::radius::upstream::front_before;
use crate::radius::{APPROVE_ONLY, blind, tap};

/// The people whom the NPS knows, and what it grants them. RD Gateway sends no password: its people are let pass.
const USERS: &str = "\
alice Cleartext-Password := \"hunter2\"
\tClass = \"staff\",
\tReply-Message = \"Welcome\",
\tMS-MPPE-Send-Key = 0x0505050505050505050505050505050505050505050505050505050505050505,
\tMS-MPPE-Recv-Key = 0x0606060606060606060606060606060606060606060606060606060606060606,
\tTunnel-Password:1 = \"through the hill\",
\tSession-Timeout = 3600

DEFAULT Called-Station-Id == \"UserAuthType:PW\", Auth-Type := Accept
\tClass = \"desktop\"
";

struct Scene {
    site: Site,
    gateway: Gateway,
    alice: Person,
}

impl Scene {
    async fn new() -> Self {
        let site = Site::start().await;
        let (gateway, alice) = (blind(&site).await, site.person("alice").await);
        Self { site, gateway, alice }
    }

    /// A front door with these servers behind it.
    async fn front(&self, behind: &[SocketAddr], keys: &str) -> FrontDoor {
        front_before(&self.site, &self.gateway, behind, APPROVE_ONLY, keys).await
    }

    async fn challenges(&self) -> usize {
        count(&self.site.audit().await, "challenge.created")
    }
}

fn with_password(password: &str) -> String {
    format!("User-Name = \"alice\"\nUser-Password = \"{password}\"\nMessage-Authenticator = 0x00\n")
}

#[tokio::test]
async fn freeradius_behind_us_checks_the_password_before_the_phone_and_its_attributes_come_back() {
    let scene = Scene::new().await;
    let nps = FreeRadius::behind(USERS, Answers::Signed).await;
    let front = scene.front(&[nps.address], "").await;
    let radclient = Radclient::of(front.address);
    let long = "a".repeat(128);
    for wrong in ["hunter3", "", long.as_str()] {
        let heard = radclient.login(&with_password(wrong)).await;
        assert_eq!(heard.code(), Some("Access-Reject"), "{}", heard.text);
        assert_eq!(heard.names(), ["Message-Authenticator", "Reply-Message"], "{}", heard.text);
    }
    assert_eq!(scene.challenges().await, 0, "no phone rings for a wrong password");
    let asks = with_password("hunter2");
    let (heard, ()) = tokio::join!(radclient.login(&asks), tap(&scene.alice, Decision::Approve));
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    // The keys came under one secret and go out under another: radclient can read them.
    let key = |digit: &str| format!("0x{}", digit.repeat(32));
    for (name, value) in [
        ("Class", "0x7374616666"),
        ("Reply-Message", "\"Welcome\""),
        ("MS-MPPE-Send-Key", &key("05")),
        ("MS-MPPE-Recv-Key", &key("06")),
        ("Tunnel-Password:1", "\"through the hill\""),
        ("Session-Timeout", "3600"),
    ] {
        assert_eq!(heard.values(name), [value], "{}", heard.text);
    }
    assert_eq!(heard.names().len(), 7, "those and Message-Authenticator: {}", heard.text);
    // The password holds, and the person says no.
    let (heard, ()) = tokio::join!(radclient.login(&asks), tap(&scene.alice, Decision::Deny));
    assert_eq!(heard.code(), Some("Access-Reject"), "{}", heard.text);
    assert_eq!(heard.names(), ["Message-Authenticator", "Reply-Message"], "nothing is granted");
}

#[tokio::test]
async fn freeradius_behind_us_checks_the_password_that_stands_before_a_code() {
    let scene = Scene::new().await;
    let app = scene.site.app_of("alice").await;
    let nps = FreeRadius::behind(USERS, Answers::Signed).await;
    let keys = "style = \"passcode\"";
    let front = front_before(&scene.site, &scene.gateway, &[nps.address], keys, "").await;
    // On both sides: the gateway's NPS, we, and the central NPS.
    let before = FreeRadius::before(&[(front.address, 60)]).await;
    let radclient = Radclient::of(before.address);
    let code = scene.site.code(&app, 0);
    for password in ["hunter3", "hunter2,"] {
        let heard = radclient.login(&with_password(&format!("{password},{}", code.reveal()))).await;
        assert_eq!(heard.code(), Some("Access-Reject"), "{}", heard.text);
        assert_eq!(scene.challenges().await, 0, "no code is judged for a wrong password");
    }
    let wrong = another_number(code.reveal());
    let heard = radclient.login(&with_password(&format!("hunter2,{wrong}"))).await;
    assert_eq!((heard.code(), heard.values("Class").len()), (Some("Access-Reject"), 0), "{}", heard.text);
    let heard = radclient.login(&with_password(&format!("hunter2,{}", code.reveal()))).await;
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    assert_eq!(heard.values("Class"), ["0x7374616666"], "{}", heard.text);
    assert_eq!(scene.challenges().await, 2);
}

#[tokio::test]
async fn freeradius_behind_us_lets_rd_gateway_pass_without_a_password() {
    let scene = Scene::new().await;
    let behind = FreeRadius::behind(USERS, Answers::Signed).await;
    let front = scene.front(&[behind.address], "").await;
    // On both sides: the gateway's NPS, we, and the central NPS.
    let before = FreeRadius::before(&[(front.address, 60)]).await;
    let asks = rd_gateway_asks("CONTOSO\\alice");
    let login = Radclient::of(before.address).login(&asks);
    let (heard, ()) = tokio::join!(login, tap(&scene.alice, Decision::Approve));
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
    assert_eq!(heard.values("Class"), ["0x6465736b746f70"], "{}", heard.text);
    let plain = Radclient::of(before.address).login("User-Name = \"alice\"\n").await;
    assert_eq!(plain.code(), Some("Access-Reject"), "no password, and not from RD Gateway: {}", plain.text);
    assert_eq!(scene.challenges().await, 1);
}

#[tokio::test]
async fn freeradius_behind_us_that_does_not_sign_is_not_believed_unless_the_settings_say_so() {
    let scene = Scene::new().await;
    let mut nps = FreeRadius::behind(USERS, Answers::Bare).await;
    let strict = scene.front(&[nps.address], "").await;
    let trusting = scene.front(&[nps.address], "require_message_authenticator = false\n").await;
    let asks = with_password("hunter2");
    let time = async {
        nps.tells("Sent Access-Accept").await;
        nps.tells("Finished request").await;
        loop {
            scene.site.clock.advance(1);
            scene.site.audit().await;
        }
    };
    let heard = tokio::select! {
        heard = Radclient::of(strict.address).login(&asks) => heard,
        () = time => unreachable!(),
    };
    assert_eq!(heard.code(), Some("Access-Reject"), "{}", heard.text);
    let events = scene.site.audit_when(|events| !drops(events).is_empty()).await;
    assert_eq!(drops(&events), ["upstream-unauthentic"]);
    assert_eq!(count(&events, "challenge.created"), 0);
    let login = Radclient::of(trusting.address).login(&asks);
    let (heard, ()) = tokio::join!(login, tap(&scene.alice, Decision::Approve));
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
}

#[tokio::test]
async fn freeradius_behind_us_is_left_for_the_next_and_found_again_by_status_server() {
    let scene = Scene::new().await;
    let second = FreeRadius::behind(USERS, Answers::Signed).await;
    // In the place of the first, somebody who only hears what is asked.
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let front = scene.front(&[address, second.address], "").await;
    let (asks, radclient) = (with_password("hunter2"), Radclient::of(front.address));
    let person = async {
        for _ in 0..2 {
            timeout(PATIENCE, silent.recv(&mut [0; 64])).await.expect("the first is asked").unwrap();
            scene.site.clock.advance(5);
        }
        tap(&scene.alice, Decision::Approve).await;
    };
    let (heard, ()) = tokio::join!(radclient.login(&asks), person);
    assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);

    drop(silent);

    // Back at its place, it is probed while others serve, and asked first from then on.
    let mut first = FreeRadius::behind_at(USERS, Answers::Signed, Some(address)).await;
    let (mut probes, mut requests) = (0, 0);
    for _ in 0..100 {
        scene.site.clock.advance(10);
        let (heard, ()) = tokio::join!(radclient.login(&asks), tap(&scene.alice, Decision::Approve));
        assert_eq!(heard.code(), Some("Access-Accept"), "{}", heard.text);
        let said = first.said();
        probes += said.iter().filter(|line| line.contains("Received Status-Server")).count();
        requests += said.iter().filter(|line| line.contains("Received Access-Request")).count();
        if requests > 0 {
            break;
        }
    }
    assert!(probes > 0 && requests > 0, "{probes} {requests}");
}
