//! Responses that are signed well and say the wrong thing (AP-03, AP-05, AP-06, CH-05).

use gatematch_protocol::problem::Code;
use gatematch_protocol::response::challenge_digest;
use serde_json::json;

use super::forge::Forge;
use super::{Expect, Misbehaviour, Needs};

const MALFORMED: Expect = Expect::Problem(Code::MalformedResponse);
const WRONG_CHALLENGE: Expect = Expect::Problem(Code::WrongChallenge);
const NUMBER: Expect = Expect::Problem(Code::MalformedNumber);
const APPROVED: Expect = Expect::Outcome("approved", None);

pub(super) const TABLE: &[Misbehaviour] = &[
    Misbehaviour::response("duplicate-claim", "AP-05", "decision stands twice: deny, approve", MALFORMED, |forge| {
        forge.with_claims_text(|claims| claims.replacen('{', r#"{"decision":"deny","#, 1))
    }),
    Misbehaviour::response(
        "duplicate-claim-escaped",
        "AP-05",
        "number stands twice, once spelt with an escape",
        MALFORMED,
        |forge| forge.with_claims_text(|claims| claims.replacen('{', r#"{"n\u0075mber":"000","#, 1)),
    ),
    Misbehaviour::response("claims-not-an-object", "AP-05", "the claims are a JSON array", MALFORMED, |forge| {
        forge.with_claims_text(|claims| format!("[{claims}]"))
    }),
    Misbehaviour::response("claims-not-json", "AP-05", "the claims are not JSON", MALFORMED, |forge| {
        forge.with_claims_text(|claims| claims.replacen('}', "", 1))
    }),
    Misbehaviour::response("claims-too-deep", "AP-05", "a claim nested 10,000 deep", MALFORMED, |forge| {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        forge.with_claims_text(|claims| claims.replacen('{', &format!(r#"{{"x":{deep},"#), 1))
    }),
    Misbehaviour::response("unknown-decision", "AP-05", "the decision is maybe", MALFORMED, |forge| {
        forge.with_claim("decision", json!("maybe"))
    }),
    Misbehaviour::response("missing-decision", "AP-05", "no decision", MALFORMED, |forge| {
        forge.with_claim("decision", json!(null))
    }),
    Misbehaviour::response("unknown-uv", "AP-10", "a uv that is no word of the contract", MALFORMED, |forge| {
        forge.with_claim("uv", json!("telepathy"))
    }),
    Misbehaviour::response("iat-as-text", "AP-05", "iat is a string", MALFORMED, |forge| {
        forge.with_claim("iat", json!(forge.now.to_string()))
    }),
    Misbehaviour::response("missing-hash", "AP-05", "no challenge claim", MALFORMED, |forge| {
        forge.with_claim("challenge", json!(null))
    }),
    Misbehaviour::response("number-as-number", "AP-05", "the number is a JSON number", MALFORMED, |forge| {
        forge.with_claim("number", json!(forge.number.parse::<u32>().unwrap_or_default()))
    }),
    Misbehaviour::response("number-as-list", "AP-05", "the number is a list of guesses", MALFORMED, |forge| {
        forge.with_claim("number", json!([forge.number, forge.wrong_number()]))
    }),
    Misbehaviour::response("missing-number", "AP-05", "an approval without a number", NUMBER, |forge| {
        forge.with_claim("number", json!(null))
    }),
    Misbehaviour::response("null-number", "AP-05", "an approval whose number is null", NUMBER, |forge| {
        let number = format!(r#""number":"{}""#, forge.number);
        forge.with_claims_text(|claims| claims.replacen(&number, r#""number":null"#, 1))
    }),
    Misbehaviour::response("empty-number", "AP-05", "the number is an empty string", NUMBER, |forge| {
        forge.with_claim("number", json!(""))
    }),
    Misbehaviour::response("wrong-length-number", "AP-05", "one digit too many", NUMBER, |forge| {
        forge.with_claim("number", json!(format!("{}0", forge.number)))
    }),
    Misbehaviour::response("number-with-sign", "AP-05", "a sign in place of the first digit", NUMBER, |forge| {
        forge.with_claim(
            "number",
            json!(forge.number.chars().skip(1).fold("+".to_owned(), |all, digit| all + &digit.to_string())),
        )
    }),
    Misbehaviour::response("number-full-width", "AP-05", "the right number in full-width digits", NUMBER, |forge| {
        let wide = |digit: char| digit.to_digit(10).and_then(|value| char::from_u32(0xff10 + value)).unwrap_or(digit);
        forge.with_claim("number", json!(forge.number.chars().map(wide).collect::<String>()))
    }),
    Misbehaviour::response(
        "wrong-number",
        "AP-06",
        "a wrong number",
        Expect::Outcome("denied", Some("wrong-number")),
        |forge| forge.with_claim("number", json!(forge.wrong_number())),
    ),
    Misbehaviour::response("wrong-aud", "AP-03", "made for another server", WRONG_CHALLENGE, |forge| {
        forge.with_claim("aud", json!("https://other.example.com"))
    }),
    Misbehaviour::response(
        "wrong-jti",
        "AP-03",
        "made for another challenge, posted to this one",
        WRONG_CHALLENGE,
        |forge| forge.with_claim("jti", json!(forge.unknown_id())),
    ),
    Misbehaviour::response(
        "wrong-hash",
        "CH-05",
        "the hash of another text than the challenge",
        WRONG_CHALLENGE,
        |forge| forge.with_claim("challenge", json!(challenge_digest(&format!("{}.", forge.challenge)))),
    ),
    Misbehaviour::requests_of(
        Needs::Challenge,
        "posted-elsewhere",
        "AP-03",
        "made for this challenge, posted to one that does not exist",
        WRONG_CHALLENGE,
        |scene| {
            let forge = Forge::new(scene)?;
            Ok(vec![forge.post(&forge.unknown_id(), &forge.sound()?)?])
        },
    ),
    Misbehaviour::requests_of(
        Needs::Challenge,
        "unknown-challenge",
        "CH-04",
        "made for a challenge that does not exist, and posted there",
        Expect::Problem(Code::NotFound),
        |scene| {
            let forge = Forge::new(scene)?;
            let id = forge.unknown_id();
            Ok(vec![forge.post(&id, &forge.with_claim("jti", json!(id))?)?])
        },
    ),
    Misbehaviour::response(
        "unknown-claim",
        "AP-05",
        "a claim that nobody knows, which is ignored",
        APPROVED,
        |forge| forge.with_claim("role", json!("admin")),
    ),
    Misbehaviour::response(
        "iat-long-ago",
        "AP-05",
        "iat in 1970, which is recorded and not checked",
        APPROVED,
        |forge| forge.with_claim("iat", json!(1)),
    ),
    Misbehaviour::response(
        "deny-with-wrong-number",
        "AP-07",
        "a denial with a wrong number, which is ignored",
        Expect::Outcome("denied", Some("user")),
        |forge| {
            let mut claims = forge.claims();
            claims.insert("decision".to_owned(), json!("deny"));
            claims.insert("number".to_owned(), json!("no number"));
            forge.sign(&forge.header(), &claims)
        },
    ),
];
