//! One of those who sign in all the time: a gateway and the phones of a few people, one login after the other.

use std::sync::Arc;

use futures_util::future::{join, join_all};
use gatematch_client_sim::phone::Phone;
use gatematch_protocol::id::ChallengeId;
use gatematch_protocol::response::Decision;
use tokio::sync::watch;

use super::history::{Answering, Asked, Told};
use super::town::{Person, Town, pause};
use crate::dice::Dice;
use crate::moves::another_number;

/// How long gateways and phones wait for an answer, in seconds.
const WAIT: u32 = 5;
/// How long a challenge lives: longer than the run, or as short as can be.
const LIFETIMES: (i64, i64) = (600, 10);

/// What is to become of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    /// The phone approves.
    Approve,
    /// The phone approves, and the gateway redeems twice at once, by two names.
    RedeemTwice,
    /// One phone approves while the other denies.
    Quarrel,
    /// The phone approves while the gateway takes it back.
    Cancel,
    /// The phone denies.
    Deny,
    /// The phone has a wrong number.
    Mistype,
    /// Nobody answers.
    Forget,
}

impl Intent {
    /// Most people only want to get in. Whoever is forgotten takes ten seconds.
    fn of(dice: &mut Dice, has_time: bool) -> Self {
        match dice.roll(100) {
            0..=59 => Self::Approve,
            60..=69 => Self::RedeemTwice,
            70..=79 => Self::Quarrel,
            80..=89 => Self::Cancel,
            90..=94 => Self::Deny,
            95..=97 => Self::Mistype,
            _ if has_time => Self::Forget,
            _ => Self::Approve,
        }
    }

    /// What each of the person's phones does.
    fn answers(self) -> &'static [Answering] {
        match self {
            Self::Approve | Self::RedeemTwice | Self::Cancel => &[Answering::Approves],
            Self::Quarrel => &[Answering::Approves, Answering::Denies],
            Self::Deny => &[Answering::Denies],
            Self::Mistype => &[Answering::Mistypes],
            Self::Forget => &[],
        }
    }
}

/// A challenge that is pending, and who has to do with it.
struct Login<'a> {
    town: &'a Town,
    person: &'a Person,
    key: String,
    id: ChallengeId,
    number: String,
    intent: Intent,
    /// Whether nobody has to answer any more.
    is_decided: watch::Sender<bool>,
}

/// Signs people in until the end.
pub(super) async fn work(town: Arc<Town>, people: Vec<Person>, mut dice: Dice, has_time: bool) {
    for turn in 0.. {
        if town.is_over() {
            return;
        }
        let person = &people[turn % people.len()];
        let intent = Intent::of(&mut dice, has_time);
        let lifetime = if intent == Intent::Forget { LIFETIMES.1 } else { LIFETIMES.0 };
        let key = format!("{}-{turn}", person.name);
        let asked = Asked::Create { key: key.clone(), user: person.name.clone(), lifetime };
        // Any other answer ends it, and the checker looks at it.
        if let Told::State { id, status, number: Some(number), .. } = town.told(asked, &mut dice).await
            && status == "pending"
        {
            let is_decided = watch::Sender::default();
            let login = Login { town: &town, person, key, id, number, intent, is_decided };
            login.go_through(&mut dice).await;
        }
    }
}

impl Login<'_> {
    async fn go_through(&self, dice: &mut Dice) {
        let answers = self.person.phones.iter().zip(self.intent.answers());
        let phones: Vec<_> = answers.map(|(phone, answer)| self.answer(phone, *answer, dice.split())).collect();
        join(self.redeem(dice.split()), join_all(phones)).await;
        // Each node tells the same in the end.
        let looks = (0..self.town.nodes()).map(|node| self.town.told_by(node, Asked::Look { id: self.id }));
        join_all(looks).await;
    }

    /// The gateway's part.
    async fn redeem(&self, mut dice: Dice) {
        if self.intent == Intent::Cancel {
            pause(dice.roll(60)).await;
            self.town.told(Asked::Cancel { id: self.id }, &mut dice).await;
        }
        let count = if self.intent == Intent::RedeemTwice { 2 } else { 1 };
        let redemptions = (0..count).map(|index| self.redeem_as(format!("{}-{index}", self.key), dice.split()));
        join_all(redemptions.collect::<Vec<_>>()).await;
        self.is_decided.send_replace(true);
    }

    async fn redeem_as(&self, redemption: String, mut dice: Dice) {
        loop {
            let asked = Asked::Redeem { id: self.id, redemption: redemption.clone(), wait: WAIT };
            match self.town.told(asked, &mut dice).await {
                Told::State { status, .. } if status == "pending" => {}
                // Whoever lost the answer asks again, and so does he who does not know that he has it.
                Told::State { status, .. } if status == "redeemed" && dice.roll(4) == 0 => {
                    let asked = Asked::Redeem { id: self.id, redemption, wait: 0 };
                    self.town.told(asked, &mut dice).await;
                    return;
                }
                _ => return,
            }
        }
    }

    /// A phone's part. There is one of it at each node.
    async fn answer(&self, phone: &[Phone], answering: Answering, mut dice: Dice) {
        let Some(challenge) = self.fetch(phone, &mut dice).await else { return };
        let wrong = another_number(&self.number);
        let (decision, number) = match answering {
            Answering::Approves => (Decision::Approve, Some(self.number.as_str())),
            Answering::Mistypes => (Decision::Approve, Some(wrong.as_str())),
            Answering::Denies => (Decision::Deny, None),
        };
        let response = phone[0].response(&challenge, decision, number, None).unwrap();
        let device = phone[0].device_id().unwrap();
        self.town.told(Asked::Respond { id: self.id, device, answering, response }, &mut dice).await;
    }

    /// The signed challenge as soon as it waits on the phone; nothing where it is over first.
    async fn fetch(&self, phone: &[Phone], dice: &mut Dice) -> Option<String> {
        let mut node = self.town.any(dice);
        let mut is_decided = self.is_decided.subscribe();
        loop {
            let waiting = tokio::select! {
                waiting = phone[node].waiting(WAIT) => waiting,
                _ = is_decided.wait_for(|is_decided| *is_decided) => return None,
            };
            let found = waiting.ok().and_then(|found| found.into_iter().find(|waiting| waiting.id == self.id));
            if let Some(found) = found {
                phone[node].read(&found.challenge).await.unwrap_or_else(|fault| panic!("{}: {fault}", self.id));
                return Some(found.challenge);
            }
            node = self.town.next(node);
            pause(20 + dice.roll(60)).await;
        }
    }
}
