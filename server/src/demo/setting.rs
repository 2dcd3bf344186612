//! What the story needs before it begins: a server with somebody, somewhere to sign in, and a key.

use std::path::Path;

use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::edge as sim;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::Api;
use gatematch_domain::audit::Actor;
use gatematch_domain::gateway as domain;
use gatematch_domain::role::Role;
use gatematch_domain::user::UserChange;
use gatematch_domain::username::Domains;
use gatematch_protocol::gateway::CreateGateway;
use gatematch_protocol::id::{AdminKeyId, GatewayId, UserId};
use gatematch_protocol::secret::{Secret, prefix};
use gatematch_server::cli::fault::Fault;
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{self, Running};
use gatematch_server::store::{self, Act, PutUser, Store};

use super::failed;

/// Who signs in.
pub(super) const USER: &str = "alice";
/// Where he signs in.
pub(super) const GATEWAY: &str = "Oslo gateway";

/// Starts a server with a fresh database in `directory`, on a free port.
pub(super) async fn server(directory: &Path) -> Result<Running, Fault> {
    let mut settings = Settings::for_data_dir(directory);
    settings.name = "Contoso".to_owned();
    Ok(start::serve(settings, Edge::system()).await?)
}

/// The parties at the server's side.
pub(super) struct Parties {
    pub(super) api: Api,
    pub(super) admin: Admin,
    pub(super) gateway: Gateway,
}

/// Makes the user, the gateway and an administrator's key, as the command line does.
pub(super) async fn parties(running: &Running) -> Result<Parties, Fault> {
    let edge = Edge::system();
    let (store, issuer) = (running.store(), running.issuer());
    let act = Act::new(Actor::CommandLine("demo".to_owned()), edge.now());
    user(store.as_ref(), &act, &edge).await?;
    let (id, gateway_key) = gateway(store.as_ref(), &act, &edge).await?;
    let admin_key = Secret::from_random(prefix::ADMIN, &edge.random()?);
    let key = store::admin_key(AdminKeyId::new(act.now, edge.random()?), "Demo".to_owned(), Role::Admin, act.now);
    store.create_admin_key(act, key, admin_key.digest()).await?;
    let api = Api::new(&format!("http://{}", running.address())).map_err(failed)?;
    let admin = Admin::new(api.clone(), admin_key);
    let gateway = Gateway::new(api.clone(), issuer, Some(id), gateway_key, sim::system_clock());
    Ok(Parties { api, admin, gateway })
}

async fn user(store: &dyn Store, act: &Act, edge: &Edge) -> Result<(), Fault> {
    let named = Domains::default().canonical(USER);
    let username = named.map_err(|fault| Fault::broken(format!("{fault}."), "", ""))?;
    let id = UserId::new(act.now, edge.random()?);
    let change = UserChange { display_name: Some("Alice".to_owned()), ..UserChange::default() };
    store
        .put_user(PutUser { act: act.clone(), id, username, change, protected_groups: Vec::new(), as_admin: true })
        .await?;
    Ok(())
}

async fn gateway(store: &dyn Store, act: &Act, edge: &Edge) -> Result<(GatewayId, Secret), Fault> {
    let id = GatewayId::new(act.now, edge.random()?);
    let key = Secret::from_random(prefix::GATEWAY, &edge.random()?);
    let body = CreateGateway {
        name: GATEWAY.to_owned(),
        application: "Remote Desktop".to_owned(),
        can_display: true,
        client_address: None,
    };
    let gateway = domain::Gateway::from_body(&body, id, act.now)?;
    store.create_gateway(act.clone(), gateway, key.digest()).await?;
    Ok((id, key))
}
