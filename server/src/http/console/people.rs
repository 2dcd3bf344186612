//! People, and what they sign in with.

mod act;
mod ask;
mod deed;
mod fault;
mod list;
mod me;
mod once;
mod person;
mod row;
mod scene;
mod shown;

use axum::Extension;
use axum::routing::{get, post};
use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;

use self::deed::Deed;
use crate::http::site::{Admits, PageRoute};

/// Whoever manages people: administrators, and the helpdesk where it may.
const DESK: Admits = Admits::Operators(&[Role::Admin, Role::Helpdesk]);
/// Administrators alone.
const CHIEF: Admits = Admits::Operators(&[Role::Admin]);
/// Everybody who has business at the console.
const EVERY: Admits = Admits::Operators(&Role::ALL);

/// The pages.
pub(super) fn pages() -> Vec<PageRoute> {
    let show = |path, admits, handler| PageRoute::show(Place::Console, path, admits, handler);
    let act = |path, admits, handler| PageRoute::act(Place::Console, path, admits, handler);
    let mut pages = vec![
        show("/console/people", DESK, get(list::show)),
        act("/console/people", DESK, post(list::add)).dangerous(),
        show("/console/people/{name}", DESK, get(person::show)),
        act("/console/people/{name}/enroll", DESK, post(once::enroll)).dangerous(),
        act("/console/people/{name}/invite", DESK, post(once::invite)).dangerous(),
        show("/console/me", EVERY, get(me::show)),
        act("/console/me/first-phone", EVERY, post(me::enroll_first)).dangerous(),
        act("/console/me/phone", EVERY, post(me::enroll_another)).dangerous(),
        act("/console/me/phones/{id}", EVERY, post(me::confirm)).dangerous(),
    ];
    for deed in Deed::ALL {
        pages.push(show(deed.path(), deed.admits(), get(ask::show).layer(Extension(deed))));
        let doing = act(deed.path(), deed.admits(), post(ask::act).layer(Extension(deed)));
        pages.push(if deed.is_dangerous() { doing.dangerous() } else { doing });
    }
    pages
}

pub(in crate::http) use self::shown::path_of;
