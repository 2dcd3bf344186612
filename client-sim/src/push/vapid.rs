//! Who pushes: the check of `Authorization: vapid t=..., k=...` (RFC 8292).
//!
//! Read here by hand and checked with p256, since the server makes it with other libraries.

use std::net::IpAddr;

use gatematch_protocol::base64url;
use gatematch_protocol::json;
use gatematch_protocol::jwk::PublicKey;
use gatematch_protocol::jws::Verify as _;
use serde_json::{Map, Value};

use crate::crypto::P256Verifier;
use crate::jws;

/// How long a token may be good for, in seconds: 24 hours (RFC 8292, section 2).
pub const MAX_LIFETIME: i64 = 24 * 60 * 60;
/// A longer header is not read.
const MAX_HEADER_BYTES: usize = 4_096;

/// Why a sender is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VapidFault {
    /// No `Authorization: vapid` with both parameters: 401. Everything else is 403 (RFC 8292, section 4.2).
    #[error("no vapid credentials with t and k")]
    Absent,
    /// `k` is not an uncompressed point of P-256 in base64url.
    #[error("k is not a key")]
    Key,
    /// `t` is not a compact JWS of two JSON objects and 64 bytes.
    #[error("t is not a signed token")]
    Token,
    /// The header is not that of an ES256 token, or has `crit`.
    #[error("the token's header is not one of ES256 alone")]
    Header,
    /// The signature does not hold under `k`.
    #[error("the signature does not hold")]
    Signature,
    /// `aud` is not the origin of the push resource.
    #[error("aud is not the origin of the push service")]
    Audience,
    /// `exp` is past, or more than 24 hours away, or absent.
    #[error("exp is absent, past, or over 24 hours away")]
    Expiry,
    /// `sub` is no `mailto:` or `https:` address, nor `http:` on loopback.
    #[error("sub is no address to write to")]
    Subject,
    /// The subscription was made for another key (RFC 8292, section 4.2).
    #[error("the subscription is for another key")]
    OtherKey,
}

impl VapidFault {
    /// The status that a push service answers it with (RFC 8292, section 4.2).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Absent => 401,
            _ => 403,
        }
    }
}

/// What a push service knows when it checks a sender.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its own origin, such as `http://127.0.0.1:9090` (RFC 6454, section 6.2).
    pub origin: &'a str,
    /// The key that the subscription was made for, uncompressed in base64url; `None`: any.
    pub key: Option<&'a str>,
    /// The time, as NumericDate.
    pub now: i64,
}

/// Who pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The application server's key, uncompressed in base64url.
    pub key: String,
    /// Whom to write to.
    pub subject: String,
    /// When the token dies, as NumericDate.
    pub expires: i64,
}

/// Checks the value of an `Authorization` header.
///
/// # Errors
/// [`VapidFault`], in the order of its variants.
pub fn check(header: &str, expected: Expected<'_>) -> Result<Sender, VapidFault> {
    let (token, key) = parameters(header).ok_or(VapidFault::Absent)?;
    let point = base64url::decode_array::<65>(key).ok().and_then(|point| PublicKey::from_sec1(&point));
    let point = point.filter(PublicKey::is_on_curve).ok_or(VapidFault::Key)?;
    let (input, signature) = jws::split(token).ok_or(VapidFault::Token)?;
    let (header, claims) = input.split_once('.').ok_or(VapidFault::Token)?;
    let (header, claims) = (object(header)?, object(claims)?);
    let is = |name: &str, value: &str| header.get(name).and_then(Value::as_str) == Some(value);
    let typed = is("typ", "JWT") || !header.contains_key("typ");
    if !is("alg", "ES256") || !typed || header.contains_key("crit") {
        return Err(VapidFault::Header);
    }
    if !P256Verifier.verify(&point, input.as_bytes(), &signature) {
        return Err(VapidFault::Signature);
    }
    if claims.get("aud").and_then(Value::as_str) != Some(expected.origin) {
        return Err(VapidFault::Audience);
    }
    let in_time = |expires: &i64| *expires > expected.now && *expires <= expected.now.saturating_add(MAX_LIFETIME);
    let expires = claims.get("exp").and_then(Value::as_i64).filter(in_time).ok_or(VapidFault::Expiry)?;
    let subject = claims.get("sub").and_then(Value::as_str).filter(|text| is_contact(text));
    let subject = subject.ok_or(VapidFault::Subject)?.to_owned();
    if expected.key.is_some_and(|expected| expected != key) {
        return Err(VapidFault::OtherKey);
    }
    Ok(Sender { key: key.to_owned(), subject, expires })
}

/// `t` and `k` of the scheme `vapid` (RFC 8292, section 3; RFC 9110, section 11.4): each once, bare or quoted, in either
/// order. Others are passed over.
fn parameters(header: &str) -> Option<(&str, &str)> {
    if header.len() > MAX_HEADER_BYTES {
        return None;
    }
    let (scheme, rest) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("vapid") {
        return None;
    }
    let (mut token, mut key) = (None, None);
    for parameter in rest.split(',') {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let place = match name.trim() {
            "t" | "T" => &mut token,
            "k" | "K" => &mut key,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    token.zip(key)
}

fn object(part: &str) -> Result<Map<String, Value>, VapidFault> {
    let text = base64url::decode(part).map_err(|_| VapidFault::Token)?;
    json::parse_object(&text).map_err(|_| VapidFault::Token)
}

/// RFC 8292, section 2.1; and `http` on this machine, since that is the issuer of a server on trial.
fn is_contact(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(text) else { return false };
    let loopback = |host: &str| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    match url.scheme() {
        "mailto" => url.path().contains('@'),
        "https" => url.has_host(),
        "http" => url.host_str().is_some_and(loopback),
        _ => false,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use gatematch_protocol::jws::Sign as _;
    use serde_json::json;

    use super::*;
    use crate::crypto::P256Key;
    use crate::jws::{assemble, sign_raw, signing_input};

    const ORIGIN: &str = "http://127.0.0.1:9090";
    const NOW: i64 = 1_800_000_000;

    fn key() -> P256Key {
        P256Key::from_secret(&[7; 32]).unwrap()
    }

    fn public(key: &P256Key) -> String {
        base64url::encode(key.public().to_sec1())
    }

    fn claims() -> Value {
        json!({"aud": ORIGIN, "exp": NOW + 3_600, "sub": "mailto:it@example.com"})
    }

    /// The header's value for a token with these claims.
    pub(crate) fn header(key: &P256Key, claims: &Value) -> String {
        let token = sign_raw(&json!({"typ": "JWT", "alg": "ES256"}), &claims.to_string(), key).unwrap();
        format!("vapid t={token}, k={}", public(key))
    }

    fn checked(header: &str) -> Result<Sender, VapidFault> {
        check(header, Expected { origin: ORIGIN, key: None, now: NOW })
    }

    #[test]
    fn the_example_of_rfc_8292_holds() {
        // RFC 8292, section 2.4; its header has a line break where here is a blank.
        let header = "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
        let sender = check(header, Expected { origin: "https://push.example.net", key: None, now: 1_453_500_000 });
        let sender = sender.unwrap();
        assert_eq!((sender.subject.as_str(), sender.expires), ("mailto:push@example.com", 1_453_523_768));
    }

    #[test]
    fn a_sound_sender_is_believed_however_it_is_written() {
        let sound = header(&key(), &claims());
        let (token, key_text) = (sound.split(['=', ',']).nth(1).unwrap(), public(&key()));
        for written in [
            sound.clone(),
            format!("Vapid k={key_text},t={token}"),
            format!("vapid t=\"{token}\" , k=\"{key_text}\", x=1"),
        ] {
            assert_eq!(checked(&written).unwrap().key, key_text, "{written}");
        }
        let bound = Expected { origin: ORIGIN, key: Some(&key_text), now: NOW };
        assert!(check(&sound, bound).is_ok());
        let other = P256Key::from_secret(&[8; 32]).unwrap();
        assert_eq!(check(&header(&other, &claims()), bound), Err(VapidFault::OtherKey));
    }

    #[test]
    fn what_is_no_credential_is_401_and_the_rest_403() {
        let sound = header(&key(), &claims());
        let token = sound.split(['=', ',']).nth(1).unwrap();
        for absent in [
            String::new(),
            "vapid".to_owned(),
            sound.replacen("vapid", "Bearer", 1),
            format!("vapid t={token}"),
            format!("vapid k={}", public(&key())),
            format!("{sound}, t={token}"),
            format!("{sound}, {}", "x".repeat(MAX_HEADER_BYTES)),
        ] {
            assert_eq!(checked(&absent), Err(VapidFault::Absent), "{absent}");
        }
        assert_eq!((VapidFault::Absent.status(), VapidFault::Key.status()), (401, 403));
        let off_curve = base64url::encode([&[4][..], &[1; 64]].concat());
        for wrong in ["x".to_owned(), off_curve, base64url::encode(&key().public().to_sec1()[..64])] {
            assert_eq!(checked(&format!("vapid t={token}, k={wrong}")), Err(VapidFault::Key), "{wrong}");
        }
        let other = P256Key::from_secret(&[8; 32]).unwrap();
        assert_eq!(checked(&format!("vapid t={token}, k={}", public(&other))), Err(VapidFault::Signature));
        assert_eq!(checked(&sound.replacen("t=", "t=x", 1)), Err(VapidFault::Token));
    }

    #[test]
    fn every_claim_is_checked() {
        for (name, value, fault) in [
            ("aud", json!("http://127.0.0.1"), VapidFault::Audience),
            ("aud", json!([ORIGIN]), VapidFault::Audience),
            ("aud", Value::Null, VapidFault::Audience),
            ("exp", json!(NOW), VapidFault::Expiry),
            ("exp", json!(NOW + MAX_LIFETIME + 1), VapidFault::Expiry),
            ("exp", json!("1900000000"), VapidFault::Expiry),
            ("exp", Value::Null, VapidFault::Expiry),
            ("sub", Value::Null, VapidFault::Subject),
            ("sub", json!(""), VapidFault::Subject),
            ("sub", json!("it@example.com"), VapidFault::Subject),
            ("sub", json!("mailto:nobody"), VapidFault::Subject),
            ("sub", json!("http://mfa.example.com"), VapidFault::Subject),
        ] {
            let mut changed = claims();
            changed[name] = value;
            assert_eq!(checked(&header(&key(), &changed)), Err(fault), "{changed}");
        }
        for sub in ["https://mfa.example.com", "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"] {
            let mut changed = claims();
            changed["sub"] = json!(sub);
            assert_eq!(checked(&header(&key(), &changed)).unwrap().subject, sub);
        }
        let mut last = claims();
        last["exp"] = json!(NOW + MAX_LIFETIME);
        assert!(checked(&header(&key(), &last)).is_ok());
    }

    #[test]
    fn only_es256_counts() {
        let with = |header: Value| {
            let input = signing_input(&header.to_string(), &claims().to_string());
            let token = assemble(&input, &key().sign(input.as_bytes()).unwrap());
            checked(&format!("vapid t={token}, k={}", public(&key())))
        };
        assert!(with(json!({"alg": "ES256"})).is_ok());
        for header in [
            json!({"typ": "JWT", "alg": "none"}),
            json!({"typ": "JWT", "alg": "HS256"}),
            json!({"typ": "JWT"}),
            json!({"typ": "dpop+jwt", "alg": "ES256"}),
            json!({"typ": "JWT", "alg": "ES256", "crit": ["x"], "x": 1}),
        ] {
            assert_eq!(with(header.clone()), Err(VapidFault::Header), "{header}");
        }
    }
}
