//! Gateways: which there are, how one is added, and how it is led here.

use std::collections::HashMap;
use std::net::IpAddr;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatematch_domain::fault::Fault;
use gatematch_domain::gateway::{ClientAddress, Gateway};
use gatematch_domain::visit::Place;
use gatematch_protocol::gateway::CreateGateway;
use gatematch_protocol::id::GatewayId;
use gatematch_protocol::secret::Secret;

use super::front_door::{Addresses, Fresh, Panel};
use super::radius::Front;
use super::{Moment, faulty};
use crate::http::app::{App, Inner};
use crate::http::params::{Query, Segment};
use crate::http::problem::{Answer, Problem};
use crate::http::site::{Form, Guest, Shell, TheOperator, page, see};
use crate::words::rules::Rules;
use crate::words::rules::gateways::Gateways as Words;
use crate::words::shell::Shell as ShellWords;
use crate::words::{Language, with};

/// How many sign-ins are looked at to count those of a day.
const MOST_COUNTED: u32 = 20_000;
const DAY_SECONDS: i64 = 86_400;

/// A gateway in the list.
struct Row {
    id: Option<GatewayId>,
    name: String,
    application: String,
    number: &'static str,
    address: &'static str,
    made: Option<Moment>,
    let_in: String,
    is_built_in: bool,
}

#[derive(Template)]
#[template(path = "console/rules/gateways.html")]
struct List {
    shell: Shell,
    words: &'static Words,
    rows: Vec<Row>,
    has_own: bool,
    was_removed: bool,
}

/// A field with what was typed and what is wrong with it.
#[derive(Default)]
struct Field {
    text: String,
    fault: &'static str,
}

#[derive(Template)]
#[template(path = "console/rules/gateway_new.html")]
struct New {
    shell: Shell,
    words: &'static Words,
    common: &'static Rules,
    is_faulty: bool,
    name: Field,
    application: Field,
    can_display: bool,
    is_shown: bool,
    address_fault: &'static str,
    gateway: Field,
    server: Field,
}

#[derive(Template)]
#[template(path = "console/rules/gateway_made.html")]
struct Made {
    shell: Shell,
    words: &'static Words,
    common: &'static Rules,
    id: GatewayId,
    key: String,
    panel: Option<Panel>,
}

#[derive(Template)]
#[template(path = "console/rules/gateway.html")]
struct Show {
    shell: Shell,
    words: &'static Words,
    common: &'static Rules,
    row: Row,
    id: GatewayId,
    is_built_in: bool,
    gateway: Field,
    server: Field,
    panel: Option<Panel>,
    remove_why: String,
    remove_sure: String,
    fault: &'static str,
}

fn shell(app: &Inner, guest: &Guest, language: Language, title: impl Into<String>) -> Shell {
    Shell::new(app, Place::Console, Some(guest), language, ("gateways", title))
}

impl Row {
    fn of(gateway: &Gateway, let_in: String, language: Language) -> Self {
        let words = Words::of(language);
        Self {
            id: Some(gateway.id),
            name: gateway.name.clone(),
            application: gateway.application.clone(),
            number: if gateway.can_display { words.number_itself } else { words.number_page },
            address: match gateway.client_address {
                ClientAddress::Trusted => words.address_trusted,
                ClientAddress::Shown => words.address_shown,
            },
            made: Some(gateway.created_at.into()),
            let_in,
            is_built_in: Place::of_gateway(gateway.id).is_some(),
        }
    }

    /// One that is built in, and was not needed so far.
    fn unused(place: Place, language: Language) -> Self {
        let (words, name) = (Words::of(language), place.gateway_name());
        let (number, address) = (words.number_itself, words.address_trusted);
        let (application, let_in) = (name.to_owned(), "0".to_owned());
        Self { id: None, name: name.to_owned(), application, number, address, made: None, let_in, is_built_in: true }
    }
}

impl Inner {
    /// How often somebody was let in at each gateway of late, as it is shown.
    async fn let_in_today(&self, language: Language) -> Answer<HashMap<String, String>> {
        let found = self.store.let_in(self.now().plus_seconds(-DAY_SECONDS), MOST_COUNTED).await?;
        let shown = |times: u64| {
            if found.is_all { times.to_string() } else { with(Words::of(language).at_least, &[&times.to_string()]) }
        };
        Ok(found.times.iter().map(|(gateway, times)| (gateway.clone(), shown(*times))).collect())
    }

    async fn gateway_row(&self, gateway: &Gateway, language: Language) -> Answer<Row> {
        let mut let_in = self.let_in_today(language).await?;
        let count = let_in.remove(&gateway.id.to_string()).unwrap_or_else(|| "0".to_owned());
        Ok(Row::of(gateway, count, language))
    }

    fn front(&self) -> Front {
        Front::of(self.settings.radius.as_ref())
    }
}

pub(super) async fn list(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
    query: Query,
) -> Answer<Response> {
    let mut let_in = app.let_in_today(language).await?;
    let mut count = |gateway: &Gateway| let_in.remove(&gateway.id.to_string()).unwrap_or_else(|| "0".to_owned());
    let (own, ours): (Vec<Gateway>, Vec<Gateway>) =
        app.store.gateways().await?.into_iter().partition(|gateway| Place::of_gateway(gateway.id).is_none());
    let mut rows: Vec<Row> = own.iter().map(|gateway| Row::of(gateway, count(gateway), language)).collect();
    for place in Place::ALL {
        let found = ours.iter().find(|gateway| gateway.id == place.gateway());
        rows.push(found.map_or_else(|| Row::unused(place, language), |it| Row::of(it, count(it), language)));
    }
    page(&List {
        shell: shell(&app, &guest, language, ShellWords::of(language).gateways),
        words: Words::of(language),
        rows,
        has_own: !own.is_empty(),
        was_removed: query.text("removed").is_some(),
    })
}

pub(super) async fn new(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
) -> Answer<Response> {
    let server = app.front().address.map(|address| address.to_string()).unwrap_or_default();
    page(&New {
        shell: shell(&app, &guest, language, Words::of(language).add),
        words: Words::of(language),
        common: Rules::of(language),
        is_faulty: false,
        name: Field::default(),
        application: Field::default(),
        can_display: false,
        is_shown: false,
        address_fault: "",
        gateway: Field::default(),
        server: Field { text: server, fault: "" },
    })
}

/// An address that somebody typed; nothing where he typed nothing.
fn address(text: Option<&str>, words: &Words) -> (Field, Option<IpAddr>) {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return (Field::default(), None) };
    let address: Option<IpAddr> = text.parse().ok();
    let fault = if address.is_none() { words.no_address } else { "" };
    (Field { text: text.to_owned(), fault }, address)
}

pub(super) async fn create(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, admin): TheOperator,
    form: Form,
) -> Answer<Response> {
    let words = Words::of(language);
    let text = |name| form.text(name).unwrap_or_default().to_owned();
    let body = CreateGateway {
        name: text("name"),
        application: text("application"),
        can_display: form.is_ticked("can_display"),
        client_address: form.text("client_address").map(str::to_owned),
    };
    let (gateway_field, gateway_address) = address(form.raw("gateway"), words);
    let (server_field, server_address) = address(form.raw("server"), words);
    let now = app.now();
    let made = Gateway::from_body(&body, GatewayId::new(now, app.edge.random()?), now);
    let are_sound = gateway_field.fault.is_empty() && server_field.fault.is_empty();
    let gateway = match made {
        Ok(gateway) if are_sound => gateway,
        made => {
            let member = match made {
                Err(Fault::Range { member, .. } | Fault::Type { member, .. }) => member,
                _ => String::new(),
            };
            let fault = |name: &str, fault: &'static str| if member == name { fault } else { "" };
            let is_shown = body.client_address.as_deref() == Some("shown");
            let page = New {
                shell: shell(&app, &guest, language, words.add),
                words,
                common: Rules::of(language),
                is_faulty: true,
                name: Field { text: body.name.clone(), fault: fault("name", words.length_fault) },
                application: Field { text: body.application, fault: fault("application", words.length_fault) },
                can_display: body.can_display,
                is_shown,
                address_fault: fault("client_address", words.address_fault),
                gateway: gateway_field,
                server: server_field,
            };
            return faulty(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let addresses = Addresses { gateway: gateway_address, server: server_address };
    let (gateway, key) = app.add_gateway(&admin, gateway).await?;
    let random: [u8; 32] = app.edge.random()?;
    let shared = Secret::new(random.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let fresh = Fresh { key: &key, shared: &shared };
    let panel = (!gateway.can_display).then(|| Panel::of(&gateway, addresses, &app.front(), Some(&fresh), language));
    page(&Made {
        shell: shell(&app, &guest, language, with(words.made_title, &[&gateway.name])),
        words,
        common: Rules::of(language),
        id: gateway.id,
        key: key.reveal().to_owned(),
        panel,
    })
}

/// The gateway that a path names.
async fn found(app: &Inner, id: &Segment) -> Answer<Gateway> {
    app.store.gateway(id.id()?).await?.ok_or_else(Problem::not_found)
}

async fn showing(
    app: &Inner,
    guest: &Guest,
    gateway: &Gateway,
    (gateway_field, server_field, addresses): (Field, Field, Addresses),
    language: Language,
) -> Answer<Show> {
    let words = Words::of(language);
    let is_built_in = Place::of_gateway(gateway.id).is_some();
    let has_panel = !is_built_in && !gateway.can_display;
    Ok(Show {
        shell: shell(app, guest, language, gateway.name.clone()),
        words,
        common: Rules::of(language),
        row: app.gateway_row(gateway, language).await?,
        id: gateway.id,
        is_built_in,
        gateway: gateway_field,
        server: server_field,
        panel: has_panel.then(|| Panel::of(gateway, addresses, &app.front(), None, language)),
        remove_why: with(words.remove_why, &[&gateway.name]),
        remove_sure: with(words.remove_sure, &[&gateway.name]),
        fault: "",
    })
}

pub(super) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, _): TheOperator,
    id: Segment,
    query: Query,
) -> Answer<Response> {
    let words = Words::of(language);
    let gateway = found(&app, &id).await?;
    let (gateway_field, gateway_address) = address(query.text("gateway"), words);
    let (server_field, server_address) = address(query.text("server"), words);
    let is_faulty = !gateway_field.fault.is_empty() || !server_field.fault.is_empty();
    let addresses = Addresses { gateway: gateway_address, server: server_address };
    let shown = showing(&app, &guest, &gateway, (gateway_field, server_field, addresses), language).await?;
    if is_faulty { faulty(StatusCode::UNPROCESSABLE_ENTITY, &shown) } else { page(&shown) }
}

pub(super) async fn remove(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    TheOperator(guest, admin): TheOperator,
    id: Segment,
    form: Form,
) -> Answer<Response> {
    let gateway = found(&app, &id).await?;
    let is_built_in = Place::of_gateway(gateway.id).is_some();
    if is_built_in || !form.is_ticked("sure") {
        let nothing = (Field::default(), Field::default(), Addresses::default());
        let mut shown = showing(&app, &guest, &gateway, nothing, language).await?;
        let (words, common) = (Words::of(language), Rules::of(language));
        shown.fault = if is_built_in { words.cannot_remove } else { common.tick_missing };
        return faulty(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    app.remove_gateway(&admin, gateway.id).await?;
    Ok(see("/console/gateways?removed=1"))
}
