//! What the phones of a user are told that needs no answer.

use gatematch_protocol::challenge::ShownClient;
use gatematch_protocol::id::{DeviceId, GatewayId, NoticeId, UserId};
use gatematch_protocol::notice::NoticeClaims;
use gatematch_protocol::secret::sha256;
use gatematch_protocol::time::Timestamp;

use crate::account::Account;
use crate::audit::Journal;
use crate::challenge::{Challenge, Client};
use crate::factor::{self, Factor};
use crate::login::Login;
use crate::totp::TotpStatus;

/// How long a notice can be fetched, in seconds: 30 days.
pub const KEEP_SECONDS: i64 = 30 * 86_400;
/// The most notices that a phone is given at a time: the latest.
pub const MOST: u32 = 50;

macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident $word:literal),+ $(,)?) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])+ $variant),+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The kind with this word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// A login was refused because its gateway has no screen and nobody had the connect page open.
    NoPage "no-page",
    /// A wrong number or code was given; told once until a success or an unlock.
    FactorFailed "factor-failed",
    /// Another phone, or the connect page, said of a login that it was not him.
    Reported "reported",
    /// A phone was registered.
    PhoneAdded "phone-added",
    /// A phone was removed.
    PhoneRemoved "phone-removed",
    /// An app or a token shows codes for him from now on.
    TotpAdded "totp-added",
    /// An app or a token was removed.
    TotpRemoved "totp-removed",
    /// There are new recovery codes.
    RecoveryCodesMade "recovery-codes-made",
    /// The recovery codes were removed.
    RecoveryCodesRemoved "recovery-codes-removed",
    /// A recovery code let a login in.
    RecoveryCodeUsed "recovery-code-used",
    /// There is an access pass.
    AccessPassMade "access-pass-made",
    /// The access pass was removed.
    AccessPassRemoved "access-pass-removed",
    /// An access pass let a login in.
    AccessPassUsed "access-pass-used",
    /// Logins pass without a second factor for a time.
    BypassMade "bypass-made",
    /// An approval of a moment ago has let in a further login of the same session.
    LoginReused "login-reused",
}

impl Kind {
    /// What there is to tell of a new factor.
    pub(crate) fn of_added(factor: &Factor) -> Option<Self> {
        match &factor.kind {
            // One that is not confirmed is of no use to anybody yet.
            factor::Kind::Totp(totp) => (totp.status == TotpStatus::Active).then_some(Self::TotpAdded),
            factor::Kind::RecoveryCodes(_) => Some(Self::RecoveryCodesMade),
            factor::Kind::AccessPass(_) => Some(Self::AccessPassMade),
            factor::Kind::Bypass(_) => Some(Self::BypassMade),
        }
    }

    /// What there is to tell of a factor that goes.
    pub(crate) fn of_removed(factor: &Factor) -> Option<Self> {
        match &factor.kind {
            factor::Kind::Totp(totp) => (totp.status == TotpStatus::Active).then_some(Self::TotpRemoved),
            factor::Kind::RecoveryCodes(_) => Some(Self::RecoveryCodesRemoved),
            factor::Kind::AccessPass(_) => Some(Self::AccessPassRemoved),
            factor::Kind::Bypass(_) => None,
        }
    }
}

/// Something to tell the phones of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Whose phones are told.
    pub user: UserId,
    /// What happened.
    pub kind: Kind,
    /// The gateway that it concerns, where it is about a login.
    pub gateway: Option<GatewayId>,
    /// Where the login came from.
    pub client: Option<Client>,
    /// The phone that did it, which is not told.
    pub but: Option<DeviceId>,
    /// When it happened.
    pub at: Timestamp,
}

/// News with a name: a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Names it.
    pub id: NoticeId,
    /// What it tells.
    pub news: News,
}

impl Account {
    /// Tells the phones what became of `login`, unless they were told of enough of late: whoever can start logins must
    /// not be able to ring somebody all day.
    pub(crate) fn tell_of(&mut self, login: &Login, kind: Kind, journal: &mut Journal) {
        if self.user.limits.may_tell(login.gateway, login.client.name.as_deref(), login.now) {
            let (gateway, client) = (Some(login.gateway), Some(login.client.clone()));
            journal.news.push(News { user: self.user.id, kind, gateway, client, but: None, at: login.now });
        }
    }

    /// Tells the phones, but for one, of something about the login with this challenge.
    pub(crate) fn tell_about(
        &self,
        kind: Kind,
        challenge: Option<&Challenge>,
        but: Option<DeviceId>,
        journal: &mut Journal,
    ) {
        // Whoever comes later is not told of what was before.
        if !self.active_devices().any(|device| Some(device.id) != but) {
            return;
        }
        let gateway = challenge.map(|challenge| challenge.gateway);
        let client = challenge.map(|challenge| challenge.client.clone());
        journal.news.push(News { user: self.user.id, kind, gateway, client, but, at: journal.now });
    }
}

impl Notice {
    /// What a later notice of the same kind to the same user has as well: 32 characters, as a topic of Web Push may have
    /// (RFC 8030 section 5.4).
    #[must_use]
    pub fn topic(&self) -> String {
        let mut topic = sha256(format!("notice {} {}", self.news.kind.as_str(), self.news.user));
        topic.truncate(32);
        topic
    }

    /// The claims of the signed notice for the phone `device` of the user with this name.
    #[must_use]
    pub fn claims(&self, issuer: &str, device: DeviceId, username: &str, gateway: Option<String>) -> NoticeClaims {
        let client = self.news.client.as_ref().map(|client| ShownClient {
            ip: client.ip,
            name: client.name.clone(),
            ..ShownClient::default()
        });
        NoticeClaims {
            iss: issuer.to_owned(),
            aud: device,
            sub: username.to_owned(),
            jti: self.id,
            iat: self.news.at.numeric_date(),
            kind: self.news.kind.as_str().to_owned(),
            gateway,
            client: client.filter(|client| *client != ShownClient::default()),
        }
    }
}
