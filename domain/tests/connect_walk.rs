//! The connect page under random moves: at most one page speaks of a login, whatever happens.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod desk;
mod support;

use gatematch_domain::challenge::{Display, State};
use gatematch_domain::connect::{MAX_UNBOUND_PER_NAME, Shown, Stage};
use proptest::prelude::*;

use self::desk::{Desk, browser, session};

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
                let redeemed =
                    self.scene.act(|a, journal| a.redeem(live.id, live.gateway, ("r", "result"), 0, journal));
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
                    prop_assert_eq!(&challenge.number, &number);
                    prop_assert!(number.is_some());
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
        prop_assert!(self.pages.counted(self.scene.now) <= MAX_UNBOUND_PER_NAME);
        let hearing = self.pages.sessions.iter().filter(|session| session.hears && session.browser.is_none());
        let armed = hearing.filter(|session| session.is_armed(self.scene.now)).count();
        prop_assert!(armed <= MAX_UNBOUND_PER_NAME, "{armed} unknown pages hear");
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
