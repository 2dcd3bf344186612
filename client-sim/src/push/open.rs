//! Opens what an application server sealed for a user agent: `aes128gcm` (RFC 8188) under a key that both agreed on
//! by ECDH (RFC 8291).

use std::fmt;

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes128Gcm, KeyInit as _, Nonce};
use aws_lc_rs::agreement;
use gatematch_protocol::base64url;
use gatematch_protocol::device::PushKeys;
use gatematch_protocol::secret::Secret;
use hkdf::Hkdf;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::edge;

/// What a push service must take, in bytes (RFC 8030, section 7.2), and the longest sealed message that is opened.
pub const MAX_SEALED_BYTES: usize = 4_096;

const SALT_BYTES: usize = 16;
const RECORD_SIZE_BYTES: usize = 4;
/// An uncompressed point of P-256.
const POINT_BYTES: usize = 65;
const TAG_BYTES: usize = 16;
/// What ends the plaintext of the last record; zeros may follow (RFC 8188, section 2).
const LAST_RECORD: u8 = 2;

/// Why a sealed message is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// Shorter than its header and the least record.
    #[error("too short")]
    TooShort,
    /// Longer than [`MAX_SEALED_BYTES`].
    #[error("too long")]
    TooLong,
    /// The key id is not 65 bytes, as an uncompressed point is (RFC 8291, section 4).
    #[error("the key id is not a point of 65 bytes")]
    KeyId,
    /// The key id is not a point of the curve.
    #[error("the key id is not a point of P-256")]
    OffCurve,
    /// The record size leaves no room for the record, so that there would be more than one (RFC 8291, section 4).
    #[error("the record size does not hold the message in one record")]
    RecordSize,
    /// The tag does not hold: sealed for another key, or changed on the way.
    #[error("sealed for another key, or changed")]
    Tag,
    /// No padding delimiter, or that of a record which is not the last.
    #[error("the padding is not that of the last record")]
    Padding,
}

/// The keys of a subscription as the user agent holds them: a private key and the authentication secret. Wiped when
/// dropped; `Debug` tells neither.
pub struct UserAgentKeys {
    private: SecretKey,
    public: [u8; POINT_BYTES],
    auth: Zeroizing<[u8; 16]>,
    /// The same private key, where aws-lc-rs agrees with it.
    quick: Option<agreement::PrivateKey>,
}

impl UserAgentKeys {
    /// The keys of this secret scalar, big endian, and authentication secret. `None` for a scalar that is zero or not
    /// below the order of the group.
    #[must_use]
    pub fn new(private: &[u8; 32], auth: [u8; 16]) -> Option<Self> {
        let private = SecretKey::from_slice(private).ok()?;
        let public = private.public_key().to_sec1_point(false).as_bytes().try_into().ok()?;
        Some(Self { private, public, auth: Zeroizing::new(auth), quick: None })
    }

    /// New random keys.
    #[must_use]
    pub fn random() -> Self {
        loop {
            if let Some(keys) = Self::new(&edge::random(), edge::random()) {
                return keys;
            }
        }
    }

    /// The same keys, which aws-lc-rs agrees with: for those who measure the server.
    #[must_use]
    pub fn quick(self) -> Self {
        let secret = Zeroizing::new(self.private.to_bytes());
        let quick = agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, &secret).ok();
        Self { quick, ..self }
    }

    /// What the application server is told of them (RFC 8291, section 2.2).
    #[must_use]
    pub fn told(&self) -> PushKeys {
        PushKeys { p256dh: base64url::encode(self.public), auth: Secret::new(base64url::encode(*self.auth)) }
    }

    /// Opens a body of the content coding `aes128gcm`.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub fn open(&self, body: &[u8]) -> Result<Vec<u8>, OpenFault> {
        let sealed = Sealed::read(body)?;
        let shared = self.agree(sealed.sender).ok_or(OpenFault::OffCurve)?;
        let (key, nonce) = self.derive(&shared, &sealed).ok_or(OpenFault::Tag)?;
        let cipher = Aes128Gcm::new_from_slice(&*key).map_err(|_| OpenFault::Tag)?;
        let mut plain = cipher.decrypt(&Nonce::from(nonce), sealed.record).map_err(|_| OpenFault::Tag)?;
        let delimiter = plain.iter().rposition(|byte| *byte != 0).ok_or(OpenFault::Padding)?;
        if plain.get(delimiter) != Some(&LAST_RECORD) {
            return Err(OpenFault::Padding);
        }
        plain.truncate(delimiter);
        Ok(plain)
    }

    /// What both sides know by ECDH; `None` where the sender's point is off the curve.
    fn agree(&self, sender: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        if let Some(quick) = &self.quick {
            let sender = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, sender);
            return agreement::agree(quick, sender, (), |shared| {
                Ok(Zeroizing::new(shared.try_into().map_err(|_| ())?))
            })
            .ok();
        }
        let sender = PublicKey::from_sec1_bytes(sender).ok()?;
        let shared = p256::ecdh::diffie_hellman(self.private.to_nonzero_scalar(), sender.as_affine());
        Some(Zeroizing::new((*shared.raw_secret_bytes()).into()))
    }

    /// The content encryption key and the nonce (RFC 8291, section 3.4; RFC 8188, sections 2.2 and 2.3). Of the only
    /// record the sequence number is 0, which leaves the nonce as it is.
    fn derive(&self, shared: &[u8; 32], sealed: &Sealed<'_>) -> Option<(Zeroizing<[u8; 16]>, [u8; 12])> {
        let mut info = Vec::with_capacity(14 + 2 * POINT_BYTES);
        info.extend_from_slice(b"WebPush: info\0");
        info.extend_from_slice(&self.public);
        info.extend_from_slice(sealed.sender);
        let mut material = Zeroizing::new([0; 32]);
        let agreed = Hkdf::<Sha256>::new(Some(&*self.auth), shared);
        agreed.expand(&info, &mut *material).ok()?;
        let salted = Hkdf::<Sha256>::new(Some(sealed.salt), &*material);
        let mut key = Zeroizing::new([0; 16]);
        salted.expand(b"Content-Encoding: aes128gcm\0", &mut *key).ok()?;
        let mut nonce = [0; 12];
        salted.expand(b"Content-Encoding: nonce\0", &mut nonce).ok()?;
        Some((key, nonce))
    }
}

impl fmt::Debug for UserAgentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserAgentKeys(..)")
    }
}

/// A body, taken apart (RFC 8188, section 2.1).
struct Sealed<'a> {
    salt: &'a [u8],
    sender: &'a [u8],
    record: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn read(body: &'a [u8]) -> Result<Self, OpenFault> {
        if body.len() > MAX_SEALED_BYTES {
            return Err(OpenFault::TooLong);
        }
        let (salt, rest) = body.split_at_checked(SALT_BYTES).ok_or(OpenFault::TooShort)?;
        let (size, rest) = rest.split_first_chunk::<RECORD_SIZE_BYTES>().ok_or(OpenFault::TooShort)?;
        let (length, rest) = rest.split_first().ok_or(OpenFault::TooShort)?;
        if usize::from(*length) != POINT_BYTES {
            return Err(OpenFault::KeyId);
        }
        let (sender, record) = rest.split_at_checked(POINT_BYTES).ok_or(OpenFault::TooShort)?;
        if record.len() <= TAG_BYTES {
            return Err(OpenFault::TooShort);
        }
        // RFC 8291 wants the size to be greater than the record, not only as great.
        let fits = usize::try_from(u32::from_be_bytes(*size)).is_ok_and(|size| size > record.len());
        if fits { Ok(Self { salt, sender, record }) } else { Err(OpenFault::RecordSize) }
    }
}

#[cfg(test)]
mod tests;
