//! Gateways.

use axum::Json as Answered;
use axum::extract::State;
use axum::http::StatusCode;
use gatematch_domain::gateway::{Drops, Gateway};
use gatematch_protocol::gateway::{CreateGateway, DROP_CAUSES, GatewayCreated, GatewayView, Gateways, ReportDrops};
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::secret::{Secret, prefix};

use super::administrator::Administrator;
use super::app::{App, Inner};
use super::body::Json;
use super::params::{Segment, TheAdmin, TheGateway};
use super::problem::{Answer, Problem};

pub(super) async fn create(
    State(app): State<App>,
    TheAdmin(admin): TheAdmin,
    Json(body): Json<CreateGateway>,
) -> Answer<(StatusCode, Answered<GatewayCreated>)> {
    let now = app.now();
    let gateway = Gateway::from_body(&body, GatewayId::new(now, app.edge.random()?), now)?;
    let (gateway, key) = app.add_gateway(&admin, gateway).await?;
    Ok((StatusCode::CREATED, Answered(GatewayCreated { gateway: gateway.view(), key })))
}

pub(super) async fn list(State(app): State<App>) -> Answer<Answered<Gateways>> {
    let items = app.store.gateways().await?.iter().map(Gateway::view).collect();
    Ok(Answered(Gateways { items }))
}

pub(super) async fn show_self(TheGateway(gateway): TheGateway) -> Answered<GatewayView> {
    Answered(gateway.view())
}

/// What a RADIUS front door met with silence: an administrator who only sees time-outs finds the cause here.
pub(super) async fn report_drops(
    State(app): State<App>,
    TheGateway(gateway): TheGateway,
    Json(body): Json<ReportDrops>,
) -> Answer<StatusCode> {
    let drops = Drops::from_body(&body)?;
    // Words are chosen by the caller; labels are not.
    let label = DROP_CAUSES.iter().find(|known| **known == drops.cause).copied().unwrap_or("other");
    app.metrics.drops.with_label_values(&[label]).inc_by(u64::from(drops.count));
    app.store.record_events(vec![drops.event(&gateway, app.now())]).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(State(app): State<App>, TheAdmin(admin): TheAdmin, id: Segment) -> Answer<StatusCode> {
    app.remove_gateway(&admin, id.id()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Inner {
    /// Keeps a new gateway; its key is told this once.
    pub(super) async fn add_gateway(&self, admin: &Administrator, gateway: Gateway) -> Answer<(Gateway, Secret)> {
        let key = Secret::from_random(prefix::GATEWAY, &self.edge.random()?);
        self.store.create_gateway(self.act_of(admin), gateway.clone(), key.digest()).await?;
        Ok((gateway, key))
    }

    /// Takes a gateway away.
    ///
    /// # Errors
    /// 404 where there is none.
    pub(super) async fn remove_gateway(&self, admin: &Administrator, id: GatewayId) -> Answer<()> {
        let deleted = self.store.delete_gateway(self.act_of(admin), id).await?;
        if deleted { Ok(()) } else { Err(Problem::not_found()) }
    }
}
