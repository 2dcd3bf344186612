//! Responses whose signature does not hold, or is spelt in another way (AP-05).

use gatematch_protocol::problem::Code;
use serde_json::Value;

use super::{Expect, Misbehaviour};
use crate::jws::{sign_raw, split};
use crate::{edge, signature};

const REFUSED: Expect = Expect::Problem(Code::ResponseNotAuthentic);
const MALFORMED: Expect = Expect::Problem(Code::MalformedResponse);

pub(super) const TABLE: &[Misbehaviour] = &[
    Misbehaviour::response(
        "high-s",
        "AP-02",
        "s in the upper half, which is allowed",
        Expect::Outcome("approved", None),
        |forge| forge.with_signature(|sound| signature::high(sound).to_vec()),
    ),
    Misbehaviour::response("r-zero", "AP-05", "r is zero", REFUSED, |forge| {
        forge.with_signature(|sound| signature::with_r(sound, [0; 32]).to_vec())
    }),
    Misbehaviour::response("s-zero", "AP-05", "s is zero", REFUSED, |forge| {
        forge.with_signature(|sound| signature::with_s(sound, [0; 32]).to_vec())
    }),
    Misbehaviour::response("both-zero", "AP-05", "r and s are zero", REFUSED, |forge| {
        forge.with_signature(|_| vec![0; 64])
    }),
    Misbehaviour::response("r-not-below-n", "AP-05", "r is the order of the group", REFUSED, |forge| {
        forge.with_signature(|sound| signature::with_r(sound, signature::ORDER).to_vec())
    }),
    Misbehaviour::response("s-not-below-n", "AP-05", "s is the order of the group", REFUSED, |forge| {
        forge.with_signature(|sound| signature::with_s(sound, signature::ORDER).to_vec())
    }),
    Misbehaviour::response("der-signature", "AP-05", "the signature in DER", REFUSED, |forge| {
        forge.with_signature(signature::to_der)
    }),
    Misbehaviour::response("short-signature", "AP-05", "63 bytes", REFUSED, |forge| {
        forge.with_signature(|sound| sound.iter().copied().take(63).collect())
    }),
    Misbehaviour::response("long-signature", "AP-05", "65 bytes", REFUSED, |forge| {
        forge.with_signature(|sound| sound.iter().copied().chain([0]).collect())
    }),
    Misbehaviour::response("empty-signature", "AP-05", "alg ES256 without a signature", REFUSED, |forge| {
        forge.with_signature(|_| Vec::new())
    }),
    Misbehaviour::response("random-signature", "AP-05", "64 random bytes", REFUSED, |forge| {
        forge.with_signature(|_| edge::random::<64>().to_vec())
    }),
    Misbehaviour::response("other-key", "AP-05", "signed by a key that nobody registered", REFUSED, |forge| {
        sign_raw(&forge.header(), &Value::Object(forge.claims()).to_string(), &edge::random_key())
    }),
    Misbehaviour::response("altered", "AP-05", "a signed denial, turned into an approval", REFUSED, |forge| {
        let denial = forge.with_claim("decision", Value::from("deny"))?;
        forge.with_signature(|_| split(&denial).map_or_else(Vec::new, |(_, signature)| signature.to_vec()))
    }),
    Misbehaviour::response("padded-base64", "AP-05", "the signature in base64 with padding", MALFORMED, |forge| {
        Ok(format!("{}==", forge.sound()?))
    }),
    Misbehaviour::response(
        "noncanonical-base64",
        "AP-05",
        "stray bits in the signature's last letter",
        MALFORMED,
        |forge| {
            let mut sound = forge.sound()?;
            // Of the last letter only two bits count; these have others set.
            let last = match sound.pop() {
                Some('A') => 'B',
                Some('Q') => 'R',
                Some('g') => 'h',
                _ => 'x',
            };
            sound.push(last);
            Ok(sound)
        },
    ),
    Misbehaviour::response("line-break", "AP-05", "a line break behind the token", MALFORMED, |forge| {
        Ok(format!("{}\n", forge.sound()?))
    }),
    Misbehaviour::response("two-parts", "AP-05", "no signature part at all", MALFORMED, |forge| {
        let sound = forge.sound()?;
        Ok(sound.rsplit_once('.').map_or(String::new(), |(input, _)| input.to_owned()))
    }),
    Misbehaviour::response("four-parts", "AP-05", "a fourth part", MALFORMED, |forge| {
        Ok(format!("{}.AA", forge.sound()?))
    }),
];
