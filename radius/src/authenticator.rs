//! What the shared secret protects: the authenticators of packets, and passwords and keys inside them.
//!
//! All of it is MD5, because the standards say so. What holds today is HMAC-MD5 in Message-Authenticator
//! (RFC 3579, section 3.2); the bare MD5 of the Response Authenticator does not (CVE-2024-3596), which is why
//! [`reply_is_authentic`] asks for both.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use crate::attribute::{EAP_MESSAGE, MESSAGE_AUTHENTICATOR};
use crate::packet::{ATTRIBUTE_HEAD_LENGTH, Packet};

pub use gatematch_protocol::secret::Secret;

mod hidden;

pub use hidden::{
    MAX_PASSWORD_LENGTH, MAX_SALTED_LENGTH, Unhideable, Unreadable, hide_password, hide_salted, may_hide_password,
    reveal_password, reveal_salted,
};

/// What the Message-Authenticator of a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageAuthenticator {
    /// There is one, and it holds.
    Valid,
    /// There is none.
    Absent,
    /// There is one, and it does not hold: another secret, or a forgery.
    Wrong,
    /// There are several (RFC 3579, section 3.3, allows one): none of them counts.
    Repeated,
}

/// Why a reply is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthentic {
    /// The Response Authenticator does not hold.
    #[error("the Response Authenticator is wrong: another secret, or not the reply to this request")]
    Response,
    /// A Message-Authenticator is there and does not hold, or there are several, or EAP-Message comes without one.
    #[error("the Message-Authenticator is wrong")]
    MessageAuthenticator,
    /// The Response Authenticator holds, but there is no Message-Authenticator. On a path that nobody else can
    /// write to, settings may allow that; elsewhere a Reject can be turned into an Accept (CVE-2024-3596).
    #[error("the reply has no Message-Authenticator")]
    Unsigned,
}

/// Checks the Message-Authenticator of a request (RFC 3579, section 3.2; RFC 5997, section 3).
#[must_use]
pub fn request_is_authentic(packet: &Packet<'_>, secret: &Secret) -> MessageAuthenticator {
    check_message_authenticator(packet, packet.authenticator(), secret)
}

/// Checks both authenticators of a reply to a request that had `request_authenticator`. That its identifier,
/// address and port are those of the request is for the caller to see.
///
/// # Errors
/// [`Unauthentic`]; [`Unauthentic::Unsigned`] only where all else holds.
pub fn reply_is_authentic(
    reply: &Packet<'_>,
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Result<(), Unauthentic> {
    if !response_authenticator_holds(reply, request_authenticator, secret) {
        return Err(Unauthentic::Response);
    }
    match check_message_authenticator(reply, request_authenticator, secret) {
        MessageAuthenticator::Valid => Ok(()),
        MessageAuthenticator::Absent if reply.first(EAP_MESSAGE).is_none() => Err(Unauthentic::Unsigned),
        MessageAuthenticator::Absent | MessageAuthenticator::Wrong | MessageAuthenticator::Repeated => {
            Err(Unauthentic::MessageAuthenticator)
        }
    }
}

/// MD5 over the reply with the request's authenticator in place of its own, then the secret (RFC 2865, section 3).
fn response_authenticator_holds(reply: &Packet<'_>, request_authenticator: &[u8; 16], secret: &Secret) -> bool {
    let Some((head, attributes)) = split_authenticator(reply) else { return false };
    let made = response_authenticator(&[head, request_authenticator, attributes], secret);
    made.ct_eq(reply.authenticator()).into()
}

/// MD5 over `pieces` and the secret: the Response Authenticator of RFC 2865, section 3.
pub(crate) fn response_authenticator(pieces: &[&[u8]], secret: &Secret) -> [u8; 16] {
    let mut md5 = Md5::new();
    for piece in pieces {
        md5.update(piece);
    }
    md5.update(secret.reveal());
    md5.finalize().into()
}

/// HMAC-MD5 over `pieces`: the Message-Authenticator of RFC 3579, section 3.2.
///
/// `None` never happens, because HMAC takes keys of any length; the type of the crate's constructor does not say so.
pub(crate) fn message_authenticator(pieces: &[&[u8]], secret: &Secret) -> Option<[u8; 16]> {
    let mut mac = Hmac::<Md5>::new_from_slice(secret.reveal().as_bytes()).ok()?;
    for piece in pieces {
        mac.update(piece);
    }
    Some(mac.finalize().into_bytes().into())
}

fn check_message_authenticator(
    packet: &Packet<'_>,
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> MessageAuthenticator {
    let mut found = packet.attributes().filter(|attribute| attribute.kind == MESSAGE_AUTHENTICATOR);
    let Some(attribute) = found.next() else { return MessageAuthenticator::Absent };
    if found.next().is_some() {
        return MessageAuthenticator::Repeated;
    }
    let holds = <&[u8; 16]>::try_from(attribute.value)
        .ok()
        .and_then(|claimed| Some((claimed, expected(packet, attribute.offset, request_authenticator, secret)?)))
        .is_some_and(|(claimed, expected)| claimed.ct_eq(&expected).into());
    if holds { MessageAuthenticator::Valid } else { MessageAuthenticator::Wrong }
}

/// What the Message-Authenticator at `offset` should be: its own value counts as sixteen zeros.
fn expected(packet: &Packet<'_>, offset: usize, request_authenticator: &[u8; 16], secret: &Secret) -> Option<[u8; 16]> {
    let (head, _) = split_authenticator(packet)?;
    let value = offset.checked_add(ATTRIBUTE_HEAD_LENGTH)?;
    let before = packet.bytes().get(head.len() + request_authenticator.len()..value)?;
    let after = packet.bytes().get(value.checked_add(16)?..)?;
    message_authenticator(&[head, request_authenticator, before, &[0; 16], after], secret)
}

/// What stands before the authenticator of a packet, and what stands after it.
fn split_authenticator<'a>(packet: &Packet<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let (head, rest) = packet.bytes().split_at_checked(4)?;
    Some((head, rest.get(16..)?))
}

#[cfg(test)]
mod tests;
