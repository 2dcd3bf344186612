//! The connect page, as values: who sees what, and what stands against what.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod desk;
mod support;

use gatematch_domain::challenge::{Display, Reason, State};
use gatematch_domain::connect::{Bound, LONGEST_SECONDS, MAX_UNBOUND_PER_ADDRESS, MAX_UNBOUND_PER_NAME, Place, Shown};
use gatematch_domain::login::Login;
use gatematch_domain::open::Stale;
use gatematch_domain::policy::NoDisplay;

use self::desk::{Desk, browser, session};

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
    assert_eq!(desk.shown(page), Shown::Number(challenge.number.clone()));
    desk.approve(&challenge);
    assert_eq!(desk.shown(page), Shown::Approved);
    assert_eq!(desk.shown(late), Shown::Armed);
}

#[test]
fn without_a_page_no_display_decides_and_the_signature_follows_the_page() {
    let mut desk = Desk::new();
    assert_eq!(desk.open("PC").state.reason(), Some(Reason::Policy));
    let plain = Login { no_display: NoDisplay::ApproveOnly, ..desk.login("PC") };
    let digits = |Stale(now): Stale| now.prompt.digits;
    assert_eq!(desk.try_open(&plain, true).map_err(digits).err(), Some(None));
    let challenge = desk.open_login(&plain);
    assert!(challenge.number.is_none() && challenge.display == Display::None);
    desk.arm(1, None);
    let plain = Login { no_display: NoDisplay::ApproveOnly, ..desk.login("PC") };
    assert_eq!(desk.try_open(&plain, false).map_err(digits).err(), Some(Some(3)), "a page is there: its number counts");
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
    desk.scene.act(|account, journal| account.redeem(first.id, first.gateway, ("r", "result"), 0, journal)).unwrap();
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
    desk.scene.act(|account, journal| account.redeem(first.id, first.gateway, ("r", "result"), 0, journal)).unwrap();

    // The next time it need not ask, for this client only, in whatever case it is written.
    let page = desk.arm(3, Some(1));
    let second = desk.open("CLIENT-PC");
    assert!(matches!(desk.shown(page), Shown::Number(_)));
    desk.approve(&second);
    assert_eq!(desk.tell(page, 4), Bound::No, "it is bound already");
    desk.scene.act(|account, journal| account.redeem(second.id, second.gateway, ("r", "result"), 0, journal)).unwrap();
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
    assert!(desk.scene.act(|account, journal| account.forget_browser(pages, id, "test", journal)));
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
    assert_eq!(desk.pages.place(&login, &[]), Place::Nowhere);

    let mut desk = Desk::new();
    desk.arm(1, None);
    let login = Login { now: desk.scene.now.plus_seconds(-1), ..desk.login("PC") };
    assert_eq!(desk.pages.place(&login, &[]), Place::Nowhere, "armed after the login began");
}

#[test]
fn a_browser_that_is_revoked_takes_what_it_serves_with_it() {
    let mut desk = Desk::new();
    desk.pages.browsers.push(browser(1, &["PC"]));
    desk.arm(1, Some(1));
    let first = desk.open("PC");
    let pages = &mut desk.pages;
    let id = browser(1, &[]).id;
    assert!(desk.scene.act(|account, journal| account.forget_browser(pages, id, "test", journal)));
    assert_eq!(desk.scene.account.challenge(first.id).unwrap().state.reason(), Some(Reason::Revoked));
}

#[test]
fn a_bound_browsers_login_goes_on_and_ends_one_on_a_page_that_it_eclipses() {
    let mut desk = Desk::new();
    desk.pages.browsers.push(browser(1, &["PC"]));
    let stranger = desk.arm(1, None);
    let first = desk.open("EVIL");
    desk.confirm(stranger, true);
    let own = desk.arm(2, Some(1));
    let second = desk.open("PC");
    assert_eq!(second.state, State::Pending);
    assert_eq!(desk.scene.account.challenge(first.id).unwrap().state.reason(), Some(Reason::Superseded));
    assert!(matches!(desk.shown(own), Shown::Number(_)));
    assert_eq!(desk.shown(stranger), Shown::Armed);
}

#[test]
fn no_bare_approval_is_asked_beside_a_number_on_a_page() {
    let mut desk = Desk::new();
    let plain = Login { no_display: NoDisplay::ApproveOnly, ..desk.login("EVIL") };
    let first = desk.open_login(&plain);
    assert_eq!(first.state, State::Pending);
    desk.arm(1, None);
    assert_eq!(desk.open("PC").state, State::Pending);
    assert_eq!(desk.scene.account.challenge(first.id).unwrap().state.reason(), Some(Reason::Superseded));
}

#[test]
fn a_page_on_which_nobody_said_mine_is_not_bound() {
    let mut desk = Desk::new();
    let page = desk.arm(1, None);
    let challenge = desk.open("PC");
    desk.approve(&challenge);
    assert_eq!((desk.shown(page), desk.tell(page, 9)), (Shown::Approved, Bound::No));
}

#[test]
fn never_do_more_than_three_unknown_pages_of_a_name_hear() {
    let mut desk = Desk::new();
    let first: Vec<_> = (1..=3).map(|n| desk.arm(n, None)).collect();
    desk.scene.now = desk.scene.now.plus_seconds(599);
    for (n, id) in (10..).zip(first) {
        let old = desk.pages.session(id).unwrap().clone();
        desk.pages.arm(session(n, None, desk.scene.now), Some(&old), 0);
    }
    desk.scene.now = desk.scene.now.plus_seconds(1);
    for n in 20..23 {
        desk.arm(n, None);
    }
    let now = desk.scene.now;
    let hearing = desk.pages.sessions.iter().filter(|session| session.hears && session.is_armed(now));
    assert_eq!(hearing.count(), 3);
}

#[test]
fn a_clock_that_is_set_back_deafens_nobody() {
    let mut desk = Desk::new();
    let now = desk.scene.now;
    desk.scene.now = now.plus_seconds(3_600);
    for n in 1..=3 {
        desk.arm(n, None);
    }
    desk.scene.now = now.plus_seconds(700);
    let page = desk.arm(5, None);
    assert!(desk.pages.session(page).unwrap().hears);
}

#[test]
fn opening_the_page_again_and_again_leaves_one_session() {
    let mut desk = Desk::new();
    desk.pages.browsers.push(browser(1, &[]));
    for bound in [None, Some(1)] {
        let mut id = desk.arm(1, bound);
        for n in 0..200 {
            let old = desk.pages.session(id).unwrap().clone();
            id = desk.pages.arm(session(n, bound, desk.scene.now), Some(&old), 0);
        }
    }
    assert_eq!(desk.pages.sessions.len(), 2);
}

#[test]
fn a_place_moves_once_within_one_name_and_one_address() {
    let mut desk = Desk::new();
    let now = desk.scene.now;
    let first = desk.arm(1, None);
    let old = desk.pages.session(first).unwrap().clone();
    // From another address it is another place, and the old one is not free before its time.
    let mut elsewhere = session(2, None, now);
    elsewhere.block = [198, 51, 100, 1].into();
    let id = desk.pages.arm(elsewhere, Some(&old), MAX_UNBOUND_PER_ADDRESS);
    assert!(!desk.pages.session(id).unwrap().hears);
    assert_eq!(desk.pages.counted(now), 1);
    // One that its browser left for another name has no place to give.
    for n in 3..20 {
        desk.pages.arm(session(n, None, now), Some(&old), 0);
        assert!(desk.pages.counted(now) <= MAX_UNBOUND_PER_NAME, "{n}");
    }
    let hearing = desk.pages.sessions.iter().filter(|session| session.hears && session.is_armed(now));
    assert_eq!(hearing.count(), MAX_UNBOUND_PER_NAME - 1);
    // After a collision it moves as well, and only once.
    let mut desk = Desk::new();
    let collided = [desk.arm(1, None), desk.arm(2, None)];
    desk.open("PC");
    let old = desk.pages.session(collided[0]).unwrap().clone();
    for n in 10..20 {
        desk.pages.arm(session(n, None, now), Some(&old), 0);
    }
    assert_eq!(desk.pages.counted(now), MAX_UNBOUND_PER_NAME);
}
