//! Knowing a text again without keeping it.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::edge::{Edge, NoEntropy};

/// Makes fingerprints, under a key of this process that never leaves it. There is no `Debug`.
#[derive(Default)]
pub(in crate::shell) struct Fingerprints(OnceLock<Key>);

/// HMAC-SHA-256 of a text: equal for equal texts, in this process. `Debug` tells nothing of it.
#[derive(Clone)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprints {
    /// The fingerprint of `text`.
    ///
    /// # Errors
    /// [`NoEntropy`] where there is no key yet, and none can be made.
    pub(super) fn of(&self, text: &[u8], edge: &Edge) -> Result<Fingerprint, NoEntropy> {
        let mut mac = [0; 32];
        // A tag is as long as SHA-256.
        mac.iter_mut().zip(sign(self.key(edge)?, text).as_ref()).for_each(|(to, from)| *to = *from);
        Ok(Fingerprint(mac))
    }

    fn key(&self, edge: &Edge) -> Result<&Key, NoEntropy> {
        if let Some(key) = self.0.get() {
            return Ok(key);
        }
        let random = Zeroizing::new(edge.random::<32>()?);
        Ok(self.0.get_or_init(|| Key::new(HMAC_SHA256, random.as_slice())))
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_and_only_in_this_process() {
        let (edge, these, others) = (Edge::system(), Fingerprints::default(), Fingerprints::default());
        let of = |text: &[u8]| these.of(text, &edge).unwrap();
        assert_eq!(of(b"Passw0rd12"), of(b"Passw0rd12"));
        for other in [&b"Passw0rd1"[..], b"passw0rd12", b"Passw0rd12 ", b"", b"\xff"] {
            assert_ne!(of(b"Passw0rd12"), of(other), "{other:?}");
        }
        assert_ne!(of(b"Passw0rd12"), others.of(b"Passw0rd12", &edge).unwrap(), "another process has another key");
        assert_ne!(
            of(b"Passw0rd12").0.as_slice(),
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"Passw0rd12").as_ref()
        );
    }

    #[test]
    fn nothing_is_told_of_it() {
        let fingerprint = Fingerprints::default().of(b"Passw0rd12", &Edge::system()).unwrap();
        assert_eq!(format!("{fingerprint:?}"), "Fingerprint(..)");
    }
}
