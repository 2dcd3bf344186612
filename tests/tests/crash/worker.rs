//! Somebody who makes people, enrolls their phones, and signs them in, until the server is gone; and who looks,
//! after the restart, for everything that he was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gatematch_client_sim::crypto::P256Key;
use gatematch_client_sim::failure::Failure;
use gatematch_client_sim::gateway::Gateway;
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::challenge::{ChallengeView, CreateChallenge, CreateClient};
use gatematch_protocol::id::{ChallengeId, DeviceId};
use gatematch_protocol::problem::Code;
use gatematch_protocol::response::Decision;
use gatematch_protocol::secret::Secret;
use gatematch_protocol::user::PutUser;
use rustix::process::{Pid, Signal, kill_process};

use super::{Dice, Round};
use crate::machine::Sim;

/// A proof is stale after a minute; one that is nearly so proves nothing.
const PROOF_LIFE: Duration = Duration::from_secs(50);
/// How long the same redemption is answered alike, with something to spare.
const REPEAT_LIFE: Duration = Duration::from_secs(500);

/// Ends the server's process after so many acknowledged steps.
pub(super) struct Trigger {
    left: AtomicU64,
    lag: u64,
    pid: Pid,
    fired: AtomicBool,
}

impl Trigger {
    /// After `steps` (at once, for 0), and some turns of the scheduler later, so that what is under way then is not
    /// always at the same point.
    pub(super) fn new(steps: u64, lag: u64, pid: Pid) -> Self {
        let trigger = Self { left: AtomicU64::new(steps), lag, pid, fired: AtomicBool::new(false) };
        if steps == 0 {
            trigger.fire();
        }
        trigger
    }

    fn fire(&self) {
        self.fired.store(true, Ordering::SeqCst);
        kill_process(self.pid, Signal::KILL).unwrap();
    }

    /// A step was acknowledged.
    async fn step(&self) {
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

/// A login as far as its gateway and its phone were told.
pub(super) struct Login {
    key: String,
    user: String,
    began: Instant,
    created: Option<ChallengeView>,
    /// The decision and the signed response that were sent.
    sent: Option<(Decision, String)>,
    /// The state that the phone was told.
    decided: Option<String>,
    /// The redemption that was sent.
    redeeming: Option<String>,
    result: Option<String>,
}

impl Login {
    pub(super) fn id(&self) -> Option<ChallengeId> {
        self.created.as_ref().map(|created| created.id)
    }

    /// The events that the audit log must have of it.
    pub(super) fn audited(&self) -> &'static [&'static str] {
        let opened = self.created.as_ref().map(|created| created.status.as_str());
        match (opened, self.decided.as_deref(), &self.result) {
            (Some("denied"), _, _) => &["challenge.denied"],
            (_, Some("denied"), _) => &["challenge.created", "challenge.denied"],
            (_, Some("approved"), Some(_)) => &["challenge.created", "challenge.approved", "challenge.redeemed"],
            (_, Some("approved"), None) => &["challenge.created", "challenge.approved"],
            _ => &["challenge.created"],
        }
    }

    fn body(&self) -> CreateChallenge {
        CreateChallenge {
            user: self.user.clone(),
            client: Some(CreateClient { ip: None, name: Some("CLIENT-PC".to_owned()) }),
            expires_in: Some(600),
            ..CreateChallenge::default()
        }
    }

    /// Goes through with it, from wherever it is.
    async fn go_on(&mut self, gateway: &Gateway, phone: &Phone, decision: Decision, trigger: Option<&Trigger>) -> Result<(), Failure> {
        let told = async || if let Some(trigger) = trigger { trigger.step().await };
        if self.created.is_none() {
            self.created = Some(gateway.create(&self.body(), Some(&self.key)).await?);
            told().await;
        }
        let challenge = self.created.clone().unwrap();
        if challenge.status != "pending" {
            assert_eq!((challenge.status.as_str(), challenge.reason.as_deref()), ("denied", Some("rate-limited")));
            return Ok(());
        }
        if self.decided.is_none() {
            self.decide(&challenge, phone, decision).await?;
            told().await;
        }
        if self.decided.as_deref() == Some("approved") && self.result.is_none() {
            let redemption = self.redeeming.get_or_insert_with(|| format!("redeem-{}", self.key)).clone();
            let redeemed = gateway.redeem(challenge.id, &redemption, 0).await?;
            assert_eq!(redeemed.status, "redeemed", "{}", challenge.id);
            gateway.check_result(&redeemed).await?;
            self.result = redeemed.result;
            told().await;
        }
        Ok(())
    }

    async fn decide(&mut self, challenge: &ChallengeView, phone: &Phone, decision: Decision) -> Result<(), Failure> {
        let id = challenge.id.to_string();
        if self.sent.is_none() {
            let waiting = phone.waiting(0).await?;
            let found = waiting.iter().find(|waiting| waiting.id == challenge.id).expect("it waits on the phone");
            let response = phone.response(&found.challenge, decision, challenge.number.as_deref(), None)?;
            self.sent = Some((decision, response));
        }
        let (decision, response) = self.sent.clone().unwrap();
        let expected = if decision == Decision::Approve { "approved" } else { "denied" };
        let answer = phone.post_response(&id, &response).await?;
        match answer.success() {
            Ok(()) => {}
            // Only where the first answer to the same response was lost.
            Err(failure) if failure.code() == Some(Code::AlreadyDecided) => {
                assert_eq!(failure.problem().unwrap().more["state"], expected, "{id}");
            }
            Err(failure) => return Err(failure),
        }
        self.decided = Some(expected.to_owned());
        Ok(())
    }

    /// After a restart: the state is what was acknowledged, or what was under way has made of it; never less.
    async fn look(&mut self, gateway: &Gateway, phone: Option<&Phone>) {
        if let Some(created) = &self.created {
            let now = gateway.get(created.id, 0).await.unwrap();
            let decision = self.sent.as_ref().map(|(decision, _)| if *decision == Decision::Approve { "approved" } else { "denied" });
            let allowed: Vec<&str> = match (&self.decided, &self.result) {
                (_, Some(_)) => vec!["redeemed"],
                (Some(decided), None) if self.redeeming.is_some() => vec![decided, "redeemed"],
                (Some(decided), None) => vec![decided],
                (None, None) => [Some(created.status.as_str()), decision].into_iter().flatten().collect(),
            };
            assert!(allowed.contains(&now.status.as_str()), "{}: {} is not among {allowed:?}", created.id, now.status);
            assert_eq!(now.number, created.number);
        }
        // It can be gone on with, and what was under way is not done twice.
        if let Some(phone) = phone {
            self.go_on(gateway, phone, Decision::Approve, None).await.unwrap();
        }
        if let (Some(result), Some(created), Some(redemption)) = (&self.result, &self.created, &self.redeeming) {
            let again = gateway.redeem(created.id, redemption, 0).await.unwrap();
            assert_eq!(again.result.as_ref(), Some(result), "the same string");
            let other = gateway.redeem(created.id, "another", 0).await.unwrap_err();
            assert_eq!(other.code(), Some(Code::AlreadyRedeemed), "{other}");
        }
    }
}

/// A person, and the one token that was made for him.
struct Person {
    name: String,
    is_known: bool,
    token: Option<Secret>,
    /// The keys that were sent with the token.
    tried: Vec<P256Key>,
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
        known.map(|person| (person.name.as_str(), u32::from(person.phone.is_some() || person.unheard || person.removed.is_some())))
    }

    /// Works until the server is gone.
    pub(super) async fn work(mut self, round: Arc<Round>, trigger: Arc<Trigger>) -> Self {
        let failure = loop {
            if let Err(failure) = self.turn(&round, &trigger).await {
                break failure;
            }
        };
        let gone = matches!(failure, Failure::Transport(_)) && trigger.fired.load(Ordering::SeqCst);
        assert!(gone, "worker {}: {failure}", self.index);
        self
    }

    async fn turn(&mut self, round: &Round, trigger: &Trigger) -> Result<(), Failure> {
        let phone = match self.people.last().and_then(|person| person.phone.as_ref()) {
            Some(sim) if self.dice.roll(6) > 0 => round.serving.phone(sim),
            _ => return self.new_person(round, trigger).await,
        };
        let decision = if self.dice.roll(6) == 0 { Decision::Deny } else { Decision::Approve };
        let name = self.people.last().unwrap().name.clone();
        let login = Login {
            key: format!("{name}-{}", self.logins.len()),
            user: name,
            began: Instant::now(),
            created: None,
            sent: None,
            decided: None,
            redeeming: None,
            result: None,
        };
        self.logins.push(login);
        let gateway = round.serving.gateway(&round.gateway);
        let login = self.logins.last_mut().unwrap();
        login.go_on(&gateway, &phone, decision, Some(trigger)).await?;
        let is_limited = login.created.as_ref().is_some_and(|created| created.status == "denied");
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
            tried: Vec::new(),
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
        person.tried.extend(phones.iter().map(|phone| phone.key().clone()));
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
                Err(failure @ Failure::Transport(_)) => return Err(failure),
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
            let user = self.logins[index].user.clone();
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
            let answer = round.serving.api().call("PUT", "/v1/devices/self/push", &headers, Some(b"null".to_vec())).await;
            let refused = answer.unwrap().success().unwrap_err();
            // The phone may be gone by now.
            assert!(matches!(refused.code(), Some(Code::ProofReplayed | Code::CredentialInvalid)), "{refused}");
        }
    }

    /// In the end: looks for everything once more.
    pub(super) async fn look_back(&self, round: &Round) {
        let gateway = round.serving.gateway(&round.gateway);
        for login in self.logins.iter().filter(|login| login.began.elapsed() < REPEAT_LIFE) {
            let created = login.created.as_ref().unwrap();
            let now = gateway.get(created.id, 0).await.unwrap();
            let expected = match (&login.decided, &login.result) {
                (_, Some(_)) => "redeemed",
                (Some(decided), None) => decided,
                (None, None) => &created.status,
            };
            assert_eq!(now.status, expected, "{}", created.id);
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
        if !is_spent && self.tried.is_empty() {
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
