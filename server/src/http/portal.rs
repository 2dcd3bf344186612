//! The portal: where everybody looks after what he signs in with himself.
//!
//! Whoever is here may do what a phone of his may do (`own.rs`), whatever let him in; each change is told to his phones. What
//! would last longer than his visit asks for his phone anew, where it was a phone that let him in.

mod codes;
mod here;
mod home;
mod phones;
mod recent;

use axum::routing::{get, post};
use gatematch_domain::visit::Place;

use super::site::{Admits, PageRoute};

/// The pages of the portal.
pub(super) fn pages() -> Vec<PageRoute> {
    let show = |path, handler| PageRoute::show(Place::Portal, path, Admits::Persons, handler);
    let act = |path, handler| PageRoute::act(Place::Portal, path, Admits::Persons, handler);
    vec![
        show("/portal", get(home::show)),
        show("/portal/phones", get(phones::count)),
        act("/portal/phones", post(phones::add)).dangerous(),
        act("/portal/phones/{id}/rename", post(phones::rename)),
        act("/portal/phones/{id}/remove", post(phones::remove)),
        act("/portal/phones/{id}/confirm", post(phones::confirm)).dangerous(),
        act("/portal/codes", post(codes::make)).dangerous(),
        act("/portal/apps", post(codes::add_app)).dangerous(),
        act("/portal/apps/{id}/confirm", post(codes::confirm_app)),
        act("/portal/factors/{id}/remove", post(codes::remove)),
        act("/portal/sign-ins/{id}/report", post(recent::report)),
    ]
}
