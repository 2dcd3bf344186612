//! What came back, and whether it is to be believed.

use super::digest;
use super::packet::{self, Attribute, code, kind};

/// An answer that is to be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// See [`code`].
    pub code: u8,
    /// All of them, in order.
    pub attributes: Vec<Attribute>,
    /// The datagram as it came.
    pub bytes: Vec<u8>,
}

/// What a gateway demands of an answer, beside a Response Authenticator that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// A Message-Authenticator that holds, as the first attribute: NPS with `requireMsgAuth`, and what the front
    /// door promises.
    #[default]
    Signed,
    /// Where there is a Message-Authenticator, it holds: NPS and FreeRADIUS of before July 2024.
    SignedOrBare,
}

/// Why an answer is not to be believed. A gateway drops such a one without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// No header, a Length that does not fit, or attributes whose lengths do not add up.
    #[error("it is no RADIUS packet")]
    Malformed,
    /// Another request's.
    #[error("it answers another request")]
    Identifier,
    /// Not by somebody who knows the secret, or not to this request.
    #[error("its Response Authenticator is wrong: the secrets may differ")]
    ResponseAuthenticator,
    /// Unsigned.
    #[error("it has no Message-Authenticator")]
    Unsigned,
    /// Signed, but where an attacker could have put something before the signature (CVE-2024-3596).
    #[error("its Message-Authenticator is not its first attribute")]
    NotFirst,
    /// Signed wrongly, or twice.
    #[error("its Message-Authenticator is wrong")]
    MessageAuthenticator,
    /// The proxy did not get back what it gave.
    #[error("its Proxy-State is not the request's")]
    ProxyState,
}

/// What an answer must fit.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) identifier: u8,
    pub(super) authenticator: [u8; 16],
    pub(super) proxy_states: Vec<Vec<u8>>,
}

impl Answer {
    /// Reads a datagram as the answer to `asked`.
    pub(super) fn check(datagram: &[u8], asked: &Asked, demand: Demand, secret: &[u8]) -> Result<Self, Unsound> {
        let reply = packet::packet(datagram).ok_or(Unsound::Malformed)?;
        let attributes = packet::attributes(reply).ok_or(Unsound::Malformed)?;
        let [code, identifier, ..] = reply else { return Err(Unsound::Malformed) };
        if *identifier != asked.identifier {
            return Err(Unsound::Identifier);
        }
        let expected = digest::response_authenticator(reply, &asked.authenticator, secret);
        if packet::authenticator(reply) != Some(expected) {
            return Err(Unsound::ResponseAuthenticator);
        }
        check_signature(reply, &attributes, asked, demand, secret)?;
        let answer = Self { code: *code, attributes, bytes: datagram.to_vec() };
        let proxy_states = answer.all(kind::PROXY_STATE);
        if proxy_states.eq(asked.proxy_states.iter().map(Vec::as_slice)) {
            Ok(answer)
        } else {
            Err(Unsound::ProxyState)
        }
    }

    /// The values of all attributes of this type, in order.
    pub fn all(&self, kind: u8) -> impl Iterator<Item = &[u8]> {
        self.attributes.iter().filter(move |attribute| attribute.kind == kind).map(|attribute| &*attribute.value)
    }

    /// The value of the first attribute of this type.
    #[must_use]
    pub fn first(&self, kind: u8) -> Option<&[u8]> {
        self.all(kind).next()
    }

    /// The value of a vendor's first attribute of this type.
    #[must_use]
    pub fn vendor(&self, vendor: u32, kind: u8) -> Option<&[u8]> {
        let envelopes = self.attributes.iter().filter(|attribute| attribute.kind == self::kind::VENDOR_SPECIFIC);
        let mut parts = envelopes.flat_map(Attribute::vendor_parts);
        parts.find(|(found, of, _)| (*found, *of) == (vendor, kind)).map(|(_, _, value)| value)
    }

    /// What the person may read: all Reply-Messages, one behind the other; what is not UTF-8 is replaced.
    #[must_use]
    pub fn reply_message(&self) -> Option<String> {
        let parts: Vec<_> = self.all(kind::REPLY_MESSAGE).collect();
        (!parts.is_empty()).then(|| String::from_utf8_lossy(&parts.concat()).into_owned())
    }

    /// What ties a second request to this challenge.
    #[must_use]
    pub fn state(&self) -> Option<&[u8]> {
        self.first(kind::STATE)
    }

    /// Whether the person is let in.
    #[must_use]
    pub const fn is_accept(&self) -> bool {
        self.code == code::ACCESS_ACCEPT
    }

    /// Whether the person is refused.
    #[must_use]
    pub const fn is_reject(&self) -> bool {
        self.code == code::ACCESS_REJECT
    }

    /// Whether the person is asked for more.
    #[must_use]
    pub const fn is_challenge(&self) -> bool {
        self.code == code::ACCESS_CHALLENGE
    }

    /// The answer in a word, as the standard writes it.
    #[must_use]
    pub fn name(&self) -> String {
        match self.code {
            code::ACCESS_ACCEPT => "Access-Accept".to_owned(),
            code::ACCESS_REJECT => "Access-Reject".to_owned(),
            code::ACCESS_CHALLENGE => "Access-Challenge".to_owned(),
            other => format!("code {other}"),
        }
    }
}

fn check_signature(
    reply: &[u8],
    attributes: &[Attribute],
    asked: &Asked,
    demand: Demand,
    secret: &[u8],
) -> Result<(), Unsound> {
    let is_signature = |attribute: &Attribute| attribute.kind == kind::MESSAGE_AUTHENTICATOR;
    let mut signatures = attributes.iter().filter(|attribute| is_signature(attribute));
    let (Some(signature), Some(at)) = (signatures.next(), packet::place(reply, kind::MESSAGE_AUTHENTICATOR)) else {
        return if demand == Demand::Signed { Err(Unsound::Unsigned) } else { Ok(()) };
    };
    let expected = digest::message_authenticator(reply, &asked.authenticator, at, secret);
    if signature.value != expected || signatures.next().is_some() {
        return Err(Unsound::MessageAuthenticator);
    }
    if demand == Demand::Signed && !attributes.first().is_some_and(is_signature) {
        return Err(Unsound::NotFirst);
    }
    Ok(())
}
