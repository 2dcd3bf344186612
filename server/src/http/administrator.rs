//! Whoever manages others: with a key, or signed in at the console. What he may do follows from his role alone.

use gatematch_domain::audit::Actor;
use gatematch_domain::role::{AdminKey, Role};
use gatematch_domain::user::User;
use gatematch_protocol::problem::Code;

use super::app::Inner;
use super::problem::{Answer, Problem};
use super::site::Guest;
use crate::store::Act;

/// Who manages others.
#[derive(Clone, Debug)]
pub(super) struct Administrator {
    /// As the audit log names him.
    pub(super) actor: Actor,
    /// What he may do.
    pub(super) role: Role,
    /// What he or his key is called.
    name: String,
    /// Whose account is his, where that is known.
    user: Option<String>,
    /// base64url(SHA-256(the cookie of his visit)), where he is at the console.
    visit: Option<String>,
}

impl From<&AdminKey> for Administrator {
    fn from(key: &AdminKey) -> Self {
        let actor = Actor::Admin { id: key.id, name: key.name.clone() };
        Self { actor, role: key.role, name: key.name.clone(), user: key.user.clone(), visit: None }
    }
}

impl Administrator {
    /// Somebody at the console; `None` where he has no role there.
    pub(super) fn at_console(guest: &Guest) -> Option<Self> {
        let (user, role) = (&guest.account.user, guest.account.user.role?);
        let name = user.username.to_string();
        let actor = Actor::Operator { user: user.id, name: name.clone(), role };
        let visit = Some(guest.visit.token_digest.clone());
        Some(Self { actor, role, name: name.clone(), user: Some(name), visit })
    }
}

/// The refusal of what only the role `admin` may do.
pub(super) fn needs_admin(what: &str) -> Problem {
    Problem::new(Code::RoleNotAllowed, format!("{what} needs the role admin."))
}

impl Inner {
    /// An administrator acts now: whoever is no `admin` must leave alone who is reserved to those.
    pub(super) fn act_of(&self, admin: &Administrator) -> Act {
        let mut act = self.act(admin.actor.clone());
        if admin.role != Role::Admin {
            act.spares.clone_from(&self.settings.protected_groups);
            act.spares_operators = true;
        }
        act.own = self.own_name(admin);
        act.visit.clone_from(&admin.visit);
        act
    }

    /// The name of his own account: as his key says, or as it is called.
    fn own_name(&self, admin: &Administrator) -> Option<String> {
        let called = || self.settings.domains.canonical(&admin.name).ok().map(|name| name.to_string());
        admin.user.clone().or_else(called)
    }

    /// Whether `user` is the administrator himself.
    pub(super) fn is_himself(&self, admin: &Administrator, user: &User) -> bool {
        self.own_name(admin).as_deref() == Some(user.username.as_str())
    }

    /// Refuses whoever is no `admin` where the user is reserved to those, and everybody where it is himself.
    ///
    /// # Errors
    /// 403 `role-not-allowed` or `own-account`.
    pub(super) fn may_manage(&self, admin: &Administrator, user: &User) -> Answer<()> {
        if self.is_himself(admin, user) {
            return Err(Problem::new(Code::OwnAccount, "Somebody else must do this."));
        }
        if admin.role == Role::Admin || !user.is_reserved(&self.settings.protected_groups) {
            return Ok(());
        }
        Err(needs_admin("Managing a user of a protected group"))
    }
}
