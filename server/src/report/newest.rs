//! Sign-ins, the one that ended last first, a page at a time however long the log is: each is found by the event with which
//! it ended, and what it began with by its person.

use std::collections::HashMap;

use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::time::Timestamp;
use serde_json::Value;

use super::Asked;
use super::sign_ins::{SignIn, gateways, is_beginning, member, method};
use crate::store::{Look, Store, StoreError};

/// The events with which sign-ins end, and how.
const ENDS: [(&str, &str); 4] = [
    ("challenge.redeemed", "approved"),
    ("challenge.denied", "denied"),
    ("challenge.expired", "expired"),
    ("challenge.cancelled", "cancelled"),
];
/// What may come before the end.
const EARLIER: [&str; 2] = ["challenge.created", "challenge.approved"];
/// How many of those of one person are looked at.
const EARLIER_AT_ONCE: u32 = 40;
/// How many are looked at together where not each is wanted.
const AT_ONCE: u32 = 1_000;
/// How often is looked for one page, at most.
const MOST_LOOKS: usize = 20;
/// Of how many it is looked for one page how they began, at most.
const MOST_WHOLE: usize = 300;
/// After so many seconds a sign-in that began has ended, if the server ran.
const LONGEST_SECONDS: i64 = 660;
/// The most sign-ins under way that are shown.
const MOST_UNDER_WAY: u32 = 50;

/// A page of sign-ins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Side {
    /// They.
    pub(crate) sign_ins: Vec<Newest>,
    /// Where the next page begins, where there may be more.
    pub(crate) next: Option<u64>,
}

/// A sign-in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Newest {
    /// When it began.
    pub(crate) began: Timestamp,
    /// When it ended, if it has.
    pub(crate) ended: Option<Timestamp>,
    /// Whose.
    pub(crate) user: Option<String>,
    /// The gateway's id.
    pub(crate) gateway: Option<String>,
    /// The address that it came from.
    pub(crate) ip: Option<String>,
    /// The computer that it came from, as it says itself.
    pub(crate) client: Option<String>,
    /// How it ended.
    pub(crate) outcome: &'static str,
    /// By what it was decided.
    pub(crate) method: &'static str,
    /// The true reason.
    pub(crate) reason: Option<String>,
    /// Whether the gateway has let him in.
    pub(crate) let_in: bool,
    /// The phone.
    pub(crate) device: Option<String>,
    /// The rule that decided.
    pub(crate) rule: Option<String>,
    /// Its challenge.
    pub(crate) challenge: String,
    /// The events that are known of it: their `seq`, in order.
    pub(crate) events: Vec<u64>,
    /// The id of the event with which it began, where policy was asked.
    pub(crate) asked: Option<String>,
}

/// Events of people that came before the ends of their sign-ins.
#[derive(Default)]
struct Earlier(HashMap<String, Vec<AuditEvent>>);

impl Earlier {
    /// Those of the sign-in with this challenge, before `seq`, in order.
    async fn of(
        &mut self,
        store: &dyn Store,
        user: &str,
        challenge: &str,
        seq: Option<u64>,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let is_its =
            |event: &&AuditEvent| seq.is_none_or(|seq| event.seq < seq) && challenge_of(event) == Some(challenge);
        let pick = |known: &[AuditEvent]| known.iter().rev().filter(is_its).cloned().collect::<Vec<_>>();
        if let Some(known) = self.0.get(user) {
            let found = pick(known);
            if found.first().is_some_and(is_beginning) {
                return Ok(found);
            }
        }
        let kinds = EARLIER.map(str::to_owned).to_vec();
        let look = Look {
            user: Some(user.to_owned()),
            kinds,
            before: seq,
            latest_first: true,
            limit: EARLIER_AT_ONCE,
            ..Look::default()
        };
        let known = store.look(look).await?.events;
        let found = pick(&known);
        self.0.insert(user.to_owned(), known);
        Ok(found)
    }

    /// The sign-in that ended with `end`.
    async fn whole(&mut self, store: &dyn Store, end: AuditEvent) -> Result<Option<Newest>, StoreError> {
        let Some(challenge) = challenge_of(&end).map(str::to_owned) else { return Ok(None) };
        let mut events = match &end.user {
            Some(user) if !is_beginning(&end) => self.of(store, user, &challenge, Some(end.seq)).await?,
            _ => Vec::new(),
        };
        events.push(end);
        Ok(Newest::of(&events, challenge))
    }
}

fn challenge_of(event: &AuditEvent) -> Option<&str> {
    member(event, "challenge").and_then(Value::as_str)
}

impl Newest {
    /// The sign-in with these events, in order.
    fn of(events: &[AuditEvent], challenge: String) -> Option<Self> {
        let (first, others) = events.split_first()?;
        let mut it = SignIn::begun(first, &challenge);
        others.iter().for_each(|event| it.went_on(event));
        let SignIn { began, ended, user, gateway, client, outcome, method, reason, let_in, device, rule, .. } = it;
        let [ip, client] = client;
        let asked = member(first, "facts").map(|_| first.id.to_string());
        let events = events.iter().map(|event| event.seq).collect();
        Some(Self {
            began,
            ended,
            user,
            gateway,
            ip,
            client,
            outcome,
            method,
            reason,
            let_in,
            device,
            rule,
            challenge,
            events,
            asked,
        })
    }

    fn is_asked_for(&self, asked: &Asked) -> bool {
        let is = |given: &Option<String>, word: &str| given.as_ref().is_none_or(|given| given == word);
        let is_in_time =
            asked.since.is_none_or(|since| since <= self.began) && asked.until.is_none_or(|until| self.began < until);
        is_in_time && is(&asked.outcome, self.outcome) && is(&asked.method, self.method)
    }
}

/// Whether the sign-in that ended so can be asked for, by what that alone tells.
fn may_be_asked_for(end: &AuditEvent, asked: &Asked) -> bool {
    let id = challenge_of(end).and_then(|id| id.parse::<ChallengeId>().ok());
    // It is known to the millisecond; the last microsecond of one is as good as the first.
    let is_in_time = id.map(ChallengeId::made_at).is_none_or(|began| {
        let last = Timestamp::from_micros(began.micros() + 999);
        asked.since.is_none_or(|since| since <= last) && asked.until.is_none_or(|until| began < until)
    });
    let is_known = end.kind == "challenge.redeemed";
    is_in_time && asked.method.as_ref().is_none_or(|asked| !is_known || method(end) == asked)
}

/// A page of what is asked for, of what ended before `before`; the first page (`None`) has those under way, too.
pub(crate) async fn newest(
    store: &dyn Store,
    asked: &Asked,
    user: Option<String>,
    before: Option<u64>,
    now: Timestamp,
) -> Result<Side, StoreError> {
    let gateways = gateways(store, asked.gateway.as_deref()).await?;
    let mut earlier = Earlier::default();
    let mut side = Side::default();
    if before.is_none() {
        side.sign_ins = under_way(store, &mut earlier, now, (user.as_deref(), &gateways)).await?;
        side.sign_ins.retain(|it| it.is_asked_for(asked));
    }
    let ends = ENDS.iter().filter(|(_, outcome)| asked.outcome.as_ref().is_none_or(|asked| asked == outcome));
    let kinds: Vec<String> = ends.map(|(kind, _)| (*kind).to_owned()).collect();
    if kinds.is_empty() {
        return Ok(side);
    }
    let wants_each = asked.until.is_none() && asked.method.is_none();
    let mut look = Look {
        user,
        kinds,
        gateways,
        since: asked.since,
        // One that began in time may have ended later.
        until: asked.until.map(|until| until.plus_seconds(LONGEST_SECONDS)),
        before,
        latest_first: true,
        limit: if wants_each { asked.limit } else { AT_ONCE },
        ..Look::default()
    };
    let mut whole = 0;
    for _ in 0..MOST_LOOKS {
        let looked = store.look(look.clone()).await?;
        side.next = looked.reached;
        for end in looked.events {
            let seq = end.seq;
            if !may_be_asked_for(&end, asked) {
                continue;
            }
            whole += 1;
            if whole > MOST_WHOLE {
                // With this one the next page begins.
                side.next = Some(seq + 1);
                return Ok(side);
            }
            let Some(it) = earlier.whole(store, end).await? else { continue };
            if it.is_asked_for(asked) {
                side.sign_ins.push(it);
            }
            if side.sign_ins.len() >= asked.limit as usize {
                side.next = Some(seq);
                return Ok(side);
            }
        }
        if side.next.is_none() {
            break;
        }
        look.before = side.next;
    }
    Ok(side)
}

async fn under_way(
    store: &dyn Store,
    earlier: &mut Earlier,
    now: Timestamp,
    (user, gateways): (Option<&str>, &[String]),
) -> Result<Vec<Newest>, StoreError> {
    let mut found = Vec::new();
    for challenge in store.under_way(now, MOST_UNDER_WAY).await? {
        let is_his = user.is_none_or(|user| user == challenge.username);
        if !is_his || !(gateways.is_empty() || gateways.contains(&challenge.gateway.to_string())) {
            continue;
        }
        let id = challenge.id.to_string();
        let events = earlier.of(store, &challenge.username, &id, None).await?;
        found.extend(Newest::of(&events, id));
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.began));
    Ok(found)
}
