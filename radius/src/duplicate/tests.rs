use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_numeric_date(second)
}

fn key(port: u16, identifier: u8, authenticator: u8) -> Key {
    Key { source: SocketAddr::from(([192, 0, 2, 1], port)), identifier, authenticator: [authenticator; 16] }
}

fn answer(octet: u8) -> Arc<[u8]> {
    vec![octet; 20].into()
}

/// A table whose entries are named by key alone: the last that had it is meant, and each is told as number 0.
struct Table {
    table: Duplicates,
    serials: HashMap<Key, u64>,
}

impl Table {
    fn new(limits: Limits) -> Self {
        Self { table: Duplicates::new(limits), serials: HashMap::new() }
    }

    fn begin(&mut self, key: Key, octets: &[u8], now: Timestamp) -> Begun {
        let mut begun = self.table.begin(key, octets, now);
        if let Begun::New { serial, .. } = &mut begun {
            self.serials.insert(key, std::mem::take(serial));
        }
        begun
    }

    fn serial(&self, key: &Key) -> u64 {
        self.serials.get(key).copied().unwrap_or_default()
    }

    fn answer(&mut self, key: &Key, octets: Arc<[u8]>, now: Timestamp) -> bool {
        self.table.answer(key, self.serial(key), octets, now)
    }

    fn forget(&mut self, key: &Key) -> bool {
        self.table.forget(key, self.serial(key))
    }
}

impl std::ops::Deref for Table {
    type Target = Duplicates;

    fn deref(&self) -> &Duplicates {
        &self.table
    }
}

const NEW: Begun = Begun::New { serial: 0, superseded: None };

fn after(key: Key) -> Begun {
    Begun::New { serial: 0, superseded: Some(key) }
}

/// The octets of a request.
const ONE: &[u8] = b"one";

#[test]
fn a_retransmission_waits_and_then_gets_the_same_octets() {
    let mut table = Table::new(Limits::default());
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(0)), NEW);
    for second in 0..100 {
        assert_eq!(table.begin(key(1, 1, 1), ONE, at(second)), Begun::InProgress);
    }
    assert!(table.answer(&key(1, 1, 1), answer(9), at(100)));
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(129)), Begun::Answered(answer(9)));
    assert!(!table.answer(&key(1, 1, 1), answer(8), at(129)), "the first answer stays");
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(130)), NEW);
}

#[test]
fn address_port_and_identifier_tell_requests_apart() {
    let mut table = Table::new(Limits::default());
    let mut other = key(1, 1, 1);
    other.source.set_ip([192, 0, 2, 2].into());
    for key in [key(1, 1, 1), key(2, 1, 1), key(1, 2, 1), other] {
        assert_eq!(table.begin(key, ONE, at(0)), NEW);
    }
    assert_eq!((table.len(), table.in_progress()), (4, 4));
}

#[test]
fn ra_05_another_authenticator_takes_the_place() {
    let mut table = Table::new(Limits::default());
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(0)), NEW);
    assert_eq!(table.begin(key(1, 1, 2), ONE, at(1)), after(key(1, 1, 1)));
    assert!(!table.answer(&key(1, 1, 1), answer(1), at(2)), "it is gone");
    assert!(!table.forget(&key(1, 1, 1)));
    assert_eq!(table.begin(key(1, 1, 2), ONE, at(2)), Begun::InProgress);
    assert!(table.answer(&key(1, 1, 2), answer(2), at(3)));
    assert_eq!(table.begin(key(1, 1, 3), ONE, at(4)), NEW, "an answered one is only forgotten");
    assert_eq!((table.len(), table.in_progress(), table.octets), (1, 1, 0));
}

#[test]
fn an_entry_is_no_other_with_the_same_key() {
    let mut table = Duplicates::new(Limits::default());
    let (a, b) = (key(1, 1, 1), key(1, 1, 2));
    let mut begin = |key, superseded| match table.begin(key, ONE, at(0)) {
        Begun::New { serial, superseded: before } if before == superseded => serial,
        other => panic!("{other:?}"),
    };
    let (first, second, third) = (begin(a, None), begin(b, Some(a)), begin(a, Some(b)));
    for serial in [0, first, second] {
        assert!(!table.is_in_progress(&a, serial));
        assert!(table.is_entered_again(&a, serial));
        assert!(!table.answer(&a, serial, answer(1), at(1)));
        assert!(!table.forget(&a, serial));
    }
    assert_eq!(table.begin(a, ONE, at(1)), Begun::InProgress);
    assert!(table.is_in_progress(&a, third) && !table.is_entered_again(&a, third));
    assert!(!table.is_entered_again(&b, second));
    assert!(table.answer(&a, third, answer(3), at(1)));
    assert!(table.is_entered_again(&a, first), "also when it is answered");
    assert_eq!(table.begin(a, ONE, at(2)), Begun::Answered(answer(3)));
}

#[test]
fn the_authenticator_of_another_request_gets_nothing_of_it() {
    let mut table = Table::new(Limits::default());
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(0)), NEW);
    assert_eq!(table.begin(key(1, 1, 1), b"other", at(0)), Begun::Reused);
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(0)), Begun::InProgress, "it is as it was");
    assert!(table.answer(&key(1, 1, 1), answer(1), at(1)));
    assert_eq!(table.begin(key(1, 1, 1), b"", at(30)), Begun::Reused);
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(30)), Begun::Answered(answer(1)));
    assert_eq!(table.begin(key(1, 1, 1), b"other", at(31)), NEW, "the answer is forgotten by now");
    assert_eq!(table.begin(key(1, 1, 2), ONE, at(31)), after(key(1, 1, 1)));
}

#[test]
fn what_is_forgotten_is_new_again() {
    let mut table = Table::new(Limits::default());
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(0)), NEW);
    assert!(table.forget(&key(1, 1, 1)));
    assert!(!table.forget(&key(1, 1, 1)));
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(0)), NEW);
    assert!(table.answer(&key(1, 1, 1), answer(1), at(0)));
    assert!(!table.forget(&key(1, 1, 1)), "an answer stays");
}

#[test]
fn a_full_table_refuses_but_lets_old_answers_go() {
    let mut table = Table::new(Limits { entries: 2, octets: usize::MAX });
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(0)), NEW);
    assert_eq!(table.begin(key(1, 2, 1), ONE, at(0)), NEW);
    assert_eq!(table.begin(key(1, 3, 1), ONE, at(0)), Begun::Full);
    assert_eq!(table.begin(key(1, 2, 2), ONE, at(0)), after(key(1, 2, 1)), "no more than before");
    assert!(table.answer(&key(1, 1, 1), answer(1), at(10)));
    assert_eq!(table.begin(key(1, 3, 1), ONE, at(14)), Begun::Full);
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(14)), Begun::Answered(answer(1)), "to refuse costs nobody his answer");
    assert_eq!(table.begin(key(1, 3, 1), ONE, at(15)), NEW);
    assert_eq!(table.begin(key(1, 4, 1), ONE, at(99)), Begun::Full, "those in progress stay");
}

#[test]
fn octets_are_bounded_with_room_for_each_answer() {
    let mut table = Table::new(Limits { entries: usize::MAX, octets: 2 * MAX_LENGTH });
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(0)), NEW);
    assert_eq!(table.begin(key(1, 2, 1), ONE, at(0)), NEW);
    assert_eq!(table.begin(key(1, 3, 1), ONE, at(0)), Begun::Full);
    assert!(table.answer(&key(1, 1, 1), answer(1), at(0)));
    assert_eq!(table.begin(key(1, 3, 1), ONE, at(4)), Begun::Full, "20 octets are missing");
    assert_eq!(table.begin(key(1, 3, 1), ONE, at(5)), NEW);
}

#[test]
fn the_queue_does_not_grow_with_answers_that_were_superseded() {
    let mut table = Table::new(Limits { entries: 4, octets: usize::MAX });
    assert_eq!(table.begin(key(1, 2, 1), ONE, at(0)), NEW);
    assert!(table.answer(&key(1, 2, 1), answer(1), at(0)), "this one stays in front");
    for authenticator in 0..=255 {
        assert_eq!(table.begin(key(1, 1, authenticator), ONE, at(0)), NEW);
        assert!(table.answer(&key(1, 1, authenticator), answer(1), at(0)));
        assert!(table.answered.len() <= 2 * 4);
    }
    assert_eq!(table.len(), 2);
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_for_ever() {
    let mut table = Table::new(Limits::default());
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(10_000)), NEW);
    assert!(table.answer(&key(1, 1, 1), answer(1), at(10_000)));
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(9_990)), Begun::Answered(answer(1)));
    assert_eq!(table.begin(key(1, 1, 1), ONE, at(5_000)), NEW);
}

/// An answer, and when it was given.
type Given = (Arc<[u8]>, Timestamp);

/// The same table as one would write it without a thought of speed: a list, searched from end to end.
struct Model {
    limits: Limits,
    entries: Vec<Known>,
}

struct Known {
    key: Key,
    octets: Vec<u8>,
    answer: Option<Given>,
}

impl Model {
    /// Answers that are too old go; those in progress stay where they are.
    fn expire(&mut self, life: i64, now: Timestamp) {
        self.entries.retain(|known| known.answer.as_ref().is_none_or(|(_, at)| now < at.plus_seconds(life)));
    }

    fn has_room(&self, key: &Key) -> bool {
        let others = || self.entries.iter().filter(|other| other.key.slot() != key.slot());
        let octets: usize =
            others().map(|known| known.answer.as_ref().map_or(MAX_LENGTH, |(octets, _)| octets.len())).sum();
        others().count() < self.limits.entries && octets + MAX_LENGTH <= self.limits.octets
    }

    fn begin(&mut self, key: Key, octets: &[u8], now: Timestamp) -> Begun {
        self.expire(LIFE_SECONDS, now);
        match self.entries.iter().find(|known| known.key == key) {
            Some(known) if known.octets != octets => return Begun::Reused,
            Some(Known { answer: None, .. }) => return Begun::InProgress,
            Some(Known { answer: Some((octets, _)), .. }) => return Begun::Answered(Arc::clone(octets)),
            None => {}
        }
        if !self.has_room(&key) {
            self.expire(LEAST_LIFE_SECONDS, now);
        }
        if !self.has_room(&key) {
            return Begun::Full;
        }
        let place = self.entries.iter().position(|other| other.key.slot() == key.slot());
        let before = place.map(|place| self.entries.remove(place));
        self.entries.push(Known { key, octets: octets.to_vec(), answer: None });
        Begun::New { serial: 0, superseded: before.filter(|known| known.answer.is_none()).map(|known| known.key) }
    }

    fn in_progress(&self, key: &Key) -> Option<usize> {
        self.entries.iter().position(|known| known.key == *key && known.answer.is_none())
    }

    fn answer(&mut self, key: &Key, octets: Arc<[u8]>, now: Timestamp) -> bool {
        let Some(place) = self.in_progress(key) else { return false };
        self.entries[place].answer = Some((octets, now));
        true
    }

    fn forget(&mut self, key: &Key) -> bool {
        self.in_progress(key).map(|place| self.entries.remove(place)).is_some()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Begin(Key, u8),
    Answer(Key, usize),
    Forget(Key),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Step> {
    let keys = || (0_u16..3, 0_u8..3, 0_u8..3).prop_map(|(port, identifier, filler)| key(port, identifier, filler));
    prop_oneof![
        5 => (keys(), 0_u8..2).prop_map(|(key, content)| Step::Begin(key, content)),
        4 => (keys(), 20_usize..=MAX_LENGTH).prop_map(|(key, length)| Step::Answer(key, length)),
        1 => keys().prop_map(Step::Forget),
        2 => (0_i64..12).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn it_is_the_simple_table(
        path in proptest::collection::vec(steps(), 0..200),
        entries in 0_usize..8,
        packets in 0_usize..8,
    ) {
        let limits = Limits { entries, octets: packets * MAX_LENGTH };
        let mut table = Table::new(limits);
        let mut model = Model { limits, entries: Vec::new() };
        let mut now = at(0);
        for (number, step) in path.into_iter().enumerate() {
            match step {
                Step::Begin(key, content) => {
                    prop_assert_eq!(table.begin(key, &[content], now), model.begin(key, &[content], now));
                    prop_assert_eq!(table.is_in_progress(&key, table.serial(&key)), model.in_progress(&key).is_some());
                    prop_assert_eq!(table.len(), model.entries.len());
                }
                Step::Answer(key, length) => {
                    let octets: Arc<[u8]> = vec![(number % 256) as u8; length].into();
                    let told = table.answer(&key, Arc::clone(&octets), now);
                    prop_assert_eq!(told, model.answer(&key, octets, now));
                }
                Step::Forget(key) => prop_assert_eq!(table.forget(&key), model.forget(&key)),
                Step::Wait(seconds) => now = now.plus_seconds(seconds),
            }
            let in_progress = model.entries.iter().filter(|known| known.answer.is_none()).count();
            prop_assert_eq!(table.in_progress(), in_progress);
            prop_assert!(table.len() <= entries);
            prop_assert!(table.octets + table.in_progress() * MAX_LENGTH <= limits.octets);
            prop_assert!(table.answered.len() <= 2 * entries);
        }
    }
}
