//! What the shared secret is for: signatures and hidden passwords, all of MD5.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};

use super::packet::{self, HEADER, kind};

/// The Response Authenticator of `reply` (RFC 2865, section 3): MD5 over it with the request's authenticator in
/// place of its own, and the secret.
#[must_use]
pub fn response_authenticator(reply: &[u8], request: &[u8; 16], secret: &[u8]) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(reply.get(..4).unwrap_or_default());
    md5.update(request);
    md5.update(reply.get(HEADER..).unwrap_or_default());
    md5.update(secret);
    md5.finalize().into()
}

/// The Message-Authenticator of `packet` (RFC 3579, section 3.2): HMAC-MD5 over it with the *request's*
/// authenticator in its place and the sixteen bytes at `at` as zeros.
#[must_use]
pub fn message_authenticator(packet: &[u8], request: &[u8; 16], at: usize, secret: &[u8]) -> [u8; 16] {
    let Ok(mut hmac) = Hmac::<Md5>::new_from_slice(secret) else {
        // HMAC takes keys of every length.
        return [0; 16];
    };
    hmac.update(packet.get(..4).unwrap_or_default());
    hmac.update(request);
    hmac.update(packet.get(HEADER..at).unwrap_or_default());
    hmac.update(&[0; 16]);
    hmac.update(packet.get(at.saturating_add(16)..).unwrap_or_default());
    hmac.finalize().into_bytes().into()
}

/// Fills in the first Message-Authenticator of a request, where it has one of sixteen bytes.
pub fn sign(request: &mut [u8], secret: &[u8]) {
    let at = packet::place(request, kind::MESSAGE_AUTHENTICATOR);
    if let (Some(at), Some(authenticator)) = (at, packet::authenticator(request)) {
        let signature = message_authenticator(request, &authenticator, at, secret);
        packet::set(request, at, &signature);
    }
}

/// A password as User-Password carries it (RFC 2865, section 5.2): filled up with zeros to blocks of sixteen bytes,
/// each under MD5 of the secret and the block before. An empty password is one block; over 128 bytes it is cut.
#[must_use]
pub fn hide_password(password: &[u8], request: &[u8; 16], secret: &[u8]) -> Vec<u8> {
    const LONGEST: usize = 128;
    let mut clear = password.get(..LONGEST).unwrap_or(password).to_vec();
    clear.resize(clear.len().div_ceil(16).max(1) * 16, 0);
    let mut hidden = Vec::with_capacity(clear.len());
    let mut before = *request;
    for block in clear.chunks_exact(16) {
        let mask: [u8; 16] = Md5::new().chain_update(secret).chain_update(before).finalize().into();
        for ((out, clear), mask) in before.iter_mut().zip(block).zip(mask) {
            *out = clear ^ mask;
        }
        hidden.extend_from_slice(&before);
    }
    hidden
}
