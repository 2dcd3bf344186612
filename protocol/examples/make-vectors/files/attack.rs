//! What must fail on every kind of token, whatever its claims are.

use gatematch_protocol::base64url;
use serde_json::json;

use super::Case;
use super::key::{self, Key};
use super::object::Object;
use super::token::{Token, signed_parts};

/// The cases that every kind of token has; each puts the token under `member`.
pub(crate) fn all(member: &'static str, token: &Token, stranger: &Key) -> Vec<Case> {
    let mut found = algorithms(token);
    found.extend(types(token));
    found.extend(headers(token));
    found.extend(signatures(token, stranger));
    found.extend(encodings(token));
    found.extend(objects(token));
    found.into_iter().map(|(verdict, name, why, text)| Case::new(verdict, name, why).with(member, text)).collect()
}

type Attack = (&'static str, String, String, String);

fn attack(verdict: &'static str, name: impl Into<String>, why: impl Into<String>, text: String) -> Attack {
    (verdict, name.into(), why.into(), text)
}

#[rustfmt::skip] // a table: one case, one line
fn algorithms(token: &Token) -> Vec<Attack> {
    let named = |alg: &str| token.header(|header| header.text("alg", alg));
    let shared_secret = named("HS256");
    let mac = key::hmac(&token.key.public().to_sec1(), &shared_secret.signing_input());
    let mut found = vec![
        attack("refuse", "alg none, no signature", "RFC 8725, 3.1: only ES256 is allowed", named("none").sealed(&[])),
        attack("refuse", "alg none, sound signature", "the header decides nothing", named("none").signed()),
        attack("refuse", "alg HS256 with the public key as secret", "the classic confusion", shared_secret.sealed(&mac)),
        attack("refuse", "alg ES384, 96 bytes", "another curve and hash", named("ES384").sealed(&[7; 96])),
        attack("refuse", "alg absent", "alg is required", token.header(|header| header.without("alg")).signed()),
        attack("refuse", "alg is a list", "alg is a string", token.header(|h| h.raw("alg", r#"["ES256"]"#)).signed()),
        attack("refuse", "alg null", "null is not ES256", token.header(|header| header.raw("alg", "null")).signed()),
    ];
    for alg in ["ES384", "ES256K", "RS256", "PS256", "EdDSA", "es256", "ES256 ", "None", ""] {
        let name = format!("alg {alg:?} over a sound signature");
        found.push(attack("refuse", name, "alg must be exactly ES256", named(alg).signed()));
    }
    found
}

fn types(token: &Token) -> Vec<Attack> {
    let mut found = vec![
        attack("refuse", "typ absent", "RFC 8725, 3.11: typ is explicit", token.header(|h| h.without("typ")).signed()),
        attack("refuse", "typ null", "null is not a type", token.header(|h| h.raw("typ", "null")).signed()),
    ];
    for typ in ["JWT", "jwt", "gatematch-notice+jwt", "at+jwt", ""] {
        let text = token.header(|header| header.text("typ", typ)).signed();
        found.push(attack("refuse", format!("typ {typ:?}"), "a token of one type is no token of another", text));
    }
    found
}

#[rustfmt::skip] // a table: one case, one line
fn headers(token: &Token) -> Vec<Attack> {
    [
        ("jku", r#""https://attacker.example/jwks.json""#, "no key is ever fetched from where a token says"),
        ("x5u", r#""https://attacker.example/cert.pem""#, "no certificate is ever fetched from where a token says"),
        ("x5c", r#"["MIIB"]"#, "a token does not bring its own certificate"),
        ("x5c", "[]", "an empty list is still there"),
        ("b64", "false", "RFC 7797 is not supported"),
        ("b64", "true", "not even where it changes nothing"),
        ("crit", r#"["b64"]"#, "no critical extension is supported"),
        ("crit", r#"["exp"]"#, "no critical extension is supported"),
        ("crit", "[]", "an empty list is still there"),
        ("crit", "null", "null is still there"),
    ]
    .into_iter()
    .map(|(name, raw, why)| attack("refuse", format!("header {name}: {raw}"), why, token.header(|h| h.raw(name, raw)).signed()))
    .collect()
}

#[rustfmt::skip] // a table: one case, one line
fn signatures(token: &Token, stranger: &Key) -> Vec<Attack> {
    let sound = token.signature();
    let (r, s) = sound.split_at(32);
    let (zero, order) = ([0; 32], key::bytes(key::ORDER));
    let mut one = [0; 32];
    one[31] = 1;
    let moved = token.claims(|claims| claims.again("moved", "true")).signature();
    [
        ("signature empty", "64 bytes are needed", Vec::new()),
        ("signature of 63 bytes", "one byte short", sound.iter().copied().take(63).collect()),
        ("signature of 65 bytes, a zero before", "no leading byte is dropped", [&[0], sound.as_slice()].concat()),
        ("signature of 65 bytes, a zero behind", "no trailing byte is dropped", [sound.as_slice(), &[0]].concat()),
        ("signature of 128 bytes", "the right one twice", [sound.as_slice(), &sound].concat()),
        ("signature in DER", "JWS takes r || s (RFC 7518, 3.4)", key::der(&sound)),
        ("signature with s before r", "the order is r || s", [s, r].concat()),
        ("signature with r zero", "r is at least 1", [&zero, s].concat()),
        ("signature with s zero", "s is at least 1", [r, &zero].concat()),
        ("signature all zeros", "CVE-2022-21449", vec![0; 64]),
        ("signature with r = n", "r is below n", [&order, s].concat()),
        ("signature with s = n", "s is below n", [r, &order].concat()),
        ("signature with r = s = n", "both are below n", [order.as_slice(), &order].concat()),
        ("signature all ones", "both are below n", vec![0xff; 64]),
        ("signature with r = s = 1", "in range, and wrong", [one, one].concat()),
        ("signature of other bytes", "one claim was there when it was signed", moved),
        ("signature by another key", "signed by somebody else", stranger.sign(&token.signing_input())),
        ("signature of the text \"header.\"", "nothing of the payload was signed", token.key.sign("header.")),
    ]
    .into_iter()
    .map(|(name, why, signature)| attack("refuse", name, why, token.sealed(&signature)))
    .collect()
}

// The text of an object, so long that its last character has four spare bits, and one of them set.
fn with_spare_bits(object: &Object) -> String {
    let text = object.to_string();
    let spaces = 3 - (text.len() + 2) % 3;
    respelled(&base64url::encode(format!("{text}{}", " ".repeat(spaces))))
}

// Another text for the same bytes, where the length leaves spare bits in the last character.
fn respelled(part: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = part.split_at(part.len().saturating_sub(1));
    let place = ALPHABET.iter().position(|known| last.as_bytes() == [*known]).unwrap_or(0);
    let other = ALPHABET.get(place | 1).copied().unwrap_or(b'A');
    format!("{head}{}", char::from(other))
}

#[rustfmt::skip] // a table: one case, one line
fn encodings(token: &Token) -> Vec<Attack> {
    let sound = token.signed();
    let parts: Vec<&str> = sound.split('.').collect();
    let (header, payload, signature) = match parts.as_slice() {
        [header, payload, signature] => (*header, *payload, *signature),
        _ => ("", "", ""),
    };
    let json = json!({"payload": payload, "protected": header, "signature": signature}).to_string();
    let header_respelled = signed_parts(&with_spare_bits(&token.header), payload, &token.key);
    let payload_respelled = signed_parts(header, &with_spare_bits(&token.claims), &token.key);
    [
        ("signature padded", "no padding in JWS (RFC 7515, 2)", format!("{sound}==")),
        ("header padded", "no padding in JWS", signed_parts(&format!("{header}="), payload, &token.key)),
        ("payload padded", "no padding in JWS", signed_parts(header, &format!("{payload}=="), &token.key)),
        ("header respelled", "its last character has bits that no byte takes", header_respelled),
        ("payload respelled", "its last character has bits that no byte takes", payload_respelled),
        ("signature respelled", "its last character has bits that no byte takes", format!("{header}.{payload}.{}", respelled(signature))),
        ("signature with a standard-alphabet character", "+ and / are not base64url", format!("{header}.{payload}.+/{}", &signature[2..])),
        ("a line feed behind", "nothing stands around a token", format!("{sound}\n")),
        ("a line feed inside", "no white space in base64url", signed_parts(header, &format!("{payload}\n"), &token.key)),
        ("a space before", "nothing stands around a token", format!(" {sound}")),
        ("two parts", "a compact JWS has three", format!("{header}.{payload}")),
        ("one part", "a compact JWS has three", header.to_owned()),
        ("four parts", "a compact JWS has three", format!("{sound}.{signature}")),
        ("five parts", "that would be a JWE", format!("{header}..{payload}.{signature}.{signature}")),
        ("empty", "a compact JWS has three parts", String::new()),
        ("only dots", "the header is not JSON", "..".to_owned()),
        ("JSON serialization", "compact only (RFC 7515, 7.2.2)", json),
        ("detached payload", "the payload is not JSON (RFC 7515, F)", signed_parts(header, "", &token.key)),
        ("letters outside ASCII", "not base64url", format!("ä{sound}")),
    ]
    .into_iter()
    .map(|(name, why, text)| attack("malformed", name, why, text))
    .collect()
}

#[rustfmt::skip] // a table: one case, one line
fn objects(token: &Token) -> Vec<Attack> {
    let part = |object: &Object| base64url::encode(object.to_string());
    let (header, payload) = (part(&token.header), part(&token.claims));
    let with_header = |bytes: &[u8]| signed_parts(&base64url::encode(bytes), &payload, &token.key);
    let with_payload = |bytes: &[u8]| signed_parts(&header, &base64url::encode(bytes), &token.key);
    let (claim, raw) = token.claims.first();
    let escaped = claim.replacen(|_: char| true, &format!("\\u{:04x}", claim.bytes().next().unwrap_or(0)), 1);
    let text = token.claims.to_string();
    let open = text.strip_suffix('}').unwrap_or_default();
    let nested = format!("{}{}", "[".repeat(8), "]".repeat(8));
    let twice = |name: &str, raw: &str| token.claims(|claims| claims.again(name, raw)).signed();
    [
        ("header member twice", "RFC 7515, 4: names are unique", token.header(|h| h.again("alg", r#""ES256""#)).signed()),
        ("header member twice, the second one bad", "two readers would see two", token.header(|h| h.again("alg", r#""none""#)).signed()),
        ("claim twice, equal", "RFC 7519, 4: names are unique", twice(claim, raw)),
        ("claim twice, different", "two readers would see two meanings", twice(claim, r#""other""#)),
        ("claim twice, once with an escape", "escapes are read before names are compared", twice(&escaped, raw)),
        ("unknown claim twice", "also where it would be ignored", token.claims(|c| c.again("x", "1").again("x", "1")).signed()),
        ("member twice in a nested object", "at every level", token.claims(|c| c.raw("x", r#"{"a":1,"a":1}"#)).signed()),
        ("unknown claim nested too deep", "more than 8 levels", token.claims(|c| c.raw("x", nested)).signed()),
        ("header is an array", "it is an object", with_header(b"[]")),
        ("header is not JSON", "it is an object", with_header(b"alg=ES256")),
        ("payload is an array", "it is an object", with_payload(b"[]")),
        ("payload is a string", "it is an object", with_payload(b"\"approve\"")),
        ("payload is null", "it is an object", with_payload(b"null")),
        ("payload without claims", "required ones are absent", with_payload(b"{}")),
        ("payload cut off", "not JSON", with_payload(open.as_bytes())),
        ("payload with something behind", "one value only", with_payload(format!("{text}{text}").as_bytes())),
        ("payload with a byte order mark", "RFC 8259, 8.1", with_payload(format!("\u{feff}{text}").as_bytes())),
        ("payload in UTF-16", "RFC 8259, 8.1: UTF-8", with_payload(&text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())),
        ("payload not UTF-8", "RFC 8259, 8.1", with_payload(&[open.as_bytes(), b",\"x\":\"\xff\"}"].concat())),
        ("payload with a lone surrogate", "not a Unicode text", token.claims(|c| c.raw("x", r#""\ud800""#)).signed()),
        ("payload with NaN", "not JSON", token.claims(|c| c.raw("x", "NaN")).signed()),
        ("payload with a comment", "not JSON", token.claims(|c| c.raw("x", "1/**/")).signed()),
        ("payload with a comma too many", "not JSON", with_payload(format!("{open},}}").as_bytes())),
    ]
    .into_iter()
    .map(|(name, why, text)| attack("malformed", name, why, text))
    .collect()
}
