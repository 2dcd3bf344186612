//! A challenge: what the gateway asks for, what it sees, and what the phone gets (contract sections 6 and 6.1).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::{ChallengeId, DeviceId};
use crate::json;
use crate::jwk::JwkSet;
use crate::jws::{Jws, Verify, typ};
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long a signed challenge may be, in bytes: it must fit a push message (RFC 8291, section 4).
pub const MAX_SIGNED_BYTES: usize = 2_900;

/// `POST /v1/challenges`. Words and ranges are checked by the domain, which answers them differently from types.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateChallenge {
    /// Who wants to sign in, as the gateway heard it.
    pub user: String,
    /// Where from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<CreateClient>,
    /// `number` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// `refuse` or `approve_only`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_display: Option<String>,
    /// Seconds, 10 to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
    /// Whether only a factor of the person will do: where nobody has checked a password, a bypass is not used up for
    /// a name that anybody can send. Absent: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor_required: Option<bool>,
    /// The ways that this gateway can take, of `push`, `totp`, `recovery_code` and `access_pass`; absent: all of them.
    /// Without `push` no phone is asked, and there is no number. It narrows what policy allows, and never widens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// Shown to the person as given: at most 8 members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
}

/// The member `client` of [`CreateChallenge`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateClient {
    /// The client's address in text form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The client computer's name, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a gateway (or, without the number, an administrator) sees of a challenge. `Debug` tells neither number
/// nor result.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ChallengeView {
    /// Names the challenge.
    pub id: ChallengeId,
    /// `pending`, `approved`, `redeemed`, `denied`, `expired` or `cancelled`.
    pub status: String,
    /// Why, where it was refused or ended.
    pub reason: Option<String>,
    /// The canonical name, or what was given where there is no account.
    pub user: String,
    /// For the login side only.
    pub number: Option<String>,
    /// Ways in which this challenge can be met.
    pub methods: Vec<String>,
    /// When it dies.
    pub expires_at: Timestamp,
    /// The signed result, once redeemed and for the gateway that redeemed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

impl fmt::Debug for ChallengeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut view = f.debug_struct("ChallengeView");
        view.field("id", &self.id).field("status", &self.status).field("reason", &self.reason);
        view.field("user", &self.user).field("methods", &self.methods).field("expires_at", &self.expires_at);
        view.finish_non_exhaustive()
    }
}

/// `POST /v1/challenges/{id}/redeem`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// 1 to 128 visible ASCII characters.
    pub redemption_id: String,
}

/// `POST /v1/challenges/{id}/passcode`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passcode {
    /// A backup code, as the person typed it.
    pub passcode: Secret,
}

/// `GET /v1/devices/self/challenges`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingChallenges {
    /// The pending challenges made for this phone, oldest first.
    pub items: Vec<WaitingChallenge>,
}

/// One of the [`WaitingChallenges`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingChallenge {
    /// Names the challenge.
    pub id: ChallengeId,
    /// The signed challenge: the same bytes by every way.
    pub challenge: String,
}

/// The client as the phone shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownClient {
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// Its name, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The place of its address, or else of `page_ip`, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Where the connect page was opened that shows the number, where `ip` is not known. It proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_ip: Option<IpAddr>,
}

/// How the phone matches the login that the person sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// `number`.
    pub kind: MatchKind,
    /// How many digits, 2 to 6.
    pub digits: u8,
}

/// The kinds of [`Match`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// The person types the number that the login side shows.
    Number,
}

/// The claims of a signed challenge. The number is not among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChallengeClaims {
    /// The issuer.
    pub iss: String,
    /// The phone that it was made for.
    pub aud: DeviceId,
    /// The canonical username.
    pub sub: String,
    /// The challenge.
    pub jti: ChallengeId,
    /// When it was made, as NumericDate.
    pub iat: i64,
    /// When it dies, as NumericDate.
    pub exp: i64,
    /// 128 random bits, base64url.
    pub nonce: String,
    /// The application that is signed in to.
    pub app: String,
    /// The gateway's name.
    pub gateway: String,
    /// Where the login comes from.
    pub client: ShownClient,
    /// What the phone must ask for; absent: approval alone.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Match>,
    /// `required`, or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uv: Option<String>,
    /// As the gateway gave it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

/// Why a phone refuses a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeFault {
    /// Not a JWS with the claims of a challenge.
    #[error("not a signed challenge")]
    Malformed,
    /// The key that signed it is not known: fetch the server's keys once, then try again.
    #[error("signed by a key that is not known")]
    UnknownKey,
    /// Well formed, but not to be believed.
    #[error(transparent)]
    Refused(#[from] crate::jws::Refused),
    /// Another server's, another phone's, or dead.
    #[error("made by another server, for another phone, or dead")]
    NotForThisPhone,
}

/// What a phone knows when it reads a challenge.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The issuer that it enrolled with.
    pub issuer: &'a str,
    /// Itself.
    pub device: DeviceId,
    /// The server's keys.
    pub keys: &'a JwkSet,
    /// The server's time as the phone believes it, as NumericDate.
    pub now: i64,
}

/// Reads and checks a signed challenge, as a phone does.
///
/// # Errors
/// [`ChallengeFault`]; the phone then shows nothing to approve.
pub fn check(
    text: &str,
    reader: Reader<'_>,
    verifier: &(impl Verify + ?Sized),
) -> Result<ChallengeClaims, ChallengeFault> {
    let jws = Jws::parse(text).map_err(|_| ChallengeFault::Malformed)?;
    jws.check_header(typ::CHALLENGE)?;
    let key = jws.kid().and_then(|kid| reader.keys.find(kid)).ok_or(ChallengeFault::UnknownKey)?;
    jws.check_signature(&key, verifier)?;
    let claims = Value::Object(jws.claims().clone());
    let claims: ChallengeClaims = json::from_value(claims).map_err(|_| ChallengeFault::Malformed)?;
    if claims.iss != reader.issuer || claims.aud != reader.device || claims.exp <= reader.now {
        return Err(ChallengeFault::NotForThisPhone);
    }
    Ok(claims)
}
