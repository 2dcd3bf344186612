//! Visits and invitations: one comes in, whoever comes at the same moment, and what was written is read back.

use std::sync::Arc;

use futures_util::future::join_all;
use gatematch_domain::account::Account;
use gatematch_domain::login::Login;
use gatematch_domain::place::NoAtlas;
use gatematch_domain::role::Role;
use gatematch_domain::username::Domains;
use gatematch_domain::visit::{
    By, Entry, IDLE_SECONDS, Invitation, KNOWN_SECONDS, Knock, NoEntry, Place, Stage, Visit,
};
use gatematch_protocol::id::{ChallengeId, InvitationId, VisitId};
use gatematch_protocol::secret::sha256;
use gatematch_server::store::{Accept, Enter};

use super::{CROWD, count};
use crate::shelf::Shelf;

async fn account(shelf: &Shelf) -> Account {
    shelf.store.account(shelf.people[0].name.clone()).await.unwrap().unwrap()
}

fn entry(shelf: &Shelf, cookie: &str) -> Entry {
    let id = VisitId::new(shelf.now(), shelf.edge.random().unwrap());
    Entry { id, token_digest: sha256(cookie), address: [192, 0, 2, 7].into(), now: shelf.now() }
}

async fn invite(shelf: &Shelf, token: &str, place: Place) -> Invitation {
    let invitation = Invitation {
        id: InvitationId::new(shelf.now(), shelf.edge.random().unwrap()),
        user: account(shelf).await.user.id,
        place,
        token_digest: sha256(token),
        by_admin: true,
        created_at: shelf.now(),
        expires_at: shelf.now().plus_seconds(600),
    };
    assert!(shelf.store.invite(shelf.act(), invitation.clone()).await.unwrap());
    invitation
}

fn accept(shelf: &Shelf, token: &str, cookie: &str, place: Place) -> Accept {
    let id = ChallengeId::new(shelf.now(), [1; 10]);
    let from = (Knock::Stranger, [192, 0, 2, 7].into());
    let login = Login::of_knock(("user0", &Domains::default()), id, &shelf.gateway, from, shelf.now());
    let (token_digest, entry) = (sha256(token), entry(shelf, cookie));
    Accept { entry, place, token_digest, login, atlas: Arc::new(NoAtlas), protected_groups: Vec::new(), replaces: None }
}

/// An invitation lets in once, where it is for, and the visit is read back as it was made.
pub async fn an_invitation_lets_in_once(shelf: Shelf) {
    let store = &shelf.store;
    invite(&shelf, "gmi_portal", Place::Portal).await;
    assert_eq!(store.accept(accept(&shelf, "gmi_portal", "x", Place::Console)).await.unwrap(), Err(NoEntry::Unknown));
    let tries = (0..CROWD).map(|n| store.accept(accept(&shelf, "gmi_portal", &format!("cookie {n}"), Place::Portal)));
    let answers = join_all(tries).await.into_iter().map(Result::unwrap);
    let let_in: Vec<Visit> = answers.filter_map(Result::ok).collect();
    let [visit] = let_in.as_slice() else { panic!("{let_in:?}") };
    assert_eq!(store.visit(visit.token_digest.clone()).await.unwrap().as_ref(), Some(visit));
    assert_eq!(count(&shelf, "portal.entered").await, 1);
    let later = visit.created_at.plus_seconds(60);
    store.seen(later, visit.token_digest.clone()).await.unwrap();
    let seen = store.visit(visit.token_digest.clone()).await.unwrap().unwrap();
    assert_eq!(seen, Visit { seen_at: later, ..visit.clone() });
    // What nobody has seen for long ends for good; what is seen in time does not.
    store.finish(later.plus_seconds(1), visit.token_digest.clone()).await.unwrap();
    assert!(!store.visit(visit.token_digest.clone()).await.unwrap().unwrap().is_finished());
    store.finish(later.plus_seconds(IDLE_SECONDS), visit.token_digest.clone()).await.unwrap();
    assert!(store.visit(visit.token_digest.clone()).await.unwrap().unwrap().is_finished());
    store.seen(later.plus_seconds(1), visit.token_digest.clone()).await.unwrap();
    assert!(store.visit(visit.token_digest.clone()).await.unwrap().unwrap().is_finished());
    store.purge(later.plus_seconds(1 + KNOWN_SECONDS)).await.unwrap();
    assert_eq!(store.visit(visit.token_digest.clone()).await.unwrap(), None);
}

/// An approval makes one visit of a knock.
pub async fn a_knock_becomes_one_visit(shelf: Shelf) {
    let (store, alice) = (&shelf.store, &shelf.people[0]);
    // The gateway of the shelf is not ours: its approval lets nobody in here.
    let challenge = shelf.open(alice).await;
    shelf.respond(alice, &challenge).await;
    let knock = Visit {
        id: VisitId::new(shelf.now(), [9; 10]),
        place: Place::Portal,
        name: alice.name.to_string(),
        user: None,
        token_digest: sha256("knock"),
        address: [192, 0, 2, 7].into(),
        challenge: Some(challenge.id),
        stage: Stage::Knocking,
        created_at: shelf.now(),
        seen_at: shelf.now(),
        expires_at: shelf.now().plus_seconds(90),
    };
    store.knock(knock.clone(), None).await.unwrap();
    assert_eq!(store.visit(sha256("knock")).await.unwrap(), Some(knock.clone()));
    let enter = || Enter {
        entry: entry(&shelf, "inside"),
        token_digest: sha256("knock"),
        place: Place::Portal,
        result: "result".to_owned(),
        replaces: None,
    };
    assert_eq!(store.enter(enter()).await.unwrap(), Err(NoEntry::Refused));
    assert_eq!(count(&shelf, "portal.entered").await, 0);
    // Another knock of the same browser takes its place.
    let again =
        Visit { id: VisitId::new(shelf.now(), [8; 10]), token_digest: sha256("again"), challenge: None, ..knock };
    store.knock(again, Some(sha256("knock"))).await.unwrap();
    assert_eq!(store.visit(sha256("knock")).await.unwrap(), None);
    store.purge(shelf.now().plus_seconds(91)).await.unwrap();
    assert_eq!(store.visit(sha256("again")).await.unwrap(), None);
}

/// A role is part of the account: it is read back, it goes with the account, and a visit with it.
pub async fn a_role_goes_with_its_account(shelf: Shelf) {
    let store = &shelf.store;
    let user = account(&shelf).await.user.id;
    assert_eq!(store.set_role(shelf.act(), user, Some(Role::Helpdesk)).await.unwrap(), Some(true));
    assert_eq!(store.set_role(shelf.act(), user, Some(Role::Helpdesk)).await.unwrap(), Some(false));
    let roles = |users: Vec<gatematch_domain::user::User>| users.into_iter().map(|user| user.role).collect::<Vec<_>>();
    assert_eq!(roles(store.operators().await.unwrap()), [Some(Role::Helpdesk)]);
    assert_eq!(account(&shelf).await.user.role, Some(Role::Helpdesk));
    invite(&shelf, "gmi_console", Place::Console).await;
    let visit = store.accept(accept(&shelf, "gmi_console", "cookie", Place::Console)).await.unwrap().unwrap();
    assert!(matches!(visit.stage, Stage::Inside { by: By::Invitation, .. }));
    invite(&shelf, "gmi_later", Place::Console).await;
    store.delete_user(shelf.act(), user, true).await.unwrap();
    assert_eq!(store.visit(sha256("cookie")).await.unwrap(), None);
    let late = store.accept(accept(&shelf, "gmi_later", "late", Place::Console)).await.unwrap();
    assert_eq!(late, Err(NoEntry::Unknown));
    assert!(store.operators().await.unwrap().is_empty());
}
