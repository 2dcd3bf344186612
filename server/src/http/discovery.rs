//! Discovery: what a phone or a gateway must know first.

use axum::Json;
use axum::extract::State;
use gatematch_protocol::API_VERSION;
use gatematch_protocol::audit::AuditKeys;
use gatematch_protocol::discovery::Discovery;
use gatematch_protocol::jwk::JwkSet;

use super::app::App;
use super::problem::Answer;
use crate::audit;

pub(super) async fn gatematch(State(app): State<App>) -> Json<Discovery> {
    Json(Discovery {
        issuer: app.issuer.clone(),
        name: app.settings.name.clone(),
        jwks_uri: format!("{}/.well-known/jwks.json", app.issuer),
        vapid_public_key: app.keys.vapid_public().to_owned(),
        api_version: API_VERSION.to_owned(),
    })
}

pub(super) async fn jwks(State(app): State<App>) -> Json<JwkSet> {
    Json(app.keys.published().clone())
}

/// Keys stand here from their first checkpoint on, for ever.
pub(super) async fn jwks_audit(State(app): State<App>) -> Answer<Json<AuditKeys>> {
    Ok(Json(audit::keys(app.store.as_ref(), app.keys.published()).await?))
}
