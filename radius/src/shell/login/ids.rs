//! What makes calls repeatable: derived from the request, so that a retransmission finds its challenge again even when
//! the front door was started anew in between (contract section 8). Its octets count as well: a client that repeats its
//! authenticators gets no answer that was meant for another request.

use std::net::IpAddr;

use gatematch_protocol::secret::sha256;

use crate::door::Request;

/// The `Idempotency-Key` of a create.
pub(super) fn idempotency_key(request: &Request) -> String {
    derived(b"gatematch-radius create\0", request)
}

/// The `redemption_id` of a redeem.
pub(super) fn redemption_id(request: &Request) -> String {
    derived(b"gatematch-radius redeem\0", request)
}

/// base64url(SHA-256(label || client address || port || the packet)), in which identifier and authenticator stand;
/// addresses as IPv6.
fn derived(label: &[u8], request: &Request) -> String {
    let key = &request.head.key;
    let address = match key.source.ip().to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let port = key.source.port().to_be_bytes();
    sha256([label, &address.octets(), &port, &request.raw].concat())
}

#[cfg(test)]
mod tests {
    use gatematch_protocol::time::Timestamp;

    use super::*;
    use crate::door::Head;
    use crate::duplicate::Key;

    fn request(source: &str, raw: &[u8]) -> Request {
        let key = Key { source: source.parse().unwrap(), identifier: 7, authenticator: [9; 16] };
        let head = Head { key, serial: 1, client: 0, code: 1, proxy_states: Vec::new() };
        let arrived = Timestamp::from_numeric_date(0);
        let (user, raw) = ("alice".to_owned(), raw.to_vec());
        Request { head, user, machine_name: None, calling_station_id: None, state: None, raw, arrived }
    }

    #[test]
    fn each_request_and_each_use_has_its_own() {
        let one = request("192.0.2.7:5000", b"one");
        let others = [
            request("192.0.2.8:5000", b"one"),
            request("192.0.2.7:5001", b"one"),
            request("192.0.2.7:5000", b"two"),
            request("192.0.2.7:5000", b"one more"),
        ];
        for other in others {
            assert_ne!(idempotency_key(&one), idempotency_key(&other));
            assert_ne!(redemption_id(&one), redemption_id(&other));
        }
        assert_ne!(idempotency_key(&one), redemption_id(&one));
        assert_eq!(idempotency_key(&one).len(), 43);
        assert_eq!(idempotency_key(&one), idempotency_key(&request("[::ffff:192.0.2.7]:5000", b"one")));
    }
}
