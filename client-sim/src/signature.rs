//! What can be done to the 64 bytes of an ES256 signature (r || s) by somebody who has no key.

use p256::ecdsa::Signature;

/// The order n of the group, big endian.
pub const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The other signature that holds for the same message and key: (r, n - s). `None` when r or s is out of range.
#[must_use]
pub fn twin(signature: &[u8; 64]) -> Option<[u8; 64]> {
    let (r, s) = Signature::from_slice(signature).ok()?.split_scalars();
    Some(Signature::from_scalars(r, -s).ok()?.to_bytes().into())
}

/// Whether s lies in the upper half of its range. False when r or s is out of range.
#[must_use]
pub fn is_high(signature: &[u8; 64]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| signature.normalize_s() != signature)
}

/// The one of the two twins whose s lies in the upper half.
#[must_use]
pub fn high(signature: &[u8; 64]) -> [u8; 64] {
    if is_high(signature) { *signature } else { twin(signature).unwrap_or(*signature) }
}

/// `signature` with another r.
#[must_use]
pub fn with_r(signature: &[u8; 64], r: [u8; 32]) -> [u8; 64] {
    replaced(signature, 0, r)
}

/// `signature` with another s.
#[must_use]
pub fn with_s(signature: &[u8; 64], s: [u8; 32]) -> [u8; 64] {
    replaced(signature, 32, s)
}

fn replaced(signature: &[u8; 64], from: usize, half: [u8; 32]) -> [u8; 64] {
    let mut changed = *signature;
    for (to, byte) in changed.iter_mut().skip(from).zip(half) {
        *to = byte;
    }
    changed
}

/// The signature as ASN.1 DER, as X.509 and TLS have it and JWS does not: 70 to 72 bytes, mostly.
#[must_use]
pub fn to_der(signature: &[u8; 64]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let mut body = integer(r);
    body.extend(integer(s));
    tagged(0x30, body)
}

fn integer(big_endian: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = big_endian.iter().copied().skip_while(|byte| *byte == 0).collect();
    if digits.first().is_none_or(|first| *first >= 0x80) {
        digits.insert(0, 0);
    }
    tagged(0x02, digits)
}

fn tagged(tag: u8, content: Vec<u8>) -> Vec<u8> {
    // Never above 127 here, so one length byte is enough.
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    [tag, length].into_iter().chain(content).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_is_minimal() {
        let mut signature = [0; 64];
        signature[31] = 0x80;
        signature[32] = 0x7f;
        let der = to_der(&signature);
        assert_eq!(der[..8], [0x30, 38, 0x02, 2, 0, 0x80, 0x02, 32]);
        assert_eq!(der.len(), 40);
    }

    #[test]
    fn out_of_range_has_no_twin() {
        assert_eq!(twin(&[0; 64]), None);
        assert!(!is_high(&[0xff; 64]));
    }
}
