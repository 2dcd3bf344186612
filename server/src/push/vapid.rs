//! Says to a push service who pushes (RFC 8292): one token for each origin, good for hours, signed once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gatematch_protocol::jws::SigningFailed;
use gatematch_protocol::time::Timestamp;
use serde::Serialize;

use crate::keys::Keys;

/// How long a token is good, in seconds; RFC 8292 section 2 allows 24 hours.
pub const LIFE_SECONDS: i64 = 12 * 3_600;
/// How old a token may become before another one is made, in seconds: far enough from its end for clocks that differ.
const RENEW_SECONDS: i64 = LIFE_SECONDS / 2;
/// The most origins that tokens are kept for; beyond that the oldest is forgotten, and made again when it is needed. A
/// token is for a true origin (RFC 8292 section 2), so a phone can make up origins below a wildcard.
const MAX_ORIGINS: usize = 256;

/// What a token says (RFC 8292 section 2).
#[derive(Debug, Serialize)]
pub struct VapidClaims {
    /// The origin of the push service.
    pub aud: String,
    /// When the token dies, as NumericDate.
    pub exp: i64,
    /// Whom the push service may write to.
    pub sub: String,
}

/// Makes and keeps the tokens. It has no `Debug`: a token pushes in our name.
pub struct Vapid {
    keys: Arc<Keys>,
    subject: String,
    tokens: Mutex<HashMap<String, Token>>,
}

struct Token {
    header: String,
    made: Timestamp,
}

impl Token {
    // One from the future was made before the clock was set back; it would be good for too long.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.made <= now && now < self.made.plus_seconds(RENEW_SECONDS)
    }
}

impl Vapid {
    /// Signs with `keys`; `subject` is a `mailto:` or `https:` address.
    #[must_use]
    pub fn new(keys: Arc<Keys>, subject: String) -> Self {
        Self { keys, subject, tokens: Mutex::default() }
    }

    /// The value of the header `Authorization` for the push service at `origin` (RFC 8292 section 3).
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn authorization(&self, origin: &str, now: Timestamp) -> Result<String, SigningFailed> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(origin).filter(|token| token.is_fresh(now)) {
            return Ok(token.header.clone());
        }
        let exp = now.plus_seconds(LIFE_SECONDS).numeric_date();
        let claims = VapidClaims { aud: origin.to_owned(), exp, sub: self.subject.clone() };
        let header = format!("vapid t={}, k={}", self.keys.sign_vapid(&claims)?, self.keys.vapid_public());
        if tokens.len() >= MAX_ORIGINS {
            tokens.retain(|_, token| token.is_fresh(now));
        }
        if tokens.len() >= MAX_ORIGINS {
            let oldest = tokens.iter().min_by_key(|(_, token)| token.made).map(|(origin, _)| origin.clone());
            oldest.and_then(|origin| tokens.remove(&origin));
        }
        tokens.insert(origin.to_owned(), Token { header: header.clone(), made: now });
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::base64url;
    use gatematch_protocol::jwk::PublicKey;
    use gatematch_protocol::jws::Verify as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::crypto::AwsLc;
    use crate::push::trial;

    const MOZILLA: &str = "https://updates.push.services.mozilla.com";

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_numeric_date(1_800_000_000 + hours * 3_600)
    }

    fn taken_apart(header: &str) -> (String, String) {
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        (token.to_owned(), key.to_owned())
    }

    fn json_of(part: &str) -> Value {
        serde_json::from_slice(&base64url::decode(part).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_token_says_who_pushes_to_whom_and_holds_by_the_published_key() {
        let keys = trial::keys().await;
        let vapid = Vapid::new(Arc::clone(&keys), "mailto:it@contoso.example".to_owned());
        let (token, key) = taken_apart(&vapid.authorization(MOZILLA, at(0)).unwrap());
        assert_eq!(key, keys.vapid_public());
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        assert_eq!(json_of(header), json!({"typ": "JWT", "alg": "ES256"}));
        let exp = at(12).numeric_date();
        assert_eq!(json_of(claims), json!({"aud": MOZILLA, "exp": exp, "sub": "mailto:it@contoso.example"}));
        let key = PublicKey::from_sec1(&base64url::decode(key).unwrap()).unwrap();
        let signature = base64url::decode_array(signature).unwrap();
        assert!(AwsLc.verify(&key, format!("{header}.{claims}").as_bytes(), &signature));
    }

    #[tokio::test]
    async fn one_token_serves_an_origin_for_half_its_life() {
        let vapid = Vapid::new(trial::keys().await, "https://mfa.contoso.example".to_owned());
        let first = vapid.authorization(MOZILLA, at(0)).unwrap();
        assert_eq!(vapid.authorization(MOZILLA, at(5)).unwrap(), first);
        assert_ne!(vapid.authorization("https://fcm.googleapis.com", at(5)).unwrap(), first);
        let second = vapid.authorization(MOZILLA, at(6)).unwrap();
        assert_ne!(second, first);
        let third = vapid.authorization(MOZILLA, at(5)).unwrap();
        assert_ne!(third, second, "the clock was set back");
    }

    #[tokio::test]
    async fn where_there_are_too_many_origins_the_oldest_is_forgotten() {
        let vapid = Vapid::new(trial::keys().await, "https://mfa.contoso.example".to_owned());
        vapid.authorization("https://0.push.apple.com", at(0)).unwrap();
        let kept = vapid.authorization(MOZILLA, at(1)).unwrap();
        for number in 1..MAX_ORIGINS {
            vapid.authorization(&format!("https://{number}.push.apple.com"), at(2)).unwrap();
            assert!(vapid.tokens.lock().unwrap().len() <= MAX_ORIGINS);
        }
        assert!(!vapid.tokens.lock().unwrap().contains_key("https://0.push.apple.com"));
        assert_eq!(vapid.authorization(MOZILLA, at(2)).unwrap(), kept);
    }
}
