//! Alice at her desk: her account, and what there is of the connect page under her name.
#![allow(dead_code, reason = "each test program uses its own part")]

use gatematch_domain::challenge::{Challenge, Display, State};
use gatematch_domain::connect::{ARMED_SECONDS, Bound, Browser, Pages, Session, Shown, Stage};
use gatematch_domain::course::{Foreseen, Rules};
use gatematch_domain::login::Login;
use gatematch_domain::open::{Opening, Stale};
use gatematch_domain::place::NoAtlas;
use gatematch_domain::policy::NoDisplay;
use gatematch_domain::response::Answer;
use gatematch_protocol::id::{BrowserId, SessionId};
use gatematch_protocol::response::Decision;
use gatematch_protocol::time::Timestamp;

use crate::support::{Scene, at, user_id};

pub(crate) fn session(n: u8, browser: Option<u8>, now: Timestamp) -> Session {
    Session {
        id: SessionId::new(now, [n; 10]),
        name: "alice".to_owned(),
        token_digest: format!("session {n}"),
        browser: browser.map(|n| BrowserId::new(at(0), [n; 10])),
        address: [203, 0, 113, n].into(),
        block: [203, 0, 113, 0].into(),
        hears: false,
        counted_at: now,
        armed_at: now,
        expires_at: now.plus_seconds(ARMED_SECONDS),
        stage: Stage::Armed,
        opened: None,
        wrong_passcodes: 0,
    }
}

pub(crate) fn browser(n: u8, clients: &[&str]) -> Browser {
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
pub(crate) struct Desk {
    pub(crate) scene: Scene,
    pub(crate) pages: Pages,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { scene: Scene::new(1), pages: Pages::default() }
    }

    pub(crate) fn arm(&mut self, n: u8, browser: Option<u8>) -> SessionId {
        self.pages.arm(session(n, browser, self.scene.now), None, 0)
    }

    /// A login from a gateway without a screen.
    pub(crate) fn login(&mut self, client: &str) -> Login {
        Login { display: Display::None, no_display: NoDisplay::Refuse, ..self.scene.login_from(client) }
    }

    pub(crate) fn open(&mut self, client: &str) -> Challenge {
        let login = self.login(client);
        self.open_login(&login)
    }

    pub(crate) fn open_login(&mut self, login: &Login) -> Challenge {
        let policy = self.scene.policy.clone();
        let foreseen = self.scene.account.foresee(login, Rules { policy: &policy, atlas: &NoAtlas }, &self.pages);
        self.open_signed(login, &foreseen).unwrap()
    }

    pub(crate) fn try_open(&mut self, login: &Login, numbered: bool) -> Result<Challenge, Stale> {
        let policy = self.scene.policy.clone();
        let mut foreseen = self.scene.account.foresee(login, Rules { policy: &policy, atlas: &NoAtlas }, &self.pages);
        foreseen.prompt.digits = numbered.then_some(3);
        self.open_signed(login, &foreseen)
    }

    fn open_signed(&mut self, login: &Login, foreseen: &Foreseen) -> Result<Challenge, Stale> {
        let policy = self.scene.policy.clone();
        let rules = Rules { policy: &policy, atlas: &NoAtlas };
        let opening = Opening { rules, foreseen, draw: 7 << 54, dormant_after: None };
        let pages = &mut self.pages;
        self.scene.act(|account, journal| account.open(login, &opening, pages, journal))
    }

    pub(crate) fn shown(&self, id: SessionId) -> Shown {
        let live = self.scene.account.live_challenges();
        let session = self.pages.session(id).unwrap();
        let eclipsed = self.pages.is_eclipsed(session, &live, self.scene.now);
        let challenge = session.challenge().and_then(|id| self.scene.account.challenge(id));
        session.shown(challenge, eclipsed, self.scene.now)
    }

    pub(crate) fn confirm(&mut self, id: SessionId, mine: bool) -> bool {
        let pages = &mut self.pages;
        self.scene.act(|account, journal| account.confirm_login(pages, id, mine, journal)).is_ok()
    }

    pub(crate) fn approve(&mut self, challenge: &Challenge) {
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

    pub(crate) fn tell(&mut self, id: SessionId, browser: u8) -> Bound {
        let pages = &mut self.pages;
        let new = (BrowserId::new(at(0), [browser; 10]), format!("browser {browser}"));
        self.scene.act(|account, journal| account.tell_approval(pages, id, new, journal))
    }
}
