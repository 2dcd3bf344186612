//! PEM files, as people make them: with marks that Windows puts before text, and with blocks that are damaged.

use rustls::pki_types::pem::Error;
use zeroize::Zeroizing;

/// What Windows writes before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The same without the marks of UTF-8, which may stand before each line where files were put together.
pub(super) fn without_marks(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        text.extend_from_slice(line.strip_prefix(MARK).unwrap_or(line));
    }
    text
}

/// Whether it is text in UTF-16, as PowerShell writes it.
pub(super) fn is_utf16(bytes: &[u8]) -> bool {
    let begin = b"B\0E\0G\0I\0N";
    bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.windows(begin.len()).any(|found| found == begin)
}

/// What is wrong with a block. The words of the decoder quote the file, which may hold a key.
pub(super) const fn told(fault: &Error) -> &'static str {
    match fault {
        Error::MissingSectionEnd { .. } => "a block has a BEGIN line, and no END line for it",
        Error::IllegalSectionStart { .. } => "a BEGIN line is damaged",
        Error::Base64Decode(_) => "a block is not base64",
        _ => "a block cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn marks_go_and_all_else_stays() {
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for text in [key.clone(), format!("\u{feff}{key}"), format!("x\r\n\u{feff}{key}"), format!("\u{feff}\n{key}")] {
            assert!(PrivateKeyDer::from_pem_slice(&without_marks(text.as_bytes())).is_ok());
        }
        for text in ["", "\n\n", "x\u{feff}\ny", "x"] {
            assert_eq!(*without_marks(text.as_bytes()), text.as_bytes());
        }
    }

    #[test]
    fn utf_16_is_known_with_and_without_its_mark() {
        let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        let key = "# key\n-----BEGIN PRIVATE KEY-----\n";
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            assert!(is_utf16(&wide(key, bytes)) && is_utf16(&wide(&format!("\u{feff}{key}"), bytes)));
        }
        assert!(!is_utf16(key.as_bytes()) && !is_utf16(format!("\u{feff}{key}").as_bytes()) && !is_utf16(b""));
    }

    #[test]
    fn what_is_told_of_a_damaged_block_quotes_nothing() {
        for (text, what) in [
            ("-----BEGIN PRIVATE KEY-----\nSECRET", "no END line"),
            ("-----BEGIN PRIVATE KEY SECRET\n", "BEGIN line is damaged"),
            ("-----BEGIN PRIVATE KEY-----\n&SECRET&\n-----END PRIVATE KEY-----\n", "not base64"),
        ] {
            let fault = PrivateKeyDer::from_pem_slice(text.as_bytes()).unwrap_err();
            assert!(told(&fault).contains(what), "{fault}");
        }
    }
}
