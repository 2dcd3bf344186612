//! The connect page, as values: who sees what, and what stands against what.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use gatematch_domain::challenge::{Challenge, Display, Reason, State};
use gatematch_domain::connect::{
    ARMED_SECONDS, Bound, Browser, LONGEST_SECONDS, MAX_UNBOUND_PER_ADDRESS, MAX_UNBOUND_PER_NAME, Pages, Place,
    Session, Shown, Stage,
};
use gatematch_domain::open::{Login, Opening, Stale};
use gatematch_domain::policy::NoDisplay;
use gatematch_domain::response::Answer;
use gatematch_protocol::id::{BrowserId, SessionId};
use gatematch_protocol::response::Decision;
use gatematch_protocol::time::Timestamp;
use proptest::prelude::*;

use self::support::{Scene, at, user_id};

fn session(n: u8, browser: Option<u8>, now: Timestamp) -> Session {
    Session {
        id: SessionId::new(now, [n; 10]),
        name: "alice".to_owned(),
        token_digest: format!("session {n}"),
        browser: browser.map(|n| BrowserId::new(at(0), [n; 10])),
        address: [203, 0, 113, n].into(),
        block: [203, 0, 113, n].into(),
        hears: false,
        counted_at: now,
        armed_at: now,
        expires_at: now.plus_seconds(ARMED_SECONDS),
        stage: Stage::Armed,
    }
}

fn browser(n: u8, clients: &[&str]) -> Browser {
    Browser {
        id: BrowserId::new(at(0), [n; 10]),
        user: user_id(1),
        token_digest: format!("browser {n}"),
        client_names: clients.iter().map(|name| name.to_lowercase()).collect(),
        created_at: at(0),
        expires_at: at(1_000_000),
        last_used_at: at(0),
    }
}

/// Alice, and what there is of the page under her name.
struct Desk {
    scene: Scene,
    pages: Pages,
}

impl Desk {
    fn new() -> Self {
        Self { scene: Scene::new(1), pages: Pages::default() }
    }

    fn arm(&mut self, n: u8, browser: Option<u8>) -> SessionId {
        self.pages.arm(session(n, browser, self.scene.now), None, 0)
    }

    /// A login from a gateway without a screen.
    fn login(&mut self, client: &str) -> Login {
        Login { display: Display::None, no_display: NoDisplay::Refuse, ..self.scene.login_from(client) }
    }

    fn open(&mut self, client: &str) -> Challenge {
        let login = self.login(client);
        self.open_login(&login)
    }

    fn open_login(&mut self, login: &Login) -> Challenge {
        match self.try_open(login, true) {
            Ok(challenge) => challenge,
            Err(Stale { numbered }) => self.try_open(login, numbered).unwrap(),
        }
    }

    fn try_open(&mut self, login: &Login, numbered: bool) -> Result<Challenge, Stale> {
        let ruling = self.scene.ruling.clone();
        let phones: Vec<_> = self.scene.account.active_devices().map(|device| device.id).collect();
        let opening = Opening { ruling: &ruling, devices: &phones, numbered, draw: 7 << 54 };
        let pages = &mut self.pages;
        self.scene.act(|account, journal| account.open(login, &opening, pages, journal))
    }

    fn shown(&self, id: SessionId) -> Shown {
        let live = self.scene.account.live_challenges();
        let session = self.pages.session(id).unwrap();
        let eclipsed = self.pages.is_eclipsed(session, &|id| live.contains(&id), self.scene.now);
        let challenge = session.challenge().and_then(|id| self.scene.account.challenge(id));
        session.shown(challenge, eclipsed, self.scene.now)
    }

    fn confirm(&mut self, id: SessionId, mine: bool) -> bool {
        let pages = &mut self.pages;
        self.scene.act(|account, journal| account.confirm_login(pages, id, mine, journal)).is_ok()
    }

    fn approve(&mut self, challenge: &Challenge) {
        let device = challenge.sent_to[0];
        let number = self.scene.account.challenge(challenge.id).unwrap().number.clone();
        let answer = Answer {
            device,
            decision: Decision::Approve,
            number: number.map(|number| number.reveal().to_owned()),
            uv: None,
            iat: 0,
        };
        let decided = self.scene.act(|account, journal| account.respond(challenge.id, &answer, journal)).unwrap();
        assert!(matches!(decided.state, State::Approved { .. }));
    }

    fn tell(&mut self, id: SessionId, browser: u8) -> Bound {
        let pages = &mut self.pages;
        let new = (BrowserId::new(at(0), [browser; 10]), format!("browser {browser}"));
        self.scene.act(|account, journal| account.tell_approval(pages, id, new, journal))
    }
}

#[test]
fn a_number_is_shown_on_the_page_that_was_armed_before_and_confirmed() {
    let mut desk = Desk::new();
    let page = desk.arm(1, None);
    let challenge = desk.open("PC");
    assert_eq!((challenge.display, challenge.state == State::Pending), (Display::Page, true));
    assert!(challenge.number.is_some());
    let late = desk.arm(2, None);
    assert_eq!(desk.shown(page), Shown::Confirm);
    assert_eq!(desk.shown(late), Shown::Armed, "a page armed afterwards shows nothing");
    assert!(!desk.confirm(late, true), "and has nothing to confirm");
    assert!(desk.confirm(page, true));
    assert!(!desk.confirm(page, true), "once");
    assert_eq!(desk.shown(page), Shown::Number(challenge.number.clone().unwrap()));
    desk.approve(&challenge);
    assert_eq!(desk.shown(page), Shown::Approved);
    assert_eq!(desk.shown(late), Shown::Armed);
}

#[test]
fn without_a_page_no_display_decides_and_the_signature_follows_the_page() {
    let mut desk = Desk::new();
    assert_eq!(desk.open("PC").state.reason(), Some(Reason::Policy));
    let plain = Login { no_display: NoDisplay::ApproveOnly, ..desk.login("PC") };
    assert_eq!(desk.try_open(&plain, true), Err(Stale { numbered: false }));
    let challenge = desk.open_login(&plain);
    assert!(challenge.number.is_none() && challenge.display == Display::None);
    desk.arm(1, None);
    let plain = Login { no_display: NoDisplay::ApproveOnly, ..desk.login("PC") };
    assert_eq!(desk.try_open(&plain, false), Err(Stale { numbered: true }), "a page is there: its number counts");
    assert!(desk.open_login(&plain).number.is_some());
}

#[test]
fn no_is_a_report_that_cools_this_client_and_ends_the_login() {
    let mut desk = Desk::new();
    let page = desk.arm(1, None);
    let challenge = desk.open("PC");
    assert!(desk.confirm(page, false));
    let ended = desk.scene.account.challenge(challenge.id).unwrap();
    assert_eq!(ended.state.reason(), Some(Reason::Reported));
    assert_eq!(desk.shown(page), Shown::Refused);
    desk.arm(2, None);
    assert_eq!(desk.open("pc").state.reason(), Some(Reason::RateLimited));
}

#[test]
fn a_second_login_while_a_page_serves_one_ends_both() {
    for (client, approved) in [("PC", false), ("OTHER", false), ("OTHER", true)] {
        let mut desk = Desk::new();
        let page = desk.arm(1, None);
        let first = desk.open("PC");
        assert!(desk.confirm(page, true));
        if approved {
            desk.approve(&first);
        }
        let second = desk.open(client);
        assert_eq!(second.state.reason(), Some(Reason::Superseded), "{client}");
        let first = desk.scene.account.challenge(first.id).unwrap();
        assert_eq!((first.state.is_live(), first.state.reason()), (false, Some(Reason::Superseded)));
        assert_eq!(desk.shown(page), Shown::Collision);
        assert_eq!(desk.open("PC").state.reason(), Some(Reason::Policy), "disarmed");
    }
}

#[test]
fn two_pages_armed_end_the_login_and_both_pages() {
    let mut desk = Desk::new();
    let pages = [desk.arm(1, None), desk.arm(2, None)];
    let challenge = desk.open("PC");
    assert_eq!(challenge.state.reason(), Some(Reason::Superseded));
    assert!(pages.iter().all(|page| desk.shown(*page) == Shown::Collision));
}

#[test]
fn arming_again_while_a_login_is_served_does_not_take_that_login_out_of_the_count() {
    for browser in [None, Some(1)] {
        let mut desk = Desk::new();
        desk.pages.browsers.push(self::browser(1, &["PC"]));
        let page = desk.arm(1, browser);
        let first = desk.open("PC");
        let old = desk.pages.session(page).unwrap().clone();
        let again = desk.pages.arm(session(2, browser, desk.scene.now), Some(&old), 0);
        assert_eq!(desk.pages.counted(desk.scene.now), usize::from(browser.is_none()), "one place");
        let second = desk.open("OTHER");
        assert_eq!(second.state.reason(), Some(Reason::Superseded));
        assert!(!desk.scene.account.challenge(first.id).unwrap().state.is_live());
        assert_eq!((desk.shown(page), desk.shown(again)), (Shown::Collision, Shown::Collision));
    }
}

#[test]
fn a_login_that_is_over_frees_nothing_for_its_page_but_everything_for_others() {
    let mut desk = Desk::new();
    let page = desk.arm(1, None);
    let first = desk.open("PC");
    desk.confirm(page, true);
    desk.approve(&first);
    desk.scene.act(|account, journal| account.redeem(first.id, first.gateway, "r", "result", journal)).unwrap();
    assert_eq!(desk.shown(page), Shown::Approved);
    assert_eq!(desk.open("PC").state.reason(), Some(Reason::Policy), "a page serves one login");
    let next = desk.arm(2, None);
    assert_eq!(desk.open("PC").state, State::Pending);
    assert_eq!(desk.shown(next), Shown::Confirm);
}

#[test]
fn an_approval_binds_its_browser_once_and_makes_it_know_the_client() {
    let mut desk = Desk::new();
    let page = desk.arm(1, None);
    let first = desk.open("Client-PC");
    assert_eq!(desk.tell(page, 1), Bound::No, "not approved yet");
    desk.confirm(page, true);
    desk.approve(&first);
    assert_eq!(desk.tell(page, 1), Bound::New);
    assert_eq!(desk.tell(page, 2), Bound::No, "told once");
    assert_eq!(desk.pages.browsers.len(), 1);
    desk.scene.act(|account, journal| account.redeem(first.id, first.gateway, "r", "result", journal)).unwrap();

    // The next time it need not ask, for this client only, in whatever case it is written.
    let page = desk.arm(3, Some(1));
    let second = desk.open("CLIENT-PC");
    assert!(matches!(desk.shown(page), Shown::Number(_)));
    desk.approve(&second);
    assert_eq!(desk.tell(page, 4), Bound::No, "it is bound already");
    desk.scene.act(|account, journal| account.redeem(second.id, second.gateway, "r", "result", journal)).unwrap();
    let page = desk.arm(5, Some(1));
    let third = desk.open("LAPTOP");
    assert_eq!(desk.shown(page), Shown::Confirm);
    desk.confirm(page, true);
    desk.approve(&third);
    desk.tell(page, 6);
    assert!(desk.pages.browsers[0].knows(Some("laptop")));
}

#[test]
fn while_a_bound_browser_is_armed_others_see_nothing_and_cause_nothing() {
    let mut desk = Desk::new();
    desk.pages.browsers.push(browser(1, &["PC"]));
    let strangers = [desk.arm(1, None), desk.arm(2, None)];
    let own = desk.arm(3, Some(1));
    let challenge = desk.open("PC");
    assert_eq!(challenge.state, State::Pending);
    assert!(matches!(desk.shown(own), Shown::Number(_)));
    for stranger in strangers {
        assert_eq!(desk.shown(stranger), Shown::Armed);
        assert!(!desk.confirm(stranger, false));
    }
    // Revoked, it is nobody: not even unknown.
    let pages = &mut desk.pages;
    let id = browser(1, &[]).id;
    assert!(desk.scene.act(|account, journal| account.forget_browser(pages, id, journal)));
    assert_eq!(desk.shown(own), Shown::Armed);
}

#[test]
fn beyond_the_limits_pages_are_deaf_and_opening_one_again_takes_no_place() {
    let mut desk = Desk::new();
    let now = desk.scene.now;
    let first = desk.arm(1, None);
    for n in 2..20 {
        let old = desk.pages.session(if n == 2 { first } else { session(n - 1, None, now).id }).unwrap().clone();
        let again = desk.pages.arm(session(n, None, now), Some(&old), MAX_UNBOUND_PER_ADDRESS);
        assert!(desk.pages.session(again).unwrap().hears, "{n}");
    }
    assert_eq!(desk.pages.counted(now), 1);
    for n in 20..22 {
        let id = desk.arm(n, None);
        assert!(desk.pages.session(id).unwrap().hears);
    }
    assert_eq!(desk.pages.counted(now), MAX_UNBOUND_PER_NAME);
    let deaf = desk.arm(30, None);
    assert!(!desk.pages.session(deaf).unwrap().hears);
    assert_eq!(desk.shown(deaf), Shown::Armed, "it is not told");
    let full = desk.pages.arm(session(31, None, now.plus_seconds(600)), None, MAX_UNBOUND_PER_ADDRESS);
    assert!(!desk.pages.session(full).unwrap().hears, "its address has armed too many");
    let free = desk.pages.arm(session(32, None, now.plus_seconds(600)), None, MAX_UNBOUND_PER_ADDRESS - 1);
    assert!(desk.pages.session(free).unwrap().hears);
}

#[test]
fn a_page_lives_two_minutes_and_ten_at_most() {
    let mut desk = Desk::new();
    let page = desk.arm(1, None);
    for _ in 0..20 {
        desk.scene.now = desk.scene.now.plus_seconds(60);
        let now = desk.scene.now;
        desk.pages.sessions[0].renew(now);
    }
    assert_eq!(desk.shown(page), Shown::Expired);
    assert_eq!(desk.pages.sessions[0].expires_at.since(desk.pages.sessions[0].armed_at).as_secs(), 600);
    assert_eq!(LONGEST_SECONDS, 600);
    let login = desk.login("PC");
    assert_eq!(desk.pages.place(&login, &|_| false), Place::Nowhere);

    let mut desk = Desk::new();
    desk.arm(1, None);
    let login = Login { now: desk.scene.now.plus_seconds(-1), ..desk.login("PC") };
    assert_eq!(desk.pages.place(&login, &|_| false), Place::Nowhere, "armed after the login began");
}

/// What can happen around the page, at random.
#[derive(Clone, Debug)]
enum Move {
    Arm { browser: Option<u8> },
    ArmAgain { which: usize },
    Open { client: u8 },
    Confirm { which: usize, mine: bool },
    Approve,
    Redeem,
    Cancel,
    Tell { which: usize },
    Wait { seconds: i64 },
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => prop_oneof![Just(None), Just(Some(1)), Just(Some(2))].prop_map(|browser| Move::Arm { browser }),
        1 => (0_usize..8).prop_map(|which| Move::ArmAgain { which }),
        4 => (0_u8..3).prop_map(|client| Move::Open { client }),
        3 => (0_usize..8, prop::bool::weighted(0.8)).prop_map(|(which, mine)| Move::Confirm { which, mine }),
        2 => Just(Move::Approve),
        2 => Just(Move::Redeem),
        1 => Just(Move::Cancel),
        1 => (0_usize..8).prop_map(|which| Move::Tell { which }),
        2 => (1_i64..200).prop_map(|seconds| Move::Wait { seconds }),
    ]
}

impl Desk {
    fn make(&mut self, serial: u8, next: &Move) {
        // Sessions are taken from the newest on, where most happens.
        let pick = |desk: &Self, which: usize| desk.pages.sessions.iter().rev().nth(which).map(|session| session.id);
        let newest = self.scene.account.challenges.iter().rev().find(|challenge| challenge.state.is_live()).cloned();
        match (next, newest) {
            (Move::Arm { browser }, _) => drop(self.arm(serial, *browser)),
            (Move::ArmAgain { which }, _) => {
                if let Some(old) = pick(self, *which).and_then(|id| self.pages.session(id)).cloned() {
                    let browser = old.browser.map(|_| 1);
                    self.pages.arm(session(serial, browser, self.scene.now), Some(&old), 0);
                }
            }
            (Move::Open { client }, _) => drop(self.open(["PC", "LAPTOP", "OTHER"][usize::from(*client)])),
            (Move::Confirm { which, mine }, _) => {
                if let Some(id) = pick(self, *which) {
                    self.confirm(id, *mine);
                }
            }
            (Move::Approve, Some(challenge)) if challenge.state == State::Pending => self.approve(&challenge),
            (Move::Redeem, Some(live)) => {
                let redeemed = self.scene.act(|a, journal| a.redeem(live.id, live.gateway, "r", "result", journal));
                redeemed.unwrap();
            }
            (Move::Cancel, Some(live)) => {
                self.scene.act(|account, journal| account.cancel(live.id, live.gateway, journal)).unwrap();
            }
            (Move::Tell { which }, _) => {
                if let Some(id) = pick(self, *which) {
                    self.tell(id, 100 + serial);
                }
            }
            (Move::Wait { seconds }, _) => self.scene.now = self.scene.now.plus_seconds(*seconds),
            (Move::Approve | Move::Redeem | Move::Cancel, _) => {}
        }
        self.scene.act(|account, journal| account.settle(journal));
    }

    /// What must hold whatever has happened.
    fn check(&self) -> Result<(), TestCaseError> {
        let mut numbers = 0;
        for session in &self.pages.sessions {
            let served = session.challenge().and_then(|id| self.scene.account.challenge(id));
            match self.shown(session.id) {
                Shown::Number(number) => {
                    numbers += 1;
                    let challenge = served.unwrap();
                    prop_assert_eq!(challenge.number.as_ref(), Some(&number));
                    let confirmed = matches!(session.stage, Stage::Serving { confirmed: true, .. });
                    prop_assert!(confirmed && challenge.state == State::Pending);
                    prop_assert!(session.hears && session.armed_at <= challenge.created_at);
                }
                Shown::Confirm => numbers += 1,
                Shown::Approved => {
                    let states = served.map(|challenge| challenge.state.as_str());
                    prop_assert!(matches!(states, Some("approved" | "redeemed")));
                }
                Shown::Armed | Shown::Refused | Shown::Collision | Shown::Expired => {}
            }
        }
        prop_assert!(numbers <= 1, "two pages speak of a login: {:#?}", self.pages.sessions);
        let live = self.scene.account.challenges.iter().filter(|challenge| challenge.state.is_live());
        for challenge in live.filter(|challenge| challenge.display == Display::Page) {
            let serving = self.pages.sessions.iter().filter(|session| session.challenge() == Some(challenge.id));
            prop_assert_eq!(serving.count(), 1, "a login is served by one page");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happens_one_page_at_most_speaks_of_a_login(path in prop::collection::vec(moves(), 1..40)) {
        let mut desk = Desk::new();
        desk.pages.browsers.extend([browser(1, &["PC"]), browser(2, &[])]);
        for (serial, next) in path.iter().enumerate() {
            desk.make(serial as u8, next);
            desk.check()?;
        }
    }
}
