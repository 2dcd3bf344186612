//! The signed result: what a gateway lets somebody in on (contract section 6.3).

use serde::{Deserialize, Serialize};

use crate::id::{ChallengeId, DeviceId, GatewayId};
use crate::json;
use crate::jwk::JwkSet;
use crate::jws::{Jws, Verify, typ};

/// How long a result may be believed, in seconds.
pub const LIFETIME_SECONDS: i64 = 60;

/// The claims of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultClaims {
    /// The issuer.
    pub iss: String,
    /// The gateway that redeemed.
    pub aud: GatewayId,
    /// The canonical username.
    pub sub: String,
    /// The challenge.
    pub jti: ChallengeId,
    /// When it was redeemed, as NumericDate.
    pub iat: i64,
    /// `iat` + 60.
    pub exp: i64,
    /// `push`, `totp`, `recovery_code`, `access_pass`, `bypass`, `policy` or `reuse`.
    pub method: String,
    /// Authentication methods (RFC 8176): `swk`, with `user` or `pin` where the phone claims it; `otp`.
    pub amr: Vec<String>,
    /// Whether the person typed the number that the login side showed.
    pub number_match: bool,
    /// `gateway`, `page` or `none`: where the number was shown.
    pub display: String,
    /// The phone that approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
}

/// Why a gateway does not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResultFault {
    /// Not a result.
    #[error("not a signed result")]
    Malformed,
    /// Signed by a key that is not among the server's.
    #[error("signed by a key that is not known")]
    UnknownKey,
    /// Well formed, but not to be believed.
    #[error(transparent)]
    Refused(#[from] crate::jws::Refused),
    /// Another server's, gateway's, challenge's or user's, or dead.
    #[error("made by another server, for another gateway, challenge or user, or dead")]
    NotForThisLogin,
}

/// What a gateway knows of the login that it started.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The server's issuer.
    pub issuer: &'a str,
    /// Itself.
    pub gateway: GatewayId,
    /// The challenge that it made.
    pub challenge: ChallengeId,
    /// The user in the server's answer.
    pub user: &'a str,
    /// The server's keys.
    pub keys: &'a JwkSet,
    /// Now, as NumericDate.
    pub now: i64,
}

/// Reads and checks a result, as a gateway does.
///
/// # Errors
/// [`ResultFault`]; the gateway then lets nobody in.
pub fn check(text: &str, login: Login<'_>, verifier: &(impl Verify + ?Sized)) -> Result<ResultClaims, ResultFault> {
    let jws = Jws::parse(text).map_err(|_| ResultFault::Malformed)?;
    jws.check_header(typ::RESULT)?;
    let key = jws.kid().and_then(|kid| login.keys.find(kid)).ok_or(ResultFault::UnknownKey)?;
    jws.check_signature(&key, verifier)?;
    let claims = serde_json::Value::Object(jws.claims().clone());
    let claims: ResultClaims = json::from_value(claims).map_err(|_| ResultFault::Malformed)?;
    let ours = claims.iss == login.issuer
        && claims.aud == login.gateway
        && claims.jti == login.challenge
        && claims.sub == login.user
        && claims.exp > login.now;
    if ours { Ok(claims) } else { Err(ResultFault::NotForThisLogin) }
}
