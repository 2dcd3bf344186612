//! Responses that are wrong in one place.

use gatematch_protocol::challenge::ChallengeFault;
use gatematch_protocol::id::{ChallengeId, DeviceId};
use gatematch_protocol::jws::{Jws, Sign as _, SigningFailed, typ};
use gatematch_protocol::response::{PostResponse, challenge_digest};
use gatematch_protocol::time::Timestamp;
use serde_json::{Map, Value, json};

use super::{Request, Scene};
use crate::crypto::P256Key;
use crate::edge;
use crate::failure::Failure;
use crate::http::body;
use crate::jws::{assemble, sign_raw, signing_input};
use crate::phone::{challenge_id, response_path};

/// Makes responses to one pending challenge: approvals, right but for what is changed.
#[derive(Debug)]
pub struct Forge<'a> {
    /// The phone's key.
    pub key: &'a P256Key,
    /// The phone's device id.
    pub device: String,
    /// The server.
    pub issuer: &'a str,
    /// The signed challenge.
    pub challenge: &'a str,
    /// The challenge's id.
    pub id: String,
    /// When the challenge dies, as NumericDate.
    pub expires: i64,
    /// The right number.
    pub number: &'a str,
    /// Now, as NumericDate.
    pub now: i64,
    /// Another phone's device id.
    pub other: String,
    /// An address of somebody else's.
    pub elsewhere: &'a str,
}

impl<'a> Forge<'a> {
    /// The forge for the pending challenge of `scene`.
    ///
    /// # Errors
    /// [`Failure::Missing`], [`Failure::NotEnrolled`] or [`Failure::Challenge`] where the scene has none.
    pub fn new(scene: &Scene<'a>) -> Result<Self, Failure> {
        let phone = scene.phone()?;
        let challenge = scene.challenge.ok_or(Failure::Missing("this misbehaviour needs a pending challenge"))?;
        let now = phone.now();
        let jws = Jws::parse(challenge).map_err(|_| ChallengeFault::Malformed)?;
        let invented = || DeviceId::new(Timestamp::from_numeric_date(now), edge::random());
        Ok(Self {
            key: phone.key(),
            device: phone.device_id()?.to_string(),
            issuer: phone.issuer(),
            challenge,
            id: challenge_id(challenge)?,
            expires: jws.claims().get("exp").and_then(Value::as_i64).unwrap_or(now),
            number: scene.number.ok_or(Failure::Missing("this misbehaviour needs the right number"))?,
            now,
            other: scene.other_device.unwrap_or_else(invented).to_string(),
            elsewhere: scene.elsewhere.unwrap_or("https://elsewhere.invalid/keys"),
        })
    }

    /// The header of a sound response.
    #[must_use]
    pub fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": typ::RESPONSE, "kid": self.device})
    }

    /// The claims of a sound approval.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        let claims = json!({
            "iss": self.device, "aud": self.issuer, "jti": self.id, "iat": self.now,
            "challenge": challenge_digest(self.challenge), "decision": "approve",
            "number": self.number, "uv": "pin",
        });
        claims.as_object().cloned().unwrap_or_default()
    }

    /// A number of as many digits that is not the right one.
    #[must_use]
    pub fn wrong_number(&self) -> String {
        let mut digits = self.number.to_owned();
        let last = if digits.pop() == Some('0') { '1' } else { '0' };
        digits.push(last);
        digits
    }

    /// A challenge id that nobody has.
    #[must_use]
    pub fn unknown_id(&self) -> String {
        ChallengeId::new(Timestamp::from_numeric_date(self.now), edge::random()).to_string()
    }

    /// Signs any header and claims.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn sign(&self, header: &Value, claims: &Map<String, Value>) -> Result<String, SigningFailed> {
        sign_raw(header, &text(claims), self.key)
    }

    /// A sound approval.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn sound(&self) -> Result<String, SigningFailed> {
        self.sign(&self.header(), &self.claims())
    }

    /// An approval with another header member; `null` takes it away.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn with_header(&self, name: &str, value: Value) -> Result<String, SigningFailed> {
        let mut header = self.header();
        if let Some(members) = header.as_object_mut() {
            put(members, name, value);
        }
        self.sign(&header, &self.claims())
    }

    /// An approval with another claim; `null` takes it away.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn with_claim(&self, name: &str, value: Value) -> Result<String, SigningFailed> {
        let mut claims = self.claims();
        put(&mut claims, name, value);
        self.sign(&self.header(), &claims)
    }

    /// An approval with any text as its claims.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn with_claims_text(&self, change: impl FnOnce(String) -> String) -> Result<String, SigningFailed> {
        sign_raw(&self.header(), &change(text(&self.claims())), self.key)
    }

    /// A sound approval, whose signature is changed afterwards.
    ///
    /// # Errors
    /// [`SigningFailed`].
    pub fn with_signature(&self, change: impl FnOnce(&[u8; 64]) -> Vec<u8>) -> Result<String, SigningFailed> {
        let input = signing_input(&self.header().to_string(), &text(&self.claims()));
        Ok(assemble(&input, &change(&self.key.sign(input.as_bytes())?)))
    }

    /// An approval under another `alg`, with a signature that is made of what is signed.
    #[must_use]
    pub fn with_algorithm(&self, alg: &str, signature: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let header = json!({"alg": alg, "typ": typ::RESPONSE, "kid": self.device});
        let input = signing_input(&header.to_string(), &text(&self.claims()));
        assemble(&input, &signature(input.as_bytes()))
    }

    /// The request that posts a response to the challenge `id`.
    ///
    /// # Errors
    /// [`Failure::Missing`], never in practice.
    pub fn post(&self, id: &str, response: &str) -> Result<Request, Failure> {
        let message = PostResponse { response: response.to_owned() };
        Ok(Request::new("POST", response_path(id)).json(body(&message)?))
    }
}

fn put(members: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

fn text(claims: &Map<String, Value>) -> String {
    Value::Object(claims.clone()).to_string()
}
