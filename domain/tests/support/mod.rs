//! A user with phones, a clock that is set by hand, and the verbs of an account in one line each.

#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests; clippy knows only the functions marked as such")]

use gatematch_domain::account::Account;
use gatematch_domain::audit::{Actor, Event, Journal};
use gatematch_domain::challenge::{Challenge, Client, Display, Reason, State};
use gatematch_domain::connect::Pages;
use gatematch_domain::course::{Foreseen, Rules};
use gatematch_domain::device::{Device, DeviceStatus};
use gatematch_domain::login::Login;
use gatematch_domain::open::{Opening, Stale};
use gatematch_domain::passcode::Typed;
use gatematch_domain::place::NoAtlas;
use gatematch_domain::policy::{Names, NoDisplay, Policy, Profile};
use gatematch_domain::redemption::RedeemRefusal;
use gatematch_domain::response::{Answer, ResponseRefusal};
use gatematch_domain::user::{Status, User, UserChange};
use gatematch_domain::username::Username;
use gatematch_protocol::id::{ChallengeId, DeviceId, GatewayId, UserId};
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::policy::Rule;
use gatematch_protocol::response::{Decision, UserVerification};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;

/// The point `second` seconds after the tests' beginning of time.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_numeric_date(1_700_000_000 + second)
}

fn bytes(n: u16) -> [u8; 10] {
    let [high, low] = n.to_be_bytes();
    [high, low, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab]
}

pub(crate) fn user_id(n: u16) -> UserId {
    UserId::new(at(0), bytes(n))
}

pub(crate) fn phone_id(n: u16) -> DeviceId {
    DeviceId::new(at(0), bytes(n))
}

pub(crate) fn gateway_id(n: u16) -> GatewayId {
    GatewayId::new(at(0), bytes(n))
}

pub(crate) fn challenge_id(n: u16) -> ChallengeId {
    ChallengeId::new(at(0), bytes(n))
}

/// The policy of these rules, and last one that asks everybody.
pub(crate) fn policy(rules: serde_json::Value) -> Policy {
    let mut rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    let ask = serde_json::json!({"name": "default", "enabled": true, "then": {"decision": "ask"}});
    rules.push(serde_json::from_value(ask).unwrap());
    Policy::of(2, Profile::Standard, &rules, Names::Stored).unwrap().policy
}

/// The policy of one rule: every login is asked, and must bring what `then` says beside that.
pub(crate) fn asking_for(then: serde_json::Value) -> Policy {
    let mut then: serde_json::Map<String, serde_json::Value> = serde_json::from_value(then).unwrap();
    then.insert("decision".to_owned(), "ask".into());
    let rule = serde_json::from_value(serde_json::json!({"name": "default", "enabled": true, "then": then})).unwrap();
    Policy::of(2, Profile::Standard, &[rule], Names::Stored).unwrap().policy
}

/// An active phone of the user 1.
pub(crate) fn phone(n: u16) -> Device {
    Device {
        id: phone_id(n),
        user: user_id(1),
        key: PublicKey::from_coordinates([n.to_be_bytes()[1]; 32], [0xcd; 32]),
        name: format!("phone {n}"),
        platform: None,
        status: DeviceStatus::Active,
        push: None,
        created_at: at(0),
        active_since: Some(at(0)),
        last_used_at: None,
    }
}

/// A phone that nobody has confirmed; its code is `246802`.
pub(crate) fn unconfirmed_phone(n: u16) -> Device {
    let status = DeviceStatus::Unconfirmed { code: "246802".to_owned(), wrong_tries: 0 };
    Device { status, active_since: None, ..phone(n) }
}

/// The user 1 with the active phones 1 to `phones`.
pub(crate) fn account(phones: u16) -> Account {
    let user = User::new(user_id(1), Username::from_stored("alice".to_owned()), at(0));
    Account { devices: (1..=phones).map(phone).collect(), ..Account::new(user) }
}

/// The draw that leads to the number `wanted` of `digits` digits while none is taken.
pub(crate) fn draw_of(wanted: u64, digits: u8) -> u64 {
    let space = 10_u128.pow(u32::from(digits));
    u64::try_from((u128::from(wanted) << 64).div_ceil(space)).unwrap()
}

/// Another number with as many digits.
pub(crate) fn wrong(number: &str) -> String {
    let turn = |c: char| char::from_digit(9 - c.to_digit(10).unwrap(), 10).unwrap();
    number.chars().map(turn).collect()
}

/// One account, the time, and everything that was recorded.
pub(crate) struct Scene {
    pub(crate) account: Account,
    pub(crate) now: Timestamp,
    pub(crate) events: Vec<Event>,
    pub(crate) policy: Policy,
    pub(crate) draw: u64,
    pub(crate) dormant_after: Option<i64>,
    serial: u16,
}

impl Scene {
    /// The user 1 with the active phones 1 to `phones`, at second 0.
    pub(crate) fn new(phones: u16) -> Self {
        Self {
            account: account(phones),
            now: at(0),
            events: Vec::new(),
            policy: Policy::shipped(),
            draw: draw_of(947, 3),
            dormant_after: None,
            serial: 0,
        }
    }

    /// From now on every login is asked, and must bring what `then` says beside that.
    pub(crate) fn ask_for(&mut self, then: serde_json::Value) {
        self.policy = asking_for(then);
    }

    /// Lets time pass, or turns the clock back.
    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    /// Does something to the account and keeps what it records.
    pub(crate) fn act<T>(&mut self, verb: impl FnOnce(&mut Account, &mut Journal) -> T) -> T {
        let mut journal = Journal::new(Actor::CommandLine("tester".to_owned()), self.now);
        let outcome = verb(&mut self.account, &mut journal);
        self.events.append(&mut journal.events);
        outcome
    }

    /// A login at the gateway 1 from the client `PC`, with a number on the gateway's screen, for 60 s.
    pub(crate) fn login(&mut self) -> Login {
        self.serial += 1;
        Login {
            id: challenge_id(self.serial),
            username: Some(self.account.user.username.clone()),
            given: "Alice".to_owned(),
            gateway: gateway_id(1),
            gateway_name: "rdg01".to_owned(),
            address_counts: true,
            client: Client { ip: None, name: Some("PC".to_owned()) },
            display: Display::Gateway,
            no_display: NoDisplay::Refuse,
            now: self.now,
            expires_at: self.now.plus_seconds(60),
            factor_required: false,
            methods: None,
            context: serde_json::Map::new(),
            knock: None,
        }
    }

    /// The same from another client.
    pub(crate) fn login_from(&mut self, name: &str) -> Login {
        Login { client: Client { ip: None, name: Some(name.to_owned()) }, ..self.login() }
    }

    /// The same from another client, without a number.
    pub(crate) fn plain_login_from(&mut self, name: &str) -> Login {
        Login { display: Display::None, no_display: NoDisplay::ApproveOnly, ..self.login_from(name) }
    }

    /// Opens `login`, signed for `phones`.
    pub(crate) fn open_for(&mut self, login: &Login, phones: &[DeviceId]) -> Result<Challenge, Stale> {
        let policy = self.policy.clone();
        let rules = Rules { policy: &policy, atlas: &NoAtlas };
        let foreseen = self.account.foresee(login, rules, &Pages::default());
        let foreseen = Foreseen { phones: phones.to_vec(), ..foreseen };
        let (draw, dormant_after) = (self.draw, self.dormant_after);
        let opening = Opening { rules, foreseen: &foreseen, draw, dormant_after };
        self.act(|account, journal| account.open(login, &opening, &mut Pages::default(), journal))
    }

    /// Opens `login`, signed for the phones that are active.
    pub(crate) fn open(&mut self, login: &Login) -> Challenge {
        let phones: Vec<DeviceId> = self.account.active_devices().map(|device| device.id).collect();
        self.open_for(login, &phones).unwrap()
    }

    /// Opens a login of which a challenge must come.
    pub(crate) fn ask(&mut self) -> Challenge {
        self.ask_from("PC")
    }

    /// The same from another client.
    pub(crate) fn ask_from(&mut self, name: &str) -> Challenge {
        let login = self.login_from(name);
        let challenge = self.open(&login);
        assert_eq!(challenge.state, State::Pending, "a login from {name} is not asked");
        challenge
    }

    /// The reason for which a login from the client `name` is refused at once.
    pub(crate) fn refusal_from(&mut self, name: &str) -> Option<Reason> {
        let login = self.login_from(name);
        self.open(&login).state.reason()
    }

    /// The limit that the last event names.
    pub(crate) fn last_limit(&self) -> Option<&str> {
        self.events.last()?.detail.get("limit")?.as_str()
    }

    /// Answers as the phone `phone`.
    pub(crate) fn answer(
        &mut self,
        id: ChallengeId,
        phone: u16,
        decision: Decision,
        number: Option<&str>,
        uv: Option<UserVerification>,
    ) -> Result<Challenge, ResponseRefusal> {
        let answer =
            Answer { device: phone_id(phone), decision, number: number.map(str::to_owned), uv, iat: 1_800_000_000 };
        self.act(|account, journal| account.respond(id, &answer, journal))
    }

    /// Approves as the phone `phone`, with the right number where there is one.
    pub(crate) fn approve(&mut self, challenge: &Challenge, phone: u16) -> Result<Challenge, ResponseRefusal> {
        let number = challenge.number.as_ref().map(|number| number.reveal().to_owned());
        self.answer(challenge.id, phone, Decision::Approve, number.as_deref(), None)
    }

    /// Approves with another number than the one shown.
    pub(crate) fn mistype(&mut self, challenge: &Challenge, phone: u16) -> Result<Challenge, ResponseRefusal> {
        let number = wrong(challenge.number.as_ref().unwrap().reveal());
        self.answer(challenge.id, phone, Decision::Approve, Some(&number), None)
    }

    /// Denies or reports as the phone 1.
    pub(crate) fn decline(&mut self, challenge: &Challenge, decision: Decision) -> Challenge {
        self.answer(challenge.id, 1, decision, None, None).unwrap()
    }

    /// Opens a login and approves it by the phone 1.
    pub(crate) fn ask_and_approve(&mut self) -> Challenge {
        let challenge = self.ask();
        self.approve(&challenge, 1).unwrap()
    }

    /// Opens logins and mistypes their numbers until `failures` count.
    pub(crate) fn fail_until(&mut self, failures: u32) {
        while self.account.user.limits.failures() < failures {
            let challenge = self.ask();
            self.mistype(&challenge, 1).unwrap();
        }
    }

    /// Gives so many codes that open nothing.
    pub(crate) fn fail_codes(&mut self, times: usize, challenge: &Challenge) {
        let wrong = Typed::new(&Secret::new("000000")).ready(None);
        for _ in 0..times {
            let _ = self.act(|account, journal| account.spend_passcode(challenge.id, gateway_id(1), &wrong, journal));
        }
    }

    /// Redeems as the gateway 1; the result would be `signed by ID`.
    pub(crate) fn redeem(&mut self, id: ChallengeId, redemption_id: &str) -> Result<Challenge, RedeemRefusal> {
        let result = format!("signed for {redemption_id}");
        let reuse = self.policy.longest_reuse();
        self.act(|account, journal| account.redeem(id, gateway_id(1), (redemption_id, &result), reuse, journal))
    }

    /// Cancels as the gateway 1.
    pub(crate) fn cancel(&mut self, id: ChallengeId) -> Result<Challenge, RedeemRefusal> {
        self.act(|account, journal| account.cancel(id, gateway_id(1), journal))
    }

    pub(crate) fn revoke(&mut self, phone: u16) -> Option<Device> {
        self.act(|account, journal| account.revoke_device(phone_id(phone), "tested", journal))
    }

    pub(crate) fn lock(&mut self) -> bool {
        self.act(|account, journal| account.lock("tested", journal))
    }

    pub(crate) fn unlock(&mut self) -> bool {
        self.act(|account, journal| account.unlock("tested", journal))
    }

    pub(crate) fn set_status(&mut self, status: Status) {
        let change = UserChange { status: Some(status), ..UserChange::default() };
        self.act(|account, journal| account.change(&change, &[], journal));
    }

    /// The challenge as it is now.
    pub(crate) fn now(&self, id: ChallengeId) -> &Challenge {
        self.account.challenge(id).unwrap()
    }

    /// State and reason of the challenge as it is now, as on the wire.
    pub(crate) fn state(&self, id: ChallengeId) -> (&'static str, Option<&'static str>) {
        let state = &self.now(id).state;
        (state.as_str(), state.reason().map(Reason::as_str))
    }

    /// How many events of this kind were recorded.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event.kind == kind).count()
    }

    /// The kinds of the events since there were `before` of them.
    pub(crate) fn kinds_since(&self, before: usize) -> Vec<&'static str> {
        self.events.iter().skip(before).map(|event| event.kind).collect()
    }

    /// That `verb` changes nothing and records nothing.
    pub(crate) fn assert_inert<T>(&mut self, verb: impl FnOnce(&mut Self) -> T) -> T {
        let (account, events) = (self.account.clone(), self.events.len());
        let outcome = verb(self);
        assert_eq!(self.account, account);
        assert_eq!(self.kinds_since(events), Vec::<&str>::new());
        outcome
    }
}
