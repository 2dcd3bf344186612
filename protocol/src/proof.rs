//! The phone's proof of possession: DPoP (RFC 9449, section 4) without an access token.

use serde::{Deserialize, Serialize};

use crate::jwk::PublicKey;
use crate::jws::{Claims, Header, Jws, Sign, SigningFailed, Verify, sign, typ};

/// How far `iat` may lie from the server's clock, in seconds, either way.
pub const MAX_SKEW_SECONDS: i64 = 60;

/// The claims of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofClaims {
    /// Unique per proof, 1 to 128 characters.
    pub jti: String,
    /// The HTTP method.
    pub htm: String,
    /// Issuer and path, without query.
    pub htu: String,
    /// When it was made, as NumericDate.
    pub iat: i64,
}

/// Why a proof does not hold. Callers outside see only `credential-invalid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// Not a JWS, or without the claims of a proof.
    #[error("not a DPoP proof")]
    Malformed,
    /// Well formed, but not to be believed.
    #[error(transparent)]
    Refused(#[from] crate::jws::Refused),
    /// Made for another method or address.
    #[error("the proof was made for another method or address")]
    Target,
    /// `iat` is more than [`MAX_SKEW_SECONDS`] away.
    #[error("the proof's time is too far from the server's clock")]
    Stale,
}

/// A proof that holds: its signer has the private half of `key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key that signed it.
    pub key: PublicKey,
    /// To be spent once per key.
    pub jti: String,
}

/// What a proof must have been made for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The HTTP method of the request.
    pub method: &'a str,
    /// The issuer, without trailing slash.
    pub issuer: &'a str,
    /// The path as it was sent, without query.
    pub path: &'a str,
    /// The server's clock, as NumericDate.
    pub now: i64,
}

/// Checks the proof in `text`.
///
/// Whether its `jti` was spent before, and whose key it is, is for the caller to ask.
///
/// # Errors
/// [`ProofFault`]; `Stale` only when all else holds, so that a phone with a wrong clock can be helped without
/// helping anybody else.
pub fn check(text: &str, target: Target<'_>, verifier: &(impl Verify + ?Sized)) -> Result<Proof, ProofFault> {
    let jws = Jws::parse(text).map_err(|_| ProofFault::Malformed)?;
    let claims = Claims(jws.claims());
    let read = || Ok((claims.text("jti")?, claims.text("htm")?, claims.text("htu")?, claims.numeric_date("iat")?));
    let (jti, htm, htu, iat) = read().map_err(|_: crate::jws::Malformed| ProofFault::Malformed)?;
    if !(1..=128).contains(&jti.chars().count()) {
        return Err(ProofFault::Malformed);
    }
    let key = jws.check_header_with_key(typ::PROOF)?;
    jws.check_signature(&key, verifier)?;
    let addressed = htu.strip_prefix(target.issuer) == Some(target.path);
    if htm != target.method || !addressed {
        return Err(ProofFault::Target);
    }
    if iat.abs_diff(target.now) > MAX_SKEW_SECONDS.unsigned_abs() {
        return Err(ProofFault::Stale);
    }
    Ok(Proof { key, jti: jti.to_owned() })
}

/// Makes a proof, as a phone does.
///
/// # Errors
/// [`SigningFailed`] when the signer fails.
pub fn make(claims: &ProofClaims, key: &PublicKey, signer: &(impl Sign + ?Sized)) -> Result<String, SigningFailed> {
    sign(&Header::with_jwk(typ::PROOF, key.to_jwk()), claims, signer)
}
