//! The table of routes: method, path, who may, handler. The router is built from it, and `openapi.yaml` is
//! compared with it.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post, put};
use gatematch_domain::role::Role::{self, Admin, Auditor, Helpdesk};
use gatematch_protocol::problem::Code;
use tower_http::catch_panic::CatchPanicLayer;

use super::app::App;
use super::guard::{Guard, Who, guard};
use super::problem::Problem;
use super::{
    audit, challenge, connect, connect_events, connect_page, device, discovery, enrollment, gateway, health, observe,
    phone_page, response, user,
};

/// One route.
pub struct Route {
    /// The HTTP method.
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub who: Who,
    handler: MethodRouter<App>,
}

const ADMIN: &[Role] = &[Admin];
const DESK: &[Role] = &[Admin, Helpdesk];
const AUDIT: &[Role] = &[Admin, Auditor];
const EVERY: &[Role] = &Role::ALL;

/// Every route that there is.
#[must_use]
pub fn table() -> Vec<Route> {
    let route = |method, path, who, handler| Route { method, path, who, handler };
    vec![
        route(Method::GET, "/.well-known/gatematch", Who::Public, get(discovery::gatematch)),
        route(Method::GET, "/.well-known/jwks.json", Who::Public, get(discovery::jwks)),
        route(Method::GET, "/.well-known/jwks-audit.json", Who::Public, get(discovery::jwks_audit)),
        route(Method::GET, "/healthz", Who::Public, get(health::healthz)),
        route(Method::GET, "/readyz", Who::Public, get(health::readyz)),
        route(Method::GET, "/metrics", Who::Public, get(health::metrics)),
        route(Method::GET, "/app", Who::Public, get(phone_page::enter)),
        route(Method::GET, "/app/", Who::Public, get(phone_page::page)),
        route(Method::GET, "/app/{file}", Who::Public, get(phone_page::file)),
        route(Method::GET, "/connect", Who::Public, get(connect_page::page)),
        route(Method::GET, "/connect/connect.css", Who::Public, get(connect_page::style)),
        route(Method::GET, "/connect/connect.js", Who::Public, get(connect_page::script)),
        route(Method::GET, "/connect/logo.svg", Who::Public, get(connect_page::logo)),
        route(Method::GET, "/connect/desktop.rdp", Who::Public, get(connect_page::desktop)),
        route(Method::POST, "/connect/sessions", Who::Browser, post(connect::arm)),
        route(Method::GET, "/connect/sessions/current", Who::Browser, get(connect::current)),
        route(Method::GET, "/connect/sessions/current/events", Who::Browser, get(connect_events::events)),
        route(Method::POST, "/connect/sessions/current/confirm", Who::Browser, post(connect::confirm)),
        route(Method::GET, "/v1/users", Who::Admin(DESK), get(user::list)),
        route(Method::PUT, "/v1/users/{username}", Who::Admin(DESK), put(user::put)),
        route(Method::GET, "/v1/users/{username}", Who::Admin(DESK), get(user::show)),
        route(Method::DELETE, "/v1/users/{username}", Who::Admin(DESK), delete(user::remove)),
        route(Method::GET, "/v1/users/{username}/devices", Who::Admin(DESK), get(user::devices)),
        route(Method::GET, "/v1/users/{username}/browsers", Who::Admin(DESK), get(connect::browsers)),
        route(Method::DELETE, "/v1/users/{username}/browsers/{id}", Who::Admin(DESK), delete(connect::remove_browser)),
        route(Method::POST, "/v1/enrollments", Who::Admin(DESK), post(enrollment::create)),
        route(Method::POST, "/v1/devices", Who::NewPhone, post(enrollment::register)),
        route(Method::GET, "/v1/devices/self", Who::Phone, get(device::show_self)),
        route(Method::DELETE, "/v1/devices/self", Who::Phone, delete(device::remove_self)),
        route(Method::PUT, "/v1/devices/self/push", Who::Phone, put(device::set_push)),
        route(Method::GET, "/v1/devices/self/challenges", Who::Phone, get(device::challenges)),
        route(Method::GET, "/v1/devices/self/phones", Who::Phone, get(device::phones)),
        route(Method::GET, "/v1/devices/self/notices", Who::Phone, get(device::notices)),
        route(Method::DELETE, "/v1/devices/{id}", Who::Admin(DESK), delete(device::remove)),
        route(Method::POST, "/v1/devices/{id}/confirm", Who::AdminOrPhone(DESK), post(device::confirm)),
        route(Method::POST, "/v1/gateways", Who::Admin(ADMIN), post(gateway::create)),
        route(Method::GET, "/v1/gateways", Who::Admin(ADMIN), get(gateway::list)),
        route(Method::GET, "/v1/gateways/self", Who::Gateway, get(gateway::show_self)),
        route(Method::POST, "/v1/gateways/self/drops", Who::Gateway, post(gateway::report_drops)),
        route(Method::DELETE, "/v1/gateways/{id}", Who::Admin(ADMIN), delete(gateway::remove)),
        route(Method::POST, "/v1/challenges", Who::Gateway, post(challenge::create)),
        route(Method::GET, "/v1/challenges/{id}", Who::GatewayOrAdmin(EVERY), get(challenge::show)),
        route(Method::DELETE, "/v1/challenges/{id}", Who::Gateway, delete(challenge::cancel)),
        route(Method::POST, "/v1/challenges/{id}/redeem", Who::Gateway, post(challenge::redeem)),
        route(Method::POST, "/v1/challenges/{id}/passcode", Who::Gateway, post(challenge::passcode)),
        route(Method::POST, "/v1/challenges/{id}/response", Who::Signer, post(response::respond)),
        route(Method::GET, "/v1/audit", Who::Admin(AUDIT), get(audit::list)),
    ]
}

/// What is public and yet for whoever watches the server alone.
const FOR_WATCHERS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

impl Route {
    /// Who may call it on the public listener; `None`: nobody, and there is no such path.
    #[must_use]
    pub fn in_public(&self) -> Option<Who> {
        match self.who {
            Who::Public => (!FOR_WATCHERS.contains(&self.path)).then_some(Who::Public),
            Who::AdminOrPhone(_) => Some(Who::Phone),
            who @ (Who::Browser | Who::Phone | Who::NewPhone | Who::Signer) => Some(who),
            Who::Gateway | Who::Admin(_) | Who::GatewayOrAdmin(_) => None,
        }
    }
}

/// The router of the whole table.
pub fn router(app: App) -> Router {
    router_of(app, table())
}

/// The router of what phones and browsers need, and of nothing else.
pub fn public_router(app: App) -> Router {
    let narrowed = |route: Route| Some(Route { who: route.in_public()?, ..route });
    router_of(app, table().into_iter().filter_map(narrowed))
}

fn router_of(app: App, routes: impl IntoIterator<Item = Route>) -> Router {
    let mut router = Router::new();
    for Route { path, who, handler, .. } in routes {
        let guarded = Guard { app: app.clone(), who, route: path };
        router = router.route(path, handler.layer(from_fn_with_state(guarded, guard)));
    }
    router
        .fallback(|| async { Problem::new(Code::NotFound, "There is no such path.") })
        .method_not_allowed_fallback(|request: Request| async move {
            let told = observe::known_method(request.method()).unwrap_or("this method");
            Problem::new(Code::MethodNotAllowed, format!("This path does not take {told}."))
        })
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(|_| {
            use axum::response::IntoResponse as _;
            Problem::internal("a handler panicked").into_response()
        }))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_listener_serves_just_this() {
        let routes = table();
        let public = routes.iter().filter_map(|route| {
            let who = route.in_public()?;
            assert!(!matches!(who, Who::Admin(_) | Who::AdminOrPhone(_) | Who::Gateway | Who::GatewayOrAdmin(_)));
            Some(format!("{} {} {}", route.method, route.path, who.words().join(" ")))
        });
        let mut public: Vec<_> = public.collect();
        public.sort();
        let expected = [
            "DELETE /v1/devices/self phone",
            "GET /.well-known/gatematch public",
            "GET /.well-known/jwks-audit.json public",
            "GET /.well-known/jwks.json public",
            "GET /app public",
            "GET /app/ public",
            "GET /app/{file} public",
            "GET /connect public",
            "GET /connect/connect.css public",
            "GET /connect/connect.js public",
            "GET /connect/desktop.rdp public",
            "GET /connect/logo.svg public",
            "GET /connect/sessions/current browser",
            "GET /connect/sessions/current/events browser",
            "GET /v1/devices/self phone",
            "GET /v1/devices/self/challenges phone",
            "GET /v1/devices/self/notices phone",
            "GET /v1/devices/self/phones phone",
            "POST /connect/sessions browser",
            "POST /connect/sessions/current/confirm browser",
            "POST /v1/challenges/{id}/response phone",
            "POST /v1/devices phone",
            "POST /v1/devices/{id}/confirm phone",
            "PUT /v1/devices/self/push phone",
        ];
        assert_eq!(public, expected);
    }
}
