//! What the verbs about people, their phones and administrators' keys take and do.

use gatematch_domain::enrollment::Registration;
use gatematch_domain::user::{User, UserChange};
use gatematch_domain::username::Username;
use gatematch_protocol::id::UserId;
use gatematch_protocol::time::Timestamp;

use super::Act;

/// A new user, where [`super::Store::put_user`] finds none.
#[derive(Clone, Debug)]
pub struct PutUser {
    /// Who acts.
    pub act: Act,
    /// The account, should it be a new one.
    pub id: UserId,
    /// The name.
    pub username: Username,
    /// What changes.
    pub change: UserChange,
    /// The groups whose members administrators alone manage.
    pub protected_groups: Vec<String>,
    /// Whether the actor may make changes that need the role `admin`.
    pub as_admin: bool,
}

/// What [`super::Store::put_user`] did.
#[derive(Clone, Debug, PartialEq)]
pub enum UserPut {
    /// The account is new.
    Created(User),
    /// It was there.
    Changed(User),
    /// The change needs the role `admin`.
    NeedsAdmin,
}

/// What [`super::Store::delete_user`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserDeleted {
    /// He is gone.
    Done,
    /// There was none.
    Unknown,
    /// He is disabled or in a group, and whoever makes him again would lift that: it needs the role `admin`.
    NeedsAdmin,
}

/// What [`super::Store::revoke_admin_key`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRevoked {
    /// It is gone.
    Done,
    /// There was none.
    Unknown,
    /// It is the last one with the role `admin`.
    LastAdministrator,
}

/// What [`super::Store::register_device`] takes.
#[derive(Clone, Debug)]
pub struct RegisterDevice {
    /// When.
    pub now: Timestamp,
    /// base64url(SHA-256(token)).
    pub token_digest: String,
    /// The phone.
    pub phone: Registration,
}

/// Which users [`super::Store::users`] yields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// Those with this text in a name; all where it is empty.
    pub text: String,
    /// Those after this name.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// Those with which nobody has signed in since then, and that were there before.
    pub idle_since: Option<Timestamp>,
    /// Those of which this holds.
    pub state: Option<UserState>,
}

/// What [`UserQuery`] can ask of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// There is neither a confirmed phone nor anything else to sign in with.
    NotEnrolled,
    /// It is locked, and not disabled.
    Locked,
    /// It is disabled.
    Disabled,
    /// It has a role at the console.
    Operator,
}
