//! The simulated people: made before a load, and taken away after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use gatematch_protocol::user::PutUser;
use tokio::task::{JoinError, JoinSet};

use super::bell::{Bell, Rung};
use super::fleet::Fleet;
use crate::admin::Admin;
use crate::edge::{self, Clock};
use crate::failure::Failure;
use crate::phone::Phone;

/// How many people are made, or taken away, at once: what the server writes at once becomes one group on its disk.
const AT_ONCE: usize = 64;

/// A user with a phone.
pub struct Person {
    /// The canonical name.
    pub user: String,
    /// His phone.
    pub phone: Phone,
    /// Where he hears it ring, if it rings.
    pub rung: Option<Rung>,
}

/// Where people come from.
#[derive(Clone)]
pub struct Origin {
    /// Makes them.
    pub admin: Admin,
    /// What their phones believe in.
    pub issuer: String,
    /// How their names begin.
    pub prefix: String,
    /// Tells the time.
    pub clock: Clock,
    /// Where their phones talk to, in turn; `None`: where the administrator does.
    pub fleet: Option<Fleet>,
    /// What rings their phones.
    pub bell: Option<Arc<Bell>>,
}

impl Origin {
    /// People whose phones fetch, by the administrator's own connection.
    #[must_use]
    pub fn new(admin: Admin, issuer: &str, prefix: &str, clock: Clock) -> Self {
        Self { admin, issuer: issuer.to_owned(), prefix: prefix.to_owned(), clock, fleet: None, bell: None }
    }

    /// Makes `count` users, named `<prefix>-0`, `<prefix>-1`, ..., each with an enrolled phone. They are made a few at
    /// once, and given back in the order of their numbers; `made` hears how many there are.
    ///
    /// # Errors
    /// The first [`Failure`], once nothing is under way any more.
    pub async fn people(&self, count: u32, made: impl Fn(usize)) -> Result<Vec<Person>, Failure> {
        let mut making = JoinSet::new();
        let mut people = BTreeMap::new();
        let mut outcome = Ok(());
        for index in 0..count {
            let origin = self.clone();
            making.spawn(async move { origin.person(index).await.map(|person| (index, person)) });
            if making.len() >= AT_ONCE {
                outcome = keep(&mut people, making.join_next().await);
                made(people.len());
            }
            if outcome.is_err() {
                break;
            }
        }
        while let Some(next) = making.join_next().await {
            outcome = outcome.and(keep(&mut people, Some(next)));
            made(people.len());
        }
        outcome.map(|()| people.into_values().collect())
    }

    async fn person(&self, index: u32) -> Result<Person, Failure> {
        let user = self.admin.put_user(&self.name(index), &PutUser::default()).await?.username;
        let enrollment = self.admin.create_enrollment(&user, None).await?;
        let turn = usize::try_from(index).unwrap_or_default();
        let nodes = self.fleet.as_ref().map_or(1, Fleet::nodes);
        let api = self.fleet.as_ref().map_or(&self.admin.api, |fleet| fleet.line(turn, turn / nodes));
        let phone = Phone::new(api.clone(), &self.issuer, edge::random_key(), Arc::clone(&self.clock));
        let phone = phone.quick().map_err(|_| Failure::Missing("a phone's key cannot be used"))?;
        let token = enrollment.token.reveal();
        let rung = match &self.bell {
            Some(bell) => {
                let (subscription, rung) = bell.subscribe();
                phone.enroll_with_push(token, "Load generator", &subscription).await?;
                Some(rung)
            }
            None => {
                phone.enroll(token, "Load generator").await?;
                None
            }
        };
        Ok(Person { user, phone, rung })
    }

    fn name(&self, index: u32) -> String {
        format!("{}-{index}", self.prefix)
    }

    /// Takes the people away that were made; users that were never made are no fault.
    ///
    /// # Errors
    /// The first [`Failure`]; some of them are left then.
    pub async fn forget(&self, count: u32) -> Result<(), Failure> {
        let mut leaving = JoinSet::new();
        let mut outcome = Ok(());
        let gone = |left: Result<Result<(), Failure>, JoinError>| match left {
            Ok(Err(failure)) if failure.status() != Some(404) => Err(failure),
            _ => Ok(()),
        };
        for index in 0..count {
            let (admin, name) = (self.admin.clone(), self.name(index));
            leaving.spawn(async move { admin.delete_user(&name).await });
            if leaving.len() >= AT_ONCE
                && let Some(left) = leaving.join_next().await
            {
                outcome = gone(left);
            }
            if outcome.is_err() {
                break;
            }
        }
        while let Some(left) = leaving.join_next().await {
            outcome = outcome.and(gone(left));
        }
        outcome
    }
}

type Made = Result<Result<(u32, Person), Failure>, JoinError>;

fn keep(people: &mut BTreeMap<u32, Person>, next: Option<Made>) -> Result<(), Failure> {
    let Some(next) = next else { return Ok(()) };
    let (index, person) = next.map_err(|_| Failure::Missing("a person could not be made"))??;
    people.insert(index, person);
    Ok(())
}
