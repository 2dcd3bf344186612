//! Every misbehaviour of the simulator's catalogue, each against a scene of its own: the answer is what the
//! contract says, nothing has changed that should not have, and the server still works.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Answer;
use gatematch_client_sim::misbehave::{ALL, Expect, Misbehaviour, Needs, PRIVATE_PART, Scene};
use gatematch_client_sim::phone::Phone;
use gatematch_client_sim::totp::App;
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::authenticator::TotpCreated;
use gatematch_protocol::challenge::ChallengeView;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::secret::Secret;
use gatematch_tests::moves::{detail, heard};
use gatematch_tests::{Person, Site};

/// All that stays the same between the scenes.
struct Stage {
    site: Site,
    gateway: Gateway,
    other_gateway: Gateway,
    other_device: DeviceId,
    elsewhere: String,
    /// The last event that was looked at.
    seen: u64,
}

/// One person, one login, one blank phone and one token: more than any misbehaviour needs.
struct Set {
    person: Person,
    login: ChallengeView,
    signed: String,
    blank: Phone,
    token: Secret,
    app: Option<TotpCreated>,
}

impl Stage {
    async fn set(&self, name: &str, needs: Needs) -> Set {
        let person = self.site.person(name).await;
        let login = self.gateway.create(&person.login(), None).await.unwrap();
        let signed = person.signed(&login).await;
        if matches!(needs, Needs::Login | Needs::OtherGateway) {
            person.approve(&login).await;
        }
        let newcomer = format!("{name}-new");
        self.site.user(&newcomer).await;
        let token = self.site.token(&newcomer).await;
        let app = match needs {
            Needs::Confirming => Some(person.phone.add_totp(None).await.unwrap()),
            _ => None,
        };
        Set { person, login, signed, blank: self.site.blank_phone(), token, app }
    }

    fn scene<'a>(&'a self, set: &'a Set, needs: Needs) -> Scene<'a> {
        let full = Scene {
            phone: Some(&set.person.phone),
            challenge: Some(&set.signed),
            number: set.login.number.as_deref(),
            token: Some(set.token.reveal()),
            gateway: Some(&self.gateway),
            login: Some(set.login.id),
            other_gateway: Some(&self.other_gateway),
            other_device: Some(self.other_device),
            elsewhere: Some(&self.elsewhere),
            app: set.app.as_ref().map(|app| app.id),
            admin: Some(&self.site.admin),
            user: Some(&set.person.name),
        };
        match needs {
            Needs::Enrollment => Scene { phone: Some(&set.blank), ..full },
            _ => full,
        }
    }

    async fn news(&mut self) -> Vec<AuditEvent> {
        let news = self.site.admin.audit(self.seen, Some(1_000), None, None).await.unwrap().items;
        self.seen = news.last().map_or(self.seen, |event| event.seq);
        news
    }

    /// One misbehaviour, and what must hold afterwards.
    async fn play(&mut self, index: usize, entry: &Misbehaviour) {
        let name = entry.name;
        let set = self.set(&format!("user{index}"), entry.needs).await;
        self.news().await;
        let scene = self.scene(&set, entry.needs);
        let requests = entry.requests(&scene).unwrap();
        if let Some(not_before) = requests.iter().filter_map(|request| request.not_before).max() {
            self.site.clock.advance(not_before - set.person.phone.now());
        }
        let answer = entry.carry_out(&scene).await.unwrap();
        assert!(
            entry.expect.is_met_by(&answer),
            "{name}: {} expected, but {} {}",
            entry.expect,
            answer.status,
            answer.text()
        );
        check_answer(entry, &set, &answer);
        let news = self.news().await;
        check_news(entry, &news);
        let untouched = matches!(entry.expect, Expect::Problem(_)) && requests.len() == 1 && name != "late";
        self.check_state(entry, &set, untouched).await;
        self.check_life(name, &set.person).await;
    }

    /// A refusal has changed nothing: what was tried in the wrong way works in the right one.
    async fn check_state(&self, entry: &Misbehaviour, set: &Set, untouched: bool) {
        let name = entry.name;
        match entry.needs {
            Needs::Challenge if untouched => {
                assert_eq!(heard(&set.person.approve(&set.login).await), ("approved", None), "{name}");
            }
            Needs::Enrollment | Needs::SecondEnrollment if untouched || name == "enroll-proof-reused" => {
                let spared = self.site.blank_phone().enroll(set.token.reveal(), "Pixel").await;
                assert!(spared.is_ok(), "{name} has spent the token: {spared:?}");
            }
            Needs::Login | Needs::OtherGateway if untouched => {
                let redeemed = self.gateway.redeem(set.login.id, "first", 0).await.unwrap();
                assert!(self.gateway.check_result(&redeemed).await.is_ok(), "{name}");
            }
            Needs::Phone => assert!(set.person.phone.self_view().await.is_ok(), "{name}"),
            Needs::Confirming => {
                let app = set.app.as_ref().unwrap();
                let shown = App::from_uri(app.otpauth_uri.reveal()).unwrap();
                let code = self.site.code(&shown, 0);
                assert!(set.person.phone.confirm_totp(app.id, code.reveal()).await.is_ok(), "{name}");
            }
            Needs::Helpdesk if untouched => {
                let (admin, user) = (&self.site.admin, set.person.name.as_str());
                assert_eq!(admin.authenticators(user).await.unwrap().len(), 1, "{name}");
                assert!(admin.bypasses(user).await.unwrap().is_empty(), "{name}");
                assert!(!admin.get_user(user).await.unwrap().locked, "{name}");
            }
            _ => {}
        }
    }

    /// The same person can sign in from another computer.
    async fn check_life(&self, name: &str, person: &Person) {
        let login = self.gateway.create(&person.login_from("ANOTHER-PC"), None).await.unwrap();
        assert_eq!(login.status, "pending", "{name}: {login:?}");
        person.approve(&login).await;
        let redeemed = self.gateway.redeem(login.id, "again", 0).await.unwrap();
        assert!(self.gateway.check_result(&redeemed).await.is_ok(), "{name}");
    }
}

fn check_answer(entry: &Misbehaviour, set: &Set, answer: &Answer) {
    let (name, text) = (entry.name, answer.text());
    assert!(answer.status < 500, "{name}: {text}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
    assert!(!text.contains(PRIVATE_PART), "{name}: {text}");
    if let Expect::Problem(code) = entry.expect {
        let problem = answer.problem().unwrap();
        assert_eq!(problem.type_uri, code.type_uri(), "{name}");
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{name}");
    }
    if entry.needs == Needs::Challenge {
        let number = set.login.number.as_deref().unwrap();
        assert!(!text.contains(&format!("\"{number}\"")), "{name} tells the phone the number: {text}");
    }
}

/// Who has proved who he is leaves an event with the true reason; nobody else leaves one of his own.
fn check_news(entry: &Misbehaviour, news: &[AuditEvent]) {
    let Expect::Problem(code) = entry.expect else { return };
    let proven = match entry.needs {
        Needs::Challenge => [404, 409, 422].contains(&code.status()),
        Needs::Enrollment | Needs::SecondEnrollment => return,
        Needs::Phone | Needs::Gateway | Needs::Login | Needs::OtherGateway | Needs::Confirming | Needs::Helpdesk => {
            code.status() != 401
        }
    };
    let reasons: Vec<_> =
        news.iter().filter(|event| event.kind == "request.refused").map(|event| event.reason.as_deref()).collect();
    let expected = if proven { vec![Some(code.as_str())] } else { Vec::new() };
    assert_eq!(reasons, expected, "{}: what the audit log says of it", entry.name);
}

#[tokio::test]
async fn every_misbehaviour_is_answered_as_the_contract_says() {
    let nobody_calls = TcpListener::bind("127.0.0.1:0").unwrap();
    nobody_calls.set_nonblocking(true).unwrap();
    let site = Site::start().await;
    let (gateway, other_gateway) = (site.gateway().await, site.gateway_named("Bergen gateway", true).await);
    let other_device = site.person("bystander").await.phone.device_id().unwrap();
    let elsewhere = format!("http://{}/keys", nobody_calls.local_addr().unwrap());
    let mut stage = Stage { site, gateway, other_gateway, other_device, elsewhere, seen: 0 };
    assert!(ALL.len() >= 240, "only {}", ALL.len());
    for (index, entry) in ALL.iter().enumerate() {
        stage.play(index, entry).await;
    }
    assert!(nobody_calls.accept().is_err(), "the server called an address that a token named");

    // What strangers were refused is summed up, without names and without what they sent.
    stage.site.clock.advance(61);
    summed_up(&stage.site).await;
    let audit = serde_json::to_string(&stage.site.audit().await).unwrap();
    assert!(!audit.contains(PRIVATE_PART));
    let database = stage.site.settings().database.clone();
    let dir = stage.site.stop().await;
    for entry in database.parent().unwrap().read_dir().unwrap() {
        let path = entry.unwrap().path();
        // SQLite takes its side files away when the last connection is gone; the database itself stays.
        let Ok(bytes) = std::fs::read(&path) else {
            assert_ne!(path, database);
            continue;
        };
        assert!(!bytes.windows(PRIVATE_PART.len()).any(|window| window == PRIVATE_PART.as_bytes()));
    }
    drop(dir);
}

/// Waits until every kind of refusal has been told with its source and count.
async fn summed_up(site: &Site) {
    let told = async {
        loop {
            let events = site.audit().await;
            let summed = events.iter().filter(|event| event.kind == "credential.refused");
            let kinds: BTreeSet<String> = summed.clone().map(|event| detail(event, "kind")).collect();
            assert!(
                summed.clone().all(|event| detail(event, "source") == "127.0.0.1" && detail(event, "count") != "0")
            );
            if ["enrollment", "key", "proof", "response"].iter().all(|kind| kinds.contains(*kind)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("the counts are told");
}
