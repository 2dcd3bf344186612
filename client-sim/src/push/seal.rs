//! Seals messages, sound and not, for the tests of what opens them.

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes128Gcm, KeyInit as _, Nonce};
use gatematch_protocol::base64url;
use gatematch_protocol::device::PushKeys;
use hkdf::Hkdf;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;

/// What a sealer may do otherwise.
pub(crate) struct Sealer {
    pub(crate) private: [u8; 32],
    pub(crate) salt: [u8; 16],
    pub(crate) record_size: u32,
    /// What stands behind the plaintext.
    pub(crate) padding: Vec<u8>,
}

impl Default for Sealer {
    fn default() -> Self {
        Self { private: [5; 32], salt: [6; 16], record_size: 4_096, padding: vec![2] }
    }
}

impl Sealer {
    pub(crate) fn seal(&self, to: &PushKeys, plaintext: &[u8]) -> Vec<u8> {
        let private = SecretKey::from_slice(&self.private).unwrap();
        let own = private.public_key().to_sec1_point(false);
        let theirs = base64url::decode(&to.p256dh).unwrap();
        let point = PublicKey::from_sec1_bytes(&theirs).unwrap();
        let shared = p256::ecdh::diffie_hellman(private.to_nonzero_scalar(), point.as_affine());
        let info = [&b"WebPush: info\0"[..], &theirs, own.as_bytes()].concat();
        let auth = base64url::decode(to.auth.reveal()).unwrap();
        let (mut material, mut key, mut nonce) = ([0; 32], [0; 16], [0; 12]);
        Hkdf::<Sha256>::new(Some(&auth), shared.raw_secret_bytes()).expand(&info, &mut material).unwrap();
        let salted = Hkdf::<Sha256>::new(Some(&self.salt), &material);
        salted.expand(b"Content-Encoding: aes128gcm\0", &mut key).unwrap();
        salted.expand(b"Content-Encoding: nonce\0", &mut nonce).unwrap();
        let padded = [plaintext, &self.padding].concat();
        let cipher = Aes128Gcm::new_from_slice(&key).unwrap();
        let record = cipher.encrypt(&Nonce::from(nonce), padded.as_slice()).unwrap();
        [&self.salt[..], &self.record_size.to_be_bytes(), &[65], own.as_bytes(), &record].concat()
    }
}

/// `plaintext`, sealed as it should be.
pub(crate) fn seal(to: &PushKeys, plaintext: &[u8]) -> Vec<u8> {
    Sealer::default().seal(to, plaintext)
}
