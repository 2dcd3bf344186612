//! A sound response in a body that is none (AP-05, contract section 1).

use gatematch_protocol::problem::Code;

use super::{Expect, Forge, Misbehaviour, Needs, Request, Scene};
use crate::failure::Failure;
use crate::phone::response_path;

const MALFORMED: Expect = Expect::Problem(Code::MalformedBody);
const UNSUPPORTED: Expect = Expect::Problem(Code::UnsupportedMediaType);

pub(super) const TABLE: &[Misbehaviour] = &[
    entry("body-unknown-member", "an unknown member beside the response", MALFORMED, |scene| {
        carried(scene, |response| format!(r#"{{"response":"{response}","remember":true}}"#))
    }),
    entry("body-duplicate-member", "the response stands twice", MALFORMED, |scene| {
        carried(scene, |response| format!(r#"{{"response":"","response":"{response}"}}"#))
    }),
    entry("body-too-deep", "a member nested 10,000 deep", MALFORMED, |scene| {
        carried(scene, |_| format!(r#"{{"response":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000)))
    }),
    entry("body-wrong-type", "the response is a list", MALFORMED, |scene| {
        carried(scene, |response| format!(r#"{{"response":["{response}"]}}"#))
    }),
    entry("body-null", "the response is null", MALFORMED, |scene| {
        carried(scene, |_| r#"{"response":null}"#.to_owned())
    }),
    entry("body-not-json", "not JSON", MALFORMED, |scene| carried(scene, |response| format!("response={response}"))),
    entry("body-trailing", "something behind the JSON", MALFORMED, |scene| {
        carried(scene, |response| format!(r#"{{"response":"{response}"}}{{}}"#))
    }),
    entry("body-empty", "no body", MALFORMED, |scene| carried(scene, |_| String::new())),
    entry("body-not-utf8", "a byte that is not UTF-8", MALFORMED, |scene| {
        let mut requests = carried(scene, |response| format!(r#"{{"response":"{response}"}}"#))?;
        for request in &mut requests {
            request.body.splice(13..13, [0xff]);
        }
        Ok(requests)
    }),
    entry(
        "body-too-large",
        "a sound body, filled up with blanks to more than 64 KiB",
        Expect::Problem(Code::BodyTooLarge),
        |scene| carried(scene, |response| format!(r#"{{"response":"{response}"{}}}"#, " ".repeat(64 * 1024))),
    ),
    entry("wrong-content-type", "the media type is text/plain", UNSUPPORTED, |scene| typed(scene, Some("text/plain"))),
    entry("no-content-type", "no media type", UNSUPPORTED, |scene| typed(scene, None)),
];

const fn entry(
    name: &'static str,
    what: &'static str,
    expect: Expect,
    make: fn(&Scene<'_>) -> Result<Vec<Request>, Failure>,
) -> Misbehaviour {
    Misbehaviour::requests_of(Needs::Challenge, name, "AP-05", what, expect, make)
}

fn carried(scene: &Scene<'_>, carry: impl FnOnce(&str) -> String) -> Result<Vec<Request>, Failure> {
    let forge = Forge::new(scene)?;
    Ok(vec![Request::new("POST", response_path(&forge.id)).json(carry(&forge.sound()?))])
}

fn typed(scene: &Scene<'_>, media_type: Option<&str>) -> Result<Vec<Request>, Failure> {
    let forge = Forge::new(scene)?;
    let mut request = forge.post(&forge.id, &forge.sound()?)?;
    request.headers = media_type.map(|value| ("content-type", value.to_owned())).into_iter().collect();
    Ok(vec![request])
}
