use super::*;
use crate::push::trial::{hint, letter, notice};

const A: &str = "https://a.example/secret";
const B: &str = "https://b.example/secret";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_numeric_date(1_800_000_000 + seconds)
}

/// Takes a letter in; its origin stands for the entry of the list.
fn admit(queue: &mut Queue, letter: Letter) {
    let service = letter.origin();
    assert_eq!(queue.admit(letter, &service), 0);
}

/// Takes what may go now.
fn goes(queue: &mut Queue, now: Timestamp) -> Vec<Going> {
    let mut going = Vec::new();
    while let Some(next) = queue.next(now) {
        match next {
            Next::Try(next) => going.push(next),
            Next::Late => panic!("something came too late"),
        }
    }
    going
}

fn assert_empty(mut queue: Queue) {
    assert_eq!((queue.len(), queue.next_due(), queue.under_way), (0, None, 0));
    assert!(queue.lanes.values().all(|lane| lane.letters == 0 && lane.under_way == 0 && lane.waiting.is_empty()));
    assert!(queue.by_key.is_empty() && queue.by_device.is_empty() && queue.turns.is_empty());
    assert_eq!(queue.next(at(1_000_000)), None);
}

#[test]
fn one_push_service_that_hangs_holds_up_nobody_else() {
    let mut queue = Queue::default();
    for number in 0..500 {
        admit(&mut queue, letter(number, number, A, at(0)));
    }
    let hanging = goes(&mut queue, at(0));
    assert_eq!(hanging.len(), MAX_UNDER_WAY_IN_LANE);
    admit(&mut queue, letter(1_000, 1_000, B, at(0)));
    let other = goes(&mut queue, at(0));
    assert_eq!(other.len(), 1);
    assert_eq!(other[0].letter.to.endpoint.reveal(), B);
    assert_eq!(queue.done(other[0].ticket), None);
    // One that ends makes room for one, in the order in which they came.
    queue.done(hanging[3].ticket);
    let next = goes(&mut queue, at(0));
    assert_eq!(next.iter().map(|next| next.ticket).collect::<Vec<_>>(), [17]);
    for ticket in (1..=500).filter(|ticket| *ticket != 4) {
        goes(&mut queue, at(0));
        queue.done(ticket);
    }
    assert_empty(queue);
}

#[test]
fn lanes_take_turns() {
    let mut queue = Queue::default();
    for number in 0..4 {
        admit(&mut queue, letter(number, number, A, at(0)));
    }
    admit(&mut queue, letter(9, 9, B, at(0)));
    let order: Vec<String> = goes(&mut queue, at(0)).iter().map(|going| going.letter.origin()).collect();
    assert_eq!(order[..2], ["https://a.example", "https://b.example"]);
}

#[test]
fn everything_is_bounded() {
    let mut queue = Queue::default();
    for number in 0..MAX_LETTERS_OF_LANE {
        admit(&mut queue, letter(number as u32, 1, A, at(0)));
    }
    let service = letter(1, 1, A, at(0)).origin();
    assert_eq!(queue.admit(letter(99_999, 1, A, at(0)), &service), 1);
    for number in 0..10_000 {
        queue.admit(letter(100_000 + number, 1, B, at(0)), &format!("{}.example", number % 10));
    }
    assert_eq!(queue.len(), MAX_LETTERS);
    let under_way = 11 * MAX_UNDER_WAY_IN_LANE;
    assert!(under_way < MAX_UNDER_WAY);
    assert_eq!(goes(&mut queue, at(0)).len(), under_way);
    for number in 0..MAX_RESTS + 10 {
        queue.rest(&letter(1, 1, &format!("https://a.example/{number}"), at(0)), at(60), at(0));
    }
    assert!(queue.rests.len() <= MAX_RESTS);
}

#[test]
fn a_phone_has_few_letters_and_a_newer_one_displaces_the_oldest_but_no_notice() {
    let mut queue = Queue::default();
    admit(&mut queue, notice(1, A, at(0)));
    for number in 1..MAX_LETTERS_OF_DEVICE as u32 {
        admit(&mut queue, letter(1, number, A, at(0)));
    }
    let service = letter(1, 1, A, at(0)).origin();
    assert_eq!(queue.admit(letter(1, 100, A, at(0)), &service), 1);
    assert_eq!(queue.admit(hint(&letter(1, 101, A, at(0))), &service), 1);
    admit(&mut queue, letter(2, 1, A, at(0)));
    assert_eq!(queue.len(), MAX_LETTERS_OF_DEVICE + 1, "another phone has its own");
    let going = goes(&mut queue, at(0));
    let expected: Vec<Ticket> = std::iter::once(1).chain(4..=11).collect();
    assert_eq!(going.iter().map(|going| going.ticket).collect::<Vec<_>>(), expected);
    // All of them are under way: nothing can be displaced.
    assert_eq!(queue.admit(letter(1, 102, A, at(0)), &service), 1);
    assert_eq!(queue.len(), MAX_LETTERS_OF_DEVICE + 1);
    for going in going {
        queue.done(going.ticket);
    }
    assert_empty(queue);
}

#[test]
fn a_later_notice_of_the_same_kind_takes_the_place_of_the_earlier_one() {
    let mut queue = Queue::default();
    let later = notice(1, A, at(9));
    admit(&mut queue, notice(1, A, at(0)));
    admit(&mut queue, later.clone());
    let going = goes(&mut queue, at(9));
    assert_eq!((going.len(), &*going[0].letter), (1, &later));
    assert_eq!(later.topic().len(), 32);
    assert_ne!(later.topic(), notice(2, A, at(9)).topic(), "another person's");
    queue.done(going[0].ticket);
    assert_empty(queue);
}

#[test]
fn what_would_rest_for_longer_than_a_minute_is_given_up() {
    let mut queue = Queue::default();
    let first = notice(1, A, at(0));
    queue.rest(&first, at(3_600), at(0));
    for now in [0, 3_539] {
        admit(&mut queue, first.clone());
        assert_eq!(queue.next(at(now)), Some(Next::Late));
    }
    admit(&mut queue, first.clone());
    assert!(goes(&mut queue, at(3_540)).is_empty());
    assert_eq!(queue.next_due(), Some(at(3_600)));
    let going = goes(&mut queue, at(3_600));
    queue.done(going[0].ticket);
    assert_empty(queue);
}

#[test]
fn a_clock_that_was_set_back_silences_nobody() {
    let mut queue = Queue::default();
    let first = notice(1, A, at(0));
    queue.rest(&first, at(99_999), at(0));
    assert_eq!(queue.rests.values().copied().collect::<Vec<_>>(), [at(MOST_REST_SECONDS)]);
    admit(&mut queue, first);
    let going = goes(&mut queue, at(-1));
    assert_eq!(going.len(), 1, "no rest is so long");
    assert_eq!(queue.again(going[0].ticket, at(30)), None);
    assert!(goes(&mut queue, at(29)).is_empty());
    let going = goes(&mut queue, at(-31));
    assert_eq!(going.len(), 1, "nothing waits for so long");
    queue.done(going[0].ticket);
    assert_empty(queue);
}

#[test]
fn a_later_letter_about_the_same_takes_the_place_of_the_earlier_one() {
    let mut queue = Queue::default();
    let challenge = letter(1, 1, A, at(0));
    let told = hint(&challenge);
    admit(&mut queue, challenge.clone());
    admit(&mut queue, told.clone());
    let going = goes(&mut queue, at(0));
    assert_eq!(going.len(), 1);
    assert_eq!(*going[0].letter, told);
    queue.done(going[0].ticket);

    // What waits to be tried again is replaced as well.
    admit(&mut queue, challenge);
    let ticket = goes(&mut queue, at(0))[0].ticket;
    assert_eq!(queue.again(ticket, at(8)), None);
    assert_eq!(queue.next_due(), Some(at(8)));
    admit(&mut queue, told.clone());
    assert_eq!(queue.next_due(), None);
    let going = goes(&mut queue, at(0));
    assert_eq!((going.len(), &*going[0].letter, going[0].tries), (1, &told, 0));
    queue.done(going[0].ticket);
    assert_empty(queue);
}

#[test]
fn a_hint_does_not_overtake_the_challenge_that_is_under_way() {
    let mut queue = Queue::default();
    let challenge = letter(1, 1, A, at(0));
    admit(&mut queue, challenge.clone());
    let ticket = goes(&mut queue, at(0))[0].ticket;
    admit(&mut queue, hint(&challenge));
    assert!(goes(&mut queue, at(0)).is_empty());
    // It failed; nobody needs it any more.
    assert_eq!(queue.again(ticket, at(1)), Some(hint(&challenge)));
    assert_empty(queue);
}

#[test]
fn a_subscription_rests_as_long_as_its_push_service_asks() {
    let mut queue = Queue::default();
    let first = letter(1, 1, A, at(0));
    queue.rest(&first, at(20), at(0));
    admit(&mut queue, first);
    admit(&mut queue, letter(2, 1, "https://a.example/another", at(0)));
    assert_eq!(goes(&mut queue, at(0)).len(), 1, "the other one does not rest");
    assert_eq!(queue.next_due(), Some(at(20)));
    assert!(goes(&mut queue, at(19)).is_empty());
    let going = goes(&mut queue, at(20));
    assert_eq!(going.len(), 1);
    queue.rest(&going[0].letter, at(70), at(20));
    queue.again(going[0].ticket, at(70));
    assert_eq!(queue.next(at(70)), Some(Next::Late), "it is good for a minute only");
    admit(&mut queue, letter(1, 2, A, at(0)));
    assert_eq!(queue.next(at(20)), Some(Next::Late), "it would rest for longer than it is good");
    queue.done(2);
    assert_empty(queue);
}
