//! Sound datagrams that ask for what they may not have (RA-04 to RA-09).

use super::{Expect, Misbehaviour, NOBODY, Needs, Play, Scene};
use crate::edge;
use crate::radius::AccessRequest;
use crate::radius::packet::kind;

const REJECT: Expect = Expect::Reject;
const REFUSAL: Expect = Expect::Refusal;

pub(super) const TABLE: &[Misbehaviour] = &[
    Misbehaviour {
        name: "retransmit-five-times",
        case: "RA-04",
        what: "the same bytes five times, and once more after the answer",
        expect: Expect::SameBytes,
        needs: Needs::Decision,
        play: Play::Retransmit,
    },
    Misbehaviour {
        name: "same-identifier-new-authenticator",
        case: "RA-05",
        what: "the identifier of a request that waits, with a new authenticator",
        expect: Expect::SecondOnly,
        needs: Needs::Decision,
        play: Play::SameIdentifier,
    },
    asked("invented-state", "RA-06", "a State that nobody gave", REJECT, |scene| {
        scene.request().password("").state(&edge::random::<16>())
    }),
    asked("state-empty", "RA-06", "a State without a byte", REFUSAL, |scene| scene.request().password("").state(&[])),
    asked("state-long", "RA-06", "a State of 253 bytes", REJECT, |scene| scene.request().password("").state(&[7; 253])),
    asked("state-twice", "RA-06", "two States", REFUSAL, |scene| {
        scene.request().password("").state(&edge::random::<16>()).state(&edge::random::<16>())
    }),
    Misbehaviour {
        name: "replayed-state",
        case: "RA-06",
        what: "the State of a challenge a second time",
        expect: REJECT,
        needs: Needs::Challenge,
        play: Play::ReplayedState,
    },
    Misbehaviour {
        name: "foreign-state",
        case: "RA-06",
        what: "the State of one user's challenge with another user's name",
        expect: REJECT,
        needs: Needs::Challenge,
        play: Play::ForeignState,
    },
    asked("unknown-user", "RA-08", "a user whom nobody knows", REJECT, |scene| scene.request_for(NOBODY)),
    asked("user-name-missing", "RA-08", "no User-Name", REFUSAL, |scene| scene.request().without(kind::USER_NAME)),
    asked("user-name-empty", "RA-09", "a User-Name without a byte", REFUSAL, |scene| scene.request_for("")),
    asked("user-name-twice", "RA-09", "two User-Names, one of which is known", REFUSAL, |scene| {
        scene.request().attribute(kind::USER_NAME, NOBODY)
    }),
    asked("user-name-with-nul", "RA-09", "a zero byte behind the User-Name", REFUSAL, |scene| {
        scene.request_for(&format!("{}\0", scene.user))
    }),
    asked("user-name-with-newline", "RA-09", "a line end behind the User-Name", REFUSAL, |scene| {
        scene.request_for(&format!("{}\n", scene.user))
    }),
    asked("user-name-with-blank", "RA-09", "a blank behind the User-Name", REFUSAL, |scene| {
        scene.request_for(&format!("{} ", scene.user))
    }),
    asked("user-name-with-dot", "RA-09", "a dot behind the User-Name", REFUSAL, |scene| {
        scene.request_for(&format!("{}.", scene.user))
    }),
    asked("user-name-not-utf8", "RA-09", "a User-Name that is not UTF-8", REFUSAL, |scene| {
        let name = [scene.user.as_bytes(), &[0xff]].concat();
        scene.request().without(kind::USER_NAME).attribute(kind::USER_NAME, name)
    }),
    asked("user-name-long", "RA-09", "a User-Name of 253 bytes", REFUSAL, |scene| scene.request_for(&"a".repeat(253))),
    asked("user-name-path", "RA-09", "a User-Name that is a path", REFUSAL, |scene| {
        scene.request_for("../../v1/users/alice?x=")
    }),
    asked("password-odd-length", "RA-02", "a User-Password of fifteen bytes", REFUSAL, |scene| {
        scene.request_for(NOBODY).attribute(kind::USER_PASSWORD, [7; 15])
    }),
    asked("chap-password", "RA-02", "a CHAP-Password, which the front door does not know", REFUSAL, |scene| {
        scene.request_for(NOBODY).attribute(kind::CHAP_PASSWORD, [7; 17])
    }),
    asked("eap-message", "RA-02", "an EAP conversation, which the front door does not know", REFUSAL, |scene| {
        scene.request_for(NOBODY).attribute(kind::EAP_MESSAGE, [2, 1, 0, 5, 1])
    }),
    asked("proxy-state-many", "RA-08", "twenty Proxy-States of all lengths", Expect::Answer, |scene| {
        (0..20)
            .fold(scene.request_for(NOBODY), |request, index| request.proxy_state(&vec![index; usize::from(index) * 8]))
    }),
    asked("proxy-state-long", "RA-08", "Proxy-States of 2,040 bytes in all", Expect::Answer, |scene| long(scene, 8)),
    asked("proxy-state-too-long", "RA-08", "Proxy-States that leave an answer no room", REFUSAL, |scene| {
        long(scene, 15)
    }),
];

const fn asked(
    name: &'static str,
    case: &'static str,
    what: &'static str,
    expect: Expect,
    make: fn(&Scene<'_>) -> AccessRequest,
) -> Misbehaviour {
    Misbehaviour { name, case, what, expect, needs: Needs::FrontDoor, play: Play::Request(make) }
}

/// A request with just so many of the longest Proxy-States.
fn long(scene: &Scene<'_>, count: u8) -> AccessRequest {
    let request = scene.request_for(NOBODY).without_proxy_state();
    (0..count).fold(request, |request, index| request.proxy_state(&[index; 253]))
}
