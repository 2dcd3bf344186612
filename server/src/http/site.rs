//! The console and the portal: pages for people who are signed in there by a cookie.
//!
//! One table of pages, as there is one of API routes; in front of each handler stands the [`threshold`], which knows who
//! comes, whether he may, and that he has sent the form himself.

mod cookie;
mod door;
mod form;
mod page;
mod prove;
mod ring;
mod threshold;
mod wait;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;

pub(super) use self::form::Form;
pub(super) use self::page::{Shell, page, see};
pub(super) use self::threshold::{Guest, TheGuest, TheOperator};
use self::threshold::{Threshold, threshold};
use super::app::App;
use super::{console, portal};

/// Who may see a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// Anybody: it is about how to come in.
    Anyone,
    /// Somebody at the console with one of these roles.
    Operators(&'static [Role]),
    /// Anybody at the portal.
    Persons,
}

/// One page, or one thing to be done on a page.
pub struct PageRoute {
    /// `GET` shows, `POST` does.
    pub method: Does,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Where it belongs.
    pub place: Place,
    /// Who may see or do it.
    pub admits: Admits,
    /// Whether he must have proven a moment ago that it is he.
    pub fresh: bool,
    handler: MethodRouter<App>,
}

/// Whether a page is shown or something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// `GET`.
    Show,
    /// `POST`.
    Act,
}

impl PageRoute {
    /// A page.
    pub(super) const fn show(place: Place, path: &'static str, admits: Admits, handler: MethodRouter<App>) -> Self {
        Self { method: Does::Show, path, place, admits, fresh: false, handler }
    }

    /// Something to be done.
    pub(super) const fn act(place: Place, path: &'static str, admits: Admits, handler: MethodRouter<App>) -> Self {
        Self { method: Does::Act, path, place, admits, fresh: false, handler }
    }

    /// Only by who has proven a moment ago that it is he.
    pub(super) const fn dangerous(mut self) -> Self {
        self.fresh = true;
        self
    }
}

/// Every page that there is.
#[must_use]
pub fn pages() -> Vec<PageRoute> {
    let doors = [
        (Place::Console, ["/console/sign-in", "/console/sign-in/number", "/console/enter", "/console/waiting"]),
        (Place::Portal, ["/portal/sign-in", "/portal/sign-in/number", "/portal/enter", "/portal/waiting"]),
    ];
    let mut pages = Vec::new();
    for (place, [sign_in, number, enter, waiting]) in doors {
        pages.push(PageRoute::show(place, sign_in, Admits::Anyone, get(door::show)));
        pages.push(PageRoute::act(place, sign_in, Admits::Anyone, post(door::knock)));
        pages.push(PageRoute::show(place, number, Admits::Anyone, get(door::number)));
        pages.push(PageRoute::act(place, enter, Admits::Anyone, post(door::enter)));
        pages.push(PageRoute::show(place, waiting, Admits::Anyone, get(wait::waiting)));
    }
    let (console, portal) = (Place::Console, Place::Portal);
    let inside = |place| if place == console { Admits::Operators(&Role::ALL) } else { Admits::Persons };
    pages.extend([
        PageRoute::show(console, "/console/invitation", Admits::Anyone, get(door::invitation)),
        PageRoute::act(console, "/console/invitation", Admits::Anyone, post(door::accept)),
        PageRoute::show(portal, "/portal/invitation", Admits::Anyone, get(door::invitation)),
        PageRoute::act(portal, "/portal/invitation", Admits::Anyone, post(door::accept)),
        PageRoute::show(portal, "/portal/code", Admits::Anyone, get(door::code)),
        PageRoute::act(portal, "/portal/code", Admits::Anyone, post(door::use_code)),
        PageRoute::act(console, "/console/sign-out", inside(console), post(door::leave)),
        PageRoute::act(portal, "/portal/sign-out", inside(portal), post(door::leave)),
        PageRoute::show(console, "/console/assets/{file}", Admits::Anyone, get(page::asset)),
        PageRoute::show(portal, "/portal/assets/{file}", Admits::Anyone, get(page::asset)),
    ]);
    pages.extend(console::pages());
    pages.extend(portal::pages());
    pages
}

/// Adds the pages to `router`: all of them, or those of the portal alone.
pub(super) fn add(mut router: Router<App>, app: &App, is_public: bool) -> Router<App> {
    for route in pages().into_iter().filter(|route| !is_public || route.place == Place::Portal) {
        let PageRoute { path, place, admits, fresh, handler, .. } = route;
        let state = Threshold { app: app.clone(), place, admits, fresh, route: path };
        router = router.route(path, handler.layer(from_fn_with_state(state, threshold)));
    }
    router
}
