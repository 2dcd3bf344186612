//! The servers that check the first factor, such as the central NPS: asked before any phone rings.

mod exchange;
mod granted;
mod health;
mod query;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;

use self::exchange::{Exchange, NoAnswer, exchange};
pub use self::granted::{Granted, seal};
use self::health::{Health, Rank};
use crate::deadline::later;
use crate::edge::Edge;
use crate::packet::{Packet, code};
use crate::settings::UpstreamSettings;

/// What the upstream servers say.
#[derive(Debug)]
pub enum Verdict {
    /// The first factor holds; what is to be in our Access-Accept.
    Accept(Vec<Granted>),
    /// It does not.
    Reject,
    /// The server wants to ask the person something, which is not passed on.
    Challenge,
    /// Nobody answered in time.
    Silence,
    /// Nobody answered in a way that proves where the answer comes from.
    Unauthentic,
    /// The request cannot be passed on.
    NotPassedOn,
}

/// What an upstream server is asked. There is no `Debug`: it would tell the password.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The request, as it came.
    pub packet: &'a Packet<'a>,
    /// The secret that is shared with the client whose request it is.
    pub client_secret: &'a Secret,
    /// The password to ask about, where it is not what the password field says.
    pub password: Option<&'a [u8]>,
}

/// What a server says to a Status-Server (RFC 5997).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It is there, and knows the secret.
    Answered,
    /// Something answers that does not prove that it knows the secret.
    Unauthentic,
    /// Nothing came, or it could not be asked.
    Silence,
}

/// Asks a server whether it is there, as often and as long as its settings say: with nothing to decide in it.
pub async fn ask_for_sign(server: &UpstreamSettings, edge: &Edge) -> Sign {
    match probe(server, edge).await {
        Ok(()) => Sign::Answered,
        Err(NoAnswer::Unauthentic) => Sign::Unauthentic,
        Err(_) => Sign::Silence,
    }
}

/// RFC 5997, section 4: a Status-Server, signed, with nothing to decide in it.
async fn probe(server: &UpstreamSettings, edge: &Edge) -> Result<(), NoAnswer> {
    let [identifier] = edge.random().map_err(|_| NoAnswer::NotAsked)?;
    let authenticator = edge.random().map_err(|_| NoAnswer::NotAsked)?;
    let datagram = query::probe(&server.secret, identifier, authenticator).ok_or(NoAnswer::NotAsked)?;
    let asked = Exchange { server, datagram: &datagram, identifier, authenticator, patience: server.timeout };
    let until = later(edge.now(), server.timeout * u32::from(server.tries));
    exchange(asked, edge, until).await.map(|_| ())
}

/// The upstream servers, and what is known of their health.
pub struct Upstreams {
    edge: Edge,
    servers: Vec<Server>,
}

struct Server {
    settings: UpstreamSettings,
    health: Mutex<Health>,
}

impl Upstreams {
    /// Knows these servers; all count as alive.
    #[must_use]
    pub fn new(servers: Vec<UpstreamSettings>, edge: Edge) -> Self {
        let server = |settings: UpstreamSettings| {
            let health = Mutex::new(Health::new(settings.status_server, settings.revive_after));
            Server { settings, health }
        };
        Self { edge, servers: servers.into_iter().map(server).collect() }
    }

    /// Asks the servers `who` (their places in the settings) in order, until one answers or the time is `until`.
    pub async fn ask(self: &Arc<Self>, who: &[usize], question: Question<'_>, until: Timestamp) -> Verdict {
        let order = self.in_order(who);
        let mut tries: u32 = order.iter().map(|(_, server)| u32::from(server.settings.tries)).sum();
        let mut none = Verdict::Silence;
        for (index, server) in order {
            let left = until.since(self.edge.now());
            if left.is_zero() {
                break;
            }
            // A short time limit is shared, so that the last server gets its turn as well.
            let patience = server.settings.timeout.min(left / tries.max(1));
            tries -= u32::from(server.settings.tries).min(tries);
            match self.ask_one(server, question, patience, until).await {
                Ok(verdict) => {
                    self.note(server, true);
                    return verdict;
                }
                Err(why) => {
                    tracing::debug!(upstream = %server.settings.name, ?why, "no answer");
                    match why {
                        NoAnswer::Unauthentic => none = Verdict::Unauthentic,
                        NoAnswer::NotPassedOn if matches!(none, Verdict::Silence) => none = Verdict::NotPassedOn,
                        _ => {}
                    }
                    if !matches!(why, NoAnswer::NotAsked | NoAnswer::NotPassedOn) {
                        self.note(server, false);
                        self.look_after(index);
                    }
                }
            }
        }
        none
    }

    /// Those believed alive first, those believed dead last.
    fn in_order(self: &Arc<Self>, who: &[usize]) -> Vec<(usize, &Server)> {
        let now = self.edge.now();
        let known = who.iter().filter_map(|index| Some((*index, self.servers.get(*index)?)));
        let mut ranked: Vec<_> = known.map(|(index, server)| (health(server).rank(now), index, server)).collect();
        ranked.iter().for_each(|(_, index, _)| self.look_after(*index));
        // Stable: of one rank, the first in the settings comes first.
        ranked.sort_by_key(|(rank, ..)| *rank);
        ranked.into_iter().map(|(_, index, server)| (index, server)).collect()
    }

    async fn ask_one(
        &self,
        server: &Server,
        question: Question<'_>,
        patience: Duration,
        until: Timestamp,
    ) -> Result<Verdict, NoAnswer> {
        let [identifier, proxy_state @ ..] = self.random::<9>()?;
        let authenticator = self.random()?;
        let secret = &server.settings.secret;
        let datagram = query::forward(question, secret, identifier, authenticator, &proxy_state).map_err(|fault| {
            tracing::debug!(upstream = %server.settings.name, %fault, "a request cannot be passed on");
            NoAnswer::NotPassedOn
        })?;
        let asked = Exchange { server: &server.settings, datagram: &datagram, identifier, authenticator, patience };
        let reply = exchange(asked, &self.edge, until).await?;
        let reply = Packet::decode(&reply).map_err(|_| NoAnswer::Silence)?;
        Ok(match reply.code() {
            code::ACCESS_ACCEPT => Verdict::Accept(granted::take(&reply, &authenticator, secret)),
            code::ACCESS_CHALLENGE => Verdict::Challenge,
            _ => Verdict::Reject,
        })
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], NoAnswer> {
        self.edge.random().map_err(|_| NoAnswer::NotAsked)
    }

    fn note(&self, server: &Server, answered: bool) {
        let now = self.edge.now();
        let Some(rank) = health(server).note(answered, now) else { return };
        let name = server.settings.name.as_str();
        tracing::debug!(upstream = name, ?rank, "the upstream server");
        if rank == Rank::Suspect || !health(server).is_news(now) {
            return;
        }
        if rank == Rank::Dead {
            tracing::warn!(
                upstream = name,
                address = %server.settings.address,
                "the upstream server does not answer; check its address, its secret, its list of RADIUS clients and the firewall"
            );
        } else {
            tracing::info!(upstream = name, "the upstream server answers again");
        }
    }

    /// Probes the server by Status-Server, where it is time.
    fn look_after(self: &Arc<Self>, index: usize) {
        let Some(server) = self.servers.get(index) else { return };
        if !health(server).is_probe_due(self.edge.now()) {
            return;
        }
        let all = Arc::clone(self);
        tokio::spawn(async move {
            let Some(server) = all.servers.get(index) else { return };
            let answered = probe(&server.settings, &all.edge).await;
            if answered != Err(NoAnswer::NotAsked) {
                all.note(server, answered.is_ok());
            }
        });
    }
}

fn health(server: &Server) -> std::sync::MutexGuard<'_, Health> {
    server.health.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;
    use crate::packet::MAX_LENGTH;
    use crate::reply::Reply;

    /// A server that answers one question with this secret, or hears it and says nothing.
    async fn asked(secret: Option<&'static str>) -> Sign {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = UpstreamSettings {
            name: "nps01".to_owned(),
            address: socket.local_addr().unwrap(),
            secret: Secret::new("ours"),
            timeout: Duration::from_millis(if secret == Some("ours") { 20_000 } else { 100 }),
            tries: 1,
            status_server: true,
            revive_after: Duration::from_secs(1),
            require_message_authenticator: true,
        };
        let answer = async {
            let mut buffer = vec![0; MAX_LENGTH];
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let question = Packet::decode(&buffer[..length]).unwrap();
            assert_eq!(question.code(), code::STATUS_SERVER);
            let Some(secret) = secret.map(Secret::new) else { return };
            let reply = Reply::new(code::ACCESS_ACCEPT, question.identifier(), *question.authenticator());
            socket.send_to(&reply.finish(&secret).unwrap(), from).await.unwrap();
        };
        let edge = Edge::system();
        tokio::join!(ask_for_sign(&server, &edge), answer).0
    }

    #[tokio::test]
    async fn a_sign_proves_that_the_secret_is_known() {
        assert_eq!(asked(Some("ours")).await, Sign::Answered);
        assert_eq!(asked(Some("theirs")).await, Sign::Unauthentic);
        assert_eq!(asked(None).await, Sign::Silence);
    }
}
