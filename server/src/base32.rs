//! Base32 (RFC 4648 section 6), as authenticator apps and makers of hardware tokens write seeds.

use data_encoding::BASE32_NOPAD;
use gatematch_protocol::secret::Secret;
use zeroize::Zeroizing;

/// `bytes`, without padding.
#[must_use]
pub(crate) fn encode(bytes: &[u8]) -> Secret {
    Secret::new(BASE32_NOPAD.encode(bytes))
}

/// What `text` says, without regard to case, blanks, hyphens and padding; `None` where it is no base32.
#[must_use]
pub(crate) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let is_symbol = |c: &char| *c != ' ' && *c != '-';
    // Room from the start: a String that grows leaves copies behind.
    let mut normal = Zeroizing::new(String::with_capacity(text.len()));
    normal.extend(text.trim().trim_end_matches('=').chars().filter(is_symbol).map(|c| c.to_ascii_uppercase()));
    BASE32_NOPAD.decode(normal.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10, without padding.
    #[test]
    fn the_vectors_of_the_rfc() {
        for (bytes, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("fooba", "MZXW6YTB")] {
            assert_eq!(encode(bytes.as_bytes()).reveal(), text);
            assert_eq!(decode(text).unwrap().as_slice(), bytes.as_bytes(), "{text}");
        }
        assert_eq!(decode("mzxw 6ytb-oi======").unwrap().as_slice(), b"foobar");
    }

    #[test]
    fn what_is_no_base32_is_none() {
        for text in ["1", "A", "MZXW6Y!", "MZX", "é", "MZXW6YT0"] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
