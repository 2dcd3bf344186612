//! People: found by what holds of their accounts.

use gatematch_domain::role::Role;
use gatematch_domain::user::{Status, UserChange};
use gatematch_protocol::id::UserId;
use gatematch_server::store::{PutUser, UserPut, UserQuery, UserState};

use super::name;
use crate::shelf::Shelf;

async fn put(shelf: &Shelf, text: &str, status: Option<Status>) -> UserId {
    let put = PutUser {
        act: shelf.act(),
        id: UserId::new(shelf.now(), shelf.edge.random().unwrap()),
        username: name(text),
        change: UserChange { status, ..UserChange::default() },
        protected_groups: Vec::new(),
        as_admin: true,
    };
    match shelf.store.put_user(put).await.unwrap() {
        UserPut::Created(user) | UserPut::Changed(user) => user.id,
        UserPut::NeedsAdmin => panic!("it was an administrator"),
    }
}

async fn found(shelf: &Shelf, text: &str, state: UserState) -> Vec<String> {
    let query = UserQuery { text: text.to_owned(), limit: 10, state: Some(state), ..UserQuery::default() };
    let found = shelf.store.users(query).await.unwrap();
    found.into_iter().map(|(user, _)| user.username.to_string()).collect()
}

/// Each state finds those of whom it holds, and nobody else.
pub async fn people_are_found_by_their_state(shelf: Shelf) {
    put(&shelf, "blank", None).await;
    put(&shelf, "off", Some(Status::Disabled)).await;
    put(&shelf, "shut", None).await;
    shelf.store.lock_user(shelf.act(), name("shut"), "lost".to_owned()).await.unwrap();
    shelf.store.lock_user(shelf.act(), name("off"), "lost".to_owned()).await.unwrap();
    let desk = put(&shelf, "desk", None).await;
    shelf.store.set_role(shelf.act(), desk, Some(Role::Helpdesk)).await.unwrap();
    assert_eq!(found(&shelf, "", UserState::NotEnrolled).await, ["blank", "desk", "off", "shut"]);
    assert_eq!(found(&shelf, "", UserState::Locked).await, ["shut"]);
    assert_eq!(found(&shelf, "", UserState::Disabled).await, ["off"]);
    assert_eq!(found(&shelf, "", UserState::Operator).await, ["desk"]);
    assert!(found(&shelf, "user0", UserState::NotEnrolled).await.is_empty());
    shelf.store.revoke_device(shelf.act(), shelf.people[0].device, "lost".to_owned()).await.unwrap();
    assert_eq!(found(&shelf, "user0", UserState::NotEnrolled).await, ["user0"]);
}
