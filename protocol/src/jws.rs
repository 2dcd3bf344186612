//! Compact JWS (RFC 7515, section 7.1), ES256 only, each with an explicit `typ` (RFC 8725, section 3.11).
//!
//! Reading has two steps that fail differently, because the contract answers them differently: a text that is
//! not a canonical JWS at all is [`Malformed`]; a well-formed one that may not be believed is [`Refused`].
//! Who checks the signature is up to the caller ([`Verify`]): the server brings aws-lc-rs, the simulator p256,
//! and each is the other's second opinion.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base64url;
use crate::json;
use crate::jwk::{PublicJwk, PublicKey};

/// The media types (`typ`) of everything that is signed.
pub mod typ {
    /// A challenge, signed by the server for one phone.
    pub const CHALLENGE: &str = "gatematch-challenge+jwt";
    /// A response, signed by the phone.
    pub const RESPONSE: &str = "gatematch-response+jwt";
    /// A result, signed by the server for one gateway.
    pub const RESULT: &str = "gatematch-result+jwt";
    /// A notice, signed by the server for one phone.
    pub const NOTICE: &str = "gatematch-notice+jwt";
    /// How long the audit log is and what it ends in, signed by the server.
    pub const CHECKPOINT: &str = "gatematch-checkpoint+jwt";
    /// That the beginning of the audit log was removed, signed by the server.
    pub const RETENTION: &str = "gatematch-retention+jwt";
    /// A DPoP proof (RFC 9449, section 4.2).
    pub const PROOF: &str = "dpop+jwt";
}

/// Makes ES256 signatures.
pub trait Sign {
    /// The signature of `message` as r || s, 32 bytes each, big endian (RFC 7518, section 3.4).
    ///
    /// # Errors
    /// [`SigningFailed`] when the cryptographic module fails.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFailed>;
}

/// The cryptographic module did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic module did not sign")]
pub struct SigningFailed;

/// Checks ES256 signatures.
pub trait Verify {
    /// Whether `signature` (r || s) of `message` was made by the private half of `key`. False for any key that
    /// is not a point of the curve, and for r or s that is zero or not below the order; true for both halves of
    /// a malleable pair (RFC 7515, A.3 is a high-S one).
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool;
}

/// The protected header of a token that we make.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// Always `ES256`.
    pub alg: &'static str,
    /// One of [`typ`].
    pub typ: &'static str,
    /// Who signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The signer's key, in DPoP proofs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwk: Option<PublicJwk>,
}

impl Header {
    /// The header of a token whose signer is known by `kid`.
    #[must_use]
    pub fn with_kid(typ: &'static str, kid: impl Into<String>) -> Self {
        Self { alg: "ES256", typ, kid: Some(kid.into()), jwk: None }
    }

    /// The header of a proof, which carries its own key.
    #[must_use]
    pub fn with_jwk(typ: &'static str, jwk: PublicJwk) -> Self {
        Self { alg: "ES256", typ, kid: None, jwk: Some(jwk) }
    }
}

/// Signs `claims` under `header`.
///
/// # Errors
/// [`SigningFailed`] when the signer fails or the claims are not JSON.
pub fn sign(header: &Header, claims: &impl Serialize, signer: &(impl Sign + ?Sized)) -> Result<String, SigningFailed> {
    let part = |json: serde_json::Result<Vec<u8>>| json.map(base64url::encode).map_err(|_| SigningFailed);
    let mut token = part(serde_json::to_vec(header))?;
    token.push('.');
    token.push_str(&part(serde_json::to_vec(claims))?);
    let signature = signer.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&base64url::encode(signature));
    Ok(token)
}

/// A text that is not a canonical compact JWS whose header and payload are JSON objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Malformed {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Why a well-formed JWS may not be believed. The caller is not told which; the audit log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// `alg` is not the string `ES256`.
    #[error("the algorithm is not ES256")]
    Algorithm,
    /// `typ` is absent or another.
    #[error("the token is of another type")]
    Type,
    /// `crit`, `jku`, `x5u`, `x5c`, `b64`, or a `jwk` outside a DPoP proof.
    #[error("the header has a member that is forbidden here")]
    Header,
    /// The key in a proof is not a public P-256 key.
    #[error("the key in the header is not a public P-256 key")]
    Key,
    /// The signature does not hold, or is not 64 bytes long.
    #[error("the signature does not hold")]
    Signature,
}

/// Header members that are refused wherever they stand.
const FORBIDDEN: [&str; 5] = ["crit", "jku", "x5u", "x5c", "b64"];

/// A compact JWS that was taken apart; nothing in it is believed yet. It has no `Debug`: claims are not for logs.
#[derive(Clone)]
pub struct Jws<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signing_input: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes `text` apart.
    ///
    /// # Errors
    /// [`Malformed`] unless it is three parts of canonical base64url, the first two of them JSON objects
    /// without duplicate members.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let (signing_input, signature) =
            text.rsplit_once('.').ok_or_else(|| Malformed::new("a compact JWS has three parts"))?;
        let (header, payload) =
            signing_input.split_once('.').ok_or_else(|| Malformed::new("a compact JWS has three parts"))?;
        let part = |name: &str, text: &str| {
            base64url::decode(text).map_err(|fault| Malformed::new(format!("the {name} is {fault}")))
        };
        let object = |name: &str, text: &str| {
            json::parse_object(&part(name, text)?).map_err(|fault| Malformed::new(format!("the {name}: {fault}")))
        };
        Ok(Self {
            header: object("header", header)?,
            claims: object("payload", payload)?,
            signing_input,
            signature: part("signature", signature)?,
        })
    }

    /// The claims, not believed yet.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The header's `kid`, when it is a string.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid")?.as_str()
    }

    /// Checks the header of a token that names its signer by `kid`.
    ///
    /// # Errors
    /// [`Refused`] for another `alg` or `typ`, or a forbidden member, `jwk` among them.
    pub fn check_header(&self, typ: &str) -> Result<(), Refused> {
        self.check_common(typ)?;
        if self.header.contains_key("jwk") { Err(Refused::Header) } else { Ok(()) }
    }

    /// Checks the header of a token that carries its signer's key, and returns that key.
    ///
    /// # Errors
    /// As [`Jws::check_header`]; and when there is no `jwk`, or one that is not a bare public P-256 key.
    pub fn check_header_with_key(&self, typ: &str) -> Result<PublicKey, Refused> {
        self.check_common(typ)?;
        let jwk = self.header.get("jwk").and_then(Value::as_object).ok_or(Refused::Key)?;
        PublicKey::from_proof_header(jwk).map_err(|_| Refused::Key)
    }

    fn check_common(&self, typ: &str) -> Result<(), Refused> {
        let is = |name: &str, value: &str| self.header.get(name).and_then(Value::as_str) == Some(value);
        if !is("alg", "ES256") {
            return Err(Refused::Algorithm);
        }
        if !is("typ", typ) {
            return Err(Refused::Type);
        }
        if FORBIDDEN.iter().any(|name| self.header.contains_key(*name)) {
            return Err(Refused::Header);
        }
        Ok(())
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`Refused::Signature`] when it is not 64 bytes long or does not hold under `key`.
    pub fn check_signature(&self, key: &PublicKey, verifier: &(impl Verify + ?Sized)) -> Result<(), Refused> {
        let signature = <&[u8; 64]>::try_from(self.signature.as_slice()).map_err(|_| Refused::Signature)?;
        if verifier.verify(key, self.signing_input.as_bytes(), signature) { Ok(()) } else { Err(Refused::Signature) }
    }
}

/// Typed access to the claims of a stranger's token.
pub(crate) struct Claims<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Claims<'a> {
    fn wrong(name: &str, kind: &str) -> Malformed {
        Malformed::new(format!("the claim {name} must be {kind}"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'a str, Malformed> {
        self.optional_text(name)?.ok_or_else(|| Self::wrong(name, "a string"))
    }

    /// Absent and `null` are the same: no value.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Malformed> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Self::wrong(name, "a string")),
        }
    }

    /// A NumericDate; fractions are allowed by RFC 7519, section 2, and rounded down.
    pub(crate) fn numeric_date(&self, name: &str) -> Result<i64, Malformed> {
        let number = self.0.get(name).ok_or_else(|| Self::wrong(name, "a number"))?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "float to integer casts saturate, and no such date is near now"
        )]
        let rounded = || number.as_f64().map(|float| float.floor() as i64);
        number.as_i64().or_else(rounded).ok_or_else(|| Self::wrong(name, "a number"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_taken_apart_in_one_way_only() {
        let sound = format!("{}.{}.{}", base64url::encode("{}"), base64url::encode("{}"), base64url::encode([0; 64]));
        assert!(Jws::parse(&sound).is_ok());
        for text in [
            String::new(),
            "..".to_owned(),
            sound.replace('.', ""),
            format!("{sound}."),
            format!("{sound}="),
            format!(" {sound}"),
            format!("{sound}\n"),
            format!("{}.{sound}", base64url::encode("{}")),
            sound.replacen("e30", "e31", 1),
            sound.replacen("e30", &base64url::encode(r#"{"a":1,"a":2}"#), 1),
            sound.replacen("e30", &base64url::encode("[]"), 1),
        ] {
            assert!(Jws::parse(&text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[A-Za-z0-9_.-]{0,120}") {
            let _ = Jws::parse(&text);
        }
    }
}
