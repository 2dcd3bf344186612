//! What a person signs in with besides his phone, and how an account is locked and opened again (contract section 10).

use serde::{Deserialize, Serialize};

use crate::id::AuthenticatorId;
use crate::secret::Secret;
use crate::time::Timestamp;

/// `POST /v1/users/{username}/totp`, and the person's own `POST /v1/self/totp`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateTotp {
    /// What the person calls the app or the thing that shows the codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why; the audit log keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A seed, shown once. It works after [`ConfirmTotp`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TotpCreated {
    /// Names the authenticator.
    pub id: AuthenticatorId,
    /// The seed in base32 (RFC 4648 section 6), without padding.
    pub secret: Secret,
    /// The same as an `otpauth:` link, as authenticator apps read it.
    pub otpauth_uri: Secret,
    /// The link as a QR code, in SVG.
    pub qr_svg: Secret,
}

/// `POST /v1/users/{username}/totp/{id}/confirm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotp {
    /// The six digits that the app shows now.
    pub code: Secret,
}

/// The answer to [`ConfirmTotp`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpConfirmed {
    /// The authenticator, which works from now on.
    pub id: AuthenticatorId,
}

/// `POST /v1/users/{username}/recovery-codes`, and the person's own `POST /v1/self/recovery-codes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRecoveryCodes {
    /// Why; the audit log keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Recovery codes, shown once. Those made before are void.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecoveryCodesCreated {
    /// Names the set.
    pub id: AuthenticatorId,
    /// Each works once.
    pub codes: Vec<Secret>,
}

/// `POST /v1/users/{username}/access-passes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateAccessPass {
    /// How long it works from its start on, in seconds: 1 to 2,592,000 (30 days).
    pub expires_in: i64,
    /// From when on it works; absent: from now on. At most 30 days ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// For how many sign-ins, 1 to 1,000; absent: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<i64>,
    /// Why; the audit log keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An access pass, shown once. The one made before is void.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessPassCreated {
    /// Names it.
    pub id: AuthenticatorId,
    /// What the person types in place of his phone.
    pub pass: Secret,
    /// From when on it works.
    pub starts_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// `POST /v1/users/{username}/bypasses`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateBypass {
    /// Why; the audit log keeps it.
    pub reason: String,
    /// How long, in seconds: 1 to 86,400 (24 hours).
    pub expires_in: i64,
    /// For how many sign-ins, 1 to 1,000; absent: as many as there are until it dies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<i64>,
}

/// The answer to [`CreateBypass`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BypassCreated {
    /// Names it.
    pub id: AuthenticatorId,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// `GET /v1/users/{username}/bypasses`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypasses {
    /// Those in force, oldest first.
    pub items: Vec<BypassView>,
}

/// A bypass, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BypassView {
    /// Names it.
    pub id: AuthenticatorId,
    /// Why there is one.
    pub reason: String,
    /// Who made it, as the audit log names him.
    pub made_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it dies.
    pub expires_at: Timestamp,
    /// For how many sign-ins; `null`: as many as there are.
    pub max_uses: Option<u32>,
    /// How many sign-ins passed by it.
    pub uses: u32,
}

/// `POST /v1/users/{username}/lock` and `/unlock`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why; the audit log keeps it.
    pub reason: String,
}

/// `GET /v1/users/{username}/authenticators`, and the person's own `GET /v1/self/authenticators`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authenticators {
    /// Every kind, phones first; without secrets.
    pub items: Vec<AuthenticatorView>,
}

/// One of the [`Authenticators`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticatorView {
    /// Names it: a phone by its device id.
    pub id: String,
    /// `phone`, `totp`, `recovery_codes` or `access_pass`.
    pub kind: String,
    /// What the person calls it, or the serial number of a hardware token.
    pub name: Option<String>,
    /// `active`, `unconfirmed`, `not-yet` (a pass before its start), `over` (used up, or its time is over) or
    /// `unreadable` (what is kept of it is damaged: remove it).
    pub status: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last let somebody in.
    pub last_used_at: Option<Timestamp>,
    /// From when on it works, where that is not from the beginning.
    pub starts_at: Option<Timestamp>,
    /// When it dies, where it does by itself.
    pub expires_at: Option<Timestamp>,
    /// How many sign-ins are left in it, where they are counted.
    pub left: Option<u32>,
}

/// `PUT /v1/self/devices/{id}`: what the person calls one of his phones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenameDevice {
    /// 1 to 64 characters.
    pub name: String,
}

/// `POST /v1/self/enrollments`: a new phone by this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateOwnEnrollment {
    /// Seconds, 1 to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
}
