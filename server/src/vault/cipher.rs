//! AES-256-GCM (NIST SP 800-38D) under one key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use gatematch_protocol::base64url;
use zeroize::Zeroizing;

use super::NotSealed;
use crate::edge::Edge;

/// One key, ready for use. The library wipes its memory when it is dropped.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    /// A cipher under these 32 bytes.
    pub(super) fn new(key: &[u8]) -> Result<Self, NotSealed> {
        UnboundKey::new(&AES_256_GCM, key).map(|key| Self(LessSafeKey::new(key))).map_err(|_| NotSealed)
    }

    /// Nonce, body and tag, in base64url. Nonces are random: SP 800-38D section 8.3 allows 2^32 of them under one key.
    pub(super) fn seal(&self, label: &str, secret: &[u8], edge: &Edge) -> Result<String, NotSealed> {
        let nonce: [u8; NONCE_LEN] = edge.random().map_err(|_| NotSealed)?;
        let mut sealed = nonce.to_vec();
        // Room for the tag as well: what grows leaves a copy behind, which nobody wipes.
        let mut body = Zeroizing::new(Vec::with_capacity(secret.len() + AES_256_GCM.tag_len()));
        body.extend_from_slice(secret);
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce, Aad::from(label.as_bytes()), &mut *body).map_err(|_| NotSealed)?;
        sealed.extend_from_slice(&body);
        Ok(base64url::encode(sealed))
    }

    /// What was sealed under the same label, unless it was not.
    pub(super) fn open(&self, label: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = base64url::decode(text).ok()?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self.0.open_in_place(nonce, Aad::from(label.as_bytes()), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }
}
