//! Seals a message for one phone: RFC 8291 over RFC 8188 (`aes128gcm`), one record, on primitives of aws-lc-rs.
//!
//! Every sealed message has the same length, [`SEALED_BYTES`], so a push service that looks on cannot tell a login from
//! a hint that one was taken back, or a long name from a short one. That costs 2 KiB on the way for most, and next to
//! nothing here: sealing is two multiplications on the curve, whatever the length.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use gatematch_protocol::base64url::{self, NotCanonical};
use gatematch_protocol::device::PushSubscription;
use zeroize::Zeroizing;

use crate::edge::{Edge, NoEntropy};

/// The longest message, in bytes: room for a signed challenge of 2,900 bytes and what stands around it.
pub const MOST_TEXT_BYTES: usize = 3_072;
/// What a sealed message has, in bytes: below the 4,096 that every push service must take (RFC 8030 section 7.2).
pub const SEALED_BYTES: usize = HEADER_BYTES + MOST_TEXT_BYTES + DELIMITER_BYTES + TAG_BYTES;

/// Salt, record size, length of the key's name, and the key itself (RFC 8188 section 2.1, RFC 8291 section 4).
const HEADER_BYTES: usize = 16 + 4 + 1 + POINT_BYTES;
const POINT_BYTES: usize = 65;
const DELIMITER_BYTES: usize = 1;
const TAG_BYTES: usize = 16;
/// The size of a record; there is one only, which ends sooner.
const RECORD_BYTES: u32 = 4_096;
/// What stands after the text of the last record; zeros follow (RFC 8188 section 2).
const LAST_RECORD: u8 = 2;
/// How often a private key is drawn before randomness is said to be broken: one draw in 2^32 is out of range.
const MAX_DRAWS: usize = 4;

/// Why a message is not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// The subscription's keys are none.
    #[error("the subscription has no sound keys")]
    Keys,
    /// The message is longer than [`MOST_TEXT_BYTES`].
    #[error("the message is too long to be sealed")]
    TooLong,
    /// The private key that was drawn is zero, or not below the order of the curve: draw another one.
    #[error("the private key that was drawn is out of range")]
    OutOfRange,
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The cryptographic module fails.
    #[error("the cryptographic module failed")]
    Failed,
}

impl From<NotCanonical> for SealFault {
    fn from(_: NotCanonical) -> Self {
        Self::Keys
    }
}

/// What a message is sealed for.
pub struct Recipient {
    point: [u8; POINT_BYTES],
    auth: Zeroizing<[u8; 16]>,
}

impl Recipient {
    /// The phone behind `push`.
    ///
    /// # Errors
    /// [`SealFault::Keys`] where its keys are not 65 and 16 bytes. Whether the point is on the curve is found out by
    /// sealing.
    pub fn of(push: &PushSubscription) -> Result<Self, SealFault> {
        let auth = Zeroizing::new(base64url::decode_array(push.keys.auth.reveal())?);
        Ok(Self { point: base64url::decode_array(&push.keys.p256dh)?, auth })
    }
}

/// What is drawn anew for each message.
pub struct Draw {
    /// The private key of one message: a scalar of P-256, big-endian.
    pub private: Zeroizing<[u8; 32]>,
    /// The salt of RFC 8188.
    pub salt: [u8; 16],
}

impl Draw {
    fn from(edge: &Edge) -> Result<Self, NoEntropy> {
        Ok(Self { private: Zeroizing::new(edge.random()?), salt: edge.random()? })
    }
}

/// Seals `text` for `to`; what comes has [`SEALED_BYTES`].
///
/// # Errors
/// [`SealFault`].
pub fn seal(to: &Recipient, text: &[u8], edge: &Edge) -> Result<Vec<u8>, SealFault> {
    let mut sealed = Err(SealFault::OutOfRange);
    for _ in 0..MAX_DRAWS {
        sealed = seal_with(to, text, &Draw::from(edge)?, MOST_TEXT_BYTES);
        if sealed != Err(SealFault::OutOfRange) {
            break;
        }
    }
    sealed
}

/// [`seal`] with what was drawn, and padded to `length` bytes of text (a shorter length pads nothing).
///
/// # Errors
/// [`SealFault`].
pub fn seal_with(to: &Recipient, text: &[u8], draw: &Draw, length: usize) -> Result<Vec<u8>, SealFault> {
    if text.len().max(length) > MOST_TEXT_BYTES {
        return Err(SealFault::TooLong);
    }
    let private =
        PrivateKey::from_private_key(&ECDH_P256, draw.private.as_slice()).map_err(|_| SealFault::OutOfRange)?;
    let public = private.compute_public_key().map_err(|_| SealFault::Failed)?;
    let derive = |secret: &[u8]| derive(secret, to, public.as_ref(), &draw.salt);
    let (key, nonce) = agree(&private, UnparsedPublicKey::new(&ECDH_P256, &to.point), SealFault::Keys, derive)?;
    let mut record = Zeroizing::new(Vec::with_capacity(MOST_TEXT_BYTES + DELIMITER_BYTES + TAG_BYTES));
    record.extend_from_slice(text);
    record.push(LAST_RECORD);
    record.resize(text.len().max(length) + DELIMITER_BYTES, 0);
    let key = UnboundKey::new(&AES_128_GCM, key.as_slice()).map_err(|_| SealFault::Failed)?;
    let nonce = Nonce::assume_unique_for_key(nonce);
    LessSafeKey::new(key).seal_in_place_append_tag(nonce, Aad::empty(), &mut *record).map_err(|_| SealFault::Failed)?;
    let mut sealed = Vec::with_capacity(HEADER_BYTES + record.len());
    sealed.extend_from_slice(&draw.salt);
    sealed.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    sealed.push(u8::try_from(POINT_BYTES).map_err(|_| SealFault::Failed)?);
    sealed.extend_from_slice(public.as_ref());
    sealed.extend_from_slice(&record);
    Ok(sealed)
}

/// The key and the nonce of the one record (RFC 8291 section 3.4; RFC 8188 sections 2.2 and 2.3).
fn derive(
    secret: &[u8],
    to: &Recipient,
    public: &[u8],
    salt: &[u8],
) -> Result<(Zeroizing<[u8; 16]>, [u8; 12]), SealFault> {
    let prk = Salt::new(HKDF_SHA256, to.auth.as_slice()).extract(secret);
    let input: Zeroizing<[u8; 32]> = expand(&prk, &[b"WebPush: info\0", &to.point, public])?;
    let prk = Salt::new(HKDF_SHA256, salt).extract(input.as_slice());
    Ok((expand(&prk, &[b"Content-Encoding: aes128gcm\0"])?, *expand(&prk, &[b"Content-Encoding: nonce\0"])?))
}

/// How many bytes HKDF is to yield.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Result<Zeroizing<[u8; N]>, SealFault> {
    let mut bytes = Zeroizing::new([0; N]);
    let filled = prk.expand(info, Bytes(N)).and_then(|okm| okm.fill(bytes.as_mut_slice()));
    filled.map(|()| bytes).map_err(|_| SealFault::Failed)
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::device::PushKeys;
    use gatematch_protocol::secret::Secret;

    use super::*;

    /// The example of RFC 8291, section 5 and appendix A.
    mod example {
        pub(super) const TEXT: &[u8] = b"When I grow up, I want to be a watermelon";
        pub(super) const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
        pub(super) const RECEIVER: &str =
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        pub(super) const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
        pub(super) const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
        pub(super) const SEALED: &str = concat!(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml",
            "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT",
            "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        );
    }

    fn recipient(p256dh: &str, auth: &str) -> Result<Recipient, SealFault> {
        Recipient::of(&PushSubscription {
            endpoint: Secret::new("https://push.example/x"),
            keys: PushKeys { p256dh: p256dh.to_owned(), auth: Secret::new(auth) },
        })
    }

    fn draw(private: &str) -> Draw {
        let private = Zeroizing::new(base64url::decode_array(private).unwrap());
        Draw { private, salt: base64url::decode_array(example::SALT).unwrap() }
    }

    #[test]
    fn the_example_of_rfc_8291_comes_out_byte_for_byte() {
        let to = recipient(example::RECEIVER, example::AUTH).unwrap();
        let sealed = seal_with(&to, example::TEXT, &draw(example::PRIVATE), 0).unwrap();
        assert_eq!(base64url::encode(sealed), example::SEALED);
    }

    #[test]
    fn every_message_is_as_long_as_every_other_and_none_is_like_another() {
        let to = recipient(example::RECEIVER, example::AUTH).unwrap();
        let edge = Edge::system();
        let (mut longest, most) = (Vec::new(), [b'x'; MOST_TEXT_BYTES]);
        for length in [0, 1, 58, 900, 2_922, MOST_TEXT_BYTES] {
            let sealed = seal(&to, &most[..length], &edge).unwrap();
            assert_eq!(sealed.len(), SEALED_BYTES);
            assert_ne!(sealed, longest);
            longest = sealed;
        }
        const { assert!(SEALED_BYTES <= 4_096) };
        assert_ne!(seal(&to, &most, &edge), seal(&to, &most, &edge));
        assert_eq!(seal(&to, &[b'x'; MOST_TEXT_BYTES + 1], &edge), Err(SealFault::TooLong));
    }

    #[test]
    fn a_private_key_out_of_range_is_drawn_again() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};

        /// Draws nothing but ones for some time.
        struct Broken(AtomicUsize);

        impl crate::edge::Entropy for Broken {
            fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
                let well = self.0.fetch_sub(1, Ordering::Relaxed) == 1;
                bytes.fill(if well { 7 } else { 0xff });
                Ok(())
            }
        }

        let to = recipient(example::RECEIVER, example::AUTH).unwrap();
        let zero = base64url::encode([0; 32]);
        let order = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE";
        for private in [zero.as_str(), order, &base64url::encode([0xff; 32])] {
            assert_eq!(seal_with(&to, b"x", &draw(private), 0), Err(SealFault::OutOfRange), "{private}");
        }
        let edge = |bad: usize| Edge { entropy: Arc::new(Broken(AtomicUsize::new(bad))), ..Edge::system() };
        // A draw takes two fills: the key, then the salt.
        assert!(seal(&to, b"x", &edge(3)).is_ok());
        assert_eq!(seal(&to, b"x", &edge(1_000)), Err(SealFault::OutOfRange));
    }

    #[test]
    fn keys_that_are_none_seal_nothing() {
        let edge = Edge::system();
        let off_the_curve = base64url::encode([4; 65]);
        let to = recipient(&off_the_curve, example::AUTH).unwrap();
        assert_eq!(seal(&to, b"x", &edge), Err(SealFault::Keys));
        for (p256dh, auth) in [("", example::AUTH), (example::RECEIVER, ""), (example::SALT, example::AUTH)] {
            assert_eq!(recipient(p256dh, auth).err(), Some(SealFault::Keys));
        }
    }
}
