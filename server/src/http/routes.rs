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
    audit, authenticator, challenge, connect, connect_events, connect_page, device, discovery, enrollment, gateway,
    health, observe, own, passcode, phone_page, policy, report, response, site, user,
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
    [public(), people(), phones(), gateways(), policies()].into_iter().flatten().collect()
}

/// What nobody needs a key or a phone for.
fn public() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/.well-known/gatematch", Who::Public, get(discovery::gatematch)),
        Route::new(Method::GET, "/.well-known/jwks.json", Who::Public, get(discovery::jwks)),
        Route::new(Method::GET, "/.well-known/jwks-audit.json", Who::Public, get(discovery::jwks_audit)),
        Route::new(Method::GET, "/healthz", Who::Public, get(health::healthz)),
        Route::new(Method::GET, "/readyz", Who::Public, get(health::readyz)),
        Route::new(Method::GET, "/metrics", Who::Public, get(health::metrics)),
        Route::new(Method::GET, "/app", Who::Public, get(phone_page::enter)),
        Route::new(Method::GET, "/app/", Who::Public, get(phone_page::page)),
        Route::new(Method::GET, "/app/{file}", Who::Public, get(phone_page::file)),
        Route::new(Method::GET, "/connect", Who::Public, get(connect_page::page)),
        Route::new(Method::GET, "/connect/connect.css", Who::Public, get(connect_page::style)),
        Route::new(Method::GET, "/connect/connect.js", Who::Public, get(connect_page::script)),
        Route::new(Method::GET, "/connect/logo.svg", Who::Public, get(connect_page::logo)),
        Route::new(Method::GET, "/connect/desktop.rdp", Who::Public, get(connect_page::desktop)),
        Route::new(Method::POST, "/connect/sessions", Who::Browser, post(connect::arm)),
        Route::new(Method::GET, "/connect/sessions/current", Who::Browser, get(connect::current)),
        Route::new(Method::GET, "/connect/sessions/current/events", Who::Browser, get(connect_events::events)),
        Route::new(Method::POST, "/connect/sessions/current/confirm", Who::Browser, post(connect::confirm)),
        Route::new(Method::POST, "/connect/sessions/current/passcode", Who::Browser, post(passcode::on_page)),
    ]
}

/// People, and what they sign in with, as administrators manage them.
fn people() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/users", Who::Admin(DESK), get(user::list)),
        Route::new(Method::PUT, "/v1/users/{username}", Who::Admin(DESK), put(user::put)),
        Route::new(Method::GET, "/v1/users/{username}", Who::Admin(DESK), get(user::show)),
        Route::new(Method::DELETE, "/v1/users/{username}", Who::Admin(DESK), delete(user::remove)),
        Route::new(Method::GET, "/v1/users/{username}/devices", Who::Admin(DESK), get(user::devices)),
        Route::new(Method::GET, "/v1/users/{username}/browsers", Who::Admin(DESK), get(connect::browsers)),
        Route::new(
            Method::DELETE,
            "/v1/users/{username}/browsers/{id}",
            Who::Admin(DESK),
            delete(connect::remove_browser),
        ),
        Route::new(Method::POST, "/v1/users/{username}/lock", Who::Admin(DESK), post(authenticator::lock)),
        Route::new(Method::POST, "/v1/users/{username}/unlock", Who::Admin(DESK), post(authenticator::unlock)),
        Route::new(Method::GET, "/v1/users/{username}/authenticators", Who::Admin(DESK), get(authenticator::list)),
        Route::new(
            Method::DELETE,
            "/v1/users/{username}/authenticators/{id}",
            Who::Admin(DESK),
            delete(authenticator::remove),
        ),
        Route::new(Method::POST, "/v1/users/{username}/totp", Who::Admin(DESK), post(authenticator::add_totp)),
        Route::new(
            Method::POST,
            "/v1/users/{username}/totp/{id}/confirm",
            Who::Admin(DESK),
            post(authenticator::confirm_totp),
        ),
        Route::new(
            Method::POST,
            "/v1/users/{username}/recovery-codes",
            Who::Admin(DESK),
            post(authenticator::make_recovery_codes),
        ),
        Route::new(
            Method::POST,
            "/v1/users/{username}/access-passes",
            Who::Admin(DESK),
            post(authenticator::make_access_pass),
        ),
        Route::new(Method::POST, "/v1/users/{username}/bypasses", Who::Admin(DESK), post(authenticator::make_bypass)),
        Route::new(Method::GET, "/v1/users/{username}/bypasses", Who::Admin(DESK), get(authenticator::bypasses)),
        Route::new(
            Method::DELETE,
            "/v1/users/{username}/bypasses/{id}",
            Who::Admin(DESK),
            delete(authenticator::remove_bypass),
        ),
    ]
}

/// Phones, and what their people do by them.
fn phones() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/self/authenticators", Who::Phone, get(own::list)),
        Route::new(Method::DELETE, "/v1/self/authenticators/{id}", Who::Phone, delete(own::remove)),
        Route::new(Method::PUT, "/v1/self/devices/{id}", Who::Phone, put(own::rename_phone)),
        Route::new(Method::DELETE, "/v1/self/devices/{id}", Who::Phone, delete(own::remove_phone)),
        Route::new(Method::POST, "/v1/self/enrollments", Who::Phone, post(own::enroll)),
        Route::new(Method::POST, "/v1/self/totp", Who::Phone, post(own::add_totp)),
        Route::new(Method::POST, "/v1/self/totp/{id}/confirm", Who::Phone, post(own::confirm_totp)),
        Route::new(Method::POST, "/v1/self/recovery-codes", Who::Phone, post(own::make_recovery_codes)),
        Route::new(Method::POST, "/v1/enrollments", Who::Admin(DESK), post(enrollment::create)),
        Route::new(Method::POST, "/v1/devices", Who::NewPhone, post(enrollment::register)),
        Route::new(Method::GET, "/v1/devices/self", Who::Phone, get(device::show_self)),
        Route::new(Method::DELETE, "/v1/devices/self", Who::Phone, delete(device::remove_self)),
        Route::new(Method::PUT, "/v1/devices/self/push", Who::Phone, put(device::set_push)),
        Route::new(Method::GET, "/v1/devices/self/challenges", Who::Phone, get(device::challenges)),
        Route::new(Method::GET, "/v1/devices/self/phones", Who::Phone, get(device::phones)),
        Route::new(Method::GET, "/v1/devices/self/notices", Who::Phone, get(device::notices)),
        Route::new(Method::DELETE, "/v1/devices/{id}", Who::Admin(DESK), delete(device::remove)),
        Route::new(Method::POST, "/v1/devices/{id}/confirm", Who::AdminOrPhone(DESK), post(device::confirm)),
    ]
}

/// Gateways, their logins, the audit log and reports.
fn gateways() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/v1/gateways", Who::Admin(ADMIN), post(gateway::create)),
        Route::new(Method::GET, "/v1/gateways", Who::Admin(ADMIN), get(gateway::list)),
        Route::new(Method::GET, "/v1/gateways/self", Who::Gateway, get(gateway::show_self)),
        Route::new(Method::POST, "/v1/gateways/self/drops", Who::Gateway, post(gateway::report_drops)),
        Route::new(Method::DELETE, "/v1/gateways/{id}", Who::Admin(ADMIN), delete(gateway::remove)),
        Route::new(Method::POST, "/v1/challenges", Who::Gateway, post(challenge::create)),
        Route::new(Method::GET, "/v1/challenges/{id}", Who::GatewayOrAdmin(EVERY), get(challenge::show)),
        Route::new(Method::DELETE, "/v1/challenges/{id}", Who::Gateway, delete(challenge::cancel)),
        Route::new(Method::POST, "/v1/challenges/{id}/redeem", Who::Gateway, post(challenge::redeem)),
        Route::new(Method::POST, "/v1/challenges/{id}/passcode", Who::Gateway, post(passcode::at_gateway)),
        Route::new(Method::POST, "/v1/challenges/{id}/response", Who::Signer, post(response::respond)),
        Route::new(Method::GET, "/v1/audit", Who::Admin(AUDIT), get(audit::list)),
        Route::new(Method::GET, "/v1/audit/checkpoint", Who::Admin(AUDIT), get(audit::checkpoint)),
        Route::new(Method::GET, "/v1/reports/{name}", Who::Admin(AUDIT), get(report::show)),
    ]
}

/// Policy, and the history of it.
fn policies() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/policy", Who::Admin(ADMIN), get(policy::show)),
        Route::new(Method::PUT, "/v1/policy", Who::Admin(ADMIN), put(policy::put)),
        Route::new(Method::POST, "/v1/policy/explain", Who::Admin(ADMIN), post(policy::explain)),
        Route::new(Method::POST, "/v1/policy/rollback", Who::Admin(ADMIN), post(policy::roll_back)),
        Route::new(Method::GET, "/v1/policy/versions", Who::Admin(ADMIN), get(policy::versions)),
        Route::new(Method::GET, "/v1/policy/versions/{version}", Who::Admin(ADMIN), get(policy::version)),
    ]
}

/// What is public and yet for whoever watches the server alone.
const FOR_WATCHERS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

impl Route {
    fn new(method: Method, path: &'static str, who: Who, handler: MethodRouter<App>) -> Self {
        Self { method, path, who, handler }
    }

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
    router_of(app, table(), false)
}

/// The router of what phones and browsers need, and of nothing else.
pub fn public_router(app: App) -> Router {
    let narrowed = |route: Route| Some(Route { who: route.in_public()?, ..route });
    router_of(app, table().into_iter().filter_map(narrowed), true)
}

fn router_of(app: App, routes: impl IntoIterator<Item = Route>, is_public: bool) -> Router {
    let mut router = Router::new();
    for Route { path, who, handler, .. } in routes {
        let guarded = Guard { app: app.clone(), who, route: path };
        router = router.route(path, handler.layer(from_fn_with_state(guarded, guard)));
    }
    site::add(router, &app, is_public)
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
            "DELETE /v1/self/authenticators/{id} phone",
            "DELETE /v1/self/devices/{id} phone",
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
            "GET /v1/self/authenticators phone",
            "POST /connect/sessions browser",
            "POST /connect/sessions/current/confirm browser",
            "POST /connect/sessions/current/passcode browser",
            "POST /v1/challenges/{id}/response phone",
            "POST /v1/devices phone",
            "POST /v1/devices/{id}/confirm phone",
            "POST /v1/self/enrollments phone",
            "POST /v1/self/recovery-codes phone",
            "POST /v1/self/totp phone",
            "POST /v1/self/totp/{id}/confirm phone",
            "PUT /v1/devices/self/push phone",
            "PUT /v1/self/devices/{id} phone",
        ];
        assert_eq!(public, expected);
    }
}
