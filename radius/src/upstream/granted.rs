//! What an upstream Access-Accept grants, and how it goes into ours: keys are hidden under each hop's own secret.

use gatematch_protocol::secret::Secret;
use zeroize::Zeroizing;

use crate::attribute::microsoft::{MS_CHAP_MPPE_KEYS, MS_CHAP2_SUCCESS, MS_MPPE_RECV_KEY, MS_MPPE_SEND_KEY, VENDOR};
use crate::attribute::{TUNNEL_PASSWORD, VENDOR_SPECIFIC, is_of_the_protocol};
use crate::authenticator::{hide_password, hide_salted, reveal_password, reveal_salted};
use crate::edge::{Edge, NoEntropy};
use crate::packet::{Packet, VendorSpecific};

/// One attribute that goes into our Access-Accept.
#[derive(Clone)]
pub struct Granted {
    kind: u8,
    /// What stands before the value inside the attribute: vendor and type, or a tag.
    head: Vec<u8>,
    value: Zeroizing<Vec<u8>>,
    hiding: Hiding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hiding {
    Open,
    /// As User-Password, padded to what it had (RFC 2548, section 2.4.1).
    Padded,
    /// Behind a salt (RFC 2548, section 2.4.2; RFC 2868, section 3.5).
    Salted,
}

impl Granted {
    /// An attribute that is no secret.
    #[must_use]
    pub fn open(kind: u8, value: &[u8]) -> Self {
        Self { kind, head: Vec::new(), value: Zeroizing::new(value.to_vec()), hiding: Hiding::Open }
    }

    /// Whether both set the same thing: the same type, of the same vendor.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        self.kind == other.kind && (self.kind != VENDOR_SPECIFIC || self.vendor_and_type() == other.vendor_and_type())
    }

    fn vendor_and_type(&self) -> Vec<u8> {
        self.head.iter().chain(self.value.iter()).take(5).copied().collect()
    }
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Takes over what `reply`, the answer to a query with this authenticator, grants: what settings may set, and what is
/// hidden anew. The rest belongs to the hop, or to a conversation that the client does not have with us.
pub(super) fn take(reply: &Packet<'_>, authenticator: &[u8; 16], secret: &Secret) -> Vec<Granted> {
    let hop = (authenticator, secret);
    reply
        .attributes()
        .flat_map(|attribute| match attribute.kind {
            TUNNEL_PASSWORD => tunnel_password(attribute.value, hop).into_iter().collect(),
            VENDOR_SPECIFIC => vendor_specific(attribute.value, hop),
            kind if is_of_the_protocol(None, kind) => Vec::new(),
            kind => vec![Granted::open(kind, attribute.value)],
        })
        .collect()
}

/// The authenticator and the secret that hide what an upstream server sent.
type Theirs<'a> = (&'a [u8; 16], &'a Secret);

fn tunnel_password(value: &[u8], (authenticator, secret): Theirs<'_>) -> Option<Granted> {
    let (tag, hidden) = value.split_first()?;
    let value = reveal_salted(hidden, authenticator, secret).map_err(|_| left_out("Tunnel-Password")).ok()?;
    Some(Granted { kind: TUNNEL_PASSWORD, head: vec![*tag], value, hiding: Hiding::Salted })
}

/// One Vendor-Specific may hold several attributes (RFC 2865, section 5.26): of Microsoft's, each gets its own. One
/// of Microsoft that keeps to no form is left out: nobody knows what it would hand on.
fn vendor_specific(value: &[u8], theirs: Theirs<'_>) -> Vec<Granted> {
    if !value.starts_with(&VENDOR.to_be_bytes()) {
        return vec![Granted::open(VENDOR_SPECIFIC, value)];
    }
    let specific = VendorSpecific::read(value);
    specific.iter().flat_map(VendorSpecific::parts).filter_map(|(kind, part)| microsoft(kind, part, theirs)).collect()
}

fn microsoft(kind: u8, part: &[u8], (authenticator, secret): Theirs<'_>) -> Option<Granted> {
    let (value, hiding) = match kind {
        MS_MPPE_SEND_KEY | MS_MPPE_RECV_KEY => (reveal_salted(part, authenticator, secret).ok(), Hiding::Salted),
        MS_CHAP_MPPE_KEYS => {
            let whole = |mut keys: Zeroizing<Vec<u8>>| {
                keys.resize(part.len(), 0);
                keys
            };
            (reveal_password(part, authenticator, secret).ok().map(whole), Hiding::Padded)
        }
        MS_CHAP2_SUCCESS => (Some(Zeroizing::new(part.to_vec())), Hiding::Open),
        kind if is_of_the_protocol(Some(VENDOR), kind) => return None,
        _ => (Some(Zeroizing::new(part.to_vec())), Hiding::Open),
    };
    let Some(value) = value else {
        left_out("MS-MPPE key");
        return None;
    };
    let length = match hiding {
        Hiding::Salted => 2 + (value.len() + 1).next_multiple_of(16),
        Hiding::Open | Hiding::Padded => value.len(),
    };
    let mut head = VENDOR.to_be_bytes().to_vec();
    head.extend([kind, u8::try_from(length + 2).ok()?]);
    Some(Granted { kind: VENDOR_SPECIFIC, head, value, hiding })
}

fn left_out(what: &str) {
    tracing::debug!(what, "a key in an upstream Access-Accept cannot be read and is left out");
}

/// The attributes of an Access-Accept: types and values, hidden for the client that has `secret` and asked with this
/// authenticator. One that no longer fits is left out.
///
/// # Errors
/// [`NoEntropy`].
pub fn seal(
    granted: &[Granted],
    authenticator: &[u8; 16],
    secret: &Secret,
    edge: &Edge,
) -> Result<Vec<(u8, Vec<u8>)>, NoEntropy> {
    let [first, mut second] = edge.random()?;
    let mut sealed = Vec::with_capacity(granted.len());
    for each in granted {
        let value = match each.hiding {
            Hiding::Open => Some(each.value.to_vec()),
            Hiding::Padded => hide_password(&each.value, authenticator, secret).ok(),
            Hiding::Salted => {
                // RFC 2548, section 2.4.2: another salt for each in one packet.
                second = second.wrapping_add(1);
                hide_salted(&each.value, [first, second], authenticator, secret).ok()
            }
        };
        if let Some(value) = value {
            sealed.push((each.kind, [each.head.as_slice(), &value].concat()));
        }
    }
    Ok(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{
        CHAP_CHALLENGE, CHAP_PASSWORD, CLASS, EAP_MESSAGE, PROXY_STATE, SESSION_TIMEOUT, STATE, USER_NAME,
        USER_PASSWORD,
    };
    use crate::packet::code;
    use crate::reply::Reply;

    const THERE: [u8; 16] = [2; 16];
    const HERE: [u8; 16] = [1; 16];

    fn through(reply: Reply) -> Vec<(u8, Vec<u8>)> {
        let (server, client) = (Secret::new("secret of the server"), Secret::new("secret of the client"));
        let datagram = reply.finish(&server).unwrap();
        let granted = take(&Packet::decode(&datagram).unwrap(), &THERE, &server);
        seal(&granted, &HERE, &client, &Edge::system()).unwrap()
    }

    #[test]
    fn what_is_granted_goes_on_but_for_what_belongs_to_the_hop() {
        let reply = Reply::new(code::ACCESS_ACCEPT, 1, THERE)
            .attribute(CLASS, b"one")
            .attribute(PROXY_STATE, b"x")
            .attribute(STATE, b"y")
            .attribute(CLASS, b"two")
            .vendor(9, 1, b"other vendor");
        let sealed = through(reply);
        assert_eq!(sealed.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [CLASS, CLASS, VENDOR_SPECIFIC]);
        assert_eq!(sealed[2].1, [&[0, 0, 0, 9, 1, 14][..], b"other vendor"].concat());
    }

    #[test]
    fn what_settings_may_not_set_does_not_go_on() {
        let part = |kind: u8, value: &[u8]| [&[kind, u8::try_from(value.len() + 2).unwrap()][..], value].concat();
        let microsoft = |parts: &[Vec<u8>]| [&VENDOR.to_be_bytes()[..], &parts.concat()].concat();
        let reply = Reply::new(code::ACCESS_ACCEPT, 1, THERE)
            .attribute(EAP_MESSAGE, &[3, 0, 0, 4])
            .attribute(USER_NAME, b"mallory")
            .attribute(USER_PASSWORD, &[7; 16])
            .attribute(CHAP_PASSWORD, &[7; 17])
            .attribute(CHAP_CHALLENGE, &[7; 16])
            .attribute(VENDOR_SPECIFIC, &microsoft(&[part(2, b"E=691"), part(26, b"S=ok"), part(63, &[0, 0, 0, 1])]))
            .attribute(VENDOR_SPECIFIC, &microsoft(&[vec![2, 200, 1]]))
            .attribute(VENDOR_SPECIFIC, &microsoft(&[]))
            .attribute(VENDOR_SPECIFIC, &[0, 0, 0, 9, 1, 200]);
        let sealed = through(reply);
        let expected =
            [microsoft(&[part(26, b"S=ok")]), microsoft(&[part(63, &[0, 0, 0, 1])]), vec![0, 0, 0, 9, 1, 200]];
        assert_eq!(sealed, expected.map(|value| (VENDOR_SPECIFIC, value)));
    }

    #[test]
    fn a_setting_is_like_a_part_that_came_behind_another() {
        let server = Secret::new("secret of the server");
        let both = [&VENDOR.to_be_bytes()[..], &[7, 6, 0, 0, 0, 4], &[63, 6, 0, 0, 0, 0]].concat();
        let datagram =
            Reply::new(code::ACCESS_ACCEPT, 1, THERE).attribute(VENDOR_SPECIFIC, &both).finish(&server).unwrap();
        let granted = take(&Packet::decode(&datagram).unwrap(), &THERE, &server);
        let setting = Granted::open(VENDOR_SPECIFIC, &[0, 0, 1, 55, 63, 6, 0, 0, 0, 1]);
        assert_eq!(granted.iter().map(|granted| setting.is_alike(granted)).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn keys_are_hidden_for_the_client_also_where_they_share_an_attribute() {
        let server = Secret::new("secret of the server");
        let client = Secret::new("secret of the client");
        let part = |kind: u8, value: &[u8]| [&[kind, u8::try_from(value.len() + 2).unwrap()][..], value].concat();
        let send = hide_salted(&[5; 32], [1, 1], &THERE, &server).unwrap();
        let receive = hide_salted(&[6; 32], [1, 2], &THERE, &server).unwrap();
        let tunnel = hide_salted(b"tunnel", [1, 3], &THERE, &server).unwrap();
        let both = [&VENDOR.to_be_bytes()[..], &part(16, &send), &part(17, &receive), &part(7, b"four")].concat();
        let lan = hide_password(&[[9; 24].as_slice(), &[0; 8]].concat(), &THERE, &server).unwrap();
        let reply = Reply::new(code::ACCESS_ACCEPT, 1, THERE)
            .attribute(VENDOR_SPECIFIC, &both)
            .vendor(VENDOR, MS_CHAP_MPPE_KEYS, &lan)
            .attribute(TUNNEL_PASSWORD, &[&[1][..], &tunnel].concat());
        let sealed = through(reply);
        assert_eq!(sealed.len(), 5);
        let read = |index: usize| {
            let specific = VendorSpecific::read(&sealed[index].1).unwrap();
            let (kind, value) = specific.parts().next().unwrap();
            (kind, value.to_vec())
        };
        assert_eq!((read(0).0, read(1).0, read(2)), (16, 17, (7, b"four".to_vec())));
        assert_eq!(reveal_salted(&read(0).1, &HERE, &client).unwrap().as_slice(), [5; 32]);
        assert_eq!(reveal_salted(&read(1).1, &HERE, &client).unwrap().as_slice(), [6; 32]);
        assert_ne!(read(0).1[..2], read(1).1[..2], "each has a salt of its own");
        assert_eq!(reveal_password(&read(3).1, &HERE, &client).unwrap().as_slice(), [9; 24]);
        assert_eq!(read(3).1.len(), 32);
        assert_eq!(reveal_salted(&sealed[4].1[1..], &HERE, &client).unwrap().as_slice(), b"tunnel");
        assert_eq!(sealed[4].1[0], 1);
    }

    #[test]
    fn alike_is_the_same_type_of_the_same_vendor() {
        let vendor = |kind: u8| Granted::open(VENDOR_SPECIFIC, &[0, 0, 1, 55, kind, 6, 0, 0, 0, 1]);
        assert!(Granted::open(SESSION_TIMEOUT, &[0; 4]).is_alike(&Granted::open(SESSION_TIMEOUT, &[1; 4])));
        assert!(!Granted::open(SESSION_TIMEOUT, &[0; 4]).is_alike(&Granted::open(CLASS, &[0; 4])));
        assert!(vendor(63).is_alike(&vendor(63)) && !vendor(63).is_alike(&vendor(62)));
    }
}
