//! Responses that come twice, after another, or too late (AP-01, AP-02, AP-06, AP-07).

use gatematch_protocol::problem::Code;
use serde_json::json;

use super::{Expect, Forge, Misbehaviour, Needs};
use crate::jws::{assemble, split};
use crate::signature;

const DECIDED: Expect = Expect::Problem(Code::AlreadyDecided);

pub(super) const TABLE: &[Misbehaviour] = &[
    Misbehaviour::requests_of(Needs::Challenge, "twice", "AP-01", "the same approval twice", DECIDED, |scene| {
        let forge = Forge::new(scene)?;
        let sound = forge.sound()?;
        Ok(vec![forge.post(&forge.id, &sound)?, forge.post(&forge.id, &sound)?])
    }),
    Misbehaviour::requests_of(
        Needs::Challenge,
        "malleable-twin",
        "AP-02",
        "an approval, then the same with the twin of its signature",
        DECIDED,
        |scene| {
            let forge = Forge::new(scene)?;
            let sound = forge.sound()?;
            let twin = split(&sound).and_then(|(input, bytes)| Some(assemble(input, &signature::twin(&bytes)?)));
            Ok(vec![forge.post(&forge.id, &sound)?, forge.post(&forge.id, &twin.unwrap_or_default())?])
        },
    ),
    Misbehaviour::requests_of(
        Needs::Challenge,
        "wrong-then-right",
        "AP-06",
        "a wrong number, then the right one",
        DECIDED,
        |scene| {
            let forge = Forge::new(scene)?;
            let wrong = forge.with_claim("number", json!(forge.wrong_number()))?;
            Ok(vec![forge.post(&forge.id, &wrong)?, forge.post(&forge.id, &forge.sound()?)?])
        },
    ),
    Misbehaviour::requests_of(
        Needs::Challenge,
        "deny-then-approve",
        "AP-07",
        "a denial, then an approval",
        DECIDED,
        |scene| {
            let forge = Forge::new(scene)?;
            let denial = forge.with_claim("decision", json!("deny"))?;
            Ok(vec![forge.post(&forge.id, &denial)?, forge.post(&forge.id, &forge.sound()?)?])
        },
    ),
    Misbehaviour::requests_of(
        Needs::Challenge,
        "report-then-approve",
        "AP-09",
        "it was not me, then an approval",
        DECIDED,
        |scene| {
            let forge = Forge::new(scene)?;
            let report = forge.with_claim("decision", json!("report"))?;
            Ok(vec![forge.post(&forge.id, &report)?, forge.post(&forge.id, &forge.sound()?)?])
        },
    ),
    Misbehaviour::requests_of(
        Needs::Challenge,
        "late",
        "AP-04",
        "an approval one second after the challenge died (waits for that)",
        Expect::Problem(Code::Expired),
        |scene| {
            let forge = Forge::new(scene)?;
            let mut request = forge.post(&forge.id, &forge.sound()?)?;
            request.not_before = Some(forge.expires.saturating_add(1));
            Ok(vec![request])
        },
    ),
];
