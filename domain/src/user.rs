//! Users.

use gatematch_protocol::id::UserId;
use gatematch_protocol::time::Timestamp;
use gatematch_protocol::user::{PutUser, UserView};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::habit::Habits;
use crate::limits::Limits;
use crate::reuse::Grants;
use crate::role::Role;
use crate::text::{outside, outside_if_given};
use crate::username::{Username, fold};

/// Whether an account may be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It may.
    Active,
    /// It may not, by an administrator's decision.
    Disabled,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// A user's account.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Names the account; a user made again gets another one.
    pub id: UserId,
    /// The canonical name.
    pub username: Username,
    /// What people call him.
    pub display_name: Option<String>,
    /// Where mail reaches him.
    pub email: Option<String>,
    /// For policy, and for protection.
    pub groups: Vec<String>,
    /// Whether the account may be used at all.
    pub status: Status,
    /// What he may do at the console; `None`: he has no business there.
    pub role: Option<Role>,
    /// Why the account is locked, where it is.
    pub locked: Option<String>,
    /// What counts against him.
    pub limits: Limits,
    /// From where he signs in as a rule.
    pub habits: Habits,
    /// His approvals that may serve further logins.
    pub grants: Grants,
    /// When a factor of his, or a rule, last let him in.
    pub last_sign_in_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl User {
    /// A new, active account without factors.
    #[must_use]
    pub fn new(id: UserId, username: Username, now: Timestamp) -> Self {
        Self {
            id,
            username,
            display_name: None,
            email: None,
            groups: Vec::new(),
            status: Status::Active,
            role: None,
            locked: None,
            limits: Limits::default(),
            habits: Habits::default(),
            grants: Grants::default(),
            last_sign_in_at: None,
            created_at: now,
        }
    }

    /// Whether a login may go on: neither disabled nor locked.
    #[must_use]
    pub fn may_sign_in(&self) -> bool {
        self.status == Status::Active && self.locked.is_none()
    }

    /// Whether the account lets anybody in, in the word of lists: `active`, `locked` or `disabled`.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match (self.status, &self.locked) {
            (Status::Disabled, _) => "disabled",
            (Status::Active, Some(_)) => "locked",
            (Status::Active, None) => "active",
        }
    }

    /// Whether nobody has signed in as him for `seconds`; since he was unlocked, where that is later.
    #[must_use]
    pub fn is_dormant(&self, seconds: i64, now: Timestamp) -> bool {
        let last = self.last_sign_in_at.max(self.limits.awake_since()).unwrap_or(self.created_at);
        last.max(self.created_at).plus_seconds(seconds) <= now
    }

    /// Whether something binds him that deleting him and making him again would lift: his groups, or being disabled.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        !self.groups.is_empty() || self.status == Status::Disabled
    }

    /// Whether one of his groups is among the protected ones. Case, width and blanks at the ends make no
    /// difference: a look-alike is protected too.
    #[must_use]
    pub fn is_protected(&self, protected_groups: &[String]) -> bool {
        let same = |one: &str, other: &str| fold(one).trim() == fold(other).trim();
        self.groups.iter().any(|group| protected_groups.iter().any(|other| same(group, other)))
    }

    /// Whether administrators alone manage him: somebody in a protected group, or with a role at the console. Or the
    /// helpdesk could become whoever it likes, by a phone of its own for his account.
    #[must_use]
    pub fn is_reserved(&self, protected_groups: &[String]) -> bool {
        self.role.is_some() || self.is_protected(protected_groups)
    }

    /// As administrators see him.
    #[must_use]
    pub fn view(&self, devices: u32) -> UserView {
        UserView {
            id: self.id,
            username: self.username.to_string(),
            display_name: self.display_name.clone(),
            email: self.email.clone(),
            groups: self.groups.clone(),
            status: self.status.as_str().to_owned(),
            locked: self.locked.is_some(),
            devices,
            last_sign_in_at: self.last_sign_in_at,
            created_at: self.created_at,
        }
    }
}

/// What is to change of a user; absent parts stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// What people call him.
    pub display_name: Option<String>,
    /// Where mail reaches him.
    pub email: Option<String>,
    /// For policy.
    pub groups: Option<Vec<String>>,
    /// Whether the account may be used at all.
    pub status: Option<Status>,
}

impl UserChange {
    /// The change that `body` asks for.
    ///
    /// # Errors
    /// [`Fault::Range`] for a text or word that is out of range, more than 64 groups, or an email address of
    /// more than 254 characters or without `@`.
    pub fn from_body(body: &PutUser) -> Result<Self, Fault> {
        let status = match body.status.as_deref() {
            None => None,
            Some("active") => Some(Status::Active),
            Some("disabled") => Some(Status::Disabled),
            Some(_) => return Err(Fault::range("status", "must be active or disabled")),
        };
        let email_is_sound = |email: &str| {
            email.len() <= 254
                && email.contains('@')
                && !email.chars().any(|c| c.is_whitespace() || crate::text::steers(c))
        };
        if body.email.as_deref().is_some_and(|email| !email_is_sound(email)) {
            return Err(Fault::range("email", "must be an address of at most 254 characters"));
        }
        Ok(Self {
            display_name: outside_if_given("display_name", body.display_name.as_deref())?,
            email: body.email.clone(),
            groups: body.groups.as_deref().map(groups).transpose()?,
            status,
        })
    }

    /// Whether only the role `admin` may make this change of `user` (`None`: he does not exist yet).
    #[must_use]
    pub fn needs_admin(&self, user: Option<&User>) -> bool {
        let enables = self.status == Some(Status::Active) && user.is_some_and(|user| user.status == Status::Disabled);
        self.groups.is_some() || enables
    }

    /// Makes the change; true when anything but the status changed.
    pub fn apply(&self, user: &mut User) -> bool {
        let before = user.clone();
        let set = |to: &mut Option<String>, from: &Option<String>| {
            if from.is_some() {
                to.clone_from(from);
            }
        };
        set(&mut user.display_name, &self.display_name);
        set(&mut user.email, &self.email);
        if let Some(groups) = &self.groups {
            user.groups.clone_from(groups);
        }
        *user != before
    }
}

fn groups(given: &[String]) -> Result<Vec<String>, Fault> {
    if given.len() > 64 {
        return Err(Fault::range("groups", "must be at most 64"));
    }
    let mut groups = given.iter().map(|group| outside("groups", group)).collect::<Result<Vec<_>, _>>()?;
    groups.sort();
    groups.dedup();
    Ok(groups)
}
