//! Rings by push, and by fetching where push does not.

use std::sync::Arc;
use std::time::Duration;

use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::phone::{Phone, Ring};
use gatematch_client_sim::push::subscriber::{Pushed, Subscriber};
use gatematch_protocol::challenge::WaitingChallenge;
use gatematch_protocol::id::ChallengeId;
use tokio::sync::mpsc;

use super::super::push::subscribe;
use super::super::say::Say;
use super::{Arrival, LONGEST_PAUSE, PAUSE, WAIT, What, is_final};

/// How long the push service holds an empty answer, in seconds. Then the phone fetches once: a push may be lost.
const PUSH_WAIT: u32 = 30;

/// Why a phone is rung no longer.
enum Lost {
    /// Nobody listens any more.
    Unheard,
    /// The server said so, or was not reached.
    Server(Failure),
    /// The push service said so, or was not reached.
    Push(Failure),
}

struct Bell {
    phone: Arc<Phone>,
    arrivals: mpsc::Sender<Arrival>,
}

/// Hands on what is new, until the server says that this phone is none of its own.
pub(super) async fn ring(
    phone: Arc<Phone>,
    service: Subscriber,
    arrivals: mpsc::Sender<Arrival>,
    say: Say,
) -> Result<(), Failure> {
    let bell = Bell { phone, arrivals };
    let mut pause = PAUSE;
    let mut rings = true;
    loop {
        let lost = match bell.listen(&service, &mut rings).await {
            Lost::Push(failure) => {
                if std::mem::take(&mut rings) {
                    say.note(&format!("The push service does not ring ({failure}); fetching instead"));
                }
                // Each turn fetches once, then tries the push service again.
                match bell.fetch(WAIT).await {
                    Ok(items) => {
                        pause = PAUSE;
                        if !items.is_empty() {
                            tokio::time::sleep(PAUSE).await;
                        }
                        continue;
                    }
                    Err(lost) => lost,
                }
            }
            lost => lost,
        };
        match lost {
            Lost::Unheard => return Ok(()),
            Lost::Server(failure) if is_final(&failure) => return Err(failure),
            Lost::Server(failure) | Lost::Push(failure) => {
                say.note(&format!("{failure}; trying again in {} s", pause.as_secs()));
                tokio::time::sleep(pause).await;
                pause = next(pause);
            }
        }
    }
}

fn next(pause: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE)
}

impl Bell {
    /// Subscribes anew, since the push service forgets all when it ends, and rings until something is lost. Sets `rings`
    /// once the push service is there.
    async fn listen(&self, service: &Subscriber, rings: &mut bool) -> Lost {
        match self.rung(service, rings).await {
            Ok(never) => match never {},
            Err(lost) => lost,
        }
    }

    async fn rung(&self, service: &Subscriber, rings: &mut bool) -> Result<std::convert::Infallible, Lost> {
        let subscribed = subscribe(service, self.phone.api()).await.map_err(Lost::Push)?;
        self.phone.set_push(Some(&subscribed.subscription)).await.map_err(Lost::Server)?;
        *rings = true;
        // What came before the server knew of it.
        self.fetch(0).await?;
        let mut after = 0;
        loop {
            let pushed = service.messages(&subscribed.id, after, PUSH_WAIT).await.map_err(Lost::Push)?;
            if pushed.is_empty() {
                self.fetch(0).await?;
            }
            for message in pushed {
                after = message.seq;
                self.pushed(&message).await?;
            }
        }
    }

    async fn pushed(&self, message: &Pushed) -> Result<(), Lost> {
        match self.phone.on_push(message.plaintext.to_string().as_bytes()).await.map_err(Lost::Server)? {
            Ring::SignIn { challenge, claims } => {
                self.tell(What::SignIn(WaitingChallenge { id: claims.jti, challenge })).await
            }
            Ring::FetchAgain(id) => self.called_off(id).await,
            Ring::Notice(claims) => self.tell(What::Notice(claims)).await,
            Ring::Nothing(_) => Ok(()),
        }
    }

    /// Asks the server whether it is so.
    async fn called_off(&self, id: ChallengeId) -> Result<(), Lost> {
        if self.fetch(0).await?.iter().any(|item| item.id == id) {
            return Ok(());
        }
        self.tell(What::CalledOff(id)).await
    }

    /// Fetches what waits, and hands on what is new.
    async fn fetch(&self, wait: u32) -> Result<Vec<WaitingChallenge>, Lost> {
        let items = self.phone.waiting(wait).await.map_err(Lost::Server)?;
        for item in &items {
            if self.phone.note_heard(item.id) {
                self.tell(What::SignIn(item.clone())).await?;
            }
        }
        Ok(items)
    }

    async fn tell(&self, what: What) -> Result<(), Lost> {
        let arrival = Arrival { phone: Arc::clone(&self.phone), what };
        self.arrivals.send(arrival).await.map_err(|_| Lost::Unheard)
    }
}
