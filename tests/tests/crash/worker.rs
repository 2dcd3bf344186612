//! Somebody who makes people, enrolls their phones, and signs them in, until the server is gone; and who looks,
//! after the restart, for everything that he was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::id::DeviceId;
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::PutUser;
use gatematch_tests::dice::Dice;
use gatematch_tests::faults::{Fault, Faults};
use rustix::process::{Pid, Signal, kill_process};

use super::Round;
use super::login::Login;
use crate::machine::Sim;

/// A proof is stale after a minute; one that is nearly so proves nothing.
const PROOF_LIFE: Duration = Duration::from_secs(50);
/// How long the same redemption is answered alike, with something to spare.
const REPEAT_LIFE: Duration = Duration::from_secs(500);

/// What a trigger does.
pub(crate) enum Blow {
    /// Ends the server's process.
    Kill(Pid),
    /// The disk under it fails.
    Disk(Arc<Faults>, Fault),
}

/// Strikes after so many acknowledged steps.
pub(crate) struct Trigger {
    left: AtomicU64,
    lag: u64,
    blow: Blow,
    fired: AtomicBool,
}

impl Trigger {
    /// After `steps` (at once, for 0), and some turns of the scheduler later, so that what is under way then is not
    /// always at the same point.
    pub(crate) fn new(steps: u64, lag: u64, blow: Blow) -> Self {
        let trigger = Self { left: AtomicU64::new(steps), lag, blow, fired: AtomicBool::new(false) };
        if steps == 0 {
            trigger.fire();
        }
        trigger
    }

    fn fire(&self) {
        self.fired.store(true, Ordering::SeqCst);
        match &self.blow {
            Blow::Kill(pid) => kill_process(*pid, Signal::KILL).unwrap(),
            Blow::Disk(faults, fault) => faults.fail(*fault),
        }
    }

    /// Whether it has struck, and everything works again.
    fn is_over(&self) -> bool {
        match &self.blow {
            Blow::Kill(_) => false,
            Blow::Disk(faults, _) => self.fired.load(Ordering::SeqCst) && faults.is_over(),
        }
    }

    /// Whether `failure` is what whoever is under way may be told.
    fn explains(&self, failure: &Failure) -> bool {
        let is_such = match &self.blow {
            Blow::Kill(_) => matches!(failure, Failure::Transport(_)),
            Blow::Disk(..) => failure.code() == Some(Code::Unavailable),
        };
        is_such && self.fired.load(Ordering::SeqCst)
    }

    /// A step was acknowledged.
    pub(crate) async fn step(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            // Far below zero, after the end.
            return;
        }
        for _ in 0..self.lag {
            tokio::task::yield_now().await;
        }
        self.fire();
    }
}

/// A person, and the one token that was made for him.
struct Person {
    name: String,
    is_known: bool,
    token: Option<Secret>,
    /// Whether phones have tried it.
    is_tried: bool,
    phone: Option<Sim>,
    /// The phone that somebody enrolled without hearing of it.
    unheard: bool,
    removed: Option<DeviceId>,
}

/// Somebody who works.
pub(super) struct Worker {
    index: u64,
    dice: Dice,
    people: Vec<Person>,
    logins: Vec<Login>,
    /// From here on, nobody has looked after a restart yet.
    unseen_people: usize,
    unseen_logins: usize,
    /// A proof that was used, and when.
    proof: Option<(String, Instant)>,
}

impl Worker {
    pub(super) fn new(index: u64, dice: Dice) -> Self {
        Self { index, dice, people: Vec::new(), logins: Vec::new(), unseen_people: 0, unseen_logins: 0, proof: None }
    }

    pub(super) fn logins(&self) -> impl Iterator<Item = &Login> {
        self.logins.iter()
    }

    /// Everybody who is there, and how many phones were registered for him.
    pub(super) fn people(&self) -> impl Iterator<Item = (&str, u32)> {
        let known = self.people.iter().filter(|person| person.is_known);
        known.map(|person| {
            (person.name.as_str(), u32::from(person.phone.is_some() || person.unheard || person.removed.is_some()))
        })
    }

    /// Works until the trigger has struck.
    pub(super) async fn work(mut self, round: Arc<Round>, trigger: Arc<Trigger>) -> Self {
        while !trigger.is_over() {
            if let Err(failure) = self.turn(&round, &trigger).await {
                assert!(trigger.explains(&failure), "worker {}: {failure}", self.index);
                break;
            }
        }
        self
    }

    async fn turn(&mut self, round: &Round, trigger: &Trigger) -> Result<(), Failure> {
        let phone = match self.people.last().and_then(|person| person.phone.as_ref()) {
            Some(sim) if self.dice.roll(6) > 0 => round.serving.phone(sim),
            _ => return self.new_person(round, trigger).await,
        };
        let decision = if self.dice.roll(6) == 0 { Decision::Deny } else { Decision::Approve };
        let name = self.people.last().unwrap().name.clone();
        let login = Login::new(&name, self.logins.len());
        self.logins.push(login);
        let gateway = round.serving.gateway(&round.gateway);
        let login = self.logins.last_mut().unwrap();
        login.go_on(&gateway, &phone, decision, Some(trigger)).await?;
        let is_limited = login.is_limited();
        match self.dice.roll(8) {
            0..=2 => self.use_proof(&phone, trigger).await,
            3 => self.lose_phone(round, trigger).await,
            // Who must wait makes room for somebody else.
            _ if is_limited => self.new_person(round, trigger).await,
            _ => Ok(()),
        }
    }

    async fn new_person(&mut self, round: &Round, trigger: &Trigger) -> Result<(), Failure> {
        let name = format!("w{}-p{}", self.index, self.people.len());
        let person = Person {
            name: name.clone(),
            is_known: false,
            token: None,
            is_tried: false,
            phone: None,
            unheard: false,
            removed: None,
        };
        self.people.push(person);
        let person = self.people.last_mut().unwrap();
        round.admin.put_user(&name, &PutUser::default()).await?;
        person.is_known = true;
        trigger.step().await;
        person.token = Some(round.admin.create_enrollment(&name, None).await?.token);
        trigger.step().await;

        // Two phones with one token.
        let phones = [round.serving.blank_phone(), round.serving.blank_phone()];
        person.is_tried = true;
        let token = person.token.clone().unwrap();
        let [first, second] = &phones;
        let both = tokio::join!(first.enroll(token.reveal(), "First"), second.enroll(token.reveal(), "Second"));
        for (phone, answer) in phones.iter().zip([both.0, both.1]) {
            match answer {
                Ok(_) => {
                    assert!(person.phone.replace(Sim::of(phone)).is_none(), "{name}: one token made two phones");
                }
                Err(failure) if failure.code() == Some(Code::EnrollmentGone) => {}
                Err(failure) if person.phone.is_some() => return Err(failure),
                Err(failure) if trigger.explains(&failure) => return Err(failure),
                Err(failure) => panic!("{name}: {failure}"),
            }
        }
        trigger.step().await;
        Ok(())
    }

    async fn use_proof(&mut self, phone: &Phone, trigger: &Trigger) -> Result<(), Failure> {
        let proof = phone.proof("PUT", "/v1/devices/self/push")?;
        let headers = [("dpop", proof.as_str())];
        phone.api().call("PUT", "/v1/devices/self/push", &headers, Some(b"null".to_vec())).await?.success()?;
        self.proof = Some((proof, Instant::now()));
        trigger.step().await;
        Ok(())
    }

    async fn lose_phone(&mut self, round: &Round, trigger: &Trigger) -> Result<(), Failure> {
        let person = self.people.last_mut().unwrap();
        let id = person.phone.as_ref().unwrap().account.device_id;
        round.admin.delete_device(id).await?;
        person.phone = None;
        person.removed = Some(id);
        trigger.step().await;
        Ok(())
    }

    /// After a restart: looks for all that is new since the last one.
    pub(super) async fn look(&mut self, round: &Round) {
        let gateway = round.serving.gateway(&round.gateway);
        for index in self.unseen_logins..self.logins.len() {
            let user = self.logins[index].user().to_owned();
            let owner = self.people.iter().find(|person| person.name == user).and_then(|person| person.phone.as_ref());
            let phone = owner.map(|sim| round.serving.phone(sim));
            self.logins[index].look(&gateway, phone.as_ref()).await;
        }
        self.unseen_logins = self.logins.len();
        for person in &mut self.people[self.unseen_people..] {
            person.look(round).await;
        }
        // The last one is worked with again.
        self.unseen_people = self.people.len().saturating_sub(1);
        if let Some((proof, _)) = self.proof.take().filter(|(_, used)| used.elapsed() < PROOF_LIFE) {
            let headers = [("dpop", proof.as_str())];
            let answer =
                round.serving.api().call("PUT", "/v1/devices/self/push", &headers, Some(b"null".to_vec())).await;
            let refused = answer.unwrap().success().unwrap_err();
            // The phone may be gone by now.
            assert!(matches!(refused.code(), Some(Code::ProofReplayed | Code::CredentialInvalid)), "{refused}");
        }
    }

    /// In the end: looks for everything once more.
    pub(super) async fn look_back(&self, round: &Round) {
        let gateway = round.serving.gateway(&round.gateway);
        for login in self.logins.iter().filter(|login| login.began().elapsed() < REPEAT_LIFE) {
            let id = login.id().unwrap();
            assert_eq!(Some(gateway.get(id, 0).await.unwrap().status.as_str()), login.state(), "{id}");
        }
        for person in self.people.iter().filter(|person| person.is_known) {
            let devices = round.admin.devices(&person.name).await.unwrap();
            assert_eq!(devices.len(), usize::from(person.phone.is_some() || person.unheard), "{}", person.name);
        }
    }
}

impl Person {
    async fn look(&mut self, round: &Round) {
        let found = round.admin.get_user(&self.name).await;
        if !self.is_known {
            // Making him was under way: he is there or he is not, and the log will tell the same.
            self.is_known = found.is_ok();
            return;
        }
        assert_eq!(found.unwrap().username, self.name);
        let devices = round.admin.devices(&self.name).await.unwrap();
        if let Some(sim) = &self.phone {
            // Unless taking it away was under way.
            if devices.is_empty() {
                self.removed = Some(sim.account.device_id);
                self.phone = None;
            } else {
                assert_eq!(devices.len(), 1, "{}", self.name);
                assert_eq!(devices[0].id, sim.account.device_id);
            }
        }
        let Some(token) = &self.token else {
            assert!(devices.is_empty(), "{}: a phone without a token", self.name);
            return;
        };
        let is_spent = self.phone.is_some() || self.removed.is_some();
        if !is_spent && !self.is_tried {
            assert!(devices.is_empty(), "{}", self.name);
        }
        let phone = round.serving.blank_phone();
        match phone.enroll(token.reveal(), "Third").await {
            Ok(_) => {
                assert!(!is_spent && devices.is_empty(), "{}: the token worked twice", self.name);
                self.phone = Some(Sim::of(&phone));
            }
            Err(refused) => {
                assert_eq!(refused.code(), Some(Code::EnrollmentGone), "{refused}");
                assert!(is_spent || devices.len() == 1, "{}: the token is spent and there is no phone", self.name);
                self.unheard = !is_spent;
            }
        }
    }
}
