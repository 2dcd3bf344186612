//! What the tests of push share.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatematch_domain::challenge::Client;
use gatematch_domain::notice::{Kind, News, Notice};
use gatematch_protocol::device::{PushKeys, PushSubscription};
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId, UserId};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use tokio::sync::watch;

use super::address::Names;
use super::{Letter, Message};
use crate::edge::{Clock, Edge, Pending};
use crate::keys::Keys;
use crate::settings::Settings;
use crate::start::{Silent, open_store};
use crate::store::Store;

/// A resolver that answers with the next of these each time, and with nothing at the end.
pub(crate) struct ChangingNames(pub(crate) Mutex<VecDeque<Vec<IpAddr>>>);

impl Names for ChangingNames {
    fn addresses(&self, _: String) -> Pending<'static, io::Result<Vec<IpAddr>>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async move { Ok(next.unwrap_or_default()) })
    }
}

/// What must happen; where it does not, the test fails and does not hang.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("it happens")
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct HeldClock(Arc<watch::Sender<Timestamp>>);

impl HeldClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::channel(Timestamp::from_numeric_date(1_800_000_000)).0))
    }

    pub(crate) fn advance_millis(&self, millis: i64) {
        self.0.send_modify(|now| *now = Timestamp::from_micros(now.micros() + millis * 1_000));
    }

    /// Whether somebody sleeps.
    pub(crate) fn is_slept_on(&self) -> bool {
        self.0.receiver_count() > 0
    }

    pub(crate) fn edge(&self) -> Edge {
        Edge { clock: Arc::new(self.clone()), ..Edge::system() }
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pending<'static, ()> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            let _ = now.wait_for(|now| *now >= at).await;
        })
    }
}

/// A store on a fresh file, and the server's keys in it.
pub(crate) async fn store(edge: &Edge) -> (tempfile::TempDir, Arc<dyn Store>, Arc<Keys>) {
    let dir = tempfile::tempdir().unwrap();
    let (store, vault) = open_store(&Settings::for_data_dir(dir.path()), edge, Arc::new(Silent)).await.unwrap();
    let keys = Keys::open(store.as_ref(), &vault, edge).await.unwrap();
    (dir, store, Arc::new(keys))
}

/// The server's keys alone.
pub(crate) async fn keys() -> Arc<Keys> {
    store(&Edge::system()).await.2
}

/// The id of something, by number.
pub(crate) fn challenge_id(number: u32) -> ChallengeId {
    let [a, b, c, d] = number.to_be_bytes();
    ChallengeId::new(Timestamp::from_numeric_date(1_800_000_000), [a, b, c, d, 0, 0, 0, 0, 0, 0])
}

/// A phone, by number.
pub(crate) fn device_id(number: u32) -> DeviceId {
    let [a, b, c, d] = number.to_be_bytes();
    DeviceId::new(Timestamp::from_numeric_date(1_700_000_000), [a, b, c, d, 0, 0, 0, 0, 0, 0])
}

/// The user whose phone has this number.
pub(crate) fn user_id(number: u32) -> UserId {
    let [a, b, c, d] = number.to_be_bytes();
    UserId::new(Timestamp::from_numeric_date(1_600_000_000), [a, b, c, d, 0, 0, 0, 0, 0, 0])
}

/// A notice to a phone at this endpoint, good for a day.
pub(crate) fn notice(device: u32, endpoint: &str, at: Timestamp) -> Letter {
    let (user, gateway) = (user_id(device), GatewayId::new(at, [1; 10]));
    let news =
        News { user, kind: Kind::NoPage, gateway: Some(gateway), client: Some(Client::default()), but: None, at };
    let notice = Notice { id: challenge_id(device).into(), news };
    let good_until = at.plus_seconds(86_400);
    Letter { message: Message::Notice { notice }, good_until, ..letter(device, 1, endpoint, at) }
}

/// A subscription at this endpoint, with the keys of RFC 8291, appendix A.
pub(crate) fn subscription(endpoint: &str) -> PushSubscription {
    let p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    let keys = PushKeys { p256dh: p256dh.to_owned(), auth: Secret::new("BTBZMqHH6r4Tts7J_aSIgg") };
    PushSubscription { endpoint: Secret::new(endpoint), keys }
}

/// A challenge of one minute for a phone at this endpoint.
pub(crate) fn letter(device: u32, challenge: u32, endpoint: &str, at: Timestamp) -> Letter {
    let message = Message::Challenge { id: challenge_id(challenge), signed: format!("signed-{challenge}") };
    let to = subscription(endpoint);
    Letter {
        device: device_id(device),
        user: user_id(device),
        username: format!("user-{device}"),
        to,
        message,
        good_until: at.plus_seconds(60),
        at,
    }
}

/// The hint that this challenge is no longer open.
pub(crate) fn hint(letter: &Letter) -> Letter {
    let Message::Challenge { id, .. } = &letter.message else { panic!("{letter:?} is no challenge") };
    Letter { message: Message::Cancelled { id: *id }, ..letter.clone() }
}
