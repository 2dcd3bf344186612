//! RADIUS: from the gateways' NPS to the front door, and from the front door to the NPS behind it.

use std::net::UdpSocket;

use futures_util::future::join_all;

use super::super::finding::{Finding, Way};
use super::super::front_door::{FrontDoor, RadiusClient, RadiusServer, Sign};
use super::super::ports::sign_of;
use super::{HERE, Reach};

pub(super) async fn ways(door: Option<&FrontDoor>, reach: &Reach) -> Vec<Way> {
    let Some(door) = door else { return Vec::new() };
    let port = door.listen.port();
    let (own, behind) =
        tokio::join!(own(door, reach), join_all(door.upstreams.iter().map(|one| upstream(one, door, reach))));
    let mut ways = vec![Way {
        from: HERE.to_owned(),
        to: format!("front door {}", door.listen.ip()),
        port: format!("{port}/udp"),
        why: "RADIUS, seen from here".to_owned(),
        finding: own,
    }];
    ways.extend(door.clients.iter().map(|client| from_client(client, door)));
    ways.extend(behind);
    ways
}

/// What this machine itself can tell of the front door.
async fn own(door: &FrontDoor, reach: &Reach) -> Finding {
    if UdpSocket::bind(door.listen).is_ok() {
        let what = format!("Nothing listens on {} (UDP): no front door runs.", door.listen);
        return Finding::fail(what, "Start the server: systemctl start gatematch");
    }
    let asked = tokio::time::timeout(reach.patience, sign_of(door, &reach.edge, reach.patience / 2));
    asked.await.unwrap_or_else(|_| Finding::fail(format!("The front door: {}.", reach.silence()), ""))
}

/// Nobody can send a datagram from there but the machine itself.
fn from_client(client: &RadiusClient, door: &FrontDoor) -> Way {
    let (address, port) = (door.listen, door.listen.port());
    let is_near = door.listen.ip().is_loopback();
    let is_far = !client.network.starts_with("127.") && !client.network.starts_with("::1");
    let finding = if is_near && is_far {
        let what = format!("The front door listens on {address}, which {} cannot reach.", client.name);
        Finding::fail(what, "Set listen in [radius] to the address of this machine that the gateways ask.")
    } else {
        let what = "Whether datagrams arrive cannot be told from here: they are UDP, and only that machine sends them.";
        let todo = format!(
            "Here: tcpdump -ni any udp port {port}, and sign in once. Nothing arrives: a firewall on the way, or on the RD Gateway itself (Get-NetFirewallRule). It arrives and is not answered: gatematch audit tail says why."
        );
        Finding::elsewhere(what, todo)
    };
    let from = format!("{} {}", client.name, client.network);
    let (to, why) = (HERE.to_owned(), "RADIUS: sign-ins".to_owned());
    Way { from, to, port: format!("{port}/udp"), why, finding }
}

/// A server that checks the first factor.
async fn upstream(server: &RadiusServer, door: &FrontDoor, reach: &Reach) -> Way {
    let RadiusServer { name, address, .. } = server;
    let finding = if server.gives_signs {
        let asked = (door.ask)(*address, server.secret.clone(), reach.patience / 2, reach.edge.clone());
        match tokio::time::timeout(reach.patience, asked).await.unwrap_or(Sign::Silence) {
            Sign::Answered => Finding::ok("It answers, and knows the secret."),
            Sign::Unauthentic => {
                Finding::fail("It answers, and does not know the secret.", "Write the same one on both sides.")
            }
            Sign::Silence => Finding::fail(
                "It does not answer a Status-Server.",
                format!(
                    "Open UDP {} to it; let it know this machine as a RADIUS client. An NPS never answers: status_server = false.",
                    address.port()
                ),
            ),
        }
    } else {
        let what = "It cannot be told without a sign-in: an NPS answers nothing else.";
        Finding::elsewhere(
            what,
            "Sign in once, and look at its event log (Network Policy and Access Services, 6272 to 6274).",
        )
    };
    let (from, to) = (HERE.to_owned(), format!("{name} {}", address.ip()));
    Way { from, to, port: format!("{}/udp", address.port()), why: "RADIUS: passwords".to_owned(), finding }
}
