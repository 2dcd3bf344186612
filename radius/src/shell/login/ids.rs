//! What makes calls repeatable: derived from the request, so that a retransmission finds its challenge again even when
//! the front door was started anew in between (contract section 8).

use std::net::IpAddr;

use gatematch_protocol::secret::sha256;

use crate::duplicate::Key;

/// The `Idempotency-Key` of a create.
pub(super) fn idempotency_key(key: &Key) -> String {
    derived(b"gatematch-radius create\0", key)
}

/// The `redemption_id` of a redeem.
pub(super) fn redemption_id(key: &Key) -> String {
    derived(b"gatematch-radius redeem\0", key)
}

/// base64url(SHA-256(label || client address || port || identifier || authenticator)); addresses as IPv6.
fn derived(label: &[u8], key: &Key) -> String {
    let address = match key.source.ip().to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let port = key.source.port().to_be_bytes();
    sha256([label, &address.octets(), &port, &[key.identifier], &key.authenticator].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_and_each_use_has_its_own() {
        let key = Key { source: ([192, 0, 2, 7], 5_000).into(), identifier: 7, authenticator: [9; 16] };
        let others = [
            Key { source: ([192, 0, 2, 8], 5_000).into(), ..key },
            Key { source: ([192, 0, 2, 7], 5_001).into(), ..key },
            Key { identifier: 8, ..key },
            Key { authenticator: [8; 16], ..key },
        ];
        for other in others {
            assert_ne!(idempotency_key(&key), idempotency_key(&other));
        }
        assert_ne!(idempotency_key(&key), redemption_id(&key));
        assert_eq!(idempotency_key(&key).len(), 43);
        let mapped = Key { source: "[::ffff:192.0.2.7]:5000".parse().unwrap(), ..key };
        assert_eq!(idempotency_key(&key), idempotency_key(&mapped));
    }
}
