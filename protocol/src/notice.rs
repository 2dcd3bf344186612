//! A notice: what a phone is told that needs no answer, and can be given none (contract section 7).

use serde::{Deserialize, Serialize};

use crate::challenge::ShownClient;
use crate::id::{DeviceId, NoticeId};
use crate::json;
use crate::jwk::JwkSet;
use crate::jws::{Jws, Verify, typ};

/// The claims of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeClaims {
    /// The issuer.
    pub iss: String,
    /// The phone that it is for.
    pub aud: DeviceId,
    /// The canonical username.
    pub sub: String,
    /// Names the notice.
    pub jti: NoticeId,
    /// When it happened, as NumericDate.
    pub iat: i64,
    /// What happened.
    ///
    /// Of a login: `no-page` (refused because nobody had the connect page open), `factor-failed` (a wrong number or code;
    /// once until a success or an unlock), `reported` (another phone or the connect page said that it was not him).
    /// Of the account: `phone-added`, `phone-removed`, `totp-added`, `totp-removed`, `recovery-codes-made`,
    /// `recovery-codes-removed`, `recovery-code-used`, `access-pass-made`, `access-pass-removed`, `access-pass-used`,
    /// `bypass-made`. Of both: `login-reused` (the approval of a moment ago let in a further login). A phone shows a kind that it does not know as "Something happened to your account".
    pub kind: String,
    /// The gateway's name, where one was concerned and is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Where the login came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ShownClient>,
}

/// `GET /v1/devices/self/notices`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// The latest, oldest first.
    pub items: Vec<SignedNotice>,
}

/// One of the [`Notices`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedNotice {
    /// Names the notice.
    pub id: NoticeId,
    /// The signed notice.
    pub notice: String,
}

/// Reads and checks a signed notice, as a phone does; `None` for one that is not to be believed.
#[must_use]
pub fn check(
    text: &str,
    issuer: &str,
    device: DeviceId,
    keys: &JwkSet,
    verifier: &(impl Verify + ?Sized),
) -> Option<NoticeClaims> {
    let jws = Jws::parse(text).ok()?;
    jws.check_header(typ::NOTICE).ok()?;
    jws.check_signature(&jws.kid().and_then(|kid| keys.find(kid))?, verifier).ok()?;
    let claims = serde_json::Value::Object(jws.claims().clone());
    let claims: NoticeClaims = json::from_value(claims).ok()?;
    (claims.iss == issuer && claims.aud == device).then_some(claims)
}
