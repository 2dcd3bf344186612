//! The connect page.

use gatematch_domain::account::Account;
use gatematch_domain::audit::{Actor, Journal};
use gatematch_domain::connect::{Bound, NothingToConfirm, OnPage, Pages, Session, Shown, count_unheard};
use gatematch_domain::passcode::StaleCode;
use gatematch_domain::user::User;
use gatematch_domain::username::Username;
use gatematch_protocol::id::{BrowserId, SessionId};
use gatematch_protocol::time::Timestamp;

use super::Verb;
use crate::store::world::{Needs, World};
use crate::store::{Act, ArmSession, Armed, ConfirmSession, PagePasscode, TellApproval};

impl Verb for ArmSession {
    type Reply = Armed;

    fn act(&self) -> Option<&Act> {
        None
    }

    // Nothing here depends on whether somebody has the name.
    fn needs(&self, needs: &mut Needs) {
        needs.pages.insert(self.session.name.clone());
        needs.sessions.extend(self.replaces.clone());
        let now = self.session.armed_at;
        needs.counted.entry(self.session.block).and_modify(|known| *known = now.max(*known)).or_insert(now);
    }

    fn apply(&self, world: &mut World) -> Armed {
        let replaced = self.replaces.as_ref().and_then(|token| world.session_by_token(token)).cloned();
        if let Some(old) = replaced.as_ref().filter(|old| old.name != self.session.name) {
            world.pages.entry(old.name.clone()).or_default().replace(old.id, self.session.armed_at);
        }
        let mut session = self.session.clone();
        let from_address = world.counted.get(&session.block).copied().unwrap_or(0);
        let pages = world.pages.entry(session.name.clone()).or_default();
        session.browser = pages.browser_with(self.browser_token.as_deref(), session.armed_at).map(|browser| browser.id);
        let counted_before = pages.counted(session.armed_at);
        let id = pages.arm(session, replaced.as_ref(), from_address);
        let newly_counted = pages.counted(self.session.armed_at).saturating_sub(counted_before);
        let armed = pages.session(id).map(|armed| Armed { expires_at: armed.expires_at, hears: armed.hears });
        *world.counted.entry(self.session.block).or_default() += newly_counted;
        armed.unwrap_or(Armed { expires_at: self.session.expires_at, hears: false })
    }
}

/// A sign of life of a page.
pub(crate) struct RenewSession {
    pub(crate) now: Timestamp,
    pub(crate) token_digest: String,
}

impl Verb for RenewSession {
    type Reply = ();

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.sessions.insert(self.token_digest.clone());
    }

    fn apply(&self, world: &mut World) {
        let sessions = world.pages.values_mut().flat_map(|pages| &mut pages.sessions);
        for session in sessions.filter(|session| session.token_digest == self.token_digest) {
            session.renew(self.now);
        }
    }
}

impl World {
    /// Runs `step` on the account and the pages of the session with this cookie; `None` where there is no such
    /// session, or nobody has its name.
    fn at_page<T>(
        &mut self,
        token_digest: &str,
        now: Timestamp,
        step: impl FnOnce(&mut Account, &mut Pages, SessionId, &mut Journal) -> T,
    ) -> Option<T> {
        let Session { id, name, .. } = self.session_by_token(token_digest)?.clone();
        self.by(&Act::new(Actor::Browser(id), now), |world, journal| {
            let (account, pages) = world.account_and_pages(&name)?;
            Some(step(account, pages, id, journal))
        })
    }
}

impl Verb for ConfirmSession {
    type Reply = Option<Result<(), NothingToConfirm>>;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.served.insert(self.token_digest.clone());
    }

    fn apply(&self, world: &mut World) -> Self::Reply {
        world.at_page(&self.token_digest, self.now, |account, pages, id, journal| {
            account.confirm_login(pages, id, self.mine, journal)
        })
    }
}

impl Verb for PagePasscode {
    type Reply = Result<OnPage, StaleCode>;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.served.insert(self.token_digest.clone());
    }

    // For a name that nobody has, as much is written.
    fn apply(&self, world: &mut World) -> Self::Reply {
        let judged = world.at_page(&self.token_digest, self.now, |account, pages, id, journal| {
            account.passcode_on_page(pages, id, (&self.passcode, &self.allowed, self.dormant_after), journal)
        });
        judged.unwrap_or_else(|| {
            let Some(Session { id, name, .. }) = world.session_by_token(&self.token_digest).cloned() else {
                return Ok(OnPage::NotNow("expired"));
            };
            let pages = world.pages.entry(name).or_default();
            let shown = pages.session(id).map(|session| session.shown(None, false, self.now));
            match shown {
                Some(Shown::Armed) => {
                    count_unheard(pages, id);
                    Ok(OnPage::Wrong)
                }
                other => Ok(OnPage::NotNow(other.map_or("expired", |shown| shown.as_str()))),
            }
        })
    }
}

impl Verb for TellApproval {
    type Reply = Bound;

    fn act(&self) -> Option<&Act> {
        None
    }

    fn needs(&self, needs: &mut Needs) {
        needs.served.insert(self.token_digest.clone());
    }

    fn apply(&self, world: &mut World) -> Bound {
        let told = world.at_page(&self.token_digest, self.now, |account, pages, id, journal| {
            account.tell_approval(pages, id, (self.browser, self.browser_digest.clone()), journal)
        });
        told.unwrap_or(Bound::No)
    }
}

pub(crate) struct RevokeBrowser {
    pub(crate) act: Act,
    pub(crate) name: Username,
    pub(crate) id: BrowserId,
}

impl Verb for RevokeBrowser {
    type Reply = bool;

    fn act(&self) -> Option<&Act> {
        Some(&self.act)
    }

    fn manages<'a>(&self, world: &'a mut World) -> Option<&'a User> {
        world.account_named(&self.name).map(|account| &account.user)
    }

    fn needs(&self, needs: &mut Needs) {
        needs.usernames.insert(self.name.to_string());
        needs.pages.insert(self.name.to_string());
    }

    fn apply(&self, world: &mut World) -> bool {
        world.by(&self.act, |world, journal| {
            let found = world.account_and_pages(self.name.as_str());
            found.is_some_and(|(account, pages)| account.forget_browser(pages, self.id, "revoked", journal))
        })
    }
}
