//! Who lives here, and how they ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use gatematch_client_sim::admin::Admin;
use gatematch_client_sim::edge::{random_key, system_clock};
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::http::{Api, body};
use gatematch_client_sim::phone::{Phone, response_path};
use gatematch_protocol::gateway::GatewayCreated;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::{PostResponse, ResponseOutcome};
use gatematch_protocol::user::PutUser;
use tokio::time::timeout;

use super::history::{Asked, History, Told};
use crate::dice::Dice;
use crate::machine::ISSUER;
use crate::node::login;

/// Somebody with one phone or two, each of which can reach each node.
pub(super) struct Person {
    pub(super) name: String,
    pub(super) phones: Vec<Vec<Phone>>,
}

/// The nodes as their clients see them, and what happened.
pub(super) struct Town {
    nodes: Vec<Api>,
    gateways: Vec<Gateway>,
    pub(super) history: History,
    is_over: AtomicBool,
}

impl Town {
    pub(super) fn new(nodes: Vec<Api>, gateway: &GatewayCreated) -> Self {
        let at = |api: &Api| Gateway::created(api.clone(), ISSUER, gateway, system_clock());
        let gateways = nodes.iter().map(at).collect();
        Self { nodes, gateways, history: History::default(), is_over: AtomicBool::new(false) }
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Nobody begins anything any more.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Enrolls those who work in one lane: every other has two phones.
    pub(super) async fn people(self: &Arc<Self>, admin: &Admin, lane: u32, count: u32) -> Vec<Person> {
        join_all((0..count).map(|index| self.person(admin, format!("l{lane}-p{index}"), 1 + index % 2))).await
    }

    async fn person(&self, admin: &Admin, name: String, phones: u32) -> Person {
        admin.put_user(&name, &PutUser::default()).await.unwrap();
        let mut person = Person { name, phones: Vec::new() };
        for index in 0..phones {
            let token = admin.create_enrollment(&person.name, None).await.unwrap().token;
            let key = random_key();
            let at = |api: &Api| Phone::new(api.clone(), ISSUER, key.clone(), system_clock());
            let first = at(&self.nodes[0]);
            first.enroll(token.reveal(), &format!("Phone {index}")).await.unwrap();
            let account = first.account().unwrap();
            person.phones.push(self.nodes.iter().map(|api| at(api).with_account(account.clone())).collect());
        }
        person
    }

    /// Asks, as often as there is no answer, now here, now there.
    pub(super) async fn told(&self, asked: Asked, dice: &mut Dice) -> Told {
        let mut node = self.any(dice);
        loop {
            let told = self.told_by(node, asked.clone()).await;
            match told {
                Told::Nothing(_) => node = self.next(node),
                Told::Refused { code: Code::IdempotencyInProgress, .. } => {}
                told => return told,
            }
            pause(20 + dice.roll(60)).await;
        }
    }

    /// Asks one node once.
    pub(super) async fn told_by(&self, node: usize, asked: Asked) -> Told {
        self.history.ask(node, asked.clone(), self.send(node, &asked)).await
    }

    pub(super) fn any(&self, dice: &mut Dice) -> usize {
        usize::try_from(dice.roll(self.nodes.len() as u64)).unwrap()
    }

    pub(super) fn next(&self, node: usize) -> usize {
        (node + 1) % self.nodes.len()
    }

    async fn send(&self, node: usize, asked: &Asked) -> Result<Told, Failure> {
        let gateway = &self.gateways[node];
        let view = match asked {
            Asked::Create { key, user, lifetime } => {
                gateway.create(&login(user, "CLIENT-PC", *lifetime), Some(key)).await?
            }
            Asked::Redeem { id, redemption, wait } => {
                let view = gateway.redeem(*id, redemption, *wait).await?;
                if view.status == "redeemed" {
                    gateway.check_result(&view).await?;
                }
                view
            }
            Asked::Look { id } => gateway.get(*id, 0).await?,
            Asked::Cancel { id } => {
                gateway.cancel(*id).await?;
                return Ok(Told::State { id: *id, status: "cancelled".to_owned(), number: None, result: None });
            }
            Asked::Respond { id, response, .. } => {
                let message = body(&PostResponse { response: response.clone() })?;
                let path = response_path(&id.to_string());
                let outcome: ResponseOutcome =
                    self.nodes[node].call("POST", &path, &[], Some(message)).await?.json()?;
                return Ok(Told::State { id: *id, status: outcome.status, number: None, result: None });
            }
        };
        Ok(Told::State { id: view.id, status: view.status, number: view.number, result: view.result })
    }
}

/// As long as somebody waits before he tries again, in milliseconds.
pub(super) async fn pause(milliseconds: u64) {
    let _ = timeout(Duration::from_millis(milliseconds), std::future::pending::<()>()).await;
}
