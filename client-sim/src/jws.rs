//! Compact JWS by hand: any header, any claims, any signature.
//!
//! [`gatematch_protocol::jws::sign`] makes only what is right. Here is what a test needs to make what is wrong.

use gatematch_protocol::base64url;
use gatematch_protocol::jws::{Sign, SigningFailed};
use serde_json::Value;

/// Signs `claims`, a text that need not even be JSON, under `header`.
///
/// # Errors
/// [`SigningFailed`] when the signer fails.
pub fn sign_raw(header: &Value, claims: &str, key: &(impl Sign + ?Sized)) -> Result<String, SigningFailed> {
    sign_texts(&header.to_string(), claims, key)
}

/// Signs two texts, neither of which need be JSON.
///
/// # Errors
/// [`SigningFailed`] when the signer fails.
pub fn sign_texts(header: &str, claims: &str, key: &(impl Sign + ?Sized)) -> Result<String, SigningFailed> {
    let input = signing_input(header, claims);
    let signature = key.sign(input.as_bytes())?;
    Ok(assemble(&input, &signature))
}

/// What a signature is made over: header and payload in base64url with a dot between.
#[must_use]
pub fn signing_input(header: &str, claims: &str) -> String {
    format!("{}.{}", base64url::encode(header), base64url::encode(claims))
}

/// Puts a signature of any length behind `input`.
#[must_use]
pub fn assemble(input: &str, signature: &[u8]) -> String {
    format!("{input}.{}", base64url::encode(signature))
}

/// The signing input and the signature of a token. `None` unless the signature is 64 bytes of base64url.
#[must_use]
pub fn split(token: &str) -> Option<(&str, [u8; 64])> {
    let (input, signature) = token.rsplit_once('.')?;
    Some((input, base64url::decode_array(signature).ok()?))
}
