//! What can be done for a person after something was asked: each has a page that asks, and a form that does.

use super::{CHIEF, DESK};
use crate::http::site::Admits;

/// What can be done for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A pass in place of the phone.
    Pass,
    /// Lock the account.
    Lock,
    /// Unlock it, forget failures, wake it.
    Unlock,
    /// Recovery codes.
    Codes,
    /// An authenticator app.
    App,
    /// Let in without a phone.
    Bypass,
    /// Switch the account off.
    Disable,
    /// Switch it on.
    Enable,
    /// Delete it.
    Delete,
    /// Another name, e-mail or groups.
    Change,
    /// Another role at the console.
    Role,
    /// Take a phone or another factor away.
    Remove,
    /// Take a bypass away.
    RemoveBypass,
    /// Take a browser of the connect page away.
    RemoveBrowser,
    /// Let a phone in that waits.
    ConfirmPhone,
    /// Let an app in that waits.
    ConfirmApp,
}

impl Deed {
    /// All of them.
    pub(super) const ALL: [Self; 16] = [
        Self::Pass,
        Self::Lock,
        Self::Unlock,
        Self::Codes,
        Self::App,
        Self::Bypass,
        Self::Disable,
        Self::Enable,
        Self::Delete,
        Self::Change,
        Self::Role,
        Self::Remove,
        Self::RemoveBypass,
        Self::RemoveBrowser,
        Self::ConfirmPhone,
        Self::ConfirmApp,
    ];

    /// Where it is asked for and done.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Pass => "/console/people/{name}/pass",
            Self::Lock => "/console/people/{name}/lock",
            Self::Unlock => "/console/people/{name}/unlock",
            Self::Codes => "/console/people/{name}/codes",
            Self::App => "/console/people/{name}/app",
            Self::Bypass => "/console/people/{name}/bypass",
            Self::Disable => "/console/people/{name}/disable",
            Self::Enable => "/console/people/{name}/enable",
            Self::Delete => "/console/people/{name}/delete",
            Self::Change => "/console/people/{name}/change",
            Self::Role => "/console/people/{name}/role",
            Self::Remove => "/console/people/{name}/remove/{id}",
            Self::RemoveBypass => "/console/people/{name}/bypasses/{id}",
            Self::RemoveBrowser => "/console/people/{name}/browsers/{id}",
            Self::ConfirmPhone => "/console/people/{name}/phones/{id}",
            Self::ConfirmApp => "/console/people/{name}/apps/{id}",
        }
    }

    /// Who may.
    pub(super) const fn admits(self) -> Admits {
        match self {
            Self::Enable | Self::Role => CHIEF,
            _ => DESK,
        }
    }

    /// Whether the operator must have proven a moment ago that it is he: for whatever is, or opens, a way in, so that a cookie
    /// alone makes nobody somebody else.
    pub(super) const fn is_dangerous(self) -> bool {
        match self {
            Self::Pass | Self::Codes | Self::App | Self::ConfirmPhone | Self::Bypass => true,
            Self::Unlock | Self::Enable | Self::Change | Self::Role | Self::Delete => true,
            Self::Lock | Self::Disable | Self::ConfirmApp => false,
            Self::Remove | Self::RemoveBypass | Self::RemoveBrowser => false,
        }
    }

    /// Whether it is for those alone who may manage the person. Everybody may take a way in from anybody as a whole: that
    /// lets nobody in.
    pub(super) const fn is_managing(self) -> bool {
        !matches!(self, Self::Lock | Self::Disable)
    }
}
