//! The phone's signed response (contract section 6.2).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{ChallengeId, DeviceId};
use crate::jwk::PublicKey;
use crate::jws::{Claims, Jws, Malformed, Refused, Verify, typ};
use crate::secret::sha256;

/// What the person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Let the login in.
    Approve,
    /// Do not.
    Deny,
    /// Do not, and it was somebody else.
    Report,
}

/// How the phone says it verified the person. The phone's own word: audits call it `claimed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserVerification {
    /// Face or fingerprint.
    Biometric,
    /// The phone's or the app's PIN.
    Pin,
    /// Not at all.
    None,
}

impl UserVerification {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Biometric => "biometric",
            Self::Pin => "pin",
            Self::None => "none",
        }
    }

    /// The verification with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "biometric" => Some(Self::Biometric),
            "pin" => Some(Self::Pin),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}

/// The claims of a response. `Debug` does not tell the number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseClaims {
    /// The phone's device id.
    pub iss: String,
    /// The issuer.
    pub aud: String,
    /// The challenge.
    pub jti: String,
    /// When it was made, as NumericDate; recorded, not checked.
    pub iat: i64,
    /// base64url(SHA-256(the challenge JWS in ASCII)).
    pub challenge: String,
    /// What the person decided.
    pub decision: Decision,
    /// The digits as typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The phone's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uv: Option<UserVerification>,
}

impl fmt::Debug for ResponseClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut claims = f.debug_struct("ResponseClaims");
        claims.field("iss", &self.iss).field("jti", &self.jti).field("decision", &self.decision).field("uv", &self.uv);
        claims.finish_non_exhaustive()
    }
}

/// `POST /v1/challenges/{id}/response`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostResponse {
    /// The compact JWS.
    pub response: String,
}

/// What a phone hears back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseOutcome {
    /// The challenge's state now.
    pub status: String,
    /// Why, where it was refused.
    pub reason: Option<String>,
}

/// The `challenge` claim that answers this signed challenge.
#[must_use]
pub fn challenge_digest(signed_challenge: &str) -> String {
    sha256(signed_challenge)
}

/// A response that was taken apart and has the claims of one; its signature is not checked yet.
#[derive(Clone)]
pub struct UnverifiedResponse<'a> {
    jws: Jws<'a>,
    claims: ResponseClaims,
}

impl<'a> UnverifiedResponse<'a> {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// [`Malformed`] for anything but a canonical compact JWS with the claims of a response. Unknown claims are
    /// ignored; `null` for an optional one is the same as its absence.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let jws = Jws::parse(text)?;
        let read = Claims(jws.claims());
        let decision = match read.text("decision")? {
            "approve" => Decision::Approve,
            "deny" => Decision::Deny,
            "report" => Decision::Report,
            _ => {
                return Err(Malformed::new("the claim decision must be approve, deny or report"));
            }
        };
        let uv = match read.optional_text("uv")? {
            None => None,
            Some(word) => Some(
                UserVerification::from_word(word)
                    .ok_or_else(|| Malformed::new("the claim uv must be biometric, pin or none"))?,
            ),
        };
        let claims = ResponseClaims {
            iss: read.text("iss")?.to_owned(),
            aud: read.text("aud")?.to_owned(),
            jti: read.text("jti")?.to_owned(),
            iat: read.numeric_date("iat")?,
            challenge: read.text("challenge")?.to_owned(),
            decision,
            number: read.optional_text("number")?.map(str::to_owned),
            uv,
        };
        Ok(Self { jws, claims })
    }

    /// Checks the header and names the phone that claims to have signed.
    ///
    /// # Errors
    /// [`Refused`] for a header that may not be believed, a `kid` that is not a device id, or one other than `iss`.
    pub fn signer(&self) -> Result<DeviceId, Refused> {
        self.jws.check_header(typ::RESPONSE)?;
        let kid = self.jws.kid().ok_or(Refused::Key)?;
        if kid != self.claims.iss {
            return Err(Refused::Key);
        }
        kid.parse().map_err(|_| Refused::Key)
    }

    /// Checks the signature under the phone's registered key, and so yields the claims.
    ///
    /// # Errors
    /// [`Refused::Signature`].
    pub fn verify(self, key: &PublicKey, verifier: &(impl Verify + ?Sized)) -> Result<ResponseClaims, Refused> {
        self.jws.check_signature(key, verifier)?;
        Ok(self.claims)
    }
}

impl ResponseClaims {
    /// Whether this response was made at `issuer` for the challenge `id`.
    #[must_use]
    pub fn is_for(&self, issuer: &str, id: ChallengeId) -> bool {
        self.aud == issuer && self.jti == id.to_string()
    }
}
