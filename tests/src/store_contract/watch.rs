//! What those who watch find in the log, and what stands now.

use gatematch_domain::audit::{Actor, Event, Outcome};
use gatematch_domain::user::{Status, UserChange};
use gatematch_protocol::audit::AuditEvent;
use gatematch_protocol::id::{GatewayId, UserId};
use gatematch_protocol::time::Timestamp;
use gatematch_server::store::{AuditQuery, LogEnd, Look, PutUser, Store, UserPut, UserState};

use super::name;
use crate::shelf::Shelf;

const KINDS: [&str; 3] = ["audit.read", "user.locked", "challenge.denied"];

fn gateway(number: u8) -> GatewayId {
    GatewayId::new(Timestamp::from_micros(0), [number; 10])
}

/// Events of everything, a second after each other; some are dated earlier than those before them, as by a clock that was
/// set back.
fn events(begin: Timestamp) -> Vec<Event> {
    let event = |number: i64| {
        let back = if number % 17 == 0 { -40 } else { 0 };
        let kind = KINDS[usize::try_from(number % 3).unwrap()];
        let actor = if number % 4 == 0 { Actor::CommandLine("dora".to_owned()) } else { Actor::System };
        let mut event = Event::new(kind, actor, begin.plus_seconds(number + back));
        if number % 5 < 3 {
            event = event.user(format!("watched{}", number % 5));
        }
        if number % 7 < 2 {
            event = event.gateway(gateway(u8::try_from(number % 7).unwrap()));
        }
        if number % 6 == 0 { event.ended(Outcome::Failure, "reported") } else { event }
    };
    (0..90).map(event).collect()
}

async fn whole_log(store: &dyn Store) -> Vec<AuditEvent> {
    store.audit(AuditQuery { limit: 1_000, ..AuditQuery::default() }).await.unwrap()
}

/// Whether the event is one of those that are looked for.
fn fits(look: &Look, event: &AuditEvent) -> bool {
    let is = |asked: &Option<String>, has: &Option<String>| asked.is_none() || asked == has;
    is(&look.user, &event.user)
        && is(&look.reason, &event.reason)
        && (look.kinds.is_empty() || look.kinds.contains(&event.kind))
        && (look.gateways.is_empty() || event.gateway.as_ref().is_some_and(|id| look.gateways.contains(id)))
        && look.actor.as_ref().is_none_or(|part| event.actor.as_ref().unwrap().contains(part.as_str()))
        && look.since.is_none_or(|since| since <= event.at)
        && look.until.is_none_or(|until| event.at < until)
}

/// Something else that is asked for.
type Change = Box<dyn Fn(&mut Look)>;

/// Every combination of what can be asked for.
fn questions(begin: Timestamp) -> Vec<Look> {
    let some = |text: &str| Some(text.to_owned());
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let ids = |all: &[u8]| all.iter().map(|number| gateway(*number).to_string()).collect::<Vec<_>>();
    let mut looks = vec![Look { limit: 7, ..Look::default() }];
    let mut each = |changes: Vec<Change>| {
        looks = looks
            .iter()
            .flat_map(|look| {
                changes
                    .iter()
                    .map(|change| {
                        let mut look = look.clone();
                        change(&mut look);
                        look
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
    };
    each(vec![
        Box::new(|_| ()),
        Box::new(move |look| look.user = some("watched1")),
        Box::new(move |look| look.user = some("no\0body")),
    ]);
    each(vec![
        Box::new(|_| ()),
        Box::new(move |look| look.kinds = texts(&KINDS[..1])),
        Box::new(move |look| look.kinds = texts(&["user.locked", "no.such", "challenge.denied"])),
    ]);
    each(vec![
        Box::new(|_| ()),
        Box::new(move |look| look.gateways = ids(&[1])),
        Box::new(move |look| look.gateways = ids(&[0, 1])),
    ]);
    each(vec![Box::new(|_| ()), Box::new(move |look| look.actor = some("dor"))]);
    each(vec![Box::new(|_| ()), Box::new(move |look| look.reason = some("reported"))]);
    each(vec![
        Box::new(|_| ()),
        Box::new(move |look| look.since = Some(begin.plus_seconds(30))),
        Box::new(move |look| {
            (look.since, look.until) = (Some(begin.plus_seconds(11)), Some(begin.plus_seconds(60)));
        }),
    ]);
    each(vec![Box::new(|look| look.latest_first = true), Box::new(|look| look.latest_first = false)]);
    looks
}

/// All pages of an answer.
async fn pages(store: &dyn Store, mut look: Look) -> Vec<AuditEvent> {
    let mut found = Vec::new();
    loop {
        let looked = store.look(look.clone()).await.unwrap();
        assert!(looked.events.len() <= look.limit as usize);
        found.extend(looked.events);
        let Some(reached) = looked.reached else { return found };
        if look.latest_first {
            assert!(look.before.is_none_or(|before| reached < before), "it goes on");
            look.before = Some(reached);
        } else {
            assert!(look.after < reached, "it goes on");
            look.after = reached;
        }
    }
}

/// What is looked for is found, in order, page by page, and nothing else.
pub async fn what_is_looked_for_is_found(shelf: Shelf) {
    let store = shelf.store.as_ref();
    let begin = shelf.now().plus_seconds(10_000);
    store.record_events(events(begin)).await.unwrap();
    let log = whole_log(store).await;
    let mut found_some = 0;
    for look in questions(begin) {
        let mut expected: Vec<&AuditEvent> = log.iter().filter(|event| fits(&look, event)).collect();
        if look.latest_first {
            expected.reverse();
        }
        let found = pages(store, look.clone()).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{look:?}");
        found_some += usize::from(!found.is_empty());
    }
    assert!(found_some > 100, "{found_some}");
    let LogEnd { size, .. } = store.log_end().await.unwrap();
    assert_eq!(store.event_at(size).await.unwrap().as_ref(), log.last());
    assert_eq!(store.event_at(size + 1).await.unwrap(), None);
    assert_eq!(store.seq_before(begin.plus_seconds(-100)).await.unwrap(), size - 90);
    assert_eq!(store.seq_before(begin.plus_seconds(1_000)).await.unwrap(), size);
    let none = Look { limit: 0, ..Look::default() };
    assert_eq!(store.look(none).await.unwrap().events, []);
}

/// What stands now is what was done, and no more.
pub async fn what_stands_is_told(shelf: Shelf) {
    let store = shelf.store.as_ref();
    let now = shelf.now();
    let standing = store.standing(now, 5).await.unwrap();
    assert_eq!(
        (standing.waiting, standing.locked.count, standing.unconfirmed.count, standing.bypasses.count),
        (0, 0, 0, 0)
    );
    for (number, status) in [(1_u8, Status::Active), (2, Status::Disabled)] {
        let put = PutUser {
            act: shelf.act(),
            id: UserId::new(now, [number; 10]),
            username: name(&format!("locked{number}")),
            change: UserChange { status: Some(status), ..UserChange::default() },
            protected_groups: Vec::new(),
            as_admin: true,
        };
        assert!(matches!(store.put_user(put).await.unwrap(), UserPut::Created(_)));
        store.lock_user(shelf.act(), name(&format!("locked{number}")), "stolen".to_owned()).await.unwrap();
    }
    let standing = store.standing(now, 5).await.unwrap();
    // Whoever is disabled is not waiting for anybody.
    assert_eq!((standing.locked.count, standing.locked.first), (1, vec![("locked1".to_owned(), "stolen".to_owned())]));
    assert_eq!(store.count_users(UserState::Locked).await.unwrap(), 1);
    assert_eq!(store.count_users(UserState::Disabled).await.unwrap(), 1);
    assert_eq!(store.count_users(UserState::NotEnrolled).await.unwrap(), 2);
    let opened = shelf.open(&shelf.people[0]).await;
    let under_way = store.under_way(now, 5).await.unwrap();
    assert_eq!(under_way.iter().map(|challenge| challenge.id).collect::<Vec<_>>(), [opened.id]);
    assert_eq!(store.standing(now, 5).await.unwrap().waiting, 1);
    assert_eq!(store.under_way(now.plus_seconds(3_600), 5).await.unwrap(), []);
}
