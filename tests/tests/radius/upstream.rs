//! The first factor by an upstream server, where FreeRADIUS cannot play it: nothing is asked of a phone before an
//! answer that proves where it comes from has said yes.

mod codes;
mod fake;
mod health;

use std::net::SocketAddr;

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::radius::packet::{MICROSOFT, code, kind};
use gatematch_client_sim::radius::{AccessRequest, Attribute, RadiusClient, digest};
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_radius::attribute::microsoft::{MS_CHAP_MPPE_KEYS, MS_MPPE_RECV_KEY, MS_MPPE_SEND_KEY};
use gatematch_radius::attribute::{CLASS, SESSION_TIMEOUT, TUNNEL_PASSWORD};
use gatematch_radius::authenticator::{hide_password, hide_salted, reveal_password, reveal_salted};
use gatematch_tests::freeradius::BEHIND;
use gatematch_tests::front::{FrontDoor, SECRET, ask, drops, rd_gateway};
use gatematch_tests::moves::count;
use gatematch_tests::{Person, Site};
use tokio::net::UdpSocket;

use self::fake::Fake;
use super::{APPROVE_ONLY, blind, shape, tap};

/// A front door whose one client has `keys`, with these servers behind it, each of which has `upstream_keys`.
pub(super) async fn front_before(
    site: &Site,
    gateway: &Gateway,
    behind: &[SocketAddr],
    keys: &str,
    upstream_keys: &str,
) -> FrontDoor {
    let upstream = |(index, address): (usize, &SocketAddr)| {
        format!(
            "\n[[upstream]]\nname = \"nps{index}\"\naddress = \"{address}\"\nsecret = \"{BEHIND}\"\n{upstream_keys}"
        )
    };
    let upstreams: String = behind.iter().enumerate().map(upstream).collect();
    FrontDoor::of(site, gateway, &format!("{keys}\nfirst_factor = \"radius\"\n{upstreams}")).await
}

/// One server behind the front door, and one client before it.
struct Scene {
    site: Site,
    alice: Person,
    behind: Fake,
    front: FrontDoor,
    nps: RadiusClient,
}

impl Scene {
    async fn new(keys: &str, upstream_keys: &str) -> Self {
        let site = Site::start().await;
        let gateway = if keys.contains("challenge") { site.gateway().await } else { blind(&site).await };
        let (alice, behind) = (site.person("alice").await, Fake::start().await);
        let front = front_before(&site, &gateway, &[behind.address], keys, upstream_keys).await;
        let nps = front.nps().await;
        Self { site, alice, behind, front, nps }
    }

    async fn challenges(&self) -> usize {
        count(&self.site.audit().await, "challenge.created")
    }

    /// The causes for which logins were not served.
    async fn told(&self) -> Vec<String> {
        drops(&self.site.audit_when(|events| !drops(events).is_empty()).await)
    }
}

fn with_password(password: &str) -> AccessRequest {
    AccessRequest::plain("alice").machine("CLIENT-PC").password(password)
}

#[tokio::test]
async fn no_phone_is_asked_before_the_upstream_server_has_said_yes() {
    let scene = Scene::new(APPROVE_ONLY, "").await;
    let request = scene.nps.request(with_password("hunter2").proxy_state(b"fe80::1").proxy_state(b"84"));
    let upstream = async {
        let asked = scene.behind.request().await;
        assert_ne!(asked.authenticator, request.authenticator);
        let hidden = digest::hide_password(b"hunter2", &asked.authenticator, BEHIND.as_bytes());
        assert_eq!(asked.all(kind::USER_PASSWORD), [hidden.as_slice()], "hidden anew");
        assert_eq!(asked.all(kind::USER_NAME), [b"alice"]);
        let vendor = Attribute::vendor(MICROSOFT, 50, b"CLIENT-PC");
        assert_eq!(asked.all(kind::VENDOR_SPECIFIC), [vendor.value.as_slice()]);
        let proxy_states = asked.all(kind::PROXY_STATE);
        assert!(proxy_states.len() == 3 && proxy_states.starts_with(&[b"fe80::1", b"84"]), "and one of ours");
        // The gateway asks again, and there is nothing that it could have got.
        for _ in 0..5 {
            scene.nps.send_raw(&request.bytes).await.unwrap();
        }
        assert!(scene.front.is_silent_to(&scene.nps).await);
        assert!(scene.behind.is_quiet(), "one question");
        assert_eq!(scene.challenges().await, 0);
        assert!(scene.alice.phone.waiting(0).await.unwrap().is_empty());
        let mut granted = vec![Attribute::new(CLASS, b"one"), Attribute::new(kind::STATE, b"theirs")];
        granted.extend(proxy_states.iter().map(|value| Attribute::new(kind::PROXY_STATE, value)));
        granted.extend([Attribute::new(CLASS, b"two"), Attribute::vendor(9, 1, b"shell:priv-lvl=15")]);
        scene.behind.say(&asked, code::ACCESS_ACCEPT, &granted).await;
        tap(&scene.alice, Decision::Approve).await;
    };
    // `ask` looks at the Proxy-States.
    let (answer, ()) = tokio::join!(ask(&scene.nps, &request), upstream);
    assert!(answer.is_accept());
    assert_eq!(answer.all(CLASS).collect::<Vec<_>>(), [b"one", b"two"]);
    assert_eq!(answer.vendor(9, 1), Some(&b"shell:priv-lvl=15"[..]));
    assert_eq!(answer.state(), None, "what belongs to the hop behind stays there");
    assert_eq!(answer.attributes.len(), 6, "{:?}", answer.attributes);
}

#[tokio::test]
async fn what_rd_gateway_asks_goes_on_without_a_password() {
    let scene = Scene::new(APPROVE_ONLY, "").await;
    let request = scene.nps.request(rd_gateway("CONTOSO\\alice"));
    let upstream = async {
        let asked = scene.behind.request().await;
        assert!(asked.all(kind::USER_PASSWORD).is_empty());
        assert_eq!(asked.all(kind::CALLED_STATION_ID), [b"UserAuthType:PW"]);
        scene.behind.accept(&asked).await;
        tap(&scene.alice, Decision::Deny).await;
    };
    let (answer, ()) = tokio::join!(ask(&scene.nps, &request), upstream);
    assert!(answer.is_reject(), "the upstream Accept is not enough");
}

#[tokio::test]
async fn an_upstream_reject_or_challenge_is_a_reject_like_any_other_and_rings_no_phone() {
    let scene = Scene::new(APPROVE_ONLY, "").await;
    let said = [Attribute::new(kind::REPLY_MESSAGE, "Your password has expired."), Attribute::new(kind::STATE, b"s")];
    let mut seen = std::collections::BTreeSet::new();
    for code in [code::ACCESS_REJECT, code::ACCESS_CHALLENGE] {
        let upstream = async { scene.behind.say(&scene.behind.request().await, code, &said).await };
        let request = scene.nps.request(with_password("hunter2"));
        let (answer, ()) = tokio::join!(ask(&scene.nps, &request), upstream);
        seen.insert(shape(&answer));
    }
    let expected = (3, vec![80, 18], Some("The sign-in was not approved.".to_owned()));
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [expected]);
    assert_eq!((scene.challenges().await, scene.told().await), (0, vec!["upstream-challenge".to_owned()]));
    // The password was right and the person says no: nothing tells the two apart.
    let upstream = async {
        scene.behind.accept(&scene.behind.request().await).await;
        tap(&scene.alice, Decision::Deny).await;
    };
    let request = scene.nps.request(with_password("hunter2"));
    let (answer, ()) = tokio::join!(ask(&scene.nps, &request), upstream);
    assert_eq!(shape(&answer), (3, vec![80, 18], Some("The sign-in was not approved.".to_owned())));
}

#[tokio::test]
async fn a_reply_that_does_not_prove_where_it_comes_from_is_not_believed() {
    let scene = Scene::new(APPROVE_ONLY, "").await;
    let request = scene.nps.request(with_password("wrong"));
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let upstream = async {
        let asked = scene.behind.request().await;
        let sound = asked.answer(code::ACCESS_ACCEPT, &[], BEHIND);
        let changed = |at: usize| {
            let mut bytes = sound.clone();
            bytes[at] ^= 1;
            bytes
        };
        // CVE-2024-3596: a Response Authenticator that holds does not do without the signature.
        let forged = [asked.bare(code::ACCESS_ACCEPT, &[]), asked.sealed(changed(30), BEHIND)];
        let secret = asked.answer(code::ACCESS_ACCEPT, &[], SECRET);
        for bytes in forged.into_iter().chain([secret, changed(0), changed(1), changed(4), changed(30), vec![]]) {
            scene.behind.send(&asked, &bytes).await;
        }
        asked.send_from(&stranger, &sound).await;
        for attempt in [&b"\x02"[..], &[2, asked.bytes[1], 0, 20], &[0xff; 4_097]] {
            scene.behind.send(&asked, attempt).await;
        }
        assert!(scene.front.is_silent_to(&scene.nps).await);
        assert_eq!(scene.challenges().await, 0);
        // The true answer still counts.
        scene.behind.say(&asked, code::ACCESS_REJECT, &[]).await;
    };
    let (answer, ()) = tokio::join!(ask(&scene.nps, &request), upstream);
    assert!(answer.is_reject());
    assert_eq!(scene.challenges().await, 0);
    assert_eq!(drops(&scene.site.audit().await), [""; 0], "it was served");

    // Where nothing else comes, the login ends with its time, and the administrator hears why.
    let request = scene.nps.request(with_password("hunter2"));
    let upstream = async {
        for _ in 0..2 {
            let asked = scene.behind.request().await;
            scene.behind.send(&asked, &asked.answer(code::ACCESS_ACCEPT, &[], SECRET)).await;
            scene.site.clock.advance(5);
        }
    };
    let (answer, ()) = tokio::join!(ask(&scene.nps, &request), upstream);
    assert!(answer.is_reject());
    assert_eq!((scene.challenges().await, scene.told().await), (0, vec!["upstream-unauthentic".to_owned()]));
}

#[tokio::test]
async fn keys_and_tunnel_passwords_are_hidden_again_for_the_client() {
    let scene = Scene::new(APPROVE_ONLY, "").await;
    let request = scene.nps.request(with_password("hunter2"));
    let (theirs, ours) = (Secret::new(BEHIND), Secret::new(SECRET));
    let lan = [[9; 24].as_slice(), &[0; 8]].concat();
    let upstream = async {
        let asked = scene.behind.request().await;
        let salted = |key: &[u8], salt: u8| hide_salted(key, [1, salt], &asked.authenticator, &theirs).unwrap();
        let tunnel = [&[1][..], &salted(b"through the hill", 3)].concat();
        let granted = [
            Attribute::vendor(MICROSOFT, MS_MPPE_SEND_KEY, salted(&[5; 32], 1)),
            Attribute::vendor(MICROSOFT, MS_MPPE_RECV_KEY, salted(&[6; 32], 2)),
            Attribute::vendor(
                MICROSOFT,
                MS_CHAP_MPPE_KEYS,
                hide_password(&lan, &asked.authenticator, &theirs).unwrap(),
            ),
            Attribute::new(TUNNEL_PASSWORD, tunnel),
        ];
        scene.behind.say(&asked, code::ACCESS_ACCEPT, &granted).await;
        tap(&scene.alice, Decision::Approve).await;
        granted
    };
    let (answer, sent) = tokio::join!(ask(&scene.nps, &request), upstream);
    assert!(answer.is_accept());
    assert!(sent.iter().all(|attribute| !answer.attributes.contains(attribute)), "nothing goes on as it came");
    let key = |kind| answer.vendor(MICROSOFT, kind).unwrap();
    let read = |value: &[u8]| reveal_salted(value, &request.authenticator, &ours).unwrap().to_vec();
    assert_eq!((read(key(MS_MPPE_SEND_KEY)), read(key(MS_MPPE_RECV_KEY))), (vec![5; 32], vec![6; 32]));
    let lan = reveal_password(key(MS_CHAP_MPPE_KEYS), &request.authenticator, &ours).unwrap();
    assert_eq!(lan.as_slice(), [9; 24]);
    let (tag, tunnel) = answer.first(TUNNEL_PASSWORD).unwrap().split_first().unwrap();
    assert_eq!((*tag, read(tunnel)), (1, b"through the hill".to_vec()));
}

#[tokio::test]
async fn what_is_granted_waits_for_the_second_request_and_a_setting_takes_its_place() {
    let keys = "style = \"challenge\"\naccept = { \"Session-Timeout\" = 60 }";
    let scene = Scene::new(keys, "").await;
    let granted = [Attribute::new(SESSION_TIMEOUT, 3_600_u32.to_be_bytes()), Attribute::new(CLASS, b"staff")];
    let upstream = async { scene.behind.say(&scene.behind.request().await, code::ACCESS_ACCEPT, &granted).await };
    let request = scene.nps.request(with_password("hunter2"));
    let (asked, ()) = tokio::join!(ask(&scene.nps, &request), upstream);
    assert!(asked.is_challenge());
    assert_eq!(shape(&asked).1, [80, 18, 24], "nothing is granted yet");
    let message = asked.reply_message().unwrap();
    let number: String = message.chars().filter(char::is_ascii_digit).collect();
    let waiting = scene.alice.phone.waiting(0).await.unwrap();
    scene.alice.phone.respond(&waiting[0].challenge, Decision::Approve, Some(&number), None).await.unwrap();
    let second = AccessRequest::plain("alice").password("").state(asked.state().unwrap());
    let answer = ask(&scene.nps, &scene.nps.request(second)).await;
    assert!(answer.is_accept());
    assert_eq!(answer.first(CLASS), Some(&b"staff"[..]));
    assert_eq!(answer.all(SESSION_TIMEOUT).collect::<Vec<_>>(), [60_u32.to_be_bytes()]);
    assert!(scene.behind.is_quiet(), "the second request is ours alone");
}
