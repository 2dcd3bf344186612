use super::*;

use crate::audit::Journal;
use crate::course::Rules;
use crate::gateway::{ClientAddress, Gateway};
use crate::login::Login;
use crate::place::NoAtlas;
use crate::policy::Policy;
use crate::role::Role;
use crate::user::User;
use crate::username::{Domains, Username};

fn at(second: i64) -> Timestamp {
    Timestamp::from_numeric_date(1_800_000_000 + second)
}

fn account(role: Option<Role>) -> Account {
    let mut user = User::new(UserId::new(at(0), [1; 10]), Username::from_stored("alice".to_owned()), at(0));
    user.role = role;
    Account::new(user)
}

fn entry(second: i64) -> Entry {
    Entry {
        id: VisitId::new(at(second), [2; 10]),
        token_digest: "digest".to_owned(),
        address: [192, 0, 2, 7].into(),
        now: at(second),
    }
}

#[test]
fn a_visit_holds_while_something_is_done_and_never_beyond_its_end() {
    let account = account(Some(Role::Admin));
    for place in Place::ALL {
        let mut visit = entry(0).visit(place, &account, By::Invitation);
        assert!(visit.holds(&account, at(IDLE_SECONDS - 1)));
        assert!(!visit.holds(&account, at(IDLE_SECONDS)));
        let end = place.longest_seconds();
        visit.seen_at = at(end - 1);
        assert!(visit.holds(&account, at(end - 1)) && !visit.holds(&account, at(end)));
        visit.seen_at = at(0);
        visit.finish();
        assert!(visit.is_finished() && !visit.holds(&account, at(1)));
        assert!(visit.knows(&account, at(KNOWN_SECONDS - 1)) && !visit.knows(&account, at(KNOWN_SECONDS)));
    }
}

#[test]
fn a_visit_holds_for_its_account_alone_and_not_after_that_was_closed() {
    let mut account = account(Some(Role::Helpdesk));
    let visit = entry(10).visit(Place::Console, &account, By::Invitation);
    assert!(visit.holds(&account, at(11)));
    account.user.role = None;
    assert!(!visit.holds(&account, at(11)), "nobody without a role is at the console");
    account.user.role = Some(Role::Helpdesk);
    let mut journal = Journal::new(Actor::System, at(12));
    account.lock("test", &mut journal);
    assert!(!visit.holds(&account, at(12)));
    account.unlock("test", &mut journal);
    assert!(!visit.holds(&account, at(13)), "what was begun before the lock is over");
    let other = Account::new(User::new(UserId::new(at(0), [9; 10]), Username::from_stored("bob".to_owned()), at(0)));
    let visit = entry(20).visit(Place::Portal, &account, By::Invitation);
    assert!(visit.holds(&account, at(21)) && !visit.holds(&other, at(21)));
    let by_phone = entry(20).visit(Place::Portal, &account, By::Phone(DeviceId::new(at(0), [3; 10])));
    assert!(!by_phone.holds(&account, at(21)), "that phone is not there any more");
}

#[test]
fn a_proof_is_fresh_for_five_minutes_and_never_in_the_future() {
    let account = account(Some(Role::Admin));
    let phone = By::Phone(DeviceId::new(at(0), [3; 10]));
    for (by, seconds) in [(phone, FRESH_SECONDS), (By::Invitation, FIRST_FRESH_SECONDS)] {
        let visit = entry(0).visit(Place::Console, &account, by);
        assert!(visit.is_fresh(at(seconds - 1)) && !visit.is_fresh(at(seconds)));
        assert!(!visit.is_fresh(at(-CLOCK_STEP_SECONDS - 1)));
    }
}

#[test]
fn the_gateways_of_the_two_places_are_told_apart_and_nobody_elses() {
    assert_ne!(Place::Console.gateway(), Place::Portal.gateway());
    for place in Place::ALL {
        assert_eq!((Place::of_gateway(place.gateway()), Place::from_word(place.as_str())), (Some(place), Some(place)));
    }
    assert_eq!(Place::of_gateway(GatewayId::new(at(0), [0; 10])), None);
    assert_eq!(Place::of_gateway(GatewayId::NIL), None);
}

#[test]
fn a_role_is_set_once_and_taking_it_away_closes_what_was_begun() {
    let mut account = account(None);
    let mut journal = Journal::new(Actor::System, at(5));
    assert!(account.set_role(Some(Role::Admin), &mut journal) && !account.set_role(Some(Role::Admin), &mut journal));
    let visit = entry(6).visit(Place::Console, &account, By::Invitation);
    let mut journal = Journal::new(Actor::System, at(7));
    assert!(account.set_role(None, &mut journal));
    account.user.role = Some(Role::Admin);
    assert!(!visit.holds(&account, at(8)));
    let event = &journal.events[0];
    assert_eq!(
        (event.kind, &event.detail["role"], &event.detail["was"]),
        ("user.role_set", &"none".into(), &"admin".into())
    );
}

#[test]
fn an_invitation_by_the_helpdesk_lets_in_nobody_who_manages_others() {
    let mut invitation = Invitation {
        id: InvitationId::new(at(0), [4; 10]),
        user: UserId::new(at(0), [1; 10]),
        place: Place::Portal,
        token_digest: "token".to_owned(),
        by_admin: false,
        created_at: at(0),
        expires_at: at(60),
    };
    let policy = Policy::shipped();
    let rules = Rules { policy: &policy, atlas: &NoAtlas };
    let gateway = Gateway {
        id: Place::Portal.gateway(),
        name: "Gatematch portal".to_owned(),
        application: "Gatematch portal".to_owned(),
        can_display: true,
        client_address: ClientAddress::Trusted,
        created_at: at(0),
    };
    let id = ChallengeId::new(at(0), [7; 10]);
    let login =
        Login::of_knock(("alice", &Domains::default()), id, &gateway, (Knock::Stranger, [192, 0, 2, 7].into()), at(59));
    let accept = |account: &mut Account, invitation: &Invitation, second: i64, groups: &[String]| {
        let mut journal = Journal::new(Actor::System, at(second));
        let accepted = account.accept(invitation, &entry(second), (&login, rules), groups, &mut journal);
        assert_eq!(journal.events.len(), 1, "either way it is remembered");
        accepted.map(drop)
    };
    let groups = ["Domain Admins".to_owned()];
    assert_eq!(accept(&mut account(None), &invitation, 59, &groups), Ok(()));
    assert_eq!(accept(&mut account(Some(Role::Auditor)), &invitation, 59, &groups), Err(NoEntry::Unknown));
    let mut protected = account(None);
    protected.user.groups = vec!["domain admins".to_owned()];
    assert_eq!(accept(&mut protected, &invitation, 59, &groups), Err(NoEntry::Unknown));
    assert_eq!(accept(&mut account(None), &invitation, 60, &groups), Err(NoEntry::Unknown));
    invitation.by_admin = true;
    assert_eq!(accept(&mut account(Some(Role::Auditor)), &invitation, 59, &groups), Ok(()));
    assert_eq!(accept(&mut protected, &invitation, 59, &groups), Ok(()));
    invitation.place = Place::Console;
    assert_eq!(accept(&mut account(None), &invitation, 59, &groups), Err(NoEntry::Unknown));
}
