//! base64url without padding (RFC 4648, section 5; RFC 7515, section 2), strict in reading.
//!
//! One byte string has one text: padding, white space, the other alphabet and stray trailing bits are
//! refused, so a signed token cannot be respelled.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A text that is not canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64url without padding")]
pub struct NotCanonical;

/// The one text of `bytes`.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a canonical text.
///
/// # Errors
/// [`NotCanonical`] for every text that [`encode`] would not have written.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, NotCanonical> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotCanonical)
}

/// The bytes of a canonical text that has exactly `N` of them.
///
/// # Errors
/// [`NotCanonical`] as [`decode`], and for another length.
pub fn decode_array<const N: usize>(text: impl AsRef<[u8]>) -> Result<[u8; N], NotCanonical> {
    decode(text)?.try_into().map_err(|_| NotCanonical)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn respelled_texts_are_refused() {
        assert_eq!(decode("AQ"), Ok(vec![1]));
        for text in ["AQ==", "AR", "A", "AQ\n", " AQ", "A+", "A/", "AQ=", "ÄQ"] {
            assert_eq!(decode(text), Err(NotCanonical), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_decodes_is_what_encode_writes(text in "[A-Za-z0-9_=+/-]{0,40}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }
    }
}
