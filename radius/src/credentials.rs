//! Whether the server takes the gateway key of each client. Logins of one whose key it refuses are refused here, so
//! that a wrong key costs the server no failed credential for each login.

use std::time::Duration;

use gatematch_protocol::id::GatewayId;
use tokio::sync::watch;

use crate::api::{Api, Failure};
use crate::deadline::{Pause, later};
use crate::edge::Edge;
use crate::settings::{ClientSettings, Style};

/// How often a key that the server refused is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How soon one is looked at that the server refused in the middle of a login.
const DOUBTED_AFTER: Duration = Duration::from_secs(1);
/// How often a sound one is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// What the server says of a client's gateway key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing yet.
    Unknown,
    /// It is the key of this gateway.
    Sound(GatewayId),
    /// It is none, or a deleted gateway's.
    Refused,
    /// It is that of a gateway that cannot show a number, and the client's style needs one.
    CannotDisplay,
}

/// The gateway keys of all clients.
pub(crate) struct Credentials {
    standings: Vec<watch::Sender<Standing>>,
}

impl Credentials {
    /// Nothing known of the keys of `count` clients.
    #[must_use]
    pub(crate) fn new(count: usize) -> Self {
        Self { standings: (0..count).map(|_| watch::Sender::new(Standing::Unknown)).collect() }
    }

    /// What is known of the key of client `index`; waits while nothing is.
    pub(crate) async fn standing(&self, index: usize) -> Standing {
        let Some(sender) = self.standings.get(index) else { return Standing::Refused };
        let mut receiver = sender.subscribe();
        let known = receiver.wait_for(|standing| *standing != Standing::Unknown).await;
        known.map_or(Standing::Refused, |standing| *standing)
    }

    /// The server has refused the key of client `index`: it is looked at again, and logins wait for that.
    pub(crate) fn doubt(&self, index: usize) {
        self.set(index, Standing::Unknown);
    }

    /// Keeps the standing of one client's key, for ever.
    pub(crate) async fn keep(&self, index: usize, client: &ClientSettings, api: &Api, edge: &Edge) {
        let Some(sender) = self.standings.get(index) else { return };
        let mut doubts = sender.subscribe();
        let mut pause = Pause::new();
        let mut told = false;
        let mut reported = Standing::Unknown;
        loop {
            let mut rest = match self.look(client, api).await {
                Ok(standing) => {
                    self.set(index, standing);
                    // Not once more for each login that has doubted it.
                    if std::mem::replace(&mut reported, standing) != standing {
                        report(standing, client);
                    }
                    told = false;
                    pause = Pause::new();
                    if let Standing::Sound(_) = standing { LOOK_EVERY } else { AGAIN_AFTER }
                }
                Err(failure) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(client = %client.name, %failure, "the gateway key could not be looked at; tried again");
                    }
                    pause.take()
                }
            };
            if *doubts.borrow_and_update() == Standing::Unknown {
                rest = rest.min(DOUBTED_AFTER);
            }
            tokio::select! {
                () = edge.clock.sleep_until(later(edge.now(), rest)) => {}
                _ = doubts.changed() => edge.clock.sleep_until(later(edge.now(), DOUBTED_AFTER)).await,
            }
        }
    }

    async fn look(&self, client: &ClientSettings, api: &Api) -> Result<Standing, Failure> {
        match api.gateway(&client.gateway_key).await {
            Ok(gateway) => Ok(judged(client.style, gateway.can_display, gateway.id)),
            Err(Failure::KeyRefused) => Ok(Standing::Refused),
            Err(failure) => Err(failure),
        }
    }

    /// Whether it is another standing than before.
    fn set(&self, index: usize, standing: Standing) -> bool {
        let Some(sender) = self.standings.get(index) else { return false };
        sender.send_if_modified(|known| std::mem::replace(known, standing) != standing)
    }
}

fn report(standing: Standing, client: &ClientSettings) {
    match standing {
        Standing::Sound(gateway) => {
            tracing::info!(client = %client.name, %gateway, "the server takes the gateway key");
        }
        Standing::Refused => tracing::error!(
            client = %client.name,
            cure = "make one with: gatematch gateway add NAME --application APP --json; write its key as gateway_key and start again",
            "the server refuses the gateway key: every login of this client is refused"
        ),
        Standing::CannotDisplay => tracing::error!(
            client = %client.name,
            cure = "make one with: gatematch gateway add NAME --application APP --can-display --json; write its key as gateway_key and start again, or write style = \"hold\"",
            "style = \"challenge\" shows a number, and the gateway of this key cannot: every login of this client is refused"
        ),
        Standing::Unknown => {}
    }
}

fn judged(style: Style, can_display: bool, gateway: GatewayId) -> Standing {
    if style == Style::Challenge && !can_display { Standing::CannotDisplay } else { Standing::Sound(gateway) }
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::time::Timestamp;

    use super::*;

    fn gateway() -> GatewayId {
        GatewayId::new(Timestamp::from_numeric_date(1_800_000_000), [1; 10])
    }

    #[test]
    fn a_number_needs_a_gateway_that_shows_it() {
        assert_eq!(judged(Style::Challenge, false, gateway()), Standing::CannotDisplay);
        assert_eq!(judged(Style::Challenge, true, gateway()), Standing::Sound(gateway()));
        assert_eq!(judged(Style::Hold, false, gateway()), Standing::Sound(gateway()));
    }

    #[tokio::test]
    async fn a_login_waits_until_something_is_known() {
        let credentials = Credentials::new(1);
        let (standing, ()) = tokio::join!(credentials.standing(0), async {
            tokio::task::yield_now().await;
            assert!(credentials.set(0, Standing::Sound(gateway())));
        });
        assert_eq!(standing, Standing::Sound(gateway()));
        credentials.doubt(0);
        assert!(tokio::time::timeout(Duration::from_millis(5), credentials.standing(0)).await.is_err());
        assert_eq!(credentials.standing(9).await, Standing::Refused, "no such client");
    }
}
