//! Everything that can happen to an account, as data: drawn at random and done in order.

use std::collections::BTreeSet;

use gatematch_domain::account::Account;
use gatematch_domain::audit::{Actor, Event, Journal};
use gatematch_domain::challenge::{Challenge, Client, Display};
use gatematch_domain::connect::Pages;
use gatematch_domain::course::Rules;
use gatematch_domain::device::ConfirmRefusal;
use gatematch_domain::enrollment::{Enrollment, Registration};
use gatematch_domain::login::Login;
use gatematch_domain::open::Opening;
use gatematch_domain::passcode::Passcode;
use gatematch_domain::place::NoAtlas;
use gatematch_domain::policy::NoDisplay;
use gatematch_domain::response::Answer;
use gatematch_domain::user::{Status, UserChange};
use gatematch_protocol::id::{ChallengeId, DeviceId, EnrollmentId};
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::response::{Decision, UserVerification};
use gatematch_protocol::secret::Secret;
use gatematch_protocol::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{account, asking_for, at, challenge_id, draw_of, gateway_id, phone_id, user_id, wrong};

/// What is typed on the phone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Typed {
    Right,
    Wrong,
    Absent,
    TooShort,
    /// The number of another login that is open.
    OfAnother,
}

/// Something that happens. `which` counts challenges from the newest, `phone` phones from the oldest; what
/// lies beyond is unknown or gone.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Open {
        gateway: u16,
        client: u8,
        shown: bool,
        no_display: NoDisplay,
        digits: u8,
        uv_required: bool,
        life: i64,
        draw: u64,
        stale: bool,
    },
    Respond {
        which: usize,
        phone: usize,
        decision: Decision,
        typed: Typed,
        uv: Option<UserVerification>,
    },
    Redeem {
        which: usize,
        own: bool,
        redemption_id: &'static str,
    },
    Cancel {
        which: usize,
        own: bool,
    },
    Passcode {
        which: usize,
        own: bool,
    },
    Register {
        confirmed: bool,
        late: bool,
    },
    Confirm {
        phone: usize,
        right: bool,
    },
    Revoke {
        phone: usize,
    },
    DeleteGateway(u16),
    Lock,
    Unlock,
    Status(Status),
    Settle,
    Clock(i64),
}

fn open() -> impl Strategy<Value = Op> {
    let place =
        (1_u16..=2, 0_u8..4, prop::bool::weighted(0.8), select(vec![NoDisplay::ApproveOnly, NoDisplay::Refuse]));
    let rule = (select(vec![3_u8, 5]), prop::bool::weighted(0.2), 10_i64..=600, 0_u64..4, prop::bool::weighted(0.1));
    (place, rule).prop_map(|((gateway, client, shown, no_display), (digits, uv_required, life, draw, stale))| {
        Op::Open { gateway, client, shown, no_display, digits, uv_required, life, draw, stale }
    })
}

fn respond() -> impl Strategy<Value = Op> {
    let decision = prop_oneof![6 => Just(Decision::Approve), 1 => Just(Decision::Deny), 1 => Just(Decision::Report)];
    let typed = prop_oneof![
        6 => Just(Typed::Right),
        6 => Just(Typed::Wrong),
        1 => Just(Typed::Absent),
        1 => Just(Typed::TooShort),
        1 => Just(Typed::OfAnother)
    ];
    let uv = select(vec![
        None,
        Some(UserVerification::None),
        Some(UserVerification::Pin),
        Some(UserVerification::Biometric),
    ]);
    (which(), phone(), decision, typed, uv).prop_map(|(which, phone, decision, typed, uv)| Op::Respond {
        which,
        phone,
        decision,
        typed,
        uv,
    })
}

fn which() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 4 => 0_usize..4, 1 => 0_usize..20]
}

fn phone() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0_usize), 2 => 0_usize..4]
}

fn own() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.9)
}

fn clock() -> impl Strategy<Value = Op> {
    prop_oneof![6 => 0_i64..=30, 3 => 60_i64..=700, 1 => -3_600_i64..=3_600].prop_map(Op::Clock)
}

/// One thing of all that can happen.
pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        24 => open(),
        24 => respond(),
        10 => (which(), own(), select(vec!["r1", "r2"])).prop_map(|(which, own, redemption_id)| Op::Redeem { which, own, redemption_id }),
        3 => (which(), own()).prop_map(|(which, own)| Op::Cancel { which, own }),
        6 => (which(), own()).prop_map(|(which, own)| Op::Passcode { which, own }),
        3 => (any::<bool>(), prop::bool::weighted(0.1)).prop_map(|(confirmed, late)| Op::Register { confirmed, late }),
        3 => (phone(), any::<bool>()).prop_map(|(phone, right)| Op::Confirm { phone, right }),
        2 => phone().prop_map(|phone| Op::Revoke { phone }),
        1 => (1_u16..=2).prop_map(Op::DeleteGateway),
        1 => Just(Op::Lock),
        3 => Just(Op::Unlock),
        1 => Just(Op::Status(Status::Disabled)),
        3 => Just(Op::Status(Status::Active)),
        1 => Just(Op::Settle),
        12 => clock(),
    ]
}

/// The account on its way.
pub(crate) struct Walk {
    pub(crate) account: Account,
    pub(crate) now: Timestamp,
    /// Every number that was shown or typed (in full): none of them belongs into the audit.
    pub(crate) secrets: BTreeSet<String>,
    gone: Vec<DeviceId>,
    serial: u16,
}

impl Walk {
    pub(crate) fn new() -> Self {
        Self { account: account(2), now: at(0), secrets: BTreeSet::new(), gone: Vec::new(), serial: 10 }
    }

    /// What `op` would type on the phone.
    pub(crate) fn peek(&mut self, op: &Op) -> Option<String> {
        let Op::Respond { which, typed, .. } = op else { return None };
        self.typed(*which, *typed)
    }

    /// Does `op`; yields its events, and the refusal where it was refused.
    pub(crate) fn step(&mut self, op: &Op) -> (Vec<Event>, Option<String>) {
        let mut journal = Journal::new(Actor::System, self.now);
        let refusal = self.apply(op, &mut journal);
        let numbers = self.account.challenges.iter().filter_map(|challenge| challenge.number.as_ref());
        self.secrets.extend(numbers.map(|number| number.reveal().to_owned()));
        (journal.events, refusal)
    }

    fn apply(&mut self, op: &Op, journal: &mut Journal) -> Option<String> {
        match op {
            Op::Open { .. } => self.open(op, journal),
            Op::Respond { which, phone, decision, typed, uv } => {
                let (id, number) = (self.id(*which), self.typed(*which, *typed));
                let answer =
                    Answer { device: self.phone(*phone), decision: *decision, number, uv: *uv, iat: 1_800_000_000 };
                refusal(self.account.respond(id, &answer, journal))
            }
            Op::Redeem { which, own, redemption_id } => {
                let (id, gateway) = (self.id(*which), self.gateway(*which, *own));
                self.serial += 1;
                let result = format!("signed {}", self.serial);
                refusal(self.account.redeem(id, gateway, (redemption_id, &result), 600, journal))
            }
            Op::Cancel { which, own } => {
                refusal(self.account.cancel(self.id(*which), self.gateway(*which, *own), journal))
            }
            Op::Passcode { which, own } => {
                let (id, gateway) = (self.id(*which), self.gateway(*which, *own));
                refusal(self.account.spend_passcode(id, gateway, &no_code(), journal).unwrap())
            }
            Op::Register { confirmed, late } => self.register(*confirmed, *late, journal),
            Op::Confirm { phone, right } => {
                let (id, code) = (self.phone(*phone), if *right { "864209" } else { "135799" });
                match self.account.confirm_device(id, code, journal) {
                    // It is counted, so it is no refusal that changes nothing.
                    Err(ConfirmRefusal::WrongCode) => None,
                    outcome => refusal(outcome),
                }
            }
            Op::Revoke { phone } => {
                let id = self.phone(*phone);
                self.gone.push(id);
                let revoked = self.account.revoke_device(id, "walked", journal);
                revoked.is_none().then(|| "no such phone".to_owned())
            }
            Op::DeleteGateway(n) => {
                self.account.gateway_deleted(gateway_id(*n), journal);
                None
            }
            Op::Lock => {
                self.account.lock("walked", journal);
                None
            }
            Op::Unlock => {
                self.account.unlock("walked", journal);
                None
            }
            Op::Status(status) => {
                let change = UserChange { status: Some(*status), ..UserChange::default() };
                self.account.change(&change, &[], journal);
                None
            }
            Op::Settle => {
                self.account.settle(journal);
                None
            }
            Op::Clock(seconds) => {
                self.now = self.now.plus_seconds(*seconds);
                None
            }
        }
    }

    fn open(&mut self, op: &Op, journal: &mut Journal) -> Option<String> {
        let Op::Open { gateway, client, shown, no_display, digits, uv_required, life, draw, stale } = op else {
            return None;
        };
        self.serial += 1;
        let name = |name: &str| Some(name.to_owned());
        let client = match client {
            0 => Client { ip: None, name: name("PC") },
            1 => Client { ip: Some([192, 0, 2, 7].into()), name: name("PC") },
            2 => Client { ip: None, name: name("LAPTOP") },
            _ => Client::default(),
        };
        let login = Login {
            id: challenge_id(self.serial),
            username: Some(self.account.user.username.clone()),
            given: "Alice".to_owned(),
            gateway: gateway_id(*gateway),
            gateway_name: "rdg01".to_owned(),
            address_counts: true,
            client,
            display: if *shown { Display::Gateway } else { Display::None },
            no_display: *no_display,
            now: self.now,
            expires_at: self.now.plus_seconds(*life),
            factor_required: false,
            methods: None,
            context: serde_json::Map::new(),
            knock: None,
        };
        let uv = uv_required.then_some("required");
        let policy = asking_for(serde_json::json!({"digits": *digits, "uv": uv}));
        let rules = Rules { policy: &policy, atlas: &NoAtlas };
        let mut foreseen = self.account.foresee(&login, rules, &Pages::default());
        if *stale {
            foreseen.phones.push(phone_id(999));
        }
        // 940 to 943, or 94000 to 94003: easily told from all other figures, and often the same twice.
        let draw = draw_of(if *digits == 3 { 940 + draw } else { 94_000 + draw }, *digits);
        let opening = Opening { rules, foreseen: &foreseen, draw, dormant_after: None };
        // Each says what it should have been signed for.
        let opened = self.account.open(&login, &opening, &mut Pages::default(), journal);
        refusal(opened.map_err(|_| Unsigned))
    }

    fn register(&mut self, confirmed: bool, late: bool, journal: &mut Journal) -> Option<String> {
        self.serial += 1;
        let mut enrollment = Enrollment {
            id: EnrollmentId::new(at(0), [7; 10]),
            user: user_id(1),
            token_digest: "digest".to_owned(),
            created_at: self.now,
            expires_at: self.now.plus_seconds(if late { 0 } else { 600 }),
            used_at: None,
            by_admin: true,
            by_device: None,
        };
        let phone = Registration {
            id: phone_id(self.serial),
            key: PublicKey::from_coordinates([9; 32], [8; 32]),
            name: "new".to_owned(),
            platform: None,
            push: None,
            code: (!confirmed).then(|| "864209".to_owned()),
            max_devices: 4,
            protected_groups: Vec::new(),
        };
        refusal(self.account.register(&mut enrollment, false, phone, journal))
    }

    fn nth(&self, which: usize) -> Option<&Challenge> {
        self.account.challenges.iter().rev().nth(which)
    }

    fn id(&self, which: usize) -> ChallengeId {
        self.nth(which).map_or(challenge_id(9_999), |challenge| challenge.id)
    }

    fn gateway(&self, which: usize, own: bool) -> gatematch_protocol::id::GatewayId {
        self.nth(which).filter(|_| own).map_or(gateway_id(9), |challenge| challenge.gateway)
    }

    fn phone(&self, n: usize) -> DeviceId {
        let there = self.account.devices.get(n).map(|device| device.id);
        there.or(self.gone.last().copied()).unwrap_or(phone_id(999))
    }

    fn typed(&mut self, which: usize, typed: Typed) -> Option<String> {
        let number = self.nth(which)?.number.as_ref()?.reveal().to_owned();
        let others = self.account.challenges.iter().filter(|other| other.id != self.id(which) && other.state.is_live());
        let another = others.filter_map(|other| other.number.as_ref()).map(|number| number.reveal().to_owned()).next();
        let typed = match typed {
            Typed::Absent => None,
            Typed::TooShort => return Some("9".to_owned()),
            Typed::Wrong => Some(wrong(&number)),
            Typed::OfAnother => another,
            Typed::Right => Some(number),
        };
        self.secrets.extend(typed.clone());
        typed
    }
}

/// The challenges were signed for others.
#[derive(Debug)]
struct Unsigned;

/// A code that opens nothing.
fn no_code() -> Passcode {
    gatematch_domain::passcode::Typed::new(&Secret::new("000000")).ready(None)
}

fn refusal<T>(outcome: Result<T, impl std::fmt::Debug>) -> Option<String> {
    outcome.err().map(|refusal| format!("{refusal:?}"))
}
