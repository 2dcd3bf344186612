//! Keys change while people enroll and sign in, and nobody notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::PutUser;
use tokio::time::{interval, timeout};

use super::{Dump, NOWHERE, login, push};
use crate::machine::{Machine, Serving, Sim};

/// How many people come at the same time.
const WORKERS: usize = 6;
/// How often the keys change, and how often the master key with them.
const ROTATIONS: usize = 6;
/// What takes longer than this hangs.
const LONG: Duration = Duration::from_secs(120);

struct Crowd {
    serving: Serving,
    admin: Secret,
    gateway: gatematch_protocol::gateway::GatewayCreated,
    done: AtomicUsize,
    over: AtomicBool,
}

impl Crowd {
    /// Somebody new comes, enrolls, and signs in; what the phone kept from before is still right.
    async fn comes(&self, name: &str) -> Sim {
        let admin = self.serving.admin(&self.admin);
        let gateway = self.serving.gateway(&self.gateway);
        admin.put_user(name, &PutUser::default()).await.unwrap();
        let token = admin.create_enrollment(name, None).await.unwrap().token;
        let phone = self.serving.blank_phone();
        phone.enroll(token.reveal(), "Pixel").await.unwrap();
        phone.set_push(Some(&push())).await.unwrap();
        let challenge = gateway.create(&login(name), Some(name)).await.unwrap();
        assert_eq!(gateway.create(&login(name), Some(name)).await.unwrap(), challenge, "the first answer again");
        let signed = phone.waiting(0).await.unwrap().remove(0).challenge;
        assert_eq!(gateway.get(challenge.id, 0).await.unwrap().number, challenge.number);
        phone.respond(&signed, Decision::Approve, challenge.number.as_deref(), None).await.unwrap();
        let redeemed = gateway.redeem(challenge.id, "login-1", 0).await.unwrap();
        assert_eq!(redeemed.status, "redeemed", "{name}");
        gateway.check_result(&redeemed).await.unwrap();
        assert!(admin.devices(name).await.unwrap()[0].push, "{name}");
        self.done.fetch_add(1, Ordering::SeqCst);
        Sim::of(&phone)
    }

    async fn work(self: Arc<Self>, worker: usize) -> Vec<Sim> {
        let mut phones = Vec::new();
        while !self.over.load(Ordering::SeqCst) {
            phones.push(self.comes(&format!("w{worker}-p{}", phones.len())).await);
        }
        phones
    }

    /// Until some more people have come and gone.
    async fn go_on(&self) {
        let enough = self.done.load(Ordering::SeqCst) + 2 * WORKERS;
        let mut looks = interval(Duration::from_millis(5));
        while self.done.load(Ordering::SeqCst) < enough {
            looks.tick().await;
        }
    }
}

#[tokio::test]
async fn keys_change_beside_a_server_under_load_and_no_request_fails() {
    let mut machine = Machine::new();
    machine.set("GATEMATCH_PUSH_ALLOWED_HOSTS", NOWHERE);
    let admin = machine.admin_key("admin").await;
    let serving = machine.serve().await;
    let gateway = serving.new_gateway(&serving.admin(&admin), "Oslo gateway").await;
    let crowd = Crowd { serving, admin, gateway, done: AtomicUsize::new(0), over: AtomicBool::new(false) };
    let crowd = Arc::new(crowd);
    let workers: Vec<_> = (0..WORKERS).map(|worker| tokio::spawn(Arc::clone(&crowd).work(worker))).collect();
    let mut last = 1;
    for turn in 0..ROTATIONS {
        timeout(LONG, crowd.go_on()).await.expect("people come and go");
        let line = if turn % 2 == 0 { "keys rotate" } else { "keys rotate --master" };
        let told = machine.json(line).await;
        assert_eq!((&told["deleted"], &told["unopened"]), (&vec![last].into(), &0.into()), "{told}");
        last = told["number"].as_i64().unwrap();
    }
    timeout(LONG, crowd.go_on()).await.expect("people come and go");
    crowd.over.store(true, Ordering::SeqCst);
    let phones: Vec<_> =
        join_all(workers).await.into_iter().flat_map(|ended| ended.expect("no request failed")).collect();

    let master = || std::fs::read_to_string(machine.data().join("master.key")).unwrap();
    let dump = Dump::of(&machine.database()).await;
    assert_eq!((dump.numbers(), dump.named().into_keys().collect::<Vec<_>>()), (vec![last], vec![last]));
    dump.all(&master());
    let Some(crowd) = Arc::into_inner(crowd) else { panic!("somebody is still there") };
    crowd.serving.stop().await;
    assert!(!machine.log().contains("ERROR"), "{}", machine.log());

    let serving = machine.serve().await;
    for phone in phones.iter().step_by(phones.len().div_ceil(20)) {
        assert!(serving.phone(phone).self_view().await.unwrap().push);
    }
    serving.stop().await;
}
