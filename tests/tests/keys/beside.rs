//! What a server that runs does with keys that others change: in this very process, so that nothing else moves.

use std::path::Path;
use std::sync::Arc;

use gatematch_domain::audit::Actor;
use gatematch_domain::username::Domains;
use gatematch_protocol::id::KeyId;
use gatematch_server::edge::Edge;
use gatematch_server::settings::Settings;
use gatematch_server::start::{Silent, open_store};
use gatematch_server::store::{Act, Store, StoredKey};
use gatematch_server::vault::Vault;

use super::{Dump, Town};

async fn open(directory: &Path) -> (Arc<dyn Store>, Arc<Vault>) {
    open_store(&Settings::for_data_dir(directory), &Edge::system(), Arc::new(Silent)).await.unwrap()
}

fn act() -> Act {
    Act::new(Actor::System, Edge::system().now())
}

#[tokio::test]
async fn keys_who_only_reads_learns_of_new_ones_too() {
    let (town, serving) = Town::new().await;
    serving.stop().await;
    let name = |name| Domains::default().canonical(name).unwrap();
    for line in ["keys rotate", "keys rotate --master"] {
        // Each of them has seen nothing since, and reads something else first.
        let (challenge, device, account) = (
            open(&town.machine.data()).await.0,
            open(&town.machine.data()).await.0,
            open(&town.machine.data()).await.0,
        );
        for _ in 0..2 {
            town.machine.done(line).await;
            let read = challenge.challenge(town.pending.id).await.unwrap().unwrap();
            assert_eq!(read.number.map(|number| number.reveal().to_owned()), town.pending.number);
            assert!(device.device(town.bobs.0).await.unwrap().is_some());
            let alice = account.account(name("alice")).await.unwrap().unwrap();
            assert!(alice.devices[0].push.is_some());
        }
        for store in [challenge, device, account] {
            store.close().await;
        }
    }
}

#[tokio::test]
async fn keys_what_was_sealed_before_a_rotation_is_sealed_anew_when_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (store, vault) = open(dir.path()).await;
    let id = KeyId::new(Edge::system().now(), gatematch_client_sim::edge::random());
    let label = format!("signing-key:{id}");
    let private = vault.seal(&label, b"a private key").unwrap();
    assert!(private.starts_with("v2.1."));
    let (other, _) = open(dir.path()).await;
    assert_eq!(other.rotate_keys(act()).await.unwrap().unwrap().deleted, [1]);

    let key = StoredKey {
        id,
        purpose: "tokens".to_owned(),
        public: String::new(),
        private,
        status: "active".to_owned(),
        created_at: Edge::system().now(),
    };
    store.create_signing_keys(act(), vec![key]).await.unwrap();
    let dump = Dump::of(&dir.path().join("gatematch.db")).await;
    assert_eq!((dump.numbers(), dump.named().into_keys().collect()), (vec![2], vec![2]));
    let master = std::fs::read_to_string(dir.path().join("master.key")).unwrap();
    assert_eq!(dump.all(&master), [b"a private key"]);
    for store in [store, other] {
        store.close().await;
    }
}
