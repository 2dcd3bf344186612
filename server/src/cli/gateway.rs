//! `gatematch gateway`.

use clap::{Args, Subcommand, ValueEnum};
use gatematch_domain::gateway::{ClientAddress, Gateway};
use gatematch_protocol::gateway::CreateGateway;
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::secret::{Secret, prefix};
use serde_json::json;

use super::fault::Fault;
use super::operator::Operator;
use super::terminal::{Terminal, Tone, shown_time};

/// `gatematch gateway ...`.
#[derive(Debug, Subcommand)]
pub enum GatewayCommand {
    /// Add a gateway; its key is shown once
    Add(Add),
    /// Show the gateways
    List,
    /// Take a gateway away: its key is refused, and its open sign-ins end
    Remove {
        /// The gateway, as `list` shows it
        id: GatewayId,
    },
}

/// `gatematch gateway add`.
#[derive(Debug, Args)]
pub struct Add {
    /// The gateway's name, as people know it: phones show it
    name: String,
    /// What people sign in to there: phones show it
    #[arg(long, value_name = "APP")]
    application: String,
    /// It can show a number to the person who signs in
    #[arg(long)]
    can_display: bool,
    /// Whether a client address that it tells may satisfy a rule, or is only shown
    #[arg(long, value_enum, default_value = "trusted", value_name = "WORTH")]
    client_address: Worth,
}

/// The words of [`ClientAddress`].
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Worth {
    /// It may satisfy a rule
    Trusted,
    /// It is shown and audited
    Shown,
}

impl From<Worth> for ClientAddress {
    fn from(worth: Worth) -> Self {
        match worth {
            Worth::Trusted => Self::Trusted,
            Worth::Shown => Self::Shown,
        }
    }
}

pub(super) async fn run(command: &GatewayCommand, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    match command {
        GatewayCommand::Add(gateway) => add(gateway, operator, terminal).await,
        GatewayCommand::List => list(operator, terminal).await,
        GatewayCommand::Remove { id } => remove(*id, operator, terminal).await,
    }
}

async fn add(asked: &Add, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let act = operator.act();
    let id = GatewayId::new(act.now, operator.edge.random()?);
    let key = Secret::from_random(prefix::GATEWAY, &operator.edge.random()?);
    let body = CreateGateway {
        name: asked.name.clone(),
        application: asked.application.clone(),
        can_display: asked.can_display,
        client_address: Some(ClientAddress::from(asked.client_address).as_str().to_owned()),
    };
    let gateway = Gateway::from_body(&body, id, act.now)?;
    let name = gateway.name.clone();
    operator.store.create_gateway(act, gateway, key.digest()).await?;
    if terminal.is_json() {
        return terminal.json(&json!({"id": id, "key": key}));
    }
    terminal.line(&format!("The gateway {name} is there, with the id {id}. Its key is shown only now:"))?;
    let key = terminal.toned(Tone::Bold, key.reveal());
    terminal.line(&format!("\n  {key}\n"))?;
    terminal.line(&format!("To take it away: gatematch gateway remove {id}"))
}

async fn list(operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    let gateways = operator.store.gateways().await?;
    if terminal.is_json() {
        let items: Vec<_> = gateways.iter().map(Gateway::view).collect();
        return terminal.json(&json!({"items": items}));
    }
    if gateways.is_empty() {
        return terminal.line("There is no gateway yet. To add one: gatematch gateway add NAME --application APP");
    }
    let row = |gateway: &Gateway| {
        let number = if gateway.can_display { "shows it" } else { "cannot" };
        let address = gateway.client_address.as_str().to_owned();
        let id = gateway.id.to_string();
        vec![
            id,
            gateway.name.clone(),
            gateway.application.clone(),
            number.to_owned(),
            address,
            shown_time(gateway.created_at),
        ]
    };
    let rows: Vec<_> = gateways.iter().map(row).collect();
    terminal.table(&["ID", "NAME", "APPLICATION", "NUMBER", "CLIENT ADDRESS", "MADE"], &rows)
}

async fn remove(id: GatewayId, operator: &Operator, terminal: &mut Terminal) -> Result<(), Fault> {
    if !operator.store.delete_gateway(operator.act(), id).await? {
        return Err(Fault::refused(
            format!("There is no gateway {id}."),
            "Nothing was changed.",
            "See: gatematch gateway list",
        ));
    }
    if terminal.is_json() {
        return terminal.json(&json!({"id": id}));
    }
    terminal.line("The gateway is gone: its key is refused, and its open sign-ins have ended.")
}
