//! An input is a list of steps in front of a door; [`Step`] has their octets. A list of the logins in progress and
//! of the answers, kept beside, must agree with the door after each step.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use gatematch_protocol::time::Timestamp;
use gatematch_radius::attribute::{MESSAGE_AUTHENTICATOR, PROXY_STATE};
use gatematch_radius::authenticator::{Secret, reply_is_authentic};
use gatematch_radius::client::{Client, Clients, Network};
use gatematch_radius::door::{Cause, Door, Head, Received, Refused};
use gatematch_radius::duplicate::{Key, Limits};
use gatematch_radius::packet::{Packet, code};
use gatematch_radius::reply::Query;

/// The most steps that are read from one input.
const MAX_STEPS: usize = 256;
/// How many logins each client may have in progress.
const LIMIT_IN_FLIGHT: usize = 3;

/// Where datagrams come from: two ports of a strict client, a relaxed one, and a stranger.
const SOURCES: [&str; 4] = ["192.0.2.1:5000", "[::ffff:192.0.2.1]:5001", "198.51.100.7:5000", "203.0.113.9:5000"];

/// One step; the first octet, modulo 5, says which.
enum Step<'a> {
    /// `0 SOURCE LENGTH(2) OCTETS`: these octets arrive as they are.
    Raw(SocketAddr, &'a [u8]),
    /// `1 SOURCE LENGTH(2) OCTETS`: code, identifier, the octet that fills the authenticator, and attributes (the
    /// last one cut where the octets end) arrive as a signed packet.
    Signed(SocketAddr, &'a [u8]),
    /// `2 SECONDS`: time goes by.
    Wait(i64),
    /// `3 WHICH LENGTH`: this login in progress is answered with a Reply-Message of that length.
    Answer(usize, usize),
    /// `4 WHICH`: this login in progress is given up.
    Forget(usize),
}

impl<'a> Step<'a> {
    fn read(input: &mut &'a [u8]) -> Option<Self> {
        match octet(input)? % 5 {
            0 => Some(Self::Raw(source(input)?, long(input)?)),
            1 => Some(Self::Signed(source(input)?, long(input)?)),
            2 => Some(Self::Wait(octet(input)?.into())),
            3 => Some(Self::Answer(octet(input)?.into(), octet(input)?.into())),
            _ => Some(Self::Forget(octet(input)?.into())),
        }
    }
}

fn octet(input: &mut &[u8]) -> Option<u8> {
    let (first, rest) = input.split_first()?;
    *input = rest;
    Some(*first)
}

fn source(input: &mut &[u8]) -> Option<SocketAddr> {
    SOURCES.get(usize::from(octet(input)?) % SOURCES.len())?.parse().ok()
}

/// Two octets of length, and as many octets of those as are there.
fn long<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::from(u16::from_be_bytes([octet(input)?, octet(input)?]));
    let (taken, rest) = input.split_at_checked(length).unwrap_or((input, &[]));
    *input = rest;
    Some(taken)
}

fn secret() -> Secret {
    Secret::new("secret")
}

fn new_door() -> Option<Door> {
    let client = |name: &str, network: &str, require_message_authenticator| {
        Some(Client {
            name: name.to_owned(),
            network: network.parse::<Network>().ok()?,
            secret: secret(),
            require_message_authenticator,
            limit_in_flight: LIMIT_IN_FLIGHT,
        })
    };
    let clients = vec![client("strict", "192.0.2.0/24", true)?, client("relaxed", "198.51.100.7", false)?];
    // As many entries as the logins of both clients, and as many answers again.
    Some(Door::new(Clients::new(clients).ok()?, Limits { entries: 12, octets: 1 << 20 }))
}

/// The door, and what it should know.
struct Scene {
    door: Door,
    now: Timestamp,
    in_progress: Vec<Head>,
    answers: HashMap<Key, Arc<[u8]>>,
    /// The octets that were last let in, or refused, with this key.
    octets: HashMap<Key, Vec<u8>>,
}

/// Lets the steps of an input happen.
pub(crate) fn door(mut input: &[u8]) {
    let door = new_door();
    assert!(door.is_some());
    let Some(door) = door else { return };
    let now = Timestamp::from_numeric_date(1_700_000_000);
    let mut scene = Scene { door, now, in_progress: Vec::new(), answers: HashMap::new(), octets: HashMap::new() };
    for _ in 0..MAX_STEPS {
        let Some(step) = Step::read(&mut input) else { break };
        scene.take(&step);
        scene.agrees();
    }
}

impl Scene {
    fn take(&mut self, step: &Step<'_>) {
        match step {
            Step::Raw(source, octets) => self.arrives(*source, octets),
            Step::Signed(source, octets) => {
                if let Some(datagram) = signed(octets) {
                    self.arrives(*source, &datagram);
                }
            }
            Step::Wait(seconds) => self.now = self.now.plus_seconds(*seconds),
            Step::Answer(which, length) => {
                if let Some(head) = self.pick(*which) {
                    self.answers_it(&head, *length);
                }
            }
            Step::Forget(which) => {
                if let Some(head) = self.pick(*which) {
                    self.door.forget(&head);
                }
            }
        }
    }

    fn pick(&mut self, which: usize) -> Option<Head> {
        let which = which.checked_rem(self.in_progress.len())?;
        Some(self.in_progress.remove(which))
    }

    fn arrives(&mut self, source: SocketAddr, datagram: &[u8]) {
        let packet = Packet::decode(datagram).ok();
        let key = packet.map(|packet| Key {
            source,
            identifier: packet.identifier(),
            authenticator: *packet.authenticator(),
        });
        let is_known = self.in_progress.iter().any(|head| Some(head.key) == key);
        let octets = packet.map(|packet| packet.bytes().to_vec()).unwrap_or_default();
        let is_the_same = key.is_some_and(|key| self.octets.get(&key) == Some(&octets));
        match self.door.receive(self.now, source, datagram) {
            Received::Dropped { client, cause } => {
                assert_eq!(client.is_none(), cause == Cause::UnknownClient);
                assert_eq!(client, self.door.clients().find(source.ip()));
                assert!(cause != Cause::AuthenticatorReused || !is_the_same);
            }
            Received::Again(octets) => {
                assert!(is_the_same && key.and_then(|key| self.answers.get(&key)) == Some(&octets));
            }
            Received::Waiting => assert!(is_known && is_the_same),
            Received::Refused(Refused { octets: answer, superseded, .. }) => {
                let Some((key, packet)) = key.zip(packet) else { return };
                assert!(!is_known);
                let proxy_states = packet.all(PROXY_STATE).map(<[u8]>::to_vec).collect();
                is_sound(&Head { key, serial: 0, client: 0, code: code::ACCESS_REQUEST, proxy_states }, &answer);
                assert_eq!(answer.first(), Some(&code::ACCESS_REJECT));
                self.takes_the_place(&key, superseded);
                self.answers.insert(key, answer);
                self.octets.insert(key, octets);
            }
            Received::Status(status) => {
                let answer = self.door.reply(&status.head, code::ACCESS_ACCEPT, &[], self.now);
                is_sound(&status.head, answer.as_deref().unwrap_or_default());
            }
            Received::Login { request, superseded } => {
                assert!(!is_known && Some(request.head.key) == key);
                assert!(
                    !request.user.is_empty() && Some(request.raw.as_slice()) == packet.map(|packet| packet.bytes())
                );
                self.takes_the_place(&request.head.key, superseded);
                self.answers.remove(&request.head.key);
                self.octets.insert(request.head.key, octets);
                self.in_progress.push(request.head);
            }
        }
    }

    /// The login before with the same address, port and identifier, if it is in progress, is told and is rejected.
    fn takes_the_place(&mut self, key: &Key, superseded: Option<Key>) {
        let is_before = |before: &Head| (before.key.source, before.key.identifier) == (key.source, key.identifier);
        let place = self.in_progress.iter().position(is_before);
        let before = place.map(|place| self.in_progress.remove(place));
        assert_eq!(before.as_ref().map(|before| before.key), superseded);
        if let Some(before) = before {
            assert!(self.door.reply(&before, code::ACCESS_ACCEPT, &[], self.now).is_err());
            let rejected = self.door.reply(&before, code::ACCESS_REJECT, &[], self.now);
            is_sound(&before, rejected.as_deref().unwrap_or_default());
        }
    }

    fn answers_it(&mut self, head: &Head, length: usize) {
        let message = (18, vec![b'm'; length]);
        let answer = self
            .door
            .reply(head, code::ACCESS_ACCEPT, &[message], self.now)
            .or_else(|_| self.door.reply(head, code::ACCESS_REJECT, &[], self.now));
        assert!(answer.is_ok(), "a bare answer always fits");
        if let Ok(octets) = answer {
            is_sound(head, &octets);
            self.answers.insert(head.key, octets);
        }
    }

    fn agrees(&self) {
        assert_eq!(self.door.duplicates().in_progress(), self.in_progress.len());
        for client in 0..self.door.clients().len() {
            let in_flight = self.in_progress.iter().filter(|head| head.client == client).count();
            assert_eq!(self.door.in_flight(client), in_flight);
            assert!(in_flight <= LIMIT_IN_FLIGHT);
        }
    }
}

/// A signed packet of code, identifier, filler and attributes.
fn signed(octets: &[u8]) -> Option<Vec<u8>> {
    let (&[code, identifier, filler], mut rest) = octets.split_first_chunk::<3>()?;
    let mut query = Query::new(code, identifier, [filler; 16]);
    while let Some((&[kind, length], after)) = rest.split_first_chunk::<2>() {
        let (value, left) = after.split_at_checked(usize::from(length).saturating_sub(2)).unwrap_or((after, &[]));
        query = query.attribute(kind, value);
        rest = left;
    }
    query.finish(&secret()).ok()
}

/// An answer is signed first of all, belongs to its request, and has its Proxy-States at the end.
fn is_sound(head: &Head, octets: &[u8]) {
    let packet = Packet::decode(octets);
    assert!(packet.is_ok());
    let Ok(packet) = packet else { return };
    assert_eq!(packet.identifier(), head.key.identifier);
    assert_eq!(packet.attributes().next().map(|attribute| attribute.kind), Some(MESSAGE_AUTHENTICATOR));
    assert_eq!(reply_is_authentic(&packet, &head.key.authenticator, &secret()), Ok(()));
    assert!(packet.all(PROXY_STATE).eq(head.proxy_states.iter().map(Vec::as_slice)));
    let mut kinds = packet.attributes().map(|attribute| attribute.kind).skip_while(|kind| *kind != PROXY_STATE);
    assert!(kinds.all(|kind| kind == PROXY_STATE));
}
