//! What decides: gateways, policy and settings. For administrators alone.

mod editor;
mod explain;
mod front_door;
mod gateways;
mod keys;
mod policy;
mod radius;
mod reports;
mod settings;
mod spoken;
mod values;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use gatematch_domain::role::Role;
use gatematch_domain::visit::Place;
use gatematch_protocol::time::Timestamp;

use crate::http::problem::Answer;
use crate::http::site::{Admits, PageRoute, page};

/// Administrators.
const ADMINS: Admits = Admits::Operators(&[Role::Admin]);

/// The pages.
pub(super) fn pages() -> Vec<PageRoute> {
    let show = |path, handler| PageRoute::show(Place::Console, path, ADMINS, handler);
    let act = |path, handler| PageRoute::act(Place::Console, path, ADMINS, handler);
    vec![
        show("/console/gateways", get(gateways::list)),
        show("/console/gateways/new", get(gateways::new)),
        act("/console/gateways/new", post(gateways::create)).dangerous(),
        show("/console/gateways/{id}", get(gateways::show)),
        act("/console/gateways/{id}/remove", post(gateways::remove)).dangerous(),
        show("/console/policy", get(policy::show)),
        show("/console/policy/versions/{version}", get(policy::version)),
        act("/console/policy/versions/{version}/hold", post(policy::roll_back)).dangerous(),
        show("/console/policy/edit", get(editor::show)),
        act("/console/policy/edit", post(editor::save)).dangerous(),
        act("/console/policy/check", post(editor::check)),
        show("/console/policy/explain", get(explain::show)),
        show("/console/settings", get(settings::show)),
        show("/console/settings/keys/{id}", get(keys::show)),
        act("/console/settings/keys/{id}/revoke", post(keys::revoke)).dangerous(),
    ]
}

/// A time as pages show it.
struct Moment {
    /// For the script that shows it in the viewer's zone.
    iso: String,
    /// In UTC.
    text: String,
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let whole = at.to_string();
        let second = whole.get(..19).unwrap_or_default();
        Self { iso: format!("{second}Z"), text: format!("{} UTC", second.replace('T', " ")) }
    }
}

/// A page that is shown once more, with what is wrong on it.
fn faulty(status: StatusCode, template: &impl Template) -> Answer<Response> {
    let mut response = page(template)?;
    *response.status_mut() = status;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_to_the_second() {
        let Moment { iso, text } = Timestamp::from_micros(1_700_000_000_500_000).into();
        assert_eq!((iso.as_str(), text.as_str()), ("2023-11-14T22:13:20Z", "2023-11-14 22:13:20 UTC"));
    }
}
